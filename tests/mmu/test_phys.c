/* Physical memory: layout, MMIO splitting, A20, code pages and the dirty log. */
#include "tests/mmu/rig.h"

struct device {
    unsigned reads, writes, widths[8], count;
    uint32_t last_offset, last_value;
};

static uint32_t device_read(void *opaque, uint32_t offset, unsigned size)
{
    struct device *d = opaque;

    d->reads++;
    if (d->count < 8)
        d->widths[d->count++] = size;
    return 0x04030201u * 1 + offset * 0x01010101u;
}

static void device_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct device *d = opaque;

    d->writes++;
    if (d->count < 8)
        d->widths[d->count++] = size;
    d->last_offset = offset;
    d->last_value = value;
}

static const struct mmio_ops wide_ops = {device_read, device_write, 4};
static const struct mmio_ops byte_ops = {device_read, device_write, 1};

START_TEST(sizes)
{
    struct error err;
    struct phys *p;

    ck_assert_ptr_null(phys_new(0, NULL, &err));
    ck_assert_ptr_null(phys_new(MIB - 4096, NULL, &err));
    ck_assert_ptr_null(phys_new(MIB + 1, NULL, &err));
    ck_assert_ptr_null(phys_new(4096ull * MIB, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "3584 MiB"));
    p = phys_new(2 * MIB, NULL, &err);
    ck_assert_ptr_nonnull(p);
    ck_assert_uint_eq(phys_ram_size(p), 2 * MIB);
    ck_assert_int_eq(phys_frame(p, 0x9F, NULL), PHYS_RAM);
    ck_assert_int_eq(phys_frame(p, 0xA0, NULL), PHYS_NONE);
    ck_assert_int_eq(phys_frame(p, 0xFF, NULL), PHYS_NONE);
    ck_assert_int_eq(phys_frame(p, 0x1FF, NULL), PHYS_RAM);
    ck_assert_int_eq(phys_frame(p, 0x200, NULL), PHYS_NONE);
    ck_assert_int_eq(phys_frame(p, 0xFFFFFFFF, NULL), PHYS_NONE);
    phys_free(p);
}
END_TEST

START_TEST(holes_and_borders)
{
    struct rig r;
    uint8_t data[16];

    rig_open(&r, 2 * MIB, 4);
    memset(data, 0x5A, sizeof(data));
    phys_write(r.phys, 0x9FFF8, data, 16); /* half of it in the hole */
    memset(data, 0, sizeof(data));
    phys_read(r.phys, 0x9FFF8, data, 16);
    ck_assert_uint_eq(data[7], 0x5A);
    ck_assert_uint_eq(data[8], 0xFF);
    phys_read(r.phys, 0xFFFFFFFC, data, 8); /* over 4 GiB */
    ck_assert_uint_eq(data[7], 0xFF);
    phys_write(r.phys, ~0ull - 3, data, 8); /* over 2^64 */
    ck_assert_uint_eq(phys_read32(r.phys, 1ull << 40), 0xFFFFFFFF);
    ck_assert_ptr_null(phys_ptr(r.phys, 0x9FFFF, 2));
    ck_assert_ptr_nonnull(phys_ptr(r.phys, 0x9FFFF, 1));
    ck_assert_ptr_null(phys_ptr(r.phys, 1ull << 32, 1));
    ck_assert_ptr_null(phys_ptr(r.phys, 0x100000, 0xFFFFFFFF));
    rig_close(&r);
}
END_TEST

START_TEST(mmio_is_split)
{
    struct rig r;
    struct device d = {0};
    uint8_t data[8];

    rig_open(&r, 2 * MIB, 4);
    ck_assert_int_ge(phys_map_mmio(r.phys, "wide", 0xF0000000, 0x1000, &wide_ops, &d), 0);
    ck_assert_int_ge(phys_map_mmio(r.phys, "byte", 0xF0001000, 0x1000, &byte_ops, &d), 0);
    phys_read(r.phys, 0xF0000001, data, 7);
    ck_assert_uint_eq(d.count, 3);
    ck_assert_uint_eq(d.widths[0], 1);
    ck_assert_uint_eq(d.widths[1], 2);
    ck_assert_uint_eq(d.widths[2], 4);
    ck_assert_uint_eq(data[0], 2); /* offset 1 */
    ck_assert_uint_eq(data[1], 3); /* offset 2 */
    d.count = d.writes = 0;
    phys_write32(r.phys, 0xF0000FFE, 0xAABBCCDD); /* over the border of two devices */
    ck_assert_uint_eq(d.writes, 3);
    ck_assert_uint_eq(d.widths[0], 2);
    ck_assert_uint_eq(d.widths[1], 1);
    ck_assert_uint_eq(d.last_offset, 1);
    ck_assert_uint_eq(d.last_value, 0xAA);
    ck_assert_ptr_null(phys_ptr(r.phys, 0xF0000000, 1));
    rig_close(&r);
}
END_TEST

