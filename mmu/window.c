/* Windows: their address space on the host, their life, and forgetting what they hold. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "mmu/mmu_internal.h"
#include "ringer/error.h"

#define DEFAULT_WINDOWS 64u
#define MIN_WINDOWS     4u
#define MAX_WINDOWS     256u
#define GUARD           (WINDOW_BYTES / 2)
/* More groups than this are given back to the host rather than zeroed. */
#define ZERO_GROUPS 96u

/* Where windows can be bare: below TASK_SIZE / 3, where the kernel begins to search when it
 * searches upwards, and so far below the stack that a search downwards never comes here; above
 * programs at fixed addresses and the shadow memory of sanitizers. */
#define BARE_LOW   0x180000000000ull
#define BARE_RANGE 0x0C0000000000ull
#define BARE_TRIES 8

/* BYTES of inaccessible address space in that stretch, or NULL. */
static void *reserve_bare(size_t bytes)
{
    for (int i = 0; i < BARE_TRIES; i++) {
        uint64_t at = 0;
        void *want, *got;

        if (getrandom(&at, sizeof(at), GRND_NONBLOCK) != sizeof(at))
            at = (uint64_t)i * (BARE_RANGE / BARE_TRIES);
        want = (void *)(BARE_LOW + at % BARE_RANGE / WINDOW_BYTES * WINDOW_BYTES);
        got = mmap(want, bytes, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        if (got == want)
            return got;
        if (got != MAP_FAILED)
            munmap(got, bytes); /* a kernel before 4.17: an address is a wish */
    }
    return NULL;
}

static void place(struct mmu *m, void *area, size_t bytes, unsigned count)
{
    m->area = area;
    m->area_bytes = bytes;
    m->first = (uint8_t *)(((uintptr_t)area + WINDOW_BYTES - 1) & ~(WINDOW_BYTES - 1));
    m->window_count = count;
    m->nowhere = m->first + count * WINDOW_STRIDE + WINDOW_BYTES;
}

static uintptr_t home_of(const struct mmu *m, unsigned i)
{
    return (uintptr_t)m->first + i * WINDOW_STRIDE + WINDOW_BYTES;
}

/* Leave the guards and the place of nowhere alone mapped: they keep others from the area, who ask
 * for it as reserve_bare does. */
static bool make_bare(struct mmu *m)
{
    for (unsigned i = 0; i < m->window_count; i++) {
        if (munmap((void *)home_of(m, i), WINDOW_BYTES))
            return false;
    }
    return true;
}

static bool reserve(struct mmu *m, unsigned count)
{
    /* A slot is a guard of 4 GiB and the window; one more stays empty (nowhere), one more guard
     * ends the area, and 4 GiB are for aligning it.  Half of each guard belongs to either
     * neighbour. */
    size_t bytes = (count + 1) * WINDOW_STRIDE + 2 * WINDOW_BYTES;
    void *area = reserve_bare(bytes);

    if (area) {
        place(m, area, bytes, count);
        m->bare = make_bare(m);
        if (m->bare)
            return true;
        munmap(area, bytes);
        m->area = NULL;
    }
    area = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED)
        return false;
    /* No madvise here: what is unmapped later has plain flags, and must merge with this. */
    place(m, area, bytes, count);
    return true;
}

bool windows_new(struct mmu *m, unsigned count, struct error *err)
{
    if (!count)
        count = DEFAULT_WINDOWS;
    if (count < MIN_WINDOWS)
        count = MIN_WINDOWS;
    if (count > MAX_WINDOWS)
        count = MAX_WINDOWS;
    while (!reserve(m, count)) {
        if (count == MIN_WINDOWS)
            return error_set(err,
                             "cannot reserve 48 GiB of address space for the guest's windows: %s "
                             "(lift the limit of ulimit -v)",
                             strerror(errno));
        count = count / 2 < MIN_WINDOWS ? MIN_WINDOWS : count / 2;
    }
    low_new(m);
    m->windows = calloc(count, sizeof(m->windows[0]));
    m->maps = lazy_alloc((size_t)count * MAP_PAGES * sizeof(m->maps[0]));
    m->aspaces = calloc(count, sizeof(m->aspaces[0]));
    if (!m->windows || !m->maps || !m->aspaces)
        return error_set(err, "no host memory for the guest's windows");
    for (unsigned i = 0; i < count; i++) {
        struct window *w = &m->windows[i];

        w->mmu = m;
        w->id = i;
        w->map = m->maps + (size_t)i * MAP_PAGES;
        w->base = w->home = home_of(m, i);
    }
    return true;
}

void windows_free(struct mmu *m)
{
    low_free(m);
    if (m->area)
        munmap(m->area, m->area_bytes);
    lazy_free(m->maps, (size_t)m->window_count * MAP_PAGES * sizeof(m->maps[0]));
    free(m->windows);
    free(m->aspaces);
}

uint8_t *window_base(const struct window *w)
{
    return (uint8_t *)w->base;
}

uint32_t window_id(const struct window *w)
{
    return w->id;
}

