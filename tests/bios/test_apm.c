/* APM by INT 15h/53xxh and by the protected-mode entries. */
#include "rig.h"

#include <check.h>
#include <stdlib.h>

static struct rig rig;
static unsigned offs;

static void on_off(void *opaque)
{
    (void)opaque;
    offs++;
}

static void open_rig(void)
{
    rig_open(&rig, 16, 0, 0);
    rig.bios->config.power_off = on_off;
    offs = 0;
    rig_post(&rig);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static bool call(uint8_t function, uint16_t bx, uint16_t cx)
{
    return rig_call(&rig, TRAP_INT15, 0x5300 | function, bx, cx, 0);
}

static bool live_zero(void)
{
    return rig.cpu->flags_host & FLAG_ZF;
}

static uint32_t gpr(enum gpr r)
{
    return rig.cpu->gpr[r];
}

START_TEST(test_installation_check)
{
    ck_assert(!call(0x00, 0, 0));
    ck_assert_uint_eq(gpr(EAX) & 0xFFFF, 0x0102);
    ck_assert_uint_eq(gpr(EBX) & 0xFFFF, 0x504D);
    ck_assert_uint_eq(gpr(ECX) & 0xFFFF, 3);
    ck_assert(call(0x00, 1, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x09);
    ck_assert(call(0x77, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x0C);
}
END_TEST

START_TEST(test_connect)
{
    ck_assert(call(0x04, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x03);
    ck_assert(!call(0x01, 0, 0));
    ck_assert(call(0x03, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x02);
    ck_assert(!call(0x0E, 0, 0x0101));
    ck_assert_uint_eq(gpr(EAX) & 0xFFFF, 0x0101);
    ck_assert(!call(0x0E, 0, 0x0200));
    ck_assert_uint_eq(gpr(EAX) & 0xFFFF, 0x0102);
    ck_assert(!call(0x04, 0, 0));
    ck_assert(!call(0x02, 0, 0));
    ck_assert_uint_eq(gpr(EAX) & 0xFFFF, 0xF000);
    ck_assert_uint_eq(gpr(EBX) & 0xFFFF, ROM_APM16);
    ck_assert(call(0x01, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x05);
    ck_assert(!call(0x04, 0, 0));
    ck_assert(!call(0x03, 0, 0));
    ck_assert_uint_eq(gpr(EBX), ROM_APM32);
    ck_assert_uint_eq(gpr(ESI), 0xFFFFFFFF);
}
END_TEST

START_TEST(test_idle_and_off)
{
    ck_assert(!call(0x01, 0, 0));
    ck_assert(!live_zero());
    ck_assert(!call(0x05, 0, 0));
    ck_assert(live_zero());
    ck_assert(!call(0x06, 0, 0));
    ck_assert(!live_zero());
    ck_assert(!call(0x07, 1, 1)); /* standby */
    ck_assert(live_zero());
    ck_assert(call(0x07, 1, 6));
    ck_assert_uint_eq(rig_ah(&rig), 0x0A);
    ck_assert(call(0x07, 0x100, 3));
    ck_assert_uint_eq(rig_ah(&rig), 0x09);
    ck_assert(!call(0x08, 1, 0)); /* disable */
    ck_assert(call(0x07, 1, 3));
    ck_assert_uint_eq(rig_ah(&rig), 0x01);
    ck_assert_uint_eq(offs, 0);
    ck_assert(!call(0x08, 1, 1));
    ck_assert(!call(0x0F, 1, 0)); /* disengage */
    ck_assert(call(0x07, 1, 3));
    ck_assert_uint_eq(rig_ah(&rig), 0x0B);
    ck_assert(!call(0x09, 1, 0));
    ck_assert(!call(0x07, 1, 3));
    ck_assert_uint_eq(offs, 1);
}
END_TEST

START_TEST(test_status)
{
    ck_assert(!call(0x0A, 1, 0));
    ck_assert_uint_eq(gpr(EBX) >> 8 & 0xFF, 1); /* on line */
    ck_assert_uint_eq(gpr(ECX) & 0xFFFF, 0x80FF);
    ck_assert(call(0x0B, 0, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x80);
    ck_assert(!call(0x0C, 1, 0));
    ck_assert_uint_eq(gpr(ECX) & 0xFFFF, 0);
    ck_assert(!call(0x10, 0, 0));
    ck_assert_uint_eq(gpr(EBX) & 0xFF, 0);
}
END_TEST

START_TEST(test_protected_mode_entry)
{
    ck_assert(!call(0x03, 0, 0));
    rig.cpu->gpr[EAX] = 0x5305;
    rig.cpu->iflag = 0;
    rig_trap(&rig, TRAP_APM);
    ck_assert(!rig_live_carry(&rig) && !live_zero()); /* would never wake */
    rig.cpu->gpr[EAX] = 0x5305;
    rig.cpu->iflag = FLAG_IF;
    rig_trap(&rig, TRAP_APM);
    ck_assert(live_zero());
    rig.cpu->gpr[EAX] = 0x530B;
    rig_trap(&rig, TRAP_APM);
    ck_assert(rig_live_carry(&rig) && !live_zero());
    rig.cpu->gpr[EAX] = 0x0000;
    rig_trap(&rig, TRAP_APM);
    ck_assert(rig_live_carry(&rig));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("apm");
    TCase *t = tcase_create("apm");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_installation_check);
    tcase_add_test(t, test_connect);
    tcase_add_test(t, test_idle_and_off);
    tcase_add_test(t, test_status);
    tcase_add_test(t, test_protected_mode_entry);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
