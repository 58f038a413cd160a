/* INT 10h against a real VGA: what a service draws is what the next one finds, and the adapter
 * shows it. */
#include "rig.h"

#include "bios/video.h"
#include "devices/vga_font.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, 4, 0, 0);
    rig_post(&rig);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static uint16_t call(uint16_t ax, uint16_t bx, uint32_t cx, uint16_t dx)
{
    rig_call(&rig, TRAP_INT10, ax, bx, cx, dx);
    return rig.cpu->gpr[EAX];
}

static uint16_t cell(unsigned row, unsigned column)
{
    return lin16(rig.bios, 0xB8000 + (row * 80 + column) * 2);
}

static void print(const char *text)
{
    for (; *text; text++)
        call(0x0E00 | (uint8_t)*text, 7, 0, 0);
}

START_TEST(test_modes)
{
    static const struct {
        uint8_t mode;
        unsigned width, height, columns;
        bool text;
    } modes[] = {
        {0x01, 0, 400, 40, true},    {0x03, 720, 400, 80, true},  {0x04, 640, 400, 40, false},
        {0x06, 640, 400, 80, false}, {0x07, 720, 400, 80, true},  {0x0D, 640, 400, 40, false},
        {0x0E, 640, 400, 80, false}, {0x10, 640, 350, 80, false}, {0x11, 640, 480, 80, false},
        {0x12, 640, 480, 80, false}, {0x13, 640, 400, 40, false},
    };

    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        static struct vga_text text;
        unsigned width, height;

        call(modes[i].mode, 0, 0, 0);
        vga_size(rig.vga, &width, &height);
        vga_text(rig.vga, &text);
        if (modes[i].width)
            ck_assert_uint_eq(width, modes[i].width);
        ck_assert_uint_eq(height, modes[i].height);
        ck_assert_int_eq(text.text_mode, modes[i].text);
        ck_assert_uint_eq(call(0x0F00, 0, 0, 0), modes[i].columns << 8 | modes[i].mode);
    }
    call(0x0008, 0, 0, 0); /* there is none */
    ck_assert_uint_eq(call(0x0F00, 0, 0, 0), 40 << 8 | 0x13);
}
END_TEST

START_TEST(test_teletype)
{
    call(0x0003, 0, 0, 0);
    print("AB\r\nC\bD");
    ck_assert_uint_eq(cell(0, 0), 0x0741);
    ck_assert_uint_eq(cell(0, 1), 0x0742);
    ck_assert_uint_eq(cell(1, 0), 0x0744);
    call(0x0300, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0101);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x0607);
    ck_assert_uint_eq(crtc_read(rig.bios, 0x0F), 81);
    call(0x0200, 0, 0, 24 << 8 | 79);
    print("XY"); /* over the corner: the screen scrolls */
    ck_assert_uint_eq(cell(0, 0), 0x0744);
    ck_assert_uint_eq(cell(23, 79), 0x0758);
    ck_assert_uint_eq(cell(24, 0), 0x0759);
    ck_assert_uint_eq(cell(24, 1), 0x0720);
}
END_TEST

START_TEST(test_characters)
{
    call(0x0003, 0, 0, 0);
    call(0x0200, 0, 0, 5 << 8 | 10);
    call(0x0941, 0x001E, 3, 0);
    ck_assert_uint_eq(cell(5, 10), 0x1E41);
    ck_assert_uint_eq(cell(5, 12), 0x1E41);
    ck_assert_uint_eq(cell(5, 13), 0x0720);
    call(0x0A42, 0x0055, 1, 0);
    ck_assert_uint_eq(call(0x0800, 0, 0, 0), 0x1E42);
    call(0x0300, 0, 0, 0); /* the cursor has not moved */
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 5 << 8 | 10);
    lin_write(rig.bios, RIG_BUFFER, "H\x4Fi\x1F", 4);
    rig.cpu->gpr[EBP] = 0;
    rig_call(&rig, TRAP_STRING_INIT, 0x1303, 0, 2, 7 << 8 | 3);
    do {
        rig_trap(&rig, TRAP_STRING);
    } while (rig_live_carry(&rig));
    ck_assert_uint_eq(cell(7, 3), 0x4F48);
    ck_assert_uint_eq(cell(7, 4), 0x1F69);
}
END_TEST

