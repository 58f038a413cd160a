/* What is known of each opcode: how it is rewritten and what it needs.  The one table. */
#ifndef RINGER_TRANSLATOR_OPCODES_H
#define RINGER_TRANSLATOR_OPCODES_H

#include "cpu/insn.h"

/* One rewrite function for each kind (translator/rewrite*.c). */
#define INSN_KINDS(X)                                                                              \
    X(PLAIN)     /* runs as it is, its memory operand redirected */                                \
    X(NOP)       /* no effect that a guest can see */                                              \
    X(INCDEC)    /* 40..4F: REX prefixes on the host */                                            \
    X(LEA)                                                                                         \
    X(MOFFS)     /* A0..A3 */                                                                      \
    X(XLAT)                                                                                        \
    X(STRING)    /* MOVS CMPS STOS LODS SCAS */                                                    \
    X(PUSH_REG)                                                                                    \
    X(POP_REG)                                                                                     \
    X(PUSH_IMM)                                                                                    \
    X(PUSH_SREG)                                                                                   \
    X(MOV_SREG)  /* to a register */                                                               \
    X(MASKMOV)   /* MASKMOVQ, MASKMOVDQU: a store through EDI */                                   \
    X(GATHER)    /* VGATHER, VPGATHER: vectors as index */                                         \
    X(PUSH_RM)                                                                                     \
    X(POP_RM)                                                                                      \
    X(PUSHA)                                                                                       \
    X(POPA)                                                                                        \
    X(LEAVE)                                                                                       \
    X(PUSHF)                                                                                       \
    X(POPF)                                                                                        \
    X(CLI)                                                                                         \
    X(STI)                                                                                         \
    X(DIRECTION) /* CLD STD */                                                                     \
    X(CALL_REL)                                                                                    \
    X(JMP_REL)                                                                                     \
    X(JCC)                                                                                         \
    X(LOOP)      /* LOOP LOOPE LOOPNE JCXZ */                                                      \
    X(RET)                                                                                         \
    X(CALL_RM)                                                                                     \
    X(JMP_RM)                                                                                      \
    X(SENSITIVE) /* cpu_emulate */                                                                 \
    X(INVALID)   /* #UD */

enum insn_kind {
#define X(name) K_##name,
    INSN_KINDS(X)
#undef X
    K_COUNT
};

/* Attributes of an opcode. */
enum opcode_flag {
    OP_BYTE = 1 << 0,   /* register operand of ModRM.reg is a byte register */
    OP_BYTE_RM = 1 << 1,/* register operand of ModRM.rm is a byte register */
    OP_SIZE = 1 << 2,   /* operand size prefix selects 16/32 bits */
    OP_X87 = 1 << 3,
    OP_MMX = 1 << 4,    /* MMX state (or SSE, by prefix) */
    OP_SSE = 1 << 5,    /* XMM state; prefixes 66 F2 F3 are part of the opcode */
    OP_REP = 1 << 6,    /* F2/F3 belong to the opcode (not OP_SSE) */
    OP_LOCK = 1 << 7,   /* LOCK allowed with a memory destination */
    OP_MODRM = 1 << 8,
    OP_IMM8 = 1 << 9,
    OP_IMMV = 1 << 10,  /* 2 or 4 bytes by operand size */
    OP_SPLIT = 1 << 11, /* by ModRM.reg: see opcode_group */
};

struct opcode {
    uint8_t kind;  /* enum insn_kind */
    uint16_t flags; /* enum opcode_flag */
};

/* Layout and kind of (MAP, OPCODE), groups resolved by MODRM (0 when not known yet). */
struct opcode opcode_lookup(enum insn_map map, uint8_t opcode, uint8_t modrm);

/* RDRAND, RDSEED: another result each time. */
static inline bool insn_random(const struct insn *in)
{
    return in->map == MAP_0F && in->opcode == 0xC7 && !in->has_mem && insn_reg(in) >= 6;
}

/* The register, ES, DS, FS or GS, that IN (of K_SENSITIVE) loads, SEG_NONE when it does not: MOV, POP,
 * LDS and its kin. */
unsigned insn_loads_segment(const struct insn *in);

const char *insn_kind_name(enum insn_kind kind);

enum { MODRM_RDTSCP = 0xF9 }; /* of 0F 01 */

/* Does control mostly go on behind IN (of K_SENSITIVE) in the same mode and address space? */
bool insn_goes_on(const struct insn *in);

#endif
