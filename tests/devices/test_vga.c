/* The VGA's registers, seen through its ports. */
#include <check.h>
#include <stdlib.h>

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

static void check_masked(uint16_t port, uint8_t index, uint8_t expected)
{
    vga_rig_set(&rig, port, index, 0xFF);
    ck_assert_msg(vga_rig_get(&rig, port, index) == expected, "port %x index %x reads %x, not %x",
                  port, index, vga_rig_get(&rig, port, index), expected);
    vga_rig_set(&rig, port, index, 0);
    ck_assert_int_eq(vga_rig_get(&rig, port, index), 0);
}

START_TEST(registers_keep_the_bits_they_have)
{
    static const uint8_t seq[8] = {0x03, 0x3D, 0x0F, 0x3F, 0x0E};
    static const uint8_t gfx[16] = {0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF};
    static const uint8_t attr[5] = {0xEF, 0xFF, 0x3F, 0x0F, 0x0F};

    vga_rig_out(&rig, 0x3C2, 1);
    for (unsigned i = 0; i < 8; i++)
        check_masked(0x3C4, i, seq[i]);
    for (unsigned i = 0; i < 16; i++)
        check_masked(0x3CE, i, gfx[i]);
    for (unsigned i = 0; i < 16; i++)
        check_masked(0x3C0, i, 0x3F);
    for (unsigned i = 0; i < 5; i++)
        check_masked(0x3C0, 0x10 + i, attr[i]);
}
END_TEST

START_TEST(crtc_protect_guards_the_first_eight)
{
    vga_rig_out(&rig, 0x3C2, 1);
    for (unsigned i = 0; i < 8; i++)
        vga_rig_set(&rig, 0x3D4, i, 0x11);
    vga_rig_set(&rig, 0x3D4, 0x11, 0x80);
    for (unsigned i = 0; i < 8; i++) {
        vga_rig_set(&rig, 0x3D4, i, 0xEE);
        /* Line compare's bit in the overflow register stays writable. */
        ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, i), i == 7 ? 0x01 : 0x11);
    }
    vga_rig_set(&rig, 0x3D4, 8, 0x33);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, 8), 0x33);
    vga_rig_set(&rig, 0x3D4, 0x11, 0);
    vga_rig_set(&rig, 0x3D4, 0, 0x5F);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, 0), 0x5F);
}
END_TEST

START_TEST(crtc_answers_where_misc_output_says)
{
    vga_rig_out(&rig, 0x3C2, 0x67);
    vga_rig_set(&rig, 0x3D4, 0x0F, 0x42);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3B5), 0xFF);
    vga_rig_out(&rig, 0x3C2, 0x66);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0x66);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3B4, 0x0F), 0x42);
    vga_rig_set(&rig, 0x3D4, 0x0F, 0x43);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3B4, 0x0F), 0x42);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3D5), 0xFF);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3DA), 0xFF);
}
END_TEST

START_TEST(attribute_flip_flop_takes_index_and_data_in_turn)
{
    vga_rig_out(&rig, 0x3C2, 1);
    vga_rig_in(&rig, 0x3DA);
    vga_rig_out(&rig, 0x3C0, 0x05);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, 0x24), 0x80);
    vga_rig_out(&rig, 0x3C0, 0x2A);
    vga_rig_out(&rig, 0x3C0, 0x06);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C0), 0x06);
    vga_rig_in(&rig, 0x3DA); /* 06h was an index; so is what follows */
    vga_rig_out(&rig, 0x3C0, 0x05);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C1), 0x2A);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3D4, 0x26), 0x05);
}
END_TEST

START_TEST(dac_counts_up_by_colours)
{
    vga_rig_out(&rig, 0x3C8, 0xFF);
    for (unsigned i = 1; i <= 6; i++)
        vga_rig_out(&rig, 0x3C9, 0xC0 | i); /* six bits stay; the address wraps */
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C7), 0);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C8), 1);
    vga_rig_out(&rig, 0x3C7, 0xFF);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C7), 3);
    for (unsigned i = 1; i <= 6; i++)
        ck_assert_int_eq(vga_rig_in(&rig, 0x3C9), i);
}
END_TEST

START_TEST(dac_write_of_two_components_changes_nothing)
{
    vga_rig_out(&rig, 0x3C8, 7);
    vga_rig_out(&rig, 0x3C9, 1);
    vga_rig_out(&rig, 0x3C9, 2);
    vga_rig_out(&rig, 0x3C7, 7);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C9), 0);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C9), 0);
}
END_TEST

