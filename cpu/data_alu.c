/* cpu_emulate_data: arithmetic on memory operands.  Intel SDM vol. 2.  A locked operation needs
 * nothing more: there is one processor, and devices run between instructions. */
#include "cpu/alu.h"
#include "cpu/data.h"

static unsigned operand_size(const struct insn *in)
{
    return in->opcode & 1 ? in->opsize : 1;
}

static bool writes_back(enum alu_op op)
{
    return op != ALU_CMP && op != ALU_TEST;
}

/* r/m op= B. */
static bool alu_rm(struct cpu *cpu, const struct insn *in, enum alu_op op, uint32_t b)
{
    unsigned size = operand_size(in);
    uint32_t a, flags = cpu->flags_host;
    bool ok = writes_back(op) ? cpu_read_rmw(cpu, in, size, &a) : cpu_read_rm(cpu, in, size, &a);
    if (!ok)
        return false;
    uint32_t result = alu_execute(op, size, a, b, &flags);
    if (writes_back(op) && !cpu_write_rm(cpu, in, size, result))
        return false;
    cpu->flags_host = flags;
    return true;
}

/* reg op= r/m. */
static bool alu_reg(struct cpu *cpu, const struct insn *in, enum alu_op op)
{
    unsigned size = operand_size(in), reg = insn_reg(in);
    uint32_t b;
    if (!cpu_read_rm(cpu, in, size, &b))
        return false;
    uint32_t result = alu_execute(op, size, reg_get(cpu, reg, size), b, &cpu->flags_host);
    if (writes_back(op))
        reg_set(cpu, reg, size, result);
    return true;
}

/* accumulator op= immediate. */
static bool alu_accumulator(struct cpu *cpu, const struct insn *in, enum alu_op op)
{
    unsigned size = operand_size(in);
    uint32_t result = alu_execute(op, size, reg_get(cpu, EAX, size), in->imm, &cpu->flags_host);
    if (writes_back(op))
        reg_set(cpu, EAX, size, result);
    return true;
}

/* F6, F7, FE, FF: the single-operand groups. */
static enum cpu_result unary(struct cpu *cpu, const struct insn *in, bool *handled)
{
    static const uint8_t group3[] = {ALU_TEST, ALU_TEST, ALU_NOT, ALU_NEG};
    static const uint8_t group4[] = {ALU_INC, ALU_DEC};
    unsigned reg = insn_reg(in);
    if ((in->opcode & 0xFE) == 0xF6 && reg < 4)
        return cpu_end(cpu, in, alu_rm(cpu, in, group3[reg], in->imm));
    if ((in->opcode & 0xFE) == 0xF6 && reg >= 6)
        return emulate_divide(cpu, in);
    if ((in->opcode & 0xFE) == 0xFE && reg < 2)
        return cpu_end(cpu, in, alu_rm(cpu, in, group4[reg], 0));
    return not_handled(handled);
}

enum cpu_result emulate_alu(struct cpu *cpu, const struct insn *in, bool *handled)
{
    uint8_t op = in->opcode;
    if (op < 0x40 && (op & 7) < 6) {
        enum alu_op alu = op >> 3 & 7;
        if ((op & 7) >= 4)
            return cpu_end(cpu, in, alu_accumulator(cpu, in, alu));
        if (op & 2)
            return cpu_end(cpu, in, alu_reg(cpu, in, alu));
        return cpu_end(cpu, in, alu_rm(cpu, in, alu, reg_get(cpu, insn_reg(in), operand_size(in))));
    }
    if (op >= 0x80 && op <= 0x83)
        return cpu_end(cpu, in, alu_rm(cpu, in, insn_reg(in), in->imm));
    if (op == 0x84 || op == 0x85)
        return cpu_end(cpu, in,
                       alu_rm(cpu, in, ALU_TEST, reg_get(cpu, insn_reg(in), operand_size(in))));
    if (op >= 0xF6)
        return unary(cpu, in, handled);
    return not_handled(handled);
}

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

