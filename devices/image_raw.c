/* Raw images: the sectors of the disk, one after the other, in a file or a host block device. */
#define _GNU_SOURCE /* open file description locks */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct raw_image {
    struct image image;
    int fd;
    uint64_t bytes; /* of the file; the last sector may be partial */
};

bool image_pread(int fd, void *data, uint64_t len, uint64_t offset)
{
    uint8_t *p = data;

    while (len) {
        ssize_t n = pread(fd, p, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return false;
        p += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return true;
}

bool image_pwrite(int fd, const void *data, uint64_t len, uint64_t offset)
{
    const uint8_t *p = data;

    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return false;
        p += n;
        offset += (uint64_t)n;
        len -= (uint64_t)n;
    }
    return true;
}

static bool raw_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct raw_image *raw = (struct raw_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    if (offset + len > raw->bytes) { /* the padding of a partial last sector */
        uint64_t there = raw->bytes - offset;

        memset((uint8_t *)data + there, 0, len - there);
        len = there;
    }
    return image_pread(raw->fd, data, len, offset);
}

static bool raw_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    struct raw_image *raw = (struct raw_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    if (!image_pwrite(raw->fd, data, len, offset))
        return false;
    if (offset + len > raw->bytes) /* a partial last sector has become a whole one */
        raw->bytes = offset + len;
    return true;
}

static bool raw_flush(struct image *image)
{
    return fdatasync(((struct raw_image *)image)->fd) == 0;
}

static void raw_close(struct image *image)
{
    struct raw_image *raw = (struct raw_image *)image;

    close(raw->fd); /* drops the lock */
    free(raw);
}

static const struct image_ops raw_ops = {"raw", raw_read, raw_write, raw_flush, raw_close};

/* What it is and how large; false and ERR when it is nothing that holds sectors. */
static bool raw_size(int fd, const char *path, uint64_t *bytes, struct error *err)
{
    struct stat st;
    off_t end;

    if (fstat(fd, &st) < 0)
        return error_set(err, "cannot examine image '%s': %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, "'%s' is a directory; name an image file", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(err, "'%s' is no disk image; name a regular file or a block device", path);
    end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return error_set(err, "cannot find the size of image '%s': %s", path, strerror(errno));
    if (end == 0)
        return error_set(err, "image '%s' is empty; an image holds one sector (512 bytes) or more",
                         path);
    *bytes = (uint64_t)end;
    return true;
}

/* Take the lock.  A file system without locks is no reason to fail. */
static bool raw_lock(int fd, const char *path, bool writable, struct log *log, struct error *err)
{
    struct flock lock = {.l_type = writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return true;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(err, "image '%s' is in use by another process; end that, or use a copy%s",
                         path, writable ? ", or -snapshot if that only reads" : "");
    log_write(log, LOG_IO, "image '%s': not locked: %s", path, strerror(errno));
    return true;
}

static void open_error(const char *path, bool writable, struct error *err)
{
    int cause = errno;

    if (cause == ENOENT || cause == ENOTDIR)
        error_set(err, "image '%s' does not exist; check the name", path);
    else if (cause == EISDIR)
        error_set(err, "'%s' is a directory; name an image file", path);
    else if (writable && access(path, R_OK) == 0)
        error_set(err, "image '%s' cannot be written (%s); make it writable or use -snapshot", path,
                  strerror(cause));
    else
        error_set(err, "image '%s' cannot be opened (%s); make it readable", path, strerror(cause));
}

struct image *image_raw_open(const char *path, bool writable, struct log *log, struct error *err)
{
    /* Nonblocking, so that a FIFO given by mistake is refused rather than waited for. */
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    struct raw_image *raw;
    uint64_t bytes = 0;

    if (fd < 0) {
        open_error(path, writable, err);
        return NULL;
    }
    raw = calloc(1, sizeof *raw);
    if (!raw)
        error_set(err, "out of memory for image '%s'", path);
    if (!raw || !raw_size(fd, path, &bytes, err) || !raw_lock(fd, path, writable, log, err)) {
        free(raw);
        close(fd);
        return NULL;
    }
    raw->fd = fd;
    raw->bytes = bytes;
    raw->image.ops = &raw_ops;
    raw->image.sectors = (bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    return &raw->image;
}
