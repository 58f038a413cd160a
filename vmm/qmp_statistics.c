/* Statistics over QMP: QEMU's query-stats and query-stats-schemas, and all there is in one. */
#include "vmm/qmp_command.h"
#include "vmm/statistics.h"
#include <stdio.h>
#include <string.h>

/* QEMU has no labels: they are part of the name, as Prometheus writes them. */
static void full_name(const struct statistic *s, char *out, size_t n)
{
    if (s->label)
        snprintf(out, n, "%s{%s=%s}", s->name, s->key, s->label);
    else
        snprintf(out, n, "%s", s->name);
}

/* Is NAME asked for?  PROVIDERS: [StatsRequest], absent: everything. */
static bool wanted(const json_t *providers, const struct statistic *s, const char *name)
{
    size_t count = json_array_size(providers);

    if (!providers)
        return true;
    for (size_t i = 0; i < count; i++) {
        const json_t *names = json_object_get(json_array_get(providers, i), "names");
        if (!names)
            return true;
        for (size_t j = 0; j < json_array_size(names); j++) {
            const char *one = json_string_value(json_array_get(names, j));
            if (one && (!strcmp(one, name) || !strcmp(one, s->name)))
                return true;
        }
    }
    return false;
}

/* All of it is about the one vCPU. */
static bool query_stats(struct qmp_call *c)
{
    const char *target = qmp_string(c, "target", "");
    const json_t *providers = json_object_get(c->args, "providers");
    bool vcpu = !strcmp(target, "vcpu");
    struct statistics all;
    char name[160];
    json_t *rows = json_array();

    statistics_collect(c->t->machine, &all);
    for (unsigned i = 0; i < all.count && vcpu; i++) {
        const struct statistic *s = &all.rows[i].s;
        full_name(s, name, sizeof name);
        if (wanted(providers, s, name))
            json_array_append_new(
                rows, json_pack("{s:s,s:I}", "name", name, "value", (json_int_t)s->value));
    }
    statistics_free(&all);
    if (json_array_size(rows))
        c->ret = json_pack("[{s:s,s:s,s:o}]", "provider", "ringer", "qom-path",
                           "/machine/unattached/device[0]", "stats", rows);
    else {
        json_decref(rows);
        c->ret = json_array();
    }
    return true;
}

static bool query_stats_schemas(struct qmp_call *c)
{
    struct statistics all;
    char name[160];
    json_t *rows = json_array();

    statistics_collect(c->t->machine, &all);
    for (unsigned i = 0; i < all.count; i++) {
        const struct statistic *s = &all.rows[i].s;
        bool ns = !strcmp(s->unit, "ns");
        full_name(s, name, sizeof name);
        json_t *row = json_pack("{s:s,s:s,s:i}", "name", name, "type",
                                s->gauge ? "instant" : "cumulative", "exponent", ns ? -9 : 0);
        if (ns)
            json_object_set_new(row, "base", json_integer(10));
        if (ns || !strcmp(s->unit, "bytes") || !strcmp(s->unit, "cycles"))
            json_object_set_new(row, "unit", json_string(ns ? "seconds" : s->unit));
        json_array_append_new(rows, row);
    }
    statistics_free(&all);
    c->ret = json_pack("[{s:s,s:s,s:o}]", "provider", "ringer", "target", "vcpu", "stats", rows);
    return true;
}

struct request {
    unsigned hot;
    json_t *out;
};

static void everything(struct machine *m, void *opaque)
{
    struct request *r = opaque;

    r->out = statistics_json(m, r->hot);
}

static bool query_ringer_stats(struct qmp_call *c)
{
    int64_t hot = qmp_int(c, "hot", STATISTICS_HOT);

    if (hot < 0 || hot > STATISTICS_HOT_MAX)
        return qmp_fail(c, "GenericError", "Parameter 'hot' expects a number from 0 to %d",
                        STATISTICS_HOT_MAX);
    struct request r = {(unsigned)hot, NULL};
    machine_post_wait(c->t->machine, everything, &r);
    c->ret = r.out;
    return true;
}

static void set_count(struct machine *m, void *opaque)
{
    translator_count_executions(m->translator, *(bool *)opaque);
}

static bool exec_count(struct qmp_call *c)
{
    bool on = qmp_bool(c, "enable", true);

    machine_post_wait(c->t->machine, set_count, &on);
    return true;
}

const struct qmp_command qmp_statistics_commands[] = {
    {"query-stats", "target:StatsTarget, vcpus?:[str], providers?:[StatsRequest]", "[StatsResult]",
     query_stats},
    {"query-stats-schemas", "provider?:StatsProvider", "[StatsSchema]", query_stats_schemas},
    {"query-ringer-stats", "hot?:int", "any", query_ringer_stats},
    {"ringer-exec-count", "enable:bool", "", exec_count},
    {0},
};
