/* -device. */
#include "vmm/option.h"
#include <string.h>

static bool set_device(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    static const char right[] = "isa-debug-exit[,iobase=PORT][,iosize=1|2|4]";
    const char *list = value, *key, *text;
    uint64_t n;

    if (!property_next(&o->pool, &list, &key, &text) || strcmp(key, "isa-debug-exit") || text)
        return option_bad(err, self, value, right);
    o->debug_exit = true;
    o->debug_exit_base = 0x501;
    o->debug_exit_size = 2;
    while (property_next(&o->pool, &list, &key, &text)) {
        if (text && !strcmp(key, "iobase") && parse_number(text, &n) && n <= 0xfffc)
            o->debug_exit_base = (uint16_t)n;
        else if (text && !strcmp(key, "iosize") && parse_number(text, &n) && n <= 4 && n != 0 &&
                 n != 3)
            o->debug_exit_size = (uint16_t)n;
        else
            return option_bad(err, self, value, right);
    }
    return true;
}

static bool set_nodefaults(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    (void)o;
    (void)self;
    (void)value;
    (void)err;
    return true;
}

const struct option options_device[] = {
    {"device", "NAME,...", "isa-debug-exit[,iobase=PORT][,iosize=N]", set_device, NULL},
    {"nodefaults", NULL, NULL, set_nodefaults, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
