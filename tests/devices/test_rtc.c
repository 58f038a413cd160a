#include "chipset.h"

enum { IRQ8 = 8, S = 1000 };

/* 2026-02-28 23:59:58, a Saturday */
static const int64_t EPOCH = 1772323198;

struct fixture {
    struct chipset c;
    struct rtc *rtc;
};

static void open_rtc(struct fixture *f, int64_t epoch)
{
    chipset_open(&f->c, 0);
    f->rtc = rtc_init(&f->c.board, chipset_wire(&f->c, IRQ8), epoch);
}

static uint8_t get(struct fixture *f, uint8_t index)
{
    chipset_out(&f->c, 0x70, index);
    return chipset_in(&f->c, 0x71);
}

static void set(struct fixture *f, uint8_t index, uint8_t value)
{
    chipset_out(&f->c, 0x70, index);
    chipset_out(&f->c, 0x71, value);
}

static void step_ms(struct fixture *f, uint64_t ms)
{
    chipset_step(&f->c, ms * MS);
}

static void expect_time(struct fixture *f, const uint8_t (*wanted)[2], unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ck_assert_msg(get(f, wanted[i][0]) == wanted[i][1], "register %02x is %02x, not %02x",
                      wanted[i][0], get(f, wanted[i][0]), wanted[i][1]);
}

START_TEST(test_time_in_bcd_rolls_over)
{
    static const uint8_t before[][2] = {{0, 0x58}, {2, 0x59}, {4, 0x23}, {6, 7},
                                        {7, 0x28}, {8, 0x02}, {9, 0x26}, {0x32, 0x20}};
    static const uint8_t after[][2] = {{0, 0}, {2, 0}, {4, 0}, {6, 1}, {7, 1}, {8, 3}};
    struct fixture f;

    open_rtc(&f, EPOCH);
    expect_time(&f, before, 8);
    step_ms(&f, 1999);
    ck_assert_uint_eq(get(&f, 0), 0x59);
    step_ms(&f, 1);
    expect_time(&f, after, 6);
    chipset_close(&f.c);
}
END_TEST

