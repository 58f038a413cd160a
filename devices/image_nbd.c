/* Network block devices: what some other program serves by the NBD protocol, through libnbd.
 *
 * Commands are waited for one at a time, but not for ever: a server that does not answer is an
 * I/O error.  A connection that ended is made again by a later command, if the server is back with
 * the same export; the next flush fails when there were writes that it may have lost. */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include <errno.h>
#include <libnbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECT_MS = 10000,
    AGAIN_MS = 2000, /* to connect again, and between two attempts at that */
    COMMAND_MS = 30000,
    MOST_BYTES = 1 << 20,  /* in one command, unless the server takes less */
    MOST_BLOCK = 64 << 10, /* the largest block that is read, changed and written back */
};

struct nbd_image {
    struct image image;
    struct nbd_handle *nbd;
    uint64_t bytes;
    uint32_t block; /* what the server wants commands to be aligned to */
    uint32_t most;  /* bytes in a command */
    bool can_flush;
    bool dead;
    char *name;
    bool writable;
    int64_t retry_at;     /* the next attempt to connect again */
    bool unflushed, lost; /* writes since the last flush; some were when the connection ended */
    uint8_t *bounce; /* one block */
};

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* Let the connection work, until DEADLINE at most.  False when it is over, with errno. */
static bool work(struct nbd_handle *nbd, int64_t deadline)
{
    int64_t left = deadline - now_ms();
    int n = left > 0 ? nbd_poll(nbd, (int)left) : 0;

    if (n > 0 || (n < 0 && nbd_get_errno() == EINTR))
        return true;
    errno = n == 0 ? ETIMEDOUT : nbd_get_errno();
    if (!errno)
        errno = EIO;
    return false;
}

/* Wait for command COOKIE, which could not be sent if that is negative. */
static bool finish(struct nbd_image *n, int64_t cookie)
{
    int64_t deadline = now_ms() + COMMAND_MS;
    int done = 0;

    if (cookie < 0) {
        n->dead = nbd_aio_is_dead(n->nbd) || nbd_aio_is_closed(n->nbd);
        errno = nbd_get_errno() ? nbd_get_errno() : EIO;
        return false;
    }
    while ((done = nbd_aio_command_completed(n->nbd, (uint64_t)cookie)) == 0) {
        if (!work(n->nbd, deadline)) {
            n->dead = true; /* its buffer is ours again: nothing is received any more */
            return false;
        }
    }
    if (done < 0)
        errno = nbd_get_errno() ? nbd_get_errno() : EIO;
    return done > 0;
}

static bool connect_to(struct nbd_handle *nbd, const char *name, int ms, struct error *err);

/* Is HANDLE the export that N was opened as? */
static bool same_export(const struct nbd_image *n, struct nbd_handle *handle)
{
    int64_t least = nbd_get_block_size(handle, LIBNBD_SIZE_MINIMUM);

    return nbd_get_size(handle) == (int64_t)n->bytes && least <= (int64_t)n->block &&
           !(n->writable && nbd_is_read_only(handle) > 0);
}

/* Connect again, unless that failed a moment ago.  False with errno. */
static bool revive(struct nbd_image *n)
{
    struct error why = {""};
    struct nbd_handle *handle;

    if (!n->dead)
        return true;
    handle = now_ms() >= n->retry_at ? nbd_create() : NULL;
    if (handle && n->name && connect_to(handle, n->name, AGAIN_MS, &why) &&
        same_export(n, handle)) {
        nbd_close(n->nbd);
        n->nbd = handle;
        n->lost |= n->unflushed;
        n->dead = n->unflushed = false;
        return true;
    }
    if (handle) {
        nbd_close(handle);
        n->retry_at = now_ms() + AGAIN_MS;
    }
    errno = ENOTCONN;
    return false;
}

/* One command.  OUT when data is written. */
static bool command(struct nbd_image *n, bool out, void *data, uint32_t len, uint64_t offset)
{
    if (!revive(n))
        return false;
    n->unflushed |= out;
    return finish(n, out ? nbd_aio_pwrite(n->nbd, data, len, offset, NBD_NULL_COMPLETION, 0)
                         : nbd_aio_pread(n->nbd, data, len, offset, NBD_NULL_COMPLETION, 0));
}

