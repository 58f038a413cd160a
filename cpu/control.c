/* Control registers and EFER.  Intel SDM vol. 3A sections 2.5, 2.2.1, 4.1 and 4.4.1. */
#include "cpu/control.h"
#include "ringer/trace.h"

#include "cpu/model.h"
#include "cpu/segment.h"
#include "cpu/xsave.h"

#define CR0_KNOWN                                                                                  \
    (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD |     \
     CR0_PG)
#define CR0_MODE (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_AM | CR0_PG)

enum { EFER_SCE = 1u << 0, EFER_NXE = 1u << 11 };

void cpu_paging(const struct cpu *cpu, struct paging *pg)
{
    *pg = (struct paging){.cr0 = cpu->cr0, .cr3 = cpu->cr3, .cr4 = cpu->cr4, .efer = cpu->efer};
    for (unsigned n = 0; n < 4; n++)
        pg->pdpte[n] = cpu->pdpte[n];
}

/* Take over PG: PDPTEs are read when PAE paging is (or stays) on.  #GP(0) when one has a reserved
 * bit set; nothing has changed then. */
static bool load_pdptes(struct cpu *cpu, struct paging *pg)
{
    if (!(pg->cr0 & CR0_PG) || !(pg->cr4 & CR4_PAE))
        return true;
    if (!mmu_load_pdptes(cpu->mmu, pg))
        return cpu_raise(cpu, EXC_GP, 0);
    for (unsigned n = 0; n < 4; n++)
        cpu->pdpte[n] = pg->pdpte[n];
    return true;
}

bool cpu_write_cr0(struct cpu *cpu, uint32_t value)
{
    struct paging pg;
    value = (value & CR0_KNOWN) | CR0_ET;
    if (((value & CR0_PG) && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return cpu_raise(cpu, EXC_GP, 0);
    uint32_t changed = cpu->cr0 ^ value;
    cpu_paging(cpu, &pg);
    pg.cr0 = value;
    if ((changed & (CR0_PG | CR0_CD | CR0_NW)) && !load_pdptes(cpu, &pg))
        return false;
    cpu->cr0 = value;
    if (changed & CR0_MODE)
        cpu->mode_changed = 1;
    if (changed & (CR0_PG | CR0_WP | CR0_PE))
        mmu_set_paging(cpu->mmu, &pg);
    if (changed & CR0_PE)
        cpu_refresh_checks(cpu); /* types count in protected mode only */
    return true;
}

static const struct trace_kind trace_cr3 = {"CR3", "mode", false, {"cr3", "before", "eip"}};

bool cpu_write_cr3(struct cpu *cpu, uint32_t value)
{
    struct paging pg;
    cpu_paging(cpu, &pg);
    pg.cr3 = value;
    if (!load_pdptes(cpu, &pg))
        return false;
    log_trace(cpu->log, &trace_cr3, value, cpu->cr3, cpu->eip);
    cpu->cr3 = value;
    mmu_set_cr3(cpu->mmu, &pg);
    return true;
}

bool cpu_write_cr4(struct cpu *cpu, uint32_t value)
{
    struct paging pg;
    uint32_t changed = cpu->cr4 ^ value;
    if (value & ~cpu->model->cr4)
        return cpu_raise(cpu, EXC_GP, 0);
    cpu_paging(cpu, &pg);
    pg.cr4 = value;
    if ((changed & (CR4_PAE | CR4_PGE | CR4_PSE)) && !load_pdptes(cpu, &pg))
        return false;
    cpu->cr4 = value;
    cpu_xsave_changed(cpu);
    if (changed)
        cpu->mode_changed = 1;
    if (changed & (CR4_PAE | CR4_PGE | CR4_PSE))
        mmu_set_paging(cpu->mmu, &pg);
    return true;
}

bool cpu_write_efer(struct cpu *cpu, uint64_t value)
{
    struct paging pg;
    /* Processors with NX have SCE, though SYSCALL is theirs in 64-bit mode only. */
    if (value & ~(uint64_t)(cpu->model->nx ? EFER_NXE | EFER_SCE : 0))
        return cpu_raise(cpu, EXC_GP, 0);
    if (cpu->efer == value)
        return true;
    cpu->efer = (uint32_t)value;
    cpu->mode_changed = 1;
    cpu_paging(cpu, &pg);
    mmu_set_paging(cpu->mmu, &pg);
    return true;
}
