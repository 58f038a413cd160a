/* The guest's mouse, moved by commands: buttons are remembered between them. */
#ifndef RINGER_VMM_POINTER_H
#define RINGER_VMM_POINTER_H

#include "vmm/machine.h"

/* DX to the right, DY down, DZ: the wheel towards the user.  Any thread but the vCPU's. */
void pointer_move(struct machine *m, int dx, int dy, int dz);
/* Bits: 0 left, 1 right, 2 middle, 3 side, 4 extra.  Those in MASK become those of BUTTONS. */
void pointer_buttons(struct machine *m, unsigned buttons, unsigned mask);
/* Put it at X, Y of 0 to FFFFh over the screen; POINTER_KEEP leaves one of them.  False, and
 * nothing is done, when the guest has no driver that wants positions. */
enum { POINTER_KEEP = 0x10000 };
bool pointer_place(struct machine *m, unsigned x, unsigned y);
bool pointer_absolute(struct machine *m);

#endif
