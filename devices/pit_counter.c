/* The six modes of the 8254 (Intel 8254 datasheet, order 231164, "Mode Definitions").
 *
 * Nothing ticks: the counting element is loaded at tick START with N, and count and OUT are
 * computed from the ticks elapsed since then.  A count written while a periodic mode runs takes
 * effect at the end of the period (of the half period in mode 3); counter_sync moves START there
 * once that time has come. */
#include "devices/pit_counter.h"

enum {
    CONTROL_BCD = 0x01,
    RW_LSB = 1,
    RW_MSB = 2,
    RW_BOTH = 3,
    STATUS_OUT = 0x80,
    STATUS_NULL = 0x40,
};

static bool bcd(const struct counter *c)
{
    return c->control & CONTROL_BCD;
}

static unsigned rw(const struct counter *c)
{
    return c->control >> 4 & 3;
}

static bool periodic(const struct counter *c)
{
    return c->mode == 2 || c->mode == 3;
}

static uint32_t from_bcd(uint32_t v)
{
    return (v >> 12 & 15) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
}

static uint32_t to_bcd(uint32_t v)
{
    return v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
}

static uint64_t elapsed(const struct counter *c, uint64_t now)
{
    if (c->state == COUNTER_HELD)
        return c->elapsed;
    return c->state == COUNTER_RUNNING && now > c->start ? now - c->start : 0;
}

/* Length of mode 3's high half: the longer one of an odd count. */
static uint32_t high_half(uint32_t n)
{
    return (n + 1) / 2;
}

/* Mode 3: ticks since the last begin of a high half. */
static uint32_t position(const struct counter *c, uint64_t now)
{
    return (uint32_t)((elapsed(c, now) + (c->start_low ? high_half(c->n) : 0)) % c->n);
}

static void load(struct counter *c, uint64_t now)
{
    c->n = c->cr;
    c->pending = 0;
    c->start_low = 0;
    c->elapsed = 0;
    c->start = now + 1; /* on the next CLK pulse */
    c->state = COUNTER_RUNNING;
}

/* Load unless the gate is low, in which case the count waits at its beginning. */
static void load_gated(struct counter *c, uint64_t now)
{
    load(c, now);
    if (!c->gate)
        c->state = COUNTER_HELD;
}

static void counter_sync(struct counter *c, uint64_t now)
{
    if (!c->pending || !periodic(c) || c->state != COUNTER_RUNNING || now < c->boundary)
        return;
    c->n = c->cr;
    c->pending = 0;
    c->start = c->boundary;
    c->start_low = c->boundary_low;
}

/* Modes 2 and 3: the new count replaces the old one at the end of the (half) period. */
static void load_at_boundary(struct counter *c, uint64_t now)
{
    uint32_t left;

    c->boundary_low = 0;
    c->pending = 1;
    if (now < c->start) {
        c->boundary = c->start;
        c->boundary_low = c->start_low;
        return;
    }
    if (c->mode == 2) {
        left = c->n - (uint32_t)(elapsed(c, now) % c->n);
    } else {
        uint32_t pos = position(c, now);

        c->boundary_low = pos < high_half(c->n) && c->n > 1;
        left = c->boundary_low ? high_half(c->n) - pos : c->n - pos;
    }
    c->boundary = now + left;
}

/* A complete count was written. */
static void write_count(struct counter *c, uint64_t now, uint32_t value)
{
    c->cr = bcd(c) ? from_bcd(value) : value;
    if (c->cr == 0)
        c->cr = bcd(c) ? 10000 : 65536;
    c->blocked = 0;
    switch (c->mode) {
    case 0:
    case 4:
        load_gated(c, now);
        break;
    case 1:
    case 5:
        c->pending = 1; /* until the gate's next rise */
        break;
    default:
        if (c->state == COUNTER_IDLE)
            load_gated(c, now);
        else if (c->state == COUNTER_HELD)
            c->pending = 1;
        else
            load_at_boundary(c, now);
        break;
    }
}

void counter_control(struct counter *c, uint8_t control)
{
    *c = (struct counter){.gate = c->gate, .n = c->n ? c->n : 65536};
    c->control = control & 0x3f;
    c->mode = control >> 1 & 7;
    if (c->mode > 5)
        c->mode &= 3;
    c->state = COUNTER_IDLE;
}

void counter_write(struct counter *c, uint64_t now, uint8_t value)
{
    counter_sync(c, now);
    switch (rw(c)) {
    case RW_LSB:
        write_count(c, now, value);
        break;
    case RW_MSB:
        write_count(c, now, (uint32_t)value << 8);
        break;
    case RW_BOTH:
        if (c->write_msb) {
            c->write_msb = 0;
            write_count(c, now, (uint32_t)value << 8 | c->write_lsb);
            break;
        }
        c->write_msb = 1;
        c->write_lsb = value;
        if (c->mode == 0) { /* "writing the first byte disables counting" */
            c->elapsed = elapsed(c, now);
            c->blocked = 1;
            if (c->state == COUNTER_RUNNING)
                c->state = COUNTER_HELD;
        }
        break;
    default: /* no control word yet */
        break;
    }
}

