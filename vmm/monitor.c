/* The conversation: lines in, prompts out; and the table of commands. */
#include "ringer/error.h"
#include "ringer/log.h"
#include "vmm/command.h"
#include "vmm/screen.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef RINGER_VERSION
#define RINGER_VERSION "unknown"
#endif

static bool fail(struct text *out, const char *format, const char *what)
{
    text_printf(out, format, what);
    text_add(out, "\n", 1);
    return false;
}

/* ---- commands ---- */

static bool command_help(const struct monitor_target *t, int argc, char **argv, struct text *out);

static bool command_stop(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)argc, (void)argv, (void)out;
    machine_stop(t->machine);
    return true;
}

static bool command_cont(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)argc, (void)argv, (void)out;
    machine_cont(t->machine);
    return true;
}

static bool command_reset(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)argc, (void)argv, (void)out;
    machine_reset(t->machine);
    return true;
}

static bool command_powerdown(const struct monitor_target *t, int argc, char **argv,
                              struct text *out)
{
    (void)argc, (void)argv, (void)out;
    machine_powerdown(t->machine);
    return true;
}

static bool command_quit(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    char *end = "";
    long status = argc > 1 ? strtol(argv[1], &end, 0) : 0;

    if (*end || status < 0 || status > 255)
        return fail(out, "quit %s: the status is a number from 0 to 255", argv[1]);
    machine_quit(t->machine, (int)status);
    return true;
}

static bool command_sendkey(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct chord chord;
    const char *bad;
    size_t len;
    unsigned hold = 0;

    if (!keys_parse(argv[1], &chord, &bad, &len)) {
        text_printf(out, "sendkey %s: there is no key '%.*s'\n", argv[1], (int)len, bad);
        return false;
    }
    if (argc > 2) {
        char *end;
        unsigned long n = strtoul(argv[2], &end, 0);
        if (*end || n > 60000)
            return fail(out, "sendkey: %s: the time to hold is in milliseconds, up to 60000",
                        argv[2]);
        hold = (unsigned)n;
    }
    typist_chord(t->typist, &chord, hold);
    return true;
}

static bool command_screendump(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    struct error err = {""};

    (void)argc;
    return screen_dump(t->machine, argv[1], &err) || fail(out, "screendump: %s", err.text);
}

static bool command_screentext(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    (void)argc, (void)argv;
    screen_text(t->machine, out);
    return true;
}

static bool command_log(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    uint32_t channels = 0;
    char bad[40];

    (void)argc;
    if (strcmp(argv[1], "none") && !log_parse_channels(argv[1], &channels, bad, sizeof bad))
        return fail(out, "log: there is no channel '%s'", bad);
    log_set_channels(t->log, channels);
    return true;
}

static const struct command commands[] = {
    {"help", "[COMMAND]", "list the commands", 0, 1, command_help},
    {"?", "[COMMAND]", NULL, 0, 1, command_help},
    {"info", "SUBJECT", "show status, registers, mem, tlb, mtree, pic, irq, tb, version", 0, 1,
     command_info},
    {"x", "/NFU ADDRESS", "dump memory at a linear address: count, format x d u o c i, size b h w",
     1, 8, command_x},
    {"xp", "/NFU ADDRESS", "the same at a physical address", 1, 8, command_x},
    {"screendump", "FILE", "save a picture of the screen: PNG if so named, else PPM", 1, 1,
     command_screendump},
    {"screentext", "", "print the text screen", 0, 0, command_screentext},
    {"sendkey", "CHORD [MS]", "press keys, as in ctrl-alt-delete", 1, 2, command_sendkey},
    {"stop", "", "stop the machine", 0, 0, command_stop},
    {"cont", "", "let it go on", 0, 0, command_cont},
    {"c", "", NULL, 0, 0, command_cont},
    {"system_reset", "", "reset the machine", 0, 0, command_reset},
    {"system_powerdown", "", "press the power button", 0, 0, command_powerdown},
    {"log", "LIST", "set the log's channels, as -d; none: off", 1, 1, command_log},
    {"quit", "[STATUS]", "end ringer", 0, 1, command_quit},
    {"q", "[STATUS]", NULL, 0, 1, command_quit},
};

static bool command_help(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    char left[48];
    bool found = false;

    (void)t;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *c = &commands[i];
        if (argc > 1 ? strcmp(argv[1], c->name) != 0 : !c->help)
            continue;
        snprintf(left, sizeof left, "%s %s", c->name, c->args);
        text_printf(out, "%-24s %s\n", left, c->help ? c->help : "");
        found = true;
    }
    return found || fail(out, "help: there is no command '%s'", argv[1]);
}

