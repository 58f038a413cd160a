/* The reverse map: from a frame to the window pages that show it.
 *
 * Nodes are never unlinked when a page is dropped; a node counts only while its window has the
 * generation it was made in and the map entry still leads to the frame.  MAP_RMAP in the entry
 * (kept over a drop) says that the node for this frame exists, so adding is constant time.  Lists
 * that grow are pruned now and then; a frame with very many mappings (a zero page) is not listed
 * any more, and is looked for in every window when it is protected.
 *
 * Large pages have one node each 2 MiB, in lists of their own.
 */
#include <string.h>
#include <sys/mman.h>

#include "mmu/mmu_internal.h"

#define PRUNE_AT   254u
#define KEEP_BELOW 128u
#define CHUNKS     (PHYS_FRAMES / CHUNK_PAGES)

bool rmap_new(struct rmap *r)
{
    r->node = lazy_alloc(RNODES * sizeof(r->node[0]));
    r->head = lazy_alloc(PHYS_FRAMES * sizeof(r->head[0]));
    r->count = lazy_alloc(PHYS_FRAMES);
    r->chunk = lazy_alloc(CHUNKS * sizeof(r->chunk[0]));
    r->bump = 1; /* 0 ends a list */
    r->left = RNODES - 1;
    return r->node && r->head && r->count && r->chunk;
}

void rmap_free(struct rmap *r)
{
    lazy_free(r->node, RNODES * sizeof(r->node[0]));
    lazy_free(r->head, PHYS_FRAMES * sizeof(r->head[0]));
    lazy_free(r->count, PHYS_FRAMES);
    lazy_free(r->chunk, CHUNKS * sizeof(r->chunk[0]));
}

void rmap_reset(struct mmu *m)
{
    struct rmap *r = &m->rmap;

    /* Private anonymous memory: DONTNEED is zeroes, and gives the memory back. */
    madvise(r->head, PHYS_FRAMES * sizeof(r->head[0]), MADV_DONTNEED);
    madvise(r->count, PHYS_FRAMES, MADV_DONTNEED);
    memset(r->chunk, 0, CHUNKS * sizeof(r->chunk[0]));
    r->bump = 1;
    r->free = 0;
    r->left = RNODES - 1;
}

static uint32_t take_node(struct rmap *r)
{
    uint32_t n = r->free;

    if (n)
        r->free = r->node[n].next;
    else if (r->bump < RNODES)
        n = r->bump++;
    if (n)
        r->left--;
    return n;
}

static void give_node(struct rmap *r, uint32_t n)
{
    r->node[n].next = r->free;
    r->free = n;
    r->left++;
}

static struct window *node_window(struct mmu *m, const struct rnode *node)
{
    struct window *w = &m->windows[node->where >> 20];

    return w->as && w->generation == node->generation ? w : NULL;
}

/* The map entry of a node, if the node still tells the truth about PFN. */
static uint32_t *live_entry(struct mmu *m, const struct rnode *node, uint32_t pfn)
{
    struct window *w = node_window(m, node);
    uint32_t *entry;

    if (!w)
        return NULL;
    entry = &w->map[node->where & (MAP_PAGES - 1)];
    return entry_pfn(w, *entry) == pfn ? entry : NULL;
}

/* Throw out nodes that are void or doubled: each live entry's MAP_RMAP is cleared, and set again
 * by the one node that stays. */
static void prune(struct mmu *m, uint32_t pfn)
{
    struct rmap *r = &m->rmap;
    uint32_t kept = 0, count = 0, next;

    for (uint32_t n = r->head[pfn]; n; n = r->node[n].next) {
        uint32_t *entry = live_entry(m, &r->node[n], pfn);

        if (entry)
            *entry &= ~(uint32_t)MAP_RMAP;
    }
    for (uint32_t n = r->head[pfn]; n; n = next) {
        uint32_t *entry = live_entry(m, &r->node[n], pfn);

        next = r->node[n].next;
        if (entry && !(*entry & MAP_RMAP) && count < KEEP_BELOW) {
            *entry |= MAP_RMAP;
            r->node[n].next = kept;
            kept = n;
            count++;
        } else {
            if (entry && count >= KEEP_BELOW)
                count = PRUNE_AT;
            give_node(r, n);
        }
    }
    r->head[pfn] = kept;
    r->count[pfn] = (uint8_t)count;
    if (count < KEEP_BELOW)
        return;
    while (kept) {
        next = r->node[kept].next;
        give_node(r, kept);
        kept = next;
    }
    r->head[pfn] = RMAP_MANY;
}

void rmap_prefetch(const struct mmu *m, uint32_t pfn)
{
    const struct rmap *r = &m->rmap;

    __builtin_prefetch(&r->head[pfn], 1);
    __builtin_prefetch(&r->count[pfn], 1);
    __builtin_prefetch(&r->node[r->free ? r->free : r->bump], 1);
}

