/* Time by the counter: CLOCK_MONOTONIC is asked once in a millisecond, and extrapolated in between.
 *
 * That costs a third of clock_gettime, and code that must not call out can do it as well (the
 * translator's RDTSC).  The counter's rate is measured against the clock all the time; where they part
 * by more than a tenth of a millisecond (a counter that stands still in a suspended host, that differs
 * between processors, or a machine that was moved) it is measured anew, and soon given up. */
#include "devices/hosttime.h"

#include <cpuid.h>
#include <string.h>
#include <time.h>

#define MS 1000000ull

enum {
    SPAN_NS = 1000000,      /* of a line */
    MEASURE_NS = 10000000,  /* least time to measure the rate in */
    MEASURE_MAX = 1000000000,
    PART_NS = 100000,       /* so far clock and counter may differ, */
    RATE_ERROR = 4096,      /* and by a part in so many of the time since the last reading */
    DOUBTS_MAX = 16,
    READ_TICKS = 4000,      /* a clock_gettime that takes longer was interrupted */
    READ_TRIES = 3,
};

static uint64_t counter_of_host(void *opaque)
{
    (void)opaque;
    return timeline_counter();
}

static uint64_t clock_of_host(void *opaque)
{
    struct timespec t;

    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* CPUID 80000007h EDX bit 8: the counter's rate is one, and it never stops. */
static bool invariant_counter(void)
{
    enum { LEAF = (int)0x80000007, INVARIANT = 1 << 8 };
    unsigned a, b, c, d;

    return __get_cpuid((unsigned)LEAF, &a, &b, &c, &d) && (d & INVARIANT);
}

void hosttime_init(struct hosttime *h, const struct hosttime_source *source)
{
    memset(h, 0, sizeof(*h));
    h->source = (struct hosttime_source){counter_of_host, clock_of_host, NULL};
    if (source)
        h->source = *source;
    h->counts = source ? source->counter != NULL : invariant_counter();
}

/* Counter and clock at the same moment; false: they were not, but *NS is right. */
static bool read_both(const struct hosttime *h, uint64_t *tsc, uint64_t *ns)
{
    for (int i = 0; i < READ_TRIES; i++) {
        uint64_t before = h->source.counter(h->source.opaque);

        *ns = h->source.clock(h->source.opaque);
        *tsc = h->source.counter(h->source.opaque);
        if (*tsc - before < READ_TICKS) {
            *tsc = before + (*tsc - before) / 2;
            return true;
        }
    }
    return false;
}

static uint64_t scale(uint64_t ticks, uint64_t mult)
{
    return (uint64_t)((unsigned __int128)ticks * mult >> 32);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void measure_from(struct hosttime *h, uint64_t tsc, uint64_t ns)
{
    h->first_tsc = tsc;
    h->first_ns = ns;
}

static void measure(struct hosttime *h, uint64_t tsc, uint64_t ns)
{
    uint64_t ticks = tsc - h->first_tsc, time = ns - h->first_ns;

    if (!h->first_ns || ticks >> 48 || time >> 48)
        measure_from(h, tsc, ns);
    else if (time >= MEASURE_NS && time >= h->measured && ticks) { /* the longer the better */
        h->ratio = (uint64_t)(((unsigned __int128)time << 32) / ticks);
        h->measured = time < MEASURE_MAX ? time : MEASURE_MAX;
        if (time >= MEASURE_MAX)
            measure_from(h, tsc, ns);
    }
}

static void doubt(struct hosttime *h, uint64_t tsc, uint64_t ns)
{
    h->ratio = h->measured = 0;
    measure_from(h, tsc, ns);
    if (++h->doubts >= DOUBTS_MAX)
        h->counts = false;
}

/* Ask the clock, and draw the next line from there. */
static uint64_t refresh(struct hosttime *h)
{
    const struct timeline *line = &h->line;
    uint64_t tsc = 0, ns, now, told, ahead;

    bool both = h->counts && read_both(h, &tsc, &ns);
    if (!h->counts)
        ns = h->source.clock(h->source.opaque);
    now = ns - h->zero;
    told = line->mult ? line->ns + scale(tsc - line->host, line->mult) : now;
    if (line->mult && both && apart(told, now) > PART_NS + apart(now, line->ns) / RATE_ERROR)
        doubt(h, tsc, ns);
    /* Nobody read the line beyond its end. */
    if (told > line->ns + SPAN_NS)
        told = line->ns + SPAN_NS;
    ahead = line->mult && told > now ? told - now : 0;
    if (both)
        measure(h, tsc, ns);
    now += ahead;
    if (now < h->floor)
        now = h->floor;
    h->floor = now;
    h->line = (struct timeline){.host = tsc, .ns = now};
    if (both && h->ratio) {
        /* A line that ran ahead of the clock is followed by a slower one, not by a step back. */
        h->line.mult = h->ratio - scale(h->ratio, (ahead << 32) / (4 * MS));
        h->line.span = ((uint64_t)SPAN_NS << 32) / h->ratio;
    }
    return now;
}

uint64_t hosttime_now(struct hosttime *h)
{
    uint64_t ticks;

    if (h->line.span) {
        ticks = h->source.counter(h->source.opaque) - h->line.host;
        if (ticks < h->line.span)
            return h->line.ns + (ticks * h->line.mult >> 32);
    }
    return refresh(h);
}

void hosttime_end(struct hosttime *h)
{
    h->line = (struct timeline){0};
}

void hosttime_start(struct hosttime *h, uint64_t now)
{
    hosttime_end(h);
    h->zero = h->source.clock(h->source.opaque) - now;
    h->floor = now;
}
