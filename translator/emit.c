#include "translator/emit.h"

void emit_rex(struct emit *e, bool w, unsigned reg, unsigned index, unsigned base)
{
    uint8_t rex = (uint8_t)(w << 3 | (reg != R_NONE && reg > 7) << 2 |
                            (index != R_NONE && index > 7) << 1 | (base != R_NONE && base > 7));
    if (rex)
        emit8(e, 0x40 | rex);
}

void emit_mem(struct emit *e, unsigned reg, unsigned base, unsigned index, int32_t disp)
{
    uint8_t r = (reg & 7) << 3;
    if (base == R_NONE && index == R_NONE) { /* absolute, sign-extended */
        emit8(e, r | 4);
        emit8(e, 0x25);
        emit32(e, (uint32_t)disp);
        return;
    }
    unsigned mod = disp == 0 && (base & 7) != 5 ? 0 : disp >= -128 && disp <= 127 ? 1 : 2;
    if (index != R_NONE || (base & 7) == 4) {
        emit8(e, (uint8_t)(mod << 6 | r | 4));
        emit8(e, (uint8_t)((index == R_NONE ? 4 : index & 7) << 3 | (base & 7)));
    } else {
        emit8(e, (uint8_t)(mod << 6 | r | (base & 7)));
    }
    if (mod == 1)
        emit8(e, (uint8_t)disp);
    else if (mod == 2)
        emit32(e, (uint32_t)disp);
}

static void op_mem(struct emit *e, bool w, uint8_t opcode, unsigned reg, unsigned base,
                   unsigned index, int32_t disp)
{
    emit_rex(e, w, reg, index, base);
    emit8(e, opcode);
    emit_mem(e, reg, base, index, disp);
}

void emit_op_mem(struct emit *e, bool w, uint8_t opcode, unsigned reg, unsigned base,
                 unsigned index, int32_t disp)
{
    if (e->by_gs && index == R_WINDOW && base < R8) {
        emit8(e, PREFIX_GS);
        index = R_NONE;
    }
    op_mem(e, w, opcode, reg, base, index, disp);
}

void emit_op_reg(struct emit *e, bool w, uint8_t opcode, unsigned reg, unsigned rm)
{
    emit_rex(e, w, reg, R_NONE, rm);
    emit8(e, opcode);
    emit8(e, 0xC0 | (reg & 7) << 3 | (rm & 7));
}

void emit_mov(struct emit *e, unsigned dst, unsigned src)
{
    emit_op_reg(e, false, 0x8B, dst, src);
}

void emit_mov_imm(struct emit *e, unsigned dst, uint32_t imm)
{
    emit_rex(e, false, R_NONE, R_NONE, dst);
    emit8(e, 0xB8 | (dst & 7));
    emit32(e, imm);
}

void emit_load(struct emit *e, unsigned dst, unsigned base, int32_t disp)
{
    emit_op_mem(e, false, 0x8B, dst, base, R_NONE, disp);
}

void emit_store(struct emit *e, unsigned base, int32_t disp, unsigned src)
{
    emit_op_mem(e, false, 0x89, src, base, R_NONE, disp);
}

void emit_lea(struct emit *e, unsigned dst, unsigned base, unsigned index, int32_t disp)
{
    if (index == RSP) { /* RSP cannot be an index: swap */
        index = base;
        base = RSP;
    }
    op_mem(e, false, 0x8D, dst, base, index, disp);
}

void emit_lea64(struct emit *e, unsigned dst, unsigned base, unsigned index, int32_t disp)
{
    op_mem(e, true, 0x8D, dst, base, index, disp);
}

void emit_zx16(struct emit *e, unsigned dst, unsigned src)
{
    emit_rex(e, false, dst, R_NONE, src);
    emit8(e, 0x0F);
    emit8(e, 0xB7);
    emit8(e, 0xC0 | (dst & 7) << 3 | (src & 7));
}

void emit_mov16(struct emit *e, unsigned dst, unsigned src)
{
    emit8(e, 0x66);
    emit_op_reg(e, false, 0x8B, dst, src);
}

void emit_store_imm(struct emit *e, unsigned size, unsigned base, unsigned index, int32_t disp,
                    uint32_t imm)
{
    if (size == 2)
        emit8(e, 0x66);
    emit_op_mem(e, false, 0xC7, 0, base, index, disp);
    if (size == 2)
        emit16(e, (uint16_t)imm);
    else
        emit32(e, imm);
}

void emit_store_sized(struct emit *e, unsigned size, unsigned src, unsigned base, unsigned index,
                      int32_t disp)
{
    if (size == 2)
        emit8(e, 0x66);
    emit_op_mem(e, false, 0x89, src, base, index, disp);
}

void emit_load_sized(struct emit *e, unsigned size, unsigned dst, unsigned base, unsigned index,
                     int32_t disp)
{
    if (size == 2) {
        emit_rex(e, false, dst, index, base);
        emit8(e, 0x0F);
        emit8(e, 0xB7);
        emit_mem(e, dst, base, index, disp);
    } else {
        emit_op_mem(e, false, 0x8B, dst, base, index, disp);
    }
}

uint32_t emit_jmp(struct emit *e, uint32_t target)
{
    emit8(e, 0xE9);
    emit32(e, target - (e->pos + 4));
    return e->pos - 4;
}

uint32_t emit_jcc(struct emit *e, unsigned cc, uint32_t target)
{
    emit8(e, 0x0F);
    emit8(e, (uint8_t)(0x80 | cc));
    emit32(e, target - (e->pos + 4));
    return e->pos - 4;
}

uint32_t emit_jrcxz(struct emit *e)
{
    emit8(e, 0xE3);
    emit8(e, 0);
    return e->pos - 1;
}

void emit_patch8(struct emit *e, uint32_t at, uint32_t target)
{
    if (!e->overflow)
        e->base[at] = (uint8_t)(target - (at + 1));
}

void emit_patch32(struct emit *e, uint32_t at, uint32_t target)
{
    uint32_t rel = target - (at + 4);
    if (!e->overflow)
        memcpy(e->base + at, &rel, 4);
}
