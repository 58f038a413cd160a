/* A port that ends the emulator: test kernels write their result to it.  A write of V asks for
 * the exit status (V << 1) | 1, so that a guest can never fake a success of the emulator. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"

struct debug_exit {
    void (*exit)(void *opaque, int status);
    void *opaque;
};

static uint32_t debug_exit_read(void *opaque, uint16_t offset, unsigned size)
{
    (void)opaque;
    (void)offset;
    (void)size;
    return 0;
}

static void debug_exit_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct debug_exit *d = opaque;

    (void)offset;
    (void)size;
    if (d->exit)
        d->exit(d->opaque, (int)(value << 1 | 1));
}

static const struct io_ops debug_exit_ops = {debug_exit_read, debug_exit_write, 4};

static const struct field debug_exit_fields[] = {FIELD_END};

static const struct device_class debug_exit_class = {
    .name = "isa-debug-exit",
    .fields = debug_exit_fields,
    .free = free,
};

void isa_debug_exit_init(struct board *board, uint16_t base, uint16_t size,
                         void (*exit)(void *opaque, int status), void *opaque)
{
    struct debug_exit *d = device_alloc(sizeof(*d));

    d->exit = exit;
    d->opaque = opaque;
    bus_map(board->bus, "isa-debug-exit", base, size, &debug_exit_ops, d);
    device_add(board->devices, &debug_exit_class, d);
}
