/* The HPET by its registers. */
#include "chipset.h"
#include "devices/apic.h"
#include <string.h>

static struct chipset c;
static struct hpet *h;
static int level[32];
static unsigned rises[32];

enum { CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xF0, T0 = 0x100, T1 = 0x120, T2 = 0x140, CMP = 8 };

static void on_irq(void *opaque, int n, int on)
{
    (void)opaque;
    rises[n] += on && !level[n];
    level[n] = on;
}

static uint32_t get(uint32_t reg)
{
    return phys_read32(c.board.phys, HPET_BASE + reg);
}

static void set(uint32_t reg, uint32_t value)
{
    phys_write32(c.board.phys, HPET_BASE + reg, value);
}

static void setup(void)
{
    chipset_open(&c, 1 << 20);
    for (unsigned i = 0; i < 32; i++)
        level[i] = 0, rises[i] = 0;
    h = hpet_init(&c.board, (struct irq_line){on_irq, NULL, 0});
    device_reset_all(c.board.devices);
}

static void teardown(void)
{
    chipset_close(&c);
}

START_TEST(test_identity)
{
    ck_assert_uint_eq(get(0), 0x8086A201);
    ck_assert_uint_eq(get(4), 10000000);
    ck_assert_uint_eq(get(T0), 0x30);
    ck_assert_uint_eq(get(T2 + 4), 0x00F00000);
    ck_assert_uint_eq(get(0x160), 0);
    ck_assert_uint_eq(get(T0 + CMP), 0xFFFFFFFF);
}
END_TEST

START_TEST(test_counter)
{
    chipset_step(&c, 1000);
    ck_assert_uint_eq(get(COUNTER), 0);
    set(COUNTER, 0xFFFFFFF0);
    set(COUNTER + 4, 5);
    set(CONFIG, 1);
    chipset_step(&c, 320);
    ck_assert_uint_eq(get(COUNTER), 0x10);
    ck_assert_uint_eq(get(COUNTER + 4), 6);
    set(CONFIG, 0);
    chipset_step(&c, MS);
    ck_assert_uint_eq(get(COUNTER), 0x10);
}
END_TEST

START_TEST(test_one_shot)
{
    set(T2, 0x4 | 20 << 9);
    set(T2 + CMP, 100);
    set(T2 + CMP + 4, 0);
    set(CONFIG, 1);
    chipset_step(&c, 999);
    ck_assert_uint_eq(rises[20], 0);
    chipset_step(&c, 1);
    ck_assert_uint_eq(rises[20], 1);
    ck_assert_uint_eq(get(STATUS), 0); /* edge */
    chipset_step(&c, 1000ull * MS);
    ck_assert_uint_eq(rises[20], 1);
    set(T2 + CMP, get(COUNTER) + 50);
    chipset_step(&c, 500);
    ck_assert_uint_eq(rises[20], 2);
}
END_TEST

START_TEST(test_level)
{
    set(T1, 0x6 | 21 << 9);
    set(T1 + CMP, 100);
    set(T1 + CMP + 4, 0);
    set(CONFIG, 1);
    chipset_step(&c, 1000);
    ck_assert_int_eq(level[21], 1);
    ck_assert_uint_eq(get(STATUS), 2);
    set(STATUS, 1);
    ck_assert_int_eq(level[21], 1);
    set(STATUS, 2);
    ck_assert_int_eq(level[21], 0);
}
END_TEST

START_TEST(test_periodic)
{
    set(CONFIG, 0);
    set(T0, 0x14C | 22 << 9); /* interrupt, periodic, set value, 32 bits */
    set(T0 + CMP, 10000);
    set(T0 + CMP, 5000);
    set(CONFIG, 1);
    chipset_step(&c, 100000);
    ck_assert_uint_eq(rises[22], 1);
    ck_assert_uint_eq(get(T0 + CMP), 15000);
    for (int i = 2; i < 20; i++) {
        chipset_step(&c, 50000);
        ck_assert_uint_eq(rises[22], i);
    }
    set(T0 + CMP, 1); /* 10 ns: must not hang */
    chipset_step(&c, 50 * MS);
    ck_assert_uint_gt(rises[22], 20);
    ck_assert_uint_lt(rises[22], 20 + 50 * MS / 9000);
}
END_TEST

