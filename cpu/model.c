/* The CPU models of -cpu, and what the host takes away from them. */
#include "cpu/model.h"

#include "cpu/caches.h"

#include <cpuid.h>
#include <stddef.h>
#include <string.h>

#define F(name) (1ull << FEAT_##name)

#define SET_486      (F(FPU) | F(CPUID) | F(486))
#define SET_PENTIUM  (SET_486 | F(TSC) | F(MSR) | F(CX8) | F(APIC))
#define SET_PENTIUM2 (SET_PENTIUM | F(SEP) | F(CMOV) | F(MMX) | F(FXSR) | F(NOPL))
#define SET_PENTIUM3 (SET_PENTIUM2 | F(SSE))
#define SET_PENTIUM4 (SET_PENTIUM3 | F(SSE2) | F(CLFLUSH))
/* MONITOR is left out: idle loops shall use HLT, which leaves the host idle. */
#define SET_CORE2 (SET_PENTIUM4 | F(SSE3) | F(SSSE3))
#define SET_HASWELL                                                                                \
    (SET_CORE2 | F(SSE41) | F(SSE42) | F(POPCNT) | F(MOVBE) | F(AES) | F(PCLMUL) | F(LZCNT) |      \
     F(RDRAND) | F(RDTSCP) | F(XSAVE) | F(AVX) | F(AVX2) | F(FMA) | F(F16C) | F(BMI1) | F(BMI2))
#define SET_MAX                                                                                    \
    (SET_HASWELL | F(SHA) | F(ADX) | F(RDSEED) | F(PREFETCHW) | F(TSC_DEADLINE) | F(TSC_ADJUST) |  \
     F(INVARIANT_TSC))

#define SET_QEMU32  (SET_PENTIUM4 | F(SSE3))
#define SET_PENRYN  (SET_CORE2 | F(SSE41))
#define SET_NEHALEM (SET_PENRYN | F(SSE42) | F(POPCNT))
#define SET_SANDY   (SET_NEHALEM | F(AES) | F(PCLMUL) | F(RDTSCP) | F(XSAVE) | F(AVX))
#define SET_IVY     (SET_SANDY | F(F16C) | F(RDRAND))

#define CR4_486      (CR4_VME | CR4_PVI)
#define CR4_PENTIUM  (CR4_486 | CR4_TSD | CR4_DE | CR4_PSE | CR4_MCE)
#define CR4_PENTIUM2 (CR4_PENTIUM | CR4_PAE | CR4_PGE | CR4_PCE | CR4_OSFXSR)
#define CR4_PENTIUM3 (CR4_PENTIUM2 | CR4_OSXMMEXCPT)
#define CR4_HASWELL  (CR4_PENTIUM3 | CR4_OSXSAVE)

/* What every model since the Pentium Pro has, feature bits apart. */
#define P6 .mtrr = true, .mca = true, .pae = true, .pge = true, .pse = true

/* Those that have SSE2 and a name of their own in CPUID. */
#define MODEL(model_name, text, set, number, leaves, cr4_bits, no_execute)                         \
    {                                                                                              \
        .name = model_name, .brand = text, .features = set, .signature = number,                   \
        .max_leaf = leaves, .cr4 = cr4_bits, P6, .nx = no_execute, .mxcsr_mask = 0xFFFF            \
    }

