/* -chardev and what is plugged into chardevs: -serial, -monitor, -debugcon. */
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>

/* ---- chardevs ---- */

static const struct chardev_option *find_chardev(const struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->chardev_count; i++)
        if (!strcmp(o->chardevs[i].id, id))
            return &o->chardevs[i];
    return NULL;
}

static bool add_chardev(struct options *o, const char *id, const struct stream_spec *spec,
                        const char *list, const char *what, struct error *err)
{
    if (find_chardev(o, id))
        return error_set(err, "%s: there is a chardev '%s' already", what, id);
    if (o->chardev_count == OPTIONS_CHARDEVS)
        return error_set(err, "%s: there may be %u chardevs at most", what, OPTIONS_CHARDEVS);
    o->chardevs[o->chardev_count++] =
        (struct chardev_option){pool_text(&o->pool, id, strlen(id)), *spec, list};
    return true;
}

static bool add_monitor(struct options *o, const char *id, bool control, bool pretty,
                        const char *what, struct error *err)
{
    if (o->monitor_count == OPTIONS_MONITORS)
        return error_set(err, "%s: there may be %u monitors at most", what, OPTIONS_MONITORS);
    o->monitors[o->monitor_count++] = (struct monitor_option){id, control, pretty};
    return true;
}

bool options_add_stream(struct options *o, const char *option, const char *value, const char *label,
                        const char **id, struct error *err)
{
    struct stream_spec spec;

    *id = NULL;
    if (!stream_parse(option, value, &spec, err))
        return false;
    const char *what = pool_printf(&o->pool, "%s %s", option, value);
    if (spec.kind == STREAM_NONE)
        return true;
    if (spec.kind == STREAM_NAMED) {
        *id = pool_text(&o->pool, spec.path, strlen(spec.path));
        return true;
    }
    *id = pool_text(&o->pool, label, strlen(label));
    return add_chardev(o, label, &spec, NULL, what, err) &&
           (!spec.mux || add_monitor(o, *id, false, false, what, err));
}

static bool set_chardev(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    struct stream_spec spec;
    char id[STREAM_ID];
    size_t len = strcspn(value, ",");

    if (!strcmp(value, "help") || !strcmp(value, "?") || !strcmp(value + len, ",help")) {
        return option_help(o, "chardev", value[len] ? pool_text(&o->pool, value, len) : NULL);
    }
    return stream_parse_chardev(value, &spec, id, err) &&
           add_chardev(o, id, &spec, value, pool_printf(&o->pool, "-%s %s", self->name, value),
                       err);
}

bool options_set_chardev(struct options *o, const char *id, const char *item, const char *what,
                         struct error *err)
{
    struct chardev_option *c = (struct chardev_option *)find_chardev(o, id);
    char same[STREAM_ID];
    struct error why;

    if (!c || !c->list)
        return error_set(err, "%s: there is no -chardev '%s' before it", what, id);
    c->list = pool_printf(&o->pool, "%s,%s", c->list, item);
    return stream_parse_chardev(c->list, &c->spec, same, &why) ||
           error_set(err, "%s: %s", what, why.text);
}

/* ---- who uses them ---- */

struct users {
    const struct options *o;
    const char *first[OPTIONS_CHARDEVS]; /* who uses each chardev */
    unsigned count[OPTIONS_CHARDEVS];
};

static bool use(struct users *u, const char *id, const char *who, struct error *err)
{
    const struct chardev_option *c = id ? find_chardev(u->o, id) : NULL;

    if (!id)
        return true;
    if (!c)
        return error_set(err, "%s: there is no chardev '%s'; -chardev BACKEND,id=%s makes one", who,
                         id, id);
    size_t i = (size_t)(c - u->o->chardevs);
    if (u->count[i]++ && !c->spec.mux)
        return error_set(err, "chardev '%s' is named by %s and by %s: add mux=on to share it", id,
                         u->first[i], who);
    if (u->count[i] > 4)
        return error_set(err, "%s: chardev '%s' has four users already", who, id);
    u->first[i] = who;
    return true;
}

const struct chardev_option *options_stdio(const struct options *o)
{
    for (unsigned i = 0; i < o->chardev_count; i++)
        if (o->chardevs[i].spec.kind == STREAM_STDIO)
            return &o->chardevs[i];
    return NULL;
}

/* A descriptor is one chardev's. */
static bool check_descriptors(const struct options *o, struct error *err)
{
    for (unsigned i = 0; i < o->chardev_count; i++)
        for (unsigned k = 0; k < i; k++)
            if (o->chardevs[i].spec.has_fd && o->chardevs[k].spec.has_fd &&
                o->chardevs[i].spec.fd == o->chardevs[k].spec.fd)
                return error_set(err, "-chardev fd=%d: two chardevs cannot have one socket",
                                 o->chardevs[i].spec.fd);
    return true;
}

bool options_check_chardevs(const struct options *o, struct error *err)
{
    struct users u = {.o = o};
    unsigned stdio = 0;

    if (!check_descriptors(o, err))
        return false;
    for (unsigned i = 0; i < o->device_count; i++) {
        const struct device_option *d = &o->devices[i];
        if (device_has(d->model, "chardev") &&
            !use(&u, device_text(d, "chardev"), d->model->name, err))
            return false;
    }
    for (unsigned i = 0; i < o->monitor_count; i++)
        if (!use(&u, o->monitors[i].chardev, "-mon", err))
            return false;
    for (unsigned i = 0; i < o->chardev_count; i++)
        stdio += o->chardevs[i].spec.kind == STREAM_STDIO;
    if (stdio > 1)
        return error_set(err,
                         "stdio is named %u times: only one of -serial, -parallel, -monitor, "
                         "-debugcon and -chardev can have it; mon:stdio shares it",
                         stdio);
    if (stdio && o->display == DISPLAY_TEXT)
        return error_set(err, "-display text needs the terminal: send what is on stdio to "
                              "file:PATH, unix:PATH or pty");
    return true;
}

