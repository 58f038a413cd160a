/* Immediates that the guest rewrites again and again (inner loops that patch their own constants):
 * the block stays, and the immediate of the host instruction follows.
 *
 * An instruction that keeps its opcode has its immediate at its end, byte for byte as the guest's;
 * it is an operand only, so confinement does not hang on it.  Where a write hits such an immediate
 * and nothing else of a block, the bytes are copied instead of the block being made anew. */
#include "translator/build.h"

enum { CHANGES = 4 }; /* so often code at one place has changed before its blocks are prepared */

/* Physical address of the instruction of TB that holds the byte at PA (in TB's first page). */
static uint32_t instruction_at(const struct translator *t, const struct tb *tb, uint32_t pa)
{
    uint32_t offset = pa > tb->phys ? pa - tb->phys : 0, best = 0;
    for (uint32_t i = 0; i < tb->map_count; i++) {
        uint32_t guest = t->map[tb->map + i].guest;
        if (guest <= offset && guest > best)
            best = guest;
    }
    return tb->phys + best;
}

void immediate_changed(struct translator *t, const struct tb *tb, uint32_t pa)
{
    policy_change(t, instruction_at(t, tb, pa));
}

bool immediate_may_follow(const struct build *b)
{
    return b->in->imm_size && policy_changes(b->t, b->tb->phys + (b->eip - b->tb->eip)) >= CHANGES;
}

void immediate_note(struct build *b)
{
    struct translator *t = b->t;
    struct tb *tb = b->tb;
    const struct insn *in = b->in;
    uint32_t offset = b->eip - tb->eip, host = b->e->pos - in->imm_size;
    if (b->ended || b->e->overflow || in->kind != K_PLAIN || tb->phys2 != ~0u ||
        t->imm_count == t->imm_max || !immediate_may_follow(b) ||
        memcmp(t->rw + host, in->bytes + in->imm_off, in->imm_size))
        return;
    if (!tb->imm_count)
        tb->imms = t->imm_count;
    tb->imm_count++;
    t->imms[t->imm_count++] =
        (struct immediate){.pa = tb->phys + offset + in->imm_off, .host = host, .size = in->imm_size};
}

bool immediate_follow(struct translator *t, const struct tb *tb, uint32_t pa, uint32_t len)
{
    for (uint32_t i = tb->imms; i < tb->imms + tb->imm_count; i++) {
        const struct immediate *m = &t->imms[i];
        if (pa < m->pa || pa + len > m->pa + m->size)
            continue;
        phys_read(t->phys, pa, t->rw + m->host + (pa - m->pa), len);
        t->stats.patched++;
        return true;
    }
    return false;
}
