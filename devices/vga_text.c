/* Text: character and attribute from planes 0 and 1, glyphs from plane 2 (IBM PS/2 Video
 * Subsystem, "Alphanumeric modes", "Character map select", "Attribute controller"). */
#include "devices/vga.h"

#include <string.h>

enum {
    ATTR_LINE_GRAPHICS = 0x04,
    ATTR_BLINK = 0x08,
    MEMORY_EXTENDED = 0x02, /* more than 64 KiB: two character maps */
    GFX_MISC_GRAPHICS = 0x01,
    GLYPH_BYTES = 32,
};

/* Plane address of the character map with NUMBER (0-7): 16 KiB apart, the odd four between. */
static uint32_t map_address(unsigned number)
{
    return (number & 3) << 14 | (number & 4) << 11;
}

void vga_font_maps(const struct vga *v, uint32_t maps[2])
{
    uint8_t select = v->seq[SEQ_CHAR_MAP];

    maps[0] = map_address((select & 3) | (select >> 4 & 1) << 2);
    maps[1] = map_address((select >> 2 & 3) | (select >> 5 & 1) << 2);
    if (!(v->seq[SEQ_MEMORY_MODE] & MEMORY_EXTENDED))
        maps[0] = maps[1] = 0;
}

static bool cursor_row(const struct vga *v, unsigned row)
{
    unsigned first = v->crtc[CRTC_CURSOR_START] & 31, last = v->crtc[CRTC_CURSOR_END] & 31;

    return row >= first && row <= last;
}

static bool is_line_graphics(uint8_t c)
{
    return c >= 0xC0 && c <= 0xDF;
}

/* The glyph's row as up to nine dots, bit 8 leftmost. */
static unsigned glyph_dots(const struct vga *v, const uint32_t maps[2], uint8_t c, uint8_t attr,
                           unsigned row)
{
    uint32_t address = maps[attr >> 3 & 1] + c * GLYPH_BYTES + row;
    unsigned dots = (vga_plane_dword(v, address) >> 16 & 0xFF) << 1;

    if ((v->attr[ATTR_MODE] & ATTR_LINE_GRAPHICS) && is_line_graphics(c))
        dots |= dots >> 1 & 1;
    if ((v->crtc[CRTC_UNDERLINE] & 31) == row && (attr & 0x77) == 0x01)
        dots = 0x1FF; /* "underline location": the attribute 001 of the monochrome adapter */
    return dots;
}

void vga_text_line(struct vga *v, const struct vga_frame *f, struct vga_line *line)
{
    const struct vga_scan *s = &f->scan;
    bool blink = v->attr[ATTR_MODE] & ATTR_BLINK;
    bool cursor_here = f->cursor_on && cursor_row(v, line->row);
    uint32_t *out = line->dots;
    uint32_t maps[2];

    vga_font_maps(v, maps);
    for (unsigned i = 0; i <= s->chars; i++) {
        uint16_t counter = line->counter + (i >> s->counter_shift);
        uint32_t cell = vga_plane_dword(v, vga_crtc_address(v, counter, line->row));
        uint8_t c = cell, attr = cell >> 8;
        unsigned dots = glyph_dots(v, maps, c, attr, line->row);
        uint32_t fg = f->color16[attr & 15], bg = f->color16[attr >> 4 & (blink ? 7 : 15)];

        if (cursor_here && counter == f->cursor)
            dots = 0x1FF;
        else if (blink && (attr & 0x80) && f->blink_off)
            dots = 0;
        for (unsigned k = 0; k < s->char_dots; k++)
            *out++ = dots >> (8 - k) & 1 ? fg : bg;
    }
}

void vga_text(struct vga *v, struct vga_text *out)
{
    const unsigned max_columns = 132, max_rows = 60;
    uint8_t max_scan = v->crtc[CRTC_MAX_SCAN];
    uint16_t start = v->crtc[CRTC_START_HIGH] << 8 | v->crtc[CRTC_START_LOW];
    uint16_t cursor = v->crtc[CRTC_CURSOR_HIGH] << 8 | v->crtc[CRTC_CURSOR_LOW];
    unsigned pitch = v->crtc[CRTC_OFFSET] * 2;
    unsigned height = ((max_scan & 31) + 1) * (max_scan & 0x80 ? 2 : 1);
    struct vga_scan s;

    memset(out, 0, sizeof(*out));
    vga_scan_get(v, &s);
    if (!s.valid || vga_dispi_on(v) || (v->gfx[GFX_MISC] & GFX_MISC_GRAPHICS))
        return;
    out->text_mode = true;
    out->columns = s.chars < max_columns ? s.chars : max_columns;
    out->rows = s.lines / height < max_rows ? s.lines / height : max_rows;
    for (unsigned y = 0; y < out->rows; y++) {
        for (unsigned x = 0; x < out->columns; x++) {
            uint16_t counter = start + y * pitch + (x >> s.counter_shift);
            uint32_t address = vga_crtc_address(v, counter, 0);

            out->cells[y * out->columns + x] = vga_plane_dword(v, address);
        }
    }
    cursor -= start;
    if (pitch) {
        out->cursor_x = cursor % pitch;
        out->cursor_y = cursor / pitch;
    }
    out->cursor_visible = pitch && !(v->crtc[CRTC_CURSOR_START] & 0x20) &&
                          out->cursor_x < out->columns && out->cursor_y < out->rows &&
                          cursor_row(v, v->crtc[CRTC_CURSOR_START] & 31) &&
                          (v->crtc[CRTC_CURSOR_START] & 31u) <= (max_scan & 31u);
}
