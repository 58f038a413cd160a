/* Steering the machine and the log. */
#include "ringer/error.h"
#include "ringer/log.h"
#include "vmm/command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static bool command_wakeup(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct error err = {""};

    (void)argc, (void)argv;
    return machine_wakeup(t->machine, &err) || command_fail(out, "Error: %s", err.text);
}

static bool command_nmi(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)argc, (void)argv, (void)out;
    machine_nmi(t->machine);
    return true;
}

static bool command_quit(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    char *end = "";
    long status = argc > 1 ? strtol(argv[1], &end, 0) : 0;

    if (*end || status < 0 || status > 255)
        return command_fail(out, "quit %s: the status is a number from 0 to 255", argv[1]);
    machine_quit(t->machine, (int)status);
    return true;
}

static void set_boot_order(struct machine *m, void *opaque)
{
    m->config.boot_once = NULL; /* else the next reset would undo it */
    bios_set_boot_order(m->bios, opaque);
}

static bool command_boot_set(const struct monitor_target *t, int argc, char **argv,
                             struct text *out)
{
    const char *letters = argv[1];

    (void)argc;
    for (size_t i = 0; letters[i]; i++)
        if (i > 3 || !strchr("acdn", letters[i]) || strchr(letters + i + 1, letters[i]))
            return command_fail(out,
                                "boot_set %.20s: it is letters of a (floppy), c (hard disk), d "
                                "(CD), n (network), each at most once",
                                letters);
    machine_post_wait(t->machine, set_boot_order, argv[1]);
    text_printf(out, "boot device list now set to %s\n", letters);
    return true;
}

static bool command_log(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    uint32_t channels = 0;
    char bad[40];

    (void)argc;
    if (strcmp(argv[1], "none") && !log_parse_channels(argv[1], &channels, bad, sizeof bad))
        return command_fail(out, "log: there is no channel '%s'", bad);
    log_set_channels(t->log, channels);
    return true;
}

static bool command_logfile(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    const char *path = argc > 1 ? argv[1] : NULL;

    return log_set_file(t->log, path) ||
           command_fail(out, "logfile: cannot write %s: %s", path, strerror(errno));
}

static bool command_cpu(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    (void)t, (void)argc;
    return !strcmp(argv[1], "0") || command_fail(out, "cpu %.20s: there is CPU 0", argv[1]);
}

const struct command commands_run[] = {
    {"stop", "", "stop the machine", 0, 0, command_stop, false, COMPLETE_NOTHING},
    {"s", "", NULL, 0, 0, command_stop, false, COMPLETE_NOTHING},
    {"cont", "", "let it go on", 0, 0, command_cont, false, COMPLETE_NOTHING},
    {"c", "", NULL, 0, 0, command_cont, false, COMPLETE_NOTHING},
    {"system_reset", "", "reset the machine", 0, 0, command_reset, false, COMPLETE_NOTHING},
    {"system_powerdown", "", "press the power button", 0, 0, command_powerdown, false,
     COMPLETE_NOTHING},
    {"system_wakeup", "", "wake the guest from its sleep", 0, 0, command_wakeup, false,
     COMPLETE_NOTHING},
    {"nmi", "", "inject a non-maskable interrupt", 0, 0, command_nmi, false, COMPLETE_NOTHING},
    {"boot_set", "LETTERS", "boot order from the next reset on, as -boot", 1, 1, command_boot_set,
     false, COMPLETE_NOTHING},
    {"cpu", "NUMBER", "choose the CPU that commands are about: 0", 1, 1, command_cpu, false,
     COMPLETE_NOTHING},
    {"log", "LIST", "set the log's channels, as -d; none: off", 1, 1, command_log, false,
     COMPLETE_LOG},
    {"logfile", "[FILE]", "write the log to FILE, or to standard error", 0, 1, command_logfile,
     false, COMPLETE_NOTHING},
    {"quit", "[STATUS]", "end ringer", 0, 1, command_quit, false, COMPLETE_NOTHING},
    {"q", "[STATUS]", NULL, 0, 1, command_quit, false, COMPLETE_NOTHING},
    {0},
};