/* ---- the options ---- */

/* Add device MODEL with a stream of OPTION's VALUE, called LABEL; none for "none". */
static bool add_port(struct options *o, const char *option, const char *value, const char *label,
                     const char *device, struct error *err)
{
    const char *id;

    if (!options_add_stream(o, option, value, label, &id, err))
        return false;
    return !id || options_add_device(
                      o, option,
                      pool_printf(&o->pool, "%s,chardev=%s", device, option_escape(o, id)), err);
}

bool options_add_serial(struct options *o, const char *value, struct error *err)
{
    char label[16], device[32];

    if (o->serials == OPTIONS_SERIALS)
        return error_set(err, "-serial %s: a PC has four serial ports", value);
    snprintf(label, sizeof label, "serial%u", o->serials);
    snprintf(device, sizeof device, "isa-serial,index=%u", o->serials++);
    return add_port(o, "-serial", value, label, device, err);
}

static bool set_serial(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    (void)self;
    return options_add_serial(o, value, err);
}

static bool set_parallel(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    char label[16], device[32];

    (void)self;
    if (o->parallels == OPTIONS_PARALLELS)
        return error_set(err, "-parallel %s: a PC has three parallel ports", value);
    snprintf(label, sizeof label, "parallel%u", o->parallels);
    snprintf(device, sizeof device, "isa-parallel,index=%u", o->parallels++);
    return add_port(o, "-parallel", value, label, device, err);
}

static bool set_debugcon(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    (void)self;
    return add_port(o, "-debugcon", value, "debugcon", "isa-debugcon", err);
}

static bool set_monitor(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    const char *id;
    char label[32], what[100];

    snprintf(label, sizeof label, "compat_monitor%u", o->monitor_count);
    snprintf(what, sizeof what, "-%s %.80s", self->name, value);
    o->has_monitor = true;
    if (!strncmp(value, "mon:", 4))
        return error_set(err, "%s: only another device can share a stream with the monitor", what);
    return options_add_stream(o, "-monitor", value, label, &id, err) &&
           (!id || add_monitor(o, id, false, false, what, err));
}

static bool set_qmp(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    const char *id;
    char label[32], what[100], option[20];

    snprintf(label, sizeof label, "compat_monitor%u", o->monitor_count);
    snprintf(what, sizeof what, "-%s %.80s", self->name, value);
    snprintf(option, sizeof option, "-%s", self->name);
    if (!strncmp(value, "mon:", 4))
        return error_set(err,
                         "%s: programs do not share their stream; it is unix:PATH, "
                         "tcp:HOST:PORT, stdio or chardev:ID",
                         what);
    return options_add_stream(o, option, value, label, &id, err) &&
           (!id || add_monitor(o, id, true, !strcmp(self->name, "qmp-pretty"), what, err));
}

static const struct property mon_properties[] = {
    {"chardev", PROPERTY_STRING, "where it listens", NULL, 0, 0, NULL},
    {"mode", PROPERTY_CHOICE, "for people, or QMP for programs", "readline", 0, 0,
     "readline|control"},
    {"pretty", PROPERTY_BOOL, "for mode=control", "off", 0, 0, NULL},
    {"id", PROPERTY_STRING, "what it is called", NULL, 0, 0, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool set_mon(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!option_properties(o, self, value, "chardev", values, err))
        return false;
    if (!values[0].text)
        return error_set(err, "-mon %s: it needs chardev=ID", value);
    o->has_monitor = true;
    bool control = values[1].text && !strcmp(values[1].text, "control");
    if (values[2].number && !control)
        return error_set(err, "-mon %s: pretty is for mode=control", value);
    return add_monitor(o, values[0].text, control, values[2].number, value, err);
}

const struct option options_chardev[] = {
    {"chardev", "BACKEND,...", "a host end for -serial, -device and -mon; -chardev help lists them",
     set_chardev, NULL},
    {"serial", "DEV",
     "stdio, mon:stdio, null, none, vc, pty, file:PATH, pipe:PATH, unix:PATH[,server=on]"
     "[,wait=off], tcp: or telnet: or udp:HOST:PORT, chardev:ID; once for each port",
     set_serial, NULL},
    {"parallel", "DEV", "what a printer port prints to, as -serial; up to three", set_parallel,
     NULL},
    {"debugcon", "DEV", "what port E9h prints to, as -serial", set_debugcon, NULL},
    {"monitor", "DEV", "where the monitor listens, as -serial", set_monitor, NULL},
    {"qmp", "DEV", "where QMP, the monitor for programs, listens, as -serial", set_qmp, NULL},
    {"qmp-pretty", "DEV", "the same, with line breaks and indentation", set_qmp, NULL},
    {"mon", "chardev=ID", "a monitor on a chardev; mode=control is QMP", set_mon, mon_properties},
    {NULL, NULL, NULL, NULL, NULL},
};
