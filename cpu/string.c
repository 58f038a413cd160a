/* String instructions by hand.  Intel SDM vol. 2 MOVS, STOS, LODS, CMPS, SCAS, REP.
 *
 * Element by element is the rule; where DF is clear and the elements lie in one page, a page's
 * worth is done after one check and one translation.  Registers always tell exactly how far the
 * instruction came, so a fault or an interrupt in the middle restarts it. */
#include "cpu/string.h"

#include "cpu/alu.h"
#include "cpu/debug.h"
#include "cpu/model.h"
#include "cpu/segment.h"

#include <string.h>

void string_begin(const struct cpu *cpu, const struct insn *in, struct string_op *op)
{
    *op = (struct string_op){.size = in->opcode & 1 ? in->opsize : 1,
                             .addrsize = in->addrsize,
                             .rep = in->rep,
                             .down = cpu->flags_host & FLAG_DF,
                             .seg = insn_data_segment(in)};
}

void string_step(struct cpu *cpu, const struct string_op *op, bool source, bool dest,
                 uint32_t count)
{
    uint32_t delta = count * op->size;
    if (op->down)
        delta = -delta;
    if (source)
        reg_set(cpu, ESI, op->addrsize, cpu->gpr[ESI] + delta);
    if (dest)
        reg_set(cpu, EDI, op->addrsize, cpu->gpr[EDI] + delta);
    if (op->rep)
        reg_set(cpu, ECX, op->addrsize, cpu->gpr[ECX] - count);
}

uint32_t string_budget(const struct cpu *cpu)
{
    return (cpu->flags_sys & FLAG_TF) || cpu_debug_armed(cpu) ? 1 : STRING_BUDGET;
}

/* Bytes from OFFSET to the border where the offset or the segment ends. */
static uint64_t room(const struct cpu *cpu, const struct string_op *op, enum seg_index seg,
                     uint32_t offset, enum mmu_access access)
{
    const struct segment *s = &cpu->seg[seg];
    uint64_t end = (uint64_t)string_mask(op) + 1;
    if (!segment_allows(cpu, s, offset, 1, access))
        return 0;
    bool expand_up = (s->access & AR_CODE) || !(s->access & AR_EXPAND_DOWN);
    uint64_t top = expand_up ? (uint64_t)s->limit + 1 : s->access & AR_DB ? 1ull << 32 : 0x10000;
    return (end < top ? end : top) - offset;
}

/* ROM has an alias too, but must not be written through it. */
static bool is_ram(const struct phys *phys, uint64_t pa)
{
    uint64_t offset;
    if (!phys_a20(phys))
        pa &= ~(1ull << 20);
    return pa >> 32 == 0 && phys_frame(phys, pa >> PAGE_SHIFT, &offset) == PHYS_RAM;
}

bool string_run(struct cpu *cpu, const struct string_op *op, enum seg_index seg, uint32_t offset,
                enum mmu_access access, uint32_t limit, struct string_run *run)
{
    struct mmu_fault fault;
    uint32_t linear = cpu->seg[seg].base + offset;
    if (op->down || (linear & (op->size - 1) && (cpu->flags_sys & FLAG_AC)))
        return false;
    uint64_t bytes = PAGE_SIZE - (linear & (PAGE_SIZE - 1));
    uint64_t in_segment = room(cpu, op, seg, offset, access);
    if (bytes > in_segment)
        bytes = in_segment;
    uint64_t count = bytes / op->size;
    if (count > limit)
        count = limit;
    if (op->rep && count > string_count(cpu, op))
        count = string_count(cpu, op);
    if (count == 0)
        return false;
    if (!mmu_translate(cpu->mmu, linear, access, cpu->cpl == 3, &run->pa, &fault))
        return false;
    run->count = (uint32_t)count;
    run->host = phys_ptr(cpu->phys, run->pa, run->count * op->size);
    if (access == MMU_WRITE && run->host &&
        (!is_ram(cpu->phys, run->pa) || phys_journaled(cpu->phys)))
        run->host = NULL;
    return true;
}

/* ---- the instructions: one element ---- */

