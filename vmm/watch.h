/* What is done when a watchpoint of the monitor's is hit. */
#ifndef RINGER_VMM_WATCH_H
#define RINGER_VMM_WATCH_H

#include "vmm/machine.h"
#include "vmm/text.h"

/* Stop the machine if its CPU hit a watchpoint.  On the vCPU thread, between instructions. */
void watch_check(struct machine *m);
/* One line a watchpoint, and the last hit. */
void watch_describe(struct machine *m, struct text *out);

#endif
