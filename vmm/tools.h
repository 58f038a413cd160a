/* What looks into the guest for other tools: symbols, hooks, perf maps, coverage. */
#ifndef RINGER_VMM_TOOLS_H
#define RINGER_VMM_TOOLS_H

#include "ringer/error.h"
#include <stdbool.h>
#include <stdint.h>

struct machine;
struct symbols;
struct log;

enum { OPTIONS_TOOLS = 64 };

/* As the command line has it. */
struct tools_options {
    const char *symbols[OPTIONS_TOOLS], *hooks[OPTIONS_TOOLS];
    unsigned symbols_count, hook_count;
    bool perfmap, jitdump;
    const char *coverage, *trace; /* files; NULL: none */
    uint32_t trace_events;
};

struct tools {
    const struct tools_options *options;
    struct symbols *symbols; /* never NULL after tools_load */
    struct perfmap *perf;    /* NULL: not asked for; so the others */
    struct coverage *coverage;
    struct trace *trace;
};

/* O stays.  Read the files of -symbols.  False: ERR names the option; tools_close is due either way. */
bool tools_load(struct tools *t, const struct tools_options *o, struct error *err);
/* Set up the rest for M, which does not run yet and is freed after T is closed; last of all that can
 * be refused, as it makes files.  False and ERR. */
bool tools_attach(struct tools *t, struct machine *m, struct error *err);
/* The machine has ended: write what is left.  False and ERR, when a file cannot be. */
bool tools_finish(struct tools *t, struct error *err);
/* Free all; the machine is gone. */
void tools_close(struct tools *t);

#endif
