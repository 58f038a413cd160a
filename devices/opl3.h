/* YMF262: two address and data ports in a row. */
#ifndef RINGER_DEVICES_OPL3_H
#define RINGER_DEVICES_OPL3_H

#include "devices/audio.h"

struct opl3;
/* At ports BASE to BASE + 3, or nowhere when it is 0. */
struct opl3 *opl3_init(struct board *board, uint16_t base, struct audio_out *out);
/* Port OFFSET, 0 to 3: status; address and data of the first and the second half. */
uint8_t opl3_read(struct opl3 *o, unsigned offset);
void opl3_write(struct opl3 *o, unsigned offset, uint8_t value);
/* What it is multiplied by on its way out, left and right: 16 bits of fraction, 1 to begin with. */
void opl3_set_gain(struct opl3 *o, const uint32_t gain[2]);

#endif
