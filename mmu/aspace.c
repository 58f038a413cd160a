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

static uint8_t *copy_of(const struct mmu *m, uint16_t table)
{
    return m->copies + ((size_t)table << PAGE_SHIFT);
}

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

/* ---- copies ---- */

static struct aspace *oldest_aspace(struct mmu *m, const struct aspace *keep)
{
    struct aspace *oldest = NULL;

    for (unsigned i = 0; i < m->window_count; i++) {
        struct aspace *as = &m->aspaces[i];

        if (as->used && as != m->cur && as != keep && (!oldest || as->stamp < oldest->stamp))
            oldest = as;
    }
    return oldest;
}

/* Copy the page-table page at PFN (RAM or ROM).  SLOT_NONE when no copies are left. */
static uint16_t take_table(struct mmu *m, struct aspace *as, uint32_t pfn)
{
    uint16_t t;

    while (!m->table_free && m->table_bump >= MAX_TABLES) {
        struct aspace *victim = oldest_aspace(m, as);

        if (!victim)
            return SLOT_NONE;
        aspace_free(m, victim);
    }
    t = m->table_free;
    if (t)
        m->table_free = m->tables[t].next;
    else
        t = m->table_bump++;
    m->tables[t].pfn = pfn;
    memcpy(copy_of(m, t), frame_ptr(m->phys, pfn), PAGE_SIZE);
    return t;
}

static void give_table(struct mmu *m, uint16_t t)
{
    m->tables[t].next = m->table_free;
    m->table_free = t;
}

static void release_slot(struct mmu *m, struct aspace *as, uint32_t slot)
{
    uint16_t t = as->slot[slot], last;

    if (t != SLOT_NONE && t != SLOT_LARGE) {
        last = as->used_slots[--as->used_count];
        as->used_slots[m->tables[t].position] = last;
        m->tables[as->slot[last]].position = m->tables[t].position;
        give_table(m, t);
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

static void drop_slot(struct mmu *m, struct aspace *as, uint32_t slot)
{
    unsigned shift = aspace_slot_shift(as);
    struct run all = {slot << shift, (slot + 1) << shift, CHANGE_DROP};

    if (as->slot[slot] == SLOT_NONE)
        return;
    apply_change(as, &all);
    release_slot(m, as, slot);
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
            give_table(m, as->dir[d]);
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
    return a->root == b->root && a->mode == b->mode && !memcmp(a->pdpte, b->pdpte, 32);
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
        empty = oldest_aspace(m, NULL);
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
    copy = copy_of(m, table);
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
        as->dir[d] = take_table(m, as, table_pfn(m, k->pde_pa));
    if (!as->dir[d])
        return false;
    old = entry_at(copy_of(m, as->dir[d]), i, pae);
    if (old != k->pde) {
        if (change_of(old, k->pde, false) != CHANGE_NONE)
            drop_slot(m, as, slot);
        set_entry(copy_of(m, as->dir[d]), i, pae, k->pde);
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
    t = take_table(m, as, pfn);
    if (!t)
        return false;
    as->slot[slot] = t;
    m->tables[t].position = (uint16_t)as->used_count;
    as->used_slots[as->used_count++] = (uint16_t)slot;
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

static bool gap_empty(const struct aspace *as, uint32_t first, uint32_t end)
{
    for (int v = 0; v < VIEWS; v++) {
        for (uint32_t page = first; as->window[v] && page < end; page++) {
            if (as->window[v]->map[page] & MAP_VALID)
                return false;
        }
    }
    return true;
}

static void add_to_run(struct aspace *as, struct run *run, uint32_t page, enum change change)
{
    if (run->first != run->end && run->change == change && page - run->end <= RUN_GAP &&
        gap_empty(as, run->end, page)) {
        run->end = page + 1;
        return;
    }
    apply_change(as, run);
    *run = (struct run){page, page + 1, change};
}

static void sync_table(struct mmu *m, struct aspace *as, uint32_t slot)
{
    struct table *table = &m->tables[as->slot[slot]];
    uint8_t *copy = copy_of(m, as->slot[slot]);
    uint32_t n = 1u << aspace_slot_shift(as), base = slot << aspace_slot_shift(as);
    bool pae = aspace_pae(as);
    struct run run = {0, 0, CHANGE_NONE};
    const uint8_t *now;

    m->stats.sync_tables++;
    if (!kind_has_page(frame_kind(m->phys->frame[table->pfn]))) {
        drop_slot(m, as, slot);
        return;
    }
    now = frame_ptr(m->phys, table->pfn);
    if (!memcmp(copy, now, PAGE_SIZE))
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t old = entry_at(copy, i, pae), new = entry_at(now, i, pae);
        enum change change;

        if (old == new)
            continue;
        m->stats.sync_changed++;
        change = change_of(old, new, true);
        if (change != CHANGE_NONE)
            add_to_run(as, &run, base + i, change);
    }
    apply_change(as, &run);
    memcpy(copy, now, PAGE_SIZE);
}

static void sync_dir(struct mmu *m, struct aspace *as, uint32_t d)
{
    struct table *table = &m->tables[as->dir[d]];
    uint8_t *copy = copy_of(m, as->dir[d]);
    uint32_t n = 1u << aspace_slot_shift(as);
    bool pae = aspace_pae(as);
    const uint8_t *now;

    m->stats.sync_tables++;
    if (!kind_has_page(frame_kind(m->phys->frame[table->pfn]))) {
        for (uint32_t i = 0; i < n; i++)
            drop_slot(m, as, d * 512 + i);
        give_table(m, as->dir[d]);
        as->dir[d] = SLOT_NONE;
        return;
    }
    now = frame_ptr(m->phys, table->pfn);
    if (!memcmp(copy, now, PAGE_SIZE))
        return;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t old = entry_at(copy, i, pae), new = entry_at(now, i, pae);

        if (old == new)
            continue;
        m->stats.sync_changed++;
        if (change_of(old, new, false) != CHANGE_NONE)
            drop_slot(m, as, d * 512 + i);
    }
    memcpy(copy, now, PAGE_SIZE);
}

void aspace_sync(struct mmu *m, struct aspace *as)
{
    m->stats.syncs++;
    if (as->uncopied)
        aspace_forget(m, as);
    for (uint32_t d = 0; d < 4; d++) {
        if (as->dir[d])
            sync_dir(m, as, d);
    }
    /* Backwards: dropping a slot moves the last one into its place. */
    for (uint32_t i = as->used_count; i-- > 0;) {
        if (i < as->used_count)
            sync_table(m, as, as->used_slots[i]);
    }
}
