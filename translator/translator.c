/* Life cycle of a translator, and what it tells about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "translator/internal.h"

enum { TABLE_BYTES = 65536 * 4 };

static bool make_zero_table(struct translator *t, struct error *err)
{
    void *p = mmap(NULL, TABLE_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return error_set(err, "no memory for the translator's tables");
    t->zero_table = p;
    return true;
}

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
    t->decoder = decoder_new();
    if (!t->decoder) {
        error_set(err, "Capstone was built without x86: install a complete libcapstone");
        translator_free(t);
        return NULL;
    }
    if (!cache_init(t, err) || !make_zero_table(t, err)) {
        translator_free(t);
        return NULL;
    }
    struct mmu_wires mw = {t, table_on_exec_drop, table_on_window_gone};
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
    fault_detach(t);
    for (unsigned i = 0; i < JUMP_TABLES; i++)
        if (t->tables[i].entry)
            munmap(t->tables[i].entry, TABLE_BYTES);
    if (t->zero_table)
        munmap(t->zero_table, TABLE_BYTES);
    cache_free(t);
    decoder_free(t->decoder);
    free(t);
}

bool translator_attach(struct translator *t, struct error *err)
{
    return fault_attach(t, err);
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

void translator_describe(struct translator *t, void (*line)(void *, const char *), void *opaque)
{
    char text[160];
    snprintf(text, sizeof text, "code cache          %u of %u KiB used, %u blocks",
             t->emit.pos >> 10, t->cache_size >> 10, t->tb_count - 1);
    line(opaque, text);
    if (t->stats.guest_bytes) {
        snprintf(text, sizeof text, "expansion           %.2f host bytes for each guest byte",
                 (double)t->stats.host_bytes / (double)t->stats.guest_bytes);
        line(opaque, text);
    }
#define X(name, help)                                                                              \
    snprintf(text, sizeof text, "%-19s %llu (%s)", #name, (unsigned long long)t->stats.name, help);  \
    line(opaque, text);
    TRANSLATOR_COUNTERS(X)
#undef X
}
