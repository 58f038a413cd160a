#include "vmm/metrics.h"
#include "vmm/statistics.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_MAX = 8192, CLIENTS_MAX = 16, PATIENCE_MS = 10000 };

struct metrics_client {
    struct metrics *server;
    struct metrics_client *next;
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    uv_timer_t patience; /* a client that says nothing is shown out */
    uv_write_t write;
    unsigned open; /* handles that are not closed yet */
    char request[REQUEST_MAX];
    size_t len;
    struct text answer;
};

struct metrics {
    struct machine *machine;
    struct metrics_address address;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } listener;
    struct metrics_client *clients;
    unsigned count;
    bool closing, closed;
};

/* ---- the address ---- */

static bool parse_tcp(const char *text, struct metrics_address *out)
{
    char host[64], *end;
    const char *colon = strrchr(text, ':');
    struct sockaddr_in *v4 = (struct sockaddr_in *)&out->tcp;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->tcp;

    if (!colon || (size_t)(colon - text) >= sizeof host || colon[1] < '0' || colon[1] > '9')
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (*end || !port || port > 65535)
        return false;
    if (!strcmp(host, "[::1]")) {
        v6->sin6_family = AF_INET6;
        v6->sin6_addr = in6addr_loopback;
        v6->sin6_port = htons((uint16_t)port);
        return true;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, !*host || !strcmp(host, "localhost") ? "127.0.0.1" : host,
                  &v4->sin_addr) != 1)
        return false;
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

bool metrics_parse(const char *text, struct metrics_address *out, struct error *err)
{
    *out = (struct metrics_address){0};
    if (!strncmp(text, "unix:", 5) && text[5]) {
        if (strlen(text + 5) >= sizeof out->path)
            return error_set(err, "-metrics %s: the path is too long, by %zu bytes", text,
                             strlen(text + 5) - sizeof out->path + 1);
        strcpy(out->path, text + 5);
        return true;
    }
    if (!strncmp(text, "tcp:", 4) && parse_tcp(text + 4, out))
        return true;
    return error_set(err, "-metrics %s: it is unix:PATH or tcp:127.0.0.1:PORT, on this host alone",
                     text);
}

/* ---- clients ---- */

static void end_if_done(struct metrics *s)
{
    if (s->closed && !s->clients)
        free(s);
}

static void on_client_closed(uv_handle_t *handle)
{
    struct metrics_client *c = handle->data, **link = &c->server->clients;

    if (--c->open)
        return;
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    c->server->count--;
    end_if_done(c->server);
    text_free(&c->answer);
    free(c);
}

static void drop(struct metrics_client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->socket.stream))
        uv_close((uv_handle_t *)&c->socket.stream, on_client_closed);
    if (!uv_is_closing((uv_handle_t *)&c->patience))
        uv_close((uv_handle_t *)&c->patience, on_client_closed);
}

static void on_impatient(uv_timer_t *timer)
{
    drop(timer->data);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    drop(write->data);
}

static void answer(struct metrics_client *c)
{
    bool get = !strncmp(c->request, "GET ", 4);
    const char *path = c->request + 4;
    size_t len = get ? strcspn(path, " ?\r\n") : 0;
    bool known = get && ((len == 1 && *path == '/') || (len == 8 && !strncmp(path, "/metrics", 8)));
    struct statistics all = {0};
    struct text body = {0};

    if (known) {
        statistics_collect(c->server->machine, &all);
        statistics_prometheus(&all, &body);
        statistics_free(&all);
    } else {
        text_printf(&body, get ? "the statistics are at /metrics\n" : "only GET\n");
    }
    text_printf(&c->answer,
                "HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
                "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                known ? "200 OK"
                : get ? "404 Not Found"
                      : "405 Method Not Allowed",
                body.len);
    text_add(&c->answer, text_string(&body), body.len);
    text_free(&body);
    uv_buf_t buf = uv_buf_init(c->answer.data, (unsigned)c->answer.len);
    c->write.data = c;
    if (uv_write(&c->write, &c->socket.stream, &buf, 1, on_written) < 0)
        drop(c);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct metrics_client *c = handle->data;

    (void)hint;
    *buf = uv_buf_init(c->request + c->len, (unsigned)(REQUEST_MAX - 1 - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct metrics_client *c = stream->data;

    (void)buf;
    if (n < 0) {
        drop(c);
        return;
    }
    c->len += (size_t)n;
    c->request[c->len] = 0;
    bool whole = strstr(c->request, "\r\n\r\n") || strstr(c->request, "\n\n");
    if (!whole && c->len < REQUEST_MAX - 1)
        return;
    uv_read_stop(stream);
    if (whole)
        answer(c);
    else
        drop(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct metrics *s = listener->data;
    struct metrics_client *c = status < 0 || s->closing ? NULL : calloc(1, sizeof *c);

    if (!c)
        return;
    if (s->address.path[0])
        uv_pipe_init(listener->loop, &c->socket.pipe, 0);
    else
        uv_tcp_init(listener->loop, &c->socket.tcp);
    uv_timer_init(listener->loop, &c->patience);
    c->server = s;
    c->open = 2;
    c->socket.stream.data = c->patience.data = c;
    c->next = s->clients;
    s->clients = c;
    s->count++;
    if (uv_accept(listener, &c->socket.stream) < 0 || s->count > CLIENTS_MAX ||
        uv_read_start(&c->socket.stream, on_alloc, on_read) < 0) {
        drop(c);
        return;
    }
    uv_timer_start(&c->patience, on_impatient, PATIENCE_MS, 0);
}

/* ---- life ---- */

static void on_listener_closed(uv_handle_t *handle)
{
    struct metrics *s = handle->data;

    s->closed = true;
    end_if_done(s);
}

struct metrics *metrics_open(uv_loop_t *loop, struct machine *m, const char *text,
                             struct error *err)
{
    struct metrics *s = calloc(1, sizeof *s);
    int r;

    if (!s)
        abort();
    s->machine = m;
    if (!metrics_parse(text, &s->address, err)) {
        free(s);
        return NULL;
    }
    if (s->address.path[0]) {
        uv_pipe_init(loop, &s->listener.pipe, 0);
        r = uv_pipe_bind(&s->listener.pipe, s->address.path);
    } else {
        uv_tcp_init(loop, &s->listener.tcp);
        r = uv_tcp_bind(&s->listener.tcp, (const struct sockaddr *)&s->address.tcp, 0);
    }
    s->listener.handle.data = s;
    if (r == 0)
        r = uv_listen(&s->listener.stream, CLIENTS_MAX, on_connection);
    if (r == 0)
        return s;
    error_set(err, "-metrics %s: %s", text, uv_strerror(r));
    metrics_close(s);
    return NULL;
}

void metrics_close(struct metrics *s)
{
    if (!s)
        return;
    s->closing = true;
    for (struct metrics_client *c = s->clients; c; c = c->next)
        drop(c);
    uv_close(&s->listener.handle, on_listener_closed); /* libuv removes the socket's file */
}