/* Part of a block, by way of all of it: *DONE bytes. */
static bool part_of_block(struct nbd_image *n, bool out, uint8_t *data, uint64_t len,
                          uint64_t offset, uint64_t *done)
{
    uint64_t start = offset - offset % n->block, within = offset - start;
    uint32_t have = n->bytes - start < n->block ? (uint32_t)(n->bytes - start) : n->block;

    *done = len < have - within ? len : have - within;
    if (!command(n, false, n->bounce, have, start))
        return false;
    if (!out) {
        memcpy(data, n->bounce + within, *done);
        return true;
    }
    memcpy(n->bounce + within, data, *done);
    return command(n, true, n->bounce, have, start);
}

static bool transfer(struct nbd_image *n, bool out, uint8_t *data, uint64_t len, uint64_t offset)
{
    while (len) {
        uint64_t done = len < n->most ? len : n->most;
        bool whole;

        done -= done % n->block;
        whole = offset % n->block == 0 && done;
        if (!(whole ? command(n, out, data, (uint32_t)done, offset)
                    : part_of_block(n, out, data, len, offset, &done)))
            return false;
        data += done;
        offset += done;
        len -= done;
    }
    return true;
}

bool image_nbd_transfer(struct image *nbd, bool out, void *data, uint64_t len, uint64_t offset)
{
    struct nbd_image *n = (struct nbd_image *)nbd;

    if (offset > n->bytes || len > n->bytes - offset) {
        errno = out ? ENOSPC : EIO;
        return false;
    }
    return transfer(n, out, data, len, offset);
}

bool image_nbd_open_file(struct image_file *file, const struct image_request *request,
                         struct error *err)
{
    *file = (struct image_file){.fd = -1, .child = request->child};
    file->remote = image_nbd_open(request, err);
    file->bytes = file->remote ? ((struct nbd_image *)file->remote)->bytes : 0;
    return file->remote != NULL;
}

/* How many of LEN bytes at OFFSET the export has; its last sector may be partial. */
static uint64_t there(const struct nbd_image *n, uint64_t offset, uint64_t len)
{
    return n->bytes - offset < len ? n->bytes - offset : len;
}

static bool nbd_op_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct nbd_image *n = (struct nbd_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE, have;

    if (!len)
        return true;
    have = there(n, offset, len);
    memset((uint8_t *)data + have, 0, len - have);
    return transfer(n, false, data, have, offset);
}

static bool nbd_op_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    struct nbd_image *n = (struct nbd_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    return !len || transfer(n, true, (uint8_t *)data, there(n, offset, len), offset);
}

static bool nbd_op_flush(struct image *image)
{
    struct nbd_image *n = (struct nbd_image *)image;

    if (!revive(n))
        return false;
    if (n->lost) { /* said once: the guest has to know */
        n->lost = false;
        errno = EIO;
        return false;
    }
    if (n->can_flush && !finish(n, nbd_aio_flush(n->nbd, NBD_NULL_COMPLETION, 0)))
        return false;
    n->unflushed = false;
    return true;
}

static void nbd_op_close(struct image *image)
{
    struct nbd_image *n = (struct nbd_image *)image;

    if (!n->dead)
        nbd_shutdown(n->nbd, LIBNBD_SHUTDOWN_ABANDON_PENDING);
    nbd_close(n->nbd);
    free(n->bounce);
    free(n->name);
    free(n);
}

static const struct image_ops nbd_ops = {"nbd", nbd_op_read, nbd_op_write, nbd_op_flush,
                                         nbd_op_close};

/* --- names --- */

