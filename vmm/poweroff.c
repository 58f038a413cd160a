#include "vmm/poweroff.h"
#include "devices/bus.h"
#include "ringer/log.h"
#include <stdlib.h>

enum {
    PM1A_CNT_PORT = 0x604,
    SLP_EN = 1u << 13,
    SLP_TYP_SHIFT = 10,
};

struct poweroff {
    uint16_t control;
    struct log *log;
    void (*off)(void *opaque);
    void *opaque;
};

static uint32_t poweroff_read(void *dev, uint16_t offset, unsigned size)
{
    const struct poweroff *p = dev;
    uint32_t value = p->control >> (8 * (offset & 1));

    return size == 1 ? value & 0xff : value;
}

static void poweroff_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct poweroff *p = dev;

    if (size == 1)
        value = offset ? (p->control & 0xffu) | value << 8 : (p->control & 0xff00u) | value;
    p->control = value & ~SLP_EN; /* SLP_EN reads as zero */
    if (!(value & SLP_EN) || (size == 1 && !offset))
        return;
    unsigned type = value >> SLP_TYP_SHIFT & 7;
    if (type == 0 || type == 5)
        p->off(p->opaque);
    else
        log_unimp(p->log, "sleep type %u asked for at port 604h: only soft-off is there", type);
}

static void poweroff_reset(void *dev)
{
    struct poweroff *p = dev;

    p->control = 1; /* SCI_EN */
}

static const struct io_ops poweroff_ops = {poweroff_read, poweroff_write, 2};

static const struct field poweroff_fields[] = {
    FIELD(struct poweroff, control),
    FIELD_END,
};

static const struct device_class poweroff_class = {
    .name = "poweroff",
    .fields = poweroff_fields,
    .reset = poweroff_reset,
    .free = free,
};

void poweroff_init(struct board *board, void (*off)(void *opaque), void *opaque)
{
    struct poweroff *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->log = board->log;
    p->off = off;
    p->opaque = opaque;
    bus_map(board->bus, "poweroff", PM1A_CNT_PORT, 2, &poweroff_ops, p);
    device_add(board->devices, &poweroff_class, p);
}
