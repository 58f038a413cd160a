/* -sandbox: a seccomp filter over the whole process, as QEMU's. */
#ifndef RINGER_VMM_SANDBOX_H
#define RINGER_VMM_SANDBOX_H

#include "ringer/error.h"
#include <stdbool.h>

enum sandbox_privileges { SANDBOX_ALLOW, SANDBOX_DENY, SANDBOX_CHILDREN };

struct sandbox_options {
    bool on;
    bool no_obsolete;                   /* obsolete=deny */
    enum sandbox_privileges privileges; /* elevateprivileges= */
    bool no_spawn;                      /* spawn=deny */
    bool no_resource_control;           /* resourcecontrol=deny */
};

/* From now on a system call that O forbids ends the process by SIGSYS, in whichever thread.  For
 * when everything is open and before the guest runs; there is no way back.  Without O->on nothing
 * is done.  False and ERR when the kernel refuses. */
bool sandbox_enter(const struct sandbox_options *o, struct error *err);

#endif
