/* The monitor on a stream of its own, and the terminal shared by serial port and monitor. */
#ifndef RINGER_VMM_CONSOLE_H
#define RINGER_VMM_CONSOLE_H

#include "vmm/monitor.h"
#include "vmm/port.h"

struct console;

/* A monitor that talks on STREAM, which becomes the console's. */
struct console *console_monitor(const struct monitor_target *t, struct stream *stream);
/* QEMU's mon:stdio: PORT's stream is shared.  What is typed goes to the port; Ctrl-A c switches
 * to the monitor and back, Ctrl-A x ends ringer, Ctrl-A h tells.  PORT stays the caller's. */
struct console *console_mux(const struct monitor_target *t, struct port *port);
void console_close(struct console *c);

#endif
