/* The ATA channel, by its ports: devices/ide*.c. */
#define _GNU_SOURCE /* mkostemp */
#include "devices/pc.h"

#include "ringer/error.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BASE = 0x1F0,
    ERR = BASE + 1,
    COUNT,
    LOW,
    MID,
    HIGH,
    DEV,
    STATUS,
    COMMAND = STATUS,
    CONTROL = 0x3F6
};
enum { READY = 0x50, DRQ = 0x58, FAILED = 0x51 };
enum { CYLINDERS = 10, SECTORS = CYLINDERS * 16 * 63 + 100 };

static struct board board;
static struct ide *ide;
static struct block *disks[2];
static int irq_level, irq_edges;

/* In the C library's place, for the whole program. */
static unsigned syncs;

int fdatasync(int fd)
{
    (void)fd;
    syncs++;
    return 0;
}

static void on_irq(void *opaque, int n, int level)
{
    (void)opaque;
    (void)n;
    irq_edges += level && !irq_level;
    irq_level = level;
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)bus_in(board.bus, port, 1);
}

static void out(uint16_t port, uint8_t value)
{
    bus_out(board.bus, port, value, 1);
}

static struct block *make_disk(uint64_t sectors, bool readonly)
{
    struct block_options options = {.readonly = readonly};
    struct error err = {""};
    char path[] = "/tmp/ringer-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    struct block *b;

    ck_assert_int_eq(ftruncate(fd, (off_t)sectors * SECTOR_SIZE), 0);
    for (uint32_t i = 0; i < 64; i++)
        ck_assert_int_eq(pwrite(fd, &i, 4, i * SECTOR_SIZE), 4);
    close(fd);
    b = block_open(path, &options, NULL, &err);
    ck_assert_msg(b, "%s", err.text);
    unlink(path);
    return b;
}

static void attach(int drive, struct block *block, const char *serial)
{
    block_close(disks[drive]);
    disks[drive] = block;
    ide_attach(ide, drive, block, serial);
}

static void setup(void)
{
    irq_level = irq_edges = 0;
    board = (struct board){
        .bus = bus_new(NULL), .clock = vclock_new(true), .devices = device_list_new()};
    ide = ide_init(&board, BASE, CONTROL, (struct irq_line){on_irq, NULL, 14});
    attach(0, make_disk(SECTORS, false), "RG0001");
    device_reset_all(board.devices);
}

static void teardown(void)
{
    device_free_all(board.devices);
    bus_free(board.bus);
    vclock_free(board.clock);
    for (int i = 0; i < 2; i++) {
        block_close(disks[i]);
        disks[i] = NULL;
    }
}

static void lba28(uint32_t lba, uint8_t count, uint8_t command)
{
    out(COUNT, count);
    out(LOW, (uint8_t)lba);
    out(MID, (uint8_t)(lba >> 8));
    out(HIGH, (uint8_t)(lba >> 16));
    out(DEV, 0xE0 | (lba >> 24 & 15));
    out(COMMAND, command);
}

static void lba48(uint64_t lba, uint16_t count, uint8_t command)
{
    out(COUNT, count >> 8);
    out(LOW, (uint8_t)(lba >> 24));
    out(MID, (uint8_t)(lba >> 32));
    out(HIGH, (uint8_t)(lba >> 40));
    out(COUNT, (uint8_t)count);
    out(LOW, (uint8_t)lba);
    out(MID, (uint8_t)(lba >> 8));
    out(HIGH, (uint8_t)(lba >> 16));
    out(DEV, 0xE0);
    out(COMMAND, command);
}

static void chs(uint16_t c, uint8_t h, uint8_t s, uint8_t count, uint8_t command)
{
    out(COUNT, count);
    out(LOW, s);
    out(MID, (uint8_t)c);
    out(HIGH, c >> 8);
    out(DEV, 0xA0 | h);
    out(COMMAND, command);
}

/* A command without data: its interrupt came, and STATUS is what it ends with. */
static void ends(uint8_t status)
{
    ck_assert_int_eq(irq_level, 1);
    ck_assert_uint_eq(in(CONTROL), status);
    ck_assert_int_eq(irq_level, 1); /* alternate status leaves it */
    ck_assert_uint_eq(in(STATUS), status);
    ck_assert_int_eq(irq_level, 0);
}

static void fails(uint8_t error)
{
    ends(FAILED);
    ck_assert_uint_eq(in(ERR), error);
}

