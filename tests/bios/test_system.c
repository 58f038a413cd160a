/* INT 15h, 1Ah and 14h. */
#include "rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, 64, 0, 0);
    rig_post(&rig);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
}

static void close_rig(void)
{
    rig_close(&rig);
}

START_TEST(test_memory_map)
{
    uint64_t base, length, ram = 0, last = 0;
    uint32_t next = 0, entries = 0;

    do {
        rig.cpu->gpr[EDI] = 0;
        ck_assert(!rig_call(&rig, TRAP_INT15, 0xE820, next, 20, 0x534D4150));
        ck_assert_uint_eq(rig.cpu->gpr[EAX], 0x534D4150);
        ck_assert_uint_eq(rig.cpu->gpr[ECX], 20);
        lin_read(rig.bios, RIG_BUFFER, &base, 8);
        lin_read(rig.bios, RIG_BUFFER + 8, &length, 8);
        ck_assert_uint_ge(base, last);
        last = base + length;
        if (lin32(rig.bios, RIG_BUFFER + 16) == 1)
            ram += length;
        next = rig.cpu->gpr[EBX];
        ck_assert_uint_lt(entries++, 10);
    } while (next);
    ck_assert_uint_eq(ram, 0x9FC00 + (63 << 20));
    ck_assert(rig_call(&rig, TRAP_INT15, 0xE820, 77, 20, 0x534D4150));
    ck_assert(rig_call(&rig, TRAP_INT15, 0xE820, 0, 20, 0));
    ck_assert(rig_call(&rig, TRAP_INT15, 0xE820, 0, 19, 0x534D4150));
}
END_TEST

START_TEST(test_memory_sizes)
{
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xE801, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 0x3C00);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 48 * 16);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x8800, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 63 * 1024);
}
END_TEST

START_TEST(test_block_move)
{
    uint8_t table[0x30] = {0};

    table[0x10] = table[0x18] = table[0x11] = table[0x19] = 0xFF;
    table[0x12] = 0x00, table[0x13] = 0x10, table[0x14] = 0x03; /* 31000h */
    table[0x1A] = 0x34, table[0x1B] = 0x12, table[0x1C] = 0x30; /* 301234h */
    lin_write(rig.bios, RIG_BUFFER, table, sizeof table);
    lin_fill(rig.bios, 0x31000, 0xC3, 0x4000);
    rig.cpu->gpr[ESI] = 0;
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x8700, 0, 0x2000, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0);
    ck_assert_uint_eq(lin32(rig.bios, 0x301234), 0xC3C3C3C3);
    ck_assert_uint_eq(lin32(rig.bios, 0x305230), 0xC3C3C3C3);
    ck_assert_uint_eq(lin8(rig.bios, 0x305234), 0);
}
END_TEST

START_TEST(test_a20)
{
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x2402, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 0x0001);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x2400, 0, 0, 0));
    ck_assert(!phys_a20(rig.board.phys));
    set_lin8(rig.bios, 0x100500, 0x77);
    ck_assert_uint_eq(lin8(rig.bios, 0x500), 0x77);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x2401, 0, 0, 0));
    ck_assert(phys_a20(rig.board.phys));
    ck_assert_uint_eq(lin8(rig.bios, 0x100500), 0);
}
END_TEST

START_TEST(test_keyboard_intercept)
{
    ck_assert(rig_call(&rig, TRAP_INT15, 0x4F1E, 0, 0, 0)); /* carry stays set: process it */
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 0x4F1E);
    ck_assert(!rig_live_carry(&rig));
}
END_TEST

START_TEST(test_wait)
{
    uint64_t start = vclock_now(rig.board.clock);

    ck_assert(!rig_call(&rig, TRAP_INT15, 0x8600, 0, 0, 3000));
    ck_assert(rig_live_carry(&rig));
    rig_trap(&rig, TRAP_WAIT_INIT);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x0B) & 0x40, 0x40);
    do {
        rig_trap(&rig, TRAP_WAIT);
    } while (rig_live_carry(&rig));
    ck_assert_uint_ge(vclock_now(rig.board.clock) - start, 3000000);
    ck_assert_uint_eq(cmos_read(rig.bios, 0x0B) & 0x40, 0);
    ck_assert_uint_eq(bda8(rig.bios, 0xA0), 0);
}
END_TEST

