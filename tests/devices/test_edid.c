/* EDID blocks as a driver reads them (VESA E-EDID Standard, Release A, section 3). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/edid.h"
#include "devices/pc.h"
#include "vga_rig.h"

static void check_block(unsigned width, unsigned height)
{
    static const uint8_t header[8] = {0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0};
    uint8_t e[EDID_BYTES], sum = 0;
    const uint8_t *d = e + 54;

    edid_fill(width, height, e);
    for (int i = 0; i < EDID_BYTES; i++)
        sum += e[i];
    ck_assert_uint_eq(sum, 0);
    ck_assert_mem_eq(e, header, 8);
    ck_assert_uint_eq(d[2] | (d[4] & 0xF0) << 4, width);
    ck_assert_uint_eq(d[5] | (d[7] & 0xF0) << 4, height);

    /* The clock gives 60 Hz, and synchronisation lies within the blanking. */
    unsigned h_blank = d[3] | (d[4] & 15) << 8, v_blank = d[6] | (d[7] & 15) << 8;
    double hz = (d[0] | d[1] << 8) * 10000.0 / (width + h_blank) / (height + v_blank);
    ck_assert_double_ge(hz, 59.0);
    ck_assert_double_le(hz, 60.5);
    ck_assert_uint_lt(d[8] + d[9], h_blank);
    ck_assert_uint_lt((d[10] >> 4) + (d[10] & 15), v_blank);
}

START_TEST(test_blocks)
{
    check_block(1024, 768);
    check_block(320, 200);
    check_block(1280, 800);
    check_block(1920, 1200);
    check_block(2560, 1600);
}
END_TEST

START_TEST(test_monitor)
{
    struct vga_rig r;
    uint8_t e[EDID_BYTES], want[EDID_BYTES];

    vga_rig_start(&r, 1 << 20);
    ck_assert(vga_edid(r.vga, e));
    edid_fill(1024, 768, want);
    ck_assert_mem_eq(e, want, sizeof e);
    vga_set_monitor(r.vga, 1440, 900);
    ck_assert(vga_edid(r.vga, e));
    edid_fill(1440, 900, want);
    ck_assert_mem_eq(e, want, sizeof e);
    vga_set_monitor(r.vga, 0, 0);
    ck_assert(!vga_edid(r.vga, e));
    vga_rig_stop(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("edid");
    TCase *t = tcase_create("edid");
    SRunner *runner;
    int failed;

    tcase_add_test(t, test_blocks);
    tcase_add_test(t, test_monitor);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
