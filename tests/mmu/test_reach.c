/* The user's window in a supervisor's hands: which bases are told when, and what a fill there does.
 */
#include "tests/mmu/rig.h"

#define DIR   MIB
#define TABLE (MIB + 0x1000)
#define PAGE  0x1400000u /* the page under test: entry 0 of the table that entry 5 leads to */
#define FRAME (2 * MIB)

static struct rig r;
static struct mmu_reach reach;

static void set_entry(uint32_t entry)
{
    put32(&r, TABLE, entry);
}

static void setup(void)
{
    memset(&reach, 0, sizeof(reach));
    rig_open(&r, 32 * MIB, 6);
    put32(&r, DIR + 5 * 4, TABLE | P | RW | US);
    set_entry(FRAME | P | RW | US);
    mmu_set_reach(r.mmu, &reach);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
}

static void teardown(void)
{
    rig_close(&r);
}

static uintptr_t base(bool user)
{
    return (uintptr_t)window_base(mmu_window(r.mmu, user));
}

START_TEST(bases_follow_windows)
{
    int64_t lin;

    /* Nobody asked for a window yet: a place that is none. */
    ck_assert_ptr_null(mmu_window_at(r.mmu, (void *)reach.base[0], &lin));
    ck_assert_uint_ne(reach.base[0], 0);
    ck_assert_uint_eq(reach.base[1], reach.base[0]);
    base(false);
    ck_assert_uint_eq(reach.base[0], base(false));
    ck_assert_uint_eq(reach.base[1], base(false));
    base(true);
    ck_assert_uint_eq(reach.base[0], base(false));
    ck_assert_uint_eq(reach.base[1], base(true));
    ck_assert_uint_ne(base(true), base(false));
    /* Another address space, and back. */
    put32(&r, DIR + 0x4000 + 5 * 4, TABLE | P | RW | US);
    rig_cr3(&r, DIR + 0x4000);
    ck_assert_ptr_null(mmu_window_at(r.mmu, (void *)reach.base[0], &lin));
    ck_assert_uint_eq(reach.base[1], reach.base[0]);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(reach.base[0], base(false));
    ck_assert_uint_eq(reach.base[1], base(true));
    /* Without paging both are one. */
    rig_paging(&r, DIR, 1, 0);
    base(false);
    ck_assert_uint_eq(reach.base[1], reach.base[0]);
}
END_TEST

/* What INVLPG drops stays mapped in the user's window until that is entered. */
START_TEST(stale_windows_are_not_told)
{
    uint8_t v;

    base(false);
    ck_assert_int_eq(touch_read(&r, mmu_window(r.mmu, true), PAGE, &v), FILL_MAPPED);
    ck_assert_uint_eq(reach.base[1], base(true));
    set_entry((FRAME + 0x1000) | P | RW | US);
    mmu_invlpg(r.mmu, PAGE);
    ck_assert_uint_eq(reach.base[1], reach.base[0]);
    ck_assert(!mmu_reach_other(r.mmu, r.mmu->cur_window[1]));
    ck_assert_uint_eq(base(true), reach.base[1]); /* asking for it settles that */
    ck_assert(mmu_reach_other(r.mmu, r.mmu->cur_window[1]));
}
END_TEST

START_TEST(pages_of_programs)
{
    struct window *user;
    uint8_t v;

    base(false);
    ck_assert(!mmu_reach_user(r.mmu, PAGE, true)); /* no program ran yet */
    user = mmu_window(r.mmu, true);
    ck_assert(mmu_reach_other(r.mmu, user));
    ck_assert(!mmu_reach_other(r.mmu, mmu_window(r.mmu, false)));
    ck_assert(!mmu_reach_other(r.mmu, NULL));
    ck_assert(mmu_reach_user(r.mmu, PAGE, true));
    ck_assert(!mmu_reach_user(r.mmu, PAGE, false));
    ck_assert_int_eq(touch_read(&r, user, PAGE, &v), FILL_MAPPED);
    ck_assert(mmu_reach_user(r.mmu, PAGE, false));
    set_entry(FRAME | P | RW);
    ck_assert(!mmu_reach_user(r.mmu, PAGE, true));
    set_entry(0);
    ck_assert(!mmu_reach_user(r.mmu, PAGE, true));
}
END_TEST

START_TEST(fills)
{
    struct mmu_fault fault = {0};
    struct window *user;

    base(false);
    user = mmu_window(r.mmu, true);
    ck_assert(mmu_reach_learn(r.mmu, PAGE));
    ck_assert_uint_eq(reach.user[PAGE >> 24], 1);
    ck_assert_int_eq(mmu_reach_fill(r.mmu, user, PAGE, MMU_WRITE, &fault), FILL_MAPPED);
    /* Not there: the supervisor's fault. */
    set_entry(0);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(mmu_reach_fill(r.mmu, user, PAGE + 4, MMU_WRITE, &fault), FILL_FAULT);
    ck_assert_uint_eq(fault.error_code, RW);
    ck_assert_uint_eq(fault.address, PAGE + 4);
    /* Read only for everybody: by hand, and nothing is learned from it. */
    set_entry(FRAME | P | US);
    ck_assert_int_eq(mmu_reach_fill(r.mmu, user, PAGE, MMU_WRITE, &fault), FILL_BY_HAND);
    ck_assert_uint_eq(reach.user[PAGE >> 24], 1);
    ck_assert_int_eq(mmu_reach_fill(r.mmu, user, PAGE, MMU_READ, &fault), FILL_MAPPED);
}
END_TEST

START_TEST(parts_of_both)
{
    struct mmu_fault fault;
    struct window *user;
    unsigned rounds = 0;

    base(false);
    user = mmu_window(r.mmu, true);
    set_entry(FRAME | P | RW);
    while (mmu_reach_learn(r.mmu, PAGE)) {
        ck_assert_uint_eq(reach.user[PAGE >> 24], 1);
        ck_assert_int_eq(mmu_reach_fill(r.mmu, user, PAGE, MMU_READ, &fault), FILL_BY_HAND);
        ck_assert_uint_eq(reach.user[PAGE >> 24], 0);
        ck_assert_uint_lt(++rounds, 100);
    }
    ck_assert_uint_gt(rounds, 1);
    ck_assert(mmu_reach_learn(r.mmu, PAGE + (1u << 24)));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reach");
    TCase *c = tcase_create("reach");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, bases_follow_windows);
    tcase_add_test(c, stale_windows_are_not_told);
    tcase_add_test(c, pages_of_programs);
    tcase_add_test(c, fills);
    tcase_add_test(c, parts_of_both);
    suite_add_tcase(s, c);
    return run_suite(s);
}
