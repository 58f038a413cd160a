/* Privileged instructions: descriptor-table registers, control and debug registers, MSRs, the
 * time-stamp counter, CPUID. */
#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/sensitive.h"

/* SGDT and SIDT; with 16-bit operands all 32 bits of the base are stored (SDM SGDT, as every
 * processor since the 386 does). */
static bool store_table(struct cpu *cpu, const struct insn *in, const struct dtable *table)
{
    uint8_t image[6];
    uint16_t limit = (uint16_t)table->limit;
    __builtin_memcpy(image, &limit, 2);
    __builtin_memcpy(image + 2, &table->base, 4);
    return cpu_store(cpu, in->seg, cpu_effective_address(cpu, in), image, 6);
}

static bool load_table(struct cpu *cpu, const struct insn *in, struct dtable *table)
{
    uint8_t image[6];
    uint16_t limit;
    if (cpu->cpl != 0)
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_load(cpu, in->seg, cpu_effective_address(cpu, in), image, 6))
        return false;
    __builtin_memcpy(&limit, image, 2);
    __builtin_memcpy(&table->base, image + 2, 4);
    table->limit = limit;
    if (in->opsize == 2)
        table->base &= 0x00FFFFFF;
    return true;
}

/* PE can be set by LMSW, not cleared. */
static bool load_msw(struct cpu *cpu, const struct insn *in)
{
    uint32_t value, mask = CR0_MP | CR0_EM | CR0_TS;
    if (cpu->cpl != 0)
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_read_rm(cpu, in, 2, &value))
        return false;
    return cpu_write_cr0(cpu, (cpu->cr0 & ~mask) | (value & (mask | CR0_PE)));
}

static bool invlpg(struct cpu *cpu, const struct insn *in)
{
    if (cpu->cpl != 0)
        return cpu_raise(cpu, EXC_GP, 0);
    mmu_invlpg(cpu->mmu, cpu->seg[in->seg].base + cpu_effective_address(cpu, in));
    return true;
}

/* MONITOR and MWAIT: a hint that is never acted upon; waking at once is allowed. */
static enum cpu_result monitor_mwait(struct cpu *cpu, const struct insn *in)
{
    uint8_t byte;
    if (!cpu_has(cpu->model, FEAT_MONITOR) || cpu->cpl != 0)
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->gpr[ECX] != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    if (in->modrm == 0xC8) {
        uint32_t address = cpu->gpr[EAX] & (in->addrsize == 2 ? 0xFFFF : 0xFFFFFFFF);
        if (!cpu_load(cpu, insn_data_segment(in), address, &byte, 1))
            return CPU_EXCEPTION;
    }
    return cpu_done(cpu, in);
}

/* 0F 01 with a register operand that is not SMSW or LMSW. */
static enum cpu_result group7_register(struct cpu *cpu, const struct insn *in)
{
    if (in->modrm == 0xC8 || in->modrm == 0xC9)
        return monitor_mwait(cpu, in);
    if (in->modrm == 0xD0 || in->modrm == 0xD1)
        return emulate_xgetbv(cpu, in);
    if (in->modrm == 0xF9)
        return emulate_rdtscp(cpu, in);
    return cpu_fail(cpu, EXC_UD, 0);
}

enum cpu_result emulate_group7(struct cpu *cpu, const struct insn *in)
{
    unsigned op = insn_reg(in);
    if (op == 4) /* SMSW: 16 bits to memory, all of CR0 to a 32-bit register */
        return cpu_end(cpu, in, cpu_write_rm(cpu, in, in->has_mem ? 2 : in->opsize, cpu->cr0));
    if (op == 6)
        return cpu_end(cpu, in, load_msw(cpu, in));
    if (!in->has_mem)
        return group7_register(cpu, in);
    switch (op) {
    case 0:
        return cpu_end(cpu, in, store_table(cpu, in, &cpu->gdtr));
    case 1:
        return cpu_end(cpu, in, store_table(cpu, in, &cpu->idtr));
    case 2:
        return cpu_end(cpu, in, load_table(cpu, in, &cpu->gdtr));
    case 3:
        return cpu_end(cpu, in, load_table(cpu, in, &cpu->idtr));
    case 7:
        return cpu_end(cpu, in, invlpg(cpu, in));
    default:
        return cpu_fail(cpu, EXC_UD, 0);
    }
}

enum cpu_result emulate_clts(struct cpu *cpu, const struct insn *in)
{
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    return cpu_end(cpu, in, cpu_write_cr0(cpu, cpu->cr0 & ~(uint32_t)CR0_TS));
}

/* Caches are coherent here: nothing to do beyond the privilege check. */
enum cpu_result emulate_cache(struct cpu *cpu, const struct insn *in)
{
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    return cpu_done(cpu, in);
}

/* There is no cache, but the operand is checked as a load's is, and may lie in a code segment that
 * cannot be read (SDM vol. 2 CLFLUSH). */
enum cpu_result emulate_clflush(struct cpu *cpu, const struct insn *in)
{
    const struct segment *s = &cpu->seg[in->seg];
    enum mmu_access access = s->access & AR_CODE ? MMU_FETCH : MMU_READ;
    uint32_t linear, offset = cpu_effective_address(cpu, in);
    struct mmu_fault fault;
    if (!cpu_has(cpu->model, FEAT_CLFLUSH))
        return cpu_fail(cpu, EXC_UD, 0);
    if (!cpu_linear(cpu, (enum seg_index)in->seg, offset, 1, access, &linear))
        return CPU_EXCEPTION;
    if (!mmu_probe(cpu->mmu, linear, 1, MMU_READ, cpu->cpl == 3, &fault)) {
        cpu_raise_pf(cpu, &fault);
        return CPU_EXCEPTION;
    }
    return cpu_done(cpu, in);
}

