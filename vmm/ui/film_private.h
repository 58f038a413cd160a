/* The formats of films.  Pictures are 0x00RRGGBB, WIDTH by HEIGHT without gaps. */
#ifndef RINGER_VMM_UI_FILM_PRIVATE_H
#define RINGER_VMM_UI_FILM_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* All return false when FILE takes no more. */

/* YUV4MPEG2, 4:4:4, BT.601. */
bool y4m_begin(FILE *file, unsigned width, unsigned height, unsigned fps);
bool y4m_frame(FILE *file, unsigned width, unsigned height, const uint32_t *pixels);

/* GIF89a that repeats for ever. */
bool gif_begin(FILE *file, unsigned width, unsigned height);
/* The part of PIXELS at X, Y of COLUMNS by ROWS, shown for CENTISECONDS.  Up to 256 colours stay
 * as they are; more are dithered to a fixed set. */
bool gif_frame(FILE *file, unsigned width, const uint32_t *pixels, unsigned x, unsigned y,
               unsigned columns, unsigned rows, unsigned centiseconds);
bool gif_end(FILE *file);

#endif
