/* EFLAGS as a whole, and the instructions that deal in IF.  Intel SDM vol. 2 PUSHF, POPF, CLI,
 * STI, HLT; vol. 3A 20.3 (VME) and 20.4 (PVI). */
#include "cpu/sensitive.h"

#define FLAGS_SYS                                                                                  \
    (FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP | FLAG_ID)

uint32_t cpu_eflags(const struct cpu *cpu)
{
    return (cpu->flags_host & FLAGS_HOST) | (cpu->iflag & FLAG_IF) | (cpu->flags_sys & FLAGS_SYS) |
           2;
}

void cpu_set_eflags(struct cpu *cpu, uint32_t value)
{
    if ((cpu->flags_sys ^ value) & (FLAG_TF | FLAG_VM | FLAG_AC))
        cpu->mode_changed = 1;
    cpu->flags_host = value & FLAGS_HOST;
    cpu->iflag = value & FLAG_IF;
    cpu->flags_sys = (value & FLAGS_SYS) | 2;
}

enum cpu_result emulate_pushf(struct cpu *cpu, const struct insn *in)
{
    uint32_t flags = cpu_eflags(cpu) & ~(uint32_t)(FLAG_VM | FLAG_RF);
    if (cpu_v86(cpu) && cpu_iopl(cpu) < 3) {
        if (!(cpu->cr4 & CR4_VME) || in->opsize == 4)
            return cpu_fail(cpu, EXC_GP, 0);
        flags = (flags & ~(uint32_t)FLAG_IF) | FLAG_IOPL | (flags & FLAG_VIF ? FLAG_IF : 0);
    }
    return cpu_end(cpu, in, cpu_push(cpu, flags, in->opsize));
}

/* Flags that POPF may change in the present mode. */
static uint32_t popf_mask(const struct cpu *cpu, unsigned opsize)
{
    uint32_t mask = FLAGS_HOST | FLAG_TF | FLAG_NT;
    if (opsize == 4)
        mask |= FLAG_AC | FLAG_ID;
    if (!(cpu->cr0 & CR0_PE) || cpu->cpl == 0)
        mask |= FLAG_IOPL | FLAG_IF;
    else if (cpu->cpl <= cpu_iopl(cpu))
        mask |= FLAG_IF;
    return mask;
}

enum cpu_result emulate_popf(struct cpu *cpu, const struct insn *in)
{
    uint32_t esp = cpu->gpr[ESP], value;
    uint32_t mask = popf_mask(cpu, in->opsize);
    bool vme = cpu_v86(cpu) && cpu_iopl(cpu) < 3;
    if (vme && (!(cpu->cr4 & CR4_VME) || in->opsize == 4))
        return cpu_fail(cpu, EXC_GP, 0);
    if (!cpu_pop(cpu, &value, in->opsize))
        return CPU_EXCEPTION;
    if (vme) {
        if ((value & FLAG_TF) || ((cpu->flags_sys & FLAG_VIP) && (value & FLAG_IF))) {
            cpu->gpr[ESP] = esp;
            return cpu_fail(cpu, EXC_GP, 0);
        }
        mask |= FLAG_VIF;
        value |= value & FLAG_IF ? FLAG_VIF : 0;
    }
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (value & mask));
    return cpu_done(cpu, in);
}

/* Who plays the part of IF? FLAG_IF, FLAG_VIF, or 0 for #GP. */
static uint32_t interrupt_flag(const struct cpu *cpu)
{
    if (!(cpu->cr0 & CR0_PE) || cpu->cpl <= cpu_iopl(cpu))
        return FLAG_IF;
    if (cpu->cpl == 3 && (cpu->cr4 & (cpu_v86(cpu) ? CR4_VME : CR4_PVI)))
        return FLAG_VIF;
    return 0;
}

enum cpu_result emulate_cli(struct cpu *cpu, const struct insn *in)
{
    uint32_t flag = interrupt_flag(cpu);
    if (!flag)
        return cpu_fail(cpu, EXC_GP, 0);
    if (flag == FLAG_IF)
        cpu->iflag = 0;
    else
        cpu->flags_sys &= ~(uint32_t)FLAG_VIF;
    return cpu_done(cpu, in);
}

enum cpu_result emulate_sti(struct cpu *cpu, const struct insn *in)
{
    uint32_t flag = interrupt_flag(cpu);
    if (!flag || (flag == FLAG_VIF && (cpu->flags_sys & FLAG_VIP)))
        return cpu_fail(cpu, EXC_GP, 0);
    if (flag == FLAG_VIF) {
        cpu->flags_sys |= FLAG_VIF;
    } else {
        if (!cpu->iflag)
            cpu->shadow = SHADOW_STI;
        cpu->iflag = FLAG_IF;
    }
    return cpu_done(cpu, in);
}

enum cpu_result emulate_hlt(struct cpu *cpu, const struct insn *in)
{
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    cpu->halted = 1;
    return cpu_done(cpu, in);
}
