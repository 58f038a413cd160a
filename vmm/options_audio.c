/* -audiodev, -audio, and what they were called before. */
#define _GNU_SOURCE /* strchrnul */
#include "vmm/option.h"
#include <string.h>

#define DIRECTION(d, rate_help, least)                                                                \
    {d ".mixing-engine", PROPERTY_BOOL, "ringer always mixes", NULL, 0, 0, NULL},                  \
        {d ".fixed-settings", PROPERTY_BOOL, "the mix has one format", NULL, 0, 0, NULL},          \
        {d ".frequency", PROPERTY_NUMBER, rate_help, NULL, 8000, 192000, NULL},                    \
        {d ".channels", PROPERTY_NUMBER, NULL, NULL, 1, 2, NULL},                                  \
        {d ".format", PROPERTY_CHOICE, NULL, NULL, 0, 0, "u8|s16|s32"},                            \
        {d ".voices", PROPERTY_NUMBER, "there is no limit", NULL, least, 1000, NULL},                  \
    {                                                                                              \
        d ".buffer-length", PROPERTY_NUMBER, "of the host's buffer, in us", NULL, 1000, 500000,    \
            NULL                                                                                   \
    }

static const struct property audiodev_properties[] = {
    {"driver", PROPERTY_CHOICE, "the host's loudspeaker, nothing, or a file", NULL, 0, 0,
     "none|sdl|wav"},
    {"id", PROPERTY_STRING, "its name", NULL, 0, 0, NULL},
    {"path", PROPERTY_STRING, "wav's file (default: qemu.wav)", NULL, 0, 0, NULL},
    {"timer-period", PROPERTY_NUMBER, "us between two looks at the devices", "10000", 1000, 100000,
     NULL},
    DIRECTION("out", "Hz (default: 44100)", 1),
    DIRECTION("in", "out's counts", 0), /* in.voices=0: nothing is recorded */
    {"out.buffer-count", PROPERTY_NUMBER, "SDL decides", NULL, 1, 100, NULL},
    {"in.buffer-count", PROPERTY_NUMBER, "SDL decides", NULL, 1, 100, NULL},
    DEVICE_PROPERTIES_END,
};

static const struct value *value_of(const struct value *values, const char *name)
{
    return property_value(audiodev_properties, values, name);
}

static unsigned number_or(const struct value *values, const char *name, unsigned standard)
{
    const struct value *v = value_of(values, name);

    return v->given ? (unsigned)v->number : standard;
}

/* QEMU's drivers that are not there. */
static bool check_driver(const char *option, const char *list, struct error *err)
{
    static const char known[] = " alsa coreaudio dbus dsound jack oss pa pipewire sndio spice ";
    const char *name = strncmp(list, "driver=", 7) ? list : list + 7;
    size_t len = strcspn(name, ",");

    for (const char *at = known; *at; at++)
        if (*at == ' ' && !strncmp(at + 1, name, len) && at[len + 1] == ' ' && len)
            return error_set(err,
                             "-%s %s: ringer plays by SDL, which plays by what the host has: "
                             "it is sdl, wav or none",
                             option, list);
    return true;
}

static struct audiodev_option *add_audiodev(struct options *o, const char *option, const char *list,
                                            struct error *err)
{
    const char *what = pool_printf(&o->pool, "-%s %s", option, list);
    struct value v[PROPERTIES_MAX];

    if (!check_driver(option, list, err) ||
        !properties_parse(audiodev_properties, v, list, "driver", &o->pool, what, err))
        return NULL;
    struct audiodev_option d = {
        .id = value_of(v, "id")->text,
        .driver = (enum audio_driver)value_of(v, "driver")->number,
        .path = value_of(v, "path")->text,
        .rate = number_or(v, "out.frequency", 44100),
        .channels = number_or(v, "out.channels", 2),
        .format = (enum audio_format)number_or(v, "out.format", AUDIO_FORMAT_S16),
        .period_us = number_or(v, "timer-period", 10000),
        .latency_us = number_or(v, "out.buffer-length", 40000),
        .in_latency_us = number_or(v, "in.buffer-length", 40000),
        .deaf = number_or(v, "in.voices", 1) == 0,
    };
    bool unnamed = !value_of(v, "driver")->given;
    if (!d.path)
        d.path = "qemu.wav";
    if (unnamed)
        error_set(err, "%s: driver= is missing; it is sdl, wav or none", what);
    else if (!d.id && strcmp(option, "audio"))
        error_set(err, "%s: id= is missing: the name that devices call it by", what);
    else if (d.id && !stream_id_ok(d.id))
        error_set(err, "%s: id=%s: it is a letter, then letters, digits, - . and _", what, d.id);
    else if (o->audiodev_count == OPTIONS_AUDIODEVS)
        error_set(err, "%s: there may be %u of them at most", what, OPTIONS_AUDIODEVS);
    else {
        for (unsigned i = 0; i < o->audiodev_count; i++)
            if (d.id && !strcmp(o->audiodevs[i].id, d.id)) {
                error_set(err, "%s: there is an audiodev '%s' already", what, d.id);
                return NULL;
            }
        if (!d.id)
            d.id = "audiodev0";
        o->audiodevs[o->audiodev_count] = d;
        return &o->audiodevs[o->audiodev_count++];
    }
    return NULL;
}

