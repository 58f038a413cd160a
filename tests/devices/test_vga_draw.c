/* The VGA's picture in every kind of mode. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vga_font.h"
#include "devices/vga_modes.h"
#include "vga_rig.h"

static struct vga_rig rig;

static void setup(void)
{
    vga_rig_start(&rig, 256 << 10);
}

static void teardown(void)
{
    vga_rig_stop(&rig);
}

static void crtc(uint8_t index, uint8_t value)
{
    vga_rig_set(&rig, 0x3D4, index, value);
}

static void cell(unsigned column, unsigned row, uint8_t c, uint8_t attr)
{
    vga_rig_poke(&rig, 0xB8000 + (row * 80 + column) * 2, c);
    vga_rig_poke(&rig, 0xB8000 + (row * 80 + column) * 2 + 1, attr);
}

static void check_pixel(unsigned x, unsigned y, uint32_t expected)
{
    uint32_t got = vga_rig_pixel(&rig, x, y);

    ck_assert_msg(got == expected, "pixel %u,%u is %06x, not %06x", x, y, got, expected);
}

static unsigned pixels_not_drawn(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < rig.width * rig.height; i++)
        count += rig.pixels[i] > 0xFFFFFF;
    return count;
}

START_TEST(sizes_are_those_scanned_out)
{
    static const struct {
        uint8_t mode;
        unsigned w, h;
    } sizes[] = {{0x01, 720, 400}, {0x03, 720, 400}, {0x04, 640, 400}, {0x06, 640, 400},
                 {0x07, 720, 400}, {0x0D, 640, 400}, {0x0E, 640, 400}, {0x0F, 640, 350},
                 {0x10, 640, 350}, {0x11, 640, 480}, {0x12, 640, 480}, {0x13, 640, 400}};
    unsigned w, h;

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        vga_rig_mode(&rig, sizes[i].mode);
        vga_size(rig.vga, &w, &h);
        ck_assert_int_eq(w, sizes[i].w);
        ck_assert_int_eq(h, sizes[i].h);
        vga_rig_draw(&rig);
        ck_assert_uint_eq(pixels_not_drawn(), 0);
    }
    vga_rig_mode(&rig, 0x03);
    vga_rig_set(&rig, 0x3C4, 1, 0x01); /* 8 dots */
    vga_size(rig.vga, &w, &h);
    ck_assert_int_eq(w, 640);
}
END_TEST

START_TEST(text_shows_the_font)
{
    vga_rig_mode(&rig, 0x03);
    cell(2, 1, 'R', 0x1E);
    vga_rig_draw(&rig);
    for (unsigned y = 0; y < 16; y++) {
        for (unsigned x = 0; x < 8; x++) {
            bool on = vga_font_8x16['R' * 16 + y] >> (7 - x) & 1;

            check_pixel(18 + x, 16 + y, on ? 0xFFFF55 : 0x0000AA);
        }
        check_pixel(26, 16 + y, 0x0000AA); /* the ninth dot */
    }
    check_pixel(27, 16, 0x000000);
}
END_TEST

START_TEST(line_graphics_fill_the_ninth_dot)
{
    vga_rig_mode(&rig, 0x03);
    cell(0, 1, 0xC4, 0x07);
    cell(2, 1, 0xDB, 0x07);
    cell(4, 1, 0xB1, 0x07);
    vga_rig_draw(&rig);
    check_pixel(8, 16 + 7, 0xAAAAAA);
    check_pixel(26, 16, 0xAAAAAA);
    for (unsigned y = 0; y < 16; y++)
        check_pixel(44, 16 + y, 0);
    vga_rig_set(&rig, 0x3C0, 0x10, 0x08);
    vga_rig_draw(&rig);
    check_pixel(8, 16 + 7, 0);
}
END_TEST

START_TEST(blinking_follows_the_frames)
{
    vga_rig_mode(&rig, 0x03);
    cell(0, 1, 0xDB, 0x87);
    vga_rig_draw(&rig);
    check_pixel(0, 16, 0xAAAAAA);
    vclock_advance(rig.board.clock, 17 * 14268000ull); /* frames of 70.09 Hz */
    vga_rig_draw(&rig);
    check_pixel(0, 16, 0x000000);
    vclock_advance(rig.board.clock, 16 * 14268000ull);
    vga_rig_draw(&rig);
    check_pixel(0, 16, 0xAAAAAA);
    vga_rig_set(&rig, 0x3C0, 0x10, 0x04); /* bright background instead */
    cell(0, 1, ' ', 0x87);
    vga_rig_draw(&rig);
    check_pixel(0, 16, 0x555555);
}
END_TEST

