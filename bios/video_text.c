/* INT 10h: cursor, pages, scrolling and characters; in graphics modes the cells are drawn by
 * bios/video_gfx.c. */
#include "bios/sercon.h"

static uint32_t cell(const struct screen *s, unsigned page, unsigned row, unsigned column)
{
    return s->base + page * s->page_size + (row * s->columns + column) * 2;
}

static uint8_t cursor_row(struct bios *b, unsigned page)
{
    return bda8(b, BDA_CURSOR + 2 * page + 1);
}

static uint8_t cursor_column(struct bios *b, unsigned page)
{
    return bda8(b, BDA_CURSOR + 2 * page);
}

/* CRTC 0Eh/0Fh count character positions from the start of video memory. */
static void show_cursor(struct bios *b, const struct screen *s)
{
    uint16_t at = bda16(b, BDA_PAGE_START) / 2 + cursor_row(b, s->page) * s->columns +
                  cursor_column(b, s->page);

    crtc_write(b, 0x0E, at >> 8);
    crtc_write(b, 0x0F, at);
}

/* AH=01h.  While cursor emulation is on, shapes made for CGA's eight lines are stretched to the
 * height of the font, the bottom line kept free for tall ones. */
void text_cursor_shape(struct bios *b, uint8_t start, uint8_t end)
{
    unsigned height = bda16(b, BDA_CHAR_HEIGHT);

    set_bda16(b, BDA_CURSOR_SHAPE, start << 8 | end);
    if (!(bda8(b, BDA_EGA_INFO) & 1) && height > 8 && height <= 32 && !(start & 0x20)) {
        unsigned first = start & 0x1F, last = end & 0x1F;

        if (first < 8 && last < 8 && first <= last) {
            unsigned stretched = (last + 1) * height / 8 - 1;

            start = first * height / 8;
            if (last - first <= 1) { /* an underline stays one */
                stretched -= stretched == height - 1;
                start = last == first ? stretched : stretched - 1;
            }
            end = stretched;
        }
    }
    crtc_write(b, 0x0A, start & 0x3F);
    crtc_write(b, 0x0B, end & 0x1F);
}

void text_set_cursor(struct bios *b, uint8_t page, uint8_t row, uint8_t column)
{
    struct screen s = video_screen(b);

    page &= 7;
    set_bda16(b, BDA_CURSOR + 2 * page, row << 8 | column);
    if (page == s.page && s.layout == LAYOUT_TEXT)
        show_cursor(b, &s);
}

void text_set_page(struct bios *b, uint8_t page)
{
    struct screen s = video_screen(b);
    uint16_t start = page * s.page_size;
    uint16_t crtc = s.layout == LAYOUT_TEXT ? start / 2 : start;

    if (page > 7 || s.layout == LAYOUT_CGA1 || s.layout == LAYOUT_CGA2 ||
        s.layout == LAYOUT_LINEAR)
        return;
    set_bda8(b, BDA_PAGE, page);
    set_bda16(b, BDA_PAGE_START, start);
    crtc_write(b, 0x0C, crtc >> 8);
    crtc_write(b, 0x0D, crtc);
    if (s.layout == LAYOUT_TEXT) {
        s.page = page;
        show_cursor(b, &s);
    }
}

static void blank_row(struct bios *b, uint32_t at, unsigned width, uint8_t attribute)
{
    uint16_t cells[256];

    for (unsigned i = 0; i < width; i++)
        cells[i] = attribute << 8 | ' ';
    lin_write(b, at, cells, width * 2);
}

static void move_row(struct bios *b, uint32_t to, uint32_t from, unsigned width)
{
    uint16_t cells[256];

    lin_read(b, from, cells, width * 2);
    lin_write(b, to, cells, width * 2);
}

