/* The files that images live in: opening, locks, whole transfers. */
#define _GNU_SOURCE /* open file description locks */
#include "devices/image.h"

#include "ringer/error.h"
#include "ringer/log.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* What it is and how large; false and ERR when it is nothing that holds sectors. */
static bool examine(struct image_file *file, const char *path, struct error *err)
{
    struct stat st;
    off_t end;

    if (fstat(file->fd, &st) < 0)
        return error_set(err, "cannot examine image '%s': %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(err, "'%s' is a directory; name an image file", path);
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return error_set(err, "'%s' is no disk image; name a regular file or a block device", path);
    end = lseek(file->fd, 0, SEEK_END);
    if (end < 0)
        return error_set(err, "cannot find the size of image '%s': %s", path, strerror(errno));
    if (end == 0)
        return error_set(err, "image '%s' is empty; an image holds one sector (512 bytes) or more",
                         path);
    file->bytes = (uint64_t)end;
    file->device = st.st_dev;
    file->inode = st.st_ino;
    return true;
}

/* A file below itself in its chain of backing files would be read for ever. */
static bool is_no_loop(const struct image_file *file, const char *path, struct error *err)
{
    for (const struct image_file *f = file->child; f; f = f->child)
        if (f->device == file->device && f->inode == file->inode)
            return error_set(err,
                             "image '%s' is its own backing file; repair it with 'qemu-img "
                             "rebase -u'",
                             path);
    return true;
}

/* QEMU's bytes: a shared lock on the first says "I write this", on the second "nobody else may". */
enum { QEMU_WRITES = 101, QEMU_NO_WRITERS = 201 };

static bool qemu_writes(int fd)
{
    struct flock probe = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = QEMU_WRITES, .l_len = 1};

    return fcntl(fd, F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK;
}

/* Take the lock: a writer's is the whole file's and nobody else's, readers want no writers, be they
 * ringer's, QEMU's or qemu-img's.  A file system without locks is no reason to fail. */
static bool lock(int fd, const char *path, bool writable, struct log *log, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct flock readers = {
        .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = QEMU_NO_WRITERS, .l_len = 1};
    int taken = fcntl(fd, F_OFD_SETLK, writable ? &whole : &readers);

    if (taken == 0 && (writable || !qemu_writes(fd)))
        return true;
    if (taken == 0 || errno == EAGAIN || errno == EACCES)
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
    errno = cause;
}

bool image_file_open(struct image_file *file, const struct image_request *request,
                     struct error *err)
{
    const char *path = request->path;

    file->child = request->child;
    file->remote = NULL;
    file->lost = 0;
    /* Nonblocking, so that a FIFO given by mistake is refused rather than waited for. */
    file->fd = open(path, (request->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0) {
        open_error(path, request->writable, err);
        return false;
    }
    if (examine(file, path, err) && is_no_loop(file, path, err) &&
        lock(file->fd, path, request->writable, request->log, err))
        return true;
    image_file_close(file);
    return false;
}

void image_file_close(struct image_file *file)
{
    if (file->remote)
        file->remote->ops->close(file->remote);
    else
        close(file->fd); /* drops the lock */
    file->remote = NULL;
    file->fd = -1;
}

bool image_file_read(const struct image_file *file, void *data, uint64_t len, uint64_t offset)
{
    return file->remote ? image_nbd_transfer(file->remote, false, data, len, offset)
                        : image_pread(file->fd, data, len, offset);
}

bool image_file_write(const struct image_file *file, const void *data, uint64_t len,
                      uint64_t offset)
{
    return file->remote ? image_nbd_transfer(file->remote, true, (void *)data, len, offset)
                        : image_pwrite(file->fd, data, len, offset);
}

static bool sync_once(const struct image_file *file)
{
    return file->remote ? file->remote->ops->flush(file->remote) : fdatasync(file->fd) == 0;
}

bool image_file_sync(struct image_file *file)
{
    bool ok = true;

    if (!file->lost)
        do
            ok = sync_once(file);
        while (!ok && errno == EINTR);
    if (!ok)
        file->lost = errno;
    errno = file->lost;
    return !file->lost;
}
