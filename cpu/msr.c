/* Model-specific registers.  Intel SDM vol. 4.  Those that concern caches and memory types are
 * storage only: the guest's memory is coherent whatever they say. */
#include "cpu/control.h"

#include "cpu/model.h"

#include "ringer/log.h"

enum msr {
    MSR_P5_MC_ADDR = 0x00,
    MSR_P5_MC_TYPE = 0x01,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1B,
    MSR_EBL_CR_POWERON = 0x2A,
    MSR_FEATURE_CONTROL = 0x3A,
    MSR_TSC_ADJUST = 0x3B,
    MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49,
    MSR_UCODE_UPDATE = 0x79,
    MSR_UCODE_REV = 0x8B,
    MSR_BBL_CR_CTL3 = 0x11E,
    MSR_PERFCTR0 = 0xC1,
    MSR_PERFCTR1 = 0xC2,
    MSR_MTRRCAP = 0xFE,
    MSR_ARCH_CAPABILITIES = 0x10A,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17A,
    MSR_PERFEVTSEL0 = 0x186,
    MSR_PERFEVTSEL1 = 0x187,
    MSR_PERF_STATUS = 0x198,
    MSR_PERF_CTL = 0x199,
    MSR_THERM_STATUS = 0x19C,
    MSR_MISC_ENABLE = 0x1A0,
    MSR_DEBUGCTL = 0x1D9,
    MSR_MTRR_PHYS0 = 0x200,
    MSR_MTRR_PHYS_END = 0x20F,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259,
    MSR_MTRR_FIX4K = 0x268,
    MSR_MTRR_FIX4K_END = 0x26F,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2FF,
    MSR_TSC_DEADLINE = 0x6E0,
    MSR_TSC_AUX = (int)0xC0000103,
    MSR_EFER = (int)0xC0000080,
};

/* Places in cpu->mtrr. */
enum { MTRR_PHYS = 0, MTRR_FIX = 16, MTRR_DEF = 27 };

/* Vol. 4 table 2-2, IA32_ARCH_CAPABILITIES: RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY, SSB_NO,
 * MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO,
 * GDS_NO, RFDS_NO, ITS_NO.  RSBA
 * (bit 2) is clear.  Guest and host code never share privileged state here, and a guest that
 * worked around these would only lose time. */
#define ARCH_CAPABILITIES                                                                          \
    (1ull << 0 | 1ull << 1 | 1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 | 1ull << 8 |           \
     1ull << 13 | 1ull << 14 | 1ull << 15 | 1ull << 20 | 1ull << 24 | 1ull << 26 | 1ull << 27 |    \
     1ull << 62)

#define MTRRCAP 0x508ull /* eight variable pairs, fixed ranges, write combining */
/* The bootstrap processor's; the rest is the page's address and reserved. */
#define APIC_BASE     0xFEE00100ull
#define APIC_BASE_BSP 0x100ull
#define PAT_RESET    0x0007040600070406ull
#define MISC_ENABLE  0x1ull /* fast strings */

static void set_apic_base(struct cpu *cpu, uint64_t value)
{
    cpu->apic_base = value;
    if (cpu->wires.apic_base)
        cpu->wires.apic_base(cpu->wires.opaque, value);
}

void cpu_reset_msrs(struct cpu *cpu)
{
    for (unsigned n = 0; n < sizeof cpu->mtrr / sizeof cpu->mtrr[0]; n++)
        cpu->mtrr[n] = 0;
    cpu->pat = PAT_RESET;
    set_apic_base(cpu, APIC_BASE | (cpu_has(cpu->model, FEAT_APIC) ? APIC_BASE_ENABLED : 0));
    cpu->misc_enable = MISC_ENABLE;
    cpu->efer = 0;
    cpu->sysenter_cs = cpu->sysenter_esp = cpu->sysenter_eip = 0;
    cpu->tsc_aux = cpu->spec_ctrl = 0;
    cpu->tsc_adjust = 0;
}

/* Where an MTRR is stored; NULL when INDEX is none. */
static uint64_t *mtrr_of(struct cpu *cpu, uint32_t index)
{
    if (!cpu->model->mtrr)
        return NULL;
    if (index >= MSR_MTRR_PHYS0 && index <= MSR_MTRR_PHYS_END)
        return &cpu->mtrr[MTRR_PHYS + index - MSR_MTRR_PHYS0];
    if (index == MSR_MTRR_FIX64K)
        return &cpu->mtrr[MTRR_FIX];
    if (index == MSR_MTRR_FIX16K_80000 || index == MSR_MTRR_FIX16K_A0000)
        return &cpu->mtrr[MTRR_FIX + 1 + index - MSR_MTRR_FIX16K_80000];
    if (index >= MSR_MTRR_FIX4K && index <= MSR_MTRR_FIX4K_END)
        return &cpu->mtrr[MTRR_FIX + 3 + index - MSR_MTRR_FIX4K];
    if (index == MSR_MTRR_DEF_TYPE)
        return &cpu->mtrr[MTRR_DEF];
    return NULL;
}

