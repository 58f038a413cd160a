/* Yamaha YMF262 (OPL3): 36 operators in 18 channels, by the application manual's registers.
 *
 * An operator is a sine in a table of logarithms, to which envelope, total level and the rest are
 * added before the way back through a table of powers; so all levels are in 1/256 octaves (of
 * 6.02 dB), and the envelope's 512 steps are 3/16 dB each.  The chip computes a sample every 288
 * clocks of 14.318 MHz; the output's rate is reached by interpolation.  All that is not
 * programmed, but goes on by itself, is one array a kind, by operator. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/opl3.h"
#include "devices/pc.h"

enum {
    CLOCK_HZ = 14318180,
    SAMPLE_CLOCKS = 288,
    OPERATORS = 36,
    CHANNELS = 18,
    SILENT = 511, /* the envelope's end */

    TREMOLO_PERIOD = 13440, /* samples: 3.7 Hz */
    VIBRATO_STEP = 1024,    /* samples of an eighth: 6.1 Hz */

    TIMER1_NS = 80000,
    TIMER2_NS = 320000,
};

enum stage { RELEASE, ATTACK, DECAY, SUSTAIN };

struct opl3 {
    struct audio_out *out;
    struct audio_source source;
    struct vclock *clock;
    uint16_t log_sin[256], power[256];
    uint32_t gain[2]; /* of the mixer behind it: 16 bits of fraction */

    uint8_t reg[512];
    uint16_t address;
    uint32_t phase[OPERATORS]; /* 10.9 bits */
    uint16_t envelope[OPERATORS];
    uint8_t stage[OPERATORS];
    uint8_t key[OPERATORS]; /* bit 0 by its channel, bit 1 by the rhythm register */
    int16_t now[OPERATORS], before[OPERATORS];
    uint32_t samples, noise;
    struct audio_voice voice;
    uint64_t started[2]; /* ns */
    uint8_t flags;
    uint8_t sounding;
};

/* ---- registers ---- */

/* Registers' offsets of operator N (0: a channel's first, 1: its second) of channel C. */
static unsigned operator_at(unsigned c, unsigned n)
{
    return (c >= 9 ? 256 : 0) + c % 9 / 3 * 8 + c % 3 + 3 * n;
}

static unsigned channel_at(unsigned c)
{
    return (c >= 9 ? 256 : 0) + c % 9;
}

static bool opl3_mode(const struct opl3 *o)
{
    return o->reg[0x105] & 1;
}

/* Is C the first (-1), the second (1) of two channels that make one of four operators? */
static int four(const struct opl3 *o, unsigned c)
{
    unsigned in_bank = c % 9, pair = in_bank % 3 + (c >= 9 ? 3 : 0);

    if (!opl3_mode(o) || in_bank >= 6 || !(o->reg[0x104] >> pair & 1))
        return 0;
    return in_bank < 3 ? -1 : 1;
}

static unsigned frequency(const struct opl3 *o, unsigned c, unsigned *block)
{
    unsigned at = channel_at(four(o, c) > 0 ? c - 3 : c);

    *block = o->reg[at + 0xb0] >> 2 & 7;
    return o->reg[at + 0xa0] | (o->reg[at + 0xb0] & 3u) << 8;
}

static void set_key(struct opl3 *o, unsigned op, uint8_t bit, bool on)
{
    uint8_t before = o->key[op];

    o->key[op] = (uint8_t)(on ? before | bit : before & ~bit);
    if (!before && o->key[op]) {
        o->stage[op] = ATTACK;
        o->phase[op] = 0;
        o->sounding = 1;
    } else if (before && !o->key[op]) {
        o->stage[op] = RELEASE;
    }
}

static void key_channel(struct opl3 *o, unsigned c, bool on)
{
    unsigned n = four(o, c) < 0 ? 2 : 1;

    if (four(o, c) > 0)
        return;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 2; k++)
            set_key(o, 2 * (c + 3 * i) + k, 1, on);
}

