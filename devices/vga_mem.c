/* The CPU's window to video memory, A0000h-BFFFFh: address decoding, and the graphics
 * controller's data path of latches, rotator, set/reset, logic function and bit mask (IBM PS/2
 * Video Subsystem, "Graphics Controller"; the sequencer's "Memory Mode").
 *
 * All four planes move at once as one dword; byte P of it is plane P. */
#include "devices/vga.h"

#include <string.h>

enum {
    MISC_RAM_ENABLE = 0x02,
    MEMORY_SEQUENTIAL = 0x04, /* sequencer: odd/even off */
    MEMORY_CHAIN4 = 0x08,
    MODE_WRITE = 0x03,
    MODE_READ_COMPARE = 0x08,
    MODE_READ_ODD_EVEN = 0x10,
    ROTATE_COUNT = 0x07,
    ROTATE_LOGIC = 0x18,
};

/* One page was: the way of nearly every write. */
static inline void wrote_page(struct vga *v, uint32_t offset, uint32_t len)
{
    v->dirty[offset >> PAGE_SHIFT] = 1;
    if (v->lfb_on && phys_frame_flags(v->phys, (v->lfb_base + offset) >> PAGE_SHIFT))
        phys_wrote(v->phys, v->lfb_base + offset, len);
}

void vga_mem_wrote(struct vga *v, uint32_t offset, uint32_t len)
{
    uint32_t first = (v->lfb_base + offset) >> PAGE_SHIFT;
    uint32_t last = (v->lfb_base + offset + len - 1) >> PAGE_SHIFT;

    if (first == last) {
        wrote_page(v, offset, len);
        return;
    }
    memset(v->dirty + (offset >> PAGE_SHIFT), 1, last - first + 1);
    if (!v->lfb_on)
        return;
    for (uint32_t pfn = first; pfn <= last; pfn++) {
        if (phys_frame_flags(v->phys, pfn)) {
            phys_wrote(v->phys, v->lfb_base + offset, len);
            return;
        }
    }
}

/* ---- decoding ---- */

static uint32_t rotate_right(uint32_t i)
{
    return (i >> 2 | i << 14) & 0xFFFF;
}

static uint32_t rotate_left(uint32_t i)
{
    return (i << 2 | i >> 14) & 0xFFFF;
}

/* Move every dword of the planes from I to MAP(I), in place, cycle by cycle. */
static void permute(uint32_t *planes, uint32_t (*map)(uint32_t))
{
    for (uint32_t start = 0; start < VGA_PLANE_SIZE; start++) {
        uint32_t at = map(start), carried = planes[start];

        while (at > start)
            at = map(at);
        if (at < start)
            continue; /* this cycle was done from its lowest member */
        at = start;
        do {
            uint32_t next = map(at), kept = planes[next];

            planes[next] = carried;
            carried = kept;
            at = next;
        } while (at != start);
    }
}

/* Keep plane addresses rotated or not; what the planes hold stays the same. */
static void set_rotated(struct vga *v, bool rotated)
{
    if (v->rotated == rotated)
        return;
    permute((uint32_t *)v->vram, rotated ? rotate_right : rotate_left);
    v->rotated = rotated;
    vga_mem_wrote(v, 0, VGA_LEGACY_BYTES);
}

static void decode_window(struct vga *v)
{
    static const struct {
        uint32_t base, size;
    } maps[4] = {{0, 0x20000}, {0, 0x10000}, {0x10000, 0x8000}, {0x18000, 0x8000}};
    unsigned map = vga_dispi_on(v) ? 1 : v->gfx[GFX_MISC] >> 2 & 3;
    uint8_t memory = v->seq[SEQ_MEMORY_MODE];
    struct vga_mem *m = &v->mem;

    m->base = maps[map].base;
    m->size = maps[map].size;
    m->plane_mask = VGA_PLANE_SIZE - 1;
    if (vga_dispi_on(v)) {
        m->plane_mask = v->vram_bytes / 4 - 1;
        m->kind = v->dispi[DISPI_BPP] == 4 ? MEM_PLANAR : MEM_LINEAR;
    } else if (memory & MEMORY_CHAIN4) {
        m->kind = MEM_CHAIN4;
    } else {
        m->kind = memory & MEMORY_SEQUENTIAL ? MEM_PLANAR : MEM_ODD_EVEN;
    }
    /* In the packed modes the planes lie idle: their order is nobody's business until then. */
    if (m->kind != MEM_LINEAR)
        set_rotated(v, m->kind == MEM_CHAIN4);
    if (!vga_awake(v) || !(v->misc & MISC_RAM_ENABLE))
        m->kind = MEM_OFF;
}

