/* Page walks of every format: addresses, rights, error codes, accessed and dirty bits. */
#include "tests/mmu/rig.h"

#define DIR   0x10000u
#define TABLE 0x11000u
#define LIN   0x00C05123u /* directory entry 3, table entry 5 */

static struct rig r;

static void setup(void)
{
    rig_open(&r, 8 * MIB, 4);
}

static void teardown(void)
{
    rig_close(&r);
}

/* The error code of an access that must fault, or -1 when it does not. */
static int fault_of(uint32_t lin, enum mmu_access access, bool user)
{
    struct mmu_fault f = {0, 0};
    uint64_t pa;

    if (mmu_translate(r.mmu, lin, access, user, &pa, &f))
        return -1;
    ck_assert_uint_eq(f.address, lin);
    return (int)f.error_code;
}

static uint64_t pa_of(uint32_t lin, enum mmu_access access, bool user)
{
    struct mmu_fault f;
    uint64_t pa = 0;

    ck_assert(mmu_translate(r.mmu, lin, access, user, &pa, &f));
    return pa;
}

START_TEST(off_is_identity)
{
    ck_assert_uint_eq(pa_of(0xFFFFFFFF, MMU_WRITE, true), 0xFFFFFFFF);
}
END_TEST

START_TEST(small_pages)
{
    put32(&r, DIR + 3 * 4, TABLE | P | RW | US);
    put32(&r, TABLE + 5 * 4, 0x300000 | P | RW | US);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    ck_assert_uint_eq(pa_of(LIN, MMU_READ, true), 0x300123);
    ck_assert_uint_eq(get32(&r, DIR + 12), TABLE | P | RW | US | A);
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | RW | US | A);
    ck_assert_uint_eq(pa_of(LIN, MMU_WRITE, false), 0x300123);
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | RW | US | A | D);
    ck_assert_uint_eq(get32(&r, DIR + 12), TABLE | P | RW | US | A);
}
END_TEST

START_TEST(small_faults)
{
    put32(&r, DIR + 3 * 4, TABLE | P | RW | US);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    ck_assert_int_eq(fault_of(LIN, MMU_READ, false), 0);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, true), 6);
    ck_assert_int_eq(fault_of(0x80000000, MMU_READ, true), 4);
    ck_assert_uint_eq(get32(&r, DIR + 12), TABLE | P | RW | US); /* failed walks set nothing */
    put32(&r, TABLE + 20, 0x300000 | P | RW);
    ck_assert_int_eq(fault_of(LIN, MMU_READ, true), 5);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, true), 7);
    ck_assert_int_eq(fault_of(LIN, MMU_FETCH, true), 5); /* no NX: no I/D bit */
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, false), -1);
    put32(&r, TABLE + 20, 0x300000 | P | US);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(fault_of(LIN, MMU_READ, true), -1);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, true), 7);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, false), 3);
    /* The directory's rights count as well. */
    put32(&r, TABLE + 20, 0x300000 | P | RW | US);
    put32(&r, DIR + 12, TABLE | P | US);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, true), 7);
    put32(&r, DIR + 12, TABLE | P | RW);
    rig_cr3(&r, DIR);
    ck_assert_int_eq(fault_of(LIN, MMU_READ, true), 5);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, false), -1);
}
END_TEST

START_TEST(write_protect_off)
{
    put32(&r, DIR + 3 * 4, TABLE | P | US);
    put32(&r, TABLE + 5 * 4, 0x300000 | P | US);
    rig_paging(&r, DIR, CR0_PG_ONLY, 0);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, true), 7);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, false), -1);
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | US | A | D);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    ck_assert_int_eq(fault_of(LIN, MMU_WRITE, false), 3);
}
END_TEST

