/* The monitor: commands to look into the machine and to steer it. */
#ifndef RINGER_VMM_MONITOR_H
#define RINGER_VMM_MONITOR_H

#include "vmm/text.h"
#include "vmm/typist.h"

/* What commands act upon. */
struct monitor_target {
    struct machine *machine;
    struct typist *typist;
    struct log *log;
    struct chardevs *chardevs;         /* may be NULL */
    const char *name, *uuid, *display; /* of -name, -uuid and -display; NULL: not given */
    struct vnc *vnc;                   /* NULL: there is none */
    struct options *options; /* what the machine was made of, and blockdev-add adds to; NULL */
};

/* Carry out one command line; what it prints is added to OUT.  False when it failed: OUT's last
 * line then says why.  Not on the vCPU thread. */
bool monitor_execute(const struct monitor_target *t, const char *line, struct text *out);
/* Is LINE's first word a command? */
bool monitor_knows(const char *line);

/* ---- a conversation ---- */
struct monitor;

/* WRITE gets the monitor's output.  ECHO: typed characters are to be shown (raw terminals). */
struct monitor *monitor_new(const struct monitor_target *t, bool echo,
                            void (*write)(void *opaque, const char *data, size_t len),
                            void *opaque);
void monitor_free(struct monitor *mon);
void monitor_greet(struct monitor *mon); /* a new client: banner and prompt */
void monitor_input(struct monitor *mon, const uint8_t *data, size_t len);

#endif
