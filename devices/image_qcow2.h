/* qcow2 images: what the files image_qcow2*.c share.
 *
 * Follows "QCOW2 image file format" (docs/interop/qcow2.txt of QEMU), called "the specification"
 * there; section names in quotes are its own.
 *
 * A guest cluster is found through two tables (L1, then one L2 table), and each cluster of the
 * file has a reference count, itself found through two tables.  Everything is written through, in
 * an order that leaves the file consistent wherever the process dies: data before the L2 entry
 * that names it, an L2 table before its L1 entry, a reference count before whatever refers to the
 * cluster, and it is lowered only after the reference has gone.  What dies between two steps
 * leaves a leaked cluster at worst.
 *
 * Reference counts are raised for a run of free clusters at a time (the reserve), which costs one
 * fdatasync and makes them durable before any of the clusters is referred to; with the lazy
 * reference counts feature the dirty bit stands in for that, and whoever opens the image next
 * counts again. */
#ifndef RINGER_DEVICES_IMAGE_QCOW2_H
#define RINGER_DEVICES_IMAGE_QCOW2_H

#include "devices/block.h"
#include "devices/image.h"

/* "Header", as read; offsets in bytes. */
struct qcow2_header {
    uint32_t version, cluster_bits, refcount_order, length;
    uint64_t size; /* of the disk, in bytes */
    uint64_t backing_offset;
    uint32_t backing_length;
    uint64_t l1_offset;
    uint32_t l1_entries;
    uint64_t table_offset; /* reference count table */
    uint32_t table_clusters;
    uint64_t snapshots_offset;
    uint32_t snapshots;
    uint64_t incompatible, compatible, autoclear;
    char backing_format[32];
    bool has_bitmaps;
    bool zstd; /* the compression type; zlib otherwise */
};

enum {
    INCOMPATIBLE_DIRTY = 1,
    INCOMPATIBLE_CORRUPT = 2,
    INCOMPATIBLE_COMPRESSION = 8,
    COMPATIBLE_LAZY = 1,
};

/* "L1 table", "L2 table". */
#define ENTRY_COPIED     (1ull << 63) /* reference count exactly 1: may be written in place */
#define ENTRY_COMPRESSED (1ull << 62)
#define ENTRY_ZERO       1ull
#define ENTRY_OFFSET     0x00FFFFFFFFFFFE00ull
/* The largest offset that a table can hold. */
#define QCOW2_OFFSET_LIMIT (1ull << 56)

/* A cluster of tables kept in memory as it is in the file; each table has one place. */
struct qcow2_cached {
    uint64_t index;  /* which table, UINT64_MAX for none */
    uint64_t offset; /* in the file */
    uint8_t *data;   /* one cluster, allocated when first used */
};

struct qcow2_cache {
    struct qcow2_cached *slots;
    uint32_t count;
};

struct qcow2 {
    struct image image;
    struct image_file file; /* bytes grows with the file */
    char *path;
    struct log *log;
    bool writable;
    bool copy_on_read; /* what is read of the backing file is written here */
    bool broken;   /* a write of tables failed half-way or met damage: no more of them */
    bool modified; /* the header says so where it must */
    struct qcow2_header h;
    struct image *backing; /* may be NULL */
    uint64_t cluster;      /* size in bytes */
    uint64_t *l1;
    struct qcow2_cache l2;
    uint8_t *bounce;   /* one cluster */
    uint8_t *inflated; /* one cluster: what inflated_entry holds */
    uint64_t inflated_entry;

    /* Writable images only. */
    uint64_t *table; /* reference count table */
    uint64_t table_entries;
    uint32_t block_bits; /* log2 of entries in a reference count block */
    struct qcow2_cache blocks;
    uint64_t next_free;            /* no free cluster below, but for freed ones */
    uint64_t lowest_freed;         /* since the last flush; UINT64_MAX for none */
    uint64_t reserve, reserve_end; /* counted, but not referred to */
    uint8_t *metadata;             /* one bit a cluster that holds tables in use */
    uint64_t metadata_clusters;    /* how many the bits are for */
    uint16_t *expected;            /* while counts are rebuilt: what they will be */
    uint64_t expected_clusters;
};

/* --- image_qcow2.c --- */

