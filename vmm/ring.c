#include "vmm/ring.h"
#include <string.h>

void ring_describe(const struct stream *s, struct text *out)
{
    char what[400];

    stream_spec_describe(stream_spec_of(s), what, sizeof what);
    text_printf(out, "%s%s%s", what, stream_pty_name(s) ? ":" : "",
                stream_pty_name(s) ? stream_pty_name(s) : "");
}

struct stream *ring_find(const struct monitor_target *t, const char *name, struct error *err)
{
    struct stream *s = t->chardevs ? chardevs_find(t->chardevs, name) : NULL;

    if (!s)
        error_set(err, "Device '%.60s' not found", name);
    else if (stream_spec_of(s)->kind != STREAM_RING)
        error_set(err, "%.60s is not a ringbuf device", name);
    return s && stream_spec_of(s)->kind == STREAM_RING ? s : NULL;
}

void ring_read(struct stream *s, uint64_t size, struct text *out)
{
    uint8_t data[4096];
    size_t n;

    do {
        size_t kept = 0;
        n = stream_ring_read(s, data, size < sizeof data ? (size_t)size : sizeof data);
        for (size_t i = 0; i < n; i++)
            if (data[i])
                data[kept++] = data[i];
        text_add(out, (const char *)data, kept);
        size -= n;
    } while (n && size);
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void ring_to_base64(struct text *text)
{
    const uint8_t *in = (const uint8_t *)text_string(text);
    struct text out = {0};

    for (size_t i = 0; i < text->len; i += 3) {
        size_t left = text->len - i;
        uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
                        (left > 2 ? in[i + 2] : 0);
        const char quad[4] = {digits[bits >> 18], digits[bits >> 12 & 63],
                              left > 1 ? digits[bits >> 6 & 63] : '=',
                              left > 2 ? digits[bits & 63] : '='};
        text_add(&out, quad, 4);
    }
    text_free(text);
    *text = out;
}

bool ring_from_base64(struct text *text)
{
    struct text out = {0};
    uint32_t bits = 0;
    size_t n = text->len, used = 0;

    while (n && text->data[n - 1] == '=' && text->len - n < 2)
        n--;
    bool ok = text->len % 4 == 0;
    for (size_t i = 0; ok && i < n; i++) {
        const char *digit = text->data[i] ? strchr(digits, text->data[i]) : NULL;
        ok = digit != NULL;
        bits = bits << 6 | (uint32_t)(ok ? digit - digits : 0);
        if (++used % 4 == 1)
            continue;
        const char byte = (char)(bits >> (6 - 2 * ((used - 1) % 4)));
        text_add(&out, &byte, 1);
    }
    text_free(text);
    *text = out;
    return ok;
}
