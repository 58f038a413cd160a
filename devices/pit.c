/* 8254 programmable interval timer and the system control port 61h (port B).
 *
 * The counters are in pit_counter.c; here are the ports (8254 datasheet, "Programming the 8254",
 * "Read-Back Command"), the gates, and the interrupt that counter 0 makes.
 *
 * Each access reads the clock once: the host may let any time go by between two readings, a whole
 * count included, whose end nobody would see then.
 *
 * IRQ0 follows OUT0 with one difference: in the periodic modes the line is held high between two
 * rising edges.  The interrupt controller forgets a request whose line falls, and a host that
 * runs ringer late would lose ticks that no real machine loses. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"
#include "devices/pit_counter.h"

enum {
    PIT_HZ = 1193182,
    NS = 1000000000,

    COUNTERS = 3,
    READ_BACK = 3,           /* the control word's counter number that means the command */
    READ_BACK_COUNT = 0x20,  /* active low */
    READ_BACK_STATUS = 0x10, /* active low */

    PORT61_GATE2 = 0x01,
    PORT61_SPEAKER = 0x02,
    PORT61_STORED = 0x0f, /* gate, speaker, parity and channel check enables */
    PORT61_REFRESH = 0x10,
    PORT61_OUT2 = 0x20,
    REFRESH_TICKS = 18, /* bit 4 toggles with every refresh request: each 15 us */

    /* Late ticks are made up for, at up to CATCH_UP_RATE times the programmed rate, unless they
     * are shorter than the first or older than the second of these. */
    SHORTEST_OWED_NS = 100000,
    LONGEST_LATE_NS = 500000000,
    CATCH_UP_RATE = 4,
    SHORTEST_INTERVAL_NS = 10000, /* between two interrupts, whatever is programmed */
};

struct pit {
    struct vclock *clock;
    struct irq_line irq0;
    struct vtimer timer;
    struct counter counter[COUNTERS];
    uint8_t port61;
    uint8_t rises;    /* OUT0 rises at tick NEXT (else there is only something to look at) */
    uint64_t next;    /* 0: nothing */
    uint64_t owed;    /* ticks that passed without an interrupt of their own */
    uint64_t owed_at; /* ns: when the next of them is due */
    void (*before)(void *opaque); /* called before what the speaker does changes; or NULL */
    void *before_opaque;
};

static uint64_t to_ticks(uint64_t ns)
{
    return scale_down(ns, PIT_HZ, NS);
}

static uint64_t ticks_now(struct pit *p)
{
    return to_ticks(vclock_now(p->clock));
}

static void pulse(struct pit *p)
{
    irq_set(&p->irq0, 0);
    irq_set(&p->irq0, 1);
}

static void schedule(struct pit *p, uint64_t now)
{
    uint64_t earliest = vclock_now(p->clock) + SHORTEST_INTERVAL_NS;
    uint64_t deadline = UINT64_MAX;
    bool rises;

    p->next = counter_next_rise(&p->counter[0], now, &rises);
    p->rises = rises;
    if (p->next) {
        deadline = scale_up(p->next, NS, PIT_HZ);
        if (counter_period(&p->counter[0]) && deadline < earliest)
            deadline = earliest;
    }
    if (p->owed && p->owed_at < deadline)
        deadline = p->owed_at;
    if (deadline == UINT64_MAX)
        vtimer_cancel(p->clock, &p->timer);
    else
        vtimer_set(p->clock, &p->timer, deadline);
}

/* Interrupts are owed only so far back, and at no more than a host can deliver. */
static void bound_owed(struct pit *p)
{
    uint64_t period_ns = scale_down(counter_period(&p->counter[0]), NS, PIT_HZ);

    if (period_ns < SHORTEST_OWED_NS)
        p->owed = 0;
    else if (p->owed > LONGEST_LATE_NS / period_ns)
        p->owed = LONGEST_LATE_NS / period_ns;
}

/* Count the ticks that went by since NEXT without an interrupt. */
static void add_owed(struct pit *p, uint64_t now)
{
    uint64_t period = counter_period(&p->counter[0]);
    uint64_t period_ns = scale_down(period, NS, PIT_HZ);
    uint64_t missed;

    if (!period || p->counter[0].pending || period_ns < SHORTEST_OWED_NS)
        return;
    missed = (now - p->next) / period;
    p->owed += missed;
    bound_owed(p);
    if (missed)
        p->owed_at = vclock_now(p->clock) + period_ns / CATCH_UP_RATE;
}

