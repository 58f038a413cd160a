/* The commands: looking them up, carrying them out, telling about them, completing them. */
#include "vmm/command.h"
#include "vmm/expr.h"
#include "vmm/keys.h"
#include "vmm/media.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const tables[] = {
    commands_help,  commands_run,   commands_input, commands_media, commands_memory,
    commands_value, commands_watch, commands_info,  commands_char, commands_vnc,
    commands_hook,  commands_audio, commands_statistics,
};

const struct command *command_nth(unsigned n)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct command *c = tables[i]; c->name; c++)
            if (n-- == 0)
                return c;
    return NULL;
}

/* "x/10i" is the command x with a format. */
const struct command *command_find(const char *word)
{
    size_t len = strcspn(word, "/");
    const struct command *c;

    for (unsigned i = 0; (c = command_nth(i)); i++)
        if (strlen(c->name) == len && !strncmp(c->name, word, len) && (!word[len] || c->slash))
            return c;
    return NULL;
}

/* What QEMU's monitor has and this one has not, with a word of why. */
static const char *refusal(const char *name)
{
    static const char *const reasons[][2] = {
        {"savevm", "there are no machine snapshots; -snapshot and qcow2 keep disks apart"},
        {"loadvm", "there are no machine snapshots"},
        {"delvm", "there are no machine snapshots"},
        {"migrate", "machines do not migrate"},
        {"device_add", "devices cannot be plugged in while the machine runs"},
        {"device_del", "devices cannot be unplugged while the machine runs"},
        {"drive_add", "drives cannot be added while the machine runs; change exchanges media"},
        {"drive_del", "drives cannot be removed while the machine runs; eject takes media out"},
        {"netdev_add", "there is no network card"},
        {"set_link", "there is no network card"},
        {"hostfwd_add", "there is no network card"},
        {"usb_add", "there is no USB"},
        {"balloon", "there is no balloon device"},
        {"object_add", "objects are made by -object, before the machine"},
        {"object_del", "objects are made by -object, before the machine"},
        {"chardev-add", "chardevs are made by -chardev, before the machine"},
        {"chardev-change", "chardevs are made by -chardev, before the machine"},
        {"chardev-remove", "chardevs are made by -chardev, before the machine"},
        {"chardev-send-break", "chardevs send no break from here"},
        {"qom-list", "QMP has qom-list; info qtree shows the devices"},
        {"qom-get", "QMP has qom-get; info qtree shows the devices"},
        {"qom-set", "what devices are is said by -device, before the machine"},
        {"nbd_server_start", "images are not exported"},
        {"nbd_server_add", "images are not exported"},
        {"nbd_server_stop", "images are not exported"},
        {"block_set_io_throttle", "drives are not throttled"},
        {"watchdog_action", "there is no watchdog"},
        {"announce_self", "there is no network card"},
        {"trace-event", "-trace records events; -d logs, which log changes"},
        {"sync-profile", "there is no such profiler; perf has -perfmap"},
        {"mce", "machine checks are not injected"},
        {"gpa2hva", "guest memory has no one address on the host"},
        {"closefd", "no descriptors are handed over"},
        {"getfd", "no descriptors are handed over"},
        {"gdbserver", "there is no gdb server; watch stops the guest at an access"},
        {"singlestep", "start with -translator max-insns=1"},
        {"block_resize", "images keep their size"},
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(reasons[i][0], name))
            return reasons[i][1];
    return NULL;
}

bool monitor_knows(const char *line)
{
    char word[32];

    return sscanf(line, "%31s", word) == 1 && command_find(word);
}

/* ---- carrying out ---- */

bool command_fail(struct text *out, const char *format, ...)
{
    char line[600];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    text_line(out, line);
    return false;
}

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

