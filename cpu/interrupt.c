/* Interrupts through the IVT and the IDT's gates.  Intel SDM vol. 2 INT n, vol. 3A 6.12 and
 * 20.1.4, 20.3. */
#include "cpu/far.h"

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

static unsigned ext_of(const struct interrupt *i)
{
    return i->source == INTERRUPT_HARDWARE || i->source == INTERRUPT_INT1;
}

/* Push FLAGS, CS and IP and go to the vector at linear address TABLE. */
static bool through_vector(struct cpu *cpu, uint32_t table, const struct interrupt *i,
                           uint32_t flags, uint32_t new_eflags)
{
    struct stack s;
    uint16_t vector[2];
    if (!cpu_system_read(cpu, table + i->vector * 4u, vector, 4))
        return false;
    stack_present(cpu, &s);
    if (!stack_push(cpu, &s, flags & 0xFFFF, 2) ||
        !stack_push(cpu, &s, cpu->seg[SEG_CS].selector, 2) ||
        !stack_push(cpu, &s, i->return_eip & 0xFFFF, 2))
        return false;
    if (vector[0] > cpu->seg[SEG_CS].limit)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu->gpr[ESP] = s.esp;
    if (cpu_v86(cpu)) {
        struct segment cs = segment_v86(vector[1]);
        cpu_install_segment(cpu, SEG_CS, &cs);
    } else {
        cpu_set_real_segment(cpu, SEG_CS, vector[1], true);
    }
    cpu->eip = vector[0];
    cpu_set_eflags(cpu, new_eflags);
    return true;
}

/* SDM vol. 2 INT n, REAL-ADDRESS-MODE. */
static bool interrupt_real(struct cpu *cpu, const struct interrupt *i)
{
    if (i->vector * 4u + 3 > cpu->idtr.limit)
        return cpu_raise(cpu, EXC_GP, 0);
    uint32_t flags = cpu_eflags(cpu);
    return through_vector(cpu, cpu->idtr.base, i, i->eflags,
                          flags & ~(uint32_t)(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF));
}

/* INT n in virtual-8086 mode with CR4.VME: 1 when the redirection bitmap (SDM 20.3.3) sends the
 * vector to the 8086 program, 0 when not, -1 when an exception was raised. */
static int redirected(struct cpu *cpu, uint8_t vector)
{
    uint16_t map_base;
    uint8_t byte;
    if (!(cpu->cr4 & CR4_VME))
        return 0;
    if (!cpu_tss_is_32(cpu) || cpu->tr.limit < 103)
        return cpu_raise(cpu, EXC_GP, 0), -1;
    if (!cpu_system_read(cpu, cpu->tr.base + 102, &map_base, 2))
        return -1;
    /* The 32 bytes below the I/O map. */
    uint32_t offset = map_base - 32u + vector / 8u;
    if (map_base < 32 || offset > cpu->tr.limit)
        return cpu_raise(cpu, EXC_GP, 0), -1;
    if (!cpu_system_read(cpu, cpu->tr.base + offset, &byte, 1))
        return -1;
    return !(byte >> (vector & 7) & 1);
}

/* SDM 20.3.3.5 and 20.3.3.6: the 8086 program's own handler, IF or VIF playing its part. */
static bool interrupt_8086(struct cpu *cpu, const struct interrupt *i)
{
    uint32_t flags = i->eflags, next = cpu_eflags(cpu) & ~(uint32_t)(FLAG_TF | FLAG_RF);
    if (cpu_iopl(cpu) == 3) {
        next &= ~(uint32_t)FLAG_IF;
    } else {
        flags = (flags & ~(uint32_t)FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
        next &= ~(uint32_t)FLAG_VIF;
    }
    return through_vector(cpu, 0, i, flags, next);
}

static bool push_error(struct cpu *cpu, struct stack *s, const struct interrupt *i, unsigned size)
{
    return !i->has_error || stack_push(cpu, s, i->error_code, size);
}

static bool push_frame(struct cpu *cpu, struct stack *s, const struct interrupt *i, unsigned size)
{
    return stack_push(cpu, s, i->eflags, size) &&
           stack_push(cpu, s, cpu->seg[SEG_CS].selector, size) &&
           stack_push(cpu, s, i->return_eip, size) && push_error(cpu, s, i, size);
}

/* A task gate of the IDT (SDM 6.12.2). */
static bool interrupt_task(struct cpu *cpu, const struct interrupt *i, uint16_t tss)
{
    unsigned ext = ext_of(i);
    uint32_t flags = cpu_eflags(cpu);
    /* The image saved in the old TSS has RF set for faults. */
    cpu_set_eflags(cpu, i->eflags);
    if (!cpu_task_enter(cpu, tss, TASK_INTERRUPT, ext, i->return_eip)) {
        if (cpu->tr.selector != tss)
            cpu_set_eflags(cpu, flags);
        return false;
    }
    if (i->has_error) {
        struct stack s;
        stack_present(cpu, &s);
        s.error = ext;
        if (!push_error(cpu, &s, i, cpu_tss_is_32(cpu) ? 4 : 2))
            return false;
        cpu->gpr[ESP] = s.esp;
    }
    return cpu->eip <= cpu->seg[SEG_CS].limit || cpu_raise(cpu, EXC_GP, ext);
}

/* Does the handler's code segment allow the transfer? *INNER: it runs on a stack of its own. */
static bool check_handler(struct cpu *cpu, uint16_t selector, unsigned ext, struct descriptor *d,
                          bool *inner)
{
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, ext);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, ext, d))
        return false;
    unsigned dpl = descriptor_dpl(*d);
    if (!descriptor_is_code(*d) || dpl > cpu->cpl)
        return cpu_raise_selector(cpu, EXC_GP, selector, ext);
    if (!(d->hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, ext);
    *inner = !descriptor_is_conforming(*d) && dpl < cpu->cpl;
    if (cpu_v86(cpu) && (!*inner || dpl != 0))
        return cpu_raise_selector(cpu, EXC_GP, selector, ext);
    return true;
}

