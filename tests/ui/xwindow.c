/* What tests/ui/run does to a window that xdotool cannot.
 *
 *   xwindow close ID               ask it to close, as the title bar's button does
 *   xwindow picture ID FILE W H    its upper left W by H pixels as PPM
 */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ask_to_close(Display *display, Window window)
{
    XEvent e = {.xclient = {.type = ClientMessage,
                            .window = window,
                            .message_type = XInternAtom(display, "WM_PROTOCOLS", False),
                            .format = 32}};

    e.xclient.data.l[0] = (long)XInternAtom(display, "WM_DELETE_WINDOW", False);
    XSendEvent(display, window, False, NoEventMask, &e);
    XSync(display, False);
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

int main(int argc, char **argv)
{
    Display *display = XOpenDisplay(NULL);

    if (!display || argc < 3)
        return 2;
    Window window = strtoul(argv[2], NULL, 0);
    if (!strcmp(argv[1], "close"))
        return ask_to_close(display, window);
    if (!strcmp(argv[1], "picture") && argc == 6)
        return save(display, window, argv[3], (unsigned)atoi(argv[4]), (unsigned)atoi(argv[5]));
    return 2;
}