static const struct cpu_model models[] = {
    {.name = "486", .features = SET_486, .signature = 0x480, .max_leaf = 1, .cr4 = CR4_486},
    {.name = "pentium",
     .features = SET_PENTIUM,
     .signature = 0x52C,
     .max_leaf = 1,
     .cr4 = CR4_PENTIUM,
     .pse = true},
    {.name = "pentium2",
     .features = SET_PENTIUM2,
     .signature = 0x652,
     .max_leaf = 2,
     .cr4 = CR4_PENTIUM2,
     P6},
    {.name = "pentium3",
     .features = SET_PENTIUM3,
     .signature = 0x68A,
     .max_leaf = 2,
     .cr4 = CR4_PENTIUM3,
     P6,
     .mxcsr_mask = 0xFFBF},
    MODEL("pentium4", "ringer Virtual CPU (Pentium 4 class)", SET_PENTIUM4, 0xF29, 2, CR4_PENTIUM3,
          false),
    MODEL("core2", "ringer Virtual CPU (Core 2 class)", SET_CORE2, 0x6FB, 10, CR4_PENTIUM3, true),
    MODEL("haswell", "ringer Virtual CPU (Haswell class)", SET_HASWELL, 0x306C3, 13, CR4_HASWELL,
          true),
    /* Family 6, model 36h: an in-order core, which kernels know not to speculate.  They then
     * leave out retpolines and the rest, which would cost time and guard against nothing here.
     * Leaf 7 and ARCH_CAPABILITIES say the same to those that ask there. */
    {.name = "max",
     .brand = "ringer Virtual CPU",
     .features = SET_MAX,
     .signature = 0x30661,
     .max_leaf = 0x16,
     .cr4 = CR4_HASWELL,
     P6,
     .nx = true,
     .safe = true,
     .mxcsr_mask = 0xFFFF,
     .host_caches = true},
    /* QEMU's, each with the features of a family above and another number. */
    MODEL("qemu32", "ringer Virtual CPU", SET_QEMU32, 0x663, 4, CR4_PENTIUM3, false),
    MODEL("kvm32", "ringer Virtual CPU", SET_QEMU32, 0xF61, 5, CR4_PENTIUM3, false),
    MODEL("qemu64", "ringer Virtual CPU", SET_QEMU32, 0xF61, 13, CR4_PENTIUM3, true),
    MODEL("kvm64", "ringer Virtual CPU", SET_QEMU32, 0xF61, 13, CR4_PENTIUM3, true),
    MODEL("coreduo", "ringer Virtual CPU (Core Duo class)", SET_QEMU32, 0x6E8, 10, CR4_PENTIUM3,
          true),
    MODEL("core2duo", "ringer Virtual CPU (Core 2 class)", SET_CORE2, 0x6FB, 10, CR4_PENTIUM3,
          true),
    MODEL("n270", "ringer Virtual CPU (Atom class)", SET_CORE2 | F(MOVBE), 0x106C2, 10,
          CR4_PENTIUM3, true),
    MODEL("Conroe", "ringer Virtual CPU (Core 2 class)", SET_CORE2, 0x6F3, 10, CR4_PENTIUM3, true),
    MODEL("Penryn", "ringer Virtual CPU (Core 2 class)", SET_PENRYN, 0x10673, 10, CR4_PENTIUM3,
          true),
    MODEL("Nehalem", "ringer Virtual CPU (Nehalem class)", SET_NEHALEM, 0x106A3, 11, CR4_PENTIUM3,
          true),
    MODEL("Westmere", "ringer Virtual CPU (Westmere class)", SET_NEHALEM | F(AES) | F(PCLMUL),
          0x206C1, 11, CR4_PENTIUM3, true),
    MODEL("SandyBridge", "ringer Virtual CPU (Sandy Bridge class)", SET_SANDY, 0x206A1, 13,
          CR4_HASWELL, true),
    MODEL("IvyBridge", "ringer Virtual CPU (Ivy Bridge class)", SET_IVY, 0x306A9, 13, CR4_HASWELL,
          true),
    MODEL("Haswell", "ringer Virtual CPU (Haswell class)", SET_HASWELL, 0x306C3, 13, CR4_HASWELL,
          true),
};

/* Names that mean another one. */
static const struct {
    const char *name, *model;
} aliases[] = {
    {"host", "max"}, /* guest code runs on the host's processor: its features are what there is */
};

const struct cpu_model *cpu_model_find(const char *name)
{
    for (size_t n = 0; n < sizeof aliases / sizeof aliases[0]; n++)
        if (strcmp(aliases[n].name, name) == 0)
            name = aliases[n].model;
    for (size_t n = 0; n < sizeof models / sizeof models[0]; n++)
        if (strcmp(models[n].name, name) == 0)
            return &models[n];
    return NULL;
}

