/* INT 10h AH=4Fh: VESA BIOS Extension 3.0, on the Bochs display interface (ports 1CEh, 1CFh).
 *
 * Section numbers are those of "VBE Core Functions Version 2.0"; what came after it is in
 * bios/vbe3.c. */
#include "bios/vbe.h"
#include "cpu/emulate.h"
#include "devices/edid.h"

#include <string.h>

enum { SUCCESS = 0x004F, FAILED = 0x014F, NOT_IN_THIS_MODE = 0x034F };
enum { SET_TIMING = 0x0800, SET_LINEAR = 0x4000, SET_NO_CLEAR = 0x8000, BDA_MODE_VBE = 0x7F };

extern const uint8_t bios_vbe_pm_start[], bios_vbe_pm_end[];

static bool present(struct bios *b)
{
    return (dispi_read(b, DISPI_ID) & 0xFFF0) == 0xB0C0;
}

static bool find(struct bios *b, uint16_t number, struct vbe_mode *m)
{
    return vbe_mode_find(number, dispi_memory(b), m);
}

/* Is a mode of pixels set?  The text modes are the VGA's own. */
static bool in_pixels(struct bios *b)
{
    struct vbe_mode m;

    return b->vbe_mode && find(b, b->vbe_mode, &m) && m.bpp;
}

/* What lines are counted in: all memory, or a plane. */
static uint32_t line_memory(struct bios *b, unsigned bpp)
{
    return bpp == 4 ? dispi_memory(b) / 4 : dispi_memory(b);
}

static void put(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = v >> 8 * i;
}

void vbe_fill_rom(struct bios *b)
{
    /* mov ax, 4F05h; int 10h; retf */
    static const uint8_t window[] = {0xB8, 0x05, 0x4F, 0xCD, 0x10, 0xCB};
    uint8_t *code;

    memcpy(b->rom + ROM_VBE_WINDOW, window, sizeof window);
    strcpy((char *)b->rom + ROM_VBE_OEM, "ringer VGA");
    _Static_assert(ROM_VBE_MODES + 2 * VBE_MODES_MAX <= ROM_POST, "the list fits");
    vbe_mode_list(present(b) ? dispi_memory(b) : 0, b->rom + ROM_VBE_MODES);
    code = bios_rom_room(b, (uint32_t)(bios_vbe_pm_end - bios_vbe_pm_start), 16);
    if (!code)
        return;
    b->vbe_pm = (uint16_t)(code - b->rom);
    b->vbe_pm_bytes = (uint16_t)(bios_vbe_pm_end - bios_vbe_pm_start);
    memcpy(code, bios_vbe_pm_start, b->vbe_pm_bytes);
}

/* 4.13, function 0Ah. */
static uint16_t protected_mode(struct bios *b)
{
    if (reg_lo(b, EBX) != 0 || !b->vbe_pm_bytes)
        return FAILED;
    cpu_set_real_segment(b->cpu, SEG_ES, video_segment(b), true);
    set_reg16(b, EDI, b->vbe_pm);
    set_reg16(b, ECX, b->vbe_pm_bytes);
    return SUCCESS;
}

/* 4.3, function 00h. */
static uint16_t controller_info(struct bios *b)
{
    const uint32_t oem = video_pointer(b, ROM_VBE_OEM);
    uint8_t t[512] = {0};
    bool second;

    seg_read(b, SEG_ES, reg16(b, EDI), t, 4);
    second = memcmp(t, "VBE2", 4) == 0;
    memcpy(t, "VESA", 4);
    put(t + 4, 0x0300, 2);
    put(t + 6, oem, 4);
    put(t + 10, 1, 4); /* the DAC can be switched to 8 bits */
    put(t + 14, video_pointer(b, ROM_VBE_MODES), 4);
    put(t + 18, dispi_memory(b) >> 16, 2);
    if (second) {
        put(t + 20, 0x0100, 2);
        put(t + 22, oem, 4);
        put(t + 26, oem, 4);
        put(t + 30, oem, 4);
    }
    seg_write(b, SEG_ES, reg16(b, EDI), t, second ? 512 : 256);
    return SUCCESS;
}

