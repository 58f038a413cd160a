/* qcow2: reference counts and the allocation of clusters ("Reference count table").
 *
 * A count is found through the table, kept in memory, and a block of counts.  A range of the file
 * whose block does not exist holds free clusters only; the block that it needs is then made in
 * the range's own first free cluster, so that it counts itself. */
#include "devices/image_qcow2.h"

#include "ringer/error.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESERVE_BYTES = 16 << 20,
    MOST_RESERVE = 1024,  /* clusters */
    MOST_TABLE = 8 << 20, /* bytes of reference count table, as others accept it */
};

/* --- one count --- */

static uint64_t per_block(const struct qcow2 *q)
{
    return 1ull << q->block_bits;
}

static uint64_t get_count(const struct qcow2 *q, const uint8_t *block, uint64_t i)
{
    unsigned order = q->h.refcount_order, bits = 1u << order;
    uint64_t v = 0;

    if (order < 3) {
        i <<= order;
        return block[i / 8] >> (i % 8) & ((1u << bits) - 1);
    }
    for (unsigned k = 0; k < bits / 8; k++)
        v = v << 8 | block[i * (bits / 8) + k];
    return v;
}

static void put_count(const struct qcow2 *q, uint8_t *block, uint64_t i, uint64_t v)
{
    unsigned order = q->h.refcount_order, bits = 1u << order;

    if (order < 3) {
        unsigned mask = (1u << bits) - 1;
        uint8_t *byte;

        i <<= order;
        byte = &block[i / 8];
        *byte = (uint8_t)((*byte & ~(mask << (i % 8))) | (v & mask) << (i % 8));
        return;
    }
    for (unsigned k = bits / 8; k-- > 0; v >>= 8)
        block[i * (bits / 8) + k] = (uint8_t)v;
}

static bool fits(const struct qcow2 *q, uint64_t v)
{
    return q->h.refcount_order >= 6 || v >> (1u << q->h.refcount_order) == 0;
}

/* --- blocks --- */

/* Block INDEX, which exists. */
static struct qcow2_cached *load_block(struct qcow2 *q, uint64_t index)
{
    struct qcow2_cached *b = qcow2_slot(q, &q->blocks, index);
    uint64_t offset = q->table[index] & ~511ull;

    if (!b || b->index == index)
        return b;
    if (offset % q->cluster || !qcow2_in_file(q, offset, q->cluster)) {
        qcow2_break(q, "reference count block %llu is not in the file", (unsigned long long)index);
        return NULL;
    }
    b->index = UINT64_MAX;
    if (!image_file_read(&q->file, b->data, q->cluster, offset))
        return NULL;
    b->index = index;
    b->offset = offset;
    return b;
}

static bool write_counts(struct qcow2 *q, struct qcow2_cached *b, uint64_t first, uint64_t count)
{
    uint64_t from = (first << q->h.refcount_order) / 8;
    uint64_t to = (((first + count) << q->h.refcount_order) + 7) / 8;

    if (qcow2_pwrite(q, b->data + from, to - from, b->offset + from))
        return true;
    b->index = UINT64_MAX;
    return qcow2_table_failed(q);
}

/* A free cluster for block INDEX, in its own range: the first one, but while counts are being
 * rebuilt the clusters that will be counted are not free. */
static uint64_t place_for_block(struct qcow2 *q, uint64_t index)
{
    uint64_t first = index << q->block_bits;

    for (uint64_t i = first; i < first + per_block(q); i++)
        if (i >= q->expected_clusters || !q->expected[i])
            if (!qcow2_is_metadata(q, i << q->h.cluster_bits, q->cluster))
                return i;
    return 0;
}

static struct qcow2_cached *make_block(struct qcow2 *q, uint64_t index)
{
    struct qcow2_cached *b = qcow2_slot(q, &q->blocks, index);
    uint64_t place = place_for_block(q, index), offset = place << q->h.cluster_bits, entry;

