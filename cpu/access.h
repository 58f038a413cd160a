/* Registers and memory as instructions see them: shared by the emulation's parts. */
#ifndef RINGER_CPU_ACCESS_H
#define RINGER_CPU_ACCESS_H

#include "cpu/emulate.h"

/* General registers by encoding; SIZE 1 (AL CL DL BL AH CH DH BH), 2 or 4 bytes. */
static inline uint32_t reg_get(const struct cpu *cpu, unsigned reg, unsigned size)
{
    if (size == 4)
        return cpu->gpr[reg];
    if (size == 2)
        return cpu->gpr[reg] & 0xFFFF;
    return reg < 4 ? cpu->gpr[reg] & 0xFF : cpu->gpr[reg - 4] >> 8 & 0xFF;
}

static inline void reg_set(struct cpu *cpu, unsigned reg, unsigned size, uint32_t value)
{
    if (size == 4)
        cpu->gpr[reg] = value;
    else if (size == 2)
        cpu->gpr[reg] = (cpu->gpr[reg] & 0xFFFF0000) | (value & 0xFFFF);
    else if (reg < 4)
        cpu->gpr[reg] = (cpu->gpr[reg] & 0xFFFFFF00) | (value & 0xFF);
    else
        cpu->gpr[reg - 4] = (cpu->gpr[reg - 4] & 0xFFFF00FF) | (value & 0xFF) << 8;
}

static inline uint32_t size_mask(unsigned size)
{
    return size == 4 ? 0xFFFFFFFF : size == 2 ? 0xFFFF : 0xFF;
}

/* cpu_effective_address of a ModRM operand with 32-bit addressing, bit strings aside. */
static inline uint32_t cpu_address32(const struct cpu *cpu, const struct insn *in)
{
    uint32_t ea = (uint32_t)in->disp;
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;
    if (rm != 4)
        return mod == 0 && rm == 5 ? ea : ea + cpu->gpr[rm];
    unsigned base = in->sib & 7, index = in->sib >> 3 & 7;
    if (!(mod == 0 && base == 5))
        ea += cpu->gpr[base];
    if (index != 4)
        ea += cpu->gpr[index] << (in->sib >> 6);
    return ea;
}

/* The same with 16-bit addressing. */
static inline uint32_t cpu_address16(const struct cpu *cpu, const struct insn *in)
{
    const uint32_t *r = cpu->gpr;
    uint32_t ea = (uint32_t)in->disp;
    switch (in->modrm & 7) {
    case 0:
        ea += r[EBX] + r[ESI];
        break;
    case 1:
        ea += r[EBX] + r[EDI];
        break;
    case 2:
        ea += r[EBP] + r[ESI];
        break;
    case 3:
        ea += r[EBP] + r[EDI];
        break;
    case 4:
        ea += r[ESI];
        break;
    case 5:
        ea += r[EDI];
        break;
    case 6:
        ea += (in->modrm >> 6) == 0 ? 0 : r[EBP];
        break;
    default:
        ea += r[EBX];
        break;
    }
    return ea & 0xFFFF;
}

/* Done: EIP moves past the instruction. */
static inline enum cpu_result cpu_done(struct cpu *cpu, const struct insn *in)
{
    cpu->eip += in->len;
    return CPU_NEXT;
}

/* The usual end of a handler: OK or an exception that was raised. */
static inline enum cpu_result cpu_end(struct cpu *cpu, const struct insn *in, bool ok)
{
    return ok ? cpu_done(cpu, in) : CPU_EXCEPTION;
}

static inline enum cpu_result cpu_fail(struct cpu *cpu, enum exception vector, uint32_t error)
{
    cpu_raise(cpu, vector, error);
    return CPU_EXCEPTION;
}

/* Part of ESP that the stack segment SS makes use of. */
static inline uint32_t stack_mask(const struct segment *ss)
{
    return ss->access & AR_DB ? 0xFFFFFFFF : 0xFFFF;
}

/* An event that string instructions should stop for is pending. */
bool cpu_event_pending(const struct cpu *cpu);

/* Segmented access: limit and type only; *LINEAR is the address. Raises #GP(0)/#SS(0), #AC. */
bool cpu_linear(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len,
                enum mmu_access access, uint32_t *linear);

/* Implicit supervisor accesses (descriptor tables, TSS), linear addresses. */
bool cpu_system_read(struct cpu *cpu, uint32_t lin, void *data, uint32_t len);
bool cpu_system_write(struct cpu *cpu, uint32_t lin, const void *data, uint32_t len);
bool cpu_system_probe(struct cpu *cpu, uint32_t lin, uint32_t len, enum mmu_access access);

/* The present stack.  Nothing changes when one fails. */
bool cpu_push(struct cpu *cpu, uint32_t value, unsigned size);
bool cpu_pop(struct cpu *cpu, uint32_t *value, unsigned size);

/* A stack that need not be the present one: gates and returns work on a cursor and commit ESP
 * when nothing can fail any more. */
struct stack {
    struct segment ss;
    uint32_t esp;
    bool user;      /* accesses are a user's (CPL 3) */
    uint32_t error; /* error code of #SS */
};

void stack_present(const struct cpu *cpu, struct stack *s);
bool stack_push(struct cpu *cpu, struct stack *s, uint32_t value, unsigned size);
bool stack_pop(struct cpu *cpu, struct stack *s, uint32_t *value, unsigned size);
/* Add DELTA to the part of ESP that counts. */
void stack_move(struct stack *s, int32_t delta);

/* The offset of a part of IN's operand that lies behind another: it wraps as the address does.  Only
 * BOUND, LES and their kin have such operands, as captured from processors; others end at the limit. */
static inline uint32_t insn_offset(const struct insn *in, uint32_t offset)
{
    return in->addrsize == 2 ? offset & 0xFFFF : offset;
}

/* A memory or register operand of modrm, SIZE 1, 2 or 4. */
bool cpu_read_rm(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t *value);
bool cpu_write_rm(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t value);

/* Would a near transfer to TARGET leave the code segment?  Raises #GP(0) then. */
bool cpu_check_eip(struct cpu *cpu, uint32_t target);

/* Segment of an implicit DS operand (strings, XLAT, moffs). */
static inline enum seg_index insn_data_segment(const struct insn *in)
{
    return in->override != SEG_NONE ? (enum seg_index)in->override : SEG_DS;
}

#endif
