/* Windows follow the page tables at CR3 loads and INVLPG, and tell of pages that were executed. */
#include "tests/mmu/rig.h"

#define DIR   0x10000u
#define TABLE 0x11000u
#define LIN   0x00C05000u

static struct rig r;
static struct window *w;

static void setup(void)
{
    rig_open(&r, 16 * MIB, 8);
    put32(&r, DIR + 3 * 4, TABLE | P | RW | US);
    for (uint32_t i = 0; i < 64; i++) {
        put32(&r, TABLE + i * 4, (0x300000 + i * 0x1000) | P | RW | US | A | D);
        put32(&r, 0x300000 + i * 0x1000, i);
        put32(&r, 0x400000 + i * 0x1000, 0x80 + i);
    }
    rig_paging(&r, DIR, CR0_PG_WP, CR4_PSE_BIT | CR4_PGE_BIT);
    w = mmu_window(r.mmu, true);
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

START_TEST(changed_entry)
{
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    ck_assert_uint_eq(read_ok(w, LIN + 0x1000), 6);
    put32(&r, TABLE + 20, 0x405000 | P | RW | US | A | D);
    ck_assert_uint_eq(read_ok(w, LIN), 5); /* out of step is legal until the next event */
    rig_cr3(&r, DIR);
    ck_assert_ptr_eq(mmu_window(r.mmu, true), w);
    ck_assert_uint_eq(mmu_stats(r.mmu)->drop_pages, 1);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    ck_assert_uint_eq(read_ok(w, LIN + 0x1000), 6);
    check_window(&r, w);
}
END_TEST

START_TEST(removed_and_readonly)
{
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_MAPPED);
    put32(&r, TABLE + 20, get32(&r, TABLE + 20) & ~P);
    put32(&r, TABLE + 24, get32(&r, TABLE + 24) & ~RW);
    put32(&r, TABLE + 28, get32(&r, TABLE + 28) & ~D);
    put32(&r, TABLE + 32, get32(&r, TABLE + 32) & ~A);
    put32(&r, TABLE + 36, get32(&r, TABLE + 36) & ~US);
    rig_cr3(&r, DIR);
    check_window(&r, w);
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 6);
    ck_assert_uint_eq(read_ok(w, LIN + 0x1000), 6); /* still there, read-only */
    ck_assert_int_eq(touch_write(&r, w, LIN + 0x1000, 1), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 7);
    ck_assert_int_eq(touch_write(&r, w, LIN + 0x2000, 1), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, TABLE + 28) & (A | D), A | D);
    ck_assert_uint_eq(read_ok(w, LIN + 0x3000), 8);
    ck_assert_uint_eq(get32(&r, TABLE + 32) & A, A);
    ck_assert_int_eq(touch_write(&r, w, LIN + 0x4000, 1), FILL_FAULT);
    check_window(&r, w);
}
END_TEST

START_TEST(nothing_changed_costs_nothing)
{
    uint64_t fills, runs;

    put32(&r, TABLE + 20, 0x305000 | P | RW | US); /* the walk will set A, then D */
    read_ok(w, LIN);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_MAPPED);
    fills = mmu_stats(r.mmu)->fills;
    runs = mmu_stats(r.mmu)->fill_runs;
    for (int i = 0; i < 10; i++)
        rig_cr3(&r, DIR);
    ck_assert_int_eq(touch_write(&r, w, LIN, 2), FILL_MAPPED);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fills, fills);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fill_runs, runs);
    ck_assert_uint_eq(mmu_stats(r.mmu)->drops, 0);
}
END_TEST

START_TEST(changed_directory)
{
    read_ok(w, LIN);
    for (uint32_t i = 0; i < 64; i++)
        put32(&r, 0x12000 + i * 4, (0x400000 + i * 0x1000) | P | RW | US);
    put32(&r, DIR + 12, 0x12000 | P | RW | US);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    put32(&r, DIR + 12, 0x400000 | P | RW | US | PS);
    rig_cr3(&r, DIR);
    check_window(&r, w);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    put32(&r, DIR + 12, TABLE | P | RW | US);
    rig_cr3(&r, DIR);
    check_window(&r, w);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    put32(&r, DIR + 12, 0);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_FAULT);
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 0);
}
END_TEST

