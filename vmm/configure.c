/* From options to a machine's configuration: files are recognised and opened here. */
#include "ringer/log.h"
#include "vmm/options.h"
#include <string.h>
#include <sys/stat.h>

enum { CDROM_PLACE = 2 };

/* Give the image at PATH the first free place of its kind. */
static bool place_image(struct options *o, const char *path, struct error *err)
{
    struct error why = {""};
    enum image_kind kind = image_identify(path, &why);

    switch (kind) {
    case IMAGE_FLOPPY:
        for (int i = 0; i < 2; i++)
            if (!o->floppy[i]) {
                o->floppy[i] = path;
                return true;
            }
        return error_set(err, "%s: both floppy drives are taken", path);
    case IMAGE_DISK:
        for (int i = 0; i < 4; i++)
            if (!o->disk[i] && (i != CDROM_PLACE || !o->cdrom)) {
                o->disk[i] = path;
                return true;
            }
        return error_set(err, "%s: all four disks are taken", path);
    case IMAGE_LINUX:
    case IMAGE_MULTIBOOT:
        if (o->kernel)
            return error_set(err, "%s: there is a kernel already (%s)", path, o->kernel);
        o->kernel = path;
        return true;
    case IMAGE_CD:
        if (o->cdrom || o->disk[CDROM_PLACE])
            return error_set(err, "%s: the CD drive's place is taken (%s)", path,
                             o->cdrom ? o->cdrom : o->disk[CDROM_PLACE]);
        o->cdrom = path;
        return true;
    case IMAGE_UNKNOWN:
        break;
    }
    return error_set(err, "%s", why.text[0] ? why.text : "image not recognised");
}

static struct block *open_image(const struct options *o, const char *path, struct log *log,
                                struct error *err)
{
    const struct block_options options = {.snapshot = o->snapshot};

    return block_open(path, &options, log, err);
}

/* Blocks round up to whole sectors; a floppy has none to round. */
static bool is_floppy(const char *path, struct block *b)
{
    struct geometry g;
    struct stat st;

    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size % SECTOR_SIZE)
        return false;
    return floppy_media(b, &g);
}

static bool open_floppy(const struct options *o, int drive, struct log *log,
                        struct machine_config *c, struct error *err)
{
    const char *path = o->floppy[drive];

    c->floppy[drive] = open_image(o, path, log, err);
    if (!c->floppy[drive])
        return false;
    if (!is_floppy(path, c->floppy[drive]))
        return error_set(err,
                         "-fd%c %s: not the size of a floppy; they are 160, 180, 320, 360, "
                         "720, 1200, 1440 and 2880 KB, less if bootable (use -hda for a disk)",
                         'a' + drive, path);
    return true;
}

static bool set_kernel(const struct options *o, struct machine_config *c, struct error *err)
{
    struct error why = {""};
    enum image_kind kind = image_identify(o->kernel, &why);

    c->kernel = (struct boot_kernel){o->kernel, o->initrd, o->append};
    c->kernel_multiboot = kind == IMAGE_MULTIBOOT;
    if (kind == IMAGE_LINUX || kind == IMAGE_MULTIBOOT)
        return true;
    if (kind == IMAGE_UNKNOWN && why.text[0])
        return error_set(err, "%s", why.text);
    return error_set(err, "-kernel %s: neither a Linux (bzImage) nor a Multiboot kernel",
                     o->kernel);
}

/* There is a CD drive, with or without disc, unless a disk has its place. */
static bool open_cdrom(const struct options *o, struct log *log, struct machine_config *c,
                       struct error *err)
{
    const struct block_options readonly = {.readonly = true};

    if (o->cdrom && o->disk[CDROM_PLACE])
        return error_set(err, "-cdrom %s: -hdc has its place; use -hdd for the disk", o->cdrom);
    c->cdrom_present[CDROM_PLACE] = !o->disk[CDROM_PLACE];
    if (o->cdrom)
        c->cdrom[CDROM_PLACE] = block_open(o->cdrom, &readonly, log, err);
    return !o->cdrom || c->cdrom[CDROM_PLACE];
}

static bool open_all(const struct options *o, struct log *log, struct machine_config *c,
                     struct error *err)
{
    for (int i = 0; i < 2; i++)
        if (o->floppy[i] && !open_floppy(o, i, log, c, err))
            return false;
    for (int i = 0; i < 4; i++)
        if (o->disk[i] && !(c->disk[i] = open_image(o, o->disk[i], log, err)))
            return false;
    return open_cdrom(o, log, c, err) && (!o->kernel || set_kernel(o, c, err));
}

bool options_configure(const struct options *given, struct log *log, struct machine_config *c,
                       struct error *err)
{
    struct options o = *given;

    *c = (struct machine_config){
        .ram_bytes = o.ram_bytes,
        .model = o.model,
        .devices = given->devices,
        .device_count = given->device_count,
        .pci_slots = given->pci_slots,
        .boot_menu = o.boot_menu,
        .boot_strict = o.boot_strict,
        .boot_splash_ms = o.boot_splash_ms,
        .boot_order = given->boot_order,
        .boot_once = given->boot_once[0] ? given->boot_once : NULL,
        .no_reboot = o.no_reboot,
        .start_stopped = o.start_stopped,
        .snapshot = o.snapshot,
        .no_acpi = o.no_acpi,
        .no_hpet = o.no_hpet,
        .translator = o.translator,
        .log = log,
        .rtc_epoch = o.rtc_epoch,
    };
    for (unsigned i = 0; i < o.image_count; i++)
        if (!place_image(&o, o.images[i], err))
            return false;
    if (o.initrd && !o.kernel)
        return error_set(err, "-initrd needs a kernel: add -kernel FILE");
    if (open_all(&o, log, c, err) && firmware_open(&c->firmware, &o.firmware, err))
        return true;
    machine_config_close(c);
    return false;
}
