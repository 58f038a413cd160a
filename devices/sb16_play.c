/* The transfers of the Sound Blaster: samples by DMA, in virtual time.
 *
 * A timer wakes the mixer at the end of each block, so that the interrupt comes in time. */
#include <string.h>

#include "devices/internal.h"
#include "devices/sb16_private.h"

enum {
    NS = 1000000000,
    LINGER_NS = 20000000, /* after the last direct sample */
};

static bool is_adpcm(const struct sb16 *s)
{
    return s->coding == ADPCM4 || s->coding == ADPCM26 || s->coding == ADPCM2;
}

/* Codes in a byte of ADPCM. */
static unsigned codes(const struct sb16 *s)
{
    return s->coding == ADPCM4 ? 2 : s->coding == ADPCM26 ? 3 : s->coding == ADPCM2 ? 4 : 1;
}

void sb16_schedule(struct sb16 *s)
{
    uint64_t units = s->left ? s->left : 1, per_frame = s->stereo ? 2 : 1;

    if (!s->running || s->paused) {
        vtimer_cancel(s->clock, &s->timer);
        return;
    }
    vtimer_set(s->clock, &s->timer,
               vclock_now(s->clock) + scale_up(units * codes(s), NS, s->rate * per_frame) +
                   NS / s->out->rate);
}

static void block_ends(struct sb16 *s)
{
    if (s->autoinit && !s->ending) {
        s->left = s->block;
    } else {
        s->running = 0;
        s->ending = 0;
    }
    sb16_interrupt(s, s->wide ? SB16_IRQ_16 : SB16_IRQ_8);
}

/* One unit of input, N bytes of VALUE in the format that is asked for. */
static void put_unit(struct sb16 *s, int channel, unsigned n, int32_t value)
{
    uint16_t word = (uint16_t)(s->is_signed ? value : value + 32768);
    uint8_t bytes[2] = {(uint8_t)word, (uint8_t)(word >> 8)};

    dma_to_memory(s->dma, channel, n == 1 ? bytes + 1 : bytes, n, NULL);
}

/* The value of N bytes; ADPCM's is the byte itself. */
static int32_t value_of(const struct sb16 *s, const uint8_t bytes[2], unsigned n)
{
    int32_t word = bytes[0] | bytes[1] << 8;

    if (is_adpcm(s))
        return bytes[0];
    if (n == 1)
        return s->is_signed ? (int8_t)bytes[0] * 256 : (bytes[0] - 128) * 256;
    return s->is_signed ? (int16_t)word : word - 32768;
}

/* One unit by DMA, to *VALUE or, of input, from there; false when the controller is not ready: the card
 * waits. */
static bool unit(struct sb16 *s, int32_t *value)
{
    uint8_t bytes[2] = {0, 0};
    unsigned n = s->wide ? 2 : 1;
    int channel = sb16_channel(s, s->wide);

    if (s->coding == SILENCE && !s->input)
        *value = 0;
    if (s->coding != SILENCE) {
        if (channel < 0 || !dma_ready(s->dma, channel))
            return false;
        if (s->input)
            put_unit(s, channel, n, *value);
        else if (dma_from_memory(s->dma, channel, bytes, n, NULL) != n)
            return false;
        else
            *value = value_of(s, bytes, n);
    }
    if (s->left)
        s->left--;
    if (!s->left)
        block_ends(s);
    return true;
}

/* A code of BITS bits, the highest its sign: it moves the reference by odd multiples of half the
 * step, which grows with great codes and shrinks with zeros. */
static void decode(struct sb16 *s, unsigned code, unsigned bits)
{
    static const uint8_t grow[5] = {0, 0, 1, 3, 5}, most[5] = {0, 0, 32, 16, 8};
    unsigned sign = code >> (bits - 1), size = code & ((1u << (bits - 1)) - 1);
    int delta = (int)((2 * size + 1) * s->adpcm_step / 2);
    int value = s->reference + (sign ? -delta : delta);

    s->reference = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    if (size >= grow[bits] && s->adpcm_step < most[bits])
        s->adpcm_step = (uint8_t)(s->adpcm_step * 2);
    else if (!size && s->adpcm_step > 1)
        s->adpcm_step /= 2;
}

