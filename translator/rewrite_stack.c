/* PUSH, POP and their kin.  On a flat 32-bit stack each is one access, and RSP follows by one LEA
 * behind a run of them: in between the fault map tells how far ESP is from it.  Elsewhere the new
 * offset is computed, checked and based like any other operand's. */
#include "translator/build.h"

static bool stack32(const struct build *b)
{
    return b->mode & MODE_STACK32;
}

/* r8d = offset of the SIZE bytes at REG - BELOW, r9d = their linear address. */
static void stack_address_at(struct build *b, unsigned reg, unsigned size, uint32_t below,
                             bool write)
{
    struct emit *e = b->e;
    emit_lea(e, R8, reg, R_NONE, -(int32_t)below);
    if (!stack32(b))
        emit_zx16(e, R8, R8);
    emit_mov(e, R11, R8);
    emit_segment(b, SEG_SS, size, write);
    emit_mov(e, R9, R8);
    emit_mov(e, R8, R11);
}

static void stack_address(struct build *b, unsigned size, uint32_t below, bool write)
{
    stack_address_at(b, RSP, size, below, write);
}

/* ESP or SP = r8d. */
static void stack_commit(struct build *b)
{
    if (stack32(b))
        emit_mov(b->e, RSP, R8);
    else
        emit_mov16(b->e, RSP, R8);
}

/* ---- runs ---- */

enum { MOST_ESP = 96 }; /* displacements of one byte */

void stack_end_run(struct build *b)
{
    if (b->esp)
        emit_lea(b->e, RSP, RSP, R_NONE, b->esp);
    b->esp = 0;
}

/* Does B->in use the stack as a run does, and no ESP but for that? */
static bool is_of_run(const struct build *b)
{
    const struct insn *in = b->in;
    if (!flat_stack(b) || in->opsize != 4 || (b->mode & (MODE_ONE | MODE_WATCH)) ||
        mode_seg(b->mode, SEG_CS) == SEG_CHECKED)
        return false;
    switch (in->kind) {
    case K_PUSH_REG:
    case K_POP_REG:
        return (in->opcode & 7) != ESP;
    case K_PUSH_IMM:
    case K_CALL_REL:
    case K_RET:
        return true;
    default:
        return false;
    }
}

void stack_settle(struct build *b)
{
    if (b->esp && (b->esp > MOST_ESP || b->esp < -MOST_ESP || !is_of_run(b) ||
                   policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN))
        stack_end_run(b);
}

/* ESP has moved by DELTA.  RSP follows later where the run may go on. */
static void stack_moved(struct build *b, int32_t delta)
{
    b->esp += delta;
    if (!is_of_run(b) || b->in->kind == K_CALL_REL || b->in->kind == K_RET)
        stack_end_run(b);
}

/* ---- */

void push_reg(struct build *b, unsigned size, unsigned reg)
{
    if (flat_stack(b)) {
        emit_store_sized(b->e, size, reg, RSP, R_WINDOW, b->esp - (int32_t)size);
        stack_moved(b, -(int32_t)size);
        return;
    }
    stack_address(b, size, size, true);
    emit_store_sized(b->e, size, reg, R9, R_WINDOW, 0);
    stack_commit(b);
}

/* EIP: what is pushed depends on the block's. */
static void push_number(struct build *b, unsigned size, uint32_t imm, bool eip)
{
    bool flat = flat_stack(b);
    if (!flat)
        stack_address(b, size, size, true);
    emit_store_imm(b->e, size, flat ? RSP : R9, R_WINDOW, flat ? b->esp - (int32_t)size : 0, imm);
    if (eip && size == 4)
        mark_reloc(b);
    else
        b->tb->fixed |= eip;
    if (flat)
        stack_moved(b, -(int32_t)size);
    else
        stack_commit(b);
}

void push_imm(struct build *b, unsigned size, uint32_t imm)
{
    push_number(b, size, imm, false);
}

void push_return(struct build *b)
{
    push_number(b, b->in->opsize, b->next, true);
}

