/* -symbols, -hook, and what is written for other tools. */
#include "vmm/option.h"
#include "vmm/property.h"
#include <string.h>

static bool add_word(const char **list, unsigned *count, const char *value,
                     const struct option *self, struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: it needs %s", self->name, self->value);
    if (*count == OPTIONS_TOOLS)
        return error_set(err, "-%s %s: there are %d already", self->name, value, OPTIONS_TOOLS);
    list[(*count)++] = value;
    return true;
}

static bool add_symbols(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    return add_word(o->tools.symbols, &o->tools.symbols_count, value, self, err);
}

static bool add_hook(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    return add_word(o->tools.hooks, &o->tools.hook_count, value, self, err);
}

/* -perf map,jitdump; -perfmap and -jitdump are QEMU's. */
static bool set_perf(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const char *rest = value ? value : !strcmp(self->name, "perfmap") ? "map" : "jitdump";

    for (; rest; rest = strchr(rest, ',') ? strchr(rest, ',') + 1 : NULL) {
        size_t len = strcspn(rest, ",");
        if (len == 3 && !strncmp(rest, "map", len))
            o->tools.perfmap = o->translator.perf_map = true;
        else if (len == 7 && !strncmp(rest, "jitdump", len))
            o->tools.jitdump = true;
        else
            return option_bad(err, self, value, "map, jitdump, or both with a comma between");
    }
    return true;
}

static bool set_coverage(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: the file name is empty", self->name);
    o->tools.coverage = value;
    return true;
}

static const struct property trace_properties[] = {
    {"file", PROPERTY_STRING, "file to write at the end", NULL, 0, 0, NULL},
    {"events", PROPERTY_NUMBER, "the last so many are kept (524288)", NULL, 1000, 100000000, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool set_trace(struct options *o, const struct option *self, const char *value,
                      struct error *err)
{
    enum { USUAL = 1 << 19 };
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, "file", values, err))
        return false;
    if (!values[0].given || !*values[0].text)
        return error_set(err, "-%s %s: no file is named: -%s FILE[,events=N]", self->name, value,
                         self->name);
    o->tools.trace = values[0].text;
    o->tools.trace_events = values[1].given ? (uint32_t)values[1].number : USUAL;
    return true;
}

const struct option options_tools[] = {
    {"symbols", "FILE[@BASE]",
     "names for guest addresses: System.map, ELF, PE or MAP file, loaded at BASE", add_symbols,
     NULL},
    {"hook", "SPEC", "PLACE=LIBRARY:FUNCTION(ARGS) -> TYPE REGISTER: call it at PLACE", add_hook,
     NULL},
    {"perfmap", NULL, "write /tmp/perf-PID.map, for perf report", set_perf, NULL},
    {"jitdump", NULL, "write jit-PID.dump, for perf inject --jit", set_perf, NULL},
    {"perf", "LIST", "map, jitdump: the same", set_perf, NULL},
    {"coverage", "FILE", "write which guest code was executed, as drcov", set_coverage, NULL},
    {"trace", "FILE[,events=N]", "write the last events of the VMM, as Chrome's JSON", set_trace,
     trace_properties},
    {NULL, NULL, NULL, NULL, NULL},
};
