/* The lines of `ringer top`, from two answers of query-ringer-stats. */
#include "vmm/top.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 8, BLOCKS = 12 };

static bool is(const json_t *row, const char *member, const char *value)
{
    const char *text = json_string_value(json_object_get(row, member));

    return text ? value && !strcmp(text, value) : !value;
}

static uint64_t integer(const json_t *object, const char *member)
{
    json_int_t n = json_integer_value(json_object_get(object, member));

    return n > 0 ? (uint64_t)n : 0;
}

/* The statistic NAME, or that with LABEL. */
static uint64_t get(const json_t *stats, const char *name, const char *label)
{
    const json_t *rows = json_object_get(stats, "statistics");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (is(row, "name", name) && is(row, "label", label))
            return integer(row, "value");
    }
    return 0;
}

struct view {
    const json_t *before, *now;
    double seconds;
    unsigned width;
    struct text *out;
};

static uint64_t grown(const struct view *v, const char *name, const char *label)
{
    uint64_t now = get(v->now, name, label), before = get(v->before, name, label);

    return now > before ? now - before : 0;
}

static double rate(const struct view *v, const char *name, const char *label)
{
    return (double)grown(v, name, label) / v->seconds;
}

/* "1234", "56.7k", "8.9M" */
static const char *human(double n, char text[16])
{
    static const char units[] = " kMGT";
    unsigned u = 0;

    while (n >= 10000 && u < 4) {
        n /= 1000;
        u++;
    }
    snprintf(text, 16, u ? "%.1f%c" : "%.0f%c", n, units[u]);
    return text;
}

static void bar(const struct view *v, const char *name, double share)
{
    unsigned full = v->width > 40 ? v->width - 24 : 16, n;

    share = share < 0 ? 0 : share > 1 ? 1 : share;
    n = (unsigned)(share * full + 0.5);
    text_printf(v->out, "%-8s %5.1f%% [", name, share * 100);
    for (unsigned i = 0; i < full; i++)
        text_add(v->out, i < n ? "#" : " ", 1);
    text_printf(v->out, "]\n");
}

static void times(const struct view *v)
{
    static const char *const places[] = {"guest", "vmm", "devices", "timers"};
    double ns = v->seconds * 1e9;

    for (unsigned i = 0; i < 4; i++)
        bar(v, places[i], (double)grown(v, "cpu_time", places[i]) / ns);
    bar(v, "idle", (double)grown(v, "idle_time", NULL) / ns);
}

static void rates(const struct view *v)
{
    static const char *const names[][2] = {
        {"enters", "entries"},        {"blocks", "translated"},
        {"invalidated", "given up"},  {"signals", "faults"},
        {"mmu_fills", "fills"},       {"drop_pages", "pages dropped"},
        {"page_faults", "guest #PF"}, {"interrupts", "interrupts"},
        {"syncs", "switches"},        {"code_writes", "code writes"},
        {"sensitive", "sensitive"},   {"slow", "by hand"},
    };
    char n[16];

    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        text_printf(v->out, "%8s/s %-14s%s", human(rate(v, names[i][0], NULL), n), names[i][1],
                    i % 3 == 2 ? "\n" : "");
    text_printf(v->out,
                "code cache %llu%%, %llu%% of it dead; %llu blocks; %llu windows; "
                "%llu of %llu mappings\n",
                (unsigned long long)get(v->now, "cache_occupancy", NULL),
                (unsigned long long)get(v->now, "cache_fragmentation", NULL),
                (unsigned long long)get(v->now, "live_blocks", NULL),
                (unsigned long long)get(v->now, "windows_live", NULL),
                (unsigned long long)get(v->now, "mappings", NULL),
                (unsigned long long)get(v->now, "mappings_limit", NULL));
}

struct ranked {
    const json_t *row;
    double value;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct ranked *)a)->value, y = ((const struct ranked *)b)->value;

    return (x < y) - (x > y);
}

static void calls(const struct view *v)
{
    const json_t *rows = json_object_get(v->now, "statistics");
    struct ranked *all = calloc(json_array_size(rows) + 1, sizeof *all);
    unsigned n = 0;
    char text[16];

    if (!all)
        abort();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *label = json_string_value(json_object_get(row, "label"));
        if (is(row, "name", "calls") && label)
            all[n++] = (struct ranked){row, rate(v, "calls", label)};
    }
    qsort(all, n, sizeof *all, by_value);
    text_printf(v->out, "\ncarried out by the VMM:\n");
    for (unsigned i = 0; i < n && i < CALLS && all[i].value > 0; i++)
        text_printf(v->out, "%8s/s %s\n", human(all[i].value, text),
                    json_string_value(json_object_get(all[i].row, "label")));
    free(all);
}

/* Samples of the block ROW before. */
static uint64_t samples_before(const struct view *v, const json_t *row, const char *member)
{
    const json_t *rows = json_object_get(v->before, "blocks");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *old = json_array_get(rows, i);
        if (integer(old, "index") == integer(row, "index") &&
            integer(old, "eip") == integer(row, "eip") &&
            integer(old, member) <= integer(row, member))
            return integer(old, member);
    }
    return 0;
}

static void blocks(const struct view *v)
{
    const json_t *rows = json_object_get(v->now, "blocks");
    struct ranked *all = calloc(json_array_size(rows) + 1, sizeof *all);
    double sum = 0;
    char text[16];

    if (!all)
        abort();
    size_t n = json_array_size(rows);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(rows, i);
        all[i] = (struct ranked){
            row, (double)(integer(row, "samples") - samples_before(v, row, "samples"))};
        sum += all[i].value;
    }
    qsort(all, n, sizeof *all, by_value);
    text_printf(v->out, "\n   share executions/s  address  code\n");
    for (size_t i = 0; i < n && i < BLOCKS && all[i].value > 0; i++) {
        const json_t *row = all[i].row;
        const char *symbol = json_string_value(json_object_get(row, "symbol"));
        const char *code = json_string_value(json_array_get(json_object_get(row, "code"), 0));
        double runs = (double)(integer(row, "executions") - samples_before(v, row, "executions"));
        code = symbol ? symbol : code;
        text_printf(
            v->out, "  %5.1f%% %12s  %08llx  %.*s\n", 100 * all[i].value / sum,
            human(runs / v->seconds, text),
            (unsigned long long)((integer(row, "cs-base") + integer(row, "eip")) & 0xFFFFFFFF),
            v->width > 50 ? (int)v->width - 36 : 14, code ? code + strspn(code, " ") : "");
    }
    free(all);
}

void top_picture(const json_t *before, const json_t *now, unsigned width, struct text *out)
{
    struct view v = {before, now, 0, width, out};
    double up = (double)get(now, "up_time", NULL) / 1e9;

    v.seconds = (double)grown(&v, "up_time", NULL) / 1e9;
    if (v.seconds <= 0)
        v.seconds = 1;
    text_printf(out, "ringer %s, up %.0f s, last %.1f s; executions %s\n\n",
                json_string_value(json_object_get(now, "ringer"))
                    ? json_string_value(json_object_get(now, "ringer"))
                    : "?",
                up, v.seconds,
                json_is_true(json_object_get(now, "exec-count")) ? "counted" : "not counted (e)");
    times(&v);
    text_printf(out, "\n");
    rates(&v);
    calls(&v);
    blocks(&v);
}
