/* An AC'97 codec's registers ("Audio Codec '97", revision 2.3): SigmaTel's STAC9700 with variable
 * rates. */
#ifndef RINGER_DEVICES_AC97_CODEC_H
#define RINGER_DEVICES_AC97_CODEC_H

#include <stdbool.h>
#include <stdint.h>

enum { AC97_REGISTERS = 64 }; /* of 16 bits */

struct ac97_codec {
    uint16_t reg[AC97_REGISTERS];
};

void ac97_codec_reset(struct ac97_codec *c);
/* OFFSET is even, as the specification numbers registers: 00h to 7Eh. */
uint16_t ac97_codec_read(const struct ac97_codec *c, unsigned offset);
void ac97_codec_write(struct ac97_codec *c, unsigned offset, uint16_t value);

/* Frames a second of the front DAC, the line ADC, the microphone's ADC. */
uint32_t ac97_codec_dac_rate(const struct ac97_codec *c);
uint32_t ac97_codec_adc_rate(const struct ac97_codec *c);
uint32_t ac97_codec_mic_rate(const struct ac97_codec *c);
/* What PCM is multiplied by on its way out, left and right: 16 bits of fraction, 16 at most. */
void ac97_codec_gain(const struct ac97_codec *c, uint32_t gain[2]);
/* Restored state: what no register can hold is brought into range. */
/* What the line ADC's samples are multiplied by, left and right: 16 bits of fraction, 14 times at most. */
void ac97_codec_record_gain(const struct ac97_codec *c, uint32_t gain[2]);
void ac97_codec_loaded(struct ac97_codec *c);

#endif
