/* Fills: windows are really touched, and the host's faults resolved as the translator does it. */
#include "tests/mmu/rig.h"

#define DIR   0x10000u
#define TABLE 0x11000u
#define LIN   0x00C05000u

static struct rig r;

static void setup(void)
{
    rig_open(&r, 16 * MIB, 8);
    put32(&r, DIR + 3 * 4, TABLE | P | RW | US);
}

static void teardown(void)
{
    rig_close(&r);
}

static const struct mmu_stats *stats(void)
{
    return mmu_stats(r.mmu);
}

START_TEST(paging_off_in_few_runs)
{
    struct window *w = mmu_window(r.mmu, false);
    uint8_t v = 0;

    ck_assert_ptr_eq(w, mmu_window(r.mmu, true));
    phys_map_rom(r.phys, "rom", 0xF0000, 0x10000, "\xEA", 1);
    ck_assert_int_eq(touch_write(&r, w, 0x7C00, 0x55), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, 0x7C00), 0x55);
    ck_assert_int_eq(touch_read(&r, w, 0xF0000, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 0xEA);
    ck_assert_int_eq(touch_read(&r, w, 0x3FFFFF, &v), FILL_MAPPED);
    ck_assert_uint_eq(stats()->fills, 1);
    ck_assert_uint_eq(stats()->fill_runs, 3);
    ck_assert_int_eq(touch_write(&r, w, 0xF0000, 1), FILL_BY_HAND);
    ck_assert_int_eq(touch_read(&r, w, 0xA0000, &v), FILL_BY_HAND);
    ck_assert_int_eq(touch_read(&r, w, 0xFFFFFFFF, &v), FILL_BY_HAND);
    check_window(&r, w);
}
END_TEST

START_TEST(dirty_before_writable)
{
    struct window *w;
    uint8_t v;

    put32(&r, TABLE + 20, 0x300000 | P | RW | US);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    ck_assert_ptr_ne(w, mmu_window(r.mmu, false));
    ck_assert_int_eq(touch_read(&r, w, LIN, &v), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | RW | US | A);
    ck_assert_int_eq(touch_write(&r, w, LIN, 7), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | RW | US | A | D);
    ck_assert_uint_eq(stats()->fills, 2);
    ck_assert_uint_eq(get32(&r, 0x300000), 7);
    check_window(&r, w);
}
END_TEST

START_TEST(faults_are_the_guests)
{
    struct window *user, *super;
    uint8_t v;

    put32(&r, TABLE + 20, 0x300000 | P | RW);
    put32(&r, TABLE + 24, 0x301000 | P | US);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    user = mmu_window(r.mmu, true);
    super = mmu_window(r.mmu, false);
    ck_assert_int_eq(touch_read(&r, user, LIN, &v), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 5);
    ck_assert_uint_eq(touch_fault.address, LIN);
    ck_assert_int_eq(touch_read(&r, super, LIN, &v), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, user, LIN + 0x1000, 1), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 7);
    ck_assert_int_eq(touch_write(&r, super, LIN + 0x1004, 1), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 3);
    ck_assert_int_eq(touch_write(&r, super, LIN + 0x2000, 1), FILL_FAULT);
    ck_assert_uint_eq(touch_fault.error_code, 2);
    rig_paging(&r, DIR, CR0_PG_ONLY, 0);
    ck_assert_ptr_ne(mmu_window(r.mmu, false), super);
    ck_assert_int_eq(touch_write(&r, mmu_window(r.mmu, false), LIN + 0x1004, 9), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, 0x301004), 9);
    ck_assert_uint_eq(get32(&r, TABLE + 24), 0x301000 | P | US | A | D);
    check_window(&r, super);
    check_window(&r, mmu_window(r.mmu, false));
}
END_TEST

