/* The mmu's life, and the events that change paging (mmu/mmu.h; SDM vol. 3A 4.10.4).
 *
 * Nothing is flushed when the paging mode changes: each mode and each root is an address space of
 * its own, and the one that is entered is compared with its page tables. */
#include "mmu/mmu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmu/mmu_internal.h"
#include "ringer/error.h"
#include "ringer/log.h"

#define CR0_BIT_PG   (1u << 31)
#define CR0_BIT_WP   (1u << 16)
#define CR4_PAGING   (1u << 4 | 1u << 5 | 1u << 7) /* PSE, PAE, PGE */
#define EFER_BIT_NXE (1u << 11)

static void on_protect(void *opaque, uint32_t pfn)
{
    struct mmu *m = opaque;

    if (!(m->phys->flags[pfn] & FRAME_TRACED))
        trace_lifted(m, pfn);
    /* Lifting a protection needs nothing else: the next write's fault sees to it. */
    if (m->phys->flags[pfn])
        rmap_protect(m, pfn);
}

static void on_replace(void *opaque, uint32_t pfn, uint32_t frames)
{
    rmap_drop(opaque, pfn, frames);
}

static void on_layout(void *opaque)
{
    struct mmu *m = opaque;

    /* Linear addresses lead to the same frames as before; what stands there is another matter. */
    for (unsigned i = 0; i < m->window_count; i++) {
        if (m->windows[i].as)
            window_unhost(&m->windows[i]);
    }
}

/* How many mappings the windows may take of what the host allows a process. */
static uint64_t mapping_limit(void)
{
    FILE *f = fopen("/proc/sys/vm/max_map_count", "re");
    unsigned long long max = 65530;

    if (f) {
        if (fscanf(f, "%llu", &max) != 1)
            max = 65530;
        fclose(f);
    }
    if (max > 1u << 20)
        max = 1u << 20;
    return max > 32768 ? max - 8192 : max / 2;
}

void mmu_set_mapping_limit(struct mmu *m, uint64_t limit)
{
    m->stats.mappings_limit = limit;
}

static void global_drop(struct mmu *m, uint32_t page, uint32_t count)
{
    if (m->wires.on_global_drop)
        m->wires.on_global_drop(m->wires.opaque, page, count);
}

/* Make PG the present paging state.  SYNC: the address space is compared with its tables. */
static void enter(struct mmu *m, const struct paging *pg, bool sync)
{
    struct aspace_key key;
    struct aspace *as = m->cur;
    uint64_t pdpte[4];
    bool created = false;

    walk_key(m, pg, &key, pdpte);
    m->pg = *pg;
    if (!as || as->key.root != key.root || as->key.mode != key.mode ||
        memcmp(as->pdpte, pdpte, sizeof(pdpte))) {
        as = aspace_get(m, &key, &created);
        sync = true;
    }
    m->cur = as;
    as->stamp = ++m->stamp;
    m->cur_window[1] = as->window[key.mode & MODE_PG ? VIEW_USER : VIEW_SUPER];
    m->cur_window[0] =
        as->window[(key.mode & MODE_PG) && !(pg->cr0 & CR0_BIT_WP) ? VIEW_SUPER_NOWP : VIEW_SUPER];
    if (created)
        memcpy(as->pdpte, pdpte, sizeof(pdpte));
    else if (sync)
        aspace_sync(m, as, pdpte);
    reach_update(m);
}

struct mmu *mmu_new(struct phys *phys, struct log *log, unsigned max_windows, struct error *err)
{
    struct mmu *m = calloc(1, sizeof(*m));
    struct paging off = {0};

    if (!m) {
        error_set(err, "no host memory");
        return NULL;
    }
    m->phys = phys;
    m->log = log;
    m->stats.mappings_limit = mapping_limit();
    if (!windows_new(m, max_windows, err)) {
        mmu_free(m);
        return NULL;
    }
    if (!tables_new(m) || !rmap_new(&m->rmap)) {
        error_set(err, "no host memory for the shadow page tables");
        mmu_free(m);
        return NULL;
    }
    phys->mmu_wires = (struct phys_wires){m, NULL, on_protect, on_replace, on_layout};
    enter(m, &off, false);
    return m;
}

