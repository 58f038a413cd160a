/* INT 13h: CHS conversion, diskettes, disks, and the extensions. */
#include "rig.h"

#include "bios/disk.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct rig rig;

static void start(void)
{
    rig_post(&rig);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    cpu_set_real_segment(rig.cpu, SEG_DS, RIG_BUFFER >> 4, false);
}

static void open_rig(void)
{
    rig_open(&rig, 16, 2880, 100 * 16 * 63);
    start();
}

static void close_rig(void)
{
    rig_close(&rig);
}

static bool int13_call(uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    return rig_call(&rig, TRAP_INT13, ax, bx, cx, dx);
}

START_TEST(test_chs)
{
    const struct geometry g = {80, 2, 18};
    uint64_t lba;

    ck_assert(chs_to_lba(&g, 0, 0, 1, &lba));
    ck_assert_uint_eq(lba, 0);
    ck_assert(chs_to_lba(&g, 1, 1, 18, &lba));
    ck_assert_uint_eq(lba, 71);
    ck_assert(chs_to_lba(&g, 79, 1, 18, &lba));
    ck_assert_uint_eq(lba, 2879);
    ck_assert(!chs_to_lba(&g, 80, 0, 1, &lba));
    ck_assert(!chs_to_lba(&g, 0, 2, 1, &lba));
    ck_assert(!chs_to_lba(&g, 0, 0, 0, &lba));
    ck_assert(!chs_to_lba(&g, 0, 0, 19, &lba));
}
END_TEST

START_TEST(test_floppy_read)
{
    /* eighteen sectors from the last of track 0 side 0 on: over both sides' border */
    ck_assert(!int13_call(0x0212, 0, 0x0012, 0x0000));
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFFFF, 0x0012);
    for (uint32_t i = 0; i < 18; i++)
        ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER + i * 512), 17 + i);
}
END_TEST

/* A bare boot sector: the rest of the floppy is there, and zero, but cannot be written. */
START_TEST(test_floppy_shortened)
{
    struct rig one;

    rig_open(&one, 16, 1, 0);
    rig_post(&one);
    cpu_set_real_segment(one.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    for (uint32_t i = 0; i < 1024; i++)
        set_lin8(one.bios, RIG_BUFFER + i, 0xEE);
    ck_assert(!rig_call(&one, TRAP_INT13, 0x0202, 0, 0x0001, 0x0000));
    ck_assert_uint_eq(one.cpu->gpr[EAX] & 0xFFFF, 2);
    ck_assert_uint_eq(lin32(one.bios, RIG_BUFFER + 512), 0);
    ck_assert_uint_eq(lin32(one.bios, RIG_BUFFER + 1020), 0);
    ck_assert(!rig_call(&one, TRAP_INT13, 0x0201, 0, 0x4F12, 0x0100));
    ck_assert(rig_call(&one, TRAP_INT13, 0x0202, 0, 0x4F12, 0x0100));
    ck_assert_uint_eq(rig_ah(&one), DISK_SECTOR_NOT_FOUND);
    ck_assert(rig_call(&one, TRAP_INT13, 0x0301, 0, 0x0002, 0x0000));
    rig_close(&one);
}
END_TEST

START_TEST(test_floppy_errors)
{
    ck_assert(int13_call(0x0201, 0, 0x0013, 0x0000)); /* sector 19 */
    ck_assert_uint_eq(rig_ah(&rig), DISK_SECTOR_NOT_FOUND);
    ck_assert_uint_eq(bda8(rig.bios, 0x41), DISK_SECTOR_NOT_FOUND);
    ck_assert(int13_call(0x0202, 0xFE00, 0x0001, 0x0000)); /* over a 64 KiB border */
    ck_assert_uint_eq(rig_ah(&rig), DISK_DMA_BOUNDARY);
    ck_assert(!int13_call(0x0402, 0xFE00, 0x0001, 0x0000)); /* verifying moves nothing */
    ck_assert(int13_call(0x0200, 0, 0x0001, 0x0000));
    ck_assert(int13_call(0x0202, 0, 0x4F12, 0x0100)); /* runs off the end */
    ck_assert_uint_eq(rig_ah(&rig), DISK_SECTOR_NOT_FOUND);
    ck_assert_uint_eq(rig.cpu->gpr[EAX] & 0xFF, 1);
    ck_assert(int13_call(0x0201, 0, 0x0001, 0x0001)); /* no drive B */
    ck_assert_uint_eq(rig_ah(&rig), DISK_TIMEOUT);
    ck_assert(int13_call(0x4100, 0x55AA, 0, 0x0000)); /* no extensions */
    ck_assert_uint_eq(rig_ah(&rig), DISK_BAD_COMMAND);
}
END_TEST

START_TEST(test_floppy_parameters)
{
    ck_assert(!int13_call(0x0800, 0, 0, 0x0000));
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFF, 4);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x4F12);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0101);
    ck_assert_uint_eq(rig.cpu->seg[SEG_ES].selector, 0xF000);
    ck_assert_uint_eq(rig.cpu->gpr[EDI] & 0xFFFF, 0xEFC7);
    ck_assert(!int13_call(0x1500, 0, 0, 0x0000));
    ck_assert_uint_eq(rig_ah(&rig), 2);
    ck_assert(!int13_call(0x1500, 0, 0, 0x0001));
    ck_assert_uint_eq(rig_ah(&rig), 0);
}
END_TEST

