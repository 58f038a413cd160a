/* How the monitor's commands are written; between monitor*.c alone. */
#ifndef RINGER_VMM_COMMAND_H
#define RINGER_VMM_COMMAND_H

#include "vmm/monitor.h"
#include "vmm/ui/vnc.h"
#include <stdint.h>

enum { COMMAND_ARGS = 16 };

/* What the Tab key completes an argument by. */
enum command_completion {
    COMPLETE_NOTHING,
    COMPLETE_COMMAND,
    COMPLETE_SUBJECT, /* of info */
    COMPLETE_DRIVE,
    COMPLETE_KEY,
    COMPLETE_LOG, /* channels */
};

struct command {
    const char *name, *args, *help; /* HELP NULL: another name of the command before */
    int min_args, max_args;         /* without the name */
    bool (*run)(const struct monitor_target *t, int argc, char **argv, struct text *out);
    bool slash; /* the name may be followed by "/" and a format: argv[0] has it all */
    enum command_completion completion;
};

/* Tables by subject, each ended by a row without name. */
extern const struct command commands_run[], commands_input[], commands_media[], commands_memory[],
    commands_value[], commands_watch[], commands_info[], commands_char[], commands_help[],
    commands_vnc[], commands_hook[], commands_audio[], commands_statistics[];

/* All of them by number, NULL behind the last; the one that WORD calls. */
const struct command *command_nth(unsigned n);
const struct command *command_find(const char *word);

/* Print a line and return false: how commands fail. */
bool command_fail(struct text *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ARGV[0..ARGC-1] is one expression; false: OUT says what is wrong with it. */
bool command_expression(const struct monitor_target *t, int argc, char **argv, int64_t *value,
                        struct text *out);

/* Split LINE in place into words; double quotes hold spaces, with \" \\ \n \t inside.  The number
 * of words, -1 when a quote is open or there are more than MAX. */
int command_split(char *line, char **argv, int max);

/* What may stand for the last word of LINE: calls FOUND for each that begins like it. */
void command_complete(const struct monitor_target *t, const char *line,
                      void (*found)(void *opaque, const char *word), void *opaque);

/* ---- info (monitor_info.c) ---- */
struct subject {
    const char *name, *help; /* HELP NULL: another name of the subject before */
    void (*show)(const struct monitor_target *t, struct text *out); /* on the vCPU thread */
};
const struct subject *subject_nth(unsigned n);
extern const struct subject subjects_board[], subjects_block[], subjects_host[], subjects_vnc[],
    subjects_audio[], subjects_statistics[];

/* ---- the VNC server (monitor_vnc.c) ---- */
bool vnc_parse_time(const char *text, time_t *out); /* now, never, +SECONDS, seconds since 1970 */
bool vnc_parse_connected(const char *text, enum vnc_connected *out);
/* CONNECTED: keep (or NULL), fail, disconnect. */
bool command_vnc_password(const struct monitor_target *t, const char *password,
                          const char *connected, struct text *out);
/* `info tb` with the words behind it: hot [N], block ADDR. */
/* info block NAME. */
bool block_info_command(const struct monitor_target *t, const char *name, struct text *out);
bool statistics_info_tb(const struct monitor_target *t, int argc, char **argv, struct text *out);

/* /NFU of x: parse "/10xw"; fields keep their values where the text says nothing. */
struct dump_format {
    unsigned count;
    char format; /* x d u o c i */
    unsigned size;
};
bool dump_format_parse(const char *text, struct dump_format *f);
/* One item of SIZE bytes as FORMAT has it, into OUT (N bytes). */
void dump_item(char *out, size_t n, const struct dump_format *f, uint64_t value);

#endif
