/* Jump tables: what indirect jumps, returns and jumps across pages go through.
 *
 * A table belongs to one window, one mode and one code segment limit, has a place for every EIP,
 * and holds cache offsets of block entries.  So a jump is a load and an indirect jump, without a
 * hash and without a comparison where it arrives.  An empty entry is 0, the miss stub's offset: a
 * fresh table needs no filling. */
#define _GNU_SOURCE
#include <string.h>

#include <sys/mman.h>

#include "translator/internal.h"

enum { SHARED_PAGES_BYTES = PHYS_FRAMES / 8 };

static bool nolimit(const struct segment *s, bool code)
{
    uint32_t type = s->access & (AR_CODE | AR_EXPAND_DOWN | AR_READABLE);
    if (!s->usable || !(s->access & AR_P) || s->limit != 0xFFFFFFFF)
        return false;
    if (code)
        return (s->access & (AR_CODE | AR_READABLE)) == (AR_CODE | AR_READABLE);
    return type == AR_WRITABLE;
}

enum seg_class mode_segment_class(const struct cpu *cpu, unsigned seg)
{
    const struct segment *s = &cpu->seg[seg];
    bool open = nolimit(s, seg == SEG_CS && (cpu->cr0 & CR0_PE));
    return !open ? SEG_CHECKED : s->base ? SEG_BASED : SEG_FLAT;
}

/* SDM vol. 3A 20.1.1: a load in real mode makes the segment present and usable, with DPL 0. */
static bool real_segments(const struct cpu *cpu)
{
    static const uint8_t loaded[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < sizeof loaded; i++) {
        const struct segment *s = &cpu->seg[loaded[i]];
        if (!s->usable || (s->access & (AR_P | AR_S | AR_DPL)) != (AR_P | AR_S))
            return false;
    }
    return !(cpu->cr0 & CR0_PE);
}

uint32_t mode_compute(const struct cpu *cpu)
{
    uint32_t mode = 0;
    bool v86 = cpu_v86(cpu);
    mode |= cpu->seg[SEG_CS].access & AR_DB ? MODE_CODE32 : 0;
    mode |= cpu->seg[SEG_SS].access & AR_DB ? MODE_STACK32 : 0;
    mode |= cpu->cpl == 3 ? MODE_USER : 0;
    mode |= cpu->cpl == 0 && !v86 ? MODE_RING0 : 0;
    mode |= v86 ? MODE_V86 : 0;
    mode |= cpu->cr0 & CR0_PE ? MODE_PE : 0;
    mode |= cpu->cr0 & CR0_TS ? MODE_TS : 0;
    mode |= cpu->cr0 & CR0_EM ? MODE_EM : 0;
    mode |= cpu->cr0 & CR0_MP ? MODE_MP : 0;
    mode |= cpu->cr4 & CR4_OSFXSR ? MODE_OSFXSR : 0;
    mode |= cpu->ymm_on ? MODE_AVX : 0;
    mode |= v86 || real_segments(cpu) ? MODE_REAL_SEGS : 0;
    /* Alignment checks are made by hand: the host's own would hit the VMM as well. */
    bool align = cpu->cpl == 3 && (cpu->flags_sys & FLAG_AC) && (cpu->cr0 & CR0_AM);
    mode |= align ? MODE_WATCH : 0;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        mode |= (uint32_t)mode_segment_class(cpu, s) << (MODE_SEG_SHIFT + 2 * s);
    return mode;
}

static bool serves(const struct jump_table *j, const struct translator *t,
                   const struct window *window, uint32_t cs_limit)
{
    return j->entry && j->window == window && j->shared == t->shared && j->mode == t->mode &&
           j->cs_limit == cs_limit;
}

/* A table for a user's window that has none in this mode: that of a process that has ended.  NULL:
 * there is none. */
static struct jump_table *inherit(struct translator *t, const struct window *window)
{
    if (!window || !(t->mode & MODE_USER))
        return NULL;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->entry && !j->shared && j->was == t->mode && j != t->current && table_ended(t, j))
            return j;
    }
    return NULL;
}

static struct jump_table *table_find(struct translator *t, uint32_t cs_limit)
{
    struct jump_table *oldest = &t->tables[0], *now = t->current;
    struct window *window = t->shared ? NULL : t->window;
    if (now && serves(now, t, window, cs_limit))
        return now;
    uint32_t where = window ? window_id(window) : 0;
    uint8_t *way = table_way(t, t->mode, where);
    if (serves(&t->tables[*way], t, window, cs_limit))
        return &t->tables[*way];
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (serves(j, t, window, cs_limit)) {
            *way = (uint8_t)i;
            return j;
        }
        if (j->used < oldest->used)
            oldest = j;
    }
    struct jump_table *heir = inherit(t, window);
    if (heir)
        oldest = heir;
    if (oldest->entry)
        table_clear(oldest);
    else if (!table_reserve(oldest))
        return NULL;
    oldest->window = window;
    oldest->shared = t->shared;
    oldest->mode = oldest->was = t->mode;
    oldest->cs_limit = cs_limit;
    *way = (uint8_t)(oldest - t->tables);
    return oldest;
}

static void clear_shared(struct translator *t)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].shared)
            table_clear(&t->tables[i]);
    t->local_of = NULL;
    cache_unlink_far(t, 0, true);
    madvise(t->shared_pages, SHARED_PAGES_BYTES, MADV_DONTNEED);
}

