/* One counter of the 8254, its state a function of the time in its own clock's ticks. */
#ifndef RINGER_DEVICES_PIT_COUNTER_H
#define RINGER_DEVICES_PIT_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

enum counter_state {
    COUNTER_IDLE,    /* no count loaded since the control word */
    COUNTER_RUNNING, /* counting since tick START */
    COUNTER_HELD,    /* the gate is low; ELAPSED ticks were counted */
};

struct counter {
    uint8_t control; /* D5..D0 of the control word as it was written */
    uint8_t mode;    /* 0..5 */
    uint8_t gate;
    uint8_t state;
    uint8_t blocked;      /* mode 0 between the two bytes of a count: OUT is low */
    uint8_t pending;      /* the count register waits for a trigger or the end of a period */
    uint8_t start_low;    /* mode 3: START began a low half */
    uint8_t boundary_low; /* mode 3: at BOUNDARY a low half begins */
    uint8_t out_before;   /* mode 1: OUT until START */
    uint8_t write_msb, write_lsb, read_msb;
    uint8_t count_latched, status_latched, status;
    uint16_t latch;
    uint32_t cr;       /* the count register, 1..65536; 0: none written since the control word */
    uint32_t n;        /* what the counting element was last loaded with */
    uint64_t start;    /* the tick at which it was loaded */
    uint64_t elapsed;  /* HELD: ticks counted */
    uint64_t boundary; /* tick at which a pending count is taken in modes 2 and 3 */
};

/* All times are ticks; NOW never goes back.  "Counter", "latch", "gate" are the datasheet's. */
void counter_control(struct counter *c, uint8_t control); /* a control word, not latch/read-back */
void counter_write(struct counter *c, uint64_t now, uint8_t value);
uint8_t counter_read(struct counter *c, uint64_t now);
void counter_latch_count(struct counter *c, uint64_t now);
void counter_latch_status(struct counter *c, uint64_t now);
void counter_gate(struct counter *c, uint64_t now, bool level);
bool counter_out(struct counter *c, uint64_t now);

/* The first tick after NOW at which OUT rises, as far as is known at NOW; 0 for never.  With a
 * count pending it may be the tick at which to ask again: then *RISES is false. */
uint64_t counter_next_rise(struct counter *c, uint64_t now, bool *rises);
/* The period in ticks of a periodic mode, 0 otherwise. */
uint32_t counter_period(const struct counter *c);

#endif
