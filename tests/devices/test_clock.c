#include <time.h>

#include "chipset.h"

struct probe {
    struct vclock *clock;
    struct vtimer timer;
    uint64_t fired_at[8];
    unsigned fired;
    uint64_t period; /* rearms itself */
};

static void probe_fire(void *opaque)
{
    struct probe *p = opaque;

    if (p->fired < 8)
        p->fired_at[p->fired] = vclock_now(p->clock);
    p->fired++;
    if (p->period)
        vtimer_set(p->clock, &p->timer, p->timer.deadline + p->period);
}

static void probe_init(struct probe *p, struct vclock *c)
{
    *p = (struct probe){.clock = c};
    vtimer_init(&p->timer, "probe", probe_fire, p);
}

START_TEST(test_timers_fire_in_order_at_their_deadlines)
{
    struct vclock *c = vclock_new(true);
    struct probe a, b;

    probe_init(&a, c);
    probe_init(&b, c);
    vtimer_set(c, &a.timer, 300);
    vtimer_set(c, &b.timer, 100);
    ck_assert_uint_eq(vclock_next_deadline(c), 100);
    vclock_advance(c, 99);
    ck_assert_uint_eq(b.fired, 0);
    vclock_advance(c, 901);
    ck_assert_uint_eq(b.fired, 1);
    ck_assert_uint_eq(b.fired_at[0], 100);
    ck_assert_uint_eq(a.fired_at[0], 300);
    ck_assert_uint_eq(vclock_now(c), 1000);
    ck_assert_uint_eq(vclock_next_deadline(c), UINT64_MAX);
    vclock_free(c);
}
END_TEST

START_TEST(test_periodic_timer_keeps_its_phase)
{
    struct vclock *c = vclock_new(true);
    struct probe a;

    probe_init(&a, c);
    a.period = 250;
    vtimer_set(c, &a.timer, 250);
    vclock_advance(c, 1000);
    ck_assert_uint_eq(a.fired, 4);
    ck_assert_uint_eq(a.fired_at[3], 1000);
    vclock_free(c);
}
END_TEST

START_TEST(test_rearm_and_cancel)
{
    struct vclock *c = vclock_new(true);
    struct probe a, b;

    probe_init(&a, c);
    probe_init(&b, c);
    vtimer_set(c, &a.timer, 100);
    vtimer_set(c, &b.timer, 150);
    vtimer_set(c, &a.timer, 200);
    vtimer_cancel(c, &b.timer);
    vtimer_cancel(c, &b.timer);
    vclock_advance(c, 180);
    ck_assert_uint_eq(a.fired + b.fired, 0);
    vclock_advance(c, 20);
    ck_assert_uint_eq(a.fired, 1);
    ck_assert_uint_eq(b.fired, 0);
    vclock_free(c);
}
END_TEST

/* A timer that is always due must not hold vclock_run. */
START_TEST(test_run_returns_when_a_timer_floods)
{
    struct vclock *c = vclock_new(true);
    struct probe a;

    vclock_advance(c, 1000000);
    probe_init(&a, c);
    a.period = 1;
    vtimer_set(c, &a.timer, 1);
    ck_assert_uint_le(vclock_run(c), 1000000);
    ck_assert_uint_gt(a.fired, 1);
    vclock_free(c);
}
END_TEST

START_TEST(test_stopped_clock_stands_still)
{
    struct vclock *c = vclock_new(false);
    uint64_t before = vclock_now(c), stopped;

    while (vclock_now(c) == before)
        ;
    vclock_stop(c);
    stopped = vclock_now(c);
    for (volatile int i = 0; i < 1000000; i++)
        ;
    ck_assert_uint_eq(vclock_now(c), stopped);
    vclock_resume(c);
    ck_assert_uint_ge(vclock_now(c), stopped);
    ck_assert_uint_lt(vclock_now(c), stopped + 500 * (uint64_t)MS);
    vclock_free(c);
}
END_TEST

static void be_busy(struct vclock *c, uint64_t ns)
{
    uint64_t end = vclock_now(c) + ns;

    while (vclock_now(c) < end)
        ;
}

/* Time follows this thread's processor time, and the host's clock while it is idle. */
START_TEST(test_slow_clock)
{
    struct vclock *c = vclock_new(false);
    struct timespec before, after;
    uint64_t now, used;

    vclock_slow(c, 8);
    ck_assert_uint_eq(vclock_slowness(c), 8);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    be_busy(c, MS);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    used = (uint64_t)(after.tv_sec - before.tv_sec) * 1000000000u +
           (uint64_t)(after.tv_nsec - before.tv_nsec);
    ck_assert_uint_ge(used, 8 * (uint64_t)MS);
    now = vclock_now(c);
    vclock_idle(c, true);
    ck_assert_uint_ge(vclock_now(c), now);
    nanosleep(&(struct timespec){.tv_nsec = 5 * MS}, NULL);
    ck_assert_uint_ge(vclock_now(c), now + 5 * (uint64_t)MS);
    vclock_idle(c, false);
    ck_assert_uint_ge(vclock_now(c), now + 5 * (uint64_t)MS);
    vclock_stop(c);
    now = vclock_now(c);
    ck_assert_uint_eq(vclock_now(c), now);
    vclock_resume(c);
    be_busy(c, 1000);
    vclock_free(c);
}
END_TEST

static void count_call(void *opaque)
{
    ++*(unsigned *)opaque;
}

START_TEST(test_earlier_deadlines_are_announced)
{
    struct vclock *c = vclock_new(true);
    struct probe a, b;
    unsigned calls = 0;

    probe_init(&a, c);
    probe_init(&b, c);
    vclock_on_earlier(c, count_call, &calls);
    vtimer_set(c, &a.timer, 100);
    vtimer_set(c, &b.timer, 200);
    ck_assert_uint_eq(calls, 1);
    vtimer_set(c, &b.timer, 50);
    ck_assert_uint_eq(calls, 2);
    vclock_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("clock");
    TCase *t = tcase_create("clock");

    tcase_add_test(t, test_timers_fire_in_order_at_their_deadlines);
    tcase_add_test(t, test_periodic_timer_keeps_its_phase);
    tcase_add_test(t, test_rearm_and_cancel);
    tcase_add_test(t, test_run_returns_when_a_timer_floods);
    tcase_add_test(t, test_stopped_clock_stands_still);
    tcase_add_test(t, test_slow_clock);
    tcase_add_test(t, test_earlier_deadlines_are_announced);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
