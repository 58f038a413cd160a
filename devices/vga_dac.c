/* The DAC: 256 colours behind one address register (IMS G171 data sheet; IBM PS/2 Video
 * Subsystem, "Video Digital-to-Analog Converter").  A colour is moved whole between the table and
 * a latch of three bytes, and the address counts up at that moment. */
#include "devices/vga.h"

#include <string.h>

static void latch_next(struct vga *v)
{
    memcpy(v->dac_latch, &v->dac[v->dac_index * 3], 3);
    v->dac_index++;
    v->dac_component = 0;
}

static bool wide(const struct vga *v)
{
    return v->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC;
}

void vga_dac_write(struct vga *v, unsigned port, uint8_t value)
{
    switch (port) {
    case 0x3C6:
        if (v->dac_mask != value)
            vga_beam_change(v, BANK_DAC_MASK, 0, &value);
        v->dac_mask = value;
        break;
    case 0x3C7:
        v->dac_index = value;
        v->dac_reading = 1;
        latch_next(v);
        break;
    case 0x3C8:
        v->dac_index = value;
        v->dac_reading = 0;
        v->dac_component = 0;
        break;
    case 0x3C9:
        v->dac_latch[v->dac_component++] = wide(v) ? value : value & 0x3F;
        if (v->dac_component == 3) {
            if (memcmp(&v->dac[v->dac_index * 3], v->dac_latch, 3))
                vga_beam_change(v, BANK_DAC, v->dac_index, v->dac_latch);
            memcpy(&v->dac[v->dac_index * 3], v->dac_latch, 3);
            v->dac_index++;
            v->dac_component = 0;
        }
        break;
    }
}

uint8_t vga_dac_read(struct vga *v, unsigned port)
{
    uint8_t value;

    switch (port) {
    case 0x3C6:
        return v->dac_mask;
    case 0x3C7:
        return v->dac_reading ? 3 : 0;
    case 0x3C8:
        return v->dac_index;
    default:
        value = v->dac_latch[v->dac_component++];
        if (v->dac_component == 3)
            latch_next(v);
        return value;
    }
}

static uint32_t widen(uint32_t six)
{
    return six << 2 | six >> 4;
}

uint32_t vga_dac_color(const struct vga *v, uint8_t index)
{
    const uint8_t *c = &v->dac[(index & v->dac_mask) * 3];

    if (wide(v))
        return (uint32_t)c[0] << 16 | (uint32_t)c[1] << 8 | c[2];
    return widen(c[0] & 0x3F) << 16 | widen(c[1] & 0x3F) << 8 | widen(c[2] & 0x3F);
}

/* "Attribute controller": palette register, then bits 7-4 from color select. */
uint32_t vga_palette_color(const struct vga *v, unsigned index)
{
    uint8_t select = v->attr[ATTR_COLOR_SELECT];
    uint8_t value = v->attr[index & 15];

    if (v->attr[ATTR_MODE] & 0x80)
        value = (value & 0x0F) | (select & 3) << 4;
    return vga_dac_color(v, (value & 0x3F) | (select & 0x0C) << 4);
}
