/* -hda and its kin. */
#include "vmm/option.h"
#include <string.h>

static bool set_path(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const struct {
        const char *name;
        const char **where;
    } paths[] = {
        {"fda", &o->floppy[0]}, {"fdb", &o->floppy[1]}, {"hda", &o->disk[0]}, {"hdb", &o->disk[1]},
        {"hdc", &o->disk[2]},   {"hdd", &o->disk[3]},   {"cdrom", &o->cdrom},
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!strcmp(self->name, paths[i].name)) {
            if (!*value)
                return error_set(err, "-%s: the file name is empty", self->name);
            *paths[i].where = value;
        }
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

const struct option options_drive[] = {
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
