/* The beginning of what an image holds, for telling what that is (bios/identify.c). */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include <errno.h>
#include <string.h>
#include <zlib.h>

enum { PEEK_COUNTED = 4 << 20 /* no floppy is larger: what is packed is counted so far */ };

/* Unpack the beginning alone: a CD takes seconds. */
static bool peek_packed(const char *path, struct image_peek *p, struct error *err)
{
    uint8_t rest[4096];
    gzFile f = gzopen(path, "rbe");
    int n = f ? gzread(f, p->data, sizeof p->data) : -1;

    p->len = n > 0 ? (uint32_t)n : 0;
    p->bytes = p->len;
    while (n > 0 && p->bytes < PEEK_COUNTED && (n = gzread(f, rest, sizeof rest)) > 0)
        p->bytes += (uint32_t)n;
    if (n >= 0 && gzclose(f) != Z_BUF_ERROR)
        return true;
    if (n < 0 && f)
        gzclose(f);
    return error_set(err, "image '%s': its compressed data are damaged; fetch it again", path);
}

static bool peek_block(const char *path, struct image_peek *p, struct error *err)
{
    const struct block_options options = {.readonly = true};
    struct block *b = block_open(path, &options, NULL, err);
    uint64_t sectors = b ? block_sectors(b) : 0;
    uint32_t n = sizeof p->data / SECTOR_SIZE;
    bool ok = b != NULL;

    if (n > sectors)
        n = (uint32_t)sectors;
    p->len = n * SECTOR_SIZE;
    p->bytes = sectors * SECTOR_SIZE;
    if (ok && !block_read(b, 0, p->data, n))
        ok = error_set(err, "image '%s' cannot be read: %s", path, strerror(errno));
    block_close(b);
    return ok;
}

static bool peek_file(const char *path, struct image_peek *p, struct error *err)
{
    const struct image_request request = {.path = path};
    struct image_file file;
    bool ok;

    if (!image_file_open(&file, &request, err))
        return false;
    p->bytes = file.bytes;
    p->len = file.bytes < sizeof p->data ? (uint32_t)file.bytes : (uint32_t)sizeof p->data;
    ok = image_pread(file.fd, p->data, p->len, 0);
    if (!ok)
        error_set(err, "image '%s' cannot be read: %s", path, strerror(errno));
    image_file_close(&file);
    return ok;
}

bool image_peek(const char *path, struct image_peek *p, struct error *err)
{
    const char *format;

    if (!image_plain_name(&path, err) || !peek_file(path, p, err))
        return false;
    format = image_probe(p->data, p->len < IMAGE_HEAD ? p->len : IMAGE_HEAD);
    p->raw = !strcmp(format, "raw");
    p->disk = !p->raw && strcmp(format, "gzip") != 0;
    if (p->raw)
        return true;
    return p->disk ? peek_block(path, p, err) : peek_packed(path, p, err);
}
