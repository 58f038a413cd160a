/* What window*.c share.  All of it belongs to the window's thread, but for what LOCK guards. */
#ifndef RINGER_VMM_UI_WINDOW_PRIVATE_H
#define RINGER_VMM_UI_WINDOW_PRIVATE_H

#include <pthread.h>
#include <stdio.h>

#include "vmm/ui/film.h"
#include "vmm/ui/menu.h"
#include "vmm/ui/overlay.h"
#include "vmm/ui/sdl_view.h"
#include "vmm/ui/status.h"
#include "vmm/ui/window.h"

struct window {
    struct window_options options;
    char name[128];
    struct monitor_target target;
    struct display *display;
    struct display_reader *reader;
    struct input *input;

    pthread_t thread;
    pthread_mutex_t lock; /* guards the next three */
    pthread_cond_t open_done;
    bool opened, open_ok;
    struct error open_error;

    bool video; /* SDL's video was initialised */
    Uint32 picture_event, quit_event;
    struct view view;
    struct menu menu;
    struct status status;
    struct overlay overlay;
    struct film *film; /* of the menu; NULL: none */
    bool quit, picture_new, picture_lost /* the textures are to be filled again */, present;
    uint64_t changed_at, asked_at, status_at, overlay_at; /* ms */

    bool captured;    /* the mouse is the guest's alone */
    bool absolute;    /* ... or the guest follows the host's pointer */
    unsigned buttons; /* enum input_button */
    int dx, dy, dz;   /* motion not sent yet */
    bool moved, placed;
    int x, y; /* the pointer, in output pixels */
};

void window_title(struct window *w);
/* Statistics over the picture, from now on or no longer. */
void window_overlay(struct window *w, bool on);

/* ---- window_input.c ---- */
void window_event(struct window *w, const SDL_Event *e);
/* Send the motion of the events seen so far, as one. */
void window_flush_motion(struct window *w);
void window_capture(struct window *w, bool on);

/* ---- window_act.c ---- */
void window_act(struct window *w, const struct choice *choice);
/* Put FILE into the drive of its kind. */
void window_drop_file(struct window *w, const char *file);

#endif
