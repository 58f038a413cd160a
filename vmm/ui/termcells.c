/* Text cells are sent with the 16 palette colours as such, so that the user's terminal theme
 * applies to them; pictures with 24 bits, or the nearest of xterm's 256. */
#include "vmm/ui/termcells.h"
#include "devices/cp437.h"
#include <stdlib.h>
#include <string.h>

enum { UPPER_HALF = 0x2580 };

/* ---- drawing ---- */

static void add_unicode(struct text *t, uint32_t c)
{
    char b[3];

    if (c < 0x80) {
        b[0] = (char)c;
        text_add(t, b, 1);
    } else if (c < 0x800) {
        b[0] = (char)(0xc0 | c >> 6);
        b[1] = (char)(0x80 | (c & 63));
        text_add(t, b, 2);
    } else {
        b[0] = (char)(0xe0 | c >> 12);
        b[1] = (char)(0x80 | (c >> 6 & 63));
        b[2] = (char)(0x80 | (c & 63));
        text_add(t, b, 3);
    }
}

/* IRGB of the VGA to the terminal's order of colours (blue and red change places). */
static uint32_t palette_colour(unsigned irgb)
{
    return TERM_PALETTE | (irgb & 10) | (irgb & 1) << 2 | (irgb & 4) >> 2;
}

static void add_colour(struct text *t, uint32_t colour, bool background)
{
    unsigned n = colour & 255;

    if (!(colour & TERM_PALETTE))
        text_printf(t, ";%u;2;%u;%u;%u", background ? 48 : 38, colour >> 16 & 255,
                    colour >> 8 & 255, colour & 255);
    else if (n > 15)
        text_printf(t, ";%u;5;%u", background ? 48 : 38, n);
    else
        text_printf(t, ";%u", (n < 8 ? 30 + n : 90 + n - 8) + (background ? 10 : 0));
}

static void set_colours(struct termcells *t, struct text *out, uint32_t fg, uint32_t bg)
{
    if (fg == t->fg && bg == t->bg)
        return;
    text_printf(out, "\033[0");
    add_colour(out, fg, false);
    add_colour(out, bg, true);
    text_printf(out, "m");
    t->fg = fg;
    t->bg = bg;
}

void termcells_clear(struct termcells *t, unsigned columns, unsigned rows, struct text *out)
{
    t->columns = columns < TERM_COLUMNS ? columns : TERM_COLUMNS;
    t->rows = rows < TERM_ROWS ? rows : TERM_ROWS;
    memset(t->shown, 0, sizeof t->shown);
    text_printf(out, "\033[0m\033[2J");
    t->fg = t->bg = UINT32_MAX;
}

void termcells_want_blank(struct termcells *t)
{
    const struct term_cell blank = {' ', palette_colour(7), palette_colour(0)};

    for (unsigned i = 0; i < t->rows * t->columns; i++)
        t->wanted[i] = blank;
    t->cursor = false;
}

void termcells_want_text(struct termcells *t, const struct vga_text *text)
{
    /* A terminal that is too low shows the end of the screen where the prompt is. */
    unsigned skip = text->cursor_y >= t->rows ? text->cursor_y - t->rows + 1 : 0;

    termcells_want_blank(t);
    for (unsigned y = 0; y < t->rows && y + skip < text->rows; y++)
        for (unsigned x = 0; x < text->columns && x < t->columns; x++) {
            uint16_t cell = text->cells[(y + skip) * text->columns + x];
            t->wanted[y * t->columns + x] =
                (struct term_cell){cp437_unicode(cell & 0xff), palette_colour(cell >> 8 & 15),
                                   palette_colour(cell >> 12 & 7)};
        }
    t->cursor =
        text->cursor_visible && text->cursor_x < t->columns && text->cursor_y - skip < t->rows;
    t->cursor_x = text->cursor_x;
    t->cursor_y = text->cursor_y - skip;
}

