/* Address spaces, and keeping their windows in step with the guest's page tables.
 *
 * Every table that a mapping was made from has been copied.  The invariant: where a window's map
 * has a valid page, the copies hold the entries it was made from (with A and D as the walk left
 * them).  So comparing tables and copies at a CR3 load finds all that is stale, and a walk that
 * meets an entry which differs from its copy drops what the old one gave to the other views.
 *
 * Global pages are treated like the others: every address space is compared when it is entered,
 * so a global entry that was changed under another CR3 is found too.
 */
#include <string.h>

#include "mmu/mmu_internal.h"

#define ENTRY_P    1ull
#define ENTRY_RW   2ull
#define ENTRY_US   4ull
#define ENTRY_A    0x20ull
#define ENTRY_D    0x40ull
#define ENTRY_PS   0x80ull
#define ENTRY_NX   (1ull << 63)
#define ENTRY_ADDR 0x7FFFFFFFFFFFF000ull
/* Dropped runs this near to one another are unmapped in one call. */
#define RUN_GAP 16u

enum change { CHANGE_NONE, CHANGE_REDUCE, CHANGE_DROP };

/* A run of adjacent pages that all suffer the same change. */
struct run {
    uint32_t first, end;
    enum change change;
};

static uint64_t entry_at(const uint8_t *table, uint32_t i, bool pae)
{
    uint64_t wide;
    uint32_t narrow;

    if (pae) {
        memcpy(&wide, table + i * 8, 8);
        return wide;
    }
    memcpy(&narrow, table + i * 4, 4);
    return narrow;
}

static void set_entry(uint8_t *table, uint32_t i, bool pae, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;

    if (pae)
        memcpy(table + i * 8, &value, 8);
    else
        memcpy(table + i * 4, &narrow, 4);
}

/* What becomes of mappings made from OLD when the table says NOW.  More rights than before are no
 * reason to do anything: the fault that shows their use walks again. */
static enum change change_of(uint64_t old, uint64_t now, bool leaf_table)
{
    uint64_t lost = old & ~now;

    if ((old & (ENTRY_P | ENTRY_A)) != (ENTRY_P | ENTRY_A))
        return CHANGE_NONE; /* nothing was made from it */
    if ((lost & (ENTRY_P | ENTRY_US | ENTRY_A)) || ((old ^ now) & ENTRY_ADDR) ||
        (~old & now & ENTRY_NX))
        return CHANGE_DROP;
    if (!leaf_table)
        return (lost & (ENTRY_RW | ENTRY_D)) || ((old ^ now) & ENTRY_PS) ? CHANGE_DROP
                                                                         : CHANGE_NONE;
    return lost & (ENTRY_RW | ENTRY_D) ? CHANGE_REDUCE : CHANGE_NONE;
}

/* ---- slots ---- */

struct aspace *aspace_oldest(struct mmu *m, const struct aspace *keep)
{
    struct aspace *oldest = NULL;

    for (unsigned i = 0; i < m->window_count; i++) {
        struct aspace *as = &m->aspaces[i];

        if (as->used && as != m->cur && as != keep && (!oldest || as->stamp < oldest->stamp))
            oldest = as;
    }
    return oldest;
}

static void swap_used(struct mmu *m, struct aspace *as, uint32_t a, uint32_t b)
{
    uint16_t slot_a = as->used_slots[a], slot_b = as->used_slots[b];

    as->used_slots[a] = slot_b;
    as->used_slots[b] = slot_a;
    m->tables[as->slot[slot_b]].position = (uint16_t)a;
    m->tables[as->slot[slot_a]].position = (uint16_t)b;
}

void aspace_set_cold(struct mmu *m, struct aspace *as, uint16_t t, bool cold)
{
    struct table *table = &m->tables[t];

    table->cold = cold;
    if (table->slot >= SLOT_DIR)
        return;
    swap_used(m, as, table->position, cold ? --as->warm_count : as->warm_count++);
}

static void add_slot(struct mmu *m, struct aspace *as, uint32_t slot, uint16_t t)
{
    uint32_t position = as->used_count++;

    as->slot[slot] = t;
    as->used_slots[position] = (uint16_t)slot;
    m->tables[t].position = (uint16_t)position;
    if (!m->tables[t].cold)
        swap_used(m, as, position, as->warm_count++);
}

