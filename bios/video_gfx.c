/* INT 10h in graphics modes: characters, scrolling and pixels, by the layout of video memory.
 *
 * CGA modes interleave even and odd lines 8 KiB apart; planar modes hold eight pixels a byte in
 * four planes behind one address; mode 13h holds a pixel a byte. */
#include "bios/video.h"

enum { XOR_BIT = 0x80 };

static unsigned bytes_per_cell(const struct screen *s)
{
    return s->layout == LAYOUT_LINEAR ? 8 : s->layout == LAYOUT_CGA2 ? 2 : 1;
}

/* Address of line Y of the picture, at cell COLUMN. */
static uint32_t line(const struct screen *s, unsigned page, unsigned y, unsigned column)
{
    unsigned bytes = bytes_per_cell(s);

    switch (s->layout) {
    case LAYOUT_CGA1:
    case LAYOUT_CGA2:
        return s->base + (y & 1) * 0x2000 + (y >> 1) * 80 + column * bytes;
    case LAYOUT_PLANAR:
        return s->base + page * s->page_size + y * s->columns + column;
    default:
        return s->base + y * s->columns * 8 + column * 8;
    }
}

/* The glyphs: CGA modes take the upper half from INT 1Fh, all else from INT 43h. */
static void glyph(struct bios *b, const struct screen *s, uint8_t ch, uint8_t rows[32])
{
    bool cga = s->layout == LAYOUT_CGA1 || s->layout == LAYOUT_CGA2;
    uint32_t vector = lin32(b, cga && ch >= 128 ? 0x1F * 4 : 0x43 * 4);
    unsigned index = cga ? ch & 127 : ch;
    uint16_t offset = (vector & 0xFFFF) + index * s->char_height;

    lin_read(b, (vector >> 16 << 4) + offset, rows, s->char_height);
}

/* ---- planar access: the state that the services need, and back to the modes' default ---- */

static void planar_default(struct bios *b)
{
    gfx_write(b, 0, 0);
    gfx_write(b, 1, 0);
    gfx_write(b, 3, 0);
    gfx_write(b, 5, 0);
    gfx_write(b, 8, 0xFF);
    seq_write(b, 2, 0x0F);
}

/* Writes set the bits of the mask to COLOUR, or XOR it in. */
static void planar_paint(struct bios *b, uint8_t colour, bool xor)
{
    gfx_write(b, 0, colour & 15);
    gfx_write(b, 1, 15);
    gfx_write(b, 3, xor ? 0x18 : 0);
    gfx_write(b, 5, 0);
    seq_write(b, 2, 0x0F);
}

static void planar_bits(struct bios *b, uint32_t at, uint8_t bits)
{
    gfx_write(b, 8, bits);
    lin8(b, at); /* fill the latches */
    set_lin8(b, at, 0xFF);
}

static void planar_char(struct bios *b, const struct screen *s, uint32_t at, const uint8_t *rows,
                        uint8_t colour)
{
    bool xor = colour & XOR_BIT;

    if (!xor) {
        planar_paint(b, 0, false);
        for (unsigned y = 0; y < s->char_height; y++)
            planar_bits(b, at + y * s->columns, 0xFF);
    }
    planar_paint(b, colour, xor);
    for (unsigned y = 0; y < s->char_height; y++)
        if (rows[y])
            planar_bits(b, at + y * s->columns, rows[y]);
    planar_default(b);
}

/* ---- characters ---- */

/* Eight one-bit pixels as sixteen bits of two-bit pixels of COLOUR. */
static uint16_t spread(uint8_t bits, uint8_t colour)
{
    uint16_t out = 0;

    for (unsigned i = 0; i < 8; i++)
        if (bits & 0x80 >> i)
            out |= (colour & 3) << (14 - 2 * i);
    return out;
}

