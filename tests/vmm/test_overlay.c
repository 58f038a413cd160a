/* The overlay: counters become points, points become pixels. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/ui/overlay.h"

enum { LEFT = 8, STACK_TOP = 20, STACK_BOTTOM = 84 };

static struct overlay o;

static void reset(void)
{
    o = (struct overlay){0};
}

static void count(struct overlay_counts *c, const char *name, const char *label, uint64_t value)
{
    const struct statistic s = {.name = name, .label = label, .value = value};

    overlay_count(c, &s);
}

/* Half a second, of which half in the guest, a quarter in the VMM, the rest idle. */
static void one_point(unsigned n)
{
    struct overlay_counts c = {0};

    count(&c, "up_time", NULL, 1 + n * 500000000ull);
    count(&c, "cpu_time", "guest", n * 250000000ull);
    count(&c, "cpu_time", "vmm", n * 125000000ull);
    count(&c, "idle_time", NULL, n * 125000000ull);
    count(&c, "blocks", NULL, n * 1000ull);
    count(&c, "mappings", NULL, 77);
    count(&c, "nothing known", "x", 5);
    overlay_add(&o, &c);
}

static struct canvas picture(void)
{
    struct canvas c = {calloc(OVERLAY_WIDTH * OVERLAY_HEIGHT, sizeof *c.pixels), OVERLAY_WIDTH,
                       OVERLAY_HEIGHT};

    ck_assert_ptr_nonnull(c.pixels);
    overlay_draw(&o, &c);
    return c;
}

static uint32_t at(const struct canvas *c, int x, int y)
{
    return c->pixels[y * c->width + x];
}

START_TEST(counters_become_points)
{
    one_point(0);
    ck_assert_uint_eq(o.count, 0); /* the beginning */
    one_point(1);
    one_point(1); /* no time has passed */
    ck_assert_uint_eq(o.count, 1);
    ck_assert_float_eq_tol(o.share[0][0], 0.5f, 1e-6f);
    ck_assert_float_eq_tol(o.share[1][0], 0.25f, 1e-6f);
    ck_assert_float_eq_tol(o.share[4][0], 0.25f, 1e-6f);
    ck_assert_float_eq_tol(o.rate[1][0], 2000, 1e-2f);
    ck_assert_uint_eq(o.last.gauges[2], 77);
}
END_TEST

START_TEST(points_become_pixels)
{
    const int right = LEFT + 2 * OVERLAY_POINTS - 1;

    one_point(0);
    struct canvas c = picture();
    uint32_t well = at(&c, right, STACK_BOTTOM - 1);
    free(c.pixels);
    one_point(1);
    c = picture();
    uint32_t guest = at(&c, right, STACK_BOTTOM - 1), vmm = at(&c, right, STACK_BOTTOM - 40),
             idle = at(&c, right, STACK_TOP);
    ck_assert_uint_ne(guest, well);
    ck_assert_uint_eq(at(&c, right, STACK_BOTTOM - 32), guest); /* half of 64 lines */
    ck_assert_uint_eq(at(&c, right, STACK_BOTTOM - 33), vmm);
    ck_assert_uint_eq(at(&c, right, STACK_BOTTOM - 48), vmm);
    ck_assert_uint_eq(at(&c, right, STACK_BOTTOM - 49), idle);
    ck_assert(guest != vmm && vmm != idle && guest != idle);
    ck_assert_uint_eq(at(&c, right - 2, STACK_BOTTOM - 1), well); /* before there was anything */
    free(c.pixels);
}
END_TEST

/* More points than there is room, counters that fall (another machine's), a small canvas. */
START_TEST(any_numbers)
{
    for (unsigned n = 0; n < 3 * OVERLAY_POINTS; n++)
        one_point(n);
    ck_assert_uint_eq(o.count, OVERLAY_POINTS);
    one_point(1);
    ck_assert_uint_eq(o.count, OVERLAY_POINTS);
    struct overlay_counts c = {.up_ns = 2};
    memset(c.rates, 0xff, sizeof c.rates);
    memset(c.times, 0xff, sizeof c.times);
    memset(c.gauges, 0xff, sizeof c.gauges);
    overlay_add(&o, &c);
    c.up_ns = 500000002;
    overlay_add(&o, &c);
    free(picture().pixels);
    struct canvas small = {calloc(16 * 9, sizeof *small.pixels), 16, 9};
    overlay_draw(&o, &small);
    free(small.pixels);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay");
    TCase *tc = tcase_create("overlay");
    tcase_add_checked_fixture(tc, reset, NULL);
    tcase_add_test(tc, counters_become_points);
    tcase_add_test(tc, points_become_pixels);
    tcase_add_test(tc, any_numbers);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
