/* Fills: a page comes into a window on its first fault, with neighbours.
 *
 * Runs inside a SIGSEGV handler, so nothing here allocates or prints.  A and D are set only by the
 * access that was made; a neighbour comes in when the guest's own entry says that it was accessed,
 * and writable only when it says that it is dirty (SDM vol. 3A 4.8).
 */
#include <string.h>

#include "mmu/mmu_internal.h"

/* Neighbours of a 4 KiB page: its aligned block, and beyond it as long as frames go on. */
#define BLOCK      16u
#define EXTEND_MAX 256u
/* Runs made beside the one asked for.  A run costs half of a fault: scattered small pages are only
 * worth it near by, the pieces of a large page always. */
#define SIDE_SMALL 4u
#define SIDE_LARGE 15u

#define PTE_P  0x01ull
#define PTE_US 0x04ull
#define PTE_RW 0x02ull
#define PTE_A  0x20ull
#define PTE_D  0x40ull
#define PTE_NX (1ull << 63)

uint32_t fill_flags(enum view view, bool writable, bool dirty, bool nx)
{
    uint32_t flags = MAP_VALID;

    if (dirty && (writable || view == VIEW_SUPER_NOWP))
        flags |= MAP_WRITE;
    return nx ? flags | MAP_NX : flags;
}

/* FLAGS and what the host may map of the frame: nothing of MMIO and holes, no writing of ROM, of
 * code and of logged frames. */
static uint32_t with_host(const struct window *w, uint32_t pfn, uint32_t flags)
{
    const struct phys *p = w->mmu->phys;
    uint32_t real = pfn & w->as->a20_pfn_mask;
    enum phys_kind kind = frame_kind(p->frame[real]);

    if (!kind_has_page(kind))
        return flags;
    if ((flags & MAP_WRITE) && kind == PHYS_RAM && !p->flags[real])
        flags |= MAP_HOSTW;
    return flags | MAP_HOST;
}

/* Remember a translation without mapping anything on the host. */
static void store_translation(struct window *w, uint32_t page, uint32_t entry)
{
    uint32_t old;

    window_touch(w, page);
    old = w->map[page];
    if (old & MAP_VALID) {
        if (old >> PAGE_SHIFT != entry >> PAGE_SHIFT)
            window_drop(w, page, page + 1); /* only where tables could not be copied */
        else if ((old & MAP_HOSTW) && !(entry & MAP_WRITE))
            window_reduce(w, page, page + 1);
        old = w->map[page];
    }
    if (old & MAP_VALID)
        entry |= old & (MAP_HOST | MAP_HOSTW);
    host_store(w, page, entry | (old & MAP_STALE));
}

bool fill_translate(struct mmu *m, struct window *w, uint32_t lin, enum mmu_access access,
                    struct walk *k, struct mmu_fault *fault)
{
    uint32_t flags;

    if (!walk_page(m, w->as, w->view, lin, access, true, k, fault)) {
        m->stats.guest_faults++;
        return false;
    }
    aspace_note(m, w->as, lin, k);
    if (k->pa >> 32)
        return true; /* nothing is there, and the map has no room for it */
    flags = fill_flags(w->view, k->writable, k->pte & PTE_D, k->nx);
    if (k->large)
        flags |= MAP_LARGE;
    store_translation(w, lin >> PAGE_SHIFT, (uint32_t)(k->pa >> PAGE_SHIFT) << PAGE_SHIFT | flags);
    return true;
}

/* All of a 2 or 4 MiB page, or of 4 MiB when paging is off. */
static void fill_large(struct mmu *m, struct window *w, uint32_t page, uint32_t entry,
                       enum mmu_access access)
{
    uint32_t n = 1u << aspace_slot_shift(w->as), focus = page & (n - 1);
    uint32_t pfn = (entry >> PAGE_SHIFT) - focus, flags = entry & (MAP_WRITE | MAP_NX);

