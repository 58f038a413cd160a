/* Segment loads and far transfers in real and virtual-8086 mode: base and selector change, and nothing
 * else (SDM vol. 3A 20.1.1, 20.2).  MODE_REAL_SEGS says that the hidden rest is such that this is all; a segment
 * that reaches beyond 64 KiB is C's all the same, as its class depends on its base.  SS holds
 * interrupts off for one instruction: C's too. */
#include "translator/build.h"

/* Selector r10d into SEG. */
static void set_segment(struct build *b, unsigned seg)
{
    static const uint8_t times_8[] = {0x46, 0x8D, 0x0C, 0xCD, 0, 0, 0, 0}; /* lea r9d, [r9*8] */
    emit_lea(b->e, R9, R10, R10, 0);
    for (unsigned i = 0; i < sizeof times_8; i++)
        emit8(b->e, times_8[i]);
    emit_store_sized(b->e, 2, R10, R_CPU, R_NONE, SEG_OFF(seg, selector));
    emit_store(b->e, R_CPU, SEG_OFF(seg, base), R9);
}

static bool mov(struct build *b, unsigned seg)
{
    if (b->in->has_mem)
        mem_load(b, 2, R10);
    else
        emit_zx16(b->e, R10, insn_rm(b->in));
    set_segment(b, seg);
    return true;
}

static bool pop(struct build *b, unsigned seg)
{
    pop_r10(b, b->in->opsize, 0);
    emit_zx16(b->e, R10, R10);
    set_segment(b, seg);
    return true;
}

/* LDS and its kin: the offset, and behind it the selector. */
static bool far_pointer(struct build *b, unsigned seg)
{
    const struct insn *in = b->in;
    if (!in->has_mem || (in->addrsize == 4 && seg_flat(b, in->seg)))
        return false;
    mem_prepare(b, in->opsize + 2u, 1, false);
    emit_load_sized(b->e, in->opsize, R9, R8, R_WINDOW, 0);
    emit_load_sized(b->e, 2, R10, R8, R_WINDOW, in->opsize);
    if (in->opsize == 2)
        emit_mov16(b->e, insn_reg(in), R9);
    else
        emit_mov(b->e, insn_reg(in), R9);
    set_segment(b, seg);
    return true;
}

bool rewrite_real_segment(struct build *b)
{
    const struct insn *in = b->in;
    unsigned seg = insn_loads_segment(in);
    if (seg == SEG_NONE || !(b->mode & MODE_REAL_SEGS) || (b->mode & (MODE_ONE | MODE_WATCH)) ||
        mode_seg(b->mode, seg) != SEG_CHECKED ||
        policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN)
        return false;
    if (in->map == MAP_1B && in->opcode == 0x8E)
        return mov(b, seg);
    return in->has_modrm ? far_pointer(b, seg) : pop(b, seg);
}

/* ---- far transfers ---- */

/* CS is present with DPL 0 all through real mode: it was so when CR0.PE was cleared at CPL 0, or at
 * reset.  The block that follows compares its base. */
static bool is_real_code(const struct build *b)
{
    return (!(b->mode & MODE_PE) || (b->mode & MODE_V86)) && !(b->mode & MODE_STACK32) &&
           mode_seg(b->mode, SEG_CS) == SEG_CHECKED && mode_seg(b->mode, SEG_SS) == SEG_CHECKED &&
           b->cs_limit >= 0xFFFF;
}

static void far_return(struct build *b)
{
    pop_far(b, b->in->opcode == 0xCA ? b->in->imm & 0xFFFF : 0);
    set_segment(b, SEG_CS);
    exit_indirect(b);
}

static void far_transfer(struct build *b)
{
    if (b->in->opcode == 0x9A)
        push_far(b);
    emit_mov_imm(b->e, R10, b->in->imm2 & 0xFFFF);
    set_segment(b, SEG_CS);
    emit_mov_imm(b->e, R8, b->in->imm & 0xFFFF);
    exit_indirect(b);
}

bool rewrite_real_far(struct build *b)
{
    const struct insn *in = b->in;
    if (in->map != MAP_1B || in->opsize != 2 || (b->mode & (MODE_ONE | MODE_WATCH)) || b->t->verify ||
        !is_real_code(b) || policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN)
        return false;
    if (in->opcode == 0x9A || in->opcode == 0xEA)
        far_transfer(b);
    else if (in->opcode == 0xCA || in->opcode == 0xCB)
        far_return(b);
    else
        return false;
    return true;
}
