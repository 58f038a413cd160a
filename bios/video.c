/* INT 10h: dispatch and mode setting.  IBM PS/2 and PC BIOS Interface Technical Reference. */
#include "bios/sercon.h"

#include <string.h>

/* ---- indexed registers ---- */

static uint8_t indexed_read(struct bios *b, uint16_t port, uint8_t index)
{
    out8(b, port, index);
    return in8(b, port + 1);
}

static void indexed_write(struct bios *b, uint16_t port, uint8_t index, uint8_t v)
{
    out8(b, port, index);
    out8(b, port + 1, v);
}

uint8_t seq_read(struct bios *b, uint8_t index)
{
    return indexed_read(b, 0x3C4, index);
}

void seq_write(struct bios *b, uint8_t index, uint8_t v)
{
    indexed_write(b, 0x3C4, index, v);
}

uint8_t gfx_read(struct bios *b, uint8_t index)
{
    return indexed_read(b, 0x3CE, index);
}

void gfx_write(struct bios *b, uint8_t index, uint8_t v)
{
    indexed_write(b, 0x3CE, index, v);
}

/* The adapter's own opinion of its address: the data area may have been overwritten. */
static uint16_t crtc_port(struct bios *b)
{
    return in8(b, 0x3CC) & 1 ? 0x3D4 : 0x3B4;
}

uint8_t crtc_read(struct bios *b, uint8_t index)
{
    return indexed_read(b, crtc_port(b), index);
}

void crtc_write(struct bios *b, uint8_t index, uint8_t v)
{
    indexed_write(b, crtc_port(b), index, v);
}

/* Bit 5 of the index gives the palette back to the display; reading the input status register
 * sets the flip-flop to the index. */
uint8_t attr_read(struct bios *b, uint8_t index)
{
    uint16_t status = crtc_port(b) + 6;
    uint8_t v;

    in8(b, status);
    out8(b, 0x3C0, index);
    v = in8(b, 0x3C1);
    in8(b, status);
    out8(b, 0x3C0, 0x20);
    return v;
}

void attr_write(struct bios *b, uint8_t index, uint8_t v)
{
    in8(b, crtc_port(b) + 6);
    out8(b, 0x3C0, index);
    out8(b, 0x3C0, v);
    out8(b, 0x3C0, 0x20);
}

/* ---- the present screen ---- */

static enum layout mode_layout(const struct vga_mode *m)
{
    if (!m->graphics)
        return LAYOUT_TEXT;
    switch (m->mode) {
    case 4:
    case 5:
        return LAYOUT_CGA2;
    case 6:
        return LAYOUT_CGA1;
    case 0x13:
        return LAYOUT_LINEAR;
    default:
        return LAYOUT_PLANAR;
    }
}

struct screen video_screen(struct bios *b)
{
    uint8_t mode = bda8(b, BDA_MODE) & 0x7F;
    const struct vga_mode *m = vga_mode_find(mode);
    struct screen s;

    if (!m)
        m = vga_mode_find(3);
    s.mode = mode;
    s.layout = mode_layout(m);
    s.base = (uint32_t)m->segment << 4;
    s.columns = bda16(b, BDA_COLUMNS);
    s.rows = bda8(b, BDA_ROWS) + 1u;
    s.char_height = bda16(b, BDA_CHAR_HEIGHT);
    s.page_size = bda16(b, BDA_PAGE_SIZE);
    s.page = bda8(b, BDA_PAGE) & 7;
    if (s.columns == 0 || s.columns > 255)
        s.columns = m->columns;
    if (s.char_height == 0 || s.char_height > 32)
        s.char_height = m->char_height;
    return s;
}

bool video_is_text(struct bios *b)
{
    const struct vga_mode *m = vga_mode_find(bda8(b, BDA_MODE) & 0x7F);

    return !m || !m->graphics;
}

/* ---- setting a mode ---- */

void video_load_dac(struct bios *b, uint8_t kind)
{
    uint8_t rgb[768];

    vga_default_palette(kind, rgb);
    out8(b, 0x3C6, 0xFF);
    out8(b, 0x3C8, 0);
    for (unsigned i = 0; i < sizeof rgb; i++)
        out8(b, 0x3C9, rgb[i]);
    if (bda8(b, BDA_VGA_FLAGS) & VGA_GREY)
        palette_grey(b, 0, 256);
}

/* Text in 200 or 350 lines (AH=12h, BL=30h): the vertical timing of the graphics modes that have
 * them, and the font of that height.  200 lines are scanned twice. */
