#include "vmm/ui/termpicture.h"
#include "vmm/ui/sixel.h"
#include <stdlib.h>
#include <string.h>

enum { LARGEST = 4096 };

void termpicture_free(struct termpicture *p)
{
    free(p->pixels);
    free(p->next);
    *p = (struct termpicture){.cell_width = p->cell_width, .cell_height = p->cell_height};
}

/* As large as the terminal allows, at 4:3 if the picture is to be stretched.  The last row stays
 * free: a picture that ends there would make the terminal scroll. */
static void fit(const struct termpicture *p, const struct display_frame *f, unsigned columns,
                unsigned rows, unsigned *width, unsigned *height)
{
    unsigned across = f->stretched ? 4 : f->width, down = f->stretched ? 3 : f->height;
    uint64_t w = (uint64_t)columns * p->cell_width;
    uint64_t h = (uint64_t)(rows > 1 ? rows - 1 : 1) * p->cell_height;

    w = w < LARGEST ? w : LARGEST;
    h = h < LARGEST ? h : LARGEST;
    if (w * down > h * across)
        w = h * across / down;
    else
        h = w * down / across;
    *width = w ? (unsigned)w : 1;
    *height = h ? (unsigned)h : 1;
}

/* What is left of a picture of another size goes. */
static void resize(struct termpicture *p, unsigned width, unsigned height, struct text *out)
{
    if (width == p->width && height == p->height && p->pixels)
        return;
    if (p->shown)
        text_printf(out, "\033[2J");
    termpicture_free(p);
    p->width = width;
    p->height = height;
    p->pixels = malloc((size_t)width * height * sizeof *p->pixels);
    p->next = malloc((size_t)width * height * sizeof *p->next);
    if (!p->pixels || !p->next)
        abort();
}

static void scale(struct termpicture *p, const struct display_frame *f)
{
    for (unsigned y = 0; y < p->height; y++) {
        const uint32_t *from = f->pixels + (size_t)(y * f->height / p->height) * f->stride;
        for (unsigned x = 0; x < p->width; x++)
            p->next[(size_t)y * p->width + x] = from[x * f->width / p->width];
    }
}

static bool same_line(const struct termpicture *p, unsigned y)
{
    size_t at = (size_t)y * p->width;

    return p->shown && !memcmp(p->pixels + at, p->next + at, p->width * sizeof *p->next);
}

void termpicture_send(struct termpicture *p, const struct display_frame *frame, unsigned columns,
                      unsigned rows, struct text *out)
{
    unsigned width, height, first = 0, end;
    uint32_t *old;

    fit(p, frame, columns, rows, &width, &height);
    resize(p, width, height, out);
    scale(p, frame);
    while (first < height && same_line(p, first))
        first++;
    if (first == height)
        return;
    for (end = height; same_line(p, end - 1); end--)
        ;
    /* From the top of a row of cells, where the terminal's cursor can be set. */
    first -= first % p->cell_height;
    text_printf(out, "\033[%u;1H", first / p->cell_height + 1);
    sixel_encode(out, p->next + (size_t)first * width, width, end - first);
    old = p->pixels;
    p->pixels = p->next;
    p->next = old;
    p->shown = true;
}
