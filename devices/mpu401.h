/* MPU-401, as Sound Blasters have it: the UART mode. */
#ifndef RINGER_DEVICES_MPU401_H
#define RINGER_DEVICES_MPU401_H

#include "devices/device.h"

/* At ports BASE (300h or 330h) and BASE + 1; nowhere when it is 0.  Nothing is connected to its
 * MIDI sockets. */
void mpu401_init(struct board *board, uint16_t base);

#endif
