/* The way of pointer motion to the guest: to the VMware pointer where the guest has a driver for it,
 * else to the PS/2 mouse.  Where it is and which buttons are held is remembered for all who move it. */
#ifndef RINGER_VMM_POINTER_H
#define RINGER_VMM_POINTER_H

#include "vmm/machine.h"

/* Buttons: bit 0 left, 1 right, 2 middle, 3 side, 4 extra.  DX to the right, DY down, DZ: the wheel
 * towards the user.  Positions are 0 to FFFFh over the screen. */

/* Commands: any thread but the vCPU's; they wait until it is done. */
void pointer_move(struct machine *m, int dx, int dy, int dz);
/* Those in MASK become those of BUTTONS. */
void pointer_buttons(struct machine *m, unsigned buttons, unsigned mask);
/* POINTER_KEEP leaves one of X and Y.  False, and nothing is done, when the guest has no driver that
 * wants positions. */
enum { POINTER_KEEP = 0x10000 };
bool pointer_place(struct machine *m, unsigned x, unsigned y);
bool pointer_absolute(struct machine *m);

/* The same for who is on the vCPU's thread already (vmm/ui/input.c), with all the buttons that are
 * held.  A position that the guest does not want any more is dropped; the rest is not. */
void pointer_moved(struct machine *m, int dx, int dy, int dz, unsigned buttons);
void pointer_placed(struct machine *m, unsigned x, unsigned y, int dz, unsigned buttons);

#endif
