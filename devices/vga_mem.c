/* The CPU's window to video memory, A0000h-BFFFFh: address decoding, and whatever goes around the
 * data path (vga_path.c) as it is (IBM PS/2 Video Subsystem, "Graphics Controller"; the sequencer's
 * "Memory Mode"). */
#include "devices/vga.h"

#include <string.h>

enum {
    MISC_RAM_ENABLE = 0x02,
    MEMORY_SEQUENTIAL = 0x04, /* sequencer: odd/even off */
    MEMORY_CHAIN4 = 0x08,
    MODE_WRITE = 0x03,
    MODE_READ_COMPARE = 0x08,
    MODE_READ_ODD_EVEN = 0x10,
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
 * is none any more.  Where the window is plain memory, its moving tells phys. */
void vga_mem_replaced(struct vga *v)
{
    if (!v->direct_size)
        phys_wrote(v->phys, VGA_WINDOW_BASE, VGA_WINDOW_SIZE);
}

void vga_path_update(struct vga *v)
{
    struct vga_mem *m = &v->mem;
    const uint8_t *gfx = v->gfx;

    m->write_planes = vga_spread(v->seq[SEQ_MAP_MASK]);
    m->set_reset = vga_spread(gfx[GFX_SET_RESET]);
    m->set_reset_on = vga_spread(gfx[GFX_ENABLE_SET_RESET]);
    m->compare = vga_spread(gfx[GFX_COLOR_COMPARE]);
    m->care = vga_spread(gfx[GFX_COLOR_DONT_CARE]);
    m->bit_mask = gfx[GFX_BIT_MASK] * 0x01010101u;
    m->plain_write = !(gfx[GFX_MODE] & MODE_WRITE) && !gfx[GFX_ENABLE_SET_RESET] &&
                     !gfx[GFX_DATA_ROTATE] && gfx[GFX_BIT_MASK] == 0xFF;
    if (m->kind == MEM_CHAIN4)
        vga_direct_update(v);
}

void vga_mem_update(struct vga *v)
{
    const struct vga_mem before = v->mem;
    struct vga_mem *m = &v->mem;

    decode_window(v);
    m->odd_even_read = (v->gfx[GFX_MODE] & MODE_READ_ODD_EVEN) && !vga_dispi_on(v);
    m->plain_read = !(v->gfx[GFX_MODE] & MODE_READ_COMPARE);
    m->read_map = v->gfx[GFX_READ_MAP];
    if (m->kind != before.kind || m->base != before.base || m->size != before.size ||
        m->read_map != before.read_map || m->plain_read != before.plain_read ||
        m->odd_even_read != before.odd_even_read)
        vga_mem_replaced(v);
    vga_path_update(v);
    if (m->kind != MEM_CHAIN4)
        vga_direct_update(v);
}

/* ---- single bytes ---- */

static uint32_t bank_base(const struct vga *v)
{
    return vga_dispi_on(v) ? (uint32_t)v->dispi[DISPI_BANK] << 16 : 0;
}

static void write_byte(struct vga *v, uint32_t offset, uint8_t value)
{
    uint32_t linear = bank_base(v) + offset;

    if (offset >= v->mem.size || v->mem.kind == MEM_OFF)
        return;
    if (v->mem.kind == MEM_LINEAR) {
        if (linear >= v->vram_bytes)
            return;
        v->vram[linear] = value;
        vga_mem_wrote(v, linear, 1);
        return;
    }
    if (v->latch_unknown && vga_path_takes_latch(v, value))
        vga_latch_used(v);
    wrote_page(v, vga_path_write(v, offset, value), 4);
}

static uint8_t read_byte(struct vga *v, uint32_t offset)
{
    uint32_t linear = bank_base(v) + offset;

    if (offset >= v->mem.size || v->mem.kind == MEM_OFF)
        return 0xFF;
    if (v->mem.kind == MEM_LINEAR)
        return linear < v->vram_bytes ? v->vram[linear] : 0xFF;
    return vga_path_read(v, offset);
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
            vga_path_read(v, offset + size - 1); /* the latches */
        vga_direct_count(v);
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
    } else {
        for (unsigned i = 0; i < size; i++)
            write_byte(v, offset + i, value >> i * 8);
    }
}

const struct mmio_ops vga_mem_ops = {mem_read, mem_write, 4};
const struct mmio_quick vga_mem_quick = {vga_quick_read, vga_quick_write};
