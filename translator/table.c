/* Jump tables: what indirect jumps, returns and jumps across pages go through.
 *
 * A table belongs to one window, one mode and one code segment limit, has a place for every EIP, and
 * holds cache offsets of block entries.  So a jump is a load and an indirect jump, without a hash and
 * without a comparison where it arrives.  An empty entry is 0, the miss stub's offset: a fresh table
 * needs no filling, and takes memory only where something was entered, in parts of one host page. */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "translator/internal.h"

#define TABLE_BYTES (TABLE_ENTRIES * sizeof(uint32_t))
#define STATE_BYTES (TABLE_ENTRIES / TABLE_PART)
#define LIST_BYTES  (MOST_PARTS * sizeof(uint32_t))
#define AREA_BYTES  (TABLE_BYTES + STATE_BYTES + 2 * LIST_BYTES)
#define PART_BYTES  (TABLE_PART * sizeof(uint32_t))

/* Code of a program is sparse: a part is 1 KiB of it, and 4 KiB of memory. */
enum { MOST_PARTS = 12288, MOST_PARTS_IN_ALL = 16384, SHARED_PAGES_BYTES = PHYS_FRAMES / 8 };

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

/* ---- parts ---- */

/* Regions are 64 MiB of code, with their middles where systems put programs and libraries: at
 * multiples of 64 MiB, or below. */
enum { REGION_PARTS = (64 << 20) / TABLE_PART, ALL_PARTS = TABLE_ENTRIES / TABLE_PART };

static unsigned part_region(uint32_t part)
{
    return (part + REGION_PARTS / 2) / REGION_PARTS;
}

/* Written over rather than given back: the host's faults for fresh pages cost more. */
static void clear_part(struct jump_table *j, uint32_t part)
{
    if (j->state[part] != PART_DIRTY)
        return;
    memset(j->entry + (size_t)part * TABLE_PART, 0, PART_BYTES);
    j->state[part] = PART_ZEROED;
    j->dirty--;
    j->region[part_region(part)].dirty--;
}

static void clear(struct jump_table *j)
{
    while (j->listed_count) {
        uint32_t part = j->listed[--j->listed_count];
        clear_part(j, part);
        j->state[part] = PART_ZERO;
    }
}

/* The memory of a cleared table back to the host.  Of a file it is removed, and what is not can only
 * stay zero. */
static void give_back(struct translator *t, struct jump_table *j)
{
    clear(j);
    for (unsigned i = 0; i < j->held; i++)
        j->state[j->parts[i]] = PART_ABSENT;
    t->held_parts -= j->held;
    j->held = 0;
    if (madvise(j->entry, TABLE_BYTES, MADV_REMOVE) != 0)
        madvise(j->entry, TABLE_BYTES, MADV_DONTNEED);
}

/* A page of the host's for one more part of J: the table not used for longest gives up its own. */
static void make_room(struct translator *t, struct jump_table *j)
{
    struct jump_table *oldest = j;
    if (j->held < MOST_PARTS && t->held_parts < MOST_PARTS_IN_ALL)
        return;
    for (unsigned i = 0; i < JUMP_TABLES && j->held < MOST_PARTS; i++) {
        struct jump_table *other = &t->tables[i];
        if (other->entry && other->held && other != j && (oldest == j || other->used < oldest->used))
            oldest = other;
    }
    give_back(t, oldest);
}

/* ---- moving parts ---- */

/* What of a region moves, by so much to either side: a single mapping of the host's. */
enum { MARGIN = (2 << 20) / TABLE_PART };

static void region_core(unsigned region, uint32_t *first, uint32_t *count)
{
    int32_t begin = (int32_t)(region * REGION_PARTS) - REGION_PARTS / 2, end = begin + REGION_PARTS;
    begin = begin < 0 ? 0 : begin;
    end = end > (int32_t)ALL_PARTS ? (int32_t)ALL_PARTS : end;
    *first = (uint32_t)(begin + MARGIN);
    *count = (uint32_t)(end - begin - 2 * MARGIN);
}

/* Are all held parts of REGION among the COUNT from FIRST on? */
static bool region_within(const struct jump_table *j, unsigned region, uint32_t first,
                          uint32_t count)
{
    for (unsigned i = 0; i < j->held; i++)
        if (part_region(j->parts[i]) == region && j->parts[i] - first >= count)
            return false;
    return true;
}

/* The host's pages of COUNT parts from FIRST on to where TO is, by way of a place of their own as
 * the two overlap.  What they leave is zero.  False: nothing has moved, or all is zero. */
