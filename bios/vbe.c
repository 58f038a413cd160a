/* INT 10h AH=4Fh: VESA BIOS Extension 2.0, on the Bochs display interface (ports 1CEh, 1CFh).
 *
 * Section numbers are those of "VBE Core Functions Version 2.0". */
#include "bios/video.h"
#include "cpu/emulate.h"

#include <string.h>

enum { INDEX_PORT = 0x1CE, DATA_PORT = 0x1CF };
enum { ID, XRES, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY };
enum { ENABLED = 0x01, DAC_8BIT = 0x20, LINEAR = 0x40, NO_CLEAR = 0x80 };
enum { SUCCESS = 0x004F, FAILED = 0x014F, NOT_IN_THIS_MODE = 0x034F };
enum { SET_LINEAR = 0x4000, SET_NO_CLEAR = 0x8000, BDA_MODE_VBE = 0x7F };

extern const uint8_t bios_vbe_pm_start[], bios_vbe_pm_end[];

struct vbe_mode {
    uint16_t number, width, height;
    uint8_t bpp;
};

static const struct vbe_mode modes[] = {
    {0x100, 640, 400, 8},    {0x101, 640, 480, 8},    {0x103, 800, 600, 8},
    {0x105, 1024, 768, 8},   {0x107, 1280, 1024, 8},  {0x10D, 320, 200, 15},
    {0x10E, 320, 200, 16},   {0x10F, 320, 200, 24},   {0x110, 640, 480, 15},
    {0x111, 640, 480, 16},   {0x112, 640, 480, 24},   {0x113, 800, 600, 15},
    {0x114, 800, 600, 16},   {0x115, 800, 600, 24},   {0x116, 1024, 768, 15},
    {0x117, 1024, 768, 16},  {0x118, 1024, 768, 24},  {0x119, 1280, 1024, 15},
    {0x11A, 1280, 1024, 16}, {0x11B, 1280, 1024, 24}, {0x140, 320, 200, 32},
    {0x141, 640, 400, 32},   {0x142, 640, 480, 32},   {0x143, 800, 600, 32},
    {0x144, 1024, 768, 32},  {0x145, 1280, 1024, 32},
};

static uint16_t dispi_read(struct bios *b, uint16_t index)
{
    bus_out(b->bus, INDEX_PORT, index, 2);
    return bus_in(b->bus, DATA_PORT, 2);
}

static void dispi_write(struct bios *b, uint16_t index, uint16_t value)
{
    bus_out(b->bus, INDEX_PORT, index, 2);
    bus_out(b->bus, DATA_PORT, value, 2);
}

static bool present(struct bios *b)
{
    return (dispi_read(b, ID) & 0xFFF0) == 0xB0C0;
}

static uint32_t memory(struct bios *b)
{
    return dispi_read(b, MEMORY) << 16;
}

static unsigned pixel_bytes(unsigned bpp)
{
    return (bpp + 7) / 8;
}

static uint32_t mode_bytes(const struct vbe_mode *m)
{
    return m->width * m->height * pixel_bytes(m->bpp);
}

static const struct vbe_mode *find(struct bios *b, uint16_t number)
{
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (modes[i].number == number && mode_bytes(&modes[i]) <= memory(b))
            return &modes[i];
    return NULL;
}

static void put(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = v >> 8 * i;
}

void vbe_fill_rom(struct bios *b)
{
    uint8_t *list = b->rom + ROM_VBE_MODES, *code;

    strcpy((char *)b->rom + ROM_VBE_OEM, "ringer VGA");
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (present(b) && mode_bytes(&modes[i]) <= memory(b)) {
            put(list, modes[i].number, 2);
            list += 2;
        }
    put(list, 0xFFFF, 2);
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
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, b->vbe_pm);
    set_reg16(b, ECX, b->vbe_pm_bytes);
    return SUCCESS;
}

/* 4.3, function 00h. */
static uint16_t controller_info(struct bios *b)
{
    const uint32_t oem = (uint32_t)ROM_SEGMENT << 16 | ROM_VBE_OEM;
    uint8_t t[512] = {0};
    bool second;

    seg_read(b, SEG_ES, reg16(b, EDI), t, 4);
    second = memcmp(t, "VBE2", 4) == 0;
    memcpy(t, "VESA", 4);
    put(t + 4, 0x0200, 2);
    put(t + 6, oem, 4);
    put(t + 10, 1, 4); /* the DAC can be switched to 8 bits */
    put(t + 14, (uint32_t)ROM_SEGMENT << 16 | ROM_VBE_MODES, 4);
    put(t + 18, memory(b) >> 16, 2);
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

    if (bpp == 8)
        return;
    memcpy(t, masks[bpp == 15 ? 0 : bpp == 16 ? 1 : 2], 8);
    if (bpp == 32) {
        t[6] = 8;
        t[7] = 24;
    }
}

