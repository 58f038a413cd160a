/* Hostile page tables: entries of random bits that point anywhere, page tables in MMIO and holes,
 * changed at random, while windows must stay what the walks say. */
#include "tests/mmu/rig.h"

static struct rig r;
static uint64_t seed;

static uint32_t rnd(void)
{
    seed = seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(seed >> 33);
}

static uint32_t noise(void *opaque, uint32_t offset, unsigned size)
{
    (void)opaque;
    return offset * 0x9E3779B1u ^ size << 3;
}

static const struct mmio_ops noise_ops = {noise, NULL, 4};

static void setup(void)
{
    rig_open(&r, 4 * MIB, 5);
    phys_map_mmio(r.phys, "noise", 0xA0000, 0x10000, &noise_ops, NULL);
    phys_map_rom(r.phys, "rom", 0xF0000, 0x10000, NULL, 0);
    seed = 42;
}

static void teardown(void)
{
    rig_close(&r);
}

/* An entry that leads to one of few frames: tables, data, holes, MMIO. */
static uint32_t random_entry(void)
{
    static const uint32_t odd[] = {0xA0000, 0xA1000, 0xF0000, 0x80000000, 0xFFFFF000, 0x3FF000};
    uint32_t pick = rnd() % 16, pa;

    if (pick == 0)
        return rnd() * 2 + (rnd() & 1);
    pa = pick < 4    ? odd[rnd() % 6]
         : pick < 10 ? 0x10000 + rnd() % 8 * 0x1000
                     : 0x200000 + rnd() % 64 * 0x1000;
    return pa | (rnd() & (RW | US | A | D | G)) | (rnd() % 8 ? P : 0) | (rnd() % 16 ? 0 : PS);
}

static void change_entry(bool pae)
{
    uint32_t table = 0x10000 + rnd() % 8 * 0x1000, i = rnd() % 40, entry = random_entry();

    if (!pae)
        put32(&r, table + i * 4, entry);
    else
        put64(&r, table + i * 8,
              entry | (rnd() % 16 ? 0 : (uint64_t)rnd() << (rnd() & 1 ? 33 : 52)));
}

/* Writes scatter bits into the tables themselves: they may be data as well. */
static void random_access(struct window *w, bool user, unsigned slots)
{
    uint32_t lin = rnd() % slots << (slots > 8 ? 21 : 22) | (rnd() % 40) << 12 | (rnd() & 0xFFF);
    enum mmu_access access = rnd() % 3;
    struct mmu_fault f, g;
    uint64_t pa = 0;
    uint32_t value = rnd();

    switch (rnd() % 5) {
    case 0:
        mmu_fill(r.mmu, w, lin, access, &f);
        break;
    case 1:
        mmu_read(r.mmu, lin, &value, 1 + rnd() % 4, user, &f);
        break;
    case 2:
        mmu_write(r.mmu, lin, &value, 1 + rnd() % 4, user, &f);
        break;
    case 3:
        mmu_fetch(r.mmu, w, lin, &pa, &f);
        break;
    default:
        /* What the fill says must agree with the walk by hand right after it. */
        if (mmu_fill(r.mmu, w, lin, access, &f) != FILL_FAULT)
            ck_assert(mmu_translate(r.mmu, lin, access, user, &pa, &g));
    }
}

