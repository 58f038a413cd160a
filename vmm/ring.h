/* What both monitors do with chardevs. */
#ifndef RINGER_VMM_RING_H
#define RINGER_VMM_RING_H

#include "vmm/chardevs.h"
#include "vmm/monitor.h"

/* What it is, with a pseudo-terminal's name: "pty:/dev/pts/3". */
void ring_describe(const struct stream *s, struct text *out);
/* The ringbuf chardev NAME; NULL and ERR when there is none. */
struct stream *ring_find(const struct monitor_target *t, const char *name, struct error *err);
/* Take up to SIZE bytes out of it; NUL bytes, which texts end by, are left out. */
void ring_read(struct stream *s, uint64_t size, struct text *out);
/* RFC 4648, in place.  False when TEXT is no base64. */
void ring_to_base64(struct text *text);
bool ring_from_base64(struct text *text);

#endif
