/* Intel's AC'97 controller, 8086:2415 (82801AA "ICH" datasheet, order 290655, chapter 13: "AC'97
 * Audio Controller Registers"), with one codec (devices/ac97_codec.h).
 *
 * Base address 0 has the codec's mixer, base address 1 the bus master: a box of registers each for
 * PCM in, PCM out and microphone in, which work through a list of 32 buffers in memory, and the
 * global registers.  Samples are fetched when the output's time for them has come; a timer wakes
 * the mixer at the end of each buffer, so that the interrupt comes in time.  What is no RAM is
 * heard as silence and not written to. */
#include "devices/ac97.h"

#include <stdlib.h>
#include <string.h>

#include "devices/ac97_codec.h"
#include "devices/internal.h"
#include "devices/pci.h"
#include "ringer/log.h"

enum {
    NS = 1000000000,
    MIXER_PORTS = 256,
    MASTER_PORTS = 64,
    BOXES = 3,
    BUFFERS = 32, /* in a list */

    /* A box's registers, by offset. */
    BOX_LIST = 0x0,
    BOX_CURRENT = 0x4,
    BOX_LAST = 0x5,
    BOX_STATUS = 0x6,
    BOX_LEFT = 0x8,
    BOX_PREFETCHED = 0xA,
    BOX_CONTROL = 0xB,
    BOX_BYTES = 0x10,
    GLOBAL_CONTROL = 0x2C,
    GLOBAL_STATUS = 0x30,
    SEMAPHORE = 0x34,

    STATUS_HALTED = 0x01,
    STATUS_AT_LAST = 0x02,
    STATUS_LAST_DONE = 0x04,
    STATUS_DONE = 0x08,
    STATUS_FIFO = 0x10,
    STATUS_CLEARED = STATUS_LAST_DONE | STATUS_DONE | STATUS_FIFO, /* by ones */

    CONTROL_RUN = 0x01,
    CONTROL_RESET = 0x02,
    CONTROL_LAST = 0x04, /* interrupt at its end */
    CONTROL_FIFO = 0x08,
    CONTROL_DONE = 0x10,
    CONTROL_STORED = 0x1D,

    GLOBAL_COLD = 0x02, /* low: the codec is reset */
    GLOBAL_WARM = 0x04,
    GLOBAL_STORED = 0x3B,
    GLOBAL_PRIMARY_READY = 1 << 8,

    BUFFER_INTERRUPTS = 1u << 31,
    BUFFER_SILENCE = 1 << 30, /* at the end of the list, rather than the last sample */
};

enum box_kind { PCM_IN, PCM_OUT, MIC_IN };

/* Where each box's interrupt shows in the global status. */
static const uint8_t interrupt_bit[BOXES] = {5, 6, 7};

struct box {
    uint32_t list, at, how; /* the list; the next sample and the control word of a buffer */
    uint16_t left;          /* samples in it */
    uint8_t current, last, prefetched, status, control;
    uint8_t loaded; /* a buffer is being worked through */
};

struct ac97 {
    struct pci_function pci;
    struct audio_out *out;
    struct audio_source source;
    struct vclock *clock;
    struct phys *phys;
    struct bus *bus;
    struct log *log;
    struct vtimer timer;

    struct ac97_codec codec;
    struct box box[BOXES];
    uint8_t control; /* global, its first byte */
    uint8_t semaphore;
    struct audio_ear line, microphone;
    struct audio_voice voice;
};

/* ---- lines ---- */

static bool interrupts(const struct box *b)
{
    return (b->status & STATUS_LAST_DONE && b->control & CONTROL_LAST) ||
           (b->status & STATUS_DONE && b->control & CONTROL_DONE) ||
           (b->status & STATUS_FIFO && b->control & CONTROL_FIFO);
}

static void update_irq(struct ac97 *s)
{
    bool level = false;

    for (unsigned i = 0; i < BOXES; i++)
        level |= interrupts(&s->box[i]);
    pci_interrupt(&s->pci, level);
}

/* ---- buffers ---- */

