/* On X11 full screen is the window manager's to give (Extended Window Manager Hints 1.5,
 * _NET_WM_STATE_FULLSCREEN).  Without one SDL asks nobody, and takes the window for as large as the
 * screen ever after: its picture is cut off at the true size.  There the window is moved and
 * sized by hand, which the server then does as told. */
#include "vmm/ui/sdl_full.h"
#include "vmm/ui/sdl_x11.h"

static void place(SDL_Window *window, const SDL_Rect *at)
{
    SDL_SetWindowSize(window, at->w, at->h);
    SDL_SetWindowPosition(window, at->x, at->y);
}

bool full_screen_set(SDL_Window *window, bool on, struct full_screen *before)
{
    SDL_Rect screen;

    if (!on && before->by_hand) {
        place(window, &before->window);
        before->by_hand = false;
        return true;
    }
    if (!on || x11_managed(window))
        return SDL_SetWindowFullscreen(window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0;
    if (SDL_GetDisplayBounds(SDL_GetWindowDisplayIndex(window), &screen) != 0)
        return false;
    SDL_GetWindowPosition(window, &before->window.x, &before->window.y);
    SDL_GetWindowSize(window, &before->window.w, &before->window.h);
    before->by_hand = true;
    place(window, &screen);
    return true;
}