static void key_rhythm(struct opl3 *o, uint8_t value)
{
    static const uint8_t bit_of[6] = {0x10, 0x10, 0x01, 0x08, 0x04, 0x02};

    /* bass drum 12, 13; hi-hat 14; snare 15; tom 16; cymbal 17 */
    for (unsigned i = 0; i < 6; i++)
        set_key(o, 12 + i, 2, value & 0x20 && value & bit_of[i]);
}

/* ---- timers ---- */

static void look_at_timers(struct opl3 *o)
{
    static const unsigned unit[2] = {TIMER1_NS, TIMER2_NS};
    uint64_t now = vclock_now(o->clock);

    for (unsigned i = 0; i < 2; i++) {
        uint64_t period = (256u - o->reg[2 + i]) * (uint64_t)unit[i];
        if (!(o->reg[4] >> i & 1) || now - o->started[i] < period)
            continue;
        o->started[i] += (now - o->started[i]) / period * period;
        if (!(o->reg[4] >> (6 - i) & 1))
            o->flags |= (uint8_t)(0x80 | 0x40 >> i);
    }
}

static void write_timer_control(struct opl3 *o, uint8_t value)
{
    uint64_t now = vclock_now(o->clock);

    if (value & 0x80) {
        o->flags = 0;
        return;
    }
    for (unsigned i = 0; i < 2; i++)
        if (value >> i & 1 && !(o->reg[4] >> i & 1))
            o->started[i] = now;
    o->reg[4] = value;
}

static void write_register(struct opl3 *o, unsigned at, uint8_t value)
{
    unsigned low = at & 0xff;

    if (at == 4) {
        look_at_timers(o);
        write_timer_control(o, value);
        return;
    }
    o->reg[at] = value;
    if (low >= 0xb0 && low <= 0xb8)
        key_channel(o, low - 0xb0 + (at >= 256 ? 9 : 0), value & 0x20);
    if (at == 0xbd)
        key_rhythm(o, value);
}

uint8_t opl3_read(struct opl3 *o, unsigned offset)
{
    if (offset & 3)
        return 0; /* an OPL2 answers otherwise: so programs tell them apart */
    look_at_timers(o);
    return o->flags;
}

void opl3_write(struct opl3 *o, unsigned offset, uint8_t value)
{
    if (!(offset & 1)) {
        o->address = (uint16_t)(value | (offset & 2) << 7);
        if (o->address >= 256 && o->address != 0x105 && !opl3_mode(o))
            o->address &= 0xff;
        return;
    }
    audio_run(o->out);
    write_register(o, o->address, value);
    audio_run(o->out);
}

/* ---- the envelope ---- */

static unsigned rate_of(const struct opl3 *o, unsigned op, unsigned at, unsigned c)
{
    unsigned block, f = frequency(o, c, &block);
    unsigned scale = block << 1 | (o->reg[8] & 0x40 ? f >> 8 & 1 : f >> 9);
    unsigned rate;

    switch (o->stage[op]) {
    case ATTACK:
        rate = o->reg[at + 0x60] >> 4;
        break;
    case DECAY:
        rate = o->reg[at + 0x60] & 15;
        break;
    case SUSTAIN:
        rate = o->reg[at + 0x20] & 0x20 ? 0 : o->reg[at + 0x80] & 15;
        break;
    default:
        rate = o->reg[at + 0x80] & 15;
        break;
    }
    if (!rate)
        return 0;
    rate = 4 * rate + (o->reg[at + 0x20] & 0x10 ? scale : scale >> 2);
    return rate < 63 ? rate : 63;
}

/* How far the envelope moves in this sample: of each eight turns that come at the rate's pace,
 * four to seven do something; above rate 51 several steps are made at once. */
static unsigned steps(uint32_t samples, unsigned rate)
{
    static const uint8_t patterns[4] = {0xaa, 0xae, 0xee, 0xfe};
    unsigned pace = rate >> 2, shift = pace < 12 ? 12 - pace : 0;
    unsigned more;

    if (!rate || samples & ((1u << shift) - 1))
        return 0;
    more = patterns[rate & 3] >> (samples >> shift & 7) & 1;
    if (pace < 12)
        return more;
    if (pace == 15)
        return 8;
    return (1u + (rate & 3 ? more : 0)) << (pace - 12);
}

