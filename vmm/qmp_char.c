/* Chardevs. */
#include "vmm/chardevs.h"
#include "vmm/qmp_command.h"
#include "vmm/ring.h"
#include <string.h>

static bool query_chardev(struct qmp_call *c)
{
    const char *name;

    c->ret = json_array();
    for (unsigned i = 0; c->t->chardevs && (name = chardevs_name(c->t->chardevs, i)); i++) {
        const struct stream *s = chardevs_find(c->t->chardevs, name);
        struct text what = {0};

        ring_describe(s, &what);
        json_array_append_new(c->ret, json_pack("{s:s,s:s,s:b}", "label", name, "filename",
                                                text_string(&what), "frontend-open",
                                                (int)chardevs_taken(c->t->chardevs, name)));
        text_free(&what);
    }
    return true;
}

static bool query_backends(struct qmp_call *c)
{
    static const char *const names[] = {"null",   "stdio",  "file", "pipe",    "pty",
                                        "serial", "socket", "udp",  "ringbuf", "vc"};

    c->ret = json_array();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_array_append_new(c->ret, json_pack("{s:s}", "name", names[i]));
    return true;
}

static struct stream *ring(struct qmp_call *c)
{
    const char *device = qmp_string(c, "device", "");
    struct error err = {""};
    struct stream *s = ring_find(c->t, device, &err);

    if (!s)
        qmp_fail_error(c, &err);
    return s;
}

static bool ringbuf_read(struct qmp_call *c)
{
    bool base64 = !strcmp(qmp_string(c, "format", "utf8"), "base64");
    int64_t size = qmp_int(c, "size", 0);
    struct stream *s = ring(c);
    struct text out = {0};

    if (!s)
        return false;
    if (size <= 0)
        return qmp_fail(c, "GenericError", "Parameter 'size' expects a number greater than zero");
    ring_read(s, (uint64_t)size, &out);
    if (base64)
        ring_to_base64(&out);
    c->ret = json_stringn(text_string(&out), out.len);
    if (!c->ret) { /* no UTF-8: what is none becomes question marks, as NUL does */
        for (size_t i = 0; i < out.len; i++)
            if (out.data[i] & 0x80)
                out.data[i] = '?';
        c->ret = json_stringn(text_string(&out), out.len);
    }
    text_free(&out);
    return true;
}

static bool ringbuf_write(struct qmp_call *c)
{
    bool base64 = !strcmp(qmp_string(c, "format", "utf8"), "base64");
    struct stream *s = ring(c);
    struct text data = {0};

    if (!s)
        return false;
    text_add(&data, qmp_string(c, "data", ""), strlen(qmp_string(c, "data", "")));
    bool ok = !base64 || ring_from_base64(&data);
    if (ok)
        stream_ring_write(s, data.data, data.len);
    text_free(&data);
    return ok || qmp_fail(c, "GenericError", "Parameter 'data' expects base64");
}

const struct qmp_command qmp_char_commands[] = {
    {"query-chardev", "", "[ChardevInfo]", query_chardev},
    {"query-chardev-backends", "", "[ChardevBackendInfo]", query_backends},
    {"ringbuf-read", "device:str, size:int, format?:DataFormat", "str", ringbuf_read},
    {"ringbuf-write", "device:str, data:str, format?:DataFormat", "", ringbuf_write},
    {0},
};
