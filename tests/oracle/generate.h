/* Random but meaningful instructions. */
#ifndef RINGER_TESTS_ORACLE_GENERATE_H
#define RINGER_TESTS_ORACLE_GENERATE_H

#include "oracle/case.h"

/* Kinds of instructions, to choose among: bits. */
enum form_set { FORMS_INTEGER = 1, FORMS_X87 = 2, FORMS_SIMD = 4, FORMS_AVX = 8, FORMS_ALL = 15 };

enum form_flag {
    F_M = 1 << 0,  /* ModRM */
    F_I8 = 1 << 1, /* immediate of a byte */
    F_IV = 1 << 2, /* of the operand size */
    F_I16 = 1 << 3,
    F_MEM = 1 << 4,   /* memory operand only */
    F_REG = 1 << 5,   /* register operand only */
    F_R8 = 1 << 6,    /* relative displacement of a byte */
    F_RV = 1 << 7,    /* of the operand size */
    F_STR = 1 << 8,   /* ESI, EDI and a small count */
    F_OFFS = 1 << 9,  /* an address */
    F_SEL = 1 << 10,  /* selectors make sense as operands */
    F_BITS = 1 << 11, /* a bit offset in a register */
    F_SIMD = 1 << 12, /* 66, F2 and F3 belong to the opcode */
    F_FAR = 1 << 13,  /* far pointer */
    F_FRAME = 1 << 14, /* goes where the stack says: a frame is often pushed first */
    F_FPU = 1 << 15,
    F_VEX = 1 << 16, /* a VEX prefix, with everything in it */
    F_VSIB = 1 << 17,
    F_L0 = 1 << 18, /* VEX.L makes another instruction of it on some hosts */
};

/* The opcodes FIRST..LAST of a map (0: one byte; 0Fh, 38h, 3Ah). */
struct form {
    uint8_t map, first, last;
    int8_t reg; /* opcode extension, -1: any */
    uint32_t flags;
    uint8_t weight;
};

extern const struct form forms[];
extern const unsigned form_count;

/* Case number N of the run that SEED names, of at most STEPS instructions in a row. */
void generate(uint64_t seed, uint64_t n, unsigned sets, unsigned steps, struct oracle_case *c);

/* The same for VEX-encoded ones of MAP. */
uint32_t undefined_vex_flags(unsigned map, uint8_t opcode);

/* Flags (a mask) that C's instruction leaves undefined, as far as C's registers tell; REP is its F2
 * or F3 prefix. */
uint32_t undefined_flags(const struct oracle_case *c, unsigned map, uint8_t opcode, uint8_t modrm,
                         unsigned opsize, uint8_t rep);

#endif
