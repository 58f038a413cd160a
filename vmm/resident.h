/* What the emulator takes of the host's memory beside the guest's RAM. */
#ifndef RINGER_VMM_RESIDENT_H
#define RINGER_VMM_RESIDENT_H

#include "ringer/statistic.h"
#include "vmm/machine.h"

/* Resident bytes by class and subject (ringer/memory_use.h), and those of the whole process.  On
 * the vCPU's thread. */
void resident_statistics(struct machine *m, const struct statistic_sink *to);

#endif
