/* Control transfers through descriptors: far jumps, calls, returns, interrupts, task switches.
 * Intel SDM vol. 3A chapters 5 to 7. */
#ifndef RINGER_CPU_FAR_H
#define RINGER_CPU_FAR_H

#include "cpu/access.h"
#include "cpu/segment.h"

/* All of these leave the guest's registers alone when they fail (false, exception raised), except
 * for faults that the manual puts into the context of a new task.  RETURN_EIP is what is pushed
 * or saved as EIP. */
bool cpu_far_jump(struct cpu *cpu, uint16_t selector, uint32_t offset, uint32_t return_eip);
bool cpu_far_call(struct cpu *cpu, uint16_t selector, uint32_t offset, unsigned opsize,
                  uint32_t return_eip);
/* RELEASE: bytes of parameters that RET n drops. */
bool cpu_far_return(struct cpu *cpu, unsigned opsize, uint32_t release);
bool cpu_iret(struct cpu *cpu, unsigned opsize, uint32_t return_eip);

/* The stack of ring DPL in the present TSS (SDM 7.2.1); #TS when the TSS is too short. */
bool cpu_inner_stack(struct cpu *cpu, unsigned dpl, unsigned ext, struct stack *s);

/* Commit a transfer: CS with its RPL replaced by CPL, EIP, CPL. */
void cpu_enter_code(struct cpu *cpu, uint16_t selector, struct descriptor d, unsigned cpl,
                    uint32_t eip);
/* Commit a stack: SS and ESP. */
void cpu_enter_stack(struct cpu *cpu, const struct stack *s);

/* How an interrupt or exception came about. */
enum interrupt_source {
    INTERRUPT_HARDWARE, /* external, NMI, or a fault: EXT is set in error codes, no DPL check */
    INTERRUPT_INT_N,    /* INT n: gate DPL, IOPL in V86, redirection with CR4.VME */
    INTERRUPT_INT3,     /* INT3, INTO: gate DPL */
    INTERRUPT_INT1,     /* INT1: no gate DPL check */
};

struct interrupt {
    uint8_t vector;
    enum interrupt_source source;
    bool has_error;
    uint32_t error_code;
    uint32_t return_eip;
    uint32_t eflags; /* the image that is saved */
};

/* Go through the IVT or IDT (SDM vol. 2 INT n; vol. 3A 6.12). */
bool cpu_interrupt(struct cpu *cpu, const struct interrupt *i);

enum task_reason { TASK_JUMP, TASK_CALL, TASK_INTERRUPT, TASK_IRET };
/* Switch to the task of TSS descriptor D, its type and presence already checked (SDM 7.3). */
bool cpu_task_switch(struct cpu *cpu, uint16_t selector, struct descriptor d,
                     enum task_reason reason, unsigned ext, uint32_t return_eip);
/* The TSS selector of a task gate (or a far pointer): GDT, available, present; then the switch. */
bool cpu_task_enter(struct cpu *cpu, uint16_t selector, enum task_reason reason, unsigned ext,
                    uint32_t return_eip);
bool cpu_tss_is_32(const struct cpu *cpu);

#endif
