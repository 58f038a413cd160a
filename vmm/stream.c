/* One structure for every kind: an input and an output descriptor, polled by libuv where the
 * kernel can poll them, read by a timer or written at once where it cannot (plain files). */
#define _GNU_SOURCE /* strchrnul, pipe2, posix_openpt */
#include "vmm/stream.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

enum {
    QUEUE_LIMIT = 1 << 20,        /* sockets and terminals nobody reads */
    QUEUE_LIMIT_STDIO = 64 << 20, /* a pager may take its time */
    CHUNK = 4096,                 /* PIPE_BUF: a pipe that polls writable takes that much */
};

struct stream {
    enum stream_kind kind;
    char label[32], path[200];
    uv_loop_t *loop;
    int listener, in, out, slave; /* -1: none; in == out for sockets and terminals */
    uv_poll_t listen_poll, in_poll, out_poll;
    bool listen_polled, in_polled, out_polled;
    uv_timer_t pump; /* reads what cannot be polled */
    bool pumped;
    uv_async_t wake; /* there is something to send */
    unsigned open_handles;
    bool paused, closing, bound;
    bool client_closing; /* libuv still holds the last client's poll handle */
    struct stream_reader reader;

    pthread_mutex_t lock; /* guards the queue and `connected` */
    uint8_t *queue;
    size_t len, cap, limit;
    bool connected, writes_directly;
};

static void update_polls(struct stream *s);

/* ---- handles ---- */

static void destroy(struct stream *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s->queue);
    free(s);
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;

    if (--s->open_handles == 0 && s->closing)
        destroy(s);
}

static void close_handle(struct stream *s, uv_handle_t *handle, bool *open)
{
    (void)s;
    if (*open)
        uv_close(handle, on_closed);
    *open = false;
}

static bool open_poll(struct stream *s, uv_poll_t *poll, int fd, bool *polled)
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
    size_t chunk = len < CHUNK ? len : CHUNK;
    ssize_t n = send(fd, data, chunk, MSG_NOSIGNAL);

    if (n < 0 && errno == ENOTSOCK)
        n = write(fd, data, chunk);

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

void stream_send(struct stream *s, const void *data, size_t len)
{
    pthread_mutex_lock(&s->lock);
    bool wake = false;
    if (s->connected && s->writes_directly) {
        write_all(s->out, data, len);
    } else if (s->connected) {
        wake = s->len == 0;
        wake &= enqueue(s, data, len);
    }
    pthread_mutex_unlock(&s->lock);
    if (wake)
        uv_async_send(&s->wake);
}

static void on_wake(uv_async_t *wake)
{
    update_polls(wake->data);
}

/* ---- connections ---- */

static void set_connected(struct stream *s, bool connected)
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
        update_polls(s);
}

static void drop_client(struct stream *s)
{
    if (s->in_polled) {
        s->in_polled = false;
        s->client_closing = true;
        uv_close((uv_handle_t *)&s->in_poll, on_client_closed);
    }
    if (s->in >= 0)
        close(s->in);
    s->in = s->out = -1;
    set_connected(s, false);
}

static void adopt_client(struct stream *s, int fd)
{
    s->in = s->out = fd;
    if (!open_poll(s, &s->in_poll, fd, &s->in_polled)) {
        close(fd);
        s->in = s->out = -1;
        return;
    }
    set_connected(s, true);
    update_polls(s);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;

    (void)events;
    if (status < 0)
        return;
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0)
        adopt_client(s, fd);
    update_polls(s);
}

void stream_hang_up(struct stream *s)
{
    if (s->listener < 0 || s->in < 0)
        return;
    for (int i = 0; i < 64 && s->len && send_chunk(s); i++)
        ;
    drop_client(s);
}

/* ---- receiving ---- */

static void end_of_input(struct stream *s)
{
    if (s->kind == STREAM_UNIX) {
        drop_client(s);
        return;
    }
    /* Standard input is at its end: output goes on. */
    close_handle(s, (uv_handle_t *)&s->in_poll, &s->in_polled);
    if (s->pumped)
        uv_timer_stop(&s->pump);
}

static void receive(struct stream *s)
{
    uint8_t data[CHUNK];
    ssize_t n = read(s->in, data, sizeof data);

    if (n > 0) {
        if (s->reader.input)
            s->reader.input(s->reader.opaque, data, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR && errno != EIO)) {
        end_of_input(s);
    }
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct stream *s = poll->data;

    if (status < 0) {
        end_of_input(s);
        return;
    }
    if ((events & UV_WRITABLE) && !send_chunk(s) && s->kind == STREAM_UNIX) {
        drop_client(s);
        return;
    }
    if (events & UV_READABLE)
        receive(s);
    if (!s->closing)
        update_polls(s);
}

static void on_pump(uv_timer_t *timer)
{
    struct stream *s = timer->data;

    if (!s->paused)
        receive(s);
}

static void update_polls(struct stream *s)
{
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
    update_polls(s);
}

void stream_set_reader(struct stream *s, const struct stream_reader *reader)
{
    s->reader = *reader;
    if (s->connected && reader->connected)
        reader->connected(reader->opaque, true);
}

/* ---- opening ---- */

static bool open_stdio(struct stream *s, struct error *err)
{
    s->in = STDIN_FILENO;
    s->out = STDOUT_FILENO;
    s->limit = QUEUE_LIMIT_STDIO;
    if (!open_poll(s, &s->in_poll, s->in, &s->in_polled)) {
        uv_timer_init(s->loop, &s->pump);
        s->pump.data = s;
        s->open_handles++;
        s->pumped = true;
        uv_timer_start(&s->pump, on_pump, 1, 1);
    }
    if (!open_poll(s, &s->out_poll, s->out, &s->out_polled))
        s->writes_directly = true;
    s->connected = true;
    if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
        return error_set(err, "%s: standard output is closed", s->label);
    return true;
}

