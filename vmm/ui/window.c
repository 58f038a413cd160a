/* The window's thread: events in, pictures out.
 *
 * The thread sleeps in SDL's queue of events.  The display wakes it by an event when there is a new
 * picture; it asks for the next one sixty times a second while the picture moves, and thirty
 * times when it does not.  Whatever it does to the machine goes by the ways that any thread has:
 * posted work, the typist, the monitor's commands. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "vmm/statistics.h"
#include "vmm/ui/sdl_x11.h"
#include "vmm/ui/window_private.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUSY_MS = 16,
    QUIET_MS = 33,
    QUIET_AFTER_MS = 500,
    STATUS_MS = 500,
    OVERLAY_MS = 500,
};

/* ---- the title ---- */

void window_title(struct window *w)
{
    static const char *const chords[] = {"Ctrl-Alt", "Ctrl-Alt-Shift", "Right Ctrl"};
    const char *chord = chords[w->options.grab];
    char title[256];

    snprintf(title, sizeof title, "%s%s%s%s%s", w->name, w->status.stopped ? " [Paused]" : "",
             w->captured ? " - Press " : " - ", w->captured ? chord : chord,
             w->captured ? "-G to release the mouse" : "-H: keys");
    SDL_SetWindowTitle(w->view.window, title);
}

/* ---- pictures ---- */

/* On the vCPU thread. */
static void wake(void *opaque)
{
    struct window *w = opaque;
    SDL_Event e = {.type = w->picture_event};

    SDL_PushEvent(&e);
}

static void take_picture(struct window *w, bool all)
{
    const struct display_frame *f = display_lock(w->reader);

    if (!f)
        return;
    if (f->count || all) {
        view_take(&w->view, f, all);
        w->present = true;
        w->changed_at = SDL_GetTicks64();
    }
    display_unlock(w->reader);
}

static void draw_panels(struct window *w)
{
    static const char *const hints[] = {"Ctrl-Alt-M menu", "Ctrl-Alt-Shift-M menu",
                                        "Right Ctrl-M menu"};
    struct view *v = &w->view;
    int width, height;

    if (v->status) {
        SDL_GetRendererOutputSize(v->renderer, &width, NULL);
        struct canvas *c = view_panel(v, PANEL_STATUS, width / v->scale + 1, STATUS_HEIGHT);
        if (c)
            status_draw(&w->status, c, hints[w->options.grab]);
    }
    if (v->overlay) {
        struct canvas *c = view_panel(v, PANEL_OVERLAY, OVERLAY_WIDTH, OVERLAY_HEIGHT);
        if (c)
            overlay_draw(&w->overlay, c);
    }
    if (w->menu.open) {
        menu_size(&w->menu, &width, &height);
        struct canvas *c = view_panel(v, PANEL_MENU, width, height);
        if (c)
            menu_draw(&w->menu, c);
    }
}

static void present(struct window *w)
{
    draw_panels(w);
    view_present(&w->view, w->menu.open);
    w->present = false;
}

static void refresh_status(struct window *w)
{
    struct display_state now = display_state(w->display);
    bool stopped = w->status.stopped, recording = film_running(w->film);

    bool differs = status_update(&w->status, &now) || recording != w->status.recording;
    w->status.recording = recording;
    if (differs && w->view.status)
        w->present = true;
    if (stopped != w->status.stopped)
        window_title(w);
}

static void count_overlay(struct machine *m, void *opaque)
{
    statistics_each(m, &(struct statistic_sink){overlay_count, opaque});
}

static void refresh_overlay(struct window *w)
{
    struct overlay_counts now = {0};

    machine_post_wait(w->target.machine, count_overlay, &now);
    overlay_add(&w->overlay, &now);
    w->present = true;
}

void window_overlay(struct window *w, bool on)
{
    w->overlay = (struct overlay){0}; /* nothing was counted while it was away */
    w->view.overlay = on;
    w->overlay_at = 0;
}

/* What is due by the clock; the milliseconds until the next is. */
static int tick(struct window *w)
{
    uint64_t now = SDL_GetTicks64();
    uint64_t period = now - w->changed_at < QUIET_AFTER_MS ? BUSY_MS : QUIET_MS;

    if (now - w->asked_at >= period) {
        w->asked_at = now;
        display_request(w->display);
    }
    if (now - w->status_at >= STATUS_MS) {
        w->status_at = now;
        refresh_status(w);
    }
    if (w->view.overlay && now - w->overlay_at >= OVERLAY_MS) {
        w->overlay_at = now;
        refresh_overlay(w);
    }
    return (int)(w->asked_at + period - now);
}