START_TEST(regions_hide)
{
    struct rig r;
    struct device d = {0};
    uint8_t *vram = NULL, *again;
    int rom, mmio, ram;

    rig_open(&r, 2 * MIB, 4);
    rom = phys_map_rom(r.phys, "rom", 0xF0000, 0x10000, "BIOS", 4);
    ck_assert_int_eq(phys_frame(r.phys, 0xF0, NULL), PHYS_ROM);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x534F4942);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0004), 0xFFFFFFFF);
    phys_write32(r.phys, 0xF0000, 0);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x534F4942);
    phys_rom_writable(r.phys, rom, true);
    phys_write32(r.phys, 0xF0000, 0x1234);
    phys_rom_writable(r.phys, rom, false);
    phys_write32(r.phys, 0xF0000, 0);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x1234);
    ram = phys_map_ram(r.phys, "under", 0xF0000, 0x1000, &vram);
    phys_write_only(r.phys, ram, true);
    phys_write32(r.phys, 0xF0000, 0x4321);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x1234);
    phys_write_only(r.phys, ram, false);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x4321);
    phys_write_only(r.phys, ram, true);
    phys_unmap(r.phys, ram);
    phys_write32(r.phys, 0xF0000, 0);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x1234);
    mmio = phys_map_mmio(r.phys, "over", 0xF0000, 0x1000, &wide_ops, &d);
    ck_assert_int_eq(phys_frame(r.phys, 0xF0, NULL), PHYS_MMIO);
    ck_assert_int_eq(phys_frame(r.phys, 0xF1, NULL), PHYS_ROM);
    phys_unmap(r.phys, mmio);
    ck_assert_uint_eq(phys_read32(r.phys, 0xF0000), 0x1234);
    ram = phys_map_ram(r.phys, "vram", 0xE0000000, 0x4000, &vram);
    ck_assert_int_ge(ram, 0);
    phys_write32(r.phys, 0xE0003FFC, 0xCAFE);
    ck_assert_uint_eq(vram[0x3FFC], 0xFE);
    phys_move(r.phys, ram, 0xD0000000);
    ck_assert_int_eq(phys_frame(r.phys, 0xE0000, NULL), PHYS_NONE);
    ck_assert_uint_eq(phys_read32(r.phys, 0xD0003FFC), 0xCAFE);
    phys_move(r.phys, ram, 0xFFFFF000); /* does not fit: stays */
    ck_assert_uint_eq(phys_read32(r.phys, 0xD0003FFC), 0xCAFE);
    phys_move(r.phys, ram, 0x100000); /* hides RAM */
    ck_assert_uint_eq(phys_read32(r.phys, 0x103FFC), 0xCAFE);
    phys_unmap(r.phys, ram);
    ck_assert_uint_eq(phys_read32(r.phys, 0x103FFC), 0);
    /* Mapped again and again: the file does not grow, and the memory is clean. */
    for (int i = 0; i < 1000; i++) {
        int id = phys_map_ram(r.phys, "vram", 0xE0000000, 0x400000, &again);

        ck_assert_int_ge(id, 0);
        ck_assert_uint_eq(phys_read32(r.phys, 0xE0000000), 0);
        phys_write32(r.phys, 0xE0000000, 1);
        phys_unmap(r.phys, id);
    }
    ck_assert_int_eq(phys_map_rom(r.phys, "odd", 0x123, 0x1000, NULL, 0), -1);
    ck_assert_int_eq(phys_map_mmio(r.phys, "wrap", 0xFFFFF000, 0x2000, &wide_ops, &d), -1);
    phys_unmap(r.phys, 9999);
    rig_close(&r);
}
END_TEST

