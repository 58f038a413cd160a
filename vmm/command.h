/* How the monitor's commands are written; between monitor*.c alone. */
#ifndef RINGER_VMM_COMMAND_H
#define RINGER_VMM_COMMAND_H

#include "vmm/monitor.h"

enum { COMMAND_ARGS = 16 };

struct command {
    const char *name, *args, *help;
    int min_args, max_args; /* without the name */
    bool (*run)(const struct monitor_target *t, int argc, char **argv, struct text *out);
};

/* Split LINE in place into words; double quotes hold spaces, with \" \\ \n \t inside.  The number
 * of words, -1 when a quote is open or there are more than MAX. */
int command_split(char *line, char **argv, int max);

/* `info` and its subjects (monitor_info.c); `x` and `xp` (monitor_memory.c). */
bool command_info(const struct monitor_target *t, int argc, char **argv, struct text *out);
bool command_x(const struct monitor_target *t, int argc, char **argv, struct text *out);

/* /NFU of x: parse "/10xw"; fields keep their values where the text says nothing. */
struct dump_format {
    unsigned count;
    char format; /* x d u o c i */
    unsigned size;
};
bool dump_format_parse(const char *text, struct dump_format *f);
/* One item of SIZE bytes as FORMAT has it, into OUT (N bytes). */
void dump_item(char *out, size_t n, const struct dump_format *f, uint32_t value);

#endif
