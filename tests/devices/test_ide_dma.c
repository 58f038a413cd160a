/* Bus-master DMA of the IDE function, with a disk behind it. */
#define _GNU_SOURCE /* mkostemp */
#include "chipset.h"
#include "devices/pci.h"

#include "ringer/error.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RAM = 4 << 20,
    BASE = 0x1F0,
    BM = 0xC000,
    COMMAND = BM,
    STATUS = BM + 2,
    TABLE = BM + 4,
    START_READ = 0x09, /* to memory */
    START_WRITE = 0x01,
    PRD = 0x1000,
    BUFFER = 0x10000,
    SECTORS = 2000,
    ACTIVE = 1,
    ERROR = 2,
    INTR = 4,
};

static struct chipset c;
static struct block *disk;

static struct block *make_disk(void)
{
    struct error err = {""};
    char path[] = "/tmp/ringer-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    struct block *b;

    for (uint32_t i = 0; i < SECTORS; i++) {
        uint32_t sector[128];

        for (uint32_t j = 0; j < 128; j++)
            sector[j] = i << 8 | j;
        ck_assert_int_eq(write(fd, sector, sizeof sector), sizeof sector);
    }
    close(fd);
    b = block_open(path, NULL, NULL, &err);
    ck_assert_msg(b, "%s", err.text);
    unlink(path);
    return b;
}

static void config(unsigned at, uint32_t value, unsigned size)
{
    bus_out(c.board.bus, 0xCF8, 0x80000900u | (at & ~3u), 4);
    bus_out(c.board.bus, 0xCFC + (at & 3), value, size);
}

static void setup(void)
{
    struct pci *pci;
    struct piix_ide *function;
    struct ide *ide;

    chipset_open(&c, RAM);
    pci = pci_init(&c.board);
    function = piix_ide_init(&c.board, pci, chipset_wire(&c, 14), chipset_wire(&c, 15));
    ide = ide_init(&c.board, BASE, 0x3F6, piix_ide_line(function, 0));
    piix_ide_join(function, 0, ide);
    disk = make_disk();
    ide_attach(ide, 0, disk, "DMA1");
    device_reset_all(c.board.devices);
    config(0x20, BM, 4);
    config(4, 5, 2);
}

static void teardown(void)
{
    chipset_close(&c);
    block_close(disk);
}

static void prd(unsigned n, uint32_t at, uint32_t bytes, bool last)
{
    phys_write32(c.board.phys, PRD + 8 * n, at);
    phys_write32(c.board.phys, PRD + 8 * n + 4, (bytes & 0xFFFF) | (last ? 0x80000000u : 0));
}

static void drive(uint32_t lba, uint8_t count, uint8_t command)
{
    chipset_out(&c, BASE + 2, count);
    chipset_out(&c, BASE + 3, (uint8_t)lba);
    chipset_out(&c, BASE + 4, (uint8_t)(lba >> 8));
    chipset_out(&c, BASE + 5, (uint8_t)(lba >> 16));
    chipset_out(&c, BASE + 6, 0xE0);
    chipset_out(&c, BASE + 7, command);
}

static void start(uint8_t command)
{
    bus_out(c.board.bus, TABLE, PRD, 4);
    chipset_out(&c, STATUS, ERROR | INTR);
    chipset_out(&c, COMMAND, command & 8);
    chipset_out(&c, COMMAND, command);
}

static uint8_t bm_status(void)
{
    return chipset_in(&c, STATUS);
}

static uint8_t drive_status(void)
{
    return chipset_in(&c, BASE + 7);
}

START_TEST(test_read)
{
    prd(0, BUFFER, 512 + 256, false);
    prd(1, BUFFER + 0x5000, 2 * 512 - 256, true);
    drive(5, 3, 0xC8);
    ck_assert_uint_eq(bm_status(), 0);
    ck_assert_int_eq(c.level[14], 0);
    start(START_READ);
    ck_assert_int_eq(c.level[14], 1);
    ck_assert_uint_eq(bm_status(), INTR);
    ck_assert_uint_eq(drive_status(), 0x50);
    ck_assert_int_eq(c.level[14], 0);
    ck_assert_uint_eq(bm_status(), INTR); /* its own latch */
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER), 5 << 8);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 512), 6 << 8);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 764), 6 << 8 | 63);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 768), 0);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 0x5000), 6 << 8 | 64);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 0x5000 + 764), 7 << 8 | 127);
    chipset_out(&c, STATUS, INTR);
    ck_assert_uint_eq(bm_status(), 0);
}
END_TEST

