/* Page tables that hardly ever change are write-protected and not compared; writing them by any
 * means is seen all the same. */
#include "tests/mmu/rig.h"

#define DIR    0x10000u
#define TABLE  0x11000u
#define DIR2   0x13000u
#define LIN    0x00C05000u
#define ALIAS  0x01000000u /* 4 MiB page that shows the tables at their physical addresses */
#define QUIET  200
#define PTE(i) (TABLE + (i) * 4)

static struct rig r;
static struct window *w, *super;

static void setup(void)
{
    rig_open(&r, 16 * MIB, 8);
    for (uint32_t dir = DIR; dir <= DIR2; dir += DIR2 - DIR) {
        put32(&r, dir + 3 * 4, TABLE | P | RW | US | A);
        put32(&r, dir + 4 * 4, P | RW | PS | A | D);
    }
    for (uint32_t i = 0; i < 64; i++) {
        put32(&r, PTE(i), (0x300000 + i * 0x1000) | P | RW | US);
        put32(&r, 0x300000 + i * 0x1000, i);
        put32(&r, 0x400000 + i * 0x1000, 0x80 + i);
    }
    rig_paging(&r, DIR, CR0_PG_WP, CR4_PSE_BIT | CR4_PGE_BIT);
    w = mmu_window(r.mmu, true);
    super = mmu_window(r.mmu, false);
}

static void teardown(void)
{
    rig_close(&r);
}

static uint8_t read_ok(struct window *in, uint32_t lin)
{
    uint8_t v = 0;

    ck_assert_int_eq(touch_read(&r, in, lin, &v), FILL_MAPPED);
    return v;
}

static void quiet(uint32_t cr3)
{
    for (int i = 0; i < QUIET; i++)
        rig_cr3(&r, cr3);
}

static bool traced(uint32_t pa)
{
    return phys_frame_flags(r.phys, pa >> PAGE_SHIFT) & FRAME_TRACED;
}

/* LIN read, tables traced. */
static void trace(void)
{
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    quiet(DIR);
    ck_assert(traced(TABLE));
    ck_assert(traced(DIR));
}

static uint64_t compares(void)
{
    return mmu_stats(r.mmu)->sync_tables;
}

START_TEST(quiet_tables_are_not_compared)
{
    uint64_t before, skipped;

    trace();
    before = compares();
    skipped = mmu_stats(r.mmu)->sync_skipped;
    quiet(DIR);
    ck_assert_uint_eq(compares(), before);
    ck_assert_uint_eq(mmu_stats(r.mmu)->sync_skipped, skipped + 2 * QUIET);
    ck_assert_uint_eq(mmu_stats(r.mmu)->traces, 2);
    ck_assert_uint_eq(mmu_stats(r.mmu)->untraces, 0);
}
END_TEST

START_TEST(write_through_a_window)
{
    uint32_t byte = ALIAS + PTE(5) + 1;

    ck_assert_int_eq(touch_write(&r, super, byte, 0x50), FILL_MAPPED); /* as it was */
    trace();
    /* Mapped before: the protection must have reached it; it becomes writable at once. */
    ck_assert_int_eq(touch_write(&r, super, byte + 1, 0x40), FILL_MAPPED);
    ck_assert(!traced(TABLE));
    ck_assert(traced(DIR));
    ck_assert_uint_eq(mmu_stats(r.mmu)->untraces, 1);
    ck_assert_uint_eq(get32(&r, PTE(5)) >> 12, 0x405);
    ck_assert_uint_eq(read_ok(w, LIN), 5); /* legal until the next event */
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    check_window(&r, w);
    check_window(&r, super);
}
END_TEST

START_TEST(write_through_a_new_mapping)
{
    trace();
    ck_assert_int_eq(touch_write(&r, super, ALIAS + PTE(5) + 2, 0x40), FILL_MAPPED);
    check_window(&r, super);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
}
END_TEST

START_TEST(write_by_hand)
{
    uint32_t pte = 0x405000 | P | RW | US;
    struct mmu_fault f;

    trace();
    ck_assert(mmu_write(r.mmu, ALIAS + PTE(5), &pte, 4, false, &f));
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    quiet(DIR);
    quiet(DIR);
    ck_assert(traced(TABLE));
    put32(&r, PTE(5), 0x406000 | P | RW | US); /* as DMA does */
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x86);
    quiet(DIR);
    quiet(DIR);
    quiet(DIR);
    ck_assert(traced(TABLE));
    pte = 0x407000 | P | RW | US;
    memcpy(phys_ptr(r.phys, PTE(5), 4), &pte, 4);
    phys_wrote(r.phys, PTE(5), 4);
    mmu_invlpg(r.mmu, LIN);
    ck_assert_uint_eq(read_ok(w, LIN), 0x87);
    check_window(&r, w);
}
END_TEST

