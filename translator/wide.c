/* Additions of small numbers with 64-bit operands.
 *
 * Intel's hosts carry out ADD, SUB, INC, DEC of a byte, and LEA of one register and a byte, while
 * they rename registers, but with 64-bit operands alone.  With 32 bits each takes a cycle more of
 * the chains that loops hang on.  So these get REX.W where nothing shows what comes of it:
 *
 * The flags.  Another instruction of the block writes them all before one reads them; what stands
 * between does not leave the block but by faults, whose entries tell how to compute the flags.
 *
 * The carry into bit 32.  Everything but [window + register] takes 32 bits of the guest's
 * registers, or cuts them first (strings, JECXZ).  There a register beyond 4 GiB leads to a guard,
 * as any operand does that wraps; the hub cuts all of them, and the site is made again in the gs
 * form.
 *
 * How far beyond.  The addition stands behind an access by that register with a small displacement,
 * or before one that must follow in the block.  So it is in the window when the addition comes, or
 * when the block is left: blocks hand registers on that lie within some MiB of [0, 4 GiB), which
 * displacements leave room for (LARGEST_DISP). */
#include "cpu/alu.h"
#include "translator/build.h"

enum { SMALL_DISP = 4096 };

/* ---- the flags ---- */

/* The register that byte register REG is a part of. */
static unsigned byte_parent(unsigned reg)
{
    return reg & 3;
}

/* The register that IN, for which keeps_flags holds, writes; R_NONE. */
static unsigned written(const struct insn *in)
{
    unsigned o = in->opcode;
    if (in->kind == K_LEA || in->map == MAP_0F || o == 0x8B)
        return insn_reg(in);
    if (o == 0x8A)
        return byte_parent(insn_reg(in));
    if (o >= 0xB0 && o <= 0xBF)
        return o < 0xB8 ? byte_parent(o & 7) : o & 7;
    if (in->has_mem)
        return R_NONE;
    return o == 0x89 || o == 0xC7 ? insn_rm(in) : byte_parent(insn_rm(in));
}

/* LEA, MOV, MOVZX, MOVSX: neither read nor write flags. */
static bool keeps_flags(const struct insn *in)
{
    unsigned o = in->opcode;
    if (in->kind != K_PLAIN)
        return in->kind == K_LEA;
    if (in->map == MAP_0F)
        return o == 0xB6 || o == 0xB7 || o == 0xBE || o == 0xBF;
    return in->map == MAP_1B &&
           ((o >= 0x88 && o <= 0x8B) || (o >= 0xB0 && o <= 0xBF) || o == 0xC6 || o == 0xC7);
}

/* Does it write all arithmetic flags, CF too if CARRY, and read none of these? */
static bool writes_flags(const struct insn *in, bool carry)
{
    enum { ADC = 2, SBB = 3 };
    unsigned o = in->opcode, group = insn_reg(in);
    if (in->kind == K_INCDEC)
        return !carry;
    if (in->kind != K_PLAIN || in->map != MAP_1B)
        return false;
    if (o < 0x40)
        return (o & 7) < 6 && o >> 3 != ADC && o >> 3 != SBB;
    if (o >= 0x80 && o <= 0x83)
        return group != ADC && group != SBB;
    if (o == 0xF6 || o == 0xF7) /* TEST, NEG */
        return group < 2 || group == 3;
    return o == 0x84 || o == 0x85 || o == 0xA8 || o == 0xA9;
}

static enum site_policy policy_of(const struct build *b, const struct decoded *d)
{
    return policy_get(b->t, b->tb->phys + (d->eip - b->tb->eip));
}

/* Is D's memory operand, if it has one, reached by the host's own instruction? */
static bool in_place(const struct build *b, const struct decoded *d)
{
    const struct insn *in = &d->in;
    if (!in->has_mem || in->kind == K_LEA)
        return true;
    return in->addrsize == 4 && in->seg != SEG_CS && seg_flat(b, in->seg) &&
           policy_of(b, d) != SITE_SLOW;
}