START_TEST(test_long_read)
{
    /* 1 MiB by READ DMA EXT, started before the command; 64 KiB regions are written as 0. */
    for (unsigned i = 0; i < 16; i++)
        prd(i, 0x100000 + i * 0x10000, 0, i == 15);
    start(START_READ);
    ck_assert_uint_eq(bm_status(), ACTIVE);
    chipset_out(&c, BASE + 2, 2048 >> 8);
    drive(0, 0, 0x25);
    ck_assert_uint_eq(bm_status(), INTR | ACTIVE); /* more than there are: an error */
    ck_assert_uint_eq(drive_status() & 1, 1);
    start(START_READ);
    chipset_out(&c, BASE + 2, 1920 >> 8);
    drive(0, 1920 & 0xFF, 0x25);
    ck_assert_uint_eq(bm_status(), INTR | ACTIVE); /* the table goes on */
    ck_assert_uint_eq(drive_status(), 0x50);
    ck_assert_uint_eq(phys_read32(c.board.phys, 0x100000 + 1919 * 512 + 4), 1919 << 8 | 1);
    chipset_out(&c, COMMAND, 0);
    ck_assert_uint_eq(bm_status(), INTR);
}
END_TEST

START_TEST(test_write)
{
    uint32_t sector[128];

    for (uint32_t i = 0; i < 256; i++)
        phys_write32(c.board.phys, BUFFER + 4 * i, ~i);
    prd(0, BUFFER, 1024, true);
    drive(100, 2, 0xCA);
    start(START_WRITE);
    ck_assert_uint_eq(bm_status(), INTR);
    ck_assert(block_read(disk, 101, sector, 1));
    ck_assert_uint_eq(sector[0], ~128u);
    ck_assert(block_read(disk, 102, sector, 1));
    ck_assert_uint_eq(sector[0], 102 << 8);
}
END_TEST

/* A table shorter than the transfer: the master stops, the drive waits, a new table goes on. */
START_TEST(test_short_table)
{
    prd(0, BUFFER, 512, true);
    drive(0, 2, 0xC8);
    start(START_READ);
    ck_assert_uint_eq(bm_status(), 0);
    ck_assert_int_eq(c.level[14], 0);
    ck_assert_uint_eq(drive_status(), 0x58);
    prd(0, BUFFER + 512, 512, true);
    start(START_READ);
    ck_assert_uint_eq(bm_status(), INTR);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 512), 1 << 8);
}
END_TEST

START_TEST(test_bad_memory)
{
    static const uint32_t nowhere[] = {0xF0000000, 0xA0000, RAM, 0xFFFFFFF0};

    for (unsigned i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        prd(0, nowhere[i], 512, true);
        drive(0, 1, 0xC8);
        start(START_READ);
        ck_assert_uint_eq(bm_status() & (ACTIVE | ERROR), ERROR);
        ck_assert_int_eq(c.level[14], 0);
    }
    /* The table itself is nowhere: what is read there is all ones. */
    drive(0, 1, 0xC8);
    bus_out(c.board.bus, TABLE, 0xF0000000, 4);
    chipset_out(&c, STATUS, ERROR | INTR);
    chipset_out(&c, COMMAND, 0);
    chipset_out(&c, COMMAND, START_READ);
    ck_assert_uint_eq(bm_status() & (ACTIVE | ERROR), ERROR);
}
END_TEST

/* The data overwrites the table while it is in use. */
START_TEST(test_self_modifying_table)
{
    prd(0, PRD, 512, false);
    drive(0, 255, 0xC8);
    start(START_READ);
    chipset_out(&c, COMMAND, 0);
    ck_assert_uint_eq(bm_status() & ACTIVE, 0);
    chipset_out(&c, 0x3F6, 4); /* software reset ends what the drive waits for */
    chipset_out(&c, 0x3F6, 0);
    ck_assert_uint_eq(drive_status(), 0x50);
}
END_TEST

