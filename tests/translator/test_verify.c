#define _GNU_SOURCE /* memmem */
/* Lock-step: a wrong translation is found and told, whatever it gets wrong; a right one passes, and
 * devices see each access once. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

static struct rig rig;

static void open_rig(uint32_t first)
{
    const struct rig_options options = {.no_check = true,
                                        .translator = {.verify = true, .verify_first = first}};
    rig_open(&rig, &options);
    rig_flat(&rig, 0);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* Overwrite the host code FROM of the block at RIG_CODE with TO. */
static void spoil(const char *from, const char *to, unsigned n)
{
    for (uint32_t i = 1; i < rig.t->tb_count; i++) {
        const struct tb *tb = &rig.t->tbs[i];
        if (!tb->valid || tb->eip != RIG_CODE || (tb->mode & MODE_ONE))
            continue;
        uint8_t *found = memmem(rig.t->rw + tb->body, tb->code_end - tb->body, from, n);
        ck_assert_ptr_nonnull(found);
        memcpy(found, to, n);
        return;
    }
    ck_abort_msg("no block");
}

static char told[8192];

static void tell(void *opaque, const char *line)
{
    (void)opaque;
    size_t used = strlen(told);
    snprintf(told + used, sizeof told - used, "%s\n", line);
}

static const struct {
    const char *code, *from, *to;
    unsigned n;
    const char *tells;
} mistakes[] = {
    {"01 D8", "\x01\xD8", "\x29\xD8", 2, "EAX: translated fffffffe, one by one 00000004"},
    {"40", "\xFF\xC0", "\x90\x90", 2, "EAX: translated 00000001"},
    {"8D 44 98 08", "\x8D\x44\x98\x08", "\x8D\x44\x98\x09", 4, "EAX: translated 00000016"},
    {"C7 05 00 00 04 00 78 56 34 12", "\x78\x56\x34\x12", "\x78\x56\x35\x12", 4,
     "memory 00040002: translated 35, one by one 34"},
    {"FF 35 04 00 04 00", "\x04\x00\x04\x00", "\x08\x00\x04\x00", 4,
     "memory 00006ffc: translated 00, one by one 77"},
    /* in blocks that go on behind a conditional jump, and behind what C carried out */
    {"39 C0 75 01 40", "\x0F\x85", "\x0F\x84", 2, "EAX: translated 00000001"},
    {"39 C0 75 02 01 D8", "\x01\xD8", "\x29\xD8", 2, "EAX: translated fffffffe"},
    {"0F 20 C0 01 D8", "\x01\xD8", "\x29\xD8", 2, "after 2 of its"},
    {"39 C0 74 01 90 90", "\x0F\x84", "\x0F\x85", 2, "EIP: translated"},
    {"F8", "\xF8", "\xF9", 1, "EFLAGS: translated"},
    {"D9 E8", "\xD9\xE8", "\xD9\xEE", 2, "ST0: translated"},
    {"66 0F EF C0", "\x66\x0F\xEF\xC0", "\x66\x0F\x76\xC0", 4, "XMM0: translated ffffffff"},
    {"31 D2 F7 F2", "\xF7\xF2", "\xF7\xE2", 2, "one by one an exception"},
    {"F7 E2", "\xF7\xE2", "\xF7\xF2", 2, "one by one there is none"},
    {"8B 05 F0 FF FF 0F", "\xF0\xFF\xFF\x0F", "\xF0\xFF\xFF\x0E", 4, "one by one it is 14"},
};

static void begin(const char *tells)
{
    rig_flat(&rig, 0);
    if (strstr(tells, "it is 14"))
        rig_paging(&rig);
    rig.cpu->gpr[EAX] = 1;
    rig.cpu->gpr[EBX] = 3;
    rig.cpu->gpr[EDX] = 0;
    rig_w32(&rig, RIG_DATA + 4, 0x77);
}

START_TEST(finds_mistakes)
{
    const char *tells = mistakes[_i].tells;
    open_rig(0);
    begin(tells);
    ck_assert_int_eq(rig_exec(&rig, mistakes[_i].code), RIG_ENDED);
    spoil(mistakes[_i].from, mistakes[_i].to, mistakes[_i].n);
    begin(tells);
    rig.ended = false;
    ck_assert_int_eq(rig_run(&rig), RIG_DIVERGED);
    translator_describe_divergence(rig.t, tell, NULL);
    ck_assert_msg(strstr(told, tells), "%s", told);
    ck_assert_ptr_nonnull(strstr(told, "verify: block 00008000"));
    ck_assert_ptr_nonnull(strstr(told, "entered last"));
}
END_TEST