static void change_lines(struct vga_mode *m, uint8_t flags)
{
    static const uint8_t vertical[] = {0x06, 0x07, 0x10, 0x11, 0x12, 0x15, 0x16};
    const struct vga_mode *ega = vga_mode_find(0x10);

    if (m->graphics || m->char_height != 16 || flags & VGA_400_LINES)
        return;
    if (flags & VGA_200_LINES) {
        m->char_height = 8;
        m->crtc[0x09] = (m->crtc[0x09] & 0x60) | 0x87;
        m->crtc[0x0A] = 6;
        m->crtc[0x0B] = 7;
        m->crtc[0x14] = (m->crtc[0x14] & 0xE0) | 7;
        return;
    }
    m->char_height = 14;
    for (unsigned i = 0; i < sizeof vertical; i++)
        m->crtc[vertical[i]] = ega->crtc[vertical[i]];
    m->crtc[0x09] = (ega->crtc[0x09] & 0xE0) | 13;
    m->crtc[0x0A] = 11;
    m->crtc[0x0B] = 12;
    m->crtc[0x14] = (m->crtc[0x14] & 0xE0) | 13;
    m->misc = (m->misc & 0x3F) | (ega->misc & 0xC0);
}

static void load_registers(struct bios *b, const struct vga_mode *m)
{
    uint16_t crtc = m->misc & 1 ? 0x3D4 : 0x3B4;

    out8(b, 0x3C3, 1);
    in8(b, 0x3DA);
    in8(b, 0x3BA);
    out8(b, 0x3C0, 0); /* the picture is off while registers change */
    seq_write(b, 0, 1);
    for (uint8_t i = 1; i < 5; i++)
        seq_write(b, i, m->seq[i]);
    out8(b, 0x3C2, m->misc);
    seq_write(b, 0, 3);
    indexed_write(b, crtc, 0x11, m->crtc[0x11] & 0x7F); /* unprotect 0-7 */
    for (uint8_t i = 0; i < 25; i++)
        indexed_write(b, crtc, i, m->crtc[i]);
    for (uint8_t i = 0; i < 9; i++)
        gfx_write(b, i, m->gfx[i]);
    for (uint8_t i = 0; i < 21; i++) {
        in8(b, crtc + 6);
        out8(b, 0x3C0, i);
        out8(b, 0x3C0, m->attr[i]);
    }
}

static void clear_memory(struct bios *b, const struct vga_mode *m)
{
    uint32_t base = (uint32_t)m->segment << 4;

    if (m->graphics) {
        lin_fill(b, base, 0, m->segment == 0xA000 ? 0x10000 : 0x8000);
        return;
    }
    for (unsigned i = 0; i < 0x8000; i += 512) {
        uint16_t cells[256];

        for (unsigned k = 0; k < 256; k++)
            cells[k] = 0x0720;
        lin_write(b, base + i, cells, sizeof cells);
    }
}

/* Graphics characters: INT 43h points at the mode's font. */
static void graphics_font(struct bios *b, unsigned height)
{
    uint16_t font = height == 16 ? ROM_FONT_8X16 : height == 14 ? ROM_FONT_8X14 : ROM_FONT_8X8;

    set_vector(b, 0x43, video_segment(b), video_offset(b, font));
    set_vector(b, 0x1F, video_segment(b), video_offset(b, ROM_FONT_8X8 + 128 * 8));
}

static void fill_bda(struct bios *b, const struct vga_mode *m, bool clear)
{
    static const uint8_t mode_select[8] = {0x2C, 0x28, 0x2D, 0x29, 0x2A, 0x2E, 0x1E, 0x29};
    bool mono = !(m->misc & 1);
    uint16_t equipment = bda16(b, 0x10) & ~0x30;

    set_bda8(b, BDA_MODE, m->mode);
    set_bda16(b, BDA_COLUMNS, m->columns);
    set_bda16(b, BDA_PAGE_SIZE, m->page_size);
    set_bda16(b, BDA_PAGE_START, 0);
    lin_fill(b, 0x400 + BDA_CURSOR, 0, 16);
    set_bda16(b, BDA_CURSOR_SHAPE, m->graphics ? 0 : mono ? 0x0B0C : 0x0607);
    set_bda8(b, BDA_PAGE, 0);
    set_bda16(b, BDA_CRTC, mono ? 0x3B4 : 0x3D4);
    set_bda8(b, BDA_MODE_SELECT, m->mode < 8 ? mode_select[m->mode] : 0x29);
    set_bda8(b, BDA_PALETTE, m->mode == 6 ? 0x3F : 0x30);
    set_bda8(b, BDA_ROWS, m->rows - 1);
    set_bda16(b, BDA_CHAR_HEIGHT, m->char_height);
    set_bda8(b, BDA_EGA_INFO,
             (bda8(b, BDA_EGA_INFO) & 0x01) | 0x60 | (mono ? 2 : 0) | (clear ? 0 : 0x80));
    set_bda8(b, BDA_EGA_SWITCHES, 0xF9);
    set_bda8(b, BDA_DCC, 0x0B);
    set_lin32(b, 0x400 + BDA_SAVE_POINTER, video_pointer(b, ROM_VIDEO_SAVE));
    set_bda16(b, 0x10, equipment | (mono ? 0x30 : m->columns == 40 ? 0x10 : 0x20));
}

