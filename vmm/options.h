/* The command line: QEMU's spelling, with one dash or two. */
#ifndef RINGER_VMM_OPTIONS_H
#define RINGER_VMM_OPTIONS_H

#include "vmm/audio/audio.h"
#include "vmm/catalog.h"
#include "vmm/chardevs.h"
#include "vmm/firmware.h"
#include "vmm/machine.h"
#include "vmm/pool.h"
#include "vmm/sandbox.h"
#include "vmm/tools.h"
#include "vmm/ui/film.h"
#include "vmm/ui/termscreen.h"
#include "vmm/ui/vnc.h"
#include "vmm/ui/window.h"

enum {
    OPTIONS_SERIALS = 4,
    OPTIONS_PARALLELS = 3,
    OPTIONS_CHARDEVS = 32,
    OPTIONS_MONITORS = 8,
    OPTIONS_DEVICES = 32,
    OPTIONS_AUDIODEVS = 8,
    OPTIONS_GLOBALS = 32,
    OPTIONS_DRIVES = 40,
    OPTIONS_SECRETS = 8,
    OPTIONS_CDROM_UNIT = 2 /* -cdrom's place */
};

enum display_kind { DISPLAY_DEFAULT, DISPLAY_NONE, DISPLAY_TEXT, DISPLAY_SDL };

/* A monitor: for people, or (CONTROL) for programs. */
struct monitor_option {
    const char *chardev;
    bool control, pretty;
};

/* A place for a serial or parallel port: its device, once that is placed. */
struct port_place {
    const struct device_option *device; /* NULL: free */
    uint16_t base;
};

/* -drive, or what is short for it. */
struct drive_option {
    const char *what;      /* the option, for messages; NULL: a place that is free */
    const char *list;      /* a -drive's value; NULL */
    const char *id, *file; /* file NULL: the drive is empty */
    const char *serial, *device_id; /* device_id: of the -device that has placed it */
    enum drive_interface { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_NONE } interface;
    int unit;                /* 0-3 (0, 1 for floppies); -1: any */
    bool cdrom, used, spare; /* spare: there for want of another, and gives way to images */
    bool is_node;            /* of -blockdev */
    struct block_options block;
};

/* -global DRIVER.PROPERTY=VALUE */
struct global_option {
    const char *driver, *property, *value;
};

/* What was asked for.  Strings point into the argument vector or into the pool. */
struct options {
    struct pool *pool;
    uint64_t ram_bytes;
    const struct cpu_model *model;
    struct drive_option drives[OPTIONS_DRIVES];
    unsigned drive_count;
    struct drive_option *floppy[2], *ide[4]; /* what is in which place; NULL: nothing */
    uint32_t bootindex[BOOT_PLACES];         /* plus one; 0: none */
    const char *kernel, *initrd, *append;
    char boot_order[8], boot_once[8];
    bool boot_menu, boot_strict;
    uint32_t boot_splash_ms; /* 0: not said */
    uint32_t reboot_ms;      /* reboot-timeout plus one; 0: never */
    struct firmware_options firmware;
    bool snapshot, no_reboot, start_stopped, nographic, no_graphics, no_acpi, no_hpet;
    bool no_vga, has_vga, no_s3, no_s4; /* has_vga: one was named */
    struct vga_config vga;
    struct chardev_option chardevs[OPTIONS_CHARDEVS]; /* those of -serial and its kin as well */
    unsigned chardev_count;
    struct device_option devices[OPTIONS_DEVICES]; /* those of -serial and its kin as well */
    unsigned device_count;
    struct global_option globals[OPTIONS_GLOBALS];
    unsigned global_count;
    unsigned serials, parallels; /* how many -serial and -parallel there were */
    struct port_place serial[OPTIONS_SERIALS], parallel[OPTIONS_PARALLELS];
    uint32_t pci_slots; /* that addr= has named */
    struct monitor_option monitors[OPTIONS_MONITORS];
    unsigned monitor_count;
    bool has_monitor; /* -monitor or -mon was given, be it "none" */
    bool nodefaults, no_vmport, no_shutdown, daemonize, msg_timestamp, msg_name;
    struct sandbox_options sandbox;
    const char *accel; /* the last option that named one; NULL */
    bool accel_ok;     /* one of those named is there */
    const char *name, *process_name, *uuid_text, *pidfile, *run_as; /* NULL: not given */
    uint8_t uuid[16];
    struct smbios_config smbios;
    const char *onboard[SMBIOS_FILES]; /* the -device that a structure of type 41 is about; NULL */
    uint8_t escape; /* -echr */
    struct audiodev_option audiodevs[OPTIONS_AUDIODEVS];
    unsigned audiodev_count;
    const char *pcspk_audiodev; /* NULL: the first one */
    enum display_kind display;
    struct window_options window;
    enum term_graphics term_graphics;
    bool has_vnc;
    struct vnc_options vnc;
    const char *vnc_secret, *vnc_audiodev; /* password-secret=, audiodev=; NULL */
    struct {
        const char *id, *text;
    } secrets[OPTIONS_SECRETS]; /* of -object */
    unsigned secret_count;
    const char *memory_id, *memory_backend; /* of -object memory-backend-ram; -machine's */
    uint64_t memory_bytes;
    const char *record;
    uint32_t log_channels;
    const char *log_path, *script;
    bool stats;             /* tell them at the end, */
    const char *stats_path; /* in JSON in this file, or (NULL) as text on standard error */
    const char *metrics;    /* the socket; NULL: none */
    struct translator_options translator;
    struct tools_options tools;
    int64_t rtc_epoch;
    bool rtc_vm;
    const char *images[8]; /* arguments that are no options */
    unsigned image_count;
    bool help, version;
    const char *help_topic, *help_item; /* -device help, -device NAME,help; NULL: all */
};

