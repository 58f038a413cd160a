/* Where all statistics of a machine come together: the translator's, the windows', the devices',
 * the interrupts', and where the time went. */
#include "vmm/statistics.h"
#include "vmm/event.h"
#include "vmm/private.h"
#include "vmm/resident.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void give(const struct statistic_sink *to, struct statistic s)
{
    to->take(to->opaque, &s);
}

/* ---- the windows ---- */

static void windows(struct machine *m, const struct statistic_sink *to)
{
    const struct mmu_stats *s = mmu_stats(m->mmu);
    const struct {
        const char *name, *help;
        uint64_t value;
        bool gauge;
    } rows[] = {
        {"mmu_fills", "calls of the window code for a page", s->fills, false},
        {"fill_pages", "pages mapped into windows", s->fill_pages, false},
        {"fill_runs", "runs they were mapped in", s->fill_runs, false},
        {"prefetched", "small pages mapped beside those that were asked for", s->ahead, false},
        {"prefetch_hits", "of those used, by trial: see prefetch_probes",
         s->probes ? (uint64_t)((double)s->ahead * (double)s->probe_hits / (double)s->probes) : 0,
         true},
        {"prefetch_probes", "of those left out on purpose", s->probes, false},
        {"prefetch_probe_hits", "of these asked for soon after", s->probe_hits, false},
        {"drops", "times pages were unmapped", s->drops, false},
        {"drop_pages", "pages unmapped", s->drop_pages, false},
        {"unmaps", "calls to the host for that", s->unmaps, false},
        {"syncs", "address-space switches", s->syncs, false},
        {"sync_changed", "page-table entries that had changed", s->sync_changed, false},
        {"sync_tables", "page tables compared", s->sync_tables, false},
        {"sync_skipped", "page tables not compared, being write-protected", s->sync_skipped, false},
        {"traces", "page tables write-protected", s->traces, false},
        {"untraces", "page tables written after that", s->untraces, false},
        {"windows_created", "windows set up", s->windows_created, false},
        {"windows_evicted", "windows given up for others", s->windows_evicted, false},
        {"lowered", "windows moved to the host's lowest addresses", s->lowered, false},
        {"windows_live", "windows in use", s->windows_live, true},
        {"mappings", "host mappings in use", s->mappings, true},
        {"mappings_limit", "host mappings that may be in use", s->mappings_limit, true},
        {"walks", "walks of the guest's page tables", s->walks, false},
        {"guest_faults", "page faults that walks found", s->guest_faults, false},
        {"protects", "changes of protection", s->protects, false},
        {"flushes", "full flushes", s->flushes, false},
        {"invlpgs", "single pages invalidated", s->invlpgs, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        give(to, (struct statistic){.group = "mmu",
                                    .name = rows[i].name,
                                    .unit = "count",
                                    .help = rows[i].help,
                                    .gauge = rows[i].gauge,
                                    .value = rows[i].value});
}

/* ---- devices ---- */

static void mmio(void *opaque, const char *name, uint32_t base, uint64_t reads, uint64_t writes)
{
    struct statistic s = {.group = "io", .key = "region", .unit = "count"};
    char label[60];

    snprintf(label, sizeof label, "%s@%08x", name, base);
    s.label = label;
    s.name = "mmio_reads";
    s.help = "reads of device memory";
    s.value = reads;
    if (reads)
        give(opaque, s);
    s.name = "mmio_writes";
    s.help = "writes to device memory";
    s.value = writes;
    if (writes)
        give(opaque, s);
}

struct port_walk {
    const struct bus *bus;
    const struct statistic_sink *to;
};

static void ports_of(void *opaque, const struct bus_range *r)
{
    const struct port_walk *w = opaque;
    char label[60];

    for (uint32_t p = r->base; p < r->base + r->count; p++) {
        uint64_t n = bus_accesses(w->bus, (uint16_t)p);
        snprintf(label, sizeof label, "%04x %s", p, r->name);
        if (n)
            give(w->to, (struct statistic){"io", "port_accesses", "port", label, "count",
                                           "reads of and writes to ports", false, n});
    }
}

static void ports(struct machine *m, const struct statistic_sink *to)
{
    uint64_t unmapped = 0;

    bus_each(m->bus, ports_of, &(struct port_walk){m->bus, to});
    for (uint32_t p = 0; p < 0x10000; p++)
        if (!bus_mapped(m->bus, (uint16_t)p))
            unmapped += bus_accesses(m->bus, (uint16_t)p);
    if (unmapped)
        give(to, (struct statistic){"io", "port_accesses", "port", "none", "count",
                                    "reads of and writes to ports", false, unmapped});
}

/* ---- interrupts and time ---- */

static void interrupts(struct machine *m, const struct statistic_sink *to)
{
    const struct machine_private *p = m->private;
    char label[8];

    for (unsigned v = 0; v < 256; v++) {
        uint64_t n = p->interrupts[v];
        if (!n)
            continue;
        snprintf(label, sizeof label, "%02xh", v);
        give(to, (struct statistic){"irq", "interrupts_by_vector", "vector", label, "count",
                                    "interrupts accepted", false, n});
        give(to, (struct statistic){"irq", "interrupt_wait", "vector", label, "ns",
                                    "time from the request to acceptance, in all", false,
                                    p->interrupt_wait[v]});
        give(to, (struct statistic){"irq", "interrupt_longest", "vector", label, "ns",
                                    "the longest of those times", true, p->interrupt_longest[v]});
    }
}

static void times(struct machine *m, const struct statistic_sink *to)
{
    uint64_t ns = machine_host_ns();

    give(to, (struct statistic){.group = "time",
                                .name = "idle_time",
                                .unit = "ns",
                                .help = "host time in HLT, waiting",
                                .value = m->private->idle_ns});
    give(to, (struct statistic){.group = "time",
                                .name = "up_time",
                                .unit = "ns",
                                .help = "host time since the machine began to run",
                                .value = m->private->started_ns ? ns - m->private->started_ns : 0});
    give(to, (struct statistic){.group = "time",
                                .name = "virtual_time",
                                .unit = "ns",
                                .help = "the guest's time",
                                .value = vclock_now(m->clock)});
}

void statistics_each(struct machine *m, const struct statistic_sink *to)
{
    translator_statistics(m->translator, to);
    windows(m, to);
    phys_each_mmio(m->phys, mmio, (void *)to);
    ports(m, to);
    interrupts(m, to);
    times(m, to);
    resident_statistics(m, to);
}

/* ---- collected ---- */

static char *own(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        abort();
    return copy;
}

static void keep(void *opaque, const struct statistic *s)
{
    struct statistics *all = opaque;

    if (all->count == all->room) {
        all->room = all->room ? 2 * all->room : 128;
        all->rows = realloc(all->rows, all->room * sizeof *all->rows);
        if (!all->rows)
            abort();
    }
    struct statistic *copy = &all->rows[all->count++].s;
    *copy = *s;
    copy->label = own(s->label); /* the rest are constants */
}

static void collect(struct machine *m, void *opaque)
{
    statistics_each(m, &(struct statistic_sink){keep, opaque});
}

void statistics_collect(struct machine *m, struct statistics *out)
{
    *out = (struct statistics){0};
    machine_post_wait(m, collect, out);
}

void statistics_free(struct statistics *s)
{
    for (unsigned i = 0; i < s->count; i++)
        free((char *)s->rows[i].s.label);
    free(s->rows);
    *s = (struct statistics){0};
}

/* ---- as text ---- */

struct table {
    struct text *out;
    const char *group;
};

static void text_row(void *opaque, const struct statistic *s)
{
    const struct table *t = opaque;
    char name[100], value[60];

    if ((t->group && strcmp(t->group, s->group)) || (s->label && !s->value))
        return;
    snprintf(name, sizeof name, "%s%s%s%s", s->name, s->label ? "{" : "", s->label ? s->label : "",
             s->label ? "}" : "");
    if (!strcmp(s->unit, "ns"))
        snprintf(value, sizeof value, "%llu.%06llu ms", (unsigned long long)(s->value / 1000000),
                 (unsigned long long)(s->value % 1000000));
    else
        snprintf(value, sizeof value, "%llu%s%s", (unsigned long long)s->value,
                 strcmp(s->unit, "count") ? " " : "", strcmp(s->unit, "count") ? s->unit : "");
    text_printf(t->out, "%-32s %s (%s)\n", name, value, s->help);
}

void statistics_text(struct machine *m, const char *group, struct text *out)
{
    struct table t = {out, group};

    statistics_each(m, &(struct statistic_sink){text_row, &t});
}

/* ---- as Prometheus has it ---- */

static void escaped(struct text *out, const char *text)
{
    for (; *text; text++)
        text_printf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "",
                    *text == '\n' ? ' ' : *text);
}

/* Samples of one metric stand together, behind its HELP and TYPE. */
void statistics_prometheus(const struct statistics *all, struct text *out)
{
    for (unsigned i = 0; i < all->count; i++) {
        const struct statistic *s = &all->rows[i].s;
        const char *unit = !strcmp(s->unit, "ns")                                   ? "_nanoseconds"
                           : !strcmp(s->unit, "bytes") && !strstr(s->name, "bytes") ? "_bytes"
                                                                                    : "";
        const char *total = s->gauge ? "" : "_total";
        bool first = true;
        for (unsigned j = 0; j < i; j++)
            first &= strcmp(all->rows[j].s.name, s->name) != 0;
        if (!first)
            continue;
        text_printf(out, "# HELP ringer_%s%s%s %s\n# TYPE ringer_%s%s%s %s\n", s->name, unit, total,
                    s->help, s->name, unit, total, s->gauge ? "gauge" : "counter");
        for (unsigned j = i; j < all->count; j++) {
            const struct statistic *v = &all->rows[j].s;
            if (strcmp(v->name, s->name))
                continue;
            text_printf(out, "ringer_%s%s%s", v->name, unit, total);
            if (v->label) {
                text_printf(out, "{%s=\"", v->key);
                escaped(out, v->label);
                text_printf(out, "\"}");
            }
            text_printf(out, " %llu\n", (unsigned long long)v->value);
        }
    }
}
