/* Control registers, descriptor-table registers and model-specific registers. */
#ifndef RINGER_CPU_CONTROL_H
#define RINGER_CPU_CONTROL_H

#include "cpu/emulate.h"

/* What paging depends on, as the mmu wants it. */
void cpu_paging(const struct cpu *cpu, struct paging *pg);
/* EFER changed by WRMSR: bits the model lacks are #GP. */
bool cpu_write_efer(struct cpu *cpu, uint64_t value);

/* RDMSR/WRMSR of register INDEX (SDM vol. 4); false: #GP(0) raised.  MSRs of cpu/msr.c. */
bool cpu_read_msr(struct cpu *cpu, uint32_t index, uint64_t *value);
bool cpu_write_msr(struct cpu *cpu, uint32_t index, uint64_t value);
void cpu_reset_msrs(struct cpu *cpu);

/* The time-stamp counter as the guest reads it. */
uint64_t cpu_tsc(const struct cpu *cpu);

/* CPUID with leaf EAX and subleaf ECX in REGS[0..3] = EAX EBX ECX EDX (cpu/cpuid.c). */
#define APIC_BASE_ENABLED 0x800ull /* in IA32_APIC_BASE */
/* What leaves 15h and 16h say of the clocks: the TSC's rate, which cpu_wires.tsc must have, and
 * the bus clock's, which the local APIC's timer counts. */
enum { CPU_TSC_HZ = 1000000000, CPU_BUS_HZ = 100000000 };

void cpu_cpuid(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

#endif