START_TEST(steady_pictures_do_not_blink)
{
    vga_rig_mode(&rig, 0x03);
    cell(0, 1, 0xDB, 0x87);
    cell(3, 0, ' ', 0x07);
    crtc(0x0F, 3);
    vga_rig_draw(&rig);
    check_pixel(27, 13, 0xAAAAAA); /* the cursor */
    for (unsigned i = 0; i < 3; i++) {
        vga_draw_steady(rig.vga, rig.pixels, rig.width);
        check_pixel(0, 16, 0xAAAAAA);
        check_pixel(27, 13, 0x000000);
        vclock_advance(rig.board.clock, 9 * 14268000ull);
    }
}
END_TEST

START_TEST(cursor_has_place_shape_and_phase)
{
    vga_rig_mode(&rig, 0x03);
    cell(3, 0, ' ', 0x07);
    crtc(0x0F, 3);
    vga_rig_draw(&rig);
    check_pixel(27, 12, 0x000000);
    check_pixel(27, 13, 0xAAAAAA);
    check_pixel(35, 14, 0xAAAAAA);
    check_pixel(36, 14, 0x000000);
    check_pixel(27, 15, 0x000000);
    crtc(0x0B, 0x2E); /* skewed by one character */
    cell(4, 0, ' ', 0x07);
    vga_rig_draw(&rig);
    check_pixel(27, 13, 0x000000);
    check_pixel(36, 13, 0xAAAAAA);
    crtc(0x0B, 0x0E);
    vclock_advance(rig.board.clock, 9 * 14268000ull);
    vga_rig_draw(&rig);
    check_pixel(27, 13, 0x000000);
    vclock_advance(rig.board.clock, 8 * 14268000ull);
    vga_rig_draw(&rig);
    check_pixel(27, 13, 0xAAAAAA);
    crtc(0x0A, 0x2D);
    vga_rig_draw(&rig);
    check_pixel(27, 13, 0x000000);
    crtc(0x0A, 0x0E); /* ends before it starts */
    crtc(0x0B, 0x0D);
    vga_rig_draw(&rig);
    check_pixel(27, 14, 0x000000);
}
END_TEST

START_TEST(monochrome_text_underlines)
{
    vga_rig_mode(&rig, 0x07);
    vga_rig_poke(&rig, 0xB0000 + 160, ' ');
    vga_rig_poke(&rig, 0xB0000 + 161, 0x01);
    vga_rig_draw(&rig);
    check_pixel(0, 16 + 15, 0xAAAAAA);
    check_pixel(8, 16 + 15, 0xAAAAAA);
    check_pixel(0, 16 + 14, 0);
}
END_TEST

START_TEST(second_font_by_attribute_bit_3)
{
    uint8_t glyph[16];

    vga_rig_mode(&rig, 0x03);
    memset(glyph, 0xA5, sizeof(glyph));
    vga_rig_set(&rig, 0x3C4, 2, 4);
    vga_rig_set(&rig, 0x3C4, 4, 6);
    vga_rig_set(&rig, 0x3CE, 5, 0);
    vga_rig_set(&rig, 0x3CE, 6, 4);
    phys_write(rig.board.phys, 0xA2000 + 'A' * 32, glyph, 16); /* map 4 */
    vga_rig_set(&rig, 0x3C4, 2, 3);
    vga_rig_set(&rig, 0x3C4, 4, 2);
    vga_rig_set(&rig, 0x3CE, 5, 0x10);
    vga_rig_set(&rig, 0x3CE, 6, 0x0E);
    cell(0, 0, 'A', 0x0F);
    cell(1, 0, 'A', 0x07);
    vga_rig_set(&rig, 0x3C4, 3, 0x20); /* map A (bit 3 set) 4, map B 0 */
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0xFFFFFF);
    check_pixel(1, 0, 0x000000);
    check_pixel(7, 15, 0xFFFFFF);
    check_pixel(9, 0, 0x000000); /* the first font's A is blank there */
}
END_TEST

START_TEST(start_address_and_panning_move_text)
{
    vga_rig_mode(&rig, 0x03);
    cell(1, 1, 0xDB, 0x04);
    crtc(0x0D, 80);
    vga_rig_draw(&rig);
    check_pixel(9, 0, 0xAA0000);
    check_pixel(8, 0, 0);
    vga_rig_set(&rig, 0x3C0, 0x13, 2); /* three dots */
    vga_rig_draw(&rig);
    check_pixel(5, 0, 0);
    check_pixel(6, 0, 0xAA0000);
    crtc(0x08, 0x20 | 4); /* one byte more, and four rows up */
    vga_rig_set(&rig, 0x3C0, 0x13, 8);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0xAA0000);
    check_pixel(0, 11, 0xAA0000);
    check_pixel(0, 12, 0);
}
END_TEST

