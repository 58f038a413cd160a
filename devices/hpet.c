/* IA-PC HPET (specification 1.0a): a 64-bit counter of 100 MHz and three timers, all of them
 * periodic if wanted.  Interrupts go to the I/O APIC's inputs 20-23, or, in legacy replacement
 * mode, take the places of the 8254's and the real-time clock's; there are no FSB messages. */
#include <stdlib.h>

#include "devices/apic.h"
#include "devices/internal.h"

enum {
    TIMERS = 3,
    TICK_NS = 10,

    CAPABILITIES = 0x000,
    CONFIGURATION = 0x010,
    STATUS = 0x020,
    COUNTER = 0x0F0,
    TIMER0 = 0x100,
    TIMER_STRIDE = 0x20,
    TIMER_CONFIG = 0x00,
    TIMER_COMPARATOR = 0x08,

    ENABLE = 1 << 0,
    LEGACY = 1 << 1,

    LEVEL = 1 << 1,
    INTERRUPT = 1 << 2,
    PERIODIC = 1 << 3,
    PERIODIC_CAPABLE = 1 << 4,
    SIZE_64 = 1 << 5,
    SET_VALUE = 1 << 6,
    MODE_32 = 1 << 8,
    ROUTE_SHIFT = 9,
    TIMER_WRITABLE = LEVEL | INTERRUPT | PERIODIC | SET_VALUE | MODE_32 | 0x1F << ROUTE_SHIFT,
    ROUTES = 0x00F00000,

    SHORTEST_INTERVAL_NS = 10000, /* between two interrupts, whatever is programmed */

    /* Late ticks are made up for as the 8254's are (devices/pit.c). */
    SHORTEST_OWED_NS = 100000,
    LONGEST_LATE_NS = 500000000,
    CATCH_UP_RATE = 4,
};
/* Intel, legacy replacement, 64 bits, three timers, revision 1; 10,000,000 fs a tick. */
#define CAPABILITIES_VALUE (0x8086A201ull | 10000000ull << 32)

struct hpet_timer {
    struct hpet *hpet;
    struct vtimer timer;
    uint32_t config;
    uint64_t comparator, period;
    uint64_t due;     /* ns: when the counter meets the comparator */
    uint64_t owed;    /* ticks that passed without an interrupt of their own */
    uint64_t owed_at; /* ns: when the next of them is due */
};

struct hpet {
    struct vclock *clock;
    struct irq_line irqs;
    uint64_t config;
    uint64_t counter; /* its value at STARTED, or while it stands */
    uint64_t started; /* ns */
    uint8_t status;
    uint8_t legacy[2];     /* what the 8254 and the clock drive */
    uint8_t level[TIMERS]; /* what the timers drive */
    struct hpet_timer timer[TIMERS];
};

static unsigned number(const struct hpet_timer *t)
{
    return (unsigned)(t - t->hpet->timer);
}

static uint64_t counter_now(const struct hpet *h)
{
    if (!(h->config & ENABLE))
        return h->counter;
    return h->counter + (vclock_now(h->clock) - h->started) / TICK_NS;
}

/* ---- interrupts ---- */

/* The input that timer N drives: 0 and 8 in legacy replacement mode, -1 for none. */
static int route(const struct hpet *h, unsigned n)
{
    unsigned pin = h->timer[n].config >> ROUTE_SHIFT & 31;

    if (h->config & LEGACY && n < 2)
        return n ? 8 : 0;
    return (uint32_t)ROUTES >> pin & 1 ? (int)pin : -1;
}

static void drive(struct hpet *h, unsigned n, uint8_t level)
{
    int pin = route(h, n);

    if (h->level[n] == level)
        return;
    h->level[n] = level;
    if (pin >= 0 && h->irqs.set)
        h->irqs.set(h->irqs.opaque, pin, level);
}

