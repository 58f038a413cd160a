/* wait-picture: conditions and how they are looked at. */
#include "vmm/script_picture.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { MAX_SIDE = 8192, MAX_SECONDS = 86400 };

/* ---- parsing ---- */

/* A decimal number up to MAX at *TEXT, which then points behind it. */
static bool number(const char **text, unsigned long max, unsigned *out)
{
    char *end;

    if (!isdigit((unsigned char)**text))
        return false;
    unsigned long value = strtoul(*text, &end, 10);
    *text = end;
    *out = (unsigned)value;
    return value <= max;
}

/* One of SEPARATOR, then a number. */
static bool next(const char **text, char separator, unsigned long max, unsigned *out)
{
    if (**text != separator)
        return false;
    ++*text;
    return number(text, max, out);
}

/* DIGITS hexadecimal digits and the end. */
static bool hexadecimal(const char *text, unsigned digits, uint32_t *out)
{
    for (unsigned i = 0; i < digits; i++)
        if (!isxdigit((unsigned char)text[i]))
            return false;
    *out = (uint32_t)strtoul(text, NULL, 16);
    return !text[digits];
}

static bool seconds_from(const char *text, double *out)
{
    char *end;

    if (!isdigit((unsigned char)*text) && *text != '.')
        return false;
    *out = strtod(text, &end);
    return !*end && *out >= 0 && *out <= MAX_SECONDS;
}

static bool parse_size(const char *v, struct picture_wait *w)
{
    return number(&v, MAX_SIDE, &w->width) && next(&v, 'x', MAX_SIDE, &w->height) && !*v &&
           w->width && w->height;
}

static bool parse_area(const char *v, struct picture_wait *w)
{
    return number(&v, MAX_SIDE, &w->area.x) && next(&v, ',', MAX_SIDE, &w->area.y) &&
           next(&v, ',', MAX_SIDE, &w->area.w) && next(&v, ',', MAX_SIDE, &w->area.h) && !*v &&
           w->area.w && w->area.h;
}

static bool parse_colours(const char *v, struct picture_wait *w)
{
    return number(&v, 1ul << 24, &w->colours) && !*v && w->colours;
}

static bool parse_changed(const char *v, struct picture_wait *w)
{
    return number(&v, 1ul << 26, &w->changed) && !*v && w->changed;
}

static bool parse_still(const char *v, struct picture_wait *w)
{
    return seconds_from(v, &w->still) && w->still > 0;
}

static bool parse_crc(const char *v, struct picture_wait *w)
{
    w->has_crc = true;
    return hexadecimal(v, 8, &w->crc);
}

static bool parse_pixel(const char *v, struct picture_wait *w)
{
    if (w->pixels == PICTURE_PIXELS)
        return false;
    unsigned i = w->pixels++;
    return number(&v, MAX_SIDE, &w->pixel[i].x) && next(&v, ',', MAX_SIDE, &w->pixel[i].y) &&
           *v == ',' && hexadecimal(v + 1, 6, &w->pixel[i].rgb);
}

static const struct {
    const char *name, *value;
    bool (*parse)(const char *value, struct picture_wait *w);
} conditions[] = {
    {"size", "WIDTHxHEIGHT", parse_size}, {"area", "X,Y,WIDTH,HEIGHT", parse_area},
    {"colours", "NUMBER", parse_colours}, {"changed", "PIXELS", parse_changed},
    {"still", "SECONDS", parse_still},    {"crc", "8 hexadecimal digits", parse_crc},
    {"pixel", "X,Y,RRGGBB", parse_pixel},
};

static bool parse_condition(const char *word, struct picture_wait *w, char *why, size_t n)
{
    size_t len = strcspn(word, "=");

    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        if (strlen(conditions[i].name) != len || strncmp(conditions[i].name, word, len))
            continue;
        if (word[len] == '=' && conditions[i].parse(word + len + 1, w))
            return true;
        snprintf(why, n, "'%.60s': it is %s=%s", word, conditions[i].name, conditions[i].value);
        return false;
    }
    snprintf(why, n,
             "'%.60s' is not one of size=, area=, colours=, changed=, still=, crc=, pixel=", word);
    return false;
}

bool picture_wait_parse(int argc, char **argv, struct picture_wait *out, double *seconds, char *why,
                        size_t n)
{
    *out = (struct picture_wait){0};
    for (int i = 0; i < argc; i++) {
        if (i && i == argc - 1 && !strchr(argv[i], '=')) {
            if (seconds_from(argv[i], seconds))
                return true;
            snprintf(why, n, "'%.60s' is no number of seconds", argv[i]);
            return false;
        }
        if (!parse_condition(argv[i], out, why, n))
            return false;
    }
    return true;
}

