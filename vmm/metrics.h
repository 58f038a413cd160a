/* Statistics for Prometheus: an HTTP server of one page, on a Unix or loopback socket. */
#ifndef RINGER_VMM_METRICS_H
#define RINGER_VMM_METRICS_H

#include "ringer/error.h"
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/un.h>
#include <uv.h>

struct machine;
struct metrics;

struct metrics_address {
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* "": it is TCP */
    struct sockaddr_storage tcp;
};

/* Parse unix:PATH or tcp:HOST:PORT, where HOST is the loopback: 127.0.0.1, [::1], localhost or
 * nothing.  False: ERR says what is wrong. */
bool metrics_parse(const char *text, struct metrics_address *out, struct error *err);

/* Serve M's statistics at the socket TEXT names.  NULL and ERR when it cannot be had. */
struct metrics *metrics_open(uv_loop_t *loop, struct machine *m, const char *text,
                             struct error *err);
/* Close it; the loop must be run once more. */
void metrics_close(struct metrics *s);

#endif