START_TEST(line_compare_splits_the_screen)
{
    vga_rig_mode(&rig, 0x03);
    cell(0, 0, 0xDB, 0x02);
    cell(0, 5, 0xDB, 0x04);
    crtc(0x0C, 0x01);
    crtc(0x0D, 0x90); /* row 5 */
    crtc(0x07, 0x1F); /* bit 8 of line compare: 100h + 2Bh */
    crtc(0x09, 0x0F); /* bit 9 clear */
    crtc(0x18, 0x2B);
    vga_rig_set(&rig, 0x3C0, 0x13, 3);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0xAA0000);
    check_pixel(4, 0, 0xAA0000);
    check_pixel(5, 0, 0);
    check_pixel(0, 299, 0);
    check_pixel(0, 300, 0x00AA00);
    check_pixel(5, 300, 0);
    check_pixel(0, 315, 0x00AA00);
    check_pixel(0, 316, 0);
    vga_rig_set(&rig, 0x3C0, 0x10, 0x2C); /* panning of the upper part alone */
    vga_rig_draw(&rig);
    check_pixel(8, 300, 0x00AA00);
    check_pixel(5, 0, 0);
}
END_TEST

START_TEST(planar_16_colours)
{
    vga_rig_mode(&rig, 0x12);
    vga_rig_set(&rig, 0x3C4, 2, 0x0C);
    vga_rig_poke(&rig, 0xA0000 + 479 * 80 + 79, 0x03);
    vga_rig_draw(&rig);
    check_pixel(638, 479, 0xFF5555);
    check_pixel(639, 479, 0xFF5555);
    check_pixel(637, 479, 0);
    vga_rig_set(&rig, 0x3C0, 0x12, 0x04);
    vga_rig_draw(&rig);
    check_pixel(639, 479, 0xAA0000);
    vga_rig_set(&rig, 0x3C0, 0x13, 1);
    vga_rig_draw(&rig);
    check_pixel(637, 479, 0xAA0000);
}
END_TEST

START_TEST(low_resolution_planes_are_doubled)
{
    vga_rig_mode(&rig, 0x0D);
    vga_rig_set(&rig, 0x3C4, 2, 0x01);
    vga_rig_poke(&rig, 0xA0000 + 40, 0x40); /* pixel 1,1 */
    vga_rig_draw(&rig);
    for (unsigned y = 2; y < 4; y++) {
        check_pixel(1, y, 0);
        check_pixel(2, y, 0x0000AA);
        check_pixel(3, y, 0x0000AA);
        check_pixel(4, y, 0);
    }
    check_pixel(2, 1, 0);
    check_pixel(2, 4, 0);
}
END_TEST

START_TEST(cga_four_colours_interleave_lines)
{
    vga_rig_mode(&rig, 0x04);
    vga_rig_poke(&rig, 0xB8000, 0x1B);          /* 0 1 2 3 */
    vga_rig_poke(&rig, 0xB8001, 0xC0);          /* pixel 4 of line 0 */
    vga_rig_poke(&rig, 0xB8000 + 0x2000, 0x80); /* line 1 */
    vga_rig_poke(&rig, 0xB8000 + 80, 0x40);     /* line 2 */
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0);
    check_pixel(2, 0, 0x55FFFF);
    check_pixel(4, 0, 0xFF55FF);
    check_pixel(6, 1, 0xFFFFFF);
    check_pixel(8, 1, 0xFFFFFF);
    check_pixel(0, 2, 0xFF55FF);
    check_pixel(0, 3, 0xFF55FF);
    check_pixel(0, 4, 0x55FFFF);
}
END_TEST

START_TEST(cga_two_colours)
{
    vga_rig_mode(&rig, 0x06);
    vga_rig_poke(&rig, 0xB8000 + 79, 0x01);
    vga_rig_poke(&rig, 0xB8000 + 0x2000, 0x80);
    vga_rig_draw(&rig);
    check_pixel(639, 0, 0xFFFFFF);
    check_pixel(638, 0, 0);
    check_pixel(0, 2, 0xFFFFFF);
    check_pixel(0, 4, 0);
}
END_TEST

