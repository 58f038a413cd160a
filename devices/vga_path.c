/* The graphics controller's data path: one byte between the CPU and the four planes, through
 * latches, rotator, set/reset, logic function and bit mask (IBM PS/2 Video Subsystem, "Graphics
 * Controller").
 *
 * All four planes move at once as one dword; byte P of it is plane P.
 *
 * This file is also the short way of guest code to video memory: it runs while the x87 and vector
 * registers are the guest's, so it is compiled for general registers alone and calls nothing else.
 */
#include "devices/vga.h"

enum { MODE_WRITE = 0x03, ROTATE_COUNT = 0x07, ROTATE_LOGIC = 0x18 };

static inline uint8_t rotate(const struct vga *v, uint8_t value)
{
    unsigned count = v->gfx[GFX_DATA_ROTATE] & ROTATE_COUNT;

    return value >> count | value << (8 - count);
}

static inline uint32_t logic_function(const struct vga *v, uint32_t data)
{
    switch (v->gfx[GFX_DATA_ROTATE] >> 3 & 3) {
    case 1:
        return data & v->latch;
    case 2:
        return data | v->latch;
    case 3:
        return data ^ v->latch;
    default:
        return data;
    }
}

/* Byte VALUE of the CPU to the dword at INDEX, for those of PLANES that the map mask lets through.
 * "Write mode" 0-3. */
static inline void write_planes(struct vga *v, uint32_t index, uint8_t value, uint32_t planes)
{
    const struct vga_mem *m = &v->mem;
    uint32_t data, bits = m->bit_mask;
    uint32_t *cell = &((uint32_t *)v->vram)[index];

    planes &= m->write_planes;
    if (m->plain_write) {
        *cell = (*cell & ~planes) | (value * 0x01010101u & planes);
        return;
    }
    switch (v->gfx[GFX_MODE] & MODE_WRITE) {
    case 0:
        data = rotate(v, value) * 0x01010101u;
        data = (data & ~m->set_reset_on) | (m->set_reset & m->set_reset_on);
        data = logic_function(v, data);
        break;
    case 1:
        data = v->latch;
        bits = ~0u;
        break;
    case 2:
        data = logic_function(v, vga_spread(value));
        break;
    default:
        data = logic_function(v, m->set_reset);
        bits &= rotate(v, value) * 0x01010101u;
        break;
    }
    data = (data & bits) | (v->latch & ~bits);
    *cell = (*cell & ~planes) | (data & planes);
}

/* Plane address of an odd/even access: A0 selects the plane, and A16 takes its place. */
static inline uint32_t odd_even_address(uint32_t offset)
{
    return (offset & 0xFFFE) | offset >> 16;
}

static inline uint32_t bank_base(const struct vga *v)
{
    return vga_dispi_on(v) ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

/* The dword of the planes that a write to OFFSET changes, and through which PLANES. */
static inline uint32_t write_place(const struct vga *v, uint32_t offset, uint32_t *planes)
{
    switch (v->mem.kind) {
    case MEM_PLANAR:
        *planes = ~0u;
        return (bank_base(v) + offset) & v->mem.plane_mask;
    case MEM_ODD_EVEN:
        *planes = offset & 1 ? 0xFF00FF00u : 0x00FF00FFu;
        return odd_even_address(offset);
    default:
        *planes = 0xFFu << (offset & 3) * 8;
        return offset >> 2;
    }
}

/* The one that a read of OFFSET comes from; *PLANE in read mode 0. */
static inline uint32_t read_place(const struct vga *v, uint32_t offset, unsigned *plane)
{
    *plane = v->mem.read_map;
    if (v->mem.kind == MEM_CHAIN4) {
        *plane = offset & 3;
        return offset >> 2;
    }
    if (v->mem.odd_even_read) {
        *plane = (*plane & 2) | (offset & 1);
        return odd_even_address(offset);
    }
    return (bank_base(v) + offset) & v->mem.plane_mask;
}

/* "Color compare": a bit is set where all planes that are cared for match. */
static inline uint8_t color_compare(const struct vga *v)
{
    uint32_t differ = (v->latch ^ v->mem.compare) & v->mem.care;

    differ |= differ >> 16;
    return ~(differ | differ >> 8);
}

bool vga_path_takes_latch(const struct vga *v, uint8_t value)
{
    unsigned mode = v->gfx[GFX_MODE] & MODE_WRITE;

    return mode == 1 || v->gfx[GFX_BIT_MASK] != 0xFF || (v->gfx[GFX_DATA_ROTATE] & ROTATE_LOGIC) ||
           (mode == 3 && rotate(v, value) != 0xFF);
}

uint32_t vga_path_write(struct vga *v, uint32_t offset, uint8_t value)
{
    uint32_t planes, index = write_place(v, offset, &planes);

    write_planes(v, index, value, planes);
    return index * 4;
}

uint8_t vga_path_read(struct vga *v, uint32_t offset)
{
    unsigned plane;
    uint32_t index = read_place(v, offset, &plane);

    v->latch = ((const uint32_t *)v->vram)[index];
    v->latch_unknown = 0;
    return v->mem.plain_read ? v->latch >> plane * 8 : color_compare(v);
}

/* ---- the short way ---- */

/* Are OFFSET and the SIZE - 1 bytes behind it planes' or cells', nothing else?  Chain-4 and packed
 * pixels are plain memory soon. */
static inline bool takes(const struct vga *v, uint32_t offset, unsigned size)
{
    const struct vga_mem *m = &v->mem;

    return (m->kind == MEM_PLANAR || m->kind == MEM_ODD_EVEN) && offset < m->size &&
           m->size - offset >= size && !v->latch_unknown;
}

bool vga_quick_read(void *opaque, uint32_t offset, unsigned size, uint32_t *value)
{
    struct vga *v = opaque;
    uint32_t data = 0;

    offset -= v->mem.base;
    if (!takes(v, offset, size))
        return false;
    for (unsigned i = 0; i < size; i++)
        data |= (uint32_t)vga_path_read(v, offset + i) << i * 8;
    *value = data;
    return true;
}

bool vga_quick_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct vga *v = opaque;
    uint32_t planes, at;

    offset -= v->mem.base;
    if (!takes(v, offset, size))
        return false;
    /* SIZE bytes are four times as many at most in one row of planes: two pages. */
    for (unsigned i = 0; i < size && v->lfb_on; i++) {
        at = write_place(v, offset + i, &planes) * 4;
        if (v->frame_flags[(v->lfb_base + at) >> PAGE_SHIFT])
            return false;
    }
    for (unsigned i = 0; i < size; i++) {
        at = vga_path_write(v, offset + i, value >> i * 8);
        v->dirty[at >> PAGE_SHIFT] = 1;
    }
    return true;
}