void pop_r10(struct build *b, unsigned size, uint32_t extra)
{
    if (flat_stack(b)) {
        emit_load_sized(b->e, size, R10, RSP, R_WINDOW, b->esp);
        stack_moved(b, (int32_t)(size + extra));
        return;
    }
    stack_address(b, size, 0, false);
    emit_load_sized(b->e, size, R10, R9, R_WINDOW, 0);
    emit_lea(b->e, R8, R8, R_NONE, (int32_t)(size + extra));
    stack_commit(b);
}

void push_far(struct build *b)
{
    struct emit *e = b->e;
    stack_address(b, 2, 2, true);
    emit_load_sized(e, 2, R10, R_CPU, R_NONE, SEG_OFF(SEG_CS, selector));
    emit_store_sized(e, 2, R10, R9, R_WINDOW, 0);
    stack_address(b, 2, 4, true);
    emit_store_imm(e, 2, R9, R_WINDOW, 0, b->next);
    stack_commit(b);
}

void pop_far(struct build *b, uint32_t extra)
{
    struct emit *e = b->e;
    stack_address(b, 2, 0, false);
    emit_load_sized(e, 2, R10, R9, R_WINDOW, 0);
    stack_address(b, 2, (uint32_t)-2, false);
    emit_load_sized(e, 2, R9, R9, R_WINDOW, 0);
    emit_lea(e, R8, R8, R_NONE, (int32_t)(2 + extra));
    stack_commit(b);
    emit_mov(e, R8, R10);
    emit_mov(e, R10, R9);
}

void rewrite_PUSH_REG(struct build *b)
{
    push_reg(b, b->in->opsize, b->in->opcode & 7);
}

void rewrite_POP_REG(struct build *b)
{
    unsigned reg = b->in->opcode & 7;
    if (flat_stack(b) && b->in->opsize == 4 && reg != ESP) {
        emit_op_mem(b->e, false, 0x8B, reg, RSP, R_WINDOW, b->esp);
        stack_moved(b, 4);
        return;
    }
    pop_r10(b, b->in->opsize, 0);
    if (b->in->opsize == 2)
        emit_mov16(b->e, reg, R10);
    else
        emit_mov(b->e, reg, R10);
}

void rewrite_PUSH_IMM(struct build *b)
{
    push_imm(b, b->in->opsize, b->in->imm);
}

/* The upper half of a 32-bit push is zero, as on the Pentium and later. */
void rewrite_PUSH_SREG(struct build *b)
{
    uint8_t o = b->in->opcode;
    unsigned seg = b->in->map == MAP_0F ? (o == 0xA0 ? SEG_FS : SEG_GS) : o >> 3;
    emit_load_sized(b->e, 2, R10, R_CPU, R_NONE, SEG_OFF(seg, selector));
    push_reg(b, b->in->opsize, R10);
}

void rewrite_PUSH_RM(struct build *b)
{
    if (!b->in->has_mem) {
        push_reg(b, b->in->opsize, insn_rm(b->in));
        return;
    }
    mem_load(b, b->in->opsize, R10);
    push_reg(b, b->in->opsize, R10);
}

/* POP to memory: its address is computed with ESP already moved (SDM vol. 2B, POP). */
void rewrite_POP_RM(struct build *b)
{
    const struct insn *in = b->in;
    if (!in->has_mem) {
        pop_r10(b, in->opsize, 0);
        if (in->opsize == 2)
            emit_mov16(b->e, insn_rm(in), R10);
        else
            emit_mov(b->e, insn_rm(in), R10);
        return;
    }
    bool esp_based = in->has_sib && (in->sib & 7) == 4;
    if (!flat_stack(b) || esp_based) {
        exit_site(b, true);
        return;
    }
    struct hostop store = {.opcode = 0x89, .reg = R10, .opsize = in->opsize == 2};
    emit_load_sized(b->e, in->opsize, R10, RSP, R_WINDOW, 0);
    mem_emit(b, mem_prepare(b, in->opsize, 2, false), &store);
    emit_lea(b->e, RSP, RSP, R_NONE, in->opsize);
}

