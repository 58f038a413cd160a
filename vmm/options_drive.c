/* -drive, -hda and its kin: which image is in which drive. */
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>

static const struct property drive_properties[] = {
    {"file", PROPERTY_STRING, "the image, or nbd:...; none: an empty drive", NULL, 0, 0, NULL},
    {"if", PROPERTY_CHOICE, "where it is; none: a -device names it by id", "ide", 0, 0,
     "ide|floppy|none|scsi|virtio|pflash|sd|mtd"},
    {"index", PROPERTY_NUMBER, "its place: 0 and 1 on the first channel", NULL, 0, 3, NULL},
    {"bus", PROPERTY_NUMBER, "the channel", NULL, 0, 1, NULL},
    {"unit", PROPERTY_NUMBER, "0 master, 1 slave", NULL, 0, 1, NULL},
    {"media", PROPERTY_CHOICE, NULL, "disk", 0, 0, "disk|cdrom"},
    {"id", PROPERTY_STRING, "its name", NULL, 0, 0, NULL},
    {"format", PROPERTY_CHOICE, "the content tells, where it is not given", NULL, 0, 0,
     "raw|qcow2|gzip|nbd"},
    {"snapshot", PROPERTY_BOOL, "write to a temporary file", NULL, 0, 0, NULL},
    {"readonly", PROPERTY_BOOL, NULL, NULL, 0, 0, NULL},
    {"read-only", PROPERTY_BOOL, NULL, NULL, 0, 0, NULL},
    {"auto-read-only", PROPERTY_BOOL, "read-only where it cannot be written", NULL, 0, 0, NULL},
    {"cache", PROPERTY_CHOICE,
     "writethrough, directsync: each write is on the disk when it is "
     "done; unsafe: flushes do nothing",
     "writeback", 0, 0, "writeback|none|writethrough|directsync|unsafe"},
    {"werror", PROPERTY_CHOICE, "what a write error of the host does; stop: cont tries again",
     "report", 0, 0, "report|ignore|stop|enospc"},
    {"rerror", PROPERTY_CHOICE, "what a read error of the host does", "report", 0, 0,
     "report|ignore|stop"},
    {"aio", PROPERTY_CHOICE, "all the same here", NULL, 0, 0, "threads|native|io_uring"},
    {"discard", PROPERTY_CHOICE, "disks here have no TRIM", NULL, 0, 0, "ignore|off|unmap|on"},
    {"detect-zeroes", PROPERTY_CHOICE, "zeros are written as they are", NULL, 0, 0, "off|on|unmap"},
    {"copy-on-read", PROPERTY_BOOL, "write what comes from a backing file into the image", NULL, 0,
     0, NULL},
    {"serial", PROPERTY_STRING, "the disk's serial number, 20 characters at most", NULL, 0, 0,
     NULL},
    DEVICE_PROPERTIES_END,
};

static const struct value *given(const struct value *values, const char *name)
{
    const struct value *v = property_value(drive_properties, values, name);

    return v->given ? v : NULL;
}

struct drive_option *options_add_drive(struct options *o, const char *what, const char *file,
                                       struct error *err)
{
    struct drive_option *d = o->drives, *end = o->drives + o->drive_count;

    while (d < end && d->what)
        d++;
    if (d == o->drives + OPTIONS_DRIVES) {
        error_set(err, "%s: there may be %u drives at most", what, OPTIONS_DRIVES);
        return NULL;
    }
    o->drive_count += d == end;
    *d = (struct drive_option){.what = what, .file = file, .unit = -1};
    return d;
}

void options_forget_drive(struct drive_option *d)
{
    *d = (struct drive_option){.interface = DRIVE_NONE, .unit = -1};
}