static void note_shared(struct translator *t, uint32_t lin)
{
    uint32_t page = lin >> PAGE_SHIFT;
    t->shared_pages[page / 32] |= 1u << page % 32;
    if (!t->local_of && !mmu_is_global(t->mmu, lin))
        t->local_of = t->window;
}

void table_enter(struct translator *t, const struct tb *tb)
{
    struct jump_table *j = t->current;
    uint32_t lin = tb->cs_base + tb->eip;
    if (!j)
        return;
    if (j->shared) {
        note_shared(t, lin);
        if (tb->phys2 != ~0u)
            note_shared(t, (lin | (PAGE_SIZE - 1)) + 1);
    }
    table_set(t, j, tb->eip, tb->entry);
}

void table_enter_page(struct translator *t, uint32_t eip, const struct member *m, uint32_t count)
{
    struct jump_table *j = t->current;
    for (uint32_t i = 0; i < count; i++) /* nearly each has a line of the host's cache to itself */
        __builtin_prefetch(&j->entry[eip + m[i].offset], 1);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = eip + m[i].offset;
        if (!table_holds(j, at) || !j->entry[at])
            table_set(t, j, at, m[i].entry);
    }
}

static void forget_entry(struct jump_table *j, uint32_t eip)
{
    if (j->straight)
        straight_unset(j->straight, eip);
    j->entry[eip] = 0;
}

void table_leave_page(struct jump_table *j, uint32_t eip, const struct member *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = eip + m[i].offset;
        if (table_holds(j, at) && j->entry[at] == m[i].entry)
            forget_entry(j, at);
    }
}

void table_select(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    t->window = mmu_window(t->mmu, cpu->cpl == 3);
    t->shared = cpu->cpl < 3 && (cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PGE);
    if (t->shared && t->local_of && t->local_of != t->window)
        clear_shared(t);
    t->mode = mode_compute(cpu);
    cpu->mode_changed = 0;
    struct jump_table *j = table_find(t, cpu->seg[SEG_CS].limit);
    if (straight_ends(&t->straight, j, t->mode))
        straight_yield(t);
    t->current = j; /* NULL, no memory: everything misses */
    if (j)
        j->used = ++t->table_clock;
    t->rt->table = (uintptr_t)(j ? j->entry : t->zero_table);
    t->rt->window = (uintptr_t)window_base(t->window);
    t->stats.table_switches++;
}

static void forget_page(struct jump_table *j, uint32_t page)
{
    uint32_t first = (page << PAGE_SHIFT) / TABLE_PART;
    for (uint32_t i = 0; i < PAGE_SIZE / TABLE_PART; i++)
        table_clear_part(j, first + i);
}

/* EIP is the linear address only in flat code; elsewhere the whole table goes. */
static void forget_pages(struct jump_table *j, uint32_t lin_page, uint32_t count)
{
    if (!j->dirty)
        return;
    if (mode_seg(j->mode, SEG_CS) != SEG_FLAT || count >= 16) {
        table_clear(j);
        return;
    }
    for (uint32_t i = 0; i <= count; i++) /* blocks that reach into the page, too */
        forget_page(j, lin_page - 1 + i);
}

void table_on_exec_drop(void *opaque, struct window *w, uint32_t lin_page, uint32_t count)
{
    struct translator *t = opaque;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->entry && (j->shared ? t->local_of == w : j->window == w))
            forget_pages(j, lin_page, count);
    }
}

void table_on_global_drop(void *opaque, uint32_t lin_page, uint32_t count)
{
    struct translator *t = opaque;
    if (count >= 16) {
        clear_shared(t);
        return;
    }
    for (uint32_t p = lin_page; p < lin_page + count; p++) {
        if (!(t->shared_pages[p / 32] & 1u << p % 32))
            continue;
        cache_unlink_far(t, p, false);
        for (unsigned i = 0; i < JUMP_TABLES; i++)
            if (t->tables[i].entry && t->tables[i].shared)
                forget_pages(&t->tables[i], p, 1);
    }
}

void table_on_window_gone(void *opaque, struct window *w)
{
    struct translator *t = opaque;
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].window == w && !t->tables[i].shared) {
            table_clear(&t->tables[i]);
            t->tables[i].window = NULL;
            t->tables[i].mode = ~0u; /* serves nobody */
            t->tables[i].used = 0;
        }
    if (t->local_of == w)
        clear_shared(t);
    if (t->window == w)
        t->window = NULL;
}

void table_forget_block(struct translator *t, const struct tb *tb)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->mode == tb->mode && table_holds(j, tb->eip) && j->entry[tb->eip] == tb->entry)
            forget_entry(j, tb->eip);
    }
}

bool table_init(struct translator *t)
{
    void *zero =
        mmap(NULL, TABLE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *pages = mmap(NULL, SHARED_PAGES_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    t->zero_table = zero == MAP_FAILED ? NULL : zero;
    t->shared_pages = pages == MAP_FAILED ? NULL : pages;
    return t->zero_table && t->shared_pages;
}

void table_free(struct translator *t)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].entry)
            table_release(&t->tables[i]);
    if (t->zero_table)
        munmap(t->zero_table, TABLE_BYTES);
    if (t->shared_pages)
        munmap(t->shared_pages, SHARED_PAGES_BYTES);
}

void table_clear_all(struct translator *t)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        table_clear(&t->tables[i]);
}
