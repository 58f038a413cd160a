/* Sites that fault are made again: by hand where they meet device memory or code, wrapping where
 * they leave the window, and plain when all that is over.  Values and device accesses are exact
 * all the way. */
#include <check.h>
#include <string.h>

#include "tests/translator/rig.h"
#include "translator/internal.h"

static struct rig rig;

static void setup(void)
{
    rig_open(&rig, NULL);
    rig_flat(&rig, 0);
}

static void teardown(void)
{
    rig_close(&rig);
}

static const struct translator_stats *stats(void)
{
    return &rig.t->stats;
}

START_TEST(device_memory)
{
    rig.mmio[0x10] = 7;
    rig.cpu->gpr[ECX] = 100;
    rig.cpu->gpr[EAX] = 0;
    uint64_t signals = stats()->signals;
    /* L: ADD EAX, [FE000010h]; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "03 05 10 00 00 FE 49 75 F7"), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 700);
    ck_assert_uint_eq(rig.mmio_reads, 100);
    ck_assert_uint_eq(rig.mmio_writes, 0);
    ck_assert_uint_eq(rig.t->counts.retranslated[RETRANSLATED_BY_HAND], 1);
    ck_assert_uint_lt(stats()->signals - signals, 5);
}
END_TEST

START_TEST(device_writes)
{
    rig.cpu->gpr[ECX] = 50;
    /* L: MOV [FE000020h], ECX; INC DWORD [FE000024h]; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "89 0D 20 00 00 FE FF 05 24 00 00 FE 49 75 F1"), RIG_ENDED);
    ck_assert_uint_eq(rig.mmio[0x20], 1);
    ck_assert_uint_eq(rig.mmio[0x24], 50);
    ck_assert_uint_eq(rig.mmio_reads, 50);
    ck_assert_uint_eq(rig.mmio_writes, 100);
}
END_TEST

/* Everything that can name memory, on a register that is none. */
START_TEST(device_operands)
{
    static const struct {
        const char *hex; /* EBX: the register at +40h; EAX: 5 */
        uint32_t after, eax;
        unsigned reads, writes;
    } cases[] = {
        {"8B 03", 0x100, 0x100, 1, 0},
        {"89 03", 5, 5, 0, 1},
        {"01 03", 0x105, 5, 1, 1},
        {"87 03", 5, 0x100, 1, 1},
        {"F7 1B", 0xFFFFFF00, 5, 1, 1},
        {"0F C1 03", 0x105, 0x100, 1, 1},
        {"D1 23", 0x200, 5, 1, 1},
        {"0F AF 03", 0x100, 0x500, 1, 0},
        {"FF 33 58", 0x100, 0x100, 1, 0},
        {"50 8F 03", 5, 5, 0, 1},
        {"0F B6 43 01", 0x100, 1, 1, 0},
        {"88 03", 0x105, 5, 0, 1},
        {"66 89 03", 5, 5, 0, 1},
        {"0F AB 03", 0x120, 5, 1, 1},
        {"0F A4 03 04", 0x1000, 5, 1, 1},
        {"66 0F 6E C0 66 0F 7E 03", 5, 5, 0, 1},
        {"DB 03 DD D8", 0x100, 5, 1, 0},
        {"8B 53 02 89 D0", 0x100, 0, 2, 0},
        {"39 03", 0x100, 5, 1, 0},
        {"C7 03 78 56 34 12", 0x12345678, 5, 0, 1},
        {"A1 40 00 00 FE", 0x100, 0x100, 1, 0},
        {"A3 40 00 00 FE", 5, 5, 0, 1},
        {"89 DF AB", 5, 5, 0, 1},
        {"89 DE AD", 0x100, 0x100, 1, 0},
        {"0F BC 03", 0x100, 8, 1, 0},
        {"0F 38 F0 03", 0x100, 0x00010000, 1, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned round = 0; round < 4; round++) {
            rig_flat(&rig, 0);
            static const uint32_t initial = 0x100;
            memset(rig.mmio, 0, sizeof rig.mmio);
            memcpy(rig.mmio + 0x40, &initial, 4);
            rig.mmio_reads = rig.mmio_writes = 0;
            rig.cpu->gpr[EAX] = 5;
            rig.cpu->gpr[EBX] = RIG_MMIO + 0x40;
            ck_assert_int_eq(rig_exec(&rig, cases[i].hex), RIG_ENDED);
            uint32_t after;
            memcpy(&after, rig.mmio + 0x40, 4);
            ck_assert_msg(after == cases[i].after && rig.cpu->gpr[EAX] == cases[i].eax,
                          "%s, round %u: memory %x, EAX %x, exception %d", cases[i].hex, round,
                          after, rig.cpu->gpr[EAX], rig_exception(&rig, NULL));
            ck_assert_msg(rig.mmio_reads == cases[i].reads && rig.mmio_writes == cases[i].writes,
                          "%s, round %u: %u reads, %u writes", cases[i].hex, round, rig.mmio_reads,
                          rig.mmio_writes);
        }
}
END_TEST

/* An x87 store writes and does not read, masked or not; one that is refused does neither. */
START_TEST(device_x87_stores)
{
    static const struct {
        uint16_t control;
        const char *hex; /* EBX: the register at +40h, EDX: the control word */
        uint32_t after;
        unsigned writes;
    } cases[] = {
        {0x37F, "DB E3 D9 2A D9 E8 D9 1B", 0x3F800000, 1},
        {0x340, "DB E3 D9 2A D9 E8 D9 1B", 0x3F800000, 1},
        {0x340, "DB E3 D9 2A D9 E8 DB 13", 1, 1},
        {0x37F, "DB E3 D9 2A D9 EE DB 13", 0, 1},
        {0x340, "DB E3 D9 2A D9 EB D9 13", 0x40490FDB, 1}, /* inexact: stored, then reported */
        {0x340, "DB E3 D9 2A DD 42 08 D9 13", 0x11111111, 0}, /* overflow */
        {0x37F, "DB E3 D9 2A DD 42 08 D9 13", 0x7F800000, 1},
        {0x37E, "DB E3 D9 2A DD 42 08 DB 13", 0x11111111, 0}, /* invalid */
        {0x37F, "DB E3 D9 2A DD 42 08 DB 13", 0x80000000, 1},
        /* FNSTCW stores while an exception waits */
        {0x37E, "DB E3 D9 2A DD 42 08 DB 52 10 D9 3B", 0x1111037E, 1},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned round = 0; round < 4; round++) {
            rig_flat(&rig, 0);
            static const uint32_t initial = 0x11111111;
            memcpy(rig.mmio + 0x40, &initial, 4);
            rig.mmio_reads = rig.mmio_writes = 0;
            rig.cpu->gpr[EBX] = RIG_MMIO + 0x40;
            rig.cpu->gpr[EDX] = RIG_DATA;
            rig_w32(&rig, RIG_DATA, cases[i].control);
            rig_w32(&rig, RIG_DATA + 8, 0); /* 1e300 or so */
            rig_w32(&rig, RIG_DATA + 12, 0x7E37E43C);
            ck_assert_int_eq(rig_exec(&rig, cases[i].hex), RIG_ENDED);
            uint32_t after;
            memcpy(&after, rig.mmio + 0x40, 4);
            ck_assert_msg(after == cases[i].after && rig.mmio_reads == 0 &&
                              rig.mmio_writes == cases[i].writes,
                          "case %u, round %u: %x, %u reads, %u writes", i, round, after,
                          rig.mmio_reads, rig.mmio_writes);
        }
}
END_TEST

START_TEST(device_strings)
{
    for (unsigned i = 0; i < 64; i++)
        rig.mmio[i] = (uint8_t)(i + 1);
    rig.cpu->gpr[ESI] = RIG_MMIO;
    rig.cpu->gpr[EDI] = RIG_DATA;
    rig.cpu->gpr[ECX] = 16;
    ck_assert_int_eq(rig_exec(&rig, "F3 A5"), RIG_ENDED);
    ck_assert_uint_eq(rig.mmio_reads, 16);
    ck_assert_uint_eq(rig_r32(&rig, RIG_DATA + 60), 0x403F3E3D);
    rig.cpu->gpr[EDI] = RIG_MMIO + 0x100;
    rig.cpu->gpr[EAX] = 0x5A;
    rig.cpu->gpr[ECX] = 7;
    ck_assert_int_eq(rig_exec(&rig, "F3 AA"), RIG_ENDED);
    ck_assert_uint_eq(rig.mmio_writes, 7);
    ck_assert_uint_eq(rig.mmio[0x106], 0x5A);
    ck_assert_uint_eq(rig.mmio[0x107], 0);
}
END_TEST

/* Register and displacement that meet beyond 4 GiB, or below zero. */
START_TEST(wrapped_addresses)
{
    rig_w32(&rig, RIG_DATA, 0xCAFE);
    rig.cpu->gpr[EBX] = 0xFFFFFF00;
    rig.cpu->gpr[ECX] = 20;
    rig.cpu->gpr[EAX] = 0;
    /* L: ADD EAX, [EBX+40100h]; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "03 83 00 01 04 00 49 75 F7"), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 20 * 0xCAFE);
    ck_assert_uint_eq(rig.t->counts.retranslated[RETRANSLATED_WRAP], 1);
    ck_assert_uint_eq(rig.t->counts.retranslated[RETRANSLATED_BY_HAND], 0);
    /* stack instructions: there ESP itself wraps */
    rig.cpu->gpr[ESP] = 0;
    rig.cpu->gpr[EAX] = RIG_MMIO;
    ck_assert_int_eq(rig_exec(&rig, "50 5A BC 00 70 00 00"), RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EDX], 0xFFFFFFFF); /* nothing is there */
}
END_TEST

START_TEST(plain_again)
{
    /* L: ADD EAX, [EBX]; DEC ECX; JNZ L */
    static const char hex[] = "03 03 49 75 FB";
    rig_w32(&rig, RIG_DATA, 3);
    for (unsigned round = 0; round < 2; round++) {
        rig.cpu->gpr[EBX] = RIG_MMIO;
        rig.cpu->gpr[ECX] = 10;
        rig.cpu->gpr[EAX] = 0;
        rig.mmio_reads = 0;
        rig.cpu->eip = RIG_CODE;
        rig.ended = false;
        ck_assert_int_eq(round ? rig_run(&rig) : rig_exec(&rig, hex), RIG_ENDED);
        ck_assert_uint_eq(rig.mmio_reads, 10);
        rig.cpu->gpr[EBX] = RIG_DATA;
        rig.cpu->gpr[ECX] = 2000;
        rig.cpu->gpr[EAX] = 0;
        rig.cpu->eip = RIG_CODE;
        rig.ended = false;
        uint64_t slow = stats()->slow;
        ck_assert_int_eq(rig_run(&rig), RIG_ENDED);
        ck_assert_uint_eq(rig.cpu->gpr[EAX], 6000);
        ck_assert_uint_eq(rig.t->counts.retranslated[RETRANSLATED_PLAIN], round + 1);
        ck_assert_uint_lt(stats()->slow - slow, 1500);
    }
}
END_TEST

/* Data beside code, and page tables: exact, with a bounded number of signals. */
START_TEST(code_pages)
{
    rig.cpu->gpr[ECX] = 5000;
    uint64_t signals = stats()->signals;
    /* L: INC DWORD [8800h]; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "FF 05 00 88 00 00 49 75 F7"), RIG_ENDED);
    ck_assert_uint_eq(rig_r32(&rig, 0x8800), 5000);
    ck_assert_uint_lt(stats()->signals - signals, 20);
}
END_TEST

/* Ring 0 works on a page that a program has in its window. */
START_TEST(memory_of_programs)
{
    enum { LIN = 0x3F0000, FRAME = 0x70000 };
    struct mmu_fault fault;
    rig_paging(&rig);
    rig_map(&rig, LIN, FRAME | 7);
    mmu_window(rig.mmu, false);
    struct window *user = mmu_window(rig.mmu, true);
    ck_assert_int_eq(mmu_fill(rig.mmu, user, LIN, MMU_WRITE, &fault), FILL_MAPPED);
    uint64_t signals = stats()->signals, pages = mmu_stats(rig.mmu)->fill_pages;
    rig.cpu->gpr[EBX] = LIN + 0x10;
    rig.cpu->gpr[ECX] = 1000;
    /* L: ADD [EBX], ECX; PUSH DWORD [EBX]; POP EAX; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "01 0B FF 33 58 49 75 F8"), RIG_ENDED);
    ck_assert_uint_eq(rig_r32(&rig, FRAME + 0x10), 500500);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 500500);
    /* Made again; the second has no such form, and maps the page after all. */
    ck_assert_uint_ge(rig.t->counts.retranslated[RETRANSLATED_REACH], 1);
    ck_assert_uint_lt(stats()->signals - signals, 10);
    ck_assert_uint_lt(mmu_stats(rig.mmu)->fill_pages - pages, 20);
}
END_TEST

enum { SLOT = 0x50000, SLOT_PTE = RIG_PAGE_TABLE + SLOT / 0x1000 * 4, FRAMES = 0x60000 };

/* As a kernel that maps memory for one short use each: by hand, not mapped on the host each time. */
START_TEST(churning_page)
{
    rig_paging(&rig);
    rig_w32(&rig, FRAMES, 1);
    rig_w32(&rig, FRAMES + 0x1000, 1000);
    rig.cpu->gpr[ECX] = 1000;
    rig.cpu->gpr[EAX] = 0;
    uint64_t signals = stats()->signals, fills = stats()->fills;
    /* L: MOV EDX, ECX; AND EDX, 1; SHL EDX, 12; ADD EDX, FRAMES + 67h; MOV [SLOT_PTE], EDX;
     * ADD EAX, [SLOT]; MOV DWORD [SLOT_PTE], 0; INVLPG [SLOT]; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "89 CA 83 E2 01 C1 E2 0C 81 C2 67 00 06 00 89 15 40 11 10 00 "
                                    "03 05 00 00 05 00 C7 05 40 11 10 00 00 00 00 00 "
                                    "0F 01 3D 00 00 05 00 49 75 D2"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 500 * 1000 + 500);
    ck_assert_uint_lt(stats()->signals - signals, 30);
    ck_assert_uint_lt(stats()->fills - fills, 20);
}
END_TEST

/* The same with long uses: there the mapping pays after all. */
START_TEST(churning_page_used_long)
{
    rig_paging(&rig);
    rig_w32(&rig, FRAMES, 1);
    rig_w32(&rig, FRAMES + 0x1000, 1000);
    rig.cpu->gpr[ECX] = 100;
    rig.cpu->gpr[EAX] = 0;
    uint64_t slow = stats()->slow;
    /* The same, with MOV EBX, 1000; M: ADD EAX, [SLOT]; DEC EBX; JNZ M */
    ck_assert_int_eq(rig_exec(&rig, "89 CA 83 E2 01 C1 E2 0C 81 C2 67 00 06 00 89 15 40 11 10 00 "
                                    "BB E8 03 00 00 03 05 00 00 05 00 4B 75 F7 "
                                    "C7 05 40 11 10 00 00 00 00 00 0F 01 3D 00 00 05 00 49 75 CA"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 1000 * (50 * 1000 + 50));
    ck_assert_uint_lt(stats()->slow - slow, 50000);
}
END_TEST

/* One use in eight is long: too few to map the page each time. */
START_TEST(churning_page_used_long_at_times)
{
    rig_paging(&rig);
    rig_w32(&rig, FRAMES, 1);
    rig_w32(&rig, FRAMES + 0x1000, 1000);
    rig.cpu->gpr[ECX] = 800;
    rig.cpu->gpr[EAX] = 0;
    uint64_t fills = stats()->fills;
    /* The same, with MOV EBX, 8; TEST CL, 7; JNZ M; MOV EBX, 1000; M: ... */
    ck_assert_int_eq(rig_exec(&rig, "89 CA 83 E2 01 C1 E2 0C 81 C2 67 00 06 00 89 15 40 11 10 00 "
                                    "BB 08 00 00 00 F6 C1 07 75 05 BB E8 03 00 00 "
                                    "03 05 00 00 05 00 4B 75 F7 "
                                    "C7 05 40 11 10 00 00 00 00 00 0F 01 3D 00 00 05 00 49 75 C0"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], 400 * 8 * 1000 + 100 * 1000 + 300 * 8);
    ck_assert_uint_lt(stats()->fills - fills, 40);
}
END_TEST

/* A copy of all kinds of memory, a few uses of such a page after each hundred of others: it is not
 * made anew each time. */
START_TEST(churning_page_between_others)
{
    enum { ROUNDS = 60, SITE = RIG_CODE + 0x800 };
    rig_paging(&rig);
    rig_w32(&rig, FRAMES, 1);
    rig.cpu->gpr[ECX] = ROUNDS;
    rig.cpu->gpr[EAX] = 0;
    rig_hex(&rig, SITE, "03 07 C3"); /* ADD EAX, [EDI]; RET */
    /* L: MOV EBX, 8
     * M: MOV DWORD [SLOT_PTE], FRAMES + 67h; MOV EDI, SLOT; CALL SITE
     *    MOV DWORD [SLOT_PTE], 0; INVLPG [SLOT]; DEC EBX; JNZ M
     *    MOV EDI, FRAMES; MOV EBX, 100
     * N: CALL SITE; DEC EBX; JNZ N; DEC ECX; JNZ L */
    ck_assert_int_eq(rig_exec(&rig, "BB 08 00 00 00 C7 05 40 11 10 00 67 00 06 00 BF 00 00 05 00 E8 E7 07 00 00 "
                                    "C7 05 40 11 10 00 00 00 00 00 0F 01 3D 00 00 05 00 4B 75 D8 BF 00 00 06 00 "
                                    "BB 64 00 00 00 E8 C4 07 00 00 4B 75 F8 49 75 BE"),
                     RIG_ENDED);
    ck_assert_uint_eq(rig.cpu->gpr[EAX], ROUNDS * 108);
    ck_assert_uint_lt(rig.t->counts.retranslated[RETRANSLATED_CHURN], ROUNDS / 2);
    ck_assert_uint_gt(rig.t->counts.retranslated[RETRANSLATED_PLAIN], 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adaptive translation");
    TCase *tc = tcase_create("policy");
    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, device_memory);
    tcase_add_test(tc, device_writes);
    tcase_add_test(tc, device_operands);
    tcase_add_test(tc, device_x87_stores);
    tcase_add_test(tc, device_strings);
    tcase_add_test(tc, wrapped_addresses);
    tcase_add_test(tc, plain_again);
    tcase_add_test(tc, code_pages);
    tcase_add_test(tc, memory_of_programs);
    tcase_add_test(tc, churning_page);
    tcase_add_test(tc, churning_page_used_long);
    tcase_add_test(tc, churning_page_used_long_at_times);
    tcase_add_test(tc, churning_page_between_others);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