START_TEST(test_scroll)
{
    call(0x0003, 0, 0, 0);
    for (unsigned row = 0; row < 25; row++) {
        call(0x0200, 0, 0, row << 8 | 20);
        call(0x0941 + row, 7, 1, 0);
    }
    call(0x0602, 0x7000, 2 << 8 | 10, 6 << 8 | 30); /* rows 2..6 up by two */
    ck_assert_uint_eq(cell(1, 20) & 0xFF, 'B');
    ck_assert_uint_eq(cell(2, 20) & 0xFF, 'E');
    ck_assert_uint_eq(cell(4, 20) & 0xFF, 'G');
    ck_assert_uint_eq(cell(5, 20), 0x7020);
    ck_assert_uint_eq(cell(7, 20) & 0xFF, 'H');
    ck_assert_uint_eq(cell(5, 31), 0x0720);
    call(0x0701, 0x0700, 2 << 8 | 10, 4 << 8 | 30);
    ck_assert_uint_eq(cell(2, 20), 0x0720);
    ck_assert_uint_eq(cell(3, 20) & 0xFF, 'E');
    call(0x0600, 0x1700, 0, 24 << 8 | 79);
    ck_assert_uint_eq(cell(24, 79), 0x1720);
    call(0x06FF, 0x1700, 0xFFFF, 0); /* nonsense windows do nothing */
    call(0x0601, 0x2700, 0, 0xFFFF);
    ck_assert_uint_eq(cell(24, 79), 0x2720);
}
END_TEST

START_TEST(test_pages)
{
    call(0x0003, 0, 0, 0);
    call(0x0501, 0, 0, 0);
    ck_assert_uint_eq(crtc_read(rig.bios, 0x0C) << 8 | crtc_read(rig.bios, 0x0D), 0x800);
    print("P");
    ck_assert_uint_eq(lin16(rig.bios, 0xB9000), 0x0750);
    call(0x0F00, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] >> 8 & 0xFF, 1);
}
END_TEST

/* Characters in graphics are read back by their pixels, in every layout. */
START_TEST(test_graphics_characters)
{
    static const uint8_t modes[] = {0x04, 0x06, 0x0D, 0x0E, 0x10, 0x11, 0x12, 0x13};

    for (unsigned i = 0; i < sizeof modes; i++) {
        call(modes[i], 0, 0, 0);
        call(0x0200, 0, 0, 3 << 8 | 7);
        call(0x0951, 0x0003, 2, 0);
        ck_assert_uint_eq(call(0x0800, 0, 0, 0) & 0xFF, 'Q');
        call(0x0200, 0, 0, 3 << 8 | 8);
        ck_assert_uint_eq(call(0x0800, 0, 0, 0) & 0xFF, 'Q');
        call(0x0601, 0, 0, 24 << 8 | 39);
        call(0x0200, 0, 0, 2 << 8 | 7);
        ck_assert_uint_eq(call(0x0800, 0, 0, 0) & 0xFF, 'Q');
        call(0x0701, 0, 0, 24 << 8 | 39);
        call(0x0200, 0, 0, 3 << 8 | 7);
        ck_assert_uint_eq(call(0x0800, 0, 0, 0) & 0xFF, 'Q');
        if (modes[i] == 0x13)
            continue;
        call(0x0951, 0x0083, 1, 0); /* XOR of the same: gone */
        ck_assert_uint_ne(call(0x0800, 0, 0, 0) & 0xFF, 'Q');
    }
}
END_TEST

