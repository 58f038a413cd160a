/* The picture for another thread.  A shot is a copy of everything that the picture is made of; the
 * vCPU thread brings it up to date between two instructions, which costs what has changed since,
 * and the thread that shows it then draws at leisure. */
#ifndef RINGER_DEVICES_VGA_SHOT_H
#define RINGER_DEVICES_VGA_SHOT_H

#include <stdbool.h>
#include <stdint.h>

struct vga;
struct vga_text;
struct vga_shot;

/* In pixels. */
struct vga_rect {
    unsigned x, y, width, height;
};
enum { VGA_SHOT_RECTS = 16 };

/* A shot of V, nothing taken yet; NULL when memory is short.  There is one at most of each VGA: it
 * consumes the marks of what was written. */
struct vga_shot *vga_shot_new(struct vga *v);
void vga_shot_free(struct vga_shot *s); /* before the VGA */

/* Bring S up to date.  VCPU THREAD, and nobody draws meanwhile.  False: the picture is the same. */
bool vga_shot_take(struct vga_shot *s);

/* What follows may be called on any one thread between two takes. */

/* As vga_size. */
void vga_shot_size(const struct vga_shot *s, unsigned *width, unsigned *height);
/* True for the VGA's own modes, which a monitor stretches to 4:3 whatever their size. */
bool vga_shot_stretched(const struct vga_shot *s);
/* The text screen, as vga_text. */
void vga_shot_text(struct vga_shot *s, struct vga_text *out);
/* What is around the picture. */
enum { VGA_BORDER_LINES = 2050 };
struct vga_border {
    unsigned count;        /* of LINE; 1: it is the same everywhere */
    unsigned above, below; /* of these so many are above the picture and below it */
    uint32_t line[VGA_BORDER_LINES]; /* scan lines from the top, 0x00RRGGBB */
};
void vga_shot_border(const struct vga_shot *s, struct vga_border *b);
/* Bring PIXELS, which hold what was drawn the last time, up to date; with ALL draw everything.
 * STRIDE in pixels.  RECTS gets the parts that changed; returns their number. */
unsigned vga_shot_draw(struct vga_shot *s, bool all, uint32_t *pixels, unsigned stride,
                       struct vga_rect rects[VGA_SHOT_RECTS]);

#endif
