/* How often does a window show another picture?
 *   frames ID SECONDS
 * Looks at a few pixels in its middle a thousand times a second, and prints changes a second. */
#include <X11/Xlib.h>
#include <X11/Xutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const struct timespec pause = {0, 1000000};
    Display *display = XOpenDisplay(NULL);
    XWindowAttributes a;
    unsigned long last = 0, changes = 0;

    if (!display || argc != 3)
        return 2;
    Window window = strtoul(argv[1], NULL, 0);
    if (!XGetWindowAttributes(display, window, &a))
        return 1;
    double start = now(), end = start + atof(argv[2]);
    while (now() < end) {
        XImage *image = XGetImage(display, window, a.width / 2, a.height / 2, 1, 1, AllPlanes,
                                  ZPixmap);
        if (!image)
            return 1;
        unsigned long pixel = XGetPixel(image, 0, 0);
        XDestroyImage(image);
        changes += pixel != last;
        last = pixel;
        nanosleep(&pause, NULL);
    }
    printf("%.1f\n", (double)changes / (now() - start));
    return 0;
}