START_TEST(test_pixels)
{
    static const struct {
        uint8_t mode, colour;
        uint16_t x, y;
    } pixels[] = {{0x04, 2, 319, 199},
                  {0x06, 1, 639, 101},
                  {0x0D, 9, 13, 77},
                  {0x12, 11, 639, 479},
                  {0x13, 200, 319, 199}};

    for (unsigned i = 0; i < sizeof pixels / sizeof pixels[0]; i++) {
        call(pixels[i].mode, 0, 0, 0);
        call(0x0C00 | pixels[i].colour, 0, pixels[i].x, pixels[i].y);
        ck_assert_uint_eq(call(0x0D00, 0, pixels[i].x, pixels[i].y) & 0xFF, pixels[i].colour);
        ck_assert_uint_eq(call(0x0D00, 0, pixels[i].x - 1, pixels[i].y) & 0xFF, 0);
        call(0x0C01, 0, 0xFFFF, 0xFFFF);
        ck_assert_uint_eq(call(0x0D00, 0, 0xFFFF, 0xFFFF) & 0xFF, 0);
    }
    ck_assert_uint_eq(lin8(rig.bios, 0xA0000 + 199 * 320 + 319), 200);
}
END_TEST

START_TEST(test_palette)
{
    call(0x0003, 0, 0, 0);
    call(0x1000, 0x3F07, 0, 0);
    call(0x1007, 7, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] >> 8 & 0xFF, 0x3F);
    call(0x1010, 100, 11 << 8 | 12, 10 << 8);
    call(0x1015, 100, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] >> 8 & 0xFF, 10);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 11 << 8 | 12);
    call(0x101B, 100, 1, 0);
    call(0x1015, 100, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] >> 8 & 0xFF, rig.cpu->gpr[ECX] & 0xFF);
    call(0x1009, 0, 0, 0);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 7), 0x3F);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 6), 0x14);
}
END_TEST

START_TEST(test_fonts)
{
    static struct vga_text text;

    call(0x0003, 0, 0, 0);
    call(0x1112, 0, 0, 0);
    vga_text(rig.vga, &text);
    ck_assert_uint_eq(text.rows, 50);
    ck_assert_uint_eq(bda8(rig.bios, 0x84), 49);
    call(0x0200, 0, 0, 49 << 8);
    print("Z");
    ck_assert_uint_eq(cell(49, 0), 0x075A);
    call(0x1130, 0x0600, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 8);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFF, 49);
    ck_assert_uint_eq(
        lin8(rig.bios, rig.cpu->seg[SEG_ES].base + (uint16_t)rig.cpu->gpr[EBP] + 'A' * 16 + 8),
        vga_font_8x16['A' * 16 + 8]);
    call(0x1202, 0x0030, 0, 0);
    call(0x1201, 0x0030, 0, 0); /* 350 lines from the next mode on */
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 0x12);
    call(0x0003, 0, 0, 0);
    vga_text(rig.vga, &text);
    ck_assert_uint_eq(text.rows, 25);
    ck_assert_uint_eq(bda16(rig.bios, 0x85), 14);
    call(0x1112, 0, 0, 0);
    ck_assert_uint_eq(bda8(rig.bios, 0x84), 42);
    call(0x1200, 0x0030, 0, 0);
    call(0x0003, 0, 0, 0);
    vga_text(rig.vga, &text);
    ck_assert_uint_eq(text.rows, 25);
    ck_assert_uint_eq(bda16(rig.bios, 0x85), 8);
}
END_TEST

START_TEST(test_state)
{
    uint8_t before[80];

    call(0x1A00, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 0x1A);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x0008);
    call(0x1200, 0x0010, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x0003);
    rig.cpu->gpr[EDI] = 0;
    call(0x1B00, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 0x1B);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 4), 3);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 34), 25);
    /* saved in one mode, restored in another */
    call(0x0003, 0, 0, 0);
    for (int i = 0; i < 25; i++)
        before[i] = crtc_read(rig.bios, i);
    call(0x1C00, 0, 7, 0);
    ck_assert_uint_le(rig.cpu->gpr[EBX] & 0xFFFF, 32);
    call(0x1C01, 0x1000, 7, 0);
    call(0x0013, 0, 0, 0);
    call(0x1C02, 0x1000, 7, 0);
    for (int i = 0; i < 25; i++)
        ck_assert_uint_eq(crtc_read(rig.bios, i), before[i]);
    ck_assert_uint_eq(bda8(rig.bios, 0x49), 3);
}
END_TEST

