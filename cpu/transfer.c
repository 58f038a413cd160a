/* Instructions that transfer control through far.c, return.c and interrupt.c; ENTER; the fast
 * system calls. */
#include "cpu/far.h"
#include "cpu/sensitive.h"

static enum cpu_result transferred(bool ok)
{
    return ok ? CPU_NEXT : CPU_EXCEPTION;
}

static enum cpu_result far_transfer(struct cpu *cpu, const struct insn *in, bool call,
                                    uint16_t selector, uint32_t offset)
{
    uint32_t next = cpu->eip + in->len;
    offset &= size_mask(in->opsize);
    return transferred(call ? cpu_far_call(cpu, selector, offset, in->opsize, next)
                            : cpu_far_jump(cpu, selector, offset, next));
}

enum cpu_result emulate_far_pointer(struct cpu *cpu, const struct insn *in)
{
    return far_transfer(cpu, in, in->opcode == 0x9A, in->imm2, in->imm);
}

enum cpu_result emulate_far_indirect(struct cpu *cpu, const struct insn *in)
{
    uint32_t offset = 0;
    uint16_t selector;
    if (!in->has_mem)
        return cpu_fail(cpu, EXC_UD, 0);
    /* Two loads: a pointer need be aligned as its offset alone (SDM vol. 3A table 6-7). */
    uint32_t ea = cpu_effective_address(cpu, in);
    if (!cpu_load(cpu, in->seg, ea, &offset, in->opsize) ||
        !cpu_load(cpu, in->seg, ea + in->opsize, &selector, 2))
        return CPU_EXCEPTION;
    return far_transfer(cpu, in, insn_reg(in) == 3, selector, offset);
}

enum cpu_result emulate_retf(struct cpu *cpu, const struct insn *in)
{
    uint32_t release = in->opcode == 0xCA ? in->imm & 0xFFFF : 0;
    return transferred(cpu_far_return(cpu, in->opsize, release));
}

enum cpu_result emulate_iret(struct cpu *cpu, const struct insn *in)
{
    return transferred(cpu_iret(cpu, in->opsize, cpu->eip + in->len));
}

enum cpu_result emulate_int(struct cpu *cpu, const struct insn *in)
{
    struct interrupt i = {.return_eip = cpu->eip + in->len, .eflags = cpu_eflags(cpu)};
    switch (in->opcode) {
    case 0xCC:
        i.vector = EXC_BP;
        i.source = INTERRUPT_INT3;
        break;
    case 0xCE:
        if (!(cpu->flags_host & FLAG_OF))
            return cpu_done(cpu, in);
        i.vector = EXC_OF;
        i.source = INTERRUPT_INT3;
        break;
    case 0xF1:
        i.vector = EXC_DB;
        i.source = INTERRUPT_INT1;
        break;
    default:
        i.vector = in->imm & 0xFF;
        i.source = INTERRUPT_INT_N;
        break;
    }
    return transferred(cpu_interrupt(cpu, &i));
}

enum cpu_result emulate_bound(struct cpu *cpu, const struct insn *in)
{
    uint32_t bounds[2] = {0}, ea;
    if (!in->has_mem)
        return cpu_fail(cpu, EXC_UD, 0);
    ea = cpu_effective_address(cpu, in);
    if (!cpu_load(cpu, in->seg, ea, &bounds[0], in->opsize) ||
        !cpu_load(cpu, in->seg, insn_offset(in, ea + in->opsize), &bounds[1], in->opsize))
        return CPU_EXCEPTION;
    int32_t lower = (int32_t)bounds[0], upper = (int32_t)bounds[1];
    int32_t index = (int32_t)cpu->gpr[insn_reg(in)];
    if (in->opsize == 2) {
        lower = (int16_t)lower;
        upper = (int16_t)upper;
        index = (int16_t)index;
    }
    if (index < lower || index > upper)
        return cpu_fail(cpu, EXC_BR, 0);
    return cpu_done(cpu, in);
}

