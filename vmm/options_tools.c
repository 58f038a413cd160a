/* -symbols, -hook and what is written for other tools. */
#include "vmm/option.h"
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

const struct option options_tools[] = {
    {"symbols", "FILE[@BASE]",
     "names for guest addresses: System.map, ELF, PE or MAP file, loaded at BASE", add_symbols,
     NULL},
    {"hook", "SPEC", "PLACE=LIBRARY:FUNCTION(ARGS) -> TYPE REGISTER: call it at PLACE", add_hook,
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
