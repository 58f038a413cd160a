#include "vmm/ui/canvas.h"

#include "devices/cp437.h"
#include "devices/vga_font.h"

void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint32_t colour)
{
    int right = x + width < c->width ? x + width : c->width;
    int bottom = y + height < c->height ? y + height : c->height;

    x = x < 0 ? 0 : x;
    for (y = y < 0 ? 0 : y; y < bottom; y++)
        for (int i = x; i < right; i++)
            c->pixels[y * c->width + i] = colour;
}

void canvas_frame(struct canvas *c, int x, int y, int width, int height, uint32_t colour)
{
    canvas_fill(c, x, y, width, 1, colour);
    canvas_fill(c, x, y + height - 1, width, 1, colour);
    canvas_fill(c, x, y, 1, height, colour);
    canvas_fill(c, x + width - 1, y, 1, height, colour);
}

static void glyph(struct canvas *c, int x, int y, uint8_t code, uint32_t colour)
{
    const uint8_t *rows = vga_font_8x16 + code * CANVAS_ROW;

    for (int j = 0; j < CANVAS_ROW; j++)
        for (int i = 0; i < CANVAS_COLUMN; i++)
            if (rows[j] << i & 0x80)
                canvas_fill(c, x + i, y + j, 1, 1, colour);
}

/* The next character of *TEXT; a byte that is no UTF-8 counts as itself. */
static uint32_t next_unicode(const char **text)
{
    const uint8_t *p = (const uint8_t *)*text;
    unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
    uint32_t code = more ? *p & (0x3f >> more) : *p;

    p++;
    while (more-- && (*p & 0xc0) == 0x80)
        code = code << 6 | (*p++ & 0x3f);
    *text = (const char *)p;
    return code;
}

static uint8_t code_page_437(uint32_t unicode)
{
    int c = cp437_find(unicode);

    return c < 0 ? '?' : (uint8_t)c;
}

int canvas_text(struct canvas *c, int x, int y, const char *text, uint32_t colour)
{
    for (; *text; x += CANVAS_COLUMN)
        glyph(c, x, y, code_page_437(next_unicode(&text)), colour);
    return x;
}

int canvas_columns(const char *text)
{
    int columns = 0;

    for (; *text; columns++)
        next_unicode(&text);
    return columns;
}
