/* qcow2: which clusters of the file hold tables.  Guest data is never written there, whatever the
 * tables of a damaged or hostile image say. */
#include "devices/image_qcow2.h"

#include "ringer/error.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_SNAPSHOT_BYTES = 64 << 20,
    SNAPSHOT_HEADER = 40,
    MOST_EXTRA = 1024,
};

static bool is_marked(const struct qcow2 *q, uint64_t cluster)
{
    return cluster < q->metadata_clusters && q->metadata[cluster / 8] >> (cluster % 8) & 1;
}

bool qcow2_is_metadata(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t last = (offset + len - 1) >> q->h.cluster_bits;

    for (uint64_t i = offset >> q->h.cluster_bits; i <= last; i++)
        if (is_marked(q, i))
            return true;
    return false;
}

/* Have bits for CLUSTERS clusters. */
static bool make_room(struct qcow2 *q, uint64_t clusters)
{
    uint64_t bytes = clusters / 8 + 1, old = q->metadata_clusters / 8;
    uint8_t *bits;

    if (clusters <= q->metadata_clusters)
        return true;
    bytes += bytes / 4;
    bits = realloc(q->metadata, bytes);
    if (!bits) {
        errno = ENOMEM;
        return false;
    }
    memset(bits + old, 0, bytes - old);
    q->metadata = bits;
    q->metadata_clusters = bytes * 8;
    return true;
}

bool qcow2_mark_metadata(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t last = (offset + len - 1) >> q->h.cluster_bits;

    if (!make_room(q, last + 1))
        return false;
    if (qcow2_is_metadata(q, offset, len))
        return qcow2_break(q, "tables overlap at offset %llu", (unsigned long long)offset);
    for (uint64_t i = offset >> q->h.cluster_bits; i <= last; i++)
        q->metadata[i / 8] |= (uint8_t)(1u << (i % 8));
    return true;
}

void qcow2_unmark_metadata(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t last = (offset + len - 1) >> q->h.cluster_bits;

    for (uint64_t i = offset >> q->h.cluster_bits; i <= last && i < q->metadata_clusters; i++)
        q->metadata[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

/* --- marking what is there --- */

static bool mark(struct qcow2 *q, uint64_t offset, uint64_t len, const char *what,
                 struct error *err)
{
    if (offset % q->cluster || !qcow2_in_file(q, offset, len))
        return qcow2_header_error(q, err, "%s at offset %llu is not in the file", what,
                                  (unsigned long long)offset);
    if (qcow2_is_metadata(q, offset, len))
        return qcow2_header_error(q, err, "%s at offset %llu overlaps another table", what,
                                  (unsigned long long)offset);
    if (!qcow2_mark_metadata(q, offset, len))
        return error_set(err, "out of memory for image '%s'", q->path);
    return true;
}

static bool mark_snapshots(struct qcow2 *q, struct error *err)
{
    struct qcow2_snapshot *list;
    uint64_t bytes;
    bool ok = true;

    if (!q->h.snapshots)
        return true;
    if (!qcow2_snapshots(q, &list, &bytes, err))
        return false;
    ok = mark(q, q->h.snapshots_offset, bytes, "the snapshot table", err);
    for (uint32_t i = 0; ok && i < q->h.snapshots; i++)
        if (list[i].l1_entries)
            ok = mark(q, list[i].l1_offset, (uint64_t)list[i].l1_entries * 8,
                      "a snapshot's L1 table", err);
    free(list);
    return ok;
}

bool qcow2_mark_all(struct qcow2 *q, struct error *err)
{
    uint64_t table_bytes = (uint64_t)q->h.table_clusters << q->h.cluster_bits;

    if (!make_room(q, (q->file.bytes >> q->h.cluster_bits) + 1))
        return error_set(err, "out of memory for image '%s'", q->path);
    if (!qcow2_mark_metadata(q, 0, q->cluster) ||
        !mark(q, q->h.l1_offset, (uint64_t)q->h.l1_entries * 8, "the L1 table", err) ||
        !mark(q, q->h.table_offset, table_bytes, "the reference count table", err) ||
        !mark_snapshots(q, err))
        return false;
    for (uint64_t i = 0; i < q->table_entries; i++)
        if (q->table[i] && !mark(q, q->table[i], q->cluster, "a reference count block", err))
            return false;
    for (uint32_t i = 0; i < q->h.l1_entries; i++)
        if (q->l1[i] & ENTRY_OFFSET &&
            !mark(q, q->l1[i] & ENTRY_OFFSET, q->cluster, "an L2 table", err))
            return false;
    return true;
}

/* --- the snapshot table --- */

static bool read_snapshot(struct qcow2 *q, uint64_t *at, struct qcow2_snapshot *s)
{
    uint8_t head[SNAPSHOT_HEADER];
    uint16_t id_len, name_len;
    uint32_t entries, extra;

    if (!qcow2_in_file(q, *at, sizeof head) || !image_file_read(&q->file, head, sizeof head, *at))
        return false;
    memcpy(&s->l1_offset, head, 8);
    memcpy(&entries, head + 8, 4);
    memcpy(&id_len, head + 12, 2);
    memcpy(&name_len, head + 14, 2);
    memcpy(&extra, head + 36, 4);
    s->l1_offset = be64toh(s->l1_offset);
    s->l1_entries = be32toh(entries);
    if (be32toh(extra) > MOST_EXTRA || s->l1_entries > 4u << 20 ||
        s->l1_offset >= QCOW2_OFFSET_LIMIT)
        return false;
    *at += sizeof head + be32toh(extra) + be16toh(id_len) + be16toh(name_len);
    return true;
}

bool qcow2_snapshots(struct qcow2 *q, struct qcow2_snapshot **list, uint64_t *bytes,
                     struct error *err)
{
    uint64_t at = q->h.snapshots_offset;

    *list = calloc(q->h.snapshots + 1u, sizeof **list);
    if (!*list)
        return error_set(err, "out of memory for image '%s'", q->path);
    for (uint32_t i = 0; i < q->h.snapshots; i++) {
        at = (at + 7) & ~7ull; /* each begins at a multiple of 8 */
        if (!read_snapshot(q, &at, &(*list)[i]) ||
            at - q->h.snapshots_offset > MOST_SNAPSHOT_BYTES) {
            free(*list);
            *list = NULL;
            return qcow2_header_error(q, err, "its snapshot table cannot be read");
        }
    }
    *bytes = at - q->h.snapshots_offset;
    if (qcow2_in_file(q, q->h.snapshots_offset, *bytes))
        return true;
    free(*list);
    *list = NULL;
    return qcow2_header_error(q, err, "its snapshot table is not in the file");
}