static bool move_pages(struct jump_table *j, uint32_t first, uint32_t count, uint32_t to)
{
    enum {
        MOVE = MREMAP_MAYMOVE | MREMAP_FIXED,
        ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    };
    size_t bytes = count * PART_BYTES;
    uint8_t *from = (uint8_t *)j->entry + first * PART_BYTES;
    uint8_t *there = (uint8_t *)j->entry + to * PART_BYTES;
    void *aside = mmap(NULL, bytes, PROT_NONE, ANONYMOUS, -1, 0);
    if (aside == MAP_FAILED)
        return false;
    if (mremap(from, bytes, bytes, MOVE | MREMAP_DONTUNMAP, aside) == MAP_FAILED ||
        mremap(aside, bytes, bytes, MOVE, there) == MAP_FAILED) {
        munmap(aside, bytes);
        mmap(there, bytes, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED, -1,
             0); /* if it is gone */
        return false;
    }
    return true;
}

static void shift_numbers(uint32_t *part, unsigned count, unsigned region, int32_t delta)
{
    for (unsigned i = 0; i < count; i++)
        if (part_region(part[i]) == region)
            part[i] += (uint32_t)delta;
}

/* REGION of J, which is all zero, DELTA parts up. */
static void move_region(struct jump_table *j, unsigned region, int32_t delta)
{
    int32_t shift = j->region[region].shift + delta;
    uint32_t first, count;
    region_core(region, &first, &count);
    uint32_t from = first + (uint32_t)j->region[region].shift, to = first + (uint32_t)shift;
    if (shift < -MARGIN || shift > MARGIN || !region_within(j, region, from, count))
        return;
    if (!move_pages(j, from, count, to)) {
        j->movable = false;
        return;
    }
    j->region[region].shift = (int16_t)shift;
    memmove(j->state + to, j->state + from, count);
    if (delta > 0)
        memset(j->state + from, PART_ABSENT, (uint32_t)delta);
    else
        memset(j->state + to + count, PART_ABSENT, (uint32_t)-delta);
    shift_numbers(j->parts, j->held, region, delta);
    shift_numbers(j->listed, j->listed_count, region, delta);
    for (unsigned i = 0; i < TABLE_BEGINS && i < j->begins; i++)
        if (part_region(j->begin[i] / TABLE_PART) == region)
            j->begin[i] += (uint32_t)delta * TABLE_PART;
}

/* Is the region likely to be used so much that to move it costs less than fresh memory?  That is a
 * tenth of a millisecond and more, and a part some microseconds. */
static bool worth_moving(struct table_region *r)
{
    enum { MANY = 256 };
    uint16_t faded = r->usual - r->usual / 4;
    r->usual = r->most > faded ? r->most : faded;
    r->most = 0;
    return r->usual >= MANY;
}

/* A process enters its first block in the region of EIP.  Where another began at the same place of
 * a program or its loader, only that at another address, the parts move so that what this one will
 * enter falls on those that the other had: fresh memory costs more than all the rest. */
static void align(struct jump_table *j, uint32_t eip)
{
    unsigned region = part_region(eip / TABLE_PART);
    bool worth = worth_moving(&j->region[region]);
    for (unsigned i = 0; i < TABLE_BEGINS && i < j->begins; i++) {
        uint32_t away = eip - j->begin[i];
        if (part_region(j->begin[i] / TABLE_PART) != region || away % PAGE_SIZE)
            continue;
        if (away && worth)
            move_region(j, region, (int32_t)away / TABLE_PART);
        return;
    }
    j->begin[j->begins++ % TABLE_BEGINS] = eip;
}

/* A table's address space: entries, states, lists of parts.  Where memory must be promised for what
 * may be written to, a file of holes does. */