/* Interrupt and trap gates (SDM 6.12.1, 20.3.1). */
static bool interrupt_gate(struct cpu *cpu, const struct interrupt *i, struct descriptor gate)
{
    unsigned ext = ext_of(i), type = descriptor_type(gate);
    unsigned size = type & 8 ? 4 : 2;
    uint16_t selector = gate.lo >> 16;
    uint32_t offset = (gate.lo & 0xFFFF) | (size == 4 ? gate.hi & 0xFFFF0000 : 0);
    bool v86 = cpu_v86(cpu), inner = false;
    struct descriptor code;
    struct stack s;

    if (!check_handler(cpu, selector, ext, &code, &inner))
        return false;
    unsigned cpl = inner ? descriptor_dpl(code) : cpu->cpl;
    if (inner) {
        if (!cpu_inner_stack(cpu, cpl, ext, &s))
            return false;
    } else {
        stack_present(cpu, &s);
        s.error = ext;
    }
    if (offset > descriptor_limit(code))
        return cpu_raise(cpu, EXC_GP, ext);
    if (v86) {
        static const enum seg_index order[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
        for (unsigned n = 0; n < 4; n++)
            if (!stack_push(cpu, &s, cpu->seg[order[n]].selector, size))
                return false;
    }
    if (inner && (!stack_push(cpu, &s, cpu->seg[SEG_SS].selector, size) ||
                  !stack_push(cpu, &s, cpu->gpr[ESP], size)))
        return false;
    if (!push_frame(cpu, &s, i, size) || !cpu_set_accessed(cpu, selector, &code))
        return false;

    uint32_t flags = cpu_eflags(cpu) & ~(uint32_t)(FLAG_TF | FLAG_VM | FLAG_RF | FLAG_NT);
    cpu_set_eflags(cpu, type & 1 ? flags : flags & ~(uint32_t)FLAG_IF);
    cpu_enter_code(cpu, selector, code, cpl, offset);
    if (inner)
        cpu_enter_stack(cpu, &s);
    else
        cpu->gpr[ESP] = s.esp;
    if (v86) {
        cpu_install_null(cpu, SEG_GS, 0);
        cpu_install_null(cpu, SEG_FS, 0);
        cpu_install_null(cpu, SEG_DS, 0);
        cpu_install_null(cpu, SEG_ES, 0);
    }
    return true;
}

static bool interrupt_protected(struct cpu *cpu, const struct interrupt *i)
{
    unsigned ext = ext_of(i);
    uint32_t error = i->vector * 8u + 2 + ext;
    struct descriptor gate;

    if (i->vector * 8u + 7 > cpu->idtr.limit)
        return cpu_raise(cpu, EXC_GP, error);
    if (!cpu_system_read(cpu, cpu->idtr.base + i->vector * 8u, &gate, sizeof gate))
        return false;
    unsigned type = descriptor_type(gate);
    bool known = type == SYS_TASK_GATE || (type & 7) == SYS_INT16 || (type & 7) == SYS_TRAP16;
    if ((gate.hi & AR_S) || !known)
        return cpu_raise(cpu, EXC_GP, error);
    bool checks_dpl = i->source == INTERRUPT_INT_N || i->source == INTERRUPT_INT3;
    if (checks_dpl && descriptor_dpl(gate) < cpu->cpl)
        return cpu_raise(cpu, EXC_GP, error);
    if (!(gate.hi & AR_P))
        return cpu_raise(cpu, EXC_NP, error);
    if (type == SYS_TASK_GATE)
        return interrupt_task(cpu, i, gate.lo >> 16);
    return interrupt_gate(cpu, i, gate);
}

bool cpu_interrupt(struct cpu *cpu, const struct interrupt *i)
{
    if (!(cpu->cr0 & CR0_PE))
        return interrupt_real(cpu, i);
    if (cpu_v86(cpu) && i->source == INTERRUPT_INT_N) {
        int redirect = redirected(cpu, i->vector);
        if (redirect < 0)
            return false;
        if (redirect)
            return interrupt_8086(cpu, i);
        if (cpu_iopl(cpu) < 3)
            return cpu_raise(cpu, EXC_GP, 0);
    }
    return interrupt_protected(cpu, i);
}
