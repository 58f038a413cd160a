/* On X11 full screen is the window manager's to give (Extended Window Manager Hints 1.5,
 * _NET_WM_STATE_FULLSCREEN).  Without one SDL asks nobody, and takes the window for as large as the
 * screen ever after: its picture is cut off at the true size.  There the window is moved and
 * sized by hand, which the server then does as told. */
#include "vmm/ui/sdl_full.h"

#include <SDL2/SDL_syswm.h>

#ifdef SDL_VIDEO_DRIVER_X11
/* Does the root window name a manager that follows the hints (_NET_SUPPORTING_WM_CHECK)? */
static bool x11_has_manager(Display *display, void *library)
{
    __typeof__(XInternAtom) *intern =
        (__typeof__(intern))(uintptr_t)SDL_LoadFunction(library, "XInternAtom");
    __typeof__(XDefaultRootWindow) *root =
        (__typeof__(root))(uintptr_t)SDL_LoadFunction(library, "XDefaultRootWindow");
    __typeof__(XGetWindowProperty) *get =
        (__typeof__(get))(uintptr_t)SDL_LoadFunction(library, "XGetWindowProperty");
    __typeof__(XFree) *release = (__typeof__(release))(uintptr_t)SDL_LoadFunction(library, "XFree");
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
#endif

static bool has_manager(SDL_Window *window)
{
    bool has = true;
#ifdef SDL_VIDEO_DRIVER_X11
    SDL_SysWMinfo info;

    SDL_VERSION(&info.version);
    if (!SDL_GetWindowWMInfo(window, &info) || info.subsystem != SDL_SYSWM_X11)
        return true;
    void *library = SDL_LoadObject("libX11.so.6"); /* SDL's own, once more */
    if (library) {
        has = x11_has_manager(info.info.x11.display, library);
        SDL_UnloadObject(library);
    }
#else
    (void)window;
#endif
    return has;
}

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
    if (!on || has_manager(window))
        return SDL_SetWindowFullscreen(window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) == 0;
    if (SDL_GetDisplayBounds(SDL_GetWindowDisplayIndex(window), &screen) != 0)
        return false;
    SDL_GetWindowPosition(window, &before->window.x, &before->window.y);
    SDL_GetWindowSize(window, &before->window.w, &before->window.h);
    before->by_hand = true;
    place(window, &screen);
    return true;
}
