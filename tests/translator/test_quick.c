/* Short cuts: CPUID by its stub gives the same as from the hub, with the flags as they were, and only as
 * long as what it depends on stays; stores beside code do not go to the hub, those into code do. */
#include <check.h>

#include "cpu/control.h"
#include "tests/translator/rig.h"
#include "translator/internal.h"

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, NULL);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* MOV EAX, 80000000h; ADD EAX, EAX (ZF, PF, CF and OF); MOV EAX, LEAF's; CPUID; PUSHF. */
static void ask(uint32_t leaf, uint32_t subleaf, uint32_t cr4)
{
    static const uint8_t code[] = {0x89, 0xC6, 0xB8, 0, 0, 0, 0x80, 0x01, 0xC0,
                                   0x89, 0xF0, 0x0F, 0xA2, 0x9C, 0x5F, 0xE6, RIG_PORT_END};
    uint32_t regs[4];
    rig_flat(&rig, 0);
    rig.ended = false;
    rig.cpu->cr4 = cr4;
    rig.cpu->gpr[EAX] = leaf;
    rig.cpu->gpr[ECX] = subleaf;
    rig.cpu->gpr[EBX] = rig.cpu->gpr[EDX] = 0x55555555;
    rig_load(&rig, RIG_CODE, code, sizeof code);
    cpu_cpuid(rig.cpu, leaf, subleaf, regs);
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], regs[0]);
    ck_assert_uint_eq(rig.cpu->gpr[EBX], regs[1]);
    ck_assert_uint_eq(rig.cpu->gpr[ECX], regs[2]);
    ck_assert_uint_eq(rig.cpu->gpr[EDX], regs[3]);
    ck_assert_uint_eq(rig.cpu->gpr[EDI] & FLAGS_HOST, FLAG_ZF | FLAG_PF | FLAG_CF | FLAG_OF);
}

START_TEST(gives_what_the_hub_gives)
{
    static const uint32_t leaves[] = {0,          1,          2,          4,          7,
                                      13,         0x15,       0x80000000, 0x80000001, 0x80000002,
                                      0x80000008, 0x40000000, 0xFFFFFFFE, 0xFFFFFFFF, 1};
    for (unsigned i = 0; i < sizeof leaves / sizeof *leaves; i++)
        for (uint32_t subleaf = 0; subleaf < 4; subleaf++)
            for (unsigned again = 0; again < 2; again++)
                ask(leaves[i], subleaf, 0);
    if (rig.t->fsgsbase)
        ck_assert_uint_ge(rig.t->rt->leaves, sizeof leaves / sizeof *leaves * 4);
}
END_TEST

/* OSXSAVE shows in leaf 1, the APIC's switch too, XCR0 in leaf 13. */
START_TEST(follows_what_it_depends_on)
{
    for (unsigned i = 0; i < 4; i++) {
        ask(1, 0, i & 1 ? CR4_OSXSAVE : 0);
        ck_assert_uint_eq(rig.cpu->gpr[ECX] >> 27 & 1, i & 1);
    }
    for (unsigned i = 0; i < 4; i++) {
        rig.cpu->apic_base ^= APIC_BASE_ENABLED;
        ask(1, 0, 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        rig.cpu->xcr0 ^= 4;
        ask(13, 0, CR4_OSXSAVE);
    }
}
END_TEST

/* mov ecx, 1000; 1: mov [8800h], ecx; mov edx, 0; in the last but one round that 0 becomes 7:
 * cmp ecx, 2; jne 2f; mov byte [800Ch], 7; 2: dec ecx; jnz 1b */
START_TEST(stores_beside_code)
{
    rig_flat(&rig, 0);
    rig_w32(&rig, 0x8800, 0);
    ck_assert_int_eq(rig_exec(&rig, "B9 E8 03 00 00 89 0D 00 88 00 00 BA 00 00 00 00 83 F9 02 75 07 "
                                    "C6 05 0C 80 00 00 07 49 75 E6"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig_r32(&rig, 0x8800), 1);
    ck_assert_uint_eq(rig.cpu->gpr[EDX], 7);
    ck_assert_uint_ge(rig.t->stats.code_writes, 1000);
    if (rig.t->fsgsbase)
        ck_assert_uint_le(rig.t->stats.slow, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("quick");
    TCase *c = tcase_create("short cuts");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, gives_what_the_hub_gives);
    tcase_add_test(c, follows_what_it_depends_on);
    tcase_add_test(c, stores_beside_code);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
