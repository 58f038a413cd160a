/* The PIIX3's IDE function: bus mastering for the two channels (Intel 82371SB datasheet, section
 * 2.5; "Programming Interface for Bus Master IDE Controller", revision 1.0).
 *
 * Each channel has a command, a status and a table register behind base address 4.  The table is a
 * list of physical regions, address and length, the last one marked; the drive decides how much is
 * moved, and what it leaves over or finds missing shows in the status.  A region that is not all
 * RAM ends the transfer with the error bit, as a master abort would: DMA reaches no device's
 * registers.  The legacy ports of the channels answer whatever the enable bits say. */
#include <stdlib.h>

#include "devices/ide.h"
#include "devices/internal.h"
#include "devices/pci.h"
#include "ringer/log.h"

enum {
    PORTS = 16,
    CHANNEL_PORTS = 8,
    BM_COMMAND = 0,
    BM_STATUS = 2,
    BM_TABLE = 4,

    COMMAND_START = 0x01,
    COMMAND_TO_MEMORY = 0x08,
    STATUS_ACTIVE = 0x01,
    STATUS_ERROR = 0x02,
    STATUS_INTR = 0x04,
    STATUS_CAPABLE = 0x60, /* stored for drivers, one bit a drive */

    TABLE_END = 0x8000, /* in the upper half of a length */
};

struct channel {
    struct piix_ide *owner;
    struct ide *ide;
    struct irq_line irq;
    uint8_t irq_level;
    uint8_t command, status;
    uint32_t table;

    uint32_t next;     /* the descriptor to read next */
    uint32_t at, left; /* what is left of the present region */
    uint8_t last;      /* it is the last one */
};

struct piix_ide {
    struct pci_function pci;
    struct bus *bus;
    struct phys *phys;
    struct log *log;
    struct channel channel[2];
};

/* ---- moving data ---- */

static void stop(struct channel *c, uint8_t status)
{
    c->status = (uint8_t)((c->status & ~STATUS_ACTIVE) | status);
}

/* Read the next descriptor; the table lies within 64 KiB. */
static void next_region(struct channel *c)
{
    struct phys *phys = c->owner->phys;
    uint32_t count = phys_read32(phys, c->next + 4);

    c->at = phys_read32(phys, c->next) & ~1u;
    c->left = count & 0xFFFE ? count & 0xFFFE : 0x10000;
    c->last = count >> 16 & TABLE_END ? 1 : 0;
    c->next = (c->next & 0xFFFF0000u) | ((c->next + 8) & 0xFFFF);
}

static bool is_ram(struct phys *phys, uint32_t at, uint32_t len)
{
    if (!phys_a20(phys))
        at &= ~(1u << 20);
    for (uint32_t pfn = at >> PAGE_SHIFT; pfn <= (at + len - 1) >> PAGE_SHIFT; pfn++)
        if (phys_frame(phys, pfn, NULL) != PHYS_RAM)
            return false;
    return true;
}

static bool bm_ready(void *opaque)
{
    const struct channel *c = opaque;

    return (c->status & STATUS_ACTIVE) &&
           (pci_get16(&c->owner->pci, PCI_COMMAND) & PCI_COMMAND_MASTER);
}

/* Up to LEN bytes within the present region; 0 when it is no RAM. */
static uint32_t move_part(struct channel *c, uint8_t *buf, uint32_t len, bool to_memory)
{
    uint32_t room = PAGE_SIZE - (c->at & (PAGE_SIZE - 1));
    uint32_t n = len < c->left ? len : c->left;

    if (n > room)
        n = room;
    if (!is_ram(c->owner->phys, c->at, n))
        return 0;
    if (to_memory)
        phys_write(c->owner->phys, c->at, buf, n);
    else
        phys_read(c->owner->phys, c->at, buf, n);
    c->at += n;
    c->left -= n;
    return n;
}

static uint32_t bm_move(void *opaque, void *buf, uint32_t len, bool to_memory)
{
    struct channel *c = opaque;
    uint32_t done = 0;

    if (to_memory != !!(c->command & COMMAND_TO_MEMORY))
        log_guest_error(c->owner->log, "bus master IDE: the direction is not the command's");
    while (done < len && bm_ready(c)) {
        uint32_t n;

        if (!c->left) {
            if (c->last) {
                stop(c, 0); /* the table is shorter than the transfer */
                break;
            }
            next_region(c);
        }
        n = move_part(c, (uint8_t *)buf + done, len - done, to_memory);
        if (!n) {
            log_guest_error(c->owner->log, "bus master IDE: no RAM at %08x", c->at);
            stop(c, STATUS_ERROR);
            break;
        }
        done += n;
    }
    return done;
}

/* The drive's interrupt ends a transfer: the master goes idle when the table ended with it. */
static void drive_interrupt(void *opaque, int n, int level)
{
    struct channel *c = opaque;

    (void)n;
    if (level && !c->irq_level) {
        c->status |= STATUS_INTR;
        if ((c->status & STATUS_ACTIVE) && c->last && !c->left)
            stop(c, 0);
    }
    c->irq_level = level != 0;
    irq_set(&c->irq, level);
}

struct irq_line piix_ide_line(struct piix_ide *p, int channel)
{
    return (struct irq_line){drive_interrupt, &p->channel[channel & 1], 0};
}

void piix_ide_join(struct piix_ide *p, int channel, struct ide *ide)
{
    struct channel *c = &p->channel[channel & 1];

    c->ide = ide;
    ide->master = (struct ide_master){bm_ready, bm_move, c};
}

/* ---- registers ---- */

