/* What a dying guest leaves: in words. */
#ifndef RINGER_VMM_CRASH_H
#define RINGER_VMM_CRASH_H

#include "vmm/machine.h"

/* Describe why the CPU shut down: which descriptor-table entries the exceptions went through and
 * what is wrong with them (SDM vol. 3A chapter 6), the registers, the page walk of CR2, the last
 * blocks.  vCPU thread, or a machine that does not run. */
void crash_report(struct machine *m, void (*line)(void *opaque, const char *text), void *opaque);

#endif
