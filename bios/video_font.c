/* INT 10h AH=11h and 12h: character generators, and the alternate selects. */
#include "bios/video.h"
#include "cpu/emulate.h"

/* ---- plane 2 ---- */

struct plane_state {
    uint8_t map_mask, memory_mode, read_map, mode, misc;
};

/* Make plane 2 linear at A0000h; a font block has 32 bytes a character. */
static struct plane_state open_plane(struct bios *b)
{
    struct plane_state s = {seq_read(b, 2), seq_read(b, 4), gfx_read(b, 4), gfx_read(b, 5),
                            gfx_read(b, 6)};

    seq_write(b, 2, 0x04);
    seq_write(b, 4, 0x07);
    gfx_write(b, 4, 0x02);
    gfx_write(b, 5, 0x00);
    gfx_write(b, 6, 0x04);
    return s;
}

static void close_plane(struct bios *b, const struct plane_state *s)
{
    seq_write(b, 2, s->map_mask);
    seq_write(b, 4, s->memory_mode);
    gfx_write(b, 4, s->read_map);
    gfx_write(b, 5, s->mode);
    gfx_write(b, 6, s->misc);
}

/* Blocks 0-3 are 16 KiB apart, 4-7 between them. */
static uint32_t block_base(unsigned block)
{
    return 0xA0000 + (block & 3) * 0x4000 + (block >> 2 & 1) * 0x2000;
}

void font_load(struct bios *b, unsigned block, uint32_t data, unsigned first, unsigned count,
               unsigned height)
{
    struct plane_state saved = open_plane(b);

    if (height > 32)
        height = 32;
    for (unsigned i = 0; i < count && first + i < 256; i++) {
        uint8_t rows[32] = {0};

        lin_read(b, data + i * height, rows, height);
        lin_write(b, block_base(block) + (first + i) * 32, rows, 32);
    }
    close_plane(b, &saved);
}

void font_load_rom(struct bios *b, unsigned block, unsigned height)
{
    uint32_t font = height == 16 ? ROM_FONT_8X16 : height == 14 ? ROM_FONT_8X14 : ROM_FONT_8X8;

    font_load(b, block, (uint32_t)(video_segment(b) << 4) + video_offset(b, (uint16_t)font), 0, 256,
              height);
}

/* ---- the screen's rows follow the height of the font (AL=1xh) ---- */

static unsigned visible_lines(struct bios *b)
{
    uint8_t overflow = crtc_read(b, 7);
    unsigned lines = crtc_read(b, 0x12) | (overflow >> 1 & 1) << 8 | (overflow >> 6 & 1) << 9;

    lines++;
    return crtc_read(b, 9) & 0x80 ? lines / 2 : lines;
}

static void set_height(struct bios *b, unsigned height)
{
    unsigned lines = visible_lines(b), rows, columns = bda16(b, BDA_COLUMNS), last;
    uint8_t overflow;

    if (height == 0 || height > 32)
        return;
    rows = lines / height;
    if (rows == 0)
        return;
    crtc_write(b, 0x11, crtc_read(b, 0x11) & 0x7F);
    crtc_write(b, 9, (crtc_read(b, 9) & 0xE0) | (height - 1));
    if (bda8(b, BDA_MODE) == 7)
        crtc_write(b, 0x14, (crtc_read(b, 0x14) & 0xE0) | (height - 1));
    last = rows * height * (crtc_read(b, 9) & 0x80 ? 2 : 1) - 1;
    overflow = crtc_read(b, 7) & ~0x42;
    crtc_write(b, 7, overflow | (last >> 8 & 1) << 1 | (last >> 9 & 1) << 6);
    crtc_write(b, 0x12, last);
    set_bda8(b, BDA_ROWS, rows - 1);
    set_bda16(b, BDA_CHAR_HEIGHT, height);
    set_bda16(b, BDA_PAGE_SIZE,
              rows * columns * 2 <= 0x1000 ? (columns == 40 ? 0x800 : 0x1000)
                                           : rows * columns * 2 + 0x100);
    text_cursor_shape(b, bda8(b, BDA_CURSOR_SHAPE + 1), bda8(b, BDA_CURSOR_SHAPE));
}

/* AL=x0h-x4h: load into plane 2. */
static void load_text_font(struct bios *b)
{
    uint8_t al = reg_lo(b, EAX), block = reg_lo(b, EBX) & 7;
    unsigned height = 0;

    switch (al & 0x0F) {
    case 0:
        height = reg_hi(b, EBX);
        font_load(b, block, b->cpu->seg[SEG_ES].base + reg16(b, EBP), reg16(b, EDX) & 0xFF,
                  reg16(b, ECX), height);
        break;
    case 1:
        height = 14;
        font_load_rom(b, block, height);
        break;
    case 2:
        height = 8;
        font_load_rom(b, block, height);
        break;
    case 4:
        height = 16;
        font_load_rom(b, block, height);
        break;
    }
    if (al & 0x10 && video_is_text(b))
        set_height(b, height);
}

