/* The translator's statistics, one by one, for every view there is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "translator/hook_internal.h"

struct out {
    const struct statistic_sink *to;
    struct statistic s;
};

static void give(struct out *o, const char *name, uint64_t value)
{
    o->s.name = name;
    o->s.value = value;
    o->to->take(o->to->opaque, &o->s);
}

/* One of a few that are known beforehand: 0 is told as well. */
static void give_one(struct out *o, const char *label, uint64_t value)
{
    o->s.label = label;
    o->s.value = value;
    o->to->take(o->to->opaque, &o->s);
}

static void give_label(struct out *o, const char *label, uint64_t value)
{
    if (value)
        give_one(o, label, value);
}

/* ---- counters ---- */

static void counters(struct translator *t, const struct statistic_sink *to)
{
    t->stats.quick += t->rt->leaves;
    t->rt->leaves = 0;
    const struct {
        const char *name, *unit, *help;
        uint64_t value;
    } rows[] = {
#define X(name, help) {#name, strstr(#name, "bytes") ? "bytes" : "count", help, t->stats.name},
        TRANSLATOR_COUNTERS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct out o = {to, {.group = "tb", .unit = rows[i].unit, .help = rows[i].help}};
        give(&o, rows[i].name, rows[i].value);
    }
}

static void gauge(const struct statistic_sink *to, const char *name, const char *unit,
                  const char *help, uint64_t value)
{
    struct out o = {to, {.group = "tb", .unit = unit, .help = help, .gauge = true}};
    give(&o, name, value);
}

static void occupancy(struct translator *t, const struct statistic_sink *to)
{
    uint64_t live = 0, live_bytes = 0, links = 0;
    uint32_t used = t->emit.pos - t->cache_start;
    for (uint32_t i = 1; i < t->tb_count; i++) {
        const struct tb *tb = &t->tbs[i];
        if (!tb->valid)
            continue;
        live++;
        live_bytes += tb->code_end - tb->code;
        for (unsigned s = 0; s < TB_SLOTS; s++)
            links += tb->exits[s].link != 0;
    }
    gauge(to, "live_blocks", "count", "blocks that can run", live);
    gauge(to, "live_bytes", "bytes", "host code of those", live_bytes);
    gauge(to, "live_links", "count", "direct jumps linked at present", links);
    gauge(to, "cache_bytes", "bytes", "size of the code cache", t->cache_size);
    gauge(to, "cache_used", "bytes", "of it filled, live or not", used);
    gauge(to, "cache_occupancy", "percent", "of the code cache filled",
          (uint64_t)used * 100 / t->cache_size);
    gauge(to, "cache_fragmentation", "percent", "of what is filled that no live block holds",
          used ? (used - live_bytes) * 100 / used : 0);
    gauge(to, "expansion", "percent", "host bytes for 100 guest bytes",
          t->stats.guest_bytes ? t->stats.host_bytes * 100 / t->stats.guest_bytes : 0);
}

/* ---- exits, calls, exceptions, invalidations ---- */

_Static_assert(EXIT_HOOK + 1 == EXIT_KINDS, "each exit has a counter");
static const char *const exit_names[EXIT_KINDS] = {
    [EXIT_LOOKUP] = "lookup", [EXIT_CHAIN] = "chain",   [EXIT_INSN] = "instruction",
    [EXIT_NEXT] = "one",      [EXIT_STI] = "sti",       [EXIT_RAISE] = "raise",
    [EXIT_FAULT] = "fault",   [EXIT_KICKED] = "kicked", [EXIT_STEPPED] = "instruction_left",
    [EXIT_POPF] = "popf",     [EXIT_HOOK] = "hook",
};

static void exits(struct translator *t, const struct statistic_sink *to)
{
    struct out o = {to,
                    {.group = "exits",
                     .name = "exits",
                     .key = "reason",
                     .unit = "count",
                     .help = "times translated code came back to the hub"}};
    for (unsigned i = 0; i < EXIT_KINDS; i++)
        give_one(&o, exit_names[i], t->counts.exits[i]);
}

/* The name of an opcode: its mnemonic; those of control and debug registers are part of it, and
 * that it is about segment registers. */
