/* Short cuts: CPUID by its stub gives the same as from the hub, with the flags as they were, and
 * only as long as what it depends on stays; stores beside code do not go to the hub, those into
 * code do; nor do segment loads that change with the thread. */
#include <check.h>
#include <stdio.h>
#include <string.h>

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
    static const uint8_t code[] = {0x89, 0xC6, 0xB8, 0,    0,    0,    0x80, 0x01,        0xC0,
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
    ck_assert_int_eq(rig_exec(&rig,
                              "B9 E8 03 00 00 89 0D 00 88 00 00 BA 00 00 00 00 83 F9 02 75 07 "
                              "C6 05 0C 80 00 00 07 49 75 E6"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig_r32(&rig, 0x8800), 1);
    ck_assert_uint_eq(rig.cpu->gpr[EDX], 7);
    ck_assert_uint_ge(rig.t->stats.code_writes, 1000);
    if (rig.t->fsgsbase)
        ck_assert_uint_le(rig.t->stats.slow, 100);
}
END_TEST

/* 1: MOV EBX, [the half of a descriptor with bits 23:16 of the base]; XOR EBX, 12h; MOV [that],
 * EBX; MOV GS, EAX; DEC ECX; JNZ 1b: one selector, two descriptors in turn, as two threads have
 * theirs. */
START_TEST(loads_segments_of_two_threads)
{
    rig_flat(&rig, 0);
    rig.cpu->gpr[EAX] = SEL_BASED;
    uint32_t base = rig_r32(&rig, RIG_GDT + SEL_BASED + 4) & 0xFF;
    ck_assert_int_eq(rig_exec(&rig,
                              "B9 E9 03 00 00 8B 1D 54 10 00 00 83 F3 12 89 1D 54 10 00 00 8E E8 "
                              "49 75 EC"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->seg[SEG_GS].base >> 16 & 0xFF, base ^ 0x12);
    if (rig.t->fsgsbase)
        ck_assert_uint_ge(rig.t->stats.quick, 900);
}
END_TEST

struct outcome {
    uint32_t ecx, flags, memory;
    uint64_t quick;
};

/* 1: OP [RIG_PLANES + AT], ECX; PUSHF; POP EDI; XOR EDX, EDI; ROL EDX, 3; DEC EAX; JNZ 1b */
static struct outcome calculate(const char *op, uint32_t at)
{
    char code[128];
    uint64_t before = rig.t->stats.quick;
    uint32_t place = RIG_PLANES + at, length = (uint32_t)(strlen(op) + 1) / 3 + 4 + 10;
    rig_flat(&rig, 0);
    rig.ended = false;
    rig.cpu->gpr[EAX] = 20;
    rig.cpu->gpr[ECX] = 0x79ABCDE5;
    rig.cpu->gpr[EDX] = 0;
    memcpy(rig.planes + at, "\x7F\x80\xFF\x12", 4);
    snprintf(code, sizeof code, "%s %02X %02X %02X %02X 9C 5F 31 FA C1 C2 03 48 75 %02X", op,
             place & 255, place >> 8 & 255, place >> 16 & 255, place >> 24, (256 - length) & 255);
    ck_assert_msg(rig_exec(&rig, code) == RIG_ENDED, "%s", op);
    struct outcome o = {rig.cpu->gpr[ECX], rig.cpu->gpr[EDX], 0, rig.t->stats.quick - before};
    memcpy(&o.memory, rig.planes + at, 4);
    return o;
}

/* Each operation and form on a device that takes short cuts, and where it leaves them to the hub.
 */
START_TEST(calculates_on_devices)
{
    static const char *const ops[] = {
        "00 0D", "01 0D", "02 0D", "03 0D", "08 0D", "09 0D", "0A 0D",    "0B 0D",    "10 0D",
        "11 0D", "12 0D", "13 0D", "18 0D", "19 0D", "1A 0D", "1B 0D",    "20 0D",    "21 0D",
        "22 0D", "23 0D", "28 0D", "29 0D", "2A 0D", "2B 0D", "30 0D",    "31 0D",    "32 0D",
        "33 0D", "38 0D", "39 0D", "3A 0D", "3B 0D", "84 0D", "85 0D",    "FE 05",    "FE 0D",
        "FF 05", "FF 0D", "F6 15", "F6 1D", "F7 15", "F7 1D", "66 11 0D", "66 1B 0D", "66 F7 1D"};
    for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct outcome quick = calculate(ops[i], 8), hub = calculate(ops[i], PAGE_SIZE - 8);
        ck_assert_msg(quick.ecx == hub.ecx && quick.memory == hub.memory, "%s: result", ops[i]);
        ck_assert_msg(quick.flags == hub.flags, "%s: flags", ops[i]);
        if (rig.t->fsgsbase)
            ck_assert_msg(quick.quick >= 10 && !hub.quick, "%s: not by the short cut", ops[i]);
    }
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
    tcase_add_test(c, loads_segments_of_two_threads);
    tcase_add_test(c, calculates_on_devices);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
