/* A band is six lines.  For each of its colours the whole width is drawn once, six dots a
 * character, over what the colours before have left: "$" goes back to the band's beginning, "-" to
 * the next. */
#include "vmm/ui/sixel.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    BAND = 6,
    COLOURS = 256,
    SLOTS = 1024, /* of the table that finds colours */
    RED_LEVELS = 6,
    GREEN_LEVELS = 8,
    BLUE_LEVELS = 5,
    FIRST = 63, /* the character of no dots */
    SHORTEST_RUN = 4,
};

struct palette {
    uint32_t colour[COLOURS];
    unsigned count;
    bool cube;            /* more colours than there is room for */
    uint16_t slot[SLOTS]; /* index + 1; 0: free */
};

/* The slot that has COLOUR, or where it belongs. */
static unsigned slot_of(const struct palette *p, uint32_t colour)
{
    unsigned at = (colour * 2654435761u) >> 22;

    while (p->slot[at] && p->colour[p->slot[at] - 1] != colour)
        at = (at + 1) % SLOTS;
    return at;
}

static unsigned nearest(unsigned value, unsigned levels)
{
    return (value * (levels - 1) + 127) / 255;
}

static void make_cube(struct palette *p)
{
    p->cube = true;
    p->count = 0;
    for (unsigned r = 0; r < RED_LEVELS; r++)
        for (unsigned g = 0; g < GREEN_LEVELS; g++)
            for (unsigned b = 0; b < BLUE_LEVELS; b++)
                p->colour[p->count++] = r * 255 / (RED_LEVELS - 1) << 16 |
                                        g * 255 / (GREEN_LEVELS - 1) << 8 |
                                        b * 255 / (BLUE_LEVELS - 1);
}

static void make_palette(struct palette *p, const uint32_t *pixels, size_t count)
{
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < count; i++) {
        unsigned at = slot_of(p, pixels[i]);
        if (p->slot[at])
            continue;
        if (p->count == COLOURS) {
            make_cube(p);
            return;
        }
        p->colour[p->count] = pixels[i];
        p->slot[at] = (uint16_t)++p->count;
    }
}

static uint8_t index_of(const struct palette *p, uint32_t colour)
{
    if (!p->cube)
        return (uint8_t)(p->slot[slot_of(p, colour)] - 1);
    return (uint8_t)((nearest(colour >> 16 & 255, RED_LEVELS) * GREEN_LEVELS +
                      nearest(colour >> 8 & 255, GREEN_LEVELS)) *
                         BLUE_LEVELS +
                     nearest(colour & 255, BLUE_LEVELS));
}

static unsigned percent(uint32_t colour, unsigned shift)
{
    return ((colour >> shift & 255) * 100 + 127) / 255;
}

static void add_palette(struct text *out, const struct palette *p)
{
    for (unsigned i = 0; i < p->count; i++)
        text_printf(out, "#%u;2;%u;%u;%u", i, percent(p->colour[i], 16), percent(p->colour[i], 8),
                    percent(p->colour[i], 0));
}

static void add_run(struct text *out, char dots, unsigned count)
{
    if (count >= SHORTEST_RUN)
        text_printf(out, "!%u%c", count, dots);
    else
        for (; count; count--)
            text_add(out, &dots, 1);
}

/* The dots of one colour; what is empty at the end is left away. */
static void add_colour(struct text *out, const uint8_t *band, unsigned width, unsigned lines,
                       uint8_t colour)
{
    char last = 0;
    unsigned run = 0;

    for (unsigned x = 0; x < width; x++) {
        unsigned dots = 0;
        for (unsigned y = 0; y < lines; y++)
            dots |= (unsigned)(band[y * width + x] == colour) << y;
        char c = (char)(FIRST + dots);
        if (c != last) {
            add_run(out, last, run);
            run = 0;
        }
        last = c;
        run++;
    }
    if (last != FIRST)
        add_run(out, last, run);
}

static void add_band(struct text *out, const uint8_t *band, unsigned width, unsigned lines)
{
    bool used[COLOURS] = {false}, first = true;

    for (unsigned i = 0; i < lines * width; i++)
        used[band[i]] = true;
    for (unsigned c = 0; c < COLOURS; c++) {
        if (!used[c])
            continue;
        text_printf(out, "%s#%u", first ? "" : "$", c);
        add_colour(out, band, width, lines, (uint8_t)c);
        first = false;
    }
    text_add(out, "-", 1);
}

void sixel_encode(struct text *out, const uint32_t *pixels, unsigned width, unsigned height)
{
    struct palette *p = malloc(sizeof *p);
    uint8_t *band = malloc((size_t)width * BAND);

    if (!p || !band)
        abort();
    make_palette(p, pixels, (size_t)width * height);
    text_printf(out, "\033P7;1q\"1;1;%u;%u", width, height);
    add_palette(out, p);
    for (unsigned y = 0; y < height; y += BAND) {
        unsigned lines = height - y < BAND ? height - y : BAND;
        for (unsigned i = 0; i < lines * width; i++)
            band[i] = index_of(p, pixels[(size_t)y * width + i]);
        add_band(out, band, width, lines);
    }
    text_add(out, "\033\\", 2);
    free(band);
    free(p);
}
