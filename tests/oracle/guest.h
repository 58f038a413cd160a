/* The same CPU as ringer makes it: a guest at CPL 3 with a minimal kernel. */
#ifndef RINGER_TESTS_ORACLE_GUEST_H
#define RINGER_TESTS_ORACLE_GUEST_H

#include "oracle/case.h"

struct guest;

/* How the translator is made to carry a case out. */
enum guest_way {
    WAY_COLD,   /* translated anew */
    WAY_CACHED, /* again */
    WAY_HAND,   /* memory operands by hand, as with breakpoints armed */
    GUEST_WAYS
};
extern const char *const guest_way_names[GUEST_WAYS];

/* NULL and a reason on failure.  MODEL as for -cpu; CHECK proves each block confined. */
struct guest *guest_new(const char *model, bool check, const char **why);
void guest_free(struct guest *g);

/* Run C; false when it did not end by an exception (shutdown, hang), with a reason. */
bool guest_run(struct guest *g, const struct oracle_case *c, enum guest_way way,
               struct oracle_end *end, const char **why);

/* Disassemble C's instruction. */
void guest_text(struct guest *g, const struct oracle_case *c, char *out, unsigned n);

#endif
