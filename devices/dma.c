/* Two cascaded 8237A DMA controllers and the page registers (Intel 8237A datasheet, order
 * 231466; IBM AT Technical Reference, "DMA Channels").
 *
 * Channels 0-3 move bytes, 4-7 words (4 is the cascade).  Addresses wrap within 64 KiB, 128 KiB
 * for words: the page register does not count.  A device's transfer needs its channel only; that
 * channel 4 be in cascade mode is not asked for. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"
#include "ringer/log.h"

enum {
    COMMAND_MEMORY_TO_MEMORY = 0x01,
    COMMAND_HOLD_ADDRESS = 0x02,
    COMMAND_DISABLE = 0x04,

    MODE_TRANSFER = 0x0c,
    MODE_VERIFY = 0x00,
    MODE_WRITE = 0x04, /* to memory */
    MODE_READ = 0x08,  /* from memory */
    MODE_AUTOINIT = 0x10,
    MODE_DECREMENT = 0x20,
    MODE_SELECT = 0xc0,
    MODE_CASCADE = 0xc0,

    REG_COMMAND = 8, /* status when read */
    REG_REQUEST = 9,
    REG_MASK_ONE = 10,
    REG_MODE = 11,
    REG_CLEAR_FLIP_FLOP = 12,
    REG_MASTER_CLEAR = 13, /* temporary register when read */
    REG_CLEAR_MASK = 14,
    REG_MASK_ALL = 15,

    CHUNK = 256, /* bytes moved at once when addresses count down */
};

struct dma_channel {
    uint16_t base_address, base_count;
    uint16_t address, count; /* COUNT is one less than the units left */
    uint8_t mode;
};

struct dma_chip {
    struct dma_channel channel[4];
    uint8_t command, mask, request, tc, temporary, flip_flop;
};

struct dma {
    struct phys *phys;
    struct dma_chip chip[2]; /* bytes, words */
    struct log *log;
    uint8_t
        page[16]; /* ports 80h..8Fh; those of no channel are plain memory; 80h takes POST codes */
    uint8_t post_seen; /* one was written */
};