START_TEST(directory_is_traced)
{
    trace();
    for (uint32_t i = 0; i < 64; i++)
        put32(&r, 0x12000 + i * 4, (0x400000 + i * 0x1000) | P | RW | US);
    put32(&r, DIR + 12, 0x12000 | P | RW | US);
    ck_assert(!traced(DIR));
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    /* The old table is nobody's: it is plain memory again. */
    ck_assert(!traced(TABLE));
    ck_assert_int_eq(touch_write(&r, super, ALIAS + TABLE, 1), FILL_MAPPED);
    check_window(&r, w);
}
END_TEST

START_TEST(accessed_and_dirty_keep_the_trace)
{
    uint64_t before;

    trace();
    ck_assert_uint_eq(get32(&r, PTE(30)) & (A | D), 0);
    ck_assert_int_eq(touch_write(&r, w, LIN + 25 * 0x1000, 1), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, PTE(30)) & (A | D), A | D);
    ck_assert(traced(TABLE));
    before = compares();
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(compares(), before);
    /* Clearing them, as an aging kernel does, is a write. */
    put32(&r, PTE(30), get32(&r, PTE(30)) & ~(A | D));
    rig_cr3(&r, DIR);
    check_window(&r, w);
    ck_assert_int_eq(touch_write(&r, w, LIN + 25 * 0x1000, 2), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, PTE(30)) & (A | D), A | D);
}
END_TEST

START_TEST(shared_by_two_address_spaces)
{
    struct window *other;
    uint64_t before;

    trace();
    rig_cr3(&r, DIR2);
    other = mmu_window(r.mmu, true);
    ck_assert_uint_eq(read_ok(other, LIN), 5);
    before = compares();
    rig_cr3(&r, DIR2); /* its table is traced already, its directory is not */
    ck_assert_uint_eq(compares(), before + 1);
    /* A and D that one space's walk sets must not hide the entry's loss from the other. */
    ck_assert_int_eq(touch_write(&r, other, LIN + 0x1000, 9), FILL_MAPPED);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(touch_write(&r, w, LIN + 0x1000, 9), FILL_MAPPED);
    put32(&r, PTE(5), 0x405000 | P | RW | US);
    put32(&r, PTE(6), 0);
    rig_cr3(&r, DIR2);
    ck_assert_uint_eq(read_ok(other, LIN), 0x85);
    check_window(&r, other);
    /* Traced again by one while the other has not compared yet. */
    for (int i = 0; i < 3; i++)
        quiet(DIR2);
    ck_assert(traced(TABLE));
    rig_cr3(&r, DIR);
    check_window(&r, w);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    ck_assert_int_eq(touch_write(&r, w, LIN + 0x1000, 9), FILL_FAULT);
}
END_TEST

START_TEST(written_tables_are_left_alone)
{
    uint64_t traces;

    trace();
    for (int i = 0; i < 40; i++) {
        put32(&r, PTE(5), (0x300000 + (i & 31) * 0x1000) | P | RW | US);
        quiet(DIR);
        ck_assert_uint_eq(read_ok(w, LIN), i & 31);
    }
    /* 40 rounds that would do for a trace each. */
    traces = mmu_stats(r.mmu)->traces;
    ck_assert_uint_lt(traces, 8);
    ck_assert(traced(DIR));
    check_window(&r, w);
}
END_TEST

START_TEST(freed_with_its_address_space)
{
    trace();
    rig_cr3(&r, DIR2);
    for (uint32_t i = 0; i < 40; i++) { /* evicts DIR's */
        uint32_t dir = 0x500000 + i * 0x1000;

        put32(&r, dir + 12, 0x400000 | P | RW | US | PS);
        rig_cr3(&r, dir);
        read_ok(mmu_window(r.mmu, true), LIN);
    }
    ck_assert(!traced(TABLE));
    ck_assert(!traced(DIR));
    put32(&r, PTE(5), 0x405000 | P | RW | US);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(mmu_window(r.mmu, true), LIN), 0x85);
    mmu_flush_all(r.mmu);
    quiet(DIR);
    read_ok(mmu_window(r.mmu, true), LIN);
    check_window(&r, mmu_window(r.mmu, true));
}
END_TEST

/* Freed by the guest, and reused as data, while the address space that had it is still cached. */
START_TEST(reused_as_data)
{
    struct window *data;

    trace();
    rig_cr3(&r, DIR2);
    data = mmu_window(r.mmu, false);
    for (uint32_t i = 0; i < PAGE_SIZE; i += 64)
        ck_assert_int_eq(touch_write(&r, data, ALIAS + TABLE + i, (uint8_t)i), FILL_MAPPED);
    ck_assert(!traced(TABLE));
    check_window(&r, data);
    rig_cr3(&r, DIR);
    check_window(&r, w);
}
END_TEST