static void call_name(struct translator *t, const struct call_count *c, char *name, unsigned n)
{
    enum { CALL_OPCODE_SHIFT = 3, CALL_MAP_SHIFT = 12 };
    unsigned opcode = c->key >> CALL_OPCODE_SHIFT & 0xFF, map = c->key >> CALL_MAP_SHIFT & 3;
    char text[128] = "";
    if (map == MAP_1B && (opcode == 0x8C || opcode == 0x8E)) {
        snprintf(name, n, "mov %s sreg%s", opcode == 0x8C ? "from" : "to",
                 c->slow ? " by hand" : "");
        return;
    }
    decode_text(t->decoder, c->bits, c->bytes, sizeof c->bytes, 0, text, sizeof text);
    bool whole = !strncmp(text, "mov", 3) && !c->slow;
    char *end = text + strcspn(text, whole ? "" : " \t");
    if (!strncmp(text, "rep", 3) && *end)
        end += 1 + strcspn(end + 1, " \t");
    *end = 0;
    snprintf(name, n, "%.50s%s", *text ? text : "(bad)", c->slow ? " by hand" : "");
}

struct call_row {
    char name[64];
    uint64_t count;
};

static int more_calls(const void *a, const void *b)
{
    uint64_t x = ((const struct call_row *)a)->count, y = ((const struct call_row *)b)->count;
    return (x < y) - (x > y);
}

static void calls(struct translator *t, const struct statistic_sink *to)
{
    struct call_row rows[CALL_SLOTS];
    unsigned count = 0;
    struct out o = {to,
                    {.group = "exits",
                     .name = "calls",
                     .key = "instruction",
                     .unit = "count",
                     .help = "instructions carried out by the VMM"}};
    for (unsigned i = 0; i < CALL_SLOTS; i++) {
        const struct call_count *c = &t->counts.calls[i];
        struct call_row row = {.count = c->count};
        unsigned r = 0;
        if (!c->key)
            continue;
        call_name(t, c, row.name, sizeof row.name);
        while (r < count && strcmp(rows[r].name, row.name))
            r++;
        if (r < count)
            rows[r].count += row.count;
        else
            rows[count++] = row;
    }
    qsort(rows, count, sizeof *rows, more_calls);
    for (unsigned r = 0; r < count; r++)
        give_label(&o, rows[r].name, rows[r].count);
    give_label(&o, "others", t->counts.calls_other);
}

static void exceptions(struct translator *t, const struct statistic_sink *to)
{
    char label[8];
    struct out o = {to,
                    {.group = "exits",
                     .name = "exceptions_by_vector",
                     .key = "vector",
                     .unit = "count",
                     .help = "exceptions delivered to the guest"}};
    for (unsigned v = 0; v < COUNT_VECTORS; v++) {
        snprintf(label, sizeof label, "%02xh", v);
        give_label(&o, label, t->counts.exceptions[v]);
    }
}

static const char *const cause_names[INVALID_CAUSES] = {"store", "device", "policy", "remap"};

static void invalidations(struct translator *t, const struct statistic_sink *to)
{
    struct out o = {to,
                    {.group = "smc",
                     .name = "invalidations",
                     .key = "cause",
                     .unit = "count",
                     .help = "blocks given up"}};
    for (unsigned i = 0; i < INVALID_CAUSES; i++)
        give_one(&o, cause_names[i], t->counts.invalid[i]);
}

static void retranslations(struct translator *t, const struct statistic_sink *to)
{
    static const char *const names[RETRANSLATIONS] = {"by_hand", "divide_error", "churn", "wrap",
                                                      "plain",   "map",          "reach", "store",
                                                      "device",  "remap",        "flush", "mode"};
    struct out o = {to,
                    {.group = "tb",
                     .name = "retranslations",
                     .key = "cause",
                     .unit = "count",
                     .help = "blocks of code that had been translated before"}};
    for (unsigned i = 0; i < RETRANSLATIONS; i++)
        give_one(&o, names[i], t->counts.retranslated[i]);
}

/* ---- time ---- */

static void samples(struct translator *t, const struct statistic_sink *to)
{
    static const char *const places[] = {"guest", "vmm", "devices", "timers"};
    struct out o = {to,
                    {.group = "time",
                     .name = "cpu_time",
                     .key = "place",
                     .unit = "ns",
                     .help = "CPU time of the vCPU's thread, by samples"}};
    for (unsigned i = 0; i < SAMPLE_PLACES; i++)
        give_one(&o, places[i], t->counts.samples[i] * sample_ns(t));
    o.s.key = o.s.label = NULL;
    o.s.help = "host time spent translating, decoding included";
    give(&o, "translate_time", count_ns(t, t->counts.translate_cycles));
    o.s.help = "host time spent decoding";
    give(&o, "decode_time", count_ns(t, t->counts.decode_cycles));
}

