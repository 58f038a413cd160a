/* The PCI bus and configuration mechanism 1 (PCI Local Bus Specification 2.2, 3.2.2.3 and
 * chapter 6).
 *
 * CONFIG_ADDRESS is written by dwords only: narrower accesses to its ports are ordinary I/O, of
 * which the reset control at CF9h makes use. */
#include "devices/pci.h"

#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "ringer/log.h"

enum {
    CONFIG_ENABLE = 1u << 31,
    CONFIG_STORED = 0x80FFFFFC,
    DATA = 4, /* CONFIG_DATA, from the base of both */
    PIRQS = 4,
    ROM_ENABLE = 1,
    BAR_IO = 1,
    BAR_PREFETCHABLE = 8,
};

struct pci {
    struct log *log;
    struct phys *phys;
    struct irq_line router;
    uint32_t address;
    uint8_t levels[256]; /* of the functions' interrupt pins */
    struct pci_function *function[256];
};

void pci_put16(struct pci_function *f, unsigned offset, uint16_t value)
{
    f->config[offset] = (uint8_t)value;
    f->config[offset + 1] = (uint8_t)(value >> 8);
}

void pci_put32(struct pci_function *f, unsigned offset, uint32_t value)
{
    pci_put16(f, offset, (uint16_t)value);
    pci_put16(f, offset + 2, (uint16_t)(value >> 16));
}

/* ---- base address registers ---- */

static unsigned bar_offset(unsigned n)
{
    return n == PCI_ROM ? PCI_ROM_BAR : PCI_BAR0 + 4 * n;
}

/* Is the range decoded, and where?  A range at zero is unassigned; one that leaves its space, or
 * lies where the host bridge claims addresses for RAM, never reaches the bus. */