/* Copy the display of LEVEL - 1 outer frame pointers, then push the new frame pointer. */
static bool enter_display(struct cpu *cpu, struct stack *s, unsigned size, unsigned level,
                          uint32_t frame)
{
    uint32_t mask = stack_mask(&s->ss), ebp = cpu->gpr[EBP], value;
    for (unsigned n = 1; n < level; n++) {
        ebp -= size;
        value = 0;
        if (!cpu_load(cpu, SEG_SS, ebp & mask, &value, size) || !stack_push(cpu, s, value, size))
            return false;
    }
    return stack_push(cpu, s, frame, size);
}

enum cpu_result emulate_enter(struct cpu *cpu, const struct insn *in)
{
    unsigned size = in->opsize, level = in->imm2 & 31;
    uint32_t allocate = in->imm & 0xFFFF;
    struct stack s;
    stack_present(cpu, &s);
    if (!stack_push(cpu, &s, cpu->gpr[EBP], size))
        return CPU_EXCEPTION;
    uint32_t frame = s.esp;
    if (level && !enter_display(cpu, &s, size, level, frame))
        return CPU_EXCEPTION;
    stack_move(&s, -(int32_t)allocate);
    /* The new top must be writable (SDM: #PF or #SS "would be caused by a write"). */
    if (!cpu_probe_store(cpu, SEG_SS, s.esp & stack_mask(&s.ss), size))
        return CPU_EXCEPTION;
    reg_set(cpu, EBP, size, frame);
    cpu->gpr[ESP] = s.esp;
    return cpu_done(cpu, in);
}

/* A flat segment as SYSENTER and SYSEXIT load it without reading the GDT. */
static struct segment fast_segment(uint16_t selector, unsigned dpl, bool code)
{
    return (struct segment){.limit = 0xFFFFFFFF,
                            .access = AR_P | AR_S | AR_G | AR_DB | AR_ACCESSED |
                                      dpl << AR_DPL_SHIFT |
                                      (code ? AR_CODE | AR_READABLE : AR_WRITABLE),
                            .selector = selector,
                            .usable = 1};
}

static void fast_enter(struct cpu *cpu, uint16_t cs_selector, uint16_t ss_selector, unsigned cpl,
                       uint32_t eip, uint32_t esp)
{
    struct segment cs = fast_segment(cs_selector | cpl, cpl, true);
    struct segment ss = fast_segment(ss_selector | cpl, cpl, false);
    cpu_set_cpl(cpu, cpl);
    cpu_install_segment(cpu, SEG_CS, &cs);
    cpu_install_segment(cpu, SEG_SS, &ss);
    cpu->eip = eip;
    cpu->gpr[ESP] = esp;
}

enum cpu_result emulate_sysenter(struct cpu *cpu, const struct insn *in)
{
    (void)in;
    uint16_t cs = cpu->sysenter_cs & 0xFFFC;
    if (!cpu_has(cpu->model, FEAT_SEP))
        return cpu_fail(cpu, EXC_UD, 0);
    if (!(cpu->cr0 & CR0_PE) || cs == 0)
        return cpu_fail(cpu, EXC_GP, 0);
    cpu_set_eflags(cpu, cpu_eflags(cpu) & ~(uint32_t)(FLAG_VM | FLAG_IF | FLAG_RF));
    fast_enter(cpu, cs, cs + 8, 0, cpu->sysenter_eip, cpu->sysenter_esp);
    return CPU_NEXT;
}

enum cpu_result emulate_sysexit(struct cpu *cpu, const struct insn *in)
{
    (void)in;
    uint16_t cs = cpu->sysenter_cs & 0xFFFC;
    if (!cpu_has(cpu->model, FEAT_SEP))
        return cpu_fail(cpu, EXC_UD, 0);
    if (!cpu_protected(cpu) || cpu->cpl != 0 || cs == 0)
        return cpu_fail(cpu, EXC_GP, 0);
    fast_enter(cpu, cs + 16, cs + 24, 3, cpu->gpr[EDX], cpu->gpr[ECX]);
    return CPU_NEXT;
}
