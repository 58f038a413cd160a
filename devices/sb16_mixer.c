/* The CT1745 mixer, which also selects interrupt and DMA channels (Sound Blaster Series Hardware
 * Programming Guide, chapter 4). */
#include <math.h>
#include <string.h>

#include "devices/sb16_private.h"

enum {
    RESET = 0x00,
    MASTER = 0x30, /* left; right is the next, as everywhere */
    VOICE = 0x32,
    FM = 0x34,
    OUTPUT_SWITCHES = 0x3C,
    IRQ_SELECT = 0x80,
    DMA_SELECT = 0x81,
    IRQ_STATUS = 0x82,
    STATUS_VERSION = 0x20, /* DSP 4.05's, in the interrupt status */
    STEPS = 31,            /* of 2 dB */
};

/* Registers of the older CT1345, four bits a side, are another way to the same volumes. */
static unsigned old_register(uint8_t index)
{
    return index == 0x04 ? VOICE : index == 0x22 ? MASTER : index == 0x26 ? FM : 0;
}

/* ---- lines ---- */

static int irq_of(const struct sb16 *s)
{
    static const uint8_t numbers[4] = {9, 5, 7, 10};

    for (int i = 0; i < 4; i++)
        if (s->mixer[IRQ_SELECT] >> i & 1)
            return numbers[i];
    return -1;
}

int sb16_channel(const struct sb16 *s, bool wide)
{
    for (int i = 5; wide && i < 8; i++)
        if (s->mixer[DMA_SELECT] >> i & 1)
            return i;
    for (int i = 0; i < 4; i++)
        if (i != 2 && s->mixer[DMA_SELECT] >> i & 1)
            return i;
    return -1;
}

static void drive_irq(struct sb16 *s, bool level)
{
    int n = irq_of(s);

    if (n >= 0 && s->irqs.set)
        s->irqs.set(s->irqs.opaque, s->irqs.n + n, level);
}

void sb16_interrupt(struct sb16 *s, uint8_t which)
{
    s->pending |= which;
    drive_irq(s, true);
}

void sb16_acknowledge(struct sb16 *s, uint8_t which)
{
    s->pending &= (uint8_t)~which;
    drive_irq(s, s->pending != 0);
}

/* ---- volumes ---- */

static void gain_of(const struct sb16 *s, unsigned at, uint32_t gain[2])
{
    for (unsigned k = 0; k < 2; k++) {
        int own = s->mixer[at + k] >> 3, master = s->mixer[MASTER + k] >> 3;
        double db = 2.0 * (own + master - 2 * STEPS);
        gain[k] = own && master ? (uint32_t)lrint(65536 * pow(10, db / 20)) : 0;
    }
}

void sb16_mixer_gain(const struct sb16 *s, uint32_t gain[2])
{
    gain_of(s, VOICE, gain);
}

void sb16_mixer_set_fm(struct sb16 *s)
{
    uint32_t gain[2];

    gain_of(s, FM, gain);
    opl3_set_gain(s->opl, gain);
}

void sb16_mixer_reset(struct sb16 *s)
{
    memset(s->mixer, 0, IRQ_SELECT);
    memset(s->mixer + MASTER, 0xf8, 6); /* 0 dB, as QEMU leaves it; the chip has -14 dB */
    s->mixer[OUTPUT_SWITCHES] = 0x1f;
    s->mixer[OUTPUT_SWITCHES + 1] = 0x15;
    s->mixer[OUTPUT_SWITCHES + 2] = 0x0b;
    memset(s->mixer + 0x44, 0x80, 4); /* treble and bass: flat */
    sb16_mixer_set_fm(s);
}

/* ---- ports ---- */

uint8_t sb16_mixer_read(const struct sb16 *s)
{
    unsigned old = old_register(s->index);

    if (s->index == IRQ_STATUS)
        return s->pending | STATUS_VERSION;
    return old ? (s->mixer[old] & 0xf0) | s->mixer[old + 1] >> 4 : s->mixer[s->index];
}

void sb16_mixer_write(struct sb16 *s, uint8_t value)
{
    unsigned old = old_register(s->index);

    audio_run(s->out);
    if (s->index == RESET) {
        sb16_mixer_reset(s);
    } else if (old) {
        s->mixer[old] = (value & 0xf0) | 8;
        s->mixer[old + 1] = (uint8_t)(value << 4 | 8);
    } else if (s->index == IRQ_SELECT) {
        drive_irq(s, false);
        s->mixer[IRQ_SELECT] = value & 15;
        drive_irq(s, s->pending != 0);
    } else if (s->index == DMA_SELECT) {
        s->mixer[DMA_SELECT] = value & 0xeb;
    } else if (s->index != IRQ_STATUS) {
        s->mixer[s->index] = value;
    }
    sb16_mixer_set_fm(s);
}
