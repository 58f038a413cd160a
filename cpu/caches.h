/* What CPUID tells of caches.  Programs choose code by it: glibc stores past the caches what is
 * larger than three quarters of the last. */
#ifndef RINGER_CPU_CACHES_H
#define RINGER_CPU_CACHES_H

#include "cpu/model.h"

/* Fill MODEL's caches: the host's where it wants those and the host tells, or else two first-level
 * caches of 32 KiB and a second level of 2 MiB. */
void cpu_caches_init(struct cpu_model *model);

/* Leaf 2, 4 and ECX of 80000006h (SDM vol. 2A, CPUID) of MODEL, whose caches are filled. */
void cpu_cache_descriptors(const struct cpu_model *model, uint32_t regs[4]);
void cpu_cache_parameters(const struct cpu_model *model, uint32_t subleaf, uint32_t regs[4]);
uint32_t cpu_cache_second_level(const struct cpu_model *model);

#endif