START_TEST(neighbours)
{
    struct window *w;
    uint8_t v;

    /* 16 pages: accessed, dirty, neither, in turn; contiguous frames. */
    for (uint32_t i = 0; i < 16; i++)
        put32(&r, TABLE + i * 4,
              (0x300000 + i * 0x1000) | P | RW | US |
                  (i % 3 == 0   ? A
                   : i % 3 == 1 ? A | D
                                : 0));
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    ck_assert_int_eq(touch_read(&r, w, 0xC00000, &v), FILL_MAPPED);
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t entry = w->map[0xC00 + i];

        if (i > 6) { /* so far in one go */
            ck_assert_uint_eq(get32(&r, TABLE + i * 4) & D, i % 3 == 1 ? D : 0u);
            continue;
        }

        ck_assert_uint_eq(entry & MAP_HOST, i % 3 == 2 ? 0 : MAP_HOST);
        ck_assert_uint_eq(entry & MAP_HOSTW, i % 3 == 1 ? MAP_HOSTW : 0);
        /* Never set ahead of the access. */
        ck_assert_uint_eq(get32(&r, TABLE + i * 4) & (A | D), i % 3 == 0   ? A
                                                              : i % 3 == 1 ? A | D
                                                                           : 0u);
    }
    ck_assert_uint_eq(stats()->fills, 1);
    check_window(&r, w);
}
END_TEST

START_TEST(long_runs_go_in_one)
{
    struct window *w;

    for (uint32_t i = 0; i < 1024; i++)
        put32(&r, TABLE + i * 4, (0x400000 + i * 0x1000) | P | RW | A | D);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, false);
    ck_assert_int_eq(touch_write(&r, w, 0xD00000, 3), FILL_MAPPED);
    ck_assert_uint_eq(stats()->fill_runs, 1);
    ck_assert_uint_ge(stats()->fill_pages, 512);
    ck_assert_uint_eq(stats()->mappings, rig_mappings(&r));
    check_window(&r, w);
}
END_TEST

START_TEST(large_page)
{
    struct window *w;
    uint8_t v;

    put32(&r, DIR + 5 * 4, 0x800000 | P | RW | PS);
    rig_paging(&r, DIR, CR0_PG_WP, CR4_PSE_BIT);
    w = mmu_window(r.mmu, false);
    ck_assert_int_eq(touch_read(&r, w, 0x1400000, &v), FILL_MAPPED);
    ck_assert_int_eq(touch_read(&r, w, 0x17FFFFF, &v), FILL_MAPPED);
    ck_assert_uint_eq(stats()->fills, 1);
    ck_assert_uint_eq(get32(&r, DIR + 20), 0x800000 | P | RW | PS | A);
    ck_assert_int_eq(touch_write(&r, w, 0x15FFFFF, 8), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, w, 0x1400000, 8), FILL_MAPPED);
    ck_assert_uint_eq(stats()->fills, 2);
    ck_assert_uint_eq(get32(&r, DIR + 20), 0x800000 | P | RW | PS | A | D);
    ck_assert_uint_eq(stats()->mappings, rig_mappings(&r));
    check_window(&r, w);
}
END_TEST

START_TEST(code_pages)
{
    struct window *w, *off = mmu_window(r.mmu, false);
    uint32_t value = 0x1234;
    struct mmu_fault f;

    put32(&r, TABLE + 20, 0x300000 | P | RW | US);
    put32(&r, TABLE + 400, 0x300000 | P | RW | US); /* an alias */
    ck_assert_int_eq(touch_write(&r, off, 0x300000, 1), FILL_MAPPED);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    ck_assert_int_eq(touch_write(&r, w, LIN, 1), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, w, 0xC64000, 1), FILL_MAPPED);
    phys_set_flag(r.phys, 0x300, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, LIN, 2), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, w, 0xC64000, 2), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, off, 0x300000, 2), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, off, 0x301000, 2), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, 0x300000), 1);
    check_window(&r, w);
    ck_assert(mmu_write(r.mmu, LIN + 8, &value, 4, true, &f));
    ck_assert_uint_eq(r.code_writes, 1);
    ck_assert_uint_eq(r.code_pa, 0x300008);
    phys_clear_flag(r.phys, 0x300, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, LIN, 3), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, off, 0x300001, 4), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, 0x300000), 0x403);
    check_window(&r, w);
}
END_TEST

