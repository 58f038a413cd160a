/* Real-address mode: interrupts, far transfers, stacks, segment limits. */
#include "rig.h"

#include <check.h>

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, "max");
}

static void teardown(void)
{
    rig_close(&rig);
}

/* SDM 9.1.1, table 9-1. */
START_TEST(reset_state)
{
    cpu_reset(rig.cpu);
    const struct cpu *c = rig.cpu;
    ck_assert_uint_eq(c->eip, 0xFFF0);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0xFFFF0000);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, 0xF000);
    ck_assert_uint_eq(c->cr0, 0x60000010);
    ck_assert_uint_eq(cpu_eflags(c), 2);
    ck_assert_uint_eq(c->gpr[EDX] >> 8 & 15, 6);
    ck_assert_uint_eq(c->dr[6], 0xFFFF0FF0);
    ck_assert_uint_eq(c->dr[7], 0x400);
    ck_assert_uint_eq(c->idtr.limit, 0xFFFF);
}
END_TEST

/* SDM vol. 2 INT n, REAL-ADDRESS-MODE. */
START_TEST(int_and_iret)
{
    struct cpu *c = rig.cpu;
    rig_w16(&rig, 0x21 * 4, 0x1234);
    rig_w16(&rig, 0x21 * 4 + 2, 0x0500);
    cpu_set_eflags(c, FLAG_IF | FLAG_TF | FLAG_CF | FLAG_DF);
    ck_assert_int_eq(rig_exec(&rig, "CD 21"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, 0x1234);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, 0x0500);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0x5000);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_CF | FLAG_DF);
    ck_assert_uint_eq(c->gpr[ESP], 0x6FFA);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFA), RIG_CODE + 2);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFC), 0);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFE), 2 | FLAG_IF | FLAG_TF | FLAG_CF | FLAG_DF);
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 2);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, 0);
    ck_assert_uint_eq(c->gpr[ESP], 0x7000);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_IF | FLAG_TF | FLAG_CF | FLAG_DF);
}
END_TEST

START_TEST(idt_limit_and_shutdown)
{
    rig.cpu->idtr.limit = 0x20 * 4 - 1;
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, 0));
    rig.cpu->idtr.limit = 3;
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, 0));
    cpu_deliver_exception(rig.cpu); /* #GP, then #DF, then shutdown */
    ck_assert_uint_eq(rig.cpu->shutdown, 1);
    ck_assert_uint_ge(rig.cpu->fault_count, 3);
}
END_TEST

START_TEST(far_call_and_return)
{
    struct cpu *c = rig.cpu;
    ck_assert_int_eq(rig_exec(&rig, "9A 78 56 34 12"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, 0x5678);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0x12340);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFC), RIG_CODE + 5);
    ck_assert_int_eq(rig_exec(&rig, "CA 04 00"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 5);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0);
    ck_assert_uint_eq(c->gpr[ESP], 0x7004);
    /* Beyond the limit with a 32-bit offset. */
    ck_assert(rig_faults(&rig, "66 EA 00 00 01 00 00 00", EXC_GP, 0));
}
END_TEST

START_TEST(sixteen_bit_stack_wraps)
{
    struct cpu *c = rig.cpu;
    c->gpr[ESP] = 0xABCD0000;
    c->gpr[EAX] = 0x11223344;
    ck_assert_int_eq(rig_exec(&rig, "50"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ESP], 0xABCDFFFE);
    ck_assert_uint_eq(rig_r16(&rig, 0xFFFE), 0x3344);
    c->gpr[ESP] = 1;
    ck_assert(rig_faults(&rig, "50", EXC_SS, 0));
}
END_TEST