static bool unknown(struct cpu *cpu, const char *what, uint32_t index)
{
    log_unimp(cpu->log, "cpu: %s of unknown MSR %08xh: #GP", what, index);
    return cpu_raise(cpu, EXC_GP, 0);
}

/* Registers that exist since the P6 family and read as zero. */
static bool reads_zero(uint32_t index)
{
    switch (index) {
    case MSR_PLATFORM_ID:
    case MSR_EBL_CR_POWERON:
    case MSR_UCODE_REV:
    case MSR_BBL_CR_CTL3:
    case MSR_PERFCTR0:
    case MSR_PERFCTR1:
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
    case MSR_PERFEVTSEL0:
    case MSR_PERFEVTSEL1:
    case MSR_PERF_STATUS:
    case MSR_PERF_CTL:
    case MSR_THERM_STATUS:
    case MSR_DEBUGCTL:
        return true;
    default:
        return false;
    }
}

static bool read_p6(struct cpu *cpu, uint32_t index, uint64_t *value)
{
    const uint64_t *mtrr = mtrr_of(cpu, index);
    if (mtrr)
        *value = *mtrr;
    else if (index == MSR_MTRRCAP)
        *value = MTRRCAP;
    else if (index == MSR_PAT)
        *value = cpu->pat;
    else if (index == MSR_APIC_BASE)
        *value = cpu->apic_base;
    else if (index == MSR_FEATURE_CONTROL)
        *value = 1; /* locked, nothing enabled */
    else if (index == MSR_MISC_ENABLE)
        *value = cpu->misc_enable;
    else if (index == MSR_ARCH_CAPABILITIES && cpu->model->safe)
        *value = ARCH_CAPABILITIES;
    else if (index == MSR_SPEC_CTRL && cpu->model->safe)
        *value = cpu->spec_ctrl;
    else if (reads_zero(index))
        *value = 0;
    else
        return false;
    return true;
}

/* ---- the TSC and what depends on it ---- */

static bool has_deadline(const struct cpu *cpu)
{
    return cpu_has(cpu->model, FEAT_TSC_DEADLINE) && cpu_has(cpu->model, FEAT_APIC) &&
           cpu->wires.deadline;
}

static uint64_t read_deadline(struct cpu *cpu)
{
    uint64_t ticks = cpu->wires.deadline(cpu->wires.opaque);
    return ticks ? ticks + cpu->tsc_offset : 0;
}

/* What is past already happens at once. */
static void write_deadline(struct cpu *cpu, uint64_t value)
{
    uint64_t now = cpu_tsc(cpu), ticks = 0;
    if (value)
        ticks = (int64_t)(value - now) > 0 ? value - cpu->tsc_offset : 1;
    cpu->wires.set_deadline(cpu->wires.opaque, ticks);
}

/* The deadline is one of the counter that software sees: it moves the other way. */
static void move_tsc(struct cpu *cpu, uint64_t by)
{
    uint64_t deadline = has_deadline(cpu) ? read_deadline(cpu) : 0;
    cpu->tsc_offset += by;
    cpu->tsc_adjust += by;
    if (deadline)
        write_deadline(cpu, deadline);
}

bool cpu_read_msr(struct cpu *cpu, uint32_t index, uint64_t *value)
{
    const struct cpu_model *model = cpu->model;
    switch ((enum msr)index) {
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE:
        *value = 0;
        return true;
    case MSR_TSC:
        *value = cpu_tsc(cpu);
        return true;
    case MSR_SYSENTER_CS:
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP:
        if (!cpu_has(model, FEAT_SEP))
            break;
        *value = index == MSR_SYSENTER_CS    ? cpu->sysenter_cs
                 : index == MSR_SYSENTER_ESP ? cpu->sysenter_esp
                                             : cpu->sysenter_eip;
        return true;
    case MSR_EFER:
        if (!model->nx)
            break;
        *value = cpu->efer;
        return true;
    case MSR_TSC_ADJUST:
        if (!cpu_has(model, FEAT_TSC_ADJUST))
            break;
        *value = cpu->tsc_adjust;
        return true;
    case MSR_TSC_DEADLINE:
        if (!has_deadline(cpu))
            break;
        *value = read_deadline(cpu);
        return true;
    case MSR_TSC_AUX:
        if (!cpu_has(model, FEAT_RDTSCP))
            break;
        *value = cpu->tsc_aux;
        return true;
    default:
        if (model->mtrr && read_p6(cpu, index, value))
            return true;
        break;
    }
    return unknown(cpu, "read", index);
}

