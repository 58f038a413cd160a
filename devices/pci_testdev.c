/* pci-testdev, 1B36:0005 (QEMU's docs/specs/pci-testdev.rst and pci-ids): a memory BAR of 4 KiB, an
 * I/O BAR of 256 bytes and, when asked for, a third one of memory with nothing behind it.
 *
 * Each of the first two begins with a header: writing a test's number to its first byte makes the
 * others say what to write where; each such write is counted.  There are three tests, which differ
 * in how a hypervisor gets word of the write and are one and the same here: nobody but the device
 * looks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pci.h"

enum {
    MEMORY_BYTES = 4096,
    IO_BYTES = 256,
    TESTS = 3,
    HEADER_NAME = 16,
    TEST_OFFSET = 0x80, /* where tests write, beyond the header */
    DATA = 0xfa,
    MISMATCH = 0xf7,
};

struct header {
    uint8_t test;
    uint32_t count;
};

struct pci_testdev {
    struct pci_function pci;
    struct phys *phys;
    struct bus *bus;
    int memory_region;
    uint8_t tests[2]; /* chosen, by BAR; TESTS and above: none */
    uint32_t counts[2];
};

static const char *const names[2][TESTS] = {
    {"mmio-no-eventfd", "mmio-wildcard-eventfd", "mmio-datamatch-eventfd"},
    {"portio-no-eventfd", "portio-wildcard-eventfd", "portio-datamatch-eventfd"},
};

static uint32_t bar_offset(const struct pci_testdev *t, int bar)
{
    return TEST_OFFSET + t->tests[bar] * 4u;
}

static uint8_t header_byte(const struct pci_testdev *t, int bar, uint32_t offset)
{
    bool chosen = t->tests[bar] < TESTS;
    const uint32_t words[4] = {t->tests[bar] | (chosen ? 1u << 8 : 0),
                               chosen ? bar_offset(t, bar) : 0, chosen ? DATA : 0, t->counts[bar]};
    const char *name = chosen ? names[bar][t->tests[bar]] : "";

    if (offset < HEADER_NAME)
        return (uint8_t)(words[offset / 4] >> offset % 4 * 8);
    offset -= HEADER_NAME;
    return offset < strlen(name) ? (uint8_t)name[offset] : 0;
}

static uint32_t bar_read(const struct pci_testdev *t, int bar, uint32_t offset, unsigned size)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)header_byte(t, bar, offset + i) << i * 8;
    return value;
}

static void bar_write(struct pci_testdev *t, int bar, uint32_t offset, uint32_t value)
{
    if (offset == 0) {
        t->tests[bar] = (uint8_t)value;
        t->counts[bar] = 0;
    } else if (t->tests[bar] < TESTS && offset == bar_offset(t, bar) &&
               (t->tests[bar] != 2 || (uint8_t)value == DATA)) {
        t->counts[bar]++;
    }
}

static uint32_t memory_read(void *opaque, uint32_t offset, unsigned size)
{
    return bar_read(opaque, 0, offset, size);
}

static void memory_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    (void)size;
    bar_write(opaque, 0, offset, value);
}

static uint32_t port_read(void *opaque, uint16_t offset, unsigned size)
{
    return bar_read(opaque, 1, offset, size);
}

static void port_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    bar_write(opaque, 1, offset, value);
}

static const struct mmio_ops memory_ops = {memory_read, memory_write, 4};
static const struct io_ops port_ops = {port_read, port_write, 4};

static void map_memory(void *dev, uint32_t base, bool on)
{
    struct pci_testdev *t = dev;

    if (on)
        phys_move(t->phys, t->memory_region, base);
    phys_enable(t->phys, t->memory_region, on);
}

static void map_ports(void *dev, uint32_t base, bool on)
{
    struct pci_testdev *t = dev;

    if (on)
        bus_map(t->bus, "pci-testdev", (uint16_t)base, IO_BYTES, &port_ops, t);
    else
        bus_unmap(t->bus, (uint16_t)base, IO_BYTES);
}

static void map_nothing(void *dev, uint32_t base, bool on)
{
    (void)dev;
    (void)base;
    (void)on;
}

static void reset(void *dev)
{
    struct pci_testdev *t = dev;

    memset(t->tests, 0xff, sizeof t->tests);
    memset(t->counts, 0, sizeof t->counts);
    pci_function_reset(&t->pci);
}

static void loaded(void *dev)
{
    struct pci_testdev *t = dev;

    pci_function_update(&t->pci);
}

static const struct field fields[] = {
    PCI_FIELDS(struct pci_testdev, pci),
    FIELD_ARRAY(struct pci_testdev, tests),
    FIELD_ARRAY(struct pci_testdev, counts),
    FIELD_END,
};

static const struct device_class class = {
    .name = "pci-testdev", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

void pci_testdev_init(struct board *board, struct pci *pci, uint8_t devfn, uint32_t membar)
{
    struct pci_testdev *t = device_alloc(sizeof *t);
    const struct pci_identity id = {
        .name = "pci-testdev",
        .devfn = devfn,
        .vendor = 0x1b36,
        .device = 0x0005,
        .class = 0x00ff00,
        .command = PCI_COMMAND_IO | PCI_COMMAND_MEMORY,
    };

    t->phys = board->phys;
    t->bus = board->bus;
    pci_function_init(&t->pci, &id, t);
    t->memory_region =
        phys_map_mmio(board->phys, "pci-testdev", 0xfebf0000, MEMORY_BYTES, &memory_ops, t);
    phys_enable(board->phys, t->memory_region, false);
    pci_function_bar(&t->pci, 0, false, false, MEMORY_BYTES, map_memory);
    pci_function_bar(&t->pci, 1, true, false, IO_BYTES, map_ports);
    if (membar)
        pci_function_bar(&t->pci, 2, false, true, membar < 16 ? 16 : membar, map_nothing);
    pci_add(pci, &t->pci);
    device_add(board->devices, &class, t);
}
