/* Copies of page tables, and traces: page tables that need no comparison.
 *
 * A page-table frame that was found unchanged in many comparisons running is traced: FRAME_TRACED
 * makes it unwritable in every window, and phys reports other writes.  While it is traced, a copy
 * that was found equal is cold: no CR3 load compares it.  The first write lifts the trace and makes
 * the copies warm again; the table then stays writable until it has been quiet for long, and for
 * longer each time that tracing did not pay.  A and D bits set by our own walks lift nothing: a
 * copy only has to be right about entries that mappings were made from, and those are noted.
 *
 * So TLB semantics (SDM vol. 3A 4.10.4) stay as they are without traces: a warm table may be out
 * of step until the next CR3 load or INVLPG, and a cold one cannot be.
 */
#include <string.h>

#include "mmu/mmu_internal.h"

/* Comparisons without a change before a table is traced; doubled for each trace that did not live
 * for TRACE_PAYS CR3 loads.  Protecting costs a call for each window, lifting costs a signal; a
 * comparison costs a tenth of a microsecond. */
enum { TRACE_AFTER = 64, TRACE_PAYS = 1024, TRACE_LEVELS = 7 };

bool tables_new(struct mmu *m)
{
    m->tables = lazy_alloc(MAX_TABLES * sizeof(m->tables[0]));
    m->copies = lazy_alloc((size_t)MAX_TABLES << PAGE_SHIFT);
    m->traces = lazy_alloc(PHYS_FRAMES * sizeof(m->traces[0]));
    m->table_bump = 1; /* 0 is none */
    return m->tables && m->copies && m->traces;
}

void tables_free(struct mmu *m)
{
    lazy_free(m->tables, MAX_TABLES * sizeof(m->tables[0]));
    lazy_free(m->copies, (size_t)MAX_TABLES << PAGE_SHIFT);
    lazy_free(m->traces, PHYS_FRAMES * sizeof(m->traces[0]));
}

static uint16_t take_index(struct mmu *m, const struct aspace *as)
{
    uint16_t t;

    while (!m->table_free && m->table_bump >= MAX_TABLES) {
        struct aspace *victim = aspace_oldest(m, as);

        if (!victim)
            return SLOT_NONE;
        aspace_free(m, victim);
    }
    t = m->table_free;
    if (!t)
        return m->table_bump++;
    m->table_free = m->tables[t].next;
    return t;
}

uint16_t table_take(struct mmu *m, struct aspace *as, uint16_t slot, uint32_t pfn)
{
    uint16_t t = take_index(m, as);
    struct trace *trace = &m->traces[pfn];

    if (!t)
        return SLOT_NONE;
    m->tables[t] = (struct table){.pfn = pfn,
                                  .slot = slot,
                                  .space = (uint16_t)(as - m->aspaces),
                                  .next = trace->first,
                                  .cold = trace->on};
    if (trace->first)
        m->tables[trace->first].prev = t;
    trace->first = t;
    memcpy(table_copy(m, t), frame_ptr(m->phys, pfn), PAGE_SIZE);
    return t;
}

void table_give(struct mmu *m, uint16_t t)
{
    struct table *table = &m->tables[t];
    struct trace *trace = &m->traces[table->pfn];

    if (table->prev)
        m->tables[table->prev].next = table->next;
    else
        trace->first = table->next;
    if (table->next)
        m->tables[table->next].prev = table->prev;
    if (!trace->first) {
        trace->quiet = 0;
        trace->on = false; /* nobody to be told */
        phys_clear_flag(m->phys, table->pfn, FRAME_TRACED);
    }
    table->next = m->table_free;
    m->table_free = t;
}

static void set_cold(struct mmu *m, uint16_t t, bool cold)
{
    if (m->tables[t].cold != cold)
        aspace_set_cold(m, &m->aspaces[m->tables[t].space], t, cold);
}

/* Only normal RAM: other frames can share a page of the file, or be written by their device. */
static bool can_trace(const struct mmu *m, uint32_t pfn)
{
    return m->phys->frame[pfn] == frame_word(pfn, PHYS_RAM, 0) &&
           m->stats.mappings < m->stats.mappings_limit / 2;
}

void trace_unchanged(struct mmu *m, uint16_t t)
{
    uint32_t pfn = m->tables[t].pfn;
    struct trace *trace = &m->traces[pfn];

    if (!trace->on) {
        if (++trace->quiet < TRACE_AFTER << trace->level)
            return;
        trace->quiet = 0;
        if (!can_trace(m, pfn))
            return;
        trace->on = true;
        trace->since = (uint32_t)m->stats.syncs;
        m->stats.traces++;
        phys_set_flag(m->phys, pfn, FRAME_TRACED);
    }
    set_cold(m, t, true);
}

void trace_changed(struct mmu *m, uint16_t t)
{
    m->traces[m->tables[t].pfn].quiet = 0;
}

void trace_lifted(struct mmu *m, uint32_t pfn)
{
    struct trace *trace = &m->traces[pfn];

    if (!trace->on)
        return;
    trace->on = false;
    trace->quiet = 0;
    if ((uint32_t)m->stats.syncs - trace->since >= TRACE_PAYS)
        trace->level = 0;
    else if (trace->level < TRACE_LEVELS)
        trace->level++;
    m->stats.untraces++;
    for (uint16_t t = trace->first; t; t = m->tables[t].next)
        set_cold(m, t, false);
}
