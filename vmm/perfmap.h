/* Linux perf's ways of naming code that is made at run time: the perf map and jitdump. */
#ifndef RINGER_VMM_PERFMAP_H
#define RINGER_VMM_PERFMAP_H

#include "ringer/error.h"
#include "translator/hook.h"

struct perfmap;
struct symbols;

/* MAP: write /tmp/perf-PID.map, which `perf report` reads.  JITDUMP: write jit-PID.dump in the
 * present folder, for `perf record -k mono` and `perf inject --jit`.  SYMBOLS name the blocks.  NULL
 * and ERR when a file cannot be made. */
struct perfmap *perfmap_open(bool map, bool jitdump, const struct symbols *symbols,
                             struct error *err);
/* vCPU thread. */
void perfmap_block(struct perfmap *p, const struct translated *b);
void perfmap_close(struct perfmap *p); /* NULL is allowed */

#endif
