/* The host's monotonic clock, read by its time-stamp counter. */
#ifndef RINGER_DEVICES_HOSTTIME_H
#define RINGER_DEVICES_HOSTTIME_H

#include <stdbool.h>

#include "ringer/timeline.h"

/* Where readings come from: the counter (NULL: there is none to rely on), and CLOCK_MONOTONIC in
 * nanoseconds.  Tests and slow clocks have their own. */
struct hosttime_source {
    uint64_t (*counter)(void *opaque);
    uint64_t (*clock)(void *opaque);
    void *opaque;
};

struct hosttime {
    struct timeline line;
    struct hosttime_source source;
    bool counts;                   /* the counter is one to rely on */
    unsigned doubts;               /* times that it was found not to be */
    uint64_t zero;                 /* taken off the clock */
    uint64_t floor;                /* no later reading is less */
    uint64_t first_tsc, first_ns;  /* where the counter's rate is measured from */
    uint64_t ratio;                /* that rate: nanoseconds a tick, times 2^32; 0: not known yet */
    uint64_t measured;             /* ... over so long a time */
};

/* SOURCE NULL: the host's. */
void hosttime_init(struct hosttime *h, const struct hosttime_source *source);
/* Nanoseconds since the last hosttime_start, plus what it was given; never less than before. */
uint64_t hosttime_now(struct hosttime *h);
/* Let the time be NOW. */
void hosttime_start(struct hosttime *h, uint64_t now);
/* H's line does not hold any longer: time stands still, or starts anew. */
void hosttime_end(struct hosttime *h);

#endif
