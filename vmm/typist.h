/* Types on the guest's keyboard at a pace that loses nothing. */
#ifndef RINGER_VMM_TYPIST_H
#define RINGER_VMM_TYPIST_H

#include "vmm/keys.h"
#include "vmm/machine.h"

struct typist;

struct typist *typist_new(struct machine *m);
/* Before machine_free. */
void typist_free(struct typist *t);
/* Press CHORD's keys in order, hold them HOLD_MS (0: the usual), let go in reverse order. What is
 * being typed already comes first; of more than a thousand that wait the rest is lost.  Any
 * thread. */
void typist_chord(struct typist *t, const struct chord *chord, unsigned hold_ms);
/* Type ASCII text, "\n" being Enter; characters that no key produces are left out. */
void typist_text(struct typist *t, const char *text);
/* Is there something left to type?  Any thread. */
bool typist_busy(struct typist *t);

#endif
