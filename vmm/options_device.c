/* -device, -global, -nodefaults. */
#define _GNU_SOURCE /* strchrnul */
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>

static const char *nth_model(void *opaque, unsigned i)
{
    const struct device_model *m = catalog_model(i);

    (void)opaque;
    return m ? m->name : NULL;
}

static bool unknown_model(const char *option, const char *name, struct error *err)
{
    const char *kind = catalog_missing(name), *near = nearest_name(name, nth_model, NULL);

    if (kind)
        return error_set(err, "%s: ringer has no %s; -device help lists what there is", option,
                         kind);
    if (near)
        return error_set(err, "%s: there is no device '%s'; is %s meant?", option, name, near);
    return error_set(err, "%s: there is no device '%s'; -device help lists them", option, name);
}

/* -device NAME,help and -device help are asked before anything is made. */
static bool asks_help(const char *list)
{
    return !strcmp(list, "help") || !strcmp(list, "?");
}

static struct device_option *add_device(struct options *o, const struct device_model *model,
                                        const char *what, struct error *err)
{
    unsigned count = 0;

    for (unsigned i = 0; i < o->device_count; i++)
        count += o->devices[i].model == model;
    if (model->most && count == model->most) {
        error_set(err, "%s: there may be %u of them at most", what, model->most);
        return NULL;
    }
    if (o->device_count == OPTIONS_DEVICES) {
        error_set(err, "%s: there may be %u devices at most", what, OPTIONS_DEVICES);
        return NULL;
    }
    struct device_option *d = &o->devices[o->device_count++];
    *d = (struct device_option){.model = model};
    return d;
}

/* There is one PCI and one ISA bus. */
static bool is_bus(const struct device_model *model, const char *name)
{
    return model->bus && !strcmp(name, !strcmp(model->bus, "PCI") ? "pci.0" : "isa.0");
}

/* QEMU gives every device an id; it is taken out of the list, with what needs no check. */
static bool take_id(struct options *o, struct device_option *d, const char **list, const char *what,
                    struct error *err)
{
    const char *rest = *list, *key, *value;
    char *left = pool_text(&o->pool, "", 0);

    while (property_next(&o->pool, &rest, &key, &value)) {
        if (value && !strcmp(key, "id")) {
            if (!stream_id_ok(value))
                return error_set(err, "%s: id=%s: it is a letter, then letters, digits, - . and _",
                                 what, value);
            for (unsigned i = 0; i < o->device_count; i++)
                if (o->devices[i].id && !strcmp(o->devices[i].id, value))
                    return error_set(err, "%s: there is a device '%s' already", what, value);
            d->id = value;
            continue;
        }
        if (value && !strcmp(key, "bus") && !device_has(d->model, "bus")) {
            if (!is_bus(d->model, value))
                return error_set(err, "%s: bus=%s: it is on %s", what, value,
                                 d->model->bus && !strcmp(d->model->bus, "PCI") ? "pci.0"
                                                                                : "isa.0");
            continue;
        }
        const char *text = option_escape(o, value ? value : "");
        left = pool_printf(&o->pool, "%s%s%s%s%s", left, *left ? "," : "", key, value ? "=" : "",
                           value ? text : "");
    }
    *list = left;
    return true;
}

/* Values of -global for this model count as if they stood first. */
static bool apply_globals(struct options *o, struct device_option *d, struct error *err)
{
    for (unsigned i = 0; i < o->global_count; i++) {
        const struct global_option *g = &o->globals[i];
        if (catalog_find(g->driver) != d->model)
            continue;
        const char *what =
            pool_printf(&o->pool, "-global %s.%s=%s", g->driver, g->property, g->value);
        const struct value *v = device_has(d->model, g->property)
                                    ? property_value(d->model->properties, d->values, g->property)
                                    : NULL;
        if (v && v->given)
            continue;
        if (!property_set(d->model->properties, d->values, g->property, g->value, &o->pool, what,
                          err))
            return false;
    }
    return true;
}

