/* Hooks (translator/hook.h): which places have one, the code that leads out of blocks there, and
 * the calls. */
#include <stdio.h>
#include <stdlib.h>

#include "cpu/emulate.h"
#include "translator/hook_internal.h"

/* ---- the set ---- */

static int compare(const void *a, const void *b)
{
    const struct hook_key *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->address < y->address ? -1 : x->address > y->address;
}

/* One bit of 64 for each address: most that are asked for are found to have no hook by it. */
static uint64_t filter_bit(uint32_t address)
{
    return 1ull << (address * 0x9E3779B1u >> 26);
}

bool translator_set_hooks(struct translator *t, const struct hook_key *keys, unsigned count,
                          hook_function fn, void *opaque)
{
    struct hooks *h = &t->hooks;
    if (count > HOOK_KEYS)
        return false;
    struct hook_key *copy = count ? malloc(count * sizeof *copy) : NULL;
    if (count && !copy)
        return false;
    free(h->keys);
    h->keys = copy;
    h->count = 0;
    h->fn = fn;
    h->opaque = opaque;
    memset(h->filter, 0, sizeof h->filter);
    for (unsigned i = 0; i < count; i++)
        copy[i] = keys[i];
    if (count)
        qsort(copy, count, sizeof *copy, compare);
    for (unsigned i = 0; i < count; i++) {
        if (i && !compare(&copy[i], &copy[h->count - 1]))
            continue;
        copy[h->count++] = copy[i];
        h->filter[copy[i].kind] |= filter_bit(copy[i].address);
    }
    cache_flush(t); /* blocks that run across a place must be cut, and those that were, joined */
    return true;
}

/* The first key not below KIND and ADDRESS; h->count when there is none. */
static unsigned lower_bound(const struct hooks *h, struct hook_key key)
{
    unsigned low = 0, high = h->count;
    while (low < high) {
        unsigned mid = (low + high) / 2;
        if (compare(&h->keys[mid], &key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static bool has(const struct translator *t, enum hook_kind kind, uint32_t address)
{
    const struct hooks *h = &t->hooks;
    const struct hook_key key = {kind, address};
    if (!(h->filter[kind] & filter_bit(address)))
        return false;
    unsigned i = lower_bound(h, key);
    return i < h->count && !compare(&h->keys[i], &key);
}

bool hook_at(const struct translator *t, uint32_t lin, uint32_t phys)
{
    return has(t, HOOK_LINEAR, lin) || has(t, HOOK_PHYSICAL, phys);
}

bool hook_on_page(const struct translator *t, uint32_t lin)
{
    const struct hooks *h = &t->hooks;
    uint32_t page = lin & ~(uint32_t)(PAGE_SIZE - 1);
    if (!h->filter[HOOK_LINEAR])
        return false;
    unsigned i = lower_bound(h, (struct hook_key){HOOK_LINEAR, page});
    return i < h->count && h->keys[i].kind == HOOK_LINEAR && h->keys[i].address - page < PAGE_SIZE;
}

/* ---- in blocks ---- */

void hook_emit(struct build *b)
{
    b->tb->fixed = true;
    emit_mov_imm(b->e, R8, b->eip);
    exit_code(b, EXIT_HOOK, (uint32_t)(b->tb - b->t->tbs));
    b->ended = true;
}

/* ---- calls ---- */

static bool call(struct translator *t, enum hook_kind kind, uint32_t address)
{
    const struct hooks *h = &t->hooks;
    const struct hook_key key = {kind, address};
    return has(t, kind, address) && h->fn(h->opaque, &key);
}

bool hook_call(struct translator *t, const struct tb *tb)
{
    struct hooks *h = &t->hooks;
    struct cpu *cpu = t->cpu;
    uint32_t eip = cpu->eip, lin = cpu->seg[SEG_CS].base + eip, phys = tb->phys;
    if (!h->count)
        return false;
    if (h->over && h->over_lin == lin)
        return false;
    h->over = false;
    if (!hook_at(t, lin, phys))
        return false;
    call(t, HOOK_LINEAR, lin);
    if (cpu->eip == eip)
        call(t, HOOK_PHYSICAL, phys);
    h->over = cpu->eip == eip;
    h->over_lin = lin;
    return true;
}

bool hook_vector(struct translator *t, unsigned vector)
{
    return t->hooks.filter[HOOK_VECTOR] && call(t, HOOK_VECTOR, vector);
}

/* The vector that IN, which makes a software interrupt, goes through; -1: it makes none. */
static int software_vector(const struct cpu *cpu, const struct insn *in)
{
    enum { OP_INT3 = 0xCC, OP_INT = 0xCD, OP_INTO = 0xCE, OP_INT1 = 0xF1 };
    if (in->map != MAP_1B)
        return -1;
    switch (in->opcode) {
    case OP_INT:
        return (int)(in->imm & 0xFF);
    case OP_INT3:
        return EXC_BP;
    case OP_INT1:
        return EXC_DB;
    case OP_INTO:
        return cpu->flags_host & FLAG_OF ? EXC_OF : -1;
    default:
        return -1;
    }
}

static bool system_call(const struct insn *in)
{
    enum { OP_SYSCALL = 0x05, OP_SYSENTER = 0x34 };
    return in->map == MAP_0F && (in->opcode == OP_SYSCALL || in->opcode == OP_SYSENTER);
}

bool hook_insn(struct translator *t, const struct insn *in)
{
    struct cpu *cpu = t->cpu;
    const uint64_t *filter = t->hooks.filter;
    uint32_t eip = cpu->eip;
    bool skip = false;
    if (!filter[HOOK_VECTOR] && !filter[HOOK_SYSENTER])
        return false;
    int vector = software_vector(cpu, in);
    if (vector >= 0)
        skip = call(t, HOOK_VECTOR, (uint32_t)vector);
    else if (system_call(in))
        skip = call(t, HOOK_SYSENTER, 0);
    if (cpu->eip != eip)
        return true;
    if (skip)
        cpu->eip += in->len;
    return skip;
}

/* ---- who wants to know ---- */

void translator_observe(struct translator *t, const struct translator_observer *o)
{
    t->observer = *o;
}

void hook_tell(struct translator *t, const struct tb *tb)
{
    if (!t->observer.block)
        return;
    const struct translated b = {.linear = tb->cs_base + tb->eip,
                                 .physical = tb->phys,
                                 .size = tb->insns ? tb->size : 0,
                                 .code = t->rx + tb->code,
                                 .bytes = t->rw + tb->code,
                                 .code_size = tb->code_end - tb->code};
    t->observer.block(t->observer.opaque, &b);
}

void hook_symbol(const struct translator *t, uint32_t lin, char *out, unsigned n)
{
    uint32_t offset = 0;
    const char *name =
        t->observer.symbol ? t->observer.symbol(t->observer.opaque, lin, &offset) : NULL;
    *out = 0;
    if (name)
        snprintf(out, n, offset ? " <%s+0x%x>" : " <%s>", name, offset);
}