/* Size and position of red, green, blue and the rest in a pixel. */
static void colour_masks(uint8_t *t, unsigned bpp)
{
    static const uint8_t masks[3][8] = {
        {5, 10, 5, 5, 5, 0, 1, 15}, {5, 11, 6, 5, 5, 0, 0, 0}, {8, 16, 8, 8, 8, 0, 0, 0}};

    if (bpp <= 8)
        return;
    memcpy(t, masks[bpp == 15 ? 0 : bpp == 16 ? 1 : 2], 8);
    if (bpp == 32) {
        t[6] = 8;
        t[7] = 24;
    }
}

/* Text: the VGA's window at B8000h, sizes in characters. */
static void text_info(const struct vbe_mode *m, uint8_t t[256])
{
    unsigned height = m->height > 25 ? 8 : 16;
    uint32_t page = (m->width * m->height * 2u + 0xFFF) & ~0xFFFu;

    put(t, 0x000F, 2); /* supported, BIOS output, colour */
    put(t + 4, 32, 2);
    put(t + 6, 32, 2);
    put(t + 8, 0xB800, 2);
    put(t + 16, m->width * 2, 2);
    t[23] = height;
    t[24] = 4; /* planes */
    t[25] = 4;
    t[29] = 0x8000 / page - 1;
}

static void pixel_info(struct bios *b, const struct vbe_mode *m, uint8_t t[256])
{
    uint32_t line = vbe_line_bytes(m->bpp, m->width);
    uint32_t pages = line_memory(b, m->bpp) / (line * m->height);

    /* supported, colour, graphics, triple buffering; frame buffer */
    put(t, m->bpp == 4 ? 0x041B : 0x049B, 2);
    put(t + 4, 64, 2);
    put(t + 6, 64, 2);
    put(t + 8, 0xA000, 2);
    put(t + 12, video_pointer(b, ROM_VBE_WINDOW), 4);
    put(t + 16, line, 2);
    t[23] = 16;
    t[24] = m->bpp == 4 ? 4 : 1;
    t[25] = m->bpp;
    t[27] = m->bpp == 4 ? 3 : m->bpp == 8 ? 4 : 6; /* planar, packed, direct colour */
    t[29] = (pages > 256 ? 256 : pages) - 1;
    colour_masks(t + 31, m->bpp);
    t[39] = m->bpp == 32 ? 2 : 0;
    if (m->bpp != 4)
        put(t + 40, bios_frame_buffer(b), 4);
}

/* 4.4, function 01h. */
static uint16_t mode_info(struct bios *b)
{
    uint8_t t[256] = {0};
    struct vbe_mode m;

    if (!find(b, reg16(b, ECX) & VBE_MODE_NUMBER, &m))
        return FAILED;
    t[2] = 7; /* window A: there, readable, writable */
    put(t + 18, m.width, 2);
    put(t + 20, m.height, 2);
    t[22] = 8;
    t[26] = 1; /* banks */
    t[30] = 1;
    if (m.bpp)
        pixel_info(b, &m, t);
    else
        text_info(&m, t);
    vbe3_mode_info(t);
    seg_write(b, SEG_ES, reg16(b, EDI), t, sizeof t);
    return SUCCESS;
}

void vbe_leave(struct bios *b)
{
    b->vbe_mode = 0;
    b->vbe_linear = b->vbe_kept = false;
    if (present(b))
        dispi_write(b, DISPI_ENABLE, 0);
}

static void set_pixels(struct bios *b, const struct vbe_mode *m, uint16_t bx)
{
    video_set_mode(b, m->bpp == 4 ? 0x12 : 0x13, !(bx & SET_NO_CLEAR));
    dispi_write(b, DISPI_XRES, m->width);
    dispi_write(b, DISPI_YRES, m->height);
    dispi_write(b, DISPI_BPP, m->bpp);
    dispi_write(b, DISPI_ENABLE,
                DISPI_ENABLED | (bx & SET_LINEAR ? DISPI_LFB : 0) |
                    (bx & SET_NO_CLEAR ? DISPI_NOCLEAR : 0));
    set_bda8(b, BDA_MODE, BDA_MODE_VBE);
    set_bda16(b, BDA_COLUMNS, m->width / 8);
    set_bda8(b, BDA_ROWS, m->height / 16 - 1);
    set_bda16(b, BDA_CHAR_HEIGHT, 16);
}

