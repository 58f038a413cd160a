/* Jumps between the pages of a process that runs long go straight, and nobody can tell. */
#include <check.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

enum { A = RIG_CODE, B = RIG_CODE + PAGE_SIZE, OTHER = 0x50000, PLACE = 0x280000 };

static struct rig rig;

/* A: INC EAX; JMP B.  B: INC EBX; JMP A.  In OTHER's place: INC ECX; JMP A. */
static void load(bool at_once)
{
    struct rig_options options = {.translator = {.long_at_once = at_once}};
    rig_open(&rig, &options);
    rig_flat(&rig, 3);
    rig_paging(&rig);
    rig_hex(&rig, A, "40 E9 FA 0F 00 00");
    rig_hex(&rig, B, "43 E9 FA EF FF FF");
    rig_hex(&rig, OTHER, "41 E9 FA EF FF FF");
    rig_map(&rig, PLACE, A | 7);
    rig_map(&rig, PLACE + PAGE_SIZE, B | 7);
}

static void setup(void)
{
    load(true);
}

static void teardown(void)
{
    rig_close(&rig);
}

static unsigned kicks;

/* Run until one kick, which may come before anything ran. */
static void run(void)
{
    ck_assert_int_eq(rig_run_and_kick(&rig), RIG_KICKED);
    kicks++;
}

/* How often INC EAX, EBX and ECX ran, from EIP on: some hundred times in all, and more. */
struct rounds {
    uint32_t a, b, c;
};

static struct rounds count_from(uint32_t eip)
{
    enum { SOME = 500 };
    uint32_t *r = rig.cpu->gpr;
    r[EAX] = r[EBX] = r[ECX] = 0;
    rig.cpu->eip = eip;
    do
        run();
    while (r[EAX] < SOME);
    return (struct rounds){r[EAX], r[EBX], r[ECX]};
}

static struct rounds count(void)
{
    return count_from(A);
}

/* A and B run in turn, and their jumps are linked. */
static void link_both(void)
{
    for (unsigned i = 0; i < 100 && !(rig.t->straight.owner && rig.t->straight.count >= 2); i++)
        run();
    ck_assert_ptr_eq(rig.t->straight.owner, rig.t->current);
    struct rounds n = count();
    ck_assert_uint_le(n.a - n.b + 1, 2);
    ck_assert_uint_eq(n.c, 0);
}

static unsigned linked(void)
{
    const struct straight *s = &rig.t->straight;
    unsigned n = 0;
    for (uint32_t i = 0; i < s->count; i++)
        n += rig.t->rw[s->list[i].at] == 0xE9;
    return n;
}

START_TEST(linked_at_a_kick)
{
    link_both();
    ck_assert_uint_eq(linked(), 2);
    ck_assert_uint_ge(rig.t->stats.straight, 2);
    uint64_t lookups = rig.t->stats.lookups;
    unsigned before = kicks;
    count();
    ck_assert_uint_le(rig.t->stats.lookups, lookups + (kicks - before)); /* where they came */
    ck_assert_uint_eq(linked(), 2);
}
END_TEST

/* Without long_at_once it takes a while, and does come. */
START_TEST(linked_in_time)
{
    teardown();
    load(false);
    rig.t->straight.pause = UINT64_MAX;
    for (unsigned i = 0; i < 20; i++)
        run();
    ck_assert_ptr_null(rig.t->straight.owner);
    rig.t->straight.pause = 0;
    for (unsigned i = 0; i < 2000 && !rig.t->straight.owner; i++)
        run();
    ck_assert_ptr_nonnull(rig.t->straight.owner);
}
END_TEST

/* What never leaves its page gains nothing by it. */
START_TEST(not_without_crossings)
{
    teardown();
    load(false);
    rig_hex(&rig, A, "40 EB FD"); /* INC EAX; JMP A */
    for (unsigned i = 0; i < 60; i++)
        run();
    ck_assert_ptr_nonnull(rig.t->straight.seen);
    ck_assert_ptr_null(rig.t->straight.owner);
}
END_TEST

START_TEST(page_is_mapped_anew)
{
    link_both();
    rig_map(&rig, B, OTHER | 7);
    mmu_invlpg(rig.mmu, B);
    struct rounds n = count();
    ck_assert_uint_gt(n.c, 1);
    ck_assert_uint_le(n.b, 1);
    rig_map(&rig, B, B | 7);
    mmu_invlpg(rig.mmu, B);
    n = count();
    ck_assert_uint_gt(n.b, 1);
    ck_assert_uint_le(n.c, 1);
    ck_assert_uint_ge(linked(), 2);
}
END_TEST

START_TEST(code_is_written)
{
    link_both();
    rig_hex(&rig, B, "41");
    cache_on_code_write(rig.t, B, 1);
    struct rounds n = count();
    ck_assert_uint_gt(n.c, 1);
    ck_assert_uint_le(n.b, 1);
}
END_TEST