/* How often what RATE stands for ran: blocks take time by the bytes of their host code. */
static uint64_t ran(const struct translator *t, uint64_t rate)
{
    const uint64_t giga = 1000000000;
    double ns = (double)count_ns(t, giga) / (double)giga; /* of a cycle */
    double cycles = ns > 0 ? (double)sample_ns(t) / ns : 0;
    return (uint64_t)((double)rate / RATE_ONE * cycles * HOST_BYTES);
}

/* How much faster the host is than that, as was found while instructions were counted, if that was
 * long enough. */
static double speed(const struct translator *t)
{
    enum { ENOUGH = 20 };
    uint64_t model = ran(t, t->counts.modelled.insns), exact = count_executed(t);
    return t->counts.counted_samples >= ENOUGH && model ? (double)exact / (double)model : 1;
}

/* N that was counted, and what ran while nothing was: by the samples of that time. */
static uint64_t estimate(const struct translator *t, uint64_t n, uint64_t guessed)
{
    return n + (uint64_t)((double)ran(t, guessed) * speed(t));
}

static void jumps(struct translator *t, struct out *o)
{
    static const char *const kinds[JUMP_COUNTS] = {
        [JUMP_INDIRECT] = "indirect", [JUMP_RETURN] = "return", [JUMP_CROSS_PAGE] = "cross_page"};
    const uint64_t *counted = t->counts.executions + t->tb_max - 1;
    uint64_t all[JUMP_COUNTS], missed[JUMP_COUNTS], all_missed = 0;
    for (unsigned k = 0; k < JUMP_COUNTS; k++) {
        all_missed += missed[k] = t->counts.missed[k];
        all[k] = estimate(t, counted[-(int)k], t->counts.guessed.jumps[k]);
        all[k] = all[k] > missed[k] ? all[k] : missed[k];
    }
    o->s.help = "jumps that the table did not answer";
    give(o, "jumps_missed", all_missed);
    o->s.key = "kind";
    o->s.name = "jumps";
    o->s.help = "jumps by the table; estimated by samples where exec_count was off";
    for (unsigned k = 0; k < JUMP_COUNTS; k++)
        give_one(o, kinds[k], all[k]);
    o->s.name = "jump_hits";
    o->s.help = "jumps that the table answered; estimated by samples where exec_count was off";
    for (unsigned k = 0; k < JUMP_COUNTS; k++)
        give_one(o, kinds[k], all[k] - missed[k]);
    o->s.name = "jump_misses";
    o->s.help = "jumps that it did not";
    for (unsigned k = 0; k < JUMP_COUNTS; k++)
        give_one(o, kinds[k], missed[k]);
}

static void executed(struct translator *t, const struct statistic_sink *to)
{
    struct out o = {to, {.group = "tb", .unit = "count"}};
    uint64_t exact = count_executed(t);
    o.s.help = "guest instructions executed while exec_count was on, blocks taken as wholes";
    give(&o, "executed", exact);
    o.s.help = "guest instructions executed, estimated by samples where exec_count was off";
    give(&o, "executed_estimate", estimate(t, exact, t->counts.guessed.insns));
    jumps(t, &o);
}

void translator_statistics(struct translator *t, const struct statistic_sink *to)
{
    counters(t, to);
    occupancy(t, to);
    executed(t, to);
    exits(t, to);
    calls(t, to);
    exceptions(t, to);
    invalidations(t, to);
    retranslations(t, to);
    samples(t, to);
}

/* ---- blocks ---- */

