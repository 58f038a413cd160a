/* Creative's Sound Blaster 16: DSP 4.05 (Sound Blaster Series Hardware Programming Guide, chapters
 * 2 to 6), the CT1745 mixer, and the OPL3 at its ports.
 *
 * Samples are fetched by DMA when the output's time for them has come; a timer wakes the mixer at
 * the end of each block, so that the interrupt comes in time. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/opl3.h"
#include "devices/pc.h"
#include "devices/sb16.h"
#include "ringer/log.h"

enum {
    NS = 1000000000,
    QUEUE = 64,
    LINGER_NS = 20000000, /* after the last direct sample */

    PORT_MIXER = 4, /* and 5 */
    PORT_RESET = 6,
    PORT_READ = 0xa,
    PORT_WRITE = 0xc,
    PORT_STATUS = 0xe,
    PORT_ACK16 = 0xf,

    IRQ_8 = 1,
    IRQ_16 = 2,
    READY = 0xaa,
};

enum coding { PCM8, PCM16, ADPCM4, ADPCM26, ADPCM2, SILENCE };

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

    uint8_t command, wanted, have, argument[3];
    uint8_t queue[QUEUE], queued, last_read;
    uint8_t resetting, test, speaker;
    uint8_t mixer_index, mixer[256];
    uint8_t pending; /* interrupts */
    uint8_t running, paused, autoinit, ending, input, coding, is_signed, stereo, wide;
    uint8_t reference, adpcm_step, adpcm_byte, adpcm_left;
    uint32_t rate;        /* frames a second */
    uint32_t block, left; /* units (bytes, or words of 16 bits) */
    uint32_t block_size;  /* bytes less one, of command 48h */
    uint64_t position;    /* between LAST and NEXT, 32.32 */
    int32_t last[2], next[2];
    uint64_t direct_at;
    int32_t direct;
};

/* ---- lines ---- */

/* The interrupt and channels that the mixer's registers 80h and 81h select. */
static int irq_of(const struct sb16 *s)
{
    static const uint8_t numbers[4] = {9, 5, 7, 10};

    for (int i = 0; i < 4; i++)
        if (s->mixer[0x80] >> i & 1)
            return numbers[i];
    return -1;
}

static int channel_of(const struct sb16 *s, bool wide)
{
    for (int i = 5; wide && i < 8; i++)
        if (s->mixer[0x81] >> i & 1)
            return i;
    for (int i = 0; i < 4; i++)
        if (i != 2 && s->mixer[0x81] >> i & 1)
            return i;
    return -1;
}

static void update_irq(struct sb16 *s)
{
    int n = irq_of(s);

    if (n >= 0 && s->irqs.set)
        s->irqs.set(s->irqs.opaque, s->irqs.n + n, s->pending != 0);
}

static void interrupt(struct sb16 *s, uint8_t which)
{
    s->pending |= which;
    update_irq(s);
}

/* ---- playing ---- */

static void schedule(struct sb16 *s)
{
    uint64_t units = s->left ? s->left : 1, per_frame = s->stereo ? 2 : 1;

    if (!s->running || s->paused) {
        vtimer_cancel(s->clock, &s->timer);
        return;
    }
    if (s->coding == ADPCM4)
        units *= 2;
    else if (s->coding == ADPCM26)
        units *= 3;
    else if (s->coding == ADPCM2)
        units *= 4;
    vtimer_set(s->clock, &s->timer,
               vclock_now(s->clock) + scale_up(units, NS, s->rate * per_frame) + NS / s->out->rate);
}

static void block_ends(struct sb16 *s)
{
    if (s->autoinit && !s->ending) {
        s->left = s->block;
    } else {
        s->running = 0;
        s->ending = 0;
    }
    interrupt(s, s->wide ? IRQ_16 : IRQ_8);
}

