/* The VMware backdoor at port 5658h and the pointer behind it. */
#ifndef RINGER_DEVICES_VMMOUSE_H
#define RINGER_DEVICES_VMMOUSE_H

#include <stdbool.h>
#include <stdint.h>

struct board;
struct i8042;
struct vmmouse;

/* REGISTERS: the guest's general registers in the order of their encoding (EAX, ECX, EDX, EBX, ESP,
 * EBP, ESI, EDI); a port handler finds them as the IN instruction does, and may write all but EAX,
 * which is IN's result.  MOUSE gives the interrupts: a driver looks for packets when the PS/2 mouse
 * has something to say.  RAM_BYTES is what the guest is told of its memory. */
struct vmmouse *vmmouse_init(struct board *board, uint32_t *registers, struct i8042 *mouse,
                             uint64_t ram_bytes);
/* A driver has taken the pointer over. */
bool vmmouse_enabled(const struct vmmouse *m);
/* ... and wants positions. */
bool vmmouse_absolute(const struct vmmouse *m);
/* The pointer is at X, Y (0..FFFFh over the screen); DZ and BUTTONS as i8042_mouse.  Dropped while
 * no driver wants positions. */
void vmmouse_place(struct vmmouse *m, unsigned x, unsigned y, int dz, unsigned buttons);
/* It moved.  Dropped while no driver wants motion. */
void vmmouse_move(struct vmmouse *m, int dx, int dy, int dz, unsigned buttons);

#endif
