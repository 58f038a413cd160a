/* Where the picture goes in a window. */
#ifndef RINGER_VMM_UI_GEOMETRY_H
#define RINGER_VMM_UI_GEOMETRY_H

#include <stdbool.h>

struct box {
    int x, y, width, height;
};

/* The smallest size, not below WIDTH x HEIGHT in either direction, that shows such a picture in its
 * right shape: STRETCHED ones at 4:3, others with square pixels (but for the low resolutions of
 * the VGA's era, 320x200 and its double, which are 4:3 too). */
void geometry_natural(unsigned width, unsigned height, bool stretched, int *out_width,
                      int *out_height);

/* Where in ROOM the picture is drawn, in the middle and as large as its shape allows.  INTEGER:
 * only whole multiples of its pixels, the two factors chosen for the best shape; a room that is too
 * small for one gets the fractional answer. */
struct box geometry_fit(const struct box *room, unsigned width, unsigned height, bool stretched,
                        bool integer);

/* The position X, Y of a window in BOX, as 0..65535 from edge to edge; clamped. */
void geometry_position(const struct box *box, int x, int y, unsigned *px, unsigned *py);

#endif
