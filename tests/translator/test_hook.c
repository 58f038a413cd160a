/* Hooks: called when, and as often as, the guest gets there; blocks elsewhere stay what they are. */
#include <check.h>

#include "tests/translator/rig.h"
#include "translator/hook.h"
#include "translator/internal.h"

enum { LIN = 0x50000, PLACES = 40 };

static struct rig rig;
static unsigned calls;
static uint32_t seen_eax, go_to;
static bool leave_out;

static bool on_hook(void *opaque, const struct hook_key *key)
{
    struct cpu *cpu = rig.cpu;

    (void)opaque;
    calls++;
    seen_eax = cpu->gpr[EAX];
    if (key->kind == HOOK_LINEAR && !go_to)
        ck_assert_uint_eq(cpu->seg[SEG_CS].base + cpu->eip, key->address);
    if (go_to)
        cpu->eip = go_to;
    return leave_out;
}

static void setup(void)
{
    rig_open(&rig, NULL);
    calls = seen_eax = go_to = 0;
    leave_out = false;
}

static void teardown(void)
{
    rig_close(&rig);
}

static void hook(enum hook_kind kind, uint32_t address)
{
    const struct hook_key key = {kind, address};

    ck_assert(translator_set_hooks(rig.t, &key, 1, on_hook, NULL));
}

/* MOV ECX, 100; XOR EAX, EAX; +7: INC EAX; NOP; +9: DEC ECX; JNZ +7; and the end. */
static const char loop[] = "B9 64 00 00 00 31 C0 40 90 49 75 FB";

START_TEST(in_a_loop)
{
    static const struct {
        uint32_t at;
        unsigned calls, eax;
    } cases[] = {{0, 1, 0}, {7, 100, 99}, {8, 100, 100}, {9, 100, 100}, {10, 100, 100}, {12, 1, 100}};

    rig_flat(&rig, (unsigned)_i % 2 ? 3 : 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rig_flat(&rig, (unsigned)_i % 2 ? 3 : 0);
        hook(_i & 2 ? HOOK_PHYSICAL : HOOK_LINEAR, RIG_CODE + cases[i].at);
        calls = 0;
        rig.ended = false;
        ck_assert_int_eq(rig_exec(&rig, loop), RIG_ENDED);
        ck_assert_uint_eq(calls, cases[i].calls);
        ck_assert_uint_eq(seen_eax, cases[i].eax);
        ck_assert_uint_eq(rig.cpu->gpr[EAX], 100);
    }
}
END_TEST

START_TEST(inside_an_instruction_never)
{
    rig_flat(&rig, 0);
    hook(HOOK_LINEAR, RIG_CODE + 2);
    ck_assert_int_eq(rig_exec(&rig, loop), RIG_ENDED);
    ck_assert_uint_eq(calls, 0);
}
END_TEST

START_TEST(set_and_taken_away)
{
    rig_flat(&rig, 0);
    hook(HOOK_LINEAR, RIG_CODE + 8);
    ck_assert_int_eq(rig_exec(&rig, loop), RIG_ENDED);
    ck_assert_uint_eq(calls, 100);
    ck_assert(translator_set_hooks(rig.t, NULL, 0, NULL, NULL));
    rig_flat(&rig, 0);
    rig.ended = false;
    ck_assert_int_eq(rig_exec(&rig, loop), RIG_ENDED);
    ck_assert_uint_eq(calls, 100);
}
END_TEST

START_TEST(moves_the_guest)
{
    rig_flat(&rig, 0);
    hook(HOOK_LINEAR, RIG_CODE + 7);
    go_to = RIG_CODE + 12;
    ck_assert_int_eq(rig_exec(&rig, loop), RIG_ENDED);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 0);
    ck_assert_uint_eq(rig.cpu->gpr[ECX], 100);
}
END_TEST

/* With TF set every instruction runs alone; the hook is called all the same, and once. */
START_TEST(single_step)
{
    rig_real(&rig);
    rig_w32(&rig, 4, 0x6000); /* INT 1: IRET */
    rig_hex(&rig, 0x6000, "CF");
    /* TF is set from +7 on: PUSHF; POP AX; OR AH, 1; PUSH AX; POPF; NOP; INC AX; and off. */
    hook(HOOK_LINEAR, RIG_CODE + 8);
    ck_assert_int_eq(rig_exec(&rig, "9C 58 80 CC 01 50 9D 90 40 9C 58 80 E4 FE 50 9D"), RIG_ENDED);
    ck_assert_uint_eq(calls, 1);
}
END_TEST