    flags |= MAP_VALID | MAP_LARGE;
    for (uint32_t i = 0; i < n; i++)
        m->want[i] = (pfn + i) << PAGE_SHIFT | with_host(w, pfn + i, flags);
    host_apply(w, page - focus, n, m->want, focus, SIDE_LARGE, access == MMU_WRITE);
}

/* The neighbour whose entry is PTE, under a directory entry as K found it; 0 when it stays out. */
static uint32_t neighbour(const struct window *w, const struct walk *k, uint64_t pte)
{
    uint32_t pfn = (uint32_t)(pte >> PAGE_SHIFT), flags, entry;

    if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A) || (pte & walk_reserved_pte(w->as)) ||
        (pte & ~PTE_NX) >> 32)
        return 0;
    if (w->view == VIEW_USER && !(k->dir_user && (pte & PTE_US)))
        return 0;
    flags = fill_flags(w->view, k->dir_writable && (pte & PTE_RW), pte & PTE_D,
                       k->dir_nx || (pte & PTE_NX));
    entry = with_host(w, pfn, flags);
    return entry & MAP_HOST ? pfn << PAGE_SHIFT | entry : 0;
}

struct leaf {
    const uint8_t *table;
    uint32_t base; /* linear page of entry 0 */
    uint32_t n;
    bool pae;
};

static uint64_t leaf_entry(const struct leaf *leaf, uint32_t i)
{
    uint64_t wide;
    uint32_t narrow;

    if (leaf->pae) {
        memcpy(&wide, leaf->table + i * 8, 8);
        return wide;
    }
    memcpy(&narrow, leaf->table + i * 4, 4);
    return narrow;
}

/* Does entry I go on where its neighbour WANT[from] ends, DELTA (+1 or -1) frames on, not mapped
 * yet?  Then it is wanted too. */
static bool extend(struct mmu *m, struct window *w, const struct walk *k, const struct leaf *leaf,
                   uint32_t i, uint32_t from, uint32_t delta)
{
    uint32_t entry;

    if (!(m->want[from] & MAP_HOST) || (w->map[leaf->base + i] & MAP_HOST))
        return false;
    entry = neighbour(w, k, leaf_entry(leaf, i));
    if (!entry || entry != m->want[from] + (delta << PAGE_SHIFT))
        return false;
    m->want[i] = entry;
    return true;
}

/* ---- what mapping ahead is good for ---- */

/* Whether a page that was mapped ahead is used cannot be seen: that is what the mapping is for.  So
 * one in PROBE_EVERY is left out, and who asks for it within PROBE_LIFE fills tells. */
enum { PROBE_EVERY = 1024, PROBE_LIFE = 16384 };

static bool probe_begin(struct mmu *m, const struct window *w, uint32_t page)
{
    struct probe *p = &m->probes[page % PROBE_SLOTS];

    if (++m->stats.ahead % PROBE_EVERY || (p->w && m->stats.fills - p->since < PROBE_LIFE))
        return false;
    *p = (struct probe){w, page, m->stats.fills};
    m->stats.probes++;
    return true;
}

static void probe_end(struct mmu *m, const struct window *w, uint32_t page)
{
    struct probe *p = &m->probes[page % PROBE_SLOTS];

    if (p->w != w || p->page != page)
        return;
    m->stats.probe_hits += m->stats.fills - p->since < PROBE_LIFE;
    p->w = NULL;
}

static void fill_small(struct mmu *m, struct window *w, uint32_t page, const struct walk *k,
                       enum mmu_access access)
{
    struct leaf leaf = {.n = 1u << aspace_slot_shift(w->as), .pae = aspace_pae(w->as)};
    uint32_t focus = page & (leaf.n - 1), low = focus & ~(BLOCK - 1), high = low + BLOCK;
    uint32_t bottom = low > EXTEND_MAX ? low - EXTEND_MAX : 0;
    uint32_t top = high + EXTEND_MAX < leaf.n ? high + EXTEND_MAX : leaf.n;

