/* What SDL does not tell of an X11 display. */
#ifndef RINGER_VMM_UI_SDL_X11_H
#define RINGER_VMM_UI_SDL_X11_H

#include <SDL2/SDL.h>
#include <stdbool.h>

/* Is there a window manager that grants full screen?  True for displays that are not X11's. */
bool x11_managed(SDL_Window *window);
/* Dots per inch that the desktop has its texts drawn at (the resource Xft.dpi); 0: it says none. */
int x11_text_dpi(SDL_Window *window);

#endif
