/* Images packed by gzip (RFC 1952), read at any place without being unpacked.
 *
 * Opening reads the file through once, and keeps a copy of the unpacker's state (window included,
 * some 40 KB) every so often.  A read begins at the last such point before it, or goes on where
 * the previous one stopped, and unpacks whole chunks into a cache.  A state can be copied between
 * any two bytes of output, so the distance of the points does not depend on how the deflate
 * blocks lie. */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    CHUNK = 128 << 10,  /* bytes of output that are unpacked and kept together */
    CHUNKS = 128,       /* in the cache: 16 MiB */
    POINT = 1 << 20,    /* between two points, at first */
    MOST_POINTS = 2048, /* then every second one goes, and the distance doubles */
    INPUT = 64 << 10,
};

/* A place to begin at: output OUT is what follows; the state has used the file up to IN. */
struct point {
    uint64_t out, in;
    z_stream z;
};

struct chunk {
    uint64_t index; /* UINT64_MAX: none */
    uint64_t used;
    uint8_t *data;
};

struct gzip_image {
    struct image image;
    struct image_file file;
    struct log *log;
    char *path;
    uint64_t bytes; /* unpacked */
    struct point *points;
    uint32_t count;
    uint64_t distance;
    struct point now; /* where the unpacker is; its z is live when now_valid */
    bool now_valid;
    uint8_t *input;
    uint64_t clock;
    struct chunk cache[CHUNKS];
};

/* --- unpacking onwards --- */

/* Have input for the unpacker.  False at the file's end and on an error of the host (errno). */
static bool fill(struct gzip_image *g)
{
    uint64_t left = g->file.bytes - g->now.in;
    uint64_t n = left < INPUT ? left : INPUT;

    errno = 0;
    if (!n || !image_file_read(&g->file, g->input, n, g->now.in))
        return false;
    g->now.in += n;
    g->now.z.next_in = g->input;
    g->now.z.avail_in = (uInt)n;
    return true;
}

enum step { STEP_MORE, STEP_END, STEP_DAMAGED, STEP_TRUNCATED, STEP_HOST };

/* What follows a member of the file: another one, or nothing (padding and rubbish count as
 * nothing, as gzip itself has it). */
static enum step next_member(struct gzip_image *g)
{
    uint8_t magic[2];
    uint64_t at = g->now.in - g->now.z.avail_in;

    if (at + sizeof magic > g->file.bytes)
        return STEP_END;
    if (!image_file_read(&g->file, magic, sizeof magic, at))
        return STEP_HOST;
    if (magic[0] != 0x1F || magic[1] != 0x8B)
        return STEP_END;
    return inflateReset(&g->now.z) == Z_OK ? STEP_MORE : STEP_DAMAGED;
}

/* Unpack LEN bytes at most, *GOT of them; STEP_MORE when there may be more. */
static enum step unpack(struct gzip_image *g, uint8_t *out, uint64_t len, uint64_t *got)
{
    z_stream *z = &g->now.z;
    enum step step = STEP_MORE;

    z->next_out = out;
    z->avail_out = (uInt)len;
    while (z->avail_out && step == STEP_MORE) {
        int status;

        if (!z->avail_in && !fill(g)) {
            step = errno ? STEP_HOST : STEP_TRUNCATED;
            break;
        }
        status = inflate(z, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            step = next_member(g);
        else if (status != Z_OK && status != Z_BUF_ERROR)
            step = STEP_DAMAGED;
    }
    *got = len - z->avail_out;
    g->now.out += *got;
    return step;
}

/* --- points --- */

static void drop_now(struct gzip_image *g)
{
    if (g->now_valid)
        inflateEnd(&g->now.z);
    g->now_valid = false;
}

/* Every second point goes; the first one stays. */
static void thin_out(struct gzip_image *g)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < g->count; i++) {
        if (i % 2) {
            inflateEnd(&g->points[i].z);
            continue;
        }
        /* A z_stream must not move: its state points back to it.  Copy instead. */
        if (kept != i && inflateCopy(&g->points[kept].z, &g->points[i].z) == Z_OK) {
            g->points[kept].out = g->points[i].out;
            g->points[kept].in = g->points[i].in;
            inflateEnd(&g->points[i].z);
        } else if (kept != i) {
            inflateEnd(&g->points[i].z);
            continue;
        }
        kept++;
    }
    g->count = kept;
    g->distance *= 2;
}

