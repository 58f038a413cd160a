/* Which encodings of the MMX and SSE opcodes are instructions. */
#ifndef RINGER_TRANSLATOR_SIMD_H
#define RINGER_TRANSLATOR_SIMD_H

#include "cpu/insn.h"

/* Is IN, of one of the three SIMD maps, an instruction with its mandatory prefix (the last F2 or
 * F3, else 66h) and its kind of operand?  All else is #UD.  SDM vol. 2D tables. */
bool simd_valid(const struct insn *in);

/* Does IN use the MMX registers, and so report a waiting x87 exception first (SDM vol. 1 9.6)? */
bool simd_mmx(const struct insn *in);

/* Must its 16-byte memory operand be aligned (#GP otherwise)?  SDM vol. 1 4.1.1, table 14-22. */
bool simd_aligned(const struct insn *in);

#endif
