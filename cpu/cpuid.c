/* CPUID.  Intel SDM vol. 2A, CPUID.  Nothing is reported that this layer or the host cannot do;
 * the hypervisor leaves are absent. */
#include "cpu/control.h"

#include "cpu/caches.h"
#include "cpu/model.h"
#include "cpu/xsave.h"

#include <string.h>

struct cpuid_bit {
    uint8_t feature, bit;
};

static uint32_t collect(const struct cpu_model *model, const struct cpuid_bit *bits, unsigned n)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < n; i++)
        if (cpu_has(model, bits[i].feature))
            value |= 1u << bits[i].bit;
    return value;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t leaf1_edx(const struct cpu_model *m)
{
    static const struct cpuid_bit bits[] = {
        {FEAT_FPU, 0},  {FEAT_TSC, 4},   {FEAT_MSR, 5},      {FEAT_CX8, 8},
        {FEAT_SEP, 11}, {FEAT_CMOV, 15}, {FEAT_MMX, 23},     {FEAT_FXSR, 24},
        {FEAT_SSE, 25}, {FEAT_SSE2, 26}, {FEAT_CLFLUSH, 19},
    };
    uint32_t value = collect(m, bits, COUNT(bits));
    value |= (m->cr4 & CR4_VME ? 1u << 1 : 0) | (m->cr4 & CR4_DE ? 1u << 2 : 0);
    value |= (m->pse ? 1u << 3 : 0) | (m->pae ? 1u << 6 : 0) | (m->pge ? 1u << 13 : 0);
    value |= m->cr4 & CR4_MCE ? 1u << 7 : 0;
    value |= m->mtrr ? 1u << 12 | 1u << 16 : 0; /* MTRR, PAT */
    value |= m->mca ? 1u << 14 : 0;
    value |= m->pse36 ? 1u << 17 : 0;
    return value;
}

static uint32_t leaf1_ecx(const struct cpu_model *m)
{
    static const struct cpuid_bit bits[] = {
        {FEAT_SSE3, 0},   {FEAT_PCLMUL, 1}, {FEAT_MONITOR, 3}, {FEAT_SSSE3, 9}, {FEAT_SSE41, 19},
        {FEAT_SSE42, 20}, {FEAT_MOVBE, 22}, {FEAT_POPCNT, 23}, {FEAT_TSC_DEADLINE, 24},
        {FEAT_AES, 25},   {FEAT_XSAVE, 26}, {FEAT_AVX, 28},    {FEAT_F16C, 29}, {FEAT_RDRAND, 30},
        {FEAT_FMA, 12},
    };
    return collect(m, bits, COUNT(bits));
}

static void leaf1(const struct cpu *cpu, uint32_t regs[4])
{
    const struct cpu_model *m = cpu->model;

    regs[0] = m->signature;
    regs[1] = cpu_has(m, FEAT_CLFLUSH) ? 8u << 8 : 0; /* line size in quadwords; APIC id 0 */
    regs[2] = leaf1_ecx(m);
    regs[3] = leaf1_edx(m);
    if (cpu_has(m, FEAT_APIC) && cpu->apic_base & APIC_BASE_ENABLED)
        regs[3] |= 1u << 9;
}

static void leaf7(const struct cpu_model *m, uint32_t subleaf, uint32_t regs[4])
{
    static const struct cpuid_bit bits[] = {
        {FEAT_TSC_ADJUST, 1}, {FEAT_BMI1, 3}, {FEAT_AVX2, 5}, {FEAT_BMI2, 8},
        {FEAT_RDSEED, 18},    {FEAT_ADX, 19}, {FEAT_SHA, 29},
    };
    if (subleaf != 0)
        return;
    regs[1] = collect(m, bits, COUNT(bits));
    /* SPEC_CTRL and PRED_CMD, which IBRS_ALL wants; ARCH_CAPABILITIES. */
    regs[3] = m->safe ? 1u << 26 | 1u << 29 : 0;
}