static void step_envelope(struct opl3 *o, unsigned op, unsigned at, unsigned c)
{
    unsigned rate = rate_of(o, op, at, c), n = steps(o->samples, rate), level = o->envelope[op];
    unsigned sustain = o->reg[at + 0x80] >> 4;

    sustain = sustain == 15 ? 31 * 16 : sustain * 16;
    if (o->stage[op] == ATTACK) {
        if (rate >= 60)
            level = 0;
        else
            level -= n && level ? (level * n >> 3) + 1 : 0;
        if (level > SILENT)
            level = 0;
        if (!level)
            o->stage[op] = DECAY;
    } else {
        level = level + n < SILENT ? level + n : SILENT;
        if (o->stage[op] == DECAY && level >= sustain)
            o->stage[op] = SUSTAIN;
    }
    o->envelope[op] = (uint16_t)level;
}

/* ---- the phase ---- */

static void step_phase(struct opl3 *o, unsigned op, unsigned at, unsigned c)
{
    static const uint8_t doubled[16] = {1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 24, 24, 30, 30};
    unsigned block;
    int f = (int)frequency(o, c, &block);

    if (o->reg[at + 0x20] & 0x40) {
        static const int8_t shape[8] = {0, 1, 2, 1, 0, -1, -2, -1};
        int depth = (f >> 7 & 7) * shape[o->samples / VIBRATO_STEP % 8] / 2;
        f += o->reg[0xbd] & 0x40 ? depth : depth / 2;
    }
    o->phase[op] += ((uint32_t)f << block >> 1) * doubled[o->reg[at + 0x20] & 15] >> 1;
}

/* ---- the sound ---- */

static unsigned key_scale(const struct opl3 *o, unsigned at, unsigned c)
{
    static const uint8_t octaves[16] = {0,  32, 40, 45, 48, 51, 53, 55,
                                        56, 58, 59, 60, 61, 62, 63, 64};
    static const uint8_t shift[4] = {9, 1, 2, 0}; /* 0, 3, 1.5, 6 dB an octave */
    unsigned block, f = frequency(o, c, &block);
    int level = octaves[f >> 6] * 4 - 32 * (int)(8 - block);

    return level > 0 ? (unsigned)level >> shift[o->reg[at + 0x40] >> 6] : 0;
}

static unsigned attenuation(const struct opl3 *o, unsigned op, unsigned at, unsigned c)
{
    unsigned level = o->envelope[op] + (o->reg[at + 0x40] & 63u) * 4 + key_scale(o, at, c);

    if (o->reg[at + 0x20] & 0x80) {
        unsigned t = o->samples % TREMOLO_PERIOD * 52 / TREMOLO_PERIOD;
        t = t < 26 ? t : 52 - t;
        level += o->reg[0xbd] & 0x80 ? t : t >> 2;
    }
    return level < SILENT ? level : SILENT;
}

/* WAVE at PHASE (1024 to the period), LEVEL below full scale of +-4095. */
static int wave(const struct opl3 *o, unsigned form, unsigned phase, unsigned level)
{
    unsigned half = phase & 512, quarter = phase & 256;
    unsigned att;
    bool negative = half;

    phase &= 1023;
    if (form == 4 || form == 5) { /* twice as fast, then rest */
        if (half)
            return 0;
        negative = form == 4 && quarter;
        phase = phase << 1 & 1023;
        quarter = phase & 256;
    }
    if ((form == 1 && half) || (form == 3 && quarter))
        return 0;
    if (form >= 1 && form <= 3)
        negative = false;
    if (form == 6)
        att = 0;
    else if (form == 7)
        att = (half ? 1023 - phase : phase) * 8;
    else
        att = o->log_sin[quarter ? 255 - (phase & 255) : phase & 255];
    att += level << 3;
    int value = att < 0x1000 ? o->power[att & 255] >> (att >> 8) : 0;
    return negative ? -value : value;
}

