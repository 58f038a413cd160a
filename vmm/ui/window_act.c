/* What the menu and the shortcuts do. */
#include "vmm/media.h"
#include "vmm/screen.h"
#include "vmm/ui/window_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASTE_MAX = 65536, MIN_PERCENT = 50, MAX_PERCENT = 800, FILM_FPS = 10 };

static void notice(struct window *w, const char *text)
{
    menu_notice(&w->menu, text);
    w->present = true;
}

static void change(struct window *w, const char *drive, const char *file)
{
    struct error err = {""};

    if (!media_change(w->target.machine, drive, file, NULL, MEDIA_RETAIN, true, &err))
        notice(w, err.text);
}

static void eject(struct window *w, const char *drive)
{
    struct error err = {""};

    if (!media_eject(w->target.machine, drive, true, &err))
        notice(w, err.text);
}

static void send_chord(struct window *w, const char *keys)
{
    struct chord chord;
    const char *bad;
    size_t len;

    if (keys_parse(keys, &chord, &bad, &len))
        typist_chord(w->target.typist, &chord, 0);
}

static void paste(struct window *w)
{
    char *text = SDL_GetClipboardText();

    if (!text)
        return;
    if (strlen(text) > PASTE_MAX)
        notice(w, "The host's text is longer than 64 KiB: nothing was typed.");
    else
        typist_text(w->target.typist, text);
    SDL_free(text);
}

static void screenshot(struct window *w, const char *file)
{
    struct error err = {""};
    char name[64], text[600];
    time_t now = time(NULL);
    struct tm tm;

    if (!file) {
        localtime_r(&now, &tm);
        strftime(name, sizeof name, "ringer-%Y%m%d-%H%M%S.png", &tm);
        file = name;
    }
    if (screen_dump(w->target.machine, file, &err))
        snprintf(text, sizeof text, "Saved as %s", file);
    else
        snprintf(text, sizeof text, "%s", err.text);
    notice(w, text);
}

static void record(struct window *w, const char *file)
{
    struct error err = {""};
    struct film_options options = {.path = file, .fps = FILM_FPS};

    film_close(w->film);
    w->film = film_open(&options, w->display, &err);
    if (!w->film)
        notice(w, err.text);
}

static void resize(struct window *w, const char *which)
{
    int percent = w->view.percent;

    if (*which == '+')
        percent += 25 * w->view.scale;
    else if (*which == '-')
        percent -= 25 * w->view.scale;
    else
        percent = atoi(which) * w->view.scale;
    percent = percent < MIN_PERCENT ? MIN_PERCENT : percent;
    view_resize(&w->view, percent > MAX_PERCENT ? MAX_PERCENT : percent);
}

static void toggle_pause(struct window *w)
{
    if (machine_stopped(w->target.machine))
        machine_cont(w->target.machine);
    else
        machine_stop(w->target.machine);
    w->status_at = 0; /* show it at once */
}

/* What changes the way things are shown, and nothing in the machine. */
static void act_on_view(struct window *w, const struct choice *choice)
{
    struct view *v = &w->view;

    switch (choice->action) {
    case ACT_FULLSCREEN:
        view_full_screen(v, !v->full_screen);
        break;
    case ACT_INTEGER:
        v->integer = !v->integer;
        break;
    case ACT_SIZE:
        resize(w, choice->which);
        break;
    case ACT_BORDER:
        v->overscan = !v->overscan;
        break;
    case ACT_STATUS:
        v->status = !v->status;
        break;
    case ACT_OVERLAY:
        window_overlay(w, !v->overlay);
        break;
    case ACT_CAPTURE:
        if (w->captured || !w->absolute)
            window_capture(w, !w->captured);
        break;
    default:
        break;
    }
    if ((choice->action == ACT_BORDER || choice->action == ACT_STATUS) && !v->user_size)
        view_resize(v, v->percent);
}

void window_act(struct window *w, const struct choice *choice)
{
    switch (choice->action) {
    case ACT_NONE:
    case ACT_ASK:
        return;
    case ACT_MENU:
        menu_open(&w->menu, menu_main);
        break;
    case ACT_HELP:
        menu_help(&w->menu);
        break;
    case ACT_PAUSE:
        toggle_pause(w);
        break;
    case ACT_RESET:
        machine_reset(w->target.machine);
        break;
    case ACT_POWER:
        machine_powerdown(w->target.machine);
        break;
    case ACT_QUIT:
        machine_quit(w->target.machine, 0);
        break;
    case ACT_CHORD:
        send_chord(w, choice->text);
        break;
    case ACT_PASTE:
        paste(w);
        break;
    case ACT_CHANGE:
        change(w, choice->which, choice->text);
        break;
    case ACT_EJECT:
        eject(w, choice->which);
        break;
    case ACT_SCREENSHOT:
        screenshot(w, choice->text);
        break;
    case ACT_RECORD:
        record(w, choice->text);
        break;
    case ACT_RECORD_END:
        film_close(w->film);
        w->film = NULL;
        break;
    case ACT_FULLSCREEN:
    case ACT_INTEGER:
    case ACT_SIZE:
    case ACT_BORDER:
    case ACT_STATUS:
    case ACT_OVERLAY:
    case ACT_CAPTURE:
        act_on_view(w, choice);
        break;
    }
    w->present = true;
}

void window_drop_file(struct window *w, const char *file)
{
    struct error err = {""};

    switch (image_identify(file, &err)) {
    case IMAGE_FLOPPY:
        change(w, "floppy0", file);
        break;
    case IMAGE_CD:
        change(w, "ide1-cd0", file);
        break;
    default:
        notice(w, err.text[0] ? err.text
                              : "Neither a floppy nor a CD: disks cannot be changed while the "
                                "machine is on.");
        break;
    }
}