/* 4.4, function 01h. */
static uint16_t mode_info(struct bios *b)
{
    const struct vbe_mode *m = find(b, reg16(b, ECX) & 0x1FF);
    uint8_t t[256] = {0}, pages;

    if (!m)
        return FAILED;
    put(t, 0x009B, 2); /* supported, colour, graphics, window and frame buffer */
    t[2] = 7;          /* window A: there, readable, writable */
    put(t + 4, 64, 2);
    put(t + 6, 64, 2);
    put(t + 8, 0xA000, 2);
    put(t + 16, m->width * pixel_bytes(m->bpp), 2);
    put(t + 18, m->width, 2);
    put(t + 20, m->height, 2);
    t[22] = 8;
    t[23] = 16;
    t[24] = 1;
    t[25] = m->bpp;
    t[26] = 1;
    t[27] = m->bpp == 8 ? 4 : 6;
    pages = memory(b) / mode_bytes(m) > 255 ? 255 : memory(b) / mode_bytes(m);
    t[29] = pages - 1;
    t[30] = 1;
    colour_masks(t + 31, m->bpp);
    t[39] = m->bpp == 32 ? 2 : 0;
    put(t + 40, bios_frame_buffer(b), 4);
    seg_write(b, SEG_ES, reg16(b, EDI), t, sizeof t);
    return SUCCESS;
}

void vbe_leave(struct bios *b)
{
    b->vbe_mode = 0;
    b->vbe_linear = false;
    if (present(b))
        dispi_write(b, ENABLE, 0);
}

/* 4.5, function 02h. */
static uint16_t set_mode(struct bios *b)
{
    uint16_t bx = reg16(b, EBX);
    const struct vbe_mode *m;

    if ((bx & 0x3FFF) < 0x80) {
        video_set_mode(b, bx & 0x7F, !(bx & SET_NO_CLEAR));
        return SUCCESS;
    }
    m = find(b, bx & 0x3FFF);
    if (!m)
        return FAILED;
    video_set_mode(b, 0x13, !(bx & SET_NO_CLEAR));
    dispi_write(b, XRES, m->width);
    dispi_write(b, YRES, m->height);
    dispi_write(b, BPP, m->bpp);
    dispi_write(b, ENABLE,
                ENABLED | (bx & SET_LINEAR ? LINEAR : 0) | (bx & SET_NO_CLEAR ? NO_CLEAR : 0));
    set_bda8(b, BDA_MODE, BDA_MODE_VBE);
    set_bda16(b, BDA_COLUMNS, m->width / 8);
    set_bda8(b, BDA_ROWS, m->height / 16 - 1);
    set_bda16(b, BDA_CHAR_HEIGHT, 16);
    b->vbe_mode = m->number;
    b->vbe_linear = bx & SET_LINEAR;
    return SUCCESS;
}

/* 4.6, function 03h. */
static uint16_t get_mode(struct bios *b)
{
    set_reg16(b, EBX, b->vbe_mode ? b->vbe_mode | (b->vbe_linear ? SET_LINEAR : 0)
                                  : bda8(b, BDA_MODE));
    return SUCCESS;
}

/* 4.8, function 05h. */
static uint16_t window(struct bios *b)
{
    if (!b->vbe_mode || b->vbe_linear)
        return NOT_IN_THIS_MODE;
    if (reg_lo(b, EBX) != 0)
        return FAILED;
    if (reg_hi(b, EBX) == 1) {
        set_reg16(b, EDX, dispi_read(b, BANK));
        return SUCCESS;
    }
    if (reg_hi(b, EBX) != 0 || (uint32_t)reg16(b, EDX) << 16 >= memory(b))
        return FAILED;
    dispi_write(b, BANK, reg16(b, EDX));
    return SUCCESS;
}

/* 4.9, function 06h. */
static uint16_t scan_line(struct bios *b)
{
    unsigned bytes = pixel_bytes(dispi_read(b, BPP)), width = reg16(b, ECX), bl = reg_lo(b, EBX);
    uint32_t lines;

    if (!b->vbe_mode)
        return NOT_IN_THIS_MODE;
    if (bl > 3)
        return FAILED;
    if (bl == 2)
        width = (width + bytes - 1) / bytes;
    if (bl == 0 || bl == 2) {
        width = (width + 7) & ~7u;
        if (width < dispi_read(b, XRES) || width * bytes * dispi_read(b, YRES) > memory(b))
            return 0x024F;
        dispi_write(b, VIRT_WIDTH, width);
    }
    width = dispi_read(b, VIRT_WIDTH);
    if (bl == 3) {
        width = memory(b) / dispi_read(b, YRES) / bytes & ~7u;
        width = width * bytes > 0xFFF8 ? 0xFFF8 / bytes & ~7u : width;
    }
    lines = memory(b) / (width * bytes);
    set_reg16(b, EBX, width * bytes);
    set_reg16(b, ECX, width);
    set_reg16(b, EDX, lines > 0xFFFF ? 0xFFFF : lines);
    return SUCCESS;
}

