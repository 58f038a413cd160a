/* Which guest code was executed, as a drcov file: Lighthouse, lightkeeper, Cartographer and
 * DynamoRIO's own tools read it. */
#ifndef RINGER_VMM_COVERAGE_H
#define RINGER_VMM_COVERAGE_H

#include "ringer/error.h"
#include "translator/hook.h"

struct coverage;
struct symbols;

struct coverage *coverage_new(void); /* NULL: no memory */
void coverage_free(struct coverage *c); /* NULL is allowed */
/* B is executed.  vCPU thread. */
void coverage_block(struct coverage *c, const struct translated *b);
/* Write PATH.  The files of SYMBOLS are the modules; blocks that lie in none of them are those of
 * one called "guest" at address 0.  False and ERR. */
bool coverage_write(const struct coverage *c, const struct symbols *symbols, const char *path,
                    struct error *err);

#endif
