/* The image formats behind block.h: what a format implements.
 *
 * An image is a run of whole sectors.  A new format (or a layer over another image, as the
 * snapshot overlay is) adds an open function here and a table of operations; block.c and the
 * disks above it do not change. */
#ifndef RINGER_DEVICES_IMAGE_H
#define RINGER_DEVICES_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

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

/* A raw file or host block device at PATH, opened for writing too when WRITABLE, with an open
 * file description lock for as long as it is open: exclusive for a writer, shared for a reader.
 * NULL and ERR (one line) when that fails. */
struct image *image_raw_open(const char *path, bool writable, struct log *log, struct error *err);

/* Sectors written go to an unlinked temporary file in $TMPDIR, all others come from BASE, which
 * is owned by the overlay from then on.  NULL and ERR on failure: BASE is then still the
 * caller's. */
struct image *image_overlay_new(struct image *base, struct error *err);

/* pread and pwrite of all LEN bytes, over signals and short transfers.  A read that meets the
 * end of the file fails with EIO. */
bool image_pread(int fd, void *data, uint64_t len, uint64_t offset);
bool image_pwrite(int fd, const void *data, uint64_t len, uint64_t offset);

#endif