void video_set_mode(struct bios *b, uint8_t mode, bool clear)
{
    const struct vga_mode *found = vga_mode_find(mode);
    struct vga_mode m;
    uint8_t flags = bda8(b, BDA_VGA_FLAGS);

    if (!found) {
        log_guest_error(b->log, "INT 10h: there is no video mode %02Xh", mode);
        return;
    }
    if (!(flags & VGA_ACTIVE)) { /* the first mode after reset */
        flags = 0x40 | VGA_400_LINES | VGA_ACTIVE;
        set_bda8(b, BDA_VGA_FLAGS, flags);
    }
    vbe_leave(b);
    m = *found;
    change_lines(&m, flags);
    load_registers(b, &m);
    if (!(flags & VGA_NO_PALETTE))
        video_load_dac(b, m.dac);
    if (clear)
        clear_memory(b, &m);
    if (!m.graphics)
        font_load_rom(b, 0, m.char_height);
    graphics_font(b, m.char_height);
    fill_bda(b, &m, clear);
    in8(b, (m.misc & 1 ? 0x3D4 : 0x3B4) + 6);
    out8(b, 0x3C0, 0x20);
}

static void set_mode_service(struct bios *b)
{
    uint8_t al = reg_lo(b, EAX), mode = al & 0x7F;

    video_set_mode(b, mode, !(al & 0x80));
    sercon_mode(b);
    set_lo(b, EAX, mode == 6 ? 0x3F : mode > 7 ? 0x20 : 0x30);
}

static void get_mode(struct bios *b)
{
    set_lo(b, EAX, bda8(b, BDA_MODE) | (bda8(b, BDA_EGA_INFO) & 0x80));
    set_hi(b, EAX, bda16(b, BDA_COLUMNS));
    set_hi(b, EBX, bda8(b, BDA_PAGE));
}

static void get_cursor(struct bios *b)
{
    uint8_t page = reg_hi(b, EBX) & 7;

    set_reg16(b, ECX, bda16(b, BDA_CURSOR_SHAPE));
    set_reg16(b, EDX, bda16(b, BDA_CURSOR + 2 * page));
}

static void scroll_service(struct bios *b, bool up)
{
    sercon_scroll(b, up, reg_lo(b, EAX), reg_hi(b, ECX), reg_lo(b, ECX), reg_hi(b, EDX),
                  reg_lo(b, EDX));
    text_scroll(b, up, reg_lo(b, EAX), reg_hi(b, EBX), reg_hi(b, ECX), reg_lo(b, ECX),
                reg_hi(b, EDX), reg_lo(b, EDX));
}

void int10(struct bios *b)
{
    switch (reg_hi(b, EAX)) {
    case 0x00:
        set_mode_service(b);
        break;
    case 0x01:
        text_cursor_shape(b, reg_hi(b, ECX), reg_lo(b, ECX));
        break;
    case 0x02:
        text_set_cursor(b, reg_hi(b, EBX), reg_hi(b, EDX), reg_lo(b, EDX));
        break;
    case 0x03:
        get_cursor(b);
        break;
    case 0x04: /* light pen: none */
        set_hi(b, EAX, 0);
        break;
    case 0x05:
        text_set_page(b, reg_lo(b, EAX));
        sercon_stale(b);
        break;
    case 0x06:
        scroll_service(b, true);
        break;
    case 0x07:
        scroll_service(b, false);
        break;
    case 0x08:
        text_read_char(b);
        break;
    case 0x09:
        text_write_chars(b, true);
        break;
    case 0x0A:
        text_write_chars(b, false);
        break;
    case 0x0B:
        palette_select(b);
        break;
    case 0x0C:
        gfx_write_pixel(b);
        break;
    case 0x0D:
        gfx_read_pixel(b);
        break;
    case 0x0E:
        text_teletype(b, bda8(b, BDA_PAGE), reg_lo(b, EAX), reg_lo(b, EBX));
        break;
    case 0x0F:
        get_mode(b);
        break;
    case 0x10:
        palette_service(b);
        break;
    case 0x11:
        font_service(b);
        break;
    case 0x12:
        alternate_select(b);
        break;
    case 0x1A:
        state_combination(b);
        break;
    case 0x1B:
        state_functionality(b);
        break;
    case 0x1C:
        state_save_restore(b);
        break;
    case 0x4F:
        vbe_service(b);
        break;
    default: /* FAh (mouse interrupt) and the like are probes: registers stay */
        log_guest_error(b->log, "INT 10h: no function %02Xh", reg_hi(b, EAX));
        break;
    }
}

void bios_print(struct bios *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            text_teletype(b, bda8(b, BDA_PAGE), '\r', 7);
        text_teletype(b, bda8(b, BDA_PAGE), *text, 7);
    }
}