static void write_command(struct channel *c, uint8_t value)
{
    uint8_t old = c->command;

    c->command = value & (COMMAND_START | COMMAND_TO_MEMORY);
    if (!(value & COMMAND_START)) {
        stop(c, 0);
        c->left = 0;
    } else if (!(old & COMMAND_START)) {
        c->status |= STATUS_ACTIVE;
        c->next = c->table;
        c->left = 0;
        c->last = 0;
        if (c->ide)
            ide_master_started(c->ide);
    }
}

static void write_byte(struct channel *c, unsigned at, uint8_t value)
{
    unsigned shift = 8 * (at - BM_TABLE);

    switch (at) {
    case BM_COMMAND:
        write_command(c, value);
        break;
    case BM_STATUS:
        c->status &= (uint8_t) ~((value & (STATUS_ERROR | STATUS_INTR)) | STATUS_CAPABLE);
        c->status |= value & STATUS_CAPABLE;
        break;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3:
        c->table = (c->table & ~(0xFFu << shift)) | (uint32_t)value << shift;
        c->table &= ~3u;
        break;
    default:
        break;
    }
}

static uint8_t read_byte(const struct channel *c, unsigned at)
{
    if (at == BM_COMMAND)
        return c->command;
    if (at == BM_STATUS)
        return c->status;
    return at >= BM_TABLE ? (uint8_t)(c->table >> 8 * (at - BM_TABLE)) : 0;
}

static uint32_t bm_read(void *dev, uint16_t offset, unsigned size)
{
    struct piix_ide *p = dev;
    uint32_t value = 0;

    for (unsigned i = 0; i < size && offset + i < PORTS; i++)
        value |= (uint32_t)read_byte(&p->channel[(offset + i) / CHANNEL_PORTS],
                                     (offset + i) % CHANNEL_PORTS)
                 << 8 * i;
    return value;
}

static void bm_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct piix_ide *p = dev;

    for (unsigned i = 0; i < size && offset + i < PORTS; i++)
        write_byte(&p->channel[(offset + i) / CHANNEL_PORTS], (offset + i) % CHANNEL_PORTS,
                   (uint8_t)(value >> 8 * i));
}

static const struct io_ops bm_ops = {bm_read, bm_write, 4};

static void map_ports(void *dev, uint32_t base, bool on)
{
    struct piix_ide *p = dev;

    if (on)
        bus_map(p->bus, "piix-ide", (uint16_t)base, PORTS, &bm_ops, p);
    else
        bus_unmap(p->bus, (uint16_t)base, PORTS);
}

/* The bus master enable bit may have been what a transfer waited for. */
static void ide_written(void *dev, unsigned offset, unsigned size)
{
    struct piix_ide *p = dev;

    (void)size;
    for (unsigned i = 0; i < 2 && offset <= PCI_COMMAND; i++)
        if (p->channel[i].ide && bm_ready(&p->channel[i]))
            ide_master_started(p->channel[i].ide);
}

/* ---- life ---- */

static void reset(void *dev)
{
    struct piix_ide *p = dev;

    pci_function_reset(&p->pci);
    for (unsigned i = 0x40; i < PCI_CONFIG_BYTES; i++)
        p->pci.config[i] = 0;
    for (unsigned i = 0; i < 2; i++) {
        struct channel *c = &p->channel[i];

        c->command = c->status = 0;
        c->table = c->next = c->at = c->left = 0;
        c->last = 0;
    }
}

static void loaded(void *dev)
{
    struct piix_ide *p = dev;

    for (unsigned i = 0; i < 2; i++)
        if (p->channel[i].left > 0x10000)
            p->channel[i].left = 0;
    pci_function_update(&p->pci);
}

/* clang-format off */
#define CHANNEL_FIELDS(i)                                                                          \
    FIELD(struct piix_ide, channel[i].irq_level), FIELD(struct piix_ide, channel[i].command),      \
    FIELD(struct piix_ide, channel[i].status), FIELD(struct piix_ide, channel[i].table),           \
    FIELD(struct piix_ide, channel[i].next), FIELD(struct piix_ide, channel[i].at),                \
    FIELD(struct piix_ide, channel[i].left), FIELD(struct piix_ide, channel[i].last)
/* clang-format on */

static const struct field fields[] = {
    PCI_FIELDS(struct piix_ide, pci),
    CHANNEL_FIELDS(0),
    CHANNEL_FIELDS(1),
    FIELD_END,
};

static const struct device_class class = {
    .name = "piix-ide",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
    .free = free,
};

struct piix_ide *piix_ide_init(struct board *board, struct pci *pci, struct irq_line irq14,
                               struct irq_line irq15)
{
    static const struct pci_identity id = {
        .name = "PIIX3 IDE",
        .devfn = 1 << 3 | 1,
        .vendor = 0x8086,
        .device = 0x7010,
        .class = 0x010180,
        .command = 0x0005,
        .status = 0x0280,
    };
    struct piix_ide *p = device_alloc(sizeof *p);

    p->bus = board->bus;
    p->phys = board->phys;
    p->log = board->log;
    p->channel[0].owner = p->channel[1].owner = p;
    p->channel[0].irq = irq14;
    p->channel[1].irq = irq15;
    pci_function_init(&p->pci, &id, p);
    pci_function_bar(&p->pci, 4, true, false, PORTS, map_ports);
    p->pci.written = ide_written;
    for (unsigned at = 0x40; at < 0x45; at++) /* IDETIM, SIDETIM */
        p->pci.mask[at] = 0xFF;
    pci_add(pci, &p->pci);
    device_add(board->devices, &class, p);
    return p;
}
