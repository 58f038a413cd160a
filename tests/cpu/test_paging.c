/* Faults of implicit and explicit accesses under paging: error codes, CR2, restartability. */
#include "rig.h"

#include <check.h>

static struct rig rig;

enum { DIRECTORY = 0x100000, TABLE = 0x101000, OTHER_DIRECTORY = 0x102000, P = 1, W = 2, U = 4 };

static void map(uint32_t page, uint32_t flags)
{
    rig_w32(&rig, TABLE + (page >> 12) * 4, page | flags);
    mmu_invlpg(rig.mmu, page);
}

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 3);
    rig_w32(&rig, DIRECTORY, TABLE | P | W | U);
    rig_w32(&rig, OTHER_DIRECTORY, TABLE | P | W | U);
    for (uint32_t page = 0; page < 1u << 22; page += 4096)
        rig_w32(&rig, TABLE + (page >> 12) * 4, page | P | W | U);
    ck_assert(cpu_write_cr3(rig.cpu, DIRECTORY));
    ck_assert(cpu_write_cr0(rig.cpu, rig.cpu->cr0 | CR0_PG | CR0_WP));
}

static void teardown(void)
{
    rig_close(&rig);
}

START_TEST(error_codes)
{
    struct cpu *c = rig.cpu;
    map(RIG_DATA, 0);
    ck_assert(rig_faults(&rig, "A1 00 00 04 00", EXC_PF, U));
    ck_assert_uint_eq(c->cr2, RIG_DATA);
    ck_assert(rig_faults(&rig, "A3 00 00 04 00", EXC_PF, U | W));
    /* A read-modify-write faults as a write. */
    ck_assert(rig_faults(&rig, "FF 05 04 00 04 00", EXC_PF, U | W));
    ck_assert_uint_eq(c->cr2, RIG_DATA + 4);
    map(RIG_DATA, P | W); /* supervisor's */
    ck_assert(rig_faults(&rig, "A1 FE FF 03 00", EXC_PF, U | P));
    ck_assert_uint_eq(c->cr2, RIG_DATA);
    map(RIG_DATA, P | U); /* read-only */
    ck_assert(rig_faults(&rig, "A3 00 00 04 00", EXC_PF, U | W | P));
    /* Implicit accesses are the supervisor's, at any CPL. */
    map(RIG_GDT, 0);
    c->gpr[EAX] = SEL_DATA3;
    ck_assert(rig_faults(&rig, "8E D8", EXC_PF, 0));
    ck_assert_uint_eq(c->cr2, RIG_GDT + (SEL_DATA3 & ~7));
}
END_TEST

START_TEST(gate_restarts_after_stack_fault)
{
    struct cpu *c = rig.cpu;
    rig_gate(&rig, RIG_IDT, 0x80, SEL_CODE0, 0x9000, 0xEE, 0);
    rig_w32(&rig, RIG_TSS + 4, RIG_STACK0 + 8); /* two pushes fit in the page */
    map(RIG_STACK0 - 4096, 0);
    ck_assert(rig_faults(&rig, "CD 80", EXC_PF, W));
    ck_assert_uint_eq(c->cr2, RIG_STACK0 - 4);
    map(RIG_STACK0 - 4096, P | W);
    ck_assert_int_eq(rig_exec(&rig, "CD 80"), CPU_NEXT);
    ck_assert_uint_eq(c->gpr[ESP], RIG_STACK0 + 8 - 20);
    ck_assert_uint_eq(rig_r32(&rig, RIG_STACK0 + 8 - 20), RIG_CODE + 2);
}
END_TEST

/* #PF while #PF is delivered. */
START_TEST(double_fault_of_page_faults)
{
    struct cpu *c = rig.cpu;
    rig_gate(&rig, RIG_IDT, EXC_DF, SEL_CODE0, 0xB000, 0x8E, 0);
    rig_gate(&rig, RIG_IDT, EXC_PF, SEL_CODE0, 0xA000, 0x8E, 0);
    rig_w32(&rig, RIG_TSS + 4, RIG_DATA + 0x800);
    map(RIG_DATA, 0);
    cpu_raise(c, EXC_PF, 4);
    cpu_deliver_exception(c); /* the #DF handler's stack is missing too */
    ck_assert_uint_eq(c->shutdown, 1);
    ck_assert_uint_eq(c->faults[0].vector, EXC_PF);
    ck_assert_uint_eq(c->faults[1].vector, EXC_PF);
    ck_assert_uint_eq(c->faults[2].vector, EXC_DF);
}
END_TEST

