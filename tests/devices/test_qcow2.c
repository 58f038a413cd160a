/* qcow2 images: devices/image_qcow2*.c, against a model in memory and against qemu-img. */
#define _GNU_SOURCE
#include "devices/block.h"

#include "image_rig.h"
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DISK = 3 << 20, SECTORS = DISK / SECTOR_SIZE };

static uint8_t model[DISK];

static const struct image_layout plain = {3, 16, 4, DISK};

/* What a test may need and what stands for "the file is right". */
static bool no_qemu_img(void)
{
    static const char why[] = "SKIP a part of devices/test_qcow2: qemu-img is not installed\n";

    if (image_have("qemu-img"))
        return false;
    return write(STDOUT_FILENO, why, sizeof why - 1) > 0;
}

static void check_clean(const char *name)
{
    if (image_have("qemu-img"))
        ck_assert_msg(image_run("qemu-img check %s", name) == 0, "qemu-img check %s", name);
}

/* Leaks (status 3) are allowed. */
static void check_leaks_only(const char *name)
{
    int status;

    if (!image_have("qemu-img"))
        return;
    status = image_run("qemu-img check %s", name);
    ck_assert_msg(status == 0 || status == 3, "qemu-img check: %d", status);
}

static void compare(struct block *b)
{
    static uint8_t data[DISK];

    memset(data, 0xEE, sizeof data);
    ck_assert(block_read(b, 0, data, SECTORS));
    for (unsigned i = 0; i < SECTORS; i++)
        ck_assert_msg(!memcmp(data + i * 512, model + i * 512, 512), "sector %u differs", i);
}

static void compare_with_qemu_img(const char *name)
{
    if (!image_have("qemu-img"))
        return;
    image_poke("model.raw", 0, model, sizeof model);
    ck_assert_int_eq(image_run("qemu-img compare -f raw -F qcow2 model.raw %s", name), 0);
}

static void write_random(struct block *b, uint32_t *state, unsigned times)
{
    while (times--) {
        uint32_t lba = image_random(state) % SECTORS, most = 1u << image_random(state) % 11;
        uint32_t count = 1 + image_random(state) % most;

        if (count > SECTORS - lba)
            count = SECTORS - lba;
        image_fill(model + lba * SECTOR_SIZE, count * SECTOR_SIZE, image_random(state));
        ck_assert(block_write(b, lba, model + lba * SECTOR_SIZE, count));
        if (image_random(state) % 16 == 0)
            ck_assert(block_flush(b));
    }
}

/* Write, compare, close, open again, compare. */
static void exercise(const char *name, uint32_t seed, unsigned times)
{
    struct block *b = image_open_ok(name, false);

    ck_assert_str_eq(block_format(b), "qcow2");
    ck_assert_uint_eq(block_sectors(b), SECTORS);
    compare(b);
    write_random(b, &seed, times);
    compare(b);
    block_close(b);
    b = image_open_ok(name, true);
    compare(b);
    block_close(b);
}

/* The same, and qemu-img finds nothing wrong and the same data. */
static void exercise_and_check(const char *name, uint32_t seed, unsigned times)
{
    exercise(name, seed, times);
    check_clean(name);
    compare_with_qemu_img(name);
}

START_TEST(empty_image_is_zeros)
{
    memset(model, 0, sizeof model);
    image_make_qcow2("a", &plain);
    exercise_and_check("a", 1, 0);
}
END_TEST

/* Version, cluster size, width of the reference counts. */
static const struct image_layout layouts[] = {
    {2, 16, 4, DISK}, {3, 16, 4, DISK}, {2, 9, 4, DISK},  {3, 9, 0, DISK},  {3, 9, 6, DISK},
    {3, 10, 1, DISK}, {3, 12, 2, DISK}, {3, 12, 3, DISK}, {3, 14, 5, DISK}, {3, 21, 4, DISK},
};

START_TEST(layouts_of_all_sizes)
{
    memset(model, 0, sizeof model);
    image_make_qcow2("a", &layouts[_i]);
    exercise("a", (uint32_t)_i, 60);
    exercise_and_check("a", (uint32_t)_i + 100, 60);
}
END_TEST