START_TEST(sleeping_adapter_is_silent)
{
    vga_rig_mode(&rig, 0x13);
    vga_rig_poke(&rig, 0xA0000, 0x42);
    vga_rig_out(&rig, 0x46E8, 0x16);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0xFF);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xA0000), 0xFF);
    vga_rig_out(&rig, 0x46E8, 0x0E);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0x63);
    ck_assert_int_eq(vga_rig_peek(&rig, 0xA0000), 0x42);
    vga_rig_out(&rig, 0x3C3, 0);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0xFF);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3C3), 0);
    vga_rig_out(&rig, 0x3C3, 1);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0x63);
}
END_TEST

/* Step through SECONDS by microseconds; count how often BIT of input status 1 rises, and the
 * microseconds that it is on. */
static void watch(uint8_t bit, unsigned microseconds, unsigned *rises, unsigned *on)
{
    uint8_t before = bit;

    *rises = *on = 0;
    for (unsigned i = 0; i < microseconds; i++) {
        uint8_t now = vga_rig_in(&rig, 0x3DA) & bit;

        *on += !!now;
        *rises += now && !before;
        before = now;
        vclock_advance(rig.board.clock, 1000);
    }
}

START_TEST(retrace_follows_the_registers)
{
    unsigned rises, on;

    vga_rig_mode(&rig, 0x03);
    watch(8, 1000000, &rises, &on);
    ck_assert_int_ge(rises, 70); /* 70.09 Hz */
    ck_assert_int_le(rises, 71);
    ck_assert_int_ge(on, 70 * 62); /* two lines of 31.8 us each */
    ck_assert_int_le(on, 71 * 65);
    vga_rig_mode(&rig, 0x12);
    watch(8, 1000000, &rises, &on);
    ck_assert_int_ge(rises, 59); /* 59.94 Hz */
    ck_assert_int_le(rises, 60);
}
END_TEST

START_TEST(display_enable_falls_once_a_line)
{
    unsigned rises, on;

    vga_rig_mode(&rig, 0x12);
    watch(1, 16683, &rises, &on); /* one frame: 480 lines, then dark until the next */
    ck_assert_int_ge(rises, 479);
    ck_assert_int_le(rises, 482);
    /* 160 of 800 dots in a line, and 45 of 525 lines. */
    ck_assert_int_ge(on, 4200);
    ck_assert_int_le(on, 4600);
}
END_TEST

START_TEST(retrace_comes_even_without_a_mode)
{
    unsigned rises, on;

    vga_rig_out(&rig, 0x3C2, 1);
    watch(8, 100000, &rises, &on);
    ck_assert_int_ge(rises, 6);
    /* A retrace beyond the frame's end must not hang who waits for it. */
    vga_rig_mode(&rig, 0x03);
    vga_rig_set(&rig, 0x3D4, 0x11, 0x0E);
    vga_rig_set(&rig, 0x3D4, 0x10, 0xFF);
    vga_rig_set(&rig, 0x3D4, 0x07, 0xFF);
    watch(8, 100000, &rises, &on);
    ck_assert_int_ge(rises, 3);
}
END_TEST

START_TEST(reset_clears_the_registers)
{
    unsigned w, h;

    vga_rig_mode(&rig, 0x12);
    vga_rig_dispi(&rig, 4, 1);
    device_reset_all(rig.board.devices);
    ck_assert_int_eq(vga_rig_in(&rig, 0x3CC), 0);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3C4, 4), 0);
    ck_assert_int_eq(vga_rig_get(&rig, 0x3B4, 0x17), 0);
    ck_assert_int_eq(vga_rig_dispi_get(&rig, 4), 0);
    vga_size(rig.vga, &w, &h);
    ck_assert_int_eq(w, 720);
    ck_assert_int_eq(h, 400);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga");
    TCase *tc = tcase_create("registers");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, registers_keep_the_bits_they_have);
    tcase_add_test(tc, crtc_protect_guards_the_first_eight);
    tcase_add_test(tc, crtc_answers_where_misc_output_says);
    tcase_add_test(tc, attribute_flip_flop_takes_index_and_data_in_turn);
    tcase_add_test(tc, dac_counts_up_by_colours);
    tcase_add_test(tc, dac_write_of_two_components_changes_nothing);
    tcase_add_test(tc, sleeping_adapter_is_silent);
    tcase_add_test(tc, retrace_follows_the_registers);
    tcase_add_test(tc, display_enable_falls_once_a_line);
    tcase_add_test(tc, retrace_comes_even_without_a_mode);
    tcase_add_test(tc, reset_clears_the_registers);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