/* What the CPU reads through the window is another thing now: code that was translated from there
 * is none any more. */
void vga_mem_replaced(struct vga *v)
{
    phys_wrote(v->phys, VGA_WINDOW_BASE, VGA_WINDOW_SIZE);
}

void vga_mem_update(struct vga *v)
{
    const struct vga_mem before = v->mem;
    struct vga_mem *m = &v->mem;
    const uint8_t *gfx = v->gfx;

    decode_window(v);
    m->odd_even_read = (gfx[GFX_MODE] & MODE_READ_ODD_EVEN) && !vga_dispi_on(v);
    m->write_planes = vga_spread(v->seq[SEQ_MAP_MASK]);
    m->set_reset = vga_spread(gfx[GFX_SET_RESET]);
    m->set_reset_on = vga_spread(gfx[GFX_ENABLE_SET_RESET]);
    m->compare = vga_spread(gfx[GFX_COLOR_COMPARE]);
    m->care = vga_spread(gfx[GFX_COLOR_DONT_CARE]);
    m->bit_mask = gfx[GFX_BIT_MASK] * 0x01010101u;
    m->plain_write = !(gfx[GFX_MODE] & MODE_WRITE) && !gfx[GFX_ENABLE_SET_RESET] &&
                     !gfx[GFX_DATA_ROTATE] && gfx[GFX_BIT_MASK] == 0xFF;
    m->plain_read = !(gfx[GFX_MODE] & MODE_READ_COMPARE);
    m->read_map = gfx[GFX_READ_MAP];
    if (m->kind != before.kind || m->base != before.base || m->size != before.size ||
        m->read_map != before.read_map || m->plain_read != before.plain_read ||
        m->odd_even_read != before.odd_even_read)
        vga_mem_replaced(v);
    vga_direct_update(v);
}

/* ---- the data path ---- */

static uint32_t logic_function(const struct vga *v, uint32_t data)
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

/* Does writing a byte, ROTATED, take bits of the latches? */
static bool latch_matters(const struct vga *v, uint8_t rotated)
{
    unsigned mode = v->gfx[GFX_MODE] & MODE_WRITE;

    return mode == 1 || v->gfx[GFX_BIT_MASK] != 0xFF || (v->gfx[GFX_DATA_ROTATE] & ROTATE_LOGIC) ||
           (mode == 3 && rotated != 0xFF);
}

/* Byte VALUE of the CPU to the dword at INDEX, for those of PLANES that the map mask lets through.
 * "Write mode" 0-3. */
static void write_planes(struct vga *v, uint32_t index, uint8_t value, uint32_t planes)
{
    const struct vga_mem *m = &v->mem;
    unsigned count = v->gfx[GFX_DATA_ROTATE] & ROTATE_COUNT;
    uint8_t rotated = value >> count | value << (8 - count);
    uint32_t data, bits = m->bit_mask;
    uint32_t *cell = &((uint32_t *)v->vram)[index];

    if (v->latch_unknown && latch_matters(v, rotated))
        vga_latch_used(v);
    switch (v->gfx[GFX_MODE] & MODE_WRITE) {
    case 0:
        data = rotated * 0x01010101u;
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
        bits &= rotated * 0x01010101u;
        break;
    }
    data = (data & bits) | (v->latch & ~bits);
    planes &= m->write_planes;
    *cell = (*cell & ~planes) | (data & planes);
    wrote_page(v, index * 4, 4);
}

static void load_latch(struct vga *v, uint32_t index)
{
    v->latch = ((const uint32_t *)v->vram)[index];
    v->latch_unknown = 0;
}

/* "Color compare": a bit is set where all planes that are cared for match. */
static uint8_t color_compare(const struct vga *v)
{
    uint32_t differ = (v->latch ^ v->mem.compare) & v->mem.care;

    differ |= differ >> 16;
    return ~(differ | differ >> 8);
}

