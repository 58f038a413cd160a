/* The reset control register at CF9h (Intel 82371SB PIIX3 datasheet, "RC: Reset Control
 * Register").  Bit 1 tells a hard reset, of the whole board, from a soft one, of the processor
 * alone; a rise of bit 2 starts it.
 *
 * It lies over a port of the PCI bus's configuration address, which takes dwords only, as this
 * takes bytes only; so it must be mapped after the bus. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"

enum {
    RC_SYSTEM = 1 << 1,
    RC_START = 1 << 2,
};

struct reset_control {
    struct irq_line board, cpu;
    uint8_t control;
};

static uint32_t reset_read(void *opaque, uint16_t offset, unsigned size)
{
    struct reset_control *r = opaque;

    (void)offset;
    (void)size;
    return r->control;
}

static void reset_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct reset_control *r = opaque;
    uint8_t old = r->control;

    (void)offset;
    (void)size;
    r->control = value & (RC_SYSTEM | RC_START);
    if (~old & r->control & RC_START) {
        struct irq_line *line = r->control & RC_SYSTEM ? &r->board : &r->cpu;
        irq_set(line, 1);
        irq_set(line, 0);
    }
}

static const struct io_ops reset_ops = {reset_read, reset_write, 1};

static void reset_reset(void *opaque)
{
    struct reset_control *r = opaque;

    r->control = 0;
}

static const struct field reset_fields[] = {
    FIELD(struct reset_control, control),
    FIELD_END,
};

static const struct device_class reset_class = {
    .name = "reset-control",
    .fields = reset_fields,
    .reset = reset_reset,
    .free = free,
};

void reset_control_init(struct board *board, struct irq_line board_reset, struct irq_line cpu_reset)
{
    struct reset_control *r = device_alloc(sizeof(*r));

    r->board = board_reset;
    r->cpu = cpu_reset;
    bus_map(board->bus, "reset-control", 0xcf9, 1, &reset_ops, r);
    device_add(board->devices, &reset_class, r);
}
