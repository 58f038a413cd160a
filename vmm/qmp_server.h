/* QMP on streams: the clients, and the events on their way to them. */
#ifndef RINGER_VMM_QMP_SERVER_H
#define RINGER_VMM_QMP_SERVER_H

#include "vmm/monitor.h"
#include "vmm/stream.h"

struct qmp_server;

/* Collects T's machine's events from now on. */
struct qmp_server *qmp_server_new(uv_loop_t *loop, const struct monitor_target *t);
/* Serve the clients of STREAM, which becomes the server's. */
void qmp_server_add(struct qmp_server *s, struct stream *stream, bool pretty);
/* Send what happened last, and close.  The machine must not run any more, but be there.  The loop
 * must be run once more before it is closed. */
void qmp_server_close(struct qmp_server *s);

#endif