/* 83h: IRQ 8 counts down and sets the caller's flag. */
START_TEST(test_event_wait)
{
    set_lin8(rig.bios, RIG_BUFFER + 8, 0);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0x8300, 8, 0, 2000));
    ck_assert(rig_call(&rig, TRAP_INT15, 0x8300, 8, 0, 2000)); /* one at a time */
    for (int i = 0; i < 2000000 && !(lin8(rig.bios, RIG_BUFFER + 8) & 0x80); i++) {
        vclock_run(rig.board.clock);
        rig_trap(&rig, TRAP_INT70);
    }
    ck_assert_uint_eq(lin8(rig.bios, RIG_BUFFER + 8), 0x80);
    ck_assert_uint_eq(bda8(rig.bios, 0xA0), 0);
}
END_TEST

START_TEST(test_clock)
{
    ck_assert(!rig_call(&rig, TRAP_INT1A, 0x0400, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x2000);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0229);
    ck_assert(!rig_call(&rig, TRAP_INT1A, 0x0300, 0, 0x1234, 0x5600));
    ck_assert(!rig_call(&rig, TRAP_INT1A, 0x0200, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x1234);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] >> 8 & 0xFF, 0x56);
    ck_assert(!rig_call(&rig, TRAP_INT1A, 0x0100, 0, 0x0012, 0x3456));
    ck_assert(!rig_call(&rig, TRAP_INT1A, 0x0000, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x0012);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x3456);
    ck_assert(rig_call(&rig, TRAP_INT1A, 0x8000, 0, 0, 0)); /* no sound multiplexer */
}
END_TEST

START_TEST(test_serial)
{
    ck_assert_uint_eq(in8(rig.bios, 0x3FB), 3); /* eight bits, as POST leaves it */
    rig_call(&rig, TRAP_INT14, 0x00E3, 0, 0, 0);
    ck_assert_uint_eq(rig_ah(&rig) & 0x60, 0x60);
    out8(rig.bios, 0x3FB, 0x83);
    ck_assert_uint_eq(in8(rig.bios, 0x3F8), 12);
    out8(rig.bios, 0x3FB, 0x03);
    rig_call(&rig, TRAP_INT14, 0x0155, 0, 0, 0);
    ck_assert_uint_eq(rig_ah(&rig) & 0x80, 0);
    rig_call(&rig, TRAP_INT14, 0x0200, 0, 0, 0);
    ck_assert(rig_live_carry(&rig)); /* nothing there: wait */
    rig_trap(&rig, TRAP_INT14_LATE);
    ck_assert_uint_eq(rig_ah(&rig) & 0x80, 0x80);
    rig_call(&rig, TRAP_INT14, 0x0100, 0, 0, 3);
    ck_assert_uint_eq(rig_ah(&rig), 0x80);
}
END_TEST

START_TEST(test_mouse)
{
    ck_assert(rig_call(&rig, TRAP_INT15, 0xC200, 0x0100, 0, 0)); /* no handler yet */
    ck_assert_uint_eq(rig_ah(&rig), 5);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC205, 0x0300, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0x00AA);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC207, 0x0040, 0, 0));
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC202, 0x0600, 0, 0));
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC204, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[EBX] >> 8 & 0xFF, 0);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC200, 0x0100, 0, 0));
    i8042_mouse(rig.keyboard, 5, 3, 0, 1);
    for (int bytes = 0, looks = 0; bytes < 3 && looks < 10000000; looks++) {
        vclock_run(rig.board.clock);
        if ((in8(rig.bios, 0x64) & 0x21) != 0x21)
            continue;
        rig_trap(&rig, TRAP_INT74);
        ck_assert_int_eq(rig_live_carry(&rig), ++bytes < 3);
    }
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 7, 1);
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFF, 5);
    ck_assert(!rig_call(&rig, TRAP_INT15, 0xC200, 0, 0, 0));
    ck_assert(rig_call(&rig, TRAP_INT15, 0xC202, 0x0700, 0, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("system");
    TCase *t = tcase_create("system");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_memory_map);
    tcase_add_test(t, test_memory_sizes);
    tcase_add_test(t, test_block_move);
    tcase_add_test(t, test_a20);
    tcase_add_test(t, test_keyboard_intercept);
    tcase_add_test(t, test_wait);
    tcase_add_test(t, test_event_wait);
    tcase_add_test(t, test_clock);
    tcase_add_test(t, test_serial);
    tcase_add_test(t, test_mouse);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