struct window *mmu_window_at(struct mmu *m, const void *addr, int64_t *lin)
{
    uint64_t offset = (uintptr_t)addr - (uintptr_t)m->first;
    uint64_t i = (offset - GUARD) / WINDOW_STRIDE;

    if ((uintptr_t)addr + GUARD < WINDOW_BYTES + 2 * GUARD) {
        *lin = (int64_t)(uintptr_t)addr;
        return m->low.window;
    }
    if (offset < GUARD || i >= m->window_count || !m->windows[i].as || !m->windows[i].base)
        return NULL;
    *lin = (int64_t)(offset - i * WINDOW_STRIDE - WINDOW_BYTES);
    return &m->windows[i];
}

static bool is_current(const struct mmu *m, const struct window *w)
{
    return w == m->cur_window[0] || w == m->cur_window[1];
}

/* The window that was entered longest ago and can go, or NULL. */
static struct window *oldest_window(struct mmu *m, const struct window *keep)
{
    struct window *oldest = NULL;

    for (unsigned i = 0; i < m->window_count; i++) {
        struct window *w = &m->windows[i];

        if (w->as && w != keep && !is_current(m, w) &&
            (!oldest || w->as->stamp < oldest->as->stamp))
            oldest = w;
    }
    return oldest;
}

struct window *window_create(struct mmu *m, struct aspace *as, enum view view)
{
    struct window *w = NULL;

    for (unsigned i = 0; i < m->window_count && !w; i++) {
        if (!m->windows[i].as)
            w = &m->windows[i];
    }
    if (!w) {
        w = oldest_window(m, NULL);
        window_evict(w);
    }
    w->as = as;
    w->view = view;
    as->window[view] = w;
    m->stats.windows_created++;
    m->stats.windows_live++;
    return w;
}

/* No mapping of the window may outlive this: one call over all of it. */
static void unmap_all(struct window *w)
{
    if ((w->hosted || w->gone_first != w->gone_end) && !host_clear(w, 0, MAP_PAGES)) {
        /* This frees mappings and needs none.  Going on would show a guest stale memory. */
        abort();
    }
    w->mmu->stats.mappings -= w->vmas;
    w->vmas = 0;
    w->hosted = 0;
    w->gone_first = w->gone_end = 0;
}

static void clear_map(struct window *w)
{
    unsigned groups = 0;

    for (unsigned i = 0; i < GROUPS / 64; i++)
        groups += (unsigned)__builtin_popcountll(w->touched[i]);
    if (groups > ZERO_GROUPS) {
        madvise(w->map, MAP_PAGES * sizeof(w->map[0]), MADV_DONTNEED);
    } else {
        for (uint32_t g = 0; g < GROUPS; g++) {
            if (w->touched[g / 64] >> g % 64 & 1)
                memset(w->map + g * GROUP_SIZE, 0, GROUP_SIZE * sizeof(w->map[0]));
        }
    }
    memset(w->touched, 0, sizeof(w->touched));
    w->generation++;
}

void window_evict(struct window *w)
{
    struct mmu *m = w->mmu;
    struct aspace *as = w->as;
    bool last = true;

    if (w == m->low.window)
        mmu_raise(m);
    if (m->wires.on_window_gone)
        m->wires.on_window_gone(m->wires.opaque, w);
    unmap_all(w);
    clear_map(w);
    w->has_exec = false;
    w->as = NULL;
    as->window[w->view] = NULL;
    m->stats.windows_live--;
    m->stats.windows_evicted++;
    for (int v = 0; v < VIEWS; v++)
        last &= !as->window[v];
    if (last && as != m->cur)
        aspace_forget(m, as); /* nothing relies on its copies */
}

void window_flush(struct window *w)
{
    struct mmu *m = w->mmu;
    bool exec = w->has_exec;

    unmap_all(w);
    clear_map(w);
    w->has_exec = false;
    m->stats.flushes++;
    if (exec && m->wires.on_exec_drop)
        m->wires.on_exec_drop(m->wires.opaque, w, 0, MAP_PAGES);
}

void window_unhost(struct window *w)
{
    if (!w->hosted)
        return;
    unmap_all(w);
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t *entry = w->map + g * GROUP_SIZE;

        if (!(w->touched[g / 64] >> g % 64 & 1))
            continue;
        for (uint32_t i = 0; i < GROUP_SIZE; i++)
            entry[i] &= ~(uint32_t)(MAP_HOST | MAP_HOSTW | MAP_STALE);
    }
}

/* Some of the pages [first, end) were executed from. */
static void tell_exec(struct window *w, uint32_t first, uint32_t end)
{
    struct mmu *m = w->mmu;

    if (first != end && m->wires.on_exec_drop)
        m->wires.on_exec_drop(m->wires.opaque, w, first, end - first);
}

/* What stays of ENTRY when its page is dropped. */
static uint32_t dropped_entry(uint32_t entry)
{
    uint32_t kept = entry & MAP_STALE;

    return entry & MAP_RMAP ? kept | (entry & (~(PAGE_SIZE - 1) | MAP_RMAP)) : kept;
}