/* One unit by DMA; false when the controller is not ready: the card waits. */
static bool unit(struct sb16 *s, int32_t *value)
{
    uint8_t bytes[2] = {0, 0};
    unsigned n = s->wide ? 2 : 1;
    int channel = channel_of(s, s->wide);
    bool tc;

    if (s->coding != SILENCE) {
        if (channel < 0 || !dma_ready(s->dma, channel))
            return false;
        if (s->input) {
            bytes[0] = s->is_signed || n == 2 ? 0 : 0x80;
            bytes[1] = s->is_signed ? 0 : 0x80;
            dma_to_memory(s->dma, channel, bytes, n, &tc);
            memset(bytes, 0, sizeof bytes);
        } else if (dma_from_memory(s->dma, channel, bytes, n, &tc) != n) {
            return false;
        }
    }
    if (n == 2)
        *value =
            s->is_signed ? (int16_t)(bytes[0] | bytes[1] << 8) : (bytes[0] | bytes[1] << 8) - 32768;
    else
        *value = s->is_signed ? (int8_t)bytes[0] * 256 : (bytes[0] - 128) * 256;
    if (s->input || s->coding == SILENCE)
        *value = 0;
    if (s->coding >= ADPCM4 && s->coding <= ADPCM2)
        *value = bytes[0];
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
    static const uint8_t count[] = {[ADPCM4] = 2, [ADPCM26] = 3, [ADPCM2] = 4};
    unsigned bits;
    int32_t byte;

    if (!s->adpcm_left) {
        if (!unit(s, &byte))
            return false;
        s->adpcm_byte = (uint8_t)byte;
        s->adpcm_left = count[s->coding];
    }
    bits = s->coding == ADPCM4 ? 4 : s->coding == ADPCM2 || s->adpcm_left == 1 ? 2 : 3;
    decode(s, s->adpcm_byte >> (8 - bits), bits);
    s->adpcm_byte = (uint8_t)(s->adpcm_byte << bits);
    s->adpcm_left--;
    *value = (s->reference - 128) * 256;
    return true;
}

static void fetch(struct sb16 *s)
{
    int32_t value[2] = {s->next[0], s->next[1]};

    memcpy(s->last, s->next, sizeof s->last);
    if (!s->running || s->paused) {
        if (vclock_now(s->clock) - s->direct_at < LINGER_NS)
            value[0] = value[1] = s->direct;
        else
            value[0] = value[1] = 0;
    } else if (s->coding >= ADPCM4 && s->coding <= ADPCM2) {
        compressed(s, &value[0]);
        value[1] = value[0];
    } else if (unit(s, &value[0])) {
        if (!s->stereo)
            value[1] = value[0];
        else if (s->running)
            unit(s, &value[1]);
    }
    memcpy(s->next, value, sizeof value);
}

/* Mixer volumes have 32 steps of 2 dB: 4 steps are a factor of 0.4. */
static int32_t scaled(int32_t v, unsigned volume)
{
    static const uint16_t gain[32] = {0,     51,    65,    82,    103,   129,   163,   205,
                                      258,   325,   410,   516,   649,   817,   1029,  1295,
                                      1631,  2053,  2584,  3254,  4096,  5157,  6492,  8173,
                                      10289, 12953, 16307, 20529, 25845, 32536, 40960, 51566};

    return (int32_t)((int64_t)v * gain[volume] / 51566);
}

static void render(void *dev, int32_t *mix, unsigned frames, uint64_t first)
{
    struct sb16 *s = dev;
    uint64_t step = ((uint64_t)s->rate << 32) / s->out->rate;

    (void)first;
    for (unsigned i = 0; i < frames; i++) {
        for (s->position += step; s->position >> 32; s->position -= 1ull << 32)
            fetch(s);
        for (unsigned k = 0; k < 2; k++) {
            int64_t part = (int64_t)(s->next[k] - s->last[k]) * (int64_t)(s->position >> 16);
            int32_t v = s->last[k] + (int32_t)(part >> 16);
            mix[2 * i + k] += scaled(scaled(v, s->mixer[0x32 + k] >> 3), s->mixer[0x30 + k] >> 3);
        }
    }
}

static bool active(void *dev)
{
    struct sb16 *s = dev;

    return (s->running && !s->paused) || s->last[0] || s->last[1] || s->next[0] || s->next[1] ||
           (s->direct_at && vclock_now(s->clock) - s->direct_at < LINGER_NS);
}

static void timer_fired(void *opaque)
{
    struct sb16 *s = opaque;

    audio_run(s->out);
    schedule(s);
}

static void start(struct sb16 *s, enum coding coding, bool wide, uint32_t units, bool autoinit)
{
    s->coding = (uint8_t)coding;
    s->wide = wide;
    s->block = s->left = units;
    s->autoinit = autoinit;
    s->running = 1;
    s->paused = s->ending = s->adpcm_left = 0;
}

/* ---- the DSP's commands ---- */

static void answer(struct sb16 *s, uint8_t value)
{
    if (s->queued < QUEUE)
        s->queue[s->queued++] = value;
}