/* Another process that shares page A and has another page behind it. */
START_TEST(process_takes_over)
{
    enum { DIR2 = RIG_PAGE_DIR + 16 * PAGE_SIZE, TABLE2 = DIR2 + PAGE_SIZE };
    link_both();
    for (uint32_t i = 0; i < 1024; i++)
        rig_w32(&rig, TABLE2 + i * 4, rig_r32(&rig, RIG_PAGE_TABLE + i * 4));
    rig_w32(&rig, TABLE2 + B / PAGE_SIZE * 4, OTHER | 7);
    rig_w32(&rig, DIR2, TABLE2 | 7);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t ends = rig.t->stats.straight_ends;
        cpu_write_cr3(rig.cpu, i % 2 ? RIG_PAGE_DIR : DIR2);
        struct rounds n = count();
        ck_assert_uint_gt(i % 2 ? n.b : n.c, 1);
        ck_assert_uint_eq(i % 2 ? n.c : n.b, 0);
        ck_assert_uint_eq(rig.t->stats.straight_ends, ends + 1);
    }
}
END_TEST

/* Blocks that are on the list are moved to another place of the process that runs them. */
START_TEST(blocks_move)
{
    link_both();
    rig_map(&rig, A, 0);
    mmu_invlpg(rig.mmu, A);
    rig_map(&rig, PLACE + PAGE_SIZE, OTHER | 7);
    uint64_t rebased = rig.t->stats.rebased;
    struct rounds n = count_from(PLACE);
    ck_assert_uint_gt(rig.t->stats.rebased, rebased);
    ck_assert_uint_gt(n.a, 1);
    ck_assert_uint_gt(n.c, 1);
    ck_assert_uint_eq(n.b, 0);
}
END_TEST

/* An entry gets another value without having been empty. */
START_TEST(entry_is_replaced)
{
    link_both();
    struct jump_table *j = rig.t->current;
    uint32_t a = j->entry[A], b = j->entry[B];
    table_set(rig.t, j, B, a); /* A over and over, never B */
    struct rounds n = count();
    ck_assert_uint_gt(n.a, 1);
    ck_assert_uint_eq(n.b, 0);
    table_set(rig.t, j, B, b);
    n = count();
    ck_assert_uint_gt(n.b, 1);
}
END_TEST

START_TEST(flush_ends_all)
{
    link_both();
    translator_flush(rig.t);
    ck_assert_ptr_null(rig.t->straight.owner);
    ck_assert_uint_eq(rig.t->straight.count, 0);
    link_both();
}
END_TEST

/* Who counts jumps has all of them go by the table. */
START_TEST(not_while_counted)
{
    link_both();
    translator_count_executions(rig.t, true);
    run();
    run();
    ck_assert_ptr_null(rig.t->straight.owner);
    translator_count_executions(rig.t, false);
    link_both();
}
END_TEST

/* Processes that take turns come to it ever later, one that runs on, earlier again. */
START_TEST(turns_make_it_wait)
{
    struct straight *s = &rig.t->straight;
    link_both();
    uint64_t pause = s->pause;
    s->cost = UINT64_MAX / 1000;
    straight_yield(rig.t);
    ck_assert_uint_eq(s->pause, 2 * pause);
    link_both();
    s->cost = 0;
    straight_yield(rig.t);
    ck_assert_uint_eq(s->pause, pause);
    ck_assert_ptr_null(s->owner);
}
END_TEST

/* More kicks than their blocks are noted of. */
START_TEST(many_kicks)
{
    link_both();
    for (unsigned i = 0; i < 2 * STOPPED_BLOCKS; i++)
        straight_stop(rig.t, &rig.t->tbs[rig.t->straight.list[i % 2].tb]);
    ck_assert_uint_eq(linked(), 0);
    straight_after_kick(rig.t);
    ck_assert_uint_eq(linked(), 2);
    uint64_t ends = rig.t->stats.straight_ends;
    rig.t->straight.stopped_count = STOPPED_BLOCKS + 1; /* blocks that nobody knows */
    straight_after_kick(rig.t);
    ck_assert_uint_eq(rig.t->stats.straight_ends, ends + 1);
    ck_assert_uint_eq(linked(), 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("straight");
    TCase *tc = tcase_create("straight");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, linked_at_a_kick);
    tcase_add_test(tc, linked_in_time);
    tcase_add_test(tc, not_without_crossings);
    tcase_add_test(tc, page_is_mapped_anew);
    tcase_add_test(tc, code_is_written);
    tcase_add_test(tc, process_takes_over);
    tcase_add_test(tc, blocks_move);
    tcase_add_test(tc, entry_is_replaced);
    tcase_add_test(tc, flush_ends_all);
    tcase_add_test(tc, not_while_counted);
    tcase_add_test(tc, turns_make_it_wait);
    tcase_add_test(tc, many_kicks);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
