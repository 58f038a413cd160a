/* -display and the screen. */
#include "vmm/option.h"
#include <string.h>

static bool set_display(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    if (!strcmp(value, "none"))
        o->display = DISPLAY_NONE;
    else if (!strcmp(value, "text") || !strcmp(value, "curses"))
        o->display = DISPLAY_TEXT;
    else
        return option_bad(err, self, value, "none or text");
    return true;
}

static bool set_nographic(struct options *o, const struct option *self, const char *value,
                          struct error *err)
{
    (void)self;
    (void)value;
    (void)err;
    o->nographic = true;
    return true;
}

static bool set_vga(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    (void)o;
    return !strcmp(value, "std") || option_bad(err, self, value, "std");
}

const struct option options_display[] = {
    {"display", "KIND", "none, or text: the text screen in this terminal", set_display, NULL},
    {"nographic", NULL, "no display; serial port and monitor on the terminal (Ctrl-A h)",
     set_nographic, NULL},
    {"vga", "std", "the one graphics card there is", set_vga, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
