/* The image formats behind block.h: what a format implements.
 *
 * An image is a run of whole sectors.  A new format (or a layer over another image, as the
 * snapshot overlay is) adds an open function here, a line in image_open.c and a table of
 * operations; block.c and the disks above it do not change. */
#ifndef RINGER_DEVICES_IMAGE_H
#define RINGER_DEVICES_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct log;
struct image;

/* The caller keeps LBA + COUNT within image->sectors.  A false result leaves errno set. */
struct image_ops {
    const char *name;
    bool (*read)(struct image *image, uint64_t lba, void *data, uint32_t count);
    bool (*write)(struct image *image, uint64_t lba, const void *data, uint32_t count);
    bool (*flush)(struct image *image);
    void (*close)(struct image *image);
};

/* The first member of every format's own structure. */
struct image {
    const struct image_ops *ops;
    uint64_t sectors;
};

/* --- files (image_file.c) --- */

/* An open image file, or an NBD export in its place, and in a chain of backing files the one that
 * names it. */
struct image_file {
    int fd;
    struct image *remote; /* the export, which is the file's; NULL */
    uint64_t bytes;
    dev_t device; /* device and inode tell whether two names are one file */
    ino_t inode;
    int lost;                       /* errno of an image_file_sync that failed */
    const struct image_file *child; /* while it is being opened; NULL for the outermost */
};

/* What is to be opened. */
struct image_request {
    const char *path;
    const char *format; /* "raw", "qcow2", "gzip"; NULL: the content tells */
    bool writable;
    bool copy_on_read; /* what comes from a backing file is written into the image */
    struct log *log;
    const struct image_file *child; /* the file that names this one as its backing file */
};

/* Open a file or host block device, with an open file description lock for as long as it is open:
 * exclusive for a writer, shared for a reader, in a way that QEMU's tools understand.  False and
 * ERR (one line) when that fails, or when the file is one of its own children. */
bool image_file_open(struct image_file *file, const struct image_request *request,
                     struct error *err);
void image_file_close(struct image_file *file);
/* All LEN bytes at OFFSET; false and errno.  An export cannot grow: ENOSPC. */
bool image_file_read(const struct image_file *file, void *data, uint64_t len, uint64_t offset);
bool image_file_write(const struct image_file *file, const void *data, uint64_t len,
                      uint64_t offset);
/* What was written is on the host's disk.  Once this fails it always will: Linux says so once, and
 * takes for written then what it could not write. */
bool image_file_sync(struct image_file *file);

/* pread and pwrite of all LEN bytes, over signals and short transfers.  A read that meets the
 * end of the file fails with EIO. */
bool image_pread(int fd, void *data, uint64_t len, uint64_t offset);
bool image_pwrite(int fd, const void *data, uint64_t len, uint64_t offset);

/* --- formats --- */

enum { IMAGE_PEEK = 36 << 10 }; /* as far as the first descriptor of a CD, and a bit */

/* The beginning of what an image holds. */
struct image_peek {
    uint8_t data[IMAGE_PEEK];
    uint32_t len;
    uint64_t bytes; /* in all; of what is packed by gzip 4 MiB at most are counted */
    bool raw;       /* it is the file's own */
    bool disk;      /* of a format that only disks have */
};

/* Look into the image file at PATH, whatever its format.  False and ERR (one line) when it cannot
 * be read. */
bool image_peek(const char *path, struct image_peek *peek, struct error *err);

enum { IMAGE_HEAD = 512 }; /* how much of an image its format is told by */

/* The format that the first LEN bytes at HEAD announce: "raw" when they are no format's. */
const char *image_probe(const uint8_t *head, size_t len);

/* *PATH becomes the file's it names: without QEMU's prefix file:.  False and ERR when it names an
 * image by a way that ringer does not go. */
bool image_plain_name(const char **path, struct error *err);

/* Open what REQUEST names.  NULL and ERR (one line that names the image) when that fails. */
struct image *image_open(const struct image_request *request, struct error *err);

/* Formats over an open file, which they own from then on; NULL and ERR on failure: the file is
 * then still the caller's. */
struct image *image_raw_new(const struct image_file *file, struct error *err);
struct image *image_qcow2_new(const struct image_file *file, const struct image_request *request,
                              struct error *err);
struct image *image_gzip_new(const struct image_file *file, const struct image_request *request,
                             struct error *err);

/* True when NAME names an NBD export: nbd:unix:PATH[:exportname=NAME],
 * nbd:HOST:PORT[:exportname=NAME], or an NBD URI. */
bool image_is_nbd(const char *name);
struct image *image_nbd_open(const struct image_request *request, struct error *err);
/* Make FILE of an export, for a format over it; false and ERR. */
bool image_nbd_open_file(struct image_file *file, const struct image_request *request,
                         struct error *err);
/* LEN bytes at OFFSET of an export; false and errno. */
bool image_nbd_transfer(struct image *nbd, bool out, void *data, uint64_t len, uint64_t offset);

/* True when NAME is null-co://, with or without a size. */
bool image_is_null(const char *name);
struct image *image_null_open(const struct image_request *request, struct error *err);

/* Sectors written go to an unlinked temporary file in $TMPDIR, all others come from BASE, which
 * is owned by the overlay from then on.  NULL and ERR on failure: BASE is then still the
 * caller's. */
struct image *image_overlay_new(struct image *base, struct error *err);
/* Open the overlay's base again by REQUEST, for writing, write into it what the overlay holds,
 * flush it, and empty the overlay.  False and ERR: the overlay is as it was. */
bool image_overlay_commit(struct image *overlay, const struct image_request *request,
                          struct error *err);

#endif
