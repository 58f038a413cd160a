/* What all kinds of streams share: queues, polls, connections.  stream_internal.h tells how. */
#define _GNU_SOURCE /* accept4 */
#include "vmm/output.h"
#include "vmm/stream_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUEUE_LIMIT = 1 << 20 }; /* sockets and terminals nobody reads */

/* ---- handles ---- */

static void destroy(struct stream *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s->queue);
    free(s->ring.data);
    free(s);
}

void stream_on_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    if (--s->open_handles == 0 && s->closing)
        destroy(s);
}

static void close_handle(uv_handle_t *handle, bool *open)
{
    if (*open)
        uv_close(handle, stream_on_closed);
    *open = false;
}

bool stream_poll(struct stream *s, uv_poll_t *poll, int fd, bool *polled)
{
    if (uv_poll_init(s->loop, poll, fd) != 0)
        return false;
    poll->data = s;
    s->open_handles++;
    *polled = true;
    return true;
}

/* ---- sending ---- */

static size_t write_some(int fd, const uint8_t *data, size_t len, bool *broken)
{
    size_t chunk = len < STREAM_CHUNK ? len : STREAM_CHUNK;
    ssize_t n = send(fd, data, chunk, MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK)
        n = write(fd, data, chunk);
    /* A datagram that nobody takes (ECONNREFUSED) is lost, and that is all. */
    if (n < 0 && errno == ECONNREFUSED)
        return chunk;
    *broken = n < 0 && errno != EAGAIN && errno != EINTR;
    return n > 0 ? (size_t)n : 0;
}

static void write_all(int fd, const uint8_t *data, size_t len)
{
    bool broken = false;

    while (len && !broken) {
        size_t n = write_some(fd, data, len, &broken);
        data += n;
        len -= n;
    }
}

/* Send one chunk of what is queued; false when the other side is gone. */
static bool send_chunk(struct stream *s)
{
    bool broken = false;

    pthread_mutex_lock(&s->lock);
    if (s->len) {
        size_t n = write_some(s->out, s->queue, s->len, &broken);
        if (broken)
            s->len = 0;
        else
            memmove(s->queue, s->queue + n, s->len -= n);
    }
    pthread_mutex_unlock(&s->lock);
    return !broken;
}

static bool enqueue(struct stream *s, const void *data, size_t len)
{
    if (s->len + len > s->limit)
        return false;
    if (s->len + len > s->cap) {
        size_t cap = s->cap ? s->cap : 4096;
        while (cap < s->len + len)
            cap *= 2;
        uint8_t *queue = realloc(s->queue, cap);
        if (!queue)
            return false;
        s->queue = queue;
        s->cap = cap;
    }
    memcpy(s->queue + s->len, data, len);
    s->len += len;
    return true;
}

/* The ring forgets the oldest. */
static void keep(struct stream_ring *r, const uint8_t *data, size_t len)
{
    for (; len; len--) {
        r->data[(r->head + r->used) & (r->size - 1)] = *data++;
        if (r->used < r->size)
            r->used++;
        else
            r->head = (r->head + 1) & (r->size - 1);
    }
}

/* Telnet's escape character is sent twice (RFC 854). */
static bool enqueue_telnet(struct stream *s, const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len;
    bool ok = true;

    while (data < end) {
        const uint8_t *iac = memchr(data, 0xff, (size_t)(end - data));
        size_t n = (size_t)((iac ? iac + 1 : end) - data);
        ok = enqueue(s, data, n) && (!iac || enqueue(s, iac, 1));
        data += n;
    }
    return ok;
}

void stream_send(struct stream *s, const void *data, size_t len)
{
    pthread_mutex_lock(&s->lock);
    bool wake = false;
    if (s->log >= 0)
        write_all(s->log, data, len);
    if (s->ring.data) {
        keep(&s->ring, data, len);
    } else if (s->connected && s->writes_directly) {
        write_all(s->out, data, len);
    } else if (s->connected) {
        wake = s->len == 0 || s->mux;
        wake &= s->spec.telnet ? enqueue_telnet(s, data, len) : enqueue(s, data, len);
    }
    pthread_mutex_unlock(&s->lock);
    if (wake)
        uv_async_send(&s->wake);
}

size_t stream_queued(struct stream *s)
{
    pthread_mutex_lock(&s->lock);
    size_t len = s->len;
    pthread_mutex_unlock(&s->lock);
    return len;
}

void stream_set_limit(struct stream *s, size_t bytes)
{
    pthread_mutex_lock(&s->lock);
    s->limit = bytes;
    pthread_mutex_unlock(&s->lock);
}

