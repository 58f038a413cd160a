/* Time by the counter, against sources that misbehave. */
#include <check.h>
#include <stdlib.h>

#include "devices/hosttime.h"

/* A host: SLOW thousandths of a tick pass in a nanosecond. */
struct fake {
    uint64_t ns, tsc, rate;
    uint64_t clock_reads, clock_cost; /* ns that a reading of the clock takes */
    bool stuck;
};

static void pass(struct fake *f, uint64_t ns)
{
    f->ns += ns;
    if (!f->stuck)
        f->tsc += ns * f->rate / 1000;
}

static uint64_t fake_counter(void *opaque)
{
    struct fake *f = opaque;

    pass(f, 10);
    return f->tsc;
}

static uint64_t fake_clock(void *opaque)
{
    struct fake *f = opaque;

    f->clock_reads++;
    pass(f, f->clock_cost);
    return f->ns;
}

static void begin(struct hosttime *h, struct fake *f)
{
    *f = (struct fake){.ns = 5000000000u, .tsc = 77, .rate = 2600, .clock_cost = 30};
    hosttime_init(h, &(struct hosttime_source){fake_counter, fake_clock, f});
    hosttime_start(h, 1000);
}

/* The difference of H from the clock, which must not have gone back. */
static int64_t difference(struct hosttime *h, const struct fake *f, uint64_t zero, uint64_t *last)
{
    uint64_t now = hosttime_now(h);

    ck_assert_uint_ge(now, *last);
    *last = now;
    return (int64_t)(now - (f->ns - zero));
}

START_TEST(test_follows_the_clock_and_seldom_asks_it)
{
    struct hosttime h;
    struct fake f;
    uint64_t last = 0, reads;

    begin(&h, &f);
    uint64_t zero = f.ns - 1000;
    for (int i = 0; i < 600; i++) {
        pass(&f, 50000);
        ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 200);
    }
    reads = f.clock_reads;
    for (int i = 0; i < 10000; i++) {
        pass(&f, 10000);
        ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 200);
    }
    ck_assert_uint_gt(f.clock_reads, reads + 50);
    ck_assert_uint_lt(f.clock_reads, reads + 200); /* a reading a millisecond */
}
END_TEST

START_TEST(test_a_rate_that_changes_makes_no_step_back)
{
    struct hosttime h;
    struct fake f;
    uint64_t last = 0;

    begin(&h, &f);
    uint64_t zero = f.ns - 1000;
    for (int i = 0; i < 1000; i++) {
        pass(&f, 50000);
        difference(&h, &f, zero, &last);
    }
    f.rate = 2650; /* two per cent faster: time would run ahead */
    for (int i = 0; i < 3000; i++) {
        pass(&f, 1000);
        ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 200000);
    }
    for (int i = 0; i < 3000000; i += 1000) {
        pass(&f, 1000000);
        difference(&h, &f, zero, &last);
    }
    ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 2000);
}
END_TEST

START_TEST(test_a_counter_that_stops_or_jumps_is_not_relied_on)
{
    struct hosttime h;
    struct fake f;
    uint64_t last = 0;

    begin(&h, &f);
    uint64_t zero = f.ns - 1000;
    for (int round = 0; round < 24; round++) {
        for (int i = 0; i < 600; i++) {
            pass(&f, 50000);
            ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 4200000);
        }
        f.stuck = round % 3 == 0;
        if (round % 3 == 1)
            f.tsc -= 1000000;
        if (round % 3 == 2)
            f.tsc += 700000000;
        pass(&f, 3000000);
        f.stuck = false;
    }
    for (int i = 0; i < 100; i++) {
        pass(&f, 1000000);
        difference(&h, &f, zero, &last);
    }
    ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 1000);
}
END_TEST

START_TEST(test_stands_still_between_end_and_start)
{
    struct hosttime h;
    struct fake f;

    begin(&h, &f);
    for (int i = 0; i < 30000; i++) {
        pass(&f, 1000);
        hosttime_now(&h);
    }
    ck_assert_uint_ne(h.line.span, 0);
    uint64_t now = hosttime_now(&h);
    hosttime_end(&h);
    ck_assert_uint_eq(h.line.span, 0);
    pass(&f, 10000000000u);
    hosttime_start(&h, now);
    ck_assert_uint_lt(hosttime_now(&h) - now, 200);
}
END_TEST

START_TEST(test_readings_that_were_interrupted_draw_no_line)
{
    struct hosttime h;
    struct fake f;
    uint64_t last = 0;

    begin(&h, &f);
    uint64_t zero = f.ns - 1000;
    f.clock_cost = 50000;
    for (int i = 0; i < 1000; i++) {
        pass(&f, 1000);
        ck_assert_int_lt(llabs(difference(&h, &f, zero, &last)), 100);
        ck_assert_uint_eq(h.line.span, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("host time");
    TCase *c = tcase_create("hosttime");

    tcase_add_test(c, test_follows_the_clock_and_seldom_asks_it);
    tcase_add_test(c, test_a_rate_that_changes_makes_no_step_back);
    tcase_add_test(c, test_a_counter_that_stops_or_jumps_is_not_relied_on);
    tcase_add_test(c, test_stands_still_between_end_and_start);
    tcase_add_test(c, test_readings_that_were_interrupted_draw_no_line);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
