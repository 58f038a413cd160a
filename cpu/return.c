/* Far RET and IRET, in every mode.  Intel SDM vol. 2 RET, IRET; vol. 3A 5.8.6, 20.2.4. */
#include "cpu/far.h"

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

/* Flags that any IRET or POPF of the size may change. */
#define FLAGS_ALWAYS (FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT)
#define FLAGS_WIDE   (FLAG_RF | FLAG_AC | FLAG_ID)

static void merge_eflags(struct cpu *cpu, uint32_t value, uint32_t mask)
{
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (value & mask));
}

static void enter_real(struct cpu *cpu, uint16_t selector, uint32_t eip)
{
    if (cpu_v86(cpu)) {
        struct segment cs = segment_v86(selector);
        cpu_install_segment(cpu, SEG_CS, &cs);
    } else {
        cpu_set_real_segment(cpu, SEG_CS, selector, true);
    }
    cpu->eip = eip;
}

/* The code segment that a return goes to (SDM RET, RETURN-TO-*-PRIVILEGE-LEVEL). */
static bool check_return(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    unsigned rpl = selector & 3;
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_read_descriptor(cpu, selector, EXC_GP, 0, d))
        return false;
    unsigned dpl = descriptor_dpl(*d);
    if (!descriptor_is_code(*d) || rpl < cpu->cpl ||
        (descriptor_is_conforming(*d) ? dpl > rpl : dpl != rpl))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    return (d->hi & AR_P) || cpu_raise_selector(cpu, EXC_NP, selector, 0);
}

/* Pop the outer ring's ESP and SS from S into OUTER, checked. */
static bool pop_outer(struct cpu *cpu, struct stack *s, unsigned size, unsigned rpl,
                      struct stack *outer)
{
    uint32_t esp, ss;
    if (!stack_pop(cpu, s, &esp, size) || !stack_pop(cpu, s, &ss, size))
        return false;
    *outer = (struct stack){.esp = esp, .user = rpl == 3};
    if (!cpu_check_stack_segment(cpu, ss & 0xFFFF, rpl, EXC_GP, 0, &outer->ss))
        return false;
    /* On a 16-bit stack the upper half of ESP stays. */
    if (!(outer->ss.access & AR_DB))
        outer->esp = (cpu->gpr[ESP] & 0xFFFF0000) | (esp & 0xFFFF);
    return true;
}

/* The common end: to the same ring on stack S, or to an outer one with the stack popped from S;
 * RELEASE drops parameters from both. */
static bool return_protected(struct cpu *cpu, struct stack *s, unsigned size, uint16_t selector,
                             uint32_t eip, uint32_t release)
{
    struct descriptor d;
    struct stack outer;
    unsigned rpl = selector & 3;
    if (!check_return(cpu, selector, &d))
        return false;
    stack_move(s, (int32_t)release);
    bool outward = rpl > cpu->cpl;
    if (outward && !pop_outer(cpu, s, size, rpl, &outer))
        return false;
    if (eip > descriptor_limit(d))
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_set_accessed(cpu, selector, &d))
        return false;
    cpu_enter_code(cpu, selector, d, rpl, eip);
    if (outward) {
        stack_move(&outer, (int32_t)release);
        cpu_enter_stack(cpu, &outer);
        cpu_drop_inner_segments(cpu);
    } else {
        cpu->gpr[ESP] = s->esp;
    }
    return true;
}

bool cpu_far_return(struct cpu *cpu, unsigned opsize, uint32_t release)
{
    uint32_t eip, cs;
    struct stack s;
    stack_present(cpu, &s);
    if (!stack_pop(cpu, &s, &eip, opsize) || !stack_pop(cpu, &s, &cs, opsize))
        return false;
    if (cpu_protected(cpu))
        return return_protected(cpu, &s, opsize, cs & 0xFFFF, eip, release);
    if (!cpu_check_eip(cpu, eip))
        return false;
    stack_move(&s, (int32_t)release);
    cpu->gpr[ESP] = s.esp;
    enter_real(cpu, cs & 0xFFFF, eip);
    return true;
}

/* ---- IRET ---- */

struct iret_frame {
    uint32_t eip, cs, eflags;
};

static bool pop_frame(struct cpu *cpu, struct stack *s, unsigned size, struct iret_frame *f)
{
    return stack_pop(cpu, s, &f->eip, size) && stack_pop(cpu, s, &f->cs, size) &&
           stack_pop(cpu, s, &f->eflags, size);
}

/* Real-address mode, and virtual-8086 mode with IOPL 3. */
static bool iret_real(struct cpu *cpu, unsigned opsize)
{
    struct iret_frame f;
    struct stack s;
    uint32_t mask = FLAGS_ALWAYS | FLAG_IF;
    stack_present(cpu, &s);
    if (!pop_frame(cpu, &s, opsize, &f) || !cpu_check_eip(cpu, f.eip))
        return false;
    if (opsize == 4)
        mask |= FLAGS_WIDE;
    if (!cpu_v86(cpu))
        mask |= FLAG_IOPL;
    cpu->gpr[ESP] = s.esp;
    enter_real(cpu, f.cs & 0xFFFF, f.eip);
    merge_eflags(cpu, f.eflags, mask);
    return true;
}

