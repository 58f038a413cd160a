/* String instructions.
 *
 * In flat 32-bit code they run as they are: ESI, EDI and ECX are cut to 32 bits (wide.c), the
 * window's base (or what cpu->reach says) is added to ESI and EDI and, being a multiple of 4 GiB,
 * taken off again by zero-extension.  A fault in the middle finds all counts in place.  Elsewhere
 * one without REP becomes plain loads, stores and compares of operands that are checked and based
 * like any other's; then ESI and EDI step by cpu->string_step elements, which follows DF without a
 * look at the flags.  REP goes to C there, which takes a page at a time. */
#include "translator/build.h"

enum { STR_MOVS = 0xA4, STR_CMPS = 0xA6, STR_STOS = 0xAA, STR_LODS = 0xAC, STR_SCAS = 0xAE };

/* What of ESI and EDI an instruction uses, and through which segments. */
struct string_use {
    unsigned op, size;
    bool source, dest, writes;
    unsigned source_seg;
};

static struct string_use string_use(const struct insn *in)
{
    unsigned op = in->opcode & 0xFE;
    return (struct string_use){
        .op = op,
        .size = in->opcode & 1 ? in->opsize : 1,
        .source = op == STR_MOVS || op == STR_CMPS || op == STR_LODS,
        .dest = op != STR_LODS,
        .writes = op == STR_MOVS || op == STR_STOS,
        .source_seg = in->override == SEG_NONE ? SEG_DS : in->override,
    };
}

static void add_base(struct emit *e, unsigned reg, unsigned base)
{
    emit_mov(e, reg, reg);
    emit_lea64(e, reg, reg, base, 0);
}

/* ---- one element, operand by operand ---- */

/* The linear address of the element at REG into r8d. */
static void element_address(struct build *b, unsigned seg, unsigned reg, unsigned size, bool write)
{
    if (b->in->addrsize == 2)
        emit_zx16(b->e, R8, reg);
    else
        emit_mov(b->e, R8, reg);
    emit_segment(b, seg, size, write);
}

/* OPCODE (that of bytes) on REG and the SIZE bytes at r8d. */
static void element_op(struct build *b, uint8_t opcode, unsigned size, unsigned reg)
{
    struct hostop op = {.opcode = (uint8_t)(opcode | (size > 1)), .opsize = size == 2,
                        .reg = (uint8_t)reg};
    emit_head(b->e, &op, R_WINDOW, R8);
    emit_mem(b->e, reg, R8, R_WINDOW, 0);
}

/* The element at r8d into r10d, its upper part zero. */
static void element_load(struct build *b, unsigned size)
{
    struct hostop op = {.opcode = 0x8B, .reg = R10};
    if (size < 4) {
        op.map = MAP_0F;
        op.opcode = size == 1 ? 0xB6 : 0xB7;
    }
    emit_head(b->e, &op, R_WINDOW, R8);
    emit_mem(b->e, R10, R8, R_WINDOW, 0);
}

/* REG += r9d, in the instruction's address size. */
static void element_step(struct build *b, unsigned reg)
{
    if (b->in->addrsize == 2) {
        emit_lea(b->e, R8, reg, R9, 0);
        emit_mov16(b->e, reg, R8);
    } else {
        emit_lea(b->e, reg, reg, R9, 0);
    }
}

static void one_element(struct build *b, const struct string_use *u)
{
    enum { MOV_STORE = 0x88, MOV_LOAD = 0x8A, CMP_REG_MEM = 0x3A };
    bool both = u->source && u->dest;
    if (u->source) {
        element_address(b, u->source_seg, RSI, u->size, false);
        if (both)
            element_load(b, u->size);
        else
            element_op(b, MOV_LOAD, u->size, RAX);
    }
    if (u->dest) {
        element_address(b, SEG_ES, RDI, u->size, u->writes);
        element_op(b, u->writes ? MOV_STORE : CMP_REG_MEM, u->size, both ? R10 : RAX);
    }
    emit_load(b->e, R9, R_CPU, CPU_OFF(string_step));
    for (unsigned size = u->size; size > 1; size /= 2)
        emit_lea(b->e, R9, R9, R9, 0);
    if (u->source)
        element_step(b, RSI);
    if (u->dest)
        element_step(b, RDI);
}

/* ---- the host's own instruction ---- */

static void as_it_is(struct build *b, const struct string_use *u)
{
    struct emit *e = b->e;
    bool reach = b->policy == SITE_REACH;
    if (reach && u->source)
        emit_reach(e, R10, RSI);
    if (reach && u->dest)
        emit_reach(e, R11, RDI);
    if (b->in->rep)
        emit_mov(e, RCX, RCX);
    if (u->source)
        add_base(e, RSI, reach ? R10 : R_WINDOW);
    if (u->dest)
        add_base(e, RDI, reach ? R11 : R_WINDOW);
    if (u->size == 2)
        emit8(e, 0x66);
    if (b->in->rep)
        emit8(e, b->in->rep);
    emit8(e, b->in->opcode);
    if (u->source)
        emit_mov(e, RSI, RSI);
    if (u->dest)
        emit_mov(e, RDI, RDI);
}

void rewrite_STRING(struct build *b)
{
    const struct insn *in = b->in;
    struct string_use u = string_use(in);
    bool flat = in->addrsize == 4 && (!u.source || seg_flat(b, u.source_seg)) &&
                (!u.dest || seg_flat(b, SEG_ES));
    bool traps = in->rep && (b->mode & MODE_ONE); /* after each repetition */
    if (flat && !traps)
        as_it_is(b, &u);
    else if (!in->rep)
        one_element(b, &u);
    else
        exit_site(b, true);
}
