/* Guest memory by the VMM's alias (mmu/direct.h).  Compiled for general registers alone. */
#include "mmu/direct.h"

#include "mmu/mmu_internal.h"

void *mmu_direct(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user)
{
    struct window *w = m->cur_window[user];
    uint32_t need = access == MMU_WRITE ? MAP_VALID | MAP_WRITE : MAP_VALID, pfn, entry;

    if (!w || ((lin & (PAGE_SIZE - 1)) + len > PAGE_SIZE) || m->phys->journal)
        return NULL;
    if (w->as->key.mode & MODE_PG) {
        entry = w->map[lin >> PAGE_SHIFT];
        if ((entry & need) != need)
            return NULL;
        pfn = entry_pfn(w, entry);
    } else {
        pfn = lin >> PAGE_SHIFT & w->as->a20_pfn_mask;
    }
    enum phys_kind kind = frame_kind(m->phys->frame[pfn]);
    if (kind != PHYS_RAM && (access == MMU_WRITE || kind != PHYS_ROM))
        return NULL;
    if (access == MMU_WRITE && m->phys->flags[pfn])
        return NULL;
    return frame_ptr(m->phys, pfn) + (lin & (PAGE_SIZE - 1));
}

uint32_t mmu_direct_epoch(const struct mmu *m)
{
    return (uint32_t)m->stats.invlpgs;
}

struct window_known mmu_window_known(const struct mmu *m, bool user)
{
    struct window *w = user && m->later_count ? NULL : m->cur_window[user];

    return w ? (struct window_known){w, (uintptr_t)w->base, w->id} : (struct window_known){0};
}
