/* CPUID features by the names that -cpu MODEL,+NAME,-NAME has for them. */
#include "cpu/model.h"
#include <stddef.h>
#include <string.h>

#define SWITCH(member) offsetof(struct cpu_model, member)

static const struct {
    const char *name;
    int feature; /* or, for those that are switches of the model, -1 and */
    size_t offset;
} names[] = {
    {"fpu", FEAT_FPU, 0},
    {"tsc", FEAT_TSC, 0},
    {"msr", FEAT_MSR, 0},
    {"cx8", FEAT_CX8, 0},
    {"apic", FEAT_APIC, 0},
    {"sep", FEAT_SEP, 0},
    {"cmov", FEAT_CMOV, 0},
    {"mmx", FEAT_MMX, 0},
    {"fxsr", FEAT_FXSR, 0},
    {"sse", FEAT_SSE, 0},
    {"sse2", FEAT_SSE2, 0},
    {"clflush", FEAT_CLFLUSH, 0},
    {"sse3", FEAT_SSE3, 0},
    {"pni", FEAT_SSE3, 0},
    {"ssse3", FEAT_SSSE3, 0},
    {"sse4.1", FEAT_SSE41, 0},
    {"sse4.2", FEAT_SSE42, 0},
    {"popcnt", FEAT_POPCNT, 0},
    {"movbe", FEAT_MOVBE, 0},
    {"aes", FEAT_AES, 0},
    {"pclmulqdq", FEAT_PCLMUL, 0},
    {"abm", FEAT_LZCNT, 0},
    {"lzcnt", FEAT_LZCNT, 0},
    {"bmi1", FEAT_BMI1, 0},
    {"bmi2", FEAT_BMI2, 0},
    {"sha-ni", FEAT_SHA, 0},
    {"adx", FEAT_ADX, 0},
    {"rdrand", FEAT_RDRAND, 0},
    {"rdseed", FEAT_RDSEED, 0},
    {"rdtscp", FEAT_RDTSCP, 0},
    {"xsave", FEAT_XSAVE, 0},
    {"avx", FEAT_AVX, 0},
    {"avx2", FEAT_AVX2, 0},
    {"fma", FEAT_FMA, 0},
    {"f16c", FEAT_F16C, 0},
    {"3dnowprefetch", FEAT_PREFETCHW, 0},
    {"tsc-deadline", FEAT_TSC_DEADLINE, 0},
    {"tsc_adjust", FEAT_TSC_ADJUST, 0},
    {"invtsc", FEAT_INVARIANT_TSC, 0},
    {"pse", -1, SWITCH(pse)},
    {"pae", -1, SWITCH(pae)},
    {"pge", -1, SWITCH(pge)},
    {"nx", -1, SWITCH(nx)},
    {"mtrr", -1, SWITCH(mtrr)},
    {"mca", -1, SWITCH(mca)},
    {"host-cache-info", -1, SWITCH(host_caches)},
};

/* "_" and "-" are the same, and so are "sse4_1" and "sse4.1". */
static bool same_name(const char *a, const char *b)
{
    for (; *a && *b; a++, b++)
        if (*a != *b && !(strchr("-_.", *a) && strchr("-_.", *b)))
            return false;
    return *a == *b;
}

bool cpu_model_switch(struct cpu_model *model, const char *feature, bool on)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!same_name(names[i].name, feature))
            continue;
        uint64_t bit = names[i].feature >= 0 ? 1ull << names[i].feature : 0;
        if (names[i].feature < 0)
            *(bool *)((char *)model + names[i].offset) = on;
        else
            model->features = on ? model->features | bit : model->features & ~bit;
        return true;
    }
    return false;
}

const char *cpu_feature_name(unsigned i)
{
    return i < sizeof names / sizeof *names ? names[i].name : NULL;
}
