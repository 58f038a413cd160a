/* Pictures for terminals: DEC's sixels (VT330/VT340 Programmer Reference Manual, volume 2, chapter
 * 14). */
#ifndef RINGER_VMM_UI_SIXEL_H
#define RINGER_VMM_UI_SIXEL_H

#include "vmm/text.h"
#include <stdint.h>

/* Add WIDTH x HEIGHT pixels, 0x00RRGGBB, WIDTH to a line, to OUT: the whole device control string,
 * drawn where the terminal's cursor is.  Up to 256 colours are as they are, in steps of the
 * protocol's one hundredth; more become the nearest of 240. */
void sixel_encode(struct text *out, const uint32_t *pixels, unsigned width, unsigned height);

#endif
