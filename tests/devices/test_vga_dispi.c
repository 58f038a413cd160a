/* The Bochs display interface: registers, banked and linear memory, pictures. */
#include <check.h>
#include <stdlib.h>

#include "vga_rig.h"

enum { XRES = 1, YRES, BPP, ENABLE, BANK, VIRT_WIDTH, VIRT_HEIGHT, X_OFFSET, Y_OFFSET, MEMORY };
#define LFB 0xE0000000u

static struct vga_rig rig;

static void setup(void)
{
    vga_rig_start(&rig, 4 << 20);
    vga_rig_mode(&rig, 0x03);
}

static void teardown(void)
{
    vga_rig_stop(&rig);
}

static void set_mode(unsigned w, unsigned h, unsigned bpp)
{
    vga_rig_dispi(&rig, ENABLE, 0);
    vga_rig_dispi(&rig, XRES, w);
    vga_rig_dispi(&rig, YRES, h);
    vga_rig_dispi(&rig, BPP, bpp);
    vga_rig_dispi(&rig, ENABLE, 0x41);
}

START_TEST(identifies_itself)
{
    ck_assert_int_eq(vga_rig_dispi_get(&rig, 0), 0xB0C5);
    vga_rig_dispi(&rig, 0, 0xB0C2);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, 0), 0xB0C2);
    vga_rig_dispi(&rig, 0, 0x1234);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, 0), 0xB0C2);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, MEMORY), 64);
    vga_rig_dispi(&rig, ENABLE, 0x02);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, XRES), 2560);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, YRES), 1600);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, BPP), 32);
}
END_TEST

START_TEST(sizes_fit_into_memory)
{
    unsigned w, h;

    set_mode(1280, 1024, 32); /* 5 MiB do not fit into 4 */
    vga_size(rig.vga, &w, &h);
    ck_assert_int_eq(w, 1280);
    ck_assert_int_eq(h, 819);
    set_mode(800, 600, 16);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, VIRT_WIDTH), 800);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, VIRT_HEIGHT), (4 << 20) / 1600);
    vga_rig_dispi(&rig, VIRT_WIDTH, 1024);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, VIRT_WIDTH), 1024);
    vga_rig_dispi(&rig, VIRT_WIDTH, 0xFFFF); /* not enough memory for that */
    ck_assert_int_eq(vga_rig_dispi_get(&rig, VIRT_WIDTH), 800);
    vga_rig_dispi(&rig, XRES, 640); /* not while it is on */
    vga_rig_dispi(&rig, BPP, 32);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, XRES), 800);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, BPP), 16);
    vga_rig_dispi(&rig, ENABLE, 0);
    vga_size(rig.vga, &w, &h);
    ck_assert_int_eq(w, 720);
    vga_rig_dispi(&rig, BPP, 12);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, BPP), 16);
}
END_TEST

START_TEST(bank_and_linear_buffer_are_the_same_memory)
{
    set_mode(1024, 768, 32);
    vga_rig_dispi(&rig, BANK, 47);
    phys_write32(rig.board.phys, 0xA0000 + 0xFFFC, 0x00123456);
    ck_assert_uint_eq(phys_read32(rig.board.phys, LFB + 48 * 65536 - 4), 0x00123456);
    vga_rig_dispi(&rig, BANK, 64); /* beyond the end: not taken */
    ck_assert_int_eq(vga_rig_dispi_get(&rig, BANK), 47);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 1023, 767), 0x123456);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xB8000), 0xFF);
}
END_TEST

START_TEST(enabling_clears_unless_told_not_to)
{
    set_mode(640, 480, 8);
    vga_rig_poke(&rig, LFB + 1000, 5);
    set_mode(640, 480, 8);
    ck_assert_int_eq(vga_rig_peek(&rig, LFB + 1000), 0);
    vga_rig_poke(&rig, LFB + 1000, 5);
    vga_rig_dispi(&rig, ENABLE, 0);
    vga_rig_dispi(&rig, ENABLE, 0xC1);
    ck_assert_int_eq(vga_rig_peek(&rig, LFB + 1000), 5);
}
END_TEST

