/* wait-picture: what a script can ask of the picture that the guest shows. */
#ifndef RINGER_VMM_SCRIPT_PICTURE_H
#define RINGER_VMM_SCRIPT_PICTURE_H

#include "vmm/screen.h"

enum { PICTURE_PIXELS = 8 };

/* A question; fields that are zero ask nothing.  All but the size and single pixels is about an
 * area: the whole picture unless area= names one, which is cut where the picture ends. */
struct picture_wait {
    unsigned width, height;
    struct {
        unsigned x, y, w, h;
    } area;
    unsigned colours; /* at least so many different ones */
    unsigned changed; /* at least so many pixels differ from the mark */
    double still;     /* unchanged for so many seconds */
    bool has_crc;
    uint32_t crc;
    unsigned pixels;
    struct {
        unsigned x, y;
        uint32_t rgb; /* 0x00RRGGBB */
    } pixel[PICTURE_PIXELS];
};

/* What is known of the pictures so far.  Begins as zeros. */
struct picture_watch {
    struct picture mark; /* the one that the last wait-picture ended with; owned */
    bool seen;           /* since the present step began */
    uint32_t crc;        /* of the area, three bytes a pixel: red, green, blue, row by row */
    uint64_t since;      /* ms: since then the area is what it is */
    uint64_t now;
    unsigned width, height, colours, changed;
};

/* ARGV: conditions such as size=640x480, at most one of each but pixel=, then seconds perhaps,
 * which go to *SECONDS.  False: WHY (N bytes) says what is wrong. */
bool picture_wait_parse(int argc, char **argv, struct picture_wait *out, double *seconds, char *why,
                        size_t n);

/* Before the first look of a step. */
void picture_watch_begin(struct picture_watch *watch);
/* Look at P (whose pixels become the watch's) at NOW (ms): is all that W asks for true?  When it
 * is, P is the next step's mark. */
bool picture_watch_look(struct picture_watch *watch, const struct picture_wait *w,
                        struct picture *p, uint64_t now);
/* What the last look saw, in words. */
void picture_watch_say(const struct picture_watch *watch, char *text, size_t n);
void picture_watch_free(struct picture_watch *watch);

#endif