/* 4.10, function 07h. */
static uint16_t display_start(struct bios *b)
{
    if (!b->vbe_mode)
        return NOT_IN_THIS_MODE;
    switch (reg_lo(b, EBX)) {
    case 0x00:
    case 0x80: /* at the retrace: the picture is drawn whole anyway */
        if (reg16(b, EDX) + dispi_read(b, YRES) > dispi_read(b, VIRT_HEIGHT))
            return FAILED;
        dispi_write(b, X_OFFSET, reg16(b, ECX));
        dispi_write(b, Y_OFFSET, reg16(b, EDX));
        return SUCCESS;
    case 0x01:
        set_hi(b, EBX, 0);
        set_reg16(b, ECX, dispi_read(b, X_OFFSET));
        set_reg16(b, EDX, dispi_read(b, Y_OFFSET));
        return SUCCESS;
    default:
        return FAILED;
    }
}

/* 4.11, function 08h. */
static uint16_t dac_width(struct bios *b)
{
    uint16_t enable = dispi_read(b, ENABLE);

    if (!b->vbe_mode || dispi_read(b, BPP) != 8)
        return NOT_IN_THIS_MODE;
    if (reg_lo(b, EBX) > 1)
        return FAILED;
    if (reg_lo(b, EBX) == 0) {
        enable = reg_hi(b, EBX) >= 8 ? enable | DAC_8BIT : enable & ~DAC_8BIT;
        dispi_write(b, ENABLE, enable | NO_CLEAR);
    }
    set_hi(b, EBX, enable & DAC_8BIT ? 8 : 6);
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

/* EDID 1.3 of a monitor of 1024x768 at 60 Hz, with everything up to 1280x1024. */
static void fill_edid(uint8_t e[128])
{
    static const uint8_t head[54] = {
        0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, /* header */
        0x49, 0xC7, 0x01, 0x00, 0x01, 0x00, 0x00, 0x00, /* RNG, product 1, serial 1 */
        0x01, 0x24, 0x01, 0x03,                         /* week 1 of 2026, version 1.3 */
        0x0E, 0x20, 0x18, 0x78, 0x0A,                   /* analog, 32x24 cm, gamma 2.2 */
        0xEE, 0x91, 0xA3, 0x54, 0x4C, 0x99, 0x26, 0x0F, 0x50, 0x54, /* sRGB primaries */
        0x21, 0x08, 0x01, /* 640x480, 800x600, 1024x768, 1280x1024 */
        0x81, 0x80, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
        0x01, 0x01};
    static const uint8_t timing[18] = {0x64, 0x19, 0x00, 0x40, 0x41, 0x00, 0x26, 0x30, 0x18,
                                       0x88, 0x36, 0x00, 0x40, 0xF0, 0x10, 0x00, 0x00, 0x18};
    static const uint8_t limits[18] = {0, 0, 0, 0xFD, 0, 50, 75, 30, 82, 14, 0, '\n',
                                       ' ', ' ', ' ', ' ', ' ', ' '};
    static const uint8_t name[18] = {0,   0,   0,   0xFC, 0,    'r', 'i', 'n', 'g',
                                     'e', 'r', ' ', 'V',  'G', 'A', '\n', ' ', ' '};
    uint8_t sum = 0;

    memset(e, 0, 128);
    memcpy(e, head, sizeof head);
    memcpy(e + 54, timing, 18);
    memcpy(e + 72, limits, 18);
    memcpy(e + 90, name, 18);
    e[108 + 3] = 0x10; /* dummy descriptor */
    for (int i = 0; i < 127; i++)
        sum += e[i];
    e[127] = -sum;
}

/* VBE/DDC 1.0, function 15h. */
static uint16_t display_data_channel(struct bios *b)
{
    uint8_t edid[128];

    switch (reg_lo(b, EBX)) {
    case 0:
        set_reg16(b, EBX, 0x0102); /* a second a block; DDC2 */
        return SUCCESS;
    case 1:
        if (reg16(b, EDX) != 0)
            return FAILED;
        fill_edid(edid);
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
