/* x87 environment formats, FXSAVE, and errors by FERR#.  Values come from the host's own FPU. */
#include "cpu/fpu_state.h"
#include "rig.h"

#include <check.h>
#include <string.h>

static struct rig rig;

/* Three registers on the stack: 1.0, 0.0, infinity (ST0). */
static void fill(void)
{
    struct cpu *c = rig.cpu;
    double infinity = __builtin_inf();
    uint8_t saved[512] __attribute__((aligned(16)));
    __asm__ volatile("fxsave %0\n\tfninit\n\tfld1\n\tfldz\n\tfldl %2\n\tfxsave %1\n\tfxrstor %0"
                     : "=m"(saved), "=m"(c->fpu)
                     : "m"(infinity));
    c->x87_fip = 0x12345678;
    c->x87_fcs = 0x1234;
    c->x87_fdp = 0x9ABCDEF0;
    c->x87_fds = 0x5678;
    c->x87_fop = 0x5DB;
}

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 0);
    fill();
    rig.cpu->gpr[EBX] = RIG_DATA;
}

static void teardown(void)
{
    rig_close(&rig);
}

/* SDM vol. 1 figure 8-9. */
START_TEST(fnstenv_32_protected)
{
    ck_assert_int_eq(rig_exec(&rig, "D9 33"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA), 0xFFFF037F);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 4), 0xFFFF0000 | 5 << 11);
    /* Physical 7 valid, 6 zero, 5 special, the rest empty. */
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 8), 0xFFFF0000 | 0x1BFF);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 12), 0x12345678);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 16), 0x05DB1234);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 20), 0x9ABCDEF0);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 24), 0x5678);
}
END_TEST

/* Figures 8-11 and 8-12. */
START_TEST(fnstenv_other_formats)
{
    ck_assert_int_eq(rig_exec(&rig, "66 D9 33"), CPU_NEXT); /* 16-bit protected */
    const uint16_t protected16[] = {0x037F, 5 << 11, 0x1BFF, 0x5678, 0x1234, 0xDEF0, 0x5678};
    for (unsigned n = 0; n < 7; n++)
        ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 2 * n), protected16[n]);
    ck_assert(cpu_write_cr0(rig.cpu, rig.cpu->cr0 & ~(uint32_t)CR0_PE));
    rig.cpu->x87_fip = 0x1234;
    rig.cpu->x87_fcs = 0xF000;
    ck_assert_int_eq(rig_exec(&rig, "66 D9 33"), CPU_NEXT); /* 16-bit real: linear F1234 */
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 6), 0x1234);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 8), 0xF5DB);
    ck_assert_int_eq(rig_exec(&rig, "D9 33"), CPU_NEXT); /* 32-bit real */
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 12), 0x1234);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 16), 0x0000F5DB);
}
END_TEST

START_TEST(fnsave_frstor)
{
    struct cpu *c = rig.cpu;
    uint8_t before[160];
    memcpy(before, c->fpu, sizeof before);
    ck_assert_int_eq(rig_exec(&rig, "DD 33"), CPU_NEXT);
    ck_assert_uint_eq(c->fpu[0] | c->fpu[1] << 8, 0x037F);
    ck_assert_uint_eq(c->fpu[4], 0); /* FNSAVE leaves the unit as FNINIT does */
    ck_assert_uint_eq(c->x87_fip, 0);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 28 + 8), 0x7FFF);  /* ST0: infinity */
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 28 + 28), 0x3FFF); /* ST2: one */
    ck_assert_int_eq(rig_exec(&rig, "DD 23"), CPU_NEXT);
    ck_assert_mem_eq(before, c->fpu, 6);
    for (unsigned n = 0; n < 3; n++)
        ck_assert_mem_eq(before + 32 + 16 * n, c->fpu + 32 + 16 * n, 10);
    ck_assert_uint_eq(c->x87_fip, 0x12345678);
    ck_assert_uint_eq(c->x87_fop, 0x5DB);
}
END_TEST

