/* Instructions on segment registers and on the system descriptors behind selectors. */
#include "cpu/far.h"
#include "cpu/sensitive.h"

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

enum cpu_result emulate_push_segment(struct cpu *cpu, const struct insn *in, enum seg_index seg)
{
    return cpu_end(cpu, in, cpu_push(cpu, cpu->seg[seg].selector, in->opsize));
}

/* SS loads inhibit interrupts and debug traps for one instruction (SDM 6.8.3). */
static void after_load(struct cpu *cpu, enum seg_index seg)
{
    if (seg == SEG_SS)
        cpu->shadow = SHADOW_SS;
}

enum cpu_result emulate_pop_segment(struct cpu *cpu, const struct insn *in, enum seg_index seg)
{
    uint32_t esp = cpu->gpr[ESP], value;
    uint32_t mask = stack_mask(&cpu->seg[SEG_SS]);
    if (!cpu_pop(cpu, &value, in->opsize))
        return CPU_EXCEPTION;
    uint32_t popped = cpu->gpr[ESP];
    cpu->gpr[ESP] = esp;
    if (!cpu_load_segment(cpu, seg, value & 0xFFFF))
        return CPU_EXCEPTION;
    cpu->gpr[ESP] = (esp & ~mask) | (popped & mask);
    after_load(cpu, seg);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_mov_from_segment(struct cpu *cpu, const struct insn *in)
{
    if (insn_reg(in) >= SEG_COUNT)
        return cpu_fail(cpu, EXC_UD, 0);
    /* Memory gets 16 bits; a 32-bit register is zero-extended. */
    uint32_t selector = cpu->seg[insn_reg(in)].selector;
    return cpu_end(cpu, in, cpu_write_rm(cpu, in, in->has_mem ? 2 : in->opsize, selector));
}

enum cpu_result emulate_mov_to_segment(struct cpu *cpu, const struct insn *in)
{
    enum seg_index seg = insn_reg(in);
    uint32_t selector;
    if (seg >= SEG_COUNT || seg == SEG_CS)
        return cpu_fail(cpu, EXC_UD, 0);
    if (!cpu_read_rm(cpu, in, 2, &selector) || !cpu_load_segment(cpu, seg, selector))
        return CPU_EXCEPTION;
    after_load(cpu, seg);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_load_far(struct cpu *cpu, const struct insn *in, enum seg_index seg)
{
    uint32_t offset = 0;
    uint16_t selector;
    if (!in->has_mem)
        return cpu_fail(cpu, EXC_UD, 0);
    uint32_t ea = cpu_effective_address(cpu, in);
    if (!cpu_load(cpu, in->seg, ea, &offset, in->opsize) ||
        !cpu_load(cpu, in->seg, insn_offset(in, ea + in->opsize), &selector, 2))
        return CPU_EXCEPTION;
    if (!cpu_load_segment(cpu, seg, selector))
        return CPU_EXCEPTION;
    reg_set(cpu, insn_reg(in), in->opsize, offset);
    return cpu_done(cpu, in);
}

/* ---- LAR, LSL, VERR, VERW, ARPL: questions about selectors ---- */

/* 1: *D is the descriptor; 0: outside its table; -1: page fault raised. */
static int find_descriptor(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    uint32_t lin;
    if (NULL_SELECTOR(selector) || !cpu_descriptor_address(cpu, selector, &lin))
        return 0;
    return cpu_system_read(cpu, lin, d, sizeof *d) ? 1 : -1;
}

static bool visible(const struct cpu *cpu, uint16_t selector, struct descriptor d)
{
    unsigned dpl = descriptor_dpl(d);
    return descriptor_is_conforming(d) || (cpu->cpl <= dpl && (selector & 3u) <= dpl);
}

static void set_zf(struct cpu *cpu, bool value)
{
    cpu->flags_host = (cpu->flags_host & ~(uint32_t)FLAG_ZF) | (value ? FLAG_ZF : 0);
}

/* System types that LAR and LSL accept (SDM tables 3-53 and 3-58). */
static bool type_valid(struct descriptor d, bool lar)
{
    if (d.hi & AR_S)
        return true;
    switch (descriptor_type(d)) {
    case SYS_TSS16:
    case SYS_LDT:
    case SYS_TSS16_BUSY:
    case SYS_TSS32:
    case SYS_TSS32_BUSY:
        return true;
    case SYS_CALL16:
    case SYS_CALL32:
    case SYS_TASK_GATE:
        return lar;
    default:
        return false;
    }
}

enum cpu_result emulate_lar_lsl(struct cpu *cpu, const struct insn *in)
{
    bool lar = in->opcode == 0x02;
    uint32_t selector;
    struct descriptor d;
    if (!cpu_protected(cpu))
        return cpu_fail(cpu, EXC_UD, 0);
    if (!cpu_read_rm(cpu, in, 2, &selector))
        return CPU_EXCEPTION;
    int found = find_descriptor(cpu, selector, &d);
    if (found < 0)
        return CPU_EXCEPTION;
    bool ok = found && type_valid(d, lar) && visible(cpu, selector, d);
    if (ok)
        reg_set(cpu, insn_reg(in), in->opsize, lar ? d.hi & 0x00FFFF00 : descriptor_limit(d));
    set_zf(cpu, ok);
    return cpu_done(cpu, in);
}

static enum cpu_result verify(struct cpu *cpu, const struct insn *in, bool write)
{
    uint32_t selector;
    struct descriptor d;
    if (!cpu_read_rm(cpu, in, 2, &selector))
        return CPU_EXCEPTION;
    int found = find_descriptor(cpu, selector, &d);
    if (found < 0)
        return CPU_EXCEPTION;
    set_zf(cpu, found && visible(cpu, selector, d) &&
                    (write ? descriptor_is_writable(d) : descriptor_is_readable(d)));
    return cpu_done(cpu, in);
}

enum cpu_result emulate_arpl(struct cpu *cpu, const struct insn *in)
{
    uint32_t dest, rpl = cpu->gpr[insn_reg(in)] & 3;
    if (!cpu_protected(cpu))
        return cpu_fail(cpu, EXC_UD, 0);
    if (!cpu_read_rm(cpu, in, 2, &dest))
        return CPU_EXCEPTION;
    bool adjust = (dest & 3) < rpl;
    if (adjust && !cpu_write_rm(cpu, in, 2, (dest & ~3u) | rpl))
        return CPU_EXCEPTION;
    set_zf(cpu, adjust);
    return cpu_done(cpu, in);
}

/* ---- 0F 00: SLDT STR LLDT LTR VERR VERW ---- */

static bool load_ldtr(struct cpu *cpu, uint16_t selector)
{
    struct descriptor d;
    if (NULL_SELECTOR(selector)) {
        cpu->ldtr = (struct segment){.selector = selector};
        return true;
    }
    if (selector & 4)
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, &d))
        return false;
    if ((d.hi & AR_S) || descriptor_type(d) != SYS_LDT)
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, 0);
    cpu->ldtr = segment_from_descriptor(selector, d);
    return true;
}

static bool load_tr(struct cpu *cpu, uint16_t selector)
{
    struct descriptor d;
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (selector & 4)
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, &d))
        return false;
    unsigned type = descriptor_type(d);
    if ((d.hi & AR_S) || (type != SYS_TSS16 && type != SYS_TSS32))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, 0);
    if (!cpu_set_descriptor_type(cpu, selector, &d, type | 2))
        return false;
    cpu->tr = segment_from_descriptor(selector, d);
    return true;
}

enum cpu_result emulate_group6(struct cpu *cpu, const struct insn *in)
{
    unsigned op = insn_reg(in);
    uint32_t selector;
    if (!cpu_protected(cpu) || op > 5)
        return cpu_fail(cpu, EXC_UD, 0);
    if (op < 2) {
        selector = op == 0 ? cpu->ldtr.selector : cpu->tr.selector;
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, in->has_mem ? 2 : in->opsize, selector));
    }
    if (op >= 4)
        return verify(cpu, in, op == 5);
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    if (!cpu_read_rm(cpu, in, 2, &selector))
        return CPU_EXCEPTION;
    return cpu_end(cpu, in, op == 2 ? load_ldtr(cpu, selector) : load_tr(cpu, selector));
}