/* Virtual-8086 mode with IOPL below 3 (SDM 20.3.3.6): VIF stands for IF. */
static bool iret_vme(struct cpu *cpu, unsigned opsize)
{
    struct iret_frame f;
    struct stack s;
    if (!(cpu->cr4 & CR4_VME) || opsize == 4)
        return cpu_raise(cpu, EXC_GP, 0);
    stack_present(cpu, &s);
    if (!pop_frame(cpu, &s, 2, &f) || !cpu_check_eip(cpu, f.eip))
        return false;
    if ((f.eflags & FLAG_TF) || ((cpu->flags_sys & FLAG_VIP) && (f.eflags & FLAG_IF)))
        return cpu_raise(cpu, EXC_GP, 0);
    cpu->gpr[ESP] = s.esp;
    enter_real(cpu, f.cs & 0xFFFF, f.eip);
    if (f.eflags & FLAG_IF)
        f.eflags |= FLAG_VIF;
    merge_eflags(cpu, f.eflags, FLAGS_ALWAYS | FLAG_VIF);
    return true;
}

/* From ring 0 to virtual-8086 mode (SDM 20.2.1). */
static bool iret_to_v86(struct cpu *cpu, struct stack *s, const struct iret_frame *f)
{
    static const enum seg_index order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    uint32_t esp, selectors[5];
    if (!stack_pop(cpu, s, &esp, 4))
        return false;
    for (unsigned n = 0; n < 5; n++)
        if (!stack_pop(cpu, s, &selectors[n], 4))
            return false;
    if (f->eip > 0xFFFF)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_set_eflags(cpu, f->eflags);
    cpu_set_cpl(cpu, 3);
    struct segment cs = segment_v86(f->cs & 0xFFFF);
    cpu_install_segment(cpu, SEG_CS, &cs);
    for (unsigned n = 0; n < 5; n++) {
        struct segment data = segment_v86(selectors[n] & 0xFFFF);
        cpu_install_segment(cpu, order[n], &data);
    }
    cpu->gpr[ESP] = esp;
    cpu->eip = f->eip;
    return true;
}

/* EFLAGS.NT: back to the task that the TSS links to (SDM 7.4). */
static bool iret_task(struct cpu *cpu, uint32_t return_eip)
{
    uint16_t link;
    struct descriptor d;
    if (!cpu_system_read(cpu, cpu->tr.base, &link, 2))
        return false;
    uint32_t lin;
    if ((link & 4) || NULL_SELECTOR(link) || !cpu_descriptor_address(cpu, link, &lin))
        return cpu_raise_selector(cpu, EXC_TS, link, 0);
    if (!cpu_system_read(cpu, lin, &d, sizeof d))
        return false;
    unsigned type = descriptor_type(d);
    if ((d.hi & AR_S) || (type != SYS_TSS16_BUSY && type != SYS_TSS32_BUSY))
        return cpu_raise_selector(cpu, EXC_TS, link, 0);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, link, 0);
    return cpu_task_switch(cpu, link, d, TASK_IRET, 0, return_eip) && cpu_check_eip(cpu, cpu->eip);
}

static bool iret_protected(struct cpu *cpu, unsigned opsize, uint32_t return_eip)
{
    struct iret_frame f;
    struct stack s;
    if (cpu->flags_sys & FLAG_NT)
        return iret_task(cpu, return_eip);
    stack_present(cpu, &s);
    if (!pop_frame(cpu, &s, opsize, &f))
        return false;
    if (opsize == 4 && (f.eflags & FLAG_VM) && cpu->cpl == 0)
        return iret_to_v86(cpu, &s, &f);
    uint32_t mask = FLAGS_ALWAYS | (opsize == 4 ? FLAGS_WIDE : 0);
    if (cpu->cpl <= cpu_iopl(cpu))
        mask |= FLAG_IF;
    if (cpu->cpl == 0)
        mask |= FLAG_IOPL | (opsize == 4 ? FLAG_VIF | FLAG_VIP : 0);
    if (!return_protected(cpu, &s, opsize, f.cs & 0xFFFF, f.eip, 0))
        return false;
    merge_eflags(cpu, f.eflags, mask);
    return true;
}

bool cpu_iret(struct cpu *cpu, unsigned opsize, uint32_t return_eip)
{
    bool ok;
    if (cpu_protected(cpu))
        ok = iret_protected(cpu, opsize, return_eip);
    else if (cpu_v86(cpu) && cpu_iopl(cpu) < 3)
        ok = iret_vme(cpu, opsize);
    else
        ok = iret_real(cpu, opsize);
    cpu->nmi_blocked = 0;
    return ok;
}