void mmu_free(struct mmu *m)
{
    if (!m)
        return;
    if (m->phys->mmu_wires.opaque == m)
        memset(&m->phys->mmu_wires, 0, sizeof(m->phys->mmu_wires));
    windows_free(m);
    rmap_free(&m->rmap);
    tables_free(m);
    free(m);
}

void mmu_set_wires(struct mmu *m, const struct mmu_wires *wires)
{
    m->wires = *wires;
}

const struct mmu_stats *mmu_stats(const struct mmu *m)
{
    return &m->stats;
}

void mmu_set_paging(struct mmu *m, const struct paging *pg)
{
    uint32_t cr0 = m->pg.cr0 ^ pg->cr0, cr4 = m->pg.cr4 ^ pg->cr4;
    bool flush = (cr0 & CR0_BIT_PG) || (cr4 & CR4_PAGING) || m->pg.cr3 != pg->cr3 ||
                 ((m->pg.efer ^ pg->efer) & EFER_BIT_NXE);

    if (flush)
        log_write(m->log, LOG_MMU, "paging: CR0 %08x CR3 %08x CR4 %08x EFER %x", pg->cr0, pg->cr3,
                  pg->cr4, pg->efer);
    enter(m, pg, flush);
    if (flush)
        global_drop(m, 0, MAP_PAGES);
}

void mmu_set_cr3(struct mmu *m, const struct paging *pg)
{
    if (log_on(m->log, LOG_MMU))
        log_write(m->log, LOG_MMU, "CR3 %08x", pg->cr3);
    enter(m, pg, true);
}

void mmu_a20_changed(struct mmu *m)
{
    enter(m, &m->pg, false);
    global_drop(m, 0, MAP_PAGES);
}

void mmu_invlpg(struct mmu *m, uint32_t lin)
{
    struct aspace *as = m->cur;
    uint32_t page = lin >> PAGE_SHIFT, n, most = 1;
    bool found = false, slot = true; /* a user's page that is copied on write is no slot */

    m->stats.invlpgs++;
    if (!(as->key.mode & MODE_PG))
        return;
    /* Other address spaces that share a global page are compared when they are entered. */
    for (int v = 0; v < VIEWS; v++) {
        struct window *w = as->window[v];

        if (!w || !(w->map[page] & MAP_VALID))
            continue;
        found = true;
        slot = slot && v != VIEW_USER && !(w->map[page] & MAP_LARGE);
        n = w->map[page] & MAP_LARGE ? 1u << aspace_slot_shift(as) : 1;
        if (v == VIEW_USER && (w->map[page] & (MAP_HOST | MAP_LARGE)) == MAP_HOST) {
            window_drop_later(w, page);
            reach_update(m);
        } else {
            window_drop(w, page & ~(n - 1), (page & ~(n - 1)) + n);
        }
        most = n > most ? n : most;
    }
    if (found && slot)
        churn_dropped(m, page);
    global_drop(m, page & ~(most - 1), most);
}

void mmu_flush_all(struct mmu *m)
{
    for (unsigned i = 0; i < m->window_count; i++) {
        struct aspace *as = &m->aspaces[i];

        if (as->used && as != m->cur)
            aspace_free(m, as);
    }
    aspace_forget(m, m->cur);
    rmap_reset(m);
    global_drop(m, 0, MAP_PAGES);
}

struct window *mmu_window(struct mmu *m, bool user)
{
    struct window *w = m->cur_window[user];
    enum view view = VIEW_SUPER;

    if (user && m->later_count) {
        windows_settle(m);
        reach_update(m);
    }
    if (w)
        return w;
    if (m->cur->key.mode & MODE_PG)
        view = user ? VIEW_USER : m->pg.cr0 & CR0_BIT_WP ? VIEW_SUPER : VIEW_SUPER_NOWP;
    w = window_create(m, m->cur, view);
    m->cur_window[user] = w;
    if (!(m->cur->key.mode & MODE_PG))
        m->cur_window[!user] = w;
    reach_update(m);
    return w;
}
