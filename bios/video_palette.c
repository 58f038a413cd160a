/* INT 10h AH=0Bh and 10h: the CGA colour select, the attribute controller and the DAC. */
#include "bios/video.h"

enum { OVERSCAN = 0x11, MODE_CONTROL = 0x10, COLOUR_SELECT = 0x14 };

/* AH=0Bh: BH 0 sets border or background, 1 one of the two CGA palettes. */
void palette_select(struct bios *b)
{
    uint8_t cga = bda8(b, BDA_PALETTE), value = reg_lo(b, EBX);
    bool graphics = !video_is_text(b);

    if (reg_hi(b, EBX) == 0) {
        uint8_t colour = (value & 7) | (value & 8) << 1;

        cga = (cga & ~0x1F) | (value & 0x1F);
        attr_write(b, OVERSCAN, colour);
        if (graphics)
            attr_write(b, 0, colour);
    } else if (reg_hi(b, EBX) == 1) {
        cga = (cga & ~0x20) | (value & 1) << 5;
    } else {
        return;
    }
    set_bda8(b, BDA_PALETTE, cga);
    if (graphics) {
        uint8_t bright = cga & 0x10, cyan = cga >> 5 & 1;

        for (uint8_t i = 1; i < 4; i++)
            attr_write(b, i, (2 * i + cyan) | bright);
    }
}

static void dac_read(struct bios *b, uint8_t index, uint8_t rgb[3])
{
    out8(b, 0x3C7, index);
    for (int i = 0; i < 3; i++)
        rgb[i] = in8(b, 0x3C9);
}

static void dac_write(struct bios *b, uint8_t index, const uint8_t rgb[3])
{
    out8(b, 0x3C8, index);
    for (int i = 0; i < 3; i++)
        out8(b, 0x3C9, rgb[i]);
}

/* 30 % red, 59 % green, 11 % blue. */
void palette_grey(struct bios *b, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count && i < 256; i++) {
        uint8_t rgb[3], grey;

        dac_read(b, first + i, rgb);
        grey = (77 * rgb[0] + 151 * rgb[1] + 28 * rgb[2] + 128) >> 8;
        rgb[0] = rgb[1] = rgb[2] = grey > 63 ? 63 : grey;
        dac_write(b, first + i, rgb);
    }
}

static void set_all(struct bios *b)
{
    uint8_t values[17];

    seg_read(b, SEG_ES, reg16(b, EDX), values, sizeof values);
    for (uint8_t i = 0; i < 16; i++)
        attr_write(b, i, values[i]);
    attr_write(b, OVERSCAN, values[16]);
}

static void get_all(struct bios *b)
{
    uint8_t values[17];

    for (uint8_t i = 0; i < 16; i++)
        values[i] = attr_read(b, i);
    values[16] = attr_read(b, OVERSCAN);
    seg_write(b, SEG_ES, reg16(b, EDX), values, sizeof values);
}

static void blink(struct bios *b, bool on)
{
    uint8_t mode = attr_read(b, MODE_CONTROL), select = bda8(b, BDA_MODE_SELECT);

    attr_write(b, MODE_CONTROL, on ? mode | 8 : mode & ~8);
    set_bda8(b, BDA_MODE_SELECT, on ? select | 0x20 : select & ~0x20);
}

static void block_set(struct bios *b)
{
    uint16_t at = reg16(b, EDX);
    unsigned first = reg16(b, EBX), count = reg16(b, ECX);

    for (unsigned i = 0; i < count && i < 256; i++, at += 3) {
        uint8_t rgb[3];

        seg_read(b, SEG_ES, at, rgb, 3);
        dac_write(b, first + i, rgb);
    }
    if (bda8(b, BDA_VGA_FLAGS) & VGA_GREY)
        palette_grey(b, first, count);
}

static void block_get(struct bios *b)
{
    uint16_t at = reg16(b, EDX);
    unsigned first = reg16(b, EBX), count = reg16(b, ECX);

    for (unsigned i = 0; i < count && i < 256; i++, at += 3) {
        uint8_t rgb[3];

        dac_read(b, first + i, rgb);
        seg_write(b, SEG_ES, at, rgb, 3);
    }
}

static void set_one_dac(struct bios *b)
{
    uint8_t rgb[3] = {reg_hi(b, EDX), reg_hi(b, ECX), reg_lo(b, ECX)};

    dac_write(b, reg_lo(b, EBX), rgb);
    if (bda8(b, BDA_VGA_FLAGS) & VGA_GREY)
        palette_grey(b, reg_lo(b, EBX), 1);
}

static void get_one_dac(struct bios *b)
{
    uint8_t rgb[3];

    dac_read(b, reg_lo(b, EBX), rgb);
    set_hi(b, EDX, rgb[0]);
    set_hi(b, ECX, rgb[1]);
    set_lo(b, ECX, rgb[2]);
}

/* BL 0: BH selects 4 pages of 64 or 16 of 16 colours; BL 1: BH is the page. */
static void page_select(struct bios *b)
{
    uint8_t mode = attr_read(b, MODE_CONTROL), value = reg_hi(b, EBX);

    if (reg_lo(b, EBX) == 0)
        attr_write(b, MODE_CONTROL, (mode & 0x7F) | (value & 1) << 7);
    else
        attr_write(b, COLOUR_SELECT, (mode & 0x80 ? value : value << 2) & 15);
}

static void page_get(struct bios *b)
{
    uint8_t mode = attr_read(b, MODE_CONTROL), page = attr_read(b, COLOUR_SELECT) & 15;

    set_lo(b, EBX, mode >> 7);
    set_hi(b, EBX, mode & 0x80 ? page : page >> 2);
}

void palette_service(struct bios *b)
{
    switch (reg_lo(b, EAX)) {
    case 0x00:
        if (reg_lo(b, EBX) <= 0x14)
            attr_write(b, reg_lo(b, EBX), reg_hi(b, EBX));
        break;
    case 0x01:
        attr_write(b, OVERSCAN, reg_hi(b, EBX));
        break;
    case 0x02:
        set_all(b);
        break;
    case 0x03:
        blink(b, reg_lo(b, EBX) & 1);
        break;
    case 0x07:
        if (reg_lo(b, EBX) <= 0x14)
            set_hi(b, EBX, attr_read(b, reg_lo(b, EBX)));
        break;
    case 0x08:
        set_hi(b, EBX, attr_read(b, OVERSCAN));
        break;
    case 0x09:
        get_all(b);
        break;
    case 0x10:
        set_one_dac(b);
        break;
    case 0x12:
        block_set(b);
        break;
    case 0x13:
        page_select(b);
        break;
    case 0x15:
        get_one_dac(b);
        break;
    case 0x17:
        block_get(b);
        break;
    case 0x18:
        out8(b, 0x3C6, reg_lo(b, EBX));
        break;
    case 0x19:
        set_lo(b, EBX, in8(b, 0x3C6));
        break;
    case 0x1A:
        page_get(b);
        break;
    case 0x1B:
        palette_grey(b, reg16(b, EBX) & 0xFF, reg16(b, ECX));
        break;
    default:
        log_guest_error(b->log, "INT 10h/10h: no function %02Xh", reg_lo(b, EAX));
        break;
    }
}
