/* Scripts: a guest driven unattended. */
#ifndef RINGER_VMM_SCRIPT_H
#define RINGER_VMM_SCRIPT_H

#include "vmm/monitor.h"
#include "vmm/port.h"
#include "vmm/script_picture.h"

enum script_verb {
    SCRIPT_WAIT,         /* wait TEXT [SECONDS] */
    SCRIPT_WAIT_PICTURE, /* wait-picture CONDITION... [SECONDS] */
    SCRIPT_TYPE,         /* type TEXT */
    SCRIPT_KEY,          /* key CHORD */
    SCRIPT_SERIAL,       /* serial TEXT */
    SCRIPT_SLEEP,        /* sleep SECONDS */
    SCRIPT_EXPECT_END,   /* expect-end [SECONDS] */
    SCRIPT_QUIT,         /* quit [CODE] */
    SCRIPT_MONITOR,      /* any command of the monitor */
};

struct script_step {
    enum script_verb verb;
    unsigned line;
    char *text;     /* the argument, or the monitor's line */
    double seconds; /* of wait, wait-picture, sleep and expect-end */
    int code;       /* of quit */
    struct chord chord;
    struct picture_wait *picture; /* of wait-picture */
};

/* A parsed script. */
struct script_text {
    struct script_step *steps;
    unsigned count;
};

/* Parse TEXT; NAME is for messages, which have the form "NAME:LINE: what is wrong". */
bool script_parse(const char *name, const char *text, struct script_text *out, struct error *err);
bool script_load(const char *path, struct script_text *out, struct error *err);
void script_text_free(struct script_text *s);

/* ---- running one ---- */
struct script;

/* Run TEXT (which becomes the script's) from LOOP.  Call before machine_start.  SERIAL is
 * watched and typed into. */
struct script *script_start(uv_loop_t *loop, struct script_text *text,
                            const struct monitor_target *t, struct port *serial);
/* The machine has ended (and was joined).  *STATUS is changed when the script has an opinion on
 * the exit status: that of quit, or 1 when it was waiting for something else. */
void script_machine_ended(struct script *s, int *status);
void script_close(struct script *s);

#endif