START_TEST(four_mib_pages)
{
    put32(&r, DIR + 3 * 4, 0x400000 | P | RW | PS);
    rig_paging(&r, DIR, CR0_PG_WP, CR4_PSE_BIT);
    ck_assert_uint_eq(pa_of(LIN, MMU_READ, false), 0x405123);
    ck_assert_uint_eq(get32(&r, DIR + 12), 0x400000 | P | RW | PS | A);
    ck_assert_uint_eq(pa_of(0xC00000, MMU_WRITE, false), 0x400000);
    ck_assert_uint_eq(get32(&r, DIR + 12), 0x400000 | P | RW | PS | A | D);
    ck_assert_int_eq(fault_of(LIN, MMU_READ, true), 5);
    put32(&r, DIR + 4 * 4, 0x400000 | P | RW | PS | 1u << 21);
    ck_assert_int_eq(fault_of(0x1000000, MMU_READ, false), 9);
    ck_assert_int_eq(fault_of(0x1000000, MMU_WRITE, true), 0xF);
    put32(&r, DIR + 5 * 4, 0x400000 | P | RW | PS | 1u << 13); /* above 4 GiB */
    ck_assert_uint_eq(pa_of(0x1400000, MMU_READ, false), 0x100400000ull);
    /* Without CR4.PSE the bit means nothing. */
    put32(&r, DIR + 6 * 4, TABLE | P | RW | PS);
    put32(&r, TABLE, 0x300000 | P | RW);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    ck_assert_uint_eq(pa_of(0x1800000, MMU_READ, false), 0x300000);
}
END_TEST

#define PDPT 0x12000u

static void pae_on(uint32_t efer)
{
    put64(&r, PDPT + 8 * 3, DIR | P);
    r.pg = (struct paging){CR0_PG_WP, PDPT, CR4_PAE_BIT, efer, {0}};
    ck_assert(mmu_load_pdptes(r.mmu, &r.pg));
    mmu_set_paging(r.mmu, &r.pg);
}

START_TEST(pae)
{
    uint32_t lin = 0xC0205123; /* directory entry 1, table entry 5 */

    put64(&r, DIR + 8, TABLE | P | RW | US);
    put64(&r, TABLE + 40, 0x300000 | P | RW | US | NX);
    pae_on(EFER_NXE_BIT);
    ck_assert_int_eq(fault_of(0, MMU_READ, false), 0); /* PDPTE 0 is not present */
    ck_assert_uint_eq(pa_of(lin, MMU_READ, true), 0x300123);
    ck_assert_uint_eq(get64(&r, TABLE + 40), (0x300000 | P | RW | US | A | NX));
    ck_assert_int_eq(fault_of(lin, MMU_FETCH, true), 0x15);
    ck_assert_int_eq(fault_of(lin, MMU_FETCH, false), 0x11);
    ck_assert_int_eq(fault_of(0xC0000000, MMU_FETCH, false), 0x10);
    /* NX is reserved without EFER.NXE. */
    pae_on(0);
    ck_assert_int_eq(fault_of(lin, MMU_READ, false), 9);
    put64(&r, TABLE + 40, 0x300000 | P | 1ull << 36);
    ck_assert_int_eq(fault_of(lin, MMU_READ, false), 9);
    put64(&r, TABLE + 40, 0xF00300000ull | P | RW);
    ck_assert_uint_eq(pa_of(lin, MMU_WRITE, false), 0xF00300123ull);
    ck_assert_uint_eq(get64(&r, TABLE + 40), 0xF00300000ull | P | RW | A | D);
    put64(&r, DIR + 8, TABLE | P | RW | 1ull << 40);
    rig_cr3(&r, PDPT);
    ck_assert_int_eq(fault_of(lin, MMU_READ, false), 9);
}
END_TEST

START_TEST(pae_two_mib)
{
    put64(&r, DIR + 16, 0x400000 | P | RW | PS | NX);
    put64(&r, DIR + 24, 0x400000 | P | RW | PS | 1u << 13);
    pae_on(EFER_NXE_BIT);
    ck_assert_uint_eq(pa_of(0xC05FF123, MMU_WRITE, false), 0x5FF123);
    ck_assert_uint_eq(get64(&r, DIR + 16), (0x400000 | P | RW | PS | A | D | NX));
    ck_assert_int_eq(fault_of(0xC05FF123, MMU_FETCH, false), 0x11);
    ck_assert_int_eq(fault_of(0xC0600000, MMU_READ, false), 9);
}
END_TEST

START_TEST(pdptes)
{
    struct paging pg = {.cr3 = PDPT | 0x18};

    put64(&r, PDPT, 0);
    put64(&r, PDPT + 8, DIR | P | 2);
    ck_assert(!mmu_load_pdptes(r.mmu, &pg));
    put64(&r, PDPT + 8, DIR | 2); /* not present: no matter */
    ck_assert(mmu_load_pdptes(r.mmu, &pg));
    put64(&r, PDPT + 8, DIR | P | 1ull << 63);
    ck_assert(!mmu_load_pdptes(r.mmu, &pg));
    pg.cr3 = 0xF0000000; /* nothing there: all ones, reserved bits set */
    ck_assert(!mmu_load_pdptes(r.mmu, &pg));
}
END_TEST

