#include "devices/ac97_codec.h"

#include <math.h>
#include <string.h>

/* Registers by their offset (5.7, "Baseline register set", and appendix A). */
enum {
    RESET = 0x00,
    MASTER = 0x02,
    HEADPHONE = 0x04,
    MONO = 0x06,
    BEEP = 0x0A,
    PHONE = 0x0C,
    MIC = 0x0E,
    LINE_IN = 0x10,
    CD = 0x12,
    VIDEO = 0x14,
    AUX = 0x16,
    PCM_OUT = 0x18,
    RECORD_SELECT = 0x1A,
    RECORD_GAIN = 0x1C,
    GENERAL = 0x20,
    POWERDOWN = 0x26,
    EXTENDED_ID = 0x28,
    EXTENDED_STATUS = 0x2A,
    DAC_RATE = 0x2C,
    ADC_RATE = 0x32,
    MIC_RATE = 0x34,
    VENDOR1 = 0x7C,
    VENDOR2 = 0x7E,

    MUTE = 0x8000,
    VRA = 0x0001, /* the DAC's and the line ADC's rates can be set */
    VRM = 0x0008, /* the microphone's can */
    REVISION_2_2 = 0x0400,
    FULL_RATE = 48000,
    LEAST_RATE = 8000,
};

static uint16_t *at(struct ac97_codec *c, unsigned offset)
{
    return &c->reg[offset / 2 % AC97_REGISTERS];
}

static uint16_t get(const struct ac97_codec *c, unsigned offset)
{
    return c->reg[offset / 2 % AC97_REGISTERS];
}

void ac97_codec_reset(struct ac97_codec *c)
{
    static const struct {
        uint8_t offset;
        uint16_t value;
    } standard[] = {
        {MASTER, MUTE},        {HEADPHONE, MUTE},     {MONO, MUTE},
        {PHONE, 0x8008},       {MIC, 0x8008},         {LINE_IN, 0x8808},
        {CD, 0x8808},          {VIDEO, 0x8808},       {AUX, 0x8808},
        {PCM_OUT, 0x8808},     {RECORD_GAIN, MUTE},   {EXTENDED_ID, REVISION_2_2 | VRA | VRM},
        {DAC_RATE, FULL_RATE}, {ADC_RATE, FULL_RATE}, {MIC_RATE, FULL_RATE},
        {VENDOR1, 0x8384},     {VENDOR2, 0x7600},
    };

    memset(c->reg, 0, sizeof c->reg);
    for (unsigned i = 0; i < sizeof standard / sizeof *standard; i++)
        *at(c, standard[i].offset) = standard[i].value;
}

/* Ready bits of ADC, DAC, analogue mixer and reference, unless they are powered down. */
static uint16_t powerdown(uint16_t control)
{
    uint16_t ready = 0x000f & (uint16_t) ~(control >> 8 & 3);

    if (control & 0x0c00)
        ready &= (uint16_t)~4;
    if (control & 0x0800)
        ready &= (uint16_t)~8;
    return (control & 0xff00) | ready;
}

uint16_t ac97_codec_read(const struct ac97_codec *c, unsigned offset)
{
    return offset == POWERDOWN ? powerdown(get(c, offset)) : get(c, offset);
}

/* A volume of five bits a side; who sets the sixth gets the least there is (5.7.2). */
static uint16_t volume(uint16_t value, uint16_t mask)
{
    if (value & 0x2000)
        value |= 0x1f00;
    if (value & 0x0020)
        value |= 0x001f;
    return value & mask;
}

static uint16_t rate(uint16_t value)
{
    return value < LEAST_RATE ? LEAST_RATE : value > FULL_RATE ? FULL_RATE : value;
}

static void set_extended(struct ac97_codec *c, uint16_t value)
{
    *at(c, EXTENDED_STATUS) = value & (VRA | VRM);
    if (!(value & VRA))
        *at(c, DAC_RATE) = *at(c, ADC_RATE) = FULL_RATE;
    if (!(value & VRM))
        *at(c, MIC_RATE) = FULL_RATE;
}

void ac97_codec_write(struct ac97_codec *c, unsigned offset, uint16_t value)
{
    uint16_t extended = get(c, EXTENDED_STATUS);

    switch (offset) {
    case RESET:
        ac97_codec_reset(c);
        break;
    case MASTER:
    case HEADPHONE:
        *at(c, offset) = volume(value, 0x9f1f);
        break;
    case MONO:
        *at(c, offset) = volume(value, 0x801f);
        break;
    case BEEP:
        *at(c, offset) = value & 0x801e;
        break;
    case PHONE:
        *at(c, offset) = value & 0x801f;
        break;
    case MIC:
        *at(c, offset) = value & 0x805f;
        break;
    case LINE_IN:
    case CD:
    case VIDEO:
    case AUX:
    case PCM_OUT:
        *at(c, offset) = value & 0x9f1f;
        break;
    case RECORD_SELECT:
        *at(c, offset) = value & 0x0707;
        break;
    case RECORD_GAIN:
        *at(c, offset) = value & 0x8f0f;
        break;
    case GENERAL:
        *at(c, offset) = value & 0x0380;
        break;
    case POWERDOWN:
        *at(c, offset) = value & 0xff00;
        break;
    case EXTENDED_STATUS:
        set_extended(c, value);
        break;
    case DAC_RATE:
    case ADC_RATE:
        if (extended & VRA)
            *at(c, offset) = rate(value);
        break;
    case MIC_RATE:
        if (extended & VRM)
            *at(c, offset) = rate(value);
        break;
    default: /* read-only, reserved, or absent in this codec */
        break;
    }
}

uint32_t ac97_codec_dac_rate(const struct ac97_codec *c)
{
    return get(c, DAC_RATE);
}

uint32_t ac97_codec_adc_rate(const struct ac97_codec *c)
{
    return get(c, ADC_RATE);
}

uint32_t ac97_codec_mic_rate(const struct ac97_codec *c)
{
    return get(c, MIC_RATE);
}

/* Steps of 1.5 dB: the master's attenuate; PCM's do so from +12 dB on. */
void ac97_codec_gain(const struct ac97_codec *c, uint32_t gain[2])
{
    uint16_t master = get(c, MASTER), pcm = get(c, PCM_OUT);
    bool silent = (master | pcm) & MUTE || get(c, POWERDOWN) & 0x0e00;

    for (unsigned side = 0; side < 2; side++) {
        unsigned shift = side ? 0 : 8;
        int steps = (master >> shift & 31) + (pcm >> shift & 31) - 8;
        gain[side] = silent ? 0 : (uint32_t)lrint(65536 * pow(10, -1.5 / 20 * steps));
    }
}

/* Steps of 1.5 dB, upwards. */
void ac97_codec_record_gain(const struct ac97_codec *c, uint32_t gain[2])
{
    uint16_t value = get(c, RECORD_GAIN);
    bool silent = value & MUTE || get(c, POWERDOWN) & 0x0d00;

    for (unsigned side = 0; side < 2; side++) {
        int steps = value >> (side ? 0 : 8) & 15;
        gain[side] = silent ? 0 : (uint32_t)lrint(65536 * pow(10, 1.5 / 20 * steps));
    }
}

void ac97_codec_loaded(struct ac97_codec *c)
{
    *at(c, DAC_RATE) = rate(get(c, DAC_RATE));
    *at(c, ADC_RATE) = rate(get(c, ADC_RATE));
    *at(c, MIC_RATE) = rate(get(c, MIC_RATE));
}
