/* The debug console of emulated PCs: a byte written to the port appears at the host.  Reading
 * gives a byte (E9h, usually) by which guests know that it is there. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"

struct debugcon {
    struct chardev *chr;
    uint8_t readback;
};

static uint32_t debugcon_read(void *opaque, uint16_t offset, unsigned size)
{
    const struct debugcon *d = opaque;

    (void)offset;
    (void)size;
    return d->readback;
}

static void debugcon_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct debugcon *d = opaque;
    uint8_t byte = (uint8_t)value;

    (void)offset;
    (void)size;
    if (d->chr && d->chr->send)
        d->chr->send(d->chr, &byte, 1);
}

static const struct io_ops debugcon_ops = {debugcon_read, debugcon_write, 1};

static const struct field debugcon_fields[] = {FIELD_END};

static const struct device_class debugcon_class = {
    .name = "debugcon",
    .fields = debugcon_fields,
    .free = free,
};

void debugcon_init(struct board *board, uint16_t port, uint8_t readback, struct chardev *chr)
{
    struct debugcon *d = device_alloc(sizeof(*d));

    d->chr = chr;
    d->readback = readback;
    bus_map(board->bus, "debugcon", port, 1, &debugcon_ops, d);
    device_add(board->devices, &debugcon_class, d);
}
