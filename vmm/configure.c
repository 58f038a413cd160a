/* From options to a machine's configuration: files are recognised and opened here. */
#include "ringer/log.h"
#include "vmm/options.h"
#include <string.h>
#include <sys/stat.h>

/* A drive for the image at PATH; an empty CD drive gives way to it. */
static bool place_drive(struct options *o, const char *path, enum drive_interface interface,
                        bool cdrom, struct error *err)
{
    struct drive_option **cd = &o->ide[OPTIONS_CDROM_UNIT];
    struct drive_option *d = options_add_drive(o, path, path, err);
    bool spare = *cd && (*cd)->spare;

    if (!d)
        return false;
    d->interface = interface;
    d->cdrom = cdrom;
    if (cdrom && spare)
        *cd = NULL;
    if (cdrom && !*cd)
        d->unit = OPTIONS_CDROM_UNIT;
    if (!cdrom && interface == DRIVE_IDE && spare && o->ide[0] && o->ide[1])
        *cd = NULL;
    return options_place_drive(o, d, err);
}

/* Give the image at PATH the first free place of its kind. */
static bool place_image(struct options *o, const char *path, struct error *err)
{
    struct error why = {""};
    enum image_kind kind = image_identify(path, &why);

    switch (kind) {
    case IMAGE_FLOPPY:
        return place_drive(o, path, DRIVE_FLOPPY, false, err);
    case IMAGE_DISK:
        return place_drive(o, path, DRIVE_IDE, false, err);
    case IMAGE_CD:
        return place_drive(o, path, DRIVE_IDE, true, err);
    case IMAGE_LINUX:
    case IMAGE_MULTIBOOT:
        if (o->kernel)
            return error_set(err, "%s: there is a kernel already (%s)", path, o->kernel);
        o->kernel = path;
        return true;
    case IMAGE_UNKNOWN:
        break;
    }
    return error_set(err, "%s", why.text[0] ? why.text : "image not recognised");
}

static struct block *open_image(const struct options *o, const struct drive_option *d,
                                struct log *log, struct error *err)
{
    struct block_options options = d->block;

    options.snapshot |= o->snapshot && !d->cdrom;
    options.readonly |= d->cdrom;
    return block_open(d->file, &options, log, err);
}

/* Blocks round up to whole sectors; a floppy has none to round. */
static bool is_floppy(const char *path, struct block *b)
{
    struct geometry g;
    struct stat st;

    if (!strcmp(block_format(b), "raw") && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size % SECTOR_SIZE)
        return false;
    return floppy_media(b, &g);
}

static bool open_floppy(const struct options *o, int drive, struct log *log,
                        struct machine_config *c, struct error *err)
{
    const struct drive_option *d = o->floppy[drive];

    c->floppy[drive] = open_image(o, d, log, err);
    if (!c->floppy[drive])
        return false;
    if (!is_floppy(d->file, c->floppy[drive]))
        return error_set(err,
                         "%s: not the size of a floppy; they are 160, 180, 320, 360, "
                         "720, 1200, 1440 and 2880 KB, less if bootable (use -hda for a disk)",
                         d->what);
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

static bool open_ide(const struct options *o, int unit, struct log *log, struct machine_config *c,
                     struct error *err)
{
    const struct drive_option *d = o->ide[unit];
    struct block *block = d->file ? open_image(o, d, log, err) : NULL;

    if (d->file && !block)
        return false;
    c->ide_serial[unit] = d->serial;
    c->cdrom_present[unit] = d->cdrom;
    *(d->cdrom ? &c->cdrom[unit] : &c->disk[unit]) = block;
    return true;
}

static struct drive_names names_of(const struct drive_option *d)
{
    if (!d)
        return (struct drive_names){NULL, NULL, NULL};
    return (struct drive_names){d->is_node ? NULL : d->id, d->device_id, d->is_node ? d->id : NULL};
}

static bool open_all(const struct options *o, struct log *log, struct machine_config *c,
                     struct error *err)
{
    for (int i = 0; i < 2; i++)
        if (o->floppy[i] && o->floppy[i]->file && !open_floppy(o, i, log, c, err))
            return false;
    for (int i = 0; i < 2; i++)
        c->floppy_names[i] = names_of(o->floppy[i]);
    for (int i = 0; i < 4; i++)
        c->ide_names[i] = names_of(o->ide[i]);
    for (int i = 0; i < 4; i++)
        if (o->ide[i] && !open_ide(o, i, log, c, err))
            return false;
    return !o->kernel || set_kernel(o, c, err);
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
        .pcspk_audiodev = o.pcspk_audiodev,
        .pci_slots = given->pci_slots,
        .boot_menu = o.boot_menu,
        .boot_strict = o.boot_strict,
        .boot_splash_ms = o.boot_splash_ms,
        .boot_order = given->boot_order,
        .boot_once = given->boot_once[0] ? given->boot_once : NULL,
        .no_reboot = o.no_reboot,
        .no_shutdown = o.no_shutdown,
        .uuid = o.uuid_text ? given->uuid : NULL,
        .smbios = &given->smbios,
        .start_stopped = o.start_stopped,
        .snapshot = o.snapshot,
        .serial_console = o.nographic || o.no_graphics,
        .no_vga = o.no_vga,
        .vga = o.vga,
        .no_floppy = o.nodefaults && !o.floppy[0],
        .bootindex = given->bootindex,
        .reboot_ms = o.reboot_ms,
        .no_s3 = o.no_s3,
        .no_s4 = o.no_s4,
        .no_vmport = o.no_vmport,
        .no_acpi = o.no_acpi,
        .no_hpet = o.no_hpet,
        .translator = o.translator,
        .log = log,
        .rtc_epoch = o.rtc_epoch,
        .rtc_vm = o.rtc_vm,
    };
    for (unsigned i = 0; i < o.image_count; i++)
        if (!place_image(&o, o.images[i], err))
            return false;
    if (o.initrd && !o.kernel)
        return error_set(err, "-initrd needs a kernel: add -kernel FILE");
    o.firmware.no_vga = o.no_vga;
    if (open_all(&o, log, c, err) && firmware_open(&c->firmware, &o.firmware, err))
        return true;
    machine_config_close(c);
    return false;
}
