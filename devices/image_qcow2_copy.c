/* Copy on read: what a read finds in the backing file alone is written into this file, so that an
 * image over a slow or remote one fills up with what its guest uses. */
#include "devices/image_qcow2.h"

#include <stdlib.h>

static bool all_zero(const uint8_t *data, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++)
        if (data[i])
            return false;
    return true;
}

/* One cluster; zeros stay where they are, as they cost nothing to read. */
static bool copy_cluster(struct qcow2 *q, uint64_t index, uint8_t *buffer)
{
    uint64_t offset = index << q->h.cluster_bits, end = q->image.sectors * SECTOR_SIZE;
    uint64_t len = end - offset < q->cluster ? end - offset : q->cluster;

    if (!qcow2_read_bytes(q, offset, buffer, len))
        return false;
    return all_zero(buffer, len) || qcow2_write_bytes(q, offset, buffer, len);
}

void qcow2_copy_in(struct qcow2 *q, uint64_t offset, uint64_t len)
{
    uint64_t index = offset >> q->h.cluster_bits;
    uint64_t end = (offset + len + q->cluster - 1) >> q->h.cluster_bits;
    uint8_t *buffer = NULL;
    bool ok = q->copy_on_read && q->writable && q->backing && !q->broken;

    while (ok && index < end) {
        struct qcow2_mapping m;
        uint64_t left = end - index;

        ok = qcow2_map(q, index, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX, &m);
        if (ok && m.kind == CLUSTER_ABSENT) {
            if (!buffer)
                buffer = malloc(q->cluster);
            ok = buffer != NULL;
            for (uint32_t i = 0; ok && i < m.count; i++)
                ok = copy_cluster(q, index + i, buffer);
        }
        index += ok ? m.count : 0;
    }
    free(buffer);
}
