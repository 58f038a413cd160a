/* XCR0, the XSAVE feature set, and the upper halves of the YMM registers. */
#ifndef RINGER_CPU_XSAVE_H
#define RINGER_CPU_XSAVE_H

#include "cpu/emulate.h"

/* The upper halves (16 bytes each) of YMM0 to YMM7, to be read and written.  They stand while
 * translated code does not run. */
uint8_t *cpu_ymm_high(struct cpu *cpu);

/* RESET#: XCR0 is 1, the YMM registers are zero (SDM vol. 1 13.3). */
void cpu_xsave_reset(struct cpu *cpu);
/* CR4 or XCR0 was written: is the YMM state enabled now? */
void cpu_xsave_changed(struct cpu *cpu);
/* CPUID leaf 0Dh: sizes and offsets of the state components (SDM vol. 1 13.2). REGS is zero. */
void cpu_xsave_leaf(const struct cpu *cpu, uint32_t subleaf, uint32_t regs[4]);

#endif
