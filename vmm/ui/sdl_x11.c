/* By libX11, which SDL has loaded already; ringer itself does without it. */
#include "vmm/ui/sdl_x11.h"

#include <SDL2/SDL_syswm.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef SDL_VIDEO_DRIVER_X11

#define LOAD(name) (__typeof__(name) *)(uintptr_t)SDL_LoadFunction(library, #name)

/* WINDOW's display, and libX11 in LIBRARY, to be unloaded; NULL: it is not X11's. */
static Display *open_x11(SDL_Window *window, void **library)
{
    SDL_SysWMinfo info;

    SDL_VERSION(&info.version);
    if (!SDL_GetWindowWMInfo(window, &info) || info.subsystem != SDL_SYSWM_X11)
        return NULL;
    *library = SDL_LoadObject("libX11.so.6");
    return *library ? info.info.x11.display : NULL;
}

/* Does the root window name a manager that follows the hints (_NET_SUPPORTING_WM_CHECK)? */
static bool has_manager(Display *display, void *library)
{
    __typeof__(XInternAtom) *intern = LOAD(XInternAtom);
    __typeof__(XDefaultRootWindow) *root = LOAD(XDefaultRootWindow);
    __typeof__(XGetWindowProperty) *get = LOAD(XGetWindowProperty);
    __typeof__(XFree) *release = LOAD(XFree);
    unsigned char *value = NULL;
    unsigned long items = 0, left;
    Atom type;
    int format;

    if (!intern || !root || !get || !release)
        return true;
    Atom check = intern(display, "_NET_SUPPORTING_WM_CHECK", False);
    if (get(display, root(display), check, 0, 1, False, AnyPropertyType, &type, &format, &items,
            &left, &value) != 0)
        return true;
    if (value)
        release(value);
    return items > 0;
}

bool x11_managed(SDL_Window *window)
{
    void *library;
    Display *display = open_x11(window, &library);

    if (!display)
        return true;
    bool has = has_manager(display, library);
    SDL_UnloadObject(library);
    return has;
}

/* SDL wakes its thread by an event to the window, by a connection of its own; the server may come to
 * it when the window is gone. */
static int on_error(Display *display, XErrorEvent *e)
{
    enum { X_SEND_EVENT = 25 };

    (void)display;
    if (e->error_code != BadWindow || e->request_code != X_SEND_EVENT)
        fprintf(stderr, "ringer: the X server refused request %u.%u with error %u\n",
                e->request_code, e->minor_code, e->error_code);
    return 0;
}

void x11_survive_errors(void)
{
    void *library = SDL_LoadObject("libX11.so.6"); /* to stay: it keeps the function */
    __typeof__(XSetErrorHandler) *set = library ? LOAD(XSetErrorHandler) : NULL;

    if (set)
        set(on_error);
}

int x11_text_dpi(SDL_Window *window)
{
    void *library;
    Display *display = open_x11(window, &library);

    if (!display)
        return 0;
    __typeof__(XGetDefault) *get = LOAD(XGetDefault);
    const char *text = get ? get(display, "Xft", "dpi") : NULL; /* the display's */
    int dpi = text ? atoi(text) : 0;
    SDL_UnloadObject(library);
    return dpi;
}

#else

bool x11_managed(SDL_Window *window)
{
    (void)window;
    return true;
}

void x11_survive_errors(void)
{
}

int x11_text_dpi(SDL_Window *window)
{
    (void)window;
    return 0;
}

#endif