static bool write_cr(struct cpu *cpu, unsigned n, uint32_t value)
{
    switch (n) {
    case 0:
        return cpu_write_cr0(cpu, value);
    case 2:
        cpu->cr2 = value;
        return true;
    case 3:
        return cpu_write_cr3(cpu, value);
    default:
        return cpu_write_cr4(cpu, value);
    }
}

enum cpu_result emulate_mov_cr(struct cpu *cpu, const struct insn *in)
{
    unsigned n = insn_reg(in);
    bool exists = n == 0 || n == 2 || n == 3 || (n == 4 && cpu->model->cr4);
    if (!exists || in->lock)
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    if (in->opcode == 0x22)
        return cpu_end(cpu, in, write_cr(cpu, n, cpu->gpr[insn_rm(in)]));
    cpu->gpr[insn_rm(in)] = n == 0 ? cpu->cr0 : n == 2 ? cpu->cr2 : n == 3 ? cpu->cr3 : cpu->cr4;
    return cpu_done(cpu, in);
}

enum cpu_result emulate_mov_dr(struct cpu *cpu, const struct insn *in)
{
    unsigned n = insn_reg(in);
    if (n == 4 || n == 5) {
        if (cpu->cr4 & CR4_DE)
            return cpu_fail(cpu, EXC_UD, 0);
        n += 2;
    }
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    if (cpu->dr[7] & DR7_GD) {
        cpu->dr[6] |= DR6_BD;
        return cpu_fail(cpu, EXC_DB, 0);
    }
    if (in->opcode == 0x23)
        cpu_write_dr(cpu, n, cpu->gpr[insn_rm(in)]);
    else
        cpu->gpr[insn_rm(in)] = cpu_read_dr(cpu, n);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_rdmsr(struct cpu *cpu, const struct insn *in)
{
    uint64_t value;
    if (!cpu_has(cpu->model, FEAT_MSR))
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    if (!cpu_read_msr(cpu, cpu->gpr[ECX], &value))
        return CPU_EXCEPTION;
    cpu->gpr[EAX] = (uint32_t)value;
    cpu->gpr[EDX] = (uint32_t)(value >> 32);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_wrmsr(struct cpu *cpu, const struct insn *in)
{
    uint64_t value = cpu->gpr[EAX] | (uint64_t)cpu->gpr[EDX] << 32;
    if (!cpu_has(cpu->model, FEAT_MSR))
        return cpu_fail(cpu, EXC_UD, 0);
    if (cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    return cpu_end(cpu, in, cpu_write_msr(cpu, cpu->gpr[ECX], value));
}

uint64_t cpu_tsc(const struct cpu *cpu)
{
    uint64_t now = cpu->wires.tsc ? cpu->wires.tsc(cpu->wires.opaque) : 0;
    return now + cpu->tsc_offset;
}

enum cpu_result emulate_rdtsc(struct cpu *cpu, const struct insn *in)
{
    if (!cpu_has(cpu->model, FEAT_TSC))
        return cpu_fail(cpu, EXC_UD, 0);
    if ((cpu->cr4 & CR4_TSD) && cpu->cpl != 0)
        return cpu_fail(cpu, EXC_GP, 0);
    uint64_t tsc = cpu_tsc(cpu);
    cpu->gpr[EAX] = (uint32_t)tsc;
    cpu->gpr[EDX] = (uint32_t)(tsc >> 32);
    return cpu_done(cpu, in);
}

enum cpu_result emulate_rdtscp(struct cpu *cpu, const struct insn *in)
{
    if (!cpu_has(cpu->model, FEAT_RDTSCP))
        return cpu_fail(cpu, EXC_UD, 0);
    enum cpu_result result = emulate_rdtsc(cpu, in);
    if (result == CPU_NEXT)
        cpu->gpr[ECX] = cpu->tsc_aux;
    return result;
}

/* The performance counters exist and stand still. */
enum cpu_result emulate_rdpmc(struct cpu *cpu, const struct insn *in)
{
    if (!cpu_has(cpu->model, FEAT_SEP)) /* since the P6 family */
        return cpu_fail(cpu, EXC_UD, 0);
    if ((cpu->cpl != 0 && !(cpu->cr4 & CR4_PCE)) || cpu->gpr[ECX] > 1)
        return cpu_fail(cpu, EXC_GP, 0);
    cpu->gpr[EAX] = cpu->gpr[EDX] = 0;
    return cpu_done(cpu, in);
}

enum cpu_result emulate_cpuid(struct cpu *cpu, const struct insn *in)
{
    uint32_t regs[4];
    if (!cpu_has(cpu->model, FEAT_CPUID))
        return cpu_fail(cpu, EXC_UD, 0);
    cpu_cpuid(cpu, cpu->gpr[EAX], cpu->gpr[ECX], regs);
    cpu->gpr[EAX] = regs[0];
    cpu->gpr[EBX] = regs[1];
    cpu->gpr[ECX] = regs[2];
    cpu->gpr[EDX] = regs[3];
    return cpu_done(cpu, in);
}
