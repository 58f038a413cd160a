#include "bios/file.h"
#include "mmu/phys.h"
#include "ringer/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_open(struct file *f, const char *path, const char *what, struct error *err)
{
    struct stat st;

    memset(f, 0, sizeof *f);
    /* Not to hang on a FIFO. */
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0)
        return error_set(err, "cannot open the %s '%s': %s", what, path, strerror(errno));
    if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        bool directory = S_ISDIR(st.st_mode);

        file_close(f);
        return error_set(err, "the %s '%s' is %s; give the path of a file", what, path,
                         directory ? "a directory" : "no regular file");
    }
    f->size = st.st_size;
    f->path = strdup(path);
    if (f->size == 0 || !f->path) {
        file_close(f);
        return error_set(err, "the %s '%s' is empty", what, path);
    }
    return true;
}

void file_close(struct file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    f->fd = -1;
    f->path = NULL;
}

bool file_read(const struct file *f, uint64_t offset, void *data, uint64_t len)
{
    uint8_t *p = data;

    while (len) {
        ssize_t n = pread(f->fd, p, len < 1 << 20 ? len : 1 << 20, offset);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        offset += n;
        len -= n;
    }
    return true;
}

bool file_load(const struct file *f, uint64_t offset, uint64_t len, struct phys *phys, uint64_t pa)
{
    enum { CHUNK = 1 << 16 };
    uint8_t *buffer = malloc(CHUNK);
    bool ok = buffer;

    while (ok && len) {
        uint32_t n = len < CHUNK ? len : CHUNK;

        ok = file_read(f, offset, buffer, n);
        if (ok)
            phys_write(phys, pa, buffer, n);
        offset += n;
        pa += n;
        len -= n;
    }
    free(buffer);
    return ok;
}
