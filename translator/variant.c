/* Variants: the blocks of a physical page as they are for one linear address and mode, in lists in
 * the order of their places in the page.
 *
 * The lists lie in one array, in pieces of 2^n members.  A piece that becomes too small goes to a
 * list of free ones of its size. */
#include <string.h>

#include "translator/internal.h"

enum { SMALLEST = 2 /* pieces have at least 4 members */ };

static uint32_t piece_take(struct translator *t, unsigned order)
{
    uint32_t first = t->free_members[order];
    if (first) {
        t->free_members[order] = t->members[first].tb;
        return first;
    }
    if (t->member_max - t->member_count < 1u << order)
        return 0;
    first = t->member_count;
    t->member_count += 1u << order;
    return first;
}

static void piece_give(struct translator *t, uint32_t first, unsigned order)
{
    if (!first)
        return;
    t->members[first].tb = t->free_members[order];
    t->free_members[order] = first;
}

/* Room for COUNT members in V; false: there is no memory, and V is as it was. */
static bool reserve(struct translator *t, struct variant *v, uint32_t count)
{
    unsigned order = v->members ? v->order : SMALLEST;
    if (v->members && count <= 1u << order)
        return true;
    while (1u << order < count)
        order++;
    uint32_t first = order <= MEMBERS_ORDER ? piece_take(t, order) : 0;
    if (!first)
        return false;
    memcpy(&t->members[first], &t->members[v->members], v->count * sizeof *t->members);
    piece_give(t, v->members, v->order);
    v->members = first;
    v->order = (uint8_t)order;
    return true;
}

static void release(struct translator *t, struct variant *v)
{
    piece_give(t, v->members, v->order);
    v->members = v->count = 0;
}

/* The place of the first member of V at OFFSET or behind it. */
static uint32_t lower_bound(const struct translator *t, const struct variant *v, uint32_t offset)
{
    const struct member *m = &t->members[v->members];
    uint32_t low = 0, high = v->count;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (m[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint32_t variant_find(struct translator *t, uint32_t pfn, uint32_t base, uint32_t mode, bool fixed)
{
    uint32_t *link = &t->page_variants[pfn];
    for (uint32_t i = *link; i; link = &t->variants[i].next, i = *link) {
        struct variant *v = &t->variants[i];
        if (v->base != base || v->mode != mode || v->fixed != fixed)
            continue;
        *link = v->next; /* to the front: it will be asked for again */
        v->next = t->page_variants[pfn];
        t->page_variants[pfn] = i;
        return i;
    }
    return 0;
}

struct tb *variant_block(const struct translator *t, uint32_t variant, uint32_t phys)
{
    const struct variant *v = &t->variants[variant];
    const struct member *m = &t->members[v->members];
    uint32_t offset = phys & (PAGE_SIZE - 1), i = lower_bound(t, v, offset);
    return i < v->count && m[i].offset == offset ? &t->tbs[m[i].tb] : NULL;
}

/* A variant of page PFN without blocks: one that has lost them, or a new one. */
static struct variant *fresh(struct translator *t, uint32_t pfn)
{
    uint32_t i = t->page_variants[pfn];
    while (i && t->variants[i].count)
        i = t->variants[i].next;
    if (i)
        return &t->variants[i];
    i = t->variant_count++;
    t->variants[i] = (struct variant){.next = t->page_variants[pfn]};
    t->page_variants[pfn] = i;
    return &t->variants[i];
}

bool variant_add(struct translator *t, struct tb *tb, bool fixed)
{
    uint32_t pfn = tb->phys >> PAGE_SHIFT, base = tb->eip - tb->phys;
    uint32_t offset = tb->phys & (PAGE_SIZE - 1);
    uint32_t i = variant_find(t, pfn, base, tb->mode, fixed);
    struct variant *v = i ? &t->variants[i] : fresh(t, pfn);
    if (!i) {
        v->base = base;
        v->mode = tb->mode;
        v->fixed = fixed;
    }
    if (!reserve(t, v, v->count + 1))
        return false;
    struct member *m = &t->members[v->members];
    uint32_t at = lower_bound(t, v, offset);
    memmove(&m[at + 1], &m[at], (v->count - at) * sizeof *m);
    m[at] = (struct member){.tb = (uint32_t)(tb - t->tbs), .entry = tb->entry, .offset = offset};
    v->count++;
    v->used = (uint32_t)t->stats.lookups;
    tb->variant = (uint32_t)(v - t->variants);
    return true;
}

void variant_remove(struct translator *t, struct tb *tb)
{
    struct variant *v = &t->variants[tb->variant];
    struct member *m = &t->members[v->members];
    uint32_t at = lower_bound(t, v, tb->phys & (PAGE_SIZE - 1));
    while (at < v->count && m[at].tb != (uint32_t)(tb - t->tbs))
        at++;
    if (at == v->count)
        return;
    v->count--;
    memmove(&m[at], &m[at + 1], (v->count - at) * sizeof *m);
    if (!v->count)
        release(t, v);
}

bool variant_merge(struct translator *t, uint32_t from, uint32_t into)
{
    struct variant *v = &t->variants[from], *w = &t->variants[into];
    if (!reserve(t, w, v->count + w->count))
        return false;
    struct member *to = &t->members[w->members];
    const struct member *m = &t->members[v->members];
    uint32_t a = v->count, b = w->count, n = a + b;
    w->count = n;
    while (a) { /* from the end: nothing is written over before it was moved */
        if (b && to[b - 1].offset > m[a - 1].offset) {
            to[--n] = to[--b];
            continue;
        }
        to[--n] = m[--a];
        t->tbs[m[a].tb].variant = into;
    }
    release(t, v);
    return true;
}

void variants_forget(struct translator *t)
{
    t->variant_count = t->member_count = 1;
    memset(t->free_members, 0, sizeof t->free_members);
    t->variants[0] = (struct variant){0};
}
