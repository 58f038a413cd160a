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

static void hide(struct vga *v)
{
    for (uint32_t at = 0; at < v->direct_size; at += PAGE_SIZE)
        if (!(phys_frame_flags(v->phys, (v->direct_base + at) >> PAGE_SHIFT) & FRAME_LOGGED))
            v->dirty[(v->direct_offset + at) >> PAGE_SHIFT] = 1;
    v->direct_size = 0;
    phys_view(v->phys, v->direct_region, v->lfb_region, 0, 0, 0);
}

void vga_direct_update(struct vga *v)
{
    uint32_t base, size, offset;
    bool on = wanted(v, &base, &size, &offset);

    if (v->direct_size && on && v->direct_base == base && v->direct_size == size &&
        v->direct_offset == offset)
        return;
    if (v->direct_size)
        hide(v);
    v->by_hand = on ? BY_HAND : 0;
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
