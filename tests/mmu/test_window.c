/* Windows: addresses, eviction, the mapping limit, A20, layout changes, two machines. */
#include <sys/mman.h>

#include "tests/mmu/rig.h"

static struct rig r;

static void setup(void)
{
    rig_open(&r, 32 * MIB, 6);
}

static void teardown(void)
{
    rig_close(&r);
}

/* An address space of its own at CR3 = 1 MiB + I * 8 KiB, whose page 0 is frame 2 MiB + I. */
static uint32_t make_space(uint32_t i)
{
    uint32_t dir = MIB + i * 0x2000;

    put32(&r, dir, (dir + 0x1000) | P | RW | US);
    put32(&r, dir + 0x1000, (2 * MIB + i * 0x1000) | P | RW | US);
    put32(&r, 2 * MIB + i * 0x1000, i);
    return dir;
}

START_TEST(addresses)
{
    struct window *w = mmu_window(r.mmu, false);
    uint8_t *base = window_base(w);
    int64_t lin;

    ck_assert_uint_eq((uintptr_t)base & 0xFFFFFFFF, 0);
    ck_assert_uint_lt(window_id(w), 6);
    ck_assert_ptr_eq(mmu_window_at(r.mmu, base + 0x1234, &lin), w);
    ck_assert_int_eq(lin, 0x1234);
    ck_assert_ptr_eq(mmu_window_at(r.mmu, base + (1ull << 32) + 5, &lin), w);
    ck_assert_int_eq(lin, (1ll << 32) + 5);
    ck_assert_ptr_eq(mmu_window_at(r.mmu, base - (1ull << 31), &lin), w);
    ck_assert_int_eq(lin, -(1ll << 31));
    ck_assert_ptr_eq(mmu_window_at(r.mmu, base + 3 * (1ull << 31) - 1, &lin), w);
    ck_assert_ptr_null(mmu_window_at(r.mmu, base + 3 * (1ull << 31), &lin)); /* not in use */
    ck_assert_ptr_null(mmu_window_at(r.mmu, &lin, &lin));
    ck_assert_ptr_null(mmu_window_at(r.mmu, NULL, &lin));
    ck_assert_ptr_null(mmu_window_at(r.mmu, (void *)~0ull, &lin));
}
END_TEST

START_TEST(least_recently_used_goes)
{
    struct window *w;
    uint8_t v;

    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 20; i++) {
            rig_paging(&r, make_space(i), CR0_PG_WP, 0);
            w = mmu_window(r.mmu, i & 1);
            ck_assert_int_eq(touch_read(&r, w, 0, &v), FILL_MAPPED);
            ck_assert_uint_eq(v, i);
            mmu_window(r.mmu, !(i & 1));
            check_window(&r, w);
        }
    }
    ck_assert_uint_eq(mmu_stats(r.mmu)->windows_live, 6);
    ck_assert_uint_eq(mmu_stats(r.mmu)->windows_evicted, r.gone);
    ck_assert_uint_eq(mmu_stats(r.mmu)->windows_created - r.gone, 6);
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 3 * rig_mappings(&r));
    /* Those used last are still there. */
    rig_cr3(&r, MIB + 18 * 0x2000);
    ck_assert_uint_eq(mmu_stats(r.mmu)->windows_created - r.gone, 6);
    v = 0;
    ck_assert_uint_eq(*(volatile uint8_t *)window_base(mmu_window(r.mmu, false)), 18);
}
END_TEST

/* Fill a table with pages that never continue one another. */
static void scatter(uint32_t dir)
{
    put32(&r, dir, (dir + 0x1000) | P | RW | US);
    for (uint32_t i = 0; i < 1024; i++)
        put32(&r, dir + 0x1000 + i * 4, (8 * MIB + i * 0x2000) | P | RW | US);
}

START_TEST(mappings_are_counted)
{
    struct window *w;
    unsigned before;

    scatter(0x10000);
    rig_paging(&r, 0x10000, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, false);
    before = host_mappings();
    for (uint32_t i = 0; i < 1024; i += 1 + i % 3)
        ck_assert_int_eq(touch_write(&r, w, i << 12, 1), FILL_MAPPED);
    check_count(&r, before);
    for (uint32_t i = 0; i < 1024; i += 5)
        phys_set_flag(r.phys, (8 * MIB >> 12) + i * 2, FRAME_CODE);
    check_count(&r, before);
    for (uint32_t i = 0; i < 1024; i += 7)
        put32(&r, 0x11000 + i * 4, 0);
    rig_cr3(&r, 0x10000);
    check_window(&r, w);
    check_count(&r, before);
    mmu_flush_all(r.mmu);
    check_count(&r, before);
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 0);
}
END_TEST

