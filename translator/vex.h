/* The VEX-encoded instructions: which encodings there are, and what they need. */
#ifndef RINGER_TRANSLATOR_VEX_H
#define RINGER_TRANSLATOR_VEX_H

#include "translator/decode.h"

/* Is it a VEX prefix that starts with FIRST and SECOND, rather than LES or LDS?  Outside 64-bit mode
 * the second byte looks like a ModRM byte with a register operand (SDM vol. 2A 2.3.5). */
static inline bool vex_starts(uint8_t first, uint8_t second)
{
    return (first == 0xC4 || first == 0xC5) && second >= 0xC0;
}

/* What the prefix and the opcode of IN say before ModRM is known: opcode flags (OP_MODRM, OP_IMM8,
 * OP_SSE where it uses vector registers); -1 when there is no such instruction. */
int vex_layout(const struct insn *in);

/* IN, decoded otherwise: its kind, the size and use of its memory operand, the feature it needs.
 * False: #UD in every mode. SDM vol. 2, each page. */
bool vex_classify(struct insn *in, struct insn_info *info);

/* The alignment that IN's memory operand must have, 1 when none (SDM vol. 2A table 2-21). */
unsigned vex_alignment(const struct insn *in);

/* VMASKMOV, VPMASKMOV: of the size of its elements; 0 when IN is another instruction. */
unsigned vex_masked(const struct insn *in);

/* The host's form, which is in 64-bit mode: must VEX.W be 0, because the operand is a general
 * register or of its size? */
bool vex_drops_w(const struct insn *in);

#endif
