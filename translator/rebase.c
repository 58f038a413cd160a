/* Code that is at another linear address in every process: shared objects and programs that are
 * loaded at random addresses.
 *
 * Only a few places of a block's host code tell guest EIPs.  They are on record, so that a block
 * which serves one address is moved to another by patching them.  Blocks of a page move together:
 * the jumps that link them stay right.  A variant is moved when the process that ran it has ended,
 * or has unmapped it; processes that run in turn do not take it from each other, but for those
 * beyond the first six. */
#include "translator/hook_internal.h"
#include "translator/pointers.h"

enum { VARIANTS = 6 };

void mark_reloc(struct build *b)
{
    struct translator *t = b->t;
    if (t->reloc_count >= t->reloc_max) {
        b->e->overflow = true;
        return;
    }
    t->relocs[t->reloc_count++] = (struct reloc){(uint16_t)(b->e->pos - 4 - b->tb->code)};
    b->tb->reloc_count++;
}

bool rebase_movable_mode(uint32_t mode)
{
    return (mode & MODE_USER) && !(mode & MODE_ONE) && mode_seg(mode, SEG_CS) == SEG_FLAT;
}

bool rebase_fixed(const struct tb *tb)
{
    return tb->fixed || tb->phys2 != ~0u;
}

/* ---- moving ---- */

/* Are the parts of table J where the page at LIN has its entries all zero? */
static bool clean(const struct jump_table *j, uint32_t lin)
{
    for (uint32_t i = 0; i < PAGE_SIZE; i += TABLE_PART)
        if (table_holds_part(j, (lin & ~(uint32_t)(PAGE_SIZE - 1)) + i))
            return false;
    return true;
}

/* Tables that may lead to blocks of the page at LIN in MODE. */
struct leads {
    struct jump_table *table[JUMP_TABLES];
    unsigned count;
};

static void find_leads(struct translator *t, uint32_t lin, uint32_t mode, struct leads *leads)
{
    leads->count = 0;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->entry && j->mode == mode && j->dirty && !clean(j, lin))
            leads->table[leads->count++] = j;
    }
}

/* Is there a process that runs variant V of the page at PAGE? */
static bool lives(struct translator *t, const struct variant *v, uint32_t page)
{
    struct leads leads;
    find_leads(t, page + v->base, v->mode, &leads);
    for (unsigned i = 0; i < leads.count; i++) {
        const struct window *w = leads.table[i]->window;
        if (w && mmu_standing(t->mmu, w, page + v->base) == page >> PAGE_SHIFT)
            return true;
    }
    return false;
}

static void move_block(struct translator *t, struct tb *tb, uint32_t delta)
{
    if (tb->straight) /* the list tells where its crossings go */
        straight_end(t);
    for (uint32_t i = tb->relocs; i < tb->relocs + tb->reloc_count; i++) {
        uint8_t *at = t->rw + tb->code + t->relocs[i].host;
        uint32_t word;
        memcpy(&word, at, 4);
        word += delta;
        memcpy(at, &word, 4);
    }
    for (uint32_t i = tb->first_site; i < tb->first_site + tb->site_count; i++)
        t->sites[i].eip += delta;
    tb->eip += delta;
    t->stats.rebased++;
    if (t->verify) { /* lock-step looks at it anew, alone */
        tb->verified = 0;
        cache_isolate(t, tb);
    }
    build_check(t, tb);
}

/* Blocks M, COUNT of them, lie anywhere, and each tells where the next thing is that is patched:
 * what moving them waits for comes into the host's cache for all of them at once. */
static void fetch_blocks(const struct translator *t, const struct member *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&t->tbs[m[i].tb], 1);
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&t->relocs[t->tbs[m[i].tb].relocs]);
    for (uint32_t i = 0; i < count; i++) {
        const struct tb *tb = &t->tbs[m[i].tb];
        for (uint32_t r = tb->relocs; r < tb->relocs + tb->reloc_count; r++)
            __builtin_prefetch(t->rw + tb->code + t->relocs[r].host, 1);
    }
}

static void move_blocks(struct translator *t, const struct member *m, uint32_t count,
                        uint32_t delta)
{
    enum { BATCH = 32 };
    for (uint32_t n; count; m += n, count -= n) {
        n = count < BATCH ? count : BATCH;
        fetch_blocks(t, m, n);
        for (uint32_t i = 0; i < n; i++)
            move_block(t, &t->tbs[m[i].tb], delta);
    }
}

/* Links to and from the blocks of V, which stay where others move, would be wrong. */
static void isolate(struct translator *t, const struct variant *v)
{
    for (uint32_t i = 0; i < v->count; i++)
        cache_isolate(t, &t->tbs[t->members[v->members + i].tb]);
}

/* FROM's blocks are about to join those of INTO: where both have one, one is enough. */
static void drop_doubles(struct translator *t, const struct variant *from, uint32_t into)
{
    for (uint32_t i = from->count; i--;) {
        struct tb *tb = &t->tbs[t->members[from->members + i].tb];
        if (variant_block(t, into, tb->phys))
            cache_invalidate(t, tb, RETRANSLATED_MODE);
    }
}