/* The host's clock went on while the machine stood. */
START_TEST(test_time_that_passed)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    step_ms(&f, 400);
    rtc_pass(f.rtc, 2700ull * MS);
    ck_assert_uint_eq(get(&f, 0), 0x01);
    ck_assert_uint_eq(get(&f, 8), 0x03);
    ck_assert_uint_eq(get(&f, 0x0C) & 0x10, 0); /* without an update's flag */
    step_ms(&f, 899);
    ck_assert_uint_eq(get(&f, 0), 0x01);
    step_ms(&f, 1);
    ck_assert_uint_eq(get(&f, 0), 0x02);
    set(&f, 0x0B, 0x82); /* the guest holds it */
    rtc_pass(f.rtc, 5000ull * MS);
    ck_assert_uint_eq(get(&f, 0), 0x02);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_leap_day_and_century)
{
    static const uint8_t leap[][2] = {{7, 0x29}, {8, 0x02}, {9, 0x24}};
    static const uint8_t next[][2] = {{7, 1}, {8, 1}, {9, 0}, {0x32, 0x21}, {6, 6}};
    struct fixture f;

    open_rtc(&f, 1709164799); /* 2024-02-28 23:59:59 */
    step_ms(&f, 1000);
    expect_time(&f, leap, 3);
    chipset_close(&f.c);
    open_rtc(&f, 4102444799); /* 2099-12-31 23:59:59 */
    step_ms(&f, 1000);
    expect_time(&f, next, 5); /* 2100-01-01, a Friday */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_binary_and_12_hours)
{
    static const uint8_t binary[][2] = {{0, 58}, {2, 59}, {4, 23}, {7, 28}, {9, 26}, {0x32, 20}};
    static const uint8_t pm[][2] = {{4, 0x91}};
    static const uint8_t midnight[][2] = {{4, 0x12}};
    static const uint8_t noon[][2] = {{4, 0x92}};
    struct fixture f;

    open_rtc(&f, EPOCH);
    set(&f, 0x0b, 0x06);
    expect_time(&f, binary, 6);
    set(&f, 0x0b, 0x00);
    expect_time(&f, pm, 1);
    step_ms(&f, 2 * S);
    expect_time(&f, midnight, 1);
    step_ms(&f, 12 * 3600 * (uint64_t)S);
    expect_time(&f, noon, 1);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_set_freezes_and_takes_the_time)
{
    static const uint8_t written[][2] = {{0, 0x30}, {2, 0x15}, {4, 0x12}, {6, 4},
                                         {7, 0x24}, {8, 0x12}, {9, 0x99}, {0x32, 0x19}};
    struct fixture f;

    open_rtc(&f, EPOCH);
    set(&f, 0x0b, 0x92); /* SET; UIE is cleared with it */
    ck_assert_uint_eq(get(&f, 0x0b), 0x82);
    for (unsigned i = 0; i < 8; i++)
        set(&f, written[i][0], written[i][1]);
    step_ms(&f, 5 * S);
    expect_time(&f, written, 8);
    set(&f, 0x0b, 0x02);
    expect_time(&f, written, 8);
    step_ms(&f, 1 * S);
    ck_assert_uint_eq(get(&f, 0), 0x31);
    /* The day of the week is a register of its own: it goes on from what was written. */
    step_ms(&f, 86400 * (uint64_t)S);
    ck_assert_uint_eq(get(&f, 6), 5);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_nonsense_in_time_registers)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    set(&f, 0x0b, 0x82);
    for (uint8_t i = 0; i <= 9; i++)
        set(&f, i, 0xff);
    set(&f, 0x32, 0xff);
    set(&f, 0x0b, 0x02);
    step_ms(&f, 10 * S);
    ck_assert_uint_le(get(&f, 0), 0x59);
    ck_assert_uint_le(get(&f, 8), 0x12);
    chipset_close(&f.c);
    open_rtc(&f, INT64_MAX);
    ck_assert_uint_eq(get(&f, 9), 0x99);
    chipset_close(&f.c);
    open_rtc(&f, INT64_MIN);
    ck_assert_uint_eq(get(&f, 9), 0x00);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_update_in_progress)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    ck_assert_uint_eq(get(&f, 0x0a), 0x26);
    step_ms(&f, 997);
    ck_assert_uint_eq(get(&f, 0x0a), 0x26);
    step_ms(&f, 2);
    ck_assert_uint_eq(get(&f, 0x0a), 0xa6);
    step_ms(&f, 1);
    ck_assert_uint_eq(get(&f, 0x0a), 0x26);
    set(&f, 0x0b, 0x82);
    step_ms(&f, 999);
    ck_assert_uint_eq(get(&f, 0x0a), 0x26);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_update_ended_interrupt)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    step_ms(&f, 1500);
    ck_assert_uint_eq(get(&f, 0x0c) & 0x90, 0x10); /* the flag comes without its enable */
    set(&f, 0x0b, 0x12);
    step_ms(&f, 499);
    ck_assert_int_eq(f.c.level[IRQ8], 0);
    step_ms(&f, 1);
    ck_assert_int_eq(f.c.level[IRQ8], 1);
    step_ms(&f, 5 * S);
    ck_assert_uint_eq(f.c.rises[IRQ8], 1);
    ck_assert_uint_eq(get(&f, 0x0c) & 0x90, 0x90);
    ck_assert_int_eq(f.c.level[IRQ8], 0);
    step_ms(&f, 1 * S);
    ck_assert_uint_eq(f.c.rises[IRQ8], 2);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_enabling_with_a_flag_set_interrupts)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    step_ms(&f, 1 * S);
    set(&f, 0x0b, 0x12);
    ck_assert_int_eq(f.c.level[IRQ8], 1);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_periodic_rates)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    for (unsigned rate = 1; rate <= 15; rate++) {
        unsigned hz = rate <= 2 ? 256 >> (rate - 1) : 32768 >> (rate - 1), count = 0;

        set(&f, 0x0a, (uint8_t)(0x20 | rate));
        set(&f, 0x0b, 0x42);
        get(&f, 0x0c);
        for (unsigned i = 0; i < 20000; i++) {
            chipset_step(&f.c, 50000);
            if (f.c.level[IRQ8]) {
                ck_assert_uint_eq(get(&f, 0x0c) & 0xc0, 0xc0);
                count++;
            }
        }
        ck_assert_msg(count + 1 >= hz && count <= hz + 1, "rate %u: %u, not %u", rate, count, hz);
    }
    set(&f, 0x0a, 0x20); /* none */
    get(&f, 0x0c);
    step_ms(&f, 1 * S);
    ck_assert_int_eq(f.c.level[IRQ8], 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_alarm)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    set(&f, 1, 0x05);
    set(&f, 3, 0x00);
    set(&f, 5, 0x00);
    set(&f, 0x0b, 0x22);
    step_ms(&f, 6999);
    ck_assert_int_eq(f.c.level[IRQ8], 0);
    step_ms(&f, 1); /* 00:00:05 */
    ck_assert_int_eq(f.c.level[IRQ8], 1);
    ck_assert_uint_eq(get(&f, 0x0c) & 0xa0, 0xa0);
    set(&f, 3, 0xff); /* every hour, every minute */
    set(&f, 5, 0xc0);
    f.c.rises[IRQ8] = 0;
    for (int i = 0; i < 600; i++) {
        step_ms(&f, 1 * S);
        if (f.c.level[IRQ8])
            get(&f, 0x0c);
    }
    ck_assert_uint_eq(f.c.rises[IRQ8], 10);
    set(&f, 1, 0x7f); /* never */
    ck_assert_uint_eq(vclock_next_deadline(f.c.board.clock), UINT64_MAX);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_divider_reset)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    step_ms(&f, 250);
    set(&f, 0x0a, 0x76);
    step_ms(&f, 10 * S);
    ck_assert_uint_eq(get(&f, 0), 0x58);
    set(&f, 0x0a, 0x26); /* the first update comes half a second later */
    step_ms(&f, 499);
    ck_assert_uint_eq(get(&f, 0), 0x58);
    step_ms(&f, 1);
    ck_assert_uint_eq(get(&f, 0), 0x59);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_cmos_memory_and_reset)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    for (unsigned i = 0x0e; i < 0x80; i++) {
        if (i != 0x32)
            set(&f, (uint8_t)i, (uint8_t)(i ^ 0x5a));
    }
    rtc_set_cmos(f.rtc, 0x10, 0x40);
    set(&f, 0x0b, 0x7a);
    device_reset_all(f.c.board.devices);
    ck_assert_uint_eq(get(&f, 0x0b), 0x02);
    for (unsigned i = 0x0e; i < 0x80; i++) {
        if (i != 0x32 && i != 0x10)
            ck_assert_uint_eq(get(&f, (uint8_t)(i | 0x80)), (uint8_t)(i ^ 0x5a));
    }
    ck_assert_uint_eq(rtc_get_cmos(f.rtc, 0x10), 0x40);
    ck_assert_uint_eq(rtc_get_cmos(f.rtc, 0x00), 0x58);
    ck_assert_uint_eq(get(&f, 0x0d), 0x80);
    set(&f, 0x0d, 0);
    ck_assert_uint_eq(get(&f, 0x0d), 0x80);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_writing_one_register_while_running)
{
    struct fixture f;

    open_rtc(&f, EPOCH);
    set(&f, 4, 0x10);
    ck_assert_uint_eq(get(&f, 4), 0x10);
    ck_assert_uint_eq(get(&f, 0), 0x58);
    step_ms(&f, 2 * S);
    ck_assert_uint_eq(get(&f, 4), 0x11);
    ck_assert_uint_eq(get(&f, 7), 0x28);
    chipset_close(&f.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rtc");
    TCase *t = tcase_create("MC146818");

    tcase_add_test(t, test_time_in_bcd_rolls_over);
    tcase_add_test(t, test_time_that_passed);
    tcase_add_test(t, test_leap_day_and_century);
    tcase_add_test(t, test_binary_and_12_hours);
    tcase_add_test(t, test_set_freezes_and_takes_the_time);
    tcase_add_test(t, test_nonsense_in_time_registers);
    tcase_add_test(t, test_update_in_progress);
    tcase_add_test(t, test_update_ended_interrupt);
    tcase_add_test(t, test_enabling_with_a_flag_set_interrupts);
    tcase_add_test(t, test_periodic_rates);
    tcase_add_test(t, test_alarm);
    tcase_add_test(t, test_divider_reset);
    tcase_add_test(t, test_cmos_memory_and_reset);
    tcase_add_test(t, test_writing_one_register_while_running);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
