/* XSAVE, XRSTOR, XCR0: layouts and faults of the SDM, vol. 1 chapter 13. */
#include "cpu/control.h"
#include "cpu/fpu_state.h"
#include "cpu/xsave.h"
#include "rig.h"

#include <check.h>
#include <string.h>

static struct rig rig;

enum { AREA = RIG_DATA, HEADER = RIG_DATA + 512, YMM = RIG_DATA + 576 };

static void setup(void)
{
    rig_open(&rig, "max");
    rig_protected(&rig, 0);
    rig.cpu->gpr[EBX] = AREA;
    rig.cpu->gpr[EAX] = 7;
    rig.cpu->gpr[EDX] = 0;
    rig.cpu->gpr[ECX] = 0;
}

static void teardown(void)
{
    rig_close(&rig);
}

static bool has_avx(void)
{
    return cpu_has(rig.cpu->model, FEAT_AVX);
}

static void enable(uint64_t xcr0)
{
    ck_assert(cpu_write_cr4(rig.cpu, CR4_OSFXSR | CR4_OSXSAVE));
    rig.cpu->xcr0 = xcr0;
    cpu_xsave_changed(rig.cpu);
}

START_TEST(cpuid_tells_what_is_enabled)
{
    uint32_t r[4];
    cpu_cpuid(rig.cpu, 1, 0, r);
    ck_assert(r[2] >> 26 & 1);
    ck_assert(!(r[2] >> 27 & 1));
    enable(XCR0_X87 | XCR0_SSE);
    cpu_cpuid(rig.cpu, 1, 0, r);
    ck_assert(r[2] >> 27 & 1);
    cpu_cpuid(rig.cpu, 13, 0, r);
    ck_assert_uint_eq(r[0], has_avx() ? 7 : 3);
    ck_assert_uint_eq(r[1], 576);
    ck_assert_uint_eq(r[2], has_avx() ? 832 : 576);
    if (!has_avx())
        return;
    enable(7);
    cpu_cpuid(rig.cpu, 13, 0, r);
    ck_assert_uint_eq(r[1], 832);
    cpu_cpuid(rig.cpu, 13, 2, r);
    ck_assert_uint_eq(r[0], 256);
    ck_assert_uint_eq(r[1], 576);
}
END_TEST

START_TEST(undefined_without_osxsave)
{
    ck_assert(rig_faults(&rig, "0F AE 23", EXC_UD, 0)); /* xsave [ebx] */
    ck_assert(rig_faults(&rig, "0F AE 2B", EXC_UD, 0));
    ck_assert(rig_faults(&rig, "0F 01 D0", EXC_UD, 0));
    ck_assert(rig_faults(&rig, "0F 01 D1", EXC_UD, 0));
    enable(3);
    rig.cpu->cr0 |= CR0_TS;
    ck_assert(rig_faults(&rig, "0F AE 23", EXC_NM, 0));
    ck_assert_int_eq(rig_exec(&rig, "0F 01 D0"), CPU_NEXT); /* no matter to XGETBV */
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 3);
}
END_TEST

