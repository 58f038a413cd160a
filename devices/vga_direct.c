/* The CPU's window as plain memory.  While the registers make an access go straight to a byte of
 * video memory (chain-4 with nothing in its way, a bank of packed pixels), the window's frames show
 * those bytes themselves, and a store costs the guest nothing.  What was written is known by page,
 * as with the linear frame buffer.
 *
 * Only a program that makes many such accesses between two changes of the registers gains by it, so
 * the first of them are carried out by hand.
 *
 * Plain reads do not load the latches.  Programs that copy by them (write mode 1, the bit mask) set
 * that up first, and then read: by hand, as the window is no plain memory then.  One that reads in
 * chain-4, changes the registers and uses what the latches should hold is noticed at its first such
 * use, and from then on until a mode is set chain-4 stays by hand; that one use sees the latches as
 * they were loaded before. */
#include "devices/vga.h"

#include "ringer/log.h"

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
    return m->kind == MEM_CHAIN4 && m->plain_write && m->plain_read && m->write_planes == ~0u &&
           !v->latch_counts;
}

/* What was written by the window so far is the next shot's. */
static void collect(struct vga *v)
{
    for (uint32_t at = 0; at < v->direct_size; at += PAGE_SIZE)
        if (!(phys_frame_flags(v->phys, (v->direct_base + at) >> PAGE_SHIFT) & FRAME_LOGGED))
            v->dirty[(v->direct_offset + at) >> PAGE_SHIFT] = 1;
}

void vga_latch_used(struct vga *v)
{
    if (!v->latch_unknown)
        return;
    log_unimp(v->log, "vga: latches loaded by a read of plain chain-4 memory");
    v->latch_unknown = 0;
    v->latch_counts = 1;
}

void vga_direct_show(struct vga *v)
{
    uint32_t base, size, offset;

    if (!wanted(v, &base, &size, &offset))
        return;
    if (v->mem.kind == MEM_CHAIN4)
        v->latch_unknown = 1;
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