/* Small clusters fill the reference count table: 8 MB of file with 16-bit counts. */
START_TEST(reference_count_table_grows)
{
    static uint8_t data[64 * SECTOR_SIZE], back[64 * SECTOR_SIZE];
    const struct image_layout layout = {3, 9, 6, 16 << 20};
    struct block *b;

    image_make_qcow2("a", &layout);
    b = image_open_ok("a", false);
    for (uint32_t lba = 0; lba < layout.size / 512; lba += 64) {
        image_fill(data, sizeof data, lba);
        ck_assert(block_write(b, lba, data, 64));
    }
    for (uint32_t lba = 0; lba < layout.size / 512; lba += 64) {
        image_fill(data, sizeof data, lba);
        ck_assert(block_read(b, lba, back, 64));
        ck_assert_mem_eq(data, back, sizeof data);
    }
    block_close(b);
    ck_assert_uint_gt(image_peek64("a", 48), 512); /* it has moved */
    check_clean("a");
}
END_TEST

static void make_raw_base(const char *name, uint32_t bytes)
{
    memset(model, 0, sizeof model);
    image_fill(model, bytes, 77);
    image_poke(name, 0, model, bytes);
}

/* Put a backing file's name into an image made by hand. */
static void set_backing(const char *name, const char *backing)
{
    static const uint8_t end[8];
    uint8_t len[4] = {0, 0, 0, (uint8_t)strlen(backing)};

    image_poke(name, 104, end, sizeof end);
    image_poke(name, 112, backing, strlen(backing));
    image_poke64(name, 8, 112);
    image_poke(name, 16, len, 4);
}

START_TEST(backing_files)
{
    uint8_t before[4096], after[4096];

    make_raw_base("base", 1000 * 1024 + 512); /* shorter than the disk, no whole cluster */
    image_peek("base", 500000, before, sizeof before);
    image_make_qcow2("middle", &plain);
    set_backing("middle", "base");
    exercise("middle", 5, 20);
    image_make_qcow2("top", &plain);
    set_backing("top", "file:./middle");
    exercise_and_check("top", 6, 20);
    image_peek("base", 500000, after, sizeof after);
    ck_assert_mem_eq(before, after, sizeof before);
}
END_TEST

START_TEST(backing_files_that_are_wrong)
{
    image_make_qcow2("a", &plain);
    set_backing("a", "a");
    image_refused("a", true, "its own backing file");
    image_refused("a", false, "its own backing file");
    image_make_qcow2("b", &plain);
    set_backing("b", "./c");
    image_make_qcow2("c", &plain);
    set_backing("c", "b");
    image_refused("b", true, "its own backing file");
    set_backing("c", "gone");
    ck_assert_ptr_null(block_open("c", NULL, NULL, NULL));
    set_backing("c", "json:{}");
    image_refused("c", true, "neither a file nor an NBD export");
    set_backing("c", "x\ny");
    image_refused("c", true, "control characters");
    image_poke64("c", 8, 65535);
    image_refused("c", true, "name is not in the header");
}
END_TEST

START_TEST(long_chains_end)
{
    const struct image_layout layout = {3, 12, 4, DISK};
    char name[16], next[16];

    for (int i = 0; i < 80; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(next, sizeof next, "n%d", i + 1);
        image_make_qcow2(name, &layout);
        set_backing(name, next);
    }
    ck_assert_ptr_null(block_open("n0", NULL, NULL, NULL));
    image_make_qcow2("n20", &layout); /* without a backing file */
    block_close(image_open_ok("n0", false));
}
END_TEST

/* Compressed clusters, zero clusters, internal snapshots and lazy counts, all made by qemu-img. */
START_TEST(made_by_qemu_img)
{
    static const char *const made[] = {
        "qemu-img convert -c -O qcow2 model.raw a",
        "qemu-img convert -c -O qcow2 -o cluster_size=4k,compat=0.10 model.raw a",
        "qemu-img convert -c -O qcow2 -o compression_type=zstd model.raw a",
        "qemu-img convert -c -O qcow2 -o compression_type=zstd,cluster_size=2M model.raw a",
        "qemu-img convert -O qcow2 model.raw a && qemu-img snapshot -c one a",
        "qemu-img convert -c -O qcow2 -o cluster_size=1k model.raw a && qemu-img snapshot -c 1 a "
        "&& "
        "qemu-img snapshot -c 2 a",
        "qemu-img convert -O qcow2 -o lazy_refcounts=on model.raw a",
        "qemu-img convert -O qcow2 -o preallocation=metadata model.raw a",
    };

    if (no_qemu_img())
        return;
    memset(model, 0, sizeof model);
    image_fill(model, 1 << 20, 3);
    memset(model + 400000, 7, 200000); /* something to compress */
    image_poke("model.raw", 0, model, sizeof model);
    ck_assert_int_eq(image_run("%s", made[_i]), 0);
    exercise("a", (uint32_t)_i, 25);
    exercise_and_check("a", (uint32_t)_i + 50, 25);
}
END_TEST

