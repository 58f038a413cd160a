/* Virtual-8086 mode, with and without the extensions of CR4.VME.  SDM vol. 3A chapter 20. */
#include "rig.h"

#include <check.h>

static struct rig rig;

/* Enter virtual-8086 mode by IRETD at 1000:0100, stack 2000:0200. */
static void enter(uint32_t eflags)
{
    struct cpu *c = rig.cpu;
    const uint32_t frame[] = {0x100,  0x1000, eflags | FLAG_VM, 0x200, 0x2000,
                              0x3000, 0x4000, 0x5000,           0x6000};
    cpu_set_eflags(c, 0);
    rig_protected(&rig, 0);
    c->gpr[ESP] = RIG_STACK0 - sizeof frame;
    for (unsigned n = 0; n < 9; n++)
        rig_w32(&rig, c->gpr[ESP] + 4 * n, frame[n]);
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
}

static void setup(void)
{
    rig_open(&rig, "max");
}

static void teardown(void)
{
    rig_close(&rig);
}

START_TEST(iret_in_and_fault_out)
{
    struct cpu *c = rig.cpu;
    enter(FLAG_IF);
    ck_assert(cpu_v86(c));
    ck_assert_uint_eq(c->cpl, 3);
    ck_assert_uint_eq(c->eip, 0x100);
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0x10000);
    ck_assert_uint_eq(c->seg[SEG_SS].base, 0x20000);
    ck_assert_uint_eq(c->seg[SEG_ES].base, 0x30000);
    ck_assert_uint_eq(c->seg[SEG_GS].base, 0x60000);
    ck_assert_uint_eq(c->seg[SEG_DS].limit, 0xFFFF);
    ck_assert_uint_eq(c->gpr[ESP], 0x200);
    /* CLI at IOPL 0 goes to the monitor. */
    rig_gate(&rig, RIG_IDT, EXC_GP, SEL_CODE0, 0x9000, 0x8E, 0);
    ck_assert(rig_faults(&rig, "FA", EXC_GP, 0));
    cpu_deliver_exception(c);
    ck_assert(!cpu_v86(c));
    ck_assert_uint_eq(c->cpl, 0);
    const uint32_t frame[] = {0,      0x100,  0x1000, 2 | FLAG_IF | FLAG_VM | FLAG_RF,
                              0x200,  0x2000, 0x3000, 0x4000,
                              0x5000, 0x6000};
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK0 - sizeof frame);
    for (unsigned n = 0; n < 10; n++)
        ck_assert_uint_eq(rig_r32(&rig, c->gpr[ESP] + 4 * n), frame[n]);
    ck_assert_uint_eq(c->seg[SEG_DS].usable, 0);
    ck_assert_uint_eq(c->seg[SEG_GS].usable, 0);
}
END_TEST

START_TEST(iopl_decides)
{
    static const char *const sensitive[] = {"FA", "FB", "9C", "9D", "CD 21", "CF"};
    enter(0);
    for (unsigned n = 0; n < 6; n++)
        ck_assert_msg(rig_faults(&rig, sensitive[n], EXC_GP, 0), "%s", sensitive[n]);
    enter(FLAG_IOPL);
    ck_assert_int_eq(rig_exec(&rig, "FB"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->iflag, FLAG_IF);
    ck_assert_int_eq(rig_exec(&rig, "9C"), CPU_NEXT);
    ck_assert_uint_eq(rig_r16(&rig, 0x201FE), 2 | FLAG_IF | FLAG_IOPL);
    /* POPF cannot change IOPL. */
    rig_w16(&rig, 0x201FE, FLAG_CF);
    ck_assert_int_eq(rig_exec(&rig, "9D"), CPU_NEXT);
    ck_assert_uint_eq(cpu_eflags(rig.cpu), 2 | FLAG_CF | FLAG_IOPL | FLAG_VM);
}
END_TEST

/* The handler of an interrupt must be in ring 0. */
START_TEST(handler_privilege)
{
    enter(FLAG_IOPL);
    rig_gate(&rig, RIG_IDT, 0x21, SEL_CODE3, 0x9000, 0xEE, 0);
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, SEL_CODE3 & 0xFFFC));
    rig_gate(&rig, RIG_IDT, 0x21, SEL_CODE0, 0x9000, 0xEE, 0);
    ck_assert_int_eq(rig_exec(&rig, "CD 21"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->eip, 0x9000);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 - 36), 0x102);
}
END_TEST

