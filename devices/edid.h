/* What a monitor says of itself: EDID 1.3, a block of 128 bytes (VESA E-EDID Standard, Release A). */
#ifndef RINGER_DEVICES_EDID_H
#define RINGER_DEVICES_EDID_H

#include <stdint.h>

enum { EDID_BYTES = 128 };

/* The block of a monitor that likes WIDTH by HEIGHT pixels (at most 4095) best, at 60 Hz. */
void edid_fill(unsigned width, unsigned height, uint8_t edid[EDID_BYTES]);

#endif
