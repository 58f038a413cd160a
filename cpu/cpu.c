/* Creation and reset of a virtual CPU.  Intel SDM vol. 3A section 9.1. */
#include "cpu/cpu.h"

#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/fpu_state.h"
#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/xsave.h"

#include "ringer/error.h"

#include <stdlib.h>
#include <string.h>

/* A CPU and its own copy of the model, cut down to the host. */
struct cpu_allocation {
    struct cpu cpu;
    struct cpu_model model;
};

struct cpu *cpu_new(struct mmu *mmu, struct phys *phys, struct log *log,
                    const struct cpu_model *model, const struct cpu_wires *wires, struct error *err)
{
    size_t size = (sizeof(struct cpu_allocation) + 63) & ~(size_t)63;
    struct cpu_allocation *a = aligned_alloc(64, size);
    if (!a) {
        error_set(err, "out of memory for a virtual CPU");
        return NULL;
    }
    memset(a, 0, size);
    struct cpu *cpu = &a->cpu;
    cpu->mmu = mmu;
    cpu->phys = phys;
    cpu->log = log;
    a->model = cpu_model_for_host(model);
    cpu->model = &a->model;
    if (wires)
        cpu->wires = *wires;
    cpu->limits = limit_area_new(err);
    if (!cpu->limits) {
        free(a);
        return NULL;
    }
    mmu_set_reach(mmu, &cpu->reach);
    cpu_reset(cpu);
    return cpu;
}

void cpu_free(struct cpu *cpu)
{
    if (!cpu)
        return;
    mmu_set_reach(cpu->mmu, NULL);
    limit_area_free(cpu->limits);
    free(cpu);
}

static void reset_segments(struct cpu *cpu)
{
    struct segment data = {
        .limit = 0xFFFF, .access = AR_P | AR_S | AR_WRITABLE | AR_ACCESSED, .usable = 1};
    struct segment code = data;
    code.base = 0xFFFF0000;
    code.selector = 0xF000;
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_install_segment(cpu, n, n == SEG_CS ? &code : &data);
    cpu->gdtr = cpu->idtr = (struct dtable){.limit = 0xFFFF};
    cpu->ldtr = (struct segment){.limit = 0xFFFF, .access = AR_P | SYS_LDT << 8, .usable = 1};
    cpu->tr = (struct segment){.limit = 0xFFFF, .access = AR_P | SYS_TSS32_BUSY << 8, .usable = 1};
}

void cpu_reset(struct cpu *cpu)
{
    struct paging pg;
    memset(cpu->gpr, 0, sizeof cpu->gpr);
    cpu->gpr[EDX] = cpu->model->signature;
    cpu->eip = 0xFFF0;
    cpu_set_eflags(cpu, 0);
    cpu->cr0 = CR0_ET | CR0_CD | CR0_NW;
    cpu->cr2 = cpu->cr3 = cpu->cr4 = 0;
    memset(cpu->dr, 0, sizeof cpu->dr);
    memset(cpu->pdpte, 0, sizeof cpu->pdpte);
    cpu->dr[6] = DR6_FIXED;
    cpu->dr[7] = DR7_FIXED;
    cpu->cpl = 0;
    reset_segments(cpu);
    cpu_reset_msrs(cpu);
    cpu_fpu_reset(cpu);
    cpu_xsave_reset(cpu);
    cpu->fpu_live = 0;
    cpu->shadow = cpu->halted = cpu->shutdown = cpu->nmi_blocked = cpu->in_exception = 0;
    cpu->ferr_asserted = cpu->ignne = 0;
    cpu->exc.valid = 0;
    cpu->fault_count = 0;
    cpu->tsc_offset = 0;
    __atomic_fetch_and(&cpu->event, ~(uint32_t)(EVENT_DEBUG | EVENT_NMI), __ATOMIC_RELAXED);
    cpu->mode_changed = 1;
    cpu_paging(cpu, &pg);
    mmu_set_paging(cpu->mmu, &pg);
}