/* MOV DS, AX in real mode, by a block that takes the base for four times the selector. */
START_TEST(finds_wrong_bases)
{
    open_rig(0);
    for (unsigned i = 0; i < 2; i++) {
        rig_real(&rig);
        rig.cpu->gpr[EAX] = 0x1234;
        rig.ended = false;
        if (!i) {
            ck_assert_int_eq(rig_exec(&rig, "8E D8"), RIG_ENDED);
            ck_assert_uint_eq(rig.cpu->seg[SEG_DS].base, 0x12340);
            spoil("\x46\x8D\x0C\xCD", "\x46\x8D\x0C\x8D", 4);
        }
    }
    ck_assert_int_eq(rig_run(&rig), RIG_DIVERGED);
    translator_describe_divergence(rig.t, tell, NULL);
    ck_assert_msg(strstr(told, "DS base: translated 000091a0, one by one 00012340"), "%s", told);
}
END_TEST

/* A short cut that remembers what is not so. */
START_TEST(finds_wrong_short_cuts)
{
    const char *mov_es_eax = "8E C0 90";
    open_rig(0);
    if (!rig.t->fsgsbase)
        return; /* such hosts have no short cuts */
    for (unsigned i = 0; i < 3; i++) {
        rig_flat(&rig, 0);
        rig.cpu->gpr[EAX] = SEL_DATA0;
        rig.ended = false;
        if (i == 2)
            rig.t->quick.data[SEL_DATA0 >> 3].segment.limit--;
        ck_assert_int_eq(rig_exec(&rig, mov_es_eax), i == 2 ? RIG_DIVERGED : RIG_ENDED);
        ck_assert_uint_eq(rig.t->stats.verified_quick, i);
    }
    translator_describe_divergence(rig.t, tell, NULL);
    ck_assert_msg(strstr(told, "ES after the short cut of 8e at 00008000"), "%s", told);
}
END_TEST

START_TEST(compares_so_often)
{
    open_rig(3);
    rig.cpu->gpr[ECX] = 100;
    /* L: INC EAX; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "40 49 75 FC"), RIG_ENDED);
    ck_assert_uint_ge(rig.t->stats.verified, 3);
    ck_assert_uint_lt(rig.t->stats.verified, 10);
    ck_assert_uint_eq(rig.cpu->gpr[ECX], 0);
}
END_TEST

START_TEST(devices_are_asked_once)
{
    open_rig(0);
    rig.mmio[0x10] = 7;
    rig.cpu->gpr[ECX] = 10;
    rig.cpu->gpr[EAX] = 0;
    /* L: PUSH EAX; ADD EAX, [FE000010h]; POP EDX; MOV [FE000020h], EAX; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "50 03 05 10 00 00 FE 5A A3 20 00 00 FE 49 75 F0"), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 70);
    ck_assert_uint_eq(rig.mmio_reads, 10);
    ck_assert_uint_eq(rig.mmio_writes, 10);
}
END_TEST

/* Stores that the journal cannot hold, and a fault in the middle of them. */
START_TEST(long_strings)
{
    open_rig(0);
    rig.cpu->gpr[EAX] = 0x5A5A5A5A;
    rig.cpu->gpr[EDI] = 0x200000;
    rig.cpu->gpr[ECX] = 0x100000;
    ck_assert_int_eq(rig_exec(&rig, "F3 AB"), RIG_ENDED);
    ck_assert_uint_eq(rig_r32(&rig, 0x5FFFFC), 0x5A5A5A5A);
    ck_assert_uint_eq(rig.cpu->gpr[EDI], 0x600000);
}
END_TEST

/* An instruction of which the second byte lies where there is no memory, ADD BH, BH; then #UD. */
START_TEST(code_beyond_memory)
{
    enum { NOTHING = 0xF0000000, PRESENT = 1, UD = 6 };
    open_rig(0);
    rig_paging(&rig);
    rig_w8(&rig, RIG_CODE + 0xFFF, 0x00);
    rig_map(&rig, RIG_CODE + 0x1000, NOTHING | PRESENT);
    rig.cpu->gpr[EBX] = 0x4500;
    ck_assert_int_eq(rig_exec(&rig, "E9 FA 0F 00 00"), RIG_ENDED);
    ck_assert_int_eq(rig_exception(&rig, NULL), UD);
    ck_assert_uint_eq(rig.cpu->gpr[EBX], 0x8A00);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lock-step");
    TCase *tc = tcase_create("verify");
    tcase_add_checked_fixture(tc, NULL, teardown);
    tcase_add_loop_test(tc, finds_mistakes, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_test(tc, finds_wrong_bases);
    tcase_add_test(tc, finds_wrong_short_cuts);
    tcase_add_test(tc, compares_so_often);
    tcase_add_test(tc, devices_are_asked_once);
    tcase_add_test(tc, long_strings);
    tcase_add_test(tc, code_beyond_memory);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
