/* The other end of QMP: a client that asks one question after the other. */
#ifndef RINGER_VMM_QMP_CLIENT_H
#define RINGER_VMM_QMP_CLIENT_H

#include "ringer/error.h"
#include <jansson.h>

struct qmp_client;

/* Connect to WHERE (a socket's path, unix:PATH or tcp:HOST:PORT) and negotiate.  NULL and ERR when
 * nobody answers there as a QMP server does. */
struct qmp_client *qmp_client_open(const char *where, struct error *err);
void qmp_client_close(struct qmp_client *c);
/* Carry out COMMAND with ARGS (taken; may be NULL); the answer, the caller's.  NULL and ERR: the
 * connection is lost, or the command failed. */
json_t *qmp_client_ask(struct qmp_client *c, const char *command, json_t *args, struct error *err);

#endif
