/* The groups of cpu_emulate_data.  Each sets *HANDLED to false and changes nothing when the
 * instruction is not one of its own. */
#ifndef RINGER_CPU_DATA_H
#define RINGER_CPU_DATA_H

#include "cpu/access.h"

/* data_alu.c: ADD..CMP, TEST, INC, DEC, NOT, NEG, BT*, SETcc, CMPXCHG, XADD, CMPXCHG8B */
enum cpu_result emulate_alu(struct cpu *cpu, const struct insn *in, bool *handled);
enum cpu_result emulate_alu_0f(struct cpu *cpu, const struct insn *in, bool *handled);

/* data_div.c: DIV, IDIV */
enum cpu_result emulate_divide(struct cpu *cpu, const struct insn *in);

/* data_stack.c: PUSH, POP, PUSHA, POPA, LEAVE, near CALL, RET, JMP, Jcc, LOOP */
enum cpu_result emulate_stack(struct cpu *cpu, const struct insn *in, bool *handled);

/* Load the SIZE-byte operand that is going to be written back: its faults are a write's. */
bool cpu_read_rmw(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t *value);

static inline enum cpu_result not_handled(bool *handled)
{
    *handled = false;
    return CPU_NEXT;
}

#endif