/* The effective address already includes the word part of a register bit offset. */
static bool bit_op(struct cpu *cpu, const struct insn *in, enum bit_op op, uint32_t index)
{
    uint32_t value, bit = 1u << (index & (8u * in->opsize - 1));
    bool ok = op == BIT_TEST ? cpu_read_rm(cpu, in, in->opsize, &value)
                             : cpu_read_rmw(cpu, in, in->opsize, &value);
    if (!ok)
        return false;
    uint32_t cf = value & bit ? FLAG_CF : 0;
    if (op == BIT_SET)
        value |= bit;
    else if (op == BIT_RESET)
        value &= ~bit;
    else
        value ^= bit;
    if (op != BIT_TEST && !cpu_write_rm(cpu, in, in->opsize, value))
        return false;
    cpu->flags_host = (cpu->flags_host & ~(uint32_t)FLAG_CF) | cf;
    return true;
}

/* The destination is written in either case (SDM CMPXCHG). */
static bool cmpxchg(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in);
    uint32_t value, flags = cpu->flags_host;
    if (!cpu_read_rmw(cpu, in, size, &value))
        return false;
    alu_execute(ALU_CMP, size, cpu->gpr[EAX], value, &flags);
    bool equal = flags & FLAG_ZF;
    uint32_t result = equal ? reg_get(cpu, insn_reg(in), size) : value;
    /* A register destination is left alone when unequal: it must not be truncated. */
    if ((equal || in->has_mem) && !cpu_write_rm(cpu, in, size, result))
        return false;
    if (!equal)
        reg_set(cpu, EAX, size, value);
    cpu->flags_host = flags;
    return true;
}

static bool xadd(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in), reg = insn_reg(in);
    uint32_t value, flags = cpu->flags_host;
    if (!cpu_read_rmw(cpu, in, size, &value))
        return false;
    uint32_t result = alu_execute(ALU_ADD, size, value, reg_get(cpu, reg, size), &flags);
    if (in->has_mem && !cpu_write_rm(cpu, in, size, result))
        return false;
    reg_set(cpu, reg, size, value);
    if (!in->has_mem)
        reg_set(cpu, insn_rm(in), size, result);
    cpu->flags_host = flags;
    return true;
}

static bool cmpxchg8b(struct cpu *cpu, const struct insn *in)
{
    uint32_t offset = cpu_effective_address(cpu, in);
    uint64_t value, expected = cpu->gpr[EAX] | (uint64_t)cpu->gpr[EDX] << 32;
    if (!cpu_probe_store(cpu, in->seg, offset, 8) || !cpu_load(cpu, in->seg, offset, &value, 8))
        return false;
    bool equal = value == expected;
    uint64_t result = equal ? cpu->gpr[EBX] | (uint64_t)cpu->gpr[ECX] << 32 : value;
    if (!cpu_store(cpu, in->seg, offset, &result, 8))
        return false;
    if (!equal) {
        cpu->gpr[EAX] = (uint32_t)value;
        cpu->gpr[EDX] = (uint32_t)(value >> 32);
    }
    cpu->flags_host = (cpu->flags_host & ~(uint32_t)FLAG_ZF) | (equal ? FLAG_ZF : 0);
    return true;
}

enum cpu_result emulate_alu_0f(struct cpu *cpu, const struct insn *in, bool *handled)
{
    uint8_t op = in->opcode;
    if ((op & 0xF0) == 0x90)
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, 1, alu_condition(op, cpu->flags_host)));
    switch (op) {
    case 0xA3: /* BT BTS BTR BTC, register */
    case 0xAB:
    case 0xB3:
    case 0xBB:
        return cpu_end(cpu, in, bit_op(cpu, in, op >> 3 & 3, cpu->gpr[insn_reg(in)]));
    case 0xBA: /* the same, immediate */
        if (insn_reg(in) < 4)
            return not_handled(handled);
        return cpu_end(cpu, in, bit_op(cpu, in, insn_reg(in) & 3, in->imm));
    case 0xB0:
    case 0xB1:
        return cpu_end(cpu, in, cmpxchg(cpu, in));
    case 0xC0:
    case 0xC1:
        return cpu_end(cpu, in, xadd(cpu, in));
    case 0xC7:
        if (insn_reg(in) != 1 || !in->has_mem || !cpu_has(cpu->model, FEAT_CX8))
            return not_handled(handled);
        return cpu_end(cpu, in, cmpxchg8b(cpu, in));
    default:
        return not_handled(handled);
    }
}