START_TEST(table_full)
{
    struct rig r;
    struct device d = {0};
    int id = 0;

    rig_open(&r, MIB, 4);
    for (uint32_t i = 0; i < 4 * PHYS_REGIONS && id >= 0; i++)
        id = phys_map_mmio(r.phys, "x", 0xC0000000 + i * 0x1000, 0x1000, &wide_ops, &d);
    ck_assert_int_eq(id, -1);
    rig_close(&r);
}
END_TEST

START_TEST(a20_gate)
{
    struct rig r;

    rig_open(&r, 4 * MIB, 4);
    put32(&r, 0x500, 0x11111111);
    put32(&r, 0x100500, 0x22222222);
    ck_assert_uint_eq(get32(&r, 0x100500), 0x22222222);
    phys_set_a20(r.phys, false);
    ck_assert(!phys_a20(r.phys));
    ck_assert_uint_eq(get32(&r, 0x100500), 0x11111111);
    ck_assert_ptr_eq(phys_ptr(r.phys, 0x100500, 4), phys_ptr(r.phys, 0x500, 4));
    ck_assert_ptr_null(phys_ptr(r.phys, 0x1FFFFC, 8)); /* the second page is elsewhere */
    put32(&r, 0x300500, 0x33333333);                   /* goes to 200500h */
    phys_set_a20(r.phys, true);
    ck_assert_uint_eq(get32(&r, 0x200500), 0x33333333);
    rig_close(&r);
}
END_TEST

START_TEST(code_writes)
{
    struct rig r;
    uint8_t data[8] = {0};

    rig_open(&r, 2 * MIB, 4);
    phys_set_flag(r.phys, 3, FRAME_CODE);
    phys_write(r.phys, 0x2FFC, data, 8);
    ck_assert_uint_eq(r.code_writes, 1);
    ck_assert_uint_eq(r.code_pa, 0x3000);
    ck_assert_uint_eq(r.code_len, 4);
    phys_ptr(r.phys, 0x3800, 1)[0] = 1;
    phys_wrote(r.phys, 0x3800, 1);
    ck_assert_uint_eq(r.code_writes, 2);
    phys_clear_flag(r.phys, 3, FRAME_CODE);
    phys_write(r.phys, 0x3000, data, 8);
    ck_assert_uint_eq(r.code_writes, 2);
    /* What stands at a frame with code is replaced. */
    phys_set_flag(r.phys, 0x110, FRAME_CODE);
    ck_assert_int_ge(phys_map_ram(r.phys, "over", 0x110000, 0x1000, NULL), 0);
    ck_assert_uint_eq(r.code_writes, 3);
    ck_assert_uint_eq(r.code_len, 4096);
    rig_close(&r);
}
END_TEST

START_TEST(dirty_log)
{
    struct rig r;
    uint8_t dirty[4];

    rig_open(&r, 2 * MIB, 4);
    phys_log_start(r.phys, 0x10000, 0x4000);
    phys_write32(r.phys, 0x11000, 1);
    phys_write32(r.phys, 0x12FFE, 1);
    phys_log_collect(r.phys, 0x10000, 0x4000, dirty);
    ck_assert_mem_eq(dirty, "\0\1\1\1", 4);
    phys_log_collect(r.phys, 0x10000, 0x4000, dirty);
    ck_assert_mem_eq(dirty, "\0\0\0\0", 4);
    rig_close(&r);
}
END_TEST

static void count_range(void *opaque, const struct phys_range *range)
{
    unsigned *ranges = opaque;

    ck_assert_uint_gt(range->size, 0);
    ++*ranges;
}

START_TEST(each_range)
{
    struct rig r;
    unsigned ranges = 0;

    rig_open(&r, 2 * MIB, 4);
    phys_map_rom(r.phys, "rom", 0xFFFF0000, 0x10000, NULL, 0);
    phys_each(r.phys, count_range, &ranges);
    ck_assert_uint_eq(ranges, 3);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("phys");
    TCase *c = tcase_create("phys");

    tcase_add_test(c, sizes);
    tcase_add_test(c, holes_and_borders);
    tcase_add_test(c, mmio_is_split);
    tcase_add_test(c, regions_hide);
    tcase_add_test(c, table_full);
    tcase_add_test(c, a20_gate);
    tcase_add_test(c, code_writes);
    tcase_add_test(c, dirty_log);
    tcase_add_test(c, each_range);
    suite_add_tcase(s, c);
    return run_suite(s);
}
