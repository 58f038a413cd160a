#include "vmm/tools.h"
#include "ringer/trace.h"
#include "vmm/coverage.h"
#include "vmm/hooks.h"
#include "vmm/machine.h"
#include "vmm/output.h"
#include "vmm/perfmap.h"
#include "vmm/symbols.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool tools_load(struct tools *t, const struct tools_options *o, struct error *err)
{
    struct error why;

    t->options = o;
    t->symbols = symbols_new();
    if (!t->symbols)
        return error_set(err, "no memory for symbols");
    for (unsigned i = 0; i < o->symbols_count; i++)
        if (!symbols_load(t->symbols, o->symbols[i], &why))
            return error_set(err, "-symbols %s", why.text);
    return true;
}

static const char *symbol(void *opaque, uint32_t linear, uint32_t *offset)
{
    const struct tools *t = opaque;

    return symbols_find(t->symbols, linear, offset);
}

static void block(void *opaque, const struct translated *b)
{
    const struct tools *t = opaque;

    if (t->perf)
        perfmap_block(t->perf, b);
    if (t->coverage)
        coverage_block(t->coverage, b);
}

/* What is written at the end can be written: better known now. */
static bool may_write(const char *option, const char *path, struct error *err)
{
    return output_possible(path) ||
           error_set(err, "-%s %s: cannot be written: %s", option, path, strerror(errno));
}

static bool open_files(struct tools *t, struct machine *m, struct error *err)
{
    const struct tools_options *o = t->options;
    struct error why;

    if ((o->coverage && !may_write("coverage", o->coverage, err)) ||
        (o->trace && !may_write("trace", o->trace, err)))
        return false;
    if ((o->coverage && !(t->coverage = coverage_new())) ||
        (o->trace && !(t->trace = trace_new(o->trace_events))))
        return error_set(err, "no memory for what -coverage and -trace ask for");
    if (t->trace)
        log_set_trace(m->log, t->trace);
    if (!o->perfmap && !o->jitdump)
        return true;
    t->perf = perfmap_open(o->perfmap, o->jitdump, t->symbols, &why);
    return t->perf || error_set(err, "-%s: %s", o->jitdump ? "jitdump" : "perfmap", why.text);
}

bool tools_attach(struct tools *t, struct machine *m, struct error *err)
{
    const struct tools_options *o = t->options;
    struct translator_observer observer = {
        .opaque = t, .symbol = symbol, .exact = o->coverage != NULL};
    struct error why;

    for (unsigned i = 0; i < o->hook_count; i++)
        if (!hooks_add_spec(m->hooks, o->hooks[i], &why))
            return error_set(err, "-hook %.100s: %s", o->hooks[i], why.text);
    if (!open_files(t, m, err))
        return false;
    if (t->perf || t->coverage)
        observer.block = block;
    translator_observe(m->translator, &observer);
    log_set_symbols(m->log, symbol, t);
    return true;
}

bool tools_finish(struct tools *t, struct error *err)
{
    const struct tools_options *o = t->options;
    struct error why;

    if (t->coverage && !coverage_write(t->coverage, t->symbols, o->coverage, &why))
        return error_set(err, "-coverage %s", why.text);
    if (t->trace && !trace_write(t->trace, o->trace))
        return error_set(err, "-trace %s: cannot be written: %s", o->trace, strerror(errno));
    return true;
}

void tools_close(struct tools *t)
{
    perfmap_close(t->perf);
    coverage_free(t->coverage);
    trace_free(t->trace);
    symbols_free(t->symbols);
    *t = (struct tools){0};
}