/* The instruction that writes the flags before another reads them, or before REG, which they can be
 * computed from, changes.  0: there is none. */
static unsigned flags_end(const struct build *b, unsigned reg, bool carry)
{
    for (unsigned i = b->number + 1; i < b->count; i++) {
        const struct decoded *d = &b->list[i];
        if (!in_place(b, d))
            return 0;
        if (writes_flags(&d->in, carry))
            return i;
        if (!keeps_flags(&d->in) || written(&d->in) == reg)
            return 0;
    }
    return 0;
}

uint32_t wide_flags(const struct fault_entry *f, uint32_t result, uint32_t flags)
{
    static const enum alu_op ops[] = {
        [FIX_ADD] = ALU_ADD, [FIX_SUB] = ALU_SUB, [FIX_INC] = ALU_INC, [FIX_DEC] = ALU_DEC};
    uint32_t number = (uint32_t)f->sum.number;
    bool added = f->fixup == FIX_ADD || f->fixup == FIX_INC;
    alu_execute(ops[f->fixup], 4, added ? result - number : result + number, number, &flags);
    return flags;
}

/* ---- how far ---- */

static bool is_small(int32_t disp)
{
    return disp >= -SMALL_DISP && disp <= SMALL_DISP;
}

void wide_reached(struct build *b, unsigned base, int32_t disp)
{
    if (is_small(disp))
        b->reached |= (uint8_t)(1 << base);
}

/* Integer instructions that every model has and no mode forbids, and that go on to the next.  Not
 * those among which are DIV and IDIV, which C may have to carry out. */
static bool goes_on(const struct decoded *d)
{
    bool group3 = d->in.map == MAP_1B && (d->in.opcode & 0xFE) == 0xF6;
    if (d->info.feature < FEAT_COUNT || (d->info.op_flags & (OP_X87 | OP_MMX | OP_SSE)) || group3)
        return false;
    return d->in.kind == K_PLAIN || d->in.kind == K_INCDEC || d->in.kind == K_LEA;
}

/* Does an access by REG follow before the block can be left? */
static bool will_be_reached(const struct build *b, unsigned reg)
{
    for (unsigned i = b->number + 1; i < b->count; i++) {
        const struct decoded *d = &b->list[i];
        if (!goes_on(d) || !in_place(b, d))
            return false;
        if (d->in.kind == K_PLAIN && d->in.has_mem && policy_of(b, d) == SITE_PLAIN &&
            rewrite_by_window(d) == reg && is_small(d->in.disp))
            return true;
    }
    return false;
}

/* Instructions one at a time show their flags, and where all memory is accessed by hand no access
 * tells anything. */
static bool may_be_wide(const struct build *b, unsigned reg)
{
    return b->in->opsize == 4 && reg != ESP && !(b->mode & (MODE_ONE | MODE_WATCH));
}

bool wide_addition(struct build *b, unsigned reg, enum fault_fixup fixup, int32_t number)
{
    bool carry = fixup == FIX_ADD || fixup == FIX_SUB;
    if (!may_be_wide(b, reg) || !(b->reached >> reg & 1 || will_be_reached(b, reg)))
        return false;
    unsigned last = flags_end(b, reg, carry);
    if (!last || immediate_may_follow(b)) /* fault entries would keep the old NUMBER */
        return false;
    b->sum.fixup = fixup;
    b->sum.of = (struct fault_sum){(int8_t)number, (uint8_t)reg};
    b->sum.last = last;
    return true;
}

bool wide_lea(struct build *b)
{
    const struct insn *in = b->in;
    unsigned reg = insn_reg(in), base = insn_base(in);
    if (in->disp_size != 1 || insn_has_index(in) || !may_be_wide(b, reg))
        return false;
    bool reached = base == ESP || b->reached >> base & 1;
    if (!reached && !will_be_reached(b, reg))
        return false;
    b->reached &= (uint8_t)~(1 << reg); /* what it was reached by is gone */
    b->reached |= (uint8_t)(reached << reg);
    return true;
}