/* Pages that were unwritable anyway lie in one call with those that become it, and stay. */
START_TEST(reduced_around_readonly)
{
    uint64_t fills;

    put32(&r, TABLE + 24, get32(&r, TABLE + 24) & ~RW);
    for (uint32_t page = 5; page < 9; page++)
        read_ok(w, 0xC00000 | page << 12);
    for (uint32_t page = 5; page < 8; page++)
        put32(&r, TABLE + page * 4, get32(&r, TABLE + page * 4) & ~RW);
    fills = mmu_stats(r.mmu)->fills;
    rig_cr3(&r, DIR);
    for (uint32_t page = 5; page < 9; page++)
        ck_assert_uint_eq(read_ok(w, 0xC00000 | page << 12), page);
    ck_assert_int_eq(touch_write(&r, w, 0xC08000, 1), FILL_MAPPED);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fills, fills);
    check_window(&r, w);
    for (uint32_t page = 5; page < 8; page++)
        ck_assert_int_eq(touch_write(&r, w, 0xC00000 | page << 12, 1), FILL_FAULT);
}
END_TEST

static void put_slot(uint32_t slot, uint32_t table, uint32_t frame)
{
    for (uint32_t i = 0; i < 8; i++)
        put32(&r, table + i * 4, (frame + i * 0x2000) | P | RW | US | A | D);
    put32(&r, DIR + slot * 4, table | P | RW | US);
}

/* The slots that a process leaves behind go in one call to the host, with what lies between. */
START_TEST(slots_that_go_together)
{
    static const uint32_t slots[] = {3, 5, 600};
    struct window *super = mmu_window(r.mmu, false);
    uint64_t unmaps;

    put_slot(5, 0x12000, 0x400000);
    put_slot(600, 0x13000, 0x410000);
    for (unsigned i = 0; i < 3; i++) {
        for (uint32_t page = 0; page < 8; page += 2)
            read_ok(w, slots[i] << 22 | page << 12);
        read_ok(super, slots[i] << 22 | 0x3000);
        put32(&r, DIR + slots[i] * 4, 0);
    }
    unmaps = mmu_stats(r.mmu)->unmaps;
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(mmu_stats(r.mmu)->unmaps, unmaps + 2); /* two views */
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 0);
    check_window(&r, w);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(touch_write(&r, w, slots[i] << 22, 1), FILL_FAULT);
        ck_assert_int_eq(touch_write(&r, w, slots[i] << 22 | 0x7000, 1), FILL_FAULT);
        ck_assert_int_eq(touch_write(&r, super, slots[i] << 22 | 0x3000, 1), FILL_FAULT);
    }
}
END_TEST

/* One that stays between them is not taken along. */
START_TEST(slot_that_stays_between)
{
    uint64_t fills, unmaps;

    put_slot(5, 0x12000, 0x400000);
    put_slot(9, 0x13000, 0x410000);
    read_ok(w, LIN);
    ck_assert_int_eq(touch_write(&r, w, 5u << 22 | 0x2000, 0x77), FILL_MAPPED);
    read_ok(w, 9u << 22);
    put32(&r, DIR + 3 * 4, 0);
    put32(&r, DIR + 9 * 4, 0);
    fills = mmu_stats(r.mmu)->fills;
    unmaps = mmu_stats(r.mmu)->unmaps;
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(mmu_stats(r.mmu)->unmaps, unmaps + 2);
    ck_assert_uint_eq(read_ok(w, 5u << 22 | 0x2000), 0x77);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fills, fills);
    check_window(&r, w);
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_FAULT);
    ck_assert_int_eq(touch_write(&r, w, 9u << 22, 1), FILL_FAULT);
}
END_TEST

START_TEST(invlpg)
{
    struct window *super = mmu_window(r.mmu, false);

    put32(&r, TABLE + 20, 0x305000 | P | RW | US | A | D | G);
    read_ok(w, LIN);
    read_ok(super, LIN);
    put32(&r, TABLE + 20, 0x405000 | P | RW | US | A | D | G);
    mmu_invlpg(r.mmu, LIN + 0x123);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    ck_assert_uint_eq(read_ok(super, LIN), 0x85);
    check_window(&r, w);
    put32(&r, DIR + 16, 0x400000 | P | RW | US | PS | A | D);
    read_ok(w, 0x1000000);
    read_ok(w, 0x13FFFFF);
    put32(&r, DIR + 16, 0);
    mmu_invlpg(r.mmu, 0x1234567); /* any address in it */
    ck_assert_int_eq(touch_write(&r, w, 0x1000000, 1), FILL_FAULT);
    ck_assert_int_eq(touch_write(&r, w, 0x13FFFFF, 1), FILL_FAULT);
}
END_TEST