static bool bar_decoded(const struct pci_function *f, unsigned n, uint32_t *base)
{
    const struct pci_bar *bar = &f->bar[n];
    uint32_t value = pci_get32(f, bar_offset(n));
    uint16_t command = pci_get16(f, PCI_COMMAND);
    uint64_t limit = bar->io ? 0x10000 : 0x100000000ull;

    *base = value & ~(bar->size - 1);
    if (!(command & (bar->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) || !*base)
        return false;
    if (n == PCI_ROM && !(value & ROM_ENABLE))
        return false;
    if (!bar->io &&
        (*base < 0x100000 || (f->bus && f->bus->phys && *base < phys_ram_size(f->bus->phys))))
        return false;
    return (uint64_t)*base + bar->size <= limit;
}

static void update_bar(struct pci_function *f, unsigned n)
{
    struct pci_bar *bar = &f->bar[n];
    uint32_t base;
    bool on;

    if (!bar->size)
        return;
    on = bar_decoded(f, n, &base);
    if (on == bar->on && (!on || base == bar->base))
        return;
    if (bar->on)
        bar->map(f->dev, bar->base, false);
    bar->on = on;
    bar->base = base;
    if (on)
        bar->map(f->dev, base, true);
}

void pci_function_update(struct pci_function *f)
{
    for (unsigned n = 0; n < PCI_BARS; n++)
        update_bar(f, n);
}

void pci_function_bar(struct pci_function *f, unsigned n, bool io, bool prefetchable, uint32_t size,
                      void (*map)(void *dev, uint32_t base, bool on))
{
    unsigned at = bar_offset(n);
    uint32_t mask = ~(size - 1);

    f->bar[n] = (struct pci_bar){.size = size, .io = io, .prefetchable = prefetchable, .map = map};
    if (n == PCI_ROM)
        mask |= ROM_ENABLE;
    else
        f->config[at] = io ? BAR_IO : prefetchable ? BAR_PREFETCHABLE : 0;
    for (int i = 0; i < 4; i++)
        f->mask[at + i] = (uint8_t)(mask >> 8 * i);
}

/* ---- functions ---- */

void pci_function_init(struct pci_function *f, const struct pci_identity *id, void *dev)
{
    f->name = id->name;
    f->devfn = id->devfn;
    f->dev = dev;
    pci_put16(f, PCI_VENDOR, id->vendor);
    pci_put16(f, PCI_DEVICE, id->device);
    pci_put16(f, PCI_STATUS, id->status);
    pci_put16(f, PCI_SUBSYSTEM_VENDOR, 0x1AF4); /* of emulated PCs: by it guests know them */
    pci_put16(f, PCI_SUBSYSTEM, 0x1100);
    f->config[PCI_REVISION] = id->revision;
    f->config[PCI_CLASS] = (uint8_t)id->class;
    f->config[PCI_CLASS + 1] = (uint8_t)(id->class >> 8);
    f->config[PCI_CLASS + 2] = (uint8_t)(id->class >> 16);
    f->config[PCI_HEADER] = id->multifunction ? 0x80 : 0;
    f->config[PCI_INTERRUPT_PIN] = id->pin;
    f->mask[PCI_COMMAND] = (uint8_t)id->command;
    f->mask[PCI_COMMAND + 1] = (uint8_t)(id->command >> 8);
    f->clear[PCI_STATUS + 1] = 0xF9; /* errors and aborts; DEVSEL# timing stays */
    if (id->pin)
        f->mask[PCI_INTERRUPT_LINE] = 0xFF;
}

void pci_function_reset(struct pci_function *f)
{
    unsigned at;

    for (unsigned i = 0; i < 2; i++) {
        f->config[PCI_COMMAND + i] &= (uint8_t)~f->mask[PCI_COMMAND + i];
        f->config[PCI_STATUS + i] &= (uint8_t)~f->clear[PCI_STATUS + i];
    }
    for (unsigned n = 0; n < PCI_BARS; n++) {
        if (!f->bar[n].size)
            continue;
        at = bar_offset(n);
        for (unsigned i = 0; i < 4; i++)
            f->config[at + i] &= (uint8_t)~f->mask[at + i];
    }
    f->config[PCI_INTERRUPT_LINE] &= (uint8_t)~f->mask[PCI_INTERRUPT_LINE];
    pci_function_update(f);
}

void pci_add(struct pci *pci, struct pci_function *f)
{
    f->bus = pci;
    pci->function[f->devfn] = f;
}

/* ---- interrupts ---- */

/* A PIRQ is the wired OR of the pins that lead to it. */
static void route(struct pci *pci, unsigned pirq)
{
    int level = 0;

    for (unsigned i = 0; i < 256; i++) {
        const struct pci_function *f = pci->function[i];

        if (f && pci->levels[i] && pci_pirq(i >> 3, f->config[PCI_INTERRUPT_PIN]) == pirq)
            level = 1;
    }
    if (pci->router.set)
        pci->router.set(pci->router.opaque, (int)pirq, level);
}

void pci_interrupt(struct pci_function *f, int level)
{
    uint8_t pin = f->config[PCI_INTERRUPT_PIN];

    if (!pin || pci_get16(f, PCI_COMMAND) & 0x400) /* the pin may be disabled since PCI 2.3 */
        level = 0;
    if (!f->bus || f->bus->levels[f->devfn] == (level != 0))
        return;
    f->bus->levels[f->devfn] = level != 0;
    route(f->bus, pci_pirq(f->devfn >> 3, pin));
}

void pci_set_router(struct pci *pci, struct irq_line wire)
{
    pci->router = wire;
}

/* ---- the configuration ports ---- */

/* The function that CONFIG_ADDRESS names: bus 0 is all there is. */
static struct pci_function *addressed(struct pci *pci)
{
    if (!(pci->address & CONFIG_ENABLE) || pci->address >> 16 & 0xFF)
        return NULL;
    return pci->function[pci->address >> 8 & 0xFF];
}

static void config_write(struct pci_function *f, unsigned at, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++, value >>= 8) {
        uint8_t *byte = &f->config[at + i], mask = f->mask[at + i];

        *byte = (uint8_t)((*byte & ~mask) | (value & mask));
        *byte &= (uint8_t) ~(value & f->clear[at + i]);
    }
    pci_function_update(f);
    if (f->written)
        f->written(f->dev, at, size);
}

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    struct pci *pci = dev;
    const struct pci_function *f;
    unsigned at = (pci->address & 0xFC) + (offset & 3);
    uint32_t value = 0;

    if (offset < DATA)
        return offset == 0 && size == 4 ? pci->address : UINT32_MAX;
    f = addressed(pci);
    if (!f) /* master abort */
        return UINT32_MAX;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)f->config[at + i] << 8 * i;
    return value;
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct pci *pci = dev;
    struct pci_function *f;

    if (offset < DATA) {
        if (offset == 0 && size == 4)
            pci->address = value & CONFIG_STORED;
        return;
    }
    f = addressed(pci);
    if (!f)
        return;
    if (log_on(pci->log, LOG_IO))
        log_write(pci->log, LOG_IO, "pci: %s %02x.%u <- %0*x", f->name,
                  (pci->address & 0xFC) + (offset & 3), size, (int)(2 * size), value);
    config_write(f, (pci->address & 0xFC) + (offset & 3), value, size);
}

static const struct io_ops port_ops = {port_read, port_write, 4};

uint8_t pci_free_slot(const struct pci *pci, uint32_t taken)
{
    unsigned slot = 3;

    while (slot < 31 && (pci->function[slot << 3] || taken >> slot & 1))
        slot++;
    return pci_devfn(slot, 0);
}

void pci_each(struct pci *pci, void (*fn)(void *opaque, const struct pci_function *f),
              void *opaque)
{
    for (unsigned i = 0; i < 256; i++)
        if (pci->function[i])
            fn(opaque, pci->function[i]);
}

/* ---- life ---- */

static void pci_reset(void *dev)
{
    struct pci *pci = dev;

    pci->address = 0;
}

static void pci_loaded(void *dev)
{
    struct pci *pci = dev;

    pci->address &= CONFIG_STORED;
}

static const struct field pci_fields[] = {
    FIELD(struct pci, address),
    FIELD_ARRAY(struct pci, levels),
    FIELD_END,
};

static const struct device_class pci_class = {
    .name = "pci",
    .fields = pci_fields,
    .reset = pci_reset,
    .loaded = pci_loaded,
    .free = free,
};

struct pci *pci_init(struct board *board)
{
    struct pci *pci = device_alloc(sizeof *pci);

    pci->log = board->log;
    pci->phys = board->phys;
    bus_map(board->bus, "pci", 0xCF8, 8, &port_ops, pci);
    device_add(board->devices, &pci_class, pci);
    return pci;
}
