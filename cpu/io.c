/* IN, OUT, INS, OUTS and the right to use them.  Intel SDM vol. 1 chapter 19; vol. 2. */
#include "cpu/debug.h"
#include "cpu/far.h"
#include "cpu/fpu_state.h"
#include "cpu/sensitive.h"
#include "cpu/string.h"

/* The ports of the PC's coprocessor logic: F0h clears BUSY (and with it IRQ 13), F1h resets. */
enum { PORT_FPU_BUSY = 0xF0, PORT_FPU_RESET = 0xF1 };

/* SDM vol. 1 section 19.5.2: the I/O permission bit map. */
static bool check_bitmap(struct cpu *cpu, uint16_t port, unsigned size)
{
    uint16_t map_base, bits;
    if (!cpu_tss_is_32(cpu) || cpu->tr.limit < 103)
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_system_read(cpu, cpu->tr.base + 102, &map_base, 2))
        return false;
    uint32_t offset = map_base + port / 8u;
    /* Two bytes are always read. */
    if (offset + 1 > cpu->tr.limit)
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_system_read(cpu, cpu->tr.base + offset, &bits, 2))
        return false;
    if (bits >> (port & 7) & ((1u << size) - 1))
        return cpu_raise(cpu, EXC_GP, 0);
    return true;
}

static bool check_port(struct cpu *cpu, uint16_t port, unsigned size)
{
    if (!(cpu->cr0 & CR0_PE) || (!cpu_v86(cpu) && cpu->cpl <= cpu_iopl(cpu)))
        return true;
    return check_bitmap(cpu, port, size);
}

static uint32_t port_in(struct cpu *cpu, uint16_t port, unsigned size)
{
    cpu_debug_io(cpu, port, size);
    if (!cpu->wires.in)
        return size_mask(size);
    return cpu->wires.in(cpu->wires.opaque, port, size) & size_mask(size);
}

/* Writing F0h clears the FERR# latch; IGNNE# stays asserted until the FPU's error is gone. */
static void clear_ferr(struct cpu *cpu, bool reset)
{
    cpu->ignne = !reset && cpu->ferr_asserted && cpu_fpu_pending(cpu);
    cpu->ferr_asserted = 0;
    if (cpu->wires.ferr)
        cpu->wires.ferr(cpu->wires.opaque, false);
}

static void port_out(struct cpu *cpu, uint16_t port, uint32_t value, unsigned size)
{
    cpu_debug_io(cpu, port, size);
    if (port == PORT_FPU_BUSY || port == PORT_FPU_RESET)
        clear_ferr(cpu, port == PORT_FPU_RESET);
    else if (cpu->wires.out)
        cpu->wires.out(cpu->wires.opaque, port, value & size_mask(size), size);
}

static unsigned operand_size(const struct insn *in)
{
    return in->opcode & 1 ? in->opsize : 1;
}

static uint16_t port_of(const struct cpu *cpu, const struct insn *in)
{
    return in->opcode & 8 ? cpu->gpr[EDX] & 0xFFFF : in->imm & 0xFF;
}

enum cpu_result emulate_in(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in);
    uint16_t port = port_of(cpu, in);
    if (!check_port(cpu, port, size))
        return CPU_EXCEPTION;
    reg_set(cpu, EAX, size, port_in(cpu, port, size));
    return cpu_done(cpu, in);
}

enum cpu_result emulate_out(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in);
    uint16_t port = port_of(cpu, in);
    if (!check_port(cpu, port, size))
        return CPU_EXCEPTION;
    port_out(cpu, port, cpu->gpr[EAX], size);
    return cpu_done(cpu, in);
}

/* ---- INS and OUTS ---- */

static bool ins_one(struct cpu *cpu, struct string_op *op)
{
    uint16_t port = cpu->gpr[EDX] & 0xFFFF;
    uint32_t value, linear;
    /* The port must not be touched when the store would fault. */
    if (!cpu_seg_check(cpu, SEG_ES, string_dest(cpu, op), op->size, MMU_WRITE, &linear))
        return false;
    value = port_in(cpu, port, op->size);
    if (!cpu_store(cpu, SEG_ES, string_dest(cpu, op), &value, op->size))
        return false;
    string_step(cpu, op, false, true, 1);
    return true;
}

static bool outs_one(struct cpu *cpu, struct string_op *op)
{
    uint32_t value = 0;
    if (!cpu_load(cpu, op->seg, string_source(cpu, op), &value, op->size))
        return false;
    port_out(cpu, cpu->gpr[EDX] & 0xFFFF, value, op->size);
    string_step(cpu, op, true, false, 1);
    return true;
}

/* Fill a stretch of one page of RAM from a port. False: nothing done, go element by element. */
static bool ins_bulk(struct cpu *cpu, struct string_op *op, uint32_t limit)
{
    struct string_run run;
    uint16_t port = cpu->gpr[EDX] & 0xFFFF;
    if (cpu_debug_armed(cpu) ||
        !string_run(cpu, op, SEG_ES, string_dest(cpu, op), MMU_WRITE, limit, &run) || !run.host)
        return false;
    for (uint32_t n = 0; n < run.count; n++) {
        uint32_t value = port_in(cpu, port, op->size);
        __builtin_memcpy(run.host + n * op->size, &value, op->size);
    }
    phys_wrote(cpu->phys, run.pa, run.count * op->size);
    string_step(cpu, op, false, true, run.count);
    return true;
}

static enum cpu_result string_io(struct cpu *cpu, const struct insn *in, bool input)
{
    struct string_op op;
    string_begin(cpu, in, &op);
    if (op.rep && string_count(cpu, &op) == 0)
        return cpu_done(cpu, in);
    if (!check_port(cpu, cpu->gpr[EDX] & 0xFFFF, op.size))
        return CPU_EXCEPTION;
    if (!op.rep) {
        if (!(input ? ins_one(cpu, &op) : outs_one(cpu, &op)))
            return CPU_EXCEPTION;
        return cpu_done(cpu, in);
    }
    uint32_t start = string_budget(cpu), budget = start;
    while (string_count(cpu, &op) != 0) {
        if (budget == 0 || (budget < start && cpu_event_pending(cpu)))
            return CPU_AGAIN;
        uint32_t before = string_count(cpu, &op);
        if (!(input && ins_bulk(cpu, &op, budget)) &&
            !(input ? ins_one(cpu, &op) : outs_one(cpu, &op)))
            return CPU_EXCEPTION;
        budget -= before - string_count(cpu, &op);
    }
    return cpu_done(cpu, in);
}

enum cpu_result emulate_ins(struct cpu *cpu, const struct insn *in)
{
    return string_io(cpu, in, true);
}

enum cpu_result emulate_outs(struct cpu *cpu, const struct insn *in)
{
    return string_io(cpu, in, false);
}
