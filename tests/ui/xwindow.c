/* What tests/ui/run does to a window that xdotool cannot.
 *
 *   xwindow close ID               ask it to close, as the title bar's button does
 *   xwindow picture ID FILE W H    its upper left W by H pixels as PPM
 *   xwindow drop ID PATH           drop a file on it, as a file manager does (XDND version 5)
 *   xwindow clipboard TEXT         have TEXT in the clipboard until somebody else has (ICCCM, 2)
 *   xwindow resources TEXT         have programs started from now on find these X resources
 */
#include <X11/Xatom.h>
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE = 60 }; /* seconds */

static Atom atom(Display *display, const char *name)
{
    return XInternAtom(display, name, False);
}

static void message(Display *display, Window window, const char *type, const long data[5])
{
    XEvent e = {.xclient = {.type = ClientMessage,
                            .window = window,
                            .message_type = atom(display, type),
                            .format = 32}};

    memcpy(e.xclient.data.l, data, sizeof e.xclient.data.l);
    XSendEvent(display, window, False, NoEventMask, &e);
    XSync(display, False);
}

static int ask_to_close(Display *display, Window window)
{
    const long data[5] = {(long)atom(display, "WM_DELETE_WINDOW")};

    message(display, window, "WM_PROTOCOLS", data);
    return 0;
}

static int save(Display *display, Window window, const char *path, unsigned w, unsigned h)
{
    XImage *image = XGetImage(display, window, 0, 0, w, h, AllPlanes, ZPixmap);
    FILE *file = fopen(path, "wb");

    if (!image || !file)
        return 1;
    fprintf(file, "P6\n%u %u\n255\n", w, h);
    for (unsigned y = 0; y < h; y++)
        for (unsigned x = 0; x < w; x++) {
            unsigned long p = XGetPixel(image, (int)x, (int)y);
            putc((int)(p >> 16 & 255), file);
            putc((int)(p >> 8 & 255), file);
            putc((int)(p & 255), file);
        }
    return fclose(file) != 0;
}

static int set_resources(Display *display, const char *text)
{
    XChangeProperty(display, DefaultRootWindow(display), XA_RESOURCE_MANAGER, XA_STRING, 8,
                    PropModeReplace, (const unsigned char *)text, (int)strlen(text));
    return XCloseDisplay(display);
}

static Window own(Display *display, const char *selection)
{
    Window window = XCreateSimpleWindow(display, DefaultRootWindow(display), 0, 0, 1, 1, 0, 0, 0);

    XSetSelectionOwner(display, atom(display, selection), window, CurrentTime);
    XSync(display, False);
    return window;
}

/* Give TEXT to who asks for TARGET; the list of targets to who asks for that. */
static void serve(Display *display, const XSelectionRequestEvent *ask, const char *target,
                  const char *text)
{
    XEvent e = {.xselection = {.type = SelectionNotify,
                               .requestor = ask->requestor,
                               .selection = ask->selection,
                               .target = ask->target,
                               .property = ask->property,
                               .time = ask->time}};
    Atom offered = atom(display, target);

    if (ask->target == offered)
        XChangeProperty(display, ask->requestor, ask->property, offered, 8, PropModeReplace,
                        (const unsigned char *)text, (int)strlen(text));
    else if (ask->target == atom(display, "TARGETS"))
        XChangeProperty(display, ask->requestor, ask->property, XA_ATOM, 32, PropModeReplace,
                        (const unsigned char *)&offered, 1);
    else
        e.xselection.property = None;
    XSendEvent(display, ask->requestor, False, NoEventMask, &e);
    XSync(display, False);
}

static int clipboard(Display *display, const char *text)
{
    XEvent e;

    own(display, "CLIPBOARD");
    for (;;) {
        XNextEvent(display, &e);
        if (e.type == SelectionRequest)
            serve(display, &e.xselectionrequest, "UTF8_STRING", text);
        else if (e.type == SelectionClear)
            return 0;
    }
}

static int drop(Display *display, Window window, const char *path)
{
    Window source = own(display, "XdndSelection");
    const long enter[5] = {(long)source, 5L << 24, (long)atom(display, "text/uri-list")};
    const long position[5] = {(long)source, 0, 100 << 16 | 100, CurrentTime,
                              (long)atom(display, "XdndActionCopy")};
    const long let_go[5] = {(long)source, 0, CurrentTime};
    char uri[1024];
    XEvent e;

    snprintf(uri, sizeof uri, "file://%s\r\n", path);
    message(display, window, "XdndEnter", enter);
    message(display, window, "XdndPosition", position);
    for (;;) {
        XNextEvent(display, &e);
        if (e.type == SelectionRequest)
            serve(display, &e.xselectionrequest, "text/uri-list", uri);
        else if (e.type != ClientMessage)
            continue;
        else if (e.xclient.message_type == atom(display, "XdndStatus") && e.xclient.data.l[1] & 1)
            message(display, window, "XdndDrop", let_go);
        else if (e.xclient.message_type == atom(display, "XdndStatus"))
            return 1; /* not here */
        else if (e.xclient.message_type == atom(display, "XdndFinished"))
            return 0;
    }
}

int main(int argc, char **argv)
{
    Display *display = XOpenDisplay(NULL);

    if (!display || argc < 3)
        return 2;
    alarm(PATIENCE);
    Window window = strtoul(argv[2], NULL, 0);
    if (!strcmp(argv[1], "close"))
        return ask_to_close(display, window);
    if (!strcmp(argv[1], "picture") && argc == 6)
        return save(display, window, argv[3], (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    if (!strcmp(argv[1], "drop") && argc == 4)
        return drop(display, window, argv[3]);
    if (!strcmp(argv[1], "clipboard"))
        return clipboard(display, argv[2]);
    if (!strcmp(argv[1], "resources"))
        return set_resources(display, argv[2]);
    return 2;
}