START_TEST(code_on_a_table)
{
    uint32_t pte = 0x405000 | P | RW | US;
    struct mmu_fault f;

    trace();
    phys_set_flag(r.phys, TABLE >> 12, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, super, ALIAS + PTE(5) + 2, 0x40), FILL_BY_HAND);
    ck_assert_uint_eq(r.code_writes, 0);
    read_ok(w, LIN + 0x1F000); /* A, of a frame with code: whoever translated it is told */
    ck_assert_uint_eq(r.code_writes, 1);
    ck_assert(traced(TABLE));
    ck_assert(mmu_write(r.mmu, ALIAS + PTE(5), &pte, 4, false, &f));
    ck_assert_uint_eq(r.code_writes, 2);
    ck_assert(!traced(TABLE));
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    quiet(DIR);
    quiet(DIR);
    ck_assert(traced(TABLE));
    phys_clear_flag(r.phys, TABLE >> 12, FRAME_CODE);
    ck_assert(traced(TABLE));
    ck_assert_int_eq(touch_write(&r, super, ALIAS + PTE(5) + 2, 0x30), FILL_MAPPED);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    check_window(&r, super);
}
END_TEST

START_TEST(self_map)
{
    uint32_t tables = 0xFFC00000; /* the tables as memory; the directory is the last of them */
    uint32_t pte = tables + (LIN >> 12) * 4;

    put32(&r, DIR + 1023 * 4, DIR | P | RW);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(touch_write(&r, super, 0xFFFFF000 + 5 * 4, 0), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, super, pte + 8, 0x27), FILL_MAPPED);
    trace();
    check_window(&r, super);
    /* By way of the directory itself as leaf table: its entry for LIN's table. */
    put32(&r, 0x12000 + 5 * 4, 0x405000 | P | RW | US);
    ck_assert_int_eq(touch_write(&r, super, 0xFFFFF000 + 12 + 1, 0x20), FILL_MAPPED);
    ck_assert(!traced(DIR));
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    check_window(&r, super);
    for (int i = 0; i < 4; i++)
        quiet(DIR);
    ck_assert(traced(DIR));
    ck_assert(traced(0x12000));
    ck_assert_int_eq(touch_write(&r, super, pte + 1, 0x60), FILL_MAPPED);
    mmu_invlpg(r.mmu, LIN);
    ck_assert_uint_eq(read_ok(w, LIN), 0x86);
    check_window(&r, w);
    check_window(&r, super);
}
END_TEST

START_TEST(replaced_by_other_memory)
{
    static uint8_t rom[PAGE_SIZE];
    int id;

    trace();
    memcpy(rom + 5 * 4, &(uint32_t){0x405000 | P | RW | US | A | D}, 4);
    id = phys_map_rom(r.phys, "rom", TABLE, PAGE_SIZE, rom, sizeof(rom));
    ck_assert(!traced(TABLE));
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    quiet(DIR);
    ck_assert(!traced(TABLE)); /* ROM is not worth it */
    phys_unmap(r.phys, id);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
}
END_TEST

#define PAE_ROOT 0x20000u

static void enter_pae(void)
{
    r.pg = (struct paging){CR0_PG_WP, PAE_ROOT, CR4_PAE_BIT, EFER_NXE_BIT, {0}};
    ck_assert(mmu_load_pdptes(r.mmu, &r.pg));
}

START_TEST(pae)
{
    struct window *user;

    for (uint32_t i = 0; i < 4; i++)
        put64(&r, PAE_ROOT + i * 8, (0x21000 + i * 0x1000) | P);
    put64(&r, 0x21000 + 8, 0x26000 | P | RW | US);
    put64(&r, 0x24000, 0x400000 | P | RW | US | PS);
    put64(&r, 0x26000 + 24, 0x303000 | P | RW | US | NX);
    enter_pae();
    mmu_set_paging(r.mmu, &r.pg);
    user = mmu_window(r.mmu, true);
    ck_assert_uint_eq(read_ok(user, 0x203000), 3);
    ck_assert_uint_eq(read_ok(user, 0xC0003000), 0x83);
    quiet(PAE_ROOT);
    ck_assert(traced(0x21000));
    ck_assert(traced(0x24000));
    ck_assert(traced(0x26000));
    put64(&r, 0x26000 + 24, 0x404000 | P | RW | US);
    put64(&r, 0x24000, 0x200000 | P | RW | US | PS);
    rig_cr3(&r, PAE_ROOT);
    ck_assert_uint_eq(read_ok(user, 0x203000), 0x84);
    ck_assert_uint_eq(read_ok(user, 0xC0103000), 3);
    check_window(&r, user);
}
END_TEST

