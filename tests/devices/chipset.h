/* A board without CPU for the tests of the chipset devices: a port bus, a clock stepped by hand,
 * and wires that remember what happened on them. */
#ifndef RINGER_TESTS_DEVICES_CHIPSET_H
#define RINGER_TESTS_DEVICES_CHIPSET_H

#include <check.h>

#include "devices/pc.h"

enum { WIRES = 16, MS = 1000000 };

struct chipset {
    struct board board;
    int level[WIRES];
    unsigned rises[WIRES];
    unsigned falls[WIRES];
};

/* With RAM_BYTES of memory, or none when it is 0. */
void chipset_open(struct chipset *c, uint64_t ram_bytes);
void chipset_close(struct chipset *c);
struct irq_line chipset_wire(struct chipset *c, int n);
void chipset_out(struct chipset *c, uint16_t port, uint8_t value);
uint8_t chipset_in(struct chipset *c, uint16_t port);
void chipset_step(struct chipset *c, uint64_t ns);

/* Run SUITE; the exit status of a test program. */
int chipset_run(Suite *suite);

#endif