static unsigned arguments(uint8_t command)
{
    if (command >= 0xb0 && command < 0xd0)
        return 3;
    switch (command) {
    case 0x14:
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x24:
    case 0x41:
    case 0x42:
    case 0x48:
    case 0x74:
    case 0x75:
    case 0x76:
    case 0x77:
    case 0x80:
        return 2;
    case 0x04:
    case 0x05:
    case 0x10:
    case 0x38:
    case 0x40:
    case 0xe0:
    case 0xe2:
    case 0xe4:
    case 0xf9:
        return 1;
    default:
        return 0;
    }
}

static uint32_t word(const struct sb16 *s)
{
    return s->argument[0] | (uint32_t)s->argument[1] << 8;
}

static uint32_t sane_rate(uint32_t hz)
{
    return hz < 4000 ? 4000 : hz > 48000 ? 48000 : hz;
}

/* Old commands, of 8 bits: the mixer says whether they are stereo. */
static void start_old(struct sb16 *s, enum coding coding, uint32_t units, bool autoinit, bool input)
{
    s->stereo = coding == PCM8 && s->mixer[0x0e] & 2;
    s->is_signed = 0;
    s->input = input;
    start(s, coding, false, units, autoinit);
}

static void take_reference(struct sb16 *s)
{
    int channel = channel_of(s, false);
    bool tc;

    s->adpcm_step = 1;
    if (channel >= 0)
        dma_from_memory(s->dma, channel, &s->reference, 1, &tc);
    if (s->left > 1)
        s->left--;
}

static void start_new(struct sb16 *s, uint8_t command)
{
    bool wide = command < 0xc0;

    s->is_signed = s->argument[0] >> 4 & 1;
    s->stereo = s->argument[0] >> 5 & 1;
    s->input = command >> 3 & 1;
    start(s, wide ? PCM16 : PCM8, wide, (s->argument[1] | (uint32_t)s->argument[2] << 8) + 1,
          command >> 2 & 1);
}

