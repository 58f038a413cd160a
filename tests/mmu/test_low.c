/* The low place: who is there, what it holds, what it cannot hold, and what becomes of the rest. */
#include <sys/mman.h>

#include "tests/mmu/rig.h"

enum { SPACES = 3, FIRST = 0x40, PAGES = 64, DIR = MIB, STEP = 0x10000 };

static struct rig r;

/* Address space I: of each 4 MiB of the first 3 GiB, pages FIRST on are scattered frames of its
 * own, which say so. */
static uint32_t make_space(uint32_t i)
{
    uint32_t dir = DIR + i * STEP, table = dir + 0x1000, frame = 8 * MIB + i * MIB;

    for (uint32_t d = 0; d < 768; d++)
        put32(&r, dir + d * 4, table | P | RW | US);
    for (uint32_t k = 0; k < PAGES; k++) {
        put32(&r, table + (FIRST + k) * 4, (frame + k * 0x2000) | P | RW | US);
        put32(&r, frame + k * 0x2000, i << 16 | k);
    }
    return dir;
}

static struct window *enter(uint32_t i)
{
    rig_cr3(&r, DIR + i * STEP);
    return mmu_window(r.mmu, true);
}

static void setup(void)
{
    rig_open(&r, 32 * MIB, 8);
    for (uint32_t i = 0; i < SPACES; i++)
        make_space(i);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
}

static void teardown(void)
{
    rig_close(&r);
}

static uint32_t address(uint32_t part, uint32_t k)
{
    return part << 22 | (FIRST + k) << PAGE_SHIFT;
}

/* Read pages of W, present as address space I, by the host's addresses; then all must be right. */
static void touch_all(struct window *w, uint32_t i)
{
    for (uint32_t part = 0; part < 768; part += 85) {
        for (uint32_t k = 0; k < PAGES; k += 1 + k % 3) {
            uint8_t v = 0;

            ck_assert_int_eq(touch_read(&r, w, address(part, k), &v), FILL_MAPPED);
            ck_assert_uint_eq(v, k);
            ck_assert_int_eq(touch_read(&r, w, address(part, k) + 2, &v), FILL_MAPPED);
            ck_assert_uint_eq(v, i);
        }
    }
    check_window(&r, w);
}

/* Sanitizers and instrumentation have memory of their own there. */
static bool there(void)
{
    return r.mmu->low.there;
}

static bool is_low(const struct window *w)
{
    return window_base(w) == NULL;
}

START_TEST(one_window_is_low)
{
    struct window *w[SPACES];
    uint8_t *home[SPACES];
    unsigned before = host_mappings();
    int64_t lin;

    if (!there())
        return;
    for (uint32_t i = 0; i < SPACES; i++) {
        w[i] = enter(i);
        home[i] = window_base(w[i]);
        touch_all(w[i], i);
    }
    for (uint32_t n = 0; n < 3 * SPACES; n++) {
        uint32_t i = n % SPACES, last = (n + SPACES - 1) % SPACES;

        ck_assert(!is_low(enter(i)));
        ck_assert(mmu_lower(r.mmu, w[i]));
        ck_assert(!mmu_lower(r.mmu, w[i])); /* it is there */
        ck_assert(is_low(w[i]));
        ck_assert_ptr_eq(window_base(w[last]), home[last]);
        touch_all(w[i], i);
        check_count(&r, before);
        ck_assert_ptr_eq(mmu_window_at(r.mmu, (void *)0x12345678ul, &lin), w[i]);
        ck_assert_int_eq(lin, 0x12345678);
        ck_assert_ptr_null(mmu_window_at(r.mmu, home[i] + 0x1000, &lin));
    }
    ck_assert_uint_eq(mmu_stats(r.mmu)->lowered, 3 * SPACES);
    mmu_raise(r.mmu);
    for (uint32_t i = 0; i < SPACES; i++) {
        ck_assert_ptr_eq(window_base(enter(i)), home[i]);
        touch_all(w[i], i);
    }
    check_count(&r, before);
    mmu_raise(r.mmu); /* nobody is there */
}
END_TEST

