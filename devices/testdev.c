/* What kvm-unit-tests expect of their emulator: pc-testdev, a register that takes accesses of any
 * size at E0h (and bytewise at E8h), a port that makes a page's mapping be made anew (E4h), ISA
 * interrupt lines as ports 2000h to 2017h, and 64 KiB of memory that is accessed as a device's at
 * FF000000h. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"

enum { LINES = 24, MEMORY = 0x10000, MEMORY_BASE = 0xff000000 };

struct testdev {
    struct irq_line irqs; /* N is added to */
    struct phys *phys;
    uint32_t data, bytes;
    uint8_t memory[MEMORY];
};

/* Bits of VALUE that an access of SIZE bytes at OFFSET reaches. */
static uint32_t lane(uint16_t offset, unsigned size)
{
    return (size == 4 ? UINT32_MAX : (1u << size * 8) - 1) << (offset & 3) * 8;
}

static uint32_t data_read(void *opaque, uint16_t offset, unsigned size)
{
    struct testdev *t = opaque;

    return (t->data & lane(offset, size)) >> (offset & 3) * 8;
}

static void data_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct testdev *t = opaque;
    uint32_t mask = lane(offset, size);

    t->data = (t->data & ~mask) | (value << (offset & 3) * 8 & mask);
}

static uint32_t bytes_read(void *opaque, uint16_t offset, unsigned size)
{
    struct testdev *t = opaque;

    (void)size;
    return t->bytes >> offset * 8 & 0xff;
}

static void bytes_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct testdev *t = opaque;

    (void)size;
    t->bytes = (t->bytes & ~(0xffu << offset * 8)) | (value & 0xff) << offset * 8;
}

static uint32_t nothing_read(void *opaque, uint16_t offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0;
}

/* The page at physical address VALUE: whatever the emulator keeps of it is to be made anew. */
static void flush_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct testdev *t = opaque;
    uint8_t *page = t->phys ? phys_ptr(t->phys, value & ~(PAGE_SIZE - 1), PAGE_SIZE) : NULL;

    (void)offset;
    (void)size;
    if (page)
        phys_wrote(t->phys, value & ~(PAGE_SIZE - 1), PAGE_SIZE);
}

static void line_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct testdev *t = opaque;

    (void)size;
    if (t->irqs.set)
        t->irqs.set(t->irqs.opaque, t->irqs.n + offset, value != 0);
}

static uint32_t memory_read(void *opaque, uint32_t offset, unsigned size)
{
    struct testdev *t = opaque;
    uint32_t value = 0;

    memcpy(&value, t->memory + offset, size);
    return value;
}

static void memory_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct testdev *t = opaque;

    memcpy(t->memory + offset, &value, size);
}

static const struct io_ops data_ops = {data_read, data_write, 4};
static const struct io_ops bytes_ops = {bytes_read, bytes_write, 1};
static const struct io_ops flush_ops = {nothing_read, flush_write, 4};
static const struct io_ops line_ops = {nothing_read, line_write, 1};
static const struct mmio_ops memory_ops = {memory_read, memory_write, 4};

static const struct field fields[] = {
    FIELD(struct testdev, data),
    FIELD(struct testdev, bytes),
    FIELD_ARRAY(struct testdev, memory),
    FIELD_END,
};

static const struct device_class class = {.name = "pc-testdev", .fields = fields, .free = free};

void pc_testdev_init(struct board *board, struct irq_line irqs)
{
    struct testdev *t = device_alloc(sizeof *t);

    t->irqs = irqs;
    t->phys = board->phys;
    bus_map(board->bus, "pc-testdev", 0xe0, 4, &data_ops, t);
    bus_map(board->bus, "pc-testdev-flush", 0xe4, 4, &flush_ops, t);
    bus_map(board->bus, "pc-testdev-bytes", 0xe8, 4, &bytes_ops, t);
    bus_map(board->bus, "pc-testdev-irqs", 0x2000, LINES, &line_ops, t);
    if (board->phys)
        phys_map_mmio(board->phys, "pc-testdev", MEMORY_BASE, MEMORY, &memory_ops, t);
    device_add(board->devices, &class, t);
}
