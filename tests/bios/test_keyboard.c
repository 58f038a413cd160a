/* INT 9 and INT 16h: translation, shift states, the buffer. */
#include "rig.h"

#include "bios/keyboard.h"
#include "bios/keymap.h"

#include <check.h>
#include <stdlib.h>

static struct rig rig;

static void open_rig(void)
{
    rig_open(&rig, 4, 0, 0);
    rig_post(&rig);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static uint8_t scan(uint8_t code)
{
    rig.cpu->gpr[EAX] = code;
    rig.cpu->gpr[ESP] = RIG_SP;
    rig_trap(&rig, TRAP_INT09);
    return rig.cpu->gpr[EAX];
}

/* The next key by INT 16h function AH, or -1 when it would wait. */
static int get(uint8_t ah)
{
    rig_call(&rig, TRAP_INT16, ah << 8, 0, 0, 0);
    return rig_live_carry(&rig) ? -1 : (int)(rig.cpu->gpr[EAX] & 0xFFFF);
}

START_TEST(test_plain)
{
    ck_assert_uint_eq(scan(0x1E), KEY_ACTION_STORED);
    ck_assert_uint_eq(scan(0x9E), KEY_ACTION_NONE);
    ck_assert_int_eq(get(0x00), 0x1E61);
    ck_assert_int_eq(get(0x00), -1);
    scan(0x2A);
    scan(0x1E);
    scan(0x03);
    scan(0xAA);
    scan(0x1E);
    ck_assert_int_eq(get(0x10), 0x1E41);
    ck_assert_int_eq(get(0x10), 0x0340);
    ck_assert_int_eq(get(0x10), 0x1E61);
}
END_TEST

START_TEST(test_ctrl_alt)
{
    scan(0x1D);
    scan(0x2E);
    scan(0x03); /* ^@ */
    scan(0x9D);
    ck_assert_int_eq(get(0x00), 0x2E03);
    ck_assert_int_eq(get(0x00), 0x0300);
    scan(0x38);
    scan(0x1E);
    scan(0x3B);
    scan(0x1C);
    scan(0xB8);
    ck_assert_int_eq(get(0x00), 0x1E00);
    ck_assert_int_eq(get(0x00), 0x6800);
    ck_assert_int_eq(get(0x00), -1); /* Alt-Enter is for 101 keys only */
    scan(0x38);
    scan(0x1C);
    scan(0xB8);
    ck_assert_int_eq(get(0x10), 0x1C00);
}
END_TEST

START_TEST(test_locks)
{
    scan(0x3A);
    scan(0x3A); /* typematic: no second toggle */
    ck_assert_uint_eq(bda8(rig.bios, 0x17) & 0x40, 0x40);
    scan(0xBA);
    scan(0x1E);
    scan(0x02);
    ck_assert_int_eq(get(0x00), 0x1E41);
    ck_assert_int_eq(get(0x00), 0x0231); /* digits do not care */
    scan(0x45);
    scan(0xC5);
    scan(0x47);
    ck_assert_int_eq(get(0x00), 0x4737);
    scan(0x2A);
    scan(0x47);
    scan(0xAA);
    ck_assert_int_eq(get(0x00), 0x4700);
    ck_assert_uint_eq(i8042_leds(rig.keyboard), 6); /* Num and Caps */
}
END_TEST

START_TEST(test_extended)
{
    scan(0xE0);
    scan(0x48);
    ck_assert_int_eq(get(0x10), 0x48E0);
    scan(0xE0);
    scan(0x48);
    ck_assert_int_eq(get(0x00), 0x4800);
    scan(0xE0);
    scan(0x1C);
    ck_assert_int_eq(get(0x00), 0x1C0D);
    scan(0xE0);
    scan(0x35);
    ck_assert_int_eq(get(0x10), 0xE02F);
    scan(0x57);
    ck_assert_int_eq(get(0x10), 0x8500);
    scan(0x57);
    ck_assert_int_eq(get(0x00), -1);
    /* the shifts that come with grey keys */
    scan(0xE0);
    scan(0x2A);
    scan(0xE0);
    scan(0x53);
    ck_assert_int_eq(get(0x10), 0x53E0);
    ck_assert_uint_eq(bda8(rig.bios, 0x17) & 3, 0);
}
END_TEST

START_TEST(test_alt_number)
{
    scan(0x38);
    scan(0x4D);
    scan(0x4C);
    ck_assert_uint_eq(scan(0xB8), KEY_ACTION_STORED);
    ck_assert_int_eq(get(0x00), 65);
}
END_TEST

START_TEST(test_actions)
{
    scan(0x1D);
    scan(0xE0);
    ck_assert_uint_eq(scan(0x46), KEY_ACTION_BREAK);
    scan(0x9D);
    ck_assert_uint_eq(bda8(rig.bios, 0x71) & 0x80, 0x80);
    ck_assert_int_eq(get(0x00), 0);
    scan(0xE0);
    ck_assert_uint_eq(scan(0x37), KEY_ACTION_PRINT);
    ck_assert_uint_eq(scan(0x54), KEY_ACTION_SYSRQ);
    ck_assert_uint_eq(scan(0xD4), KEY_ACTION_SYSRQ + 1);
    scan(0xE1);
    scan(0x1D);
    ck_assert_uint_eq(scan(0x45), KEY_ACTION_PAUSE);
    ck_assert_uint_eq(bda8(rig.bios, 0x18) & 8, 8);
    ck_assert_uint_eq(scan(0x39), KEY_ACTION_NONE);
    ck_assert_uint_eq(bda8(rig.bios, 0x18) & 8, 0);
    ck_assert_int_eq(get(0x00), -1);
    scan(0x1D);
    scan(0x38);
    ck_assert_uint_eq(scan(0x53), KEY_ACTION_RESET);
    ck_assert_uint_eq(lin16(rig.bios, 0x472), 0x1234);
}
END_TEST

START_TEST(test_buffer)
{
    for (int i = 0; i < 15; i++)
        ck_assert_uint_eq(scan(0x1E), KEY_ACTION_STORED);
    ck_assert_uint_eq(scan(0x1E), KEY_ACTION_NONE);
    rig_call(&rig, TRAP_INT16, 0x0500, 0, 0x1234, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 1);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(get(0x00), 0x1E61);
    rig_call(&rig, TRAP_INT16, 0x0500, 0, 0x1234, 0);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 0);
    rig_call(&rig, TRAP_INT16, 0x0100, 0, 0, 0);
    ck_assert(!rig_zero(&rig));
    ck_assert_int_eq(get(0x00), 0x1234);
    rig_call(&rig, TRAP_INT16, 0x0100, 0, 0, 0);
    ck_assert(rig_zero(&rig));
}
END_TEST

START_TEST(test_hostile)
{
    uint32_t x = 99;

    for (int i = 0; i < 2500; i++) {
        x = x * 1664525 + 1013904223;
        scan(x >> 24);
        if (i % 50 == 0)
            set_bda16(rig.bios, 0x1A + (x >> 8 & 2), x >> 3);
        if (i % 70 == 0)
            set_bda16(rig.bios, 0x80 + (x >> 8 & 2), x >> 5);
        if (i % 3 == 0)
            get(0x00);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyboard");
    TCase *t = tcase_create("keyboard");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_plain);
    tcase_add_test(t, test_ctrl_alt);
    tcase_add_test(t, test_locks);
    tcase_add_test(t, test_extended);
    tcase_add_test(t, test_alt_number);
    tcase_add_test(t, test_actions);
    tcase_add_test(t, test_buffer);
    tcase_add_test(t, test_hostile);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
