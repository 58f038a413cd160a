/* -d, -D, -translator, -verify, -script. */
#include "ringer/log.h"
#include "vmm/option.h"
#include <stdlib.h>
#include <string.h>

static bool set_log(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    char name[40];

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "d", NULL);
    if (log_parse_channels(value, &o->log_channels, name, sizeof name))
        return true;
    return error_set(err,
                     "-%s %s: unknown channel '%s'; they are in_asm, out_asm, int, exec, mmu, "
                     "guest_errors, unimp, io, post, all",
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
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool set_translator(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!*value)
        return option_bad(err, self, value,
                          "check=on|off, cache=SIZE (1M to 256M), max-insns=1..512");
    if (!option_properties(o, self, value, NULL, values, err))
        return false;
    if (values[0].given)
        o->translator.check = values[0].number;
    if (values[1].given)
        o->translator.cache_bytes = (uint32_t)values[1].number;
    if (values[2].given)
        o->translator.max_insns = (uint32_t)values[2].number;
    return true;
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
    {"d", "LIST", "log: in_asm,out_asm,int,exec,mmu,guest_errors,unimp,io,post,all", set_log, NULL},
    {"D", "FILE", "log to FILE instead of standard error", set_path, NULL},
    {"translator", "LIST", "check=on|off, cache=SIZE, max-insns=N", set_translator,
     translator_properties},
    {"verify", "[=N]", "compare blocks with their instructions one by one; N: so often each",
     set_verify, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
