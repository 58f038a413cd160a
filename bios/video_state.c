/* INT 10h AH=1Ah, 1Bh, 1Ch: what display there is, what it can do, and saving its state. */
#include "bios/video.h"
#include "cpu/emulate.h"

#include <string.h>

void state_combination(struct bios *b)
{
    if (reg_lo(b, EAX) > 1)
        return;
    if (reg_lo(b, EAX) == 0)
        set_reg16(b, EBX, 0x0008); /* VGA, colour; no second display */
    set_lo(b, EAX, 0x1A);
}

static uint8_t lines_code(uint8_t flags)
{
    return flags & VGA_200_LINES ? 0 : flags & VGA_400_LINES ? 2 : 1;
}

static uint16_t mode_colours(uint8_t mode)
{
    switch (mode) {
    case 0x07:
    case 0x0F:
        return 0;
    case 0x04:
    case 0x05:
        return 4;
    case 0x06:
    case 0x11:
        return 2;
    case 0x13:
        return 256;
    default:
        return 16;
    }
}

void state_functionality(struct bios *b)
{
    uint8_t t[64] = {0};
    uint32_t table = video_pointer(b, ROM_VIDEO_STATIC);
    struct screen s = video_screen(b);
    uint16_t colours = mode_colours(s.mode);

    if (reg16(b, EBX) != 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        t[i] = (uint8_t)(table >> 8 * i);
    lin_read(b, 0x400 + BDA_MODE, t + 4, 30); /* 49h-66h, as they are */
    t[34] = bda8(b, BDA_ROWS) + 1;
    t[35] = bda8(b, BDA_CHAR_HEIGHT);
    t[36] = bda8(b, BDA_CHAR_HEIGHT + 1);
    t[37] = 8;
    t[38] = 0;
    t[39] = colours;
    t[40] = colours >> 8;
    t[41] = s.layout == LAYOUT_TEXT || s.layout == LAYOUT_PLANAR ? 8 : 1;
    t[42] = lines_code(bda8(b, BDA_VGA_FLAGS));
    t[43] = seq_read(b, 3) & 3;
    t[44] = seq_read(b, 3) >> 2 & 3;
    t[45] = (bda8(b, BDA_VGA_FLAGS) & 0x0F) | (attr_read(b, 0x10) & 8 ? 0x20 : 0) | 1;
    t[49] = 3; /* 256 KiB */
    seg_write(b, SEG_ES, reg16(b, EDI), t, sizeof t);
    set_lo(b, EAX, 0x1B);
}

/* ---- AH=1Ch ---- */

enum { SAVE_HARDWARE = 1, SAVE_BDA = 2, SAVE_DAC = 4 };
enum { HARDWARE_BYTES = 5 + 25 + 21 + 9 + 1, BDA_BYTES = 0x1E + 7 + 4 + 4 + 4, DAC_BYTES = 769 };

static unsigned save_hardware(struct bios *b, uint8_t *p)
{
    uint8_t *start = p;

    for (uint8_t i = 0; i < 5; i++)
        *p++ = seq_read(b, i);
    for (uint8_t i = 0; i < 25; i++)
        *p++ = crtc_read(b, i);
    for (uint8_t i = 0; i < 21; i++)
        *p++ = attr_read(b, i);
    for (uint8_t i = 0; i < 9; i++)
        *p++ = gfx_read(b, i);
    *p++ = in8(b, 0x3CC);
    return p - start;
}

static unsigned restore_hardware(struct bios *b, const uint8_t *p)
{
    out8(b, 0x3C2, p[60]);
    seq_write(b, 0, 1);
    for (uint8_t i = 1; i < 5; i++)
        seq_write(b, i, p[i]);
    seq_write(b, 0, 3);
    crtc_write(b, 0x11, p[5 + 0x11] & 0x7F);
    for (uint8_t i = 0; i < 25; i++)
        crtc_write(b, i, p[5 + i]);
    for (uint8_t i = 0; i < 21; i++)
        attr_write(b, i, p[30 + i]);
    for (uint8_t i = 0; i < 9; i++)
        gfx_write(b, i, p[51 + i]);
    return HARDWARE_BYTES;
}

/* The video parts of the data area and the vectors of the fonts. */
static const struct {
    uint16_t at;
    uint8_t len;
} bda_parts[] = {{0x449, 0x1E}, {0x484, 7}, {0x4A8, 4}, {0x1F * 4, 4}, {0x43 * 4, 4}};

static unsigned move_bda(struct bios *b, uint8_t *p, bool save)
{
    uint8_t *start = p;

    for (unsigned i = 0; i < sizeof bda_parts / sizeof bda_parts[0]; i++) {
        if (save)
            lin_read(b, bda_parts[i].at, p, bda_parts[i].len);
        else
            lin_write(b, bda_parts[i].at, p, bda_parts[i].len);
        p += bda_parts[i].len;
    }
    return p - start;
}

static unsigned move_dac(struct bios *b, uint8_t *p, bool save)
{
    if (save)
        p[0] = in8(b, 0x3C6);
    else
        out8(b, 0x3C6, p[0]);
    out8(b, save ? 0x3C7 : 0x3C8, 0);
    for (unsigned i = 1; i < DAC_BYTES; i++) {
        if (save)
            p[i] = in8(b, 0x3C9);
        else
            out8(b, 0x3C9, p[i]);
    }
    return DAC_BYTES;
}

void state_save_restore(struct bios *b)
{
    uint8_t buffer[HARDWARE_BYTES + BDA_BYTES + DAC_BYTES], *p = buffer;
    uint16_t what = reg16(b, ECX), at = reg16(b, EBX);
    unsigned size = (what & SAVE_HARDWARE ? HARDWARE_BYTES : 0) +
                    (what & SAVE_BDA ? BDA_BYTES : 0) + (what & SAVE_DAC ? DAC_BYTES : 0);
    uint8_t function = reg_lo(b, EAX);
    bool save = function == 1;

    if (function > 2)
        return;
    set_lo(b, EAX, 0x1C);
    if (function == 0)
        set_reg16(b, EBX, (size + 63) / 64);
    if (function == 0 || size == 0)
        return;
    memset(buffer, 0, sizeof buffer);
    if (!save)
        seg_read(b, SEG_ES, at, buffer, size);
    if (what & SAVE_HARDWARE)
        p += save ? save_hardware(b, p) : restore_hardware(b, p);
    if (what & SAVE_BDA)
        p += move_bda(b, p, save);
    if (what & SAVE_DAC)
        move_dac(b, p, save);
    if (save)
        seg_write(b, SEG_ES, at, buffer, size);
}
