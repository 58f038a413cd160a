/* The chardevs of the command line, by name: opened once, handed to whoever is plugged in. */
#ifndef RINGER_VMM_CHARDEVS_H
#define RINGER_VMM_CHARDEVS_H

#include "vmm/stream_chardev.h"

struct chardev_option {
    const char *id;
    struct stream_spec spec;
    const char *list; /* a -chardev's value; NULL */
};

struct chardevs;

/* Open COUNT of LIST.  KEYS are those of shared ones, copied.  NULL and ERR when one cannot be
 * opened. */
struct chardevs *chardevs_open(uv_loop_t *loop, const struct chardev_option *list, unsigned count,
                               const struct stream_mux_keys *keys, struct error *err);
/* stream_begin for each. */
bool chardevs_begin(struct chardevs *c, struct error *err);
/* Close what nobody took, after the streams that were taken are closed. */
void chardevs_close(struct chardevs *c);

/* The stream of chardev ID, or the next front of a shared one: the caller's from then on.  NULL
 * and ERR when there is no such, or it is taken. */
struct stream *chardevs_take(struct chardevs *c, const char *id, struct error *err);
/* The stream itself, to look at or for its ring; NULL when there is no such. */
struct stream *chardevs_find(const struct chardevs *c, const char *id);
/* The I-th one's name, NULL behind the last. */
const char *chardevs_name(const struct chardevs *c, unsigned i);
/* Does anybody use it? */
bool chardevs_taken(const struct chardevs *c, const char *id);

#endif