/* Log damage found in FORMAT's words; errno is EIO.  Always false. */
bool qcow2_damage(struct qcow2 *q, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, and the tables are not written any more. */
bool qcow2_break(struct qcow2 *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A write of tables failed, errno says why, and what the file holds there is old or new: both are
 * consistent.  For lack of room it may be tried again; after anything else the tables are not
 * written any more.  Always false. */
bool qcow2_table_failed(struct qcow2 *q);

/* Write LEN bytes at OFFSET and follow the file's growth. */
bool qcow2_pwrite(struct qcow2 *q, const void *data, uint64_t len, uint64_t offset);
/* What was written before is on the disk before what is written after. */
bool qcow2_barrier(struct qcow2 *q);

/* The place of table INDEX in CACHE; NULL and ENOMEM.  Its index says whether it is there. */
struct qcow2_cached *qcow2_slot(struct qcow2 *q, struct qcow2_cache *cache, uint64_t index);
bool qcow2_cache_new(struct qcow2 *q, struct qcow2_cache *cache, uint64_t bytes, uint64_t tables);

/* --- image_qcow2_packed.c --- */

/* Unpack the LEN bytes of a compressed cluster at PACKED into q->inflated. */
bool qcow2_unpack(struct qcow2 *q, uint8_t *packed, uint64_t len);

/* --- image_qcow2_header.c --- */

/* Read and check header and extensions into q->h; false and ERR.  REQUEST's path names it. */
bool qcow2_header_read(struct qcow2 *q, struct error *err);
/* The backing file's name ("Backing file name"), for the caller to free. */
char *qcow2_backing_name(struct qcow2 *q, struct error *err);
bool qcow2_header_error(const struct qcow2 *q, struct error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Feature bits, to the file. */
bool qcow2_write_features(struct qcow2 *q);

/* --- image_qcow2_table.c --- */

/* What guest cluster INDEX is, and how many from there on, at most MOST and within one L2 table,
 * go on in the same way. */
enum qcow2_kind { CLUSTER_ABSENT, CLUSTER_ZERO, CLUSTER_DATA, CLUSTER_COMPRESSED };
struct qcow2_mapping {
    enum qcow2_kind kind;
    uint64_t entry;  /* of the L2 table, first cluster */
    uint64_t offset; /* DATA and ZERO: in the file, 0 for ZERO without a cluster of its own */
    bool in_place;   /* DATA that may be written where it is */
    uint32_t count;
};
bool qcow2_map(struct qcow2 *q, uint64_t index, uint32_t most, struct qcow2_mapping *m);

/* Make sure that guest cluster INDEX has an L2 table that is ours to write. */
bool qcow2_prepare_table(struct qcow2 *q, uint64_t index);
/* Name COUNT clusters of the file from OFFSET on as guest clusters from INDEX on, all within one
 * prepared L2 table, and release what was there. */
bool qcow2_link(struct qcow2 *q, uint64_t index, uint64_t offset, uint32_t count);

/* Where a compressed cluster's bytes are ("Compressed Clusters Descriptor"). */
void qcow2_compressed(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len);

/* --- image_qcow2_refcount.c --- */

/* Load the reference count table and mark tables in use; false and ERR on damage. */
bool qcow2_refcounts_open(struct qcow2 *q, struct error *err);
/* Give the reserve back. */
bool qcow2_refcounts_close(struct qcow2 *q);
void qcow2_refcounts_free(struct qcow2 *q);

/* Up to WANT clusters in a row: how many, and the first one's offset.  0 and errno on failure. */
uint32_t qcow2_allocate(struct qcow2 *q, uint32_t want, uint64_t *offset);
/* Take back the last COUNT clusters allocated. */
void qcow2_unallocate(struct qcow2 *q, uint64_t offset, uint32_t count);
/* One reference less to every cluster that LEN bytes at OFFSET touch. */
bool qcow2_release(struct qcow2 *q, uint64_t offset, uint64_t len);
/* After a flush: what was freed may be used again. */
void qcow2_reuse_freed(struct qcow2 *q);
/* Raise a low reserve; cheap before an fdatasync that is due anyway. */
bool qcow2_top_up(struct qcow2 *q);

bool qcow2_refcount_get(struct qcow2 *q, uint64_t cluster, uint64_t *value);
bool qcow2_refcount_set(struct qcow2 *q, uint64_t cluster, uint32_t count, uint64_t value);

/* --- image_qcow2_metadata.c --- */

/* The bits that say which clusters hold tables.  Mark refuses what is marked already. */
bool qcow2_is_metadata(const struct qcow2 *q, uint64_t offset, uint64_t len);
bool qcow2_mark_metadata(struct qcow2 *q, uint64_t offset, uint64_t len);
void qcow2_unmark_metadata(struct qcow2 *q, uint64_t offset, uint64_t len);
/* Mark everything that header, L1 table and reference count table name. */
bool qcow2_mark_all(struct qcow2 *q, struct error *err);

/* "Snapshots": the L1 tables of all snapshots, for the caller to free, and the size of the
 * snapshot table in bytes. */
struct qcow2_snapshot {
    uint64_t l1_offset;
    uint32_t l1_entries;
};
bool qcow2_snapshots(struct qcow2 *q, struct qcow2_snapshot **list, uint64_t *bytes,
                     struct error *err);

/* --- image_qcow2_repair.c --- */

/* Count all references again and correct the counts ("dirty bit" of "Header"). */
bool qcow2_repair(struct qcow2 *q, struct error *err);

/* --- image_qcow2_read.c, image_qcow2_write.c --- */

/* LEN bytes of guest data at OFFSET, all within the disk. */
bool qcow2_read_bytes(struct qcow2 *q, uint64_t offset, void *data, uint64_t len);
bool qcow2_write_bytes(struct qcow2 *q, uint64_t offset, const void *data, uint64_t len);

/* --- image_qcow2_copy.c --- */

/* If copy on read is on, copy what LEN bytes at OFFSET have in the backing file alone.  What fails
 * is left there: the read that follows says so, if it matters. */
void qcow2_copy_in(struct qcow2 *q, uint64_t offset, uint64_t len);

static inline uint64_t qcow2_round_up(const struct qcow2 *q, uint64_t bytes)
{
    return (bytes + q->cluster - 1) & ~(q->cluster - 1);
}

/* LEN bytes at OFFSET are all in the file; neither may overflow. */
static inline bool qcow2_in_file(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
    return offset <= q->file.bytes && len <= q->file.bytes - offset;
}

#endif
