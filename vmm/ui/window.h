/* -display sdl: the guest in a window of its own, on a thread of its own. */
#ifndef RINGER_VMM_UI_WINDOW_H
#define RINGER_VMM_UI_WINDOW_H

#include "ringer/error.h"
#include "vmm/monitor.h"
#include "vmm/ui/display.h"
#include "vmm/ui/input.h"

/* Keys that, held together, make the next one the window's. */
enum grab_mod { GRAB_CTRL_ALT, GRAB_CTRL_ALT_SHIFT, GRAB_RIGHT_CTRL };
enum gl_mode { GL_AUTO, GL_OFF, GL_ON };

struct window_options {
    bool full_screen, show_cursor;
    bool ignore_close; /* window-close=off: the close button does nothing */
    enum gl_mode gl;
    enum grab_mod grab;
};

struct window;

/* Does the environment name a display to open windows on? */
bool window_possible(void);

/* Open the window for TARGET's machine, called NAME in the title.  All but OPTIONS stay the
 * caller's and outlive it.  NULL: ERR says why there is no window. */
struct window *window_open(const struct window_options *options, const char *name,
                           const struct monitor_target *target, struct display *display,
                           struct input *input, struct error *err);
void window_close(struct window *w);

#endif
