/* Hardware task switching.  SDM vol. 3A chapter 7. */
#include "cpu/debug.h"
#include "rig.h"

#include <check.h>

static struct rig rig;

enum {
    NEW_TSS = 0x5000,
    SEL_NEW = SEL_FREE,
    SEL_GATE = SEL_FREE + 8,
    TSS_EIP = 0x20,
    TSS_EFLAGS = 0x24,
    TSS_EAX = 0x28,
    TSS_ESP = 0x38,
    TSS_ES = 0x48,
    TSS_CS = 0x4C,
    TSS_SS = 0x50,
    TSS_DS = 0x54,
    TSS_LDT = 0x60,
    TSS_TRAP = 0x64
};

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 0);
    rig_segment(&rig, RIG_GDT, SEL_NEW, NEW_TSS, 0x67, 0x89, 0);
    rig_gate(&rig, RIG_GDT, SEL_GATE >> 3, SEL_NEW, 0, 0x85, 0);
    rig_w32(&rig, NEW_TSS + TSS_EIP, 0x9000);
    rig_w32(&rig, NEW_TSS + TSS_EFLAGS, 2 | FLAG_CF);
    for (unsigned n = 0; n < 8; n++)
        rig_w32(&rig, NEW_TSS + TSS_EAX + 4 * n, 0x10101010 * n);
    rig_w32(&rig, NEW_TSS + TSS_ESP, 0x28000);
    rig_w16(&rig, NEW_TSS + TSS_CS, SEL_CODE0);
    rig_w16(&rig, NEW_TSS + TSS_SS, SEL_DATA0);
    rig_w16(&rig, NEW_TSS + TSS_DS, SEL_DATA0);
    rig_w16(&rig, NEW_TSS + TSS_ES, SEL_DATA3);
    rig_w16(&rig, NEW_TSS + TSS_LDT, SEL_LDT);
    rig.cpu->gpr[EAX] = 0xAAAAAAAA;
    cpu_set_eflags(rig.cpu, FLAG_ZF | FLAG_IF);
}

static void teardown(void)
{
    rig_close(&rig);
}

static uint8_t type_of(uint16_t selector)
{
    return rig_r8(&rig, RIG_GDT + selector + 5);
}

static void check_new_task(void)
{
    const struct cpu *c = rig.cpu;
    ck_assert_uint_eq(c->eip, 0x9000);
    ck_assert_uint_eq(c->gpr[EAX], 0);
    ck_assert_uint_eq(c->gpr[EDI], 0x70707070);
    ck_assert_uint_eq(c->gpr[ESP], 0x28000);
    ck_assert_uint_eq(c->seg[SEG_ES].selector, SEL_DATA3);
    ck_assert_uint_eq(c->seg[SEG_FS].usable, 0);
    ck_assert_uint_eq(c->ldtr.base, RIG_LDT);
    ck_assert_uint_eq(c->tr.selector, SEL_NEW);
    ck_assert(c->cr0 & CR0_TS);
    ck_assert_uint_eq(type_of(SEL_NEW), 0x8B);
    ck_assert_uint_eq(rig_r32(&rig, RIG_TSS + TSS_EAX), 0xAAAAAAAA);
    ck_assert_uint_eq(rig_r32(&rig, RIG_TSS + TSS_EIP), RIG_CODE + 7);
    ck_assert_uint_eq(rig_r16(&rig, RIG_TSS + TSS_CS), SEL_CODE0);
}

START_TEST(jump)
{
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 38 00"), CPU_NEXT);
    check_new_task();
    ck_assert_uint_eq(cpu_eflags(rig.cpu), 2 | FLAG_CF);
    ck_assert_uint_eq(type_of(SEL_TSS), 0x89); /* no longer busy */
    ck_assert_uint_eq(rig_r32(&rig, RIG_TSS + TSS_EFLAGS), 2 | FLAG_ZF | FLAG_IF);
}
END_TEST

START_TEST(call_and_iret)
{
    struct cpu *c = rig.cpu;
    ck_assert_int_eq(rig_exec(&rig, "9A 00 00 00 00 38 00"), CPU_NEXT);
    check_new_task();
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_CF | FLAG_NT);
    ck_assert_uint_eq(type_of(SEL_TSS), 0x8B); /* nested: stays busy */
    ck_assert_uint_eq(rig_r16(&rig, NEW_TSS), SEL_TSS);
    /* IRET saves NT as clear and makes the nested task available. */
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, RIG_CODE + 7);
    ck_assert_uint_eq(c->gpr[EAX], 0xAAAAAAAA);
    ck_assert_uint_eq(c->tr.selector, SEL_TSS);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_ZF | FLAG_IF);
    ck_assert_uint_eq(type_of(SEL_NEW), 0x89);
    ck_assert_uint_eq(type_of(SEL_TSS), 0x8B);
    ck_assert_uint_eq(rig_r32(&rig, NEW_TSS + TSS_EFLAGS), 2 | FLAG_CF);
    ck_assert_uint_eq(rig_r32(&rig, NEW_TSS + TSS_EIP), 0x9001);
}
END_TEST

START_TEST(task_gate_of_gdt)
{
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 40 00"), CPU_NEXT);
    check_new_task();
}
END_TEST