static bool compressed(struct sb16 *s, int32_t *value)
{
    unsigned bits;
    int32_t byte;

    if (!s->adpcm_left) {
        if (!unit(s, &byte))
            return false;
        s->adpcm_byte = (uint8_t)byte;
        s->adpcm_left = (uint8_t)codes(s);
    }
    bits = s->coding == ADPCM4 ? 4 : s->coding == ADPCM2 || s->adpcm_left == 1 ? 2 : 3;
    decode(s, s->adpcm_byte >> (8 - bits), bits);
    s->adpcm_byte = (uint8_t)(s->adpcm_byte << bits);
    s->adpcm_left--;
    *value = (s->reference - 128) * 256;
    return true;
}

static bool direct(const struct sb16 *s)
{
    return s->direct_at && vclock_now(s->clock) - s->direct_at < LINGER_NS;
}

static void fetch(void *dev, int32_t value[2])
{
    struct sb16 *s = dev;

    if (!s->running || s->paused) {
        value[0] = value[1] = direct(s) ? s->direct : 0;
    } else if (is_adpcm(s)) {
        compressed(s, &value[0]);
        value[1] = value[0];
    } else if (unit(s, &value[0])) {
        if (!s->stereo)
            value[1] = value[0];
        else if (s->running)
            unit(s, &value[1]);
    }
}

static bool listens(const struct sb16 *s)
{
    return s->listened_at && vclock_now(s->clock) - s->listened_at < LINGER_NS;
}

/* A frame of input. */
static void put(void *dev, const int32_t value[2])
{
    struct sb16 *s = dev;
    int32_t left = s->stereo ? value[0] : (value[0] + value[1]) / 2, right = value[1];

    s->heard = (value[0] + value[1]) / 2;
    if (!s->running || s->paused || !s->input)
        return;
    if (unit(s, &left) && s->stereo && s->running)
        unit(s, &right);
}

static void render(void *dev, int32_t *mix, unsigned frames, uint64_t first)
{
    struct sb16 *s = dev;
    uint32_t gain[2];

    (void)first;
    if (listens(s) || (s->running && !s->paused && s->input)) {
        audio_ear_hear(&s->ear, s->rate, s->out->rate, audio_input(s->out, frames), frames, put, s);
        if (s->running && s->input)
            s->voice = (struct audio_voice){0};
    }
    if (s->running && s->input)
        return;
    sb16_mixer_gain(s, gain);
    audio_voice_render(&s->voice, s->rate, s->out->rate, gain, fetch, s, mix, frames);
}

static bool active(void *dev)
{
    struct sb16 *s = dev;

    return (s->running && !s->paused) || audio_voice_sounds(&s->voice) || direct(s) ||
           listens(s);
}

static void timer_fired(void *opaque)
{
    struct sb16 *s = opaque;

    audio_run(s->out);
    sb16_schedule(s);
}

void sb16_start(struct sb16 *s, enum sb16_coding coding, bool wide, uint32_t units, bool autoinit)
{
    s->coding = (uint8_t)coding;
    s->wide = wide;
    s->block = s->left = units;
    s->autoinit = autoinit;
    s->running = 1;
    s->paused = s->ending = s->adpcm_left = 0;
}

uint8_t sb16_direct_input(struct sb16 *s)
{
    s->listened_at = vclock_now(s->clock);
    audio_run(s->out);
    return (uint8_t)((s->heard + 32768) >> 8);
}

void sb16_take_reference(struct sb16 *s)
{
    int channel = sb16_channel(s, false);

    s->adpcm_step = 1;
    if (channel >= 0)
        dma_from_memory(s->dma, channel, &s->reference, 1, NULL);
    if (s->left > 1)
        s->left--;
}

uint32_t sb16_sane_rate(uint32_t hz)
{
    return hz < 4000 ? 4000 : hz > 48000 ? 48000 : hz;
}

void sb16_play_init(struct sb16 *s)
{
    vtimer_init(&s->timer, "sb16", timer_fired, s);
    s->source = (struct audio_source){"sb16", s, render, active, NULL};
    audio_attach(s->out, &s->source);
}