/* Which page register belongs to a channel. */
static const uint8_t page_of_channel[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

static unsigned unit_of(int channel)
{
    return channel < 4 ? 1 : 2;
}

static uint32_t physical(const struct dma *d, int channel, uint16_t address)
{
    uint32_t page = d->page[page_of_channel[channel]];

    if (channel < 4)
        return page << 16 | address;
    return (page & 0xfe) << 16 | (uint32_t)address << 1;
}

/* The count went from 0 to FFFFh: "Terminal Count", "Autoinitialize". */
static void terminal_count(struct dma_chip *chip, int n)
{
    struct dma_channel *ch = &chip->channel[n];

    chip->tc |= (uint8_t)(1 << n);
    chip->request &= (uint8_t) ~(1 << n);
    if (ch->mode & MODE_AUTOINIT) {
        ch->address = ch->base_address;
        ch->count = ch->base_count;
    } else {
        chip->mask |= (uint8_t)(1 << n);
    }
}

/* Advance by UNITS, which are no more than are left; true at terminal count. */
static bool advance(struct dma_chip *chip, int n, uint32_t units)
{
    struct dma_channel *ch = &chip->channel[n];
    bool done = units == (uint32_t)ch->count + 1;

    ch->address = (uint16_t)(ch->mode & MODE_DECREMENT ? ch->address - units : ch->address + units);
    ch->count = (uint16_t)(ch->count - units);
    if (done)
        terminal_count(chip, n);
    return done;
}

/* How many units can be moved in one piece before the count or the 64 Ki units run out. */
static uint32_t piece(const struct dma_channel *ch, uint32_t units)
{
    uint32_t left = (uint32_t)ch->count + 1;
    uint32_t room = ch->mode & MODE_DECREMENT ? (uint32_t)ch->address + 1 : 0x10000u - ch->address;

    units = units < left ? units : left;
    return units < room ? units : room;
}

static void reverse_units(uint8_t *to, const uint8_t *from, uint32_t units, unsigned unit)
{
    for (uint32_t i = 0; i < units; i++)
        memcpy(to + (units - 1 - i) * unit, from + i * unit, unit);
}

/* Move one piece of UNITS between BUF and memory; counting down, memory is in reverse order. */
static void move(struct dma *d, int channel, uint8_t *buf, uint32_t units, bool to_memory)
{
    const struct dma_channel *ch = &d->chip[channel >> 2].channel[channel & 3];
    unsigned unit = unit_of(channel);
    uint8_t turned[CHUNK];

    if (!(ch->mode & MODE_DECREMENT)) {
        uint32_t pa = physical(d, channel, ch->address);

        if (to_memory)
            phys_write(d->phys, pa, buf, units * unit);
        else
            phys_read(d->phys, pa, buf, units * unit);
        return;
    }
    for (uint32_t done = 0; done < units;) {
        uint32_t n = units - done < CHUNK / unit ? units - done : CHUNK / unit;
        uint32_t pa = physical(d, channel, (uint16_t)(ch->address - done - n + 1));

        if (to_memory) {
            reverse_units(turned, buf + done * unit, n, unit);
            phys_write(d->phys, pa, turned, n * unit);
        } else {
            phys_read(d->phys, pa, turned, n * unit);
            reverse_units(buf + done * unit, turned, n, unit);
        }
        done += n;
    }
}

bool dma_ready(struct dma *d, int channel)
{
    const struct dma_chip *chip;

    if (channel < 0 || channel > 7)
        return false;
    chip = &d->chip[channel >> 2];
    return !(chip->command & COMMAND_DISABLE) && !(chip->mask >> (channel & 3) & 1) &&
           (chip->channel[channel & 3].mode & MODE_SELECT) != MODE_CASCADE;
}

/* BUF's part in a transfer of the wrong direction is void: the count runs as in a verify. */
static uint32_t transfer(struct dma *d, int channel, uint8_t *buf, uint32_t len, bool to_memory,
                         bool *tc)
{
    struct dma_chip *chip;
    struct dma_channel *ch;
    uint32_t moved = 0, unit = unit_of(channel);
    bool done = false;

    if (tc)
        *tc = false;
    if (!dma_ready(d, channel))
        return 0;
    chip = &d->chip[channel >> 2];
    ch = &chip->channel[channel & 3];
    while (!done && len - moved >= unit) {
        uint32_t units = piece(ch, (len - moved) / unit);

        if ((ch->mode & MODE_TRANSFER) == (to_memory ? MODE_WRITE : MODE_READ))
            move(d, channel, buf + moved, units, to_memory);
        moved += units * unit;
        done = advance(chip, channel & 3, units);
    }
    if (tc)
        *tc = done;
    return moved;
}

uint32_t dma_to_memory(struct dma *d, int channel, const void *buf, uint32_t len, bool *tc)
{
    return transfer(d, channel, (uint8_t *)buf, len, true, tc);
}

uint32_t dma_from_memory(struct dma *d, int channel, void *buf, uint32_t len, bool *tc)
{
    return transfer(d, channel, buf, len, false, tc);
}

/* "Memory-to-Memory": channel 0 reads, channel 1 writes and counts; bytes only. */
static void memory_to_memory(struct dma *d)
{
    struct dma_chip *chip = &d->chip[0];
    struct dma_channel *from = &chip->channel[0], *to = &chip->channel[1];
    bool done = false;

    chip->request &= (uint8_t)~1;
    while (!done) {
        phys_read(d->phys, physical(d, 0, from->address), &chip->temporary, 1);
        phys_write(d->phys, physical(d, 1, to->address), &chip->temporary, 1);
        if (!(chip->command & COMMAND_HOLD_ADDRESS))
            from->address = (uint16_t)(from->address + (from->mode & MODE_DECREMENT ? -1 : 1));
        from->count--;
        done = advance(chip, 1, 1);
    }
}

/* A request by software runs its channel at once, masked or not, down to terminal count.  No
 * device drives the bus then: memory gets ones. */
static void run_request(struct dma *d, int channel)
{
    struct dma_chip *chip = &d->chip[channel >> 2];
    struct dma_channel *ch = &chip->channel[channel & 3];
    uint8_t ones[CHUNK];
    bool done = false;

    if (chip->command & COMMAND_DISABLE)
        return;
    if (channel == 0 && (chip->command & COMMAND_MEMORY_TO_MEMORY)) {
        memory_to_memory(d);
        return;
    }
    if ((ch->mode & MODE_SELECT) == MODE_CASCADE)
        return;
    memset(ones, 0xff, sizeof(ones));
    while (!done) {
        uint32_t units = piece(ch, CHUNK / unit_of(channel));

        if ((ch->mode & MODE_TRANSFER) == MODE_WRITE)
            move(d, channel, ones, units, true);
        done = advance(chip, channel & 3, units);
    }
}

static void master_clear(struct dma_chip *chip)
{
    chip->command = chip->request = chip->tc = chip->temporary = chip->flip_flop = 0;
    chip->mask = 0x0f;
}

static uint8_t chip_read(struct dma_chip *chip, unsigned reg)
{
    struct dma_channel *ch = &chip->channel[reg >> 1 & 3];
    uint16_t value = reg & 1 ? ch->count : ch->address;
    uint8_t status;

    switch (reg) {
    case REG_COMMAND:
        status = (uint8_t)(chip->tc | chip->request << 4);
        chip->tc = 0;
        return status;
    case REG_MASTER_CLEAR:
        return chip->temporary;
    case REG_MASK_ALL: /* as the Intel bridges have it */
        return 0xf0 | chip->mask;
    default:
        if (reg >= REG_COMMAND)
            return 0xff;
        chip->flip_flop ^= 1;
        return (uint8_t)(chip->flip_flop ? value : value >> 8);
    }
}

/* Base and current register are written together, a byte at a time. */
static void write_word(struct dma_chip *chip, uint16_t *base, uint16_t *current, uint8_t value)
{
    chip->flip_flop ^= 1;
    if (chip->flip_flop) {
        *base = (*base & 0xff00) | value;
        *current = (*current & 0xff00) | value;
    } else {
        *base = (uint16_t)((*base & 0xff) | value << 8);
        *current = (uint16_t)((*current & 0xff) | value << 8);
    }
}

static void set_bit(uint8_t *bits, unsigned n, bool on)
{
    *bits = (uint8_t)(on ? *bits | 1u << n : *bits & ~(1u << n));
}

/* Requests made while the controller was disabled are served once it is enabled. */
static void write_command(struct dma *d, int which, uint8_t value)
{
    d->chip[which].command = value;
    for (int n = 0; n < 4; n++) {
        if (d->chip[which].request >> n & 1)
            run_request(d, which * 4 + n);
    }
}

static void write_request(struct dma *d, int which, uint8_t value)
{
    set_bit(&d->chip[which].request, value & 3, value & 4);
    if (value & 4)
        run_request(d, which * 4 + (value & 3));
}

static void chip_write(struct dma *d, int which, unsigned reg, uint8_t value)
{
    struct dma_chip *chip = &d->chip[which];
    struct dma_channel *ch = &chip->channel[reg >> 1 & 3];

    switch (reg) {
    case REG_COMMAND:
        write_command(d, which, value);
        break;
    case REG_REQUEST:
        write_request(d, which, value);
        break;
    case REG_MASK_ONE:
        set_bit(&chip->mask, value & 3, value & 4);
        break;
    case REG_MODE:
        chip->channel[value & 3].mode = value & 0xfc;
        break;
    case REG_CLEAR_FLIP_FLOP:
        chip->flip_flop = 0;
        break;
    case REG_MASTER_CLEAR:
        master_clear(chip);
        break;
    case REG_CLEAR_MASK:
        chip->mask = 0;
        break;
    case REG_MASK_ALL:
        chip->mask = value & 0x0f;
        break;
    default:
        if (reg & 1)
            write_word(chip, &ch->base_count, &ch->count, value);
        else
            write_word(chip, &ch->base_address, &ch->address, value);
        break;
    }
}

static uint32_t bytes_read(void *opaque, uint16_t offset, unsigned size)
{
    struct dma *d = opaque;

    (void)size;
    return chip_read(&d->chip[0], offset);
}

static void bytes_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    chip_write(opaque, 0, offset, (uint8_t)value);
}