/* Behind STI, and behind MOV SS: the shadow is as without a hook. */
START_TEST(in_a_shadow)
{
    rig_real(&rig);
    hook(HOOK_LINEAR, RIG_CODE + 4);
    ck_assert_int_eq(rig_exec(&rig, "31 C0 8E D0 40 FB 40 FA"), RIG_ENDED);
    ck_assert_uint_eq(calls, 1);
    hook(HOOK_LINEAR, RIG_CODE + 6);
    rig_real(&rig);
    rig.ended = false;
    ck_assert_int_eq(rig_exec(&rig, "31 C0 8E D0 40 FB 40 FA"), RIG_ENDED);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(seen_eax, 1);
}
END_TEST

/* MOV AX, 1234h; INT 60h; INC AX */
START_TEST(a_software_interrupt)
{
    rig_real(&rig);
    rig_w32(&rig, 0x60 * 4, 0x6000);
    rig_hex(&rig, 0x6000, "B8 77 00 CF"); /* MOV AX, 77h; IRET */
    hook(HOOK_VECTOR, 0x60);
    ck_assert_int_eq(rig_exec(&rig, "B8 34 12 CD 60 40"), RIG_ENDED);
    ck_assert_uint_eq(calls, 1);
    ck_assert_uint_eq(seen_eax & 0xFFFF, 0x1234);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 0x78);
    leave_out = true;
    rig_real(&rig);
    rig.ended = false;
    ck_assert_int_eq(rig_exec(&rig, "B8 34 12 CD 60 40"), RIG_ENDED);
    ck_assert_uint_eq(calls, 2);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 0x1235);
}
END_TEST

/* XOR ECX, ECX; DIV ECX */
START_TEST(an_exception)
{
    rig_flat(&rig, 0);
    hook(HOOK_VECTOR, EXC_DE);
    rig_exec(&rig, "31 C9 F7 F1");
    ck_assert_int_eq(rig_exception(&rig, NULL), EXC_DE);
    ck_assert_uint_eq(calls, 1);
}
END_TEST

/* A page that serves many addresses by turns: a hook at one of them is called there alone. */
START_TEST(code_that_moves)
{
    rig_flat(&rig, 3);
    rig_paging(&rig);
    for (uint32_t i = 0; i < PLACES; i++)
        rig_map(&rig, LIN + i * PAGE_SIZE, RIG_CODE | 7);
    rig_hex(&rig, RIG_CODE, "31 C0 40 90 40 E7 F8 90"); /* XOR EAX, EAX; INC; NOP; INC; OUT END */
    hook(HOOK_LINEAR, LIN + 20 * PAGE_SIZE + 4);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t i = 0; i < PLACES; i++) {
            rig.cpu->eip = LIN + i * PAGE_SIZE;
            rig.ended = rig.failed = false;
            ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
            ck_assert_uint_eq(rig.cpu->gpr[EAX], 2);
            ck_assert_uint_eq(calls, round + (i >= 20));
        }
    ck_assert_uint_gt(rig.t->stats.rebased, 0);
}
END_TEST

/* By physical address it is called at all of them. */
START_TEST(physical_everywhere)
{
    rig_flat(&rig, 3);
    rig_paging(&rig);
    for (uint32_t i = 0; i < PLACES; i++)
        rig_map(&rig, LIN + i * PAGE_SIZE, RIG_CODE | 7);
    rig_hex(&rig, RIG_CODE, "31 C0 40 90 40 E7 F8 90");
    hook(HOOK_PHYSICAL, RIG_CODE + 4);
    for (uint32_t i = 0; i < PLACES; i++) {
        rig.cpu->eip = LIN + i * PAGE_SIZE;
        rig.ended = rig.failed = false;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    }
    ck_assert_uint_eq(calls, PLACES);
}
END_TEST

START_TEST(too_many)
{
    static struct hook_key keys[HOOK_KEYS + 1];

    ck_assert(!translator_set_hooks(rig.t, keys, HOOK_KEYS + 1, on_hook, NULL));
    ck_assert(translator_set_hooks(rig.t, keys, HOOK_KEYS, on_hook, NULL)); /* all the same one */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hooks");
    TCase *tc = tcase_create("hooks");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, in_a_loop, 0, 4);
    tcase_add_test(tc, inside_an_instruction_never);
    tcase_add_test(tc, set_and_taken_away);
    tcase_add_test(tc, moves_the_guest);
    tcase_add_test(tc, single_step);
    tcase_add_test(tc, in_a_shadow);
    tcase_add_test(tc, a_software_interrupt);
    tcase_add_test(tc, an_exception);
    tcase_add_test(tc, code_that_moves);
    tcase_add_test(tc, physical_everywhere);
    tcase_add_test(tc, too_many);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