const char *cpu_model_name(unsigned i)
{
    const unsigned own = sizeof models / sizeof models[0];

    return i < own ? models[i].name : i == own ? "host" : NULL;
}

const char *cpu_model_names(void)
{
    return "486, pentium, pentium2, pentium3, pentium4, core2, haswell, max, host, qemu32, kvm32, "
           "qemu64, kvm64, coreduo, core2duo, n270, Conroe, Penryn, Nehalem, Westmere, "
           "SandyBridge, IvyBridge, Haswell";
}

bool cpu_has(const struct cpu_model *model, enum cpu_feature feature)
{
    return model->features >> feature & 1;
}

/* A bit of the host's CPUID that a feature needs. */
struct host_bit {
    uint32_t leaf;
    uint8_t reg; /* 0..3: EAX EBX ECX EDX */
    uint8_t bit;
    uint8_t feature;
};

/* Does the system save YMM registers, and where cpu->ymm_high is (SDM vol. 1 13.2)? */
static bool host_saves_ymm(void)
{
    uint32_t r[4], xcr0, high;
    if (!__get_cpuid(1, &r[0], &r[1], &r[2], &r[3]) || !(r[2] >> 27 & 1))
        return false;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    if ((xcr0 & (XCR0_SSE | XCR0_AVX)) != (XCR0_SSE | XCR0_AVX))
        return false;
    return __get_cpuid_count(0xD, 2, &r[0], &r[1], &r[2], &r[3]) && r[0] == 256 &&
           r[1] == offsetof(struct cpu, ymm_high) - offsetof(struct cpu, fpu);
}

struct cpu_model cpu_model_for_host(const struct cpu_model *model)
{
    /* What every x86-64 host has (up to SSE2) is not listed. */
    static const struct host_bit bits[] = {
        {1, 2, 0, FEAT_SSE3},
        {1, 2, 9, FEAT_SSSE3},
        {1, 2, 19, FEAT_SSE41},
        {1, 2, 20, FEAT_SSE42},
        {1, 2, 23, FEAT_POPCNT},
        {1, 2, 22, FEAT_MOVBE},
        {1, 2, 25, FEAT_AES},
        {1, 2, 1, FEAT_PCLMUL},
        {0x80000001, 2, 5, FEAT_LZCNT},
        {7, 1, 29, FEAT_SHA},
        {7, 1, 19, FEAT_ADX},
        {1, 2, 30, FEAT_RDRAND},
        {7, 1, 18, FEAT_RDSEED},
        {1, 3, 19, FEAT_CLFLUSH},
        {7, 1, 3, FEAT_BMI1},
        {7, 1, 8, FEAT_BMI2},
        {1, 2, 28, FEAT_AVX},
        {7, 1, 5, FEAT_AVX2},
        {1, 2, 12, FEAT_FMA},
        {1, 2, 29, FEAT_F16C},
        {0x80000001, 3, 31, FEAT_3DNOW},
        {0x80000001, 2, 8, FEAT_PREFETCHW},
    };
    struct cpu_model cut = *model;
    const uint64_t vectors = F(AVX) | F(AVX2) | F(FMA) | F(F16C);
    for (size_t n = 0; n < sizeof bits / sizeof bits[0]; n++) {
        uint32_t r[4] = {0};
        if (!__get_cpuid_count(bits[n].leaf, 0, &r[0], &r[1], &r[2], &r[3]) ||
            !(r[bits[n].reg] >> bits[n].bit & 1))
            cut.features &= ~(1ull << bits[n].feature);
    }
    if (!host_saves_ymm())
        cut.features &= ~vectors;
    uint32_t vendor[4] = {0};
    __get_cpuid(0, &vendor[0], &vendor[1], &vendor[2], &vendor[3]);
    cut.intel_host = vendor[2] == 0x6C65746E; /* "ntel" */
    cpu_caches_init(&cut);
    return cut;
}
