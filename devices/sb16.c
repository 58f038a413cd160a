/* Creative's Sound Blaster 16: ports and life of the card.  Its parts are the DSP (sb16_dsp.c),
 * what that plays (sb16_play.c), the mixer (sb16_mixer.c), the OPL3 (opl3.c) and the MPU-401
 * (mpu401.c). */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/mpu401.h"
#include "devices/sb16_private.h"

enum {
    PORT_FM = 0, /* to 3; the first two also at 8 and 9 */
    PORT_MIXER = 4,
    PORT_MIXER_DATA = 5,
    PORT_RESET = 6,
    PORT_FM_OLD = 8,
    PORT_READ = 0xa,
    PORT_WRITE = 0xc,
    PORT_STATUS = 0xe,
    PORT_ACK16 = 0xf,
};

static bool is_fm(uint16_t offset)
{
    return offset < PORT_MIXER || (offset & ~1) == PORT_FM_OLD;
}

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    struct sb16 *s = dev;

    (void)size;
    if (is_fm(offset))
        return opl3_read(s->opl, offset & 3);
    switch (offset) {
    case PORT_MIXER:
        return s->index;
    case PORT_MIXER_DATA:
        return sb16_mixer_read(s);
    case PORT_READ:
        return sb16_dsp_read(s);
    case PORT_WRITE:
        return 0x7f; /* always ready for a command */
    case PORT_STATUS:
        audio_run(s->out);
        sb16_acknowledge(s, SB16_IRQ_8);
        return s->queued ? 0xff : 0x7f;
    case PORT_ACK16:
        audio_run(s->out);
        sb16_acknowledge(s, SB16_IRQ_16);
        return 0xff;
    default:
        return 0xff;
    }
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct sb16 *s = dev;

    (void)size;
    if (is_fm(offset))
        opl3_write(s->opl, offset & 3, (uint8_t)value);
    switch (offset) {
    case PORT_MIXER:
        s->index = (uint8_t)value;
        break;
    case PORT_MIXER_DATA:
        sb16_mixer_write(s, (uint8_t)value);
        break;
    case PORT_RESET:
        if (s->resetting && !(value & 1)) {
            audio_run(s->out);
            sb16_dsp_reset(s);
        }
        s->resetting = value & 1;
        break;
    case PORT_WRITE:
        sb16_dsp_write(s, (uint8_t)value);
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

    sb16_dsp_reset(s);
    s->queued = 0; /* only who resets the DSP is told that it is ready */
    sb16_mixer_reset(s);
    s->mixer[0x80] = irq_bit[s->irq_standard];
    s->mixer[0x81] = (uint8_t)(1u << s->dma_standard | 1u << s->dma16_standard);
    s->index = s->resetting = s->test = 0;
    s->reference = 128;
    s->adpcm_step = 1;
    s->direct_at = s->listened_at = 0;
    s->heard = 0;
    s->ear = (struct audio_ear){0};
    memset(&s->voice, 0, sizeof s->voice);
}

static void loaded(void *dev)
{
    struct sb16 *s = dev;
    uint64_t now = vclock_now(s->clock);

    s->queued = s->queued <= SB16_QUEUE ? s->queued : SB16_QUEUE;
    if (s->wanted > 4 || s->have > 3 || s->wanted + s->have > 4)
        s->wanted = s->have = 0;
    s->coding = s->coding <= SILENCE ? s->coding : PCM8;
    s->wide = s->wide && s->coding == PCM16;
    s->adpcm_left = s->adpcm_left <= 4 ? s->adpcm_left : 0;
    s->adpcm_step = s->adpcm_step <= 32 ? s->adpcm_step : 1;
    s->rate = sb16_sane_rate(s->rate);
    s->block &= 0x1ffff;
    s->left = s->left <= s->block ? s->left : s->block;
    s->block_size &= 0xffff;
    s->pending &= SB16_IRQ_8 | SB16_IRQ_16;
    s->direct = (int16_t)s->direct;
    audio_voice_loaded(&s->voice);
    audio_ear_loaded(&s->ear);
    s->heard = (int16_t)s->heard;
    if (s->direct_at > now)
        s->direct_at = now;
    if (s->listened_at > now)
        s->listened_at = now;
    sb16_mixer_set_fm(s);
    sb16_schedule(s);
}

/* clang-format off */
#define F(member) FIELD(struct sb16, member)
#define A(member) FIELD_ARRAY(struct sb16, member)
static const struct field fields[] = {
    F(command), F(wanted), F(have), A(argument), A(queue), F(queued), F(last_read), F(resetting),
    F(test), F(speaker), F(midi), A(identity), F(index), A(mixer), F(pending), F(running),
    F(paused), F(autoinit), F(ending), F(input), F(coding), F(is_signed), F(stereo), F(wide),
    F(reference), F(adpcm_step), F(adpcm_byte), F(adpcm_left), F(rate), F(block), F(left),
    F(block_size), AUDIO_VOICE_FIELDS(struct sb16, voice), F(direct_at), F(direct),
    AUDIO_EAR_FIELDS(struct sb16, ear), F(listened_at), F(heard), FIELD_END,
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
    mpu401_init(board, c->mpu);
    sb16_play_init(s);
    bus_map(board->bus, "sb16", c->base, 16, &ops, s);
    device_add(board->devices, &class, s);
    reset(s);
}