/* AL=20h-24h: the font of graphics modes. */
static void graphics_font(struct bios *b)
{
    static const uint8_t rows_by_code[4] = {25, 14, 25, 43};
    uint8_t code = reg_lo(b, EBX), rows;
    uint16_t es = b->cpu->seg[SEG_ES].selector, height;

    switch (reg_lo(b, EAX)) {
    case 0x20:
        set_vector(b, 0x1F, es, reg16(b, EBP));
        return;
    case 0x21:
        set_vector(b, 0x43, es, reg16(b, EBP));
        height = reg16(b, ECX);
        break;
    case 0x22:
        set_vector(b, 0x43, video_segment(b), video_offset(b, ROM_FONT_8X14));
        height = 14;
        break;
    case 0x23:
        set_vector(b, 0x43, video_segment(b), video_offset(b, ROM_FONT_8X8));
        height = 8;
        break;
    default:
        set_vector(b, 0x43, video_segment(b), video_offset(b, ROM_FONT_8X16));
        height = 16;
        break;
    }
    rows = code == 0 ? reg_lo(b, EDX) : rows_by_code[code & 3];
    set_bda16(b, BDA_CHAR_HEIGHT, height);
    set_bda8(b, BDA_ROWS, rows - 1);
}

static void font_info(struct bios *b)
{
    static const uint16_t fonts[8] = {
        0, 0, ROM_FONT_8X14, ROM_FONT_8X8, ROM_FONT_8X8 + 128 * 8, ROM_FONT_9X14,
        ROM_FONT_8X16, ROM_FONT_9X16,
    };
    uint8_t which = reg_hi(b, EBX);
    uint32_t vector;

    if (which > 7)
        return;
    if (which < 2)
        vector = lin32(b, which == 0 ? 0x1F * 4 : 0x43 * 4);
    else
        vector = video_pointer(b, fonts[which]);
    set_reg16(b, ECX, bda16(b, BDA_CHAR_HEIGHT));
    set_lo(b, EDX, bda8(b, BDA_ROWS));
    set_reg16(b, EBP, vector);
    cpu_set_real_segment(b->cpu, SEG_ES, vector >> 16, true);
}

void font_service(struct bios *b)
{
    uint8_t al = reg_lo(b, EAX);

    if (al == 0x03 || al == 0x13)
        seq_write(b, 3, reg_lo(b, EBX));
    else if (al <= 0x04 || (al >= 0x10 && al <= 0x14))
        load_text_font(b);
    else if (al >= 0x20 && al <= 0x24)
        graphics_font(b);
    else if (al == 0x30)
        font_info(b);
    else
        log_guest_error(b->log, "INT 10h/11h: no function %02Xh", al);
}

/* ---- AH=12h ---- */

static void flag(struct bios *b, unsigned offset, uint8_t bit, bool on)
{
    uint8_t v = bda8(b, offset);

    set_bda8(b, offset, on ? v | bit : v & ~bit);
}

static void select_lines(struct bios *b, uint8_t code)
{
    uint8_t v = bda8(b, BDA_VGA_FLAGS) & ~(VGA_200_LINES | VGA_400_LINES);

    set_bda8(b, BDA_VGA_FLAGS, v | (code == 0 ? VGA_200_LINES : code == 2 ? VGA_400_LINES : 0));
}

void alternate_select(struct bios *b)
{
    uint8_t al = reg_lo(b, EAX), misc;

    switch (reg_lo(b, EBX)) {
    case 0x10: /* EGA information: no AL=12h in return */
        set_hi(b, EBX, in8(b, 0x3CC) & 1 ? 0 : 1);
        set_lo(b, EBX, 3);
        set_hi(b, ECX, 0);
        set_lo(b, ECX, bda8(b, BDA_EGA_SWITCHES) & 15);
        return;
    case 0x20: /* print screen for more than 25 lines: INT 5 does it anyway */
        return;
    case 0x30:
        if (al > 2)
            return;
        select_lines(b, al);
        break;
    case 0x31:
        flag(b, BDA_VGA_FLAGS, VGA_NO_PALETTE, al & 1);
        break;
    case 0x32: /* video addressing */
        misc = in8(b, 0x3CC);
        out8(b, 0x3C2, al & 1 ? misc & ~2 : misc | 2);
        break;
    case 0x33:
        flag(b, BDA_VGA_FLAGS, VGA_GREY, !(al & 1));
        break;
    case 0x34:
        flag(b, BDA_EGA_INFO, 1, al & 1);
        break;
    case 0x35: /* display switch: there is one adapter */
        break;
    case 0x36:
        seq_write(b, 1, (seq_read(b, 1) & ~0x20) | (al & 1) << 5);
        break;
    default:
        return;
    }
    set_lo(b, EAX, 0x12);
}
