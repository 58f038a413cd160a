/* One page of user code at many linear addresses: as shared objects are loaded at random. */
#include <check.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

enum { LIN = 0x280000, PLACES = 40 };

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, NULL);
    rig_flat(&rig, 3);
    rig_paging(&rig);
    for (uint32_t i = 0; i < PLACES; i++)
        rig_map(&rig, LIN + i * PAGE_SIZE, RIG_CODE | 7);
    rig_hex(&rig, RIG_CODE,
            "31 C0 B9 0A 00 00 00 "       /* XOR EAX, EAX; MOV ECX, 10 */
            "E8 06 00 00 00 "             /* +7: CALL +12h */
            "49 75 F8 E7 F8 90 "          /* DEC ECX; JNZ +7; OUT END, EAX; NOP */
            "8B 14 24 81 E2 FF 0F 00 00 " /* +12h: MOV EDX, [ESP]; AND EDX, FFFh */
            "01 D0 E8 00 00 00 00 "       /* ADD EAX, EDX; CALL +22h */
            "5B C3");                     /* +22h: POP EBX; RET */
}

static void teardown(void)
{
    rig_close(&rig);
}

static void run_at(uint32_t lin)
{
    rig.cpu->eip = lin;
    rig.cpu->gpr[ESP] = RIG_STACK3;
    rig.ended = rig.failed = false;
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 10 * 0x0C);
    ck_assert_uint_eq(rig.cpu->gpr[EBX], lin + 0x22);
}

START_TEST(moved_not_translated)
{
    for (uint32_t i = 0; i < PLACES; i++)
        run_at(LIN + i * PAGE_SIZE);
    uint64_t blocks = rig.t->stats.blocks;
    ck_assert_uint_gt(rig.t->stats.rebased, PLACES);
    for (uint32_t i = 0; i < PLACES; i++)
        run_at(LIN + i * 7 % PLACES * PAGE_SIZE);
    ck_assert_uint_eq(rig.t->stats.blocks, blocks);
}
END_TEST

START_TEST(a_few_stay)
{
    for (uint32_t i = 0; i < 3 * 50; i++)
        run_at(LIN + i % 3 * PAGE_SIZE);
    ck_assert_uint_eq(rig.t->stats.rebased, 0);
}
END_TEST

/* A write to the page ends them all, wherever they have been moved to. */
START_TEST(all_are_invalidated)
{
    for (uint32_t i = 0; i < PLACES; i++)
        run_at(LIN + i * PAGE_SIZE);
    rig_hex(&rig, RIG_CODE + 0x22, "5B 43 C3"); /* POP EBX; INC EBX; RET */
    cache_on_code_write(rig.t, RIG_CODE + 0x22, 3);
    for (uint32_t i = 0; i < PLACES; i++) {
        rig.cpu->eip = LIN + i * PAGE_SIZE;
        rig.cpu->gpr[ESP] = RIG_STACK3;
        rig.ended = rig.failed = false;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        ck_assert_uint_eq(rig.cpu->gpr[EBX], LIN + i * PAGE_SIZE + 0x23);
    }
}
END_TEST

/* What made a page's places in the jump table go brings them back together: one look-up. */
START_TEST(entered_together)
{
    run_at(LIN);
    run_at(LIN);
    table_on_exec_drop(rig.t, rig.t->window, (LIN >> PAGE_SHIFT) + 1, 1);
    uint64_t lookups = rig.t->stats.lookups;
    run_at(LIN);
    ck_assert_uint_eq(rig.t->stats.lookups, lookups + 1);
}
END_TEST

/* Code at CODE that a process has at AT, PAGES pages of it; of one that has ENDED nothing is left.
 */
struct process {
    uint32_t number, code, at, pages;
    bool ended;
};

static void process(struct process p)
{
    uint32_t dir = RIG_PAGE_DIR + (16 + 2 * p.number) * PAGE_SIZE, table = dir + PAGE_SIZE;
    for (uint32_t i = 0; i < 1024; i++) {
        uint32_t entry = rig_r32(&rig, RIG_PAGE_TABLE + i * 4), page = i - (p.at >> PAGE_SHIFT);
        bool place = i - (LIN >> PAGE_SHIFT) < 1024 - (LIN >> PAGE_SHIFT);
        uint32_t ours = page < p.pages && !p.ended ? (p.code + page * PAGE_SIZE) | 7 : 0;
        rig_w32(&rig, table + i * 4, place ? ours : entry);
    }
    rig_w32(&rig, dir, table | 7);
    if (!p.ended)
        cpu_write_cr3(rig.cpu, dir);
}

