/* What the menu offers. */
#include "vmm/ui/menu.h"

#include <stddef.h>

static const struct menu_item keys[] = {
    {.text = "Ctrl-Alt-Del", .action = ACT_CHORD, .keys = "ctrl-alt-delete"},
    {.text = "Ctrl-Esc", .action = ACT_CHORD, .keys = "ctrl-esc"},
    {.text = "Alt-Tab", .action = ACT_CHORD, .keys = "alt-tab"},
    {.text = "Alt-F4", .action = ACT_CHORD, .keys = "alt-f4"},
    {.text = "Print Screen", .action = ACT_CHORD, .keys = "print"},
    {.text = "Alt-SysRq", .action = ACT_CHORD, .keys = "alt-sysrq"},
    {.text = "Pause", .action = ACT_CHORD, .keys = "pause"},
    {.text = "Ctrl-Break", .action = ACT_CHORD, .keys = "ctrl-0xe046"},
    {.text = "Windows key", .action = ACT_CHORD, .keys = "meta_l"},
    {.text = "Menu key", .action = ACT_CHORD, .keys = "menu"},
    {.text = "Ctrl-Alt-Backspace", .action = ACT_CHORD, .keys = "ctrl-alt-backspace"},
    {.text = ""},
    {.text = "Ctrl-Alt-F1", .action = ACT_CHORD, .keys = "ctrl-alt-f1"},
    {.text = "Ctrl-Alt-F2", .action = ACT_CHORD, .keys = "ctrl-alt-f2"},
    {.text = "Ctrl-Alt-F3", .action = ACT_CHORD, .keys = "ctrl-alt-f3"},
    {.text = "Ctrl-Alt-F4", .action = ACT_CHORD, .keys = "ctrl-alt-f4"},
    {.text = "Ctrl-Alt-F5", .action = ACT_CHORD, .keys = "ctrl-alt-f5"},
    {.text = "Ctrl-Alt-F6", .action = ACT_CHORD, .keys = "ctrl-alt-f6"},
    {.text = "Ctrl-Alt-F7", .action = ACT_CHORD, .keys = "ctrl-alt-f7"},
    {.text = "Ctrl-Alt-F8", .action = ACT_CHORD, .keys = "ctrl-alt-f8"},
    {.text = NULL},
};

static const char which_file[] = "File (or drop it on the window):";

static const struct menu_item media[] = {
    {.text = "Floppy A: insert...",
     .action = ACT_ASK,
     .question = which_file,
     .then = ACT_CHANGE,
     .which = "floppy0"},
    {.text = "Floppy A: eject", .action = ACT_EJECT, .which = "floppy0"},
    {.text = "Floppy B: insert...",
     .action = ACT_ASK,
     .question = which_file,
     .then = ACT_CHANGE,
     .which = "floppy1"},
    {.text = "Floppy B: eject", .action = ACT_EJECT, .which = "floppy1"},
    {.text = "CD: insert...",
     .action = ACT_ASK,
     .question = which_file,
     .then = ACT_CHANGE,
     .which = "ide1-cd0"},
    {.text = "CD: eject", .action = ACT_EJECT, .which = "ide1-cd0"},
    {.text = NULL},
};

static const struct menu_item view[] = {
    {.text = "Full screen", .action = ACT_FULLSCREEN, .keys = "F"},
    {.text = "Whole multiples only (on/off)", .action = ACT_INTEGER, .keys = "I"},
    {.text = "Window 100 %", .action = ACT_SIZE, .keys = "U", .which = "100"},
    {.text = "Window 150 %", .action = ACT_SIZE, .which = "150"},
    {.text = "Window 200 %", .action = ACT_SIZE, .which = "200"},
    {.text = "Window 300 %", .action = ACT_SIZE, .which = "300"},
    {.text = "Overscan border (on/off)", .action = ACT_BORDER},
    {.text = "Status line (on/off)", .action = ACT_STATUS, .keys = "L"},
    {.text = "Statistics as graphs (on/off)", .action = ACT_OVERLAY, .keys = "O"},
    {.text = NULL},
};

static const struct menu_item picture[] = {
    {.text = "Screenshot...",
     .action = ACT_ASK,
     .keys = "S",
     .question = "Screenshot (.png, .ppm):",
     .start = "screenshot.png",
     .then = ACT_SCREENSHOT},
    {.text = "Record a film...",
     .action = ACT_ASK,
     .question = "Film (.gif, .y4m):",
     .start = "film.gif",
     .then = ACT_RECORD},
    {.text = "End the film", .action = ACT_RECORD_END},
    {.text = NULL},
};

const struct menu_item menu_main[] = {
    {.text = "Pause / continue", .action = ACT_PAUSE, .keys = "P"},
    {.text = "Reset", .action = ACT_RESET, .keys = "R"},
    {.text = "Power button", .action = ACT_POWER},
    {.text = ""},
    {.text = "Send keys", .action = ACT_MENU, .menu = keys},
    {.text = "Paste the host's text", .action = ACT_PASTE, .keys = "V"},
    {.text = "Capture / release the mouse", .action = ACT_CAPTURE, .keys = "G"},
    {.text = "Floppies and CD", .action = ACT_MENU, .menu = media},
    {.text = "Pictures and films", .action = ACT_MENU, .menu = picture},
    {.text = "View", .action = ACT_MENU, .menu = view},
    {.text = ""},
    {.text = "Help", .action = ACT_HELP, .keys = "H"},
    {.text = "Quit", .action = ACT_QUIT, .keys = "Q"},
    {.text = NULL},
};
