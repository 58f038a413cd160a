/* Memory as instructions see it: segmented and implicit accesses, stacks, modrm operands. */
#include "cpu/access.h"

#include "cpu/debug.h"
#include "cpu/model.h"
#include "cpu/segment.h"

bool cpu_event_pending(const struct cpu *cpu)
{
    uint32_t event = __atomic_load_n(&cpu->event, __ATOMIC_RELAXED);
    if (!cpu->iflag)
        event &= ~(uint32_t)EVENT_INTR;
    return event != 0;
}

bool cpu_system_read(struct cpu *cpu, uint32_t lin, void *data, uint32_t len)
{
    struct mmu_fault fault;
    return mmu_read(cpu->mmu, lin, data, len, false, &fault) || cpu_raise_pf(cpu, &fault);
}

bool cpu_system_write(struct cpu *cpu, uint32_t lin, const void *data, uint32_t len)
{
    struct mmu_fault fault;
    return mmu_write(cpu->mmu, lin, data, len, false, &fault) || cpu_raise_pf(cpu, &fault);
}

bool cpu_system_probe(struct cpu *cpu, uint32_t lin, uint32_t len, enum mmu_access access)
{
    struct mmu_fault fault;
    return mmu_probe(cpu->mmu, lin, len, access, false, &fault) || cpu_raise_pf(cpu, &fault);
}

/* SDM vol. 3A table 6-7: operands of 10 bytes are x87's, 14 and 94, 28 and 108 its environment and
 * state. */
static uint32_t alignment(const struct cpu *cpu, uint32_t len)
{
    switch (len) {
    case 2: case 14: case 94:
        return 2;
    case 4: case 28: case 108:
        return 4;
    case 8: case 10:
        return 8;
    case 16: /* the processor's to say (SDM vol. 3A 6.15) */
    case 32:
        return cpu->model->intel_host ? 1 : 16;
    default:
        return 1;
    }
}

static bool misaligned(const struct cpu *cpu, uint32_t linear, uint32_t len)
{
    return cpu->cpl == 3 && (cpu->flags_sys & FLAG_AC) && (cpu->cr0 & CR0_AM) &&
           (linear & (alignment(cpu, len) - 1));
}

