/* What the translator does: `info tb` and its kin, and exec_count. */
#include "vmm/command.h"
#include "vmm/statistics.h"
#include <stdlib.h>
#include <string.h>

static void info_tb(const struct monitor_target *t, struct text *out)
{
    statistics_text(t->machine, "tb", out);
    statistics_text(t->machine, "time", out);
}

static void info_exits(const struct monitor_target *t, struct text *out)
{
    statistics_text(t->machine, "exits", out);
}

static void info_windows(const struct monitor_target *t, struct text *out)
{
    statistics_text(t->machine, "mmu", out);
}

static void info_resident(const struct monitor_target *t, struct text *out)
{
    statistics_text(t->machine, "memory", out);
}

static void info_io(const struct monitor_target *t, struct text *out)
{
    statistics_text(t->machine, "io", out);
}

struct filter {
    struct text *out;
    const char *const *names;
};

static void named(void *opaque, const struct statistic *s)
{
    const struct filter *f = opaque;

    for (unsigned i = 0; f->names[i]; i++)
        if (!strcmp(f->names[i], s->name))
            text_printf(f->out, "%-19s %llu (%s)\n", s->name, (unsigned long long)s->value,
                        s->help);
}

static void info_fills(const struct monitor_target *t, struct text *out)
{
    static const char *const names[] = {"signals",
                                        "fills",
                                        "refills",
                                        "page_faults",
                                        "mmu_fills",
                                        "fill_pages",
                                        "fill_runs",
                                        "prefetched",
                                        "prefetch_hits",
                                        "prefetch_probes",
                                        "prefetch_probe_hits",
                                        "drops",
                                        "drop_pages",
                                        "unmaps",
                                        "walks",
                                        "guest_faults",
                                        NULL};
    struct filter f = {out, names};

    statistics_each(t->machine, &(struct statistic_sink){named, &f});
}

static void info_smc(const struct monitor_target *t, struct text *out)
{
    enum { WRITERS = 32 };
    struct translator_writer w[WRITERS];
    unsigned n = translator_writers(t->machine->translator, w, WRITERS);

    statistics_text(t->machine, "smc", out);
    text_printf(out, "writers to pages with code%s\n", n ? ":" : ": none");
    for (unsigned i = 0; i < n; i++)
        text_printf(out, "  %08x (cs base %08x) to page %08x, %s: %llu writes, %llu blocks lost\n",
                    w[i].eip, w[i].cs_base, w[i].page, w[i].cause, (unsigned long long)w[i].writes,
                    (unsigned long long)w[i].hits);
}

const struct subject subjects_statistics[] = {
    {"tb", "the translator's counters; tb hot [N] [time|executions], tb block ADDR: of its blocks",
     info_tb},
    {"jit", NULL, info_tb},
    {"exits", "why translated code was left, and for which instructions", info_exits},
    {"windows", "windows, host mappings, page-table tracing", info_windows},
    {"fills", "pages brought into windows", info_fills},
    {"resident", "the host's memory that windows, code cache and metadata take", info_resident},
    {"smc", "who writes to code, and what that costs", info_smc},
    {"io", "accesses to ports and device memory, by port and region", info_io},
    {0},
};

/* ---- info tb hot, info tb block ---- */

struct request {
    struct text *out;
    unsigned max;
    enum translator_order order;
    uint32_t lin;
};

static void block_line(struct text *out, const struct translator_block *b, uint64_t samples)
{
    text_printf(out, "%08x %08x %5.1f%% %10llu %14llu %4u %5u %6u%s%s%s\n", b->cs_base + b->eip,
                b->phys, samples ? 100.0 * (double)b->samples / (double)samples : 0.0,
                (unsigned long long)b->samples, (unsigned long long)b->executions, b->insns,
                b->guest_bytes, b->host_bytes, b->user ? " user" : "", b->valid ? "" : " gone",
                b->symbol);
}

static void block_exits(struct machine *m, struct text *out, const struct translator_block *b)
{
    for (unsigned i = 0; i < TRANSLATOR_EXITS; i++) {
        struct translator_block to;
        if (b->exits[i].target == ~0u)
            continue;
        text_printf(out, "  exit %u to %08x", i, b->exits[i].target);
        if (translator_block(m->translator, b->exits[i].link, &to))
            text_printf(out, ", linked to block %u\n", to.index);
        else
            text_printf(out, ", not linked\n");
    }
    text_printf(out, "  %u instructions left to the VMM\n", b->sites);
}

