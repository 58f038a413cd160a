/* Drives by the names that QEMU gives them, and the changing of what is in them. */
#ifndef RINGER_VMM_MEDIA_H
#define RINGER_VMM_MEDIA_H

#include "ringer/error.h"
#include "vmm/machine.h"

enum medium_kind { MEDIUM_FLOPPY, MEDIUM_DISK, MEDIUM_CDROM };

struct medium {
    char name[64];                /* what the user called it, or usual */
    char usual[16];               /* floppy0, ide0-hd1, ide1-cd0 */
    char node[64];                /* the block node in it: -blockdev's, or #blockNNN */
    char qdev[64];                /* the drive as a device: its id, or a path as QEMU's */
    const struct drive_names *is; /* what else */
    enum medium_kind kind;
    int unit; /* floppies: 0, 1; others: 2 * channel + drive */
    bool removable, tray_open, locked;
    struct block *block;   /* NULL: nothing is in it */
    const char *io_status; /* QEMU's name for how its operations go: ok, failed, nospace */
};

/* What QMP calls the drive itself: "" for one that is made of a -device and a node. */
const char *medium_device(const struct medium *d);
/* Is NAME one of its names? */
bool medium_is_called(const struct medium *d, const char *name);

enum { MEDIA_MAX = 6 };

/* The drives there are.  On the vCPU thread. */
unsigned media_list(struct machine *m, struct medium out[MEDIA_MAX]);

enum media_mode { MEDIA_RETAIN, MEDIA_READ_ONLY, MEDIA_READ_WRITE };

/* The following: from any thread but the vCPU's.  NAME: a drive's.  False: ERR says why. */

/* Put the image at PATH into it; FORMAT may be NULL.  What was in it is closed. */
bool media_change(struct machine *m, const char *name, const char *path, const char *format,
                  enum media_mode mode, bool force, struct error *err);
/* Put the image that OPTIONS describe as node NODE (kept) into an empty drive, whose tray is open.
 */
bool media_insert(struct machine *m, const char *name, const char *path,
                  const struct block_options *options, const char *node, struct error *err);
/* Take out what is in it; a CD drive's tray stays open.  FORCE: even when the guest locked it. */
bool media_eject(struct machine *m, const char *name, bool force, struct error *err);
/* The same with the tray left as it is, which must be open. */
bool media_remove(struct machine *m, const char *name, struct error *err);
bool media_move_tray(struct machine *m, const char *name, bool open, bool force, struct error *err);
/* Write what a snapshot holds into its image: of NAME, or of "all". */
bool media_commit(struct machine *m, const char *name, struct error *err);

/* Report trays and I/O errors as events of the machine.  Before it starts. */
void media_watch(struct machine *m);

#endif
