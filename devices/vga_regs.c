/* The VGA's ports: external registers, sequencer, graphics controller, attribute controller, CRT
 * controller.  IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem", register
 * descriptions; bits that the VGA does not have read as zero, which is how programs tell it from
 * its successors. */
#include "devices/vga.h"

#include <string.h>

enum {
    MISC_COLOR = 0x01,       /* CRTC at 3D4h, not 3B4h */
    INDEX_PALETTE_ON = 0x20, /* attribute index: the palette drives the screen */
    OVERFLOW_LINE_COMPARE = 0x10,
    RETRACE_END_PROTECT = 0x80,
    STATUS_DIAGNOSTIC = 0x30,
    MODE_SHIFT = 0x60,
    MISC_GRAPHICS = 0x01,
    STATUS0_SENSE = 0x10, /* a colour monitor is attached */
};

/* The bits that there are. */
static const uint8_t seq_bits[SEQ_COUNT] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
static const uint8_t gfx_bits[GFX_COUNT] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
static const uint8_t attr_bits[ATTR_COUNT - 0x10] = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};

/* Register INDEX of BANK, at REG, gets VALUE; the beam may be in the middle of the picture. */
static void set(struct vga *v, enum vga_bank bank, unsigned index, uint8_t *reg, uint8_t value)
{
    if (*reg == value)
        return;
    vga_beam_change(v, bank, index, &value);
    *reg = value;
}

static void seq_write(struct vga *v, uint8_t value)
{
    if (v->seq_index >= SEQ_COUNT)
        return;
    if (v->seq_index == SEQ_CLOCKING)
        set(v, BANK_SEQ, SEQ_CLOCKING, &v->seq[SEQ_CLOCKING], value & seq_bits[SEQ_CLOCKING]);
    v->seq[v->seq_index] = value & seq_bits[v->seq_index];
    if (v->seq_index == SEQ_RESET && v->seq[SEQ_RESET] != seq_bits[SEQ_RESET])
        v->latch_counts = 0; /* a mode is being set */
    if (v->seq_index == SEQ_MAP_MASK)
        vga_path_update(v);
    else
        vga_mem_update(v);
}

static uint8_t seq_read(const struct vga *v)
{
    return v->seq_index < SEQ_COUNT ? v->seq[v->seq_index] : 0;
}

static void gfx_write(struct vga *v, uint8_t value)
{
    if (v->gfx_index >= GFX_COUNT)
        return;
    value &= gfx_bits[v->gfx_index];
    /* The rest of these is the CPU's side, and no matter for the picture. */
    if ((v->gfx_index == GFX_MODE && (v->gfx[GFX_MODE] ^ value) & MODE_SHIFT) ||
        (v->gfx_index == GFX_MISC && (v->gfx[GFX_MISC] ^ value) & MISC_GRAPHICS))
        vga_beam_change(v, BANK_GFX, v->gfx_index, &value);
    v->gfx[v->gfx_index] = value;
    if (v->gfx_index == GFX_READ_MAP || v->gfx_index == GFX_MODE || v->gfx_index == GFX_MISC)
        vga_mem_update(v);
    else
        vga_path_update(v);
}

static uint8_t gfx_read(const struct vga *v)
{
    return v->gfx_index < GFX_COUNT ? v->gfx[v->gfx_index] : 0;
}

/* 3C0h takes index and data in turn. */
static void attr_write(struct vga *v, uint8_t value)
{
    unsigned index = v->attr_index & 0x1F;

    if (!v->attr_data)
        v->attr_index = value & 0x3F;
    else if (index < ATTR_COUNT)
        set(v, BANK_ATTR, index, &v->attr[index],
            value & (index < 0x10 ? 0x3F : attr_bits[index - 0x10]));
    v->attr_data = !v->attr_data;
}

static uint8_t attr_read(const struct vga *v)
{
    unsigned index = v->attr_index & 0x1F;

    return index < ATTR_COUNT ? v->attr[index] : 0;
}

static void crtc_write(struct vga *v, uint8_t value)
{
    bool protect = v->crtc[CRTC_V_RETRACE_END] & RETRACE_END_PROTECT;
    uint8_t *overflow = &v->crtc[CRTC_OVERFLOW];

    if (v->crtc_index >= CRTC_COUNT)
        return;
    if (!protect || v->crtc_index > CRTC_OVERFLOW)
        set(v, BANK_CRTC, v->crtc_index, &v->crtc[v->crtc_index], value);
    else if (v->crtc_index == CRTC_OVERFLOW) /* line compare's bit 8 is never protected */
        set(v, BANK_CRTC, CRTC_OVERFLOW, overflow,
            (*overflow & ~OVERFLOW_LINE_COMPARE) | (value & OVERFLOW_LINE_COMPARE));
}

/* Beyond the documented ones, every VGA has read-back registers for the latch of the selected
 * plane (22h) and the attribute controller's flip-flop and index (24h, 26h). */
static uint8_t crtc_read(struct vga *v)
{
    switch (v->crtc_index) {
    case 0x22:
        vga_latch_used(v);
        return v->latch >> (v->gfx[GFX_READ_MAP] * 8);
    case 0x24:
        return v->attr_data ? 0x80 : 0;
    case 0x26:
        return v->attr_index & 0x3F;
    default:
        return v->crtc_index < CRTC_COUNT ? v->crtc[v->crtc_index] : 0;
    }
}