/* index=, or bus= and unit=; -1: any. */
static bool take_unit(const struct value *values, struct drive_option *d, struct error *err)
{
    const struct value *index = given(values, "index"), *bus = given(values, "bus"),
                       *unit = given(values, "unit");

    if (index && (bus || unit))
        return error_set(err, "%s: index says what bus and unit say: leave one out", d->what);
    if (index)
        d->unit = (int)index->number;
    else if (d->interface == DRIVE_FLOPPY)
        d->unit = unit ? (int)unit->number : -1;
    else if (bus || unit)
        d->unit = (int)((bus ? bus->number : 0) * 2 + (unit ? unit->number : 0));
    if (d->interface == DRIVE_FLOPPY && (d->unit > 1 || (bus && bus->number)))
        return error_set(err, "%s: there are two floppy drives, 0 and 1", d->what);
    return true;
}

static bool take_interface(const struct value *values, struct drive_option *d, struct error *err)
{
    const struct value *v = property_value(drive_properties, values, "if");

    d->interface = (enum drive_interface)v->number;
    if (d->interface > DRIVE_NONE)
        return error_set(err, "%s: ringer has no %s drives: take if=ide%s", d->what, v->text,
                         strcmp(v->text, "pflash") ? "" : "; firmware is -bios FILE");
    return true;
}

/* What the list of properties VALUES says of D, which has nothing yet but its WHAT. */
static bool fill_drive(struct options *o, struct drive_option *d, const struct value *values,
                       struct error *err)
{
    const char *cache = property_value(drive_properties, values, "cache")->text;
    const struct value *serial = given(values, "serial"), *id = given(values, "id"),
                       *format = given(values, "format");

    d->file = property_value(drive_properties, values, "file")->text;
    if (!take_interface(values, d, err) || !take_unit(values, d, err))
        return false;
    d->cdrom = property_value(drive_properties, values, "media")->number;
    d->block.snapshot = property_value(drive_properties, values, "snapshot")->number;
    d->block.readonly = property_value(drive_properties, values, "readonly")->number ||
                        property_value(drive_properties, values, "read-only")->number;
    d->block.copy_on_read = property_value(drive_properties, values, "copy-on-read")->number;
    if (d->block.copy_on_read && d->block.readonly)
        return error_set(err, "%s: copy-on-read needs an image that is written", d->what);
    d->block.auto_readonly = property_value(drive_properties, values, "auto-read-only")->number;
    d->block.no_flush = !strcmp(cache, "unsafe");
    d->block.write_through = !strcmp(cache, "writethrough") || !strcmp(cache, "directsync");
    d->block.on_read_error =
        (enum block_policy)property_value(drive_properties, values, "rerror")->number;
    d->block.on_write_error =
        (enum block_policy)property_value(drive_properties, values, "werror")->number;
    if (format && strcmp(format->text, "nbd"))
        d->block.format = format->text;
    d->id = id ? id->text : NULL;
    d->serial = serial ? serial->text : NULL;
    if (d->serial && strlen(d->serial) > 20)
        return error_set(err, "%s: a serial number has 20 characters at most", d->what);
    if (d->id && options_drive(o, d->id) != d)
        return error_set(err, "%s: there is a drive '%s' already", d->what, d->id);
    if (d->file && !*d->file)
        d->file = NULL;
    if (!d->file && !d->cdrom && d->interface == DRIVE_IDE)
        return error_set(err, "%s: a disk needs file=IMAGE; a CD drive may be empty", d->what);
    return true;
}

static bool set_drive(struct options *o, const struct option *self, const char *value,
                      struct error *err)
{
    struct value values[PROPERTIES_MAX];

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "drive", NULL);
    const char *what = pool_printf(&o->pool, "-drive %s", value);
    const char *list = option_drive_words(o, value, what, err);
    if (!list || !properties_parse(self->properties, values, list, NULL, &o->pool, what, err))
        return false;
    struct drive_option *d = options_add_drive(o, what, NULL, err);
    if (!d)
        return false;
    d->list = value;
    return fill_drive(o, d, values, err);
}

bool options_set_drive(struct options *o, const char *id, const char *item, const char *what,
                       struct error *err)
{
    struct drive_option *d = options_drive(o, id);
    struct value values[PROPERTIES_MAX];

