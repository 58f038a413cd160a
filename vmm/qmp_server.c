#include "vmm/qmp_server.h"
#include "vmm/event.h"
#include "vmm/qmp.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum {
    EVENTS_MAX = 256,        /* on their way; more are lost */
    QUEUE_HIGH = 256 << 10,  /* bytes that a client has not read: its commands wait */
    QUEUE_FULL = 1 << 20,    /* the same: it gets no events */
    QUEUE_LIMIT = 128 << 20, /* an answer is never cut: the longest there is */
};

struct client {
    struct qmp_server *server;
    struct stream *stream;
    struct qmp *qmp;
    struct client *next;
    char *waiting; /* input that was not looked at yet */
    size_t len;
};

struct happening {
    struct machine_event event;
    struct timeval when;
};

struct qmp_server {
    struct monitor_target target;
    struct machine_listener listener;
    uv_async_t wake;
    struct client *clients;

    pthread_mutex_t lock; /* guards what follows */
    unsigned count;
    struct happening queue[EVENTS_MAX];
    bool delivering; /* on the loop's thread alone */
};

/* ---- events ---- */

/* A guest that sets its clock register by register says so a dozen times. */
static bool replaces(const struct machine_event *e, const struct machine_event *last)
{
    return e->kind == MACHINE_RTC_CHANGE && last->kind == MACHINE_RTC_CHANGE;
}

/* On any thread. */
static void on_event(void *opaque, const struct machine_event *e)
{
    struct qmp_server *s = opaque;
    struct happening h = {.event = *e};

    gettimeofday(&h.when, NULL);
    pthread_mutex_lock(&s->lock);
    if (s->count && replaces(e, &s->queue[s->count - 1].event))
        s->queue[s->count - 1] = h;
    else if (s->count < EVENTS_MAX)
        s->queue[s->count++] = h;
    pthread_mutex_unlock(&s->lock);
    uv_async_send(&s->wake);
}

static void deliver(struct qmp_server *s)
{
    struct happening queue[EVENTS_MAX];

    pthread_mutex_lock(&s->lock);
    unsigned count = s->count;
    memcpy(queue, s->queue, count * sizeof *queue);
    s->count = 0;
    pthread_mutex_unlock(&s->lock);
    s->delivering = true;
    for (unsigned i = 0; i < count; i++)
        for (struct client *c = s->clients; c; c = c->next)
            if (stream_queued(c->stream) < QUEUE_FULL)
                qmp_event(c->qmp, &queue[i].event, queue[i].when.tv_sec,
                          (unsigned)queue[i].when.tv_usec);
    s->delivering = false;
}

static void on_wake(uv_async_t *wake)
{
    deliver(wake->data);
}

/* ---- clients ---- */

/* What a command has made happen comes before its answer, as in QEMU. */
static void client_write(void *opaque, const char *data, size_t len)
{
    struct client *c = opaque;

    if (!c->server->delivering)
        deliver(c->server);
    stream_send(c->stream, data, len);
}

/* Carry out commands as long as the client reads the answers.  Returns what was taken. */
static size_t feed(struct client *c, const char *data, size_t len)
{
    size_t taken = 0;

    while (taken < len && stream_queued(c->stream) < QUEUE_HIGH) {
        deliver(c->server); /* what happened before the answer comes before it */
        taken += qmp_input(c->qmp, data + taken, len - taken);
    }
    return taken;
}

static void on_input(void *opaque, const uint8_t *data, size_t len)
{
    struct client *c = opaque;
    size_t taken = c->len ? 0 : feed(c, (const char *)data, len);

    if (taken == len)
        return;
    char *waiting = realloc(c->waiting, c->len + len - taken);
    if (!waiting)
        abort();
    memcpy(waiting + c->len, data + taken, len - taken);
    c->waiting = waiting;
    c->len += len - taken;
    stream_pause(c->stream, true);
}

static void on_drained(void *opaque)
{
    struct client *c = opaque;
    size_t taken;

    if (!c->len)
        return;
    taken = feed(c, c->waiting, c->len);

    memmove(c->waiting, c->waiting + taken, c->len -= taken);
    if (!c->len)
        stream_pause(c->stream, false);
}

static void on_connected(void *opaque, bool connected)
{
    struct client *c = opaque;

    c->len = 0;
    stream_pause(c->stream, false);
    if (connected)
        qmp_greet(c->qmp);
}

void qmp_server_add(struct qmp_server *s, struct stream *stream, bool pretty)
{
    struct client *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->server = s;
    c->stream = stream;
    c->qmp = qmp_new(&s->target, pretty, client_write, c);
    c->next = s->clients;
    s->clients = c;
    stream_set_limit(stream, QUEUE_LIMIT);
    stream_set_reader(stream, &(struct stream_reader){c, on_input, on_connected, on_drained});
}

/* ---- life ---- */

struct qmp_server *qmp_server_new(uv_loop_t *loop, const struct monitor_target *t)
{
    struct qmp_server *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->target = *t;
    pthread_mutex_init(&s->lock, NULL);
    uv_async_init(loop, &s->wake, on_wake);
    s->wake.data = s;
    s->listener = (struct machine_listener){.event = on_event, .opaque = s};
    machine_listen(t->machine, &s->listener);
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct qmp_server *s = handle->data;

    pthread_mutex_destroy(&s->lock);
    free(s);
}

void qmp_server_close(struct qmp_server *s)
{
    if (!s)
        return;
    machine_unlisten(s->target.machine, &s->listener);
    deliver(s);
    while (s->clients) {
        struct client *c = s->clients;
        s->clients = c->next;
        stream_set_reader(c->stream, &(struct stream_reader){0});
        stream_close(c->stream);
        qmp_free(c->qmp);
        free(c->waiting);
        free(c);
    }
    uv_close((uv_handle_t *)&s->wake, on_closed);
}
