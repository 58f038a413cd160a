/* Page tables in words, for the monitor and for reports of a guest's death. */
#include <inttypes.h>
#include <stdio.h>

#include "mmu/mmu_internal.h"

struct sink {
    void (*line)(void *, const char *);
    void *opaque;
};

static const char *rights_text(uint64_t entry, char text[9])
{
    static const char names[] = "PWU--ADS";

    for (int i = 0; i < 8; i++) {
        /* PWT and PCD have no effect here, and no letter. */
        text[i] = i == 3 || i == 4 || !(entry >> i & 1) ? '-' : names[i];
    }
    text[8] = 0;
    return text;
}

static void entry_line(const struct sink *s, const char *name, uint64_t pa, uint64_t entry,
                       const char *end)
{
    char text[160], rights[9];

    snprintf(text, sizeof(text), "  %-5s at %09" PRIx64 ": %016" PRIx64 " %s%s%s", name, pa, entry,
             rights_text(entry, rights), entry >> 63 ? " NX" : "", end);
    s->line(s->opaque, text);
}

static const char *end_text(const struct walk *k, unsigned level)
{
    if (k->level != level || k->end == WALK_OK)
        return "";
    return k->end == WALK_NOT_PRESENT ? "  <- not present: the walk ends here"
                                      : "  <- a reserved bit is set: the walk ends here";
}

void mmu_describe_walk(struct mmu *m, uint32_t lin, void (*line)(void *, const char *), void *o)
{
    static const char *const kinds[] = {"nothing there", "RAM", "ROM", "MMIO"};
    struct sink s = {line, o};
    const struct aspace *as = m->cur;
    uint64_t at;
    struct walk k;
    char text[160];

    walk_entries(m, as, lin, &k);
    if (!(as->key.mode & MODE_PG))
        snprintf(text, sizeof(text), "%08x: paging is off", lin);
    else
        snprintf(text, sizeof(text), "%08x: CR3 %08x, %s paging", lin, m->pg.cr3,
                 aspace_pae(as) ? "PAE" : "32-bit");
    line(o, text);
    if (as->key.mode & MODE_PG) {
        if (aspace_pae(as))
            entry_line(&s, "PDPTE", (m->pg.cr3 & ~31u) + (lin >> 30) * 8, as->pdpte[lin >> 30],
                       end_text(&k, 3));
        if (k.level <= 2)
            entry_line(&s, "PDE", k.pde_pa, k.pde, end_text(&k, 2));
        if (k.level == 1)
            entry_line(&s, "PTE", k.pte_pa, k.pte, end_text(&k, 1));
    }
    if (k.end != WALK_OK)
        return;
    at = k.pa & m->phys->a20_mask;
    snprintf(text, sizeof(text), "  physical %09" PRIx64 " (%s), %s, %s%s", at,
             kinds[at >> 32 ? PHYS_NONE : phys_frame(m->phys, (uint32_t)(at >> PAGE_SHIFT), NULL)],
             k.user ? "user" : "supervisor", k.writable ? "writable" : "read-only",
             k.nx ? ", not executable" : "");
    line(o, text);
}

/* Call FN for each page-sized or large mapping that is present, in order. */
static void for_each_page(struct mmu *m, void (*fn)(void *, uint32_t lin, const struct walk *),
                          void *opaque)
{
    const struct aspace *as = m->cur;
    uint32_t large = PAGE_SIZE << aspace_slot_shift(as);

    for (uint64_t lin = 0; lin >> 32 == 0;) {
        struct walk k;

        walk_entries(m, as, (uint32_t)lin, &k);
        if (k.end == WALK_OK)
            fn(opaque, (uint32_t)lin, &k);
        /* A missing directory entry, and a large page, are one step. */
        lin += k.level == 3 ? 1u << 30 : k.level == 2 || k.large ? large : PAGE_SIZE;
    }
}

static void tlb_line(void *opaque, uint32_t lin, const struct walk *k)
{
    const struct sink *s = opaque;
    char text[80], rights[9];

    snprintf(text, sizeof(text), "%08x: %09" PRIx64 " %s%s%s%s", lin, k->pa,
             k->large ? "large " : "", rights_text(k->pte, rights), k->pte >> 8 & 1 ? " G" : "",
             k->nx ? " NX" : "");
    s->line(s->opaque, text);
}

static bool paging_off(struct mmu *m, const struct sink *s)
{
    if (m->cur->key.mode & MODE_PG)
        return false;
    s->line(s->opaque, "paging is off");
    return true;
}

void mmu_describe_tlb(struct mmu *m, void (*line)(void *, const char *), void *o)
{
    struct sink s = {line, o};

    if (!paging_off(m, &s))
        for_each_page(m, tlb_line, &s);
}

struct range {
    struct sink sink;
    uint64_t first, end;
    unsigned rights; /* user, writable, nx */
};

static void range_line(const struct range *r)
{
    char text[80];

    if (r->first == r->end)
        return;
    snprintf(text, sizeof(text), "%08" PRIx64 "-%08" PRIx64 " %8" PRIx64 " KiB %c%c%c%c", r->first,
             r->end - 1, (r->end - r->first) >> 10, r->rights & 1 ? 'u' : '-', 'r',
             r->rights & 2 ? 'w' : '-', r->rights & 4 ? '-' : 'x');
    r->sink.line(r->sink.opaque, text);
}

static void range_add(struct range *r, uint32_t lin, uint32_t bytes, unsigned rights)
{
    if (r->first == r->end || r->end != lin || r->rights != rights) {
        range_line(r);
        r->first = lin;
        r->rights = rights;
    }
    r->end = (uint64_t)lin + bytes;
}

struct mem_walk {
    struct range range;
    uint32_t large;
};

static void mem_page(void *opaque, uint32_t lin, const struct walk *k)
{
    struct mem_walk *mem = opaque;
    unsigned rights = k->user | k->writable << 1 | k->nx << 2;

    range_add(&mem->range, lin, k->large ? mem->large : PAGE_SIZE, rights);
}

void mmu_describe_mem(struct mmu *m, void (*line)(void *, const char *), void *o)
{
    struct mem_walk mem = {.range.sink = {line, o},
                           .large = PAGE_SIZE << aspace_slot_shift(m->cur)};

    if (paging_off(m, &mem.range.sink))
        return;
    for_each_page(m, mem_page, &mem);
    range_line(&mem.range);
}

/* ---- for others than people ---- */

struct joiner {
    struct mmu_range range;
    uint32_t large;
    void (*fn)(void *opaque, const struct mmu_range *r);
    void *opaque;
};

static void join_page(void *opaque, uint32_t lin, const struct walk *k)
{
    struct joiner *j = opaque;
    struct mmu_range *r = &j->range;
    uint32_t bytes = k->large ? j->large : PAGE_SIZE;

    if (r->bytes && r->lin + r->bytes == lin && r->pa + r->bytes == k->pa && r->user == k->user &&
        r->writable == k->writable) {
        r->bytes += bytes;
        return;
    }
    if (r->bytes)
        j->fn(j->opaque, r);
    *r = (struct mmu_range){lin, bytes, k->pa, k->user, k->writable};
}

void mmu_each(struct mmu *m, void (*fn)(void *opaque, const struct mmu_range *r), void *opaque)
{
    struct joiner j = {.large = PAGE_SIZE << aspace_slot_shift(m->cur), .fn = fn, .opaque = opaque};

    if (m->cur->key.mode & MODE_PG)
        for_each_page(m, join_page, &j);
    else
        j.range = (struct mmu_range){0, 1ull << 32, 0, true, true};
    if (j.range.bytes)
        fn(opaque, &j.range);
}