void rmap_add(struct mmu *m, struct window *w, uint32_t page, uint32_t pfn)
{
    struct rmap *r = &m->rmap;
    uint32_t n;

    if (r->head[pfn] == RMAP_MANY)
        return;
    if (r->count[pfn] >= PRUNE_AT) {
        prune(m, pfn);
        if (r->head[pfn] == RMAP_MANY)
            return;
    }
    n = take_node(r);
    if (!n) {
        /* mmu_fill sees to it that this does not happen; the scan is right in any case. */
        r->head[pfn] = RMAP_MANY;
        return;
    }
    r->node[n] = (struct rnode){r->head[pfn], page | w->id << 20, w->generation};
    r->head[pfn] = n;
    r->count[pfn]++;
}

void rmap_add_chunk(struct mmu *m, struct window *w, uint32_t page, uint32_t pfn)
{
    struct rmap *r = &m->rmap;
    uint32_t *link = &r->chunk[pfn / CHUNK_PAGES];
    uint32_t where = (page & ~(CHUNK_PAGES - 1)) | w->id << 20, n;

    if (*link == RMAP_MANY)
        return;
    while (*link) {
        struct rnode *node = &r->node[*link];

        if (!node_window(m, node)) {
            n = *link;
            *link = node->next;
            give_node(r, n);
            continue;
        }
        if (node->where == where)
            return;
        link = &node->next;
    }
    n = take_node(r);
    if (!n) {
        r->chunk[pfn / CHUNK_PAGES] = RMAP_MANY;
        return;
    }
    r->node[n] = (struct rnode){0, where, w->generation};
    *link = n;
}

static void protect_if(struct window *w, uint32_t page, uint32_t pfn)
{
    uint32_t entry = w->map[page];

    if ((entry & MAP_HOSTW) && entry_pfn(w, entry) == pfn)
        window_protect(w, page);
}

static void protect_group(struct window *w, uint32_t group, uint32_t pfn)
{
    for (uint32_t i = 0; i < GROUP_SIZE; i++)
        protect_if(w, group * GROUP_SIZE + i, pfn);
}

static void protect_everywhere(struct mmu *m, uint32_t pfn)
{
    for (unsigned i = 0; i < m->window_count; i++) {
        struct window *w = &m->windows[i];

        if (!w->as || !w->hosted)
            continue;
        for (uint32_t group = 0; group < GROUPS; group++) {
            if (w->touched[group / 64] >> group % 64 & 1)
                protect_group(w, group, pfn);
        }
    }
}

void rmap_protect(struct mmu *m, uint32_t pfn)
{
    struct rmap *r = &m->rmap;
    uint32_t chunk = r->chunk[pfn / CHUNK_PAGES];

    if (r->head[pfn] == RMAP_MANY || chunk == RMAP_MANY) {
        protect_everywhere(m, pfn);
        return;
    }
    for (uint32_t n = r->head[pfn]; n; n = r->node[n].next) {
        struct window *w = node_window(m, &r->node[n]);

        if (w)
            protect_if(w, r->node[n].where & (MAP_PAGES - 1), pfn);
    }
    for (uint32_t n = chunk; n; n = r->node[n].next) {
        struct window *w = node_window(m, &r->node[n]);

        if (w)
            protect_if(w, (r->node[n].where & (MAP_PAGES - 1)) + pfn % CHUNK_PAGES, pfn);
    }
}

/* PAGE of W, if it shows frame FIRST, and the pages behind it that show the next ones, N at most. */
static void drop_run(struct window *w, uint32_t page, uint32_t first, uint32_t n)
{
    uint32_t count = 0;

    while (count < n && page + count < MAP_PAGES && (w->map[page + count] & MAP_HOST) &&
           entry_pfn(w, w->map[page + count]) == first + count)
        count++;
    if (count)
        window_drop(w, page, page + count);
}

static void drop_everywhere(struct mmu *m, uint32_t first, uint32_t n)
{
    for (unsigned i = 0; i < m->window_count; i++) {
        struct window *w = &m->windows[i];

        if (!w->as || !w->hosted)
            continue;
        for (uint32_t page = 0; page < MAP_PAGES; page++) {
            if (!(w->touched[page / GROUP_SIZE / 64] >> page / GROUP_SIZE % 64 & 1))
                page += GROUP_SIZE - 1;
            else
                drop_run(w, page, first, n);
        }
    }
}

void rmap_drop(struct mmu *m, uint32_t first, uint32_t n)
{
    struct rmap *r = &m->rmap;

    for (uint32_t pfn = first; pfn < first + n; pfn++) {
        uint32_t chunk = r->chunk[pfn / CHUNK_PAGES], left = first + n - pfn;

        if (r->head[pfn] == RMAP_MANY || chunk == RMAP_MANY) {
            for (; left; left--, pfn++)
                drop_everywhere(m, pfn, 1);
            return;
        }
        for (uint32_t k = r->head[pfn]; k; k = r->node[k].next) {
            struct window *w = node_window(m, &r->node[k]);

            if (w)
                drop_run(w, r->node[k].where & (MAP_PAGES - 1), pfn, left);
        }
        for (uint32_t k = chunk; k; k = r->node[k].next) {
            struct window *w = node_window(m, &r->node[k]);

            if (w)
                drop_run(w, (r->node[k].where & (MAP_PAGES - 1)) + pfn % CHUNK_PAGES, pfn, left);
        }
    }
}
