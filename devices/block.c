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
    const char *format;
    char *path;
    bool readonly, write_through, no_flush;
    bool guard; /* the format was told by the content, and the content may be written */
    struct log *log;
    struct block_stats stats;
    bool snapshot;
    enum block_policy policy[2]; /* of reads, of writes */
    block_failed *failed;
    void *failed_opaque;
};

/* The file may be nobody's to write, or on a file system that is mounted so. */
static bool may_not_be_written(void)
{
    return errno == EACCES || errno == EROFS || errno == EPERM;
}

/* The image as the options want it: an overlay over a read-only file for a snapshot. */
static bool open_image(struct block *b, const struct block_options *options, struct error *err)
{
    struct image_request request = {
        .path = b->path,
        .format = options->format,
        .writable = !options->readonly && !options->snapshot,
        .copy_on_read = options->copy_on_read,
        .log = b->log,
    };
    errno = 0;
    struct image *image = image_open(&request, err);
    if (!image && request.writable && options->auto_readonly && may_not_be_written()) {
        request.writable = false;
        b->readonly = true;
        image = image_open(&request, err);
    }
    if (!image)
        return false;
    b->format = image->ops->name;
    b->guard = request.writable && !request.format && !strcmp(b->format, "raw");
    b->image = options->snapshot ? image_overlay_new(image, err) : image;
    if (!b->image)
        image->ops->close(image);
    return b->image != NULL;
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
    b->write_through = options->write_through;
    b->no_flush = options->no_flush;
    b->snapshot = options->snapshot;
    b->policy[0] = options->on_read_error;
    b->policy[1] = options->on_write_error;
    b->log = log;
    if (!open_image(b, options, err)) {
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

const char *block_format(const struct block *b)
{
    return b->format;
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

static enum block_action action_on(const struct block *b, bool write, int error)
{
    switch (b->policy[write]) {
    case BLOCK_ON_ERROR_IGNORE:
        return BLOCK_IGNORE;
    case BLOCK_ON_ERROR_STOP:
        return BLOCK_STOP;
    case BLOCK_ON_ERROR_ENOSPC:
        return error == ENOSPC ? BLOCK_STOP : BLOCK_REPORT;
    case BLOCK_ON_ERROR_REPORT:
        break;
    }
    return BLOCK_REPORT;
}

/* After a failure, which is counted, and named with the host's reason: *OK is how the operation
 * ends, unless it is to be tried again (true). */
static bool again(struct block *b, const char *verb, uint64_t *count, bool *ok)
{
    int why = errno;
    bool write = count != &b->stats.failed_reads;
    enum block_action action = action_on(b, write, why);

    ++*count;
    log_host_error(b->log, "image '%s': %s failed: %s%s", b->path, verb, strerror(why),
                   b->failed && action == BLOCK_STOP ? "; stopped, 'cont' tries again" : "");
    errno = why;
    *ok = action == BLOCK_IGNORE;
    return b->failed && b->failed(b->failed_opaque, b, write, action) && action == BLOCK_STOP;
}

void block_on_error(struct block *b, block_failed *failed, void *opaque)
{
    b->failed = failed;
    b->failed_opaque = opaque;
}

bool block_is_snapshot(const struct block *b)
{
    return b->snapshot;
}

bool block_is_write_through(const struct block *b)
{
    return b->write_through;
}

bool block_is_unsafe(const struct block *b)
{
    return b->no_flush;
}

bool block_commit(struct block *b, struct error *err)
{
    const struct image_request request = {
        .path = b->path, .format = b->format, .writable = true, .log = b->log};

    if (!b->snapshot)
        return error_set(err, "%s: no snapshot: what was written is in the image already",
                         b->path);
    return image_overlay_commit(b->image, &request, err);
}

bool block_read(struct block *b, uint64_t lba, void *data, uint32_t count)
{
    if (!in_bounds(b, "read", lba, count))
        return false;
    if (!count) /* LBA may be behind a partial last sector: no place for a format to look at */
        return true;
    b->stats.reads++;
    b->stats.sectors_read += count;
    bool ok;
    do {
        if (b->image->ops->read(b->image, lba, data, count))
            return true;
    } while (again(b, "read", &b->stats.failed_reads, &ok));
    if (ok)
        memset(data, 0, (size_t)count * SECTOR_SIZE);
    return ok;
}

/* A guest that writes another format's header into its first sector would choose what is opened
 * the next time: a backing file anywhere on the host, say.  Who names the format may do so. */
static bool changes_format(struct block *b, uint64_t lba, const void *data, uint32_t count)
{
    if (!b->guard || lba != 0 || count == 0 || !strcmp(image_probe(data, SECTOR_SIZE), "raw"))
        return false;
    log_host_error(b->log,
                   "image '%s': what the guest writes would make it %s the next time, so it may "
                   "not; give format=raw",
                   b->path, image_probe(data, SECTOR_SIZE));
    return true;
}

bool block_write(struct block *b, uint64_t lba, const void *data, uint32_t count)
{
    if (!in_bounds(b, "write", lba, count))
        return false;
    if (b->readonly) {
        log_guest_error(b->log, "%s: write to a read-only image", b->path);
        return false;
    }
    if (changes_format(b, lba, data, count))
        return false;
    b->stats.writes++;
    b->stats.sectors_written += count;
    bool ok;
    do
        ok = b->image->ops->write(b->image, lba, data, count);
    while (!ok && again(b, "write", &b->stats.failed_writes, &ok));
    return ok && (!b->write_through || block_flush(b));
}

bool block_flush(struct block *b)
{
    bool ok;

    b->stats.flushes++;
    if (b->readonly || b->no_flush)
        return true;
    do
        ok = b->image->ops->flush(b->image);
    while (!ok && again(b, "flush", &b->stats.failed_flushes, &ok));
    return ok;
}