START_TEST(mapping_limit)
{
    uint64_t most = 0;
    uint8_t v;

    mmu_set_mapping_limit(r.mmu, 200);
    for (uint32_t space = 0; space < 4; space++)
        scatter(0x10000 + space * 0x2000);
    for (uint32_t i = 0; i < 4000; i++) {
        struct window *w;

        rig_paging(&r, 0x10000 + i % 4 * 0x2000, CR0_PG_WP, 0);
        w = mmu_window(r.mmu, true);
        ck_assert_int_eq(touch_read(&r, w, (i / 4) << 12, &v), FILL_MAPPED);
        if (mmu_stats(r.mmu)->mappings > most)
            most = mmu_stats(r.mmu)->mappings;
    }
    ck_assert_uint_le(most, 260);
    ck_assert_uint_gt(mmu_stats(r.mmu)->windows_evicted, 0);
    ck_assert_uint_eq(mmu_stats(r.mmu)->windows_evicted, r.gone);
}
END_TEST

START_TEST(reverse_map_runs_out)
{
    struct window *w;

    scatter(0x10000);
    rig_paging(&r, 0x10000, CR0_PG_WP, 0);
    w = mmu_window(r.mmu, false);
    ck_assert_int_eq(touch_write(&r, w, 0, 1), FILL_MAPPED);
    r.mmu->rmap.left = 0; /* pretend */
    ck_assert_int_eq(touch_write(&r, w, 0x1000, 2), FILL_MAPPED);
    ck_assert_uint_ge(r.mmu->rmap.left, RNODES - 10);
    ck_assert_int_eq(touch_write(&r, w, 0, 3), FILL_MAPPED);
    phys_set_flag(r.phys, 8 * MIB >> 12, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, 0, 1), FILL_BY_HAND);
    check_window(&r, w);
}
END_TEST

START_TEST(a20_has_windows_of_its_own)
{
    struct window *on = mmu_window(r.mmu, false), *off;
    uint8_t v;

    put32(&r, 0x500, 0x11);
    put32(&r, 0x100500, 0x22);
    ck_assert_int_eq(touch_read(&r, on, 0x100500, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 0x22);
    phys_set_a20(r.phys, false);
    mmu_a20_changed(r.mmu);
    off = mmu_window(r.mmu, false);
    ck_assert_ptr_ne(on, off);
    ck_assert_int_eq(touch_read(&r, off, 0x100500, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 0x11);
    ck_assert_int_eq(touch_write(&r, off, 0x100500, 0x33), FILL_MAPPED);
    /* A page of code is protected under both addresses. */
    phys_set_flag(r.phys, 0, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, off, 0x100500, 0x44), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, off, 0x500, 0x44), FILL_BY_HAND);
    phys_set_a20(r.phys, true);
    mmu_a20_changed(r.mmu);
    ck_assert_ptr_eq(mmu_window(r.mmu, false), on);
    ck_assert_uint_eq(get32(&r, 0x500), 0x33);
    ck_assert_int_eq(touch_write(&r, on, 0x500, 0x44), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, on, 0x100500, 0x55), FILL_MAPPED);
}
END_TEST

