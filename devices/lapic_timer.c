/* The local APIC's timer: one-shot, periodic and TSC-deadline (SDM vol. 3A, "APIC Timer").  The
 * counter is computed from virtual time; the host is asked for a wake-up only where an interrupt
 * is to come. */
#include "devices/internal.h"
#include "devices/lapic_internal.h"

/* Between two interrupts of a periodic timer, whatever is programmed. */
enum { SHORTEST_INTERVAL_NS = 10000 };

unsigned lapic_timer_mode(const struct lapic *l)
{
    return l->lvt[LVT_TIMER] >> LVT_TIMER_SHIFT & 3;
}

/* ns a count: the divide register's bits 0, 1 and 3. */
static uint64_t count_ns(const struct lapic *l)
{
    unsigned code = (l->divide & 3) | (l->divide >> 1 & 4);

    return (uint64_t)LAPIC_TICK_NS << ((code + 1) & 7);
}

static uint64_t period_ns(const struct lapic *l)
{
    return l->initial * count_ns(l);
}

static bool counts(const struct lapic *l)
{
    return l->running && lapic_timer_mode(l) < TIMER_DEADLINE;
}

/* When the next interrupt is due; 0: none is to come. */
static uint64_t due(const struct lapic *l)
{
    if (lapic_timer_mode(l) == TIMER_DEADLINE)
        return l->deadline;
    return counts(l) ? l->started + period_ns(l) : 0;
}

void lapic_timer_arm(struct lapic *l)
{
    uint64_t when = due(l);

    if (!when || (l->lvt[LVT_TIMER] & LVT_MASKED)) {
        vtimer_cancel(l->clock, &l->timer);
        return;
    }
    if (lapic_timer_mode(l) == TIMER_PERIODIC) {
        uint64_t earliest = vclock_now(l->clock) + SHORTEST_INTERVAL_NS;

        if (when < earliest && period_ns(l) < SHORTEST_INTERVAL_NS)
            when = earliest;
    }
    vtimer_set(l->clock, &l->timer, when);
}

/* The count reached zero, or the deadline passed, by NOW. */
static void expire(struct lapic *l, uint64_t now)
{
    if (lapic_timer_mode(l) == TIMER_DEADLINE) {
        l->deadline = 0;
    } else if (lapic_timer_mode(l) == TIMER_PERIODIC) {
        l->started += (now - l->started) / period_ns(l) * period_ns(l);
    } else {
        l->running = 0;
    }
    lapic_local(l, LVT_TIMER);
}

static void sync_at(struct lapic *l, uint64_t now)
{
    uint64_t when = due(l);

    if (!when || when > now)
        return;
    expire(l, now);
    lapic_timer_arm(l);
}

void lapic_timer_sync(struct lapic *l)
{
    sync_at(l, vclock_now(l->clock));
}

void lapic_timer_fired(void *opaque)
{
    struct lapic *l = opaque;

    lapic_timer_sync(l);
    if (!l->timer.armed)
        lapic_timer_arm(l);
}

uint32_t lapic_timer_count(struct lapic *l)
{
    uint64_t now = vclock_now(l->clock); /* once: the count may end between two readings */

    sync_at(l, now);
    if (!counts(l))
        return 0;
    return l->initial - (uint32_t)((now - l->started) / count_ns(l));
}

void lapic_timer_start(struct lapic *l, uint32_t initial)
{
    if (lapic_timer_mode(l) == TIMER_DEADLINE)
        return;
    lapic_timer_sync(l);
    l->initial = initial;
    l->running = initial != 0;
    l->started = vclock_now(l->clock);
    lapic_timer_arm(l);
}

/* The count goes on from where it is at the new rate. */
void lapic_timer_divide(struct lapic *l, uint8_t divide)
{
    uint64_t passed = 0;

    lapic_timer_sync(l);
    if (counts(l))
        passed = (vclock_now(l->clock) - l->started) / count_ns(l);
    l->divide = divide & DIVIDE_WRITABLE;
    if (counts(l))
        l->started = vclock_now(l->clock) - passed * count_ns(l);
    lapic_timer_arm(l);
}

void lapic_timer_lvt(struct lapic *l, uint32_t value)
{
    bool was = lapic_timer_mode(l) == TIMER_DEADLINE;

    lapic_timer_sync(l);
    l->lvt[LVT_TIMER] = value;
    if (was != (lapic_timer_mode(l) == TIMER_DEADLINE)) /* either disarms what the other armed */
        l->running = 0, l->deadline = 0;
    lapic_timer_arm(l);
}

void lapic_set_deadline(struct lapic *l, uint64_t ns)
{
    if (lapic_timer_mode(l) != TIMER_DEADLINE || !lapic_hardware_enabled(l))
        return;
    lapic_timer_sync(l);
    l->deadline = ns;
    lapic_timer_sync(l);
    lapic_timer_arm(l);
}

uint64_t lapic_deadline(struct lapic *l)
{
    lapic_timer_sync(l);
    return l->deadline;
}
