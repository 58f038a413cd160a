/* The Sound Blaster's DSP, version 4.05: commands and answers (Sound Blaster Series Hardware
 * Programming Guide, chapter 6). */
#include <string.h>

#include "devices/sb16_private.h"
#include "ringer/log.h"

enum {
    READY = 0xaa,
    IDENTITY_SUM = 0xaa,
    IDENTITY_KEY = 0x96,
    MIXER_STEREO = 0x0e, /* the mixer's register whose bit 1 makes old commands stereo */
};

/* Commands with arguments; the rest has none.  Those from B0h to CFh have three. */
static unsigned arguments(uint8_t command)
{
    static const uint8_t count[256] = {
        [0x04] = 1, [0x05] = 2, [0x08] = 1, [0x0e] = 2, [0x0f] = 1, [0x10] = 1, [0x14] = 2,
        [0x15] = 2, [0x16] = 2, [0x17] = 2, [0x24] = 2, [0x38] = 1, [0x40] = 1, [0x41] = 2,
        [0x42] = 2, [0x48] = 2, [0x74] = 2, [0x75] = 2, [0x76] = 2, [0x77] = 2, [0x80] = 2,
        [0xe0] = 1, [0xe2] = 1, [0xe4] = 1, [0xf9] = 1,
    };

    return command >= 0xb0 && command < 0xd0 ? 3 : count[command];
}

/* The older commands that start a transfer, of 8 bits.  SIZED ones name its length; the others take
 * that of command 48h. */
static const struct old_start {
    uint8_t command, coding;
    bool sized, autoinit, input, reference;
} old_starts[] = {
    {0x14, PCM8, true, false, false, false},    {0x15, PCM8, true, false, false, false},
    {0x16, ADPCM2, true, false, false, false},  {0x17, ADPCM2, true, false, false, true},
    {0x1c, PCM8, false, true, false, false},    {0x1f, ADPCM2, false, true, false, true},
    {0x24, PCM8, true, false, true, false},     {0x2c, PCM8, false, true, true, false},
    {0x74, ADPCM4, true, false, false, false},  {0x75, ADPCM4, true, false, false, true},
    {0x76, ADPCM26, true, false, false, false}, {0x77, ADPCM26, true, false, false, true},
    {0x7d, ADPCM4, false, true, false, true},   {0x7f, ADPCM26, false, true, false, true},
    {0x80, SILENCE, true, false, false, false}, {0x90, PCM8, false, true, false, false},
    {0x91, PCM8, false, false, false, false},   {0x98, PCM8, false, true, true, false},
    {0x99, PCM8, false, false, true, false},
};

static void answer(struct sb16 *s, uint8_t value)
{
    if (s->queued < SB16_QUEUE)
        s->queue[s->queued++] = value;
}