/* The second controller's address lines are shifted by one: a register every other port. */
static uint32_t words_read(void *opaque, uint16_t offset, unsigned size)
{
    struct dma *d = opaque;

    (void)size;
    return chip_read(&d->chip[1], offset >> 1);
}

static void words_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    chip_write(opaque, 1, offset >> 1, (uint8_t)value);
}

static uint32_t page_read(void *opaque, uint16_t offset, unsigned size)
{
    struct dma *d = opaque;

    (void)size;
    return d->page[offset];
}

static void page_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct dma *d = opaque;

    (void)size;
    if (offset == 0 && (d->page[0] != (uint8_t)value || !d->post_seen)) {
        log_write(d->log, LOG_POST, "POST code %02x", (uint8_t)value);
        d->post_seen = 1;
    }
    d->page[offset] = (uint8_t)value;
}

static const struct io_ops bytes_ops = {bytes_read, bytes_write, 1};
static const struct io_ops words_ops = {words_read, words_write, 1};
static const struct io_ops page_ops = {page_read, page_write, 1};

static void dma_reset(void *opaque)
{
    struct dma *d = opaque;

    master_clear(&d->chip[0]);
    master_clear(&d->chip[1]);
}

/* clang-format off */
#define CHANNEL_FIELDS(i, n)                                                                       \
    FIELD(struct dma, chip[i].channel[n].base_address),                                            \
    FIELD(struct dma, chip[i].channel[n].base_count),                                              \
    FIELD(struct dma, chip[i].channel[n].address),                                                 \
    FIELD(struct dma, chip[i].channel[n].count),                                                   \
    FIELD(struct dma, chip[i].channel[n].mode)