    if (!b)
        return NULL;
    if (!place || (!q->expected && place != index << q->block_bits)) {
        qcow2_break(q, "reference count block %llu is missing", (unsigned long long)index);
        return NULL;
    }
    b->index = UINT64_MAX;
    memset(b->data, 0, q->cluster);
    put_count(q, b->data, place - (index << q->block_bits), 1);
    entry = htobe64(offset);
    if (!qcow2_pwrite(q, b->data, q->cluster, offset) || !qcow2_barrier(q))
        return NULL;
    if (!qcow2_pwrite(q, &entry, 8, q->h.table_offset + index * 8)) {
        qcow2_table_failed(q);
        return NULL;
    }
    if (!qcow2_mark_metadata(q, offset, q->cluster)) {
        q->broken = true;
        return NULL;
    }
    if (place < q->expected_clusters)
        q->expected[place] = 1;
    q->table[index] = offset;
    b->index = index;
    b->offset = offset;
    return b;
}

/* --- growing the table --- */

/* Where a new table goes: behind all that is counted and all that is there, at the beginning of a
 * block's range, with the blocks that count it in front of it. */
struct growth {
    uint64_t first, blocks, table_clusters, entries;
};

static void plan_growth(const struct qcow2 *q, uint64_t needed, struct growth *g)
{
    uint64_t end = q->table_entries << q->block_bits;
    uint64_t there = qcow2_round_up(q, q->file.bytes) >> q->h.cluster_bits;
    uint64_t range;

    if (end < there)
        end = there;
    g->first = (end + per_block(q) - 1) & ~(per_block(q) - 1);
    range = g->first >> q->block_bits;
    g->entries = q->table_entries * 2;
    if (g->entries <= needed)
        g->entries = needed + 1;
    if (g->entries < range + 4)
        g->entries = range + 4;
    g->blocks = 1;
    for (;;) {
        g->table_clusters = qcow2_round_up(q, g->entries * 8) >> q->h.cluster_bits;
        g->entries = g->table_clusters << (q->h.cluster_bits - 3);
        if (g->blocks + g->table_clusters > g->blocks << q->block_bits)
            g->blocks++;
        else if (range + g->blocks > g->entries)
            g->entries = range + g->blocks;
        else
            return;
    }
}

/* The blocks of the plan, each counting its part of blocks and table. */
static bool write_new_blocks(struct qcow2 *q, const struct growth *g)
{
    uint64_t used = g->blocks + g->table_clusters;
    uint8_t *block = malloc(q->cluster);
    bool ok = block != NULL;

    for (uint64_t b = 0; ok && b < g->blocks; b++) {
        memset(block, 0, q->cluster);
        for (uint64_t i = 0; i < per_block(q) && (b << q->block_bits) + i < used; i++)
            put_count(q, block, i, 1);
        ok = qcow2_pwrite(q, block, q->cluster, (g->first + b) << q->h.cluster_bits);
    }
    free(block);
    return ok;
}

/* Write TABLE, host byte order, to where the plan has it. */
static bool write_new_table(struct qcow2 *q, const struct growth *g, const uint64_t *table)
{
    uint64_t offset = (g->first + g->blocks) << q->h.cluster_bits;
    uint64_t *swapped = malloc(g->entries * 8);
    bool ok = swapped != NULL;

    for (uint64_t i = 0; ok && i < g->entries; i++)
        swapped[i] = htobe64(table[i]);
    ok = ok && qcow2_pwrite(q, swapped, g->entries * 8, offset);
    free(swapped);
    return ok;
}

/* Point the header to the new table: twelve bytes in one write.  TABLE is ours from here on. */
static bool switch_tables(struct qcow2 *q, const struct growth *g, uint64_t *table)
{
    uint64_t offset = (g->first + g->blocks) << q->h.cluster_bits, old = q->h.table_offset;
    uint64_t old_bytes = (uint64_t)q->h.table_clusters << q->h.cluster_bits;
    uint8_t field[12];
    uint64_t offset_be = htobe64(offset);
    uint32_t clusters_be = htobe32((uint32_t)g->table_clusters);

    memcpy(field, &offset_be, 8);
    memcpy(field + 8, &clusters_be, 4);
    if (!qcow2_pwrite(q, field, sizeof field, 48)) {
        free(table);
        return qcow2_table_failed(q);
    }
    free(q->table);
    q->table = table;
    q->table_entries = g->entries;
    q->h.table_offset = offset;
    q->h.table_clusters = (uint32_t)g->table_clusters;
    qcow2_unmark_metadata(q, old, old_bytes);
    if (!qcow2_barrier(q))
        return false;
    if (!q->expected)
        return qcow2_release(q, old, old_bytes);
    memset(q->expected + (old >> q->h.cluster_bits), 0,
           (old_bytes >> q->h.cluster_bits) * sizeof *q->expected);
    return true;
}