/* An edge leaves the line high: the 8259A forgets a request whose line falls. */
static void fire(struct hpet_timer *t)
{
    struct hpet *h = t->hpet;
    unsigned n = number(t);

    if (t->config & LEVEL)
        h->status |= (uint8_t)(1 << n);
    if (!(t->config & INTERRUPT))
        return;
    if (!(t->config & LEVEL))
        drive(h, n, 0);
    drive(h, n, 1);
}

/* Take N's line down before its route changes, or when its cause is gone. */
static void settle(struct hpet *h, unsigned n)
{
    const struct hpet_timer *t = &h->timer[n];

    if (!(t->config & INTERRUPT))
        drive(h, n, 0);
    else if (t->config & LEVEL)
        drive(h, n, h->status >> n & 1);
}

/* ---- timers ---- */

static uint64_t mask_of(const struct hpet_timer *t)
{
    return t->config & MODE_32 ? UINT32_MAX : UINT64_MAX;
}

static bool armed(const struct hpet_timer *t)
{
    return t->hpet->config & ENABLE && t->config & (INTERRUPT | LEVEL);
}

/* COUNTER is what the main counter said when the comparator was set: the host may let time go by
 * between two readings, and a comparator that has been passed then would wait for the next round. */
static void arm(struct hpet_timer *t, uint64_t counter)
{
    struct hpet *h = t->hpet;
    const uint64_t far = UINT64_MAX / 4 / TICK_NS;
    uint64_t ticks = (t->comparator - counter - 1) & mask_of(t), when;

    if (!armed(t) || ticks > far) {
        vtimer_cancel(h->clock, &t->timer);
        return;
    }
    when = h->started + (counter - h->counter + ticks + 1) * TICK_NS;
    if (t->config & PERIODIC && t->period * TICK_NS < SHORTEST_INTERVAL_NS) {
        uint64_t earliest = vclock_now(h->clock) + SHORTEST_INTERVAL_NS;

        when = when < earliest ? earliest : when;
    }
    t->due = when;
    vtimer_set(h->clock, &t->timer, t->owed && t->owed_at < when ? t->owed_at : when);
}

/* The guest changed what the timer counts by. */
static void rearm(struct hpet_timer *t)
{
    t->owed = 0;
    arm(t, counter_now(t->hpet));
}

static uint64_t period_ns_of(const struct hpet_timer *t)
{
    uint64_t period = t->config & PERIODIC ? t->period & mask_of(t) : 0;

    return period > LONGEST_LATE_NS ? LONGEST_LATE_NS : period * TICK_NS;
}

/* No more than half a second's interrupts are owed.  Nobody counts on each one of a line that is
 * high until the guest says so. */
static void bound_owed(struct hpet_timer *t)
{
    uint64_t period_ns = period_ns_of(t);

    if (period_ns < SHORTEST_OWED_NS || !(t->config & INTERRUPT) || t->config & LEVEL)
        t->owed = 0;
    else if (t->owed > LONGEST_LATE_NS / period_ns)
        t->owed = LONGEST_LATE_NS / period_ns;
}

/* MISSED periods went by without an interrupt. */
static void owe(struct hpet_timer *t, uint64_t missed)
{
    if (!missed)
        return;
    t->owed += missed;
    bound_owed(t);
    t->owed_at = vclock_now(t->hpet->clock) + period_ns_of(t) / CATCH_UP_RATE;
}

static void expired(void *opaque)
{
    struct hpet_timer *t = opaque;
    uint64_t mask = mask_of(t), period = t->period & mask, now = counter_now(t->hpet);
    uint64_t time = vclock_now(t->hpet->clock);

    if (t->owed && time < t->due) {
        t->owed--;
        t->owed_at = time + period_ns_of(t) / CATCH_UP_RATE;
    } else if (t->config & PERIODIC && period) { /* the next one that is not past */
        uint64_t late = (now - t->comparator) & mask;

        owe(t, late / period);
        t->comparator = (t->comparator + (late / period + 1) * period) & mask;
    }
    fire(t);
    arm(t, now);
}

