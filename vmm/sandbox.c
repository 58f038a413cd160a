#define _GNU_SOURCE /* CLONE_THREAD */
/* The filter is a list of what is forbidden, everything else is allowed: windows, sound and hooks
 * are other people's libraries, whose calls differ from version to version.  What is on the lists
 * is what QEMU documents its options of the same names to mean; seccomp(2), clone(2). */
#include "vmm/sandbox.h"
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>

/* Each ended by -1.  Names that this machine's kernel never had get numbers below -1 by libseccomp.
 */
static const int always[] = {
    SCMP_SYS(reboot),
    SCMP_SYS(kexec_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(quotactl),
    SCMP_SYS(acct),
    SCMP_SYS(syslog),
    SCMP_SYS(vhangup),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    -1,
};
static const int obsolete[] = {
    SCMP_SYS(readdir),         SCMP_SYS(_sysctl),      SCMP_SYS(bdflush),  SCMP_SYS(create_module),
    SCMP_SYS(get_kernel_syms), SCMP_SYS(query_module), SCMP_SYS(sgetmask), SCMP_SYS(ssetmask),
    SCMP_SYS(sysfs),           SCMP_SYS(uselib),       SCMP_SYS(ustat),    -1,
};
static const int privileges[] = {
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setpgid),
    SCMP_SYS(setsid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    -1,
};
static const int spawn[] = {SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(execve), SCMP_SYS(execveat),
                            -1};
static const int resources[] = {
    SCMP_SYS(setpriority),        SCMP_SYS(sched_setparam),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setattr),
    SCMP_SYS(sched_setaffinity),  SCMP_SYS(ioprio_set),
    SCMP_SYS(setrlimit),          -1,
};

/* 0, or an errno as libseccomp returns it: negative. */
static int forbid(scmp_filter_ctx filter, const int *list)
{
    int bad = 0;

    for (; *list != -1 && !bad; list++)
        if (*list >= 0)
            bad = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, *list, 0);
    return bad;
}

/* Threads go on being made: by clone with CLONE_THREAD.  clone3's flags are behind a pointer, which
 * no filter can look at; the C library then does without. */
static int forbid_processes(scmp_filter_ctx filter)
{
    int bad = forbid(filter, spawn);

    if (!bad)
        bad = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    return bad ? bad : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static int load(scmp_filter_ctx filter, const struct sandbox_options *o)
{
    int bad = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

    if (!bad)
        bad = forbid(filter, always);
    if (!bad && o->no_obsolete)
        bad = forbid(filter, obsolete);
    if (!bad && o->privileges == SANDBOX_DENY)
        bad = forbid(filter, privileges);
    if (!bad && o->no_spawn)
        bad = forbid_processes(filter);
    if (!bad && o->no_resource_control)
        bad = forbid(filter, resources);
    return bad ? bad : seccomp_load(filter);
}

bool sandbox_enter(const struct sandbox_options *o, struct error *err)
{
    if (!o->on)
        return true;
    if (o->privileges == SANDBOX_CHILDREN && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return error_set(err, "-sandbox elevateprivileges=children: %s", strerror(errno));
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int bad = filter ? load(filter, o) : -ENOMEM;
    if (filter)
        seccomp_release(filter);
    return !bad || error_set(err, "-sandbox on: the kernel takes no filter: %s", strerror(-bad));
}
