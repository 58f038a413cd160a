/* Raw images: the sectors of the disk, one after the other, in a file or a host block device. */
#include "devices/image.h"

#include "devices/block.h"
#include "ringer/error.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct raw_image {
    struct image image;
    struct image_file file; /* its last sector may be partial */
};

static bool raw_read(struct image *image, uint64_t lba, void *data, uint32_t count)
{
    struct raw_image *raw = (struct raw_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    if (offset + len > raw->file.bytes) { /* the padding of a partial last sector */
        uint64_t there = raw->file.bytes - offset;

        memset((uint8_t *)data + there, 0, len - there);
        len = there;
    }
    return image_pread(raw->file.fd, data, len, offset);
}

static bool raw_write(struct image *image, uint64_t lba, const void *data, uint32_t count)
{
    struct raw_image *raw = (struct raw_image *)image;
    uint64_t offset = lba * SECTOR_SIZE, len = (uint64_t)count * SECTOR_SIZE;

    if (!image_pwrite(raw->file.fd, data, len, offset))
        return false;
    if (offset + len > raw->file.bytes) /* a partial last sector has become a whole one */
        raw->file.bytes = offset + len;
    return true;
}

static bool raw_flush(struct image *image)
{
    return image_file_sync(&((struct raw_image *)image)->file);
}

static void raw_close(struct image *image)
{
    struct raw_image *raw = (struct raw_image *)image;

    image_file_close(&raw->file);
    free(raw);
}

static const struct image_ops raw_ops = {"raw", raw_read, raw_write, raw_flush, raw_close};

struct image *image_raw_new(const struct image_file *file, struct error *err)
{
    struct raw_image *raw = calloc(1, sizeof *raw);

    if (!raw) {
        error_set(err, "out of memory for an image");
        return NULL;
    }
    raw->file = *file;
    raw->image.ops = &raw_ops;
    raw->image.sectors = (file->bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    return &raw->image;
}
