/* qcow2: opening and closing, and what all its parts use. */
#define _GNU_SOURCE
#include "devices/image_qcow2.h"

#include "ringer/error.h"
#include "ringer/log.h"
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MOST_CHAIN = 64,         /* backing files below each other */
    L2_CACHE = 8 << 20,      /* bytes: 64 GiB of disk with clusters of 64 KiB */
    BLOCK_CACHE = 512 << 10, /* bytes of reference counts */
};

/* --- for all parts --- */

static bool report(struct qcow2 *q, const char *format, va_list args)
{
    char text[200];

    vsnprintf(text, sizeof text, format, args);
    log_host_error(q->log, "image '%s' is damaged: %s; see 'qemu-img check'", q->path, text);
    errno = EIO;
    return false;
}

bool qcow2_damage(struct qcow2 *q, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(q, format, args);
    va_end(args);
    return false;
}

bool qcow2_break(struct qcow2 *q, const char *format, ...)
{
    va_list args;

    q->broken = true;
    va_start(args, format);
    report(q, format, args);
    va_end(args);
    return false;
}

bool qcow2_table_failed(struct qcow2 *q)
{
    if (errno != ENOSPC && errno != EDQUOT)
        q->broken = true;
    return false;
}

bool qcow2_pwrite(struct qcow2 *q, const void *data, uint64_t len, uint64_t offset)
{
    if (!image_file_write(&q->file, data, len, offset))
        return false;
    if (offset + len > q->file.bytes)
        q->file.bytes = offset + len;
    return true;
}

bool qcow2_barrier(struct qcow2 *q)
{
    return q->h.incompatible & INCOMPATIBLE_DIRTY || image_file_sync(&q->file);
}

bool qcow2_cache_new(struct qcow2 *q, struct qcow2_cache *cache, uint64_t bytes, uint64_t tables)
{
    uint64_t count = bytes / q->cluster;

    if (count < 2)
        count = 2;
    if (count > tables)
        count = tables ? tables : 1;
    cache->slots = calloc(count, sizeof *cache->slots);
    if (!cache->slots)
        return false;
    cache->count = (uint32_t)count;
    for (uint64_t i = 0; i < count; i++)
        cache->slots[i].index = UINT64_MAX;
    return true;
}

static void cache_free(struct qcow2_cache *cache)
{
    for (uint32_t i = 0; i < cache->count; i++)
        free(cache->slots[i].data);
    free(cache->slots);
}

struct qcow2_cached *qcow2_slot(struct qcow2 *q, struct qcow2_cache *cache, uint64_t index)
{
    struct qcow2_cached *slot = &cache->slots[index % cache->count];

    if (!slot->data)
        slot->data = malloc(q->cluster);
    if (!slot->data) {
        errno = ENOMEM;
        return NULL;
    }
    return slot;
}

/* --- operations --- */

static bool op_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct qcow2 *q = (struct qcow2 *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    qcow2_copy_in(q, offset, len);
    return qcow2_read_bytes(q, offset, data, len);
}

static bool op_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    return qcow2_write_bytes((struct qcow2 *)image, lba * SECTOR_SIZE, data,
                             (uint64_t)count * SECTOR_SIZE);
}

static bool op_flush(struct image *image)
{
    struct qcow2 *q = (struct qcow2 *)image;
    /* A reserve that cannot be raised now is no reason to fail. */
    bool raised = q->modified && !q->broken && qcow2_top_up(q);

    if (!image_file_sync(&q->file))
        return false;
    (void)raised;
    qcow2_reuse_freed(q);
    return true;
}

/* Close tidily: the reserve goes back, then the dirty bit.  Failures leave a leak, or the bit. */
static void settle(struct qcow2 *q)
{
    if (!q->writable || !q->modified || q->broken)
        return;
    if (!qcow2_refcounts_close(q) || !(q->h.incompatible & INCOMPATIBLE_DIRTY))
        return;
    if (!image_file_sync(&q->file))
        return;
    q->h.incompatible &= ~(uint64_t)INCOMPATIBLE_DIRTY;
    qcow2_write_features(q);
}

static void release(struct qcow2 *q)
{
    if (q->backing)
        q->backing->ops->close(q->backing);
    qcow2_refcounts_free(q);
    cache_free(&q->l2);
    free(q->l1);
    free(q->bounce);
    free(q->inflated);
    free(q->path);
    free(q);
}

static void op_close(struct image *image)
{
    struct qcow2 *q = (struct qcow2 *)image;

    settle(q);
    image_file_close(&q->file);
    release(q);
}

