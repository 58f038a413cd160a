#include "vmm/port.h"
#include <stdlib.h>
#include <string.h>

/* Input is taken off the host until this much waits for the guest, and again below the second. */
enum { BACKLOG_HIGH = 16384, BACKLOG_LOW = 4096 };

struct port {
    struct chardev chr; /* first: the device hands it back */
    struct stream *stream;
    struct machine *machine;
    uv_async_t resume;
    void (*tap)(void *opaque, const uint8_t *data, size_t len);
    void *tap_opaque;

    /* The vCPU thread's: what has arrived and was not taken. */
    uint8_t *pending;
    size_t len, cap;
    size_t backlog; /* atomic: pending and on its way */
};

struct parcel {
    struct port *port;
    size_t len;
    uint8_t data[];
};

static void port_send(struct chardev *c, const uint8_t *data, size_t len)
{
    struct port *p = c->backend;

    if (p->tap)
        p->tap(p->tap_opaque, data, len);
    if (p->stream)
        stream_send(p->stream, data, len);
}

/* Hand over what the device has room for.  vCPU thread. */
static void deliver(struct port *p)
{
    if (!p->len || !p->chr.receive)
        return;
    size_t n = p->chr.receive(p->chr.dev, p->pending, p->len);
    if (!n)
        return;
    memmove(p->pending, p->pending + n, p->len -= n);
    size_t before = __atomic_fetch_sub(&p->backlog, n, __ATOMIC_SEQ_CST);
    if (before > BACKLOG_LOW && before - n <= BACKLOG_LOW)
        uv_async_send(&p->resume);
}

static void port_accept(struct chardev *c)
{
    deliver(c->backend);
}

static void on_resume(uv_async_t *resume)
{
    struct port *p = resume->data;

    if (p->stream)
        stream_pause(p->stream, false);
}

static void take_parcel(struct machine *m, void *opaque)
{
    struct parcel *parcel = opaque;
    struct port *p = parcel->port;

    (void)m;
    if (p->len + parcel->len > p->cap) {
        size_t cap = p->cap + parcel->len + 1024;
        uint8_t *pending = realloc(p->pending, cap);
        if (!pending)
            abort();
        p->pending = pending;
        p->cap = cap;
    }
    memcpy(p->pending + p->len, parcel->data, parcel->len);
    p->len += parcel->len;
    free(parcel);
    deliver(p);
}

void port_input(struct port *p, const uint8_t *data, size_t len)
{
    struct parcel *parcel = len ? malloc(sizeof *parcel + len) : NULL;

    if (!len) /* a client of a ring buffer may write just that */
        return;
    if (!parcel)
        abort();
    parcel->port = p;
    parcel->len = len;
    memcpy(parcel->data, data, len);
    size_t waiting = __atomic_add_fetch(&p->backlog, len, __ATOMIC_SEQ_CST);
    if (waiting >= BACKLOG_HIGH && p->stream)
        stream_pause(p->stream, true);
    if (p->machine)
        machine_post(p->machine, take_parcel, parcel);
    else
        take_parcel(NULL, parcel);
}

static void stream_input(void *opaque, const uint8_t *data, size_t len)
{
    port_input(opaque, data, len);
}

size_t port_backlog(const struct port *p)
{
    return __atomic_load_n(&p->backlog, __ATOMIC_SEQ_CST);
}

struct port *port_new(uv_loop_t *loop, struct stream *stream)
{
    struct port *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->chr.backend = p;
    p->chr.send = port_send;
    p->chr.accept = port_accept;
    p->stream = stream;
    uv_async_init(loop, &p->resume, on_resume);
    p->resume.data = p;
    if (stream)
        stream_set_reader(stream, &(struct stream_reader){p, stream_input, NULL, NULL});
    return p;
}

static void on_closed(uv_handle_t *handle)
{
    struct port *p = handle->data;

    free(p->pending);
    free(p);
}

void port_close(struct port *p)
{
    if (!p)
        return;
    if (p->stream)
        stream_close(p->stream);
    uv_close((uv_handle_t *)&p->resume, on_closed);
}

struct chardev *port_chardev(struct port *p)
{
    return &p->chr;
}

void port_bind(struct port *p, struct machine *m)
{
    p->machine = m;
}

void port_set_tap(struct port *p, void (*tap)(void *opaque, const uint8_t *data, size_t len),
                  void *opaque)
{
    p->tap_opaque = opaque;
    p->tap = tap;
}