/* What INVLPG took from a user's window is mapped over by one call, or gone when it is entered. */
START_TEST(mapped_over)
{
    uint32_t page = LIN >> PAGE_SHIFT, hosted;
    uint64_t runs;

    ck_assert_uint_eq(read_ok(w, LIN), 5);
    put32(&r, TABLE + 20, 0x405000 | P | RW | US | A | D);
    mmu_invlpg(r.mmu, LIN);
    hosted = w->hosted;
    runs = mmu_stats(r.mmu)->fill_runs;
    ck_assert_uint_eq(w->map[page] & (MAP_STALE | MAP_VALID | MAP_HOST), MAP_STALE);
    ck_assert_int_eq(mmu_refill(r.mmu, true, LIN, MMU_READ), FILL_MAPPED);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fill_runs, runs + 1);
    ck_assert_uint_eq(w->hosted, hosted);
    ck_assert_uint_eq(w->map[page] & (MAP_STALE | MAP_HOST), MAP_HOST);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    check_window(&r, w);
    /* All of them, more than are kept in mind; one is known again, but accessed by hand alone. */
    for (uint32_t i = 0; i < 64; i++) {
        put32(&r, TABLE + i * 4, i == 5 ? 0x305000 | P | RW | US | A | D : 0);
        mmu_invlpg(r.mmu, 0xC00000 + i * 0x1000);
    }
    ck_assert(mmu_probe(r.mmu, LIN, 1, MMU_READ, true, &touch_fault));
    for (uint32_t i = 0; i < 64; i++)
        if (i != 5)
            ck_assert_int_eq(touch_write(&r, w, 0xC00000 + i * 0x1000, 1), FILL_FAULT);
    ck_assert_uint_eq(w->hosted, 0);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    /* The window is emptied meanwhile. */
    mmu_invlpg(r.mmu, LIN);
    mmu_flush_all(r.mmu);
    w = mmu_window(r.mmu, true);
    ck_assert_uint_eq(w->hosted, 0);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    check_window(&r, w);
}
END_TEST

/* One view walks a changed entry before the other is told of the change. */
START_TEST(views_stay_together)
{
    struct window *super = mmu_window(r.mmu, false);

    read_ok(super, LIN);
    put32(&r, TABLE + 20, 0x405000 | P | RW | US | A | D);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(read_ok(super, LIN), 0x85);
    check_window(&r, super);
}
END_TEST

START_TEST(two_address_spaces)
{
    struct window *other;
    uint64_t fills;

    put32(&r, 0x13000 + 12, 0x14000 | P | RW | US);
    put32(&r, 0x14000 + 20, 0x405000 | P | RW | US);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    rig_cr3(&r, 0x13000);
    other = mmu_window(r.mmu, true);
    ck_assert_ptr_ne(other, w);
    ck_assert_uint_eq(read_ok(other, LIN), 0x85);
    fills = mmu_stats(r.mmu)->fills;
    rig_cr3(&r, DIR);
    ck_assert_ptr_eq(mmu_window(r.mmu, true), w);
    ck_assert_uint_eq(read_ok(w, LIN), 5);
    ck_assert_uint_eq(mmu_stats(r.mmu)->fills, fills);
    /* Changed while another address space was in use: found when it is entered again. */
    put32(&r, 0x14000 + 20, 0x406000 | P | RW | US | G);
    rig_cr3(&r, 0x13000);
    ck_assert_uint_eq(read_ok(other, LIN), 0x86);
}
END_TEST

START_TEST(self_map)
{
    put32(&r, DIR + 1023 * 4, DIR | P | RW);
    struct window *super = mmu_window(r.mmu, false);

    rig_cr3(&r, DIR);
    read_ok(w, LIN);
    /* The directory is the last page of the address space; DIR's entry 3 is changed through it. */
    ck_assert_int_eq(touch_write(&r, super, 0xFFFFF000 + 12 + 1, 0x20), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, DIR + 12) >> 12, 0x12);
    check_window(&r, super);
    put32(&r, 0x12000 + 20, 0x405000 | P | RW | US);
    rig_cr3(&r, DIR);
    check_window(&r, w);
    check_window(&r, super);
    ck_assert_uint_eq(read_ok(w, LIN), 0x85);
}
END_TEST

