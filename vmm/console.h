/* The monitor on a stream. */
#ifndef RINGER_VMM_CONSOLE_H
#define RINGER_VMM_CONSOLE_H

#include "vmm/monitor.h"
#include "vmm/port.h"

struct console;

/* A monitor that talks on STREAM, which becomes the console's.  ECHO: show what is typed. */
struct console *console_monitor(const struct monitor_target *t, struct stream *stream, bool echo);
void console_close(struct console *c);

#endif
