/* Block devices: bounds, counters and locks in one place, whatever the image's format. */
#include "devices/block.h"

#include "devices/image.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct image *image;
    char *path;
    bool readonly;
    struct log *log;
    struct block_stats stats;
};

/* The image as the options want it: an overlay over a read-only file for a snapshot. */
static struct image *open_image(const char *path, const struct block_options *options,
                                struct log *log, struct error *err)
{
    struct image *image, *overlay;

    image = image_raw_open(path, !options->readonly && !options->snapshot, log, err);
    if (!image || !options->snapshot)
        return image;
    overlay = image_overlay_new(image, err);
    if (!overlay)
        image->ops->close(image);
    return overlay;
}

struct block *block_open(const char *path, const struct block_options *options, struct log *log,
                         struct error *err)
{
    static const struct block_options plain;
    struct block *b = calloc(1, sizeof *b);

    if (!options)
        options = &plain;
    if (b)
        b->path = strdup(path);
    if (!b || !b->path) {
        error_set(err, "out of memory for image '%s'", path);
        free(b);
        return NULL;
    }
    b->readonly = options->readonly;
    b->log = log;
    b->image = open_image(path, options, log, err);
    if (!b->image) {
        free(b->path);
        free(b);
        return NULL;
    }
    return b;
}

void block_close(struct block *b)
{
    if (!b)
        return;
    b->image->ops->close(b->image);
    free(b->path);
    free(b);
}

uint64_t block_sectors(const struct block *b)
{
    return b->image->sectors;
}

bool block_readonly(const struct block *b)
{
    return b->readonly;
}

const char *block_path(const struct block *b)
{
    return b->path;
}

const struct block_stats *block_stats(const struct block *b)
{
    return &b->stats;
}

static bool in_bounds(struct block *b, const char *verb, uint64_t lba, uint32_t count)
{
    uint64_t sectors = b->image->sectors;

    if (lba <= sectors && count <= sectors - lba)
        return true;
    log_guest_error(b->log, "%s: %s beyond the end", b->path, verb);
    return false;
}

/* Pass OK on; a failure is named with the host's reason. */
static bool checked(struct block *b, const char *verb, bool ok)
{
    if (!ok)
        log_guest_error(b->log, "%s: host error on %s: %s", b->path, verb, strerror(errno));
    return ok;
}

bool block_read(struct block *b, uint64_t lba, void *data, uint32_t count)
{
    if (!in_bounds(b, "read", lba, count))
        return false;
    b->stats.reads++;
    b->stats.sectors_read += count;
    return checked(b, "read", b->image->ops->read(b->image, lba, data, count));
}

bool block_write(struct block *b, uint64_t lba, const void *data, uint32_t count)
{
    if (!in_bounds(b, "write", lba, count))
        return false;
    if (b->readonly) {
        log_guest_error(b->log, "%s: write to a read-only image", b->path);
        return false;
    }
    b->stats.writes++;
    b->stats.sectors_written += count;
    return checked(b, "write", b->image->ops->write(b->image, lba, data, count));
}

bool block_flush(struct block *b)
{
    b->stats.flushes++;
    return b->readonly || checked(b, "flush", b->image->ops->flush(b->image));
}