static void read_words(uint16_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        words[i] = (uint16_t)bus_in(board.bus, BASE, 2);
}

static void write_words(uint16_t word, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        bus_out(board.bus, BASE, word, 2);
}

static void identify(uint16_t *id)
{
    out(DEV, 0xA0);
    out(COMMAND, 0xEC);
    ck_assert_int_eq(irq_level, 1);
    ck_assert_uint_eq(in(STATUS), DRQ);
    read_words(id, 256);
    ck_assert_uint_eq(in(STATUS), READY);
}

static void check_text(const uint16_t *words, const char *text)
{
    for (unsigned i = 0; i < strlen(text); i++)
        ck_assert_uint_eq((uint8_t)(words[i / 2] >> (i & 1 ? 0 : 8)), (uint8_t)text[i]);
}

START_TEST(identify_words)
{
    uint16_t id[256];
    uint8_t sum = 0;

    identify(id);
    ck_assert_uint_eq(id[0], 0x0040);
    ck_assert_uint_eq(id[1], CYLINDERS);
    ck_assert_uint_eq(id[3], 16);
    ck_assert_uint_eq(id[6], 63);
    check_text(id + 10, "RG0001              ");
    check_text(id + 27, "RINGER HARDDISK     ");
    ck_assert_uint_eq(id[47], 0x8010);
    ck_assert_uint_eq(id[49] & 0x0300, 0x0200); /* LBA, no DMA */
    ck_assert_uint_eq(id[53] & 1, 1);
    ck_assert_uint_eq(id[57] | id[58] << 16, CYLINDERS * 16 * 63);
    ck_assert_uint_eq(id[59], 0);
    ck_assert_uint_eq(id[60] | id[61] << 16, SECTORS);
    ck_assert_uint_eq(id[83] & 0xC400, 0x4400); /* valid, LBA48 */
    ck_assert_uint_eq(id[86] & 0x0400, 0x0400);
    ck_assert_uint_eq(id[100] | id[101] << 16, SECTORS);
    ck_assert_uint_eq(id[102] | id[103], 0);
    for (unsigned i = 0; i < 256; i++)
        sum += (uint8_t)id[i] + (uint8_t)(id[i] >> 8);
    ck_assert_uint_eq(id[255] & 0xFF, 0xA5);
    ck_assert_uint_eq(sum, 0);
}
END_TEST

START_TEST(read_interrupts_for_each_sector)
{
    uint16_t words[256];

    irq_edges = 0;
    lba28(5, 3, 0x20);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(irq_edges, (int)i + 1);
        ck_assert_uint_eq(in(STATUS), DRQ);
        ck_assert_int_eq(irq_level, 0);
        read_words(words, 256);
        ck_assert_uint_eq(words[0], 5 + i);
    }
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_int_eq(irq_edges, 3); /* none after the last word */
    ck_assert_uint_eq(in(COUNT), 0);
    ck_assert_uint_eq(in(LOW), 7);
    ck_assert_uint_eq(bus_in(board.bus, BASE, 2), 0); /* nothing more */
}
END_TEST

START_TEST(write_interrupts_after_each_sector)
{
    uint8_t data[2 * SECTOR_SIZE];

    irq_edges = 0;
    lba28(100, 2, 0x30);
    ck_assert_int_eq(irq_edges, 0);
    ck_assert_uint_eq(in(STATUS), DRQ);
    write_words(0x1234, 256);
    ck_assert_int_eq(irq_edges, 1);
    ck_assert_uint_eq(in(STATUS), DRQ);
    write_words(0x5678, 256);
    ends(READY);
    ck_assert_int_eq(irq_edges, 2);
    ck_assert(block_read(disks[0], 100, data, 2));
    ck_assert_uint_eq(data[0], 0x34);
    ck_assert_uint_eq(data[2 * SECTOR_SIZE - 1], 0x56);
}
END_TEST

