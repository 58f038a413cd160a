/* Debug registers: breakpoints and single step.  Intel SDM vol. 3B chapter 18. */
#ifndef RINGER_CPU_DEBUG_H
#define RINGER_CPU_DEBUG_H

#include "cpu/cpu.h"

enum {
    DR6_BD = 1u << 13,
    DR6_BS = 1u << 14,
    DR6_BT = 1u << 15,
    DR6_FIXED = 0xFFFF0FF0u, /* bits that always read as one */
    DR7_GD = 1u << 13,
    DR7_FIXED = 1u << 10,
    DR7_WRITABLE = 0xFFFF23FFu,
};

/* Is any breakpoint of DR7 enabled (locally or globally), or does anybody watch? */
static inline bool cpu_debug_armed(const struct cpu *cpu)
{
    return (cpu->dr[7] & 0xFF) || cpu->watch.count;
}

/* Watch for what W says; its number, from 1, or 0 when there are too many.  A hit sets
 * cpu->watch.hit and EVENT_KICK after the access.  vCPU thread, between instructions. */
unsigned cpu_watch_add(struct cpu *cpu, const struct cpu_watchpoint *w);
/* Stop watching for NUMBER, 0: for all; false when there is none. */
bool cpu_watch_remove(struct cpu *cpu, unsigned number);

/* An instruction at LINEAR is about to run: when an execution breakpoint matches and RF is clear,
 * sets DR6, raises #DB (a fault: eip at the instruction) and returns true. */
bool cpu_debug_exec(struct cpu *cpu, uint32_t linear);
/* Data was accessed: breakpoints that match set DR6 and EVENT_DEBUG; the caller delivers #DB
 * after the instruction (a trap). */
void cpu_debug_access(struct cpu *cpu, uint32_t linear, uint32_t len, enum mmu_access access);
/* The same for port accesses of SIZE bytes (CR4.DE). */
void cpu_debug_io(struct cpu *cpu, uint16_t port, unsigned size);
/* TF was set when the instruction that just ended began: raises #DB with DR6.BS.  eip is that of
 * the next instruction. */
void cpu_single_step_trap(struct cpu *cpu);
/* A task whose TSS has the T bit was entered: DR6.BT and EVENT_DEBUG. */
void cpu_debug_task_trap(struct cpu *cpu);
/* Raise the #DB that EVENT_DEBUG announced (clears the bit; DR6 already tells why). */
void cpu_debug_trap(struct cpu *cpu);

/* MOV to and from DRn (n after aliasing of 4 and 5), with their fixed bits. */
uint32_t cpu_read_dr(const struct cpu *cpu, unsigned n);
void cpu_write_dr(struct cpu *cpu, unsigned n, uint32_t value);

#endif