/* What function 01h said of MODE is what setting it makes of the screen. */
static void check_mode_info(uint16_t mode)
{
    static struct vga_text text;
    uint16_t attributes = lin16(rig.bios, RIG_BUFFER), line = lin16(rig.bios, RIG_BUFFER + 16);
    unsigned width = lin16(rig.bios, RIG_BUFFER + 18), height = lin16(rig.bios, RIG_BUFFER + 20);
    unsigned bpp = lin8(rig.bios, RIG_BUFFER + 25), drawn_width, drawn_height;
    uint32_t linear = lin32(rig.bios, RIG_BUFFER + 40), window = lin32(rig.bios, RIG_BUFFER + 12);

    ck_assert_uint_eq(attributes & 0x0B, 0x0B);
    ck_assert_uint_eq(linear, attributes & 0x80 ? bios_frame_buffer(rig.bios) : 0);
    ck_assert_uint_eq(call(0x4F02, mode, 0, 0), 0x004F);
    call(0x4F03, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, mode);
    vga_text(rig.vga, &text);
    vga_size(rig.vga, &drawn_width, &drawn_height);
    if (!(attributes & 0x10)) {
        ck_assert(text.text_mode);
        ck_assert_uint_eq(text.columns, width);
        ck_assert_uint_eq(text.rows, height);
        ck_assert_uint_eq(line, width * 2);
        ck_assert_uint_eq(drawn_width, width * 8);
        ck_assert_uint_eq(drawn_height, height * lin8(rig.bios, RIG_BUFFER + 23));
        ck_assert_uint_eq(call(0x4F05, 0x0100, 0, 0), 0x034F);
        print("\r\nVBE");
        ck_assert_uint_eq(lin16(rig.bios, 0xB8000 + width * 2 + 4), 0x0745);
        return;
    }
    /* mov ax, 4F05h; int 10h */
    ck_assert_uint_eq(lin32(rig.bios, (window >> 16) * 16 + (window & 0xFFFF)), 0xCD4F05B8);
    ck_assert_uint_eq(drawn_width, width);
    ck_assert_uint_eq(drawn_height, height);
    ck_assert_uint_eq(line, bpp == 4 ? width / 8 : width * ((bpp + 7) / 8));
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 24), bpp == 4 ? 4 : 1);
    ck_assert_uint_eq(call(0x4F06, 1, 0, 0), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, line);
    ck_assert_uint_eq(call(0x4F02, mode | 0x4000, 0, 0), linear ? 0x004F : 0x014F);
}

/* Timings from a block at ES:DI, the start of the display by its address, clocks. */
START_TEST(test_vbe3)
{
    enum { CRTC = 0x800 };

    rig.cpu->gpr[EDI] = 0;
    ck_assert_uint_eq(call(0x4F01, 0, 0x112, 0), 0x004F);
    ck_assert_uint_eq(lin16(rig.bios, RIG_BUFFER + 50), 640 * 3);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 53), lin8(rig.bios, RIG_BUFFER + 29));
    for (unsigned i = 0; i < 8; i++)
        ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 54 + i),
                          lin8(rig.bios, RIG_BUFFER + 31 + i));
    uint32_t most = lin32(rig.bios, RIG_BUFFER + 62);
    ck_assert_uint_ge(most, 162000000);
    for (unsigned i = 0; i < 4; i++)
        set_lin8(rig.bios, RIG_BUFFER + CRTC + 13 + i, (uint8_t)(31500000 >> 8 * i));
    rig.cpu->gpr[EDI] = CRTC;
    ck_assert_uint_eq(call(0x4F02, 0xC912, 0, 0), 0x004F);
    call(0x4F03, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0xC112);
    set_lin8(rig.bios, RIG_BUFFER + CRTC + 16, 0x7F);
    ck_assert_uint_eq(call(0x4F02, 0x4912, 0, 0), 0x014F);
    ck_assert_uint_eq(call(0x4F07, 0x82, 640 * 3 * 7 + 30, 0), 0x004F);
    ck_assert_uint_eq(call(0x4F07, 0x04, 0, 0), 0x004F);
    ck_assert_uint_ne(rig.cpu->gpr[ECX] & 0xFFFF, 0);
    call(0x4F07, 0x01, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 10);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 7);
    ck_assert_uint_eq(call(0x4F07, 0x02, 0x7FFFFFFF, 0), 0x014F);
    ck_assert_uint_eq(call(0x4F0B, 0, 31500000, 0x112), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[ECX], 31500000);
    ck_assert_uint_eq(call(0x4F0B, 0, 0xFFFFFFFF, 0x112), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[ECX], most);
    ck_assert_uint_eq(call(0x4F0B, 0, 31500000, 0x1FF), 0x014F);
}
END_TEST