static uint16_t current_count(const struct counter *c, uint64_t now)
{
    uint32_t modulus = bcd(c) ? 10000 : 65536;
    uint64_t e = elapsed(c, now);
    uint32_t value;

    if (c->mode == 2) {
        value = c->n - (uint32_t)(e % c->n);
    } else if (c->mode == 3) {
        uint32_t pos = position(c, now);
        uint32_t in_half = pos < high_half(c->n) ? pos : pos - high_half(c->n);

        value = (c->n & ~1u) - 2 * in_half;
    } else { /* wraps around and goes on after zero */
        value = (uint32_t)((c->n + modulus - e % modulus) % modulus);
    }
    value %= modulus;
    return (uint16_t)(bcd(c) ? to_bcd(value) : value);
}

void counter_latch_count(struct counter *c, uint64_t now)
{
    counter_sync(c, now);
    if (c->count_latched)
        return; /* "ignored until the latched count is read" */
    c->latch = current_count(c, now);
    c->count_latched = 1;
}

static bool null_count(const struct counter *c, uint64_t now)
{
    return c->state == COUNTER_IDLE || c->pending || c->write_msb ||
           (c->state == COUNTER_RUNNING && now < c->start);
}

void counter_latch_status(struct counter *c, uint64_t now)
{
    counter_sync(c, now);
    if (c->status_latched)
        return;
    c->status = c->control | (counter_out(c, now) ? STATUS_OUT : 0) |
                (null_count(c, now) ? STATUS_NULL : 0);
    c->status_latched = 1;
}

uint8_t counter_read(struct counter *c, uint64_t now)
{
    uint16_t count;
    bool msb = rw(c) == RW_MSB;

    counter_sync(c, now);
    if (c->status_latched) {
        c->status_latched = 0;
        return c->status;
    }
    count = c->count_latched ? c->latch : current_count(c, now);
    if (rw(c) == RW_BOTH) {
        msb = c->read_msb;
        c->read_msb ^= 1;
    }
    if (msb || rw(c) != RW_BOTH)
        c->count_latched = 0;
    return (uint8_t)(msb ? count >> 8 : count);
}

static void gate_rises(struct counter *c, uint64_t now)
{
    switch (c->mode) {
    case 0:
    case 4:
        if (c->state == COUNTER_HELD && !c->blocked) {
            c->start = now - c->elapsed;
            c->state = COUNTER_RUNNING;
        }
        break;
    case 1:
    case 5:
        if (c->cr) {
            bool before = counter_out(c, now);

            load(c, now);
            c->out_before = before;
        }
        break;
    default:
        if (c->state != COUNTER_IDLE)
            load(c, now);
        break;
    }
}

void counter_gate(struct counter *c, uint64_t now, bool level)
{
    counter_sync(c, now);
    if (level == (c->gate != 0))
        return;
    c->gate = level;
    if (level) {
        gate_rises(c, now);
    } else if (c->mode != 1 && c->mode != 5 && c->state == COUNTER_RUNNING) {
        c->elapsed = elapsed(c, now);
        c->state = COUNTER_HELD;
    }
}

bool counter_out(struct counter *c, uint64_t now)
{
    uint64_t e;

    counter_sync(c, now);
    e = elapsed(c, now);
    if (c->state == COUNTER_IDLE)
        return c->mode != 0;
    switch (c->mode) {
    case 0:
        return !c->blocked && e >= c->n;
    case 1:
        return now < c->start ? c->out_before : e >= c->n;
    case 2:
        return c->state == COUNTER_HELD || c->n < 2 || e % c->n != c->n - 1;
    case 3:
        return c->state == COUNTER_HELD || position(c, now) < high_half(c->n);
    default:
        return e != c->n;
    }
}

uint32_t counter_period(const struct counter *c)
{
    return periodic(c) && c->state == COUNTER_RUNNING && c->n >= 2 ? c->n : 0;
}

/* A count of 1 is illegal in modes 2 and 3: OUT stays high then. */
static uint64_t next_periodic_rise(const struct counter *c, uint64_t now)
{
    uint64_t from = now < c->start ? c->start : now;

    if (c->n < 2)
        return 0;
    if (c->mode == 2)
        return from + c->n - elapsed(c, from) % c->n;
    return from + c->n - position(c, from);
}

uint64_t counter_next_rise(struct counter *c, uint64_t now, bool *rises)
{
    uint64_t rise;

    counter_sync(c, now);
    *rises = true;
    if (c->state != COUNTER_RUNNING)
        return 0;
    if (periodic(c)) {
        rise = next_periodic_rise(c, now);
        if (c->pending && (!rise || c->boundary < rise)) {
            *rises = false;
            rise = c->boundary;
        }
        return rise;
    }
    rise = c->start + c->n + (c->mode >= 4); /* the strobe ends one tick after it begins */
    return rise > now ? rise : 0;
}
