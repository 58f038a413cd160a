/* -d, -D, -translator, -verify, -stats, -metrics, -script. */
#include "ringer/log.h"
#include "vmm/metrics.h"
#include "vmm/option.h"
#include <stdlib.h>
#include <string.h>

/* LIST without the words exec_count, which are no channel; *FOUND: there was one. */
static const char *take_exec_count(struct options *o, const char *list, bool *found)
{
    char *copy = pool_printf(&o->pool, "%s", list), *to = copy;

    for (const char *p = list; *p;) {
        size_t len = strcspn(p, ",");
        bool word = len == strlen("exec_count") && !strncmp(p, "exec_count", len);
        *found |= word;
        if (!word) {
            if (to != copy)
                *to++ = ',';
            memcpy(to, p, len);
            to += len;
        }
        p += len + (p[len] == ',');
    }
    *to = 0;
    return copy;
}

static bool set_log(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    char name[40];
    bool counts = false;
    const char *channels = take_exec_count(o, value, &counts);

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "d", NULL);
    o->translator.exec_count |= counts;
    if (counts && !*channels)
        return true;
    if (counts)
        value = channels;
    if (log_parse_channels(value, &o->log_channels, name, sizeof name))
        return true;
    return error_set(err,
                     "-%s %s: unknown channel '%s'; they are in_asm, out_asm, int, exec, mmu, "
                     "guest_errors, unimp, io, post, all, exec_count",
                     self->name, value, name);
}

static bool set_path(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    if (!*value)
        return error_set(err, "-%s: the file name is empty", self->name);
    *(!strcmp(self->name, "D") ? &o->log_path : &o->script) = value;
    return true;
}

static const struct property translator_properties[] = {
    {"check", PROPERTY_BOOL, "run the confinement checker over every block", NULL, 0, 0, NULL},
    {"cache", PROPERTY_SIZE, "size of the code cache, 1M to 256M", NULL, 1 << 20, 256 << 20, NULL},
    {"max-insns", PROPERTY_NUMBER, "instructions a block at most", NULL, 1, 512, NULL},
    {"samples", PROPERTY_BOOL, "note what runs, by a timer (on)", NULL, 0, 0, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool set_translator(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!*value)
        return option_bad(err, self, value,
                          "check=on|off, cache=SIZE (1M to 256M), max-insns=1..512, samples=on|off");
    if (!option_properties(o, self, value, NULL, values, err))
        return false;
    if (values[0].given)
        o->translator.check = values[0].number;
    if (values[1].given)
        o->translator.cache_bytes = (uint32_t)values[1].number;
    if (values[2].given)
        o->translator.max_insns = (uint32_t)values[2].number;
    if (values[3].given)
        o->translator.no_samples = !values[3].number;
    return true;
}

/* -stats, -stats=text, -stats=json:FILE */
static bool set_stats(struct options *o, const struct option *self, const char *value,
                      struct error *err)
{
    bool json = value && !strncmp(value, "json:", 5);

    if (value && !json && strcmp(value, "text"))
        return error_set(err, "-%s=%s: unknown; it is text or json:FILE", self->name, value);
    if (json && !value[5])
        return error_set(err, "-%s=json: names no file; it is json:FILE", self->name);
    o->stats = true;
    o->stats_path = json ? value + 5 : NULL;
    return true;
}

static bool set_metrics(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    (void)self;
    o->metrics = value;
    return metrics_parse(value, &(struct metrics_address){0}, err);
}

/* -verify, -verify=N */
static bool set_verify(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    enum { MOST = 1000000 };
    char *end = "";
    unsigned long n = value ? strtoul(value, &end, 10) : 0;

    if (value && (*value < '0' || *value > '9' || *end || n == 0 || n > MOST))
        return error_set(err,
                         "-%s=%s: not a number of times that each block is compared, 1 to %d; "
                         "without one it is always",
                         self->name, value, MOST);
    o->translator.verify = true;
    o->translator.verify_first = (uint32_t)n;
    return true;
}

const struct option options_debug[] = {
    {"script", "FILE", "drive the guest by the commands in FILE", set_path, NULL},
    {"d", "LIST", "log: in_asm,out_asm,int,exec,mmu,guest_errors,unimp,io,post,all,exec_count", set_log, NULL},
    {"D", "FILE", "log to FILE instead of standard error", set_path, NULL},
    {"translator", "LIST", "check=on|off, cache=SIZE, max-insns=N, samples=on|off", set_translator,
     translator_properties},
    {"stats", "[=text|json:FILE]", "tell all statistics at the end", set_stats, NULL},
    {"metrics", "SOCKET", "serve statistics to Prometheus on unix:PATH or tcp:127.0.0.1:PORT",
     set_metrics, NULL},
    {"verify", "[=N]", "compare blocks with their instructions one by one; N: so often each",
     set_verify, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