/* A fault through a task gate pushes its error code on the new task's stack. */
START_TEST(task_gate_of_idt)
{
    struct cpu *c = rig.cpu;
    rig_gate(&rig, RIG_IDT, EXC_GP, SEL_NEW, 0, 0x85, 0);
    cpu_raise(c, EXC_GP, 0x1234);
    cpu_deliver_exception(c);
    ck_assert_uint_eq(c->eip, 0x9000);
    ck_assert_uint_eq(c->gpr[ESP], 0x28000 - 4);
    ck_assert_uint_eq(rig_r32(&rig, 0x28000 - 4), 0x1234);
    ck_assert_uint_eq(rig_r32(&rig, RIG_TSS + TSS_EIP), RIG_CODE);
    ck_assert(rig_r32(&rig, RIG_TSS + TSS_EFLAGS) & FLAG_RF);
    ck_assert(cpu_eflags(c) & FLAG_NT);
    ck_assert(!(cpu_eflags(c) & FLAG_RF));
}
END_TEST

START_TEST(refusals)
{
    struct cpu *c = rig.cpu;
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 28 00", EXC_GP, SEL_TSS)); /* busy */
    rig_segment(&rig, RIG_GDT, SEL_NEW, NEW_TSS, 0x67, 0x09, 0);
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 38 00", EXC_NP, SEL_NEW));
    rig_segment(&rig, RIG_GDT, SEL_NEW, NEW_TSS, 0x66, 0x89, 0);
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 38 00", EXC_TS, SEL_NEW));
    /* IRET with NT: the link must name a busy TSS. */
    cpu_set_eflags(c, FLAG_NT);
    rig_w16(&rig, RIG_TSS, SEL_NEW);
    ck_assert(rig_faults(&rig, "CF", EXC_TS, SEL_NEW));
    ck_assert_uint_eq(c->cr0 & CR0_TS, 0);
}
END_TEST

/* SDM 7.3: bad selectors are faults of the new task, at its first instruction. */
START_TEST(fault_in_new_task)
{
    struct cpu *c = rig.cpu;
    rig_w16(&rig, NEW_TSS + TSS_SS, SEL_DATA3);
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 38 00"), CPU_EXCEPTION);
    ck_assert_uint_eq(c->exc.vector, EXC_TS);
    ck_assert_uint_eq(c->exc.error_code, SEL_DATA3 & 0xFFFC);
    ck_assert_uint_eq(c->eip, 0x9000);
    ck_assert_uint_eq(c->tr.selector, SEL_NEW);
    ck_assert_uint_eq(c->seg[SEG_CS].selector, SEL_CODE0);
    ck_assert_uint_eq(c->seg[SEG_SS].usable, 0);
}
END_TEST

START_TEST(to_virtual_8086)
{
    struct cpu *c = rig.cpu;
    rig_w32(&rig, NEW_TSS + TSS_EFLAGS, 2 | FLAG_VM | FLAG_IF);
    rig_w16(&rig, NEW_TSS + TSS_CS, 0x1234);
    rig_w16(&rig, NEW_TSS + TSS_LDT, 0);
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 38 00"), CPU_NEXT);
    ck_assert(cpu_v86(c));
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0x12340);
}
END_TEST

START_TEST(trap_bit_and_local_breakpoints)
{
    struct cpu *c = rig.cpu;
    rig_w16(&rig, NEW_TSS + TSS_TRAP, 1);
    cpu_write_dr(c, 7, 0x3);
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 38 00"), CPU_NEXT);
    ck_assert(c->event & EVENT_DEBUG);
    ck_assert(c->dr[6] & DR6_BT);
    ck_assert_uint_eq(c->dr[7] & 0xFF, 2);
}
END_TEST

/* SDM 7.6: a 16-bit TSS holds the low halves only. */
START_TEST(tss_16)
{
    struct cpu *c = rig.cpu;
    rig_segment(&rig, RIG_GDT, SEL_NEW, NEW_TSS, 0x2B, 0x81, 0);
    for (unsigned n = 0; n < 0x2C; n += 2)
        rig_w16(&rig, NEW_TSS + n, 0);
    rig_w16(&rig, NEW_TSS + 0x0E, 0x4321);
    rig_w16(&rig, NEW_TSS + 0x10, FLAG_SF);
    rig_w16(&rig, NEW_TSS + 0x12, 0xBEEF);
    rig_w16(&rig, NEW_TSS + 0x1A, 0x7000);
    rig_w16(&rig, NEW_TSS + 0x24, SEL_CODE0);
    rig_w16(&rig, NEW_TSS + 0x26, SEL_DATA0);
    ck_assert_int_eq(rig_exec(&rig, "9A 00 00 00 00 38 00"), CPU_NEXT);
    ck_assert_uint_eq(c->eip, 0x4321);
    ck_assert_uint_eq(c->gpr[EAX] & 0xFFFF, 0xBEEF);
    ck_assert_uint_eq(cpu_eflags(c), 2 | FLAG_SF | FLAG_NT);
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[EAX], 0xAAAAAAAA);
    ck_assert_uint_eq(rig_r16(&rig, NEW_TSS + 0x0E), 0x4322);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tasks");
    TCase *tc = tcase_create("task");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, jump);
    tcase_add_test(tc, call_and_iret);
    tcase_add_test(tc, task_gate_of_gdt);
    tcase_add_test(tc, task_gate_of_idt);
    tcase_add_test(tc, refusals);
    tcase_add_test(tc, fault_in_new_task);
    tcase_add_test(tc, to_virtual_8086);
    tcase_add_test(tc, trap_bit_and_local_breakpoints);
    tcase_add_test(tc, tss_16);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
