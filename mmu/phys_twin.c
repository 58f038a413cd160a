/* Twins: a view (phys_view) and the region that it shows have the same pages at two addresses each.
 * Code that was translated at one of them must see writes at the other, so FRAME_TWIN goes with the
 * other's FRAME_CODE. */
#include "mmu/phys_internal.h"

/* The frame of R where file page PAGE is seen at present; PHYS_FRAMES: none. */
static uint32_t frame_of(const struct phys *p, const struct region *r, uint32_t page)
{
    uint32_t at = page - r->file_page, pfn = r->base_pfn + at;

    if (!r->used || r->off || at >= r->pages || frame_kind(p->frame[pfn]) != PHYS_RAM ||
        (p->frame[pfn] & FRAME_FILE_MASK) != page)
        return PHYS_FRAMES;
    return pfn;
}

uint32_t phys_twin(const struct phys *p, uint32_t pfn)
{
    uint32_t page = p->frame[pfn] & FRAME_FILE_MASK;

    for (unsigned i = 0; p->views && i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];
        uint32_t seen, shown;

        if (!r->view)
            continue;
        seen = frame_of(p, r, page);
        shown = frame_of(p, &p->region[r->target], page);
        if (seen == pfn || shown == pfn)
            return seen == pfn ? shown : seen;
    }
    return PHYS_FRAMES;
}

void phys_twin_follow(struct phys *p, uint32_t pfn)
{
    uint32_t twin = phys_twin(p, pfn);

    if (twin == PHYS_FRAMES)
        return;
    if (p->flags[pfn] & FRAME_CODE)
        phys_set_flag(p, twin, FRAME_TWIN);
    else
        phys_clear_flag(p, twin, FRAME_TWIN);
}

void phys_twins_follow(struct phys *p)
{
    for (unsigned i = 0; p->views && i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];

        for (uint32_t at = 0; r->view && !r->off && at < r->pages; at++) {
            uint32_t twin = phys_twin(p, r->base_pfn + at);

            phys_twin_follow(p, r->base_pfn + at);
            if (twin != PHYS_FRAMES)
                phys_twin_follow(p, twin);
        }
    }
}

void phys_twin_wrote(struct phys *p, uint32_t pa, uint32_t len)
{
    uint32_t pfn = pa >> PAGE_SHIFT, twin = phys_twin(p, pfn);

    if (twin == PHYS_FRAMES || !(p->flags[twin] & FRAME_CODE))
        phys_clear_flag(p, pfn, FRAME_TWIN); /* they have parted since */
    else if (p->wires.on_code_write)
        p->wires.on_code_write(p->wires.opaque, twin << PAGE_SHIFT | (pa & (PAGE_SIZE - 1)), len);
}
