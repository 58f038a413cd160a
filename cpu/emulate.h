/* What cannot run natively is carried out here: privileged and sensitive instructions, far
 * transfers, exceptions and interrupts.
 *
 * Nothing here jumps out: functions that may raise an exception return false (or CPU_EXCEPTION)
 * with cpu->exc filled and the guest's registers as the exception must find them. */
#ifndef RINGER_CPU_EMULATE_H
#define RINGER_CPU_EMULATE_H

#include "cpu/cpu.h"

enum cpu_result {
    CPU_NEXT,      /* done; eip (and all else) is set to what comes next */
    CPU_EXCEPTION, /* cpu->exc is to be delivered; eip still at the instruction */
    CPU_AGAIN,     /* a string instruction with REP was cut short; eip still at it */
};

/* Raise: fill cpu->exc and return false. */
bool cpu_raise(struct cpu *cpu, enum exception vector, uint32_t error_code);
bool cpu_raise_pf(struct cpu *cpu, const struct mmu_fault *fault); /* sets CR2 */

/* Deliver cpu->exc (clears it): pushes, gates, task gates, double fault, shutdown (cpu->shutdown).
 * eip must be that of the faulting instruction (of the next one for software interrupts). */
void cpu_deliver_exception(struct cpu *cpu);
/* Accept the external interrupt VECTOR / an NMI. Clears halted. */
void cpu_deliver_interrupt(struct cpu *cpu, uint8_t vector);
void cpu_deliver_nmi(struct cpu *cpu);

/* Carry out an instruction of a sensitive kind (the list: cpu/sensitive.h).  Advances eip. */
enum cpu_result cpu_emulate(struct cpu *cpu, const struct insn *in);

/* Carry out any instruction whose memory operands may not be touched in place, for those that
 * are plain data movement or simple: MOV, MOVZX/SX, PUSH, POP, PUSHA/POPA, near CALL/RET/JMP,
 * LEAVE, XCHG, string instructions (with REP), and so on.  *HANDLED is false, and nothing is
 * changed, for the others: the caller then runs them natively on a bounce buffer. */
enum cpu_result cpu_emulate_data(struct cpu *cpu, const struct insn *in, bool *handled);

/* Effective address (offset in its segment) of IN's modrm memory operand, 16- or 32-bit wrap
 * applied.  Bit-string instructions (BT r) include the displacement of their bit offset. */
uint32_t cpu_effective_address(const struct cpu *cpu, const struct insn *in);

/* Segmented access with limit, type and page checks at the present CPL; raise and return false. */
bool cpu_seg_check(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len,
                   enum mmu_access access, uint32_t *linear);
bool cpu_load(struct cpu *cpu, enum seg_index seg, uint32_t offset, void *data, uint32_t len);
bool cpu_store(struct cpu *cpu, enum seg_index seg, uint32_t offset, const void *data,
               uint32_t len);
/* As cpu_store without storing: everything that could fault is checked. */
bool cpu_probe_store(struct cpu *cpu, enum seg_index seg, uint32_t offset, uint32_t len);

/* Recompute what hangs on a segment register after its fields were set by hand (boot protocols,
 * virtual BIOS): check pointers, mode_changed. */
void cpu_segment_changed(struct cpu *cpu, enum seg_index seg);
/* Set a segment register as a real-mode load does (base = selector << 4; limit kept when
 * KEEP_LIMIT, else FFFFh). */
void cpu_set_real_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector,
                          bool keep_limit);
/* Set a flat protected-mode segment (base 0, limit FFFFFFFFh) for direct boots. */
void cpu_set_flat_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector, bool code);
/* Write control registers as MOV does, mmu told; false: #GP raised. */
bool cpu_write_cr0(struct cpu *cpu, uint32_t value);
bool cpu_write_cr3(struct cpu *cpu, uint32_t value);
bool cpu_write_cr4(struct cpu *cpu, uint32_t value);

/* ---- models (cpu/model.c, cpu/cpuid.c) ---- */
/* Features a block's instructions may need: one bit each, named after CPUID. */
enum cpu_feature {
    FEAT_FPU, FEAT_CPUID, FEAT_486 /* XADD, CMPXCHG, BSWAP, INVLPG, WBINVD */, FEAT_TSC, FEAT_MSR,
    FEAT_CX8, FEAT_SEP, FEAT_CMOV, FEAT_MMX, FEAT_FXSR, FEAT_SSE, FEAT_SSE2, FEAT_SSE3,
    FEAT_SSSE3, FEAT_SSE41, FEAT_SSE42, FEAT_POPCNT, FEAT_MOVBE, FEAT_AES, FEAT_PCLMUL, FEAT_LZCNT,
    FEAT_BMI1, FEAT_BMI2, FEAT_SHA, FEAT_ADX, FEAT_RDRAND, FEAT_RDSEED, FEAT_CLFLUSH, FEAT_NOPL,
    FEAT_MONITOR, FEAT_RDTSCP, FEAT_AVX, FEAT_AVX2, FEAT_FMA, FEAT_F16C, FEAT_3DNOW, FEAT_SYSCALL,
    FEAT_PREFETCHW, FEAT_APIC, FEAT_TSC_DEADLINE, FEAT_TSC_ADJUST, FEAT_INVARIANT_TSC, FEAT_XSAVE,
    FEAT_COUNT
};
/* Find a model by -cpu's NAME, spelt as QEMU spells it.  A model's features are cut down to what
 * the host can execute.  NULL when unknown. */
const struct cpu_model *cpu_model_find(const char *name);
/* The I-th name; NULL behind the last. */
const char *cpu_model_name(unsigned i);
bool cpu_has(const struct cpu_model *model, enum cpu_feature feature);
const char *cpu_model_names(void); /* for messages: "486, pentium, ..." */

/* ---- dumps ---- */
void cpu_describe(const struct cpu *cpu, void (*line)(void *, const char *), void *opaque);

#endif