static bool may_master(const struct ac97 *s)
{
    return pci_get16(&s->pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

/* Runs it, and is there something to do? */
static bool runs(const struct ac97 *s, const struct box *b)
{
    return b->control & CONTROL_RUN && !(b->status & STATUS_HALTED) && may_master(s);
}

/* Go on with the next buffer of the list: two dwords, address and control with length. */
static void next_buffer(struct ac97 *s, struct box *b)
{
    const uint8_t *entry;
    uint32_t words[2] = {0, 0};

    b->current = b->prefetched;
    b->prefetched = (b->prefetched + 1) % BUFFERS;
    entry = phys_ptr(s->phys, b->list + 8u * b->current, sizeof words);
    if (entry)
        memcpy(words, entry, sizeof words);
    else
        log_guest_error(s->log, "AC97: no RAM at %08x, where buffers are listed",
                        b->list + 8u * b->current);
    b->at = words[0] & ~1u;
    b->how = words[1];
    b->left = (uint16_t)words[1];
    b->loaded = 1;
}

static void end_buffer(struct ac97 *s, struct box *b)
{
    if (b->how & BUFFER_INTERRUPTS)
        b->status |= STATUS_DONE;
    b->loaded = 0;
    if (b->current == b->last)
        b->status |= STATUS_LAST_DONE | STATUS_AT_LAST | STATUS_HALTED;
    else
        next_buffer(s, b);
    update_irq(s);
}

/* Is there a sample to be moved?  Buffers without any are passed over; the list's last ends that.
 */
static bool have_sample(struct ac97 *s, struct box *b)
{
    while (runs(s, b) && !b->left)
        if (b->loaded)
            end_buffer(s, b);
        else
            next_buffer(s, b);
    return runs(s, b);
}

/* The place of the next sample of two bytes, which is then behind; NULL where it is no RAM. */
static uint8_t *take(struct ac97 *s, struct box *b)
{
    uint8_t *at = phys_ptr(s->phys, b->at, 2);

    b->at += 2;
    if (!--b->left)
        end_buffer(s, b);
    return at;
}

static void fetch(void *dev, int32_t value[2])
{
    struct ac97 *s = dev;
    struct box *b = &s->box[PCM_OUT];

    for (unsigned k = 0; k < 2; k++) {
        if (have_sample(s, b)) {
            const uint8_t *at = take(s, b);
            value[k] = at ? (int16_t)(at[0] | at[1] << 8) : 0;
        } else if (!(b->control & CONTROL_RUN) || b->how & BUFFER_SILENCE || k) {
            value[k] = 0; /* else what was last is held */
        }
    }
}

static void record(struct ac97 *s, struct box *b, int32_t value)
{
    uint16_t sample = (uint16_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
    uint8_t bytes[2] = {(uint8_t)sample, (uint8_t)(sample >> 8)};
    uint32_t at;

    if (!have_sample(s, b))
        return;
    at = b->at;
    if (take(s, b))
        phys_write(s->phys, at, bytes, sizeof bytes);
}

static void put_line(void *dev, const int32_t value[2])
{
    struct ac97 *s = dev;
    uint32_t gain[2];

    ac97_codec_record_gain(&s->codec, gain);
    for (unsigned k = 0; k < 2; k++)
        record(s, &s->box[PCM_IN], (int32_t)((int64_t)value[k] * gain[k] >> 16));
}

static void put_microphone(void *dev, const int32_t value[2])
{
    struct ac97 *s = dev;

    record(s, &s->box[MIC_IN], (value[0] + value[1]) / 2);
}

/* Whatever input the guest chooses, it is the host's. */
static void hear(struct ac97 *s, unsigned frames)
{
    const struct box *line = &s->box[PCM_IN], *microphone = &s->box[MIC_IN];

    if (runs(s, line))
        audio_ear_hear(&s->line, ac97_codec_adc_rate(&s->codec), s->out->rate,
                       audio_input(s->out, frames), frames, put_line, s);
    if (runs(s, microphone))
        audio_ear_hear(&s->microphone, ac97_codec_mic_rate(&s->codec), s->out->rate,
                       audio_input(s->out, frames), frames, put_microphone, s);
}

static void render(void *dev, int32_t *mix, unsigned frames, uint64_t first)
{
    struct ac97 *s = dev;
    uint32_t gain[2];

    (void)first;
    ac97_codec_gain(&s->codec, gain);
    audio_voice_render(&s->voice, ac97_codec_dac_rate(&s->codec), s->out->rate, gain, fetch, s, mix,
                       frames);
    hear(s, frames);
}

static bool active(void *dev)
{
    struct ac97 *s = dev;

    for (unsigned i = 0; i < BOXES; i++)
        if (runs(s, &s->box[i]))
            return true;
    return audio_voice_sounds(&s->voice) && !(s->box[PCM_OUT].control & CONTROL_RUN);
}

/* Wake the mixer when the buffer that ends first does so. */
static void schedule(struct ac97 *s)
{
    const uint32_t rates[BOXES] = {2 * ac97_codec_adc_rate(&s->codec),
                                   2 * ac97_codec_dac_rate(&s->codec),
                                   ac97_codec_mic_rate(&s->codec)};
    uint64_t soonest = UINT64_MAX;

    for (unsigned i = 0; i < BOXES; i++) {
        const struct box *b = &s->box[i];
        uint64_t ns = scale_up(b->left ? b->left : 1, NS, rates[i]);
        if (runs(s, b) && ns < soonest)
            soonest = ns;
    }
    if (soonest == UINT64_MAX)
        vtimer_cancel(s->clock, &s->timer);
    else
        vtimer_set(s->clock, &s->timer, vclock_now(s->clock) + soonest + NS / s->out->rate);
}

static void timer_fired(void *opaque)
{
    struct ac97 *s = opaque;

    audio_run(s->out);
    schedule(s);
}

/* ---- the bus master's registers ---- */

static void reset_box(struct box *b)
{
    uint8_t control = b->control & (CONTROL_LAST | CONTROL_FIFO | CONTROL_DONE);

    *b = (struct box){.status = STATUS_HALTED, .control = control};
}

static void write_control(struct ac97 *s, struct box *b, uint8_t value)
{
    if (value & CONTROL_RESET) {
        if (!(b->control & CONTROL_RUN)) /* "must not be set while running" */
            reset_box(b);
        value &= (uint8_t)~CONTROL_RESET;
    }
    bool start = value & ~b->control & CONTROL_RUN;
    b->control = value & CONTROL_STORED;
    if (!(value & CONTROL_RUN)) {
        b->status |= STATUS_HALTED;
    } else if (start) { /* after a pause it goes on in its buffer */
        b->status &= (uint8_t) ~(STATUS_HALTED | STATUS_AT_LAST);
        if (!b->loaded)
            next_buffer(s, b);
    }
}

/* A halted master that gets more buffers goes on with them. */
static void write_last(struct ac97 *s, struct box *b, uint8_t value)
{
    b->last = value % BUFFERS;
    if (b->control & CONTROL_RUN && b->status & STATUS_HALTED) {
        b->status &= (uint8_t) ~(STATUS_HALTED | STATUS_AT_LAST);
        next_buffer(s, b);
    }
}

static void write_box(struct ac97 *s, struct box *b, unsigned offset, uint8_t value)
{
    switch (offset) {
    case BOX_LIST:
    case BOX_LIST + 1:
    case BOX_LIST + 2:
    case BOX_LIST + 3:
        b->list &= ~(0xffu << 8 * offset);
        b->list |= (uint32_t)(offset ? value : value & 0xf8) << 8 * offset;
        break;
    case BOX_LAST:
        write_last(s, b, value);
        break;
    case BOX_STATUS:
        b->status &= (uint8_t) ~(value & STATUS_CLEARED);
        break;
    case BOX_CONTROL:
        write_control(s, b, value);
        break;
    default:
        break;
    }
}

static void write_global(struct ac97 *s, uint8_t value)
{
    if (s->control & ~value & GLOBAL_COLD) {
        ac97_codec_reset(&s->codec);
        for (unsigned i = 0; i < BOXES; i++)
            s->box[i] = (struct box){.status = STATUS_HALTED};
    }
    s->control = value & GLOBAL_STORED; /* a warm reset is over at once */
}

static uint8_t read_box(const struct box *b, unsigned offset)
{
    switch (offset) {
    case BOX_LIST:
    case BOX_LIST + 1:
    case BOX_LIST + 2:
    case BOX_LIST + 3:
        return (uint8_t)(b->list >> 8 * offset);
    case BOX_CURRENT:
        return b->current;
    case BOX_LAST:
        return b->last;
    case BOX_STATUS:
        return b->status;
    case BOX_LEFT:
        return (uint8_t)b->left;
    case BOX_LEFT + 1:
        return b->left >> 8;
    case BOX_PREFETCHED:
        return b->prefetched;
    case BOX_CONTROL:
        return b->control;
    default:
        return 0;
    }
}

static uint32_t global_status(const struct ac97 *s)
{
    uint32_t status = GLOBAL_PRIMARY_READY;

    for (unsigned i = 0; i < BOXES; i++)
        status |= (uint32_t)interrupts(&s->box[i]) << interrupt_bit[i];
    return status;
}

static uint8_t read_byte(struct ac97 *s, unsigned offset)
{
    uint8_t old = s->semaphore;

    if (offset < GLOBAL_CONTROL) /* which lies within the last box's 16 bytes */
        return read_box(&s->box[offset / BOX_BYTES], offset % BOX_BYTES);
    if (offset == GLOBAL_CONTROL)
        return s->control;
    if (offset >= GLOBAL_STATUS && offset < GLOBAL_STATUS + 4)
        return (uint8_t)(global_status(s) >> 8 * (offset - GLOBAL_STATUS));
    if (offset == SEMAPHORE) {
        s->semaphore = 1; /* whoever reads a zero may go to the codec, and gives it back so */
        return old;
    }
    return 0;
}

/* Registers have one to four bytes each, and may be read and written in any way. */
static uint32_t master_read(void *dev, uint16_t offset, unsigned size)
{
    struct ac97 *s = dev;
    uint32_t value = 0;

    audio_run(s->out);
    for (unsigned i = 0; i < size && offset + i < MASTER_PORTS; i++)
        value |= (uint32_t)read_byte(s, offset + i) << 8 * i;
    return value;
}

static void master_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct ac97 *s = dev;

    audio_run(s->out);
    for (unsigned i = 0; i < size && offset + i < MASTER_PORTS; i++) {
        unsigned at = offset + i;
        uint8_t byte = (uint8_t)(value >> 8 * i);
        if (at < GLOBAL_CONTROL)
            write_box(s, &s->box[at / BOX_BYTES], at % BOX_BYTES, byte);
        else if (at == GLOBAL_CONTROL)
            write_global(s, byte);
    }
    update_irq(s);
    audio_run(s->out);
    schedule(s);
}

/* ---- the codec's ---- */

static uint32_t mixer_read(void *dev, uint16_t offset, unsigned size)
{
    struct ac97 *s = dev;
    uint16_t value;

    s->semaphore = 0;
    if (offset >= 2 * AC97_REGISTERS) /* of a second codec, which is not there */
        return size == 1 ? 0xff : 0xffff;
    value = ac97_codec_read(&s->codec, offset & ~1u);
    return size == 1 ? value >> 8 * (offset & 1) & 0xff : value;
}

static void mixer_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct ac97 *s = dev;

    s->semaphore = 0;
    if (size == 1 || offset & 1) {
        log_guest_error(s->log, "AC97: codec register %02x is not written as a word", offset);
        return;
    }
    if (offset >= 2 * AC97_REGISTERS)
        return;
    audio_run(s->out);
    ac97_codec_write(&s->codec, offset, (uint16_t)value);
    audio_run(s->out);
    schedule(s);
}

/* ---- life ---- */

static const struct io_ops mixer_ops = {mixer_read, mixer_write, 2};
static const struct io_ops master_ops = {master_read, master_write, 4};

static void map_ports(struct ac97 *s, const struct io_ops *ops, uint32_t base, uint16_t count,
                      bool on)
{
    if (on)
        bus_map(s->bus, "AC97", (uint16_t)base, count, ops, s);
    else
        bus_unmap(s->bus, (uint16_t)base, count);
}

static void map_mixer(void *dev, uint32_t base, bool on)
{
    map_ports(dev, &mixer_ops, base, MIXER_PORTS, on);
}

static void map_master(void *dev, uint32_t base, bool on)
{
    map_ports(dev, &master_ops, base, MASTER_PORTS, on);
}

/* Bus mastering may have been switched. */
static void config_written(void *dev, unsigned offset, unsigned size)
{
    struct ac97 *s = dev;

    if (offset <= PCI_COMMAND + 1 && offset + size > PCI_COMMAND) {
        update_irq(s);
        audio_run(s->out);
        schedule(s);
    }
}

static void reset(void *dev)
{
    struct ac97 *s = dev;

    for (unsigned i = 0; i < BOXES; i++)
        s->box[i] = (struct box){.status = STATUS_HALTED};
    s->control = s->semaphore = 0;
    ac97_codec_reset(&s->codec);
    memset(&s->voice, 0, sizeof s->voice);
    s->line = s->microphone = (struct audio_ear){0};
    update_irq(s);
    pci_function_reset(&s->pci);
    schedule(s);
}

static void loaded(void *dev)
{
    struct ac97 *s = dev;

    pci_function_update(&s->pci);
    ac97_codec_loaded(&s->codec);
    audio_voice_loaded(&s->voice);
    for (unsigned i = 0; i < BOXES; i++) {
        struct box *b = &s->box[i];
        b->current %= BUFFERS;
        b->last %= BUFFERS;
        b->prefetched %= BUFFERS;
        b->list &= ~7u;
        b->control &= CONTROL_STORED;
    }
    audio_ear_loaded(&s->line);
    audio_ear_loaded(&s->microphone);
    schedule(s);
}

/* clang-format off */
#define F(member) FIELD(struct ac97, member)
#define BOX_FIELDS(i)                                                                              \
    F(box[i].list), F(box[i].at), F(box[i].how), F(box[i].left), F(box[i].current),                \
    F(box[i].last), F(box[i].prefetched), F(box[i].status), F(box[i].control), F(box[i].loaded)
/* clang-format on */

static const struct field fields[] = {
    PCI_FIELDS(struct ac97, pci),
    FIELD_ARRAY(struct ac97, codec.reg),
    BOX_FIELDS(PCM_IN),
    BOX_FIELDS(PCM_OUT),
    BOX_FIELDS(MIC_IN),
    F(control),
    F(semaphore),
    AUDIO_EAR_FIELDS(struct ac97, line),
    AUDIO_EAR_FIELDS(struct ac97, microphone),
    AUDIO_VOICE_FIELDS(struct ac97, voice),
    FIELD_END,
};

static const struct device_class class = {
    .name = "AC97", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

void ac97_init(struct board *board, struct pci *pci, uint8_t devfn, struct audio_out *out)
{
    struct ac97 *s = device_alloc(sizeof *s);
    const struct pci_identity id = {
        .name = "AC97",
        .devfn = devfn,
        .vendor = 0x8086,
        .device = 0x2415,
        .revision = 1,
        .class = 0x040100,
        .command = PCI_COMMAND_IO | PCI_COMMAND_MASTER,
        .status = 0x0280,
        .pin = 1,
    };

    s->out = out;
    s->clock = board->clock;
    s->phys = board->phys;
    s->bus = board->bus;
    s->log = board->log;
    pci_function_init(&s->pci, &id, s);
    s->pci.written = config_written;
    pci_function_bar(&s->pci, 0, true, false, MIXER_PORTS, map_mixer);
    pci_function_bar(&s->pci, 1, true, false, MASTER_PORTS, map_master);
    vtimer_init(&s->timer, "AC97", timer_fired, s);
    s->source = (struct audio_source){"AC97", s, render, active, NULL};
    audio_attach(out, &s->source);
    pci_add(pci, &s->pci);
    device_add(board->devices, &class, s);
    reset(s);
}
