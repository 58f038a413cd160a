/* One decoded guest instruction: what rewriting and emulation need, and no more. */
#ifndef RINGER_CPU_INSN_H
#define RINGER_CPU_INSN_H

#include <stdbool.h>
#include <stdint.h>

enum seg_index { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_COUNT, SEG_NONE = 7 };

enum insn_map { MAP_1B, MAP_0F, MAP_0F38, MAP_0F3A };

enum { INSN_MAX_LEN = 15 };

/* PREFIX-free view of an instruction. SDM vol. 2A chapter 2. */
struct insn {
    uint8_t bytes[16];
    uint8_t len;         /* 1..15 */
    uint8_t map, opcode; /* enum insn_map and the last opcode byte */
    uint8_t modrm, sib;  /* 0 when absent */
    bool has_modrm, has_sib;
    bool has_mem;        /* modrm names memory (mod != 3) */
    uint8_t opcode_off;  /* offset of the opcode byte itself (after 0F, 0F38...) in bytes[] */
    uint8_t modrm_off, disp_off, imm_off;
    uint8_t disp_size, imm_size; /* bytes: 0, 1, 2, 4 (imm_size up to 6 for far pointers) */
    int32_t disp;        /* sign-extended */
    uint32_t imm;        /* first immediate, sign-extended from its size; moffs address; offset of
                          * a far pointer; relative displacement of a branch */
    uint16_t imm2;       /* selector of a far pointer; nesting level of ENTER */
    uint8_t opsize;      /* 2 or 4: effective operand size */
    uint8_t addrsize;    /* 2 or 4: effective address size */
    uint8_t seg;         /* segment of the memory operand, override applied (enum seg_index) */
    uint8_t override;    /* explicit override or SEG_NONE */
    uint8_t rep;         /* 0, F2h or F3h: the last one in the bytes */
    bool lock, opsize_prefix, addrsize_prefix;
    /* VEX-encoded: REP and OPSIZE_PREFIX stand for VEX.pp then, OPSIZE is 4.  VVVV is turned to the
     * register's number, 0 when unused. */
    bool vex, vex_l, vex_w, vvvv_high; /* VVVV_HIGH: its bit 3 */
    uint8_t vvvv;
    uint16_t kind;       /* translator's classification (translator/opcodes.h) */
    uint8_t mem_size;    /* bytes at the memory operand, 0 when it depends (FSAVE etc.: 255) */
    uint8_t mem_access;  /* bit 0 read, bit 1 write */
};

static inline unsigned insn_reg(const struct insn *in)
{
    return in->modrm >> 3 & 7;
}

static inline unsigned insn_rm(const struct insn *in)
{
    return in->modrm & 7;
}

/* Base and index of a memory operand with 32-bit address, which is no absolute one. */
static inline unsigned insn_base(const struct insn *in)
{
    return in->has_sib ? in->sib & 7u : insn_rm(in);
}

static inline bool insn_has_index(const struct insn *in)
{
    return in->has_sib && (in->sib & 0x38) != 0x20;
}

#endif
