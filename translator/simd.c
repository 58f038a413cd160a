#include "translator/simd.h"

/* Prefixes with which an opcode exists, and restrictions of its operand. */
enum {
    N = 1,
    P66 = 2,
    F3 = 4,
    F2 = 8,
    NP = N | P66, /* MMX and its XMM form; PS and PD */
    NPF3 = N | P66 | F3,
    ALL = N | P66 | F3 | F2,
    MEM = 16, /* memory operand only */
    REG = 32, /* register operand only */
};

/* clang-format off */
static const uint8_t map_0f[256] = {
    [0x10] = ALL, ALL, ALL, NP | MEM, NP, NP, NPF3, NP | MEM,
    [0x28] = NP, NP, ALL, NP | MEM, ALL, ALL, NP, NP,
    [0x50] = NP | REG, ALL, N | F3, N | F3, NP, NP, NP, NP, ALL, ALL, ALL, NPF3, ALL, ALL, ALL, ALL,
    [0x60] = NP, NP, NP, NP, NP, NP, NP, NP, NP, NP, NP, NP, P66, P66, NP, NPF3,
    [0x70] = ALL, NP | REG, NP | REG, NP | REG, NP, NP, NP, N,
    [0x7C] = P66 | F2, P66 | F2, NPF3, NPF3,
    [0xC2] = ALL, N | MEM, NP, NP | REG, NP,
    [0xD0] = P66 | F2, NP, NP, NP, NP, NP, P66 | F3 | F2, NP | REG,
    [0xD8] = NP, NP, NP, NP, NP, NP, NP, NP,
    [0xE0] = NP, NP, NP, NP, NP, NP, P66 | F3 | F2, NP | MEM, NP, NP, NP, NP, NP, NP, NP, NP,
    [0xF0] = F2 | MEM, NP, NP, NP, NP, NP, NP, NP | REG, NP, NP, NP, NP, NP, NP, NP,
    [0xAE] = N,
};

static const uint8_t map_0f38[256] = {
    [0x00] = NP, NP, NP, NP, NP, NP, NP, NP, NP, NP, NP, NP,
    [0x10] = P66, [0x14] = P66, P66, [0x17] = P66, [0x1C] = NP, NP, NP,
    [0x20] = P66, P66, P66, P66, P66, P66, [0x28] = P66, P66, P66 | MEM, P66,
    [0x30] = P66, P66, P66, P66, P66, P66, [0x37] = P66, P66, P66, P66, P66, P66, P66, P66, P66,
    [0x40] = P66, P66, [0xC8] = N, N, N, N, N, N, [0xDB] = P66, P66, P66, P66, P66,
    [0xF6] = P66 | F3,
};

static const uint8_t map_0f3a[256] = {
    [0x08] = P66, P66, P66, P66, P66, P66, P66, NP, [0x14] = P66, P66, P66, P66,
    [0x20] = P66, P66, P66, [0x40] = P66, P66, P66, [0x44] = P66,
    [0x60] = P66, P66, P66, P66, [0xCC] = N, [0xDF] = P66,
};
/* clang-format on */

static unsigned mandatory(const struct insn *in)
{
    return in->rep == 0xF3 ? F3 : in->rep == 0xF2 ? F2 : in->opsize_prefix ? P66 : N;
}

/* 71h-73h: shifts by an immediate, by ModRM.reg. */
static bool shift_group(const struct insn *in, unsigned prefix)
{
    unsigned reg = insn_reg(in);
    if (in->opcode != 0x73)
        return reg == 2 || reg == 4 || reg == 6;
    return reg == 2 || reg == 6 || ((reg == 3 || reg == 7) && prefix == P66);
}

bool simd_valid(const struct insn *in)
{
    unsigned prefix = mandatory(in);
    uint8_t o = in->opcode;
    uint8_t allowed = in->map == MAP_0F38   ? map_0f38[o]
                      : in->map == MAP_0F3A ? map_0f3a[o]
                                            : map_0f[o];
    if (!(allowed & prefix) || ((allowed & MEM) && !in->has_mem) ||
        ((allowed & REG) && in->has_mem))
        return false;
    if (in->map != MAP_0F)
        return true;
    if (o >= 0x71 && o <= 0x73)
        return shift_group(in, prefix);
    if ((o == 0x12 || o == 0x16) && prefix == P66) /* MOVLPD, MOVHPD */
        return in->has_mem;
    if (o == 0xD6 && prefix != P66) /* MOVQ2DQ, MOVDQ2Q */
        return !in->has_mem;
    return true;
}

bool simd_mmx(const struct insn *in)
{
    uint8_t o = in->opcode;
    unsigned prefix = mandatory(in);
    if (in->map == MAP_0F && (o == 0x2A || o == 0x2C || o == 0x2D)) /* conversions */
        return (prefix == N || prefix == P66) && !(o == 0x2A && in->has_mem);
    if (prefix != N) /* MOVQ2DQ, MOVDQ2Q */
        return in->map == MAP_0F && o == 0xD6 && prefix != P66;
    if (in->map == MAP_0F)
        return (o >= 0x60 && o < 0x80) || o == 0xC4 || o == 0xC5 || o >= 0xD1;
    return in->map == MAP_0F3A ? o == 0x0F : o < 0x0C || (o >= 0x1C && o <= 0x1E);
}

bool simd_aligned(const struct insn *in)
{
    uint8_t o = in->opcode;
    if (in->mem_size != 16)
        return false;
    if (in->map == MAP_0F3A) /* the string instructions; SHA */
        return o != 0xCC && (o < 0x60 || o > 0x63);
    if (in->map == MAP_0F38 && o >= 0xC8 && o <= 0xCD) /* hosts differ: theirs shall decide */
        return false;
    if (in->map != MAP_0F)
        return true;
    bool moves_unaligned =
        o == 0x10 || o == 0x11 || o == 0xF0 || ((o == 0x6F || o == 0x7F) && in->rep == 0xF3);
    return !moves_unaligned;
}
