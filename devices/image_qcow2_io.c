/* qcow2: reading and writing guest data. */
#include "devices/image_qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- reading --- */

/* Data of the file; what a last cluster lacks is zeros. */
static bool read_data(struct qcow2 *q, uint64_t at, void *data, uint64_t len)
{
    uint64_t there = at < q->file.bytes ? q->file.bytes - at : 0;

    if ((at & ~(q->cluster - 1)) >= q->file.bytes)
        return qcow2_damage(q, "data at offset %llu is not in the file", (unsigned long long)at);
    if (there > len)
        there = len;
    memset((uint8_t *)data + there, 0, len - there);
    return image_file_read(&q->file, data, there, at);
}

/* What no table names comes from the backing file, as far as that goes. */
static bool read_backing(struct qcow2 *q, uint64_t offset, uint8_t *data, uint64_t len)
{
    uint64_t lba = offset / SECTOR_SIZE, count = len / SECTOR_SIZE, there = 0;

    if (q->backing && lba < q->backing->sectors)
        there = q->backing->sectors - lba;
    if (there > count)
        there = count;
    memset(data + there * SECTOR_SIZE, 0, len - there * SECTOR_SIZE);
    return !there || q->backing->ops->read(q->backing, lba, data, (uint32_t)there);
}

/* Have the compressed cluster of ENTRY in q->inflated. */
static bool load_compressed(struct qcow2 *q, uint64_t entry)
{
    uint8_t packed[16 * 512], *p = packed;
    uint64_t offset, len;
    bool ok;

    if (q->inflated_entry == entry)
        return true;
    q->inflated_entry = 0;
    qcow2_compressed(q, entry, &offset, &len);
    if (offset >= q->file.bytes)
        return qcow2_damage(q, "a compressed cluster is not in the file");
    if (len > q->file.bytes - offset) /* the length is in whole sectors, the file may be not */
        len = q->file.bytes - offset;
    if (len > sizeof packed)
        p = malloc(len);
    if (!p) {
        errno = ENOMEM;
        return false;
    }
    ok = image_file_read(&q->file, p, len, offset) && qcow2_unpack(q, p, len);
    if (p != packed)
        free(p);
    if (ok)
        q->inflated_entry = entry;
    return ok;
}

static bool read_mapping(struct qcow2 *q, const struct qcow2_mapping *m, uint64_t offset,
                         void *data, uint64_t len)
{
    uint64_t within = offset & (q->cluster - 1);

    switch (m->kind) {
    case CLUSTER_ABSENT:
        return read_backing(q, offset, data, len);
    case CLUSTER_DATA:
        return read_data(q, m->offset + within, data, len);
    case CLUSTER_COMPRESSED:
        if (!load_compressed(q, m->entry))
            return false;
        memcpy(data, q->inflated + within, len);
        return true;
    case CLUSTER_ZERO:
        break;
    }
    memset(data, 0, len);
    return true;
}

