/* A VGA on a bus of its own, with a clock that is stepped by hand. */
#ifndef RINGER_TESTS_DEVICES_VGA_RIG_H
#define RINGER_TESTS_DEVICES_VGA_RIG_H

#include "devices/pc.h"

struct vga_rig {
    struct board board;
    struct vga *vga;
    unsigned width, height; /* of pixels, after vga_rig_draw */
    uint32_t *pixels;
};

void vga_rig_start(struct vga_rig *r, uint32_t vram_bytes);
void vga_rig_stop(struct vga_rig *r);
void vga_rig_out(struct vga_rig *r, uint16_t port, uint8_t value);
uint8_t vga_rig_in(struct vga_rig *r, uint16_t port);
/* An indexed register: 3C4h, 3CEh, 3D4h, 3B4h; 3C0h through the flip-flop. */
void vga_rig_set(struct vga_rig *r, uint16_t port, uint8_t index, uint8_t value);
uint8_t vga_rig_get(struct vga_rig *r, uint16_t port, uint8_t index);
/* Program MODE as a BIOS does: registers, colours, the 8x16 font for text, memory cleared. */
void vga_rig_mode(struct vga_rig *r, uint8_t mode);
void vga_rig_dispi(struct vga_rig *r, uint16_t index, uint16_t value);
uint16_t vga_rig_dispi_get(struct vga_rig *r, uint16_t index);
void vga_rig_poke(struct vga_rig *r, uint32_t pa, uint8_t value);
uint8_t vga_rig_peek(struct vga_rig *r, uint32_t pa);
void vga_rig_draw(struct vga_rig *r);
uint32_t vga_rig_pixel(const struct vga_rig *r, unsigned x, unsigned y);

#endif
