/* A CPU with memory and a translator around it, for tests that translate without running. */
#ifndef RINGER_TESTS_TRANSLATOR_CHECK_RIG_H
#define RINGER_TESTS_TRANSLATOR_CHECK_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include "translator/internal.h"

enum { RIG_RAM = 4 << 20 };

struct check_rig {
    struct phys *phys;
    struct mmu *mmu;
    struct cpu *cpu;
    struct translator *t;
};

static inline void check_rig_free(struct check_rig *r)
{
    translator_free(r->t);
    cpu_free(r->cpu);
    mmu_free(r->mmu);
    phys_free(r->phys);
}

/* Ends the program when the host gives no memory. */
static inline void check_rig_new(struct check_rig *r)
{
    struct translator_options options = {.cache_bytes = 1 << 20};
    struct error err = {""};
    *r = (struct check_rig){0};
    r->phys = phys_new(RIG_RAM, NULL, &err);
    r->mmu = r->phys ? mmu_new(r->phys, NULL, 0, &err) : NULL;
    r->cpu = r->mmu ? cpu_new(r->mmu, r->phys, NULL, cpu_model_find("max"), NULL, &err) : NULL;
    r->t = r->cpu ? translator_new(r->cpu, NULL, &options, &err) : NULL;
    if (!r->t) {
        fprintf(stderr, "no machine to translate for: %s\n", err.text);
        exit(2);
    }
}

/* The block at the CPU's EIP in its present mode and MORE mode bits; NULL: an exception. */
static inline struct tb *check_rig_block(struct check_rig *r, uint32_t more)
{
    r->cpu->exc.valid = 0;
    table_select(r->t);
    r->t->mode |= more;
    return build_lookup(r->t);
}

#endif
