#include <string.h>

#include "chipset.h"

/* The counters are stepped in ticks of their own clock; NS_OF rounds up, so that a step of N
 * ticks from a tick's beginning ends within tick N. */
enum { HZ = 1193182 };

struct fixture {
    struct chipset c;
    struct pit *pit;
    uint64_t tick;
};

static void open_pit(struct fixture *f)
{
    chipset_open(&f->c, 0);
    f->pit = pit_init(&f->c.board, chipset_wire(&f->c, 0));
    f->tick = 0;
}

static void ticks(struct fixture *f, uint64_t n)
{
    uint64_t now = vclock_now(f->c.board.clock);

    f->tick += n;
    chipset_step(&f->c, (f->tick * 1000000000 + HZ - 1) / HZ - now);
}

static void program(struct fixture *f, int counter, uint8_t control, uint16_t count)
{
    chipset_out(&f->c, 0x43, (uint8_t)(counter << 6 | control));
    chipset_out(&f->c, (uint16_t)(0x40 + counter), count & 0xff);
    chipset_out(&f->c, (uint16_t)(0x40 + counter), count >> 8);
}

static uint16_t latched(struct fixture *f, int counter)
{
    uint8_t low;

    chipset_out(&f->c, 0x43, (uint8_t)(counter << 6));
    low = chipset_in(&f->c, (uint16_t)(0x40 + counter));
    return (uint16_t)(low | chipset_in(&f->c, (uint16_t)(0x40 + counter)) << 8);
}

static uint8_t status(struct fixture *f, int counter)
{
    chipset_out(&f->c, 0x43, (uint8_t)(0xe0 | 2 << counter));
    return chipset_in(&f->c, (uint16_t)(0x40 + counter));
}

static bool out2(struct fixture *f)
{
    return chipset_in(&f->c, 0x61) >> 5 & 1;
}

static void gate2(struct fixture *f, bool on)
{
    chipset_out(&f->c, 0x61, on);
}