/* Deliver what counter 0 has done up to time NS.  Called by the timer, and before anything about
 * the counter is changed. */
static void catch_up(struct pit *p, uint64_t ns)
{
    uint64_t now = to_ticks(ns);

    if (p->next && now >= p->next) {
        if (p->rises) {
            add_owed(p, now);
            pulse(p);
        }
    } else if (p->owed && ns >= p->owed_at) {
        p->owed--;
        p->owed_at = ns + scale_down(counter_period(&p->counter[0]), NS, PIT_HZ) / CATCH_UP_RATE;
        pulse(p);
    }
    schedule(p, now);
}

static void timer_fired(void *opaque)
{
    struct pit *p = opaque;

    catch_up(p, vclock_now(p->clock));
}

/* Counter 0 was programmed: the interrupt line takes OUT's level. */
static void reprogrammed(struct pit *p, uint64_t now)
{
    p->owed = 0;
    irq_set(&p->irq0, counter_out(&p->counter[0], now));
    schedule(p, now);
}

static void settle_speaker(struct pit *p)
{
    if (p->before)
        p->before(p->before_opaque);
}

static void write_control(struct pit *p, uint64_t now, uint8_t value)
{
    unsigned select = value >> 6;

    if (select == READ_BACK) {
        for (int i = 0; i < COUNTERS; i++) {
            if (!(value >> (i + 1) & 1))
                continue;
            if (!(value & READ_BACK_COUNT))
                counter_latch_count(&p->counter[i], now);
            if (!(value & READ_BACK_STATUS))
                counter_latch_status(&p->counter[i], now);
        }
        return;
    }
    if (!(value & 0x30)) {
        counter_latch_count(&p->counter[select], now);
        return;
    }
    counter_control(&p->counter[select], value);
    if (select == 0)
        reprogrammed(p, now);
}

static uint32_t pit_read(void *opaque, uint16_t offset, unsigned size)
{
    struct pit *p = opaque;

    (void)size;
    if (offset == 2 && p->counter[2].pending)
        settle_speaker(p); /* reading takes a new count that is due */
    return offset < COUNTERS ? counter_read(&p->counter[offset], ticks_now(p)) : 0xff;
}

static void pit_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct pit *p = opaque;
    uint64_t ns, now;

    (void)size;
    if (offset >= 2)
        settle_speaker(p);
    ns = vclock_now(p->clock);
    now = to_ticks(ns);
    catch_up(p, ns);
    if (offset == COUNTERS) {
        write_control(p, now, (uint8_t)value);
        return;
    }
    counter_write(&p->counter[offset], now, (uint8_t)value);
    if (offset == 0) {
        /* A new count in mode 0 takes OUT down at once; elsewhere the line stays as it is. */
        if (p->counter[0].mode == 0)
            irq_set(&p->irq0, counter_out(&p->counter[0], now));
        p->owed = 0;
        schedule(p, now);
    }
}

static uint32_t port61_read(void *opaque, uint16_t offset, unsigned size)
{
    struct pit *p = opaque;
    uint64_t now;
    uint32_t value = p->port61;

    (void)offset;
    (void)size;
    if (p->counter[2].pending)
        settle_speaker(p);
    now = ticks_now(p);
    if (now / REFRESH_TICKS & 1)
        value |= PORT61_REFRESH;
    if (counter_out(&p->counter[2], now))
        value |= PORT61_OUT2;
    return value;
}

static void port61_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct pit *p = opaque;

    (void)offset;
    (void)size;
    if ((p->port61 ^ value) & (PORT61_GATE2 | PORT61_SPEAKER))
        settle_speaker(p);
    p->port61 = value & PORT61_STORED;
    counter_gate(&p->counter[2], ticks_now(p), value & PORT61_GATE2);
}

bool pit_speaker_level(struct pit *p, uint64_t tick)
{
    return p->port61 & PORT61_SPEAKER && counter_out(&p->counter[2], tick);
}

