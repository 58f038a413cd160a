/* FIP, FDP and FOP as the guest must see them. */
#ifndef RINGER_TRANSLATOR_POINTERS_H
#define RINGER_TRANSLATOR_POINTERS_H

#include "translator/internal.h"

/* The x87 state is in cpu->fpu, as translated code left it: take the host's pointers over into
 * cpu->x87_fip and its neighbours. */
void pointers_settle(struct translator *t);

/* IN, an x87 instruction at EIP, was the last one; OFFSET is that of its memory operand. */
void pointers_set(struct cpu *cpu, const struct insn *in, uint32_t eip, uint32_t offset);

#endif