START_TEST(layout_changes)
{
    struct window *w = mmu_window(r.mmu, false);
    uint8_t v, *vram;
    int id;

    ck_assert_int_eq(touch_write(&r, w, 0x200000, 1), FILL_MAPPED);
    id = phys_map_ram(r.phys, "over", 0x200000, 0x1000, &vram);
    ck_assert_uint_eq(mmu_stats(r.mmu)->mappings, 0);
    vram[0] = 2;
    ck_assert_int_eq(touch_read(&r, w, 0x200000, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 2);
    phys_unmap(r.phys, id);
    ck_assert_int_eq(touch_read(&r, w, 0x200000, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 1);
    ck_assert_uint_eq(r.gone, 0);
    ck_assert_ptr_eq(mmu_window(r.mmu, false), w);
    id = phys_map_rom(r.phys, "rom", 0x200000, 0x1000, "\7", 1);
    ck_assert_int_eq(touch_read(&r, w, 0x200000, &v), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&r, w, 0x200000, 1), FILL_BY_HAND);
    phys_rom_writable(r.phys, id, true);
    ck_assert_int_eq(touch_write(&r, w, 0x200000, 9), FILL_MAPPED);
    phys_rom_writable(r.phys, id, false);
    ck_assert_int_eq(touch_write(&r, w, 0x200000, 1), FILL_BY_HAND);
    ck_assert_uint_eq(get32(&r, 0x200000) & 0xFF, 9);
}
END_TEST

/* Code at one address of a page sees writes at the other: view at A0000h shows TARGET's page 30h. */
static void check_twins(int target, int view, struct window *w)
{
    uint8_t byte = 1;

    r.code_writes = 0;
    phys_set_flag(r.phys, 0xE0033, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, 0xA3000, 1), FILL_BY_HAND);
    phys_write(r.phys, 0xA3010, &byte, 1);
    ck_assert_uint_eq(r.code_writes, 1);
    phys_clear_flag(r.phys, 0xE0033, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, 0xA3000, 1), FILL_MAPPED);
    phys_write(r.phys, 0xA3010, &byte, 1);
    ck_assert_uint_eq(r.code_writes, 1);
    phys_set_flag(r.phys, 0xA5, FRAME_CODE);
    phys_write(r.phys, 0xE0035FFF, &byte, 1);
    ck_assert_uint_eq(r.code_writes, 2);
    phys_clear_flag(r.phys, 0xA5, FRAME_CODE);
    /* What was translated before the view came. */
    phys_set_flag(r.phys, 0xE0002, FRAME_CODE);
    phys_view(r.phys, view, target, 0xA0000, 0x10000, 0);
    ck_assert_int_eq(touch_write(&r, w, 0xA2000, 1), FILL_BY_HAND);
    phys_write(r.phys, 0xA2000, &byte, 1);
    ck_assert_uint_eq(r.code_writes, 3);
    phys_view(r.phys, view, target, 0xA0000, 0x10000, 0x30000);
    ck_assert_int_eq(touch_write(&r, w, 0xA2000, 1), FILL_MAPPED);
    phys_clear_flag(r.phys, 0xE0002, FRAME_CODE);
}

/* A view moves over its region without the other mappings, in both kinds of windows. */
static void check_views(int target, uint8_t *memory, int view, bool paging)
{
    struct window *w;
    uint8_t v;

    if (paging) {
        for (uint32_t i = 0; i < 1024; i++) /* 4 MiB, each page where it is */
            put32(&r, 0x11000 + i * 4, i << 12 | P | RW | A | D);
        put32(&r, 0x10000, 0x11000 | P | RW | A);
        rig_paging(&r, 0x10000, CR0_PG_WP, 0);
    }
    w = mmu_window(r.mmu, false);
    ck_assert_int_eq(touch_write(&r, w, 0x9F000, 1), FILL_MAPPED);
    ck_assert_int_eq(touch_read(&r, w, 0xA0000, &v), FILL_BY_HAND);
    for (unsigned bank = 0; bank < 4; bank++) {
        phys_view(r.phys, view, target, 0xA0000, 0x10000, bank * 0x10000);
        ck_assert_int_eq(touch_write(&r, w, 0xA0000, (uint8_t)(0x10 + bank)), FILL_MAPPED);
        ck_assert_int_eq(touch_write(&r, w, 0xAF123, (uint8_t)(0x20 + bank)), FILL_MAPPED);
        check_window(&r, w);
    }
    for (unsigned bank = 0; bank < 4; bank++) {
        ck_assert_uint_eq(memory[bank * 0x10000], 0x10 + bank);
        ck_assert_uint_eq(memory[bank * 0x10000 + 0xF123], 0x20 + bank);
    }
    ck_assert(w->map[0x9F] & MAP_HOST); /* a neighbour stays */
    check_twins(target, view, w);
    /* Code and logs are by address, and go with what they were about. */
    r.code_writes = 0;
    phys_set_flag(r.phys, 0xA3, FRAME_CODE);
    phys_set_flag(r.phys, 0xA4, FRAME_LOGGED);
    ck_assert_int_eq(touch_write(&r, w, 0xA3000, 1), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, w, 0xA4000, 1), FILL_MAPPED);
    ck_assert_uint_eq(phys_frame_flags(r.phys, 0xA4), 0);
    phys_set_flag(r.phys, 0xA4, FRAME_LOGGED);
    phys_view(r.phys, view, target, 0xB8000, 0x8000, 0);
    ck_assert_uint_eq(r.code_writes, 1);
    ck_assert_uint_eq(phys_frame_flags(r.phys, 0xA4), 0);
    phys_clear_flag(r.phys, 0xA3, FRAME_CODE);
    ck_assert_int_eq(touch_read(&r, w, 0xA0000, &v), FILL_BY_HAND);
    ck_assert_int_eq(touch_read(&r, w, 0xB8000, &v), FILL_MAPPED);
    ck_assert_uint_eq(v, 0x10);
    phys_view(r.phys, view, target, 0, 0, 0);
    ck_assert_int_eq(touch_read(&r, w, 0xB8000, &v), FILL_BY_HAND);
    check_window(&r, w);
}

