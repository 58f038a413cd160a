/* The guest's picture for those who show it: windows, remote screens, films.
 *
 * A reader asks for a picture; the vCPU thread takes a shot of what has changed
 * (devices/vga_shot.h) and wakes the readers; the first of them to look draws it, on its own
 * thread, and all get to know which parts are new.  The guest never waits for a reader.
 *
 * The other front ends' wishes about the guest's state, lamps and counters, are taken by the same
 * visit of the vCPU thread. */
#ifndef RINGER_VMM_UI_DISPLAY_H
#define RINGER_VMM_UI_DISPLAY_H

#include "devices/vga_shot.h"
#include "vmm/machine.h"

struct display;
struct display_reader;

/* The picture.  PIXELS are 0x00RRGGBB, STRIDE pixels from line to line. */
struct display_frame {
    const uint32_t *pixels;
    unsigned width, height, stride;
    const struct vga_text *text; /* the text screen, if it is one */
    bool stretched;  /* to be shown at 4:3, whatever its size */
    const struct vga_border *border; /* what is around it */
    bool resized;    /* all of it is new */
    unsigned count;  /* parts that are new to this reader */
    struct vga_rect rects[VGA_SHOT_RECTS];
};

/* The guest's state at the last shot; counters only grow. */
struct display_state {
    uint64_t host_ns, guest_ns, vcpu_ns; /* monotonic; virtual; the vCPU thread's CPU time */
    uint64_t insns;                      /* guest instructions translated */
    uint64_t floppy, disk, cd;           /* requests served */
    unsigned leds;                       /* as i8042_leds */
    bool stopped, absolute;              /* ABSOLUTE: the guest wants pointer positions */
};

/* Aborts when memory is short. */
struct display *display_new(struct machine *m);
/* After its readers, before machine_free. */
void display_free(struct display *d);

/* WAKE is called on the vCPU thread, and must only wake, when there is something new. */
struct display_reader *display_join(struct display *d, void (*wake)(void *opaque), void *opaque);
void display_leave(struct display_reader *r);
/* Ask for a new shot; at once when the last is not taken yet.  Any thread, does not wait. */
void display_request(struct display *d);
/* The picture, up to date with the last shot, for reading until display_unlock.  NULL, without a
 * lock, as long as there is none.  What the frame tells as new is forgotten by the unlock. */
const struct display_frame *display_lock(struct display_reader *r);
void display_unlock(struct display_reader *r);
struct display_state display_state(struct display *d);

#endif
