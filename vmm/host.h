/* What the command is made of around its machine: the event loop and everything on it. */
#ifndef RINGER_VMM_HOST_H
#define RINGER_VMM_HOST_H

#include "vmm/console.h"
#include "vmm/metrics.h"
#include "vmm/options.h"
#include "vmm/port.h"
#include "vmm/script.h"
#include "vmm/tools.h"
#include "vmm/tty.h"
#include "vmm/ui/termscreen.h"
#include <stdio.h>

struct host {
    bool embedded; /* in somebody's process: terminal and signals are not ours */
    bool started, looped;
    uv_loop_t loop;
    struct options options;
    struct log *log;
    struct audio *audio;
    struct machine *machine;
    struct chardevs *chardevs;
    struct port *ports[OPTIONS_DEVICES]; /* of the devices with chardevs, in their order */
    struct port *serial;                 /* the first serial port's, for the script; NULL */
    struct tty *tty;
    struct typist *typist;
    struct console *console[OPTIONS_MONITORS];
    struct qmp_server *qmp;
    struct script_text script_text;
    struct script *script;
    struct termscreen *display;
    struct display *picture; /* of the window and the film; NULL: there is neither */
    struct input *input;
    struct window *window;
    struct film *film;
    struct vnc *vnc;
    struct tools tools;
    FILE *stats_file; /* of -stats=json: */
    FILE *early_log;  /* the log's, until -D's file begins */
    struct metrics *metrics;
    uv_async_t machine_ended;
    uv_signal_t signals[3];
};

/* Open streams and compose the machine by OPTIONS, which are filled.  False: ERR says why (exit
 * status 2), and host_close is still to be called. */
bool host_open(struct host *h, struct error *err);
/* What monitors of this host act upon.  After host_open. */
struct monitor_target host_target(const struct host *h);
bool host_start(struct host *h, struct error *err);
/* Run until the machine has ended; the process's exit status. */
int host_run(struct host *h);
void host_close(struct host *h);

#endif