/* Saved in one mode, restored in another: the picture is the first again. */
START_TEST(test_vbe_state)
{
    unsigned width, height;

    call(0x4F02, 0x4112, 0, 0);
    call(0x4F04, 0, 0x0F, 0);
    ck_assert_uint_gt(rig.cpu->gpr[EBX] & 0xFFFF, 1);
    ck_assert_uint_eq(call(0x4F04, 0x1000, 0x0F, 1), 0x004F);
    call(0x0003, 0, 0, 0);
    ck_assert_uint_eq(call(0x4F04, 0x1000, 0x0F, 2), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x1000);
    vga_size(rig.vga, &width, &height);
    ck_assert_uint_eq(width, 640);
    ck_assert_uint_eq(height, 480);
    call(0x4F03, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x4112);
    ck_assert_uint_eq(call(0x4F04, 0x1000, 0x0F, 3), 0x014F);
}
END_TEST

/* The monitor's EDID is that of the card; without one there is no DDC. */
START_TEST(test_monitor)
{
    rig.cpu->gpr[EDI] = 0;
    vga_set_monitor(rig.vga, 1920, 1080);
    ck_assert_uint_eq(call(0x4F15, 1, 0, 0), 0x004F);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 56), 1920 & 0xFF);
    vga_set_monitor(rig.vga, 0, 0);
    ck_assert_uint_eq(call(0x4F15, 0, 0, 0), 0x014F);
}
END_TEST

START_TEST(test_power)
{
    ck_assert_uint_eq(call(0x4F10, 0, 0, 0), 0x004F);
    ck_assert_uint_eq(call(0x4F10, 0x0401, 0, 0), 0x004F);
    ck_assert_uint_eq(call(0x4F10, 2, 0, 0), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] >> 8 & 0xFF, 4);
    call(0x4F10, 1, 0, 0);
    call(0x4F10, 2, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] >> 8 & 0xFF, 0);
}
END_TEST