/* AH=06h, 07h: 0 lines blank the window. */
void text_scroll(struct bios *b, bool up, unsigned lines, uint8_t attribute, uint8_t top,
                 uint8_t left, uint8_t bottom, uint8_t right)
{
    struct screen s = video_screen(b);
    unsigned height, width;

    if (bottom >= s.rows)
        bottom = s.rows - 1;
    if (right >= s.columns)
        right = s.columns - 1;
    if (top > bottom || left > right)
        return;
    height = bottom - top + 1;
    width = right - left + 1;
    if (lines == 0 || lines > height)
        lines = height;
    if (s.layout != LAYOUT_TEXT) {
        gfx_scroll(b, &s, up, lines, attribute, top, left, bottom, right);
        return;
    }
    for (unsigned i = 0; i < height; i++) {
        unsigned row = up ? top + i : bottom - i;

        if (i + lines < height)
            move_row(b, cell(&s, s.page, row, left),
                     cell(&s, s.page, up ? row + lines : row - lines, left), width);
        else
            blank_row(b, cell(&s, s.page, row, left), width, attribute);
    }
}

void text_read_char(struct bios *b)
{
    struct screen s = video_screen(b);
    unsigned page = reg_hi(b, EBX) & 7;
    unsigned row = cursor_row(b, page), column = cursor_column(b, page);

    if (s.layout == LAYOUT_TEXT)
        set_reg16(b, EAX, lin16(b, cell(&s, page, row, column)));
    else
        set_reg16(b, EAX, gfx_get_char(b, &s, page, row, column));
}

/* The same on the serial line, as far as it is on the screen. */
static void mirror_chars(struct bios *b, const struct screen *s, unsigned page, bool attribute)
{
    unsigned row = cursor_row(b, page), column = cursor_column(b, page), left = reg16(b, ECX);

    if (left > s->columns) { /* somebody clears the screen */
        sercon_stale(b);
        return;
    }
    for (; b->sercon.port && left && row < s->rows; left--) {
        uint8_t old = attribute ? 0 : lin8(b, cell(s, page, row, column) + 1);

        sercon_char(b, s, page, row, column, reg_lo(b, EAX), attribute ? reg_lo(b, EBX) : old);
        if (++column >= s->columns) {
            column = 0;
            row++;
        }
    }
}

/* CX times the character in AL, the cursor unmoved.  Graphics characters stay in their row. */
void text_write_chars(struct bios *b, bool attribute)
{
    struct screen s = video_screen(b);
    uint8_t ch = reg_lo(b, EAX), colour = reg_lo(b, EBX);
    unsigned page = reg_hi(b, EBX) & 7, count = reg16(b, ECX);
    unsigned row = cursor_row(b, page), column = cursor_column(b, page);
    uint32_t at = cell(&s, page, row, column);

    mirror_chars(b, &s, page, attribute);
    if (s.layout != LAYOUT_TEXT) {
        uint8_t background = s.layout == LAYOUT_LINEAR ? reg_hi(b, EBX) : 0;

        page = s.layout == LAYOUT_PLANAR ? page : 0;
        row = cursor_row(b, page), column = cursor_column(b, page);
        for (unsigned i = 0; i < count && column + i < s.columns; i++)
            gfx_put_char(b, &s, page, row, column + i, ch, colour, background);
        return;
    }
    if (count > 0x4000)
        count = 0x4000;
    for (unsigned i = 0; i < count; i++, at += 2) {
        if (attribute)
            set_lin16(b, at, colour << 8 | ch);
        else
            set_lin8(b, at, ch);
    }
}

/* The bell: a tone of a fifth of a second that a timer ends, so that nobody has to wait. */
static void bell(struct bios *b)
{
    out8(b, 0x43, 0xB6);
    out8(b, 0x42, 0x33);
    out8(b, 0x42, 0x05);
    out8(b, 0x61, in8(b, 0x61) | 3);
    vtimer_set(b->clock, &b->beep, vclock_now(b->clock) + 200000000);
}