static bool movs_one(struct cpu *cpu, const struct string_op *op)
{
    uint32_t value = 0;
    if (!cpu_load(cpu, op->seg, string_source(cpu, op), &value, op->size) ||
        !cpu_store(cpu, SEG_ES, string_dest(cpu, op), &value, op->size))
        return false;
    string_step(cpu, op, true, true, 1);
    return true;
}

static bool stos_one(struct cpu *cpu, const struct string_op *op)
{
    if (!cpu_store(cpu, SEG_ES, string_dest(cpu, op), &cpu->gpr[EAX], op->size))
        return false;
    string_step(cpu, op, false, true, 1);
    return true;
}

static bool lods_one(struct cpu *cpu, const struct string_op *op)
{
    uint32_t value = 0;
    if (!cpu_load(cpu, op->seg, string_source(cpu, op), &value, op->size))
        return false;
    reg_set(cpu, EAX, op->size, value);
    string_step(cpu, op, true, false, 1);
    return true;
}

/* The source into VALUE[0], or the destination into VALUE[1]. */
static bool cmps_load(struct cpu *cpu, const struct string_op *op, bool dest, uint32_t *value)
{
    return dest ? cpu_load(cpu, SEG_ES, string_dest(cpu, op), &value[1], op->size)
                : cpu_load(cpu, op->seg, string_source(cpu, op), &value[0], op->size);
}

static bool cmps_one(struct cpu *cpu, const struct string_op *op)
{
    uint32_t value[2] = {0};
    /* The manual has no order.  With 32-bit addresses it is the host's own that blocks execute. */
    bool dest_first = cpu->model->intel_host && string_mask(op) == 0xFFFFFFFF;
    if (!cmps_load(cpu, op, dest_first, value) || !cmps_load(cpu, op, !dest_first, value))
        return false;
    alu_execute(ALU_CMP, op->size, value[0], value[1], &cpu->flags_host);
    string_step(cpu, op, true, true, 1);
    return true;
}

static bool scas_one(struct cpu *cpu, const struct string_op *op)
{
    uint32_t b = 0;
    if (!cpu_load(cpu, SEG_ES, string_dest(cpu, op), &b, op->size))
        return false;
    alu_execute(ALU_CMP, op->size, cpu->gpr[EAX], b, &cpu->flags_host);
    string_step(cpu, op, false, true, 1);
    return true;
}

/* ---- runs ---- */

static uint32_t run_get(struct cpu *cpu, const struct string_run *run, uint32_t n, unsigned size)
{
    uint32_t value = 0;
    if (run->host)
        memcpy(&value, run->host + n * size, size);
    else
        phys_read(cpu->phys, run->pa + n * size, &value, size);
    return value;
}

static void run_put(struct cpu *cpu, const struct string_run *run, uint32_t n, unsigned size,
                    uint32_t value)
{
    if (run->host)
        memcpy(run->host + n * size, &value, size);
    else
        phys_write(cpu->phys, run->pa + n * size, &value, size);
}

static void run_end_write(struct cpu *cpu, const struct string_run *run, uint32_t bytes)
{
    if (run->host)
        phys_wrote(cpu->phys, run->pa, bytes);
}

static uint32_t movs_run(struct cpu *cpu, const struct string_op *op, uint32_t limit)
{
    struct string_run from, to;
    if (!string_run(cpu, op, op->seg, string_source(cpu, op), MMU_READ, limit, &from) ||
        !string_run(cpu, op, SEG_ES, string_dest(cpu, op), MMU_WRITE, from.count, &to))
        return 0;
    uint32_t count = to.count, bytes = count * op->size;
    /* Upwards into the source itself repeats a pattern: that is done element by element. */
    bool repeats = (uintptr_t)to.host - (uintptr_t)from.host < bytes && to.host != from.host;
    if (from.host && to.host && !repeats)
        memmove(to.host, from.host, bytes);
    else
        for (uint32_t n = 0; n < count; n++)
            run_put(cpu, &to, n, op->size, run_get(cpu, &from, n, op->size));
    run_end_write(cpu, &to, bytes);
    string_step(cpu, op, true, true, count);
    return count;
}

