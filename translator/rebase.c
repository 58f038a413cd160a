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

void mark_reloc(struct build *b, enum reloc_kind kind)
{
    struct translator *t = b->t;
    if (t->reloc_count >= t->reloc_max) {
        b->e->overflow = true;
        return;
    }
    t->relocs[t->reloc_count++] =
        (struct reloc){(uint16_t)(b->e->pos - 4 - b->tb->code), (uint16_t)kind};
    b->tb->reloc_count++;
}

void mark_disp(struct build *b, int32_t disp, enum reloc_kind kind)
{
    if (disp >= -128 && disp <= 127)
        b->tb->fixed = true;
    else
        mark_reloc(b, kind);
}

static bool movable_mode(uint32_t mode)
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

/* Are the parts of table J where the page at LIN has its entries all zero? */
static bool clean(const struct translator *t, const struct jump_table *j, uint32_t lin)
{
    uint32_t first = table_part(table_index(t, lin & ~(PAGE_SIZE - 1)));
    uint64_t parts = 0;
    for (uint32_t i = 0; i <= PAGE_SIZE / TABLE_PART; i++)
        parts |= 1ull << (first + i) % 64;
    return !(j->dirty & parts);
}

/* No table may lead to TB where it is no longer: an EIP that it will serve may share the entry. */
static void forget(struct translator *t, const struct tb *tb)
{
    uint32_t index = table_index(t, tb->eip);
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->entry && j->mode == tb->mode && !clean(t, j, tb->eip) &&
            j->entry[index] == tb->entry)
            j->entry[index] = 0;
    }
}

static void move_block(struct translator *t, struct tb *tb, uint32_t delta)
{
    uint32_t word = 0, target;
    for (uint32_t i = tb->relocs; i < tb->relocs + tb->reloc_count; i++) {
        uint8_t *at = t->rw + tb->code + t->relocs[i].host;
        target = word; /* of the instruction before */
        memcpy(&word, at, 4);
        switch ((enum reloc_kind)t->relocs[i].kind) {
        case RELOC_ADD:
            word += delta;
            break;
        case RELOC_SUB:
            word -= delta;
            break;
        case RELOC_INDEX:
            word = table_index(t, target) * 4;
            break;
        }
        memcpy(at, &word, 4);
    }
    for (uint32_t i = tb->first_site; i < tb->first_site + tb->site_count; i++)
        t->sites[i].eip += delta;
    for (unsigned s = 0; s < TB_SLOTS; s++)
        tb->exits[s].target += delta;
    tb->eip += delta;
}

/* Move the blocks of page PFN that serve BASE (EIP less physical address) in MODE. */
static void move_page(struct translator *t, uint32_t pfn, uint32_t base, uint32_t mode,
                      uint32_t delta)
{
    pointers_settle(t); /* what the x87 points to is told by where the code was */
    for (uint32_t link = t->page_tbs[pfn]; link; link = t->tbs[link / 2].page_next[link & 1]) {
        struct tb *tb = &t->tbs[link / 2];
        if ((link & 1) || tb->mode != mode || base_of(tb) != base)
            continue;
        if (!movable(tb)) {
            cache_isolate(t, tb);
            continue;
        }
        forget(t, tb);
        move_block(t, tb, delta);
        if (t->verify) { /* lock-step looks at it anew, alone */
            tb->verified = 0;
            cache_isolate(t, tb);
        }
        t->stats.rebased++;
        build_check(t, tb);
    }
}

struct tb *rebase_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t mode)
{
    struct tb *oldest = NULL;
    unsigned variants = 0;
    if (!movable_mode(mode) || t->observer.exact || hook_on_page(t, eip))
        return NULL;
    for (struct tb *tb = cache_variant(t, phys, mode, NULL); tb;
         tb = cache_variant(t, phys, mode, tb)) {
        if (!movable(tb))
            continue;
        variants++;
        if (!oldest || (int32_t)(tb->used - oldest->used) < 0)
            oldest = tb;
    }
    if (variants < VARIANTS)
        return NULL;
    move_page(t, phys >> PAGE_SHIFT, base_of(oldest), mode, eip - oldest->eip);
    return oldest;
}

void rebase_enter_page(struct translator *t, const struct tb *first)
{
    struct jump_table *j = t->current;
    if (!j || j->shared || !movable_mode(first->mode) || t->verify)
        return;
    uint32_t link = t->page_tbs[first->phys >> PAGE_SHIFT];
    for (; link; link = t->tbs[link / 2].page_next[link & 1]) {
        struct tb *tb = &t->tbs[link / 2];
        if ((link & 1) || tb->mode != first->mode || base_of(tb) != base_of(first) ||
            tb->phys2 != ~0u || tb->cs_limit != first->cs_limit)
            continue;
        tb->used = (uint32_t)t->stats.lookups;
        if (!j->entry[table_index(t, tb->eip)])
            table_enter(t, tb);
    }
}
