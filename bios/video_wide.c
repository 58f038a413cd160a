/* Text modes beyond mode 03h: 132 columns, 43 to 60 rows (VBE's modes 108h-10Ch).  They are mode 03h
 * with other timings: 8 dots a character, 40 MHz for 132 of them, and the vertical timing of
 * 350, 400 or 480 lines (IBM PS/2 Video Subsystem, "CRT Controller"). */
#include "bios/vbe.h"

enum { CLOCK_SELECT = 0x0C, CLOCK_40_MHZ = 0x08, SYNC = 0xC0 };

struct value {
    uint8_t index, value;
};

/* 164 characters a line, 132 of them seen. */
static const struct value wide[] = {{0x00, 0x9F}, {0x01, 0x83}, {0x02, 0x84}, {0x03, 0x82},
                                    {0x04, 0x8B}, {0x05, 0x97}, {0x13, 0x42}};
static const struct value narrow[] = {{0x00, 0x5F}, {0x01, 0x4F}, {0x02, 0x50}, {0x03, 0x82},
                                      {0x04, 0x55}, {0x05, 0x81}, {0x13, 0x28}};

static const struct vertical {
    uint16_t lines;
    uint8_t sync; /* polarities tell a monitor the number of lines */
    struct value crtc[7];
} verticals[] = {
    {350, 0x80, {{0x06, 0xBF}, {0x07, 0x1F}, {0x10, 0x83}, {0x11, 0x85}, {0x12, 0x5D},
                 {0x15, 0x63}, {0x16, 0xBA}}},
    {400, 0x40, {{0x06, 0xBF}, {0x07, 0x1F}, {0x10, 0x9C}, {0x11, 0x8E}, {0x12, 0x8F},
                 {0x15, 0x96}, {0x16, 0xB9}}},
    {480, 0xC0, {{0x06, 0x0B}, {0x07, 0x3E}, {0x10, 0xEA}, {0x11, 0x8C}, {0x12, 0xDF},
                 {0x15, 0xE7}, {0x16, 0x04}}},
};

static void load(struct bios *b, const struct value *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        crtc_write(b, values[i].index, values[i].value);
}

void video_set_text(struct bios *b, unsigned columns, unsigned rows, bool clear)
{
    unsigned height = rows > 25 ? 8 : 16, lines = rows * height, v = 0;
    uint8_t misc;

    video_set_mode(b, 3, clear);
    while (verticals[v].lines < lines)
        v++;
    misc = in8(b, 0x3CC) & ~(CLOCK_SELECT | SYNC);
    out8(b, 0x3C2, misc | verticals[v].sync | (columns > 80 ? CLOCK_40_MHZ : 0));
    seq_write(b, 1, 0x01);
    attr_write(b, 0x13, 0); /* no panning, of 8 dots */
    crtc_write(b, 0x11, 0); /* unprotect */
    load(b, columns > 80 ? wide : narrow, sizeof wide / sizeof *wide);
    crtc_write(b, 0x09, 0x40 | (height - 1)); /* not doubled */
    crtc_write(b, 0x14, 0x1F);
    load(b, verticals[v].crtc, sizeof verticals[v].crtc / sizeof verticals[v].crtc[0]);
    crtc_write(b, 0x12, lines - 1); /* its bit 8 is that of the table's value */
    font_load_rom(b, 0, height);
    set_bda16(b, BDA_COLUMNS, columns);
    set_bda8(b, BDA_ROWS, rows - 1);
    set_bda16(b, BDA_CHAR_HEIGHT, height);
    set_bda16(b, BDA_PAGE_SIZE, (columns * rows * 2 + 0xFFF) & ~0xFFFu);
    text_cursor_shape(b, 6, 7);
}
