/* Guest memory accessed by hand (mmu/mmu.h): the windows' maps serve as TLB. */
#include <string.h>

#include "mmu/mmu_internal.h"

static inline bool paging_on(const struct mmu *m)
{
    return m->pg.cr0 >> 31;
}

static inline struct window *window_of(struct mmu *m, bool user)
{
    struct window *w = m->cur_window[user];

    return w ? w : mmu_window(m, user);
}

static inline bool entry_allows(uint32_t entry, enum mmu_access access)
{
    uint32_t need = access == MMU_WRITE ? MAP_VALID | MAP_WRITE : MAP_VALID;

    return (entry & need) == need && !(access == MMU_FETCH && (entry & MAP_NX));
}

static inline bool translate(struct mmu *m, struct window *w, uint32_t lin, enum mmu_access access,
                             uint64_t *pa, struct mmu_fault *fault)
{
    uint32_t entry = w->map[lin >> PAGE_SHIFT];
    struct walk k;

    if (__builtin_expect(entry_allows(entry, access), 1)) {
        *pa = (entry & ~(PAGE_SIZE - 1)) | (lin & (PAGE_SIZE - 1));
        return true;
    }
    if (!fill_translate(m, w, lin, access, &k, fault))
        return false;
    *pa = k.pa;
    return true;
}

bool mmu_translate(struct mmu *m, uint32_t lin, enum mmu_access access, bool user, uint64_t *pa,
                   struct mmu_fault *fault)
{
    if (!paging_on(m)) {
        *pa = lin;
        return true;
    }
    return translate(m, window_of(m, user), lin, access, pa, fault);
}

/* An access of at most two pages. */
struct span {
    uint64_t pa[2];
    uint32_t len[2];
};

/* Both pages, checked before anything of the second one's bits is set. */
static bool translate_two(struct mmu *m, uint32_t lin, enum mmu_access access, bool user,
                          struct span *s, struct mmu_fault *fault)
{
    uint32_t second = lin + s->len[0];
    struct window *w;
    struct walk k;

    if (!paging_on(m)) {
        s->pa[0] = lin;
        s->pa[1] = second;
        return true;
    }
    w = window_of(m, user);
    /* The lower page's fault comes first, but its D bit only when the upper one is good too. */
    if (!entry_allows(w->map[lin >> PAGE_SHIFT], access) &&
        !walk_page(m, w->as, w->view, lin, access, false, &k, fault)) {
        m->stats.guest_faults++;
        return false;
    }
    return translate(m, w, second, access, &s->pa[1], fault) &&
           translate(m, w, lin, access, &s->pa[0], fault);
}

static bool translate_span(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access,
                           bool user, struct span *s, struct mmu_fault *fault)
{
    uint32_t room = PAGE_SIZE - (lin & (PAGE_SIZE - 1));

    if (len > PAGE_SIZE)
        len = PAGE_SIZE; /* the contract's bound: never walk past two pages */
    s->len[0] = len < room ? len : room;
    s->len[1] = len - s->len[0];
    if (!len) {
        s->pa[0] = 0;
        return true;
    }
    if (__builtin_expect(s->len[1] != 0, 0))
        return translate_two(m, lin, access, user, s, fault);
    return mmu_translate(m, lin, access, user, &s->pa[0], fault);
}

static inline void copy_small(void *to, const void *from, uint32_t len)
{
    /* The compiler makes one move of each of these. */
    switch (len) {
    case 1:
        memcpy(to, from, 1);
        break;
    case 2:
        memcpy(to, from, 2);
        break;
    case 4:
        memcpy(to, from, 4);
        break;
    case 8:
        memcpy(to, from, 8);
        break;
    default:
        memcpy(to, from, len);
    }
}

/* LEN bytes in one page. */
static inline void read_one(struct phys *p, uint64_t pa, void *data, uint32_t len)
{
    uint64_t at = pa & p->a20_mask;

    if (!(at >> 32) && kind_has_page(frame_kind(p->frame[at >> PAGE_SHIFT])))
        copy_small(data, frame_ptr(p, (uint32_t)(at >> PAGE_SHIFT)) + (at & (PAGE_SIZE - 1)), len);
    else
        phys_read(p, pa, data, len);
}

static inline void write_one(struct phys *p, uint64_t pa, const void *data, uint32_t len)
{
    uint64_t at = pa & p->a20_mask;
    uint32_t pfn = (uint32_t)(at >> PAGE_SHIFT);

    if (!(at >> 32) && frame_kind(p->frame[pfn]) == PHYS_RAM && !p->flags[pfn] &&
        !p->journal)
        copy_small(frame_ptr(p, pfn) + (at & (PAGE_SIZE - 1)), data, len);
    else
        phys_write(p, pa, data, len);
}

bool mmu_read(struct mmu *m, uint32_t lin, void *data, uint32_t len, bool user,
              struct mmu_fault *fault)
{
    struct span s;

    if (!translate_span(m, lin, len, MMU_READ, user, &s, fault))
        return false;
    read_one(m->phys, s.pa[0], data, s.len[0]);
    if (s.len[1])
        read_one(m->phys, s.pa[1], (uint8_t *)data + s.len[0], s.len[1]);
    return true;
}

bool mmu_write(struct mmu *m, uint32_t lin, const void *data, uint32_t len, bool user,
               struct mmu_fault *fault)
{
    struct span s;

    if (!translate_span(m, lin, len, MMU_WRITE, user, &s, fault))
        return false;
    write_one(m->phys, s.pa[0], data, s.len[0]);
    if (s.len[1])
        write_one(m->phys, s.pa[1], (const uint8_t *)data + s.len[0], s.len[1]);
    return true;
}

bool mmu_probe(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user,
               struct mmu_fault *fault)
{
    struct span s;

    return translate_span(m, lin, len, access, user, &s, fault);
}

bool mmu_fetch(struct mmu *m, struct window *w, uint32_t lin, uint64_t *pa, struct mmu_fault *fault)
{
    uint32_t page = lin >> PAGE_SHIFT;

    /* Without paging a page's place cannot change within its window. */
    if (!(w->as->key.mode & MODE_PG)) {
        *pa = lin & m->phys->a20_mask;
        return true;
    }
    if (!translate(m, w, lin, MMU_FETCH, pa, fault))
        return false;
    if (w->map[page] & MAP_VALID) {
        w->map[page] |= MAP_EXEC;
        w->has_exec = true;
    }
    *pa &= m->phys->a20_mask;
    return true;
}

bool mmu_is_global(struct mmu *m, uint32_t lin)
{
    enum { CR4_BIT_PGE = 1 << 7, PTE_G = 1 << 8 };
    struct walk k;

    if (!paging_on(m) || !(m->pg.cr4 & CR4_BIT_PGE))
        return false;
    walk_entries(m, m->cur, lin, &k);
    return k.end == WALK_OK && (k.pte & PTE_G);
}

bool mmu_peek(struct mmu *m, uint32_t lin, void *data, uint32_t len)
{
    uint8_t *out = data;

    while (len) {
        uint32_t room = PAGE_SIZE - (lin & (PAGE_SIZE - 1)), n = len < room ? len : room;
        const uint8_t *from;
        struct walk k;

        walk_entries(m, m->cur, lin, &k);
        from = k.end == WALK_OK ? phys_ptr(m->phys, k.pa, n) : NULL;
        if (!from)
            return false;
        memcpy(out, from, n);
        out += n;
        lin += n;
        len -= n;
    }
    return true;
}