START_TEST(monochrome_graphics_blink)
{
    vga_rig_mode(&rig, 0x0F);
    vga_rig_set(&rig, 0x3C4, 2, 0x04);
    vga_rig_poke(&rig, 0xA0000, 0x80); /* plane 2 alone: blinking */
    vga_rig_set(&rig, 0x3C4, 2, 0x01);
    vga_rig_poke(&rig, 0xA0000, 0x40);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0xFFFFFF);
    check_pixel(1, 0, 0xAAAAAA);
    vclock_advance(rig.board.clock, 17 * 14268000ull);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0);
    check_pixel(1, 0, 0xAAAAAA);
}
END_TEST

START_TEST(chain_4_shows_256_colours)
{
    vga_rig_mode(&rig, 0x13);
    for (unsigned x = 0; x < 320; x++)
        vga_rig_poke(&rig, 0xA0000 + 199 * 320 + x, x);
    vga_rig_out(&rig, 0x3C8, 0xC8);
    vga_rig_out(&rig, 0x3C9, 0x3F);
    vga_rig_out(&rig, 0x3C9, 0x20);
    vga_rig_out(&rig, 0x3C9, 0x01);
    vga_rig_draw(&rig);
    check_pixel(400, 399, 0xFF8204);
    check_pixel(401, 398, 0xFF8204);
    check_pixel(2, 398, 0x0000AA);
    check_pixel(0, 397, 0);
    vga_rig_out(&rig, 0x3C6, 0x0F); /* pixel mask */
    vga_rig_draw(&rig);
    check_pixel(400, 399, 0x555555);
    vga_rig_out(&rig, 0x3C6, 0xFF);
    vga_rig_set(&rig, 0x3C0, 0x13, 4); /* two pixels */
    vga_rig_draw(&rig);
    check_pixel(396, 399, 0xFF8204);
}
END_TEST

START_TEST(unchained_mode_pages_and_taller)
{
    vga_rig_mode(&rig, 0x13);
    vga_rig_set(&rig, 0x3C4, 4, 0x06);
    crtc(0x14, 0x00);
    crtc(0x17, 0xE3);
    crtc(0x09, 0x40); /* 400 lines */
    vga_rig_set(&rig, 0x3C4, 2, 0x08);
    vga_rig_poke(&rig, 0xA0000 + 0x8000 + 399 * 80 + 79, 0x0E);
    crtc(0x0C, 0x80);
    vga_rig_draw(&rig);
    check_pixel(638, 399, 0xFFFF55);
    check_pixel(639, 399, 0xFFFF55);
    check_pixel(637, 399, 0);
    check_pixel(638, 398, 0);
}
END_TEST

START_TEST(picture_survives_a_visit_to_unchained_memory)
{
    vga_rig_mode(&rig, 0x13);
    vga_rig_poke(&rig, 0xA0000 + 320 * 100 + 8, 0x0C);
    vga_rig_set(&rig, 0x3C4, 4, 0x06);
    vga_rig_draw(&rig);
    check_pixel(16, 200, 0xFF5555);
    vga_rig_set(&rig, 0x3C4, 4, 0x0E);
    vga_rig_draw(&rig);
    check_pixel(16, 200, 0xFF5555);
}
END_TEST

START_TEST(screen_goes_dark)
{
    vga_rig_mode(&rig, 0x13);
    vga_rig_poke(&rig, 0xA0000, 15);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0xFFFFFF);
    vga_rig_set(&rig, 0x3C4, 1, 0x21);
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0);
    vga_rig_set(&rig, 0x3C4, 1, 0x01);
    vga_rig_in(&rig, 0x3DA);
    vga_rig_out(&rig, 0x3C0, 0x00); /* palette taken from the screen */
    vga_rig_draw(&rig);
    check_pixel(0, 0, 0);
}
END_TEST

START_TEST(text_is_read_out)
{
    struct vga_text *t = malloc(sizeof(*t));

    vga_rig_mode(&rig, 0x03);
    cell(79, 24, 'x', 0x70);
    cell(0, 25, 'y', 0x07);
    crtc(0x0E, 0x07);
    crtc(0x0F, 0xCF);
    vga_text(rig.vga, t);
    ck_assert(t->text_mode);
    ck_assert_int_eq(t->columns, 80);
    ck_assert_int_eq(t->rows, 25);
    ck_assert_int_eq(t->cells[24 * 80 + 79], 0x7078);
    ck_assert_int_eq(t->cursor_x, 79);
    ck_assert_int_eq(t->cursor_y, 24);
    ck_assert(t->cursor_visible);
    crtc(0x0D, 80);
    vga_text(rig.vga, t);
    ck_assert_int_eq(t->cells[24 * 80], 0x0779);
    ck_assert_int_eq(t->cursor_y, 23);
    crtc(0x09, 0x47); /* 8 lines a row */
    crtc(0x0A, 0x20);
    vga_text(rig.vga, t);
    ck_assert_int_eq(t->rows, 50);
    ck_assert(!t->cursor_visible);
    vga_rig_mode(&rig, 0x12);
    vga_text(rig.vga, t);
    ck_assert(!t->text_mode);
    free(t);
}
END_TEST