bool cpu_linear(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len,
                enum mmu_access access, uint32_t *linear)
{
    const struct segment *s = &cpu->seg[seg];
    if (!segment_allows(cpu, s, offset, len, access))
        return cpu_raise(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    *linear = s->base + offset;
    if (misaligned(cpu, *linear, len))
        return cpu_raise(cpu, EXC_AC, 0);
    return true;
}

bool cpu_seg_check(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len,
                   enum mmu_access access, uint32_t *linear)
{
    struct mmu_fault fault;
    if (!cpu_linear(cpu, seg, offset, len, access, linear))
        return false;
    return mmu_probe(cpu->mmu, *linear, len, access, cpu->cpl == 3, &fault) ||
           cpu_raise_pf(cpu, &fault);
}

bool cpu_load(struct cpu *cpu, enum seg_index seg, uint32_t offset, void *data, uint32_t len)
{
    struct mmu_fault fault;
    uint32_t linear;
    if (!cpu_linear(cpu, seg, offset, len, MMU_READ, &linear))
        return false;
    if (!mmu_read(cpu->mmu, linear, data, len, cpu->cpl == 3, &fault))
        return cpu_raise_pf(cpu, &fault);
    if (cpu_debug_armed(cpu))
        cpu_debug_access(cpu, linear, len, MMU_READ);
    return true;
}

bool cpu_store(struct cpu *cpu, enum seg_index seg, uint32_t offset, const void *data, uint32_t len)
{
    struct mmu_fault fault;
    uint32_t linear;
    if (!cpu_linear(cpu, seg, offset, len, MMU_WRITE, &linear))
        return false;
    if (!mmu_write(cpu->mmu, linear, data, len, cpu->cpl == 3, &fault))
        return cpu_raise_pf(cpu, &fault);
    if (cpu_debug_armed(cpu))
        cpu_debug_access(cpu, linear, len, MMU_WRITE);
    return true;
}

bool cpu_probe_store(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len)
{
    uint32_t linear;
    return cpu_seg_check(cpu, seg, offset, len, MMU_WRITE, &linear);
}

/* ---- stacks ---- */

void stack_present(const struct cpu *cpu, struct stack *s)
{
    *s = (struct stack){.ss = cpu->seg[SEG_SS], .esp = cpu->gpr[ESP], .user = cpu->cpl == 3};
}

void stack_move(struct stack *s, int32_t delta)
{
    uint32_t mask = stack_mask(&s->ss);
    s->esp = (s->esp & ~mask) | ((s->esp + (uint32_t)delta) & mask);
}

bool stack_push(struct cpu *cpu, struct stack *s, uint32_t value, unsigned size)
{
    struct mmu_fault fault;
    uint32_t offset = (s->esp - size) & stack_mask(&s->ss);
    if (!segment_allows(cpu, &s->ss, offset, size, MMU_WRITE))
        return cpu_raise(cpu, EXC_SS, s->error);
    if (s->user && misaligned(cpu, s->ss.base + offset, size))
        return cpu_raise(cpu, EXC_AC, 0);
    if (!mmu_write(cpu->mmu, s->ss.base + offset, &value, size, s->user, &fault))
        return cpu_raise_pf(cpu, &fault);
    if (cpu_debug_armed(cpu))
        cpu_debug_access(cpu, s->ss.base + offset, size, MMU_WRITE);
    stack_move(s, -(int32_t)size);
    return true;
}

bool stack_pop(struct cpu *cpu, struct stack *s, uint32_t *value, unsigned size)
{
    struct mmu_fault fault;
    uint32_t offset = s->esp & stack_mask(&s->ss);
    if (!segment_allows(cpu, &s->ss, offset, size, MMU_READ))
        return cpu_raise(cpu, EXC_SS, s->error);
    if (s->user && misaligned(cpu, s->ss.base + offset, size))
        return cpu_raise(cpu, EXC_AC, 0);
    *value = 0;
    if (!mmu_read(cpu->mmu, s->ss.base + offset, value, size, s->user, &fault))
        return cpu_raise_pf(cpu, &fault);
    if (cpu_debug_armed(cpu))
        cpu_debug_access(cpu, s->ss.base + offset, size, MMU_READ);
    stack_move(s, (int32_t)size);
    return true;
}

bool cpu_push(struct cpu *cpu, uint32_t value, unsigned size)
{
    uint32_t mask = stack_mask(&cpu->seg[SEG_SS]);
    uint32_t offset = (cpu->gpr[ESP] - size) & mask;
    if (!cpu_store(cpu, SEG_SS, offset, &value, size))
        return false;
    cpu->gpr[ESP] = (cpu->gpr[ESP] & ~mask) | offset;
    return true;
}

bool cpu_pop(struct cpu *cpu, uint32_t *value, unsigned size)
{
    uint32_t mask = stack_mask(&cpu->seg[SEG_SS]);
    uint32_t data = 0;
    if (!cpu_load(cpu, SEG_SS, cpu->gpr[ESP] & mask, &data, size))
        return false;
    *value = data;
    cpu->gpr[ESP] = (cpu->gpr[ESP] & ~mask) | ((cpu->gpr[ESP] + size) & mask);
    return true;
}

/* ---- operands ---- */

uint32_t cpu_effective_address(const struct cpu *cpu, const struct insn *in)
{
    uint32_t mask = in->addrsize == 2 ? 0xFFFF : 0xFFFFFFFF;
    if (in->map == MAP_1B && in->opcode >= 0xA0 && in->opcode <= 0xA3)
        return in->imm & mask;
    if (in->map == MAP_1B && in->opcode == 0xD7)
        return (cpu->gpr[EBX] + (cpu->gpr[EAX] & 0xFF)) & mask;
    if (!in->has_modrm)
        return 0;
    uint32_t ea = in->addrsize == 2 ? cpu_address16(cpu, in) : cpu_address32(cpu, in);
    bool bit_string = in->map == MAP_0F && (in->opcode == 0xA3 || in->opcode == 0xAB ||
                                            in->opcode == 0xB3 || in->opcode == 0xBB);
    if (bit_string) {
        int32_t bit = (int32_t)reg_get(cpu, insn_reg(in), in->opsize);
        if (in->opsize == 2)
            ea += (uint32_t)(((int16_t)bit >> 4) * 2);
        else
            ea += (uint32_t)((bit >> 5) * 4);
        ea &= mask;
    }
    return ea;
}

bool cpu_read_rm(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t *value)
{
    if (!in->has_mem) {
        *value = reg_get(cpu, insn_rm(in), size);
        return true;
    }
    *value = 0;
    return cpu_load(cpu, in->seg, cpu_effective_address(cpu, in), value, size);
}

bool cpu_write_rm(struct cpu *cpu, const struct insn *in, unsigned size, uint32_t value)
{
    if (!in->has_mem) {
        reg_set(cpu, insn_rm(in), size, value);
        return true;
    }
    return cpu_store(cpu, in->seg, cpu_effective_address(cpu, in), &value, size);
}

bool cpu_check_eip(struct cpu *cpu, uint32_t target)
{
    return target <= cpu->seg[SEG_CS].limit || cpu_raise(cpu, EXC_GP, 0);
}
