/* Keyboard, mouse and screen. */
#include "vmm/command.h"
#include "vmm/pointer.h"
#include "vmm/screen.h"
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char *text, long low, long high, long *out)
{
    char *end;

    *out = strtol(text, &end, 0);
    return end != text && !*end && *out >= low && *out <= high;
}

static bool command_sendkey(const struct monitor_target *t, int argc, char **argv, struct text *out)
{
    struct chord chord;
    const char *bad;
    size_t len;
    long hold = 0;

    if (!keys_parse(argv[1], &chord, &bad, &len))
        return command_fail(out, "sendkey %.100s: there is no key '%.*s'", argv[1],
                            (int)(len < 100 ? len : 100), bad);
    if (argc > 2 && !parse_number(argv[2], 0, 60000, &hold))
        return command_fail(out, "sendkey: %.20s: the time to hold is in milliseconds, up to 60000",
                            argv[2]);
    typist_chord(t->typist, &chord, (unsigned)hold);
    return true;
}

static bool command_mouse_move(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    enum { MOST = 32767 };
    long d[3] = {0};

    for (int i = 1; i < argc; i++)
        if (!parse_number(argv[i], -MOST, MOST, &d[i - 1]))
            return command_fail(out, "mouse_move: %.20s: motion is a number from -32767 to 32767",
                                argv[i]);
    pointer_move(t->machine, (int)d[0], (int)d[1], (int)d[2]);
    return true;
}

/* QEMU counts 1 left, 2 middle, 4 right; the wire 1 left, 2 right, 4 middle. */
static bool command_mouse_button(const struct monitor_target *t, int argc, char **argv,
                                 struct text *out)
{
    long state;

    (void)argc;
    if (!parse_number(argv[1], 0, 31, &state))
        return command_fail(out,
                            "mouse_button %.20s: the state is the sum of 1 (left), 2 (middle), "
                            "4 (right), 8 and 16 (sides)",
                            argv[1]);
    unsigned s = (unsigned)state;
    pointer_buttons(t->machine, (s & 0x19) | (s & 2) << 1 | (s & 4) >> 1, 31);
    return true;
}

static bool command_mouse_set(const struct monitor_target *t, int argc, char **argv,
                              struct text *out)
{
    (void)t, (void)argc;
    return !strcmp(argv[1], "0") ||
           command_fail(out, "mouse_set %.20s: there is mouse 0, see info mice", argv[1]);
}

/* FILE [-f FORMAT], in any order. */
static bool command_screendump(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    const char *file = NULL, *format = NULL;
    struct error err = {""};

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-f") && i + 1 < argc)
            format = argv[++i];
        else if (!file)
            file = argv[i];
        else
            return command_fail(out, "screendump: '%.100s' is too much", argv[i]);
    }
    if (!file)
        return command_fail(out, "screendump: a file name is missing");
    if (format && strcmp(format, "png") && strcmp(format, "ppm"))
        return command_fail(out, "screendump -f %.20s: the formats are png and ppm", format);
    bool ok = format ? screen_dump_as(t->machine, file, !strcmp(format, "png"), &err)
                     : screen_dump(t->machine, file, &err);
    return ok || command_fail(out, "screendump: %s", err.text);
}

static bool command_screentext(const struct monitor_target *t, int argc, char **argv,
                               struct text *out)
{
    (void)argc, (void)argv;
    screen_text(t->machine, out);
    return true;
}

const struct command commands_input[] = {
    {"sendkey", "CHORD [MS]", "press keys, as in ctrl-alt-delete", 1, 2, command_sendkey, false,
     COMPLETE_KEY},
    {"mouse_move", "DX DY [DZ]", "move the mouse, and its wheel", 2, 3, command_mouse_move, false,
     COMPLETE_NOTHING},
    {"mouse_button", "STATE", "hold buttons: 1 left, 2 middle, 4 right; 0: none", 1, 1,
     command_mouse_button, false, COMPLETE_NOTHING},
    {"mouse_set", "NUMBER", "choose the mouse that the two move", 1, 1, command_mouse_set, false,
     COMPLETE_NOTHING},
    {"screendump", "FILE [-f FORMAT]", "save a picture of the screen: PNG if so named, else PPM", 1,
     3, command_screendump, false, COMPLETE_NOTHING},
    {"screentext", "", "print the text screen", 0, 0, command_screentext, false, COMPLETE_NOTHING},
    {0},
};
