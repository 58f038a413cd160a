/* cpu_emulate_data: the stack, and near transfers.  Intel SDM vol. 2 PUSH, POP, CALL, RET, JMP,
 * Jcc, LOOP, LEAVE. */
#include "cpu/alu.h"
#include "cpu/data.h"

static bool push_rm(struct cpu *cpu, const struct insn *in)
{
    uint32_t value;
    return cpu_read_rm(cpu, in, in->opsize, &value) && cpu_push(cpu, value, in->opsize);
}

/* The address of a destination that uses ESP is computed after the increment. */
static bool pop_rm(struct cpu *cpu, const struct insn *in)
{
    uint32_t esp = cpu->gpr[ESP], value;
    if (!cpu_pop(cpu, &value, in->opsize))
        return false;
    if (cpu_write_rm(cpu, in, in->opsize, value))
        return true;
    cpu->gpr[ESP] = esp;
    return false;
}

static bool pop_reg(struct cpu *cpu, unsigned reg, unsigned size)
{
    uint32_t value;
    if (!cpu_pop(cpu, &value, size))
        return false;
    reg_set(cpu, reg, size, value);
    return true;
}

static bool pusha(struct cpu *cpu, unsigned size)
{
    struct stack s;
    stack_present(cpu, &s);
    for (unsigned n = 0; n < 8; n++)
        if (!stack_push(cpu, &s, cpu->gpr[n], size))
            return false;
    cpu->gpr[ESP] = s.esp;
    return true;
}

static bool popa(struct cpu *cpu, unsigned size)
{
    struct stack s;
    uint32_t values[8];
    stack_present(cpu, &s);
    for (unsigned n = 8; n-- > 0;)
        if (!stack_pop(cpu, &s, &values[n], size))
            return false;
    for (unsigned n = 0; n < 8; n++)
        if (n != ESP)
            reg_set(cpu, n, size, values[n]);
    cpu->gpr[ESP] = s.esp;
    return true;
}

static bool leave(struct cpu *cpu, unsigned size)
{
    struct stack s;
    uint32_t value;
    stack_present(cpu, &s);
    uint32_t mask = stack_mask(&s.ss);
    s.esp = (s.esp & ~mask) | (cpu->gpr[EBP] & mask);
    if (!stack_pop(cpu, &s, &value, size))
        return false;
    reg_set(cpu, EBP, size, value);
    cpu->gpr[ESP] = s.esp;
    return true;
}

/* ---- near transfers ---- */

static enum cpu_result branch(struct cpu *cpu, const struct insn *in, uint32_t target)
{
    target &= size_mask(in->opsize);
    if (!cpu_check_eip(cpu, target))
        return CPU_EXCEPTION;
    cpu->eip = target;
    return CPU_NEXT;
}

static uint32_t relative(const struct cpu *cpu, const struct insn *in)
{
    return cpu->eip + in->len + in->imm;
}

static enum cpu_result branch_if(struct cpu *cpu, const struct insn *in, bool taken)
{
    return taken ? branch(cpu, in, relative(cpu, in)) : cpu_done(cpu, in);
}

static enum cpu_result call(struct cpu *cpu, const struct insn *in, uint32_t target)
{
    target &= size_mask(in->opsize);
    if (!cpu_check_eip(cpu, target) || !cpu_push(cpu, cpu->eip + in->len, in->opsize))
        return CPU_EXCEPTION;
    cpu->eip = target;
    return CPU_NEXT;
}

static enum cpu_result ret(struct cpu *cpu, const struct insn *in, uint32_t release)
{
    struct stack s;
    uint32_t target;
    stack_present(cpu, &s);
    if (!stack_pop(cpu, &s, &target, in->opsize) || !cpu_check_eip(cpu, target))
        return CPU_EXCEPTION;
    stack_move(&s, (int32_t)release);
    cpu->gpr[ESP] = s.esp;
    cpu->eip = target;
    return CPU_NEXT;
}

/* E0-E3: LOOPNE LOOPE LOOP JCXZ; the counter has the address size. */
static enum cpu_result loop(struct cpu *cpu, const struct insn *in)
{
    uint32_t count = reg_get(cpu, ECX, in->addrsize);
    if (in->opcode == 0xE3)
        return branch_if(cpu, in, count == 0);
    bool zf = cpu->flags_host & FLAG_ZF;
    bool taken = ((count - 1) & size_mask(in->addrsize)) != 0;
    if (in->opcode != 0xE2)
        taken = taken && zf == (in->opcode == 0xE1);
    enum cpu_result result = branch_if(cpu, in, taken);
    if (result == CPU_NEXT)
        reg_set(cpu, ECX, in->addrsize, count - 1);
    return result;
}

/* FF /2 /4 /6. */
static enum cpu_result group5(struct cpu *cpu, const struct insn *in, bool *handled)
{
    uint32_t target;
    switch (insn_reg(in)) {
    case 2:
    case 4:
        if (!cpu_read_rm(cpu, in, in->opsize, &target))
            return CPU_EXCEPTION;
        return insn_reg(in) == 2 ? call(cpu, in, target) : branch(cpu, in, target);
    case 6:
        return cpu_end(cpu, in, push_rm(cpu, in));
    default:
        return not_handled(handled);
    }
}

static enum cpu_result rows(struct cpu *cpu, const struct insn *in, bool *handled)
{
    unsigned low = in->opcode & 7;
    switch (in->opcode & 0xF8) {
    case 0x50:
        return cpu_end(cpu, in, cpu_push(cpu, cpu->gpr[low], in->opsize));
    case 0x58:
        return cpu_end(cpu, in, pop_reg(cpu, low, in->opsize));
    case 0x70:
    case 0x78:
        return branch_if(cpu, in, alu_condition(in->opcode, cpu->flags_host));
    default:
        return not_handled(handled);
    }
}

enum cpu_result emulate_stack(struct cpu *cpu, const struct insn *in, bool *handled)
{
    if (in->map == MAP_0F)
        return branch_if(cpu, in, alu_condition(in->opcode, cpu->flags_host));
    switch (in->opcode) {
    case 0x60:
        return cpu_end(cpu, in, pusha(cpu, in->opsize));
    case 0x61:
        return cpu_end(cpu, in, popa(cpu, in->opsize));
    case 0x68:
    case 0x6A:
        return cpu_end(cpu, in, cpu_push(cpu, in->imm, in->opsize));
    case 0x8F:
        if (insn_reg(in) != 0)
            return not_handled(handled);
        return cpu_end(cpu, in, pop_rm(cpu, in));
    case 0xC2:
        return ret(cpu, in, in->imm & 0xFFFF);
    case 0xC3:
        return ret(cpu, in, 0);
    case 0xC9:
        return cpu_end(cpu, in, leave(cpu, in->opsize));
    case 0xE0:
    case 0xE1:
    case 0xE2:
    case 0xE3:
        return loop(cpu, in);
    case 0xE8:
        return call(cpu, in, relative(cpu, in));
    case 0xE9:
    case 0xEB:
        return branch(cpu, in, relative(cpu, in));
    case 0xFF:
        return group5(cpu, in, handled);
    default:
        return rows(cpu, in, handled);
    }
}
