/* What the command does to its process: -daemonize, -pidfile, -runas, -name process=. */
#ifndef RINGER_VMM_PROCESS_H
#define RINGER_VMM_PROCESS_H

#include "vmm/options.h"

/* Go into the background: returns in the child, with a descriptor that process_ready wants; the
 * parent waits for that and ends with the status it is told, 2 when the child dies before.  -1 and
 * ERR when that cannot be done. */
int process_detach(const struct options *o, struct error *err);
/* Let the parent end with status 0, and let go of terminal and folder. */
void process_ready(int descriptor);

/* Write the process's number to PATH; false and ERR. */
bool process_pidfile(const char *path, struct error *err);
/* Is USER there, and may we become it?  False and ERR. */
bool process_check_user(const char *user, struct error *err);
/* Go on as USER, a name or UID:GID; false and ERR. */
bool process_run_as(const char *user, struct error *err);
void process_rename(const char *name);

#endif
