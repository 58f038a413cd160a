/* Bitmap fonts of code page 437, drawn for ringer.  One byte a row, bit 7 leftmost; glyph C starts
 * at C times its height. */
#ifndef RINGER_DEVICES_VGA_FONT_H
#define RINGER_DEVICES_VGA_FONT_H

#include <stdint.h>

extern const uint8_t vga_font_8x16[256 * 16];
extern const uint8_t vga_font_8x14[256 * 14];
extern const uint8_t vga_font_8x8[256 * 8];

#endif