/* Line feed at the bottom: the new line takes the attribute of the cursor's place. */
static void scroll_page(struct bios *b, const struct screen *s, unsigned page, unsigned column)
{
    struct screen other = *s;
    uint8_t attribute = 0;

    if (s->layout == LAYOUT_TEXT)
        attribute = lin8(b, cell(s, page, s->rows - 1, column) + 1);
    if (page == s->page || s->layout != LAYOUT_TEXT) {
        text_scroll(b, true, 1, attribute, 0, 0, s->rows - 1, s->columns - 1);
        return;
    }
    for (unsigned row = 0; row + 1 < s->rows; row++)
        move_row(b, cell(&other, page, row, 0), cell(&other, page, row + 1, 0), s->columns);
    blank_row(b, cell(&other, page, s->rows - 1, 0), s->columns, attribute);
}

/* Step the cursor after a character, or obey a control character.  True when CH was one. */
static bool control(struct bios *b, uint8_t ch, unsigned *row, unsigned *column)
{
    switch (ch) {
    case 7:
        bell(b);
        sercon_bell(b);
        return true;
    case 8:
        *column -= *column > 0;
        return true;
    case 10:
        ++*row;
        return true;
    case 13:
        *column = 0;
        return true;
    }
    return false;
}

/* ATTRIBUTE below 0 keeps what is there. */
static void put_and_step(struct bios *b, uint8_t page, uint8_t ch, uint8_t colour, int attribute)
{
    struct screen s = video_screen(b);
    unsigned row, column, before;

    page &= 7;
    row = cursor_row(b, page);
    before = column = cursor_column(b, page);
    if (!control(b, ch, &row, &column)) {
        uint32_t at = cell(&s, page, row, column);

        sercon_char(b, &s, page, row, column, ch,
                    attribute >= 0 ? (uint8_t)attribute : lin8(b, at + 1));
        if (s.layout != LAYOUT_TEXT)
            gfx_put_char(b, &s, page, row, column, ch, colour, 0);
        else if (attribute >= 0)
            set_lin16(b, at, attribute << 8 | ch);
        else
            set_lin8(b, at, ch);
        if (++column >= s.columns) {
            column = 0;
            row++;
        }
    }
    if (ch == '\n' || row >= s.rows)
        sercon_line_feed(b, &s, page, row - 1, column, row >= s.rows);
    if (row >= s.rows) {
        row = s.rows - 1;
        scroll_page(b, &s, page, before < s.columns ? before : 0);
    }
    text_set_cursor(b, page, row, column);
}

void text_teletype(struct bios *b, uint8_t page, uint8_t ch, uint8_t colour)
{
    put_and_step(b, page, ch, colour, -1);
}

/* AH=13h.  AL bit 0: the cursor follows; bit 1: every character brings its attribute.  The ROM
 * has saved the registers; CX and BP count here. */
void int10_string_init(struct bios *b)
{
    uint8_t page = reg_hi(b, EBX) & 7;

    if (reg_lo(b, EAX) > 3) {
        set_reg16(b, ECX, 0);
        return;
    }
    set_reg16(b, ESI, bda16(b, BDA_CURSOR + 2 * page));
    text_set_cursor(b, page, reg_hi(b, EDX), reg_lo(b, EDX));
}

void int10_string(struct bios *b)
{
    enum { PIECE = 16 };
    uint8_t flags = reg_lo(b, EAX), page = reg_hi(b, EBX) & 7, attribute = reg_lo(b, EBX);
    uint16_t at = reg16(b, EBP), count = reg16(b, ECX);

    for (unsigned n = 0; n < PIECE && count; n++, count--) {
        uint8_t ch;

        seg_read(b, SEG_ES, at++, &ch, 1);
        if (flags & 2)
            seg_read(b, SEG_ES, at++, &attribute, 1);
        put_and_step(b, page, ch, attribute, attribute);
    }
    set_reg16(b, EBP, at);
    set_reg16(b, ECX, count);
    live_flag(b, FLAG_CF, count != 0);
    if (count == 0 && flags <= 3 && !(flags & 1))
        text_set_cursor(b, page, reg_hi(b, ESI), reg_lo(b, ESI));
}
