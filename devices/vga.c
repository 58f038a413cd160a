/* The VGA: composition, reset, snapshot fields. */
#include "devices/vga.h"

#include <stdlib.h>
#include <string.h>

#include "devices/edid.h"

static void vga_reset(void *dev)
{
    struct vga *v = dev;

    /* All registers zero; the adapter answers (a PC's firmware finds it enabled). */
    v->misc = v->feature = 0;
    v->adapter_enable = 0x0E;
    v->subsystem_enable = 1;
    v->seq_index = v->gfx_index = v->attr_index = v->crtc_index = 0;
    memset(v->seq, 0, sizeof(v->seq));
    memset(v->gfx, 0, sizeof(v->gfx));
    memset(v->attr, 0, sizeof(v->attr));
    memset(v->crtc, 0, sizeof(v->crtc));
    v->attr_data = 0;
    v->status_toggle = 0;
    memset(v->dac, 0, sizeof(v->dac));
    v->dac_mask = 0xFF;
    v->dac_index = v->dac_component = v->dac_reading = 0;
    memset(v->dac_latch, 0, sizeof(v->dac_latch));
    v->latch = 0;
    v->latch_unknown = v->latch_counts = 0;
    vga_dispi_reset(v);
    vga_beam_forget(v);
    vga_mem_update(v);
}

static void vga_loaded(void *dev)
{
    struct vga *v = dev;

    vga_regs_restored(v);
    vga_dispi_restored(v);
    v->dac_component %= 3;
    vga_beam_forget(v);
    vga_mem_update(v);
    memset(v->dirty, 1, v->vram_bytes >> PAGE_SHIFT);
}

static void vga_free(void *dev)
{
    struct vga *v = dev;

    free(v->dirty);
    vga_beam_free(v->beam);
    free(v); /* video memory is phys's */
}

static const struct field vga_fields[] = {
    FIELD(struct vga, misc),
    FIELD(struct vga, feature),
    FIELD(struct vga, adapter_enable),
    FIELD(struct vga, subsystem_enable),
    FIELD(struct vga, seq_index),
    FIELD_ARRAY(struct vga, seq),
    FIELD(struct vga, gfx_index),
    FIELD_ARRAY(struct vga, gfx),
    FIELD(struct vga, attr_index),
    FIELD_ARRAY(struct vga, attr),
    FIELD(struct vga, attr_data),
    FIELD(struct vga, crtc_index),
    FIELD_ARRAY(struct vga, crtc),
    FIELD(struct vga, status_toggle),
    FIELD_ARRAY(struct vga, dac),
    FIELD(struct vga, dac_mask),
    FIELD(struct vga, dac_index),
    FIELD(struct vga, dac_component),
    FIELD(struct vga, dac_reading),
    FIELD_ARRAY(struct vga, dac_latch),
    FIELD(struct vga, dispi_index),
    FIELD_ARRAY(struct vga, dispi),
    FIELD(struct vga, latch),
    FIELD(struct vga, latch_unknown),
    FIELD(struct vga, latch_counts),
    FIELD(struct vga, rotated),
    FIELD_END,
};

static const struct device_class vga_class = {
    .name = "vga",
    .fields = vga_fields,
    .reset = vga_reset,
    .loaded = vga_loaded,
    .free = vga_free,
};

void vga_place_lfb(struct vga *v, uint32_t base, bool on)
{
    if (!on)
        phys_enable(v->phys, v->lfb_region, false);
    v->lfb_on = on;
    if (!on)
        return;
    v->lfb_base = base;
    phys_move(v->phys, v->lfb_region, base);
    phys_enable(v->phys, v->lfb_region, true);
}

void vga_unplug(struct vga *v, struct bus *bus)
{
    static const struct {
        uint16_t base, count;
    } ports[] = {{0x3B4, 2}, {0x3BA, 1}, {0x3C0, 16}, {0x3D4, 2},
                 {0x3DA, 1}, {0x46E8, 1}, {0x1CE, 3}};

    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        bus_unmap(bus, ports[i].base, ports[i].count);
    phys_enable(v->phys, v->window_region, false);
    vga_place_lfb(v, 0, false);
}

void vga_set_monitor(struct vga *v, unsigned width, unsigned height)
{
    v->monitor_width = (uint16_t)width;
    v->monitor_height = (uint16_t)height;
}

bool vga_edid(const struct vga *v, uint8_t edid[EDID_BYTES])
{
    if (!v->monitor_width)
        return false;
    edid_fill(v->monitor_width, v->monitor_height, edid);
    return true;
}

struct vga *vga_init(struct board *board, uint32_t vram_bytes)
{
    uint32_t bytes = VGA_LEGACY_BYTES, max_bytes = 256u << 20;
    struct vga *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    while (bytes < max_bytes && bytes * 2 <= vram_bytes)
        bytes *= 2;
    v->vram_bytes = bytes; /* a power of two: plane addresses wrap */
    v->dirty = calloc(bytes >> PAGE_SHIFT, 1);
    v->beam = vga_beam_new();
    v->clock = board->clock;
    v->phys = board->phys;
    v->log = board->log;
    v->lfb_base = VGA_LFB_BASE;
    v->lfb_on = true;
    v->monitor_width = 1024;
    v->monitor_height = 768;
    v->lfb_region = phys_map_ram(v->phys, "vga-lfb", VGA_LFB_BASE, v->vram_bytes, &v->vram);
    v->window_region =
        phys_map_mmio(v->phys, "vga", VGA_WINDOW_BASE, VGA_WINDOW_SIZE, &vga_mem_ops, v);
    phys_set_quick(v->phys, v->window_region, &vga_mem_quick);
    v->frame_flags = phys_flag_bytes(v->phys);
    v->direct_region = phys_map_view(v->phys, "vga", VGA_WINDOW_SIZE >> PAGE_SHIFT);
    if (v->lfb_region < 0 || v->direct_region < 0 || !v->dirty || !v->beam || v->window_region < 0) {
        vga_free(v);
        return NULL;
    }
    vga_map_ports(v, board->bus);
    vga_dispi_map(v, board->bus);
    device_add(board->devices, &vga_class, v);
    vga_reset(v);
    return v;
}
