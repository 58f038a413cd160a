/* Hooks: places of the guest's code at which C is called, and who wants to know of blocks.
 *
 * Blocks are cut at an address with a hook, and one that begins there is nothing but an exit to the
 * hub, which calls out and then runs the instruction alone.  So all other code runs as ever. */
#ifndef RINGER_TRANSLATOR_HOOK_H
#define RINGER_TRANSLATOR_HOOK_H

#include "translator/translator.h"

enum hook_kind {
    HOOK_LINEAR,   /* the instruction at a linear address is about to be carried out */
    HOOK_PHYSICAL, /* the same by physical address */
    HOOK_VECTOR,   /* an interrupt or exception is about to be taken: INT n, too */
    HOOK_SYSENTER, /* SYSENTER (SYSCALL) is about to be carried out */
};

struct hook_key {
    enum hook_kind kind;
    uint32_t address; /* or vector */
};

enum { HOOK_KEYS = 1024 };

/* Called on the vCPU's thread, with the guest between two instructions and all of its state in
 * struct cpu: EIP at the instruction that is to come (of INT n: at it).  It may change registers,
 * flags_host and memory; when it changes EIP the guest goes on there.  True: leave the interrupt or
 * system call out, and go on behind. */
typedef bool (*hook_function)(void *opaque, const struct hook_key *key);

/* These COUNT (up to HOOK_KEYS) places in place of those before; FN(OPAQUE) is called there.  On
 * the vCPU's thread, or before it runs.  False: there are too many, and nothing is changed. */
bool translator_set_hooks(struct translator *t, const struct hook_key *keys, unsigned count,
                          hook_function fn, void *opaque);

/* A block of host code, and the guest's code that it stands for. */
struct translated {
    uint32_t linear, physical, size;
    const uint8_t *code; /* where it runs */
    const uint8_t *bytes; /* the same, readable */
    uint32_t code_size;
};

struct translator_observer {
    void *opaque;
    /* A block was made, or moved to another linear address.  May be NULL. */
    void (*block)(void *opaque, const struct translated *b);
    /* Move no block: then each is about to run for the first time when it is told of. */
    bool exact;
    /* The name of what LINEAR belongs to, and how far in it is; NULL: unknown.  May be NULL. */
    const char *(*symbol)(void *opaque, uint32_t linear, uint32_t *offset);
};

/* O is copied.  Before the vCPU runs. */
void translator_observe(struct translator *t, const struct translator_observer *o);

#endif