static bool set_audiodev(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "audiodev", NULL);
    value = option_from_json(o, "-audiodev", value, "driver", err);
    return value && add_audiodev(o, self->name, value, err) != NULL;
}

/* -audio DRIVER,model=CARD,...: an audiodev and a card on it. */
static bool set_audio(struct options *o, const struct option *self, const char *value,
                      struct error *err)
{
    const char *list = value, *key, *text, *rest = "", *model = NULL;

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "audiodev", NULL);
    while (property_next(&o->pool, &list, &key, &text)) {
        if (text && !strcmp(key, "model"))
            model = text;
        else
            rest = pool_printf(&o->pool, "%s%s%s%s%s", rest, *rest ? "," : "", key, text ? "=" : "",
                               text ? option_escape(o, text) : "");
    }
    struct audiodev_option *d = add_audiodev(o, self->name, rest, err);
    if (!d || !model)
        return d != NULL;
    if (!strcmp(model, "pcspk")) {
        o->pcspk_audiodev = d->id;
        return true;
    }
    if (!strcmp(model, "ac97"))
        model = "AC97";
    return options_add_device(o, "-audio", pool_printf(&o->pool, "%s,audiodev=%s", model, d->id),
                              err);
}

static bool set_audio_help(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    (void)self, (void)value, (void)err;
    return option_help(o, "audiodev", NULL);
}

static bool set_soundhw(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    (void)o;
    if (!strcmp(value, "pcspk"))
        return error_set(err,
                         "-%s pcspk: write -audiodev sdl,id=snd0 -machine "
                         "pcspk-audiodev=snd0",
                         self->name);
    return error_set(err, "-%s %s: write -audiodev sdl,id=snd0 -device %s,audiodev=snd0",
                     self->name, value, !strcmp(value, "ac97") ? "AC97" : value);
}

static bool known(const struct options *o, const char *what, const char *id, struct error *err)
{
    for (unsigned i = 0; i < o->audiodev_count; i++)
        if (!strcmp(o->audiodevs[i].id, id))
            return true;
    return error_set(err, "%s=%s: there is no such audiodev; add -audiodev sdl,id=%s", what, id,
                     id);
}

bool options_check_audiodevs(const struct options *o, struct error *err)
{
    struct pool *pool = NULL;
    bool ok = !o->pcspk_audiodev || known(o, "-machine pcspk-audiodev", o->pcspk_audiodev, err);

    for (unsigned i = 0; ok && i < o->device_count; i++) {
        const struct device_option *d = &o->devices[i];
        if (device_has(d->model, "audiodev") && device_text(d, "audiodev"))
            ok = known(o, pool_printf(&pool, "-device %s,audiodev", d->model->name),
                       device_text(d, "audiodev"), err);
    }
    pool_free(&pool);
    return ok;
}

void options_add_audiodev(struct options *o, bool on_desktop)
{
    if (!o->audiodev_count)
        o->audiodevs[o->audiodev_count++] =
            (struct audiodev_option){.id = "none",
                                     .driver = on_desktop ? AUDIO_SDL : AUDIO_NONE,
                                     .rate = 44100,
                                     .channels = 2,
                                     .format = AUDIO_FORMAT_S16,
                                     .period_us = 10000,
                                     .latency_us = 40000,
                                     .in_latency_us = 40000,
                                     .spare = true};
}

const struct option options_audio[] = {
    {"audiodev", "DRIVER,id=ID", "sdl, none or wav,path=FILE: where sound goes", set_audiodev,
     audiodev_properties},
    {"audio", "DRIVER,model=M", "the same, with a card on it: AC97, sb16, adlib or pcspk",
     set_audio, NULL},
    {"audio-help", NULL, NULL, set_audio_help, NULL},
    {"soundhw", "CARD", NULL, set_soundhw, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
