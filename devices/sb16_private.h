/* The card, between sb16*.c alone. */
#ifndef RINGER_DEVICES_SB16_PRIVATE_H
#define RINGER_DEVICES_SB16_PRIVATE_H

#include "devices/audio.h"
#include "devices/opl3.h"
#include "devices/pc.h"
#include "devices/sb16.h"

enum { SB16_QUEUE = 64, SB16_IRQ_8 = 1, SB16_IRQ_16 = 2 };

enum sb16_coding { PCM8, PCM16, ADPCM4, ADPCM26, ADPCM2, SILENCE };

struct sb16 {
    struct audio_out *out;
    struct audio_source source;
    struct vclock *clock;
    struct dma *dma;
    struct log *log;
    struct irq_line irqs;
    struct opl3 *opl;
    struct vtimer timer;
    uint8_t irq_standard, dma_standard, dma16_standard;

    /* DSP */
    uint8_t command, wanted, have, argument[3];
    uint8_t queue[SB16_QUEUE], queued, last_read;
    uint8_t resetting, test, speaker;
    uint8_t midi;        /* bytes go to the MIDI port until the next reset */
    uint8_t identity[2]; /* of command E2h: sum and key */
    /* Mixer */
    uint8_t index, mixer[256];
    uint8_t pending; /* interrupts */
    /* The transfer */
    uint8_t running, paused, autoinit, ending, input, coding, is_signed, stereo, wide;
    uint8_t reference, adpcm_step, adpcm_byte, adpcm_left;
    uint32_t rate;        /* frames a second */
    uint32_t block, left; /* units (bytes, or words of 16 bits) */
    uint32_t block_size;  /* bytes less one, of command 48h */
    struct audio_voice voice;
    uint64_t direct_at; /* when the last direct sample was written, which is DIRECT */
    int32_t direct;
    struct audio_ear ear;
    uint64_t listened_at; /* when a direct sample was read last; what is heard is HEARD */
    int32_t heard;
};

/* ---- sb16_mixer.c ---- */
void sb16_mixer_reset(struct sb16 *s);
uint8_t sb16_mixer_read(const struct sb16 *s);
void sb16_mixer_write(struct sb16 *s, uint8_t value);
/* The FM synthesizer's volume is the mixer's: tell it. */
void sb16_mixer_set_fm(struct sb16 *s);
/* What samples are multiplied by on their way out: 16 bits of fraction. */
void sb16_mixer_gain(const struct sb16 *s, uint32_t gain[2]);
/* The channel that the mixer's register 81h selects for bytes, or for words (WIDE); -1: none. */
int sb16_channel(const struct sb16 *s, bool wide);
/* Raise SB16_IRQ_8 or _16, or end it. */
void sb16_interrupt(struct sb16 *s, uint8_t which);
void sb16_acknowledge(struct sb16 *s, uint8_t which);

/* ---- sb16_play.c ---- */
/* Start a transfer of UNITS in CODING; the format's flags are set already. */
void sb16_start(struct sb16 *s, enum sb16_coding coding, bool wide, uint32_t units, bool autoinit);
/* What is at the input now, as an unsigned byte. */
uint8_t sb16_direct_input(struct sb16 *s);
/* Fetch the byte that ADPCM begins with. */
void sb16_take_reference(struct sb16 *s);
/* Set the timer for the end of the block. */
void sb16_schedule(struct sb16 *s);
uint32_t sb16_sane_rate(uint32_t hz);
void sb16_play_init(struct sb16 *s);

/* ---- sb16_dsp.c ---- */
void sb16_dsp_reset(struct sb16 *s);
void sb16_dsp_write(struct sb16 *s, uint8_t value);
uint8_t sb16_dsp_read(struct sb16 *s);

#endif
