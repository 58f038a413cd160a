/* Disks, CD drives and floppy drives as devices, with an image that a -drive names. */
#include "vmm/catalog.h"
#include "vmm/options.h"
#include <string.h>

static const struct property ide_properties[] = {
    {"drive", PROPERTY_STRING, "the image: id of a -drive with if=none", NULL, 0, 0, NULL},
    {"bus", PROPERTY_CHOICE, "the channel", NULL, 0, 0, "ide.0|ide.1"},
    {"unit", PROPERTY_NUMBER, "0 master, 1 slave", NULL, 0, 1, NULL},
    {"serial", PROPERTY_STRING, "serial number, 20 characters at most", NULL, 0, 0, NULL},
    {"write-cache", PROPERTY_CHOICE, "off: each write is on the disk when it is done", NULL, 0, 0,
     "auto|on|off"},
    {"bootindex", PROPERTY_NUMBER, "when it is tried, 0 first", NULL, 0, 1 << 30, NULL},
    {"werror", PROPERTY_CHOICE, "as -drive's", "report", 0, 0, "report|ignore|stop|enospc"},
    {"rerror", PROPERTY_CHOICE, "as -drive's", "report", 0, 0, "report|ignore|stop"},
    {"logical_block_size", PROPERTY_CHOICE, "bytes in a sector; CDs have 2048", NULL, 0, 0,
     "512|2048"},
    {"physical_block_size", PROPERTY_CHOICE, NULL, NULL, 0, 0, "512|2048"},
    {"share-rw", PROPERTY_CHOICE, "images are always locked", NULL, 0, 0, "off|no|false"},
    DEVICE_PROPERTIES_END,
};

static const struct property floppy_properties[] = {
    {"drive", PROPERTY_STRING, "the image: id of a -drive with if=none", NULL, 0, 0, NULL},
    {"bus", PROPERTY_CHOICE, "the controller", NULL, 0, 0, "floppy.0|floppy-bus.0"},
    {"unit", PROPERTY_NUMBER, "0 is A:", NULL, 0, 1, NULL},
    {"write-cache", PROPERTY_CHOICE, "off: each write is on the disk when it is done", NULL, 0, 0,
     "auto|on|off"},
    {"bootindex", PROPERTY_NUMBER, "when it is tried, 0 first", NULL, 0, 1 << 30, NULL},
    {"werror", PROPERTY_CHOICE, "as -drive's", "report", 0, 0, "report|ignore|stop|enospc"},
    {"rerror", PROPERTY_CHOICE, "as -drive's", "report", 0, 0, "report|ignore|stop"},
    DEVICE_PROPERTIES_END,
};

/* The image D names, or an empty drive. */
static struct drive_option *image_of(struct options *o, struct device_option *d, bool may_be_empty,
                                     struct error *err)
{
    const char *id = device_text(d, "drive"), *name = d->model->name;
    const char *what =
        pool_printf(&o->pool, "-device %s%s%s", name, id ? ",drive=" : "", id ? id : "");
    struct drive_option *drive = id ? options_drive(o, id) : NULL;

    if (!id && !may_be_empty) {
        error_set(err, "%s: it needs drive=ID, the id of a -drive", what);
    } else if (!id) {
        return options_add_drive(o, what, NULL, err);
    } else if (!drive) {
        error_set(err, "%s: there is no drive '%s'; -drive if=none,id=%s,file=FILE makes one", what,
                  id, id);
    } else if (drive->used || drive->interface != DRIVE_NONE) {
        error_set(err, "%s: that drive has a place already; its -drive needs if=none", what);
        drive = NULL;
    }
    return drive;
}

/* The lowest index is tried first; what has none comes last, as the order had it. */
static bool take_bootindex(struct options *o, const struct device_option *d, int place,
                           struct error *err)
{
    if (!device_given(d, "bootindex"))
        return true;
    uint32_t index = (uint32_t)device_number(d, "bootindex");
    const char *what = pool_printf(&o->pool, "-device %s,bootindex=%u", d->model->name, index);
    return options_take_bootindex(o, place, index, what, err);
}

/* What this device, rather than its -drive, says of the host's errors. */
static bool take_policies(struct drive_option *drive, const struct device_option *d)
{
    if (device_given(d, "rerror"))
        drive->block.on_read_error = (enum block_policy)device_number(d, "rerror");
    if (device_given(d, "werror"))
        drive->block.on_write_error = (enum block_policy)device_number(d, "werror");
    return true;
}

static bool place_ide(struct options *o, struct device_option *d, struct error *err)
{
    bool cdrom = !strcmp(d->model->name, "ide-cd");
    struct drive_option *drive = image_of(o, d, cdrom, err);

    if (!drive)
        return false;
    drive->interface = DRIVE_IDE;
    drive->cdrom = cdrom;
    drive->device_id = d->id;
    if (!cdrom && !drive->file)
        return error_set(err, "%s: a disk needs file=IMAGE", drive->what);
    if (device_number(d, "write-cache"))
        drive->block.write_through = device_number(d, "write-cache") == 2;
    if (device_text(d, "serial"))
        drive->serial = device_text(d, "serial");
    if (drive->serial && strlen(drive->serial) > 20)
        return error_set(err, "-device %s,serial=%s: it has 20 characters at most", d->model->name,
                         drive->serial);
    if (device_given(d, "bus") || device_given(d, "unit")) {
        unsigned bus = (unsigned)device_number(d, "bus");
        drive->unit = (int)(bus * 2 + (unsigned)device_number(d, "unit"));
        if (!device_given(d, "unit")) /* the first that is free on that channel */
            drive->unit += o->ide[drive->unit] != NULL;
    }
    return take_policies(drive, d) && options_place_drive(o, drive, err) &&
           take_bootindex(o, d, BOOT_IDE + drive->unit, err);
}

static bool place_floppy(struct options *o, struct device_option *d, struct error *err)
{
    struct drive_option *drive = image_of(o, d, true, err);

    if (!drive)
        return false;
    drive->interface = DRIVE_FLOPPY;
    drive->device_id = d->id;
    if (device_number(d, "write-cache"))
        drive->block.write_through = device_number(d, "write-cache") == 2;
    if (device_given(d, "unit"))
        drive->unit = (int)device_number(d, "unit");
    return take_policies(drive, d) && options_place_drive(o, drive, err) &&
           take_bootindex(o, d, BOOT_FLOPPY + drive->unit, err);
}

const struct device_model catalog_drive[] = {
    {"ide-hd", NULL, "IDE", CATEGORY_STORAGE, "disk", ide_properties, 4, place_ide, NULL},
    {"ide-cd", NULL, "IDE", CATEGORY_STORAGE, "CD drive", ide_properties, 4, place_ide, NULL},
    {"floppy", NULL, "floppy-bus", CATEGORY_STORAGE, "floppy drive", floppy_properties, 2,
     place_floppy, NULL},
    {NULL, NULL, NULL, CATEGORY_MISC, NULL, NULL, 0, NULL, NULL},
};
