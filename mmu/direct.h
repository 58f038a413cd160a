/* Looking at guest memory without leaving guest code for long: nothing here faults, fills, calls the
 * owner or touches vector registers (see translator/quick.c). */
#ifndef RINGER_MMU_DIRECT_H
#define RINGER_MMU_DIRECT_H

#include "mmu/mmu.h"

/* The VMM's pointer to [LIN, LIN + LEN) of the present address space as a user or supervisor sees
 * it, when a window's map knows the page, ACCESS (not MMU_FETCH) is allowed, A and D are set, and it
 * is memory that may be accessed without consequences: no device, no code or page table to be
 * written.  NULL otherwise, and where the bytes lie on two pages: the long way is to be taken. */
void *mmu_direct(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user);

/* The same for a store to RAM that is protected because its page holds code, and for that alone:
 * the caller sees to it that [LIN, LIN + LEN) is none.  *PA: where that is. */
void *mmu_direct_code(struct mmu *m, uint32_t lin, uint32_t len, bool user, uint32_t *pa);

/* The same for a device that takes accesses without more ado (struct mmio_quick): true, and where. */
struct mmio_target {
    void *region;
    uint32_t offset;
};
bool mmu_direct_mmio(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user,
                     struct mmio_target *target);
/* False: nothing was done. */
bool mmio_quick_read(const struct mmio_target *target, unsigned size, uint32_t *value);
bool mmio_quick_write(const struct mmio_target *target, unsigned size, uint32_t value);

/* mmu_stats' invlpgs, cut to 32 bits. */
uint32_t mmu_direct_epoch(const struct mmu *m);

/* mmu_window, its window_base and window_id, if there is one already; else false. */
struct window_known {
    struct window *window;
    uint64_t base;
    uint32_t id;
};
bool mmu_window_known(const struct mmu *m, bool user, struct window_known *known);

#endif
