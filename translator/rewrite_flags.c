/* CLI, STI, CLD, STD, PUSHF, POPF where privilege is certain at translation time; the rest by C. */
#include "translator/build.h"

#define RT_OFF(field) ((int32_t)offsetof(struct runtime, field))

void rewrite_CLI(struct build *b)
{
    if (!(b->mode & MODE_RING0)) {
        exit_site(b, false);
        return;
    }
    emit_store_imm(b->e, 4, R_CPU, R_NONE, CPU_OFF(iflag), 0);
}

void rewrite_STI(struct build *b)
{
    if (!(b->mode & MODE_RING0) || (b->mode & MODE_ONE)) {
        exit_site(b, false);
        return;
    }
    emit_store_imm(b->e, 4, R_CPU, R_NONE, CPU_OFF(iflag), FLAG_IF);
    exit_if_event(b, EXIT_STI);
}

static void store_step(struct emit *e, int32_t step)
{
    emit_store_imm(e, 4, R_CPU, R_NONE, CPU_OFF(string_step), (uint32_t)step);
}

void rewrite_DIRECTION(struct build *b)
{
    emit8(b->e, b->in->opcode);
    store_step(b->e, b->in->opcode & 1 ? -1 : 1);
}

static bool inline_flags(const struct build *b)
{
    return flat_stack(b) && b->in->opsize == 4 && !(b->mode & (MODE_V86 | MODE_ONE));
}

/* The arithmetic flags come from the host by PUSHFQ on the host's stack; bits 1 and IF, always
 * set there, are taken off by the LEA that adds the guest's. */
void rewrite_PUSHF(struct build *b)
{
    struct emit *e = b->e;
    if (!inline_flags(b)) {
        exit_site(b, false);
        return;
    }
    emit_mov(e, R10, RSP);
    emit_rt(e, true, 0x8B, RSP, RT_OFF(host_rsp));
    emit8(e, 0x9C); /* pushfq */
    emit8(e, 0x41); /* pop r9 */
    emit8(e, 0x59);
    emit_mov(e, RSP, R10);
    emit_load(e, R11, R_CPU, CPU_OFF(iflag));
    emit_lea(e, R9, R9, R11, -0x202);
    emit_load(e, R11, R_CPU, CPU_OFF(flags_sys));
    emit_lea(e, R9, R9, R11, 0);
    push_reg(b, 4, R9);
}

static void emit_and(struct emit *e, unsigned reg, uint32_t imm)
{
    emit_rex(e, false, R_NONE, R_NONE, reg);
    emit8(e, 0x81);
    emit8(e, 0xE0 | (reg & 7));
    emit32(e, imm);
}

/* POPF at CPL 0 that changes nothing but arithmetic flags, DF and IF. */
void rewrite_POPF(struct build *b)
{
    const uint32_t system = FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID;
    struct emit *e = b->e;
    if (!inline_flags(b) || !(b->mode & MODE_RING0)) {
        exit_site(b, false);
        return;
    }
    emit_op_mem(e, false, 0x8B, R9, RSP, R_WINDOW, 0);
    emit_mov(e, R10, R9);
    emit_load(e, R11, R_CPU, CPU_OFF(flags_sys));
    emit_and(e, R10, system);
    emit_and(e, R11, system);
    emit_op_reg(e, false, 0x3B, R10, R11);
    uint32_t same = emit_jcc(e, 4, 0);
    exit_site_ends(b, false);
    b->ended = false;
    emit_patch32(e, same, e->pos);
    emit_lea(e, R11, RSP, R_NONE, 4);
    emit_mov(e, R10, R9);
    emit_and(e, R10, FLAG_IF);
    emit_store(e, R_CPU, CPU_OFF(iflag), R10);
    emit_and(e, R9, FLAGS_HOST);
    store_step(e, 1);
    emit_mov(e, R10, R9);
    emit_and(e, R10, FLAG_DF);
    uint32_t up = emit_jcc(e, 4, 0);
    store_step(e, -1);
    emit_patch32(e, up, e->pos);
    emit_rt(e, true, 0x8B, RSP, RT_OFF(host_rsp));
    emit8(e, 0x41); /* push r9 */
    emit8(e, 0x51);
    emit8(e, 0x9D); /* popfq */
    emit_mov(e, RSP, R11);
    exit_if_event(b, EXIT_POPF);
}