static void begin(uint32_t number, uint32_t at)
{
    process((struct process){number, RIG_CODE, at, 1, false});
}

static void end(uint32_t number)
{
    process((struct process){.number = number, .ended = true});
}

/* Each process has the page elsewhere; when one has ended, the next takes what it left. */
START_TEST(the_next_process_inherits)
{
    begin(0, LIN);
    run_at(LIN);
    uint64_t blocks = rig.t->stats.blocks;
    for (uint32_t i = 1; i < PLACES; i++) {
        uint32_t at = LIN + i * 7 % PLACES * PAGE_SIZE;
        begin(i % 2, at);
        end(1 - i % 2);
        run_at(at);
        ck_assert_uint_eq(rig.t->stats.blocks, blocks);
    }
    ck_assert_uint_ge(rig.t->stats.rebased, PLACES - 1);
}
END_TEST

/* A program of many KiB, in each of which it stays for one jump: the memory of its jump table
 * follows it, too. */
START_TEST(table_memory_moves)
{
    enum { CODE = 4 << 20, PAGES = 80, KIB = PAGES * 4 };
    for (uint32_t i = 0; i < KIB - 1; i++)
        rig_hex(&rig, CODE + i * 1024, "E9 FB 03 00 00"); /* JMP to the next */
    rig_hex(&rig, CODE + (KIB - 1) * 1024, "E7 F8");      /* OUT END, EAX */
    unsigned held = 0;
    for (uint32_t i = 0; i < PLACES; i++) {
        struct process p = {i % 2, CODE, LIN + i * 7 % PLACES * PAGE_SIZE, PAGES, false};
        process(p);
        end(1 - i % 2);
        rig.cpu->eip = p.at;
        rig.ended = rig.failed = false;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        if (i < 3) /* two address spaces, two tables */
            held = rig.t->held_parts;
        ck_assert_uint_eq(rig.t->held_parts, held);
    }
    ck_assert_uint_ge(held, KIB);
}
END_TEST

/* Each of a page's many blocks tells where it is. */
START_TEST(many_blocks)
{
    enum { BLOCKS = 100, AT = RIG_CODE + 0x400 };
    for (uint32_t i = 0; i < BLOCKS; i++)
        rig_hex(&rig, AT + i * 8, "E8 00 00 00 00 58 01 C2"); /* CALL +5; POP EAX; ADD EDX, EAX */
    rig_hex(&rig, AT + BLOCKS * 8, "E7 F8");                  /* OUT END, EAX */
    for (uint32_t i = 0; i < PLACES; i++) {
        uint32_t at = LIN + i * 7 % PLACES * PAGE_SIZE + 0x400, sum = 0;
        begin(i % 2, LIN + i * 7 % PLACES * PAGE_SIZE);
        end(1 - i % 2);
        rig.cpu->eip = at;
        rig.cpu->gpr[EDX] = 0;
        rig.ended = rig.failed = false;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        for (uint32_t b = 0; b < BLOCKS; b++)
            sum += at + b * 8 + 5;
        ck_assert_uint_eq(rig.cpu->gpr[EDX], sum);
    }
    ck_assert_uint_ge(rig.t->stats.rebased, (PLACES - 1) * BLOCKS);
    ck_assert_uint_le(rig.t->stats.blocks, 2 * BLOCKS);
}
END_TEST

