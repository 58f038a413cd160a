/* qcow2: the header and its extensions ("Header", "Header extensions", "Feature name table"). */
#define _GNU_SOURCE
#include "devices/image_qcow2.h"

#include "ringer/error.h"
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    V2_LENGTH = 72,
    V3_LENGTH = 104,
    FEATURES = 72, /* offset of incompatible, compatible, autoclear */
    COMPRESSION = 104,
    MOST_L1 = 32 << 20 >> 3,
    MOST_TABLE = 8 << 20,
    MOST_SNAPSHOTS = 65536,
    MOST_NAME = 1023,
};

enum extension {
    EXTENSION_END = 0,
    EXTENSION_BACKING_FORMAT = 0xE2792ACA,
    EXTENSION_FEATURE_NAMES = 0x6803F857,
    EXTENSION_BITMAPS = 0x23852875,
};

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

bool qcow2_header_error(const struct qcow2 *q, struct error *err, const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return error_set(err, "image '%s' is a damaged qcow2 file: %s; see 'qemu-img check -r all'",
                     q->path, text);
}

static void parse(struct qcow2_header *h, const uint8_t *p)
{
    h->version = get32(p + 4);
    h->backing_offset = get64(p + 8);
    h->backing_length = get32(p + 16);
    h->cluster_bits = get32(p + 20);
    h->size = get64(p + 24);
    h->l1_entries = get32(p + 36);
    h->l1_offset = get64(p + 40);
    h->table_offset = get64(p + 48);
    h->table_clusters = get32(p + 56);
    h->snapshots = get32(p + 60);
    h->snapshots_offset = get64(p + 64);
    h->refcount_order = 4;
    h->length = V2_LENGTH;
    if (h->version < 3)
        return;
    h->incompatible = get64(p + FEATURES);
    h->compatible = get64(p + FEATURES + 8);
    h->autoclear = get64(p + FEATURES + 16);
    h->refcount_order = get32(p + 96);
    h->length = get32(p + 100);
}

/* OFFSET begins a cluster, and LEN bytes from there on are in the file. */
static bool is_table(const struct qcow2 *q, uint64_t offset, uint64_t len)
{
    return offset != 0 && offset % q->cluster == 0 && qcow2_in_file(q, offset, len);
}

static bool check_tables(struct qcow2 *q, struct error *err)
{
    const struct qcow2_header *h = &q->h;
    uint64_t per_l1 = q->cluster * (q->cluster / 8); /* bytes of disk */
    uint64_t table_bytes = (uint64_t)h->table_clusters << h->cluster_bits;

    if (h->size == 0)
        return error_set(err,
                         "image '%s' holds a disk of no size; make it larger by "
                         "'qemu-img resize'",
                         q->path);
    if (h->size > INT64_MAX - q->cluster)
        return qcow2_header_error(q, err, "its disk is impossibly large");
    if (h->l1_entries > MOST_L1)
        return qcow2_header_error(q, err, "its L1 table is too large (%u entries)", h->l1_entries);
    if (h->size / per_l1 + (h->size % per_l1 != 0) > h->l1_entries)
        return qcow2_header_error(q, err, "its L1 table is too small for the disk");
    if (!is_table(q, h->l1_offset, (uint64_t)h->l1_entries * 8))
        return qcow2_header_error(q, err, "its L1 table is not in the file");
    if (h->table_clusters == 0 || table_bytes > MOST_TABLE)
        return qcow2_header_error(q, err, "its reference count table has a wrong size");
    if (!is_table(q, h->table_offset, table_bytes))
        return qcow2_header_error(q, err, "its reference count table is not in the file");
    if (h->snapshots > MOST_SNAPSHOTS)
        return qcow2_header_error(q, err, "it has too many snapshots (%u)", h->snapshots);
    if (h->snapshots && !is_table(q, h->snapshots_offset, 1))
        return qcow2_header_error(q, err, "its snapshot table is not in the file");
    return true;
}

