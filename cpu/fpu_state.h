/* x87/SSE state as the guest sees it: the FXSAVE image of struct cpu, error reporting. */
#ifndef RINGER_CPU_FPU_STATE_H
#define RINGER_CPU_FPU_STATE_H

#include "cpu/emulate.h"

/* FNINIT's state (SDM vol. 2, FINIT) in cpu->fpu, pointers zero; XMM registers and MXCSR stay. */
void cpu_fpu_init(struct cpu *cpu);
/* The state after RESET: as above with XMM zero and MXCSR 1F80h. */
void cpu_fpu_reset(struct cpu *cpu);

/* Offsets in the FXSAVE image (SDM vol. 1 table 10-2), and its end with XMM7: there are no more
 * registers outside 64-bit mode. */
enum { FPU_IMAGE_MXCSR = 24, FPU_IMAGE_ST = 32, FPU_IMAGE_XMM = 160, FPU_IMAGE = 288 };

/* The FXSAVE image as the guest sees it: its own x87 pointers. */
void cpu_fpu_image(const struct cpu *cpu, uint8_t image[FPU_IMAGE]);
/* FNSTENV and FLDENV of 32 bits in protected mode, the environment at ENV: no exception may be
 * pending before the latter. */
enum { FPU_ENV = 28 };
void cpu_fpu_store_env(struct cpu *cpu, uint8_t env[FPU_ENV]);
void cpu_fpu_load_env(struct cpu *cpu, const uint8_t env[FPU_ENV]);
/* Load the x87 part of IMAGE. */
void cpu_fpu_take_x87(struct cpu *cpu, const uint8_t *image);
/* FNINIT's state, with registers zero, as XRSTOR initializes it. */
void cpu_fpu_init_all(struct cpu *cpu);
/* Has IMAGE's MXCSR no reserved bit set? */
bool cpu_fpu_mxcsr_fits(const struct cpu *cpu, const uint8_t *image);

/* A waiting x87 instruction found an unmasked exception pending (SDM vol. 1 section 8.7).
 * CR0.NE: #MF (CPU_EXCEPTION).  Else FERR# is asserted, and the processor waits for the
 * interrupt: CPU_AGAIN (eip unchanged) until the guest wrote port F0h (IGNNE#), then CPU_NEXT:
 * ignore it and carry the instruction out. */
enum cpu_result cpu_fpu_error(struct cpu *cpu);
/* Does the image in cpu->fpu have an unmasked exception pending? */
bool cpu_fpu_pending(const struct cpu *cpu);

/* What an MMX instruction does to the x87 state in cpu->fpu (SDM vol. 1 9.5.1): TOP becomes 0, all
 * registers valid.  The image then has MM0-MM7 in their order. */
void cpu_fpu_enter_mmx(struct cpu *cpu);
/* The first half of it: TOP becomes 0, what is valid stays so. */
void cpu_fpu_top_zero(struct cpu *cpu);

#endif