static int operate(struct opl3 *o, unsigned op, unsigned c, int modulation)
{
    unsigned at = operator_at(c, op & 1);
    unsigned form = o->reg[at + 0xe0] & (opl3_mode(o) ? 7 : 3);

    if (o->envelope[op] == SILENT && o->stage[op] == RELEASE) {
        o->before[op] = o->now[op];
        o->now[op] = 0;
        return 0;
    }
    step_envelope(o, op, at, c);
    int value =
        wave(o, form, (o->phase[op] >> 9) + (unsigned)modulation, attenuation(o, op, at, c));
    step_phase(o, op, at, c);
    o->before[op] = o->now[op];
    o->now[op] = (int16_t)value;
    return value;
}

static int first_operator(struct opl3 *o, unsigned c)
{
    unsigned feedback = o->reg[channel_at(c) + 0xc0] >> 1 & 7;
    int sum = o->now[2 * c] + o->before[2 * c];

    return operate(o, 2 * c, c, feedback ? sum >> (9 - feedback) : 0);
}

static int two_operators(struct opl3 *o, unsigned c)
{
    int first = first_operator(o, c);

    if (o->reg[channel_at(c) + 0xc0] & 1)
        return first + operate(o, 2 * c + 1, c, 0);
    return operate(o, 2 * c + 1, c, first);
}

/* "4-operator mode": the connections of both channels say which of four algorithms it is. */
static int four_operators(struct opl3 *o, unsigned c)
{
    unsigned d = c + 3;
    bool one = o->reg[channel_at(c) + 0xc0] & 1, two = o->reg[channel_at(d) + 0xc0] & 1;
    int first = first_operator(o, c), second, third;

    second = operate(o, 2 * c + 1, c, one ? 0 : first);
    if (one && two) {
        third = operate(o, 2 * d, d, second);
        return first + third + operate(o, 2 * d + 1, d, 0);
    }
    if (one)
        return first + operate(o, 2 * d + 1, d, operate(o, 2 * d, d, second));
    if (two)
        return second + operate(o, 2 * d + 1, d, operate(o, 2 * d, d, 0));
    return operate(o, 2 * d + 1, d, operate(o, 2 * d, d, second));
}

/* Hi-hat, snare drum and cymbal: bits of two operators' phases, and noise, make the phase. */
static int percussion(struct opl3 *o, unsigned op, unsigned c, unsigned phase)
{
    int32_t shift = (int32_t)phase - (int32_t)(o->phase[op] >> 9);

    return operate(o, op, c, shift);
}

static int rhythm(struct opl3 *o, unsigned c)
{
    unsigned hat = o->phase[14] >> 9, cymbal = o->phase[17] >> 9;
    bool mixed =
        ((hat >> 2 ^ hat >> 7) | (hat >> 3 ^ cymbal >> 5) | (cymbal >> 3 ^ cymbal >> 5)) & 1;
    bool noise = o->noise & 1;

    if (c == 6) {
        int first = first_operator(o, 6);
        return 2 * operate(o, 13, 6, o->reg[0xc6] & 1 ? 0 : first);
    }
    if (c == 7) {
        unsigned a = mixed ? (noise ? 0x2d0 : 0x234) : (noise ? 0x34 : 0xd0);
        unsigned b = (hat >> 8 & 1 ? 0x200 : 0x100) ^ (noise ? 0x100 : 0);
        return 2 * percussion(o, 14, 7, a) + 2 * percussion(o, 15, 7, b);
    }
    return 2 * operate(o, 16, 8, 0) + 2 * percussion(o, 17, 8, mixed ? 0x300 : 0x100);
}

/* The next frame; the converter has 16 bits. */
static void compute(void *dev, int32_t sum[2])
{
    struct opl3 *o = dev;

    sum[0] = sum[1] = 0;
    for (unsigned c = 0; c < CHANNELS; c++) {
        int kind = four(o, c), value;
        uint8_t out = o->reg[channel_at(c) + 0xc0];

        if (kind > 0)
            continue;
        if (o->reg[0xbd] & 0x20 && c >= 6 && c <= 8)
            value = rhythm(o, c);
        else
            value = kind ? four_operators(o, c) : two_operators(o, c);
        if (!opl3_mode(o) || out & 0x10)
            sum[0] += value;
        if (!opl3_mode(o) || out & 0x20)
            sum[1] += value;
    }
    for (unsigned k = 0; k < 2; k++)
        sum[k] = sum[k] < -32768 ? -32768 : sum[k] > 32767 ? 32767 : sum[k];
    o->samples++;
    o->noise = o->noise >> 1 ^ (o->noise & 1 ? 0x400181 : 0);
}

