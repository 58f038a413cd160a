/* Near jumps, calls and returns. */
#include "translator/build.h"

/* A target in a register may lie beyond the limit of the code segment when it has 32 bits, or when
 * the segment has not even 64 KiB: then the jump is carried out by hand, where it is checked. */
static bool needs_limit_check(const struct build *b)
{
    return mode_seg(b->mode, SEG_CS) == SEG_CHECKED &&
           (b->in->opsize == 4 || b->cs_limit < 0xFFFF);
}

void rewrite_JMP_REL(struct build *b)
{
    uint32_t target;
    if (branch_target(b, b->in->imm, &target))
        exit_goto(b, 0, target);
    else
        exit_raise(b, EXC_GP);
}

void rewrite_CALL_REL(struct build *b)
{
    uint32_t target;
    if (!branch_target(b, b->in->imm, &target)) {
        exit_raise(b, EXC_GP);
        return;
    }
    push_return(b);
    exit_goto(b, 0, target);
}

void rewrite_JCC(struct build *b)
{
    uint32_t target;
    if (branch_target(b, b->in->imm, &target)) {
        if (b->in == &b->list[b->count - 1].in)
            exit_branch(b, b->in->opcode & 15, target);
        else
            exit_side(b, b->in->opcode & 15, target);
        return;
    }
    uint32_t taken = emit_jcc(b->e, b->in->opcode & 15, 0);
    exit_goto(b, 1, b->next);
    emit_patch32(b->e, taken, b->e->pos);
    exit_raise(b, EXC_GP);
}

/* Count in CX or ECX down without touching the flags; then r9d holds ECX. */
static void loop_count_down(struct build *b)
{
    if (b->in->addrsize == 4) {
        emit_lea(b->e, RCX, RCX, R_NONE, -1);
    } else {
        emit_lea(b->e, R8, RCX, R_NONE, -1);
        emit_mov16(b->e, RCX, R8);
    }
}

/* LOOPNE E0, LOOPE E1, LOOP E2, JCXZ E3. */
void rewrite_LOOP(struct build *b)
{
    struct emit *e = b->e;
    unsigned op = b->in->opcode & 3;
    uint32_t target;
    if (!branch_target(b, b->in->imm, &target)) {
        exit_raise(b, EXC_GP);
        return;
    }
    if (op != 3)
        loop_count_down(b);
    emit_mov(e, R9, RCX);
    if (b->in->addrsize == 2)
        emit_zx16(e, RCX, RCX);
    else if (op == 3) /* the others have cut it */
        emit_mov(e, RCX, RCX);
    uint32_t zero = emit_jrcxz(e);
    emit_mov(e, RCX, R9);
    uint32_t not_taken = 0;
    if (op < 2)
        not_taken = emit_jcc(e, op == 0 ? 4 : 5, 0); /* ZF against the condition */
    exit_goto(b, op == 3 ? 1 : 0, op == 3 ? b->next : target);
    emit_patch8(e, zero, e->pos);
    emit_mov(e, RCX, R9);
    if (not_taken)
        emit_patch32(e, not_taken, e->pos);
    exit_goto(b, op == 3 ? 0 : 1, op == 3 ? target : b->next);
}

void rewrite_RET(struct build *b)
{
    if (needs_limit_check(b)) {
        exit_site(b, true);
        return;
    }
    pop_r10(b, b->in->opsize, b->in->opcode == 0xC2 ? b->in->imm : 0);
    emit_mov(b->e, R8, R10);
    exit_indirect(b);
}

/* The target into DST. */
static void load_target(struct build *b, unsigned dst)
{
    if (b->in->has_mem)
        mem_load(b, b->in->opsize, dst);
    else if (b->in->opsize == 2)
        emit_zx16(b->e, dst, insn_rm(b->in));
    else
        emit_mov(b->e, dst, insn_rm(b->in));
}

void rewrite_CALL_RM(struct build *b)
{
    if (needs_limit_check(b)) {
        exit_site(b, true);
        return;
    }
    bool flat = flat_stack(b); /* then a push needs no scratch register */
    load_target(b, flat ? R8 : R10);
    push_return(b);
    if (!flat)
        emit_mov(b->e, R8, R10);
    exit_indirect(b);
}

void rewrite_JMP_RM(struct build *b)
{
    if (needs_limit_check(b)) {
        exit_site(b, true);
        return;
    }
    load_target(b, R8);
    exit_indirect(b);
}