START_TEST(page_table_with_code)
{
    struct window *w;
    uint8_t v;

    put32(&r, TABLE + 20, 0x300000 | P | RW | US);
    phys_set_flag(r.phys, TABLE >> 12, FRAME_CODE);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    ck_assert_int_eq(touch_read(&r, w, LIN, &v), FILL_MAPPED);
    ck_assert_uint_eq(r.code_writes, 1); /* the accessed bit */
    ck_assert_uint_eq(r.code_pa, TABLE + 20);
}
END_TEST

START_TEST(logged_frames)
{
    uint8_t *vram, dirty[4], v;
    struct window *w = mmu_window(r.mmu, false);

    ck_assert_int_ge(phys_map_ram(r.phys, "vram", 0xE0000000, 0x4000, &vram), 0);
    ck_assert_int_eq(touch_write(&r, w, 0xE0000000, 1), FILL_MAPPED);
    phys_log_start(r.phys, 0xE0000000, 0x4000);
    ck_assert_int_eq(touch_read(&r, w, 0xE0000000, &v), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, w, 0xE0002000, 9), FILL_MAPPED);
    ck_assert_uint_eq(vram[0x2000], 9);
    phys_log_collect(r.phys, 0xE0000000, 0x4000, dirty);
    ck_assert_mem_eq(dirty, "\0\0\1\0", 4);
    ck_assert_int_eq(touch_write(&r, w, 0xE0002000, 10), FILL_MAPPED);
    phys_log_collect(r.phys, 0xE0000000, 0x4000, dirty);
    ck_assert_mem_eq(dirty, "\0\0\1\0", 4);
    check_window(&r, w);
}
END_TEST

START_TEST(many_mappings_of_a_frame)
{
    struct window *w;

    for (uint32_t t = 0; t < 2; t++) {
        put32(&r, DIR + (8 + t) * 4, (0x20000 + t * 0x1000) | P | RW | US);
        for (uint32_t i = 0; i < 1024; i++)
            put32(&r, 0x20000 + t * 0x1000 + i * 4, 0x300000 | P | RW | US);
    }
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    for (uint32_t i = 0; i < 2048; i += 3)
        ck_assert_int_eq(touch_write(&r, w, (8 << 22) + (i << 12), (uint8_t)i), FILL_MAPPED);
    phys_set_flag(r.phys, 0x300, FRAME_CODE);
    for (uint32_t i = 0; i < 2048; i += 3)
        ck_assert_int_eq(touch_write(&r, w, (8 << 22) + (i << 12), 1), FILL_BY_HAND);
    check_window(&r, w);
}
END_TEST

START_TEST(reverse_nodes_do_not_pile_up)
{
    struct window *w;
    uint32_t left;

    rig_paging(&r, DIR, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, true);
    left = r.mmu->rmap.left;
    for (uint32_t i = 0; i < 5000; i++) {
        put32(&r, TABLE + 20, (0x300000 + i % 2 * 0x1000) | P | RW | US | A | D);
        mmu_invlpg(r.mmu, LIN);
        ck_assert_int_eq(mmu_fill(r.mmu, w, LIN, MMU_WRITE, &touch_fault), FILL_MAPPED);
    }
    ck_assert_uint_le(left - r.mmu->rmap.left, 1024);
    phys_set_flag(r.phys, 0x301, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, LIN, 2), FILL_BY_HAND);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fill");
    TCase *c = tcase_create("fill");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, paging_off_in_few_runs);
    tcase_add_test(c, dirty_before_writable);
    tcase_add_test(c, faults_are_the_guests);
    tcase_add_test(c, neighbours);
    tcase_add_test(c, long_runs_go_in_one);
    tcase_add_test(c, large_page);
    tcase_add_test(c, code_pages);
    tcase_add_test(c, page_table_with_code);
    tcase_add_test(c, logged_frames);
    tcase_add_test(c, many_mappings_of_a_frame);
    tcase_add_test(c, reverse_nodes_do_not_pile_up);
    suite_add_tcase(s, c);
    return run_suite(s);
}