static bool is_uri(const char *name)
{
    static const char *const schemes[] = {"nbd://", "nbds://", "nbd+unix://", "nbds+unix://"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (!strncmp(name, schemes[i], strlen(schemes[i])))
            return true;
    return false;
}

bool image_is_nbd(const char *name)
{
    return is_uri(name) || !strncmp(name, "nbd:", 4);
}

/* "nbd:unix:PATH" or "nbd:HOST:PORT", with ":exportname=NAME" behind it.  TEXT is a copy to cut up.
 * -1 as libnbd has it; -2 when it is none of these. */
static int connect_short(struct nbd_handle *nbd, char *text)
{
    char *export = strstr(text, ":exportname="), *port;

    if (export) {
        *export = 0;
        if (nbd_set_export_name(nbd, export + strlen(":exportname=")) < 0)
            return -1;
    }
    text += strlen("nbd:");
    if (!strncmp(text, "unix:", 5))
        return text[5] ? nbd_aio_connect_unix(nbd, text + 5) : -2;
    port = strrchr(text, ':');
    if (!port || port == text || !port[1])
        return -2;
    *port++ = 0;
    return nbd_aio_connect_tcp(nbd, text, port);
}

/* --- opening --- */

static bool connect_error(const char *name, struct error *err)
{
    const char *why = nbd_get_error();

    return error_set(err, "cannot connect to '%s': %.200s", name, why ? why : strerror(errno));
}

static bool wait_until_ready(struct nbd_handle *nbd, const char *name, int ms, struct error *err)
{
    int64_t deadline = now_ms() + ms;

    while (!nbd_aio_is_ready(nbd)) {
        if (nbd_aio_is_dead(nbd) || nbd_aio_is_closed(nbd))
            return connect_error(name, err);
        if (work(nbd, deadline))
            continue;
        if (errno == ETIMEDOUT)
            return error_set(err, "cannot connect to '%s': the server does not answer", name);
        return connect_error(name, err);
    }
    return true;
}

/* Within MS milliseconds. */
static bool connect_to(struct nbd_handle *nbd, const char *name, int ms, struct error *err)
{
    char *text;
    int status;

    if (is_uri(name)) {
        status = nbd_aio_connect_uri(nbd, name);
    } else {
        text = strdup(name);
        if (!text)
            return error_set(err, "out of memory for image '%s'", name);
        status = connect_short(nbd, text);
        free(text);
    }
    if (status == -2)
        return error_set(err,
                         "'%s' names no NBD export; write nbd:unix:PATH or nbd:HOST:PORT, "
                         "each with :exportname=NAME, or nbd://HOST/NAME",
                         name);
    if (status < 0)
        return connect_error(name, err);
    return wait_until_ready(nbd, name, ms, err);
}

/* Size, alignment and rights of the export. */
static bool examine(struct nbd_image *n, const struct image_request *request, struct error *err)
{
    const char *name = request->path;
    int64_t size = nbd_get_size(n->nbd);
    int64_t least = nbd_get_block_size(n->nbd, LIBNBD_SIZE_MINIMUM);
    int64_t most = nbd_get_block_size(n->nbd, LIBNBD_SIZE_MAXIMUM);

    if (size < 0)
        return connect_error(name, err);
    if (size == 0)
        return error_set(err, "image '%s' is empty", name);
    if (request->writable && nbd_is_read_only(n->nbd) > 0)
        return error_set(err, "image '%s' is exported for reading only; use -snapshot", name);
    n->block = least > SECTOR_SIZE ? (uint32_t)least : 1;
    if (n->block > MOST_BLOCK)
        return error_set(err, "image '%s' has blocks of %u bytes; %d are the most", name, n->block,
                         MOST_BLOCK);
    n->most = most >= MOST_BLOCK && most < MOST_BYTES ? (uint32_t)most : MOST_BYTES;
    n->can_flush = nbd_can_flush(n->nbd) > 0;
    n->bytes = (uint64_t)size;
    n->image.sectors = (n->bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    n->bounce = malloc(n->block);
    return n->bounce || error_set(err, "out of memory for image '%s'", name);
}

struct image *image_nbd_open(const struct image_request *request, struct error *err)
{
    struct nbd_image *n = calloc(1, sizeof *n);

    if (n)
        n->nbd = nbd_create();
    if (!n || !n->nbd) {
        error_set(err, "out of memory for image '%s'", request->path);
        free(n);
        return NULL;
    }
    n->image.ops = &nbd_ops;
    n->writable = request->writable;
    n->name = strdup(request->path);
    if (connect_to(n->nbd, request->path, CONNECT_MS, err) && examine(n, request, err))
        return &n->image;
    nbd_close(n->nbd);
    free(n->bounce);
    free(n->name);
    free(n);
    return NULL;
}
