/* The frame that the host's kernel makes for a signal, and the ways out of a handler without the
 * kernel.  rt_sigreturn loads what the frame holds and the mask of blocked signals; a handler whose
 * signal blocks nothing can do without. */
#ifndef RINGER_TRANSLATOR_FRAME_H
#define RINGER_TRANSLATOR_FRAME_H

#include <ucontext.h>

#include "translator/internal.h"

/* May handlers on the calling thread be left without rt_sigreturn?  Notes in T what that takes. */
bool frame_attach(struct translator *t);

/* The guest's FPU state out of the frame to where the hub expects it, if it was loaded; and the
 * rights of protection keys as they were. */
void frame_park(struct translator *t, const ucontext_t *uc);

/* Make ready for frame_resume: RIP and r12 of guest code, which a kick changes, are in T->rt from
 * now on, all else in UC. */
void frame_prepare(struct translator *t, const ucontext_t *uc);

/* Who calls these is not returned to: its frame, and those above, are given up. */

/* Into the hub, with EXIT_FAULT. */
static inline void frame_leave(const struct translator *t)
{
    t->leave();
}

/* Back to guest code; or to the caller when a kick has come that it is to see to (KICKED: it has). */
static inline void frame_resume(const struct translator *t, const ucontext_t *uc, bool kicked)
{
    const void *area = t->cpu->fpu_live ? uc->uc_mcontext.fpregs : NULL;
    (kicked ? t->resume_kicked : t->resume)(uc->uc_mcontext.gregs, area, t->cpu->ymm_on);
}

#endif