/* 4.5, function 02h. */
static uint16_t set_mode(struct bios *b)
{
    uint16_t bx = reg16(b, EBX);
    struct vbe_mode m;

    if ((bx & 0x3FFF) < 0x80) {
        video_set_mode(b, bx & 0x7F, !(bx & SET_NO_CLEAR));
        return SUCCESS;
    }
    if (!find(b, bx & 0x3FFF & ~SET_TIMING, &m) || (bx & SET_TIMING && !vbe3_timing_possible(b)) ||
        (bx & SET_LINEAR && (m.bpp == 4 || !m.bpp)))
        return FAILED;
    if (m.bpp)
        set_pixels(b, &m, bx);
    else
        video_set_text(b, m.width, m.height, !(bx & SET_NO_CLEAR));
    b->vbe_mode = m.number;
    b->vbe_linear = bx & SET_LINEAR;
    b->vbe_kept = bx & SET_NO_CLEAR;
    return SUCCESS;
}

/* 4.6, function 03h. */
static uint16_t get_mode(struct bios *b)
{
    uint16_t flags = (b->vbe_linear ? SET_LINEAR : 0) | (b->vbe_kept ? SET_NO_CLEAR : 0);

    set_reg16(b, EBX, b->vbe_mode ? b->vbe_mode | flags : bda8(b, BDA_MODE));
    return SUCCESS;
}

/* 4.8, function 05h. */
static uint16_t window(struct bios *b)
{
    if (!in_pixels(b) || b->vbe_linear)
        return NOT_IN_THIS_MODE;
    if (reg_lo(b, EBX) != 0)
        return FAILED;
    if (reg_hi(b, EBX) == 1) {
        set_reg16(b, EDX, dispi_read(b, DISPI_BANK));
        return SUCCESS;
    }
    if (reg_hi(b, EBX) != 0 ||
        (uint32_t)reg16(b, EDX) << 16 >= line_memory(b, dispi_read(b, DISPI_BPP)))
        return FAILED;
    dispi_write(b, DISPI_BANK, reg16(b, EDX));
    return SUCCESS;
}

/* 4.9, function 06h. */
static uint16_t scan_line(struct bios *b)
{
    unsigned bpp = dispi_read(b, DISPI_BPP), width = reg16(b, ECX), bl = reg_lo(b, EBX);
    uint32_t lines, all, longest = bpp == 4 ? 0xFFF8 : 0xFFF8 / vbe_line_bytes(bpp, 1);

    if (!in_pixels(b))
        return NOT_IN_THIS_MODE;
    if (bl > 3)
        return FAILED;
    all = line_memory(b, bpp);
    if (bl == 2) /* in bytes */
        width = bpp == 4 ? width * 8
                         : (width + vbe_line_bytes(bpp, 1) - 1) / vbe_line_bytes(bpp, 1);
    if (bl == 0 || bl == 2) {
        width = (width + 7) & ~7u;
        if (width < dispi_read(b, DISPI_XRES) || width > longest ||
            vbe_line_bytes(bpp, width) * dispi_read(b, DISPI_YRES) > all)
            return 0x024F;
        dispi_write(b, DISPI_VIRT_WIDTH, width);
    }
    width = dispi_read(b, DISPI_VIRT_WIDTH);
    if (bl == 3) {
        uint32_t pixels = all / dispi_read(b, DISPI_YRES);

        pixels = bpp == 4 ? pixels * 8 : pixels / vbe_line_bytes(bpp, 1);
        width = (pixels > longest ? longest : pixels) & ~7u;
    }
    lines = all / vbe_line_bytes(bpp, width);
    set_reg16(b, EBX, vbe_line_bytes(bpp, width));
    set_reg16(b, ECX, width);
    set_reg16(b, EDX, lines > 0xFFFF ? 0xFFFF : lines);
    return SUCCESS;
}

/* 4.10, function 07h. */
static uint16_t display_start(struct bios *b)
{
    if (!in_pixels(b))
        return NOT_IN_THIS_MODE;
    switch (reg_lo(b, EBX)) {
    case 0x00:
    case 0x80: /* at the retrace: the picture is drawn whole anyway */
        if (reg16(b, EDX) + dispi_read(b, DISPI_YRES) > dispi_read(b, DISPI_VIRT_HEIGHT))
            return FAILED;
        dispi_write(b, DISPI_X_OFFSET, reg16(b, ECX));
        dispi_write(b, DISPI_Y_OFFSET, reg16(b, EDX));
        return SUCCESS;
    case 0x02:
    case 0x82:
        return vbe3_display_start(b);
    case 0x04: /* has it happened? */
        set_reg16(b, ECX, 1);
        return SUCCESS;
    case 0x01:
        set_hi(b, EBX, 0);
        set_reg16(b, ECX, dispi_read(b, DISPI_X_OFFSET));
        set_reg16(b, EDX, dispi_read(b, DISPI_Y_OFFSET));
        return SUCCESS;
    default:
        return FAILED;
    }
}