static uint8_t status1_read(struct vga *v)
{
    v->attr_data = 0;
    /* The diagnostic bits show two of the eight picture signals: tests want to see them move. */
    v->status_toggle ^= STATUS_DIAGNOSTIC;
    return vga_retrace_bits(v) | v->status_toggle;
}

void vga_regs_restored(struct vga *v)
{
    for (unsigned i = 0; i < SEQ_COUNT; i++)
        v->seq[i] &= seq_bits[i];
    for (unsigned i = 0; i < GFX_COUNT; i++)
        v->gfx[i] &= gfx_bits[i];
    for (unsigned i = 0; i < ATTR_COUNT; i++)
        v->attr[i] &= i < 0x10 ? 0x3F : attr_bits[i - 0x10];
}

/* ---- 3C0h..3CFh ---- */

static uint32_t main_read(void *dev, uint16_t offset, unsigned size)
{
    struct vga *v = dev;

    (void)size;
    if (!vga_awake(v))
        return offset == 3 ? v->subsystem_enable : 0xFF;
    switch (offset) {
    case 0x0:
        return v->attr_index;
    case 0x1:
        return attr_read(v);
    case 0x2:
        return STATUS0_SENSE;
    case 0x3:
        return v->subsystem_enable;
    case 0x4:
        return v->seq_index;
    case 0x5:
        return seq_read(v);
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9:
        return vga_dac_read(v, 0x3C0 + offset);
    case 0xA:
        return v->feature;
    case 0xC:
        return v->misc;
    case 0xE:
        return v->gfx_index;
    case 0xF:
        return gfx_read(v);
    default:
        return 0xFF;
    }
}

static void main_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct vga *v = dev;

    (void)size;
    if (offset == 3) {
        v->subsystem_enable = value & 1;
        vga_mem_update(v);
        return;
    }
    if (!vga_awake(v))
        return;
    switch (offset) {
    case 0x0:
        attr_write(v, value);
        break;
    case 0x2:
        v->misc = value & 0xEF;
        vga_mem_update(v);
        break;
    case 0x4:
        v->seq_index = value & 7;
        break;
    case 0x5:
        seq_write(v, value);
        break;
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9:
        vga_dac_write(v, 0x3C0 + offset, value);
        break;
    case 0xE:
        v->gfx_index = value & 15;
        break;
    case 0xF:
        gfx_write(v, value);
        break;
    }
}

/* ---- the CRTC and input status 1, at 3Bxh or 3Dxh ---- */

static bool answers(const struct vga *v, bool color)
{
    return vga_awake(v) && color == !!(v->misc & MISC_COLOR);
}

static uint32_t crtc_port_read(struct vga *v, uint16_t offset, bool color)
{
    if (!answers(v, color))
        return 0xFF;
    return offset ? crtc_read(v) : v->crtc_index;
}

static void crtc_port_write(struct vga *v, uint16_t offset, uint8_t value, bool color)
{
    if (!answers(v, color))
        return;
    if (offset)
        crtc_write(v, value);
    else
        v->crtc_index = value;
}

static uint32_t mono_crtc_read(void *dev, uint16_t offset, unsigned size)
{
    (void)size;
    return crtc_port_read(dev, offset, false);
}

static uint32_t color_crtc_read(void *dev, uint16_t offset, unsigned size)
{
    (void)size;
    return crtc_port_read(dev, offset, true);
}

static void mono_crtc_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    crtc_port_write(dev, offset, value, false);
}

static void color_crtc_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    (void)size;
    crtc_port_write(dev, offset, value, true);
}

static uint32_t mono_status_read(void *dev, uint16_t offset, unsigned size)
{
    (void)offset, (void)size;
    return answers(dev, false) ? status1_read(dev) : 0xFF;
}

static uint32_t color_status_read(void *dev, uint16_t offset, unsigned size)
{
    (void)offset, (void)size;
    return answers(dev, true) ? status1_read(dev) : 0xFF;
}

static void mono_feature_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct vga *v = dev;

    (void)offset, (void)size;
    if (answers(v, false))
        v->feature = value & 8;
}

static void color_feature_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct vga *v = dev;

    (void)offset, (void)size;
    if (answers(v, true))
        v->feature = value & 8;
}

/* ---- 46E8h, write-only ---- */

static uint32_t sleep_read(void *dev, uint16_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return 0xFF;
}

static void sleep_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct vga *v = dev;

    (void)offset, (void)size;
    v->adapter_enable = value & 0x1F;
    vga_mem_update(v);
}

void vga_map_ports(struct vga *v, struct bus *bus)
{
    static const struct io_ops main_ops = {main_read, main_write, 1};
    static const struct io_ops mono_crtc = {mono_crtc_read, mono_crtc_write, 1};
    static const struct io_ops color_crtc = {color_crtc_read, color_crtc_write, 1};
    static const struct io_ops mono_status = {mono_status_read, mono_feature_write, 1};
    static const struct io_ops color_status = {color_status_read, color_feature_write, 1};
    static const struct io_ops sleep_ops = {sleep_read, sleep_write, 1};

    bus_map(bus, "vga", 0x3C0, 16, &main_ops, v);
    bus_map(bus, "vga-crtc-mono", 0x3B4, 2, &mono_crtc, v);
    bus_map(bus, "vga-crtc", 0x3D4, 2, &color_crtc, v);
    bus_map(bus, "vga-status-mono", 0x3BA, 1, &mono_status, v);
    bus_map(bus, "vga-status", 0x3DA, 1, &color_status, v);
    bus_map(bus, "vga-sleep", 0x46E8, 1, &sleep_ops, v);
}