#define CHIP_FIELDS(i)                                                                             \
    CHANNEL_FIELDS(i, 0), CHANNEL_FIELDS(i, 1), CHANNEL_FIELDS(i, 2), CHANNEL_FIELDS(i, 3),        \
    FIELD(struct dma, chip[i].command), FIELD(struct dma, chip[i].mask),                           \
    FIELD(struct dma, chip[i].request), FIELD(struct dma, chip[i].tc),                             \
    FIELD(struct dma, chip[i].temporary), FIELD(struct dma, chip[i].flip_flop)
/* clang-format on */

static const struct field dma_fields[] = {
    CHIP_FIELDS(0), CHIP_FIELDS(1), FIELD_ARRAY(struct dma, page), FIELD(struct dma, post_seen),
    FIELD_END,
};

static const struct device_class dma_class = {
    .name = "dma",
    .fields = dma_fields,
    .reset = dma_reset,
    .free = free,
};

struct dma *dma_init(struct board *board)
{
    struct dma *d = device_alloc(sizeof(*d));

    d->phys = board->phys;
    d->log = board->log;
    bus_map(board->bus, "dma0", 0x00, 16, &bytes_ops, d);
    bus_map(board->bus, "dma1", 0xc0, 32, &words_ops, d);
    bus_map(board->bus, "dma-page", 0x80, 16, &page_ops, d);
    device_add(board->devices, &dma_class, d);
    dma_reset(d);
    return d;
}
