/* The terminal ringer was started from: raw while it runs, as it was afterwards. */
#ifndef RINGER_VMM_TTY_H
#define RINGER_VMM_TTY_H

#include <stdbool.h>

struct tty;

/* Remember the state of standard input's terminal and start its guardian: a small process that
 * restores it should ringer die without doing so itself (SIGKILL, a crash).  NULL when standard
 * input is no terminal.  Call before threads and files are there. */
struct tty *tty_guard(void);
/* Switch to raw mode.  SIGNALS: Ctrl-C and its kin still raise signals. TTY may be NULL. */
void tty_raw(struct tty *tty, bool signals);
/* Restore and let the guardian go. */
void tty_restore(struct tty *tty);

#endif