static uint32_t word(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static bool start_old(struct sb16 *s, uint8_t command)
{
    for (unsigned i = 0; i < sizeof old_starts / sizeof *old_starts; i++) {
        const struct old_start *o = &old_starts[i];
        if (o->command != command)
            continue;
        s->stereo = o->coding == PCM8 && s->mixer[MIXER_STEREO] & 2;
        s->is_signed = 0;
        s->input = o->input;
        sb16_start(s, o->coding, false, (o->sized ? word(s->argument) : s->block_size) + 1,
                   o->autoinit);
        if (o->reference)
            sb16_take_reference(s);
        return true;
    }
    return false;
}

static bool start_new(struct sb16 *s, uint8_t command)
{
    bool wide = command < 0xc0;

    if (command < 0xb0 || command >= 0xd0)
        return false;
    s->is_signed = s->argument[0] >> 4 & 1;
    s->stereo = s->argument[0] >> 5 & 1;
    s->input = command >> 3 & 1;
    sb16_start(s, wide ? PCM16 : PCM8, wide, word(s->argument + 1) + 1, command >> 2 & 1);
    return true;
}

/* E2h: drivers by Creative know the card by the bytes that it writes to memory in answer to theirs,
 * each a sum that goes on from the last, under a key that turns by two bits. */
static void identify_by_dma(struct sb16 *s)
{
    int channel = sb16_channel(s, false);

    s->identity[0] += s->argument[0] ^ s->identity[1];
    s->identity[1] = (uint8_t)(s->identity[1] >> 2 | s->identity[1] << 6);
    if (channel >= 0)
        dma_to_memory(s->dma, channel, &s->identity[0], 1, NULL);
}

static void tell_copyright(struct sb16 *s)
{
    static const char text[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";

    for (size_t i = 0; i < sizeof text; i++)
        answer(s, (uint8_t)text[i]);
}

static bool control(struct sb16 *s, uint8_t command)
{
    switch (command) {
    case 0x10: /* direct mode: the guest times the samples */
        s->direct = (s->argument[0] - 128) * 256;
        s->direct_at = vclock_now(s->clock);
        if (!s->running)
            s->rate = 44100;
        return true;
    case 0x40:
        s->rate = sb16_sane_rate(1000000 / (256u - s->argument[0]) /
                                 (s->mixer[MIXER_STEREO] & 2 ? 2 : 1));
        return true;
    case 0x41:
    case 0x42:
        s->rate = sb16_sane_rate((uint32_t)s->argument[0] << 8 | s->argument[1]);
        return true;
    case 0x45:
    case 0x47:
        s->autoinit = 1;
        s->ending = 0;
        return true;
    case 0x48:
        s->block_size = word(s->argument);
        return true;
    case 0xd0:
    case 0xd5:
        s->paused = 1;
        return true;
    case 0xd4:
    case 0xd6:
        s->paused = 0;
        return true;
    case 0xd1:
        s->speaker = 0xff;
        return true;
    case 0xd3:
        s->speaker = 0;
        return true;
    case 0xd9:
    case 0xda:
        s->ending = s->running;
        return true;
    default:
        return false;
    }
}

static bool tell(struct sb16 *s, uint8_t command)
{
    switch (command) {
    case 0x20: /* direct input */
        answer(s, sb16_direct_input(s));
        return true;
    case 0xd8:
        answer(s, s->speaker);
        return true;
    case 0xe0:
        answer(s, (uint8_t)~s->argument[0]);
        return true;
    case 0xe1:
        answer(s, 4);
        answer(s, 5);
        return true;
    case 0xe2:
        identify_by_dma(s);
        return true;
    case 0xe3:
        tell_copyright(s);
        return true;
    case 0xe4:
        s->test = s->argument[0];
        return true;
    case 0xe8:
        answer(s, s->test);
        return true;
    case 0xf2:
        sb16_interrupt(s, SB16_IRQ_8);
        return true;
    case 0xf3:
        sb16_interrupt(s, SB16_IRQ_16);
        return true;
    case 0xf8:
    case 0xf9: /* a byte of its memory */
        answer(s, 0);
        return true;
    default:
        return false;
    }
}

/* The MIDI port, at which nobody is: what is played there is lost, and nothing comes. */
static bool midi(struct sb16 *s, uint8_t command)
{
    s->midi = command >= 0x34 && command <= 0x37;
    return command == 0x38 || (command >= 0x30 && command <= 0x37);
}

static void carry_out(struct sb16 *s, uint8_t command)
{
    if (!start_old(s, command) && !start_new(s, command) && !control(s, command) &&
        !tell(s, command) && !midi(s, command))
        log_unimp(s->log, "sb16: DSP command %02x", command);
}

void sb16_dsp_write(struct sb16 *s, uint8_t value)
{
    if (s->midi)
        return;
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
    sb16_schedule(s);
}

uint8_t sb16_dsp_read(struct sb16 *s)
{
    if (s->queued) {
        s->last_read = s->queue[0];
        memmove(s->queue, s->queue + 1, --s->queued);
    }
    return s->last_read;
}

void sb16_dsp_reset(struct sb16 *s)
{
    s->running = s->paused = s->wanted = s->queued = s->ending = s->midi = 0;
    s->speaker = 0;
    s->identity[0] = IDENTITY_SUM;
    s->identity[1] = IDENTITY_KEY;
    s->rate = 11025;
    sb16_acknowledge(s, SB16_IRQ_8 | SB16_IRQ_16);
    sb16_schedule(s);
    answer(s, READY);
}