START_TEST(test_mode0_interrupt_on_terminal_count)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x30, 4);
    ck_assert(!out2(&f));
    ck_assert_uint_eq(status(&f, 2), 0x70); /* OUT low, null count, both bytes, mode 0 */
    ticks(&f, 1);
    ck_assert_uint_eq(status(&f, 2), 0x30);
    ck_assert_uint_eq(latched(&f, 2), 4);
    ticks(&f, 3);
    ck_assert_uint_eq(latched(&f, 2), 1);
    ck_assert(!out2(&f));
    ticks(&f, 1); /* N + 1 ticks after the write */
    ck_assert(out2(&f));
    ticks(&f, 1);
    ck_assert_uint_eq(latched(&f, 2), 0xffff); /* goes on counting */
    ck_assert(out2(&f));
    /* The first byte of a new count stops it and takes OUT down. */
    chipset_out(&f.c, 0x42, 10);
    ck_assert(!out2(&f));
    ticks(&f, 5);
    ck_assert_uint_eq(latched(&f, 2), 0xffff);
    chipset_out(&f.c, 0x42, 0);
    ticks(&f, 3);
    ck_assert_uint_eq(latched(&f, 2), 8);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode0_gate_holds)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x30, 100);
    ticks(&f, 11);
    gate2(&f, false);
    ticks(&f, 500);
    ck_assert_uint_eq(latched(&f, 2), 90);
    ck_assert(!out2(&f));
    gate2(&f, true);
    ticks(&f, 90);
    ck_assert(out2(&f));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode1_one_shot)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, false);
    program(&f, 2, 0x32, 5);
    ck_assert(out2(&f));
    ticks(&f, 20);
    ck_assert(out2(&f)); /* waits for its trigger */
    gate2(&f, true);
    ck_assert(out2(&f));
    ticks(&f, 1);
    ck_assert(!out2(&f));
    gate2(&f, false); /* the gate's fall does nothing */
    ticks(&f, 3);
    ck_assert(!out2(&f));
    gate2(&f, true); /* a further trigger starts over */
    ticks(&f, 5);
    ck_assert(!out2(&f));
    ticks(&f, 1);
    ck_assert(out2(&f));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode2_rate_generator)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x34, 3);
    ticks(&f, 1);
    for (int period = 0; period < 3; period++) {
        ck_assert(out2(&f));
        ck_assert_uint_eq(latched(&f, 2), 3);
        ticks(&f, 2);
        ck_assert_uint_eq(latched(&f, 2), 1);
        ck_assert(!out2(&f));
        ticks(&f, 1);
    }
    ticks(&f, 2);
    gate2(&f, false); /* OUT goes high at once */
    ck_assert(out2(&f));
    ticks(&f, 2);
    gate2(&f, true);
    ticks(&f, 3);
    ck_assert(!out2(&f)); /* reloaded by the gate */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode2_new_count_waits_for_the_period)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x34, 100);
    ticks(&f, 11);
    chipset_out(&f.c, 0x42, 20);
    chipset_out(&f.c, 0x42, 0);
    ck_assert_uint_eq(status(&f, 2) & 0x40, 0x40); /* null count */
    ck_assert_uint_eq(latched(&f, 2), 90);
    ticks(&f, 89);
    ck_assert_uint_eq(latched(&f, 2), 1);
    ticks(&f, 1);
    ck_assert_uint_eq(latched(&f, 2), 20);
    ck_assert_uint_eq(status(&f, 2) & 0x40, 0);
    ticks(&f, 20);
    ck_assert_uint_eq(latched(&f, 2), 20);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode3_square_wave)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x36, 5); /* high for 3, low for 2 */
    ticks(&f, 1);
    for (int period = 0; period < 3; period++) {
        static const uint8_t outs[5] = {1, 1, 1, 0, 0}, counts[5] = {4, 2, 0, 4, 2};

        for (int i = 0; i < 5; i++) {
            ck_assert_int_eq(out2(&f), outs[i]);
            ck_assert_uint_eq(latched(&f, 2), counts[i]);
            ticks(&f, 1);
        }
    }
    program(&f, 2, 0x36, 6);
    ticks(&f, 3);
    ck_assert(out2(&f));
    ck_assert_uint_eq(latched(&f, 2), 2);
    chipset_out(&f.c, 0x42, 4); /* taken for the low half */
    chipset_out(&f.c, 0x42, 0);
    ticks(&f, 1);
    ck_assert(!out2(&f));
    ck_assert_uint_eq(latched(&f, 2), 4);
    ticks(&f, 2);
    ck_assert(out2(&f));
    ticks(&f, 2);
    ck_assert(!out2(&f));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mode4_and_5_strobes)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x38, 3);
    ticks(&f, 3);
    ck_assert(out2(&f));
    ticks(&f, 1); /* N + 1 after the write */
    ck_assert(!out2(&f));
    ticks(&f, 1);
    ck_assert(out2(&f));
    ticks(&f, 65535);
    ck_assert(out2(&f)); /* one strobe only */
    gate2(&f, false);
    program(&f, 2, 0x3a, 3);
    ticks(&f, 10);
    ck_assert(out2(&f));
    gate2(&f, true);
    ticks(&f, 4);
    ck_assert(!out2(&f));
    ticks(&f, 1);
    ck_assert(out2(&f));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_bcd)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x35, 0x1000);
    ticks(&f, 2);
    ck_assert_uint_eq(latched(&f, 2), 0x0999);
    program(&f, 2, 0x31, 0); /* 10000 */
    ticks(&f, 2);
    ck_assert_uint_eq(latched(&f, 2), 0x9999);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_byte_access_modes)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    chipset_out(&f.c, 0x43, 0x94); /* counter 2, low byte, mode 2 */
    chipset_out(&f.c, 0x42, 50);
    ticks(&f, 2);
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 49);
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 49);
    chipset_out(&f.c, 0x43, 0xa4); /* high byte */
    chipset_out(&f.c, 0x42, 2);
    ticks(&f, 1);
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 2);
    ticks(&f, 1);
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 1);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_latches_hold_until_read)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, 0x34, 1000);
    ticks(&f, 11);
    chipset_out(&f.c, 0x43, 0xc8); /* read back: count and status of counter 2 */
    ticks(&f, 100);
    chipset_out(&f.c, 0x43, 0x80);                   /* ignored */
    chipset_out(&f.c, 0x43, 0xe8);                   /* ignored */
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 0xb4); /* status first */
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 990 & 0xff);
    ck_assert_uint_eq(chipset_in(&f.c, 0x42), 990 >> 8);
    ck_assert_uint_eq(latched(&f, 2), 890);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_irq0_periods)
{
    struct fixture f;

    open_pit(&f);
    program(&f, 0, 0x34, 1193); /* about 1 ms */
    f.c.rises[0] = 0;
    ticks(&f, 1193 * 100 + 1);
    ck_assert_uint_eq(f.c.rises[0], 100);
    ck_assert_int_eq(f.c.level[0], 1);
    /* Square waves too, one edge a period. */
    program(&f, 0, 0x36, 1193);
    f.c.rises[0] = 0;
    ticks(&f, 1193 * 10 + 1);
    ck_assert_uint_eq(f.c.rises[0], 10);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_irq0_one_shot)
{
    struct fixture f;

    open_pit(&f);
    program(&f, 0, 0x30, 500);
    ck_assert_int_eq(f.c.level[0], 0);
    f.c.rises[0] = 0;
    ticks(&f, 500);
    ck_assert_uint_eq(f.c.rises[0], 0);
    ticks(&f, 1);
    ck_assert_uint_eq(f.c.rises[0], 1);
    ticks(&f, 200000);
    ck_assert_uint_eq(f.c.rises[0], 1);
    ck_assert_uint_eq(vclock_next_deadline(f.c.board.clock), UINT64_MAX);
    program(&f, 0, 0x38, 500);
    f.c.rises[0] = 0;
    ticks(&f, 502);
    ck_assert_uint_eq(f.c.rises[0], 1);
    chipset_close(&f.c);
}
END_TEST

