/* Guest memory by the VMM's alias (mmu/direct.h).  Compiled for general registers alone. */
#include "mmu/direct.h"

#include "mmu/mmu_internal.h"

/* The frame behind [LIN, LIN + LEN), as mmu_direct says. */
static bool known_frame(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user,
                        uint32_t *pfn)
{
    struct window *w = m->cur_window[user];
    uint32_t need = access == MMU_WRITE ? MAP_VALID | MAP_WRITE : MAP_VALID, entry;

    if (!w || ((lin & (PAGE_SIZE - 1)) + len > PAGE_SIZE) || m->phys->journal)
        return false;
    if (w->as->key.mode & MODE_PG) {
        entry = w->map[lin >> PAGE_SHIFT];
        *pfn = entry_pfn(w, entry);
        return (entry & need) == need;
    }
    *pfn = lin >> PAGE_SHIFT & w->as->a20_pfn_mask;
    return true;
}

void *mmu_direct(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user)
{
    uint32_t pfn;

    if (!known_frame(m, lin, len, access, user, &pfn))
        return NULL;
    enum phys_kind kind = frame_kind(m->phys->frame[pfn]);
    if (kind != PHYS_RAM && (access == MMU_WRITE || kind != PHYS_ROM))
        return NULL;
    if (access == MMU_WRITE && m->phys->flags[pfn])
        return NULL;
    return frame_ptr(m->phys, pfn) + (lin & (PAGE_SIZE - 1));
}

void *mmu_direct_code(struct mmu *m, uint32_t lin, uint32_t len, bool user, uint32_t *pa)
{
    uint32_t pfn;

    if (!known_frame(m, lin, len, MMU_WRITE, user, &pfn) ||
        frame_kind(m->phys->frame[pfn]) != PHYS_RAM || m->phys->flags[pfn] != FRAME_CODE)
        return NULL;
    *pa = pfn << PAGE_SHIFT | (lin & (PAGE_SIZE - 1));
    return frame_ptr(m->phys, pfn) + (lin & (PAGE_SIZE - 1));
}

bool mmu_direct_mmio(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user,
                     struct mmio_target *target)
{
    uint32_t pfn, word;

    if (!known_frame(m, lin, len, access, user, &pfn))
        return false;
    word = m->phys->frame[pfn];
    struct region *r = &m->phys->region[word >> FRAME_REGION_SHIFT];
    if (frame_kind(word) != PHYS_MMIO || !r->quick || m->phys->flags[pfn])
        return false;
    target->region = r;
    target->offset = ((pfn - r->base_pfn) << PAGE_SHIFT) + (lin & (PAGE_SIZE - 1));
    return true;
}

bool mmio_quick_read(const struct mmio_target *target, unsigned size, uint32_t *value)
{
    struct region *r = target->region;

    if (!r->quick->read(r->opaque, target->offset, size, value))
        return false;
    r->reads++;
    return true;
}

bool mmio_quick_write(const struct mmio_target *target, unsigned size, uint32_t value)
{
    struct region *r = target->region;

    if (!r->quick->write(r->opaque, target->offset, value, size))
        return false;
    r->writes++;
    return true;
}

uint32_t mmu_direct_epoch(const struct mmu *m)
{
    return (uint32_t)m->stats.invlpgs;
}

bool mmu_window_known(const struct mmu *m, bool user, struct window_known *known)
{
    struct window *w = user && m->later_count ? NULL : m->cur_window[user];

    if (!w)
        return false;
    known->window = w;
    known->base = w->base;
    known->id = w->id;
    return true;
}