/* Memory types that PAT and the MTRRs may hold: UC WC WT WP WB (and UC- in PAT). */
static bool types_valid(uint64_t value, bool pat)
{
    for (unsigned n = 0; n < 8; n++) {
        unsigned type = value >> (8 * n) & 0xFF;
        if (type > 7 || type == 2 || type == 3 || (type == 7 && !pat))
            return false;
    }
    return true;
}

static bool write_mtrr(struct cpu *cpu, uint32_t index, uint64_t *place, uint64_t value)
{
    bool fixed = index >= MSR_MTRR_FIX64K && index <= MSR_MTRR_FIX4K_END;
    if (fixed && !types_valid(value, false))
        return cpu_raise(cpu, EXC_GP, 0);
    *place = value;
    return true;
}

/* Without an APIC the enable bit is stuck at zero. */
static bool write_apic_base(struct cpu *cpu, uint64_t value)
{
    uint64_t known = APIC_BASE_BSP | APIC_BASE_ENABLED | 0xFFFFFF000ull;

    if (value & ~known)
        return cpu_raise(cpu, EXC_GP, 0);
    if (!cpu_has(cpu->model, FEAT_APIC))
        value &= ~APIC_BASE_ENABLED;
    set_apic_base(cpu, value);
    return true;
}

static bool write_p6(struct cpu *cpu, uint32_t index, uint64_t value, bool *known)
{
    uint64_t *mtrr = mtrr_of(cpu, index);
    *known = true;
    if (mtrr)
        return write_mtrr(cpu, index, mtrr, value);
    if (index == MSR_PAT) {
        if (!types_valid(value, true))
            return cpu_raise(cpu, EXC_GP, 0);
        cpu->pat = value;
        return true;
    }
    if (index == MSR_MISC_ENABLE) {
        cpu->misc_enable = value;
        return true;
    }
    if (index == MSR_APIC_BASE)
        return write_apic_base(cpu, value);
    if (index == MSR_SPEC_CTRL && cpu->model->safe) {
        if (value & ~7ull)
            return cpu_raise(cpu, EXC_GP, 0);
        cpu->spec_ctrl = (uint32_t)value;
        return true;
    }
    if (index == MSR_FEATURE_CONTROL || index == MSR_MTRRCAP || index == MSR_MCG_CAP ||
        index == MSR_ARCH_CAPABILITIES)
        return cpu_raise(cpu, EXC_GP, 0); /* locked or read-only */
    *known = reads_zero(index) || index == MSR_UCODE_UPDATE ||
             (index == MSR_PRED_CMD && cpu->model->safe);
    return true; /* counters stand still, microcode is as it is */
}

bool cpu_write_msr(struct cpu *cpu, uint32_t index, uint64_t value)
{
    const struct cpu_model *model = cpu->model;
    bool known = false;
    switch ((enum msr)index) {
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE:
        return true;
    case MSR_TSC:
        move_tsc(cpu, value - cpu_tsc(cpu));
        return true;
    case MSR_TSC_ADJUST:
        if (!cpu_has(model, FEAT_TSC_ADJUST))
            break;
        move_tsc(cpu, value - cpu->tsc_adjust);
        return true;
    case MSR_TSC_DEADLINE:
        if (!has_deadline(cpu))
            break;
        write_deadline(cpu, value);
        return true;
    case MSR_SYSENTER_CS:
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP:
        if (!cpu_has(model, FEAT_SEP))
            break;
        if (index == MSR_SYSENTER_CS)
            cpu->sysenter_cs = (uint32_t)value;
        else if (index == MSR_SYSENTER_ESP)
            cpu->sysenter_esp = (uint32_t)value;
        else
            cpu->sysenter_eip = (uint32_t)value;
        return true;
    case MSR_EFER:
        if (!model->nx)
            break;
        return cpu_write_efer(cpu, value);
    case MSR_TSC_AUX:
        if (!cpu_has(model, FEAT_RDTSCP))
            break;
        cpu->tsc_aux = (uint32_t)value;
        return true;
    default:
        if (!model->mtrr)
            break;
        bool ok = write_p6(cpu, index, value, &known);
        if (known)
            return ok;
        break;
    }
    return unknown(cpu, "write", index);
}