static void cga_char(struct bios *b, const struct screen *s, unsigned row, unsigned column,
                     const uint8_t *rows, uint8_t colour)
{
    for (unsigned y = 0; y < s->char_height; y++) {
        uint32_t at = line(s, 0, row * s->char_height + y, column);

        if (s->layout == LAYOUT_CGA1) {
            uint8_t bits = colour & 1 || colour & XOR_BIT ? rows[y] : 0;

            set_lin8(b, at, colour & XOR_BIT ? lin8(b, at) ^ bits : bits);
        } else {
            uint16_t pixels = spread(rows[y], colour);

            pixels = pixels << 8 | pixels >> 8;
            set_lin16(b, at, colour & XOR_BIT ? lin16(b, at) ^ pixels : pixels);
        }
    }
}

void gfx_put_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                  unsigned column, uint8_t ch, uint8_t colour, uint8_t background)
{
    uint8_t rows[32];

    glyph(b, s, ch, rows);
    if (row >= s->rows || column >= s->columns)
        return;
    if (s->layout == LAYOUT_PLANAR) {
        planar_char(b, s, line(s, page, row * s->char_height, column), rows, colour);
    } else if (s->layout == LAYOUT_LINEAR) {
        for (unsigned y = 0; y < s->char_height; y++) {
            uint8_t pixels[8];

            for (unsigned x = 0; x < 8; x++)
                pixels[x] = rows[y] & 0x80 >> x ? colour : background;
            lin_write(b, line(s, page, row * s->char_height + y, column), pixels, 8);
        }
    } else {
        cga_char(b, s, row, column, rows, colour);
    }
}

/* One row of a cell as bits: set where the pixel is not of colour 0. */
static uint8_t row_bits(struct bios *b, const struct screen *s, uint32_t at)
{
    uint8_t bytes[8], bits = 0;
    uint16_t pair;

    switch (s->layout) {
    case LAYOUT_CGA1:
        return lin8(b, at);
    case LAYOUT_CGA2:
        pair = lin8(b, at) << 8 | lin8(b, at + 1);
        for (unsigned x = 0; x < 8; x++)
            bits |= pair >> (14 - 2 * x) & 3 ? 0x80 >> x : 0;
        return bits;
    case LAYOUT_PLANAR: /* read mode 1 compares with colour 0 (set by the caller) */
        return ~lin8(b, at);
    default:
        lin_read(b, at, bytes, 8);
        for (unsigned x = 0; x < 8; x++)
            bits |= bytes[x] ? 0x80 >> x : 0;
        return bits;
    }
}

/* The character whose glyph is on the screen; 0 when there is none. */
uint8_t gfx_get_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                     unsigned column)
{
    uint8_t seen[32], rows[32], care = 0;

    if (row >= s->rows || column >= s->columns)
        return 0;
    if (s->layout == LAYOUT_PLANAR) {
        care = gfx_read(b, 7);
        gfx_write(b, 2, 0);
        gfx_write(b, 7, 15);
        gfx_write(b, 5, 8);
    }
    for (unsigned y = 0; y < s->char_height; y++)
        seen[y] = row_bits(b, s, line(s, page, row * s->char_height + y, column));
    if (s->layout == LAYOUT_PLANAR) {
        gfx_write(b, 7, care);
        planar_default(b);
    }
    for (unsigned ch = 0; ch < 256; ch++) {
        unsigned y = 0;

        glyph(b, s, ch, rows);
        while (y < s->char_height && rows[y] == seen[y])
            y++;
        if (y == s->char_height)
            return ch;
    }
    return 0;
}

/* ---- scrolling ---- */

static uint8_t fill_byte(const struct screen *s, uint8_t colour)
{
    switch (s->layout) {
    case LAYOUT_CGA2:
        return (colour & 3) * 0x55;
    case LAYOUT_CGA1:
        return colour & 1 ? 0xFF : 0;
    default:
        return colour;
    }
}

static void copy_line(struct bios *b, const struct screen *s, uint32_t to, uint32_t from,
                      unsigned bytes)
{
    uint8_t buffer[256 * 8];

    if (s->layout != LAYOUT_PLANAR) {
        lin_read(b, from, buffer, bytes);
        lin_write(b, to, buffer, bytes);
        return;
    }
    for (unsigned i = 0; i < bytes; i++) { /* write mode 1: all planes through the latches */
        lin8(b, from + i);
        set_lin8(b, to + i, 0);
    }
}