START_TEST(string_stops_at_the_fault)
{
    struct cpu *c = rig.cpu;
    map(RIG_DATA + 0x2000, P | U);
    c->gpr[EDI] = RIG_DATA + 0xF80;
    c->gpr[ECX] = 0x1000;
    c->gpr[EAX] = 0x12345678;
    ck_assert_int_eq(rig_exec(&rig, "F3 AB"), CPU_EXCEPTION);
    ck_assert_uint_eq(c->exc.error_code, U | W | P);
    ck_assert_uint_eq(c->cr2, RIG_DATA + 0x2000);
    ck_assert_uint_eq(c->gpr[EDI], RIG_DATA + 0x2000);
    ck_assert_uint_eq(c->gpr[ECX], 0x1000 - 0x1080 / 4);
    ck_assert_uint_eq(c->eip, RIG_CODE);
    map(RIG_DATA + 0x2000, P | U | W);
    ck_assert_int_eq(rig_exec(&rig, "F3 AB"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 0xF80 + 0x3FFC), 0x12345678);
}
END_TEST

START_TEST(task_switch_loads_cr3)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    rig_segment(&rig, RIG_GDT, SEL_FREE, 0x5000, 0x67, 0x89, 0);
    rig_w32(&rig, 0x5000 + 0x1C, OTHER_DIRECTORY);
    rig_w32(&rig, 0x5000 + 0x20, 0x9000);
    rig_w16(&rig, 0x5000 + 0x4C, SEL_CODE0);
    rig_w16(&rig, 0x5000 + 0x50, SEL_DATA0);
    /* The old TSS cannot be written: nothing happens but a fault of the old task. */
    c->cr0 |= CR0_WP;
    map(RIG_TSS, P);
    ck_assert(rig_faults(&rig, "EA 00 00 00 00 38 00", EXC_PF, P | W));
    ck_assert_uint_eq(rig_r8(&rig, RIG_GDT + SEL_FREE + 5), 0x89);
    ck_assert_uint_eq(rig_r8(&rig, RIG_GDT + SEL_TSS + 5), 0x8B);
    map(RIG_TSS, P | W);
    ck_assert_int_eq(rig_exec(&rig, "EA 00 00 00 00 38 00"), CPU_NEXT);
    ck_assert_uint_eq(c->cr3, OTHER_DIRECTORY);
    ck_assert_uint_eq(c->eip, 0x9000);
}
END_TEST

/* SDM 4.4.1: reserved bits of a PDPTE make the load fault, and CR3 stays. */
START_TEST(pae_pointers)
{
    struct cpu *c = rig.cpu;
    rig_protected(&rig, 0);
    ck_assert(cpu_write_cr0(c, c->cr0 & ~(uint32_t)CR0_PG));
    ck_assert(cpu_write_cr4(c, CR4_PAE));
    for (unsigned n = 0; n < 4; n++) {
        rig_w32(&rig, 0x110000 + 8 * n, 0);
        rig_w32(&rig, 0x110004 + 8 * n, 0);
    }
    rig_w32(&rig, 0x110000, 0x111000 | 1);
    rig_w32(&rig, 0x111000, 0x80 | 7); /* 2 MiB page at 0 */
    ck_assert(cpu_write_cr3(c, 0x110000));
    ck_assert(cpu_write_cr0(c, c->cr0 | CR0_PG));
    ck_assert_uint_eq(c->pdpte[0], 0x111001);
    ck_assert_int_eq(rig_exec(&rig, "A1 00 00 04 00"), CPU_NEXT);
    rig_w32(&rig, 0x120000, 0x111000 | 1 | 2); /* R/W is reserved here */
    c->gpr[EAX] = 0x120000;
    ck_assert(rig_faults(&rig, "0F 22 D8", EXC_GP, 0));
    ck_assert_uint_eq(c->cr3, 0x110000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("faults under paging");
    TCase *tc = tcase_create("paging");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, error_codes);
    tcase_add_test(tc, gate_restarts_after_stack_fault);
    tcase_add_test(tc, double_fault_of_page_faults);
    tcase_add_test(tc, string_stops_at_the_fault);
    tcase_add_test(tc, task_switch_loads_cr3);
    tcase_add_test(tc, pae_pointers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