static const struct image_ops qcow2_ops = {"qcow2", op_read, op_write, op_flush, op_close};

/* --- opening --- */

/* The backing file's path: its name is relative to the folder of the image that names it. */
static char *backing_path(const struct qcow2 *q, const char *name)
{
    const char *slash = strrchr(q->path, '/');
    char *path = NULL;

    if (!strncmp(name, "file:", 5))
        name += 5;
    if (*name == '/' || !slash || image_is_nbd(name))
        return strdup(name);
    if (asprintf(&path, "%.*s/%s", (int)(slash - q->path), q->path, name) < 0)
        return NULL;
    return path;
}

/* "PROTOCOL:...", of which only file: and NBD are understood. */
static bool is_foreign(const char *name)
{
    const char *colon = strchr(name, ':'), *slash = strchr(name, '/');

    if (!colon || (slash && slash < colon) || image_is_nbd(name))
        return false;
    return strncmp(name, "file:", 5) != 0;
}

static struct image *open_named(struct qcow2 *q, const char *name, struct error *err)
{
    const char *format = q->h.backing_format;
    struct image_request request = {.log = q->log, .child = &q->file};
    struct image *image;
    char *path;

    if (is_foreign(name)) {
        error_set(err, "image '%s': its backing file '%s' is neither a file nor an NBD export",
                  q->path, name);
        return NULL;
    }
    path = backing_path(q, name);
    if (!path) {
        error_set(err, "out of memory for image '%s'", q->path);
        return NULL;
    }
    request.path = path;
    if (!strcmp(format, "file") || !strcmp(format, "host_device"))
        request.format = "raw";
    else if (*format && strcmp(format, "nbd") != 0)
        request.format = format;
    image = image_open(&request, err);
    free(path);
    return image;
}

static bool open_backing(struct qcow2 *q, struct error *err)
{
    const struct image_file *f = &q->file;
    unsigned depth = 0;
    char *name;

    if (!q->h.backing_offset)
        return true;
    for (; f; f = f->child)
        depth++;
    if (depth > MOST_CHAIN)
        return error_set(err, "image '%s' is below %u others; merge some by 'qemu-img commit'",
                         q->path, depth - 1);
    name = qcow2_backing_name(q, err);
    if (!name)
        return false;
    q->backing = open_named(q, name, err);
    free(name);
    return q->backing != NULL;
}

static bool load_l1(struct qcow2 *q, struct error *err)
{
    q->l1 = malloc((size_t)q->h.l1_entries * 8);
    q->bounce = malloc(q->cluster);
    q->inflated = malloc(q->cluster);
    if (!q->l1 || !q->bounce || !q->inflated ||
        !qcow2_cache_new(q, &q->l2, L2_CACHE, q->h.l1_entries))
        return error_set(err, "out of memory for image '%s'", q->path);
    if (!image_file_read(&q->file, q->l1, (uint64_t)q->h.l1_entries * 8, q->h.l1_offset))
        return error_set(err, "image '%s' cannot be read: %s", q->path, strerror(errno));
    for (uint32_t i = 0; i < q->h.l1_entries; i++)
        q->l1[i] = be64toh(q->l1[i]);
    return true;
}

static bool load_writable(struct qcow2 *q, struct error *err)
{
    if (!q->writable)
        return true;
    if (!qcow2_cache_new(q, &q->blocks, BLOCK_CACHE, UINT64_MAX))
        return error_set(err, "out of memory for image '%s'", q->path);
    if (!qcow2_refcounts_open(q, err))
        return false;
    return !(q->h.incompatible & INCOMPATIBLE_DIRTY) || qcow2_repair(q, err);
}

struct image *image_qcow2_new(const struct image_file *file, const struct image_request *request,
                              struct error *err)
{
    struct qcow2 *q = calloc(1, sizeof *q);

    if (q)
        q->path = strdup(request->path);
    if (!q || !q->path) {
        error_set(err, "out of memory for image '%s'", request->path);
        free(q);
        return NULL;
    }
    q->file = *file;
    q->log = request->log;
    q->writable = request->writable;
    q->copy_on_read = request->copy_on_read;
    q->image.ops = &qcow2_ops;
    if (!qcow2_header_read(q, err) || !load_l1(q, err) || !open_backing(q, err) ||
        !load_writable(q, err)) {
        release(q);
        return NULL;
    }
    q->image.sectors = q->h.size / SECTOR_SIZE + (q->h.size % SECTOR_SIZE != 0);
    q->file.child = NULL; /* the child's place in memory is not for longer than the opening */
    return &q->image;
}