/* ---- the thread ---- */

static bool open_window(struct window *w, struct error *err)
{
    if (!window_possible()) /* else SDL would take the text console over */
        return error_set(err, "-display sdl: there is no display: neither DISPLAY nor "
                              "WAYLAND_DISPLAY is set; -display text shows the guest in the "
                              "terminal");
    /* Without being asked SDL tries every driver it has, and their libraries complain. */
    if (!getenv("SDL_VIDEODRIVER") && !(getenv("DISPLAY") && getenv("WAYLAND_DISPLAY")))
        SDL_SetHint(SDL_HINT_VIDEODRIVER, getenv("DISPLAY") ? "x11" : "wayland");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0"); /* the window tells, too */
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_GRAB_KEYBOARD, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    SDL_SetMainReady();
    if (getenv("DISPLAY"))
        x11_survive_errors();
    if (SDL_InitSubSystem(SDL_INIT_VIDEO) != 0)
        return error_set(err,
                         "-display sdl: no display: %s; -display text shows the guest in "
                         "the terminal",
                         SDL_GetError());
    w->video = true;
    w->picture_event = SDL_RegisterEvents(2);
    w->quit_event = w->picture_event + 1;
    if (!view_open(&w->view, &w->options, err))
        return false;
    SDL_StopTextInput(); /* until a question is open */
    SDL_EventState(SDL_DROPFILE, SDL_ENABLE);
    window_title(w);
    return true;
}

static void close_window(struct window *w)
{
    view_close(&w->view);
    if (w->video)
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
    w->video = false;
}

/* A Wayland compositor has gone; X11's server takes its programs with it. */
static void display_lost(struct window *w)
{
    fprintf(stderr, "ringer: the display has gone\n");
    machine_quit(w->target.machine, 1);
}

static void run(struct window *w)
{
    SDL_Event e;

    while (!w->quit) {
        int timeout = tick(w);
        if (SDL_WaitEventTimeout(&e, timeout > 0 ? timeout : 1))
            do
                if (e.type == w->picture_event)
                    w->picture_new = true;
                else if (e.type == w->quit_event)
                    w->quit = true;
                else if (e.type == SDL_QUIT)
                    display_lost(w);
                else
                    window_event(w, &e);
            while (!w->quit && SDL_PollEvent(&e));
        window_flush_motion(w);
        if (w->picture_new || w->picture_lost)
            take_picture(w, w->picture_lost);
        w->picture_new = w->picture_lost = false;
        if (w->present)
            present(w);
    }
}

static void *window_thread(void *opaque)
{
    struct window *w = opaque;
    struct error err = {""};

    pthread_setname_np(pthread_self(), "window");
    bool ok = open_window(w, &err);
    if (ok)
        w->reader = display_join(w->display, wake, w);
    pthread_mutex_lock(&w->lock);
    w->opened = true;
    w->open_error = err;
    w->open_ok = ok;
    pthread_cond_signal(&w->open_done);
    pthread_mutex_unlock(&w->lock);
    if (ok)
        run(w);
    film_close(w->film);
    display_leave(w->reader);
    pthread_mutex_lock(&w->lock); /* who pushed the last event is done with SDL */
    pthread_mutex_unlock(&w->lock);
    close_window(w);
    return NULL;
}

/* ---- for the others ---- */

bool window_possible(void)
{
    static const char *const names[] = {"DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"};

    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return true;
    }
    return false;
}

struct window *window_open(const struct window_options *options, const char *name,
                           const struct monitor_target *target, struct display *display,
                           struct input *input, struct error *err)
{
    struct window *w = calloc(1, sizeof *w);
    sigset_t all, old;

    if (!w)
        abort();
    w->options = *options;
    w->target = *target;
    w->display = display;
    w->input = input;
    snprintf(w->name, sizeof w->name, "%s%sringer", name && *name ? name : "",
             name && *name ? " - " : "");
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->open_done, NULL);
    sigfillset(&all); /* the process's signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = pthread_create(&w->thread, NULL, window_thread, w) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!started) {
        error_set(err, "-display sdl: no thread for the window");
        free(w);
        return NULL;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->opened)
        pthread_cond_wait(&w->open_done, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (w->open_ok)
        return w;
    if (err)
        *err = w->open_error;
    pthread_join(w->thread, NULL);
    free(w);
    return NULL;
}

void window_close(struct window *w)
{
    if (!w)
        return;
    SDL_Event e = {.type = w->quit_event};
    pthread_mutex_lock(&w->lock);
    while (SDL_PushEvent(&e) < 0) /* the queue is full */
        SDL_Delay(1);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->open_done);
    free(w);
}
