/* -name, -help and what else concerns the process. */
#include "vmm/option.h"
#include <string.h>

static bool set_ignored(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    (void)o;
    (void)self;
    (void)value;
    (void)err;
    return true;
}

static bool set_help(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    (void)value;
    (void)err;
    if (!strcmp(self->name, "version"))
        o->version = true;
    else
        o->help = true;
    return true;
}

const struct option options_process[] = {
    {"name", "TEXT", NULL, set_ignored, NULL},
    {"help", NULL, "this text", set_help, NULL},
    {"h", NULL, NULL, set_help, NULL},
    {"version", NULL, "print the version", set_help, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