static void carry_out(struct sb16 *s, uint8_t c)
{
    static const char copyright[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";

    if (c >= 0xb0 && c < 0xd0) {
        start_new(s, c);
        return;
    }
    switch (c) {
    case 0x04:
    case 0x05:
    case 0x38:
        break; /* ASP, MIDI: nobody is there */
    case 0x10:
        s->direct = (s->argument[0] - 128) * 256;
        s->direct_at = vclock_now(s->clock);
        if (!s->running)
            s->rate = 44100;
        break;
    case 0x14:
    case 0x15:
        start_old(s, PCM8, word(s) + 1, false, false);
        break;
    case 0x16:
    case 0x17:
        start_old(s, ADPCM2, word(s) + 1, false, false);
        break;
    case 0x74:
    case 0x75:
        start_old(s, ADPCM4, word(s) + 1, false, false);
        break;
    case 0x76:
    case 0x77:
        start_old(s, ADPCM26, word(s) + 1, false, false);
        break;
    case 0x1c:
    case 0x90:
        start_old(s, PCM8, s->block_size + 1, true, false);
        break;
    case 0x1f:
        start_old(s, ADPCM2, s->block_size + 1, true, false);
        break;
    case 0x7d:
        start_old(s, ADPCM4, s->block_size + 1, true, false);
        break;
    case 0x7f:
        start_old(s, ADPCM26, s->block_size + 1, true, false);
        break;
    case 0x91:
        start_old(s, PCM8, s->block_size + 1, false, false);
        break;
    case 0x20:
        answer(s, 0x80);
        break;
    case 0x24:
        start_old(s, PCM8, word(s) + 1, false, true);
        break;
    case 0x2c:
    case 0x98:
        start_old(s, PCM8, s->block_size + 1, true, true);
        break;
    case 0x99:
        start_old(s, PCM8, s->block_size + 1, false, true);
        break;
    case 0x40:
        s->rate = sane_rate(1000000 / (256u - s->argument[0]) / (s->mixer[0x0e] & 2 ? 2 : 1));
        break;
    case 0x41:
    case 0x42:
        s->rate = sane_rate((uint32_t)s->argument[0] << 8 | s->argument[1]);
        break;
    case 0x45:
    case 0x47:
        s->autoinit = 1;
        s->ending = 0;
        break;
    case 0x48:
        s->block_size = word(s);
        break;
    case 0x80:
        start_old(s, SILENCE, word(s) + 1, false, false);
        break;
    case 0xd0:
    case 0xd5:
        s->paused = 1;
        break;
    case 0xd4:
    case 0xd6:
        s->paused = 0;
        break;
    case 0xd1:
        s->speaker = 0xff;
        break;
    case 0xd3:
        s->speaker = 0;
        break;
    case 0xd8:
        answer(s, s->speaker);
        break;
    case 0xd9:
    case 0xda:
        s->ending = s->running;
        break;
    case 0xe0:
        answer(s, (uint8_t)~s->argument[0]);
        break;
    case 0xe1:
        answer(s, 4);
        answer(s, 5);
        break;
    case 0xe3:
        for (size_t i = 0; i < sizeof copyright; i++)
            answer(s, (uint8_t)copyright[i]);
        break;
    case 0xe4:
        s->test = s->argument[0];
        break;
    case 0xe8:
        answer(s, s->test);
        break;
    case 0xf2:
        interrupt(s, IRQ_8);
        break;
    case 0xf3:
        interrupt(s, IRQ_16);
        break;
    case 0xf8:
        answer(s, 0);
        break;
    case 0xf9:
        answer(s, 0);
        break;
    default:
        log_unimp(s->log, "sb16: DSP command %02x", c);
        break;
    }
    if (s->running &&
        ((c & 0xfc) == 0x74 || (c & 0xfc) == 0x14 || c == 0x1f || c == 0x7d || c == 0x7f) &&
        (c & 1) && s->coding >= ADPCM4 && s->coding <= ADPCM2)
        take_reference(s);
}

static void dsp_write(struct sb16 *s, uint8_t value)
{
    if (!s->wanted) {
        s->command = value;
        s->have = 0;
        s->wanted = (uint8_t)(arguments(value) + 1);
    } else {
        s->argument[s->have++] = value;
    }
    if (--s->wanted)
        return;
    audio_run(s->out);
    carry_out(s, s->command);
    audio_run(s->out);
    schedule(s);
}

static void dsp_reset(struct sb16 *s)
{
    s->running = s->paused = s->wanted = s->queued = s->ending = 0;
    s->speaker = 0;
    s->pending = 0;
    s->rate = 11025;
    update_irq(s);
    schedule(s);
}

/* ---- the mixer chip ---- */

static void mixer_standard(struct sb16 *s)
{
    memset(s->mixer, 0, 0x80);
    for (unsigned i = 0x30; i < 0x36; i++)
        s->mixer[i] = i < 0x34 ? 0xf8 : 0xc0; /* master and voice at 0 dB, as QEMU leaves them */
    s->mixer[0x3b] = 0;
    s->mixer[0x3c] = 0x1f;
    s->mixer[0x3d] = 0x15;
    s->mixer[0x3e] = 0x0b;
    for (unsigned i = 0x44; i < 0x48; i++)
        s->mixer[i] = 0x80;
}

static uint8_t mixer_read(const struct sb16 *s)
{
    switch (s->mixer_index) {
    case 0x82:
        return s->pending | 0x20;
    case 0x04: /* the CT1345's registers: four bits a side */
        return (s->mixer[0x32] & 0xf0) | s->mixer[0x33] >> 4;
    case 0x22:
        return (s->mixer[0x30] & 0xf0) | s->mixer[0x31] >> 4;
    case 0x26:
        return (s->mixer[0x34] & 0xf0) | s->mixer[0x35] >> 4;
    default:
        return s->mixer[s->mixer_index];
    }
}

static void mixer_write(struct sb16 *s, uint8_t value)
{
    uint8_t i = s->mixer_index;

    audio_run(s->out);
    if (i == 0) {
        mixer_standard(s);
    } else if (i == 4 || i == 0x22 || i == 0x26) {
        unsigned at = i == 4 ? 0x32 : i == 0x22 ? 0x30 : 0x34;
        s->mixer[at] = (value & 0xf0) | 8;
        s->mixer[at + 1] = (uint8_t)(value << 4 | 8);
    } else if (i == 0x80) {
        int before = irq_of(s);
        if (before >= 0 && s->pending && s->irqs.set)
            s->irqs.set(s->irqs.opaque, s->irqs.n + before, 0);
        s->mixer[i] = value & 15;
        update_irq(s);
    } else if (i == 0x81) {
        s->mixer[i] = value & 0xeb;
    } else if (i != 0x82) {
        s->mixer[i] = value;
    }
}

/* ---- ports ---- */

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    struct sb16 *s = dev;

    (void)size;
    switch (offset) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 8:
    case 9:
        return opl3_read(s->opl, offset & 3);
    case PORT_MIXER:
        return s->mixer_index;
    case PORT_MIXER + 1:
        return mixer_read(s);
    case PORT_READ:
        if (s->queued) {
            s->last_read = s->queue[0];
            memmove(s->queue, s->queue + 1, --s->queued);
        }
        return s->last_read;
    case PORT_WRITE:
        return 0x7f; /* always ready for a command */
    case PORT_STATUS:
        audio_run(s->out);
        s->pending &= (uint8_t)~IRQ_8;
        update_irq(s);
        return s->queued ? 0xff : 0x7f;
    case PORT_ACK16:
        s->pending &= (uint8_t)~IRQ_16;
        update_irq(s);
        return 0xff;
    default:
        return 0xff;
    }
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct sb16 *s = dev;

    (void)size;
    switch (offset) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 8:
    case 9:
        opl3_write(s->opl, offset & 3, (uint8_t)value);
        break;
    case PORT_MIXER:
        s->mixer_index = (uint8_t)value;
        break;
    case PORT_MIXER + 1:
        mixer_write(s, (uint8_t)value);
        break;
    case PORT_RESET:
        if (s->resetting && !(value & 1)) {
            dsp_reset(s);
            answer(s, READY);
        }
        s->resetting = value & 1;
        break;
    case PORT_WRITE:
        dsp_write(s, (uint8_t)value);
        break;
    default:
        break;
    }
}

