/* Jumps between the pages of a process that runs long.
 *
 * Code of other pages is reached by the jump table, as blocks serve every process that maps them.
 * While one process runs alone, its crossings (direct jumps to other pages) go straight to what
 * its table holds: the load of the entry is written over with a jump.  The invariant: where a
 * crossing is linked, the owner's entry for its EIP is the block that it jumps to, and no other
 * table of that mode is the present one.  So all are unlinked when another becomes it, and those
 * to an entry before that changes. */
#include <string.h>

#include "ringer/trace.h"
#include "translator/internal.h"

enum {
    MOV = 6, /* mov r8d, imm32 in front of the load */
    JMP = 0xE9,
    PATCH = 5,
};

/* A process is taken for one that runs long when kicks have found it alone for so many ns, at the
 * least and, where processes have taken turns, at the most.  It gains by it in blocks that have
 * crossings: the time in these, as kicks tell it, has to be so many times what linking them will
 * take, as the process may end at once. */
#define PAUSE_MIN 12000000ull
#define PAUSE_MAX 2000000000ull
enum { WORTH_BEGINNING = 10, WORTH_AGAIN = 64, PART_COST = 2000 };

void straight_init(struct translator *t)
{
    struct straight *s = &t->straight;
    s->pause = PAUSE_MIN;
    s->part_cost = PART_COST;
    memset(s->head, 0xFF, sizeof s->head);
}

static uint32_t *head_of(struct straight *s, uint32_t part)
{
    return &s->head[part * 0x9E3779B1u >> (32 - CROSSING_BITS)];
}

/* ---- the code ---- */

/* The place of the crossing whose EIP is TB's relocation I, 0 when it is none. */
static uint32_t crossing_at(const struct translator *t, const struct tb *tb, uint32_t i)
{
    static const uint8_t mov[] = {0x41, 0xB8};
    uint32_t at = tb->code + t->relocs[tb->relocs + i].host + 4;
    const uint8_t *code = t->rw + at;
    uint8_t jump[TABLE_JUMP];
    table_jump_code(table_jump(JUMP_CROSS_PAGE), jump);
    bool found = !memcmp(code - MOV, mov, sizeof mov) &&
                 !memcmp(code + PATCH, jump + PATCH, TABLE_JUMP - PATCH) &&
                 (*code == JMP || !memcmp(code, jump, PATCH));
    return found ? at : 0;
}

static bool linked(const struct translator *t, uint32_t at)
{
    return t->rw[at] == JMP;
}

static void unlink_at(struct translator *t, uint32_t at)
{
    uint8_t jump[TABLE_JUMP];
    table_jump_code(table_jump(JUMP_CROSS_PAGE), jump);
    memcpy(t->rw + at, jump, PATCH);
}

/* Let the crossing at AT, of block FROM, go to what the owner's table has for EIP, if it has. */
static void link_at(struct translator *t, uint32_t at, const struct tb *from, uint32_t eip)
{
    const struct jump_table *j = t->straight.owner;
    uint32_t entry = table_holds(j, eip) ? j->entry[eip] : 0;
    if (!entry || linked(t, at))
        return;
    const struct tb *to = from->uses_fpu ? cache_at(t, entry) : NULL;
    if (to && to->direct == entry) /* else it goes on on another page */
        entry = to->direct_live;
    t->rw[at] = JMP;
    cache_patch(t, at + 1, entry);
    t->stats.straight++;
}

static uint32_t crossing_eip(const struct translator *t, uint32_t at)
{
    uint32_t eip;
    memcpy(&eip, t->rw + at - sizeof eip, sizeof eip);
    return eip;
}

/* ---- the list ---- */

/* The crossings of TB, which runs in the owner's table. */
static void add_block(struct translator *t, struct tb *tb)
{
    struct straight *s = &t->straight;
    if (tb->straight || s->count + tb->reloc_count > CROSSINGS)
        return;
    tb->straight = true;
    for (uint32_t i = 0; i < tb->reloc_count; i++) {
        uint32_t at = crossing_at(t, tb, i);
        if (!at)
            continue;
        uint32_t eip = crossing_eip(t, at), *head = head_of(s, eip / TABLE_PART);
        s->list[s->count] = (struct crossing){at, eip, (uint32_t)(tb - t->tbs), *head};
        *head = s->count++;
        link_at(t, at, tb, eip);
    }
}

static void add_entry(struct translator *t, uint32_t entry)
{
    struct tb *tb = cache_at(t, entry);
    if (tb && tb->crossings)
        add_block(t, tb);
}

void straight_set(struct translator *t, uint32_t eip)
{
    struct straight *s = &t->straight;
    for (uint32_t i = *head_of(s, eip / TABLE_PART); i != ~0u; i = s->list[i].next)
        if (s->list[i].eip == eip)
            link_at(t, s->list[i].at, &t->tbs[s->list[i].tb], eip);
    add_entry(t, s->owner->entry[eip]);
}

