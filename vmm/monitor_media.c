/* What is in the drives. */
#include "vmm/command.h"
#include "vmm/media.h"
#include <string.h>

/* Take "-f" out of the words; was it there? */
static bool take_force(int *argc, char **argv)
{
    bool force = false;
    int kept = 1;

    for (int i = 1; i < *argc; i++) {
        if (!strcmp(argv[i], "-f"))
            force = true;
        else
            argv[kept++] = argv[i];
    }
    *argc = kept;
    return force;
}

static bool parse_mode(const char *text, enum media_mode *mode)
{
    if (!strcmp(text, "retain"))
        *mode = MEDIA_RETAIN;
    else if (!strcmp(text, "read-only"))
        *mode = MEDIA_READ_ONLY;
    else if (!strcmp(text, "read-write"))
        *mode = MEDIA_READ_WRITE;
    else
        return false;
    return true;
}

static bool command_change(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    bool force = take_force(&argc, argv);
    enum media_mode mode = MEDIA_RETAIN;
    struct error err = {""};

    if (argc > 2 && !strcmp(argv[1], "vnc")) {
        if (strcmp(argv[2], "password") != 0 || argc != 4)
            return command_fail(out, "change vnc: it is change vnc password PASSWORD");
        return command_vnc_password(t, argv[3], NULL, out);
    }
    if (argc < 3)
        return command_fail(out, "change: a drive and a file name are needed; info block lists the "
                                 "drives");
    if (argc > 4 && !parse_mode(argv[4], &mode))
        return command_fail(out, "change: %.20s: it is retain, read-only or read-write", argv[4]);
    return media_change(t->machine, argv[1], argv[2], argc > 3 ? argv[3] : NULL, mode, force,
                        &err) ||
           command_fail(out, "Error: %s", err.text);
}

static bool command_eject(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    bool force = take_force(&argc, argv);
    struct error err = {""};

    if (argc != 2)
        return command_fail(out, "eject: one drive is needed; info block lists them");
    return media_eject(t->machine, argv[1], force, &err) ||
           command_fail(out, "Error: %s", err.text);
}

static bool command_commit(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct error err = {""};

    (void)argc;
    return media_commit(t->machine, argv[1], &err) || command_fail(out, "Error: %s", err.text);
}

const struct command commands_media[] = {
    {"change", "[-f] DRIVE FILE [FORMAT [MODE]]",
     "put another medium in; MODE: retain, read-only, read-write", 2, 5, command_change, false,
     COMPLETE_DRIVE},
    {"eject", "[-f] DRIVE", "take the medium out; -f: even from a locked drive", 1, 2,
     command_eject, false, COMPLETE_DRIVE},
    {"commit", "DRIVE|all", "write what -snapshot keeps apart into the image", 1, 1, command_commit,
     false, COMPLETE_DRIVE},
    {0},
};