/* A bitmap that is not kept up to date is marked as such; its clusters are leaked by that. */
START_TEST(bitmaps_become_stale)
{
    if (no_qemu_img())
        return;
    memset(model, 0, sizeof model);
    ck_assert_int_eq(image_run("qemu-img create -f qcow2 a 3M && qemu-img bitmap --add a b"), 0);
    ck_assert_uint_eq(image_peek64("a", 88), 1);
    exercise("a", 1, 0);
    ck_assert_uint_eq(image_peek64("a", 88), 1); /* opened, but not written */
    exercise("a", 1, 10);
    ck_assert_uint_eq(image_peek64("a", 88), 0);
    check_leaks_only("a");
    compare_with_qemu_img("a");
}
END_TEST

START_TEST(snapshots_stay_as_they_are)
{
    struct block *b;
    uint32_t seed = 9;
    static uint8_t old[DISK];

    if (no_qemu_img())
        return;
    memset(model, 0, sizeof model);
    image_fill(model, DISK / 2, 11);
    memcpy(old, model, sizeof old);
    image_poke("model.raw", 0, model, sizeof model);
    ck_assert_int_eq(image_run("qemu-img convert -O qcow2 model.raw a; qemu-img snapshot -c s a"),
                     0);
    b = image_open_ok("a", false);
    write_random(b, &seed, 60);
    block_close(b);
    check_clean("a");
    compare_with_qemu_img("a");
    ck_assert_int_eq(image_run("qemu-img snapshot -a s a"), 0);
    memcpy(model, old, sizeof model);
    compare_with_qemu_img("a");
}
END_TEST

/* Zero clusters: flag bit 0 of an L2 entry. */
START_TEST(zero_clusters)
{
    struct block *b;
    uint8_t data[SECTOR_SIZE];
    uint64_t table;

    make_raw_base("base", DISK);
    image_make_qcow2("a", &plain);
    set_backing("a", "base");
    b = image_open_ok("a", false);
    image_fill(data, sizeof data, 1);
    ck_assert(block_write(b, 0, data, 1)); /* makes the L2 table */
    memcpy(model, data, sizeof data);
    block_close(b);
    table = image_peek64("a", 3 << 16) & 0xFFFFFFFFFFFE00;
    image_poke64("a", table + 8, 1);
    memset(model + 65536, 0, 65536);
    exercise("a", 4, 0);
    exercise_and_check("a", 4, 30);
}
END_TEST

/* A dirty image whose counts are all wrong is put right. */
START_TEST(dirty_images_are_counted_again)
{
    static uint8_t zeros[65536];
    const struct image_layout layout = {3, 12, 4, DISK};
    struct block *b;

    memset(model, 0, sizeof model);
    image_make_qcow2("a", &layout);
    exercise("a", 1, 40);
    image_poke("a", 2 * 4096 + 8, zeros, 4096 - 8); /* all but the tables' own */
    image_poke64("a", 72, 1);
    b = image_open_ok("a", true); /* for reading, it does not matter */
    compare(b);
    block_close(b);
    ck_assert_uint_eq(image_peek64("a", 72), 1);
    exercise_and_check("a", 2, 40);
    ck_assert_uint_eq(image_peek64("a", 72), 0);
}
END_TEST

/* --- bad input --- */

struct damage {
    uint64_t offset, value;
    const char *why;
};