static uint32_t bank_base(const struct vga *v)
{
    return vga_dispi_on(v) ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

/* Plane address of an odd/even access: A0 selects the plane, and A16 takes its place. */
static uint32_t odd_even_address(uint32_t offset)
{
    return (offset & 0xFFFE) | offset >> 16;
}

static void write_byte(struct vga *v, uint32_t offset, uint8_t value)
{
    const struct vga_mem *m = &v->mem;
    uint32_t linear = bank_base(v) + offset;

    if (offset >= m->size)
        return;
    switch (m->kind) {
    case MEM_OFF:
        break;
    case MEM_PLANAR:
        write_planes(v, linear & m->plane_mask, value, ~0u);
        break;
    case MEM_ODD_EVEN:
        write_planes(v, odd_even_address(offset), value, offset & 1 ? 0xFF00FF00u : 0x00FF00FFu);
        break;
    case MEM_CHAIN4:
        write_planes(v, offset >> 2, value, 0xFFu << (offset & 3) * 8);
        break;
    case MEM_LINEAR:
        if (linear < v->vram_bytes) {
            v->vram[linear] = value;
            vga_mem_wrote(v, linear, 1);
        }
        break;
    }
}

static uint8_t read_byte(struct vga *v, uint32_t offset)
{
    const struct vga_mem *m = &v->mem;
    uint32_t linear = bank_base(v) + offset, index = linear & m->plane_mask;
    unsigned plane = v->gfx[GFX_READ_MAP];

    if (offset >= m->size || m->kind == MEM_OFF)
        return 0xFF;
    if (m->kind == MEM_LINEAR)
        return linear < v->vram_bytes ? v->vram[linear] : 0xFF;
    if (m->kind == MEM_CHAIN4) {
        index = offset >> 2;
        plane = offset & 3;
    } else if (m->odd_even_read) {
        index = odd_even_address(offset);
        plane = (plane & 2) | (offset & 1);
    }
    load_latch(v, index);
    return m->plain_read ? v->latch >> plane * 8 : color_compare(v);
}

/* ---- the region's handlers ---- */

/* Where a plain access of SIZE bytes goes as it is: linear memory, and chain-4 with all planes
 * open.  NULL when it has to take the long way. */
static uint8_t *plain_bytes(struct vga *v, uint32_t offset, unsigned size)
{
    const struct vga_mem *m = &v->mem;
    uint32_t at = offset;

    if (offset >= m->size || m->size - offset < size)
        return NULL;
    if (m->kind == MEM_LINEAR)
        at += bank_base(v);
    else if (m->kind != MEM_CHAIN4)
        return NULL;
    return at <= v->vram_bytes - size ? v->vram + at : NULL;
}

/* Text cells: character and attribute in planes 0 and 1 of one plane address. */
static bool plain_cells(const struct vga *v, uint32_t offset, unsigned size)
{
    const struct vga_mem *m = &v->mem;

    return m->kind == MEM_ODD_EVEN && !((offset | size) & 1) && offset < m->size &&
           m->size - offset >= size;
}

static uint32_t mem_read(void *opaque, uint32_t offset, unsigned size)
{
    struct vga *v = opaque;
    const struct vga_mem *m = &v->mem;
    const uint8_t *from;
    uint32_t value = 0;

    offset -= m->base;
    from = m->plain_read ? plain_bytes(v, offset, size) : NULL;
    if (from) {
        memcpy(&value, from, size);
        if (m->kind == MEM_CHAIN4)
            load_latch(v, (offset + size - 1) >> 2);
        vga_direct_count(v);
    } else if (m->plain_read && m->odd_even_read && v->gfx[GFX_READ_MAP] < 2 &&
               plain_cells(v, offset, size)) {
        for (unsigned i = 0; i < size; i += 2) {
            load_latch(v, odd_even_address(offset + i));
            value |= (v->latch & 0xFFFF) << i * 8;
        }
    } else {
        for (unsigned i = 0; i < size; i++)
            value |= (uint32_t)read_byte(v, offset + i) << i * 8;
    }
    return value;
}

static void mem_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct vga *v = opaque;
    const struct vga_mem *m = &v->mem;
    uint8_t *to = NULL;

    offset -= m->base;
    if (m->kind == MEM_LINEAR || (m->plain_write && m->write_planes == ~0u))
        to = plain_bytes(v, offset, size);
    if (to) {
        memcpy(to, &value, size);
        vga_mem_wrote(v, to - v->vram, size);
        vga_direct_count(v);
    } else if (m->plain_write && m->write_planes == 0xFFFF && plain_cells(v, offset, size)) {
        for (unsigned i = 0; i < size; i += 2) {
            uint32_t index = odd_even_address(offset + i);

            memcpy(v->vram + index * 4, (uint8_t *)&value + i, 2);
            vga_mem_wrote(v, index * 4, 2);
        }
    } else {
        for (unsigned i = 0; i < size; i++)
            write_byte(v, offset + i, value >> i * 8);
    }
}

const struct mmio_ops vga_mem_ops = {mem_read, mem_write, 4};
