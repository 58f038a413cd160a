/* The state of one virtual CPU.  Plain data: translated code addresses it by fixed offsets from
 * the state pointer, so the order of the first members is an interface (translator/abi.h). */
#ifndef RINGER_CPU_CPU_H
#define RINGER_CPU_CPU_H

#include "cpu/insn.h"
#include "mmu/mmu.h"
#include "ringer/timeline.h"

enum gpr { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

enum {
    FLAG_CF = 1u << 0, FLAG_PF = 1u << 2, FLAG_AF = 1u << 4, FLAG_ZF = 1u << 6,
    FLAG_SF = 1u << 7, FLAG_TF = 1u << 8, FLAG_IF = 1u << 9, FLAG_DF = 1u << 10,
    FLAG_OF = 1u << 11, FLAG_IOPL = 3u << 12, FLAG_NT = 1u << 14, FLAG_RF = 1u << 16,
    FLAG_VM = 1u << 17, FLAG_AC = 1u << 18, FLAG_VIF = 1u << 19, FLAG_VIP = 1u << 20,
    FLAG_ID = 1u << 21,
};
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
/* Flags that live in host EFLAGS while guest code runs. */
#define FLAGS_HOST  (FLAGS_ARITH | FLAG_DF)

enum { CR0_PE = 1u << 0, CR0_MP = 1u << 1, CR0_EM = 1u << 2, CR0_TS = 1u << 3, CR0_ET = 1u << 4,
       CR0_NE = 1u << 5, CR0_WP = 1u << 16, CR0_AM = 1u << 18, CR0_NW = 1u << 29,
       CR0_CD = 1u << 30 };
#define CR0_PG (1u << 31)
enum { CR4_VME = 1u << 0, CR4_PVI = 1u << 1, CR4_TSD = 1u << 2, CR4_DE = 1u << 3,
       CR4_PSE = 1u << 4, CR4_PAE = 1u << 5, CR4_MCE = 1u << 6, CR4_PGE = 1u << 7,
       CR4_PCE = 1u << 8, CR4_OSFXSR = 1u << 9, CR4_OSXMMEXCPT = 1u << 10,
       CR4_OSXSAVE = 1u << 18 };
enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4 };

enum exception {
    EXC_DE, EXC_DB, EXC_NMI, EXC_BP, EXC_OF, EXC_BR, EXC_UD, EXC_NM, EXC_DF, EXC_CSO, EXC_TS,
    EXC_NP, EXC_SS, EXC_GP, EXC_PF, EXC_MF = 16, EXC_AC, EXC_MC, EXC_XM,
};

/* A segment register with its hidden part.  ACCESS holds bits 8..23 of a descriptor's high
 * dword, in place (type 8..11, S 12, DPL 13..14, P 15, AVL 20, D/B 22, G 23); bits 16..19 zero. */
struct segment {
    uint32_t base;
    uint32_t limit; /* in bytes, inclusive */
    uint32_t access;
    uint16_t selector;
    uint16_t usable; /* 0: null selector loaded, any access is #GP (#SS for SS) */
    /* Limit checks without flags: reading byte [check + offset + size - 1] faults on the host
     * when the offset is outside the segment (or when only the slow path can tell), for reads
     * and for writes.  Kept by cpu_segment_changed. */
    const uint8_t *read_check, *write_check;
};

enum { AR_TYPE = 15u << 8, AR_ACCESSED = 1u << 8, AR_WRITABLE = 1u << 9 /* data */,
       AR_READABLE = 1u << 9 /* code */, AR_EXPAND_DOWN = 1u << 10 /* data */,
       AR_CONFORMING = 1u << 10 /* code */, AR_CODE = 1u << 11, AR_S = 1u << 12,
       AR_DPL_SHIFT = 13, AR_DPL = 3u << 13, AR_P = 1u << 15, AR_L = 1u << 21,
       AR_DB = 1u << 22, AR_G = 1u << 23 };

struct dtable {
    uint32_t base;
    uint32_t limit;
};

/* An exception that waits to be delivered. */
struct pending_exception {
    uint8_t valid;
    uint8_t vector;
    uint8_t has_error;
    uint8_t software; /* INT n, INT3, INTO (INT1 too): saved EIP is that of the next instruction */
    uint32_t error_code;
};

/* Where and why an exception was raised. */
struct fault_record {
    uint32_t vector, error_code, eip, cr2;
    uint16_t cs;
    uint8_t has_error;
};

/* What the CPU asks of the machine around it.  All are called on the vCPU's thread. */
struct cpu_wires {
    void *opaque;
    uint32_t (*in)(void *opaque, uint16_t port, unsigned size); /* size 1, 2, 4 */
    void (*out)(void *opaque, uint16_t port, uint32_t value, unsigned size);
    int (*intack)(void *opaque);             /* the vector, or -1 when nothing is left */
    uint64_t (*tsc)(void *opaque);           /* virtual time in TSC ticks */
    const struct timeline *timeline;         /* the same where it holds; NULL: there is none */
    void (*ferr)(void *opaque, bool level);  /* FERR# to IRQ 13 when CR0.NE is 0 */
    /* The local APIC's MSRs: IA32_APIC_BASE was changed; IA32_TSC_DEADLINE in ticks of TSC above
     * (0: none), written and read. */
    void (*apic_base)(void *opaque, uint64_t base);
    void (*set_deadline)(void *opaque, uint64_t ticks);
    uint64_t (*deadline)(void *opaque);
};

struct cpu_model;