static const struct damage damages[] = {
    {0, 0x514649FB00000001, "qcow"},
    {0, 0x514649FB00000004, "qcow"},
    {16, 0x0000000000000016, "cluster size"},
    {16, 0x0000000000000008, "cluster size"},
    {16, 0x00000000FFFFFFFF, "cluster size"},
    {24, 0, "no size"},
    {24, UINT64_MAX, "impossibly large"},
    {24, 1ull << 40, "too small"},
    {32, 0x0000000100000001, "encrypted"},
    {32, 0x00000000FFFFFFFF, "too large"},
    {40, 0, "L1 table"},
    {40, 0x30001, "L1 table"},
    {40, 1ull << 40, "L1 table"},
    {40, UINT64_MAX & ~65535ull, "L1 table"},
    {48, 1ull << 50, "reference count table"},
    {48, 0x10200, "reference count table"},
    {56, 0xFFFFFFFF00000000, "wrong size"},
    {56, 0, "wrong size"},
    {56, 0x00000001FFFFFFFF, "snapshots"},
    {56, 0x0000000100000001, "snapshot table"},
    {72, 1ull << 63, "bit 63"},
    {72, 1ull << 2, "external data file"},
    {72, 1ull << 4, "extended L2"},
    {96, 0x0000000700000068, "reference counts"},
    {96, 0x0000000400000067, "wrong length"},
    {96, 0x00000004FFFFFFF8, "header"},
    {104, 0xE2792ACAFFFFFFFF, "extension"},
    {8, UINT64_MAX, "backing"},
};

START_TEST(damaged_headers)
{
    const struct damage *d = &damages[_i];
    bool both = d->offset != 0;

    image_make_qcow2("a", &plain);
    image_poke64("a", d->offset, d->value);
    image_refused("a", true, d->why);
    if (both)
        image_refused("a", false, d->why);
}
END_TEST

START_TEST(damaged_for_writing)
{
    /* An L2 table in the header, twice the same, beyond the end; the corrupt bit. */
    static const struct damage all[] = {{3 << 16, 0, ""},
                                        {3 << 16, 1 << 16 | 1ull << 63, "overlaps"},
                                        {3 << 16, 1ull << 40 | 1ull << 63, "not in the file"},
                                        {1 << 16, 3 << 16, "overlaps"},
                                        {1 << 16, 1ull << 50, "not in the file"},
                                        {72, 2, "marked as corrupt"}};

    image_make_qcow2("a", &plain);
    image_poke64("a", all[_i].offset, all[_i].value);
    if (*all[_i].why)
        image_refused("a", false, all[_i].why);
    block_close(image_open_ok("a", true));
}
END_TEST

START_TEST(truncated_at_any_length)
{
    struct block *b;
    uint64_t bytes;
    static uint8_t data[DISK];

    memset(model, 0, sizeof model);
    image_make_qcow2("a", &layouts[6]);
    exercise("a", 1, 10);
    bytes = image_bytes("a");
    while (bytes > 1) {
        struct block_options options = {.readonly = bytes % 3 != 0};

        bytes -= bytes > 20000 ? bytes / 7 : bytes / 50 + 1;
        ck_assert_int_eq(truncate("a", (off_t)bytes), 0);
        b = block_open("a", &options, NULL, NULL);
        if (!b)
            continue;
        (void)!block_read(b, 0, data,
                          block_sectors(b) < SECTORS ? (uint32_t)block_sectors(b) : SECTORS);
        block_close(b);
    }
}
END_TEST

/* Tables with arbitrary entries: anything may fail, nothing may crash or run for ever. */
START_TEST(arbitrary_tables)
{
    uint32_t seed = (uint32_t)_i;
    static uint8_t data[64 * SECTOR_SIZE];

    memset(model, 0, sizeof model);
    for (int round = 0; round < 25; round++) {
        struct block_options options = {.readonly = round % 2};
        struct block *b;
        uint64_t bytes;

        if (round % 5 == 0) {
            image_make_qcow2("a", &layouts[6]);
            b = image_open_ok("a", false);
            write_random(b, &seed, 10);
            block_close(b);
        }
        bytes = image_bytes("a");
        for (int i = 0; i < 4; i++) { /* anything but the header */
            uint64_t where = 4096 + image_random(&seed) % (bytes - 4104);
            uint64_t value = (uint64_t)image_random(&seed) << (image_random(&seed) % 48);

            image_poke64("a", where & ~7ull, value << 9 | (uint64_t)image_random(&seed) << 62);
        }
        b = block_open("a", &options, NULL, NULL);
        for (int i = 0; b && i < 40; i++) {
            uint64_t lba = image_random(&seed) % (SECTORS - 64);

            if (image_random(&seed) % 2)
                (void)!block_read(b, lba, data, 64);
            else
                (void)!block_write(b, lba, data, 64);
        }
        block_close(b);
        ck_assert_uint_lt(image_bytes("a"), 64 << 20);
    }
}
END_TEST

