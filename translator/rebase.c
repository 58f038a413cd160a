/* Code that is at another linear address in every process: shared objects and programs that are
 * loaded at random addresses.
 *
 * Only a few places of a block's host code tell guest EIPs.  They are on record, so that a block
 * which serves one address is moved to another by patching them.  Blocks of a page move together:
 * the jumps that link them stay right.  Some variants of a page are translated before one is moved,
 * so that processes which run in turn do not take it from each other. */
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

static bool movable(const struct tb *tb)
{
    return !tb->fixed && tb->phys2 == ~0u;
}

static uint32_t base_of(const struct tb *tb)
{
    return tb->eip - tb->phys;
}

/* ---- variants ---- */

/* The first block of variant V that is valid; those before it leave the list. */
static uint32_t first_valid(const struct translator *t, struct variant *v)
{
    while (v->first && !t->tbs[v->first].valid)
        v->first = t->tbs[v->first].variant_next;
    return v->first;
}

/* The next valid one behind TB. */
static uint32_t next_valid(const struct translator *t, struct tb *tb)
{
    while (tb->variant_next && !t->tbs[tb->variant_next].valid)
        tb->variant_next = t->tbs[tb->variant_next].variant_next;
    return tb->variant_next;
}

/* The variant of page PFN for BASE and MODE, 0 when there is none; *EMPTY: one to be used again. */
static uint32_t variant_find(struct translator *t, uint32_t pfn, uint32_t base, uint32_t mode,
                             bool fixed, uint32_t *empty)
{
    *empty = 0;
    for (uint32_t i = t->page_variants[pfn]; i; i = t->variants[i].next) {
        struct variant *v = &t->variants[i];
        if (v->base == base && v->mode == mode && v->fixed == fixed)
            return i;
        if (!first_valid(t, v))
            *empty = i;
    }
    return 0;
}

uint32_t rebase_variant(struct translator *t, const struct tb *key, bool fixed)
{
    uint32_t empty;
    return variant_find(t, key->phys >> PAGE_SHIFT, base_of(key), key->mode, fixed, &empty);
}

void rebase_add(struct translator *t, struct tb *tb)
{
    uint32_t pfn = tb->phys >> PAGE_SHIFT, empty, i;
    bool fixed = !movable(tb);
    tb->variant = 0;
    if (!rebase_movable_mode(tb->mode))
        return;
    i = variant_find(t, pfn, base_of(tb), tb->mode, fixed, &empty);
    if (!i) {
        i = empty ? empty : t->variant_count++;
        struct variant *v = &t->variants[i];
        uint32_t next = empty ? v->next : t->page_variants[pfn];
        *v = (struct variant){
            .base = base_of(tb), .mode = tb->mode, .next = next, .fixed = fixed};
        if (!empty)
            t->page_variants[pfn] = i;
    }
    struct variant *v = &t->variants[i];
    v->used = (uint32_t)t->stats.lookups;
    tb->variant = i;
    tb->variant_next = v->first;
    v->first = (uint32_t)(tb - t->tbs);
}

/* ---- moving ---- */

/* Are the parts of table J where the page at LIN has its entries all zero? */
static bool clean(const struct jump_table *j, uint32_t lin)
{
    for (uint32_t i = 0; i < PAGE_SIZE; i += TABLE_PART)
        if (table_holds(j, (lin & ~(uint32_t)(PAGE_SIZE - 1)) + i))
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

/* No table may lead to TB where it is no longer. */
static void forget(const struct leads *leads, const struct tb *tb)
{
    for (unsigned i = 0; i < leads->count; i++)
        if (table_holds(leads->table[i], tb->eip) && leads->table[i]->entry[tb->eip] == tb->entry)
            leads->table[i]->entry[tb->eip] = 0;
}

static void move_block(struct translator *t, struct tb *tb, uint32_t delta)
{
    for (uint32_t i = tb->relocs; i < tb->relocs + tb->reloc_count; i++) {
        uint8_t *at = t->rw + tb->code + t->relocs[i].host;
        uint32_t word;
        memcpy(&word, at, 4);
        word += delta;
        memcpy(at, &word, 4);
    }
    for (uint32_t i = tb->first_site; i < tb->first_site + tb->site_count; i++)
        t->sites[i].eip += delta;
    for (unsigned s = 0; s < TB_SLOTS; s++)
        tb->exits[s].target += delta;
    tb->eip += delta;
}

/* Links to and from the blocks of V, which stay where others move, would be wrong. */
static void isolate(struct translator *t, struct variant *v)
{
    for (uint32_t i = first_valid(t, v); i; i = next_valid(t, &t->tbs[i]))
        cache_isolate(t, &t->tbs[i]);
}

/* Let the blocks of variant FROM of page PFN serve what is DELTA above. */
static void move_variant(struct translator *t, uint32_t pfn, uint32_t from, uint32_t delta)
{
    struct variant *v = &t->variants[from];
    uint32_t empty, base = v->base + delta;
    uint32_t stay = variant_find(t, pfn, v->base, v->mode, true, &empty);
    uint32_t into = variant_find(t, pfn, base, v->mode, false, &empty);
    struct leads leads;
    pointers_settle(t); /* what the x87 points to is told by where the code was */
    find_leads(t, (pfn << PAGE_SHIFT) + v->base, v->mode, &leads);
    if (stay)
        isolate(t, &t->variants[stay]);
    struct tb *last = NULL;
    for (uint32_t i = first_valid(t, v); i; i = next_valid(t, last)) {
        struct tb *tb = last = &t->tbs[i];
        forget(&leads, tb);
        move_block(t, tb, delta);
        if (into)
            cache_change_variant(t, tb, into);
        if (t->verify) { /* lock-step looks at it anew, alone */
            tb->verified = 0;
            cache_isolate(t, tb);
        }
        t->stats.rebased++;
        build_check(t, tb);
    }
    if (into && last) {
        last->variant_next = t->variants[into].first;
        t->variants[into].first = v->first;
        v->first = 0;
    } else {
        v->base = base;
    }
}

struct tb *rebase_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t mode)
{
    struct tb *oldest = NULL;
    unsigned variants = 0;
    uint32_t longest = 0;
    if (!rebase_movable_mode(mode) || t->observer.exact || hook_on_page(t, eip))
        return NULL;
    for (uint32_t i = t->page_variants[phys >> PAGE_SHIFT]; i; i = t->variants[i].next) {
        const struct variant *v = &t->variants[i];
        struct tb *tb = v->mode == mode && !v->fixed ? cache_find_variant(t, phys, i) : NULL;
        if (!tb)
            continue;
        uint32_t unused = (uint32_t)t->stats.lookups - v->used;
        variants++;
        if (!oldest || unused > longest) {
            oldest = tb;
            longest = unused;
        }
    }
    if (variants < VARIANTS)
        return NULL;
    move_variant(t, phys >> PAGE_SHIFT, oldest->variant, eip - oldest->eip);
    return oldest;
}

void rebase_enter_page(struct translator *t, const struct tb *first)
{
    struct jump_table *j = t->current;
    struct variant *v = &t->variants[first->variant];
    if (!j || j->shared || !first->variant || v->fixed || t->verify)
        return;
    for (uint32_t i = first_valid(t, v); i; i = next_valid(t, &t->tbs[i])) {
        struct tb *tb = &t->tbs[i];
        if (tb->cs_limit == first->cs_limit && !(table_holds(j, tb->eip) && j->entry[tb->eip]))
            table_enter(t, tb);
    }
}