START_TEST(executed_pages_are_told)
{
    struct mmu_fault f;
    uint64_t pa;

    ck_assert(mmu_fetch(r.mmu, w, LIN + 8, &pa, &f));
    ck_assert_uint_eq(pa, 0x305008);
    read_ok(w, LIN + 0x8000);
    put32(&r, TABLE + 13 * 4, 0);
    mmu_invlpg(r.mmu, LIN + 0x8000);
    ck_assert_uint_eq(r.exec_drops, 0);
    put32(&r, TABLE + 20, 0x405000 | P | RW | US | A | D);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(r.exec_drops, 1);
    ck_assert_uint_eq(r.exec_page, LIN >> 12);
    ck_assert_uint_eq(r.exec_count, 1);
    ck_assert(mmu_fetch(r.mmu, w, LIN + 8, &pa, &f));
    ck_assert_uint_eq(pa, 0x405008);
    mmu_invlpg(r.mmu, LIN);
    ck_assert_uint_eq(r.exec_drops, 2);
    put32(&r, TABLE + 20, 0x405000 | P | RW | A | D);
    ck_assert(!mmu_fetch(r.mmu, w, LIN, &pa, &f));
    ck_assert_uint_eq(f.error_code, 5);
    ck_assert(mmu_fetch(r.mmu, mmu_window(r.mmu, false), LIN, &pa, &f));
    mmu_flush_all(r.mmu);
    ck_assert_uint_eq(r.exec_drops, 4); /* both windows, wholly */
    ck_assert_uint_eq(r.exec_count, MAP_PAGES);
}
END_TEST

/* A page that is only fetched from is never mapped, and its change is seen all the same. */
START_TEST(directory_gone_under_code)
{
    struct mmu_fault f;
    uint64_t pa;

    ck_assert(mmu_fetch(r.mmu, w, LIN, &pa, &f));
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 0);
    put32(&r, DIR + 12, 0);
    rig_cr3(&r, DIR);
    ck_assert_uint_eq(r.exec_drops, 1);
    ck_assert(!mmu_fetch(r.mmu, w, LIN, &pa, &f));
}
END_TEST

START_TEST(pae_sync)
{
    struct window *user;

    put64(&r, 0x20000, 0x21000 | P);
    put64(&r, 0x20018, 0x22000 | P);
    put64(&r, 0x21000 + 8, 0x23000 | P | RW | US);
    put64(&r, 0x22000 + 8 * 511, 0x400000 | P | RW | US | PS);
    put64(&r, 0x23000 + 24, 0x303000 | P | RW | US | NX);
    r.pg = (struct paging){CR0_PG_WP, 0x20000, CR4_PAE_BIT, EFER_NXE_BIT, {0}};
    ck_assert(mmu_load_pdptes(r.mmu, &r.pg));
    mmu_set_paging(r.mmu, &r.pg);
    user = mmu_window(r.mmu, true);
    ck_assert_uint_eq(read_ok(user, 0x203000), 3);
    ck_assert_uint_eq(read_ok(user, 0xFFE07000), 0x87);
    ck_assert_int_eq(touch_write(&r, user, 0xFFFFFFFF, 1), FILL_MAPPED);
    put64(&r, 0x23000 + 24, 0x404000 | P | RW | US);
    put64(&r, 0x22000 + 8 * 511, 0x200000 | P | RW | US | PS | A | D);
    rig_cr3(&r, 0x20000);
    check_window(&r, user);
    ck_assert_uint_eq(read_ok(user, 0x203000), 0x84);
    ck_assert_uint_eq(read_ok(user, 0xFFF00000), 0); /* 300000h */
    ck_assert_uint_eq(read_ok(user, 0xFFF07000), 7);
    check_window(&r, user);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sync");
    TCase *c = tcase_create("sync");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, changed_entry);
    tcase_add_test(c, removed_and_readonly);
    tcase_add_test(c, nothing_changed_costs_nothing);
    tcase_add_test(c, changed_directory);
    tcase_add_test(c, reduced_around_readonly);
    tcase_add_test(c, slots_that_go_together);
    tcase_add_test(c, slot_that_stays_between);
    tcase_add_test(c, invlpg);
    tcase_add_test(c, mapped_over);
    tcase_add_test(c, views_stay_together);
    tcase_add_test(c, two_address_spaces);
    tcase_add_test(c, self_map);
    tcase_add_test(c, executed_pages_are_told);
    tcase_add_test(c, directory_gone_under_code);
    tcase_add_test(c, pae_sync);
    suite_add_tcase(s, c);
    return run_suite(s);
}