START_TEST(hostile_registers_draw_something)
{
    static const uint16_t ports[4] = {0x3C4, 0x3CE, 0x3D4, 0x3C0};
    struct vga_text *t = malloc(sizeof(*t));
    uint32_t random = 1;

    for (unsigned round = 0; round < 24; round++) {
        vga_rig_mode(&rig, round % 2 ? 0x03 : 0x13);
        for (unsigned i = 0; i < 20; i++) {
            random = random * 1664525 + 1013904223;
            vga_rig_set(&rig, ports[random >> 30], random >> 8 & 31, random >> 16);
        }
        vga_rig_draw(&rig);
        vga_text(rig.vga, t);
        vga_rig_in(&rig, 0x3DA);
        ck_assert_uint_eq(pixels_not_drawn(), 0);
    }
    free(t);
}
END_TEST

START_TEST(default_palettes_follow_their_rules)
{
    uint8_t c[768];

    vga_default_palette(VGA_DAC_EGA64, c);
    ck_assert_mem_eq(c + 0x14 * 3, "\x2A\x15\x00", 3); /* brown */
    ck_assert_mem_eq(c + 0x3F * 3, "\x3F\x3F\x3F", 3);
    vga_default_palette(VGA_DAC_CGA16, c);
    ck_assert_mem_eq(c + 0x06 * 3, "\x2A\x15\x00", 3);
    ck_assert_mem_eq(c + 0x16 * 3, "\x3F\x3F\x15", 3);
    vga_default_palette(VGA_DAC_MONO, c);
    ck_assert_mem_eq(c + 0x08 * 3, "\x2A\x2A\x2A", 3);
    vga_default_palette(VGA_DAC_VGA256, c);
    ck_assert_mem_eq(c + 0x1F * 3, "\x3F\x3F\x3F", 3);
    ck_assert_mem_eq(c + 0x20 * 3, "\x00\x00\x3F", 3);
    ck_assert_mem_eq(c + 0x24 * 3, "\x3F\x00\x3F", 3);
    ck_assert_mem_eq(c + 0x28 * 3, "\x3F\x00\x00", 3);
    ck_assert_mem_eq(c + 0x2C * 3, "\x3F\x3F\x00", 3);
    ck_assert_mem_eq(c + 0x30 * 3, "\x00\x3F\x00", 3);
    ck_assert_mem_eq(c + 0x34 * 3, "\x00\x3F\x3F", 3);
    ck_assert_mem_eq(c + 0x37 * 3, "\x00\x10\x3F", 3);
    ck_assert_mem_eq(c + 0x38 * 3, "\x1F\x1F\x3F", 3);
    ck_assert_mem_eq(c + 0xF7 * 3, "\x0B\x0C\x10", 3);
    ck_assert_mem_eq(c + 0xF8 * 3, "\x00\x00\x00", 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_draw");
    TCase *tc = tcase_create("picture");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, sizes_are_those_scanned_out);
    tcase_add_test(tc, text_shows_the_font);
    tcase_add_test(tc, line_graphics_fill_the_ninth_dot);
    tcase_add_test(tc, blinking_follows_the_frames);
    tcase_add_test(tc, steady_pictures_do_not_blink);
    tcase_add_test(tc, cursor_has_place_shape_and_phase);
    tcase_add_test(tc, monochrome_text_underlines);
    tcase_add_test(tc, second_font_by_attribute_bit_3);
    tcase_add_test(tc, start_address_and_panning_move_text);
    tcase_add_test(tc, line_compare_splits_the_screen);
    tcase_add_test(tc, planar_16_colours);
    tcase_add_test(tc, low_resolution_planes_are_doubled);
    tcase_add_test(tc, cga_four_colours_interleave_lines);
    tcase_add_test(tc, cga_two_colours);
    tcase_add_test(tc, monochrome_graphics_blink);
    tcase_add_test(tc, chain_4_shows_256_colours);
    tcase_add_test(tc, unchained_mode_pages_and_taller);
    tcase_add_test(tc, picture_survives_a_visit_to_unchained_memory);
    tcase_add_test(tc, screen_goes_dark);
    tcase_add_test(tc, text_is_read_out);
    tcase_add_test(tc, hostile_registers_draw_something);
    tcase_add_test(tc, default_palettes_follow_their_rules);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
