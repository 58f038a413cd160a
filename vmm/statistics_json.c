/* All statistics as one JSON document: what QMP, -stats and the report are made of. */
#include "vmm/statistics.h"
#include <stdio.h>
#include <stdlib.h>

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)(value >> 63 ? INT64_MAX : value));
}

static void add_counter(void *opaque, const struct statistic *s)
{
    json_t *row =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:o}", "group", s->group, "name", s->name, "unit", s->unit,
                  "help", s->help, "gauge", (int)s->gauge, "value", number(s->value));

    if (s->label) {
        json_t *label = json_string(s->label);
        json_object_set_new(row, "key", json_string(s->key));
        json_object_set_new(row, "label", label ? label : json_string("?"));
    }
    json_array_append_new(opaque, row);
}

static void add_line(void *opaque, const char *line)
{
    json_array_append_new(opaque, json_string(line));
}

static json_t *block_json(struct machine *m, const struct translator_block *b)
{
    json_t *code = json_array(), *host = json_array(), *exits = json_array();

    translator_describe_block(m->translator, b->index, false, add_line, code);
    if (json_array_size(code))
        json_array_remove(code, 0); /* what is in its members already */
    translator_describe_block(m->translator, b->index, true, add_line, host);
    if (json_array_size(host))
        json_array_remove(host, 0);
    for (unsigned i = 0; i < TRANSLATOR_EXITS; i++)
        if (b->exits[i].target != ~0u)
            json_array_append_new(exits,
                                  json_pack("{s:I,s:I}", "target", (json_int_t)b->exits[i].target,
                                            "link", (json_int_t)b->exits[i].link));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:i,s:i,s:I,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o,s:s*}",
                     "index", (json_int_t)b->index, "eip", (json_int_t)b->eip, "cs-base",
                     (json_int_t)b->cs_base, "phys", (json_int_t)b->phys, "mode",
                     (json_int_t)b->mode, "instructions", (int)b->insns, "guest-bytes",
                     (int)b->guest_bytes, "host-bytes", (json_int_t)b->host_bytes, "valid",
                     (int)b->valid, "user", (int)b->user, "counted", (int)b->counted, "executions",
                     number(b->executions), "samples", number(b->samples), "exits", exits, "code",
                     code, "host-code", host, "symbol", *b->symbol ? b->symbol + 1 : NULL);
}

static void add_page(void *opaque, const struct translator_page *p)
{
    json_array_append_new(opaque, json_pack("{s:I,s:o,s:o,s:i}", "page", (json_int_t)p->pfn << 12,
                                            "samples", number(p->samples), "instructions",
                                            number(p->executions), "blocks", (int)p->blocks));
}

static json_t *blocks_json(struct machine *m, unsigned hot)
{
    struct translator_block *blocks = calloc(hot ? hot : 1, sizeof *blocks);
    json_t *out = json_array();

    if (!blocks)
        abort();
    unsigned n = translator_hot(m->translator, BY_TIME, blocks, hot);
    for (unsigned i = 0; i < n && i < hot; i++)
        json_array_append_new(out, block_json(m, &blocks[i]));
    free(blocks);
    return out;
}

static json_t *writers_json(struct machine *m)
{
    enum { WRITERS = 64 };
    struct translator_writer w[WRITERS];
    unsigned n = translator_writers(m->translator, w, WRITERS);
    json_t *out = json_array();

    for (unsigned i = 0; i < n; i++)
        json_array_append_new(out,
                              json_pack("{s:I,s:I,s:I,s:s,s:o,s:o}", "eip", (json_int_t)w[i].eip,
                                        "cs-base", (json_int_t)w[i].cs_base, "page",
                                        (json_int_t)w[i].page, "cause", w[i].cause, "writes",
                                        number(w[i].writes), "blocks-lost", number(w[i].hits)));
    return out;
}

json_t *statistics_json(struct machine *m, unsigned hot)
{
    json_t *counters = json_array(), *pages = json_array();

    statistics_each(m, &(struct statistic_sink){add_counter, counters});
    translator_each_page(m->translator, add_page, pages);
    return json_pack("{s:s,s:i,s:I,s:b,s:o,s:o,s:o,s:o}", "ringer", RINGER_VERSION, "format", 1,
                     "ram-bytes", (json_int_t)m->config.ram_bytes, "exec-count",
                     (int)translator_counts_executions(m->translator), "statistics", counters,
                     "blocks", blocks_json(m, hot), "pages", pages, "writers", writers_json(m));
}
