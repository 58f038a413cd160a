/* The CPU's window as plain memory.  While the registers make an access go straight to a byte of
 * video memory (chain-4 with nothing in its way, a bank of packed pixels), the window's frames show
 * those bytes themselves, and a store costs the guest nothing.  What was written is known by page,
 * as with the linear frame buffer.
 *
 * Only a program that makes many such accesses between two changes of the registers gains by it, so
 * the first of them are carried out by hand.  The latches keep what was last read by hand. */
#include "devices/vga.h"

enum { BY_HAND = 256 };

/* What the window should show at present; false: it is no plain memory. */
static bool wanted(const struct vga *v, uint32_t *base, uint32_t *size, uint32_t *offset)
{
    const struct vga_mem *m = &v->mem;

    *base = VGA_WINDOW_BASE + m->base;
    *size = m->size;
    if (m->kind == MEM_LINEAR) {
        *offset = (uint32_t)v->dispi[DISPI_BANK] << 16;
        return *offset + *size <= v->vram_bytes;
    }
    *offset = 0;
    return m->kind == MEM_CHAIN4 && m->plain_write && m->plain_read && m->write_planes == ~0u;
}

/* What was written by the window so far is the next shot's. */
static void collect(struct vga *v)
{
    for (uint32_t at = 0; at < v->direct_size; at += PAGE_SIZE)
        if (!(phys_frame_flags(v->phys, (v->direct_base + at) >> PAGE_SHIFT) & FRAME_LOGGED))
            v->dirty[(v->direct_offset + at) >> PAGE_SHIFT] = 1;
}

/* Code that was translated from the linear frame buffer would not see writes by the window. */
static bool holds_code(const struct vga *v, uint32_t offset, uint32_t size)
{
    for (uint32_t at = offset; v->lfb_on && at < offset + size; at += PAGE_SIZE)
        if (phys_frame_flags(v->phys, (v->lfb_base + at) >> PAGE_SHIFT) & FRAME_CODE)
            return true;
    return false;
}

void vga_direct_show(struct vga *v)
{
    uint32_t base, size, offset;

    if (!wanted(v, &base, &size, &offset) || holds_code(v, offset, size))
        return;
    v->direct_base = base;
    v->direct_size = size;
    v->direct_offset = offset;
    phys_view(v->phys, v->direct_region, v->lfb_region, base, size, offset);
}

/* From bank to bank it stays plain memory: sites of the guest's code that had to be made for the
 * other way would pay twice. */
void vga_direct_update(struct vga *v)
{
    uint32_t base, size, offset;
    bool on = wanted(v, &base, &size, &offset), was = v->direct_size;

    if (was && on && v->direct_base == base && v->direct_size == size &&
        v->direct_offset == offset)
        return;
    if (was)
        collect(v);
    v->direct_size = 0;
    v->by_hand = on ? BY_HAND : 0;
    if (was && on && v->mem.kind == MEM_LINEAR)
        vga_direct_show(v);
    if (was && !v->direct_size)
        phys_view(v->phys, v->direct_region, v->lfb_region, 0, 0, 0);
}
