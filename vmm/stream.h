/* Byte streams on the host: standard input and output, files, pipes, sockets, pseudo-terminals.
 * What serial lines, the debug console and the monitor are connected to.
 *
 * All of a stream lives on the thread that runs the event loop, but stream_send, which any
 * thread may call. */
#ifndef RINGER_VMM_STREAM_H
#define RINGER_VMM_STREAM_H

#include "ringer/error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

enum stream_kind {
    STREAM_NONE,
    STREAM_NULL,
    STREAM_STDIO,
    STREAM_FILE,
    STREAM_PIPE, /* PATH.in and PATH.out, or PATH both ways */
    STREAM_TTY,  /* a serial port of the host's */
    STREAM_PTY,
    STREAM_UNIX,
    STREAM_TCP,
    STREAM_UDP,
    STREAM_RING, /* the last output is kept in memory */
    STREAM_NAMED /* chardev:ID: PATH is the ID of one that exists */
};

/* A stream as the command line names it. */
struct stream_spec {
    enum stream_kind kind;
    bool mux;          /* several front ends share it; mon:stdio: with the monitor */
    bool server, wait; /* sockets: listen; wait for the first client before the machine starts */
    bool telnet;       /* speak its protocol on the socket */
    bool append;       /* file: keep what is there */
    bool keep_signals; /* stdio: Ctrl-C still raises a signal */
    bool log_append;
    bool has_fd;                   /* sockets: FD is one already, that ringer was started with */
    int fd;
    unsigned reconnect;            /* clients: try again after so many seconds; 0: never */
    uint32_t ring_bytes;           /* a power of two */
    char path[200];                /* of files and Unix sockets */
    char input[200];               /* file: where input comes from */
    char log[200];                 /* what is sent is written to this file, too */
    char host[80], port[16];       /* tcp, udp: the other end, or where to listen */
    char local[80], localport[16]; /* udp: this end */
};

struct stream;

/* Parse SPEC, the value of OPTION, as -serial has it: stdio, mon:DEV, null, none, pty, vc,
 * file:PATH, pipe:PATH, /dev/PATH, unix:PATH[,server=on|off][,wait=on|off] and the older ,server
 * ,nowait; tcp:HOST:PORT and telnet:HOST:PORT with the same; udp:[HOST]:PORT[@[HOST]:[PORT]];
 * chardev:ID. */
bool stream_parse(const char *option, const char *spec, struct stream_spec *out, struct error *err);
/* What the monitor calls it: "unix:/tmp/x,server=on". */
void stream_spec_describe(const struct stream_spec *spec, char *out, size_t n);

/* Open it.  LABEL names it in messages ("serial0").  NULL and ERR when the file cannot be
 * written, the socket is in use, and so on. */
struct stream *stream_open(uv_loop_t *loop, const struct stream_spec *spec, const char *label,
                           struct error *err);
/* Open the files it writes, which begin anew: when everything else has gone well (vmm/output.h).
 * Before that nothing may be sent. */
bool stream_begin(struct stream *s, struct error *err);
/* Write out what is queued, waiting at most a second, and close.  The loop must be run once
 * more before it is closed. */
void stream_close(struct stream *s);

/* Who gets the input, on the loop's thread; CONNECTED tells of clients coming and going. */
struct stream_reader {
    void *opaque;
    void (*input)(void *opaque, const uint8_t *data, size_t len);
    void (*connected)(void *opaque, bool connected);
    void (*drained)(void *opaque); /* everything that was queued has been sent; may be NULL */
};
void stream_set_reader(struct stream *s, const struct stream_reader *reader);
/* Stop taking input until told otherwise: its source then waits. */
void stream_pause(struct stream *s, bool pause);
/* Queue LEN bytes for sending.  Any thread, never blocks.  Without a client, or when nobody
 * reads and the queue is full, they are lost, as on a wire. */
void stream_send(struct stream *s, const void *data, size_t len);
/* How many bytes wait to be sent, and how many may (1 MiB, as a rule).  Any thread. */
size_t stream_queued(struct stream *s);
void stream_set_limit(struct stream *s, size_t bytes);

/* What and who it is, for `info chardev`. */
const struct stream_spec *stream_spec_of(const struct stream *s);
/* A pseudo-terminal's name; NULL for all others. */
const char *stream_pty_name(const struct stream *s);

/* STREAM_RING: take up to LEN of the bytes that were sent, oldest first; give bytes as input.
 * False and 0 for all others.  The loop's thread. */
size_t stream_ring_read(struct stream *s, void *data, size_t len);
bool stream_ring_write(struct stream *s, const void *data, size_t len);

/* ---- sharing a stream (stream_mux.c) ---- */

/* What the keys of a shared stream do; any may be NULL. */
struct stream_mux_keys {
    void *opaque;
    void (*quit)(void *opaque);
    uint8_t escape; /* the key before them: 1, Ctrl-A */
};

/* Share BASE, which becomes the mux's: each front is a stream of its own.  All output goes out;
 * input goes to one front at a time, the first of them at first.  The escape key and c: the next
 * front; x: quit; h: help; t: time stamps; the key itself: send it. */
struct stream_mux;
struct stream_mux *stream_mux_new(struct stream *base, const struct stream_mux_keys *keys);
/* A new front, NULL when there are four.  A reader's CONNECTED tells it of its turn. */
struct stream *stream_mux_front(struct stream_mux *mux);
/* After its fronts are closed. */
void stream_mux_close(struct stream_mux *mux);

#endif