START_TEST(test_endless_table)
{
    /* A table without an end wraps within its 64 KiB; the drive's count ends the transfer. */
    for (unsigned i = 0; i < 0x2000; i++) {
        phys_write32(c.board.phys, 0x20000 + 8 * i, BUFFER);
        phys_write32(c.board.phys, 0x20000 + 8 * i + 4, 2);
    }
    drive(0, 0, 0xC8);
    bus_out(c.board.bus, TABLE, 0x20000, 4);
    chipset_out(&c, COMMAND, START_READ);
    ck_assert_uint_eq(bm_status(), ACTIVE | INTR);
    ck_assert_uint_eq(drive_status(), 0x50);
}
END_TEST

START_TEST(test_master_disabled)
{
    prd(0, BUFFER, 512, true);
    config(4, 1, 2);
    drive(9, 1, 0xC8);
    start(START_READ);
    ck_assert_uint_eq(bm_status(), ACTIVE);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER), 0);
    config(4, 5, 2);
    ck_assert_uint_eq(bm_status(), INTR);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER), 9 << 8);
}
END_TEST

static void identify(uint16_t *word)
{
    chipset_out(&c, BASE + 6, 0xA0);
    chipset_out(&c, BASE + 7, 0xEC);
    for (int i = 0; i < 256; i++)
        word[i] = (uint16_t)bus_in(c.board.bus, BASE, 2);
}

static uint8_t set_mode(uint8_t mode)
{
    chipset_out(&c, BASE + 1, 3);
    chipset_out(&c, BASE + 2, mode);
    chipset_out(&c, BASE + 7, 0xEF);
    return drive_status();
}

START_TEST(test_modes)
{
    uint16_t word[256];

    identify(word);
    ck_assert_uint_eq(word[49] & 0x0F00, 0x0F00);
    ck_assert_uint_eq(word[53], 7);
    ck_assert_uint_eq(word[63], 0x0407);
    ck_assert_uint_eq(word[88], 0x003F);
    ck_assert_uint_eq(set_mode(0x42), 0x50);
    identify(word);
    ck_assert_uint_eq(word[63], 0x0007);
    ck_assert_uint_eq(word[88], 0x043F);
    ck_assert_uint_eq(set_mode(0x21), 0x50);
    identify(word);
    ck_assert_uint_eq(word[63], 0x0207);
    ck_assert_uint_eq(word[88], 0x003F);
    ck_assert_uint_eq(set_mode(0x23) & 1, 1);
    ck_assert_uint_eq(set_mode(0x46) & 1, 1);
    ck_assert_uint_eq(set_mode(0x0C), 0x50);
}
END_TEST

/* PIO interrupts are latched as well, which drivers that share the line go by. */
START_TEST(test_pio_interrupt)
{
    chipset_out(&c, STATUS, 0x20 | INTR);
    drive(0, 1, 0x20);
    ck_assert_uint_eq(bm_status(), 0x20 | INTR);
    ck_assert_int_eq(c.level[14], 1);
}
END_TEST

START_TEST(test_out_of_range)
{
    prd(0, BUFFER, 1024, true);
    drive(SECTORS - 1, 2, 0xC8);
    ck_assert_uint_eq(drive_status() & 1, 1);
    ck_assert_uint_eq(chipset_in(&c, BASE + 1), 0x10);
    start(START_READ);
    ck_assert_uint_eq(bm_status(), ACTIVE);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ide_dma");
    TCase *t = tcase_create("transfers");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_read);
    tcase_add_test(t, test_long_read);
    tcase_add_test(t, test_write);
    tcase_add_test(t, test_short_table);
    tcase_add_test(t, test_bad_memory);
    tcase_add_test(t, test_self_modifying_table);
    tcase_add_test(t, test_endless_table);
    tcase_add_test(t, test_master_disabled);
    tcase_add_test(t, test_modes);
    tcase_add_test(t, test_pio_interrupt);
    tcase_add_test(t, test_out_of_range);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