void window_unmap(struct window *w)
{
    uint32_t first = w->gone_first, end = w->gone_end;

    w->gone_first = w->gone_end = 0;
    if (first == end || host_clear(w, first, end))
        return;
    w->hosted++; /* something is: unmap_all must not skip it */
    window_flush(w);
}

/* The pages of [first, end) from the first that the host maps to the last. */
static void hosted_range(const struct window *w, uint32_t *first, uint32_t *end)
{
    while (*first < *end && !(w->map[*first] & MAP_HOST))
        ++*first;
    while (*first < *end && !(w->map[*end - 1] & MAP_HOST))
        --*end;
}

void window_forget(struct window *w, uint32_t first, uint32_t end, bool joined)
{
    struct mmu *m = w->mmu;
    uint32_t host_first = first, host_end = end, exec_first = end, exec_end = first, before = 0;
    uint32_t dropped = 0;

    if (first / GROUP_SIZE == (end - 1) / GROUP_SIZE && !window_touched(w, first))
        return;
    hosted_range(w, &host_first, &host_end);
    if (host_first < host_end)
        before = host_edges(w, host_first, host_end);
    for (uint32_t page = first; page < end; page++) {
        uint32_t entry = w->map[page];

        if (!(entry & MAP_VALID))
            continue;
        dropped++;
        w->hosted -= !!(entry & MAP_HOST);
        if (entry & MAP_EXEC) {
            exec_first = exec_first == end ? page : exec_first;
            exec_end = page + 1;
        }
        w->map[page] = dropped_entry(entry);
    }
    if (!dropped)
        return;
    m->stats.drops++;
    m->stats.drop_pages += dropped;
    if (host_first < host_end) {
        host_gone(w, host_first, host_end, before);
        if (!joined || w->gone_first == w->gone_end) {
            window_unmap(w);
            w->gone_first = host_first;
        }
        w->gone_end = host_end;
    }
    if (exec_first < exec_end)
        tell_exec(w, exec_first, exec_end);
}

void window_drop(struct window *w, uint32_t first, uint32_t end)
{
    window_forget(w, first, end, false);
    window_unmap(w);
}

void window_drop_later(struct window *w, uint32_t page)
{
    struct mmu *m = w->mmu;
    uint32_t entry = w->map[page];

    if (m->later_count == LATER_PAGES)
        windows_settle(m);
    m->later[m->later_count++] = (struct later){w, page};
    m->stats.drops++;
    m->stats.drop_pages++;
    host_leave(w, page, dropped_entry(entry) | MAP_STALE);
    if (entry & MAP_EXEC)
        tell_exec(w, page, page + 1);
}

void windows_settle(struct mmu *m)
{
    while (m->later_count) {
        struct later *l = &m->later[--m->later_count];
        struct window *w = l->w;
        uint32_t end = l->page;

        /* Evicted, flushed or mapped over meanwhile: nothing is left to be done. */
        for (; w->as && end < MAP_PAGES && (w->map[end] & MAP_STALE); end++) {
            w->map[end] &= ~(uint32_t)MAP_STALE;
            w->hosted--;
        }
        if (end == l->page || host_clear(w, l->page, end))
            continue;
        w->hosted++; /* something is: unmap_all must not skip it */
        window_flush(w);
    }
}

void window_reduce(struct window *w, uint32_t first, uint32_t end)
{
    for (uint32_t page = first; page < end; page++) {
        uint32_t start = page, last = page;

        if (!(w->map[page] & MAP_HOSTW))
            continue;
        /* One call goes over pages that are unwritable already. */
        for (; page < end && (w->map[page] & MAP_HOST); page++)
            last = w->map[page] & MAP_HOSTW ? page : last;
        if (!host_protect(w, start, last + 1, false))
            window_drop(w, start, last + 1);
    }
    for (uint32_t page = first; page < end; page++) {
        if (w->map[page])
            w->map[page] &= ~(uint32_t)MAP_WRITE;
    }
}

void window_protect(struct window *w, uint32_t page)
{
    w->mmu->stats.protects++;
    if (!host_protect(w, page, page + 1, false))
        window_drop(w, page, page + 1);
}

void windows_reclaim(struct mmu *m, struct window *keep, bool hard)
{
    uint64_t target = hard ? 0 : m->stats.mappings_limit / 4 * 3;
    struct window *w;

    /* The host refused below the limit: the rest of the process needs more than was left to it. */
    if (hard && m->stats.mappings < m->stats.mappings_limit)
        m->stats.mappings_limit = m->stats.mappings / 8 * 7 + 64;
    while (m->stats.mappings > target && (w = oldest_window(m, keep)))
        window_evict(w);
    for (int user = 0; user < 2; user++) {
        w = m->cur_window[user];
        if (w && w != keep && m->stats.mappings > target)
            window_flush(w);
    }
    if (keep && m->stats.mappings > m->stats.mappings_limit)
        window_flush(keep);
}
