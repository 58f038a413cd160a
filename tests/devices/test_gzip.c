/* Images packed by gzip: devices/image_gzip.c. */
#define _GNU_SOURCE
#include "devices/block.h"

#include "image_rig.h"
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { DISK = (6 << 20) + 300, SECTORS = DISK / SECTOR_SIZE + 1 };

static uint8_t model[SECTORS * SECTOR_SIZE];

/* Noise, text, and zeros: deflate blocks of all kinds. */
static void make_model(void)
{
    uint32_t seed = 1;

    memset(model, 0, sizeof model);
    for (size_t i = 0; i < DISK; i++) {
        switch (i >> 20) {
        case 0:
        case 4:
            model[i] = (uint8_t)image_random(&seed);
            break;
        case 1:
        case 2:
            model[i] = (uint8_t)("the quick brown fox "[i % 20] ^ (i >> 12));
            break;
        default:
            model[i] = i % 4096 == 0;
        }
    }
}

static void pack(const char *name, const uint8_t *data, size_t len, const char *mode)
{
    gzFile file = gzopen(name, mode);

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, data, (unsigned)len), (int)len);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

static void compare(struct block *b, uint32_t lba, uint32_t count)
{
    static uint8_t data[SECTORS * SECTOR_SIZE];

    memset(data, 0xEE, (size_t)count * SECTOR_SIZE);
    ck_assert(block_read(b, lba, data, count));
    ck_assert_int_eq(memcmp(data, model + lba * SECTOR_SIZE, (size_t)count * SECTOR_SIZE), 0);
}

START_TEST(reads_in_any_order)
{
    static const char *const modes[] = {"wb1", "wb9", "wb0", "wb6h"};
    uint32_t seed = 5;
    struct block *b;

    make_model();
    pack("a.gz", model, DISK, modes[_i]);
    b = image_open_ok("a.gz", true);
    ck_assert_str_eq(block_format(b), "gzip");
    ck_assert_uint_eq(block_sectors(b), SECTORS);
    compare(b, 0, SECTORS);
    for (int i = 0; i < 150; i++) {
        uint32_t lba = image_random(&seed) % SECTORS, count = 1 + image_random(&seed) % 300;

        compare(b, lba, count < SECTORS - lba ? count : SECTORS - lba);
    }
    for (uint32_t lba = SECTORS - 100; lba > 200; lba -= 199) /* backwards */
        compare(b, lba, 3);
    block_close(b);
}
END_TEST

/* One deflate block of more than the cache holds: points do not depend on blocks. */
START_TEST(larger_than_the_cache)
{
    enum { LARGE = 40 << 20 };
    uint8_t *zeros = calloc(1, LARGE), data[SECTOR_SIZE];
    struct block *b;

    for (uint32_t i = 0; i < LARGE / SECTOR_SIZE; i += 64)
        memcpy(zeros + (size_t)i * SECTOR_SIZE, &i, 4);
    pack("a.gz", zeros, LARGE, "wb1");
    b = image_open_ok("a.gz", true);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t lba = i * 7919 % (LARGE / SECTOR_SIZE / 64) * 64;

        ck_assert(block_read(b, lba, data, 1));
        ck_assert_int_eq(memcmp(data, &lba, 4), 0);
    }
    block_close(b);
    free(zeros);
}
END_TEST

START_TEST(several_members)
{
    struct block *b;

    make_model();
    pack("a.gz", model, 1000001, "wb");
    pack("a.gz", model, 0, "ab");
    pack("a.gz", model + 1000001, DISK - 1000001, "ab");
    image_poke("a.gz", image_bytes("a.gz"), "\0\0\0\0rubbish", 11);
    b = image_open_ok("a.gz", true);
    ck_assert_uint_eq(block_sectors(b), SECTORS);
    compare(b, 0, SECTORS);
    compare(b, 1953, 2);
    block_close(b);
}
END_TEST

START_TEST(written_only_in_a_snapshot)
{
    struct block_options options = {.snapshot = true};
    uint8_t data[SECTOR_SIZE];
    struct block *b;

    make_model();
    pack("a.gz", model, DISK, "wb1");
    image_refused("a.gz", false, "-snapshot");
    b = image_open_ok("a.gz", true);
    ck_assert(!block_write(b, 1, model, 1));
    block_close(b);
    b = block_open("a.gz", &options, NULL, NULL);
    ck_assert_ptr_nonnull(b);
    memset(model + 5000 * SECTOR_SIZE, 0x77, SECTOR_SIZE);
    memset(data, 0x77, sizeof data);
    ck_assert(block_write(b, 5000, data, 1));
    ck_assert(block_flush(b));
    compare(b, 4990, 20);
    block_close(b);
}
END_TEST

START_TEST(damaged)
{
    uint64_t bytes;
    uint8_t byte;

    make_model();
    pack("a.gz", model, DISK, "wb1");
    bytes = image_bytes("a.gz");
    image_peek("a.gz", bytes / 2, &byte, 1);
    byte ^= 0xFF;
    image_poke("a.gz", bytes / 2, &byte, 1);
    image_refused("a.gz", true, "damaged"); /* by its checksum, if by nothing else */
    unlink("a.gz");
    pack("a.gz", model, DISK, "wb1");
    for (int i = 0; i < 8; i++) {
        bytes -= 1 + bytes / 3;
        ck_assert_int_eq(truncate("a.gz", (off_t)bytes), 0);
        image_refused("a.gz", true, "cut off");
    }
    image_poke("b", 0, "\x1F\x8B\x08\xFF", 4);
    image_refused("b", true, "b");
    pack("c.gz", model, 0, "wb");
    image_refused("c.gz", true, "empty");
    pack("d.gz", (const uint8_t *)"QFI\xFB\0\0\0\3", 8, "wb");
    image_refused("d.gz", true, "packed qcow2");
}
END_TEST

/* A file that changes under it fails with an error. */
START_TEST(changed_while_open)
{
    struct block *b;
    static uint8_t data[SECTORS * SECTOR_SIZE];

    make_model();
    pack("a.gz", model, DISK, "wb1");
    b = image_open_ok("a.gz", true);
    ck_assert_int_eq(truncate("a.gz", 300000), 0);
    ck_assert(!block_read(b, 0, data, SECTORS));
    compare(b, 0, 10);
    block_close(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gzip");
    TCase *tc = tcase_create("gzip");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_in_any_order, 0, 4);
    tcase_add_test(tc, larger_than_the_cache);
    tcase_add_test(tc, several_members);
    tcase_add_test(tc, written_only_in_a_snapshot);
    tcase_add_test(tc, damaged);
    tcase_add_test(tc, changed_while_open);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
