/* QMP, QEMU's machine protocol: JSON commands in, JSON answers and events out, as QEMU 7.2 does
 * (its docs/interop/qmp-spec). */
#ifndef RINGER_VMM_QMP_H
#define RINGER_VMM_QMP_H

#include "vmm/event.h"
#include "vmm/monitor.h"

struct qmp;

/* A conversation with one client.  WRITE gets whole lines; PRETTY: with line breaks and
 * indentation.  All calls are made on one thread, which is not the vCPU's. */
struct qmp *qmp_new(const struct monitor_target *t, bool pretty,
                    void (*write)(void *opaque, const char *data, size_t len), void *opaque);
void qmp_free(struct qmp *q);
/* A new client: forget what was before, send the greeting. */
void qmp_greet(struct qmp *q);
/* Take input up to the end of a message and carry it out; returns how many bytes were taken (at
 * least one), so that the caller can wait while the client does not read its answers. */
size_t qmp_input(struct qmp *q, const char *data, size_t len);
/* Tell the client that E happened SECONDS and MICROSECONDS after 1970 began.  Nothing is sent
 * before the client has negotiated. */
void qmp_event(struct qmp *q, const struct machine_event *e, int64_t seconds,
               unsigned microseconds);

#endif
