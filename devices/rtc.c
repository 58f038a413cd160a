/* MC146818A real-time clock with 128 bytes of CMOS memory (Motorola MC146818A datasheet,
 * "Registers", "Update Cycle"; Intel 82371SB, ports 70h and 71h).
 *
 * The clock does not tick: it is a number of seconds at a point of virtual time, and the flags of
 * register C are worked out from the time gone by since they were last looked at.  A timer runs
 * only while an enabled interrupt is to come.  The date is in rtc_time.c.
 *
 * Differences: a change of the data mode or of 12/24 converts the time at once, and bit DSE is
 * kept but does nothing, since no country follows the rule of 1984 that it stands for. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"
#include "devices/rtc_time.h"

enum {
    CMOS_SIZE = 128,
    REG_A = 0x0a,
    REG_B = 0x0b,
    REG_C = 0x0c,
    REG_D = 0x0d,

    A_UIP = 0x80,
    A_DIVIDER = 0x70,
    A_DIVIDER_RUNS = 0x20, /* with the 32,768 Hz crystal of a PC; all above is reset or test */
    A_RATE = 0x0f,
    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    C_IRQF = 0x80,
    C_PF = 0x40,
    C_AF = 0x20,
    C_UF = 0x10,
    C_ENABLES = 0x70, /* the bits of B at the places of C's flags */
    D_VRT = 0x80,

    NMI_MASK = 0x80, /* bit 7 of port 70h */

    NS = 1000000000,
    CRYSTAL = 32768,
    UIP_NS = 244000 + 1984000,   /* UIP rises 244 us before the update cycle of 1984 us */
    FIRST_UPDATE_NS = 500000000, /* after the divider's reset is lifted */
};

/* The years 0 to 9999, which are all that the registers can show. */
static const int64_t FIRST_SECOND = -62167219200, LAST_SECOND = 253402300799;

struct rtc {
    struct vclock *clock;
    struct irq_line irq8;
    struct vtimer timer;
    uint8_t index, nmi_masked;
    uint8_t cmos[CMOS_SIZE]; /* the time's bytes are valid only while the clock is held */
    int64_t seconds;         /* since 1970 at the virtual time ZERO */
    int64_t zero;            /* ns; a second begins here */
    int64_t weekday;         /* what the day-of-week register is off the calendar */
    int64_t seen;            /* ns: register C's flags are up to date until here */
    int64_t epoch;           /* at power-on */
    int64_t told;            /* the offset that was reported last */
    void (*changed)(void *opaque, int64_t offset);
    void *opaque;
};

static int64_t now_ns(struct rtc *r)
{
    return (int64_t)vclock_now(r->clock);
}

static bool divider_runs(const struct rtc *r)
{
    return (r->cmos[REG_A] & A_DIVIDER) <= A_DIVIDER_RUNS;
}

