/* A stretch of time told by the host's time-stamp counter. */
#ifndef RINGER_TIMELINE_H
#define RINGER_TIMELINE_H

#include <stdint.h>

/* While the counter is less than SPAN ticks beyond HOST, the time is NS + (counter - HOST) * MULT /
 * 2^32 nanoseconds.  SPAN 0: it has to be asked for. */
struct timeline {
    uint64_t host, span, ns, mult;
};

static inline uint64_t timeline_counter(void)
{
    return __builtin_ia32_rdtsc();
}

#endif
