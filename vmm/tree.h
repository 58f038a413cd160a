/* The machine's parts as its registries know them, in the shapes of QEMU's monitor.  All on the
 * vCPU thread. */
#ifndef RINGER_VMM_TREE_H
#define RINGER_VMM_TREE_H

#include "vmm/machine.h"
#include "vmm/text.h"

void tree_devices(struct machine *m, struct text *out); /* info qtree */
void tree_memory(struct machine *m, struct text *out);  /* info mtree */
void tree_roms(struct machine *m, struct text *out);    /* info roms */
void tree_pci(struct machine *m, struct text *out);     /* info pci */

#endif
