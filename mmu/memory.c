/* What the windows take of the host's memory (mmu/mmu.h). */
#include "mmu/mmu_internal.h"
#include "ringer/memory_use.h"

void mmu_memory(const struct mmu *m, const struct memory_sink *to)
{
    const struct rmap *r = &m->rmap;
    const struct memory_use uses[] = {
        {MEMORY_WINDOWS, "maps", m->maps, (size_t)m->window_count * MAP_PAGES * sizeof(m->maps[0])},
        {MEMORY_WINDOWS, "address spaces", m->aspaces, m->window_count * sizeof(m->aspaces[0])},
        {MEMORY_WINDOWS, "copies of page tables", m->copies, (size_t)MAX_TABLES << PAGE_SHIFT},
        {MEMORY_WINDOWS, "copies of page tables", m->tables, MAX_TABLES * sizeof(m->tables[0])},
        {MEMORY_WINDOWS, "traces of page tables", m->traces, PHYS_FRAMES * sizeof(m->traces[0])},
        {MEMORY_WINDOWS, "reverse map", r->node, RNODES * sizeof(r->node[0])},
        {MEMORY_WINDOWS, "reverse map", r->head, PHYS_FRAMES * sizeof(r->head[0])},
        {MEMORY_WINDOWS, "reverse map", r->count, PHYS_FRAMES},
        {MEMORY_WINDOWS, "reverse map", r->chunk, PHYS_FRAMES / CHUNK_PAGES * sizeof(r->chunk[0])},
        {MEMORY_WINDOWS, "frames", m->phys->frame, PHYS_FRAMES * sizeof(m->phys->frame[0])},
        {MEMORY_WINDOWS, "frames", m->phys->flags, PHYS_FRAMES},
    };

    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
        to->take(to->opaque, &uses[i]);
}
