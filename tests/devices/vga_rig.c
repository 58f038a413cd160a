#include "vga_rig.h"

#include <stdlib.h>
#include <string.h>

#include "devices/vga_font.h"
#include "devices/vga_modes.h"

void vga_rig_start(struct vga_rig *r, uint32_t vram_bytes)
{
    memset(r, 0, sizeof(*r));
    r->board.bus = bus_new(NULL);
    r->board.clock = vclock_new(true);
    r->board.phys = phys_new(1 << 20, NULL, NULL);
    r->board.devices = device_list_new();
    r->vga = vga_init(&r->board, vram_bytes);
    if (!r->vga)
        abort();
}

void vga_rig_stop(struct vga_rig *r)
{
    device_free_all(r->board.devices);
    phys_free(r->board.phys);
    vclock_free(r->board.clock);
    bus_free(r->board.bus);
    free(r->pixels);
}

void vga_rig_out(struct vga_rig *r, uint16_t port, uint8_t value)
{
    bus_out(r->board.bus, port, value, 1);
}

uint8_t vga_rig_in(struct vga_rig *r, uint16_t port)
{
    return bus_in(r->board.bus, port, 1);
}

static void reset_flip_flop(struct vga_rig *r)
{
    vga_rig_in(r, 0x3DA);
    vga_rig_in(r, 0x3BA);
}

void vga_rig_set(struct vga_rig *r, uint16_t port, uint8_t index, uint8_t value)
{
    if (port == 0x3C0) {
        reset_flip_flop(r);
        vga_rig_out(r, 0x3C0, index | 0x20); /* the screen stays on */
        vga_rig_out(r, 0x3C0, value);
    } else {
        bus_out(r->board.bus, port, index | value << 8, 2);
    }
}

uint8_t vga_rig_get(struct vga_rig *r, uint16_t port, uint8_t index)
{
    if (port == 0x3C0) {
        reset_flip_flop(r);
        vga_rig_out(r, 0x3C0, index | 0x20);
        reset_flip_flop(r);
    } else {
        vga_rig_out(r, port, index);
    }
    return vga_rig_in(r, port + 1);
}

static void load_font(struct vga_rig *r)
{
    vga_rig_set(r, 0x3C4, 2, 4);
    vga_rig_set(r, 0x3C4, 4, 6);
    vga_rig_set(r, 0x3CE, 5, 0);
    vga_rig_set(r, 0x3CE, 6, 4);
    for (unsigned c = 0; c < 256; c++)
        phys_write(r->board.phys, 0xA0000 + c * 32, vga_font_8x16 + c * 16, 16);
}

static void load_registers(struct vga_rig *r, const struct vga_mode *m)
{
    uint16_t crtc = m->misc & 1 ? 0x3D4 : 0x3B4;

    vga_rig_out(r, 0x3C2, m->misc);
    vga_rig_set(r, 0x3C4, 0, 1); /* reset, until the loop ends it */
    for (unsigned i = 0; i < 5; i++)
        vga_rig_set(r, 0x3C4, i, m->seq[i]);
    vga_rig_set(r, crtc, 0x11, 0); /* unprotect */
    for (unsigned i = 0; i < 25; i++)
        vga_rig_set(r, crtc, i, m->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        vga_rig_set(r, 0x3CE, i, m->gfx[i]);
    for (unsigned i = 0; i < 21; i++)
        vga_rig_set(r, 0x3C0, i, m->attr[i]);
}

void vga_rig_mode(struct vga_rig *r, uint8_t mode)
{
    const struct vga_mode *m = vga_mode_find(mode);
    uint8_t colors[768], zeros[4096] = {0};

    load_registers(r, m);
    vga_default_palette(m->dac, colors);
    vga_rig_out(r, 0x3C6, 0xFF);
    vga_rig_out(r, 0x3C8, 0);
    for (unsigned i = 0; i < 768; i++)
        vga_rig_out(r, 0x3C9, colors[i]);
    if (!m->graphics) {
        load_font(r);
        load_registers(r, m);
    }
    for (unsigned i = 0; i < (m->segment == 0xA000 ? 16 : 8); i++)
        phys_write(r->board.phys, m->segment * 16 + i * 4096, zeros, sizeof(zeros));
}

void vga_rig_dispi(struct vga_rig *r, uint16_t index, uint16_t value)
{
    bus_out(r->board.bus, 0x1CE, index, 2);
    bus_out(r->board.bus, 0x1CF, value, 2);
}

uint16_t vga_rig_dispi_get(struct vga_rig *r, uint16_t index)
{
    bus_out(r->board.bus, 0x1CE, index, 2);
    return bus_in(r->board.bus, 0x1CF, 2);
}

void vga_rig_poke(struct vga_rig *r, uint32_t pa, uint8_t value)
{
    phys_write(r->board.phys, pa, &value, 1);
}

uint8_t vga_rig_peek(struct vga_rig *r, uint32_t pa)
{
    uint8_t value;

    phys_read(r->board.phys, pa, &value, 1);
    return value;
}

void vga_rig_draw(struct vga_rig *r)
{
    vga_size(r->vga, &r->width, &r->height);
    free(r->pixels);
    r->pixels = malloc((size_t)r->width * r->height * sizeof(*r->pixels));
    /* What is not drawn shows. */
    memset(r->pixels, 0x5A, (size_t)r->width * r->height * sizeof(*r->pixels));
    vga_draw(r->vga, r->pixels, r->width);
}

uint32_t vga_rig_pixel(const struct vga_rig *r, unsigned x, unsigned y)
{
    return r->pixels[y * r->width + x];
}