START_TEST(guards)
{
    struct window *w = enter(0);
    int64_t lin;

    if (!there())
        return;
    mmu_lower(r.mmu, w);
    ck_assert_ptr_eq(mmu_window_at(r.mmu, (void *)-8l, &lin), w);
    ck_assert_int_eq(lin, -8);
    ck_assert_ptr_eq(mmu_window_at(r.mmu, (void *)((3ul << 31) - 1), &lin), w);
    ck_assert_int_eq(lin, (3l << 31) - 1);
    ck_assert_ptr_null(mmu_window_at(r.mmu, (void *)(3ul << 31), &lin));
    ck_assert_ptr_null(mmu_window_at(r.mmu, (void *)(-(1l << 31) - 1), &lin));
    ck_assert_int_eq(madvise((void *)WINDOW_BYTES, WINDOW_BYTES, MADV_NORMAL), 0); /* no hole */
}
END_TEST

START_TEST(reach_follows)
{
    struct mmu_reach reach = {{0}, {0}};
    struct window *w = enter(0), *own = mmu_window(r.mmu, false);

    if (!there())
        return;
    mmu_set_reach(r.mmu, &reach);
    mmu_lower(r.mmu, w);
    ck_assert_uint_eq(reach.base[1], 0);
    ck_assert_uint_eq(reach.base[0], (uintptr_t)window_base(own));
    mmu_raise(r.mmu);
    ck_assert_uint_eq(reach.base[1], (uintptr_t)window_base(w));
    ck_assert_uint_ne(reach.base[1], 0);
    mmu_set_reach(r.mmu, NULL);
}
END_TEST

/* What INVLPG dropped last is still mapped when a window moves. */
START_TEST(dropped_pages_stay_behind)
{
    struct window *w = enter(0);
    uint8_t v;

    if (!there())
        return;
    touch_all(w, 0);
    put32(&r, DIR + 0x1000 + FIRST * 4, 0);
    mmu_invlpg(r.mmu, address(0, 0));
    ck_assert(mmu_lower(r.mmu, w));
    ck_assert_int_eq(touch_read(&r, w, address(0, 0), &v), FILL_FAULT);
    ck_assert_int_eq(touch_read(&r, w, address(0, 1), &v), FILL_MAPPED);
    put32(&r, DIR + 0x1000 + (FIRST + 1) * 4, 0);
    mmu_invlpg(r.mmu, address(0, 1));
    mmu_raise(r.mmu);
    ck_assert_int_eq(touch_read(&r, w, address(0, 1), &v), FILL_FAULT);
}
END_TEST

/* The host maps nothing in its first 64 KiB. */
START_TEST(first_pages)
{
    struct window *w = enter(0);
    uint8_t v;

    if (!there())
        return;
    for (uint32_t k = 12; k < 20; k++)
        put32(&r, DIR + 0x1000 + k * 4, (4 * MIB + k * 0x1000) | P | RW | US | A | D);
    put32(&r, 4 * MIB + 17 * 0x1000, 0x5A);
    ck_assert(mmu_lower(r.mmu, w));
    ck_assert_int_eq(touch_read(&r, w, 0x11000, &v), FILL_MAPPED); /* its neighbours are not */
    ck_assert_uint_eq(v, 0x5A);
    ck_assert(!mmu_low_unfit(r.mmu));
    ck_assert_int_eq(touch_read(&r, w, 0xF000, &v), FILL_BY_HAND);
    ck_assert_int_eq(touch_write(&r, w, 0xF000, 1), FILL_BY_HAND);
    check_window(&r, w);
    ck_assert(mmu_low_unfit(r.mmu));
    mmu_raise(r.mmu);
    ck_assert(!mmu_low_unfit(r.mmu));
    ck_assert_int_eq(touch_read(&r, w, 0xF000, &v), FILL_MAPPED);
    ck_assert(!mmu_lower(r.mmu, w)); /* as long as it has such pages */
    put32(&r, DIR + 0x1000 + 12 * 4, 0);
    for (uint32_t k = 12; k < 16; k++) {
        put32(&r, DIR + 0x1000 + k * 4, 0);
        mmu_invlpg(r.mmu, k << PAGE_SHIFT);
    }
    ck_assert(mmu_lower(r.mmu, w));
}
END_TEST