void rewrite_PUSHA(struct build *b)
{
    if (!flat_stack(b) || b->in->opsize != 4) {
        exit_site(b, true);
        return;
    }
    for (int r = 0; r < 8; r++)
        emit_op_mem(b->e, false, 0x89, (unsigned)r, RSP, R_WINDOW, -4 * (r + 1));
    emit_lea(b->e, RSP, RSP, R_NONE, -32);
}

void rewrite_POPA(struct build *b)
{
    if (!flat_stack(b) || b->in->opsize != 4) {
        exit_site(b, true);
        return;
    }
    /* All first, in the order that tells CR2: after that no load can fault with half of the
     * registers changed. */
    for (int offset = 0; offset < 32; offset += 4)
        emit_op_mem(b->e, false, 0x8B, R8, RSP, R_WINDOW, offset);
    for (int r = 7; r >= 0; r--)
        if (r != ESP)
            emit_op_mem(b->e, false, 0x8B, (unsigned)r, RSP, R_WINDOW, 4 * (7 - r));
    emit_lea(b->e, RSP, RSP, R_NONE, 32);
}

/* The bytes at [BASE + window + DISP] must be writable: NOT twice faults as a write does, and changes
 * neither them nor the flags. */
static void probe_write(struct emit *e, unsigned size, unsigned base, int32_t disp)
{
    enum { NOT = 2 };
    for (unsigned i = 0; i < 2; i++) {
        if (size == 2)
            emit8(e, 0x66);
        emit_op_mem(e, false, 0xF7, NOT, base, R_WINDOW, disp);
    }
}

/* ENTER (mode_enters).  The new top must be writable (SDM vol. 2 ENTER). */
bool rewrite_enter(struct build *b)
{
    struct emit *e = b->e;
    unsigned size = b->in->opsize;
    uint32_t down = size + (b->in->imm & 0xFFFF);
    if (!mode_enters(b->mode, b->in) || (b->mode & (MODE_ONE | MODE_WATCH)) ||
        policy_get(b->t, b->tb->phys + (b->eip - b->tb->eip)) != SITE_PLAIN)
        return false;
    if (flat_stack(b)) {
        emit_store_sized(e, 4, RBP, RSP, R_WINDOW, -4);
        probe_write(e, 4, RSP, -(int32_t)down);
        emit_lea(e, RBP, RSP, R_NONE, -4);
        emit_lea(e, RSP, RSP, R_NONE, -(int32_t)down);
        return true;
    }
    stack_address(b, size, size, true);
    emit_store_sized(e, size, RBP, R9, R_WINDOW, 0);
    stack_address(b, size, down, true);
    probe_write(e, size, R9, 0);
    emit_lea(e, R9, RSP, R_NONE, -(int32_t)size);
    if (size == 2)
        emit_mov16(e, RBP, R9);
    else
        emit_mov(e, RBP, R9);
    stack_commit(b);
    return true;
}

/* LEAVE on a stack of 16 bits, or one that is not flat. */
static void leave_frame(struct build *b, unsigned size)
{
    stack_address_at(b, RBP, size, 0, false);
    emit_load_sized(b->e, size, R10, R9, R_WINDOW, 0);
    emit_lea(b->e, R8, R8, R_NONE, (int32_t)size);
    stack_commit(b);
    if (size == 2)
        emit_mov16(b->e, RBP, R10);
    else
        emit_mov(b->e, RBP, R10);
}

void rewrite_LEAVE(struct build *b)
{
    if (!flat_stack(b)) {
        leave_frame(b, b->in->opsize);
        return;
    }
    if (b->in->opsize != 4) {
        exit_site(b, true);
        return;
    }
    emit_op_mem(b->e, false, 0x8B, R8, RBP, R_WINDOW, 0);
    emit_lea(b->e, RSP, RBP, R_NONE, 4);
    emit_mov(b->e, RBP, R8);
}
