/* What translated code takes of the host's memory (translator/translator.h). */
#include "ringer/memory_use.h"
#include "translator/internal.h"

enum { HASH_BYTES = sizeof(uint32_t) << TB_HASH_BITS };

void translator_memory(const struct translator *t, const struct memory_sink *to)
{
    const struct counts *c = &t->counts;
    const struct memory_use uses[] = {
        {MEMORY_CACHE, "code", t->rw, t->cache_size},
        {MEMORY_CACHE, "jump tables", NULL, (size_t)t->held_parts * PAGE_SIZE},
        {MEMORY_METADATA, "blocks", t->tbs, t->tb_max * sizeof *t->tbs},
        {MEMORY_METADATA, "blocks", t->code_tbs,
         (t->cache_size >> CODE_PIECE_SHIFT) * sizeof *t->code_tbs},
        {MEMORY_METADATA, "blocks by page", t->hash, HASH_BYTES},
        {MEMORY_METADATA, "blocks by page", t->page_tbs, PHYS_FRAMES * sizeof *t->page_tbs},
        {MEMORY_METADATA, "blocks by page", t->page_granule, PHYS_FRAMES * sizeof *t->page_granule},
        {MEMORY_METADATA, "variants", t->page_variants, PHYS_FRAMES * sizeof *t->page_variants},
        {MEMORY_METADATA, "variants", t->variants, t->tb_max * sizeof *t->variants},
        {MEMORY_METADATA, "fault maps", t->map, t->map_max * sizeof *t->map},
        {MEMORY_METADATA, "links", t->far_links, t->far_max * sizeof *t->far_links},
        {MEMORY_METADATA, "links", t->straight.list, CROSSINGS * sizeof *t->straight.list},
        {MEMORY_METADATA, "relocations", t->relocs, t->reloc_max * sizeof *t->relocs},
        {MEMORY_METADATA, "sites", t->sites, t->site_max * sizeof *t->sites},
        {MEMORY_METADATA, "sites", t->imms, t->imm_max * sizeof *t->imms},
        {MEMORY_METADATA, "sites", t->policy, sizeof *t->policy << POLICY_BITS},
        {MEMORY_METADATA, "counts", c->executions, t->tb_max * sizeof *c->executions},
        {MEMORY_METADATA, "counts", c->page_samples, PHYS_FRAMES * sizeof *c->page_samples},
        {MEMORY_METADATA, "counts", c->page_executions, PHYS_FRAMES * sizeof *c->page_executions},
        {MEMORY_METADATA, "counts", c->history, sizeof *c->history << HISTORY_BITS},
    };
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        to->take(to->opaque, &uses[i]);
}