/* Parse ARGV[0..ARGC-1] (without the command's own name).  False: ERR names the option or value
 * that is wrong and what would be right.  Either way options_free is due. */
bool options_parse(struct options *o, int argc, char *const argv[], struct error *err);
/* Free what the parser made; O is not to be used any more. */
void options_free(struct options *o);

/* Make a chardev called LABEL of VALUE, the value of OPTION ("-serial"), in -serial's form; with
 * mon: it is shared with a monitor.  *ID: its name, that of the one that chardev:ID names, or NULL
 * for "none". */
bool options_add_stream(struct options *o, const char *option, const char *value, const char *label,
                        const char **id, struct error *err);
/* What -serial VALUE does. */
bool options_add_serial(struct options *o, const char *value, struct error *err);
/* The chardev that has standard input and output; NULL. */
const struct chardev_option *options_stdio(const struct options *o);
/* Is there a device of model NAME? */
bool options_has_device(const struct options *o, const char *name);
/* Is every chardev there that is named, and used once unless it is shared?  Part of
 * options_parse, again when defaults were added. */
bool options_check_chardevs(const struct options *o, struct error *err);

/* Add the device that TEXT, "MODEL,property=value,...", names; OPTION for messages.  NULL and ERR.
 * Places are given when all options are known, by options_place_devices. */
struct device_option *options_add_device(struct options *o, const char *option, const char *text,
                                         struct error *err);
bool options_place_devices(struct options *o, struct error *err);

/* Where the PCI device with ID will be; -1: there is none.  After options_place_devices. */
int options_pci_devfn(const struct options *o, const char *id);
/* Put the places of pcidev= into what -smbios type=41 has made. */
bool options_place_onboard(struct options *o, struct error *err);

/* Does every audiodev that is named exist?  Part of options_parse. */
bool options_check_audiodevs(const struct options *o, struct error *err);
/* The one audiodev that is there when none is named: the loudspeaker, where there is one and
 * ON_DESKTOP, or silence. */
void options_add_audiodev(struct options *o, bool on_desktop);

/* Carry out option NAME (without dashes) with VALUE, NULL for one without. */
bool options_apply(struct options *o, const char *name, const char *value, struct error *err);
/* What -vnc VALUE does. */
bool options_set_vnc(struct options *o, const char *value, struct error *err);
/* Find the secret that -vnc has named; part of options_parse. */
bool options_check_vnc(struct options *o, struct error *err);
/* Is -object memory-backend-ram what -machine and -m say?  Part of options_parse. */
bool options_check_memory(const struct options *o, struct error *err);
/* The text of -object secret,id=ID; NULL. */
const char *options_secret(const struct options *o, const char *id);
/* The file of -readconfig. */
bool options_read_config(struct options *o, const char *path, struct error *err);
/* The file ringer.conf in IMAGE's folder, if there is one: lines of an option each, of those that
 * touch nothing on the host. */
bool options_read_conf(struct options *o, const char *image, struct error *err);

/* Add a drive with image FILE (NULL: empty); WHAT (kept) for messages.  NULL and ERR. */
struct drive_option *options_add_drive(struct options *o, const char *what, const char *file,
                                       struct error *err);
/* Drives stay where they are, as others point to them: D's place is free for another one. */
void options_forget_drive(struct drive_option *d);
/* -set drive.ID.ITEM and -set chardev.ID.ITEM, where ITEM is KEY=VALUE as in a list: read the
 * option again with ITEM added.  WHAT (kept) for messages. */
bool options_set_drive(struct options *o, const char *id, const char *item, const char *what,
                       struct error *err);
bool options_set_chardev(struct options *o, const char *id, const char *item, const char *what,
                         struct error *err);
/* By id; NULL. */
struct drive_option *options_drive(struct options *o, const char *id);
/* What QMP's blockdev-add does: add the node that the JSON object describes, as -blockdev.  The
 * node; NULL and ERR. */
struct drive_option *options_add_node(struct options *o, const char *json, struct error *err);
/* Give D the place it names, or the first that is free. */
bool options_place_drive(struct options *o, struct drive_option *d, struct error *err);
bool options_place_drives(struct options *o, struct error *err);
/* bootindex=INDEX for what is in PLACE (enum BOOT_FLOPPY and on); WHAT for messages. */
bool options_take_bootindex(struct options *o, int place, uint32_t index, const char *what,
                            struct error *err);
/* What the machine may be called by; NULL. */
const char *options_first_image(const struct options *o);

/* The I-th option's name, NULL behind the last; *PROPERTIES: of its value, or NULL. */
const char *options_nth(unsigned i, const struct property **properties);
/* Those of option NAME; NULL: it has none. */
const struct property *options_properties(const char *name);

/* The text of -help, one option a line; or what help_topic asks for. */
void options_help(const struct options *o, void (*line)(void *opaque, const char *text),
                  void *opaque);

/* Open the files and fill CONFIG but for its chardevs and log.  What was opened is CONFIG's. */
bool options_configure(const struct options *o, struct log *log, struct machine_config *config,
                       struct error *err);

#endif