static void sum_samples(void *opaque, const struct statistic *s)
{
    if (!strcmp(s->name, "cpu_time") && !strcmp(s->label, "guest"))
        *(uint64_t *)opaque = s->value;
}

static void hot(struct machine *m, void *opaque)
{
    struct request *r = opaque;
    struct translator_block *blocks = calloc(r->max, sizeof *blocks);
    uint64_t samples = 0, guest_ns = 0;

    if (!blocks)
        abort();
    unsigned found = translator_hot(m->translator, r->order, blocks, r->max);
    unsigned n = found < r->max ? found : r->max;
    for (unsigned i = 0; i < n; i++)
        samples += blocks[i].samples;
    statistics_each(m, &(struct statistic_sink){sum_samples, &guest_ns});
    text_printf(r->out, "%u blocks were counted or sampled; guest code took %llu ms\n", found,
                (unsigned long long)(guest_ns / 1000000));
    text_printf(r->out, "address  physical  share    samples     executions insn bytes   host\n");
    for (unsigned i = 0; i < n; i++) {
        block_line(r->out, &blocks[i], samples);
        translator_describe_block(m->translator, blocks[i].index, true, text_line, r->out);
        block_exits(m, r->out, &blocks[i]);
    }
    if (!translator_counts_executions(m->translator))
        text_printf(r->out, "executions are not counted: exec_count on\n");
    free(blocks);
}

static void block(struct machine *m, void *opaque)
{
    enum { MOST = 8 };
    struct request *r = opaque;
    struct translator_block blocks[MOST];

    r->max = translator_blocks_at(m->translator, r->lin, blocks, MOST);
    for (unsigned i = 0; i < r->max; i++) {
        text_printf(r->out, "block %u%s: %llu executions, %llu samples\n", blocks[i].index,
                    blocks[i].valid ? "" : " (given up)", (unsigned long long)blocks[i].executions,
                    (unsigned long long)blocks[i].samples);
        translator_describe_block(m->translator, blocks[i].index, true, text_line, r->out);
        block_exits(m, r->out, &blocks[i]);
    }
}

bool statistics_info_tb(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct request r = {.out = out, .max = 10, .order = BY_TIME};
    int64_t lin;
    char *end = "";

    if (!strcmp(argv[0], "hot") && argc > 1 &&
        (!strcmp(argv[argc - 1], "time") || !strcmp(argv[argc - 1], "executions")))
        r.order = *argv[--argc] == 't' ? BY_TIME : BY_EXECUTIONS;
    if (!strcmp(argv[0], "hot") && argc <= 2) {
        unsigned long n = argc == 2 ? strtoul(argv[1], &end, 10) : r.max;
        if (*end || n == 0 || n > STATISTICS_HOT_MAX || (argc == 2 && *argv[1] == '-'))
            return command_fail(out, "info tb hot %s: not a number of blocks, 1 to %d", argv[1],
                                STATISTICS_HOT_MAX);
        r.max = (unsigned)n;
        machine_post_wait(t->machine, hot, &r);
        return true;
    }
    if (strcmp(argv[0], "block") || argc != 2)
        return command_fail(out, "usage: info tb [hot [N] [time|executions] | block ADDR]");
    if (!command_expression(t, 1, argv + 1, &lin, out))
        return false;
    r.lin = (uint32_t)lin;
    machine_post_wait(t->machine, block, &r);
    return r.max || command_fail(out, "no block was made of the code at %08x", r.lin);
}

/* ---- exec_count ---- */

static void count_on(struct machine *m, void *opaque)
{
    (void)opaque;
    translator_count_executions(m->translator, true);
}

static void count_off(struct machine *m, void *opaque)
{
    (void)opaque;
    translator_count_executions(m->translator, false);
}

static void count_asked(struct machine *m, void *opaque)
{
    *(bool *)opaque = translator_counts_executions(m->translator);
}

static bool command_exec_count(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    bool on = argc > 1 && !strcmp(argv[1], "on");

    if (argc < 2) {
        machine_post_wait(t->machine, count_asked, &on);
        text_printf(out, "exec_count is %s\n", on ? "on" : "off");
        return true;
    }
    if (!on && strcmp(argv[1], "off"))
        return command_fail(out, "exec_count %.100s: it is on or off", argv[1]);
    machine_post_wait(t->machine, on ? count_on : count_off, NULL);
    return true;
}

const struct command commands_statistics[] = {
    {"exec_count", "[on|off]", "count the executions of each block exactly", 0, 1,
     command_exec_count, false, COMPLETE_NOTHING},
    {0},
};
