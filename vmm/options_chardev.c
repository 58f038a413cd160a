/* -serial, -monitor and what else talks to the host by a stream of bytes. */
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>

static bool set_stream(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    char option[16];

    snprintf(option, sizeof option, "-%s", self->name);
    if (!strcmp(self->name, "serial")) {
        if (o->serials == OPTIONS_SERIALS)
            return error_set(err, "-serial %s: a PC has four serial ports", value);
        return stream_parse(option, value, &o->serial[o->serials++], err);
    }
    bool debugcon = !strcmp(self->name, "debugcon");
    struct stream_spec *spec = debugcon ? &o->debugcon : &o->monitor;
    *(debugcon ? &o->has_debugcon : &o->has_monitor) = true;
    if (!stream_parse(option, value, spec, err))
        return false;
    if (spec->mux)
        return error_set(err, "-%s %s: only a serial port can share the terminal with the monitor",
                         self->name, value);
    return true;
}

static bool set_parallel(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    (void)o;
    return !strcmp(value, "none") || !strcmp(value, "null") || option_bad(err, self, value, "none");
}

const struct option options_chardev[] = {
    {"serial", "DEV",
     "stdio, mon:stdio, null, none, pty, file:PATH, unix:PATH[,server=on]"
     "[,wait=off]; once for each port",
     set_stream, NULL},
    {"parallel", "none", NULL, set_parallel, NULL},
    {"debugcon", "DEV", "what port E9h prints to, as -serial", set_stream, NULL},
    {"monitor", "DEV", "where the monitor listens, as -serial", set_stream, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