bool translator_block(struct translator *t, uint32_t index, struct translator_block *out)
{
    if (!index || index >= t->tb_count)
        return false;
    const struct tb *tb = &t->tbs[index];
    *out = (struct translator_block){.index = index,
                                     .eip = tb->eip,
                                     .cs_base = tb->cs_base,
                                     .phys = tb->phys,
                                     .mode = tb->mode,
                                     .insns = tb->insns,
                                     .guest_bytes = tb->size,
                                     .sites = tb->site_count,
                                     .host_bytes = tb->code_end - tb->code,
                                     .valid = tb->valid,
                                     .code32 = tb->mode & MODE_CODE32,
                                     .user = tb->mode & MODE_USER,
                                     .counted = tb->counts,
                                     .executions = t->counts.executions[index],
                                     .samples = tb->samples};
    hook_symbol(t, tb->cs_base + tb->eip, out->symbol, sizeof out->symbol);
    for (unsigned s = 0; s < TB_SLOTS; s++) {
        out->exits[s].target = tb->exits[s].patch ? exit_target(tb, s) : ~0u;
        out->exits[s].link = tb->exits[s].link;
    }
    return true;
}

static uint64_t heat(const struct translator *t, uint32_t i, enum translator_order order)
{
    uint64_t n = t->counts.executions[i], samples = t->tbs[i].samples;
    switch (order) {
    case BY_EXECUTIONS:
        return n;
    case BY_SAMPLES:
        return samples;
    default: /* a sample outweighs what executions tell between equals */
        return samples << 40 | (n < 1ull << 40 ? n : (1ull << 40) - 1);
    }
}

unsigned translator_hot(struct translator *t, enum translator_order order,
                        struct translator_block *out, unsigned max)
{
    unsigned stored = 0, found = 0;
    for (uint32_t i = 1; i < t->tb_count; i++) {
        uint64_t h = heat(t, i, order);
        if (!h)
            continue;
        found++;
        unsigned at = stored < max ? stored++ : max;
        while (at > 0 && heat(t, out[at - 1].index, order) < h) {
            if (at < max)
                out[at] = out[at - 1];
            at--;
        }
        if (at < max)
            translator_block(t, i, &out[at]);
    }
    return found;
}

unsigned translator_blocks_at(struct translator *t, uint32_t lin, struct translator_block *out,
                              unsigned max)
{
    unsigned stored = 0;
    for (unsigned dead = 0; dead < 2; dead++)
        for (uint32_t i = 1; i < t->tb_count && stored < max; i++) {
            const struct tb *tb = &t->tbs[i];
            if (tb->valid == !dead && lin - (tb->cs_base + tb->eip) < tb->size)
                translator_block(t, i, &out[stored++]);
        }
    return stored;
}

void translator_describe_block(struct translator *t, uint32_t index, bool host,
                               void (*line)(void *, const char *), void *opaque)
{
    if (index && index < t->tb_count)
        dump_block(t, &t->tbs[index], host, line, opaque);
}

void translator_each_page(struct translator *t,
                          void (*fn)(void *opaque, const struct translator_page *p), void *opaque)
{
    uint64_t *n = t->counts.page_executions;
    for (uint32_t pfn = 0; pfn < PHYS_FRAMES; pfn++) {
        struct translator_page p = {
            .pfn = pfn, .samples = t->counts.page_samples[pfn], .executions = n[pfn]};
        for (uint32_t link = t->page_tbs[pfn]; link; link = t->tbs[link / 2].page_next[link & 1]) {
            const struct tb *tb = &t->tbs[link / 2];
            p.blocks++;
            if (!(link & 1))
                p.executions += t->counts.executions[link / 2] * tb->insns;
        }
        if (p.samples || p.executions || p.blocks)
            fn(opaque, &p);
    }
}

unsigned translator_writers(struct translator *t, struct translator_writer *out, unsigned max)
{
    unsigned stored = 0;
    for (unsigned i = 0; i < WRITER_SLOTS; i++) {
        const struct writer *w = &t->counts.writers[i];
        if (!w->writes)
            continue;
        unsigned at = stored < max ? stored++ : max;
        while (at > 0 && (out[at - 1].hits < w->hits ||
                          (out[at - 1].hits == w->hits && out[at - 1].writes < w->writes))) {
            if (at < max)
                out[at] = out[at - 1];
            at--;
        }
        if (at < max)
            out[at] = (struct translator_writer){
                w->eip, w->cs_base, w->page, cause_names[w->cause], w->writes, w->hits};
    }
    return stored;
}

void translator_count_executions(struct translator *t, bool on)
{
    if (t->options.exec_count == on)
        return;
    t->options.exec_count = on;
    cache_flush(t);
}

bool translator_counts_executions(const struct translator *t)
{
    return t->options.exec_count;
}