/* Let the blocks of variant FROM of page PFN serve what is DELTA above. */
static void move_variant(struct translator *t, uint32_t pfn, uint32_t from, uint32_t delta)
{
    struct variant *v = &t->variants[from];
    uint32_t page = (pfn << PAGE_SHIFT) + v->base, base = v->base + delta;
    uint32_t stay = variant_find(t, pfn, v->base, v->mode, true);
    uint32_t into = variant_find(t, pfn, base, v->mode, false);
    struct leads leads;
    pointers_settle(t); /* what the x87 points to is told by where the code was */
    if (into)
        drop_doubles(t, v, into);
    const struct member *m = &t->members[v->members];
    find_leads(t, page, v->mode, &leads);
    for (unsigned i = 0; i < leads.count; i++)
        table_leave_page(leads.table[i], page, m, v->count);
    if (stay)
        isolate(t, &t->variants[stay]);
    move_blocks(t, m, v->count, delta);
    v->base = base;
    if (into)
        variant_merge(t, from, into); /* else they are moved to where they are, when looked up */
}

/* The variant of page PFN with the most blocks in MODE that nobody runs. */
static uint32_t largest_left(struct translator *t, uint32_t pfn, uint32_t mode)
{
    uint32_t best = 0;
    for (uint32_t i = t->page_variants[pfn]; i; i = t->variants[i].next) {
        const struct variant *v = &t->variants[i];
        if (v->mode == mode && !v->fixed && v->count &&
            (!best || v->count > t->variants[best].count) && !lives(t, v, pfn << PAGE_SHIFT))
            best = i;
    }
    return best;
}

/* The variant that has a block for PHYS in MODE and was looked up longest ago; 0: there are few. */
static uint32_t one_of_many(struct translator *t, uint32_t phys, uint32_t mode)
{
    uint32_t oldest = 0, longest = 0, count = 0;
    for (uint32_t i = t->page_variants[phys >> PAGE_SHIFT]; i; i = t->variants[i].next) {
        const struct variant *v = &t->variants[i];
        uint32_t unused = (uint32_t)t->stats.lookups - v->used;
        if (v->mode != mode || v->fixed || !variant_block(t, i, phys))
            continue;
        count++;
        if (!oldest || unused > longest) {
            oldest = i;
            longest = unused;
        }
    }
    return count < VARIANTS ? 0 : oldest;
}

/* A block that goes on on the next page moves alone: which page that is depends on the address
 * space.  NULL: there is none that nobody runs. */
static struct tb *move_crossing(struct translator *t, uint32_t phys, uint32_t eip, uint32_t mode)
{
    uint32_t page = phys & ~(uint32_t)(PAGE_SIZE - 1), i = t->page_variants[phys >> PAGE_SHIFT];
    struct tb *tb = NULL;
    for (; i && !tb; i = t->variants[i].next) {
        const struct variant *v = &t->variants[i];
        if (v->mode != mode || !v->fixed || !(tb = variant_block(t, i, phys)))
            continue;
        if (tb->fixed || tb->phys2 == ~0u || lives(t, v, page))
            tb = NULL;
    }
    if (!tb)
        return NULL;
    pointers_settle(t);
    table_forget_block(t, tb);
    cache_isolate(t, tb);
    variant_remove(t, tb);
    move_block(t, tb, eip - tb->eip);
    if (variant_add(t, tb, true))
        return tb;
    cache_invalidate(t, tb, RETRANSLATED_MODE);
    return NULL;
}

/* What has blocks at an address already gets those that it lacks one by one: to take another
 * variant for one of them would leave the next process nothing. */
struct tb *rebase_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t mode)
{
    uint32_t pfn = phys >> PAGE_SHIFT, base = eip - phys;
    if (!rebase_movable_mode(mode) || t->observer.exact || hook_on_page(t, eip))
        return NULL;
    uint32_t here = variant_find(t, pfn, base, mode, false);
    uint32_t v = here && t->variants[here].count ? 0 : largest_left(t, pfn, mode);
    if (!v)
        v = one_of_many(t, phys, mode);
    if (v) {
        move_variant(t, pfn, v, base - t->variants[v].base);
        v = variant_find(t, pfn, base, mode, false);
        rebase_enter_page(t, v, eip);
    }
    struct tb *tb = v ? variant_block(t, v, phys) : NULL;
    return tb ? tb : move_crossing(t, phys, eip, mode);
}

void rebase_enter_page(struct translator *t, uint32_t variant, uint32_t eip)
{
    const struct jump_table *j = t->current;
    const struct variant *v = &t->variants[variant];
    if (!j || j->shared || !variant || v->fixed || t->verify)
        return;
    table_enter_page(t, eip & ~(uint32_t)(PAGE_SIZE - 1), &t->members[v->members], v->count);
}