static void check_first_pixel(unsigned bpp, uint32_t raw, uint32_t expected)
{
    set_mode(64, 64, bpp);
    phys_write(rig.board.phys, LFB, &raw, (bpp + 7) / 8);
    vga_rig_draw(&rig);
    ck_assert_int_eq(rig.width, 64);
    ck_assert_msg(vga_rig_pixel(&rig, 0, 0) == expected, "%u bpp: %06x", bpp,
                  vga_rig_pixel(&rig, 0, 0));
    ck_assert_uint_eq(vga_rig_pixel(&rig, 1, 0), 0);
}

START_TEST(pixels_of_every_depth)
{
    vga_rig_out(&rig, 0x3C8, 0x2A);
    vga_rig_out(&rig, 0x3C9, 0x3F);
    vga_rig_out(&rig, 0x3C9, 0x00);
    vga_rig_out(&rig, 0x3C9, 0x15);
    check_first_pixel(8, 0x2A, 0xFF0055);
    check_first_pixel(15, 0x7C01, 0xFF0008);
    check_first_pixel(16, 0xFFE0, 0xFFFF00);
    check_first_pixel(24, 0x00ABCDEF, 0xABCDEF);
    check_first_pixel(32, 0xFF654321, 0x654321);
}
END_TEST

START_TEST(four_bits_are_planar)
{
    vga_rig_mode(&rig, 0x12);
    set_mode(800, 600, 4);
    vga_rig_set(&rig, 0x3C4, 2, 0x0A);
    vga_rig_poke(&rig, 0xA0000 + 599 * 100 + 99, 0x01);
    vga_rig_draw(&rig);
    ck_assert_int_eq(rig.width, 800);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 799, 599), 0x55FF55);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 798, 599), 0);
}
END_TEST

START_TEST(dac_of_eight_bits)
{
    set_mode(64, 64, 8);
    vga_rig_dispi(&rig, ENABLE, 0x61);
    vga_rig_out(&rig, 0x3C8, 0);
    vga_rig_out(&rig, 0x3C9, 0x81);
    vga_rig_out(&rig, 0x3C9, 0x42);
    vga_rig_out(&rig, 0x3C9, 0xFF);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 0, 0), 0x8142FF);
    vga_rig_dispi(&rig, ENABLE, 0x41);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 0, 0), 0x8241FF);
}
END_TEST

START_TEST(offsets_scroll_and_stay_inside)
{
    set_mode(1024, 768, 32);
    phys_write32(rig.board.phys, LFB + (10 * 1024 + 4) * 4, 0xFFFFFF);
    vga_rig_dispi(&rig, Y_OFFSET, 10);
    vga_rig_dispi(&rig, X_OFFSET, 4);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 0, 0), 0xFFFFFF);
    vga_rig_dispi(&rig, Y_OFFSET, 0xFFFF);
    vga_rig_dispi(&rig, X_OFFSET, 0xFFFF);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 0, 0), 0);
    vga_rig_mode(&rig, 0x12);
    set_mode(2560, 1600, 4);
    vga_rig_dispi(&rig, Y_OFFSET, 0xFFFF);
    vga_rig_dispi(&rig, X_OFFSET, 0xFFFF);
    vga_rig_draw(&rig);
    ck_assert_uint_le(vga_rig_pixel(&rig, 2559, 1599), 0xFFFFFF);
}
END_TEST

START_TEST(widths_that_wrap_16_bits)
{
    set_mode(8, 1, 4);
    vga_rig_dispi(&rig, VIRT_WIDTH, 0xFFFF);
    ck_assert_int_ne(vga_rig_dispi_get(&rig, VIRT_WIDTH), 0);
    set_mode(0, 0, 8);
    vga_rig_draw(&rig);
    ck_assert_int_eq(rig.width, 8);
    ck_assert_int_eq(rig.height, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_dispi");
    TCase *tc = tcase_create("dispi");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, identifies_itself);
    tcase_add_test(tc, sizes_fit_into_memory);
    tcase_add_test(tc, bank_and_linear_buffer_are_the_same_memory);
    tcase_add_test(tc, enabling_clears_unless_told_not_to);
    tcase_add_test(tc, pixels_of_every_depth);
    tcase_add_test(tc, four_bits_are_planar);
    tcase_add_test(tc, dac_of_eight_bits);
    tcase_add_test(tc, offsets_scroll_and_stay_inside);
    tcase_add_test(tc, widths_that_wrap_16_bits);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
