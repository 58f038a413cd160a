/* What the window shows: the guest's picture, the status line, overlay and menu over both. */
#ifndef RINGER_VMM_UI_SDL_VIEW_H
#define RINGER_VMM_UI_SDL_VIEW_H

#include <SDL2/SDL.h>

#include "vmm/ui/canvas.h"
#include "vmm/ui/display.h"
#include "vmm/ui/geometry.h"
#include "vmm/ui/sdl_full.h"
#include "vmm/ui/window.h"

struct view {
    SDL_Window *window;
    SDL_Renderer *renderer;
    bool software;
    SDL_Texture *frame;    /* the guest's pixels */
    SDL_Texture *big;      /* the same at a whole multiple, to be made smaller smoothly */
    SDL_Texture *panel[3]; /* by the enum below */
    struct canvas canvas[3];
    bool big_old;           /* BIG is not FRAME's */
    unsigned width, height; /* of FRAME */
    bool stretched;
    struct vga_border border;
    SDL_Texture *bars; /* its scan lines, when they differ */
    int bars_count;
    bool integer, overscan, status, overlay, full_screen;
    struct full_screen before; /* what leaving full screen goes back to */
    bool user_size; /* the user has given the window its size */
    int percent;    /* of the natural size, otherwise */
    int scale;      /* of our own text, in output pixels */
    /* In output pixels, as laid out last. */
    int out_width, out_height;
    struct box picture, menu;
};

enum { PANEL_STATUS, PANEL_MENU, PANEL_OVERLAY };

/* SDL's video must be there.  False: ERR says why there is no window. */
bool view_open(struct view *v, const struct window_options *options, struct error *err);
void view_close(struct view *v);
/* Take what is new of the guest's picture; all of it when ALL. */
void view_take(struct view *v, const struct display_frame *f, bool all);
/* A canvas of WIDTH x HEIGHT for PANEL, to be filled before view_present; NULL without memory. */
struct canvas *view_panel(struct view *v, int panel, int width, int height);
/* Show everything; the menu only WITH_MENU. */
void view_present(struct view *v, bool with_menu);
void view_full_screen(struct view *v, bool on);
/* Give the window the picture's natural size times PERCENT. */
void view_resize(struct view *v, int percent);
/* Positions of the window's events in output pixels. */
void view_scale_point(const struct view *v, int *x, int *y);
/* Is X, Y on the status line? */
bool view_on_status(const struct view *v, int x, int y);
/* X, Y as they are within the menu. */
void view_menu_point(const struct view *v, int *x, int *y);

#endif
