/* The inside of streams; between stream*.c alone.
 *
 * One structure for every kind: an input and an output descriptor, polled by libuv where the
 * kernel can poll them, read by a timer or written at once where it cannot (plain files). */
#ifndef RINGER_VMM_STREAM_INTERNAL_H
#define RINGER_VMM_STREAM_INTERNAL_H

#include "vmm/stream.h"
#include <pthread.h>

enum {
    STREAM_CHUNK = 4096,           /* PIPE_BUF: a pipe that polls writable takes that much */
    STREAM_QUEUE_STDIO = 64 << 20, /* a pager may take its time */
};

struct stream_ring {
    uint8_t *data;
    uint32_t size, head, used; /* SIZE is a power of two */
};

/* Where the parser of telnet's commands is (RFC 854). */
struct stream_telnet {
    uint8_t command, in_command, in_option, subnegotiation, last_cr;
};

struct stream {
    struct stream_spec spec;
    char label[64], pty[64];
    uv_loop_t *loop;
    int listener, in, out, slave; /* -1: none; in == out for sockets and terminals */
    uv_poll_t listen_poll, in_poll, out_poll;
    bool listen_polled, in_polled, out_polled;
    uv_timer_t pump; /* reads what cannot be polled */
    bool pumped;
    uv_timer_t retry; /* a client connects again */
    bool retries;
    uv_async_t wake; /* there is something to send */
    unsigned open_handles;
    bool paused, closing, bound;
    bool client_closing; /* libuv still holds the last client's poll handle */
    struct stream_reader reader;
    struct stream_telnet telnet;
    struct stream_mux *mux; /* this is a front of it */
    bool silent;            /* a front that waits for its turn */

    pthread_mutex_t lock; /* guards the queue, the ring, the log and `connected` */
    uint8_t *queue;
    size_t len, cap, limit;
    bool connected, writes_directly;
    struct stream_ring ring;
    int log; /* -1: none */
};

/* Watch FD by POLL; false when the kernel cannot. */
bool stream_poll(struct stream *s, uv_poll_t *poll, int fd, bool *polled);
/* Input that cannot be polled is read by a timer. */
void stream_pump(struct stream *s);
/* Start and stop watching, by what is to be sent and who is there. */
void stream_update(struct stream *s);
void stream_set_connected(struct stream *s, bool connected);
/* A client is there / is gone. */
void stream_adopt(struct stream *s, int fd);
void stream_drop(struct stream *s);
void stream_on_closed(uv_handle_t *handle);
static inline bool stream_is_socket(const struct stream *s)
{
    return s->spec.kind == STREAM_UNIX || s->spec.kind == STREAM_TCP;
}

/* A stream without descriptors: LOOP's, not connected.  NULL without memory. */
struct stream *stream_new(uv_loop_t *loop, const struct stream_spec *spec, const char *label);

/* How each kind is opened. */
bool stream_open_stdio(struct stream *s, struct error *err);
bool stream_open_file(struct stream *s, struct error *err);
bool stream_open_pipe(struct stream *s, struct error *err);
bool stream_open_tty(struct stream *s, struct error *err);
bool stream_open_pty(struct stream *s, struct error *err);
bool stream_open_socket(struct stream *s, struct error *err);
bool stream_open_udp(struct stream *s, struct error *err);

/* Take telnet's commands out of LEN bytes at DATA; what is left. */
size_t stream_telnet_filter(struct stream *s, uint8_t *data, size_t len);
/* What a server offers first. */
void stream_telnet_greet(struct stream *s);

/* Input for a front goes through its mux. */
void stream_front_closed(struct stream *front);
void stream_front_update(struct stream *front);

#endif
