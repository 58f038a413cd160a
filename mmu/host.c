/* What the host has mapped in a window: runs of pages, in as few calls as they allow, and how
 * many mappings the kernel keeps for them.
 *
 * The kernel merges neighbours that continue each other in the file with equal rights, so in a bare
 * window the number of its mappings is the number of places in the map where one begins; where a
 * reservation fills the gaps, those count too. */
#include <sys/mman.h>

#include "mmu/mmu_internal.h"

enum action { ACTION_SKIP, ACTION_KEEP, ACTION_PROTECT, ACTION_MAP };

/* Is there a reservation behind PAGE and what follows, up to *END? */
static bool reserved(const struct window *w, uint32_t page, uint32_t *end)
{
    bool kept;

    *end = low_stretch(w, page, &kept);
    return kept || !w->mmu->bare;
}

/* Does a mapping begin at PAGE, between pages with these entries? */
static bool edge(const struct window *w, uint32_t page, uint32_t before, uint32_t after)
{
    uint32_t end;

    if ((before ^ after) & (MAP_HOST | MAP_HOSTW))
        return (after & MAP_HOST) || reserved(w, page, &end);
    return (before & MAP_HOST) && (before >> PAGE_SHIFT) + 1 != after >> PAGE_SHIFT;
}

static void *host_address(const struct window *w, uint32_t page)
{
    return (void *)(w->base + ((uintptr_t)page << PAGE_SHIFT));
}

/* An entry that may lie in a group never written: reading it would only make the host map a page
 * of zeroes that the first write replaces. */
static inline uint32_t peek_entry(const struct window *w, uint32_t page)
{
    return window_touched(w, page) ? w->map[page] : 0;
}

uint32_t host_edges(const struct window *w, uint32_t first, uint32_t end)
{
    uint32_t count = 0, last = first ? peek_entry(w, first - 1) : 0;

    for (uint32_t page = first; page < end; page++) {
        uint32_t entry = w->map[page];

        count += edge(w, page, last, entry);
        last = entry;
    }
    return count + edge(w, end, last, end < MAP_PAGES ? peek_entry(w, end) : 0);
}

static void count_edges(struct window *w, uint32_t before, uint32_t after)
{
    w->vmas += after - before;
    w->mmu->stats.mappings += (int64_t)after - (int64_t)before;
}

void host_store(struct window *w, uint32_t page, uint32_t entry)
{
    uint32_t old = w->map[page];
    struct mmu *m = w->mmu;

    if (old >> PAGE_SHIFT == entry >> PAGE_SHIFT)
        entry |= old & (old & MAP_VALID ? MAP_EXEC | MAP_RMAP : MAP_RMAP);
    window_touch(w, page);
    w->map[page] = entry;
    if ((old & MAP_EXEC) && !(entry & MAP_EXEC) && m->wires.on_exec_drop)
        m->wires.on_exec_drop(m->wires.opaque, w, page, 1);
}

bool host_protect(struct window *w, uint32_t first, uint32_t end, bool writable)
{
    uint32_t before = host_edges(w, first, end);

    if (mprotect(host_address(w, first), (size_t)(end - first) << PAGE_SHIFT,
                 writable ? PROT_READ | PROT_WRITE : PROT_READ))
        return false;
    for (uint32_t page = first; page < end; page++)
        w->map[page] = (w->map[page] & ~(uint32_t)MAP_HOSTW) | (writable ? MAP_HOSTW : 0);
    count_edges(w, before, host_edges(w, first, end));
    return true;
}

void host_leave(struct window *w, uint32_t page, uint32_t entry)
{
    uint32_t before = host_edges(w, page, page + 1);

    w->map[page] = entry;
    count_edges(w, before, host_edges(w, page, page + 1));
}

static bool clear(void *at, size_t bytes, bool reserve)
{
    if (!reserve)
        return !munmap(at, bytes);
    return mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                0) != MAP_FAILED;
}

bool host_clear(struct window *w, uint32_t first, uint32_t end)
{
    bool done = true;

    w->mmu->stats.unmaps++;
    for (uint32_t stop; first < end; first = stop) {
        bool reserve = reserved(w, first, &stop);

        stop = stop < end ? stop : end;
        done &= clear(host_address(w, first), (size_t)(stop - first) << PAGE_SHIFT, reserve);
    }
    return done;
}

void host_gone(struct window *w, uint32_t first, uint32_t end, uint32_t before)
{
    count_edges(w, before, host_edges(w, first, first) + host_edges(w, end, end));
}

static inline uint32_t file_page(const struct window *w, uint32_t entry)
{
    return w->mmu->phys->frame[entry_pfn(w, entry)] & FRAME_FILE_MASK;
}

static inline enum action action_of(const struct window *w, uint32_t page, uint32_t want)
{
    uint32_t have = w->map[page];

    if (!(want & MAP_HOST) || low_bars(w, page))
        return ACTION_SKIP;
    if (!(have & MAP_HOST) || have >> PAGE_SHIFT != want >> PAGE_SHIFT)
        return ACTION_MAP;
    return (have ^ want) & MAP_HOSTW ? ACTION_PROTECT : ACTION_KEEP;
}

/* What is to be done to page I of WANT, as one word: neighbours with equal words go into one call.
 * The word of a page to map has the distance from its place to its file page. */