static bool check_sizes(struct qcow2 *q, struct error *err)
{
    struct qcow2_header *h = &q->h;

    if (h->cluster_bits < 9 || h->cluster_bits > 21)
        return qcow2_header_error(q, err, "its cluster size is wrong (2^%u)", h->cluster_bits);
    q->cluster = 1ull << h->cluster_bits;
    if (h->refcount_order > 6)
        return qcow2_header_error(q, err, "its reference counts have a wrong width (2^%u)",
                                  h->refcount_order);
    q->block_bits = h->cluster_bits + 3 - h->refcount_order;
    if (h->version >= 3 && (h->length < V3_LENGTH || h->length > q->cluster || h->length % 8))
        return qcow2_header_error(q, err, "its header has a wrong length (%u)", h->length);
    if (h->backing_offset && (h->backing_length == 0 || h->backing_length > MOST_NAME ||
                              h->backing_offset > q->cluster - h->backing_length))
        return qcow2_header_error(q, err, "its backing file's name is not in the header");
    return true;
}

/* A name from the file, fit to be printed: no control character, LEN bytes at most. */
static void copy_name(char *to, size_t size, const uint8_t *from, size_t len)
{
    size_t n = 0;

    while (n < len && n + 1 < size && from[n]) {
        to[n] = from[n] < ' ' || from[n] == 0x7F ? '?' : (char)from[n];
        n++;
    }
    to[n] = 0;
}

/* What the image itself calls incompatible feature BIT. */
static void feature_name(const uint8_t *table, size_t len, unsigned bit, char *name, size_t size)
{
    static const char *const known[] = {"dirty", "corrupt", "external data file",
                                        "compression type", "extended L2 entries"};

    if (bit < sizeof known / sizeof *known)
        snprintf(name, size, "%s", known[bit]);
    else
        snprintf(name, size, "bit %u", bit);
    for (; len >= 48; table += 48, len -= 48)
        if (table[0] == 0 && table[1] == bit && table[2])
            copy_name(name, size, table + 2, 46);
}

/* "compression type" in HEAD: 0 is zlib, 1 zstd; there is a feature bit for what is not zlib. */
static bool check_compression(struct qcow2 *q, const uint8_t *head, struct error *err)
{
    uint8_t type = q->h.length > COMPRESSION ? head[COMPRESSION] : 0;

    if (type > 1)
        return error_set(
            err,
            "image '%s' is compressed in a way that is not supported (type %u); convert "
            "it by 'qemu-img convert -O qcow2'",
            q->path, type);
    if (!type != !(q->h.incompatible & INCOMPATIBLE_COMPRESSION))
        return qcow2_header_error(q, err, "its compression type and features disagree");
    q->h.zstd = type;
    return true;
}

static bool check_features(struct qcow2 *q, const uint8_t *names, size_t len, const uint8_t *head,
                           struct error *err)
{
    uint64_t unknown = q->h.incompatible & ~(uint64_t)(INCOMPATIBLE_DIRTY | INCOMPATIBLE_CORRUPT |
                                                       INCOMPATIBLE_COMPRESSION);
    char name[48];

    if (unknown) {
        feature_name(names, len, (unsigned)__builtin_ctzll(unknown), name, sizeof name);
        return error_set(err,
                         "image '%s' needs a qcow2 feature that is not supported: %s; convert it "
                         "by 'qemu-img convert -O qcow2'",
                         q->path, name);
    }
    if (!check_compression(q, head, err))
        return false;
    if (q->h.incompatible & INCOMPATIBLE_CORRUPT && q->writable)
        return error_set(err,
                         "image '%s' is marked as corrupt and opens for reading only; repair it "
                         "with 'qemu-img check -r all'",
                         q->path);
    return true;
}

/* The extensions between the header's end and the backing file's name; NAMES is where the feature
 * name table is. */