/* What the host was late for happens before a register is looked at. */
static void catch_up(struct hpet *h)
{
    for (unsigned n = 0; n < TIMERS; n++) {
        struct hpet_timer *t = &h->timer[n];

        if (t->timer.armed && t->timer.deadline <= vclock_now(h->clock)) {
            vtimer_cancel(h->clock, &t->timer);
            expired(t);
        }
    }
}

/* ---- registers, 64 bits each ---- */

static uint64_t read_register(const struct hpet *h, uint32_t at)
{
    unsigned n = (at - TIMER0) / TIMER_STRIDE;

    switch (at) {
    case CAPABILITIES:
        return CAPABILITIES_VALUE;
    case CONFIGURATION:
        return h->config;
    case STATUS:
        return h->status;
    case COUNTER:
        return counter_now(h);
    }
    if (at < TIMER0 || n >= TIMERS)
        return 0;
    switch ((at - TIMER0) % TIMER_STRIDE) {
    case TIMER_CONFIG:
        return (uint64_t)ROUTES << 32 | h->timer[n].config | PERIODIC_CAPABLE | SIZE_64;
    case TIMER_COMPARATOR:
        return h->timer[n].comparator;
    default:
        return 0;
    }
}

static void release_legacy(struct hpet *h)
{
    static const int pins[2] = {0, 8};

    for (int n = 0; n < 2 && h->irqs.set; n++)
        h->irqs.set(h->irqs.opaque, pins[n], h->legacy[n]);
}

static void write_configuration(struct hpet *h, uint64_t value)
{
    uint64_t changed = (value ^ h->config) & (ENABLE | LEGACY);

    h->counter = counter_now(h);
    h->started = vclock_now(h->clock);
    if (changed & LEGACY)
        for (unsigned n = 0; n < 2; n++)
            drive(h, n, 0);
    h->config = value & (ENABLE | LEGACY);
    if (changed & LEGACY && !(value & LEGACY))
        release_legacy(h);
    else if (changed & LEGACY)
        for (unsigned n = 0; n < 2 && h->irqs.set; n++) /* the others are cut off */
            h->irqs.set(h->irqs.opaque, n ? 8 : 0, h->level[n]);
    for (unsigned n = 0; n < TIMERS; n++) {
        settle(h, n);
        rearm(&h->timer[n]);
    }
}

static void write_timer_config(struct hpet *h, unsigned n, uint32_t value)
{
    struct hpet_timer *t = &h->timer[n];

    if ((value ^ t->config) >> ROUTE_SHIFT & 31)
        drive(h, n, 0);
    t->config = value & TIMER_WRITABLE;
    if (t->config & MODE_32) {
        t->comparator &= UINT32_MAX;
        t->period &= UINT32_MAX;
    }
    if (!(t->config & LEVEL))
        h->status &= (uint8_t) ~(1u << n);
    settle(h, n);
    rearm(t);
}

/* "Periodic Mode": what is written is the period; the comparator itself too after SET_VALUE. */
static void write_comparator(struct hpet_timer *t, uint64_t value, uint64_t mask)
{
    if (!(t->config & PERIODIC) || t->config & SET_VALUE)
        t->comparator = ((t->comparator & ~mask) | (value & mask)) & mask_of(t);
    if (t->config & PERIODIC)
        t->period = ((t->period & ~mask) | (value & mask)) & mask_of(t);
    t->config &= ~(uint32_t)SET_VALUE;
    rearm(t);
}

/* Write the bits of MASK. */
static void write_register(struct hpet *h, uint32_t at, uint64_t value, uint64_t mask)
{
    unsigned n = (at - TIMER0) / TIMER_STRIDE;
    uint64_t merged = (read_register(h, at) & ~mask) | (value & mask);

    switch (at) {
    case CONFIGURATION:
        write_configuration(h, merged);
        return;
    case STATUS:
        h->status &= (uint8_t) ~(value & mask);
        for (n = 0; n < TIMERS; n++)
            settle(h, n);
        return;
    case COUNTER: /* to be written while it stands */
        h->counter = merged;
        h->started = vclock_now(h->clock);
        for (n = 0; n < TIMERS; n++)
            rearm(&h->timer[n]);
        return;
    }
    if (at < TIMER0 || n >= TIMERS)
        return;
    if ((at - TIMER0) % TIMER_STRIDE == TIMER_CONFIG)
        write_timer_config(h, n, (uint32_t)merged);
    else if ((at - TIMER0) % TIMER_STRIDE == TIMER_COMPARATOR)
        write_comparator(&h->timer[n], value, mask);
}

