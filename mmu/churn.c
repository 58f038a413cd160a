/* Pages that INVLPG takes away again and again: slots that a kernel maps for one short use each,
 * as for memory that it does not keep mapped.
 *
 * Mapping such a page on the host costs two system calls and a fault for every use, so the owner
 * carries out the few accesses of a use by hand, where the window's map serves as TLB.
 */
#include "mmu/mmu_internal.h"

enum { CHURNING = 4, CHURN_MAX = 64 };

static struct churn *slot_of(struct mmu *m, uint32_t page)
{
    return &m->churn[page % CHURN_SLOTS];
}

void churn_dropped(struct mmu *m, uint32_t page)
{
    struct churn *c = slot_of(m, page);

    if (c->page == page) {
        c->count += c->count < CHURN_MAX;
    } else if (!c->count || !--c->count) {
        c->page = page;
        c->count = 1;
    }
}

bool churn_busy(const struct mmu *m, uint32_t page)
{
    const struct churn *c = &m->churn[page % CHURN_SLOTS];

    return c->page == page && c->count >= CHURNING;
}

bool mmu_churns(const struct mmu *m, uint32_t lin)
{
    return churn_busy(m, lin >> PAGE_SHIFT);
}

void mmu_steady(struct mmu *m, uint32_t lin)
{
    struct churn *c = slot_of(m, lin >> PAGE_SHIFT);

    if (c->page == lin >> PAGE_SHIFT)
        c->count /= 2;
}
