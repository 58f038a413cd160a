/* GIF89a: "Graphics Interchange Format, Version 89a", CompuServe, 1990; its LZW is that of appendix
 * F. */
#include "vmm/ui/film_private.h"

#include <stdlib.h>
#include <string.h>

enum { CODE_BITS_MAX = 12, CODES = 1 << CODE_BITS_MAX, SUBBLOCK = 255, HASH = 8192 };

static bool put16(FILE *file, unsigned value)
{
    return putc((int)(value & 255), file) != EOF && putc((int)(value >> 8 & 255), file) != EOF;
}

bool gif_begin(FILE *file, unsigned width, unsigned height)
{
    static const char loop[] = "\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0";

    /* No global colour table, 8 bits a primary. */
    return fputs("GIF89a", file) >= 0 && put16(file, width) && put16(file, height) &&
           fwrite("\x70\0\0", 1, 3, file) == 3 && fwrite(loop, 1, sizeof loop, file) == sizeof loop;
}

bool gif_end(FILE *file)
{
    return putc(0x3b, file) != EOF;
}

/* ---- colours ---- */

struct palette {
    uint32_t color[256];
    unsigned count;
    int16_t slot[1024]; /* open hashing: index of a colour, -1: none */
};

/* The index of COLOR, entered when it is new; -1 when 256 are there. */
static int palette_index(struct palette *p, uint32_t color)
{
    unsigned at = (color * 2654435761u) >> 22;

    for (; p->slot[at] >= 0; at = (at + 1) & 1023)
        if (p->color[p->slot[at]] == color)
            return p->slot[at];
    if (p->count == 256)
        return -1;
    p->color[p->count] = color;
    p->slot[at] = (int16_t)p->count;
    return (int)p->count++;
}

/* Level of VALUE among STEPS + 1, a threshold of sixteen deciding between two. */
static unsigned level(unsigned value, unsigned steps, unsigned threshold)
{
    return (value * steps * 16 + threshold * 255) / (255 * 16);
}

enum { RED_STEPS = 5, GREEN_STEPS = 6, BLUE_STEPS = 5 };

static uint8_t dithered(uint32_t rgb, unsigned x, unsigned y)
{
    static const uint8_t bayer[4][4] = {
        {0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}};
    unsigned t = bayer[y & 3][x & 3];
    unsigned red = level(rgb >> 16 & 255, RED_STEPS, t);
    unsigned green = level(rgb >> 8 & 255, GREEN_STEPS, t);
    unsigned blue = level(rgb & 255, BLUE_STEPS, t);

    return (uint8_t)((red * (GREEN_STEPS + 1) + green) * (BLUE_STEPS + 1) + blue);
}

static void fixed_palette(struct palette *p)
{
    p->count = 0;
    for (uint32_t r = 0; r <= RED_STEPS; r++)
        for (uint32_t g = 0; g <= GREEN_STEPS; g++)
            for (uint32_t b = 0; b <= BLUE_STEPS; b++)
                p->color[p->count++] =
                    r * 255 / RED_STEPS << 16 | g * 255 / GREEN_STEPS << 8 | b * 255 / BLUE_STEPS;
}

struct part {
    const uint32_t *pixels;
    unsigned width, x, y, columns, rows;
};

static uint32_t part_pixel(const struct part *p, unsigned x, unsigned y)
{
    return p->pixels[(size_t)(p->y + y) * p->width + p->x + x];
}

/* INDICES gets a byte a pixel. */
static void to_indices(const struct part *part, struct palette *p, uint8_t *indices)
{
    int index = 0;

    p->count = 0;
    memset(p->slot, 0xff, sizeof p->slot);
    for (size_t i = 0; i < (size_t)part->columns * part->rows && index >= 0; i++) {
        index = palette_index(p, part_pixel(part, i % part->columns, i / part->columns));
        indices[i] = (uint8_t)index;
    }
    if (index >= 0)
        return;
    fixed_palette(p);
    for (size_t i = 0; i < (size_t)part->columns * part->rows; i++) {
        unsigned x = i % part->columns, y = i / part->columns;
        indices[i] = dithered(part_pixel(part, x, y), part->x + x, part->y + y);
    }
}

/* ---- LZW ---- */

struct lzw {
    FILE *file;
    uint8_t block[SUBBLOCK];
    unsigned used, bits, bit_count, width, next;
    bool ok;
    struct {
        uint32_t key; /* prefix << 8 | byte, plus 1; 0: empty */
        uint16_t code;
    } table[HASH];
};

