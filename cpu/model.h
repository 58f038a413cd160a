/* CPU models: what CPUID says and what a block's instructions may need. */
#ifndef RINGER_CPU_MODEL_H
#define RINGER_CPU_MODEL_H

#include "cpu/emulate.h"

/* One cache as leaf 4 tells of it, shared with no other processor. */
struct cpu_cache {
    uint32_t kind;     /* EAX: type, level, self-initialising, fully associative */
    uint32_t geometry; /* EBX: ways - 1, partitions - 1, line size - 1 */
    uint32_t sets;     /* ECX: sets - 1 */
    uint32_t flags;    /* EDX: what WBINVD reaches, inclusive, complex indexing */
};

struct cpu_model {
    const char *name;
    const char *brand;  /* leaf 80000002h..4h; NULL: no such leaves */
    uint64_t features;  /* 1 << enum cpu_feature */
    uint32_t signature; /* leaf 1 EAX */
    uint32_t max_leaf;  /* leaf 0 EAX */
    uint32_t cr4;       /* bits of CR4 that exist */
    bool mtrr;          /* MTRRs and PAT */
    bool mca;           /* machine-check architecture without banks */
    bool pae, pge, pse, pse36, nx;
    bool safe;           /* ARCH_CAPABILITIES: no speculation bugs to work around */
    uint32_t mxcsr_mask; /* writable bits of MXCSR; 0: no SSE */
    bool intel_host;     /* what manuals leave to processors is done as Intel's do it, not AMD's */
    bool host_caches;    /* caches are the host's: guest code runs with them */
    struct cpu_cache caches[4]; /* of leaf 4, in order; kind 0 behind the last */
};

/* MODEL with its features cut down to what this host executes, and its caches. */
struct cpu_model cpu_model_for_host(const struct cpu_model *model);

/* Switch FEATURE, by CPUID's usual name ("sse4.2", "nx"), of MODEL on or off; false when there is no
 * such. What the host lacks is cut off later, as ever. */
bool cpu_model_switch(struct cpu_model *model, const char *feature, bool on);
/* The I-th feature's name; NULL behind the last. */
const char *cpu_feature_name(unsigned i);

#endif