/* ---- pictures ---- */

/* The nearest of xterm's cube of 6 x 6 x 6 colours or of its 24 greys, whose levels are 0, 95, 135
 * to 255 by 40, and 8 to 238 by 10. */
static uint32_t cube_colour(uint32_t rgb)
{
    unsigned part[3], level[3], cube = 0, far = 0, grey_far = 0;

    for (int i = 0; i < 3; i++) {
        unsigned c = part[i] = rgb >> (16 - 8 * i) & 255;
        unsigned step = c < 48 ? 0 : c < 115 ? 1 : (c - 35) / 40;
        level[i] = step ? 55 + 40 * step : 0;
        cube = cube * 6 + step;
        far += (c - level[i]) * (c - level[i]);
    }
    unsigned mean = (part[0] + part[1] + part[2]) / 3;
    unsigned step = mean < 8 ? 0 : mean > 238 ? 23 : (mean - 3) / 10, grey = 8 + 10 * step;
    for (int i = 0; i < 3; i++)
        grey_far += (part[i] - grey) * (part[i] - grey);
    return TERM_PALETTE | (grey_far < far ? 232 + step : 16 + cube);
}

bool termcells_few_colours(void)
{
    const char *term = getenv("TERM"), *all = getenv("COLORTERM");

    if (all && (strstr(all, "truecolor") || strstr(all, "24bit")))
        return false;
    return term && strstr(term, "256color");
}

/* The mean of the pixels that fall into one of COLUMNS x ROWS. */
static uint32_t mean(const struct display_frame *p, unsigned x, unsigned columns, unsigned y,
                     unsigned rows, bool few)
{
    unsigned x0 = x * p->width / columns, x1 = (x + 1) * p->width / columns;
    unsigned y0 = y * p->height / rows, y1 = (y + 1) * p->height / rows;
    uint32_t red = 0, green = 0, blue = 0, count = 0;

    for (unsigned j = y0; j < y1 || j == y0; j++)
        for (unsigned i = x0; i < x1 || i == x0; i++, count++) {
            uint32_t pixel = p->pixels[j * p->stride + i];
            red += pixel >> 16 & 255;
            green += pixel >> 8 & 255;
            blue += pixel & 255;
        }
    uint32_t rgb = red / count << 16 | green / count << 8 | blue / count;
    return few ? cube_colour(rgb) : rgb;
}

/* Half a cell is about square; the picture is shown at 4:3, as monitors of the time do. */
void termcells_want_picture(struct termcells *t, const struct display_frame *frame)
{
    unsigned rows = t->rows * 2, columns = rows * 4 / 3;

    termcells_want_blank(t);
    if (columns > t->columns) {
        columns = t->columns;
        rows = columns * 3 / 4;
    }
    for (unsigned y = 0; y + 1 < rows; y += 2)
        for (unsigned x = 0; x < columns; x++)
            t->wanted[y / 2 * t->columns + x] =
                (struct term_cell){UPPER_HALF, mean(frame, x, columns, y, rows, t->few),
                                   mean(frame, x, columns, y + 1, rows, t->few)};
}

/* ---- sending ---- */

void termcells_send(struct termcells *t, struct text *out)
{
    for (unsigned y = 0; y < t->rows; y++) {
        unsigned at = UINT32_MAX; /* the terminal's cursor column in this row */
        for (unsigned x = 0; x < t->columns; x++) {
            struct term_cell *shown = &t->shown[y * t->columns + x];
            const struct term_cell *wanted = &t->wanted[y * t->columns + x];
            if (!memcmp(shown, wanted, sizeof *shown))
                continue;
            if (at != x)
                text_printf(out, "\033[%u;%uH", y + 1, x + 1);
            set_colours(t, out, wanted->fg, wanted->bg);
            add_unicode(out, wanted->unicode);
            *shown = *wanted;
            at = x + 1;
        }
    }
}
