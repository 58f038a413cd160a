/* The overlay: what the translator does, as graphs over the guest's picture. */
#ifndef RINGER_VMM_UI_OVERLAY_H
#define RINGER_VMM_UI_OVERLAY_H

#include "ringer/statistic.h"
#include "vmm/ui/canvas.h"

enum {
    OVERLAY_POINTS = 180, /* kept of each graph */
    OVERLAY_TIMES = 5,    /* guest, VMM, devices, timers, idle */
    OVERLAY_RATES = 8,
    OVERLAY_GAUGES = 4,
    OVERLAY_WIDTH = 2 * OVERLAY_POINTS + 16,
    OVERLAY_HEIGHT = 376,
};

/* The counters that are drawn, as they stand. */
struct overlay_counts {
    uint64_t up_ns; /* host time; 0: nothing was counted yet */
    uint64_t times[OVERLAY_TIMES], rates[OVERLAY_RATES], gauges[OVERLAY_GAUGES];
};

/* All zero is an empty one. */
struct overlay {
    struct overlay_counts last;
    unsigned count, next;                       /* points there are; where the next goes */
    float share[OVERLAY_TIMES][OVERLAY_POINTS]; /* of the host time between two points, 0 to 1 */
    float rate[OVERLAY_RATES][OVERLAY_POINTS];  /* a second */
};

/* Put S into the struct overlay_counts at OPAQUE, if it is one of its: a statistic_sink's TAKE. */
void overlay_count(void *opaque, const struct statistic *s);
/* One more point: what has grown since the last NOW.  The first call is the beginning. */
void overlay_add(struct overlay *o, const struct overlay_counts *now);
/* Over all of C, which should be OVERLAY_WIDTH x OVERLAY_HEIGHT. */
void overlay_draw(const struct overlay *o, struct canvas *c);

#endif