    leaf.base = page - focus;
    leaf.table = frame_ptr(m->phys, (uint32_t)((k->pte_pa & m->phys->a20_mask) >> PAGE_SHIFT));
    for (uint32_t i = low; i < high; i++)
        m->want[i] = neighbour(w, k, leaf_entry(&leaf, i));
    while (high < top && extend(m, w, k, &leaf, high, high - 1, 1))
        high++;
    while (low > bottom && extend(m, w, k, &leaf, low - 1, low, -1u))
        low--;
    for (uint32_t i = low; i < high; i++) {
        if (i != focus && m->want[i] && churn_busy(m, leaf.base + i))
            m->want[i] = 0;
        if (i != focus && m->want[i] && !(w->map[leaf.base + i] & MAP_HOST) &&
            probe_begin(m, w, leaf.base + i))
            m->want[i] = 0;
        if (m->want[i])
            aspace_note_pte(m, w->as, leaf.base + i, leaf_entry(&leaf, i));
    }
    host_apply(w, leaf.base + low, high - low, m->want + low, focus - low, SIDE_SMALL,
               access == MMU_WRITE);
}

/* The reverse map and the host's mappings are bounded: make room before a fill needs it. */
static void make_room(struct mmu *m, struct window *w)
{
    if (m->rmap.left < 2 * GROUP_SIZE) {
        for (unsigned i = 0; i < m->window_count; i++) {
            if (m->windows[i].as)
                window_flush(&m->windows[i]);
        }
        rmap_reset(m);
    }
    if (m->stats.mappings > m->stats.mappings_limit)
        windows_reclaim(m, w, false);
}

enum mmu_fill_result mmu_fill(struct mmu *m, struct window *w, uint32_t lin, enum mmu_access access,
                              struct mmu_fault *fault)
{
    uint32_t page = lin >> PAGE_SHIFT, entry, pfn;
    struct walk k;

    m->stats.fills++;
    probe_end(m, w, page);
    make_room(m, w);
    if (!fill_translate(m, w, lin, access, &k, fault))
        return FILL_FAULT;
    if (k.pa >> 32)
        return FILL_BY_HAND;
    pfn = (uint32_t)(k.pa >> PAGE_SHIFT);
    if (access == MMU_WRITE) {
        uint32_t real = pfn & w->as->a20_pfn_mask;

        /* The first write is what the log and the trace wait for. */
        if (!(m->phys->flags[real] & (FRAME_CODE | FRAME_TWIN)) &&
            frame_kind(m->phys->frame[real]) == PHYS_RAM) {
            phys_clear_flag(m->phys, real, FRAME_LOGGED);
            phys_clear_flag(m->phys, real, FRAME_TRACED);
        }
    }
    entry = with_host(w, pfn, w->map[page] & (MAP_VALID | MAP_WRITE | MAP_NX | MAP_LARGE));
    if (!(entry & MAP_HOST) || (access == MMU_WRITE && !(entry & MAP_HOSTW)))
        return FILL_BY_HAND;
    entry |= pfn << PAGE_SHIFT;
    if (k.large)
        fill_large(m, w, page, entry, access);
    else if (k.uncopied)
        host_apply(w, page, 1, &entry, 0, 0, access == MMU_WRITE);
    else
        fill_small(m, w, page, &k, access);
    entry = w->map[page];
    w->filled = page;
    m->low.unfit |= low_bars(w, page);
    return (entry & MAP_HOST) && (access != MMU_WRITE || (entry & MAP_HOSTW)) ? FILL_MAPPED
                                                                              : FILL_BY_HAND;
}

enum mmu_fill_result mmu_refill(struct mmu *m, bool user, uint32_t lin, enum mmu_access access)
{
    struct window *w = m->cur_window[user];
    struct mmu_fault fault;

    return w ? mmu_fill(m, w, lin, access, &fault) : FILL_BY_HAND;
}