/* Unlink those to COUNT EIPs from FIRST on, all in one part. */
static void unlink_those(struct translator *t, uint32_t first, uint32_t count)
{
    struct straight *s = &t->straight;
    for (uint32_t i = *head_of(s, first / TABLE_PART); i != ~0u; i = s->list[i].next)
        if (s->list[i].eip - first < count)
            unlink_at(t, s->list[i].at);
}

void straight_unset(struct translator *t, uint32_t eip)
{
    unlink_those(t, eip, 1);
}

void straight_unset_part(struct translator *t, uint32_t part)
{
    unlink_those(t, part * TABLE_PART, TABLE_PART);
}

/* ---- beginning and ending ---- */

static void add_part(struct translator *t, uint32_t part)
{
    const struct jump_table *j = t->straight.owner;
    const uint32_t *first = j->entry + (size_t)part * TABLE_PART;
    for (uint64_t lines = j->lines[part]; lines; lines &= lines - 1) {
        const uint32_t *entry = first + __builtin_ctzll(lines) * TABLE_LINE;
        for (unsigned i = 0; i < TABLE_LINE; i++)
            if (entry[i])
                add_entry(t, entry[i]);
    }
}

static void begin(struct translator *t, struct jump_table *j)
{
    struct straight *s = &t->straight;
    s->owner = j;
    j->straight = t;
    s->began = trace_now();
    for (unsigned i = 0; i < j->listed_count; i++)
        if (j->state[j->listed[i]] == PART_DIRTY)
            add_part(t, j->listed[i]);
    s->cost = trace_now() - s->began;
    if (j->dirty)
        s->part_cost = s->cost / j->dirty;
}

/* Does nobody watch or count single jumps? */
static bool allowed(const struct translator *t)
{
    return !t->verify && !t->observer.exact && !t->hooks.count && !t->options.exec_count &&
           !log_on(t->log, LOG_EXEC);
}

/* A kick found the guest in table J: is its process one that runs long? */
static bool runs_long(struct translator *t, const struct jump_table *j)
{
    enum { IN_CROSSING = 2 };
    struct straight *s = &t->straight;
    uint64_t now = trace_now();
    if (j != s->seen) {
        s->seen = j;
        s->since = now;
        s->kicks = s->in_crossing = 0;
    }
    s->kicks++;
    uint64_t passed = now - s->since, cost = s->part_cost * j->dirty;
    bool gains = s->in_crossing >= IN_CROSSING &&
                 passed * s->in_crossing / s->kicks >= cost * WORTH_BEGINNING;
    return (gains && passed >= s->pause) || t->options.long_at_once;
}

/* What kicks have unlinked. */
static void go_on(struct translator *t)
{
    struct straight *s = &t->straight;
    if (s->stopped_count > STOPPED_BLOCKS) {
        straight_end(t);
        return;
    }
    while (s->stopped_count) {
        const struct tb *tb = &t->tbs[s->stopped[--s->stopped_count]];
        for (uint32_t i = 0; i < tb->reloc_count; i++) {
            uint32_t at = crossing_at(t, tb, i);
            if (at)
                link_at(t, at, tb, crossing_eip(t, at));
        }
    }
}

void straight_after_kick(struct translator *t)
{
    struct jump_table *j = t->current;
    if (t->straight.stopped_count)
        go_on(t);
    if (!j || j->shared || !rebase_movable_mode(j->mode) || j == t->straight.owner || !allowed(t))
        return;
    if (runs_long(t, j)) {
        straight_end(t);
        begin(t, j);
    }
}

void straight_end(struct translator *t)
{
    struct straight *s = &t->straight;
    if (!s->owner)
        return;
    for (uint32_t i = 0; i < s->count; i++) {
        unlink_at(t, s->list[i].at);
        t->tbs[s->list[i].tb].straight = false;
        *head_of(s, s->list[i].eip / TABLE_PART) = ~0u;
    }
    s->count = s->stopped_count = 0;
    s->owner->straight = NULL;
    s->owner = NULL;
    s->seen = NULL;
    t->stats.straight_ends++;
}

void straight_yield(struct translator *t)
{
    struct straight *s = &t->straight;
    bool paid = table_ended(t, s->owner) || trace_now() - s->began >= s->cost * WORTH_AGAIN;
    if (paid)
        s->pause = s->pause / 2 < PAUSE_MIN ? PAUSE_MIN : s->pause / 2;
    else
        s->pause = s->pause * 2 > PAUSE_MAX ? PAUSE_MAX : s->pause * 2;
    straight_end(t);
}

void straight_stop(struct translator *t, const struct tb *tb)
{
    struct straight *s = &t->straight;
    bool any = false;
    if (!tb->straight) {
        s->in_crossing += tb->crossings && rebase_movable_mode(tb->mode);
        return;
    }
    for (uint32_t i = 0; i < tb->reloc_count; i++) {
        uint32_t at = crossing_at(t, tb, i);
        if (!at || !linked(t, at))
            continue;
        unlink_at(t, at);
        any = true;
    }
    if (!any)
        return;
    if (s->stopped_count < STOPPED_BLOCKS)
        s->stopped[s->stopped_count] = (uint32_t)(tb - t->tbs);
    s->stopped_count += s->stopped_count <= STOPPED_BLOCKS;
}
