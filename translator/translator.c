/* Life cycle of a translator, and what it tells about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

#include "translator/verify.h"

enum { HWCAP2_FSGSBASE_BIT = 2 };

struct translator *translator_new(struct cpu *cpu, struct log *log,
                                  const struct translator_options *options, struct error *err)
{
    struct translator *t = calloc(1, sizeof *t);
    if (!t) {
        error_set(err, "no memory for the translator");
        return NULL;
    }
    t->cpu = cpu;
    t->mmu = cpu->mmu;
    t->phys = cpu->phys;
    t->log = log;
    if (options)
        t->options = *options;
    t->fsgsbase = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
    t->decoder = decoder_new();
    if (!t->decoder) {
        error_set(err, "Capstone was built without x86: install a complete libcapstone");
        translator_free(t);
        return NULL;
    }
    if (t->options.verify && !(t->verify = verify_new(t))) {
        error_set(err, "no memory for lock-step verification");
        translator_free(t);
        return NULL;
    }
    if (!count_init(t)) {
        error_set(err, "no memory for statistics");
        translator_free(t);
        return NULL;
    }
    straight_init(t);
    lower_init(t);
    if (!cache_init(t, err) || !(table_init(t) || error_set(err, "no memory for jump tables"))) {
        translator_free(t);
        return NULL;
    }
    struct mmu_wires mw = {t, table_on_exec_drop, table_on_window_gone, table_on_global_drop};
    mmu_set_wires(t->mmu, &mw);
    struct phys_wires pw = {.opaque = t, .on_code_write = cache_on_code_write};
    phys_set_wires(t->phys, &pw);
    cpu->mode_changed = 1;
    return t;
}

void translator_free(struct translator *t)
{
    if (!t)
        return;
    sample_detach(t);
    fault_detach(t);
    verify_free(t->verify);
    table_free(t);
    cache_free(t);
    count_free(t);
    decoder_free(t->decoder);
    free(t->hooks.keys);
    free(t);
}

bool translator_attach(struct translator *t, struct error *err)
{
    return fault_attach(t, err) && (t->options.no_samples || sample_attach(t, err));
}

void translator_flush(struct translator *t)
{
    cache_flush(t);
}

unsigned translator_disassemble(struct translator *t, unsigned bits, const uint8_t *bytes,
                                unsigned available, uint64_t address, char *out, unsigned n)
{
    return decode_text(t->decoder, bits, bytes, available, address, out, n);
}

uint64_t translator_insns(const struct translator *t)
{
    return t->stats.insns;
}

void translator_verified(const struct translator *t, uint64_t *blocks, uint64_t *insns,
                         uint64_t *short_cuts)
{
    *short_cuts = t->stats.verified_quick;
    *blocks = t->stats.verified;
    *insns = t->stats.verified_insns;
}