static bool grow_table(struct qcow2 *q, uint64_t needed)
{
    struct growth g;
    uint64_t *table;

    plan_growth(q, needed, &g);
    if (g.entries * 8 > MOST_TABLE ||
        (g.first + g.blocks + g.table_clusters) << q->h.cluster_bits >= QCOW2_OFFSET_LIMIT) {
        errno = EFBIG;
        return false;
    }
    table = calloc(g.entries, 8);
    if (!table) {
        errno = ENOMEM;
        return false;
    }
    memcpy(table, q->table, q->table_entries * 8);
    for (uint64_t b = 0; b < g.blocks; b++)
        table[(g.first >> q->block_bits) + b] = (g.first + b) << q->h.cluster_bits;
    if (write_new_blocks(q, &g) && write_new_table(q, &g, table) && qcow2_barrier(q) &&
        qcow2_mark_metadata(q, g.first << q->h.cluster_bits,
                            (g.blocks + g.table_clusters) << q->h.cluster_bits))
        return switch_tables(q, &g, table);
    free(table);
    return false;
}

/* Block INDEX, made if need be. */
static struct qcow2_cached *need_block(struct qcow2 *q, uint64_t index)
{
    if (index >= q->table_entries && !grow_table(q, index))
        return NULL;
    return q->table[index] ? load_block(q, index) : make_block(q, index);
}

/* --- counts of clusters --- */

bool qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *value)
{
    uint64_t index = cluster >> q->block_bits;
    struct qcow2_cached *b;

    *value = 0;
    if (index >= q->table_entries || !q->table[index])
        return true;
    b = load_block(q, index);
    if (!b)
        return false;
    *value = get_count(q, b->data, cluster & (per_block(q) - 1));
    return true;
}

bool qcow2_refcount_set(struct qcow2 *q, uint64_t cluster, uint32_t count, uint64_t value)
{
    if (!fits(q, value))
        return qcow2_break(q, "a reference count does not fit (%llu)", (unsigned long long)value);
    while (count) {
        uint64_t first = cluster & (per_block(q) - 1), left = per_block(q) - first;
        uint32_t n = count < left ? count : (uint32_t)left;
        struct qcow2_cached *b = need_block(q, cluster >> q->block_bits);

        if (!b)
            return false;
        for (uint32_t i = 0; i < n; i++)
            put_count(q, b->data, first + i, value);
        if (!write_counts(q, b, first, n))
            return false;
        cluster += n;
        count -= n;
    }
    return true;
}

bool qcow2_release(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t first = offset >> q->h.cluster_bits;
    uint64_t last = (offset + len - 1) >> q->h.cluster_bits;

    for (uint64_t i = first; i <= last; i++) {
        uint64_t v;

        if (!qcow2_refcount_get(q, i, &v))
            return false;
        if (v == 0)
            return qcow2_break(q, "cluster %llu of the file is in use, but its count is 0",
                               (unsigned long long)i);
        if (!qcow2_refcount_set(q, i, 1, v - 1))
            return false;
        if (v == 1 && i < q->lowest_freed)
            q->lowest_freed = i;
    }
    return true;
}

void qcow2_reuse_freed(struct qcow2 *q)
{
    if (q->lowest_freed < q->next_free)
        q->next_free = q->lowest_freed;
    q->lowest_freed = UINT64_MAX;
}

/* --- allocation --- */