START_TEST(views)
{
    uint8_t *memory;
    int target = phys_map_ram(r.phys, "memory", 0xE0000000, 0x40000, &memory);
    int view = phys_map_view(r.phys, "view", 0x20);

    ck_assert_int_ge(view, 0);
    check_views(target, memory, view, false);
    check_views(target, memory, view, true);
}
END_TEST

START_TEST(two_machines)
{
    struct rig other;
    struct window *w = mmu_window(r.mmu, false), *v;
    int64_t lin;

    rig_open(&other, 8 * MIB, 4);
    v = mmu_window(other.mmu, false);
    ck_assert_int_eq(touch_write(&r, w, 0x300000, 1), FILL_MAPPED);
    ck_assert_int_eq(touch_write(&other, v, 0x300000, 2), FILL_MAPPED);
    ck_assert_uint_eq(get32(&r, 0x300000), 1);
    ck_assert_uint_eq(get32(&other, 0x300000), 2);
    ck_assert_ptr_null(mmu_window_at(r.mmu, window_base(v), &lin));
    rig_close(&other);
    ck_assert_int_eq(touch_write(&r, w, 0x300001, 3), FILL_MAPPED);
}
END_TEST

START_TEST(owners_wires_stay)
{
    struct phys_wires wires = {.opaque = &r, .on_code_write = rig_code_write};

    phys_set_wires(r.phys, &wires); /* again, after mmu_new: protection still works */
    struct window *w = mmu_window(r.mmu, false);

    ck_assert_int_eq(touch_write(&r, w, 0x300000, 1), FILL_MAPPED);
    phys_set_flag(r.phys, 0x300, FRAME_CODE);
    ck_assert_int_eq(touch_write(&r, w, 0x300000, 2), FILL_BY_HAND);
}
END_TEST

static bool overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    return (uintptr_t)a < (uintptr_t)b + b_bytes && (uintptr_t)b < (uintptr_t)a + a_bytes;
}

/* A mapping that somebody else makes must never come to lie in a window. */
START_TEST(others_stay_out)
{
    size_t bytes = PAGE_SIZE;
    struct error err;
    struct mmu *other = mmu_new(r.phys, NULL, 8, &err);

    ck_assert(r.mmu->bare && other->bare);
    ck_assert(!overlap(r.mmu->area, r.mmu->area_bytes, other->area, other->area_bytes));
    for (; bytes < 1ull << 45; bytes *= 2) {
        void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        ck_assert_ptr_ne(p, MAP_FAILED);
        ck_assert(!overlap(p, bytes, r.mmu->area, r.mmu->area_bytes));
        ck_assert(!overlap(p, bytes, other->area, other->area_bytes));
    }
    mmu_free(other);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("window");
    TCase *c = tcase_create("window");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, addresses);
    tcase_add_test(c, least_recently_used_goes);
    tcase_add_test(c, mappings_are_counted);
    tcase_add_test(c, mapping_limit);
    tcase_add_test(c, reverse_map_runs_out);
    tcase_add_test(c, a20_has_windows_of_its_own);
    tcase_add_test(c, layout_changes);
    tcase_add_test(c, views);
    tcase_add_test(c, two_machines);
    tcase_add_test(c, owners_wires_stay);
    tcase_add_test(c, others_stay_out);
    suite_add_tcase(s, c);
    return run_suite(s);
}
