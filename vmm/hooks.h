/* The hooks of a machine: those of --hook, of the monitor, and of programs (ringer/hook.h). */
#ifndef RINGER_VMM_HOOKS_H
#define RINGER_VMM_HOOKS_H

#include "ringer/hook.h"
#include "vmm/hook_spec.h"
#include "vmm/text.h"

struct machine;
struct hooks_list;

/* The guest during a call. */
struct ringer_guest {
    struct machine *machine;
    bool skip;
};

/* An empty list for M; SYMBOLS (may be NULL) outlives it.  NULL: no memory. */
struct hooks_list *hooks_new(struct machine *m, const struct symbols *symbols);
/* After the machine's thread has ended. */
void hooks_free(struct hooks_list *h);

/* Add what --hook's TEXT says: load its library, find its function.  The hook's number, from 1; 0
 * and ERR.  Any thread. */
unsigned hooks_add_spec(struct hooks_list *h, const char *text, struct error *err);
unsigned hooks_add_function(struct hooks_list *h, const char *place, ringer_hook_function fn,
                            void *opaque, struct error *err);
/* NUMBER 0: all.  False: there is none. */
bool hooks_remove(struct hooks_list *h, unsigned number);
/* A line each: number, place, what is called, how often it was. */
void hooks_describe(struct hooks_list *h, struct text *out);

/* ---- hook_call.c ---- */
struct hook_callee;

/* NULL and ERR, which names what is missing. */
struct hook_callee *hook_callee_new(const struct hook_spec *spec, struct error *err);
void hook_callee_free(struct hook_callee *c);
/* Take the arguments out of the guest, call, and put the result in. */
void hook_callee_call(struct hook_callee *c, const struct hook_spec *spec, struct ringer_guest *g);

#endif
