/* String instructions: index and count registers, and runs of elements that lie in one page. */
#ifndef RINGER_CPU_STRING_H
#define RINGER_CPU_STRING_H

#include "cpu/access.h"

/* Elements after which a repeated instruction is cut short (CPU_AGAIN), so that interrupts are
 * served in time. */
enum { STRING_BUDGET = 4096 };

struct string_op {
    unsigned size;      /* of an element: 1, 2, 4 */
    unsigned addrsize;  /* 2 or 4: width of eSI, eDI and eCX */
    uint8_t rep;        /* 0, F2h or F3h */
    bool down;          /* DF */
    enum seg_index seg; /* of the source */
};

/* A run of elements in one page. */
struct string_run {
    uint32_t count; /* elements */
    uint64_t pa;    /* before the A20 gate */
    uint8_t *host;  /* alias when it is RAM or ROM; NULL: phys_read/phys_write */
};

void string_begin(const struct cpu *cpu, const struct insn *in, struct string_op *op);

static inline uint32_t string_mask(const struct string_op *op)
{
    return op->addrsize == 2 ? 0xFFFF : 0xFFFFFFFF;
}

static inline uint32_t string_source(const struct cpu *cpu, const struct string_op *op)
{
    return cpu->gpr[ESI] & string_mask(op);
}

static inline uint32_t string_dest(const struct cpu *cpu, const struct string_op *op)
{
    return cpu->gpr[EDI] & string_mask(op);
}

static inline uint32_t string_count(const struct cpu *cpu, const struct string_op *op)
{
    return cpu->gpr[ECX] & string_mask(op);
}

/* COUNT elements are done: move eSI (SOURCE), eDI (DEST) and, with a REP prefix, eCX. */
void string_step(struct cpu *cpu, const struct string_op *op, bool source, bool dest,
                 uint32_t count);

/* Elements that one call may do: STRING_BUDGET, or one when each is followed by a trap (TF, data
 * breakpoints). */
uint32_t string_budget(const struct cpu *cpu);

/* The elements at SEG:OFFSET that one translation serves, upwards, at most LIMIT and eCX.  False
 * when there are none (DF set, page crossed, limit near, fault): the caller takes one element by
 * the exact way, which also raises what is to be raised. */
bool string_run(struct cpu *cpu, const struct string_op *op, enum seg_index seg, uint32_t offset,
                enum mmu_access access, uint32_t limit, struct string_run *run);

/* MOVS STOS LODS CMPS SCAS: cpu_emulate_data's part. */
enum cpu_result emulate_string(struct cpu *cpu, const struct insn *in);

#endif
