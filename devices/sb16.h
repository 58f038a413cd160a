/* Sound Blaster 16 with its OPL3, which is at 388h as well, and its MPU-401. */
#ifndef RINGER_DEVICES_SB16_H
#define RINGER_DEVICES_SB16_H

#include "devices/audio.h"
#include "devices/bus.h"

struct dma;
struct sb16_config {
    uint16_t base;
    uint8_t irq;        /* 2 (9), 5, 7 or 10 */
    uint8_t dma, dma16; /* 0, 1 or 3; 5 to 7 */
    uint16_t mpu;       /* 300h or 330h; 0: none */
};
/* IRQS.set(opaque, n + IRQ, level) drives the ISA interrupts: software may choose another. */
void sb16_init(struct board *board, const struct sb16_config *config, struct irq_line irqs,
               struct dma *dma, struct audio_out *out);

#endif