static void render(void *dev, int32_t *mix, unsigned frames, uint64_t first)
{
    struct opl3 *o = dev;
    bool heard = false;

    (void)first;
    audio_voice_render(&o->voice, CLOCK_HZ / SAMPLE_CLOCKS, o->out->rate, o->gain, compute, o, mix,
                       frames);
    for (unsigned op = 0; op < OPERATORS; op++)
        heard |= o->envelope[op] != SILENT || o->stage[op] != RELEASE;
    o->sounding = heard || o->voice.next[0] || o->voice.next[1];
}

void opl3_set_gain(struct opl3 *o, const uint32_t gain[2])
{
    audio_run(o->out);
    memcpy(o->gain, gain, sizeof o->gain);
}

static bool active(void *dev)
{
    struct opl3 *o = dev;

    return o->sounding;
}

static void reset(void *dev)
{
    struct opl3 *o = dev;

    memset(o->reg, 0, sizeof o->reg);
    memset(o->key, 0, sizeof o->key);
    memset(o->stage, RELEASE, sizeof o->stage);
    memset(o->now, 0, sizeof o->now);
    memset(o->before, 0, sizeof o->before);
    for (unsigned i = 0; i < OPERATORS; i++)
        o->envelope[i] = SILENT;
    o->address = 0;
    o->noise = 1;
    o->flags = o->sounding = 0;
}

/* What would index beyond a table, or make no sense, is brought into its range. */
static void loaded(void *dev)
{
    struct opl3 *o = dev;
    uint64_t now = vclock_now(o->clock);

    o->address &= 511;
    audio_voice_loaded(&o->voice);
    for (unsigned i = 0; i < OPERATORS; i++) {
        o->envelope[i] = o->envelope[i] < SILENT ? o->envelope[i] : SILENT;
        o->stage[i] &= 3;
        o->key[i] &= 3;
        o->now[i] = (int16_t)(o->now[i] % 4096);
        o->before[i] = (int16_t)(o->before[i] % 4096);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (o->started[i] > now)
            o->started[i] = now;
    }
}

static const struct field fields[] = {
    FIELD_ARRAY(struct opl3, reg),
    FIELD(struct opl3, address),
    FIELD_ARRAY(struct opl3, phase),
    FIELD_ARRAY(struct opl3, envelope),
    FIELD_ARRAY(struct opl3, stage),
    FIELD_ARRAY(struct opl3, key),
    FIELD_ARRAY(struct opl3, now),
    FIELD_ARRAY(struct opl3, before),
    FIELD(struct opl3, samples),
    FIELD(struct opl3, noise),
    AUDIO_VOICE_FIELDS(struct opl3, voice),
    FIELD_ARRAY(struct opl3, started),
    FIELD(struct opl3, flags),
    FIELD(struct opl3, sounding),
    FIELD_END,
};

static const struct device_class class = {
    .name = "opl3", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    (void)size;
    return opl3_read(dev, offset);
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    opl3_write(dev, offset, (uint8_t)value);
}

static const struct io_ops ops = {port_read, port_write, 1};

struct opl3 *opl3_init(struct board *board, uint16_t base, struct audio_out *out)
{
    struct opl3 *o = device_alloc(sizeof *o);

    o->out = out;
    o->clock = board->clock;
    o->gain[0] = o->gain[1] = 1 << 16;
    for (unsigned i = 0; i < 256; i++) {
        o->log_sin[i] = (uint16_t)lrint(-log2(sin((i + 0.5) * M_PI / 512)) * 256);
        o->power[i] = (uint16_t)lrint(exp2(-(double)i / 256) * 4084);
    }
    o->source = (struct audio_source){"opl3", o, render, active, NULL};
    audio_attach(out, &o->source);
    if (base)
        bus_map(board->bus, "opl3", base, 4, &ops, o);
    device_add(board->devices, &class, o);
    reset(o);
    return o;
}