/* How many clusters LEN bytes at OFFSET touch, as many as a mapping can count. */
static uint32_t clusters_touched(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t within = offset & (q->cluster - 1);
    uint64_t n = (within + len + q->cluster - 1) >> q->h.cluster_bits;

    return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* As many of LEN bytes at OFFSET as COUNT clusters hold. */
static uint64_t bytes_of(const struct qcow2 *q, uint64_t offset, uint64_t len, uint32_t count)
{
    uint64_t held = ((uint64_t)count << q->h.cluster_bits) - (offset & (q->cluster - 1));

    return len < held ? len : held;
}

bool qcow2_read_bytes(struct qcow2 *q, uint64_t offset, void *data, uint64_t len)
{
    uint8_t *p = data;

    while (len) {
        struct qcow2_mapping m;
        uint64_t n;

        if (!qcow2_map(q, offset >> q->h.cluster_bits, clusters_touched(q, offset, len), &m))
            return false;
        n = bytes_of(q, offset, len, m.count);
        if (!read_mapping(q, &m, offset, p, n))
            return false;
        p += n;
        offset += n;
        len -= n;
    }
    return true;
}

/* --- writing --- */

/* Before the first change: what this program does not keep up to date is marked as stale
 * ("Autoclear features"), and what it keeps up to date late, as dirty. */
static bool announce(struct qcow2 *q)
{
    struct qcow2_header was = q->h;

    if (q->modified)
        return true;
    q->h.autoclear = 0;
    if (q->h.version >= 3 && q->h.compatible & COMPATIBLE_LAZY)
        q->h.incompatible |= INCOMPATIBLE_DIRTY;
    if (q->h.autoclear != was.autoclear || q->h.incompatible != was.incompatible) {
        if (!qcow2_write_features(q) || !image_file_sync(&q->file)) {
            q->h = was;
            return false;
        }
    }
    q->modified = true;
    return true;
}

static bool write_in_place(struct qcow2 *q, const struct qcow2_mapping *m, uint64_t offset,
                           const void *data, uint64_t len)
{
    uint64_t at = m->offset + (offset & (q->cluster - 1));

    if (m->offset >= q->file.bytes)
        return qcow2_damage(q, "data at offset %llu is not in the file", (unsigned long long)at);
    if (qcow2_is_metadata(q, at, len))
        return qcow2_break(q, "data at offset %llu is also a table", (unsigned long long)at);
    return qcow2_pwrite(q, data, len, at);
}

/* Part of the one cluster M, or all of it: a new cluster with the rest of the old one's data. */
static bool write_partial(struct qcow2 *q, const struct qcow2_mapping *m, uint64_t offset,
                          const void *data, uint64_t len)
{
    uint64_t start = offset & ~(q->cluster - 1), at, valid = q->image.sectors * SECTOR_SIZE - start;

    if (valid > q->cluster)
        valid = q->cluster;
    memset(q->bounce + valid, 0, q->cluster - valid);
    if (!read_mapping(q, m, start, q->bounce, valid))
        return false;
    memcpy(q->bounce + (offset - start), data, len);
    if (!qcow2_allocate(q, 1, &at))
        return false;
    if (!qcow2_pwrite(q, q->bounce, q->cluster, at)) {
        qcow2_unallocate(q, at, 1);
        return false;
    }
    return qcow2_link(q, offset >> q->h.cluster_bits, at, 1);
}

/* Whole clusters, as many of COUNT as lie together in the file: *DONE bytes. */
static bool write_whole(struct qcow2 *q, uint32_t count, uint64_t offset, const void *data,
                        uint64_t *done)
{
    uint64_t at;
    uint32_t n = qcow2_allocate(q, count, &at);

    if (!n)
        return false;
    *done = (uint64_t)n << q->h.cluster_bits;
    if (!qcow2_pwrite(q, data, *done, at)) {
        qcow2_unallocate(q, at, n);
        return false;
    }
    return qcow2_link(q, offset >> q->h.cluster_bits, at, n);
}

/* As many of LEN bytes as go in one step. */
static bool write_some(struct qcow2 *q, uint64_t offset, const void *data, uint64_t len,
                       uint64_t *done)
{
    uint64_t index = offset >> q->h.cluster_bits;
    struct qcow2_mapping m;

    if (!qcow2_map(q, index, clusters_touched(q, offset, len), &m))
        return false;
    *done = bytes_of(q, offset, len, m.count);
    if (m.in_place)
        return write_in_place(q, &m, offset, data, *done);
    if (!qcow2_prepare_table(q, index))
        return false;
    if (offset & (q->cluster - 1) || *done < q->cluster) {
        *done = bytes_of(q, offset, len, 1);
        return write_partial(q, &m, offset, data, *done);
    }
    return write_whole(q, (uint32_t)(*done >> q->h.cluster_bits), offset, data, done);
}

bool qcow2_write_bytes(struct qcow2 *q, uint64_t offset, const void *data, uint64_t len)
{
    const uint8_t *p = data;

    if (q->broken || !announce(q)) {
        if (q->broken)
            errno = EIO;
        return false;
    }
    while (len) {
        uint64_t n;

        if (!write_some(q, offset, p, len, &n))
            return false;
        p += n;
        offset += n;
        len -= n;
    }
    return true;
}