/* From next_free on, the first cluster whose count is 0, and how many follow it in its block. */
static bool find_free(struct qcow2 *q, uint32_t want, uint64_t *first, uint32_t *count)
{
    for (;;) {
        struct qcow2_cached *b = need_block(q, q->next_free >> q->block_bits);
        uint64_t start = q->next_free & ~(per_block(q) - 1), i = q->next_free - start, n;

        if (!b)
            return false;
        while (i < per_block(q) && get_count(q, b->data, i))
            i++;
        q->next_free = start + i;
        if (i == per_block(q))
            continue;
        for (n = 1; n < want && i + n < per_block(q) && !get_count(q, b->data, i + n); n++)
            ;
        *first = start + i;
        *count = (uint32_t)n;
        return true;
    }
}

static uint32_t reserve_size(const struct qcow2 *q)
{
    uint64_t n = RESERVE_BYTES >> q->h.cluster_bits;

    return n > MOST_RESERVE ? MOST_RESERVE : (uint32_t)n;
}

/* Count free clusters as used: behind the reserve when they are next to it (or it is empty). */
static bool raise_reserve(struct qcow2 *q)
{
    uint64_t first;
    uint32_t count;

    if (!find_free(q, reserve_size(q), &first, &count))
        return false;
    if (q->reserve != q->reserve_end && first != q->reserve_end)
        return true;
    if ((first + count) << q->h.cluster_bits >= QCOW2_OFFSET_LIMIT) {
        errno = EFBIG;
        return false;
    }
    if (qcow2_is_metadata(q, first << q->h.cluster_bits, (uint64_t)count << q->h.cluster_bits))
        return qcow2_break(q, "cluster %llu of the file holds tables, but its count is 0",
                           (unsigned long long)first);
    if (!qcow2_refcount_set(q, first, count, 1))
        return false;
    if (q->reserve == q->reserve_end)
        q->reserve = first;
    q->reserve_end = first + count;
    q->next_free = first + count;
    return true;
}

bool qcow2_top_up(struct qcow2 *q)
{
    return q->reserve_end - q->reserve > reserve_size(q) / 2 || raise_reserve(q);
}

uint32_t qcow2_allocate(struct qcow2 *q, uint32_t want, uint64_t *offset)
{
    uint64_t have;

    if (q->broken) {
        errno = EIO;
        return 0;
    }
    if (q->reserve == q->reserve_end && (!raise_reserve(q) || !qcow2_barrier(q)))
        return 0;
    have = q->reserve_end - q->reserve;
    if (want > have)
        want = (uint32_t)have;
    *offset = q->reserve << q->h.cluster_bits;
    q->reserve += want;
    return want;
}

void qcow2_unallocate(struct qcow2 *q, uint64_t offset, uint32_t count)
{
    if ((offset >> q->h.cluster_bits) + count == q->reserve)
        q->reserve -= count;
}

/* --- beginning and end --- */

bool qcow2_refcounts_open(struct qcow2 *q, struct error *err)
{
    uint64_t bytes = (uint64_t)q->h.table_clusters << q->h.cluster_bits;

    q->lowest_freed = UINT64_MAX;
    q->table = malloc(bytes);
    if (!q->table)
        return error_set(err, "out of memory for image '%s'", q->path);
    q->table_entries = bytes / 8;
    if (!image_file_read(&q->file, q->table, bytes, q->h.table_offset))
        return error_set(err, "image '%s' cannot be read: %s", q->path, strerror(errno));
    for (uint64_t i = 0; i < q->table_entries; i++)
        q->table[i] = be64toh(q->table[i]) & ~511ull;
    return qcow2_mark_all(q, err);
}

bool qcow2_refcounts_close(struct qcow2 *q)
{
    uint32_t left = (uint32_t)(q->reserve_end - q->reserve);
    uint64_t first = q->reserve;

    q->reserve = q->reserve_end = 0;
    return !left || qcow2_refcount_set(q, first, left, 0);
}

void qcow2_refcounts_free(struct qcow2 *q)
{
    for (uint32_t i = 0; i < q->blocks.count; i++)
        free(q->blocks.slots[i].data);
    free(q->blocks.slots);
    free(q->table);
    free(q->metadata);
}