static uint32_t stos_run(struct cpu *cpu, const struct string_op *op, uint32_t limit)
{
    struct string_run to;
    if (!string_run(cpu, op, SEG_ES, string_dest(cpu, op), MMU_WRITE, limit, &to))
        return 0;
    uint32_t mask = op->size == 1 ? 0xFF : op->size == 2 ? 0xFFFF : ~0u;
    uint32_t value = cpu->gpr[EAX] & mask;
    if (to.host && value == ((value & 0xFF) * 0x01010101u & mask)) /* all its bytes are the same */
        memset(to.host, (int)(value & 0xFF), to.count * op->size);
    else
        for (uint32_t n = 0; n < to.count; n++)
            run_put(cpu, &to, n, op->size, cpu->gpr[EAX]);
    run_end_write(cpu, &to, to.count * op->size);
    string_step(cpu, op, false, true, to.count);
    return to.count;
}

/* Does the repetition of a compare go on? REPE while ZF, REPNE while not. */
static bool goes_on(uint8_t rep, bool equal)
{
    return equal == (rep == 0xF3);
}

static uint32_t compare_run(struct cpu *cpu, const struct string_op *op, bool scas, uint32_t limit)
{
    struct string_run a = {0}, b;
    uint32_t left = cpu->gpr[EAX] & size_mask(op->size), right = 0, n = 0;
    if (!scas && !string_run(cpu, op, op->seg, string_source(cpu, op), MMU_READ, limit, &a))
        return 0;
    if (!string_run(cpu, op, SEG_ES, string_dest(cpu, op), MMU_READ, scas ? limit : a.count, &b))
        return 0;
    do {
        if (!scas)
            left = run_get(cpu, &a, n, op->size);
        right = run_get(cpu, &b, n, op->size);
        n++;
    } while (n < b.count && goes_on(op->rep, left == right));
    alu_execute(ALU_CMP, op->size, left, right, &cpu->flags_host);
    string_step(cpu, op, !scas, true, n);
    return n;
}

/* ---- dispatch: the low opcode bits without the size bit ---- */

static bool one(struct cpu *cpu, const struct string_op *op, uint8_t opcode)
{
    switch (opcode & 0xFE) {
    case 0xA4:
        return movs_one(cpu, op);
    case 0xA6:
        return cmps_one(cpu, op);
    case 0xAA:
        return stos_one(cpu, op);
    case 0xAC:
        return lods_one(cpu, op);
    default:
        return scas_one(cpu, op);
    }
}

/* Elements done in one go; 0 when the exact way must be taken. */
static uint32_t many(struct cpu *cpu, const struct string_op *op, uint8_t opcode, uint32_t limit)
{
    if (op->down || cpu_debug_armed(cpu))
        return 0;
    switch (opcode & 0xFE) {
    case 0xA4:
        return movs_run(cpu, op, limit);
    case 0xAA:
        return stos_run(cpu, op, limit);
    case 0xA6:
    case 0xAE:
        return compare_run(cpu, op, (opcode & 0xFE) == 0xAE, limit);
    default:
        return 0;
    }
}

/* A repetition is left in the middle.  EFLAGS of one that COMPARES are those from before, FLAGS
 * (SDM vol. 2 REP); AMD's processors leave those of the last comparison. */
static enum cpu_result string_left(struct cpu *cpu, bool compares, uint32_t flags,
                                   enum cpu_result how)
{
    if (compares && cpu->model->intel_host)
        cpu->flags_host = flags;
    return how;
}

enum cpu_result emulate_string(struct cpu *cpu, const struct insn *in)
{
    struct string_op op;
    uint32_t start = string_budget(cpu), budget = start;
    bool compares = (in->opcode & 0xF6) == 0xA6;
    uint32_t flags = cpu->flags_host;
    string_begin(cpu, in, &op);
    if (!op.rep)
        return cpu_end(cpu, in, one(cpu, &op, in->opcode));
    while (string_count(cpu, &op) != 0) {
        if (budget == 0 || (budget < start && cpu_event_pending(cpu)))
            return string_left(cpu, compares, flags, CPU_AGAIN);
        uint32_t done = many(cpu, &op, in->opcode, budget);
        if (done == 0) {
            if (!one(cpu, &op, in->opcode))
                return string_left(cpu, compares, flags, CPU_EXCEPTION);
            done = 1;
        }
        budget -= done;
        if (compares && !goes_on(op.rep, cpu->flags_host & FLAG_ZF))
            break;
    }
    return cpu_done(cpu, in);
}