START_TEST(vacancy)
{
    struct window *w = enter(0), *v;

    if (!there())
        return;
    ck_assert(mmu_low_vacant(r.mmu));
    mmu_lower(r.mmu, w);
    ck_assert(mmu_low_vacant(r.mmu)); /* it has nothing there yet */
    touch_all(w, 0);
    ck_assert(!mmu_low_vacant(r.mmu));
    v = enter(1);
    touch_all(v, 1);
    ck_assert(!mmu_low_vacant(r.mmu));
    ck_assert_uint_gt(mmu_low_count(r.mmu, v), v->vmas);
    memset(phys_ptr(r.phys, DIR, PAGE_SIZE), 0, PAGE_SIZE); /* its process ends */
    ck_assert(mmu_low_vacant(r.mmu));
    ck_assert_uint_eq(mmu_low_count(r.mmu, v), v->vmas);
    ck_assert(mmu_lower(r.mmu, v));
    touch_all(v, 1);
}
END_TEST

START_TEST(evicted_while_low)
{
    struct window *w = enter(0);

    if (!there())
        return;
    mmu_lower(r.mmu, w);
    touch_all(w, 0);
    enter(1);
    for (uint32_t i = 0; i < 40; i++) { /* other address spaces take all windows */
        put32(&r, 0x400000 + i * 0x1000, 0);
        rig_cr3(&r, 0x400000 + i * 0x1000);
        mmu_window(r.mmu, true);
    }
    ck_assert_ptr_null(r.mmu->low.window);
    ck_assert(!is_low(w));
    for (uint32_t i = 0; i < SPACES; i++)
        touch_all(enter(i), i);
    ck_assert(mmu_lower(r.mmu, enter(1)) || is_low(enter(1)));
    touch_all(enter(1), 1);
}
END_TEST

/* Libraries may ask for memory below 2 GiB, of which windows leave most unmapped. */
START_TEST(others_stay_out)
{
    enum { FLAGS = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, MAP_32BIT_CODE = 0x40 };
    struct window *w = enter(0);

    if (!there())
        return;
    for (int low = 0; low < 3; low++) {
        for (int i = 0; i < 16; i++) {
            void *p = mmap(NULL, PAGE_SIZE, PROT_NONE, FLAGS | MAP_32BIT_CODE, -1, 0);

            ck_assert(p == MAP_FAILED || (uintptr_t)p >= 2 * WINDOW_BYTES);
        }
        if (low == 0)
            mmu_lower(r.mmu, w);
        touch_all(w, 0);
        if (low == 1)
            mmu_raise(r.mmu);
    }
}
END_TEST

START_TEST(given_back)
{
    struct window *w = enter(0);
    unsigned long start = 0;
    FILE *f;

    if (!there())
        return;
    mmu_lower(r.mmu, w);
    touch_all(w, 0);
    mmu_give_low(r.mmu);
    f = fopen("/proc/self/maps", "r");
    ck_assert_int_eq(fscanf(f, "%lx", &start), 1);
    fclose(f);
    ck_assert_uint_ge(start, 2 * WINDOW_BYTES);
    ck_assert(!mmu_lower(r.mmu, w));
    ck_assert(!mmu_low_vacant(r.mmu));
    touch_all(w, 0);
}
END_TEST

START_TEST(of_two_machines_one_has_it)
{
    struct rig other;
    struct window *w = enter(0), *v;

    if (!there())
        return;
    rig_open(&other, 8 * MIB, 4);
    v = mmu_window(other.mmu, true);
    ck_assert(mmu_lower(r.mmu, w));
    ck_assert(!mmu_lower(other.mmu, v));
    ck_assert(!mmu_low_vacant(other.mmu));
    touch_all(w, 0);
    rig_close(&other);
    touch_all(w, 0);
    rig_close(&r);
    rig_open(&other, 8 * MIB, 4); /* now this one has */
    ck_assert(other.mmu->low.there);
    rig_close(&other);
    rig_open(&r, 8 * MIB, 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("low");
    TCase *c = tcase_create("low");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, one_window_is_low);
    tcase_add_test(c, guards);
    tcase_add_test(c, reach_follows);
    tcase_add_test(c, dropped_pages_stay_behind);
    tcase_add_test(c, first_pages);
    tcase_add_test(c, vacancy);
    tcase_add_test(c, evicted_while_low);
    tcase_add_test(c, others_stay_out);
    tcase_add_test(c, given_back);
    tcase_add_test(c, of_two_machines_one_has_it);
    suite_add_tcase(s, c);
    return run_suite(s);
}