static void put_byte(struct lzw *z, uint8_t byte)
{
    z->block[z->used++] = byte;
    if (z->used < SUBBLOCK)
        return;
    z->ok &= putc(SUBBLOCK, z->file) != EOF && fwrite(z->block, 1, SUBBLOCK, z->file) == SUBBLOCK;
    z->used = 0;
}

static void put_code(struct lzw *z, unsigned code)
{
    z->bits |= code << z->bit_count;
    z->bit_count += z->width;
    for (; z->bit_count >= 8; z->bit_count -= 8, z->bits >>= 8)
        put_byte(z, (uint8_t)z->bits);
}

static void clear_table(struct lzw *z, unsigned depth)
{
    put_code(z, 1u << depth);
    memset(z->table, 0, sizeof z->table);
    z->width = depth + 1;
    z->next = (1u << depth) + 2;
}

/* The code of PREFIX followed by BYTE; -1, and entered, when there was none. */
static int find_code(struct lzw *z, unsigned prefix, uint8_t byte)
{
    uint32_t key = (prefix << 8 | byte) + 1;
    unsigned at = (key * 2654435761u) >> 19;

    for (; z->table[at].key; at = (at + 1) % HASH)
        if (z->table[at].key == key)
            return z->table[at].code;
    if (z->next < CODES) {
        z->table[at].key = key;
        z->table[at].code = (uint16_t)z->next;
    }
    return -1;
}

static bool compress(FILE *file, unsigned depth, const uint8_t *indices, size_t count)
{
    struct lzw *z = calloc(1, sizeof *z);

    if (!z)
        return false;
    z->file = file;
    z->ok = putc((int)depth, file) != EOF;
    z->width = depth + 1;
    clear_table(z, depth);
    unsigned prefix = indices[0];
    for (size_t i = 1; i < count; i++) {
        int code = find_code(z, prefix, indices[i]);
        if (code >= 0) {
            prefix = (unsigned)code;
            continue;
        }
        put_code(z, prefix);
        prefix = indices[i];
        if (z->next == CODES) {
            clear_table(z, depth);
        } else {
            if (z->next == 1u << z->width)
                z->width++;
            z->next++;
        }
    }
    put_code(z, prefix);
    if (z->next == 1u << z->width && z->width < CODE_BITS_MAX)
        z->width++; /* the decoder enters a last one */
    put_code(z, (1u << depth) + 1);
    if (z->bit_count)
        put_byte(z, (uint8_t)z->bits);
    if (z->used)
        z->ok &= putc((int)z->used, file) != EOF && fwrite(z->block, 1, z->used, file) == z->used;
    z->ok &= putc(0, file) != EOF;
    bool ok = z->ok;
    free(z);
    return ok;
}

/* ---- frames ---- */

static bool put_headers(FILE *file, const struct part *part, const struct palette *p,
                        unsigned depth, unsigned centiseconds)
{
    uint8_t table[3 * 256] = {0};

    for (unsigned i = 0; i < p->count; i++)
        for (unsigned c = 0; c < 3; c++)
            table[3 * i + c] = (uint8_t)(p->color[i] >> (16 - 8 * c));
    /* Graphic control: leave the picture there.  Image: a colour table of its own. */
    return fwrite("\x21\xf9\x04\x04", 1, 4, file) == 4 && put16(file, centiseconds) &&
           put16(file, 0) && putc(0x2c, file) != EOF && put16(file, part->x) &&
           put16(file, part->y) && put16(file, part->columns) && put16(file, part->rows) &&
           putc((int)(0x80 | (depth - 1)), file) != EOF &&
           fwrite(table, 3, 1u << depth, file) == 1u << depth;
}

bool gif_frame(FILE *file, unsigned width, const uint32_t *pixels, unsigned x, unsigned y,
               unsigned columns, unsigned rows, unsigned centiseconds)
{
    const struct part part = {pixels, width, x, y, columns, rows};
    size_t count = (size_t)columns * rows;
    uint8_t *indices = malloc(count);
    struct palette *p = malloc(sizeof *p);
    bool ok = indices && p;

    if (ok) {
        unsigned depth = 2; /* the least that LZW has */
        to_indices(&part, p, indices);
        while (1u << depth < p->count)
            depth++;
        ok = put_headers(file, &part, p, depth, centiseconds) &&
             compress(file, depth, indices, count);
    }
    free(indices);
    free(p);
    return ok;
}