    if (!d || !d->list)
        return error_set(err, "%s: there is no -drive '%s' before it", what, id);
    const char *list = pool_printf(&o->pool, "%s,%s", d->list, item);
    const char *words = option_drive_words(o, list, what, err);
    if (!words || !properties_parse(drive_properties, values, words, NULL, &o->pool, what, err))
        return false;
    *d = (struct drive_option){.what = what, .unit = -1, .list = list};
    return fill_drive(o, d, values, err);
}

struct drive_option *options_drive(struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->drive_count; i++)
        if (o->drives[i].id && !strcmp(o->drives[i].id, id))
            return &o->drives[i];
    return NULL;
}

/* -fda to -hdd, -cdrom: short for -drive. */
static bool set_path(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const char *name = self->name, *what = pool_printf(&o->pool, "-%s %s", name, value);

    if (!*value)
        return error_set(err, "-%s: the file name is empty", name);
    struct drive_option *d = options_add_drive(o, what, value, err);
    if (!d)
        return false;
    d->cdrom = !strcmp(name, "cdrom");
    d->interface = name[0] == 'f' ? DRIVE_FLOPPY : DRIVE_IDE;
    d->unit = d->cdrom ? OPTIONS_CDROM_UNIT : name[2] - 'a';
    return true;
}

static bool set_snapshot(struct options *o, const struct option *self, const char *value,
                         struct error *err)
{
    (void)self;
    (void)value;
    (void)err;
    o->snapshot = true;
    return true;
}

/* ---- places ---- */

bool options_place_drive(struct options *o, struct drive_option *d, struct error *err)
{
    struct drive_option **places = d->interface == DRIVE_FLOPPY ? o->floppy : o->ide;
    int count = d->interface == DRIVE_FLOPPY ? 2 : 4;

    for (int i = 0; i < count && d->unit < 0; i++)
        if (!places[i])
            d->unit = i;
    if (d->unit < 0)
        return error_set(err, "%s: all %s are taken", d->what,
                         count == 2 ? "floppy drives" : "places of disks and CD drives");
    if (places[d->unit] && places[d->unit] != d)
        return error_set(err, "%s: its place (%s %d) is taken by %s", d->what,
                         count == 2 ? "floppy drive" : "IDE unit", d->unit, places[d->unit]->what);
    places[d->unit] = d;
    d->used = true;
    return true;
}

bool options_place_drives(struct options *o, struct error *err)
{
    for (int named = 1; named >= 0; named--)
        for (unsigned i = 0; i < o->drive_count; i++) {
            struct drive_option *d = &o->drives[i];
            if (d->interface != DRIVE_NONE && !d->used && (d->unit >= 0) == named &&
                !options_place_drive(o, d, err))
                return false;
        }
    return true;
}

const char *options_first_image(const struct options *o)
{
    if (o->image_count)
        return o->images[0];
    for (unsigned i = 0; i < o->drive_count; i++)
        if (o->drives[i].file)
            return o->drives[i].file;
    return o->kernel;
}

const struct option options_drive_table[] = {
    {"drive", "file=FILE,...", "an image and its drive; -drive help lists the properties",
     set_drive, drive_properties},
    {"fda", "FILE", "floppy image in drive A:", set_path, NULL},
    {"fdb", "FILE", "floppy image in drive B:", set_path, NULL},
    {"hda", "FILE", "disk image: first IDE channel, master", set_path, NULL},
    {"hdb", "FILE", "disk image: first IDE channel, slave", set_path, NULL},
    {"hdc", "FILE", "disk image: second IDE channel, master", set_path, NULL},
    {"cdrom", "FILE", "CD image, in a drive that is the second IDE channel's master", set_path,
     NULL},
    {"hdd", "FILE", "disk image: second IDE channel, slave", set_path, NULL},
    {"snapshot", NULL, "write to temporary files, never to the images", set_snapshot, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
