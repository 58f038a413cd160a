/* Byte streams on the host: standard input and output, files, Unix sockets, pseudo-terminals.
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

enum stream_kind { STREAM_NONE, STREAM_NULL, STREAM_STDIO, STREAM_FILE, STREAM_UNIX, STREAM_PTY };

/* A stream as the command line names it. */
struct stream_spec {
    enum stream_kind kind;
    bool mux;          /* mon:stdio: shared with the monitor */
    bool server, wait; /* unix: listen; wait for the first client before the machine starts */
    char path[200];
};

struct stream;

/* Parse SPEC (stdio, mon:stdio, null, none, pty, file:PATH, unix:PATH[,server=on|off]
 * [,wait=on|off] and the older ,server ,nowait), the value of OPTION. */
bool stream_parse(const char *option, const char *spec, struct stream_spec *out, struct error *err);

/* Open it.  LABEL names it in messages ("serial0").  NULL and ERR when the file cannot be
 * written, the socket is in use, and so on. */
struct stream *stream_open(uv_loop_t *loop, const struct stream_spec *spec, const char *label,
                           struct error *err);
/* Write out what is queued, waiting at most a second, and close.  The loop must be run once
 * more before it is closed. */
void stream_close(struct stream *s);

/* Who gets the input, on the loop's thread; CONNECTED tells of clients coming and going. */
struct stream_reader {
    void *opaque;
    void (*input)(void *opaque, const uint8_t *data, size_t len);
    void (*connected)(void *opaque, bool connected);
};
void stream_set_reader(struct stream *s, const struct stream_reader *reader);
/* Stop taking input until told otherwise: its source then waits. */
void stream_pause(struct stream *s, bool pause);
/* Queue LEN bytes for sending.  Any thread, never blocks.  Without a client, or when nobody
 * reads and the queue is full, they are lost, as on a wire. */
void stream_send(struct stream *s, const void *data, size_t len);
/* End the present connection of a server socket (the monitor's `quit`, say). */
void stream_hang_up(struct stream *s);

#endif
