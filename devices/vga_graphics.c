/* Graphics: the planes' bytes through the graphics controller's shift registers to the attribute
 * controller (IBM PS/2 Video Subsystem, "Graphics mode register", bits 5 and 6). */
#include "devices/vga.h"

enum {
    MODE_INTERLEAVED = 0x20, /* pairs of bits: the CGA's four colours */
    MODE_256 = 0x40,         /* nibbles: 256 colours */
    ATTR_BLINK = 0x08,
    ATTR_8_BIT = 0x40,
};

/* Eight dots of four bits each, from one dword of the planes. */
static void shift_planar(uint32_t planes, uint8_t dots[8])
{
    for (unsigned k = 0; k < 8; k++) {
        uint32_t bits = planes >> (7 - k) & 0x01010101u;

        dots[k] = (bits | bits >> 7 | bits >> 14 | bits >> 21) & 15;
    }
}

/* Planes 0 and 1 follow each other, two bits a dot; planes 2 and 3 give the high two bits. */
static void shift_interleaved(uint32_t planes, uint8_t dots[8])
{
    for (unsigned k = 0; k < 8; k++) {
        unsigned at = (k / 4) * 8 + 6 - (k % 4) * 2;

        dots[k] = (planes >> at & 3) | (planes >> (at + 16) & 3) << 2;
    }
}

/* All four planes follow each other, nibble by nibble. */
static void shift_nibbles(uint32_t planes, uint8_t dots[8])
{
    for (unsigned k = 0; k < 8; k++)
        dots[k] = planes >> ((k / 2) * 8 + (k % 2 ? 0 : 4)) & 15;
}

/* Two dots make one pixel of eight bits, seen twice. */
static void color_pairs(const struct vga_frame *f, const uint8_t dots[8], uint32_t *out)
{
    for (unsigned k = 0; k < 8; k += 2)
        out[k] = out[k + 1] = f->color[dots[k] << 4 | dots[k + 1]];
}

/* FLIP is 8 while blinking is in its second half: "enable blink" toggles the dots' bit 3. */
static void color_dots(const struct vga_frame *f, uint8_t plane_enable, uint8_t flip,
                       const uint8_t dots[8], uint32_t *out)
{
    for (unsigned k = 0; k < 8; k++)
        out[k] = f->palette[(dots[k] & plane_enable) ^ flip];
}

void vga_graphics_line(struct vga *v, const struct vga_frame *f, struct vga_line *line)
{
    const struct vga_scan *s = &f->scan;
    uint8_t mode = v->gfx[GFX_MODE], attr_mode = v->attr[ATTR_MODE];
    uint8_t flip = (attr_mode & ATTR_BLINK) && f->blink_off ? 8 : 0;
    uint32_t *out = line->dots;

    for (unsigned i = 0; i <= s->chars; i++, out += s->char_dots) {
        uint16_t counter = line->counter + (i >> s->counter_shift);
        uint32_t planes = vga_plane_dword(v, vga_crtc_address(v, counter, line->row));
        uint8_t dots[8];

        if (mode & MODE_256)
            shift_nibbles(planes, dots);
        else if (mode & MODE_INTERLEAVED)
            shift_interleaved(planes, dots);
        else
            shift_planar(planes, dots);
        if (attr_mode & ATTR_8_BIT)
            color_pairs(f, dots, out);
        else
            color_dots(f, v->attr[ATTR_PLANE_ENABLE] & 15, flip, dots, out);
        if (s->char_dots == 9)
            out[8] = f->palette[0];
    }
}
