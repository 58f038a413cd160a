/* Integer arithmetic with exact flags.  Intel SDM vol. 1 appendix A, vol. 2. */
#ifndef RINGER_CPU_ALU_H
#define RINGER_CPU_ALU_H

#include <stdbool.h>
#include <stdint.h>

/* The first eight in the order of the opcode map (and of group 1). */
enum alu_op {
    ALU_ADD,
    ALU_OR,
    ALU_ADC,
    ALU_SBB,
    ALU_AND,
    ALU_SUB,
    ALU_XOR,
    ALU_CMP,
    ALU_TEST,
    ALU_INC,
    ALU_DEC,
    ALU_NOT,
    ALU_NEG,
};

/* A op B on SIZE bytes (1, 2, 4); the arithmetic bits of *FLAGS are input (CF) and output.  AF of
 * the logical operations, undefined in the manual, is cleared as processors do.  CMP and TEST
 * return A. */
uint32_t alu_execute(enum alu_op op, unsigned size, uint32_t a, uint32_t b, uint32_t *flags);

/* Condition CC (low nibble of Jcc) of FLAGS. */
bool alu_condition(unsigned cc, uint32_t flags);

#endif