/* A host that lets a whole count go by between any two lines of the device: the interrupt still
 * comes, as Linux waits for nothing else when it is idle. */
START_TEST(test_irq0_one_shot_on_a_busy_host)
{
    struct fixture f;

    open_pit(&f);
    for (unsigned mode = 0; mode <= 4; mode += 4) {
        vclock_hurry(f.c.board.clock, MS);
        program(&f, 0, (uint8_t)(0x30 | mode << 1), 100);
        vclock_hurry(f.c.board.clock, 0);
        f.c.rises[0] = 0;
        chipset_step(&f.c, MS);
        ck_assert_uint_eq(f.c.rises[0], 1);
    }
    chipset_close(&f.c);
}
END_TEST

/* The shortest periods must not flood the host with timers. */
START_TEST(test_shortest_period_is_coalesced)
{
    struct fixture f;

    open_pit(&f);
    program(&f, 0, 0x34, 2);
    f.c.rises[0] = 0;
    chipset_step(&f.c, 10 * MS);
    ck_assert_uint_gt(f.c.rises[0], 100);
    ck_assert_uint_le(f.c.rises[0], 1001);
    program(&f, 0, 0x34, 1); /* illegal: nothing */
    f.c.rises[0] = 0;
    chipset_step(&f.c, 10 * MS);
    ck_assert_uint_le(f.c.rises[0], 1);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_port61)
{
    struct fixture f;
    unsigned toggles = 0;
    uint8_t last;

    open_pit(&f);
    chipset_out(&f.c, 0x61, 0xff);
    ck_assert_uint_eq(chipset_in(&f.c, 0x61) & 0xcf, 0x0f);
    last = chipset_in(&f.c, 0x61) & 0x10;
    for (int us = 0; us < 1000; us++) {
        uint8_t now;

        chipset_step(&f.c, 1000);
        now = chipset_in(&f.c, 0x61) & 0x10;
        toggles += now != last;
        last = now;
    }
    ck_assert_uint_ge(toggles, 64); /* every 15.1 us */
    ck_assert_uint_le(toggles, 68);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_power_on_tick)
{
    struct fixture f;

    open_pit(&f);
    f.c.rises[0] = 0;
    chipset_step(&f.c, 1000 * (uint64_t)MS);
    ck_assert_uint_eq(f.c.rises[0], 18);
    chipset_close(&f.c);
}
END_TEST

/* A state put back in which counters run though no count was ever written. */
static void empty_registers(void *opaque, const struct device_class *class, void *dev)
{
    (void)opaque;
    for (const struct field *f = class->fields; f->name; f++)
        if (strstr(f->name, ".cr"))
            memset((uint8_t *)dev + f->offset, 0, f->size);
    class->loaded(dev);
}

START_TEST(test_stored_state_without_a_count)
{
    struct fixture f;

    open_pit(&f);
    gate2(&f, true);
    program(&f, 2, _i ? 0x36 : 0x34, 1000);
    ticks(&f, 10);
    device_each(f.c.board.devices, empty_registers, NULL);
    gate2(&f, false);
    gate2(&f, true); /* loads the counting element from the count register */
    ticks(&f, 10);
    ck_assert_uint_ne(latched(&f, 2), 1000 - 10);
    (void)out2(&f);
    chipset_close(&f.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pit");
    TCase *t = tcase_create("8254");

    tcase_add_test(t, test_mode0_interrupt_on_terminal_count);
    tcase_add_test(t, test_mode0_gate_holds);
    tcase_add_test(t, test_mode1_one_shot);
    tcase_add_test(t, test_mode2_rate_generator);
    tcase_add_test(t, test_mode2_new_count_waits_for_the_period);
    tcase_add_test(t, test_mode3_square_wave);
    tcase_add_test(t, test_mode4_and_5_strobes);
    tcase_add_test(t, test_bcd);
    tcase_add_test(t, test_byte_access_modes);
    tcase_add_test(t, test_latches_hold_until_read);
    tcase_add_test(t, test_irq0_periods);
    tcase_add_test(t, test_irq0_one_shot);
    tcase_add_test(t, test_irq0_one_shot_on_a_busy_host);
    tcase_add_test(t, test_shortest_period_is_coalesced);
    tcase_add_test(t, test_port61);
    tcase_add_test(t, test_power_on_tick);
    tcase_add_loop_test(t, test_stored_state_without_a_count, 0, 2);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
