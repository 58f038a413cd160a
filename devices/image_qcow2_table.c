/* qcow2: from guest clusters to clusters of the file ("Cluster mapping"). */
#include "devices/image_qcow2.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static uint64_t per_table(const struct qcow2 *q)
{
    return q->cluster / 8;
}

static uint64_t get_entry(const struct qcow2_cached *table, uint64_t i)
{
    uint64_t v;

    memcpy(&v, table->data + i * 8, 8);
    return be64toh(v);
}

static void put_entry(struct qcow2_cached *table, uint64_t i, uint64_t v)
{
    v = htobe64(v);
    memcpy(table->data + i * 8, &v, 8);
}

/* The L2 table that L1 entry INDEX names, from the cache or the file.  *ABSENT when it names
 * none; NULL otherwise means an error. */
static struct qcow2_cached *load_table(struct qcow2 *q, uint64_t index, bool *absent)
{
    uint64_t offset = q->l1[index] & ENTRY_OFFSET;
    struct qcow2_cached *t;

    *absent = offset == 0;
    if (offset == 0)
        return NULL;
    t = qcow2_slot(q, &q->l2, index);
    if (!t || t->index == index)
        return t;
    if (offset % q->cluster || !qcow2_in_file(q, offset, q->cluster)) {
        qcow2_damage(q, "L2 table %llu is not in the file", (unsigned long long)index);
        return NULL;
    }
    t->index = UINT64_MAX;
    if (!image_file_read(&q->file, t->data, q->cluster, offset))
        return NULL;
    t->index = index;
    t->offset = offset;
    return t;
}

static enum qcow2_kind kind_of(uint64_t entry)
{
    if (entry & ENTRY_COMPRESSED)
        return CLUSTER_COMPRESSED;
    if (entry & ENTRY_ZERO)
        return CLUSTER_ZERO;
    return entry & ENTRY_OFFSET ? CLUSTER_DATA : CLUSTER_ABSENT;
}

/* Entry I of table T goes on, N clusters later, where FIRST began. */
static bool goes_on(const struct qcow2 *q, const struct qcow2_mapping *first, uint64_t entry,
                    uint32_t n)
{
    if (kind_of(entry) != first->kind || first->kind == CLUSTER_COMPRESSED)
        return false;
    if (first->kind != CLUSTER_DATA)
        return true;
    return (entry & ENTRY_OFFSET) == first->offset + n * q->cluster &&
           !!(entry & ENTRY_COPIED) == first->in_place;
}

bool qcow2_map(struct qcow2 *q, uint64_t index, uint32_t most, struct qcow2_mapping *m)
{
    uint64_t i = index % per_table(q), left = per_table(q) - i;
    struct qcow2_cached *t;
    bool absent;

    if (most > left)
        most = (uint32_t)left;
    memset(m, 0, sizeof *m);
    m->count = most;
    t = load_table(q, index / per_table(q), &absent);
    if (!t)
        return absent;
    m->entry = get_entry(t, i);
    m->kind = kind_of(m->entry);
    if (m->kind == CLUSTER_ZERO && q->h.version < 3)
        return qcow2_damage(q, "a zero cluster in a version 2 image");
    if (m->kind == CLUSTER_ZERO || m->kind == CLUSTER_DATA) {
        m->offset = m->entry & ENTRY_OFFSET;
        if (m->offset % q->cluster)
            return qcow2_damage(q, "cluster %llu begins within a cluster of the file",
                                (unsigned long long)index);
    }
    m->in_place = m->kind == CLUSTER_DATA && m->entry & ENTRY_COPIED;
    for (m->count = 1; m->count < most; m->count++)
        if (!goes_on(q, m, get_entry(t, i + m->count), m->count))
            break;
    return true;
}

/* Write L1 entry INDEX. */
static bool set_l1(struct qcow2 *q, uint64_t index, uint64_t entry)
{
    uint64_t v = htobe64(entry);

    if (!qcow2_pwrite(q, &v, 8, q->h.l1_offset + index * 8))
        return qcow2_table_failed(q);
    q->l1[index] = entry;
    return true;
}

bool qcow2_prepare_table(struct qcow2 *q, uint64_t index)
{
    uint64_t l1 = index / per_table(q), old = q->l1[l1], offset;
    struct qcow2_cached *t;
    bool absent;

    t = load_table(q, l1, &absent);
    if (!t && !absent)
        return false;
    if (t && old & ENTRY_COPIED)
        return true;
    if (!t) {
        t = qcow2_slot(q, &q->l2, l1);
        if (!t)
            return false;
        memset(t->data, 0, q->cluster);
    }
    /* A copy of it, of our own; nothing else touches the slot meanwhile. */
    t->index = UINT64_MAX;
    if (!qcow2_allocate(q, 1, &offset))
        return false;
    if (!qcow2_pwrite(q, t->data, q->cluster, offset) || !qcow2_barrier(q)) {
        qcow2_unallocate(q, offset, 1);
        return false;
    }
    if (!qcow2_mark_metadata(q, offset, q->cluster) || !set_l1(q, l1, offset | ENTRY_COPIED))
        return false;
    t->index = l1;
    t->offset = offset;
    old &= ENTRY_OFFSET;
    if (!old)
        return true;
    qcow2_unmark_metadata(q, old, q->cluster);
    return qcow2_release(q, old, q->cluster);
}

void qcow2_compressed(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len)
{
    unsigned shift = 62 - (q->h.cluster_bits - 8);
    uint64_t sectors = (entry & (ENTRY_COMPRESSED - 1)) >> shift;

    *offset = entry & ((1ull << shift) - 1);
    *len = (sectors + 1) * 512 - *offset % 512;
}

/* The cluster that entry OLD named has lost that reference. */
static bool release_entry(struct qcow2 *q, uint64_t old)
{
    uint64_t offset, len;

    switch (kind_of(old)) {
    case CLUSTER_COMPRESSED:
        qcow2_compressed(q, old, &offset, &len);
        q->inflated_entry = 0;
        return qcow2_release(q, offset, len);
    case CLUSTER_DATA:
    case CLUSTER_ZERO:
        offset = old & ENTRY_OFFSET;
        return !offset || qcow2_release(q, offset, q->cluster);
    default:
        return true;
    }
}

bool qcow2_link(struct qcow2 *q, uint64_t index, uint64_t offset, uint32_t count)
{
    uint64_t i = index % per_table(q);
    struct qcow2_cached *t;
    bool absent, ok = true;
    uint64_t old[64];

    while (count && ok) {
        uint32_t n = count < 64 ? count : 64;

        t = load_table(q, index / per_table(q), &absent);
        if (!t)
            return false;
        for (uint32_t k = 0; k < n; k++) {
            old[k] = get_entry(t, i + k);
            put_entry(t, i + k, (offset + k * q->cluster) | ENTRY_COPIED);
        }
        if (!qcow2_pwrite(q, t->data + i * 8, n * 8ull, t->offset + i * 8)) {
            t->index = UINT64_MAX; /* what the file holds now is unknown */
            return qcow2_table_failed(q);
        }
        for (uint32_t k = 0; k < n; k++)
            ok &= release_entry(q, old[k]);
        i += n;
        offset += n * q->cluster;
        count -= n;
    }
    return ok;
}