struct device_option *options_add_device(struct options *o, const char *option, const char *text,
                                         struct error *err)
{
    const char *rest = strchrnul(text, ',');
    const char *what = pool_printf(&o->pool, "%s %s", option, text);
    const char *name = pool_text(&o->pool, text, (size_t)(rest - text));

    if (!strncmp(name, "driver=", 7))
        name += 7;
    const struct device_model *model = catalog_find(name);
    if (!model) {
        unknown_model(what, name, err);
        return NULL;
    }
    struct device_option *d = add_device(o, model, what, err);
    rest += *rest == ',';
    if (!d || !take_id(o, d, &rest, what, err) ||
        !properties_parse(model->properties, d->values, rest, NULL, &o->pool, what, err))
        return NULL;
    return d;
}

static bool set_device(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    const char *option = pool_printf(&o->pool, "-%s", self->name), *comma;
    char name[64];

    value = option_from_json(o, option, value, "driver", err);
    if (!value)
        return false;
    comma = strchrnul(value, ',');

    snprintf(name, sizeof name, "%.*s", (int)(comma - value), value);
    if (asks_help(name) || (*comma && asks_help(comma + 1))) {
        option_help(o, "device", asks_help(name) ? NULL : pool_text(&o->pool, name, strlen(name)));
        return !o->help_item || catalog_find(name) || unknown_model("-device", name, err);
    }
    return options_add_device(o, option, value, err) != NULL;
}

bool options_has_device(const struct options *o, const char *name)
{
    for (unsigned i = 0; i < o->device_count; i++)
        if (!strcmp(o->devices[i].model->name, name))
            return true;
    return false;
}

/* Those that name their place come first. */
bool options_place_devices(struct options *o, struct error *err)
{
    for (unsigned pass = 0; pass < 2; pass++)
        for (unsigned i = 0; i < o->device_count; i++) {
            struct device_option *d = &o->devices[i];
            bool named = device_has(d->model, "index") && device_given(d, "index");
            if (named == (pass == 1))
                continue;
            if (!apply_globals(o, d, err) || (d->model->place && !d->model->place(o, d, err)))
                return false;
        }
    return true;
}

/* ---- -global and -set ---- */

static const struct property global_properties[] = {
    {"driver", PROPERTY_STRING, "the device's name", NULL, 0, 0, NULL},
    {"property", PROPERTY_STRING, "its property", NULL, 0, 0, NULL},
    {"value", PROPERTY_STRING, "the value it has unless -device says otherwise", NULL, 0, 0, NULL},
    DEVICE_PROPERTIES_END,
};

/* What QEMU's machine has and scripts like to set, when ringer's has it in just that state. */
static bool is_so_anyway(const struct global_option *g)
{
    static const char *const settings[][3] = {
        {"kvm-pit", "lost_tick_policy", "delay"},
        {"kvm-pit", "lost_tick_policy", "discard"}, /* there is no KVM */
        {"mc146818rtc", "lost_tick_policy", "discard"},
        {"mc146818rtc", "lost_tick_policy", "slew"}, /* taken as -rtc driftfix=slew is */
    };

    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!strcmp(g->driver, settings[i][0]) && !strcmp(g->property, settings[i][1]) &&
            !strcmp(g->value, settings[i][2]))
            return true;
    return false;
}

/* What of power management can be left out: the board has it, but no device to name. */
static bool set_sleep_state(struct options *o, const struct global_option *g, const char *what,
                            struct error *err)
{
    bool s3 = !strcmp(g->property, "disable_s3"), s4 = !strcmp(g->property, "disable_s4"), on;

    if (!s3 && !s4)
        return error_set(err, "%s: PIIX4_PM has disable_s3 and disable_s4", what);
    if (!parse_switch(g->value, &on) && !(strlen(g->value) == 1 && strchr("01", *g->value)))
        return error_set(err, "%s: it is 1 or 0, on or off", what);
    if (strlen(g->value) == 1 && strchr("01", *g->value))
        on = *g->value == '1';
    *(s3 ? &o->no_s3 : &o->no_s4) = on;
    return true;
}