/* ---- looking ---- */

struct rect {
    unsigned x, y, w, h;
};

static struct rect area_of(const struct picture_wait *w, const struct picture *p)
{
    struct rect r = {0, 0, p->width, p->height};

    if (w->area.w) {
        r.x = w->area.x < p->width ? w->area.x : p->width;
        r.y = w->area.y < p->height ? w->area.y : p->height;
        r.w = w->area.w < p->width - r.x ? w->area.w : p->width - r.x;
        r.h = w->area.h < p->height - r.y ? w->area.h : p->height - r.y;
    }
    return r;
}

static const uint32_t *row_of(const struct picture *p, const struct rect *r, unsigned y)
{
    return p->pixels + (size_t)(r->y + y) * p->width + r->x;
}

static uint32_t crc_of(const struct picture *p, const struct rect *r)
{
    uint8_t rgb[MAX_SIDE * 3];
    uLong crc = crc32(0, NULL, 0);

    for (unsigned y = 0; y < r->h; y++) {
        const uint32_t *row = row_of(p, r, y);
        for (unsigned x = 0; x < r->w; x++) {
            rgb[x * 3] = (uint8_t)(row[x] >> 16);
            rgb[x * 3 + 1] = (uint8_t)(row[x] >> 8);
            rgb[x * 3 + 2] = (uint8_t)row[x];
        }
        crc = crc32(crc, rgb, r->w * 3);
    }
    return (uint32_t)crc;
}

static unsigned colours_in(const struct picture *p, const struct rect *r)
{
    uint8_t *seen = calloc(1u << 21, 1);
    unsigned colours = 0;

    for (unsigned y = 0; seen && y < r->h; y++) {
        const uint32_t *row = row_of(p, r, y);
        for (unsigned x = 0; x < r->w; x++) {
            uint32_t c = row[x] & 0xFFFFFF;
            colours += !(seen[c >> 3] >> (c & 7) & 1);
            seen[c >> 3] |= (uint8_t)(1u << (c & 7));
        }
    }
    free(seen);
    return colours;
}

/* Another size, or no mark yet, is another picture altogether. */
static unsigned changes(const struct picture *mark, const struct picture *p, const struct rect *r)
{
    unsigned changed = 0;

    if (!mark->pixels || mark->width != p->width || mark->height != p->height)
        return r->w * r->h;
    for (unsigned y = 0; y < r->h; y++) {
        const uint32_t *before = row_of(mark, r, y), *row = row_of(p, r, y);
        for (unsigned x = 0; x < r->w; x++)
            changed += before[x] != row[x];
    }
    return changed;
}

static bool pixels_are(const struct picture_wait *w, const struct picture *p)
{
    for (unsigned i = 0; i < w->pixels; i++) {
        unsigned x = w->pixel[i].x, y = w->pixel[i].y;
        if (x >= p->width || y >= p->height ||
            (p->pixels[(size_t)y * p->width + x] & 0xFFFFFF) != w->pixel[i].rgb)
            return false;
    }
    return true;
}

void picture_watch_begin(struct picture_watch *watch)
{
    watch->seen = false;
}

bool picture_watch_look(struct picture_watch *watch, const struct picture_wait *w,
                        struct picture *p, uint64_t now)
{
    struct rect r = area_of(w, p);
    uint32_t crc = crc_of(p, &r);
    bool same =
        watch->seen && crc == watch->crc && watch->width == p->width && watch->height == p->height;

    watch->now = now;
    if (!same) {
        watch->seen = true;
        watch->crc = crc;
        watch->since = now;
        watch->width = p->width;
        watch->height = p->height;
        watch->colours = colours_in(p, &r);
        watch->changed = changes(&watch->mark, p, &r);
    }
    bool holds = (!w->width || (w->width == p->width && w->height == p->height)) &&
                 watch->colours >= w->colours && watch->changed >= w->changed &&
                 (!w->has_crc || w->crc == crc) && pixels_are(w, p) &&
                 (double)(now - watch->since) >= w->still * 1000;
    if (holds) {
        free(watch->mark.pixels);
        watch->mark = *p;
    } else {
        free(p->pixels);
    }
    *p = (struct picture){0};
    return holds;
}

void picture_watch_say(const struct picture_watch *watch, char *text, size_t n)
{
    if (!watch->seen)
        snprintf(text, n, "there was no picture");
    else
        snprintf(text, n, "%ux%u, colours=%u, changed=%u, crc=%08x, still for %.1f s", watch->width,
                 watch->height, watch->colours, watch->changed, watch->crc,
                 (double)(watch->now - watch->since) / 1000);
}

void picture_watch_free(struct picture_watch *watch)
{
    free(watch->mark.pixels);
    *watch = (struct picture_watch){0};
}