static inline uint64_t step_of(const struct window *w, uint32_t first, const uint32_t *want,
                               uint32_t i)
{
    enum action action = action_of(w, first + i, want[i]);
    uint64_t step = action;

    if (action == ACTION_SKIP)
        return step;
    step |= want[i] & MAP_HOSTW ? 1u << 8 : 0;
    if (action == ACTION_MAP)
        step |= (uint64_t)(file_page(w, want[i]) - i) << 32;
    return step;
}

/* The end of the run that I begins, and the start of the run that I ends. */
static uint32_t run_end(const struct window *w, uint32_t first, const uint32_t *want, uint32_t i,
                        uint32_t n)
{
    uint64_t step = step_of(w, first, want, i);

    while (++i < n && step_of(w, first, want, i) == step)
        ;
    return i;
}

static uint32_t run_start(const struct window *w, uint32_t first, const uint32_t *want, uint32_t i)
{
    uint64_t step = step_of(w, first, want, i);

    while (i > 0 && step_of(w, first, want, i - 1) == step)
        i--;
    return i;
}

/* With the A20 gate off a large page is not one stretch of frames. */
static bool by_chunk(const struct window *w, uint32_t entry)
{
    return (entry & MAP_LARGE) && !(w->as->key.mode & MODE_A20_OFF);
}

static void add_reverse(struct window *w, uint32_t page)
{
    uint32_t entry = w->map[page];

    if (by_chunk(w, entry)) {
        rmap_add_chunk(w->mmu, w, page, entry_pfn(w, entry));
    } else if (!(entry & MAP_RMAP)) {
        rmap_add(w->mmu, w, page, entry_pfn(w, entry));
        w->map[page] |= MAP_RMAP;
    }
}

static void store_run(struct window *w, uint32_t first, uint32_t n, const uint32_t *want)
{
    window_touch(w, first);
    window_touch(w, first + n - 1);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *entry = &w->map[first + i];

        w->hosted += !(*entry & (MAP_HOST | MAP_STALE));
        if (*entry)
            host_store(w, first + i, want[i]);
        else
            *entry = want[i];
        if (!by_chunk(w, *entry) || i == 0 || (first + i) % CHUNK_PAGES == 0)
            add_reverse(w, first + i);
    }
}

/* A read brings the pages around it into the host's page tables, sixteen of them, by one fault that
 * takes half as long as filling them here.  A write brings its page alone. */
enum { POPULATE_MAX = 16 };

static bool map_run(struct window *w, uint32_t first, uint32_t n, const uint32_t *want,
                    bool written)
{
    struct mmu *m = w->mmu;
    uint32_t before = host_edges(w, first, first + n);
    int prot = want[0] & MAP_HOSTW ? PROT_READ | PROT_WRITE : PROT_READ;
    int now = written && n > 1 && n <= POPULATE_MAX ? MAP_POPULATE : 0;

    rmap_prefetch(m, entry_pfn(w, want[0])); /* three lines that are rarely in the cache */
    if (mmap(host_address(w, first), (size_t)n << PAGE_SHIFT, prot,
             MAP_SHARED | MAP_FIXED | MAP_NORESERVE | now, m->phys->fd,
             (off_t)file_page(w, want[0]) << PAGE_SHIFT) == MAP_FAILED)
        return false;
    m->stats.fill_runs++;
    m->stats.fill_pages += n;
    store_run(w, first, n, want);
    /* One mapping now, with an edge at either end at most. */
    count_edges(w, before, host_edges(w, first, first) + host_edges(w, first + n, first + n));
    return true;
}

/* Rights of pages that stay mapped: the walk may know more than before. */
static void keep_run(struct window *w, uint32_t first, uint32_t n, const uint32_t *want)
{
    for (uint32_t i = 0; i < n; i++)
        w->map[first + i] |= want[i] & MAP_WRITE;
}

static bool apply_run(struct window *w, uint32_t first, uint32_t n, const uint32_t *want,
                      bool written)
{
    switch (action_of(w, first, want[0])) {
    case ACTION_MAP:
        return map_run(w, first, n, want, written);
    case ACTION_PROTECT:
        if (!host_protect(w, first, first + n, want[0] & MAP_HOSTW))
            return false;
        w->mmu->stats.protects++;
        keep_run(w, first, n, want);
        return true;
    case ACTION_KEEP:
        keep_run(w, first, n, want);
        return true;
    case ACTION_SKIP:
        break;
    }
    return true;
}

/* The page that was asked for must come in, whatever has to go for it. */
static void apply_hard(struct window *w, uint32_t page, const uint32_t *want)
{
    windows_reclaim(w->mmu, w, true);
    if (apply_run(w, page, 1, want, false))
        return;
    window_flush(w);
    apply_run(w, page, 1, want, false);
}

void host_apply(struct window *w, uint32_t first, uint32_t n, const uint32_t *want, uint32_t focus,
                uint32_t side_runs, bool written)
{
    uint32_t left = run_start(w, first, want, focus), right = run_end(w, first, want, focus, n);

    if (!apply_run(w, first + left, right - left, want + left, written)) {
        apply_hard(w, first + focus, want + focus);
        return;
    }
    for (uint32_t runs = 0; right < n && runs < side_runs;) {
        uint32_t start = right;

        right = run_end(w, first, want, start, n);
        runs += !!(want[start] & MAP_HOST);
        if (!apply_run(w, first + start, right - start, want + start, false))
            return;
    }
    for (uint32_t runs = 0; left > 0 && runs < side_runs;) {
        uint32_t end = left;

        left = run_start(w, first, want, end - 1);
        runs += !!(want[left] & MAP_HOST);
        if (!apply_run(w, first + left, end - left, want + left, false))
            return;
    }
}
