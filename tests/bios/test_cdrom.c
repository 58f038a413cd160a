/* El Torito: CDs that boot with and without emulation, and INT 13h for them. */
#include "rig.h"

#include "ringer/error.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CD_SECTOR = 2048, CATALOG = 20, IMAGE = 24, SECTORS = IMAGE + 800, RECORD = 17 };

static struct rig rig;
static struct block *disc;
static uint8_t cd[SECTORS * CD_SECTOR];

static void put(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

/* A CD whose image is of MEDIA; each 512 bytes of the image begin with their number. */
static void make_cd(uint8_t media, uint16_t segment, uint16_t sectors)
{
    uint8_t *record = cd + RECORD * CD_SECTOR, *catalog = cd + CATALOG * CD_SECTOR;
    uint8_t *image = cd + IMAGE * CD_SECTOR;

    memset(cd, 0, sizeof cd);
    memcpy(record + 1, "CD001\1EL TORITO SPECIFICATION", 29);
    put(record + 0x47, CATALOG, 4);
    catalog[0] = 1;
    put(catalog + 28, -(0xAA55 + 1), 2);
    put(catalog + 30, 0xAA55, 2);
    catalog[32] = 0x88;
    catalog[33] = media;
    put(catalog + 34, segment, 2);
    put(catalog + 38, sectors, 2);
    put(catalog + 40, IMAGE, 4);
    for (uint32_t i = 0; i < 3200; i++)
        put(image + i * 512, i | 0xCD000000, 4);
    memcpy(image + 446, "\x80\x01\x01\x00\x04\x03\x11\x31", 8); /* ends at 49/3/17 */
    put(image + 510, 0xAA55, 2);
}

static void insert(void)
{
    const struct block_options readonly = {.readonly = true};
    struct error err = {0};
    char path[64];

    rig_file(path, cd, sizeof cd);
    block_close(disc);
    disc = block_open(path, &readonly, NULL, &err);
    unlink(path);
    ck_assert_msg(disc != NULL, "%s", err.text);
    bios_set_cdrom(rig.bios, disc);
}

static void open_rig(void)
{
    rig_open(&rig, 16, 2880, 100 * 16 * 63);
    rig_post(&rig);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    cpu_set_real_segment(rig.cpu, SEG_DS, RIG_BUFFER >> 4, false);
}

static void close_rig(void)
{
    rig_close(&rig);
    block_close(disc);
    disc = NULL;
}

static bool boot(void)
{
    bool ok;

    rig.cpu->gpr[ESP] = 0x7C00;
    ok = cdrom_boot(rig.bios);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    cpu_set_real_segment(rig.cpu, SEG_DS, RIG_BUFFER >> 4, false);
    rig.cpu->gpr[ESI] = 0x800;
    return ok;
}

static bool int13_call(uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    return rig_call(&rig, TRAP_INT13, ax, bx, cx, dx);
}

static uint32_t buffer32(unsigned offset)
{
    return lin32(rig.bios, RIG_BUFFER + offset);
}

/* The 512-byte sector at CYLINDER, HEAD, SECTOR of DRIVE begins with what? */
static uint32_t sector_of(uint8_t drive, unsigned cylinder, unsigned head, unsigned sector)
{
    lin_fill(rig.bios, RIG_BUFFER, 0xEE, 512);
    ck_assert(!int13_call(0x0201, 0, cylinder << 8 | sector, head << 8 | drive));
    return buffer32(0);
}

START_TEST(test_no_emulation)
{
    make_cd(0, 0, 4);
    insert();
    ck_assert(boot());
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFF, 0xE0);
    ck_assert_uint_eq(lin32(rig.bios, 0x7C00), 0xCD000000);
    ck_assert_uint_eq(lin32(rig.bios, 0x7C00 + 3 * 512), 0xCD000003);
    ck_assert_uint_eq(lin32(rig.bios, 0x7BFC), 0x00007C00); /* CS:IP of the far return */
    ck_assert(!int13_call(0x4B01, 0, 0, 0xE0));
    ck_assert_uint_eq(buffer32(0x800), 0x00E00013);
    ck_assert_uint_eq(buffer32(0x804), IMAGE);
    ck_assert(!int13_call(0x4100, 0x55AA, 0, 0xE0));
    ck_assert_uint_eq(rig.cpu->gpr[EBX] & 0xFFFF, 0xAA55);
    /* Two sectors of 2048 bytes. */
    lin_write(rig.bios, RIG_BUFFER + 0x800, "\x10\0\2\0\0\x10\0\x20\x19\0\0\0\0\0\0\0", 16);
    ck_assert(!int13_call(0x4200, 0, 0, 0xE0));
    ck_assert_uint_eq(buffer32(0x1000), 0xCD000004);
    ck_assert_uint_eq(buffer32(0x1000 + 4095 - 511), 0xCD00000B);
    lin_write(rig.bios, RIG_BUFFER + 0x800, "\x10\0\2\0\0\x10\0\x20\xFF\xFF\xFF\xFF\0\0\0\0", 16);
    ck_assert(int13_call(0x4200, 0, 0, 0xE0));
    lin_write(rig.bios, RIG_BUFFER + 0x800, "\x1E\0", 2);
    ck_assert(!int13_call(0x4800, 0, 0, 0xE0));
    ck_assert_uint_eq(buffer32(0x810), SECTORS);
    ck_assert_uint_eq(buffer32(0x818) & 0xFFFF, 2048);
    ck_assert_uint_eq(sector_of(0x80, 0, 0, 2), 1); /* the real drives are where they were */
    ck_assert(int13_call(0x4300, 0, 0, 0xE0));
    lin_write(rig.bios, RIG_BUFFER + 0x800, "\x08\1\0\x10\0\x20\0\0", 8);
    ck_assert(!int13_call(0x4D00, 0, 0, 0));
    ck_assert_uint_eq(buffer32(0x1000 + 40), IMAGE);
}
END_TEST

