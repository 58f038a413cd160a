/* The firmware configuration device by its ports: items, directory, DMA, hostile descriptors. */
#include "chipset.h"
#include "devices/fw_cfg.h"

#include <stdio.h>
#include <string.h>

enum { RAM = 4 << 20, AT = 0x1000, TO = 0x2000 };

static struct chipset c;
static struct fw_cfg *f;

static void setup(void)
{
    chipset_open(&c, RAM);
    f = fw_cfg_init(&c.board);
    device_reset_all(c.board.devices);
}

static void teardown(void)
{
    chipset_close(&c);
}

static void select_key(uint16_t key)
{
    bus_out(c.board.bus, 0x510, key, 2);
}

static void read_bytes(void *to, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        ((uint8_t *)to)[i] = chipset_in(&c, 0x511);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Carry out a transfer; the control field as it is afterwards. */
static uint32_t dma(uint32_t control, uint32_t len, uint64_t address)
{
    uint32_t d[4] = {__builtin_bswap32(control), __builtin_bswap32(len),
                     __builtin_bswap32((uint32_t)(address >> 32)),
                     __builtin_bswap32((uint32_t)address)};

    phys_write(c.board.phys, AT, d, sizeof d);
    bus_out(c.board.bus, 0x514, 0, 4);
    bus_out(c.board.bus, 0x518, __builtin_bswap32(AT), 4);
    phys_read(c.board.phys, AT, d, 4);
    return __builtin_bswap32(d[0]);
}

START_TEST(test_signature)
{
    char text[9] = {0};

    read_bytes(text, 6); /* selected by reset; zeros behind the end */
    ck_assert_int_eq(memcmp(text, "QEMU\0\0", 6), 0);
    select_key(FW_CFG_ID);
    read_bytes(text, 4);
    ck_assert_int_eq(memcmp(text, "\3\0\0\0", 4), 0);
    for (unsigned i = 0; i < 8; i++)
        text[i] = (char)chipset_in(&c, (uint16_t)(0x514 + i));
    ck_assert_str_eq(text, "QEMU CFG");
    ck_assert_uint_eq(bus_in(c.board.bus, 0x514, 4), 0x554D4551);
    select_key(0x3FFF); /* nothing has these numbers */
    ck_assert_uint_eq(chipset_in(&c, 0x511), 0);
    select_key(0xFFFF);
    ck_assert_uint_eq(chipset_in(&c, 0x511), 0);
    bus_out(c.board.bus, 0x510, 0, 1); /* a byte selects nothing */
    ck_assert_uint_eq(chipset_in(&c, 0x511), 0);
}
END_TEST

START_TEST(test_numbers)
{
    uint8_t b[8];

    fw_cfg_set_number(f, FW_CFG_RAM_SIZE, 0x123456789ull, 8);
    fw_cfg_set_number(f, FW_CFG_IRQ0_OVERRIDE, 1, 4);
    select_key(FW_CFG_RAM_SIZE);
    read_bytes(b, 8);
    ck_assert_int_eq(memcmp(b, "\x89\x67\x45\x23\x01\0\0\0", 8), 0);
    select_key(FW_CFG_IRQ0_OVERRIDE);
    ck_assert_uint_eq(chipset_in(&c, 0x511), 1);
    select_key(FW_CFG_UUID); /* the same number, but not the PC's own */
    ck_assert_uint_eq(chipset_in(&c, 0x511), 0);
}
END_TEST

START_TEST(test_files)
{
    char name[64];
    uint8_t dir[4 + 3 * 64];

    ck_assert(fw_cfg_set_file(f, "opt/b", "second", 6));
    ck_assert(fw_cfg_set_file(f, "opt/c", "third", 5));
    ck_assert(fw_cfg_set_file(f, "opt/a", "1", 1));
    ck_assert(fw_cfg_set_file(f, "opt/a", "first", 5));
    ck_assert(fw_cfg_has_file(f, "opt/b"));
    ck_assert(!fw_cfg_has_file(f, "opt/bb"));
    select_key(FW_CFG_FILE_DIR);
    read_bytes(dir, sizeof dir);
    ck_assert_uint_eq(be32(dir), 3);
    for (unsigned i = 0; i < 3; i++) { /* by name, numbered in that order */
        const uint8_t *e = dir + 4 + 64 * i;

        ck_assert_uint_eq(be32(e), i == 1 ? 6 : 5);
        ck_assert_uint_eq(be32(e + 4), (0x20 + i) << 16);
        ck_assert_str_eq((const char *)e + 8, i == 0 ? "opt/a" : i == 1 ? "opt/b" : "opt/c");
    }
    select_key(0x21);
    read_bytes(name, 6);
    ck_assert_int_eq(memcmp(name, "second", 6), 0);
    ck_assert(!fw_cfg_set_file(f, "", "x", 1));
    memset(name, 'n', 56);
    name[56] = 0;
    ck_assert(!fw_cfg_set_file(f, name, "x", 1));
    name[55] = 0;
    ck_assert(fw_cfg_set_file(f, name, "x", 1));
    for (unsigned i = 4; i < FW_CFG_FILES; i++) {
        snprintf(name, sizeof name, "opt/%u", i);
        ck_assert(fw_cfg_set_file(f, name, NULL, 0));
    }
    ck_assert(!fw_cfg_set_file(f, "one more", "x", 1));
}
END_TEST

START_TEST(test_dma)
{
    char text[8];

    fw_cfg_set(f, FW_CFG_KERNEL_DATA, "0123456789", 10);
    phys_write(c.board.phys, TO, "........", 8);
    ck_assert_uint_eq(dma(FW_CFG_KERNEL_DATA << 16 | 0x0A, 4, TO), 0);
    ck_assert_uint_eq(dma(0x04, 2, 0), 0);
    ck_assert_uint_eq(dma(0x02, 3, TO + 4), 0);
    phys_read(c.board.phys, TO, text, 8);
    ck_assert_int_eq(memcmp(text, "0123678.", 8), 0);
    ck_assert_uint_eq(dma(0x02, 5, TO), 0); /* one is left, then zeros */
    phys_read(c.board.phys, TO, text, 8);
    ck_assert_int_eq(memcmp(text,
                            "9\0\0\0\0"
                            "78.",
                            8),
                     0);
    ck_assert_uint_eq(dma(0x10, 1, TO), 1); /* nothing can be written */
}
END_TEST

/* Addresses where there is no RAM, lengths up to the limit, descriptors across its end. */
START_TEST(test_hostile_dma)
{
    uint32_t seed = 1;

    ck_assert_uint_eq(dma(FW_CFG_SIGNATURE << 16 | 0x0A, 16, 0xF0000), 1);
    ck_assert_uint_eq(dma(0x02, 16, RAM - 8), 1);
    ck_assert_uint_eq(dma(0x02, 0xFFFFFFFF, TO), 1);
    ck_assert_uint_eq(dma(0x02, 1, 0x100000000ull), 1);
    ck_assert_uint_eq(dma(0x02, 1, UINT64_MAX), 1);
    ck_assert_uint_eq(dma(0x04, 0xFFFFFFFF, 0), 0);
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        if (seed >> 30 == 0)
            phys_write32(c.board.phys, seed >> 8 & 0xFFF, seed * 69069);
        bus_out(c.board.bus, (uint16_t)(0x510 + (seed >> 16) % 12), seed >> 3,
                1u << (seed >> 28) % 3);
        bus_in(c.board.bus, (uint16_t)(0x510 + (seed >> 20) % 12), 1u << (seed >> 26) % 3);
    }
    bus_out(c.board.bus, 0x514, 0xFFFFFFFF, 4);
    bus_out(c.board.bus, 0x518, 0xF8FFFFFF, 4);
    bus_out(c.board.bus, 0x514, 0, 4);
    bus_out(c.board.bus, 0x518, __builtin_bswap32(RAM - 4), 4);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fw_cfg");
    TCase *t = tcase_create("fw_cfg");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_signature);
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_files);
    tcase_add_test(t, test_dma);
    tcase_add_test(t, test_hostile_dma);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
