/* Block devices as disks and floppies see them.  Implementations: devices/image*.c. */
#ifndef RINGER_DEVICES_BLOCK_H
#define RINGER_DEVICES_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct log;
struct block;

enum { SECTOR_SIZE = 512 };

/* What the user wants done about an operation that the host fails to carry out. */
enum block_policy {
    BLOCK_ON_ERROR_REPORT, /* it fails in the guest */
    BLOCK_ON_ERROR_IGNORE, /* as if it had been done; what was to be read is zeros */
    BLOCK_ON_ERROR_STOP,   /* the machine stops, and tries again when it goes on */
    BLOCK_ON_ERROR_ENOSPC  /* stop where the host's disk is full, otherwise report */
};

/* The same for one failure. */
enum block_action { BLOCK_REPORT, BLOCK_IGNORE, BLOCK_STOP };

struct block_options {
    bool readonly;
    bool auto_readonly; /* read-only where it cannot be written, instead of failing */
    bool snapshot;      /* writes go to a temporary file that dies with the machine */
    const char *format; /* "raw", "qcow2", "gzip"; NULL: the content tells */
    bool copy_on_read;  /* what comes from a qcow2 image's backing file is written into the image */
    bool write_through; /* each write is flushed before it counts as done */
    bool no_flush;      /* flushes do nothing: fast, and lost with the host's power */
    enum block_policy on_read_error, on_write_error; /* flushes count as writes */
};

/* Open the image at PATH: raw, qcow2, either of raw and ISO packed by gzip, or an NBD export
 * (nbd:unix:PATH[:exportname=NAME], nbd://HOST[:PORT]/NAME, nbd+unix:///NAME?socket=PATH).  Locks
 * it against a second writer.  NULL and ERR (one line that names the file and the remedy) when it
 * is missing, empty, a directory, unreadable, damaged, or locked.  A file that cannot be written
 * opens only with options->readonly, auto_readonly or snapshot. */
struct block *block_open(const char *path, const struct block_options *options, struct log *log,
                         struct error *err);
void block_close(struct block *b);
uint64_t block_sectors(const struct block *b); /* a last partial sector is padded with zeros */
bool block_readonly(const struct block *b);
const char *block_path(const struct block *b);
const char *block_format(const struct block *b); /* "raw", "qcow2", "gzip" or "nbd", "null-co" */
/* COUNT sectors at LBA.  False on a host I/O error or beyond the end (logged). */
bool block_read(struct block *b, uint64_t lba, void *data, uint32_t count);
bool block_write(struct block *b, uint64_t lba, const void *data, uint32_t count);
bool block_flush(struct block *b); /* fdatasync */
/* Told that the host failed to carry out an operation, errno why, and what the policy makes of it;
 * on the thread that used B.  True: the cause may be gone, the operation is to be tried again. It
 * decides for BLOCK_STOP alone; false lets the operation fail. */
typedef bool block_failed(void *opaque, struct block *b, bool write, enum block_action action);
void block_on_error(struct block *b, block_failed *failed, void *opaque);
/* Write what a snapshot has collected into its image, and go on with an empty one.  False and ERR
 * when B is no snapshot, or the image cannot be written: nothing is lost then. */
bool block_commit(struct block *b, struct error *err);
bool block_is_snapshot(const struct block *b);
/* How writes are cached: every one is flushed at once; flushes do nothing. */
bool block_is_write_through(const struct block *b);
bool block_is_unsafe(const struct block *b);
struct block_stats {
    uint64_t reads, writes, flushes, sectors_read, sectors_written;
    uint64_t failed_reads, failed_writes, failed_flushes;
};
const struct block_stats *block_stats(const struct block *b);

/* CHS geometry. Floppies: by size (160 KB to 3.84 MB; false when SECTORS is no floppy size; one
 * sector, a bare boot sector, counts as the beginning of a 1.44 MB floppy).
 * Disks: from the partition table if it tells, else the usual 16-head, 63-sector fiction. */
struct geometry {
    uint32_t cylinders, heads, sectors;
};
bool floppy_geometry(uint64_t sectors, struct geometry *g);
/* The same for what is in a floppy drive: a bootable image of another size counts as the beginning
 * of the floppy that its BIOS parameter block tells of, or else of a 1.44 or 2.88 MB one; what is
 * missing reads as zeros.  False for others, and for more than 2.88 MB. */
bool floppy_media(struct block *b, struct geometry *g);
void disk_geometry(struct block *b, struct geometry *g);
/* The same as a BIOS shows it: at most 1024 cylinders, and up to 255 heads to reach 8 GB. */
void disk_translation(struct block *b, struct geometry *g);

#endif