static void release_slot(struct mmu *m, struct aspace *as, uint32_t slot)
{
    uint16_t t = as->slot[slot];

    if (t != SLOT_NONE && t != SLOT_LARGE) {
        if (!m->tables[t].cold)
            swap_used(m, as, m->tables[t].position, --as->warm_count);
        swap_used(m, as, m->tables[t].position, --as->used_count);
        table_give(m, t);
    }
    as->slot[slot] = SLOT_NONE;
}

static void apply_change(struct aspace *as, const struct run *run)
{
    for (int v = 0; v < VIEWS; v++) {
        if (!as->window[v] || run->first == run->end)
            continue;
        if (run->change == CHANGE_DROP)
            window_drop(as->window[v], run->first, run->end);
        else
            window_reduce(as->window[v], run->first, run->end);
    }
}

/* Has W no pages between what it forgot last and SLOT?  All that it maps came through a slot. */
static bool joins(const struct aspace *as, const struct window *w, uint32_t slot)
{
    uint32_t last = (w->gone_end - 1) >> aspace_slot_shift(as);

    if (w->gone_first == w->gone_end || last >= slot)
        return false;
    while (++last < slot && as->slot[last] == SLOT_NONE)
        ;
    return last == slot;
}

/* The host's mappings stay until aspace_unmap: a process that ends takes all its slots along. */
static void forget_slot(struct mmu *m, struct aspace *as, uint32_t slot)
{
    unsigned shift = aspace_slot_shift(as);

    if (as->slot[slot] == SLOT_NONE)
        return;
    for (int v = 0; v < VIEWS; v++) {
        struct window *w = as->window[v];

        if (w)
            window_forget(w, slot << shift, (slot + 1) << shift, joins(as, w, slot));
    }
    release_slot(m, as, slot);
}

static void aspace_unmap(struct aspace *as)
{
    for (int v = 0; v < VIEWS; v++) {
        if (as->window[v])
            window_unmap(as->window[v]);
    }
}

static void drop_slot(struct mmu *m, struct aspace *as, uint32_t slot)
{
    forget_slot(m, as, slot);
    aspace_unmap(as);
}

/* ---- life ---- */

void aspace_forget(struct mmu *m, struct aspace *as)
{
    for (int v = 0; v < VIEWS; v++) {
        if (as->window[v])
            window_flush(as->window[v]);
    }
    while (as->used_count)
        release_slot(m, as, as->used_slots[as->used_count - 1]);
    memset(as->slot, 0, sizeof(as->slot)); /* those of large pages */
    for (int d = 0; d < 4; d++) {
        if (as->dir[d])
            table_give(m, as->dir[d]);
        as->dir[d] = SLOT_NONE;
    }
    as->uncopied = false;
}

void aspace_free(struct mmu *m, struct aspace *as)
{
    for (int v = 0; v < VIEWS; v++) {
        if (as->window[v])
            window_evict(as->window[v]);
    }
    aspace_forget(m, as);
    as->used = false;
}

static bool same_key(const struct aspace_key *a, const struct aspace_key *b)
{
    return a->root == b->root && a->mode == b->mode;
}

struct aspace *aspace_get(struct mmu *m, const struct aspace_key *key, bool *created)
{
    struct aspace *empty = NULL;

    *created = false;
    for (unsigned i = 0; i < m->window_count; i++) {
        struct aspace *as = &m->aspaces[i];

        if (as->used && same_key(&as->key, key))
            return as;
        if (!as->used && !empty)
            empty = as;
    }
    if (!empty) {
        empty = aspace_oldest(m, NULL);
        aspace_free(m, empty);
    }
    memset(empty, 0, sizeof(*empty));
    empty->used = true;
    empty->key = *key;
    empty->a20_pfn_mask = key->mode & MODE_A20_OFF ? 0xFFEFF : 0xFFFFF;
    *created = true;
    return empty;
}

/* ---- at a walk ---- */

static uint32_t table_pfn(const struct mmu *m, uint64_t entry_pa)
{
    return (uint32_t)((entry_pa & m->phys->a20_mask) >> PAGE_SHIFT);
}

void aspace_note_pte(struct mmu *m, struct aspace *as, uint32_t lin_page, uint64_t pte)
{
    unsigned shift = aspace_slot_shift(as);
    uint32_t i = lin_page & ((1u << shift) - 1);
    uint16_t table = as->slot[lin_page >> shift];
    struct run run = {lin_page, lin_page + 1, CHANGE_NONE};
    uint8_t *copy;
    uint64_t old;

    if (table == SLOT_NONE || table == SLOT_LARGE)
        return; /* no copy could be had: all is forgotten at the next event */
    copy = table_copy(m, table);
    old = entry_at(copy, i, aspace_pae(as));
    if (old == pte)
        return;
    set_entry(copy, i, aspace_pae(as), pte);
    run.change = change_of(old, pte, true);
    if (run.change != CHANGE_NONE)
        apply_change(as, &run);
}