/* A host that lets many periods go by between any two lines of the device. */
START_TEST(test_periodic_on_a_busy_host)
{
    set(T0, 0x14C | 22 << 9);
    set(T0 + CMP, 10000);
    set(T0 + CMP, 5000);
    set(CONFIG, 1);
    vclock_hurry(c.board.clock, 10 * MS);
    chipset_step(&c, MS);
    chipset_step(&c, MS);
    vclock_hurry(c.board.clock, 0);
    rises[22] = 0;
    level[22] = 0;
    chipset_step(&c, 500000);
    ck_assert_uint_ge(rises[22], 9);
}
END_TEST

/* A guest counts ticks: those that a late host swallowed come after all, four times as fast. */
START_TEST(test_late_ticks_are_made_up_for)
{
    set(T0, 0x14C | 22 << 9);
    set(T0 + CMP, 400000);
    set(T0 + CMP, 400000); /* 4 ms */
    set(CONFIG, 1);
    vclock_hurry(c.board.clock, 40 * MS);
    get(COUNTER);
    vclock_hurry(c.board.clock, 0);
    for (int i = 0; i < 200; i++)
        chipset_step(&c, MS);
    ck_assert_uint_ge(rises[22], get(COUNTER) / 400000 - 1);
    ck_assert_uint_le(rises[22], get(COUNTER) / 400000);
    set(CONFIG, 0); /* forgotten when the guest sets up anew */
    set(COUNTER, 0);
    set(CONFIG, 1);
    rises[22] = 0;
    chipset_step(&c, 100 * MS);
    ck_assert_uint_le(rises[22], 26);
}
END_TEST

START_TEST(test_legacy_replacement)
{
    struct irq_line pit = hpet_legacy_line(h, 0), rtc = hpet_legacy_line(h, 1);

    irq_set(&pit, 1);
    ck_assert_int_eq(level[0], 1);
    set(CONFIG, 2);
    ck_assert_int_eq(level[0], 0);
    irq_set(&pit, 0);
    irq_set(&pit, 1);
    irq_set(&rtc, 1);
    ck_assert_uint_eq(rises[0], 1);
    ck_assert_uint_eq(rises[8], 0);
    set(T0, 0x4);
    set(T0 + CMP, 100);
    set(T0 + CMP + 4, 0);
    set(T1, 0x4);
    set(T1 + CMP, 200);
    set(T1 + CMP + 4, 0);
    set(CONFIG, 3);
    chipset_step(&c, 2000);
    ck_assert_uint_eq(rises[0], 2);
    ck_assert_uint_eq(rises[8], 1);
    set(CONFIG, 1); /* the others are back, as they are */
    ck_assert_int_eq(level[0], 1);
    ck_assert_int_eq(level[8], 1);
}
END_TEST

START_TEST(test_hostile)
{
    uint32_t seed = 1;

    for (int i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        if (seed & 0x10000000)
            set(seed >> 16 & 0x1FC, seed << 9 ^ seed >> 7);
        else
            get(seed >> 16 & 0x3FF);
        if ((seed & 0xFF0000) == 0)
            chipset_step(&c, seed & 0xFFFFF);
    }
    device_reset_all(c.board.devices);
    ck_assert_uint_eq(get(CONFIG), 0);
}
END_TEST

static void owe_much(void *opaque, const struct device_class *class, void *dev)
{
    (void)opaque;
    for (const struct field *f = class->fields; f->name; f++) {
        if (strstr(f->name, ".owed_at"))
            memset((uint8_t *)dev + f->offset, 0, f->size);
        else if (strstr(f->name, ".owed"))
            memset((uint8_t *)dev + f->offset, 0x7F, f->size);
    }
    if (class->loaded)
        class->loaded(dev);
}

/* A state put back cannot owe more interrupts than half a second's. */
START_TEST(test_stored_debt)
{
    set(T2, 0x104 | 20 << 9 | (_i ? 0x48 : 0)); /* 32 bits; one shot, periodic */
    set(T2 + CMP, 100000);
    set(CONFIG, 1);
    device_each(c.board.devices, owe_much, NULL);
    chipset_step(&c, 2000 * (uint64_t)MS);
    ck_assert_uint_le(rises[20], _i ? 2000 + 500 : 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hpet");
    TCase *t = tcase_create("hpet");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_counter);
    tcase_add_test(t, test_one_shot);
    tcase_add_test(t, test_level);
    tcase_add_test(t, test_periodic);
    tcase_add_test(t, test_periodic_on_a_busy_host);
    tcase_add_test(t, test_late_ticks_are_made_up_for);
    tcase_add_test(t, test_legacy_replacement);
    tcase_add_test(t, test_hostile);
    tcase_add_loop_test(t, test_stored_debt, 0, 2);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