static bool execute(const struct monitor_target *t, char *line, struct text *out)
{
    char *argv[COMMAND_ARGS];
    int argc = command_split(line, argv, COMMAND_ARGS);

    if (argc == 0)
        return true;
    if (argc < 0)
        return command_fail(out, "a quote is open, or there are too many words");
    const struct command *c = command_find(argv[0]);
    if (!c && refusal(argv[0]))
        return command_fail(out, "%s is not supported: %s", argv[0], refusal(argv[0]));
    if (!c)
        return command_fail(out, "unknown command: '%.100s'; help lists them", argv[0]);
    if (argc - 1 < c->min_args || argc - 1 > c->max_args)
        return command_fail(out, "usage: %s%s%s", c->name, *c->args == '/' ? "" : " ", c->args);
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

/* ---- expressions ---- */

struct question {
    char text[300];
    int64_t *value;
    struct error err;
    bool ok;
};

static void evaluate(struct machine *m, void *opaque)
{
    struct question *q = opaque;

    q->ok = expr_evaluate(m->cpu, q->text, q->value, &q->err);
}

bool command_expression(const struct monitor_target *t, int argc, char **argv, int64_t *value,
                        struct text *out)
{
    struct question q = {.value = value};
    size_t len = 0;

    for (int i = 0; i < argc && len < sizeof q.text; i++)
        len += (size_t)snprintf(q.text + len, sizeof q.text - len, "%s ", argv[i]);
    if (len >= sizeof q.text)
        return command_fail(out, "the expression is too long");
    machine_post_wait(t->machine, evaluate, &q);
    return q.ok || command_fail(out, "%s", q.err.text);
}

/* ---- help ---- */

static void describe(struct text *out, const struct command *c)
{
    char left[80];

    snprintf(left, sizeof left, "%s%s%s", c->name, *c->args == '/' ? "" : " ", c->args);
    text_printf(out, "%-34s %s\n", left, c->help ? c->help : "");
}

static bool command_help(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    const struct command *c, *meant = NULL;
    const struct subject *s;

    (void)t;
    for (unsigned i = 0; argc < 2 && (c = command_nth(i)); i++)
        if (c->help)
            describe(out, c);
    if (argc < 2)
        return true;
    for (unsigned i = 0; !strcmp(argv[1], "info") && (s = subject_nth(i)); i++)
        text_printf(out, "info %-29s %s\n", s->name, s->help ? s->help : "(the same)");
    for (unsigned i = 0; strcmp(argv[1], "info") && (c = command_nth(i)); i++) {
        if (c->help)
            meant = c;
        if (!strcmp(c->name, argv[1])) {
            describe(out, meant);
            return true;
        }
    }
    return out->len || command_fail(out, "help: there is no command '%.100s'", argv[1]);
}

const struct command commands_help[] = {
    {"help", "[COMMAND]", "tell about all commands or one", 0, 1, command_help, false,
     COMPLETE_COMMAND},
    {"?", "[COMMAND]", NULL, 0, 1, command_help, false, COMPLETE_COMMAND},
    {0},
};

/* ---- completion ---- */

struct completer {
    const char *prefix;
    void (*found)(void *opaque, const char *word);
    void *opaque;
};

static void offer(const struct completer *c, const char *word)
{
    if (!strncmp(word, c->prefix, strlen(c->prefix)))
        c->found(c->opaque, word);
}

static void offer_drives(struct machine *m, void *opaque)
{
    struct medium all[MEDIA_MAX];
    unsigned n = media_list(m, all);

    for (unsigned i = 0; i < n; i++)
        offer(opaque, all[i].name);
}

static void offer_kind(const struct monitor_target *t, enum command_completion kind,
                       struct completer *to)
{
    static const char *const channels[] = {"in_asm", "out_asm",      "int",   "exec",
                                           "mmu",    "guest_errors", "unimp", "io",
                                           "post",   "all",          "none"};
    const struct command *c;
    const struct subject *s;
    const char *key;

    switch (kind) {
    case COMPLETE_COMMAND:
        for (unsigned i = 0; (c = command_nth(i)); i++)
            offer(to, c->name);
        break;
    case COMPLETE_SUBJECT:
        for (unsigned i = 0; (s = subject_nth(i)); i++)
            offer(to, s->name);
        break;
    case COMPLETE_DRIVE:
        machine_post_wait(t->machine, offer_drives, to);
        break;
    case COMPLETE_KEY: /* of a chord, the key after the last dash */
        for (unsigned i = 0; (key = keys_nth(i)); i++)
            offer(to, key);
        break;
    case COMPLETE_LOG:
        for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
            offer(to, channels[i]);
        break;
    case COMPLETE_NOTHING:
        break;
    }
}

void command_complete(const struct monitor_target *t, const char *line,
                      void (*found)(void *opaque, const char *word), void *opaque)
{
    struct completer to = {.found = found, .opaque = opaque};
    const char *space = strrchr(line, ' ');
    char name[40] = "";

    to.prefix = space ? space + 1 : line;
    if (!space || strspn(line, " ") == (size_t)(to.prefix - line)) {
        offer_kind(t, COMPLETE_COMMAND, &to);
        return;
    }
    sscanf(line, "%39s", name);
    const struct command *c = command_find(name);
    if (!c)
        return;
    if (c->completion == COMPLETE_KEY && strrchr(to.prefix, '-'))
        to.prefix = strrchr(to.prefix, '-') + 1;
    if (c->completion == COMPLETE_LOG && strrchr(to.prefix, ','))
        to.prefix = strrchr(to.prefix, ',') + 1;
    offer_kind(t, c->completion, &to);
}
