/* Vector instructions whose memory operand has an address or a condition for each element, carried
 * out in C on the state as it is parked. */
#ifndef RINGER_TRANSLATOR_VECTOR_H
#define RINGER_TRANSLATOR_VECTOR_H

#include "cpu/emulate.h"

/* Elements of IN (VMASKMOV, VPMASKMOV: loads) at offset EA that the mask selects, into BUFFER of 32
 * bytes; the others are zero.  False: an exception was raised. */
bool vector_masked_load(struct cpu *cpu, const struct insn *in, uint32_t ea, uint8_t *buffer);
/* The whole of such a store. */
enum cpu_result vector_masked_store(struct cpu *cpu, const struct insn *in);
/* The whole of a gather.  When an element faults, those before it are done and their mask is clear:
 * the instruction goes on there when it is executed again. */
enum cpu_result vector_gather(struct cpu *cpu, const struct insn *in);

#endif
