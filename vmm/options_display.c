/* -display and the screen. */
#include "vmm/option.h"
#include <string.h>

static const struct property sdl_properties[] = {
    {"gl", PROPERTY_CHOICE, "draw with OpenGL (default: as SDL likes)", NULL, 0, 0,
     "off|on|core|es"},
    {"window-close", PROPERTY_BOOL, "the close button ends ringer", "on", 0, 0, NULL},
    {"show-cursor", PROPERTY_BOOL, "show the host's pointer over the guest's", "off", 0, 0, NULL},
    {"full-screen", PROPERTY_BOOL, "fill the screen", "off", 0, 0, NULL},
    {"grab-mod", PROPERTY_CHOICE, "the keys that go before the window's own", "lctrl-lalt", 0, 0,
     "lctrl-lalt|lshift-lctrl-lalt|rctrl"},
    {"alt_grab", PROPERTY_BOOL, "grab-mod=lshift-lctrl-lalt", "off", 0, 0, NULL},
    {"ctrl_grab", PROPERTY_BOOL, "grab-mod=rctrl", "off", 0, 0, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool parse_sdl(struct options *o, const struct option *self, const char *list,
                      struct error *err)
{
    enum { GL, CLOSE, CURSOR, FULL, GRAB, ALT_GRAB, CTRL_GRAB };
    struct value v[PROPERTIES_MAX];

    (void)self;
    if (!properties_parse(sdl_properties, v, list, NULL, &o->pool, "-display sdl", err))
        return false;
    o->window.gl = !v[GL].given ? GL_AUTO : v[GL].number ? GL_ON : GL_OFF;
    o->window.ignore_close = !v[CLOSE].number;
    o->window.show_cursor = v[CURSOR].number;
    o->window.full_screen |= v[FULL].number != 0;
    o->window.grab = (enum grab_mod)v[GRAB].number;
    if (v[ALT_GRAB].number)
        o->window.grab = GRAB_CTRL_ALT_SHIFT;
    if (v[CTRL_GRAB].number)
        o->window.grab = GRAB_RIGHT_CTRL;
    return true;
}

static const struct property terminal_properties[] = {
    {"graphics", PROPERTY_CHOICE, "how pictures are shown (auto: sixel where the terminal can)",
     "auto", 0, 0, "auto|sixel|blocks"},
    {"charset", PROPERTY_CHOICE, "of the guest's text", "CP437", 0, 0, "CP437"},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

/* QEMU says curses. */
static bool parse_terminal(struct options *o, const char *name, const char *list, struct error *err)
{
    struct value v[PROPERTIES_MAX];
    const char *what = pool_printf(&o->pool, "-display %s", name);

    if (!properties_parse(terminal_properties, v, list, NULL, &o->pool, what, err))
        return false;
    o->display = DISPLAY_TEXT;
    o->term_graphics = (enum term_graphics)v[0].number;
    return true;
}

/* The list behind NAME when VALUE is that; NULL. */
static const char *list_of(const char *value, const char *name)
{
    size_t n = strlen(name);

    return strncmp(value, name, n) || (value[n] && value[n] != ',') ? NULL
                                                                    : value + n + (value[n] == ',');
}

static bool set_display(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    const char *list;

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "display", NULL);
    if (!strncmp(value, "vnc=", 4)) {
        o->display = DISPLAY_NONE;
        return options_set_vnc(o, value + 4, err);
    }
    if (!strcmp(value, "none"))
        o->display = DISPLAY_NONE;
    else if ((list = list_of(value, "text")))
        return parse_terminal(o, "text", list, err);
    else if ((list = list_of(value, "curses")))
        return parse_terminal(o, "curses", list, err);
    else if ((list = list_of(value, "sdl"))) {
        o->display = DISPLAY_SDL;
        return parse_sdl(o, self, list, err);
    } else
        return option_bad(err, self, value, "sdl, text, curses, vnc=HOST:N or none");
    return true;
}

static bool set_full_screen(struct options *o, const struct option *self, const char *value,
                            struct error *err)
{
    (void)self, (void)value, (void)err;
    o->window.full_screen = true;
    return true;
}

static bool set_record(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    char path[FILM_PATH_MAX];
    struct film_options film;

    (void)self;
    o->record = value;
    return film_options_parse(value, path, &film, err);
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
    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "vga", NULL);
    o->no_vga = !strcmp(value, "none");
    o->has_vga = !o->no_vga;
    return o->no_vga || !strcmp(value, "std") || option_bad(err, self, value, "std or none");
}

const struct option options_display[] = {
    {"display", "KIND", "sdl[,...]: a window; text, curses: in this terminal; vnc=HOST:N; none",
     set_display, sdl_properties},
    {"full-screen", NULL, "let the window fill the screen", set_full_screen, NULL},
    {"record", "FILE", "film the screen: FILE.gif or FILE.y4m, with ,fps=N behind it", set_record,
     NULL},
    {"nographic", NULL, "no display; serial port, BIOS and monitor on the terminal (Ctrl-A h)",
     set_nographic, NULL},
    {"vga", "std", "the standard VGA, or none", set_vga, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};