static void leaf_max(const struct cpu_model *m, uint32_t regs[4])
{
    regs[0] = m->max_leaf;
    memcpy(&regs[1], "Genu", 4);
    memcpy(&regs[3], "ineI", 4);
    memcpy(&regs[2], "ntel", 4);
}

/* The TSC's rate (leaf 15h) and the processor's (16h), so that nobody has to measure them: a busy
 * host makes such measurements wrong. */
static void frequency_leaf(const struct cpu_model *m, uint32_t leaf, uint32_t regs[4])
{
    if (!cpu_has(m, FEAT_INVARIANT_TSC))
        return;
    if (leaf == 0x15) {
        regs[0] = 1;
        regs[1] = CPU_TSC_HZ / CPU_BUS_HZ;
        regs[2] = CPU_BUS_HZ;
    } else {
        regs[0] = regs[1] = CPU_TSC_HZ / 1000000;
        regs[2] = CPU_BUS_HZ / 1000000;
    }
}

static void basic_leaf(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    const struct cpu_model *m = cpu->model;

    switch (leaf) {
    case 0:
        leaf_max(m, regs);
        break;
    case 1:
        leaf1(cpu, regs);
        break;
    case 2:
        cpu_cache_descriptors(m, regs);
        break;
    case 4:
        cpu_cache_parameters(m, subleaf, regs);
        break;
    case 5: /* MONITOR line sizes */
        if (cpu_has(m, FEAT_MONITOR))
            regs[0] = regs[1] = 64;
        break;
    case 6: /* the APIC's timer never stops */
        if (cpu_has(m, FEAT_APIC) && cpu_has(m, FEAT_INVARIANT_TSC))
            regs[0] = 1u << 2;
        break;
    case 7:
        leaf7(m, subleaf, regs);
        break;
    case 0x15:
    case 0x16:
        frequency_leaf(m, leaf, regs);
        break;
    default: /* thermal, DCA, performance monitoring, topology: none */
        break;
    }
}

static void extended_leaf(const struct cpu_model *m, uint32_t leaf, uint32_t regs[4])
{
    char brand[48] = {0};
    switch (leaf) {
    case 0x80000000:
        regs[0] = 0x80000008;
        break;
    case 0x80000001:
        regs[2] =
            (cpu_has(m, FEAT_LZCNT) ? 1u << 5 : 0) | (cpu_has(m, FEAT_PREFETCHW) ? 1u << 8 : 0);
        regs[3] = (m->nx ? 1u << 20 : 0) | (cpu_has(m, FEAT_RDTSCP) ? 1u << 27 : 0);
        break;
    case 0x80000002:
    case 0x80000003:
    case 0x80000004:
        strncpy(brand, m->brand, sizeof brand - 1);
        memcpy(regs, brand + (leaf - 0x80000002) * 16, 16);
        break;
    case 0x80000006:
        regs[2] = cpu_cache_second_level(m);
        break;
    case 0x80000007: /* the TSC does not stop or change its rate */
        regs[3] = cpu_has(m, FEAT_INVARIANT_TSC) ? 1u << 8 : 0;
        break;
    case 0x80000008: /* physical and linear address bits */
        regs[0] = (m->pae ? 36 : 32) | 32u << 8;
        break;
    default:
        break;
    }
}

void cpu_cpuid(const struct cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    const struct cpu_model *m = cpu->model;
    uint32_t own = 0;
    memset(regs, 0, 4 * sizeof regs[0]);
    if (leaf >= 0x80000000 && m->brand && leaf <= 0x80000008) {
        extended_leaf(m, leaf, regs);
        return;
    }
    if (leaf == 1 && (cpu->cr4 & CR4_OSXSAVE))
        own = 1u << 27;
    /* Anything beyond the last leaf gives the data of the last basic one. */
    if (leaf > m->max_leaf)
        leaf = m->max_leaf;
    if (leaf == 13)
        cpu_xsave_leaf(cpu, subleaf, regs);
    else
        basic_leaf(cpu, leaf, subleaf, regs);
    regs[2] |= own;
}