/* ---- lines ---- */

static char unescape(char c)
{
    return c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'e' ? 27 : c;
}

int command_split(char *line, char **argv, int max)
{
    int argc = 0;

    for (;;) {
        while (isspace((unsigned char)*line))
            line++;
        if (!*line)
            return argc;
        if (argc == max)
            return -1;
        char *to = argv[argc++] = line;
        bool quoted = false;
        while (*line && (quoted || !isspace((unsigned char)*line))) {
            if (*line == '"') {
                quoted = !quoted;
                line++;
            } else if (quoted && *line == '\\' && line[1]) {
                *to++ = unescape(line[1]);
                line += 2;
            } else {
                *to++ = *line++;
            }
        }
        if (quoted)
            return -1;
        if (*line)
            line++;
        *to = 0;
    }
}

/* "x/10i ADDR" is the command x with "/10i" as its first word. */
static const struct command *find_command(const char *word)
{
    size_t len = strcspn(word, "/");

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strlen(commands[i].name) == len && !strncmp(commands[i].name, word, len) &&
            (!word[len] || commands[i].run == command_x))
            return &commands[i];
    return NULL;
}

bool monitor_knows(const char *line)
{
    char word[32];

    return sscanf(line, "%31s", word) == 1 && find_command(word);
}

static bool execute(const struct monitor_target *t, char *line, struct text *out)
{
    char *argv[COMMAND_ARGS];
    int argc = command_split(line, argv, COMMAND_ARGS);

    if (argc == 0)
        return true;
    if (argc < 0)
        return fail(out, "%s", "a quote is open, or there are too many words");
    const struct command *c = find_command(argv[0]);
    if (!c)
        return fail(out, "unknown command: '%s'; help lists them", argv[0]);
    if (argc - 1 < c->min_args || argc - 1 > c->max_args) {
        text_printf(out, "usage: %s %s\n", c->name, c->args);
        return false;
    }
    return c->run(t, argc, argv, out);
}

bool monitor_execute(const struct monitor_target *t, const char *line, struct text *out)
{
    char *copy = strdup(line);

    if (!copy)
        abort();
    bool ok = execute(t, copy, out);
    free(copy);
    return ok;
}

/* ---- the conversation ---- */

struct monitor {
    struct monitor_target target;
    bool echo;
    void (*write)(void *opaque, const char *data, size_t len);
    void *opaque;
    char line[1024];
    size_t len;
};

struct monitor *monitor_new(const struct monitor_target *t, bool echo,
                            void (*write)(void *opaque, const char *data, size_t len), void *opaque)
{
    struct monitor *mon = calloc(1, sizeof *mon);

    if (!mon)
        abort();
    mon->target = *t;
    mon->echo = echo;
    mon->write = write;
    mon->opaque = opaque;
    return mon;
}

void monitor_free(struct monitor *mon)
{
    free(mon);
}

static void say(struct monitor *mon, const char *text)
{
    mon->write(mon->opaque, text, strlen(text));
}

void monitor_prompt(struct monitor *mon)
{
    say(mon, "(ringer) ");
}

void monitor_greet(struct monitor *mon)
{
    say(mon, "ringer " RINGER_VERSION " monitor - type 'help' for more information\n");
    mon->len = 0;
    monitor_prompt(mon);
}

static void run_line(struct monitor *mon)
{
    struct text out = {0};

    if (mon->echo)
        say(mon, "\n");
    mon->line[mon->len] = 0;
    mon->len = 0;
    monitor_execute(&mon->target, mon->line, &out);
    if (out.len)
        mon->write(mon->opaque, out.data, out.len);
    text_free(&out);
    monitor_prompt(mon);
}

static void edit(struct monitor *mon, uint8_t c)
{
    if (c == 8 || c == 127) {
        if (!mon->len)
            return;
        mon->len--;
        if (mon->echo)
            say(mon, "\b \b");
    } else if (c == 3 || c == 21) { /* Ctrl-C, Ctrl-U: a fresh line */
        mon->len = 0;
        say(mon, "\n");
        monitor_prompt(mon);
    } else if (c >= ' ' && mon->len < sizeof mon->line - 1) {
        mon->line[mon->len++] = (char)c;
        if (mon->echo)
            mon->write(mon->opaque, (const char *)&c, 1);
    }
}

void monitor_input(struct monitor *mon, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool end = data[i] == '\n' || (data[i] == '\r' && !(i + 1 < len && data[i + 1] == '\n'));
        if (end)
            run_line(mon);
        else if (data[i] != '\r')
            edit(mon, data[i]);
    }
}