/* SDM 20.3.3: the software interrupt redirection bit map. */
START_TEST(vme_redirection)
{
    struct cpu *c = rig.cpu;
    enter(FLAG_VIF);
    ck_assert(cpu_write_cr4(c, CR4_VME));
    rig_w16(&rig, RIG_TSS + 102, 0x88); /* the bit map lies at 68h..87h */
    c->tr.limit = 0x100;
    for (unsigned n = 0; n < 32; n++)
        rig_w8(&rig, RIG_TSS + 0x68 + n, 0xFF);
    ck_assert(rig_faults(&rig, "CD 21", EXC_GP, 0));
    rig_w8(&rig, RIG_TSS + 0x68 + 0x21 / 8, 0xFD);
    rig_w32(&rig, 0x21 * 4, 0x70001234);
    ck_assert_int_eq(rig_exec(&rig, "CD 21"), CPU_NEXT);
    ck_assert(cpu_v86(c));
    ck_assert_uint_eq(c->seg[SEG_CS].base, 0x70000);
    ck_assert_uint_eq(c->eip, 0x1234);
    ck_assert(!(c->flags_sys & FLAG_VIF));
    ck_assert_uint_eq(rig_r16(&rig, 0x201FE), 2 | FLAG_IF | FLAG_IOPL);
    ck_assert_uint_eq(rig_r16(&rig, 0x201FC), 0x1000);
    ck_assert_uint_eq(rig_r16(&rig, 0x201FA), 0x102);
    /* IRET brings VIF back. */
    ck_assert_int_eq(rig_exec(&rig, "CF"), CPU_NEXT);
    ck_assert(c->flags_sys & FLAG_VIF);
    ck_assert_uint_eq(c->eip, 0x102);
    ck_assert_uint_eq(cpu_iopl(c), 0);
}
END_TEST

START_TEST(vme_flags)
{
    struct cpu *c = rig.cpu;
    enter(FLAG_VIF | FLAG_IF);
    ck_assert(cpu_write_cr4(c, CR4_VME));
    ck_assert_int_eq(rig_exec(&rig, "FA"), CPU_NEXT);
    ck_assert_uint_eq(c->iflag, FLAG_IF);
    ck_assert(!(c->flags_sys & FLAG_VIF));
    ck_assert_int_eq(rig_exec(&rig, "9C"), CPU_NEXT);
    ck_assert_uint_eq(rig_r16(&rig, 0x201FE), 2 | FLAG_IOPL);
    ck_assert(rig_faults(&rig, "66 9C", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "66 9D", EXC_GP, 0));
    /* POPF that enables interrupts while one is pending. */
    c->flags_sys |= FLAG_VIP;
    rig_w16(&rig, 0x201FE, FLAG_IF);
    ck_assert(rig_faults(&rig, "9D", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "FB", EXC_GP, 0));
    rig_w16(&rig, 0x201FE, FLAG_TF);
    ck_assert(rig_faults(&rig, "9D", EXC_GP, 0));
}
END_TEST

/* SDM vol. 1 section 19.5.2: the I/O bit map always decides in virtual-8086 mode. */
START_TEST(io_bitmap)
{
    enter(FLAG_IOPL);
    struct cpu *c = rig.cpu;
    c->tr.limit = 0x67 + 0x20;
    for (unsigned n = 0; n < 0x20; n++)
        rig_w8(&rig, RIG_TSS + 0x68 + n, 0);
    rig_w8(&rig, RIG_TSS + 0x68 + 8, 0x10); /* port 44h */
    ck_assert_int_eq(rig_exec(&rig, "E4 40"), CPU_NEXT);
    ck_assert(rig_faults(&rig, "E4 44", EXC_GP, 0));
    ck_assert(rig_faults(&rig, "66 E5 41", EXC_GP, 0)); /* four ports, the last one denied */
    ck_assert_int_eq(rig_exec(&rig, "E5 45"), CPU_NEXT);
    c->gpr[EDX] = 0x1F8; /* its byte would be the last: two are read */
    ck_assert(rig_faults(&rig, "EC", EXC_GP, 0));
    ck_assert_uint_eq(rig.port_accesses, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("virtual-8086 mode");
    TCase *tc = tcase_create("v86");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, iret_in_and_fault_out);
    tcase_add_test(tc, iopl_decides);
    tcase_add_test(tc, handler_privilege);
    tcase_add_test(tc, vme_redirection);
    tcase_add_test(tc, vme_flags);
    tcase_add_test(tc, io_bitmap);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
