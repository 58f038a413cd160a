#include "chipset.h"

#include <stdlib.h>
#include <string.h>

static void wire_set(void *opaque, int n, int level)
{
    struct chipset *c = opaque;

    if (level && !c->level[n])
        c->rises[n]++;
    if (!level && c->level[n])
        c->falls[n]++;
    c->level[n] = level != 0;
}

void chipset_open(struct chipset *c, uint64_t ram_bytes)
{
    memset(c, 0, sizeof(*c));
    c->board.bus = bus_new(NULL);
    c->board.clock = vclock_new(true);
    c->board.devices = device_list_new();
    if (ram_bytes)
        c->board.phys = phys_new(ram_bytes, NULL, NULL);
    ck_assert(!ram_bytes || c->board.phys);
}

void chipset_close(struct chipset *c)
{
    device_free_all(c->board.devices);
    bus_free(c->board.bus);
    vclock_free(c->board.clock);
    if (c->board.phys)
        phys_free(c->board.phys);
}

struct irq_line chipset_wire(struct chipset *c, int n)
{
    return (struct irq_line){wire_set, c, n};
}

void chipset_out(struct chipset *c, uint16_t port, uint8_t value)
{
    bus_out(c->board.bus, port, value, 1);
}

uint8_t chipset_in(struct chipset *c, uint16_t port)
{
    return (uint8_t)bus_in(c->board.bus, port, 1);
}

void chipset_step(struct chipset *c, uint64_t ns)
{
    vclock_advance(c->board.clock, ns);
}

int chipset_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
