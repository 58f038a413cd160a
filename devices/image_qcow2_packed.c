/* qcow2: what a compressed cluster holds ("Compressed Clusters"). */
#include "devices/image_qcow2.h"

#include <errno.h>
#include <zlib.h>
#include <zstd.h>

enum {
    MOST_WINDOW = 23 /* log2 of the memory that a frame may ask for; a cluster is 2 MiB at most */
};

/* Raw deflate; the stream may end before the last sector does. */
static bool inflate_cluster(struct qcow2 *q, uint8_t *packed, uint64_t len)
{
    z_stream z = {.next_in = packed,
                  .avail_in = (uInt)len,
                  .next_out = q->inflated,
                  .avail_out = (uInt)q->cluster};
    int status;

    if (inflateInit2(&z, -15) != Z_OK) {
        errno = ENOMEM;
        return false;
    }
    status = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    if (z.avail_out == 0 && (status == Z_STREAM_END || status == Z_BUF_ERROR))
        return true;
    return qcow2_damage(q, "a compressed cluster does not unpack");
}

/* A frame of Zstandard (RFC 8878), or several; what is behind the cluster's last byte is nobody's.
 */
static bool unpack_zstd(struct qcow2 *q, const uint8_t *packed, uint64_t len)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer in = {packed, len, 0};
    ZSTD_outBuffer out = {q->inflated, q->cluster, 0};

    if (!stream) {
        errno = ENOMEM;
        return false;
    }
    ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, MOST_WINDOW);
    while (out.pos < out.size) {
        size_t before = in.pos + out.pos, status = ZSTD_decompressStream(stream, &out, &in);

        if (ZSTD_isError(status) || in.pos + out.pos == before)
            break;
    }
    ZSTD_freeDStream(stream);
    return out.pos == out.size || qcow2_damage(q, "a compressed cluster does not unpack");
}

bool qcow2_unpack(struct qcow2 *q, uint8_t *packed, uint64_t len)
{
    return q->h.zstd ? unpack_zstd(q, packed, len) : inflate_cluster(q, packed, len);
}