/* Of a jump table's memory that is cleared which has entries, by lines of the host's cache. */
START_TEST(lines_with_entries_are_cleared)
{
    run_at(LIN);
    struct jump_table *j = rig.t->current;
    uint32_t first = LIN / TABLE_PART * TABLE_PART, entries = 0, other = first;
    for (uint32_t i = first; i < first + TABLE_PART; i++) {
        entries += j->entry[i] != 0;
        ck_assert(!j->entry[i] || table_holds(j, i));
        other = table_holds(j, i) ? other : i;
    }
    ck_assert_uint_ge(entries, 3);
    ck_assert(!table_holds(j, other));
    j->entry[other] = ~0u; /* as no code does: it shows what is written to */
    table_clear(j);
    ck_assert_uint_eq(j->entry[other], ~0u);
    j->entry[other] = 0;
    for (uint32_t i = first; i < first + TABLE_PART; i++)
        ck_assert(!j->entry[i] && !table_holds(j, i));
    run_at(LIN);
}
END_TEST

/* While it lives it keeps it. */
START_TEST(the_living_keep_theirs)
{
    begin(0, LIN);
    run_at(LIN);
    uint64_t blocks = rig.t->stats.blocks;
    begin(1, LIN + PAGE_SIZE);
    run_at(LIN + PAGE_SIZE);
    ck_assert_uint_eq(rig.t->stats.blocks, 2 * blocks);
    ck_assert_uint_eq(rig.t->stats.rebased, 0);
    begin(0, LIN);
    run_at(LIN);
    ck_assert_uint_eq(rig.t->stats.blocks, 2 * blocks);
}
END_TEST

static void run_crossing(uint32_t lin, uint32_t result)
{
    rig.cpu->eip = lin + PAGE_SIZE - 2;
    rig.ended = rig.failed = false;
    ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], result);
}

/* So does a block on two pages, if both are the same. */
START_TEST(on_two_pages)
{
    rig_hex(&rig, RIG_CODE + PAGE_SIZE - 2,
            "B8 78 56 34 12 E7 F8"); /* MOV EAX, 12345678h; OUT END */
    rig_hex(&rig, RIG_CODE + 2 * PAGE_SIZE, "99 99 99 E7 F8");
    process((struct process){0, RIG_CODE, LIN, 2, false});
    run_crossing(LIN, 0x12345678);
    uint64_t blocks = rig.t->stats.blocks;
    for (uint32_t i = 1; i < 10; i++) {
        process((struct process){i % 2, RIG_CODE, LIN + i * PAGE_SIZE, 2, false});
        end(1 - i % 2);
        run_crossing(LIN + i * PAGE_SIZE, 0x12345678);
        ck_assert_uint_eq(rig.t->stats.blocks, blocks);
    }
    process((struct process){0, RIG_CODE, LIN, 2, false});
    rig_w32(&rig, RIG_PAGE_DIR + 17 * PAGE_SIZE + ((LIN >> PAGE_SHIFT) + 1) * 4,
            (RIG_CODE + 2 * PAGE_SIZE) | 7);
    run_crossing(LIN, 0x99999978);
}
END_TEST

/* A new process takes over the jump table's memory of one that has ended, not of one that waits. */
START_TEST(tables_outlive_processes)
{
    begin(0, LIN);
    run_at(LIN);
    begin(1, LIN);
    for (unsigned i = 0; i < 200; i++)
        run_at(LIN);
    end(0);
    unsigned held = rig.t->held_parts;
    ck_assert_uint_gt(held, 0);
    begin(2, LIN);
    run_at(LIN);
    ck_assert_uint_eq(rig.t->held_parts, held);
    for (unsigned i = 0; i < 200; i++)
        run_at(LIN);
    begin(3, LIN);
    run_at(LIN);
    ck_assert_uint_gt(rig.t->held_parts, held);
    begin(1, LIN);
    uint64_t lookups = rig.t->stats.lookups;
    run_at(LIN);
    ck_assert_uint_le(rig.t->stats.lookups, lookups + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("code that moves");
    TCase *tc = tcase_create("rebase");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, moved_not_translated);
    tcase_add_test(tc, a_few_stay);
    tcase_add_test(tc, all_are_invalidated);
    tcase_add_test(tc, entered_together);
    tcase_add_test(tc, the_next_process_inherits);
    tcase_add_test(tc, table_memory_moves);
    tcase_add_test(tc, many_blocks);
    tcase_add_test(tc, lines_with_entries_are_cleared);
    tcase_add_test(tc, the_living_keep_theirs);
    tcase_add_test(tc, on_two_pages);
    tcase_add_test(tc, tables_outlive_processes);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
