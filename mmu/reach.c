/* What a supervisor's code reaches memory by: its own window, and the user's for memory of programs
 * (struct mmu_reach).
 *
 * A kernel copies to and from memory that the program itself touches before or after.  Through the
 * supervisor's window each such page would be mapped a second time; through the user's it is there,
 * or will be wanted.  What of the address space is the programs' is learned, by 16 MiB. */
#include "mmu/mmu_internal.h"

#define PF_P 1u
#define PF_U 4u

enum { PART_SHIFT = 24, FLIPS = 8 };

/* May W, the user's, be used now: nothing that INVLPG dropped is still mapped there? */
static bool in_step(const struct mmu *m, const struct window *w)
{
    for (unsigned i = 0; i < m->later_count; i++) {
        if (m->later[i].w == w)
            return false;
    }
    return true;
}

void reach_update(struct mmu *m)
{
    const struct window *own = m->cur_window[0], *user = m->cur_window[1];

    if (!m->reach)
        return;
    m->reach->base[0] = own ? own->base : (uintptr_t)m->nowhere;
    m->reach->base[1] = user && in_step(m, user) ? user->base : m->reach->base[0];
}

void mmu_set_reach(struct mmu *m, struct mmu_reach *reach)
{
    m->reach = reach;
    reach_update(m);
}

bool mmu_reach_other(const struct mmu *m, const struct window *w)
{
    return m->reach && w && w == m->cur_window[1] && w != m->cur_window[0] &&
           m->reach->base[1] == w->base;
}

bool mmu_reach_user(struct mmu *m, uint32_t lin, bool walk)
{
    const struct window *w = m->cur_window[1];
    struct walk k;

    if (!mmu_reach_other(m, w))
        return false;
    if (!walk)
        return w->map[lin >> PAGE_SHIFT] & MAP_HOST;
    walk_entries(m, m->cur, lin, &k);
    return k.end == WALK_OK && k.user;
}

bool mmu_reach_learn(struct mmu *m, uint32_t lin)
{
    uint32_t part = lin >> PART_SHIFT;

    if (!m->reach || m->flips[part] >= FLIPS)
        return false;
    m->reach->user[part] = 1;
    return true;
}

/* The user's window cannot serve LIN, which the supervisor may access: the part is not programs'
 * alone. */
static void unlearn(struct mmu *m, uint32_t lin)
{
    uint32_t part = lin >> PART_SHIFT;

    m->reach->user[part] = 0;
    if (m->flips[part] < FLIPS)
        m->flips[part]++;
}

enum mmu_fill_result mmu_reach_fill(struct mmu *m, struct window *w, uint32_t lin,
                                    enum mmu_access access, struct mmu_fault *fault)
{
    enum mmu_fill_result result = mmu_fill(m, w, lin, access, fault);
    struct mmu_fault own;
    struct walk k;

    if (result != FILL_FAULT)
        return result;
    fault->error_code &= ~PF_U;
    if (!(fault->error_code & PF_P))
        return FILL_FAULT; /* there is no page for anybody */
    if (walk_page(m, m->cur, m->cur_window[0]->view, lin, access, false, &k, &own))
        unlearn(m, lin);
    return FILL_BY_HAND;
}