/* The directory's copy, and what follows when its entry for SLOT is another one now. */
static bool note_pde(struct mmu *m, struct aspace *as, uint32_t slot, const struct walk *k)
{
    bool pae = aspace_pae(as);
    uint32_t d = pae ? slot >> 9 : 0, i = slot & (pae ? 511 : 1023);
    uint64_t old;

    if (!as->dir[d])
        as->dir[d] = table_take(m, as, (uint16_t)(SLOT_DIR + d), table_pfn(m, k->pde_pa));
    if (!as->dir[d])
        return false;
    old = entry_at(table_copy(m, as->dir[d]), i, pae);
    if (old != k->pde) {
        if (change_of(old, k->pde, false) != CHANGE_NONE)
            drop_slot(m, as, slot);
        set_entry(table_copy(m, as->dir[d]), i, pae, k->pde);
    }
    return true;
}

static bool note_leaf(struct mmu *m, struct aspace *as, uint32_t slot, const struct walk *k)
{
    uint32_t pfn = table_pfn(m, k->pte_pa);
    uint16_t t = as->slot[slot];

    if (t == SLOT_LARGE || (t && m->tables[t].pfn != pfn)) {
        drop_slot(m, as, slot);
        t = SLOT_NONE;
    }
    if (t)
        return true;
    t = table_take(m, as, (uint16_t)slot, pfn);
    if (!t)
        return false;
    add_slot(m, as, slot, t);
    return true;
}

void aspace_note(struct mmu *m, struct aspace *as, uint32_t lin, const struct walk *k)
{
    uint32_t slot = lin >> (PAGE_SHIFT + aspace_slot_shift(as));

    if (!(as->key.mode & MODE_PG))
        return;
    if (k->uncopied || !note_pde(m, as, slot, k)) {
        as->uncopied = true;
        return;
    }
    if (k->large) {
        if (as->slot[slot] != SLOT_LARGE)
            drop_slot(m, as, slot);
        as->slot[slot] = SLOT_LARGE;
    } else if (note_leaf(m, as, slot, k)) {
        aspace_note_pte(m, as, lin >> PAGE_SHIFT, k->pte);
    } else {
        as->uncopied = true;
    }
}

/* ---- at a CR3 load ---- */

/* Has CHANGE nothing to take from the pages [first, end)? */
static bool gap_keeps(const struct aspace *as, uint32_t first, uint32_t end, enum change change)
{
    uint32_t taken = change == CHANGE_DROP ? MAP_VALID : MAP_WRITE | MAP_HOSTW;

    for (int v = 0; v < VIEWS; v++) {
        for (uint32_t page = first; as->window[v] && page < end; page++) {
            if (as->window[v]->map[page] & taken)
                return false;
        }
    }
    return true;
}

static void add_to_run(struct aspace *as, struct run *run, uint32_t page, enum change change)
{
    if (run->first != run->end && run->change == change && page - run->end <= RUN_GAP &&
        gap_keeps(as, run->end, page, change)) {
        run->end = page + 1;
        return;
    }
    apply_change(as, run);
    *run = (struct run){page, page + 1, change};
}

/* A and D are set by our own walks, for this address space and for others. */
static bool is_write(uint64_t old, uint64_t now)
{
    return ((old ^ now) & ~(ENTRY_A | ENTRY_D)) || (old & ~now & (ENTRY_A | ENTRY_D));
}

/* The frame of table T, or NULL: there is no memory any more. */
static const uint8_t *table_now(const struct mmu *m, uint16_t t)
{
    uint32_t pfn = m->tables[t].pfn;

    return kind_has_page(frame_kind(m->phys->frame[pfn])) ? frame_ptr(m->phys, pfn) : NULL;
}

/* Does entry I of table T still lead where its copy does? */
static bool entry_stands(const struct mmu *m, uint16_t t, uint32_t i, bool pae)
{
    const uint8_t *now = table_now(m, t);

    return now && !((entry_at(now, i, pae) ^ entry_at(table_copy(m, t), i, pae)) &
                    (ENTRY_P | ENTRY_PS | ENTRY_ADDR));
}

