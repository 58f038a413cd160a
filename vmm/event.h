/* What happens to a machine, told to whoever listens. */
#ifndef RINGER_VMM_EVENT_H
#define RINGER_VMM_EVENT_H

#include "vmm/machine.h"

enum machine_event_kind {
    MACHINE_RESET,
    MACHINE_SHUTDOWN,
    MACHINE_STOP,
    MACHINE_RESUME,
    MACHINE_POWERDOWN,
    MACHINE_TRAY_MOVED,
    MACHINE_IO_ERROR,
    MACHINE_RTC_CHANGE,
    MACHINE_WATCHPOINT,
    MACHINE_SUSPEND,
    MACHINE_SUSPEND_DISK,
    MACHINE_WAKEUP,
    MACHINE_VNC_CONNECTED,
    MACHINE_VNC_INITIALIZED,
    MACHINE_VNC_DISCONNECTED,
    MACHINE_DUMP_COMPLETED,
};

/* One end of a connection, as QEMU tells it. */
struct peer_address {
    char host[128], service[16];
    const char *family; /* "ipv4", "ipv6", "unix" */
};

struct machine_event {
    enum machine_event_kind kind;
    bool guest;         /* RESET, SHUTDOWN: the guest's own doing */
    const char *reason; /* the same: QEMU's name of the cause; IO_ERROR: of what is done about it;
                           a string that stays */
    char device[64]; /* TRAY_MOVED, IO_ERROR: the drive, as `info block` names it; "" for one that
                        is made of a -device and a node, as in QEMU */
    char qdev[64],
        node[64];       /* the same: as a device; TRAY_MOVED: its id; IO_ERROR: what is in it */
    bool on;            /* TRAY_MOVED: open now; IO_ERROR: of a write; WATCHPOINT: of a write */
    int error;          /* IO_ERROR: errno */
    uint64_t bytes;     /* DUMP_COMPLETED: of memory */
    int64_t offset;     /* RTC_CHANGE: seconds that the clock is ahead of its start value's run */
    uint32_t address;   /* WATCHPOINT: linear */
    unsigned number;    /* WATCHPOINT */
    struct peer_address server, client; /* VNC_* */
    const char *auth;                   /* VNC_*: how clients authenticate; a string that stays */
};

/* Told of each event on the thread that caused it: it must not block, or call the machine. */
struct machine_listener {
    void (*event)(void *opaque, const struct machine_event *e);
    void *opaque;
    struct machine_listener *next; /* the machine's */
};

/* L stays the caller's and must be removed before it goes.  Any thread. */
void machine_listen(struct machine *m, struct machine_listener *l);
void machine_unlisten(struct machine *m, struct machine_listener *l);
void machine_tell(struct machine *m, const struct machine_event *e);

/* QEMU's RunState: "running", "suspended", "paused", "prelaunch", "shutdown", "debug",
 * "io-error". */
const char *machine_run_state(struct machine *m);
/* Stop on the vCPU thread, for a reason that machine_run_state tells (a string that stays). */
void machine_stop_here(struct machine *m, const char *state);

#endif
