/* -chardev's way to name a stream. */
#ifndef RINGER_VMM_STREAM_CHARDEV_H
#define RINGER_VMM_STREAM_CHARDEV_H

#include "vmm/stream.h"

enum { STREAM_ID = 64 };

/* Parse TEXT, "BACKEND,id=NAME,property=value,...". */
bool stream_parse_chardev(const char *text, struct stream_spec *out, char id[STREAM_ID],
                          struct error *err);
/* The backends; or what BACKEND's properties are. */
void stream_chardev_help(const char *backend, void (*line)(void *opaque, const char *text),
                         void *opaque);
/* Is ID a letter followed by letters, digits, "-", "." and "_"? */
bool stream_id_ok(const char *id);

#endif
