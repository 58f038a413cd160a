/* --record: the guest's picture as a film, by a thread of its own. */
#ifndef RINGER_VMM_UI_FILM_H
#define RINGER_VMM_UI_FILM_H

#include "ringer/error.h"
#include "vmm/ui/display.h"

enum { FILM_FPS_DEFAULT = 10, FILM_FPS_MAX = 60, FILM_PATH_MAX = 1024 };

struct film_options {
    const char *path; /* ends in .gif or .y4m */
    unsigned fps;     /* pictures a second of the guest's time; of a GIF at most */
};

/* Parse FILE.gif|FILE.y4m[,fps=N]; the path is kept in ROOM.  False: ERR names what is wrong. */
bool film_options_parse(const char *text, char room[FILM_PATH_MAX], struct film_options *out,
                        struct error *err);

struct film;
/* Start a film of DISPLAY, whose size is that of the first picture: others are fitted in.  The file
 * is made, or replaced, at once.  NULL and ERR on failure. */
struct film *film_open(const struct film_options *options, struct display *display,
                       struct error *err);
/* Is it going on?  False when the disk is full, say. */
bool film_running(const struct film *f);
/* End it with the present picture. */
void film_close(struct film *f);

#endif