static bool set_global(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    struct global_option g;
    const char *dot = strchr(value, '.'), *equals = strchr(value, '=');
    struct value values[PROPERTIES_MAX];

    if (dot && equals && dot < equals) {
        g.driver = pool_text(&o->pool, value, (size_t)(dot - value));
        g.property = pool_text(&o->pool, dot + 1, (size_t)(equals - dot - 1));
        g.value = equals + 1;
    } else {
        if (!option_properties(o, self, value, NULL, values, err))
            return false;
        g = (struct global_option){values[0].text, values[1].text, values[2].text};
        if (!g.driver || !g.property || !g.value)
            return option_bad(err, self, value, "DRIVER.PROPERTY=VALUE");
    }
    if (is_so_anyway(&g))
        return true;
    const char *what = pool_printf(&o->pool, "-global %s", value);
    if (!strcmp(g.driver, "PIIX4_PM"))
        return set_sleep_state(o, &g, what, err);
    const struct device_model *model = catalog_find(g.driver);
    if (!model)
        return unknown_model(what, g.driver, err);
    struct value *scratch = pool_alloc(&o->pool, PROPERTIES_MAX * sizeof *scratch);
    if (!property_set(model->properties, scratch, g.property, g.value, &o->pool, what, err))
        return false;
    if (o->global_count == OPTIONS_GLOBALS)
        return error_set(err, "%s: there may be %u of them at most", what, OPTIONS_GLOBALS);
    o->globals[o->global_count++] = g;
    return true;
}

/* -set GROUP.ID.PROPERTY=VALUE: one more property of what was named before. */
static bool set_set(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    const char *id = strchr(value, '.'), *key = id ? strchr(id + 1, '.') : NULL;
    const char *equals = key ? strchr(key, '=') : NULL;
    const char *what = pool_printf(&o->pool, "-%s %s", self->name, value);

    if (!equals)
        return error_set(err, "%s: it is device.ID.PROPERTY=VALUE, or drive. or chardev.", what);
    const char *group = pool_text(&o->pool, value, (size_t)(id - value));
    const char *item = pool_printf(&o->pool, "%.*s=%s", (int)(equals - key - 1), key + 1,
                                   option_escape(o, equals + 1));
    id = pool_text(&o->pool, id + 1, (size_t)(key - id - 1));
    if (!strncmp(item, "id=", 3))
        return error_set(err, "%s: an id stays as it is", what);
    if (!strcmp(group, "drive"))
        return options_set_drive(o, id, item, what, err);
    if (!strcmp(group, "chardev"))
        return options_set_chardev(o, id, item, what, err);
    if (strcmp(group, "device") != 0)
        return error_set(err,
                         "%s: -set knows devices, drives and chardevs; a -%s gets it in its own "
                         "list",
                         what, group);
    for (unsigned i = 0; i < o->device_count; i++) {
        struct device_option *d = &o->devices[i];
        if (d->id && !strcmp(d->id, id))
            return property_set(d->model->properties, d->values,
                                pool_text(&o->pool, key + 1, (size_t)(equals - key - 1)),
                                equals + 1, &o->pool, what, err);
    }
    return error_set(err, "%s: there is no device '%s' before it", what, id);
}

static bool set_nodefaults(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    (void)self;
    (void)value;
    (void)err;
    o->nodefaults = true;
    return true;
}

const struct option options_device[] = {
    {"device", "NAME,...",
     "add a device; -device help lists them, -device NAME,help its properties", set_device, NULL},
    {"global", "D.P=VALUE", "value of property P of all devices D", set_global, global_properties},
    {"set", "GROUP.ID.P=VALUE", "value of property P of the device, drive or chardev ID", set_set,
     NULL},
    {"nodefaults", NULL, "no ports, drives and monitors but those that are named", set_nodefaults,
     NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