START_TEST(two_pages)
{
    struct mmu_fault f;
    uint32_t value = 0x44332211, back = 0;

    put32(&r, DIR, TABLE | P | RW | US);
    put32(&r, DIR + 1023 * 4, TABLE | P | RW | US);
    put32(&r, TABLE + 1023 * 4, 0x301000 | P | RW | US);
    rig_paging(&r, DIR, CR0_PG_WP, 0);
    /* The upper page is missing: nothing moves, no D bit. */
    ck_assert(!mmu_write(r.mmu, 0xFFFFFFFE, &value, 4, true, &f));
    ck_assert_uint_eq(f.address, 0);
    ck_assert_uint_eq(f.error_code, 6);
    ck_assert_uint_eq(get32(&r, TABLE + 4092), 0x301000 | P | RW | US);
    ck_assert_uint_eq(get32(&r, 0x301FFC), 0);
    put32(&r, TABLE, 0x302000 | P | RW | US);
    ck_assert(mmu_write(r.mmu, 0xFFFFFFFE, &value, 4, true, &f));
    ck_assert_uint_eq(get32(&r, 0x301FFC), 0x22110000);
    ck_assert_uint_eq(get32(&r, 0x302000), 0x4433);
    ck_assert(mmu_read(r.mmu, 0xFFFFFFFE, &back, 4, true, &f));
    ck_assert_uint_eq(back, value);
    back = 0;
    ck_assert(mmu_peek(r.mmu, 0xFFFFFFFE, &back, 4));
    ck_assert_uint_eq(back, value);
    ck_assert(!mmu_peek(r.mmu, 0x80000000, &back, 1));
    ck_assert(mmu_probe(r.mmu, 0, 0, MMU_WRITE, true, &f));
    put32(&r, TABLE + 1023 * 4, 0);
    rig_cr3(&r, DIR);
    ck_assert(!mmu_probe(r.mmu, 0xFFFFFFFE, 4, MMU_READ, true, &f));
    ck_assert_uint_eq(f.address, 0xFFFFFFFE);
}
END_TEST

static void keep_line(void *opaque, const char *text)
{
    char *all = opaque;

    if (strlen(all) + strlen(text) < 4000)
        strcat(strcat(all, text), "\n");
}

START_TEST(describe)
{
    char text[4096] = "";

    put32(&r, DIR + 3 * 4, TABLE | P | RW | US);
    put32(&r, TABLE + 5 * 4, 0x300000 | P | US);
    put32(&r, DIR + 4 * 4, 0x400000 | P | RW | PS);
    rig_paging(&r, DIR, CR0_PG_WP, CR4_PSE_BIT);
    mmu_describe_walk(r.mmu, LIN, keep_line, text);
    ck_assert_ptr_nonnull(strstr(text, "physical 000300123 (RAM), user, read-only"));
    text[0] = 0;
    mmu_describe_walk(r.mmu, LIN + 0x1000, keep_line, text);
    ck_assert_ptr_nonnull(strstr(text, "PTE   at 000011018"));
    ck_assert_ptr_nonnull(strstr(text, "not present"));
    text[0] = 0;
    mmu_describe_tlb(r.mmu, keep_line, text);
    ck_assert_ptr_nonnull(strstr(text, "00c05000: 000300000 P-U"));
    ck_assert_ptr_nonnull(strstr(text, "01000000: 000400000 large"));
    text[0] = 0;
    mmu_describe_mem(r.mmu, keep_line, text);
    ck_assert_ptr_nonnull(strstr(text, "00c05000-00c05fff"));
    ck_assert_ptr_nonnull(strstr(text, "01000000-013fffff"));
    ck_assert_uint_eq(get32(&r, TABLE + 20), 0x300000 | P | US); /* looking leaves no trace */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("walk");
    TCase *c = tcase_create("walk");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, off_is_identity);
    tcase_add_test(c, small_pages);
    tcase_add_test(c, small_faults);
    tcase_add_test(c, write_protect_off);
    tcase_add_test(c, four_mib_pages);
    tcase_add_test(c, pae);
    tcase_add_test(c, pae_two_mib);
    tcase_add_test(c, pdptes);
    tcase_add_test(c, two_pages);
    tcase_add_test(c, describe);
    suite_add_tcase(s, c);
    return run_suite(s);
}
