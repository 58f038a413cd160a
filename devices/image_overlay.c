/* The snapshot overlay: writes go to a temporary file that has no name, so that it dies with the
 * machine however the machine dies.  Sectors keep their offsets in that (sparse) file; one bit a
 * sector says which of them it holds. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct overlay {
    struct image image;
    struct image *base;
    int fd;
    uint8_t *written; /* one bit a sector */
    struct image gone; /* the base after it could not be opened again */
};

static bool is_written(const struct overlay *o, uint64_t lba)
{
    return o->written[lba / 8] >> (lba % 8) & 1;
}

/* How many of COUNT sectors from LBA are in the same place as the first. */
static uint32_t run_length(const struct overlay *o, uint64_t lba, uint32_t count)
{
    bool first = is_written(o, lba);
    uint32_t n = 1;

    while (n < count && is_written(o, lba + n) == first)
        n++;
    return n;
}

static bool overlay_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct overlay *o = (struct overlay *)image;
    uint8_t *p = data;

    while (count) {
        uint32_t n = run_length(o, lba, count);
        bool ok = is_written(o, lba)
                      ? image_pread(o->fd, p, (uint64_t)n * SECTOR_SIZE, lba * SECTOR_SIZE)
                      : o->base->ops->read(o->base, lba, p, n);

        if (!ok)
            return false;
        p += (size_t)n * SECTOR_SIZE;
        lba += n;
        count -= n;
    }
    return true;
}

static bool overlay_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    struct overlay *o = (struct overlay *)image;

    if (!image_pwrite(o->fd, data, (uint64_t)count * SECTOR_SIZE, lba * SECTOR_SIZE))
        return false;
    for (uint32_t i = 0; i < count; i++)
        o->written[(lba + i) / 8] |= 1u << ((lba + i) % 8);
    return true;
}

/* What dies with the machine need not reach the disk. */
static bool overlay_flush(struct image *image)
{
    (void)image;
    return true;
}

static void overlay_close(struct image *image)
{
    struct overlay *o = (struct overlay *)image;

    o->base->ops->close(o->base);
    close(o->fd);
    free(o->written);
    free(o);
}

static const struct image_ops overlay_ops = {"snapshot", overlay_read, overlay_write, overlay_flush,
                                             overlay_close};

/* A file without a name in $TMPDIR; -1 and errno. */
static int temporary_file(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    char path[4096];

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    /* File systems without O_TMPFILE. */
    if (snprintf(path, sizeof path, "%s/ringer-XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

struct image *image_overlay_new(struct image *base, struct error *err)
{
    const char *dir = getenv("TMPDIR");
    struct overlay *o = calloc(1, sizeof *o);

    if (!dir || !*dir)
        dir = "/tmp";
    if (o)
        o->written = calloc(base->sectors / 8 + 1, 1);
    if (!o || !o->written) {
        error_set(err, "out of memory for a snapshot of %llu sectors",
                  (unsigned long long)base->sectors);
        free(o);
        return NULL;
    }
    o->fd = temporary_file(dir);
    if (o->fd < 0) {
        error_set(err, "cannot make a temporary file for -snapshot in '%s' (%s); set TMPDIR", dir,
                  strerror(errno));
        free(o->written);
        free(o);
        return NULL;
    }
    o->base = base;
    o->image.ops = &overlay_ops;
    o->image.sectors = base->sectors;
    return &o->image;
}

/* ---- commit ---- */

static bool copy_written(const struct overlay *o, struct image *to)
{
    enum { CHUNK = 128 };
    uint64_t sectors = o->image.sectors;
    uint8_t *data = malloc(CHUNK * SECTOR_SIZE);
    bool ok = data != NULL;

    for (uint64_t lba = 0; ok && lba < sectors;) {
        uint32_t most = sectors - lba < CHUNK ? (uint32_t)(sectors - lba) : CHUNK;
        uint32_t n = run_length(o, lba, most);

        if (is_written(o, lba))
            ok = image_pread(o->fd, data, (uint64_t)n * SECTOR_SIZE, lba * SECTOR_SIZE) &&
                 to->ops->write(to, lba, data, n);
        lba += n;
    }
    free(data);
    return ok && to->ops->flush(to);
}

/* What stands for a base that cannot be opened again. */
static bool gone_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    (void)image, (void)lba, (void)data, (void)count;
    errno = EIO;
    return false;
}

static bool gone_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    (void)data;
    return gone_read(image, lba, NULL, count);
}

static bool gone_flush(struct image *image)
{
    (void)image;
    errno = EIO;
    return false;
}

static void gone_close(struct image *image)
{
    (void)image;
}

static const struct image_ops gone_ops = {"gone", gone_read, gone_write, gone_flush, gone_close};

static bool commit_to(struct overlay *o, struct image *base, const char *path, struct error *err)
{
    if (base->sectors != o->image.sectors)
        return error_set(err, "%s has another size than when it was opened: not committed", path);
    if (!copy_written(o, base))
        return error_set(err, "%s: cannot commit: %s", path, strerror(errno));
    memset(o->written, 0, o->image.sectors / 8 + 1);
    (void)!ftruncate(o->fd, 0); /* the room is given back; nothing is read from there any more */
    return true;
}

/* The base is locked against writers by its reader, which has to let go of it first. */
bool image_overlay_commit(struct image *overlay, const struct image_request *request,
                          struct error *err)
{
    struct overlay *o = (struct overlay *)overlay;
    struct image_request reader = *request;
    bool ok;

    o->base->ops->close(o->base);
    struct image *base = image_open(request, err);
    ok = base && commit_to(o, base, request->path, err);
    if (base)
        base->ops->close(base);
    reader.writable = false;
    o->base = image_open(&reader, ok ? err : NULL);
    if (o->base)
        return ok;
    o->gone = (struct image){&gone_ops, o->image.sectors};
    o->base = &o->gone;
    return ok && error_set(err, "%s was committed to, but cannot be opened again", request->path);
}
