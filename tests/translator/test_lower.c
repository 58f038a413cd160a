/* Who gets the low place, and that programs there run as they do elsewhere. */
#include <check.h>

#include "mmu/mmu_internal.h"
#include "tests/translator/rig.h"
#include "translator/internal.h"

enum {
    CODE = 0x50000,
    DATA = 0x60000,
    DIR2 = RIG_PAGE_DIR + 16 * PAGE_SIZE, /* another process, */
    TABLE2 = DIR2 + PAGE_SIZE,
    DATA2 = 0x70000, /* which has this at DATA */
    LOWEST = 0x9000, /* where the host maps nothing */
};

/* How many may take the place for each process that has paid. */
enum { PAID = 4 };

static struct rig rig;

/* INC EAX; MOV [EBP-4], EAX; MOV ECX, [EBP+ESI*4-4]; CMP ECX, EAX; JE back; HLT. */
static void load(bool at_once)
{
    struct rig_options options = {.translator = {.long_at_once = at_once}};
    rig_open(&rig, &options);
    rig.t->lower.wanted = true; /* whatever the host */
    rig_flat(&rig, 3);
    rig_paging(&rig);
    rig_hex(&rig, CODE, "40 89 45 FC 8B 4C B5 FC 39 C1 74 F4 F4");
    for (uint32_t i = 0; i < 1024; i++)
        rig_w32(&rig, TABLE2 + i * 4, rig_r32(&rig, RIG_PAGE_TABLE + i * 4));
    rig_w32(&rig, TABLE2 + DATA / PAGE_SIZE * 4, DATA2 | 7);
    rig_w32(&rig, DIR2, TABLE2 | 7);
    rig.cpu->eip = CODE;
    rig.cpu->gpr[EBP] = DATA + 4;
    rig.cpu->gpr[EAX] = rig.cpu->gpr[ESI] = 0;
}

static void setup(void)
{
    load(true);
}

static void teardown(void)
{
    rig_close(&rig);
}

/* Some hundred rounds, and more, through two kicks at least: the first may come before anything
 * ran. */
static void run(void)
{
    enum { SOME = 500 };
    uint32_t from = rig.cpu->gpr[EAX];
    for (unsigned i = 0; i < 2 || rig.cpu->gpr[EAX] - from < SOME; i++)
        ck_assert_int_eq(rig_run_and_kick(&rig), RIG_KICKED);
}

static bool is_low(void)
{
    struct window *w = mmu_window(rig.mmu, true);
    ck_assert(!rig.mmu->low.there || (w == rig.mmu->low.window) == !window_base(w));
    return !window_base(w);
}

static uint64_t moves(void)
{
    return mmu_stats(rig.mmu)->lowered;
}

/* Sanitizers have memory of their own there. */
static bool there(void)
{
    return rig.mmu->low.there;
}

START_TEST(at_a_kick)
{
    run();
    ck_assert_int_eq(is_low(), there());
    for (unsigned i = 0; i < 5; i++) {
        run();
        ck_assert_uint_le(rig.cpu->gpr[EAX] - rig_r32(&rig, DATA), 1);
    }
    ck_assert_uint_eq(moves(), there());
}
END_TEST

START_TEST(in_time)
{
    teardown();
    load(false);
    ck_assert(!is_low());
    for (unsigned i = 0; i < 100 && there() && !is_low(); i++)
        run();
    ck_assert_int_eq(is_low(), there());
    ck_assert_uint_eq(moves(), there());
}
END_TEST

/* What costs more than it gains is left alone. */
START_TEST(not_too_early)
{
    teardown();
    load(false);
    run();
    mmu_raise(rig.mmu);
    rig.cpu->mode_changed = 1;
    uint64_t before = moves();
    mmu_window(rig.mmu, true)->vmas = 1u << 30;
    run();
    ck_assert(!is_low());
    ck_assert_uint_eq(moves(), before);
    mmu_window(rig.mmu, true)->vmas = 0;
}
END_TEST