/* The time registers are the guest's to write: no updates. */
static bool held(const struct rtc *r)
{
    return (r->cmos[REG_B] & B_SET) || !divider_runs(r);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Seconds that began up to NOW since ZERO. */
static int64_t updates_until(const struct rtc *r, int64_t now)
{
    return floor_div(now - r->zero, NS);
}

static int64_t time_at(const struct rtc *r, int64_t now)
{
    return r->seconds + updates_until(r, now);
}

/* Show the time of NOW in the registers / take it from there.  Both only move between
 * representations; the phase of the second stays. */
static void show_time(struct rtc *r, int64_t now)
{
    rtc_encode(time_at(r, now), r->weekday, r->cmos);
}

static void take_time(struct rtc *r, int64_t now)
{
    int64_t t = rtc_decode(r->cmos, &r->weekday);

    r->seconds = t - updates_until(r, now);
}

/* Periods of the selected rate that ended up to NOW, since ZERO ("Periodic Interrupt Rate"). */
static unsigned period_ticks(const struct rtc *r)
{
    unsigned rate = r->cmos[REG_A] & A_RATE;

    if (rate == 0 || !divider_runs(r))
        return 0;
    return rate <= 2 ? 1u << (rate + 6) : 1u << (rate - 1);
}

static int64_t periods_until(const struct rtc *r, int64_t now, unsigned ticks)
{
    /* Whole seconds are whole periods: every rate divides 2^15. */
    int64_t whole = updates_until(r, now);
    int64_t rest = now - r->zero - whole * NS;

    return whole * (CRYSTAL / ticks) + rest * CRYSTAL / NS / ticks;
}

static void update_irq(struct rtc *r)
{
    uint8_t on = r->cmos[REG_C] & r->cmos[REG_B] & C_ENABLES;

    r->cmos[REG_C] &= (uint8_t)~C_IRQF;
    if (on)
        r->cmos[REG_C] |= C_IRQF;
    irq_set(&r->irq8, on != 0);
}

/* Set the flags of all that happened since SEEN. */
static void sync(struct rtc *r)
{
    int64_t now = now_ns(r);
    unsigned ticks = period_ticks(r);

    if (ticks && periods_until(r, now, ticks) > periods_until(r, r->seen, ticks))
        r->cmos[REG_C] |= C_PF;
    if (!held(r) && updates_until(r, now) > updates_until(r, r->seen)) {
        int64_t before = time_at(r, r->seen);

        r->cmos[REG_C] |= C_UF;
        if (rtc_next_alarm(r->cmos, before) <= time_at(r, now))
            r->cmos[REG_C] |= C_AF;
    }
    r->seen = now;
    update_irq(r);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Arm the timer for the next interrupt.  While IRQF is set nothing can change on the line. */
static void schedule(struct rtc *r)
{
    int64_t now = now_ns(r), deadline = INT64_MAX;
    uint8_t b = r->cmos[REG_B];
    unsigned ticks = period_ticks(r);

    if (r->cmos[REG_C] & C_IRQF) {
        vtimer_cancel(r->clock, &r->timer);
        return;
    }
    if ((b & B_PIE) && ticks) {
        int64_t next = periods_until(r, now, ticks) + 1;
        int64_t per_second = CRYSTAL / ticks;
        int64_t whole = floor_div(next, per_second);
        uint64_t rest = (uint64_t)(next - whole * per_second) * ticks;

        deadline = r->zero + whole * NS + (int64_t)scale_up(rest, NS, CRYSTAL);
    }
    if ((b & B_UIE) && !held(r))
        deadline = earlier(deadline, r->zero + (updates_until(r, now) + 1) * NS);
    if ((b & B_AIE) && !held(r)) {
        int64_t alarm = rtc_next_alarm(r->cmos, time_at(r, now));

        if (alarm != INT64_MAX)
            deadline = earlier(deadline, r->zero + (alarm - r->seconds) * NS);
    }
    if (deadline == INT64_MAX)
        vtimer_cancel(r->clock, &r->timer);
    else
        vtimer_set(r->clock, &r->timer, deadline < 0 ? 0 : (uint64_t)deadline);
}

static void timer_fired(void *opaque)
{
    struct rtc *r = opaque;

    sync(r);
    schedule(r);
}

/* Divider resets keep the seconds and restart their phase: "the first update occurs one-half
 * second later". */
static void write_a(struct rtc *r, uint8_t value)
{
    int64_t now = now_ns(r);
    bool was_held = held(r), ran = divider_runs(r);

    if (!was_held)
        show_time(r, now);
    r->cmos[REG_A] = value & (A_DIVIDER | A_RATE);
    if (!ran && divider_runs(r))
        r->zero = now - (NS - FIRST_UPDATE_NS);
    if (!held(r) && (was_held || !ran))
        take_time(r, now);
}

/* "SET": a 1 stops updates and clears UIE. */
static void write_b(struct rtc *r, uint8_t value)
{
    int64_t now = now_ns(r);
    bool was_held = held(r);

    if (value & B_SET)
        value &= (uint8_t)~B_UIE;
    if (!was_held && (value & B_SET))
        show_time(r, now);
    r->cmos[REG_B] = value;
    if (was_held && !held(r))
        take_time(r, now);
}

static void write_time(struct rtc *r, uint8_t index, uint8_t value)
{
    int64_t now = now_ns(r);

    if (held(r)) {
        r->cmos[index] = value;
        return;
    }
    show_time(r, now);
    r->cmos[index] = value;
    take_time(r, now);
}

static void write_register(struct rtc *r, uint8_t index, uint8_t value)
{
    switch (index) {
    case REG_A:
        write_a(r, value);
        break;
    case REG_B:
        write_b(r, value);
        break;
    case REG_C: /* read-only */
    case REG_D:
        break;
    default:
        if (rtc_is_time(index))
            write_time(r, index, value);
        else
            r->cmos[index] = value;
        break;
    }
}

/* Without side effects. */
static uint8_t peek(struct rtc *r, uint8_t index)
{
    int64_t now = now_ns(r);

    if (rtc_is_time(index) && !held(r))
        show_time(r, now);
    if (index == REG_A && !held(r) && now - r->zero - updates_until(r, now) * NS >= NS - UIP_NS)
        return r->cmos[REG_A] | A_UIP;
    return r->cmos[index];
}

static uint32_t rtc_read(void *opaque, uint16_t offset, unsigned size)
{
    struct rtc *r = opaque;
    uint8_t value;

    (void)size;
    if (offset == 0)
        return 0xff; /* write-only on an AT */
    if (r->index == REG_C)
        sync(r);
    value = peek(r, r->index);
    if (r->index == REG_C) {
        r->cmos[REG_C] = 0;
        update_irq(r);
        schedule(r);
    }
    return value;
}

/* The phase of the second moves too when the clock is set: a second more or less is no news. */
static void tell_change(struct rtc *r)
{
    int64_t now = now_ns(r);
    int64_t offset = time_at(r, now) - r->epoch - floor_div(now, NS);

    if (offset - r->told >= -1 && offset - r->told <= 1)
        return;
    r->told = offset;
    if (r->changed)
        r->changed(r->opaque, offset);
}

void rtc_on_change(struct rtc *r, void (*changed)(void *opaque, int64_t offset), void *opaque)
{
    r->changed = changed;
    r->opaque = opaque;
}

static void rtc_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct rtc *r = opaque;

    (void)size;
    if (offset == 0) {
        r->index = value & (CMOS_SIZE - 1);
        r->nmi_masked = (value & NMI_MASK) != 0;
        return;
    }
    if (r->index > REG_D && !rtc_is_time(r->index)) {
        r->cmos[r->index] = (uint8_t)value;
        return;
    }
    sync(r);
    write_register(r, r->index, (uint8_t)value);
    update_irq(r);
    schedule(r);
    if (!held(r))
        tell_change(r);
}

static const struct io_ops rtc_ops = {rtc_read, rtc_write, 1};

void rtc_pass(struct rtc *r, uint64_t ns)
{
    sync(r);
    if (held(r))
        return;
    r->seconds += (int64_t)(ns / NS);
    r->epoch += (int64_t)(ns / NS);
    r->zero -= (int64_t)(ns % NS);
    if (r->zero < 0) {
        r->zero += NS;
        r->seconds++;
    }
    schedule(r);
}

void rtc_set_cmos(struct rtc *r, uint8_t index, uint8_t value)
{
    sync(r);
    write_register(r, index & (CMOS_SIZE - 1), value);
    update_irq(r);
    schedule(r);
}

uint8_t rtc_get_cmos(struct rtc *r, uint8_t index)
{
    sync(r);
    return peek(r, index & (CMOS_SIZE - 1));
}

/* RESET#: interrupts and flags are cleared; time, divider, modes and memory stay. */
static void rtc_reset(void *opaque)
{
    struct rtc *r = opaque;

    sync(r);
    r->cmos[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->cmos[REG_C] = 0;
    r->index = r->nmi_masked = 0;
    update_irq(r);
    schedule(r);
}

/* Times that the clock cannot show, and points in time that are still to come, would be far beyond
 * what it computes with. */
static void rtc_loaded(void *opaque)
{
    struct rtc *r = opaque;
    int64_t now = now_ns(r);

    r->index &= CMOS_SIZE - 1;
    if (r->zero < -NS || r->zero > now)
        r->zero = now;
    if (r->seen < -NS || r->seen > now)
        r->seen = now;
    if (r->seconds < 2 * FIRST_SECOND || r->seconds > 2 * LAST_SECOND)
        r->seconds = r->epoch;
    if (r->weekday < 0 || r->weekday > 6)
        r->weekday = 0;
    update_irq(r);
    schedule(r);
}

static const struct field rtc_fields[] = {
    FIELD(struct rtc, index),      FIELD(struct rtc, nmi_masked),
    FIELD_ARRAY(struct rtc, cmos), FIELD(struct rtc, seconds),
    FIELD(struct rtc, zero),       FIELD(struct rtc, weekday),
    FIELD(struct rtc, seen),       FIELD_END,
};

static const struct device_class rtc_class = {
    .name = "rtc",
    .fields = rtc_fields,
    .reset = rtc_reset,
    .loaded = rtc_loaded,
    .free = free,
};

struct rtc *rtc_init(struct board *board, struct irq_line irq8, int64_t epoch)
{
    struct rtc *r = device_alloc(sizeof(*r));

    r->clock = board->clock;
    r->irq8 = irq8;
    vtimer_init(&r->timer, "rtc", timer_fired, r);
    r->cmos[REG_A] = A_DIVIDER_RUNS | 6; /* 1024 Hz */
    r->cmos[REG_B] = RTC_B_24H;
    r->cmos[REG_D] = D_VRT;
    r->zero = r->seen = now_ns(r);
    r->seconds = epoch < FIRST_SECOND ? FIRST_SECOND : epoch > LAST_SECOND ? LAST_SECOND : epoch;
    bus_map(board->bus, "rtc", 0x70, 2, &rtc_ops, r);
    device_add(board->devices, &rtc_class, r);
    r->epoch = r->seconds;
    rtc_reset(r);
    return r;
}
