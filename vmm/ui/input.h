/* Keyboard and pointer of a front end, on their way to the guest.  Every call may be made on any
 * one thread; none waits for the guest. */
#ifndef RINGER_VMM_UI_INPUT_H
#define RINGER_VMM_UI_INPUT_H

#include "vmm/machine.h"

struct input;

enum input_button {
    BUTTON_LEFT = 1,
    BUTTON_RIGHT = 2,
    BUTTON_MIDDLE = 4,
    BUTTON_4 = 8,
    BUTTON_5 = 16
};
enum { INPUT_RANGE = 0xFFFF }; /* of a position */

struct input *input_new(struct machine *m);
void input_free(struct input *in); /* lets go what is held; before machine_free */
/* CODE as i8042_key takes it.  A key that is held already repeats. */
void input_key(struct input *in, uint16_t code, bool down);
/* Let go of all keys and buttons: the front end has lost the focus. */
void input_release(struct input *in);
/* Pointer motion in counts (DX right, DY down), the wheel's (DZ towards the user), and the buttons
 * held (enum input_button). */
void input_move(struct input *in, int dx, int dy, int dz, unsigned buttons);
/* The pointer is at X, Y of 0..INPUT_RANGE over the picture.  For guests that want that: see
 * display_state. */
void input_place(struct input *in, unsigned x, unsigned y, int dz, unsigned buttons);

#endif
