/* Full screen, with a window manager or without. */
#ifndef RINGER_VMM_UI_SDL_FULL_H
#define RINGER_VMM_UI_SDL_FULL_H

#include <SDL2/SDL.h>
#include <stdbool.h>

/* How the window was before, where nobody else remembers it. */
struct full_screen {
    bool by_hand;
    SDL_Rect window; /* in the window's units */
};

/* Have WINDOW fill its screen, or be as it was before.  BEFORE is kept between the two calls and
 * is zero at first.  False: it cannot be done, and nothing was. */
bool full_screen_set(SDL_Window *window, bool on, struct full_screen *before);

#endif
