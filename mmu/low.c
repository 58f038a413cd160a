/* The low place: the host's addresses 0 to 4 GiB, for the window of the process that runs.
 *
 * A segment whose base is not 0 costs Intel's hosts two cycles in each load by it, and gs: is how
 * most operands of programs are reached.  The window that lies at 0 has them for nothing.  There is
 * one such place on the host, so who is there changes, as the owner asks (mmu_lower): a window
 * gives up what the host maps, what it knows stays.
 *
 * Below the window lies the host kernel's half of the address space, which faults as a guard does.
 * The first 64 KiB cannot be had, where systems catch null pointers: a window that has pages there
 * stays at home, and one that gets some goes there again (mmu_low_unfit). */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "mmu/mmu_internal.h"

/* The kernel's default of vm.mmap_min_addr. */
#define LOW_FIRST ((uint64_t)LOW_BARRED << PAGE_SHIFT)
#define LOW_END   (2 * WINDOW_BYTES) /* of the guard above */

/* Where the kernel puts what a library asks for with MAP_32BIT: a reservation stays behind these
 * pages, be windows bare or not. */
enum { KEPT_FIRST = 0x40000, KEPT_END = 0x80000 };

void low_new(struct mmu *m)
{
    void *want = (void *)(uintptr_t)LOW_FIRST;
    void *got = mmap(want, LOW_END - LOW_FIRST, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    m->low.there = got == want;
    if (m->low.there && m->bare) {
        munmap(want, ((uint64_t)KEPT_FIRST << PAGE_SHIFT) - LOW_FIRST);
        munmap((void *)((uint64_t)KEPT_END << PAGE_SHIFT), WINDOW_BYTES / 2);
    }
    if (!m->low.there && got != MAP_FAILED)
        munmap(got, LOW_END - LOW_FIRST); /* a kernel before 4.17: an address is a wish */
}

void low_free(struct mmu *m)
{
    if (m->low.there)
        munmap((void *)(uintptr_t)LOW_FIRST, LOW_END - LOW_FIRST);
    m->low.there = false;
}

uint32_t low_stretch(const struct window *w, uint32_t page, bool *kept)
{
    *kept = w == w->mmu->low.window && page >= KEPT_FIRST && page < KEPT_END;
    if (w != w->mmu->low.window || page >= KEPT_END)
        return MAP_PAGES;
    return page < KEPT_FIRST ? KEPT_FIRST : KEPT_END;
}

/* W goes to TO, and LOW is at the low place then.  Its pages come in again as they are wanted, many
 * by one fault; to move each mapping takes as long. */
static void relocate(struct window *w, uintptr_t to, struct window *low)
{
    window_unmap(w);
    window_unhost(w);
    w->base = to;
    w->mmu->low.window = low;
}

/* Does the process of W still need what it has mapped? */
static bool needs(const struct mmu *m, const struct window *w)
{
    return w && w->hosted && mmu_standing(m, w, w->filled << PAGE_SHIFT) != MMU_NOWHERE;
}

static void vacate(struct mmu *m)
{
    relocate(m->low.window, m->low.window->home, NULL);
    m->low.unfit = false;
}

static bool fits(const struct window *w)
{
    for (uint32_t page = 0; page < LOW_BARRED; page++) {
        if (window_touched(w, page) && (w->map[page] & MAP_VALID))
            return false;
    }
    return true;
}

bool mmu_lower(struct mmu *m, struct window *w)
{
    if (!m->low.there || w == m->low.window || !fits(w))
        return false;
    if (m->low.window)
        vacate(m);
    relocate(w, 0, w);
    m->stats.lowered++;
    reach_update(m);
    return true;
}

void mmu_raise(struct mmu *m)
{
    if (!m->low.window)
        return;
    vacate(m);
    reach_update(m);
}

void mmu_give_low(struct mmu *m)
{
    mmu_raise(m);
    low_free(m);
}

bool mmu_low_unfit(const struct mmu *m)
{
    return m->low.unfit;
}

bool mmu_low_vacant(const struct mmu *m)
{
    return m->low.there && !needs(m, m->low.window);
}

uint32_t mmu_low_count(const struct mmu *m, const struct window *w)
{
    const struct window *there = m->low.window;

    return w->vmas + (needs(m, there) ? there->vmas : 0);
}
