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

bool rebase_fixed(const struct tb *tb)
{
    return tb->fixed || tb->phys2 != ~0u;
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
    tb->eip += delta;
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
    for (uint32_t i = 0; i < v->count; i++) {
        struct tb *tb = &t->tbs[m[i].tb];
        move_block(t, tb, delta);
        if (t->verify) { /* lock-step looks at it anew, alone */
            tb->verified = 0;
            cache_isolate(t, tb);
        }
        build_check(t, tb);
    }
    t->stats.rebased += v->count;
    v->base = base;
    if (into)
        variant_merge(t, from, into); /* else they are moved to where they are, when looked up */
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
        struct tb *tb = v->mode == mode && !v->fixed ? variant_block(t, i, phys) : NULL;
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
    const struct jump_table *j = t->current;
    const struct variant *v = &t->variants[first->variant];
    if (!j || j->shared || !first->variant || v->fixed || t->verify)
        return;
    table_enter_page(t, first->eip & ~(uint32_t)(PAGE_SIZE - 1), &t->members[v->members], v->count);
}