START_TEST(test_vbe)
{
    uint32_t list;
    uint16_t mode;
    int modes = 0;

    rig.cpu->gpr[EDI] = 0;
    ck_assert_uint_eq(call(0x4F00, 0, 0, 0), 0x004F);
    ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER), 0x41534556);
    ck_assert_uint_eq(lin16(rig.bios, RIG_BUFFER + 4), 0x0300);
    list = lin32(rig.bios, RIG_BUFFER + 14);
    list = (list >> 16) * 16 + (list & 0xFFFF);
    for (; (mode = lin16(rig.bios, list)) != 0xFFFF; list += 2, modes++) {
        ck_assert_uint_eq(call(0x4F01, 0, mode, 0), 0x004F);
        check_mode_info(mode);
    }
    ck_assert_int_ge(modes, 40);
    ck_assert_uint_eq(call(0x4F02, 0x4112, 0, 0), 0x004F);
    unsigned width, height;
    vga_size(rig.vga, &width, &height);
    ck_assert_uint_eq(width, 640);
    ck_assert_uint_eq(height, 480);
    call(0x4F03, 0, 0, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x4112);
    ck_assert_uint_eq(call(0x4F06, 1, 0, 0), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 640 * 3);
    ck_assert_uint_eq(call(0x4F02, 0x0101, 0, 0), 0x004F);
    ck_assert_uint_eq(call(0x4F05, 0, 0, 2), 0x004F);
    set_lin8(rig.bios, 0xA0000, 0x5C);
    call(0x4F05, 0, 0, 0);
    ck_assert_uint_eq(lin8(rig.bios, 0xA0000), 0);
    call(0x4F05, 0, 0, 2);
    ck_assert_uint_eq(lin8(rig.bios, 0xA0000), 0x5C);
    ck_assert_uint_eq(call(0x4F02, 0x01FF, 0, 0), 0x014F);
    ck_assert_uint_eq(call(0x4F02, 0x0003, 0, 0), 0x004F);
    ck_assert_uint_eq(cell(3, 3), 0x0720);
    /* The 32-bit interface: three entries and a list of ports within the code. */
    ck_assert_uint_eq(call(0x4F0A, 0, 0, 0), 0x004F);
    uint32_t pm = 0xF0000 + (rig.cpu->gpr[EDI] & 0xFFFF), bytes = rig.cpu->gpr[ECX] & 0xFFFF;
    ck_assert_uint_eq(rig.cpu->seg[SEG_ES].base, 0xF0000);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_uint_lt(lin16(rig.bios, pm + 2 * i), bytes);
    ck_assert_uint_eq(lin16(rig.bios, pm + lin16(rig.bios, pm + 6)), 0x1CE);
    ck_assert_uint_eq(call(0x4F0A, 1, 0, 0), 0x014F);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    rig.cpu->gpr[EDI] = 0;
    ck_assert_uint_eq(call(0x4F15, 0, 0, 0), 0x004F);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 3, 2);
    uint8_t sum = 0;
    ck_assert_uint_eq(call(0x4F15, 1, 0, 0), 0x004F);
    for (int i = 0; i < 128; i++)
        sum += lin8(rig.bios, RIG_BUFFER + i);
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER + 4), 0x00FFFFFF);
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 56) | (lin8(rig.bios, RIG_BUFFER + 58) & 0xF0)
                                                            << 4,
                      1024); /* of the preferred timing */
    ck_assert_uint_eq(
        lin8(rig.bios, RIG_BUFFER + 59) | (lin8(rig.bios, RIG_BUFFER + 61) & 0xF0) << 4, 768);
}
END_TEST

START_TEST(test_hostile)
{
    uint32_t x = 4711;

    for (int i = 0; i < 3000; i++) {
        uint32_t r[4];

        for (int k = 0; k < 4; k++)
            r[k] = x = x * 1664525 + 1013904223;
        rig.cpu->gpr[EDI] = r[1] ^ r[2];
        r[0] = (r[0] >> 16 & 0x1F00) | (r[0] >> 8 & 0x1F);
        if ((r[0] >> 8) == 0 && i % 8)
            continue;
        call(r[0], r[1], r[2] & 0xFF3F, r[3]);
        if (i % 10 == 0) /* a damaged data area */
            set_bda8(rig.bios, 0x49 + (x >> 8) % 0x60, x >> 24);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("video");
    TCase *t = tcase_create("video");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_modes);
    tcase_add_test(t, test_teletype);
    tcase_add_test(t, test_characters);
    tcase_add_test(t, test_scroll);
    tcase_add_test(t, test_pages);
    tcase_add_test(t, test_graphics_characters);
    tcase_add_test(t, test_pixels);
    tcase_add_test(t, test_palette);
    tcase_add_test(t, test_fonts);
    tcase_add_test(t, test_state);
    tcase_add_test(t, test_vbe);
    tcase_add_test(t, test_vbe3);
    tcase_add_test(t, test_vbe_state);
    tcase_add_test(t, test_monitor);
    tcase_add_test(t, test_power);
    tcase_add_test(t, test_hostile);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