size_t stream_ring_read(struct stream *s, void *data, size_t len)
{
    struct stream_ring *r = &s->ring;
    uint8_t *out = data;
    size_t n = 0;

    pthread_mutex_lock(&s->lock);
    while (n < len && r->used) {
        out[n++] = r->data[r->head];
        r->head = (r->head + 1) & (r->size - 1);
        r->used--;
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

bool stream_ring_write(struct stream *s, const void *data, size_t len)
{
    if (!s->ring.data)
        return false;
    if (s->reader.input)
        s->reader.input(s->reader.opaque, data, len);
    return true;
}

static void on_wake(uv_async_t *wake)
{
    struct stream *s = wake->data;

    if (!s->closing)
        stream_update(s);
}

/* ---- connections ---- */

void stream_set_connected(struct stream *s, bool connected)
{
    pthread_mutex_lock(&s->lock);
    s->connected = connected;
    if (!connected)
        s->len = 0;
    pthread_mutex_unlock(&s->lock);
    if (s->reader.connected)
        s->reader.connected(s->reader.opaque, connected);
}

static void on_ready(uv_poll_t *poll, int status, int events);

/* The poll handle of a socket is used again for the next client only after libuv let go of it,
 * so the listener waits for that. */
static void on_client_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    s->client_closing = false;
    if (--s->open_handles == 0 && s->closing)
        destroy(s);
    else if (!s->closing)
        stream_update(s);
}

void stream_drop(struct stream *s)
{
    if (s->in_polled) {
        s->in_polled = false;
        s->client_closing = true;
        uv_close((uv_handle_t *)&s->in_poll, on_client_closed);
    }
    if (s->in >= 0)
        close(s->in);
    s->in = s->out = -1;
    stream_set_connected(s, false);
}

void stream_adopt(struct stream *s, int fd)
{
    s->in = s->out = fd;
    if (!stream_poll(s, &s->in_poll, fd, &s->in_polled)) {
        close(fd);
        s->in = s->out = -1;
        return;
    }
    s->telnet = (struct stream_telnet){0};
    if (s->spec.telnet && s->spec.server)
        stream_telnet_greet(s);
    stream_set_connected(s, true);
    stream_update(s);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;

    (void)events;
    if (status < 0)
        return;
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        stream_adopt(s, fd);
    stream_update(s);
}

/* ---- receiving ---- */

static void end_of_input(struct stream *s)
{
    if (stream_is_socket(s)) {
        stream_drop(s);
        return;
    }
    /* Standard input is at its end: output goes on. */
    close_handle((uv_handle_t *)&s->in_poll, &s->in_polled);
    if (s->pumped)
        uv_timer_stop(&s->pump);
}

static void receive(struct stream *s)
{
    uint8_t data[STREAM_CHUNK];
    ssize_t n = read(s->in, data, sizeof data);

    if (n > 0) {
        size_t len = s->spec.telnet ? stream_telnet_filter(s, data, (size_t)n) : (size_t)n;
        if (s->reader.input && len)
            s->reader.input(s->reader.opaque, data, len);
    } else if (s->spec.kind == STREAM_UDP) {
        return; /* an empty datagram, or word of one that was lost */
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR && errno != EIO)) {
        end_of_input(s);
    }
}

/* A datagram that nobody took leaves an error on the socket, which is to be fetched. */
static void forget_error(int fd)
{
    int error;
    socklen_t len = sizeof error;

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;

    if (status < 0 && s->spec.kind == STREAM_UDP) {
        forget_error(s->in);
    } else if (status < 0) {
        end_of_input(s);
        return;
    }
    if ((events & UV_WRITABLE) && !send_chunk(s) && stream_is_socket(s)) {
        stream_drop(s);
        return;
    }
    if (events & UV_READABLE)
        receive(s);
    if ((events & UV_WRITABLE) && s->reader.drained && !stream_queued(s))
        s->reader.drained(s->reader.opaque);
    if (!s->closing)
        stream_update(s);
}

static void on_pump(uv_timer_t *timer)
{
    struct stream *s = timer->data;

    if (!s->paused)
        receive(s);
}

void stream_pump(struct stream *s)
{
    uv_timer_init(s->loop, &s->pump);
    s->pump.data = s;
    s->open_handles++;
    s->pumped = true;
    uv_timer_start(&s->pump, on_pump, 1, 1);
}

void stream_update(struct stream *s)
{
    if (s->mux) {
        stream_front_update(s);
        return;
    }
    pthread_mutex_lock(&s->lock);
    bool sending = s->len > 0 && !s->writes_directly;
    pthread_mutex_unlock(&s->lock);

    int in = s->paused ? 0 : UV_READABLE;
    if (s->in == s->out && sending)
        in |= UV_WRITABLE;
    if (s->in_polled) {
        if (in)
            uv_poll_start(&s->in_poll, in, on_ready);
        else
            uv_poll_stop(&s->in_poll);
    }
    if (s->out_polled) {
        if (sending)
            uv_poll_start(&s->out_poll, UV_WRITABLE, on_ready);
        else
            uv_poll_stop(&s->out_poll);
    }
    if (s->listen_polled) {
        bool idle = s->in < 0 && !s->client_closing;
        if (idle)
            uv_poll_start(&s->listen_poll, UV_READABLE, on_listener);
        else
            uv_poll_stop(&s->listen_poll);
    }
}

