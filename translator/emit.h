/* Host code emission: bytes, and the few x86-64 instruction shapes that rewriting needs.
 *
 * Code is written through the cache's writable mapping; positions are offsets from the cache's
 * start, which are the same in the executable mapping.  Intel SDM vol. 2 chapter 2. */
#ifndef RINGER_TRANSLATOR_EMIT_H
#define RINGER_TRANSLATOR_EMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Host registers.  0..7 hold the guest's registers of the same number. */
enum host_reg {
    RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI,
    R8, R9, R10, R11, /* scratch */
    R_TABLE,          /* r12: jump table of the window and mode */
    R_WINDOW,         /* r13: window base */
    R_CODE,           /* r14: start of the code cache */
    R_CPU,            /* r15: struct cpu */
    R_NONE = 255
};

enum { PREFIX_GS = 0x65 };

/* A place to write code: BASE is the writable mapping of the cache, POS the offset to write at,
 * LIMIT where it must stop.  Past LIMIT nothing is written and OVERFLOW is set. */
struct emit {
    uint8_t *base;
    uint32_t pos, limit;
    bool overflow;
    bool by_gs; /* memory at a guest register is written gs:[REG + DISP], not [r13 + REG + DISP] */
};

static inline void emit8(struct emit *e, uint8_t b)
{
    if (e->pos < e->limit)
        e->base[e->pos++] = b;
    else
        e->overflow = true;
}

static inline void emit32(struct emit *e, uint32_t v)
{
    if (e->pos + 4 <= e->limit) {
        memcpy(e->base + e->pos, &v, 4);
        e->pos += 4;
    } else {
        e->overflow = true;
    }
}

static inline void emit16(struct emit *e, uint16_t v)
{
    emit8(e, (uint8_t)v);
    emit8(e, v >> 8);
}

static inline void emit64(struct emit *e, uint64_t v)
{
    emit32(e, (uint32_t)v);
    emit32(e, v >> 32);
}

/* REX prefix when one is needed.  W: 64-bit operand. */
void emit_rex(struct emit *e, bool w, unsigned reg, unsigned index, unsigned base);
/* ModRM (and SIB, displacement) for [base + index*1 + disp]; BASE or INDEX may be R_NONE. */
void emit_mem(struct emit *e, unsigned reg, unsigned base, unsigned index, int32_t disp);

/* OPCODE reg, [base+index+disp] with 32- or (W) 64-bit operand. */
void emit_op_mem(struct emit *e, bool w, uint8_t opcode, unsigned reg, unsigned base,
                 unsigned index, int32_t disp);
/* OPCODE reg, rm (registers). */
void emit_op_reg(struct emit *e, bool w, uint8_t opcode, unsigned reg, unsigned rm);

/* mov dst32, src32 (zero-extends). */
void emit_mov(struct emit *e, unsigned dst, unsigned src);
void emit_mov_imm(struct emit *e, unsigned dst, uint32_t imm);
/* mov dst32, [base+disp] / mov [base+disp], src32. */
void emit_load(struct emit *e, unsigned dst, unsigned base, int32_t disp);
void emit_store(struct emit *e, unsigned base, int32_t disp, unsigned src);
/* lea dst32, [base+index+disp]: 32-bit sum. */
void emit_lea(struct emit *e, unsigned dst, unsigned base, unsigned index, int32_t disp);
/* lea dst64, [base+index+disp]: all of the sum. */
void emit_lea64(struct emit *e, unsigned dst, unsigned base, unsigned index, int32_t disp);
/* movzx dst32, src16. */
void emit_zx16(struct emit *e, unsigned dst, unsigned src);
/* mov dst16, src16: the upper half of DST stays. */
void emit_mov16(struct emit *e, unsigned dst, unsigned src);
/* mov dword [base+index+disp], imm (SIZE 2 or 4). */
void emit_store_imm(struct emit *e, unsigned size, unsigned base, unsigned index, int32_t disp,
                    uint32_t imm);
/* SIZE-byte (2, 4) store of SRC to / load into DST (2: zero-extended) from [base+index+disp]. */
void emit_store_sized(struct emit *e, unsigned size, unsigned src, unsigned base, unsigned index,
                      int32_t disp);
void emit_load_sized(struct emit *e, unsigned size, unsigned dst, unsigned base, unsigned index,
                     int32_t disp);
/* jmp / jcc rel32 to cache offset TARGET; returns the offset of the rel32. */
uint32_t emit_jmp(struct emit *e, uint32_t target);
uint32_t emit_jcc(struct emit *e, unsigned cc, uint32_t target);
/* jrcxz with an 8-bit displacement to be fixed by emit_patch8; returns the offset of it. */
uint32_t emit_jrcxz(struct emit *e);
void emit_patch8(struct emit *e, uint32_t at, uint32_t target);
void emit_patch32(struct emit *e, uint32_t at, uint32_t target);

#endif
