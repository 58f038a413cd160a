/* What SDL does not tell of an X11 display. */
#ifndef RINGER_VMM_UI_SDL_X11_H
#define RINGER_VMM_UI_SDL_X11_H

#include <SDL2/SDL.h>
#include <stdbool.h>

/* Do not let libX11 end the process for a request that the server refuses, as it does by default:
 * tell of it instead.  To be called before SDL opens the display, whose handler asks the one before. */
void x11_survive_errors(void);
/* Is there a window manager that grants full screen?  True for displays that are not X11's. */
bool x11_managed(SDL_Window *window);
/* Dots per inch that the desktop has its texts drawn at (the resource Xft.dpi); 0: it says none. */
int x11_text_dpi(SDL_Window *window);

#endif
