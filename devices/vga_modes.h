/* The standard video modes as register values, and the DAC's default colours: what a video BIOS
 * loads (IBM PS/2 Video Subsystem Technical Reference, "Video Modes"). */
#ifndef RINGER_DEVICES_VGA_MODES_H
#define RINGER_DEVICES_VGA_MODES_H

#include <stdbool.h>
#include <stdint.h>

enum vga_dac_kind {
    VGA_DAC_MONO,   /* black, normal, intense */
    VGA_DAC_CGA16,  /* 200-line modes: the 16 CGA colours at 00h-07h and 10h-17h */
    VGA_DAC_EGA64,  /* rgbRGB */
    VGA_DAC_VGA256, /* 16 colours, 16 greys, 216 hues */
};

struct vga_mode {
    uint8_t mode;
    uint8_t columns, rows, char_height; /* of text, drawn or not */
    uint16_t segment, page_size;        /* page_size: bytes between display pages */
    uint8_t misc;                       /* 3C2h */
    uint8_t seq[5], crtc[25], attr[21], gfx[9];
    uint8_t dac; /* enum vga_dac_kind */
    bool graphics;
};

/* Modes 00h-07h and 0Dh-13h, text in 400 lines; NULL when there is no such MODE. */
const struct vga_mode *vga_mode_find(uint8_t mode);

/* The default colours of the 256 DAC registers, 6 bits each, in the order red, green, blue.
 * Kinds of 64 colours leave the rest black. */
void vga_default_palette(enum vga_dac_kind kind, uint8_t rgb6[768]);

#endif
