/* Pictures of the screen as files. */
#ifndef RINGER_VMM_UI_PICTURE_H
#define RINGER_VMM_UI_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/* Write W x H pixels (0x00RRGGBB, STRIDE pixels from line to line) to PATH, which is replaced:
 * binary PPM (P6), or PNG of 8-bit RGB.  False and ERR filled when that fails; an incomplete file
 * is removed. */
bool picture_write_ppm(const char *path, const uint32_t *pixels, unsigned w, unsigned h,
                       unsigned stride, struct error *err);
bool picture_write_png(const char *path, const uint32_t *pixels, unsigned w, unsigned h,
                       unsigned stride, struct error *err);

#endif