void stream_pause(struct stream *s, bool pause)
{
    if (s->paused == pause || s->closing)
        return;
    s->paused = pause;
    stream_update(s);
}

void stream_set_reader(struct stream *s, const struct stream_reader *reader)
{
    s->reader = *reader;
    if (s->connected && reader->connected && !s->silent)
        reader->connected(reader->opaque, true);
}

const struct stream_spec *stream_spec_of(const struct stream *s)
{
    return &s->spec;
}

const char *stream_pty_name(const struct stream *s)
{
    return s->pty[0] ? s->pty : NULL;
}

/* ---- opening and closing ---- */

struct stream *stream_new(uv_loop_t *loop, const struct stream_spec *spec, const char *label)
{
    struct stream *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->spec = *spec;
    s->loop = loop;
    s->listener = s->in = s->out = s->slave = s->log = -1;
    s->limit = QUEUE_LIMIT;
    snprintf(s->label, sizeof s->label, "%s", label);
    pthread_mutex_init(&s->lock, NULL);
    uv_async_init(loop, &s->wake, on_wake);
    s->wake.data = s;
    s->open_handles++;
    return s;
}

static bool check_log(const struct stream *s, struct error *err)
{
    return !s->spec.log[0] || output_possible(s->spec.log) ||
           error_set(err, "%s: cannot write the logfile %s: %s", s->label, s->spec.log,
                     strerror(errno));
}

static bool open_ring(struct stream *s, struct error *err)
{
    s->ring.size = s->spec.ring_bytes;
    s->ring.data = calloc(1, s->ring.size);
    return s->ring.data || error_set(err, "%s: out of memory", s->label);
}

static bool open_kind(struct stream *s, struct error *err)
{
    switch (s->spec.kind) {
    case STREAM_STDIO:
        return stream_open_stdio(s, err);
    case STREAM_FILE:
        return stream_open_file(s, err);
    case STREAM_PIPE:
        return stream_open_pipe(s, err);
    case STREAM_TTY:
        return stream_open_tty(s, err);
    case STREAM_PTY:
        return stream_open_pty(s, err);
    case STREAM_UNIX:
    case STREAM_TCP:
        return stream_open_socket(s, err);
    case STREAM_UDP:
        return stream_open_udp(s, err);
    case STREAM_RING:
        return open_ring(s, err);
    case STREAM_NONE:
    case STREAM_NULL:
    case STREAM_NAMED:
        break;
    }
    return true;
}

struct stream *stream_open(uv_loop_t *loop, const struct stream_spec *spec, const char *label,
                           struct error *err)
{
    struct stream *s = stream_new(loop, spec, label);

    if (!s) {
        error_set(err, "out of memory");
        return NULL;
    }
    if (!open_kind(s, err) || !check_log(s, err)) {
        stream_close(s);
        return NULL;
    }
    stream_update(s);
    return s;
}

static void flush(struct stream *s)
{
    struct pollfd p = {.fd = s->out, .events = POLLOUT};

    while (s->out >= 0 && s->len && poll(&p, 1, 1000) > 0 && send_chunk(s))
        ;
}

static void close_descriptors(struct stream *s)
{
    if (s->spec.kind != STREAM_STDIO) {
        if (s->in >= 0 && s->in != s->out)
            close(s->in);
        if (s->out >= 0)
            close(s->out);
    }
    if (s->slave >= 0)
        close(s->slave);
    if (s->listener >= 0)
        close(s->listener);
    if (s->log >= 0)
        close(s->log);
    if (s->bound)
        unlink(s->spec.path);
}

void stream_close(struct stream *s)
{
    bool wake = true;

    if (!s)
        return;
    if (s->mux)
        stream_front_closed(s);
    flush(s);
    s->closing = true;
    stream_set_connected(s, false);
    close_handle((uv_handle_t *)&s->listen_poll, &s->listen_polled);
    close_handle((uv_handle_t *)&s->in_poll, &s->in_polled);
    close_handle((uv_handle_t *)&s->out_poll, &s->out_polled);
    close_handle((uv_handle_t *)&s->pump, &s->pumped);
    close_handle((uv_handle_t *)&s->retry, &s->retries);
    close_handle((uv_handle_t *)&s->wake, &wake);
    close_descriptors(s);
}