static bool reserve(struct jump_table *j)
{
    enum { PROTECTION = PROT_READ | PROT_WRITE };
    uint8_t *p =
        mmap(NULL, AREA_BYTES, PROTECTION, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    j->movable = p != MAP_FAILED;
    if (p == MAP_FAILED) {
        int fd = memfd_create("ringer-jumps", MFD_CLOEXEC);
        if (fd < 0 || ftruncate(fd, (off_t)AREA_BYTES) < 0)
            p = MAP_FAILED;
        else
            p = mmap(NULL, AREA_BYTES, PROTECTION, MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (fd >= 0)
            close(fd);
    }
    if (p == MAP_FAILED)
        return false;
    j->entry = (uint32_t *)p;
    j->state = p + TABLE_BYTES;
    j->parts = (uint32_t *)(p + TABLE_BYTES + STATE_BYTES);
    j->listed = j->parts + MOST_PARTS;
    j->held = j->dirty = j->listed_count = j->begins = 0;
    memset(j->region, 0, sizeof j->region);
    return true;
}

/* Has the process of J ended, as far as one can see? */
static bool ended(const struct translator *t, const struct jump_table *j)
{
    return !j->window || mmu_standing(t->mmu, j->window, j->since) == MMU_NOWHERE;
}

/* How well the memory of J serves a process that begins at EIP: best where the last one began at
 * the same place, else by size. */
static unsigned fitness(const struct jump_table *j, uint32_t eip)
{
    return j->held + ((j->last ^ eip) % PAGE_SIZE == 0 ? MOST_PARTS + 1 : 0);
}

/* New memory, in a table that serves nobody; NULL: there is none. */
static struct jump_table *spare(struct translator *t, uint32_t mode)
{
    enum { KEEP = JUMP_TABLES / 2 };
    struct jump_table *found = NULL;
    unsigned free = 0;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        if (t->tables[i].entry)
            continue;
        found = &t->tables[i];
        free++;
    }
    if (free <= KEEP || !reserve(found))
        return NULL;
    found->mode = ~0u;
    found->was = mode;
    return found;
}

/* The first block of a process in J, which is all zero: J gets the memory that serves it best, of
 * those tables whose processes have ended.  Each place where processes begin has memory of its own,
 * as far as it goes: that of a program is none for what a shell's child does before that. */
static void begin_process(struct translator *t, struct jump_table *j)
{
    enum {
        MEMORY = offsetof(struct jump_table, entry),
        BYTES = sizeof(struct jump_table) - MEMORY
    };
    uint8_t aside[BYTES];
    uint32_t eip = t->cpu->eip;
    struct jump_table *best = j;
    j->since = eip;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *other = &t->tables[i];
        if (other->entry && !other->shared && (other->was & MODE_USER) &&
            fitness(other, eip) > fitness(best, eip) && ended(t, other))
            best = other;
    }
    if (j->begins && (best->last ^ eip) % PAGE_SIZE) {
        struct jump_table *fresh = spare(t, j->mode);
        best = fresh ? fresh : best;
    }
    if (best != j) {
        clear(best);
        memcpy(aside, &j->entry, BYTES);
        memcpy(&j->entry, &best->entry, BYTES);
        memcpy(&best->entry, aside, BYTES);
        t->rt->table = (uintptr_t)j->entry;
    }
    j->last = eip;
}

static void set_entry(struct translator *t, struct jump_table *j, uint32_t eip, uint32_t value)
{
    uint32_t part = eip / TABLE_PART;
    if (!j->dirty && (j->mode & MODE_USER))
        begin_process(t, j);
    struct table_region *region = &j->region[part_region(part)];
    if (j->movable && !region->dirty && (j->mode & MODE_USER))
        align(j, t->cpu->eip);
    if (j->state[part] == PART_ABSENT) {
        make_room(t, j);
        j->parts[j->held++] = part;
        t->held_parts++;
        j->state[part] = PART_ZERO;
    }
    if (j->state[part] == PART_ZERO)
        j->listed[j->listed_count++] = part;
    if (j->state[part] != PART_DIRTY) {
        j->dirty++;
        region->dirty++;
        region->most = region->dirty > region->most ? region->dirty : region->most;
    }
    j->state[part] = PART_DIRTY;
    j->entry[eip] = value;
}

/* ---- tables ---- */

/* A table for a user's window that has none in this mode: that of a process that has ended.  NULL:
 * there is none. */
static struct jump_table *inherit(struct translator *t, const struct window *window)
{
    if (!window || !(t->mode & MODE_USER))
        return NULL;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *j = &t->tables[i];
        if (j->entry && !j->shared && j->was == t->mode && j != t->current && ended(t, j))
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
        clear(oldest);
    else if (!reserve(oldest))
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
            clear(&t->tables[i]);
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
    set_entry(t, j, tb->eip, tb->entry);
}

void table_enter_page(struct translator *t, uint32_t eip, const struct member *m, uint32_t count)
{
    struct jump_table *j = t->current;
    for (uint32_t i = 0; i < count; i++)
        if (!table_holds(j, eip + m[i].offset) || !j->entry[eip + m[i].offset])
            set_entry(t, j, eip + m[i].offset, m[i].entry);
}

void table_leave_page(struct jump_table *j, uint32_t eip, const struct member *m, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = eip + m[i].offset;
        if (table_holds(j, at) && j->entry[at] == m[i].entry)
            j->entry[at] = 0;
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
        clear_part(j, first + i);
}

/* EIP is the linear address only in flat code; elsewhere the whole table goes. */
static void forget_pages(struct jump_table *j, uint32_t lin_page, uint32_t count)
{
    if (!j->dirty)
        return;
    if (mode_seg(j->mode, SEG_CS) != SEG_FLAT || count >= 16) {
        clear(j);
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
            clear(&t->tables[i]);
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
            j->entry[tb->eip] = 0;
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
            munmap(t->tables[i].entry, AREA_BYTES);
    if (t->zero_table)
        munmap(t->zero_table, TABLE_BYTES);
    if (t->shared_pages)
        munmap(t->shared_pages, SHARED_PAGES_BYTES);
}

void table_clear_all(struct translator *t)
{
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        clear(&t->tables[i]);
}
