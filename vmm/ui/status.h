/* The status line. */
#ifndef RINGER_VMM_UI_STATUS_H
#define RINGER_VMM_UI_STATUS_H

#include "vmm/ui/canvas.h"
#include "vmm/ui/display.h"

enum { STATUS_HEIGHT = CANVAS_ROW + 2 };

/* What is shown; made from the guest's counters twice a second. */
struct status {
    struct display_state last;
    unsigned load, speed;  /* the vCPU thread's share of a host CPU; virtual time against the
                            * host's: per cent */
    uint64_t insns;        /* guest instructions translated a second */
    bool floppy, disk, cd; /* lamps */
    bool stopped, recording;
    unsigned leds;
};

/* Take NOW in; true when the line looks different from before. */
bool status_update(struct status *s, const struct display_state *now);
/* Draw it over all of C.  HINT: what to press, at the right. */
void status_draw(const struct status *s, struct canvas *c, const char *hint);

#endif
