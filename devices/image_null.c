/* QEMU's null-co: a disk that reads as zeros and forgets what is written, to measure with.  It is
 * named null-co:// (1 GiB) or null-co://BYTES. */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "null-co://";

static bool null_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    (void)image;
    (void)lba;
    memset(data, 0, (size_t)count * SECTOR_SIZE);
    return true;
}

static bool null_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    (void)image;
    (void)lba;
    (void)data;
    (void)count;
    return true;
}

static bool null_flush(struct image *image)
{
    (void)image;
    return true;
}

static void null_close(struct image *image)
{
    free(image);
}

static const struct image_ops null_ops = {"null-co", null_read, null_write, null_flush, null_close};

bool image_is_null(const char *name)
{
    return !strncmp(name, scheme, sizeof scheme - 1);
}

struct image *image_null_open(const struct image_request *request, struct error *err)
{
    const char *size = request->path + sizeof scheme - 1;
    char *end = NULL;
    uint64_t bytes = *size ? strtoull(size, &end, 10) : 1ull << 30;
    struct image *image = NULL;

    if ((*size && (*end || *size == '-')) || bytes < SECTOR_SIZE || bytes > 1ull << 50)
        error_set(err, "image '%s': it is null-co:// or null-co://BYTES, 512 to 1 PiB",
                  request->path);
    else if (request->format && strcmp(request->format, "raw") != 0)
        error_set(err, "image '%s' is no %s image: it has no content", request->path,
                  request->format);
    else if (!(image = calloc(1, sizeof *image)))
        error_set(err, "out of memory for image '%s'", request->path);
    else
        *image = (struct image){&null_ops, bytes / SECTOR_SIZE};
    return image;
}