START_TEST(test_floppy_change)
{
    bios_set_floppy(rig.bios, 0, rig.floppy);
    ck_assert(int13_call(0x0201, 0, 0x0001, 0x0000));
    ck_assert_uint_eq(rig_ah(&rig), DISK_CHANGED);
    ck_assert(!int13_call(0x0201, 0, 0x0001, 0x0000));
    bios_set_floppy(rig.bios, 0, NULL);
    ck_assert(int13_call(0x1600, 0, 0, 0x0000));
    ck_assert_uint_eq(rig_ah(&rig), DISK_CHANGED);
    ck_assert(int13_call(0x0201, 0, 0x0001, 0x0000));
    ck_assert_uint_eq(rig_ah(&rig), DISK_TIMEOUT);
    ck_assert(!int13_call(0x0800, 0, 0, 0x0000)); /* the drive is still there */
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x4F12);
}
END_TEST

START_TEST(test_floppy_format)
{
    uint8_t sector[512], table[18][4];

    for (int i = 0; i < 18; i++)
        memcpy(table[i], (uint8_t[4]){3, 1, i + 1, 2}, 4);
    lin_write(rig.bios, RIG_BUFFER, table, sizeof table);
    ck_assert(!int13_call(0x0512, 0, 0x0301, 0x0100));
    ck_assert(block_read(rig.floppy, 3 * 36 + 18 + 5, sector, 1));
    for (int i = 0; i < 512; i++)
        ck_assert_uint_eq(sector[i], 0xF6);
    table[4][3] = 3; /* sectors of 1024 bytes */
    lin_write(rig.bios, RIG_BUFFER, table, sizeof table);
    ck_assert(int13_call(0x0512, 0, 0x0301, 0x0100));
}
END_TEST

START_TEST(test_disk_chs)
{
    ck_assert(!int13_call(0x0800, 0, 0, 0x0080));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x633F);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0F01);
    ck_assert(!int13_call(0x0203, 0x1000, 0x023E, 0x0180)); /* cylinder 2, head 1, sector 62 */
    ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER + 0x1000), (2 * 16 + 1) * 63 + 61);
    ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER + 0x1400), (2 * 16 + 1) * 63 + 63);
    ck_assert(int13_call(0x0201, 0, 0x6401, 0x0080));
    ck_assert_uint_eq(rig_ah(&rig), DISK_SECTOR_NOT_FOUND);
    ck_assert(!int13_call(0x1500, 0, 0, 0x0080));
    ck_assert_uint_eq(rig_ah(&rig), 3);
    ck_assert_uint_eq((rig.cpu->gpr[ECX] & 0xFFFF) << 16 | (rig.cpu->gpr[EDX] & 0xFFFF),
                      100 * 16 * 63);
    ck_assert(int13_call(0x0201, 0, 0x0001, 0x0081)); /* no second disk */
}
END_TEST

START_TEST(test_disk_write)
{
    uint8_t sector[512];

    lin_fill(rig.bios, RIG_BUFFER, 0x5A, 1024);
    ck_assert(!int13_call(0x0302, 0, 0x0003, 0x0080));
    ck_assert(block_read(rig.disk, 3, sector, 1));
    ck_assert_uint_eq(sector[511], 0x5A);
    ck_assert(block_read(rig.disk, 4, sector, 1));
    ck_assert_uint_eq(sector[0], 4);
}
END_TEST

static bool packet_to(uint8_t drive, uint8_t function, uint16_t count, uint32_t buffer,
                      uint64_t lba)
{
    uint8_t p[16] = {16, 0, count, count >> 8};

    memcpy(p + 4, &buffer, 4);
    memcpy(p + 8, &lba, 8);
    lin_write(rig.bios, RIG_BUFFER + 0x8000, p, sizeof p);
    rig.cpu->gpr[ESI] = 0x8000;
    return int13_call(function << 8, 0, 0, drive);
}

static bool packet(uint8_t function, uint16_t count, uint32_t buffer, uint64_t lba)
{
    return packet_to(0x80, function, count, buffer, lba);
}