uint32_t mmu_standing(const struct mmu *m, const struct window *w, uint32_t lin)
{
    const struct aspace *as = w->as;
    bool pae = aspace_pae(as);
    uint32_t slot = lin >> (PAGE_SHIFT + aspace_slot_shift(as)), d = pae ? slot >> 9 : 0;
    uint32_t entry = w->map[lin >> PAGE_SHIFT], i = lin >> PAGE_SHIFT;
    uint16_t t = as->slot[slot];

    if (!(entry & MAP_VALID))
        return MMU_NOWHERE;
    if (!(as->key.mode & MODE_PG))
        return entry_pfn(w, entry);
    if (t == SLOT_NONE || !as->dir[d] ||
        !entry_stands(m, as->dir[d], slot & (pae ? 511 : 1023), pae) ||
        (t != SLOT_LARGE && !entry_stands(m, t, i & ((1u << aspace_slot_shift(as)) - 1), pae)))
        return MMU_NOWHERE;
    return entry_pfn(w, entry);
}

static void sync_done(struct mmu *m, uint16_t t, bool written)
{
    if (written)
        trace_changed(m, t);
    else
        trace_unchanged(m, t);
}

static void sync_table(struct mmu *m, struct aspace *as, uint32_t slot)
{
    uint16_t t = as->slot[slot];
    uint8_t *copy = table_copy(m, t);
    uint32_t n = 1u << aspace_slot_shift(as), base = slot << aspace_slot_shift(as);
    bool pae = aspace_pae(as), written = false;
    struct run run = {0, 0, CHANGE_NONE};
    const uint8_t *now = table_now(m, t);

    m->stats.sync_tables++;
    if (!now) {
        forget_slot(m, as, slot);
        return;
    }
    if (!memcmp(copy, now, PAGE_SIZE)) {
        trace_unchanged(m, t);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t old = entry_at(copy, i, pae), new = entry_at(now, i, pae);
        enum change change;

        if (old == new)
            continue;
        m->stats.sync_changed++;
        written |= is_write(old, new);
        change = change_of(old, new, true);
        if (change != CHANGE_NONE)
            add_to_run(as, &run, base + i, change);
    }
    apply_change(as, &run);
    memcpy(copy, now, PAGE_SIZE);
    sync_done(m, t, written);
}

/* Directory D is another one, or none: all that came through it goes. */
static void drop_dir(struct mmu *m, struct aspace *as, uint32_t d)
{
    uint32_t n = 1u << aspace_slot_shift(as);

    for (uint32_t i = 0; i < n; i++)
        forget_slot(m, as, d * n + i);
    if (as->dir[d])
        table_give(m, as->dir[d]);
    as->dir[d] = SLOT_NONE;
}

static void sync_dir(struct mmu *m, struct aspace *as, uint32_t d)
{
    uint16_t t = as->dir[d];
    uint8_t *copy = table_copy(m, t);
    uint32_t n = 1u << aspace_slot_shift(as);
    bool pae = aspace_pae(as), written = false;
    const uint8_t *now = table_now(m, t);

    m->stats.sync_tables++;
    if (!now) {
        drop_dir(m, as, d);
        return;
    }
    if (!memcmp(copy, now, PAGE_SIZE)) {
        trace_unchanged(m, t);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t old = entry_at(copy, i, pae), new = entry_at(now, i, pae);

        if (old == new)
            continue;
        m->stats.sync_changed++;
        written |= is_write(old, new);
        if (change_of(old, new, false) != CHANGE_NONE)
            forget_slot(m, as, d * n + i);
    }
    memcpy(copy, now, PAGE_SIZE);
    sync_done(m, t, written);
}

void aspace_sync(struct mmu *m, struct aspace *as, const uint64_t pdpte[4])
{
    m->stats.syncs++;
    if (as->uncopied)
        aspace_forget(m, as);
    for (uint32_t d = 0; d < 4; d++) {
        if (as->pdpte[d] != pdpte[d])
            drop_dir(m, as, d);
        as->pdpte[d] = pdpte[d];
        if (!as->dir[d])
            continue;
        if (m->tables[as->dir[d]].cold)
            m->stats.sync_skipped++;
        else
            sync_dir(m, as, d);
    }
    m->stats.sync_skipped += as->used_count - as->warm_count;
    /* Backwards: one that is dropped or becomes cold leaves its place to the last warm one. */
    for (uint32_t i = as->warm_count; i-- > 0;)
        sync_table(m, as, as->used_slots[i]);
    aspace_unmap(as);
}