/* Accesses that the machine's owner waits for (cpu/debug.h); the guest does not know. */
enum { CPU_WATCHPOINTS = 16 };
struct cpu_watchpoint {
    uint32_t address, len; /* linear; LEN 0: not used */
    bool on_read, on_write;
    uint64_t hits;
};
struct cpu_watch {
    unsigned count; /* of those in use */
    unsigned hit;   /* number (from 1) of the one hit since the owner looked; 0: none */
    unsigned last;  /* the same, kept */
    bool write;     /* the access: what it was, where, and by which instruction */
    uint32_t address, eip;
    uint16_t cs;
    struct cpu_watchpoint point[CPU_WATCHPOINTS];
};

/* Instruction breakpoints are inhibited by the latter alone (SDM vol. 3A 6.8.3). */
enum { SHADOW_STI = 1, SHADOW_SS = 2 /* MOV SS, POP SS */ };

struct cpu {
    /* --- known to translated code by offset --- */
    uint32_t gpr[8];
    uint32_t eip;
    uint32_t flags_host; /* FLAGS_HOST bits, valid while the VMM runs */
    uint32_t iflag;      /* 0 or FLAG_IF */
    uint32_t flags_sys;  /* TF IOPL NT RF VM AC VIF VIP ID and bit 1 (always set) */
    struct segment seg[6];
    uint32_t event;      /* nonzero: leave guest code at the next chance (enum cpu_event bits) */
    uint32_t fpu_live;   /* nonzero: x87/SSE state is in the host's registers, not in fpu[] */
    uint32_t string_step; /* 1, or -1 with DF set; valid while guest code runs */
    uint8_t cpl;
    uint8_t shadow;      /* SHADOW_*: interrupts inhibited for one instruction */
    uint8_t halted;      /* HLT executed */
    uint8_t shutdown;    /* triple fault: the machine must reset or stop */
    uint8_t nmi_blocked;
    uint8_t in_exception;  /* an exception is being delivered (for double fault rules) */
    uint8_t ferr_asserted, ignne;

    /* The host's XSAVE area, valid when !fpu_live.  Upper halves of the YMM registers are read and
     * written by cpu_ymm_high alone; they are loaded and saved while YMM_ON is set. */
    _Alignas(64) uint8_t fpu[512]; /* FXSAVE image */
    uint8_t xsave_header[64];
    uint8_t ymm_high[256];
    uint32_t ymm_on; /* CR4.OSXSAVE and XCR0.AVX */

    struct mmu_reach reach; /* kept by the mmu */

    /* --- the VMM's --- */
    uint32_t cr0, cr2, cr3, cr4;
    uint32_t dr[8]; /* 4 and 5 unused */
    uint64_t pdpte[4];
    struct dtable gdtr, idtr;
    struct segment ldtr, tr;
    struct pending_exception exc;
    uint32_t efer;
    uint32_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc_offset, tsc_adjust;
    uint64_t pat, apic_base, misc_enable;
    uint64_t mtrr[32]; /* storage: cpu/msr.c knows the order */
    uint64_t xcr0;
    uint32_t x87_fip, x87_fdp; /* as the guest must see them */
    uint16_t x87_fcs, x87_fds, x87_fop;

    struct mmu *mmu;
    struct phys *phys;
    struct log *log;
    const struct cpu_model *model;
    struct cpu_wires wires;
    struct limit_area *limits; /* backing of the check pointers (cpu/segment.c) */
    /* Something that block lookups depend on changed: CR0, CPL, code segment, stack size, TS... */
    uint32_t mode_changed;

    /* The exceptions of the last delivery, in order: one, or the chain that led to a double or
     * triple fault.  For crash reports (cpu_describe). */
    struct fault_record faults[4];
    uint32_t fault_count;
    uint32_t tsc_aux;   /* what RDTSCP leaves in ECX */
    uint32_t spec_ctrl; /* IA32_SPEC_CTRL: storage */
    struct cpu_watch watch;
};

/* Bits of cpu.event, set with atomic OR from any thread. */
enum cpu_event {
    EVENT_INTR = 1, /* an interrupt waits to be acknowledged, at the local APIC or the PIC */
    EVENT_NMI = 2,
    EVENT_KICK = 4, /* the machine wants the vCPU: timers, posted work, stop */
    EVENT_RESET = 8,
    EVENT_DEBUG = 16, /* a data or I/O breakpoint or single step is to be reported (dr[6] has it) */
};

/* A CPU of MODEL (see cpu_model_find) in its reset state. NULL and ERR filled on failure. */
struct cpu *cpu_new(struct mmu *mmu, struct phys *phys, struct log *log,
                    const struct cpu_model *model, const struct cpu_wires *wires,
                    struct error *err);
void cpu_free(struct cpu *cpu);
/* RESET#: SDM vol. 3A table 9-1. */
void cpu_reset(struct cpu *cpu);

/* The whole EFLAGS, put together from its parts; and taken apart (every bit is stored). */
uint32_t cpu_eflags(const struct cpu *cpu);
void cpu_set_eflags(struct cpu *cpu, uint32_t value);

static inline bool cpu_v86(const struct cpu *cpu)
{
    return cpu->flags_sys & FLAG_VM;
}

static inline bool cpu_protected(const struct cpu *cpu)
{
    return (cpu->cr0 & CR0_PE) && !(cpu->flags_sys & FLAG_VM);
}

static inline unsigned cpu_iopl(const struct cpu *cpu)
{
    return cpu->flags_sys >> 12 & 3;
}

#endif