static bool add_point(struct gzip_image *g)
{
    struct point *p;

    if (g->count == MOST_POINTS)
        thin_out(g);
    p = &g->points[g->count];
    if (inflateCopy(&p->z, &g->now.z) != Z_OK)
        return false;
    p->out = g->now.out;
    p->in = g->now.in - g->now.z.avail_in;
    g->count++;
    return true;
}

/* Go where output AT can be reached by unpacking onwards, from as near as possible. */
static bool seek(struct gzip_image *g, uint64_t at)
{
    uint32_t low = 0, high = g->count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (g->points[middle].out <= at)
            low = middle;
        else
            high = middle;
    }
    if (g->now_valid && g->now.out <= at && g->now.out >= g->points[low].out)
        return true;
    drop_now(g);
    if (inflateCopy(&g->now.z, &g->points[low].z) != Z_OK) {
        errno = ENOMEM;
        return false;
    }
    g->now.out = g->points[low].out;
    g->now.in = g->points[low].in;
    g->now.z.avail_in = 0;
    g->now_valid = true;
    return true;
}

/* --- the cache --- */

static struct chunk *find_chunk(struct gzip_image *g, uint64_t index)
{
    for (int i = 0; i < CHUNKS; i++)
        if (g->cache[i].index == index)
            return &g->cache[i];
    return NULL;
}

static struct chunk *oldest_chunk(struct gzip_image *g)
{
    struct chunk *c = &g->cache[0];

    for (int i = 1; i < CHUNKS; i++)
        if (g->cache[i].used < c->used)
            c = &g->cache[i];
    c->index = UINT64_MAX;
    if (!c->data)
        c->data = malloc(CHUNK);
    return c;
}

/* Unpack the chunk that comes next into the cache. */
static struct chunk *unpack_chunk(struct gzip_image *g)
{
    uint64_t index = g->now.out / CHUNK, want = g->bytes - g->now.out, got;
    struct chunk *c = oldest_chunk(g);
    enum step step;

    if (!c->data) {
        errno = ENOMEM;
        return NULL;
    }
    if (want > CHUNK)
        want = CHUNK;
    step = unpack(g, c->data, want, &got);
    if (got != want) {
        drop_now(g);
        if (step != STEP_HOST) { /* it was whole when it was opened */
            log_host_error(g->log, "image '%s' has changed while it was in use", g->path);
            errno = EIO;
        }
        return NULL;
    }
    memset(c->data + got, 0, CHUNK - got);
    c->index = index;
    c->used = ++g->clock;
    return c;
}

static struct chunk *need_chunk(struct gzip_image *g, uint64_t index)
{
    struct chunk *c = find_chunk(g, index);

    if (c) {
        c->used = ++g->clock;
        return c;
    }
    if (!seek(g, index * CHUNK))
        return NULL;
    while (g->now.out <= index * CHUNK) {
        c = unpack_chunk(g);
        if (!c)
            return NULL;
        if (c->index == index)
            return c;
    }
    errno = EIO;
    return NULL;
}

/* --- operations --- */

static bool gzip_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct gzip_image *g = (struct gzip_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;
    uint8_t *p = data;

    while (len) {
        uint64_t within = offset % CHUNK, n = CHUNK - within;
        struct chunk *c = need_chunk(g, offset / CHUNK);

        if (!c)
            return false;
        if (n > len)
            n = len;
        memcpy(p, c->data + within, n);
        p += n;
        offset += n;
        len -= n;
    }
    return true;
}