/* The same CR3 with other PDPTEs: what did not change stays. */
START_TEST(pdptes_change)
{
    struct window *user;
    uint64_t fills;
    uint8_t v;

    put64(&r, PAE_ROOT, 0x21000 | P);
    put64(&r, PAE_ROOT + 24, 0x24000 | P);
    put64(&r, 0x21000, 0x200000 | P | RW | US | PS);
    put64(&r, 0x22000, 0x400000 | P | RW | US | PS);
    put64(&r, 0x24000, 0x400000 | P | RW | US | PS);
    enter_pae();
    mmu_set_paging(r.mmu, &r.pg);
    user = mmu_window(r.mmu, true);
    ck_assert_uint_eq(read_ok(user, 0x103000), 3);
    ck_assert_uint_eq(read_ok(user, 0xC0003000), 0x83);
    fills = mmu_stats(r.mmu)->fills;
    put64(&r, PAE_ROOT, 0x22000 | P);
    rig_cr3(&r, PAE_ROOT); /* the registers are as before: not loaded */
    ck_assert_uint_eq(read_ok(user, 0x103000), 3);
    enter_pae();
    mmu_set_cr3(r.mmu, &r.pg);
    ck_assert_ptr_eq(mmu_window(r.mmu, true), user);
    ck_assert_uint_eq(read_ok(user, 0xC0003000), 0x83);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fills, fills);
    ck_assert_uint_eq(read_ok(user, 0x003000), 0x83);
    check_window(&r, user);
    put64(&r, PAE_ROOT, 0);
    enter_pae();
    mmu_set_paging(r.mmu, &r.pg);
    ck_assert_int_eq(touch_read(&r, user, 0x003000, &v), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 4);
    ck_assert_uint_eq(read_ok(user, 0xC0003000), 0x83);
}
END_TEST

/* Whatever is written by whatever means: after a CR3 load windows are what the tables say. */
START_TEST(random_writes)
{
    uint32_t seed = 12345, dir = DIR;

    for (int i = 0; i < 1600; i++) {
        uint32_t at, pte;
        uint8_t v;

        seed = seed * 1103515245 + 12345;
        at = PTE(seed >> 20 & 63);
        pte = ((seed & 1 ? 0x300000 : 0x400000) + (seed >> 14 & 63) * 0x1000) | P | US |
              (seed >> 5 & RW);
        switch (seed >> 26 & 15) {
        case 0:
            put32(&r, at, pte);
            break;
        case 1:
            ck_assert(mmu_write(r.mmu, ALIAS + at, &pte, 4, false, &touch_fault));
            break;
        case 2:
            touch_write(&r, mmu_window(r.mmu, false), ALIAS + at + 1, (uint8_t)(pte >> 8));
            break;
        case 3:
            dir = dir == DIR ? DIR2 : DIR;
            rig_cr3(&r, dir);
            break;
        case 4:
            quiet(dir);
            break;
        case 5:
        case 6:
            touch_write(&r, mmu_window(r.mmu, true), LIN + (seed >> 8 & 0x3F000), 7);
            break;
        default:
            touch_read(&r, mmu_window(r.mmu, seed & 2), LIN + (seed >> 8 & 0x3F000), &v);
        }
        if (i % 16)
            continue;
        rig_cr3(&r, dir);
        check_window(&r, mmu_window(r.mmu, true));
        check_window(&r, mmu_window(r.mmu, false));
    }
    ck_assert_uint_gt(mmu_stats(r.mmu)->traces, 2);
    ck_assert_uint_gt(mmu_stats(r.mmu)->untraces, 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace");
    TCase *c = tcase_create("trace");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, quiet_tables_are_not_compared);
    tcase_add_test(c, write_through_a_window);
    tcase_add_test(c, write_through_a_new_mapping);
    tcase_add_test(c, write_by_hand);
    tcase_add_test(c, directory_is_traced);
    tcase_add_test(c, accessed_and_dirty_keep_the_trace);
    tcase_add_test(c, shared_by_two_address_spaces);
    tcase_add_test(c, written_tables_are_left_alone);
    tcase_add_test(c, freed_with_its_address_space);
    tcase_add_test(c, reused_as_data);
    tcase_add_test(c, code_on_a_table);
    tcase_add_test(c, self_map);
    tcase_add_test(c, replaced_by_other_memory);
    tcase_add_test(c, pae);
    tcase_add_test(c, pdptes_change);
    tcase_add_test(c, random_writes);
    suite_add_tcase(s, c);
    return run_suite(s);
}