/* 4.11, function 08h. */
static uint16_t dac_width(struct bios *b)
{
    uint16_t enable = dispi_read(b, DISPI_ENABLE);

    if (!in_pixels(b) || dispi_read(b, DISPI_BPP) != 8)
        return NOT_IN_THIS_MODE;
    if (reg_lo(b, EBX) > 1)
        return FAILED;
    if (reg_lo(b, EBX) == 0) {
        enable = reg_hi(b, EBX) >= 8 ? enable | DISPI_8BIT_DAC : enable & ~DISPI_8BIT_DAC;
        dispi_write(b, DISPI_ENABLE, enable | DISPI_NOCLEAR);
    }
    set_hi(b, EBX, enable & DISPI_8BIT_DAC ? 8 : 6);
    return SUCCESS;
}

/* 4.12, function 09h: entries are blue, green, red, nothing. */
static uint16_t palette(struct bios *b)
{
    unsigned count = reg16(b, ECX), first = reg16(b, EDX);
    uint8_t bl = reg_lo(b, EBX) & 0x7F, entry[4] = {0};
    uint16_t at = reg16(b, EDI);

    if (bl > 1 || first + count > 256)
        return FAILED;
    for (unsigned i = 0; i < count; i++, at += 4) {
        if (bl == 0)
            seg_read(b, SEG_ES, at, entry, 4);
        out8(b, bl == 0 ? 0x3C8 : 0x3C7, first + i);
        for (int k = 2; k >= 0; k--) {
            if (bl == 0)
                out8(b, 0x3C9, entry[k]);
            else
                entry[k] = in8(b, 0x3C9);
        }
        if (bl == 1)
            seg_write(b, SEG_ES, at, entry, 4);
    }
    return SUCCESS;
}

/* VBE/PM 1.0, function 10h: blanking is all that a VGA can do for a monitor's power. */
static uint16_t power_management(struct bios *b)
{
    uint8_t clocking = seq_read(b, 1);

    switch (reg_lo(b, EBX)) {
    case 0:
        set_reg16(b, EBX, 0x0F10); /* standby, suspend, off, reduced; version 1.0 */
        return SUCCESS;
    case 1:
        seq_write(b, 1, reg_hi(b, EBX) ? clocking | 0x20 : clocking & ~0x20);
        return SUCCESS;
    case 2:
        set_hi(b, EBX, clocking & 0x20 ? 4 : 0);
        return SUCCESS;
    default:
        return FAILED;
    }
}

/* VBE/DDC 1.0, function 15h. */
static uint16_t display_data_channel(struct bios *b)
{
    uint8_t edid[EDID_BYTES];

    if (!vga_edid(b->config.vga, edid))
        return FAILED;
    switch (reg_lo(b, EBX)) {
    case 0:
        set_reg16(b, EBX, 0x0102); /* a second a block; DDC2 */
        return SUCCESS;
    case 1:
        if (reg16(b, EDX) != 0)
            return FAILED;
        seg_write(b, SEG_ES, reg16(b, EDI), edid, sizeof edid);
        return SUCCESS;
    default:
        return FAILED;
    }
}

static uint16_t dispatch(struct bios *b)
{
    switch (reg_lo(b, EAX)) {
    case 0x00:
        return controller_info(b);
    case 0x01:
        return mode_info(b);
    case 0x02:
        return set_mode(b);
    case 0x03:
        return get_mode(b);
    case 0x04:
        return vbe_state(b);
    case 0x05:
        return window(b);
    case 0x06:
        return scan_line(b);
    case 0x07:
        return display_start(b);
    case 0x08:
        return dac_width(b);
    case 0x09:
        return palette(b);
    case 0x0A:
        return protected_mode(b);
    case 0x0B:
        return vbe3_pixel_clock(b);
    case 0x10:
        return power_management(b);
    case 0x15:
        return display_data_channel(b);
    default:
        return 0x0100 | reg_lo(b, EAX); /* not supported: AL is not 4Fh */
    }
}

void vbe_service(struct bios *b)
{
    if (present(b))
        set_reg16(b, EAX, dispatch(b));
}