static uint32_t hpet_read(void *opaque, uint32_t offset, unsigned size)
{
    struct hpet *h = opaque;

    (void)size;
    catch_up(h);
    return (uint32_t)(read_register(h, offset & ~7u) >> 8 * (offset & 7));
}

static void hpet_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct hpet *h = opaque;
    unsigned shift = 8 * (offset & 7);
    uint64_t mask = size == 4 ? UINT32_MAX : (1ull << 8 * size) - 1;

    catch_up(h);
    write_register(h, offset & ~7u, (uint64_t)value << shift, mask << shift);
}

static const struct mmio_ops hpet_ops = {hpet_read, hpet_write, 4};

/* ---- the interrupts it replaces ---- */

static void set_legacy(void *opaque, int n, int level)
{
    struct hpet *h = opaque;

    h->legacy[n] = level != 0;
    if (!(h->config & LEGACY) && h->irqs.set)
        h->irqs.set(h->irqs.opaque, n ? 8 : 0, level);
}

struct irq_line hpet_legacy_line(struct hpet *h, int n)
{
    return (struct irq_line){set_legacy, h, n};
}

/* ---- life ---- */

static void hpet_reset(void *dev)
{
    struct hpet *h = dev;

    for (unsigned n = 0; n < TIMERS; n++) {
        struct hpet_timer *t = &h->timer[n];

        drive(h, n, 0);
        vtimer_cancel(h->clock, &t->timer);
        t->config = 0;
        t->comparator = UINT64_MAX;
        t->period = t->owed = 0;
    }
    h->config = h->counter = h->started = 0;
    h->status = 0;
}

/* A stored debt of interrupts is a sensible one. */
static void hpet_loaded(void *dev)
{
    struct hpet *h = dev;

    for (unsigned n = 0; n < TIMERS; n++) {
        bound_owed(&h->timer[n]);
        arm(&h->timer[n], counter_now(h));
    }
}

/* clang-format off */
#define TIMER_FIELDS(i)                                                                            \
    FIELD(struct hpet, timer[i].config), FIELD(struct hpet, timer[i].comparator),                  \
    FIELD(struct hpet, timer[i].period), FIELD(struct hpet, timer[i].owed),                        \
    FIELD(struct hpet, timer[i].owed_at)
/* clang-format on */

static const struct field hpet_fields[] = {
    FIELD(struct hpet, config),
    FIELD(struct hpet, counter),
    FIELD(struct hpet, started),
    FIELD(struct hpet, status),
    FIELD_ARRAY(struct hpet, legacy),
    FIELD_ARRAY(struct hpet, level),
    TIMER_FIELDS(0),
    TIMER_FIELDS(1),
    TIMER_FIELDS(2),
    FIELD_END,
};

static const struct device_class hpet_class = {
    .name = "hpet",
    .fields = hpet_fields,
    .reset = hpet_reset,
    .loaded = hpet_loaded,
    .free = free,
};

struct hpet *hpet_init(struct board *board, struct irq_line irqs)
{
    struct hpet *h = device_alloc(sizeof *h);

    h->clock = board->clock;
    h->irqs = irqs;
    for (unsigned n = 0; n < TIMERS; n++) {
        h->timer[n].hpet = h;
        vtimer_init(&h->timer[n].timer, "HPET", expired, &h->timer[n]);
    }
    phys_map_mmio(board->phys, "hpet", HPET_BASE, PAGE_SIZE, &hpet_ops, h);
    hpet_reset(h);
    device_add(board->devices, &hpet_class, h);
    return h;
}