void gfx_scroll(struct bios *b, const struct screen *s, bool up, unsigned lines, uint8_t colour,
                unsigned top, unsigned left, unsigned bottom, unsigned right)
{
    unsigned bytes = (right - left + 1) * bytes_per_cell(s);
    unsigned first = top * s->char_height, height = (bottom - top + 1) * s->char_height;
    unsigned shift = lines * s->char_height;

    if (s->layout == LAYOUT_PLANAR) {
        planar_default(b);
        gfx_write(b, 5, 1);
    }
    for (unsigned i = 0; i + shift < height; i++) {
        unsigned to = up ? first + i : first + height - 1 - i;
        unsigned from = up ? to + shift : to - shift;

        copy_line(b, s, line(s, s->page, to, left), line(s, s->page, from, left), bytes);
    }
    if (s->layout == LAYOUT_PLANAR) {
        planar_paint(b, colour, false);
        gfx_write(b, 8, 0xFF);
    }
    for (unsigned i = 0; i < shift && i < height; i++) {
        unsigned y = up ? first + height - 1 - i : first + i;

        lin_fill(b, line(s, s->page, y, left), fill_byte(s, colour), bytes);
    }
    if (s->layout == LAYOUT_PLANAR)
        planar_default(b);
}

/* ---- pixels ---- */

/* Byte that holds the pixel CX, DX of page BH; false when it is outside the picture. */
static bool pixel_at(struct bios *b, const struct screen *s, uint32_t *at)
{
    unsigned x = reg16(b, ECX), y = reg16(b, EDX);
    unsigned page = s->layout == LAYOUT_PLANAR ? reg_hi(b, EBX) & 7 : 0;
    unsigned step = s->layout == LAYOUT_LINEAR ? 1 : s->layout == LAYOUT_CGA2 ? 4 : 8;

    if (x >= s->columns * 8 || y >= s->rows * s->char_height)
        return false;
    *at = line(s, page, y, 0) + x / step;
    return true;
}

void gfx_write_pixel(struct bios *b)
{
    struct screen s = video_screen(b);
    uint8_t colour = reg_lo(b, EAX);
    unsigned x = reg16(b, ECX), shift, mask;
    uint32_t at;

    if (s.layout == LAYOUT_TEXT || !pixel_at(b, &s, &at))
        return;
    switch (s.layout) {
    case LAYOUT_PLANAR:
        planar_paint(b, colour, colour & XOR_BIT);
        planar_bits(b, at, 0x80 >> (x & 7));
        planar_default(b);
        break;
    case LAYOUT_LINEAR:
        set_lin8(b, at, colour);
        break;
    default:
        mask = s.layout == LAYOUT_CGA2 ? 3 : 1;
        shift = s.layout == LAYOUT_CGA2 ? 6 - 2 * (x & 3) : 7 - (x & 7);
        if (colour & XOR_BIT)
            set_lin8(b, at, lin8(b, at) ^ (colour & mask) << shift);
        else
            set_lin8(b, at, (lin8(b, at) & ~(mask << shift)) | (colour & mask) << shift);
        break;
    }
}

void gfx_read_pixel(struct bios *b)
{
    struct screen s = video_screen(b);
    unsigned x = reg16(b, ECX);
    uint8_t colour = 0;
    uint32_t at;

    if (s.layout == LAYOUT_TEXT || !pixel_at(b, &s, &at)) {
        set_lo(b, EAX, 0);
        return;
    }
    switch (s.layout) {
    case LAYOUT_PLANAR:
        gfx_write(b, 5, 0);
        for (unsigned plane = 0; plane < 4; plane++) {
            gfx_write(b, 4, plane);
            colour |= (lin8(b, at) >> (7 - (x & 7)) & 1) << plane;
        }
        gfx_write(b, 4, 0);
        break;
    case LAYOUT_LINEAR:
        colour = lin8(b, at);
        break;
    case LAYOUT_CGA2:
        colour = lin8(b, at) >> (6 - 2 * (x & 3)) & 3;
        break;
    default:
        colour = lin8(b, at) >> (7 - (x & 7)) & 1;
        break;
    }
    set_lo(b, EAX, colour);
}