static const struct io_ops ops = {port_read, port_write, 1};

static void reset(void *dev)
{
    struct sb16 *s = dev;
    static const uint8_t irq_bit[16] = {[2] = 1, [9] = 1, [5] = 2, [7] = 4, [10] = 8};

    dsp_reset(s);
    mixer_standard(s);
    s->mixer[0x80] = irq_bit[s->irq_standard];
    s->mixer[0x81] = (uint8_t)(1u << s->dma_standard | 1u << s->dma16_standard);
    s->mixer_index = s->resetting = s->test = 0;
    s->reference = 128;
    s->adpcm_step = 1;
    s->direct_at = 0;
    memset(s->next, 0, sizeof s->next);
    memset(s->last, 0, sizeof s->last);
}

static void loaded(void *dev)
{
    struct sb16 *s = dev;
    uint64_t now = vclock_now(s->clock);

    s->queued = s->queued <= QUEUE ? s->queued : QUEUE;
    if (s->wanted > 4 || s->have > 3 || s->wanted + s->have > 4)
        s->wanted = s->have = 0;
    s->coding = s->coding <= SILENCE ? s->coding : PCM8;
    s->wide = s->wide && s->coding == PCM16;
    s->adpcm_left = s->adpcm_left <= 4 ? s->adpcm_left : 0;
    s->adpcm_step = s->adpcm_step <= 32 ? s->adpcm_step : 1;
    s->rate = sane_rate(s->rate);
    s->block &= 0x1ffff;
    s->left = s->left <= s->block ? s->left : s->block;
    s->block_size &= 0xffff;
    s->position &= 0xffffffff;
    s->pending &= IRQ_8 | IRQ_16;
    s->direct = (int16_t)s->direct;
    for (unsigned i = 0; i < 2; i++) {
        s->last[i] = (int16_t)s->last[i];
        s->next[i] = (int16_t)s->next[i];
    }
    if (s->direct_at > now)
        s->direct_at = now;
    schedule(s);
}

/* clang-format off */
#define F(member) FIELD(struct sb16, member)
#define A(member) FIELD_ARRAY(struct sb16, member)
static const struct field fields[] = {
    F(command), F(wanted), F(have), A(argument), A(queue), F(queued), F(last_read), F(resetting),
    F(test), F(speaker), F(mixer_index), A(mixer), F(pending), F(running),
    F(paused), F(autoinit), F(ending), F(input), F(coding), F(is_signed), F(stereo), F(wide),
    F(reference), F(adpcm_step), F(adpcm_byte), F(adpcm_left), F(rate), F(block), F(left),
    F(block_size), F(position), A(last), A(next), F(direct_at), F(direct), FIELD_END,
};
/* clang-format on */

static const struct device_class class = {
    .name = "sb16", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

void sb16_init(struct board *board, const struct sb16_config *c, struct irq_line irqs,
               struct dma *dma, struct audio_out *out)
{
    struct sb16 *s = device_alloc(sizeof *s);

    s->out = out;
    s->clock = board->clock;
    s->dma = dma;
    s->log = board->log;
    s->irqs = irqs;
    s->irq_standard = c->irq;
    s->dma_standard = c->dma;
    s->dma16_standard = c->dma16;
    s->opl = opl3_init(board, 0x388, out);
    vtimer_init(&s->timer, "sb16", timer_fired, s);
    s->source = (struct audio_source){"sb16", s, render, active, NULL};
    audio_attach(out, &s->source);
    bus_map(board->bus, "sb16", c->base, 16, &ops, s);
    device_add(board->devices, &class, s);
    reset(s);
}
