/* Hooks as the translator's parts see them. */
#ifndef RINGER_TRANSLATOR_HOOK_INTERNAL_H
#define RINGER_TRANSLATOR_HOOK_INTERNAL_H

#include "translator/build.h"

/* Is there a hook at the instruction at LIN, which lies at PHYS? */
bool hook_at(const struct translator *t, uint32_t lin, uint32_t phys);
/* Is there one by linear address on the page of LIN? */
bool hook_on_page(const struct translator *t, uint32_t lin);
/* The block at a hook: the way to the hub. */
void hook_emit(struct build *b);

/* The guest is at TB's first instruction: call the hooks there.  False: there are none, or they
 * were called already, and the instruction is to be carried out. */
bool hook_call(struct translator *t, const struct tb *tb);
/* VECTOR is about to be taken.  True: leave it out. */
bool hook_vector(struct translator *t, unsigned vector);
/* IN, at cpu->eip, is about to be carried out by C.  True: leave it out, and EIP is right. */
bool hook_insn(struct translator *t, const struct insn *in);

/* t->enter, with what comes before and after it traced where that is asked for. */
uint32_t hook_traced_enter(struct translator *t, const uint8_t *code, uint32_t eip);
static inline uint32_t hook_enter(struct translator *t, const uint8_t *code, uint32_t eip)
{
    if (__builtin_expect(log_on(t->log, LOG_TRACE), 0))
        return hook_traced_enter(t, code, eip);
    return t->enter(t->cpu, code, eip);
}
/* The host's fault at linear address LIN was dealt with by KIND (enum mmu_fill_result). */
void hook_trace_fault(struct translator *t, uint32_t lin, int kind, bool write);

/* Tell the observer of TB. */
void hook_tell(struct translator *t, const struct tb *tb);
/* " <name+1c>" for LIN into OUT (N bytes), or nothing. */
void hook_symbol(const struct translator *t, uint32_t lin, char *out, unsigned n);

#endif