START_TEST(wide_and_narrow_data)
{
    lba28(9, 1, 0x20);
    ck_assert_uint_eq(bus_in(board.bus, BASE, 4), 9);
    ck_assert_uint_eq(bus_in(board.bus, BASE, 1), 0);
    for (unsigned i = 0; i < 126; i++)
        bus_in(board.bus, BASE, 4);
    ck_assert_uint_eq(in(STATUS), DRQ); /* one word left, taken by a double word */
    bus_in(board.bus, BASE, 4);
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

START_TEST(addresses)
{
    uint16_t words[256];

    chs(0, 0, 10, 1, 0x20); /* LBA 9 */
    read_words(words, 256);
    ck_assert_uint_eq(words[0], 9);
    lba48(12, 2, 0x24);
    read_words(words, 256);
    read_words(words, 256);
    ck_assert_uint_eq(words[0], 13);
    ck_assert_uint_eq(in(STATUS), READY);
    lba48(SECTORS - 1, 1, 0x34);
    write_words(0xBEEF, 256);
    ends(READY);
    lba28(SECTORS - 1, 1, 0x20);
    read_words(words, 256);
    ck_assert_uint_eq(words[255], 0xBEEF);
    chs(0, 0, 63, 2, 0x40); /* verify, over the end of a track */
    ends(READY);
    ck_assert_uint_eq(in(LOW), 1);
    ck_assert_uint_eq(in(DEV), 0xA1);
}
END_TEST

START_TEST(beyond_the_end)
{
    lba28(SECTORS, 1, 0x20);
    fails(0x10);
    lba28(SECTORS - 1, 2, 0x20);
    fails(0x10);
    ck_assert_uint_eq(in(LOW) | in(MID) << 8 | in(HIGH) << 16, SECTORS);
    lba28(SECTORS - 100, 0, 0x30); /* 256 */
    fails(0x10);
    lba48(0xFFFFFFFFFFFFull, 1, 0x34);
    fails(0x10);
    lba48(0, 0, 0x42); /* 65536 */
    fails(0x10);
    chs(0, 0, 0, 1, 0x20);
    fails(0x10);
    chs(0, 0, 64, 1, 0x20);
    fails(0x10);
    chs(0xFFFF, 0, 1, 1, 0x70);
    fails(0x10);
    chs(1, 2, 3, 1, 0x70);
    ends(READY);
}
END_TEST

START_TEST(hob_shows_the_former_content)
{
    out(COUNT, 0x12);
    out(COUNT, 0x34);
    ck_assert_uint_eq(in(COUNT), 0x34);
    out(CONTROL, 0x80);
    ck_assert_uint_eq(in(COUNT), 0x12);
    out(LOW, 1); /* a write ends it */
    ck_assert_uint_eq(in(COUNT), 0x34);
    lba48(0, 0, 0x27); /* READ NATIVE MAX ADDRESS EXT */
    ends(READY);
    ck_assert_uint_eq(in(LOW) | in(MID) << 8 | in(HIGH) << 16, SECTORS - 1);
    out(CONTROL, 0x80);
    ck_assert_uint_eq(in(LOW) | in(MID) | in(HIGH), 0);
}
END_TEST

START_TEST(multiple)
{
    uint16_t words[256 * 4], id[256];

    lba28(0, 4, 0xC4);
    fails(0x04); /* not set yet */
    out(COUNT, 3);
    out(COMMAND, 0xC6);
    fails(0x04);
    out(COUNT, 32);
    out(COMMAND, 0xC6);
    fails(0x04);
    out(COUNT, 4);
    out(COMMAND, 0xC6);
    ends(READY);
    identify(id);
    ck_assert_uint_eq(id[59], 0x0104);
    irq_edges = 0;
    lba28(20, 6, 0xC4); /* a block of four, one of two */
    ck_assert_uint_eq(in(STATUS), DRQ);
    read_words(words, 256 * 4);
    ck_assert_uint_eq(words[256 * 3], 23);
    ck_assert_uint_eq(in(STATUS), DRQ);
    read_words(words, 256 * 2);
    ck_assert_uint_eq(words[256], 25);
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_int_eq(irq_edges, 2);
    irq_edges = 0;
    lba48(200, 5, 0x39);
    write_words(0x7777, 256 * 4);
    ck_assert_uint_eq(in(STATUS), DRQ);
    write_words(0x8888, 256);
    ends(READY);
    ck_assert_int_eq(irq_edges, 2);
    ck_assert(block_read(disks[0], 204, words, 1));
    ck_assert_uint_eq(words[0], 0x8888);
}
END_TEST

/* What the guest wants to be on the disk is there: FLUSH CACHE and writes with "force unit access",
 * and no other write. */
START_TEST(flushes_reach_the_host)
{
    syncs = 0;
    lba28(100, 1, 0x30);
    write_words(1, 256);
    ends(READY);
    ck_assert_uint_eq(syncs, 0);
    out(COMMAND, 0xE7);
    ends(READY);
    ck_assert_uint_eq(syncs, 1);
    out(COMMAND, 0xEA);
    ends(READY);
    ck_assert_uint_eq(syncs, 2);
    out(COUNT, 2);
    out(COMMAND, 0xC6);
    ends(READY);
    lba48(200, 4, 0xCE); /* once, for all four */
    write_words(1, 512);
    ck_assert_uint_eq(in(STATUS), DRQ);
    ck_assert_uint_eq(syncs, 2);
    write_words(1, 512);
    ends(READY);
    ck_assert_uint_eq(syncs, 3);
    lba48(200, 2, 0x39);
    write_words(1, 512);
    ends(READY);
    ck_assert_uint_eq(syncs, 3);
}
END_TEST

START_TEST(interrupt_enable)
{
    out(CONTROL, 0x02);
    out(COMMAND, 0xE7);
    ck_assert_int_eq(irq_level, 0);
    out(CONTROL, 0x00); /* still pending */
    ck_assert_int_eq(irq_level, 1);
    out(COMMAND, 0xE5); /* a command drops it, and raises its own */
    ck_assert_int_eq(irq_edges, 2);
    ends(READY);
    ck_assert_uint_eq(in(COUNT), 0xFF);
}
END_TEST

START_TEST(soft_reset)
{
    lba28(0, 2, 0x20);
    out(CONTROL, 0x04);
    ck_assert_int_eq(irq_level, 0);
    ck_assert_uint_eq(in(CONTROL), 0x80);
    out(CONTROL, 0x00);
    ck_assert_uint_eq(in(STATUS), READY);
    ck_assert_uint_eq(in(ERR), 0x01);
    ck_assert_uint_eq(in(COUNT), 1);
    ck_assert_uint_eq(in(LOW), 1);
    ck_assert_uint_eq(in(MID) | in(HIGH), 0);
    ck_assert_uint_eq(in(DEV)&0x1F, 0);
    ck_assert_int_eq(irq_level, 0);
    out(COMMAND, 0x90);
    ends(READY);
    ck_assert_uint_eq(in(ERR), 0x01);
}
END_TEST

START_TEST(absent_drives)
{
    out(DEV, 0xB0);
    ck_assert_uint_eq(in(STATUS), 0);
    out(COMMAND, 0xEC);
    ck_assert_uint_eq(in(CONTROL), 0);
    ck_assert_int_eq(irq_level, 0);
    out(COMMAND, 0x90); /* goes to drive 0, which is selected then */
    ends(READY);
    attach(0, NULL, NULL);
    ck_assert_uint_eq(in(STATUS), 0);
    out(LOW, 0x55);
    ck_assert_uint_eq(in(LOW), 0);
    out(COMMAND, 0xEC);
    ck_assert_uint_eq(in(STATUS), 0);
    ck_assert_int_eq(irq_level, 0);
}
END_TEST

START_TEST(two_drives)
{
    uint16_t words[256];

    attach(1, make_disk(4000, false), "RG0002");
    out(DEV, 0xB0);
    out(COMMAND, 0xEC);
    ck_assert_int_eq(irq_level, 1);
    out(DEV, 0xA0); /* the other's interrupt is not on the wire */
    ck_assert_int_eq(irq_level, 0);
    ck_assert_uint_eq(in(STATUS), READY);
    out(DEV, 0xB0);
    ck_assert_int_eq(irq_level, 1);
    ck_assert_uint_eq(in(STATUS), DRQ);
    read_words(words, 256);
    ck_assert_uint_eq(words[60], 4000);
    check_text(words + 10, "RG0002");
}
END_TEST

START_TEST(initialize_parameters)
{
    uint16_t id[256];

    chs(0, 3, 0, 17, 0x91); /* 4 heads, 17 sectors */
    ends(READY);
    identify(id);
    ck_assert_uint_eq(id[3], 16);
    ck_assert_uint_eq(id[55], 4);
    ck_assert_uint_eq(id[56], 17);
    chs(0, 1, 2, 1, 0x20);
    read_words(id, 256);
    ck_assert_uint_eq(id[0], 18);
    chs(0, 4, 1, 1, 0x20);
    fails(0x10);
    chs(0, 3, 0, 0, 0x91);
    fails(0x04);
}
END_TEST

START_TEST(features_and_buffer)
{
    uint16_t id[256];

    out(ERR, 0x82);
    out(COMMAND, 0xEF);
    ends(READY);
    identify(id);
    ck_assert_uint_eq(id[85] & 0x20, 0);
    out(ERR, 0x03);
    out(COUNT, 0x0C);
    out(COMMAND, 0xEF);
    ends(READY);
    out(COUNT, 0x45); /* Ultra DMA */
    out(COMMAND, 0xEF);
    fails(0x04);
    out(COMMAND, 0xE8);
    write_words(0xABCD, 256);
    ends(READY);
    out(COMMAND, 0xE4);
    ck_assert_uint_eq(in(STATUS), DRQ);
    read_words(id, 256);
    ck_assert_uint_eq(id[255], 0xABCD);
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

START_TEST(set_max_address)
{
    uint16_t id[256];

    lba28(999, 0, 0xF9);
    fails(0x04); /* without READ NATIVE MAX ADDRESS before it */
    lba28(0, 0, 0xF8);
    ends(READY);
    lba28(999, 0, 0xF9);
    ends(READY);
    identify(id);
    ck_assert_uint_eq(id[60], 1000);
    lba28(1000, 1, 0x20);
    fails(0x10);
    lba28(0, 0, 0xF8);
    ends(READY);
    lba28(SECTORS, 0, 0xF9);
    fails(0x10);
    device_reset_all(board.devices);
    lba28(1000, 1, 0x40);
    ends(READY);
}
END_TEST

START_TEST(aborted_commands)
{
    static const uint8_t codes[] = {0x00, 0x08, 0x22, 0x25, 0x35, 0x50, 0x92,
                                    0xA0, 0xA1, 0xB0, 0xC8, 0xCA, 0xF5, 0xFF};

    for (unsigned i = 0; i < sizeof codes; i++) {
        lba28(0, 1, codes[i]);
        fails(0x04);
    }
    attach(0, make_disk(64, true), NULL);
    lba28(0, 1, 0x30);
    fails(0x04);
}
END_TEST

START_TEST(power)
{
    out(COMMAND, 0xE0);
    ends(READY);
    out(COMMAND, 0xE5);
    ends(READY);
    ck_assert_uint_eq(in(COUNT), 0);
    lba28(0, 1, 0x40);
    ends(READY);
    out(COMMAND, 0x98);
    ends(READY);
    ck_assert_uint_eq(in(COUNT), 0xFF);
}
END_TEST

/* Whatever is written, in whatever order: nothing breaks, and a reset brings it back. */
START_TEST(hostile)
{
    uint32_t x = 4711;

    attach(1, make_disk(100, false), NULL);
    for (unsigned i = 0; i < 60000; i++) {
        uint16_t port = BASE + (x >> 8) % 8;

        x = x * 1664525 + 1013904223;
        if (x >> 30 == 0)
            bus_in(board.bus, port, 1u << (x >> 12) % 3);
        else if (x >> 28 == 15)
            out(CONTROL, (uint8_t)(x >> 16));
        else
            bus_out(board.bus, port, x >> 4, 1u << (x >> 12) % 3);
    }
    out(CONTROL, 0x04);
    out(CONTROL, 0x00);
    ck_assert_uint_eq(in(STATUS), READY);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ide");
    TCase *tc = tcase_create("ide");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, identify_words);
    tcase_add_test(tc, read_interrupts_for_each_sector);
    tcase_add_test(tc, write_interrupts_after_each_sector);
    tcase_add_test(tc, wide_and_narrow_data);
    tcase_add_test(tc, addresses);
    tcase_add_test(tc, beyond_the_end);
    tcase_add_test(tc, hob_shows_the_former_content);
    tcase_add_test(tc, multiple);
    tcase_add_test(tc, flushes_reach_the_host);
    tcase_add_test(tc, interrupt_enable);
    tcase_add_test(tc, soft_reset);
    tcase_add_test(tc, absent_drives);
    tcase_add_test(tc, two_drives);
    tcase_add_test(tc, initialize_parameters);
    tcase_add_test(tc, features_and_buffer);
    tcase_add_test(tc, set_max_address);
    tcase_add_test(tc, aborted_commands);
    tcase_add_test(tc, power);
    tcase_add_test(tc, hostile);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