static void churn(uint32_t mode)
{
    for (unsigned round = 0; round < 50; round++) {
        for (unsigned i = 0; i < 60; i++)
            change_entry(mode & CR4_PAE_BIT);
        if (rnd() % 4 == 0)
            phys_set_flag(r.phys, 0x200 + rnd() % 64, rnd() & 1 ? FRAME_CODE : FRAME_LOGGED);
        if (rnd() % 4 == 0)
            phys_clear_flag(r.phys, 0x200 + rnd() % 64, FRAME_CODE);
        r.pg.cr0 = rnd() & 1 ? CR0_PG_WP : CR0_PG_ONLY;
        r.pg.cr3 = 0x10000 + rnd() % 4 * 0x1000;
        r.pg.cr4 = mode;
        r.pg.efer = EFER_NXE_BIT;
        if (mode & CR4_PAE_BIT) {
            for (int i = 0; i < 4; i++)
                r.pg.pdpte[i] = (0x10000 + (r.pg.cr3 >> 12 & 1) * 0x4000 + i * 0x1000) | P;
        }
        mmu_set_paging(r.mmu, &r.pg);
        mmu_set_cr3(r.mmu, &r.pg);
        if (!r.mmu->cur->uncopied) {
            for (int v = 0; v < VIEWS; v++) {
                if (r.mmu->cur->window[v])
                    check_window(&r, r.mmu->cur->window[v]);
            }
        }
        for (unsigned i = 0; i < 60; i++) {
            bool user = rnd() & 1;

            random_access(mmu_window(r.mmu, user), user, mode & CR4_PAE_BIT ? 16 : 8);
            if (rnd() % 16 == 0)
                mmu_invlpg(r.mmu, rnd() % 8 << 22 | rnd() % 40 << 12);
        }
    }
    ck_assert_uint_gt(mmu_stats(r.mmu)->fill_pages, 200);
    ck_assert_uint_gt(mmu_stats(r.mmu)->drop_pages, 20);
}

START_TEST(random_32)
{
    churn(0);
}
END_TEST

START_TEST(random_pse)
{
    churn(CR4_PSE_BIT | CR4_PGE_BIT);
}
END_TEST

START_TEST(random_pae)
{
    churn(CR4_PAE_BIT);
}
END_TEST

START_TEST(random_under_limit)
{
    mmu_set_mapping_limit(r.mmu, 40);
    churn(CR4_PSE_BIT);
}
END_TEST

START_TEST(tables_outside_ram)
{
    static const uint32_t roots[] = {0xA0000, 0xF0000, 0x80000000, 0xFFFFF000, 0x3FF000};
    struct mmu_fault f;
    uint8_t v[2];

    for (unsigned i = 0; i < 5; i++) {
        rig_paging(&r, roots[i], CR0_PG_WP, CR4_PSE_BIT);
        for (uint32_t lin = 0; lin < 0xFFC00000; lin += 0x3FF123) {
            mmu_fill(r.mmu, mmu_window(r.mmu, true), lin, MMU_WRITE, &f);
            mmu_read(r.mmu, lin, v, 2, false, &f);
            mmu_write(r.mmu, lin, v, 2, true, &f);
            mmu_peek(r.mmu, lin, v, 2);
        }
        rig_cr3(&r, roots[i]);
        ck_assert(!r.mmu->cur->uncopied); /* what could not be copied is forgotten */
    }
}
END_TEST

/* A large page with single frames protected all over: the time of one fault stays bounded. */
START_TEST(shattered_large_page)
{
    struct window *w;
    uint64_t runs;

    for (uint32_t pfn = 0x200; pfn < 0x400; pfn += 2)
        phys_set_flag(r.phys, pfn, FRAME_CODE);
    put32(&r, 0x10000, 0 | P | RW | PS);
    rig_paging(&r, 0x10000, CR0_PG_WP, CR4_PSE_BIT);
    w = mmu_window(r.mmu, false);
    runs = mmu_stats(r.mmu)->fill_runs;
    ck_assert_int_eq(touch_write(&r, w, 0x201000, 1), FILL_MAPPED);
    ck_assert_uint_le(mmu_stats(r.mmu)->fill_runs - runs, 31);
    ck_assert_int_eq(touch_write(&r, w, 0x200000, 1), FILL_BY_HAND);
    for (uint32_t pfn = 0x201; pfn < 0x400; pfn += 2)
        ck_assert_int_eq(touch_write(&r, w, pfn << 12, 1), FILL_MAPPED);
    check_window(&r, w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("hostile");
    TCase *c = tcase_create("hostile");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, random_32);
    tcase_add_test(c, random_pse);
    tcase_add_test(c, random_pae);
    tcase_add_test(c, random_under_limit);
    tcase_add_test(c, tables_outside_ram);
    tcase_add_test(c, shattered_large_page);
    suite_add_tcase(s, c);
    return run_suite(s);
}