START_TEST(test_load_segment)
{
    make_cd(0, 0x2000, 1);
    insert();
    ck_assert(boot());
    ck_assert_uint_eq(lin32(rig.bios, 0x20000), 0xCD000000);
    ck_assert_uint_eq(lin32(rig.bios, 0x7BFC), 0x20000000);
}
END_TEST

START_TEST(test_diskette)
{
    make_cd(2, 0, 1);
    insert();
    ck_assert(boot());
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFF, 0);
    ck_assert_uint_eq(sector_of(0, 0, 0, 2), 0xCD000001);
    ck_assert_uint_eq(sector_of(0, 3, 1, 18), 0xCD000000 + 3 * 36 + 35);
    int13_call(0x0000, 0, 0, 1);
    ck_assert(int13_call(0x0201, 0, 2, 1) || buffer32(0) == 1); /* the real one has moved up */
    ck_assert_uint_eq(sector_of(1, 0, 0, 3), 2);
    ck_assert(int13_call(0x0301, 0, 1, 0));
    ck_assert_uint_eq(rig_ah(&rig), 0x03);
    ck_assert(!int13_call(0x0800, 0, 0, 0));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x4F12);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0102);
    cpu_set_real_segment(rig.cpu, SEG_ES, RIG_BUFFER >> 4, false);
    ck_assert(int13_call(0x0201, 0, 0x5001, 0)); /* cylinder 80 */
    ck_assert(!int13_call(0x4B00, 0, 0, 0x7F));  /* the emulation ends */
    ck_assert_uint_eq(sector_of(0, 0, 0, 3), 2);
}
END_TEST

START_TEST(test_hard_disk)
{
    make_cd(4, 0, 1);
    insert();
    ck_assert(boot());
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFF, 0x80);
    ck_assert(!int13_call(0x0800, 0, 0, 0x80));
    ck_assert_uint_eq(rig.cpu->gpr[ECX] & 0xFFFF, 0x3111);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFFFF, 0x0302);
    ck_assert_uint_eq(sector_of(0x80, 1, 2, 3), 0xCD000000 + 4 * 17 + 2 * 17 + 2);
    ck_assert_uint_eq(sector_of(0x81, 0, 0, 2), 1);
    ck_assert_uint_eq(rig.cpu->gpr[EDX] & 0xFF, 0x81);
    ck_assert(int13_call(0x0201, 0, 1, 0x82));
    ck_assert(!int13_call(0x4B00, 0, 0, 0x80));
    ck_assert_uint_eq(sector_of(0x80, 0, 0, 2), 1);
}
END_TEST

START_TEST(test_foreign)
{
    static const unsigned broken[] = {RECORD * CD_SECTOR + 1,  RECORD * CD_SECTOR + 0x49,
                                      CATALOG * CD_SECTOR,     CATALOG * CD_SECTOR + 31,
                                      CATALOG * CD_SECTOR + 5, CATALOG * CD_SECTOR + 32,
                                      CATALOG * CD_SECTOR + 43};

    ck_assert(!boot()); /* no disc */
    for (unsigned i = 0; i < sizeof broken / sizeof *broken; i++) {
        make_cd(0, 0, 4);
        cd[broken[i]] ^= 0x55;
        insert();
        ck_assert_msg(!boot(), "%u", i);
    }
    make_cd(5, 0, 1);
    insert();
    ck_assert(!boot());
}
END_TEST

int main(void)
{
    Suite *s = suite_create("cdrom");
    TCase *t = tcase_create("cdrom");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_no_emulation);
    tcase_add_test(t, test_load_segment);
    tcase_add_test(t, test_diskette);
    tcase_add_test(t, test_hard_disk);
    tcase_add_test(t, test_foreign);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