bool pit_speaker_plays(const struct pit *p)
{
    return p->port61 & PORT61_SPEAKER && (counter_period(&p->counter[2]) || p->counter[2].pending);
}

void pit_on_speaker(struct pit *p, void (*before)(void *opaque), void *opaque)
{
    p->before = before;
    p->before_opaque = opaque;
}

static const struct io_ops pit_ops = {pit_read, pit_write, 1};
static const struct io_ops port61_ops = {port61_read, port61_write, 1};

/* The 8254 has no reset input and wakes up in any state.  Here it wakes up as an AT's POST
 * programs it: the 18.2 Hz tick, the refresh, a silent speaker. */
static void pit_reset(void *opaque)
{
    struct pit *p = opaque;
    uint64_t now = ticks_now(p);

    p->port61 = 0;
    p->owed = 0;
    for (int i = 0; i < COUNTERS; i++)
        p->counter[i] = (struct counter){.gate = i != 2, .n = 65536};
    counter_control(&p->counter[0], 0x36);
    counter_write(&p->counter[0], now, 0);
    counter_write(&p->counter[0], now, 0);
    counter_control(&p->counter[1], 0x54);
    counter_write(&p->counter[1], now, REFRESH_TICKS);
    counter_control(&p->counter[2], 0xb6);
    reprogrammed(p, now);
}

/* What is counted modulo N must have one, what may be loaded needs a count in its register, and a
 * stored debt of interrupts is a sensible one. */
static void pit_loaded(void *opaque)
{
    struct pit *p = opaque;

    for (int i = 0; i < COUNTERS; i++) {
        struct counter *c = &p->counter[i];
        bool empty = !c->cr && (c->state != COUNTER_IDLE || c->pending);

        if (c->mode > 5 || c->state > COUNTER_HELD || !c->n || c->n > 65536 || c->cr > 65536 ||
            empty)
            *c = (struct counter){.gate = c->gate, .n = 65536};
    }
    bound_owed(p);
    schedule(p, ticks_now(p));
}

/* clang-format off */
#define COUNTER_FIELD(i, member) FIELD(struct pit, counter[i].member)
#define COUNTER_FIELDS(i)                                                                          \
    COUNTER_FIELD(i, control), COUNTER_FIELD(i, mode), COUNTER_FIELD(i, gate),                     \
    COUNTER_FIELD(i, state), COUNTER_FIELD(i, blocked), COUNTER_FIELD(i, pending),                 \
    COUNTER_FIELD(i, start_low), COUNTER_FIELD(i, boundary_low), COUNTER_FIELD(i, out_before),     \
    COUNTER_FIELD(i, write_msb), COUNTER_FIELD(i, write_lsb), COUNTER_FIELD(i, read_msb),          \
    COUNTER_FIELD(i, count_latched), COUNTER_FIELD(i, status_latched), COUNTER_FIELD(i, status),   \
    COUNTER_FIELD(i, latch), COUNTER_FIELD(i, cr), COUNTER_FIELD(i, n), COUNTER_FIELD(i, start),   \
    COUNTER_FIELD(i, elapsed), COUNTER_FIELD(i, boundary)
/* clang-format on */

static const struct field pit_fields[] = {
    COUNTER_FIELDS(0),         COUNTER_FIELDS(1),          COUNTER_FIELDS(2),
    FIELD(struct pit, port61), FIELD(struct pit, rises),   FIELD(struct pit, next),
    FIELD(struct pit, owed),   FIELD(struct pit, owed_at), FIELD_END,
};

static const struct device_class pit_class = {
    .name = "pit",
    .fields = pit_fields,
    .reset = pit_reset,
    .loaded = pit_loaded,
    .free = free,
};

struct pit *pit_init(struct board *board, struct irq_line irq0)
{
    struct pit *p = device_alloc(sizeof(*p));

    p->clock = board->clock;
    p->irq0 = irq0;
    vtimer_init(&p->timer, "pit", timer_fired, p);
    bus_map(board->bus, "pit", 0x40, 4, &pit_ops, p);
    bus_map(board->bus, "port61", 0x61, 1, &port61_ops, p);
    device_add(board->devices, &pit_class, p);
    pit_reset(p);
    return p;
}