START_TEST(test_extensions)
{
    ck_assert(!int13_call(0x4100, 0x55AA, 0, 0x0080));
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0xAA55);
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 5, 5);
    ck_assert(!packet(0x42, 2, 0x30000100, 1234));
    ck_assert_uint_eq(lin32(rig.bios, 0x30100), 1234);
    ck_assert_uint_eq(lin32(rig.bios, 0x30300), 1235);
    ck_assert(packet(0x42, 2, 0x30000100, 100 * 16 * 63 - 1));
    ck_assert_uint_eq(lin16(rig.bios, RIG_BUFFER + 0x8002), 0);
    ck_assert(packet(0x42, 0xFFFF, 0x30000100, UINT64_MAX - 3));
    ck_assert(packet(0x43, 1, 0x30000100, UINT64_MAX));
}
END_TEST

START_TEST(test_extended_parameters)
{
    set_lin16(rig.bios, RIG_BUFFER, 66);
    rig.cpu->gpr[ESI] = 0;
    ck_assert(!int13_call(0x4800, 0, 0, 0x0080));
    ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER + 16), 100 * 16 * 63);
    ck_assert_uint_eq(lin16(rig.bios, RIG_BUFFER + 24), 512);
    ck_assert_uint_eq(lin16(rig.bios, RIG_BUFFER + 30), 0xBEDD);
    set_lin16(rig.bios, RIG_BUFFER, 20);
    ck_assert(int13_call(0x4800, 0, 0, 0x0080));
}
END_TEST

/* Whatever is in the registers, a service ends. */
/* Disks of any size: CHS reaches 1024 cylinders of 255 heads, packets the rest. */
START_TEST(test_large_disks)
{
    static const struct {
        uint64_t sectors;
        uint8_t heads;
        unsigned cylinders;
    } cases[] = {{63 * 16 * 1024 * 2, 32, 1024}, {1ull << 34, 255, 1024}};
    const struct block_options options = {0};

    close_rig();
    for (unsigned i = 0; i < 2; i++) {
        struct bios_config config = {0};
        const uint8_t mark[SECTOR_SIZE] = "last of CHS";
        uint64_t last = (uint64_t)cases[i].cylinders * cases[i].heads * 63 - 1;
        struct error err = {0};
        char path[64];

        rig_file(path, "", 0);
        ck_assert_int_eq(truncate(path, (off_t)cases[i].sectors * SECTOR_SIZE), 0);
        config.disk[1] = block_open(path, &options, NULL, &err);
        ck_assert_msg(config.disk[1] != NULL, "%s", err.text);
        rig_open_with(&rig, 4, 0, 2048, &config);
        start();
        ck_assert(block_write(config.disk[1], last, mark, 1));
        ck_assert(!int13_call(0x0800, 0, 0, 0x81));
        ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, (cases[i].heads - 1u) << 8 | 2);
        ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0xFFFF);
        ck_assert(!int13_call(0x0201, 0, 0xFFFF, (uint16_t)((cases[i].heads - 1u) << 8 | 0x81)));
        ck_assert_uint_eq(lin32(rig.bios, RIG_BUFFER), 0x7473616C);
        ck_assert(!int13_call(0x1500, 0, 0, 0x81));
        ck_assert_uint_eq((rig.cpu->gpr[ECX] & 0xFFFF) << 16 | (rig.cpu->gpr[EDX] & 0xFFFF),
                          last + 1);
        ck_assert(!packet_to(0x81, 0x42, 1, 0x30000100, cases[i].sectors - 1));
        ck_assert(packet_to(0x81, 0x42, 1, 0x30000100, cases[i].sectors));
        rig_close(&rig);
        block_close(config.disk[1]);
        unlink(path);
    }
    open_rig();
}
END_TEST

START_TEST(test_hostile)
{
    uint32_t x = 12345;

    for (int i = 0; i < 2000; i++) {
        uint32_t r[4];

        for (int k = 0; k < 4; k++)
            r[k] = x = x * 1664525 + 1013904223;
        if ((r[0] >> 8 & 0xFF) == 3 || (r[0] >> 8 & 0xFF) == 5 || (r[0] >> 8 & 0xFF) == 0x43)
            continue; /* the image stays as it is */
        rig.cpu->gpr[ESI] = r[1] ^ r[2];
        int13_call(r[0], r[1], r[2], r[3]);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("disk");
    TCase *t = tcase_create("disk");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_chs);
    tcase_add_test(t, test_floppy_read);
    tcase_add_test(t, test_floppy_errors);
    tcase_add_test(t, test_floppy_shortened);
    tcase_add_test(t, test_floppy_parameters);
    tcase_add_test(t, test_floppy_change);
    tcase_add_test(t, test_floppy_format);
    tcase_add_test(t, test_disk_chs);
    tcase_add_test(t, test_disk_write);
    tcase_add_test(t, test_extensions);
    tcase_add_test(t, test_extended_parameters);
    tcase_add_test(t, test_large_disks);
    tcase_add_test(t, test_hostile);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
