/* Where the picture goes in a window. */
#include <check.h>

#include "vmm/ui/geometry.h"

START_TEST(modes_have_the_shape_of_a_monitor)
{
    static const struct {
        unsigned width, height;
        bool stretched;
        int natural_width, natural_height;
    } cases[] = {
        {720, 400, true, 720, 540},      {640, 480, true, 640, 480},
        {640, 400, true, 640, 480},      {640, 350, true, 640, 480},
        {320, 200, false, 320, 240},     {640, 480, false, 640, 480},
        {800, 600, false, 800, 600},     {1280, 1024, false, 1280, 1024},
        {1920, 1200, false, 1920, 1200},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        int width, height;
        geometry_natural(cases[i].width, cases[i].height, cases[i].stretched, &width, &height);
        ck_assert_int_eq(width, cases[i].natural_width);
        ck_assert_int_eq(height, cases[i].natural_height);
    }
}
END_TEST

START_TEST(the_picture_fills_one_direction)
{
    const struct box wide = {0, 0, 1000, 300}, high = {10, 20, 300, 1000};
    struct box b = geometry_fit(&wide, 720, 400, true, false);

    ck_assert_int_eq(b.height, 300);
    ck_assert_int_eq(b.width, 400);
    ck_assert_int_eq(b.x, 300);
    b = geometry_fit(&high, 720, 400, true, false);
    ck_assert_int_eq(b.width, 300);
    ck_assert_int_eq(b.height, 225);
    ck_assert_int_eq(b.x, 10);
    ck_assert_int_eq(b.y, 20 + (1000 - 225) / 2);
}
END_TEST

START_TEST(whole_multiples_fit)
{
    for (int width = 1; width < 3000; width += 77)
        for (int height = 1; height < 2000; height += 55) {
            const struct box room = {0, 0, width, height};
            struct box b = geometry_fit(&room, 320, 200, true, true);
            ck_assert_int_ge(b.x, 0);
            ck_assert_int_ge(b.y, 0);
            ck_assert_int_le(b.width, width);
            ck_assert_int_le(b.height, height);
            if (width >= 320 && height >= 200) {
                ck_assert_int_eq(b.width % 320, 0);
                ck_assert_int_eq(b.height % 200, 0);
            }
        }
    const struct box large = {0, 0, 1600, 1200};
    struct box b = geometry_fit(&large, 320, 200, true, true); /* 5 by 6: exactly 4:3 */
    ck_assert_int_eq(b.width, 1600);
    ck_assert_int_eq(b.height, 1200);
}
END_TEST

START_TEST(positions_reach_both_ends)
{
    const struct box b = {100, 50, 640, 480};
    unsigned x, y;

    geometry_position(&b, 0, 0, &x, &y);
    ck_assert_uint_eq(x, 0);
    ck_assert_uint_eq(y, 0);
    geometry_position(&b, 739, 529, &x, &y);
    ck_assert_uint_eq(x, 65535);
    ck_assert_uint_eq(y, 65535);
    geometry_position(&b, 5000, -3, &x, &y);
    ck_assert_uint_eq(x, 65535);
    ck_assert_uint_eq(y, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("geometry");
    TCase *tc = tcase_create("geometry");

    tcase_add_test(tc, modes_have_the_shape_of_a_monitor);
    tcase_add_test(tc, the_picture_fills_one_direction);
    tcase_add_test(tc, whole_multiples_fit);
    tcase_add_test(tc, positions_reach_both_ends);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