static bool read_extensions(struct qcow2 *q, const uint8_t *head, uint64_t have,
                            const uint8_t **names, size_t *names_len, struct error *err)
{
    uint64_t at = q->h.length, end = q->cluster;

    if (q->h.backing_offset && q->h.backing_offset < end)
        end = q->h.backing_offset;
    if (end > have)
        end = have;
    while (at + 8 <= end) {
        uint32_t type = get32(head + at), len = get32(head + at + 4);

        at += 8;
        if (type == EXTENSION_END)
            break;
        if (len > end - at)
            return qcow2_header_error(q, err, "a header extension is larger than the header");
        if (type == EXTENSION_BACKING_FORMAT)
            copy_name(q->h.backing_format, sizeof q->h.backing_format, head + at, len);
        if (type == EXTENSION_BITMAPS)
            q->h.has_bitmaps = true;
        if (type == EXTENSION_FEATURE_NAMES) {
            *names = head + at;
            *names_len = len;
        }
        at += (len + 7ull) & ~7ull;
    }
    return true;
}

bool qcow2_header_read(struct qcow2 *q, struct error *err)
{
    uint8_t start[V3_LENGTH + 8] = {0}, *head;
    uint64_t have = q->file.bytes < sizeof start ? q->file.bytes : sizeof start;
    const uint8_t *names = NULL;
    size_t names_len = 0;
    bool ok = false;

    if (!image_file_read(&q->file, start, have, 0))
        return error_set(err, "image '%s' cannot be read: %s", q->path, strerror(errno));
    if (memcmp(start, "QFI\xFB", 4) != 0)
        return error_set(err, "image '%s' is no qcow2 file; leave format=qcow2 out", q->path);
    parse(&q->h, start);
    if (q->h.version != 2 && q->h.version != 3)
        return error_set(err, "image '%s' is of qcow version %u; versions 2 and 3 are supported",
                         q->path, q->h.version);
    if (q->file.bytes < q->h.length)
        return qcow2_header_error(q, err, "it ends within its header");
    if (!check_sizes(q, err))
        return false;
    if (get32(start + 32) != 0)
        return error_set(err,
                         "image '%s' is encrypted, which is not supported; convert it by "
                         "'qemu-img convert'",
                         q->path);
    head = calloc(1, q->cluster);
    if (!head)
        return error_set(err, "out of memory for image '%s'", q->path);
    have = q->file.bytes < q->cluster ? q->file.bytes : q->cluster;
    if (!image_file_read(&q->file, head, have, 0))
        error_set(err, "image '%s' cannot be read: %s", q->path, strerror(errno));
    else
        ok = read_extensions(q, head, have, &names, &names_len, err) &&
             check_features(q, names, names_len, head, err) && check_tables(q, err);
    free(head);
    return ok;
}

char *qcow2_backing_name(struct qcow2 *q, struct error *err)
{
    uint32_t len = q->h.backing_length;
    char *name = calloc(1, len + 1u);

    if (!name) {
        error_set(err, "out of memory for image '%s'", q->path);
        return NULL;
    }
    if (!qcow2_in_file(q, q->h.backing_offset, len) ||
        !image_file_read(&q->file, name, len, q->h.backing_offset)) {
        qcow2_header_error(q, err, "it ends within its header");
        free(name);
        return NULL;
    }
    for (uint32_t i = 0; i < len; i++) {
        if ((uint8_t)name[i] < ' ' || name[i] == 0x7F) {
            qcow2_header_error(q, err, "its backing file's name holds control characters");
            free(name);
            return NULL;
        }
    }
    return name;
}

bool qcow2_write_features(struct qcow2 *q)
{
    uint64_t features[3] = {htobe64(q->h.incompatible), htobe64(q->h.compatible),
                            htobe64(q->h.autoclear)};

    return qcow2_pwrite(q, features, sizeof features, FEATURES);
}
