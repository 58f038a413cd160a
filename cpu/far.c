/* Far JMP and CALL: real mode, code segments, call gates, tasks.  Intel SDM vol. 2 JMP, CALL;
 * vol. 3A 5.8. */
#include "cpu/far.h"

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

void cpu_enter_code(struct cpu *cpu, uint16_t selector, struct descriptor d, unsigned cpl,
                    uint32_t eip)
{
    struct segment cs = segment_from_descriptor((selector & 0xFFFC) | cpl, d);
    cpu_set_cpl(cpu, cpl);
    cpu_install_segment(cpu, SEG_CS, &cs);
    cpu->eip = eip;
}

void cpu_enter_stack(struct cpu *cpu, const struct stack *s)
{
    cpu_install_segment(cpu, SEG_SS, &s->ss);
    cpu->gpr[ESP] = s->esp;
}

bool cpu_tss_is_32(const struct cpu *cpu)
{
    return cpu->tr.usable && (cpu->tr.access >> 8 & 15) >= SYS_TSS32;
}

bool cpu_inner_stack(struct cpu *cpu, unsigned dpl, unsigned ext, struct stack *s)
{
    uint32_t esp = 0;
    uint16_t selector = 0;
    bool wide = cpu_tss_is_32(cpu);
    uint32_t offset = wide ? dpl * 8 + 4 : dpl * 4 + 2;
    unsigned size = wide ? 4 : 2;
    if (!cpu->tr.usable || offset + size + 1 > cpu->tr.limit)
        return cpu_raise_selector(cpu, EXC_TS, cpu->tr.selector, ext);
    if (!cpu_system_read(cpu, cpu->tr.base + offset, &esp, size) ||
        !cpu_system_read(cpu, cpu->tr.base + offset + size, &selector, 2))
        return false;
    *s = (struct stack){.esp = esp, .user = dpl == 3, .error = (selector & 0xFFFC) | ext};
    return cpu_check_stack_segment(cpu, selector, dpl, EXC_TS, ext, &s->ss);
}

/* ---- real and virtual-8086 mode ---- */

static void enter_real(struct cpu *cpu, uint16_t selector, uint32_t offset)
{
    if (cpu_v86(cpu)) {
        struct segment cs = segment_v86(selector);
        cpu_install_segment(cpu, SEG_CS, &cs);
    } else {
        cpu_set_real_segment(cpu, SEG_CS, selector, true);
    }
    cpu->eip = offset;
}

static bool push_return(struct cpu *cpu, struct stack *s, unsigned size, uint32_t return_eip)
{
    return stack_push(cpu, s, cpu->seg[SEG_CS].selector, size) &&
           stack_push(cpu, s, return_eip, size);
}

/* ---- protected mode ---- */

/* Privilege of a direct transfer to a code segment (SDM 5.8.1). */
static bool check_direct(struct cpu *cpu, uint16_t selector, struct descriptor d)
{
    unsigned dpl = descriptor_dpl(d);
    bool allowed = descriptor_is_conforming(d) ? dpl <= cpu->cpl
                                               : (selector & 3u) <= cpu->cpl && dpl == cpu->cpl;
    if (!allowed)
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    return (d.hi & AR_P) || cpu_raise_selector(cpu, EXC_NP, selector, 0);
}

static bool check_limit(struct cpu *cpu, struct descriptor d, uint32_t offset)
{
    return offset <= descriptor_limit(d) || cpu_raise(cpu, EXC_GP, 0);
}

/* Rights to a gate or TSS descriptor itself. */
static bool check_gate(struct cpu *cpu, uint16_t selector, struct descriptor gate)
{
    unsigned dpl = descriptor_dpl(gate);
    if (dpl < cpu->cpl || (selector & 3u) > dpl)
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    return (gate.hi & AR_P) || cpu_raise_selector(cpu, EXC_NP, selector, 0);
}

/* The code segment that a call gate names (SDM 5.8.4). */
static bool gate_target(struct cpu *cpu, uint16_t selector, bool jump, struct descriptor *code)
{
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, code))
        return false;
    unsigned dpl = descriptor_dpl(*code);
    if (!descriptor_is_code(*code) || dpl > cpu->cpl ||
        (jump && !descriptor_is_conforming(*code) && dpl != cpu->cpl))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    return (code->hi & AR_P) || cpu_raise_selector(cpu, EXC_NP, selector, 0);
}

static uint32_t gate_offset(struct descriptor gate)
{
    uint32_t offset = gate.lo & 0xFFFF;
    return descriptor_type(gate) & 8 ? offset | (gate.hi & 0xFFFF0000) : offset;
}

static bool jump_gate(struct cpu *cpu, struct descriptor gate)
{
    struct descriptor code;
    uint16_t selector = gate.lo >> 16;
    if (!gate_target(cpu, selector, true, &code) || !check_limit(cpu, code, gate_offset(gate)) ||
        !cpu_set_accessed(cpu, selector, &code))
        return false;
    cpu_enter_code(cpu, selector, code, cpu->cpl, gate_offset(gate));
    return true;
}