static bool open_file(struct stream *s, struct error *err)
{
    s->out = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (s->out < 0)
        return error_set(err, "%s: cannot write %s: %s", s->label, s->path, strerror(errno));
    s->writes_directly = s->connected = true;
    return true;
}

static bool open_pty(struct stream *s, struct error *err)
{
    struct termios raw;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
        ptsname_r(fd, s->path, sizeof s->path) != 0) {
        if (fd >= 0)
            close(fd);
        return error_set(err, "%s: no pseudo-terminal: %s", s->label, strerror(errno));
    }
    s->in = s->out = fd;
    /* Held open, so that the master is not hung up while no one else has it. */
    s->slave = open(s->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->slave >= 0 && tcgetattr(s->slave, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(s->slave, TCSANOW, &raw);
    }
    if (!open_poll(s, &s->in_poll, fd, &s->in_polled))
        return error_set(err, "%s: cannot poll %s", s->label, s->path);
    s->connected = true;
    fprintf(stderr, "char device redirected to %s (label %s)\n", s->path, s->label);
    return true;
}

/* A socket file that nobody listens on any more is in the way; one that answers, or anything
 * that is no socket, is somebody else's. */
static bool clear_stale(struct stream *s, const struct sockaddr_un *address, struct error *err)
{
    struct stat st;

    if (lstat(s->path, &st) < 0)
        return true;
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, "%s: %s is there and is no socket: remove it or name another",
                         s->label, s->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool refused = rc < 0 && errno == ECONNREFUSED;
    close(fd);
    if (!refused)
        return error_set(err, "%s: the socket %s is in use: name another", s->label, s->path);
    unlink(s->path);
    return true;
}

static bool open_server(struct stream *s, const struct sockaddr_un *address, bool wait,
                        struct error *err)
{
    if (!clear_stale(s, address, err))
        return false;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (const struct sockaddr *)address, sizeof *address) < 0)
        return error_set(err, "%s: cannot make the socket %s: %s", s->label, s->path,
                         strerror(errno));
    s->bound = true;
    if (listen(s->listener, 1) < 0 ||
        !open_poll(s, &s->listen_poll, s->listener, &s->listen_polled))
        return error_set(err, "%s: cannot listen on %s: %s", s->label, s->path, strerror(errno));
    if (wait) {
        fprintf(stderr, "%s: waiting for a connection on %s\n", s->label, s->path);
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            adopt_client(s, fd);
    }
    fcntl(s->listener, F_SETFL, O_NONBLOCK);
    return true;
}

static bool open_unix(struct stream *s, const struct stream_spec *spec, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%.107s", spec->path);
    if (spec->server)
        return open_server(s, &address, spec->wait, err);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
        error_set(err, "%s: cannot connect to %s: %s (add ,server=on to make the socket)", s->label,
                  s->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    adopt_client(s, fd);
    return true;
}

struct stream *stream_open(uv_loop_t *loop, const struct stream_spec *spec, const char *label,
                           struct error *err)
{
    struct stream *s = calloc(1, sizeof *s);
    bool ok = true;

    if (!s) {
        error_set(err, "out of memory");
        return NULL;
    }
    s->kind = spec->kind;
    s->loop = loop;
    s->listener = s->in = s->out = s->slave = -1;
    s->limit = QUEUE_LIMIT;
    snprintf(s->label, sizeof s->label, "%s", label);
    snprintf(s->path, sizeof s->path, "%s", spec->path);
    pthread_mutex_init(&s->lock, NULL);
    uv_async_init(loop, &s->wake, on_wake);
    s->wake.data = s;
    s->open_handles++;
    switch (spec->kind) {
    case STREAM_NONE:
    case STREAM_NULL:
        break;
    case STREAM_STDIO:
        ok = open_stdio(s, err);
        break;
    case STREAM_FILE:
        ok = open_file(s, err);
        break;
    case STREAM_UNIX:
        ok = open_unix(s, spec, err);
        break;
    case STREAM_PTY:
        ok = open_pty(s, err);
        break;
    }
    if (!ok) {
        stream_close(s);
        return NULL;
    }
    update_polls(s);
    return s;
}

static void flush(struct stream *s)
{
    struct pollfd p = {.fd = s->out, .events = POLLOUT};

    while (s->out >= 0 && s->len && poll(&p, 1, 1000) > 0 && send_chunk(s))
        ;
}

void stream_close(struct stream *s)
{
    bool wake = true;

    if (!s)
        return;
    flush(s);
    s->closing = true;
    set_connected(s, false);
    close_handle(s, (uv_handle_t *)&s->listen_poll, &s->listen_polled);
    close_handle(s, (uv_handle_t *)&s->in_poll, &s->in_polled);
    close_handle(s, (uv_handle_t *)&s->out_poll, &s->out_polled);
    close_handle(s, (uv_handle_t *)&s->pump, &s->pumped);
    close_handle(s, (uv_handle_t *)&s->wake, &wake);
    if (s->kind != STREAM_STDIO) {
        if (s->in >= 0 && s->in != s->out)
            close(s->in);
        if (s->out >= 0)
            close(s->out);
    }
    if (s->slave >= 0)
        close(s->slave);
    if (s->listener >= 0)
        close(s->listener);
    if (s->bound)
        unlink(s->path);
}
