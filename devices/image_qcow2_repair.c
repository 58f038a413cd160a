/* qcow2: counting references again.
 *
 * An image whose dirty bit is set was being written with reference counts that lag behind.  All
 * that refers to clusters is right, though, so the counts can be had from there.  What points out
 * of the file is more than that: such an image is left alone. */
#include "devices/image_qcow2.h"

#include "ringer/error.h"
#include "ringer/log.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How much of L2 tables is read at most: 16 GiB of them map more than a host's files hold, but
 * a hostile image may name one table over and over. */
static const uint64_t most_read = 16ull << 30;

struct recount {
    struct qcow2 *q;
    uint16_t *counts;
    uint64_t clusters; /* in the file */
    uint64_t read;
    struct error *err;
};

/* One reference more to all clusters that LEN bytes at OFFSET touch. */
static bool count(struct recount *r, uint64_t offset, uint64_t len, const char *what)
{
    unsigned bits = r->q->h.cluster_bits;
    uint64_t last = (offset + len - 1) >> bits;

    if (last >= r->clusters)
        return qcow2_header_error(r->q, r->err, "%s at offset %llu is not in the file", what,
                                  (unsigned long long)offset);
    for (uint64_t i = offset >> bits; i <= last; i++) {
        if (r->counts[i] == UINT16_MAX)
            return qcow2_header_error(r->q, r->err, "cluster %llu of the file is used too often",
                                      (unsigned long long)i);
        r->counts[i]++;
    }
    return true;
}

static bool count_entry(struct recount *r, uint64_t entry)
{
    uint64_t offset = entry & ENTRY_OFFSET, len = r->q->cluster;

    if (entry & ENTRY_COMPRESSED)
        qcow2_compressed(r->q, entry, &offset, &len);
    else if (!offset)
        return true;
    else if (offset % r->q->cluster)
        return qcow2_header_error(r->q, r->err, "a cluster begins within a cluster of the file");
    return count(r, offset, len, "data");
}

static bool count_table(struct recount *r, uint64_t offset)
{
    struct qcow2 *q = r->q;
    uint64_t entry;

    if (!count(r, offset, q->cluster, "an L2 table"))
        return false;
    r->read += q->cluster;
    if (r->read > most_read)
        return qcow2_header_error(q, r->err, "its tables are too large");
    if (!qcow2_in_file(q, offset, q->cluster) ||
        !image_file_read(&q->file, q->bounce, q->cluster, offset))
        return qcow2_header_error(q, r->err, "an L2 table cannot be read");
    for (uint64_t i = 0; i < q->cluster / 8; i++) {
        memcpy(&entry, q->bounce + i * 8, 8);
        if (entry && !count_entry(r, be64toh(entry)))
            return false;
    }
    return true;
}

/* An L1 table's own clusters and all below it; L1 in host byte order. */
static bool count_l1(struct recount *r, uint64_t offset, const uint64_t *l1, uint32_t entries)
{
    if (entries && !count(r, offset, (uint64_t)entries * 8, "an L1 table"))
        return false;
    for (uint32_t i = 0; i < entries; i++)
        if (l1[i] & ENTRY_OFFSET && !count_table(r, l1[i] & ENTRY_OFFSET))
            return false;
    return true;
}

static bool count_snapshot(struct recount *r, const struct qcow2_snapshot *s)
{
    uint64_t len = (uint64_t)s->l1_entries * 8;
    uint64_t *l1;
    bool ok;

    if (!s->l1_entries)
        return true;
    l1 = malloc(len);
    if (!l1)
        return error_set(r->err, "out of memory for image '%s'", r->q->path);
    if (!qcow2_in_file(r->q, s->l1_offset, len) ||
        !image_file_read(&r->q->file, l1, len, s->l1_offset)) {
        free(l1);
        return qcow2_header_error(r->q, r->err, "a snapshot's L1 table cannot be read");
    }
    for (uint32_t i = 0; i < s->l1_entries; i++)
        l1[i] = be64toh(l1[i]);
    ok = count_l1(r, s->l1_offset, l1, s->l1_entries);
    free(l1);
    return ok;
}

static bool count_snapshots(struct recount *r)
{
    struct qcow2 *q = r->q;
    struct qcow2_snapshot *list;
    uint64_t bytes;
    bool ok;

    if (!q->h.snapshots)
        return true;
    if (!qcow2_snapshots(q, &list, &bytes, r->err))
        return false;
    ok = count(r, q->h.snapshots_offset, bytes, "the snapshot table");
    for (uint32_t i = 0; ok && i < q->h.snapshots; i++)
        ok = count_snapshot(r, &list[i]);
    free(list);
    return ok;
}

static bool count_all(struct recount *r)
{
    struct qcow2 *q = r->q;

    if (!count(r, 0, q->cluster, "the header") ||
        !count(r, q->h.table_offset, (uint64_t)q->h.table_clusters << q->h.cluster_bits,
               "the reference count table"))
        return false;
    for (uint64_t i = 0; i < q->table_entries; i++)
        if (q->table[i] && !count(r, q->table[i], q->cluster, "a reference count block"))
            return false;
    return count_l1(r, q->h.l1_offset, q->l1, q->h.l1_entries) && count_snapshots(r);
}

/* Bring the counts of the file in line.  A table that grows on the way changes what is expected
 * of clusters gone by: then once more. */
static bool correct(struct recount *r)
{
    uint64_t changed = 0;

    for (uint64_t i = 0; i < r->clusters; i++) {
        uint64_t is;

        if (!qcow2_refcount_get(r->q, i, &is))
            return false;
        if (is == r->counts[i])
            continue;
        if (!qcow2_refcount_set(r->q, i, 1, r->counts[i]))
            return false;
        changed++;
    }
    log_write(r->q->log, LOG_IO, "image '%s': counted again, %llu counts corrected", r->q->path,
              (unsigned long long)changed);
    return true;
}

static bool write_back(struct recount *r)
{
    struct qcow2 *q = r->q;
    bool ok;

    q->expected = r->counts;
    q->expected_clusters = r->clusters;
    ok = correct(r) && image_file_sync(&q->file);
    q->expected = NULL;
    q->expected_clusters = 0;
    if (ok) {
        q->h.incompatible &= ~(uint64_t)INCOMPATIBLE_DIRTY;
        ok = qcow2_write_features(q) && image_file_sync(&q->file);
    }
    return ok || error_set(r->err,
                           "image '%s' was not closed properly and cannot be put right (%s); see "
                           "'qemu-img check -r all'",
                           q->path, strerror(errno));
}

bool qcow2_repair(struct qcow2 *q, struct error *err)
{
    struct recount r = {.q = q, .err = err};
    bool ok;

    if (q->h.has_bitmaps)
        return error_set(err,
                         "image '%s' was not closed properly and holds bitmaps; repair it with "
                         "'qemu-img check -r all'",
                         q->path);
    r.clusters = qcow2_round_up(q, q->file.bytes) >> q->h.cluster_bits;
    r.counts = r.clusters < 1ull << 30 ? calloc(r.clusters, sizeof *r.counts) : NULL;
    if (!r.counts)
        return error_set(err,
                         "out of memory for image '%s'; repair it with 'qemu-img check -r "
                         "all'",
                         q->path);
    ok = count_all(&r) && write_back(&r);
    free(r.counts);
    return ok;
}