static bool gzip_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    (void)image, (void)lba, (void)data, (void)count;
    errno = EROFS;
    return false;
}

static bool gzip_flush(struct image *image)
{
    (void)image;
    return true;
}

static void release(struct gzip_image *g)
{
    drop_now(g);
    for (uint32_t i = 0; i < g->count; i++)
        inflateEnd(&g->points[i].z);
    for (int i = 0; i < CHUNKS; i++)
        free(g->cache[i].data);
    free(g->points);
    free(g->input);
    free(g->path);
    free(g);
}

static void gzip_close(struct image *image)
{
    struct gzip_image *g = (struct gzip_image *)image;

    image_file_close(&g->file);
    release(g);
}

static const struct image_ops gzip_ops = {"gzip", gzip_read, gzip_write, gzip_flush, gzip_close};

/* --- opening --- */

static bool step_error(const struct gzip_image *g, enum step step, struct error *err)
{
    if (step == STEP_HOST)
        return error_set(err, "image '%s' cannot be read: %s", g->path, strerror(errno));
    return error_set(err, "image '%s': its compressed data are %s; fetch it again", g->path,
                     step == STEP_TRUNCATED ? "cut off" : "damaged");
}

/* What is packed must be sectors, not another container. */
static bool check_head(const struct gzip_image *g, const uint8_t *head, uint64_t len,
                       struct error *err)
{
    const char *format = image_probe(head, len < IMAGE_HEAD ? len : IMAGE_HEAD);

    if (!strcmp(format, "raw"))
        return true;
    return error_set(err, "image '%s' holds a packed %s image; unpack it by gunzip", g->path,
                     format);
}

/* Read it all once. */
static bool build_index(struct gzip_image *g, struct error *err)
{
    uint8_t *out = malloc(CHUNK);
    enum step step = STEP_MORE;
    bool ok = out != NULL;
    uint64_t got;

    g->distance = POINT;
    if (!ok || inflateInit2(&g->now.z, 15 + 16) != Z_OK) {
        free(out);
        return error_set(err, "out of memory for image '%s'", g->path);
    }
    g->now_valid = true;
    while (ok && step == STEP_MORE) {
        bool due = !g->count || g->now.out - g->points[g->count - 1].out >= g->distance;
        bool first = g->now.out == 0;

        if (due && !add_point(g)) {
            ok = error_set(err, "out of memory for image '%s'", g->path);
            break;
        }
        step = unpack(g, out, CHUNK, &got);
        if (step > STEP_END)
            ok = step_error(g, step, err);
        else if (first)
            ok = check_head(g, out, got, err);
    }
    g->bytes = g->now.out;
    free(out);
    if (ok && !g->bytes)
        return error_set(err, "image '%s' is empty when unpacked", g->path);
    return ok;
}

struct image *image_gzip_new(const struct image_file *file, const struct image_request *request,
                             struct error *err)
{
    struct gzip_image *g;

    if (request->writable) {
        error_set(err,
                  "image '%s' is packed by gzip and cannot be written; use -snapshot, or "
                  "unpack it by gunzip",
                  request->path);
        return NULL;
    }
    g = calloc(1, sizeof *g);
    if (g) {
        g->path = strdup(request->path);
        g->points = calloc(MOST_POINTS, sizeof *g->points);
        g->input = malloc(INPUT);
    }
    if (!g || !g->path || !g->points || !g->input) {
        error_set(err, "out of memory for image '%s'", request->path);
        if (g)
            release(g);
        return NULL;
    }
    for (int i = 0; i < CHUNKS; i++)
        g->cache[i].index = UINT64_MAX;
    g->file = *file;
    g->log = request->log;
    g->image.ops = &gzip_ops;
    if (!build_index(g, err)) {
        release(g);
        return NULL;
    }
    g->image.sectors = (g->bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    return &g->image;
}