START_TEST(xsetbv_checks)
{
    static const uint32_t bad[] = {0, 2, 5, 8 | 3, 1u << 31 | 3};
    enable(1);
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        rig.cpu->gpr[EAX] = bad[i];
        ck_assert(rig_faults(&rig, "0F 01 D1", EXC_GP, 0));
    }
    rig.cpu->gpr[EAX] = 3;
    rig.cpu->gpr[ECX] = 1;
    ck_assert(rig_faults(&rig, "0F 01 D1", EXC_GP, 0));
    rig.cpu->gpr[ECX] = 0;
    ck_assert_int_eq(rig_exec(&rig, "0F 01 D1"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->xcr0, 3);
    ck_assert_uint_eq(rig.cpu->ymm_on, 0);
    if (!has_avx())
        return;
    rig.cpu->gpr[EAX] = 7;
    ck_assert_int_eq(rig_exec(&rig, "0F 01 D1"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->ymm_on, 1);
}
END_TEST

START_TEST(saves_what_is_asked_for)
{
    if (!has_avx())
        return;
    enable(7);
    for (unsigned i = 0; i < 832; i++)
        rig_w8(&rig, AREA + i, 0xA5);
    rig_w32(&rig, HEADER, 0x80);
    rig_w32(&rig, HEADER + 4, 0);
    memset(rig.cpu->fpu + FPU_IMAGE_XMM, 0x11, 128);
    memset(cpu_ymm_high(rig.cpu), 0x22, 128);
    rig.cpu->gpr[EAX] = 4;
    ck_assert_int_eq(rig_exec(&rig, "0F AE 23"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, HEADER), 0x84); /* the others' bits stay */
    ck_assert_uint_eq(rig_r32(&rig, AREA), 0xA5A5A5A5);
    ck_assert_uint_eq(rig_r32(&rig, AREA + 24), 0x1F80); /* MXCSR goes with AVX, too */
    ck_assert_uint_eq(rig_r32(&rig, AREA + 160), 0xA5A5A5A5);
    ck_assert_uint_eq(rig_r32(&rig, YMM + 124), 0x22222222);
    ck_assert_uint_eq(rig_r32(&rig, YMM + 128), 0xA5A5A5A5); /* YMM8 */
    memset(cpu_ymm_high(rig.cpu), 0, 128);
    rig.cpu->gpr[EAX] = 6;
    ck_assert_int_eq(rig_exec(&rig, "0F AE 23"), CPU_NEXT);
    ck_assert_uint_eq(rig_r32(&rig, HEADER), 0x82); /* nothing to restore */
    ck_assert_uint_eq(rig_r32(&rig, AREA + 160), 0x11111111);
    ck_assert_uint_eq(rig_r32(&rig, AREA + 288), 0xA5A5A5A5);
}
END_TEST

START_TEST(restores_or_initializes)
{
    if (!has_avx())
        return;
    enable(7);
    for (unsigned i = 0; i < 832; i++)
        rig_w8(&rig, AREA + i, i < 512 || i >= 576 ? 0x33 : 0);
    rig_w32(&rig, AREA + 24, 0x1F81);
    rig_w32(&rig, HEADER, 2);
    memset(cpu_ymm_high(rig.cpu), 0x22, 128);
    rig.cpu->fpu[0] = 0x40;
    ck_assert_int_eq(rig_exec(&rig, "0F AE 2B"), CPU_NEXT);
    ck_assert_uint_eq(rig.cpu->fpu[0] | rig.cpu->fpu[1] << 8, 0x37F);
    ck_assert_uint_eq(rig.cpu->fpu[FPU_IMAGE_MXCSR], 0x81);
    ck_assert_uint_eq(rig.cpu->fpu[FPU_IMAGE_XMM], 0x33);
    ck_assert_uint_eq(cpu_ymm_high(rig.cpu)[127], 0);
    rig_w32(&rig, HEADER, 4);
    rig.cpu->gpr[EAX] = 4;
    ck_assert_int_eq(rig_exec(&rig, "0F AE 2B"), CPU_NEXT);
    ck_assert_uint_eq(cpu_ymm_high(rig.cpu)[127], 0x33);
}
END_TEST

START_TEST(restore_refuses)
{
    enable(3);
    rig_w32(&rig, AREA + 24, 0x1F80);
    rig_w32(&rig, HEADER, 3);
    ck_assert_int_eq(rig_exec(&rig, "0F AE 2B"), CPU_NEXT);
    rig_w32(&rig, HEADER, 8 | 3); /* not in XCR0 */
    ck_assert(rig_faults(&rig, "0F AE 2B", EXC_GP, 0));
    rig_w32(&rig, HEADER, 3);
    rig_w32(&rig, HEADER + 12, 0x80000000); /* compacted form */
    ck_assert(rig_faults(&rig, "0F AE 2B", EXC_GP, 0));
    rig_w32(&rig, HEADER + 12, 0);
    rig_w32(&rig, AREA + 24, 0x10000); /* MXCSR */
    ck_assert(rig_faults(&rig, "0F AE 2B", EXC_GP, 0));
    rig_w32(&rig, AREA + 24, 0x1F80);
    rig.cpu->gpr[EBX] = AREA + 32; /* alignment */
    ck_assert(rig_faults(&rig, "0F AE 2B", EXC_GP, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xsave");
    TCase *c = tcase_create("xsave");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, cpuid_tells_what_is_enabled);
    tcase_add_test(c, undefined_without_osxsave);
    tcase_add_test(c, xsetbv_checks);
    tcase_add_test(c, saves_what_is_asked_for);
    tcase_add_test(c, restores_or_initializes);
    tcase_add_test(c, restore_refuses);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
