/* What jump tables are made of, and how processes pass it on.
 *
 * A table's memory comes in parts of one host page, where something was entered first.  Code of a
 * program is sparse: a part is 1 KiB of it.  What a process leaves serves the next one, best of all
 * the next run of the same program: if that lies elsewhere, the parts move there. */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "translator/internal.h"

#define STATE_BYTES (TABLE_ENTRIES / TABLE_PART)
#define LINES_BYTES (TABLE_ENTRIES / TABLE_PART * sizeof(uint64_t))
#define LIST_BYTES  (MOST_PARTS * sizeof(uint32_t))
#define AREA_BYTES  (TABLE_BYTES + STATE_BYTES + LINES_BYTES + 2 * LIST_BYTES)
#define PART_BYTES  (TABLE_PART * sizeof(uint32_t))

enum { MOST_PARTS = 12288, MOST_PARTS_IN_ALL = 16384 };

/* Regions are 64 MiB of code, with their middles where systems put programs and libraries: at
 * multiples of 64 MiB, or below. */
enum { REGION_PARTS = (64 << 20) / TABLE_PART, ALL_PARTS = TABLE_ENTRIES / TABLE_PART };

static unsigned part_region(uint32_t part)
{
    return (part + REGION_PARTS / 2) / REGION_PARTS;
}

/* Written over rather than given back: the host's faults for fresh pages cost more.  A part has
 * nine lines with entries in the mean, of 64. */
void table_clear_part(struct jump_table *j, uint32_t part)
{
    uint32_t *entry = j->entry + (size_t)part * TABLE_PART;
    if (j->state[part] != PART_DIRTY)
        return;
    if (j->straight)
        straight_unset_part(j->straight, part);
    for (uint64_t lines = j->lines[part]; lines; lines &= lines - 1)
        memset(entry + __builtin_ctzll(lines) * TABLE_LINE, 0, TABLE_LINE * sizeof *entry);
    j->lines[part] = 0;
    j->state[part] = PART_ZEROED;
    j->dirty--;
    j->region[part_region(part)].dirty--;
}

/* PART of J will be cleared next. */
static void fetch_part(const struct jump_table *j, uint32_t part)
{
    const uint32_t *entry = j->entry + (size_t)part * TABLE_PART;
    for (uint64_t lines = j->lines[part]; lines; lines &= lines - 1)
        __builtin_prefetch(entry + __builtin_ctzll(lines) * TABLE_LINE, 1);
}

void table_clear(struct jump_table *j)
{
    if (j->straight)
        straight_end(j->straight);
    while (j->listed_count) {
        uint32_t part = j->listed[--j->listed_count];
        if (j->listed_count)
            fetch_part(j, j->listed[j->listed_count - 1]);
        table_clear_part(j, part);
        j->state[part] = PART_ZERO;
    }
}

/* The memory of a cleared table back to the host.  Of a file it is removed, and what is not can
 * only stay zero. */
static void give_back(struct translator *t, struct jump_table *j)
{
    table_clear(j);
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
        if (other->entry && other->held && other != j &&
            (oldest == j || other->used < oldest->used))
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
        /* The place to go to may be gone. */
        mmap(there, bytes, PROT_READ | PROT_WRITE, ANONYMOUS | MAP_FIXED, -1, 0);
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

/* Entries, states, lists of parts.  Where memory must be promised for what may be written to, a
 * file of holes does. */
bool table_reserve(struct jump_table *j)
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
    j->lines = (uint64_t *)(p + TABLE_BYTES + STATE_BYTES);
    j->parts = (uint32_t *)(p + TABLE_BYTES + STATE_BYTES + LINES_BYTES);
    j->listed = j->parts + MOST_PARTS;
    j->held = j->dirty = j->listed_count = j->begins = 0;
    memset(j->region, 0, sizeof j->region);
    return true;
}

void table_release(struct jump_table *j)
{
    munmap(j->entry, AREA_BYTES);
}

bool table_ended(const struct translator *t, const struct jump_table *j)
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
    if (free <= KEEP || !table_reserve(found))
        return NULL;
    found->mode = ~0u;
    found->was = mode;
    found->used = t->table_clock; /* what it gets in exchange was used just now */
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
    t->lower.begins = true;
    for (unsigned i = 0; i < JUMP_TABLES; i++) {
        struct jump_table *other = &t->tables[i];
        if (other->entry && !other->shared && (other->was & MODE_USER) &&
            fitness(other, eip) > fitness(best, eip) && table_ended(t, other))
            best = other;
    }
    if (j->begins && (best->last ^ eip) % PAGE_SIZE) {
        struct jump_table *fresh = spare(t, j->mode);
        best = fresh ? fresh : best;
    }
    if (best != j) {
        table_clear(best);
        memcpy(aside, &j->entry, BYTES);
        memcpy(&j->entry, &best->entry, BYTES);
        memcpy(&best->entry, aside, BYTES);
        t->rt->table = (uintptr_t)j->entry;
    }
    j->last = eip;
}

/* PART of J gets its first entry since it was clear. */
static void begin_part(struct translator *t, struct jump_table *j, uint32_t part)
{
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
    j->state[part] = PART_DIRTY;
    j->dirty++;
    region->dirty++;
    region->most = region->dirty > region->most ? region->dirty : region->most;
}

void table_set(struct translator *t, struct jump_table *j, uint32_t eip, uint32_t value)
{
    uint32_t part = eip / TABLE_PART;
    if (j->state[part] != PART_DIRTY)
        begin_part(t, j, part);
    if (j->straight && j->entry[eip] && j->entry[eip] != value)
        straight_unset(t, eip);
    j->lines[part] |= table_line(eip);
    j->entry[eip] = value;
    if (j->straight)
        straight_set(t, eip);
}
