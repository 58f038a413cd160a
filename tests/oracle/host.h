/* The bare CPU: cases run in 32-bit compatibility mode of this very process. */
#ifndef RINGER_TESTS_ORACLE_HOST_H
#define RINGER_TESTS_ORACLE_HOST_H

#include "oracle/case.h"

struct host;

/* Map the arena at ARENA_BASE and install the LDT.  NULL and a reason when the system refuses
 * (no modify_ldt, say). */
struct host *host_new(const char **why);
void host_free(struct host *h);

/* Run C; false when it ended in 64-bit mode, which says nothing of ours.  Signal handlers and the
 * alternate stack are the caller's again afterwards. */
bool host_run(struct host *h, const struct oracle_case *c, struct oracle_end *end);

#endif
