/* cpu_emulate_data: moves, and the way to the other groups.  Intel SDM vol. 2. */
#include "cpu/data.h"

#include "cpu/alu.h"
#include "cpu/string.h"

bool cpu_read_rmw(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t *value)
{
    if (in->has_mem && !cpu_probe_store(cpu, in->seg, cpu_effective_address(cpu, in), size))
        return false;
    return cpu_read_rm(cpu, in, size, value);
}

static unsigned operand_size(const struct insn *in)
{
    return in->opcode & 1 ? in->opsize : 1;
}

/* 88-8B: reg <-> r/m. */
static bool mov_rm(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in);
    uint32_t value;
    if (!(in->opcode & 2))
        return cpu_write_rm(cpu, in, size, reg_get(cpu, insn_reg(in), size));
    if (!cpu_read_rm(cpu, in, size, &value))
        return false;
    reg_set(cpu, insn_reg(in), size, value);
    return true;
}

/* A0-A3: accumulator <-> absolute offset. */
static bool mov_moffs(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in);
    uint32_t value = cpu->gpr[EAX], offset = cpu_effective_address(cpu, in);
    enum seg_index seg = insn_data_segment(in);
    if (in->opcode & 2)
        return cpu_store(cpu, seg, offset, &value, size);
    if (!cpu_load(cpu, seg, offset, &value, size))
        return false;
    reg_set(cpu, EAX, size, value);
    return true;
}

static bool xchg(struct cpu *cpu, const struct insn *in)
{
    unsigned size = operand_size(in), reg = insn_reg(in);
    uint32_t value;
    if (!cpu_read_rmw(cpu, in, size, &value) ||
        !cpu_write_rm(cpu, in, size, reg_get(cpu, reg, size)))
        return false;
    reg_set(cpu, reg, size, value);
    return true;
}

static bool xlat(struct cpu *cpu, const struct insn *in)
{
    uint8_t value;
    if (!cpu_load(cpu, insn_data_segment(in), cpu_effective_address(cpu, in), &value, 1))
        return false;
    reg_set(cpu, EAX, 1, value);
    return true;
}

static enum cpu_result data_1b(struct cpu *cpu, const struct insn *in, bool *handled)
{
    switch (in->opcode) {
    case 0x86:
    case 0x87:
        return cpu_end(cpu, in, xchg(cpu, in));
    case 0x88:
    case 0x89:
    case 0x8A:
    case 0x8B:
        return cpu_end(cpu, in, mov_rm(cpu, in));
    case 0xA0:
    case 0xA1:
    case 0xA2:
    case 0xA3:
        return cpu_end(cpu, in, mov_moffs(cpu, in));
    case 0xA4:
    case 0xA5:
    case 0xA6:
    case 0xA7:
    case 0xAA:
    case 0xAB:
    case 0xAC:
    case 0xAD:
    case 0xAE:
    case 0xAF:
        return emulate_string(cpu, in);
    case 0xC6:
    case 0xC7:
        if (insn_reg(in) != 0)
            return not_handled(handled);
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, operand_size(in), in->imm));
    case 0xD7:
        return cpu_end(cpu, in, xlat(cpu, in));
    default: {
        enum cpu_result result = emulate_stack(cpu, in, handled);
        if (*handled)
            return result;
        *handled = true;
        return emulate_alu(cpu, in, handled);
    }
    }
}

/* MOVZX, MOVSX. */
static bool extend(struct cpu *cpu, const struct insn *in)
{
    unsigned size = in->opcode & 1 ? 2 : 1;
    uint32_t value;
    if (!cpu_read_rm(cpu, in, size, &value))
        return false;
    if (in->opcode & 8)
        value = size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    reg_set(cpu, insn_reg(in), in->opsize, value);
    return true;
}

/* The source is read, and may fault, whatever the condition. */
static bool cmov(struct cpu *cpu, const struct insn *in)
{
    uint32_t value;
    if (!cpu_read_rm(cpu, in, in->opsize, &value))
        return false;
    if (alu_condition(in->opcode, cpu->flags_host))
        reg_set(cpu, insn_reg(in), in->opsize, value);
    return true;
}

static enum cpu_result data_0f(struct cpu *cpu, const struct insn *in, bool *handled)
{
    switch (in->opcode) {
    case 0xB6:
    case 0xB7:
    case 0xBE:
    case 0xBF:
        return cpu_end(cpu, in, extend(cpu, in));
    case 0xC3: /* MOVNTI; its other prefixes are no instruction */
        if (!in->has_mem || in->rep || in->opsize_prefix || !cpu_has(cpu->model, FEAT_SSE2))
            return not_handled(handled);
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, 4, cpu->gpr[insn_reg(in)]));
    default:
        if ((in->opcode & 0xF0) == 0x40 && cpu_has(cpu->model, FEAT_CMOV))
            return cpu_end(cpu, in, cmov(cpu, in));
        if ((in->opcode & 0xF0) == 0x80)
            return emulate_stack(cpu, in, handled);
        return emulate_alu_0f(cpu, in, handled);
    }
}

/* MOVBE (0F 38 F0 and F1 without F2, which is CRC32). */
static enum cpu_result movbe(struct cpu *cpu, const struct insn *in, bool *handled)
{
    uint32_t value;
    bool load = in->opcode == 0xF0;
    if (!in->has_mem || in->rep || (in->opcode & 0xFE) != 0xF0 || !cpu_has(cpu->model, FEAT_MOVBE))
        return not_handled(handled);
    if (!load)
        value = cpu->gpr[insn_reg(in)];
    else if (!cpu_read_rm(cpu, in, in->opsize, &value))
        return CPU_EXCEPTION;
    value = in->opsize == 2 ? __builtin_bswap16(value & 0xFFFF) : __builtin_bswap32(value);
    if (!load)
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, in->opsize, value));
    reg_set(cpu, insn_reg(in), in->opsize, value);
    return cpu_done(cpu, in);
}

enum cpu_result cpu_emulate_data(struct cpu *cpu, const struct insn *in, bool *handled)
{
    *handled = true;
    switch (in->map) {
    case MAP_1B:
        return data_1b(cpu, in, handled);
    case MAP_0F:
        return data_0f(cpu, in, handled);
    case MAP_0F38:
        return movbe(cpu, in, handled);
    default:
        return not_handled(handled);
    }
}