/* Where a segment's base costs nothing. */
START_TEST(not_wanted)
{
    teardown();
    load(false);
    rig.t->lower.wanted = false;
    for (unsigned i = 0; i < 10; i++)
        run();
    ck_assert_uint_eq(moves(), 0);
}
END_TEST

START_TEST(processes_take_turns)
{
    uint32_t *eax = &rig.cpu->gpr[EAX], other = 1u << 30;
    for (unsigned i = 0; i < 8; i++) {
        uint32_t data = i % 2 ? DATA2 : DATA, kept = i % 2 ? DATA : DATA2, was = *eax;
        cpu_write_cr3(rig.cpu, i % 2 ? DIR2 : RIG_PAGE_DIR);
        *eax = other;
        other = was;
        uint32_t still = rig_r32(&rig, kept);
        rig.cpu->eip = CODE;
        run();
        ck_assert_int_eq(is_low(), there());
        ck_assert_uint_le(*eax - rig_r32(&rig, data), 1);
        ck_assert_uint_eq(rig_r32(&rig, kept), still);
    }
    ck_assert_uint_eq(moves(), there() ? 8 : 0);
}
END_TEST

/* A process that has pages in the first 64 KiB goes home, and stays there. */
START_TEST(lowest_pages)
{
    run();
    ck_assert_int_eq(is_low(), there());
    rig.cpu->eip = CODE;
    rig.cpu->gpr[EBP] = LOWEST + 4;
    run();
    run();
    ck_assert(!is_low());
    ck_assert_uint_le(rig.cpu->gpr[EAX] - rig_r32(&rig, LOWEST), 1);
    uint64_t before = moves();
    run();
    ck_assert_uint_eq(moves(), before);
}
END_TEST

/* An address that wraps lies in the host kernel's half. */
START_TEST(below_zero)
{
    uint32_t error;
    run();
    rig.cpu->eip = CODE;
    rig.cpu->gpr[EBP] = 2;
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_int_eq(rig_exception(&rig, &error), EXC_PF);
    ck_assert_uint_eq(error, 6);
    ck_assert_uint_eq(rig.cpu->cr2, 0xFFFFFFFE);
}
END_TEST

/* Beginning processes take the place of one that has ended, for as long as that has paid. */
START_TEST(credit)
{
    if (!there())
        return;
    run();
    ck_assert_uint_eq(rig.t->lower.credit, PAID);
    rig.t->lower.credit = 1;
    cpu_write_cr3(rig.cpu, DIR2);
    rig_w32(&rig, RIG_PAGE_DIR, 0);
    rig.cpu->eip = CODE;
    run();
    ck_assert(is_low());
    ck_assert_uint_eq(moves(), 2);
    ck_assert_uint_eq(rig.t->lower.credit, PAID); /* not 1 + PAID */
}
END_TEST

/* But not of one that has not ended, and waits. */
START_TEST(credit_and_a_living_one)
{
    if (!there())
        return;
    teardown();
    load(false);
    while (!is_low())
        run();
    cpu_write_cr3(rig.cpu, DIR2);
    mmu_window(rig.mmu, true)->vmas = 1u << 30; /* kicks leave it alone */
    rig.cpu->eip = CODE;
    run();
    ck_assert_ptr_eq(rig.t->lower.seen, mmu_window(rig.mmu, true));
    ck_assert(!is_low());
    ck_assert_uint_eq(moves(), 1);
    mmu_window(rig.mmu, true)->vmas = 0;
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lower");
    TCase *tc = tcase_create("lower");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, at_a_kick);
    tcase_add_test(tc, in_time);
    tcase_add_test(tc, not_too_early);
    tcase_add_test(tc, not_wanted);
    tcase_add_test(tc, processes_take_turns);
    tcase_add_test(tc, lowest_pages);
    tcase_add_test(tc, below_zero);
    tcase_add_test(tc, credit);
    tcase_add_test(tc, credit_and_a_living_one);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