/* The host's limit on file sizes stands in for a full file system. */
static void write_until_full(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    struct block *b = block_open("a", NULL, NULL, NULL);
    uint8_t data[SECTOR_SIZE] = {1};
    bool failed = false;

    signal(SIGXFSZ, SIG_IGN);
    if (!b || setrlimit(RLIMIT_FSIZE, &limit) < 0)
        _exit(2);
    for (uint32_t lba = 0; lba < SECTORS; lba += 128)
        failed |= !block_write(b, lba, data, 1);
    block_close(b);
    _exit(failed ? 0 : 1);
}

START_TEST(a_full_disk_is_an_error_not_damage)
{
    struct block *b;
    uint8_t data[SECTOR_SIZE];
    int status;
    pid_t child;

    image_make_qcow2("a", &plain);
    child = fork();
    if (!child)
        write_until_full();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    check_clean("a");
    b = image_open_ok("a", true);
    ck_assert(block_read(b, 0, data, 1));
    ck_assert_uint_eq(data[0], 1);
    block_close(b);
}
END_TEST

START_TEST(locked_against_a_second_writer)
{
    struct block *b;

    image_make_qcow2("a", &plain);
    b = image_open_ok("a", false);
    image_refused("a", false, "in use");
    image_refused("a", true, "in use");
    if (image_have("qemu-img"))
        ck_assert_int_ne(image_run("qemu-img check a"), 0);
    block_close(b);
    block_close(image_open_ok("a", false));
}
END_TEST

/* A guest must not turn its raw disk into something else. */
START_TEST(raw_stays_raw)
{
    static const uint8_t zeros[4096];
    uint8_t data[SECTOR_SIZE] = "QFI\xFB\0\0\0\3";
    struct block_options options = {.format = "raw"};
    struct block *b;

    image_poke("a", 0, zeros, sizeof zeros);
    b = image_open_ok("a", false);
    ck_assert_str_eq(block_format(b), "raw");
    ck_assert(!block_write(b, 0, data, 1));
    ck_assert(block_write(b, 1, data, 1));
    block_close(b);
    b = block_open("a", &options, NULL, NULL);
    ck_assert(block_write(b, 0, data, 1));
    block_close(b);
    image_refused("a", false, "damaged"); /* now it says that it is qcow2 */
    b = block_open("a", &options, NULL, NULL);
    ck_assert_str_eq(block_format(b), "raw");
    block_close(b);
    options.format = "vmdk";
    ck_assert_ptr_null(block_open("a", &options, NULL, NULL));
    image_poke("a", 0, "KDMV", 4);
    image_refused("a", false, "VMDK");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qcow2");
    TCase *tc = tcase_create("qcow2");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, empty_image_is_zeros);
    tcase_add_loop_test(tc, layouts_of_all_sizes, 0, sizeof layouts / sizeof *layouts);
    tcase_add_test(tc, reference_count_table_grows);
    tcase_add_test(tc, backing_files);
    tcase_add_test(tc, backing_files_that_are_wrong);
    tcase_add_test(tc, long_chains_end);
    tcase_add_loop_test(tc, made_by_qemu_img, 0, 8);
    tcase_add_test(tc, bitmaps_become_stale);
    tcase_add_test(tc, snapshots_stay_as_they_are);
    tcase_add_test(tc, zero_clusters);
    tcase_add_test(tc, dirty_images_are_counted_again);
    tcase_add_loop_test(tc, damaged_headers, 0, sizeof damages / sizeof *damages);
    tcase_add_loop_test(tc, damaged_for_writing, 0, 6);
    tcase_add_test(tc, truncated_at_any_length);
    tcase_add_loop_test(tc, arbitrary_tables, 0, 4);
    tcase_add_test(tc, a_full_disk_is_an_error_not_damage);
    tcase_add_test(tc, locked_against_a_second_writer);
    tcase_add_test(tc, raw_stays_raw);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