START_TEST(device_not_available)
{
    struct cpu *c = rig.cpu;
    ck_assert(cpu_write_cr0(c, c->cr0 | CR0_TS));
    ck_assert(rig_faults(&rig, "D9 33", EXC_NM, 0));
    ck_assert(rig_faults(&rig, "0F AE 03", EXC_NM, 0));
    ck_assert(cpu_write_cr0(c, (c->cr0 & ~(uint32_t)CR0_TS) | CR0_EM));
    ck_assert(rig_faults(&rig, "DD 23", EXC_NM, 0));
}
END_TEST

START_TEST(fxsave_fxrstor)
{
    struct cpu *c = rig.cpu;
    ck_assert(cpu_write_cr4(c, CR4_OSFXSR));
    for (unsigned n = 160; n < 288; n++)
        c->fpu[n] = (uint8_t)n;
    ck_assert_int_eq(rig_exec(&rig, "0F AE 03"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 8), 0x12345678);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 6), 0x5DB);
    ck_assert_uint_eq(rig_r16(&rig, RIG_DATA + 20), 0x5678);
    ck_assert_uint_eq(rig_r8(&rig, RIG_DATA + 287), (uint8_t)287);
    ck_assert_uint_eq(rig_r8(&rig, RIG_DATA + 288), 0); /* no XMM8 here */
    cpu_fpu_reset(c);
    ck_assert_int_eq(rig_exec(&rig, "0F AE 0B"), CPU_NEXT);
    ck_assert_uint_eq(c->fpu[287], (uint8_t)287);
    ck_assert_uint_eq(c->x87_fdp, 0x9ABCDEF0);
    rig_w32(&rig, RIG_DATA + 24, 0x10000); /* reserved bit of MXCSR */
    ck_assert(rig_faults(&rig, "0F AE 0B", EXC_GP, 0));
    c->gpr[EBX] += 8; /* alignment */
    ck_assert(rig_faults(&rig, "0F AE 03", EXC_GP, 0));
}
END_TEST

/* SDM vol. 1 section 8.7.2: MS-DOS compatible errors. */
START_TEST(ferr_and_ignne)
{
    struct cpu *c = rig.cpu;
    rig_exec(&rig, "D9 33");
    rig_w16(&rig, RIG_DATA, 0x0340);     /* all unmasked */
    rig_w16(&rig, RIG_DATA + 4, 0x0004); /* zero divide pending */
    ck_assert_int_eq(rig_exec(&rig, "D9 23"), CPU_NEXT);
    ck_assert_uint_eq(c->fpu[2] & 0x84, 0x84); /* ES */
    ck_assert(cpu_fpu_pending(c));
    ck_assert_int_eq(rig_exec(&rig, "D9 23"), CPU_AGAIN); /* waits for IRQ 13 */
    ck_assert_int_eq(rig.ferr, 1);
    ck_assert_int_eq(rig_exec(&rig, "E6 F0"), CPU_NEXT);
    ck_assert_int_eq(rig.ferr, 0);
    ck_assert_uint_eq(c->ignne, 1);
    ck_assert_int_eq(rig_exec(&rig, "D9 23"), CPU_NEXT); /* error ignored */
    c->ignne = 0;
    ck_assert(cpu_write_cr0(c, c->cr0 | CR0_NE));
    ck_assert(rig_faults(&rig, "DD 23", EXC_MF, 0));
    ck_assert_int_eq(rig_exec(&rig, "DD 33"), CPU_NEXT); /* FNSAVE does not wait */
    ck_assert(!cpu_fpu_pending(c));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fpu state");
    TCase *tc = tcase_create("fpu");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, fnstenv_32_protected);
    tcase_add_test(tc, fnstenv_other_formats);
    tcase_add_test(tc, fnsave_frstor);
    tcase_add_test(tc, device_not_available);
    tcase_add_test(tc, fxsave_fxrstor);
    tcase_add_test(tc, ferr_and_ignne);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
