/* The command line: QEMU's spelling, with one dash or two. */
#ifndef RINGER_VMM_OPTIONS_H
#define RINGER_VMM_OPTIONS_H

#include "vmm/machine.h"
#include "vmm/pool.h"
#include "vmm/stream.h"

enum { OPTIONS_SERIALS = 4 };

enum display_kind { DISPLAY_DEFAULT, DISPLAY_NONE, DISPLAY_TEXT };

/* What was asked for.  Strings point into the argument vector or into the pool. */
struct options {
    struct pool *pool;
    uint64_t ram_bytes;
    const struct cpu_model *model;
    const char *floppy[2], *disk[4], *cdrom; /* cdrom: in disk[2]'s place */
    const char *kernel, *initrd, *append;
    char boot_order[8], boot_once[8];
    bool snapshot, no_reboot, start_stopped, nographic;
    struct stream_spec serial[OPTIONS_SERIALS];
    unsigned serials;
    struct stream_spec debugcon, monitor;
    bool has_debugcon, has_monitor;
    bool debug_exit;
    uint16_t debug_exit_base, debug_exit_size;
    enum display_kind display;
    uint32_t log_channels;
    const char *log_path, *script;
    struct translator_options translator;
    int64_t rtc_epoch;
    const char *images[8]; /* arguments that are no options */
    unsigned image_count;
    bool help, version;
};

/* Parse ARGV[0..ARGC-1] (without the command's own name).  False: ERR names the option or value
 * that is wrong and what would be right.  Either way options_free is due. */
bool options_parse(struct options *o, int argc, char *const argv[], struct error *err);
/* Free what the parser made; O is not to be used any more. */
void options_free(struct options *o);

/* The text of -help, one option a line. */
void options_help(void (*line)(void *opaque, const char *text), void *opaque);

/* Open the files and fill CONFIG but for its chardevs and log.  What was opened is CONFIG's. */
bool options_configure(const struct options *o, struct log *log, struct machine_config *config,
                       struct error *err);

#endif
