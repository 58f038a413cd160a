/* The soft-off register: the one piece of power management there is. */
#ifndef RINGER_VMM_POWEROFF_H
#define RINGER_VMM_POWEROFF_H

#include "devices/device.h"

/* A 16-bit PM1a control register at port 604h, as ACPI 6.4 section 4.8.3.2.1 lays it out: a write
 * with SLP_EN (bit 13) set is a request for a sleeping state; with SLP_TYP 0 or 5 it is soft-off
 * and calls OFF. */
void poweroff_init(struct board *board, void (*off)(void *opaque), void *opaque);

#endif