START_TEST(segment_limit)
{
    struct cpu *c = rig.cpu;
    c->gpr[EBX] = 0xFFFF;
    ck_assert(rig_faults(&rig, "8B 07", EXC_GP, 0)); /* a word at FFFFh */
    ck_assert_int_eq(rig_exec(&rig, "8A 07"), CPU_NEXT);
    /* "Unreal mode": a limit loaded in protected mode stays. */
    c->seg[SEG_DS].limit = 0xFFFFFFFF;
    cpu_segment_changed(c, SEG_DS);
    ck_assert_int_eq(rig_exec(&rig, "8E D8"), CPU_NEXT);
    ck_assert_uint_eq(c->seg[SEG_DS].limit, 0xFFFFFFFF);
    rig_w32(&rig, 0x123456, 0xCAFEF00D);
    cpu_set_real_segment(c, SEG_DS, 0, true);
    c->gpr[EBX] = 0x123456;
    ck_assert_int_eq(rig_exec(&rig, "67 66 8B 03"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 0xCAFEF00D);
}
END_TEST

START_TEST(mode_changed_is_sparing)
{
    struct cpu *c = rig.cpu;
    c->mode_changed = 0;
    c->gpr[EAX] = 0x2000;
    ck_assert_int_eq(rig_exec(&rig, "8E C0"), CPU_NEXT); /* MOV ES, AX */
    ck_assert_uint_eq(c->mode_changed, 0);
    ck_assert_uint_eq(c->seg[SEG_ES].base, 0x20000);
    ck_assert_int_eq(rig_exec(&rig, "8E D0"), CPU_NEXT); /* MOV SS, AX */
    ck_assert_uint_eq(c->shadow, SHADOW_SS);
    ck_assert_uint_eq(c->mode_changed, 0);
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 10"), CPU_NEXT);
    ck_assert_uint_eq(c->mode_changed, 1);
}
END_TEST

START_TEST(sti_shadow)
{
    struct cpu *c = rig.cpu;
    ck_assert_int_eq(rig_exec(&rig, "FB"), CPU_NEXT);
    ck_assert_uint_eq(c->iflag, FLAG_IF);
    ck_assert_uint_eq(c->shadow, SHADOW_STI);
    c->shadow = 0;
    ck_assert_int_eq(rig_exec(&rig, "FB"), CPU_NEXT); /* IF was set already */
    ck_assert_uint_eq(c->shadow, 0);
    ck_assert_int_eq(rig_exec(&rig, "FA"), CPU_NEXT);
    ck_assert_uint_eq(c->iflag, 0);
}
END_TEST

START_TEST(protected_instructions_are_undefined)
{
    static const char *const list[] = {"0F 00 C0", "0F 00 D8", "0F 02 C0", "63 C0", "0F 0B"};
    for (unsigned n = 0; n < sizeof list / sizeof list[0]; n++)
        ck_assert_msg(rig_faults(&rig, list[n], EXC_UD, 0), "%s", list[n]);
}
END_TEST

START_TEST(enter_and_leave)
{
    struct cpu *c = rig.cpu;
    c->gpr[EBP] = 0x6000;
    rig_w16(&rig, 0x5FFE, 0xAAAA);
    ck_assert_int_eq(rig_exec(&rig, "C8 10 00 02"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EBP], 0x6FFE);
    ck_assert_uint_eq(c->gpr[ESP], 0x7000 - 6 - 16);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFE), 0x6000);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFC), 0xAAAA);
    ck_assert_uint_eq(rig_r16(&rig, 0x6FFA), 0x6FFE);
    ck_assert_int_eq(rig_exec(&rig, "C9"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EBP], 0x6000);
    ck_assert_uint_eq(c->gpr[ESP], 0x7000);
}
END_TEST

START_TEST(bound_range)
{
    struct cpu *c = rig.cpu;
    rig_w16(&rig, 0x5000, 0xFFF0);
    rig_w16(&rig, 0x5002, 0x0010);
    c->gpr[EBX] = 0x5000;
    c->gpr[EAX] = 0xFFF0; /* -16: the lower bound itself */
    ck_assert_int_eq(rig_exec(&rig, "62 07"), CPU_NEXT);
    c->gpr[EAX] = 0x11;
    ck_assert(rig_faults(&rig, "62 07", EXC_BR, 0));
}
END_TEST

START_TEST(interrupt_wakes)
{
    struct cpu *c = rig.cpu;
    rig_w32(&rig, 8 * 4, 0xF000FEA5);
    c->halted = 1;
    cpu_set_eflags(c, FLAG_IF);
    cpu_deliver_interrupt(c, 8);
    ck_assert_uint_eq(c->halted, 0);
    ck_assert_uint_eq(c->eip, 0xFEA5);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0xF0000);
    ck_assert_uint_eq(c->iflag, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("real mode");
    TCase *tc = tcase_create("real");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, reset_state);
    tcase_add_test(tc, int_and_iret);
    tcase_add_test(tc, idt_limit_and_shutdown);
    tcase_add_test(tc, far_call_and_return);
    tcase_add_test(tc, sixteen_bit_stack_wraps);
    tcase_add_test(tc, segment_limit);
    tcase_add_test(tc, mode_changed_is_sparing);
    tcase_add_test(tc, sti_shadow);
    tcase_add_test(tc, protected_instructions_are_undefined);
    tcase_add_test(tc, enter_and_leave);
    tcase_add_test(tc, bound_range);
    tcase_add_test(tc, interrupt_wakes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