/* Copy the gate's parameters from the caller's stack (SDM 5.8.5). */
static bool copy_parameters(struct cpu *cpu, struct stack *to, unsigned count, unsigned size)
{
    uint32_t values[31];
    struct stack from;
    stack_present(cpu, &from);
    for (unsigned n = 0; n < count; n++)
        if (!stack_pop(cpu, &from, &values[n], size))
            return false;
    for (unsigned n = count; n-- > 0;)
        if (!stack_push(cpu, to, values[n], size))
            return false;
    return true;
}

static bool call_gate(struct cpu *cpu, struct descriptor gate, uint32_t return_eip)
{
    struct descriptor code;
    struct stack s;
    uint16_t selector = gate.lo >> 16;
    unsigned size = descriptor_type(gate) & 8 ? 4 : 2;

    if (!gate_target(cpu, selector, false, &code))
        return false;
    bool inner = !descriptor_is_conforming(code) && descriptor_dpl(code) < cpu->cpl;
    unsigned cpl = inner ? descriptor_dpl(code) : cpu->cpl;
    if (!inner)
        stack_present(cpu, &s);
    else if (!cpu_inner_stack(cpu, cpl, 0, &s))
        return false;
    if (!check_limit(cpu, code, gate_offset(gate)))
        return false;
    if (inner && (!stack_push(cpu, &s, cpu->seg[SEG_SS].selector, size) ||
                  !stack_push(cpu, &s, cpu->gpr[ESP], size) ||
                  !copy_parameters(cpu, &s, gate.hi & 31, size)))
        return false;
    if (!push_return(cpu, &s, size, return_eip) || !cpu_set_accessed(cpu, selector, &code))
        return false;
    cpu_enter_code(cpu, selector, code, cpl, gate_offset(gate));
    if (inner)
        cpu_enter_stack(cpu, &s);
    else
        cpu->gpr[ESP] = s.esp;
    return true;
}

/* A far pointer that names a gate or a TSS. */
static bool transfer_system(struct cpu *cpu, uint16_t selector, struct descriptor d, bool jump,
                            uint32_t return_eip)
{
    enum task_reason reason = jump ? TASK_JUMP : TASK_CALL;
    switch (descriptor_type(d)) {
    case SYS_CALL16:
    case SYS_CALL32:
        if (!check_gate(cpu, selector, d))
            return false;
        return jump ? jump_gate(cpu, d) : call_gate(cpu, d, return_eip);
    case SYS_TASK_GATE:
        return check_gate(cpu, selector, d) &&
               cpu_task_enter(cpu, d.lo >> 16, reason, 0, return_eip) &&
               cpu_check_eip(cpu, cpu->eip);
    case SYS_TSS16:
    case SYS_TSS32:
        return check_gate(cpu, selector, d) &&
               cpu_task_enter(cpu, selector, reason, 0, return_eip) && cpu_check_eip(cpu, cpu->eip);
    default:
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    }
}

bool cpu_far_jump(struct cpu *cpu, uint16_t selector, uint32_t offset, uint32_t return_eip)
{
    struct descriptor d;
    if (!cpu_protected(cpu)) {
        if (!cpu_check_eip(cpu, offset))
            return false;
        enter_real(cpu, selector, offset);
        return true;
    }
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, &d))
        return false;
    if (!(d.hi & AR_S))
        return transfer_system(cpu, selector, d, true, return_eip);
    if (!descriptor_is_code(d))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!check_direct(cpu, selector, d) || !check_limit(cpu, d, offset) ||
        !cpu_set_accessed(cpu, selector, &d))
        return false;
    cpu_enter_code(cpu, selector, d, cpu->cpl, offset);
    return true;
}

bool cpu_far_call(struct cpu *cpu, uint16_t selector, uint32_t offset, unsigned opsize,
                  uint32_t return_eip)
{
    struct descriptor d;
    struct stack s;
    stack_present(cpu, &s);
    if (!cpu_protected(cpu)) {
        if (!cpu_check_eip(cpu, offset) || !push_return(cpu, &s, opsize, return_eip))
            return false;
        cpu->gpr[ESP] = s.esp;
        enter_real(cpu, selector, offset);
        return true;
    }
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, &d))
        return false;
    if (!(d.hi & AR_S))
        return transfer_system(cpu, selector, d, false, return_eip);
    if (!descriptor_is_code(d))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    if (!check_direct(cpu, selector, d) || !check_limit(cpu, d, offset) ||
        !push_return(cpu, &s, opsize, return_eip) || !cpu_set_accessed(cpu, selector, &d))
        return false;
    cpu->gpr[ESP] = s.esp;
    cpu_enter_code(cpu, selector, d, cpu->cpl, offset);
    return true;
}
