/* Images as block devices: devices/block.c, image_raw.c, image_overlay.c, block_geometry.c. */
#define _GNU_SOURCE /* mkostemp */
#include "devices/block.h"

#include "ringer/error.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static void make_image(off_t bytes)
{
    int fd;

    snprintf(path, sizeof path, "/tmp/ringer-test-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, bytes), 0);
    close(fd);
}

static void poke(off_t offset, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY);

    ck_assert_int_eq(pwrite(fd, data, len, offset), (ssize_t)len);
    close(fd);
}

static uint8_t peek(off_t offset)
{
    uint8_t byte = 0xEE;
    int fd = open(path, O_RDONLY);

    ck_assert_int_eq(pread(fd, &byte, 1, offset), 1);
    close(fd);
    return byte;
}

static struct block *open_with(bool readonly, bool snapshot)
{
    struct block_options options = {.readonly = readonly, .snapshot = snapshot};
    struct error err = {""};
    struct block *b = block_open(path, &options, NULL, &err);

    ck_assert_msg(b, "%s", err.text);
    return b;
}

static void refused(const char *name, bool readonly, bool snapshot, const char *why)
{
    struct block_options options = {.readonly = readonly, .snapshot = snapshot};
    struct error err = {""};

    ck_assert_ptr_null(block_open(name, &options, NULL, &err));
    ck_assert_msg(strstr(err.text, name), "'%s' names no file", err.text);
    ck_assert_msg(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}

START_TEST(reads_what_was_written)
{
    uint8_t out[3 * SECTOR_SIZE], in[3 * SECTOR_SIZE];
    struct block *b;

    make_image(10 * SECTOR_SIZE);
    b = open_with(false, false);
    ck_assert_uint_eq(block_sectors(b), 10);
    ck_assert_str_eq(block_path(b), path);
    memset(out, 0x5A, sizeof out);
    ck_assert(block_write(b, 7, out, 3));
    ck_assert(block_flush(b));
    ck_assert(block_read(b, 7, in, 3));
    ck_assert_mem_eq(in, out, sizeof in);
    ck_assert_uint_eq(block_stats(b)->sectors_written, 3);
    ck_assert_uint_eq(block_stats(b)->flushes, 1);
    block_close(b);
    ck_assert_uint_eq(peek(7 * SECTOR_SIZE), 0x5A);
    ck_assert_uint_eq(peek(7 * SECTOR_SIZE - 1), 0);
    unlink(path);
}
END_TEST

START_TEST(respects_the_end)
{
    static uint8_t data[4 * SECTOR_SIZE];
    struct stat st;
    struct block *b;

    make_image(10 * SECTOR_SIZE);
    b = open_with(false, false);
    ck_assert(block_read(b, 10, data, 0));
    ck_assert(!block_read(b, 10, data, 1));
    ck_assert(!block_read(b, 8, data, 3));
    ck_assert(!block_write(b, UINT64_MAX, data, 1));
    ck_assert(!block_write(b, UINT64_MAX / SECTOR_SIZE + 1, data, 2));
    block_close(b);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 10 * SECTOR_SIZE);
    unlink(path);
}
END_TEST

START_TEST(pads_the_last_sector)
{
    uint8_t data[2 * SECTOR_SIZE];
    struct block *b;

    make_image(SECTOR_SIZE + 3);
    poke(SECTOR_SIZE, "abc", 3);
    b = open_with(false, false);
    ck_assert_uint_eq(block_sectors(b), 2);
    memset(data, 0xFF, sizeof data);
    ck_assert(block_read(b, 0, data, 2));
    ck_assert_mem_eq(data + SECTOR_SIZE, "abc", 4);
    ck_assert_uint_eq(data[2 * SECTOR_SIZE - 1], 0);
    memset(data, 7, sizeof data); /* written, it is a whole one */
    ck_assert(block_write(b, 1, data, 1));
    memset(data, 0, sizeof data);
    ck_assert(block_read(b, 1, data, 1));
    ck_assert_uint_eq(data[SECTOR_SIZE - 1], 7);
    block_close(b);
    unlink(path);
}
END_TEST

/* Behind a partial sector too, no sectors are no bytes. */
START_TEST(nothing_behind_the_padding)
{
    uint8_t data[SECTOR_SIZE + 1];
    struct block *b;

    make_image(SECTOR_SIZE + 3);
    b = open_with(false, false);
    memset(data, 0xFF, sizeof data);
    ck_assert(block_read(b, 2, data + SECTOR_SIZE, 0));
    for (int i = 0; i < SECTOR_SIZE; i++)
        ck_assert_uint_eq(data[i], 0xFF);
    block_close(b);
    unlink(path);
}
END_TEST

START_TEST(snapshot_leaves_the_file_alone)
{
    uint8_t data[4 * SECTOR_SIZE], back[4 * SECTOR_SIZE];
    struct block *b;

    make_image(20 * SECTOR_SIZE);
    chmod(path, 0444);
    b = open_with(false, true);
    ck_assert(!block_readonly(b));
    memset(data, 0x33, sizeof data);
    ck_assert(block_write(b, 7, data, 1));
    ck_assert(block_write(b, 9, data, 1));
    ck_assert(block_flush(b));
    ck_assert(block_read(b, 6, back, 4)); /* file, overlay, file, overlay */
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(back[i * SECTOR_SIZE + 5], i & 1 ? 0x33 : 0);
    block_close(b);
    ck_assert_uint_eq(peek(7 * SECTOR_SIZE), 0);
    unlink(path);
}
END_TEST

START_TEST(snapshot_needs_a_place)
{
    make_image(SECTOR_SIZE);
    setenv("TMPDIR", "/nonexistent", 1);
    {
        struct block_options options = {.snapshot = true};
        struct error err = {""};

        ck_assert_ptr_null(block_open(path, &options, NULL, &err));
        ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent"));
        ck_assert_ptr_nonnull(strstr(err.text, "TMPDIR"));
    }
    unsetenv("TMPDIR");
    block_close(open_with(false, false)); /* and the file's lock is gone */
    unlink(path);
}
END_TEST

START_TEST(readonly_refuses_writes)
{
    uint8_t data[SECTOR_SIZE] = {1};
    struct block *b;

    make_image(SECTOR_SIZE);
    b = open_with(true, false);
    ck_assert(block_readonly(b));
    ck_assert(!block_write(b, 0, data, 1));
    ck_assert(block_flush(b));
    block_close(b);
    ck_assert_uint_eq(peek(0), 0);
    unlink(path);
}
END_TEST

START_TEST(locks)
{
    struct block *writer, *reader, *other;

    make_image(SECTOR_SIZE);
    writer = open_with(false, false);
    refused(path, false, false, "in use");
    refused(path, true, false, "in use");
    refused(path, false, true, "in use");
    block_close(writer);
    reader = open_with(true, false);
    other = open_with(false, true);
    refused(path, false, false, "in use");
    block_close(reader);
    block_close(other);
    block_close(open_with(false, false));
    unlink(path);
}
END_TEST

/* QEMU's and qemu-img's readers and ours live side by side; its writers keep ours out, and we them.
 * They tell of themselves by shared locks on single bytes. */
static bool qemu_lock(int fd, int command, off_t byte, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, command, &l) == 0 && (command != F_OFD_GETLK || l.l_type == F_UNLCK);
}

START_TEST(locks_as_qemu_has_them)
{
    enum { READS = 100, WRITES = 101, NO_READERS = 200, NO_WRITERS = 201 };
    make_image(SECTOR_SIZE);
    int fd = open(path, O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert(qemu_lock(fd, F_OFD_SETLK, READS, F_RDLCK));
    ck_assert(qemu_lock(fd, F_OFD_SETLK, NO_WRITERS, F_RDLCK));
    struct block *reader = open_with(true, false);
    ck_assert(qemu_lock(fd, F_OFD_GETLK, NO_READERS, F_WRLCK));
    ck_assert(!qemu_lock(fd, F_OFD_GETLK, NO_WRITERS, F_WRLCK));
    refused(path, false, false, "in use");
    block_close(reader);
    ck_assert(qemu_lock(fd, F_OFD_SETLK, WRITES, F_RDLCK));
    refused(path, true, false, "in use");
    refused(path, false, true, "in use");
    close(fd);
    block_close(open_with(false, false));
    unlink(path);
}
END_TEST

START_TEST(bad_files)
{
    refused("/nonexistent/image", false, false, "does not exist");
    refused("/tmp", false, false, "directory");
    refused("/tmp", true, false, "directory");
    refused("/dev/null", true, false, "no disk image");
    make_image(0);
    refused(path, false, false, "empty");
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    refused(path, true, false, "no disk image"); /* and is not waited for */
    refused(path, false, false, "no disk image");
    unlink(path);
}
END_TEST

START_TEST(floppy_sizes)
{
    static const unsigned sizes_kb[] = {160,  180,  320,  360,  410,  420,  720,  800,  820,  830,
                                        1040, 1120, 1200, 1440, 1476, 1494, 1600, 1680, 1722, 1743,
                                        1760, 1840, 1920, 2880, 3120, 3200, 3520, 3840};
    struct geometry g;

    for (unsigned i = 0; i < sizeof sizes_kb / sizeof *sizes_kb; i++) {
        ck_assert(floppy_geometry(sizes_kb[i] * 2, &g));
        ck_assert_uint_eq(g.cylinders * g.heads * g.sectors, sizes_kb[i] * 2);
    }
    ck_assert(floppy_geometry(2880, &g));
    ck_assert_uint_eq(g.cylinders, 80);
    ck_assert_uint_eq(g.heads, 2);
    ck_assert_uint_eq(g.sectors, 18);
    ck_assert(floppy_geometry(320, &g));
    ck_assert_uint_eq(g.heads, 1);
    ck_assert(!floppy_geometry(0, &g));
    ck_assert(!floppy_geometry(2879, &g));
    ck_assert(!floppy_geometry(2048, &g));
    ck_assert(!floppy_geometry(UINT64_MAX, &g));
}
END_TEST

static struct geometry geometry_of(off_t sectors, const uint8_t *entry)
{
    struct geometry g;
    struct block *b;

    make_image(sectors * SECTOR_SIZE);
    if (entry) {
        poke(446, entry, 16);
        poke(510, "\x55\xAA", 2);
    }
    b = open_with(true, false);
    disk_geometry(b, &g);
    block_close(b);
    unlink(path);
    return g;
}

START_TEST(disk_geometries)
{
    /* 17 sectors, 4 heads: from 0/1/1 (17) to 614/3/17 */
    static const uint8_t old[16] = {0x80, 1, 1, 0, 4,    3,    0x80 | 17, 0x66,
                                    17,   0, 0, 0, 0x4B, 0xA3, 0,         0};
    /* LBA translation: 63 sectors, 255 heads, beyond cylinder 1023 */
    static const uint8_t large[16] = {0,  1, 1, 0, 12, 254, 0xFF, 0xFF,
                                      63, 0, 0, 0, 0,  0,   0x00, 0x02};
    static const uint8_t nonsense[16] = {0, 9, 1, 9, 12, 254, 3, 0xFF, 63, 1, 0, 0, 0, 0, 4, 0};
    struct geometry g = geometry_of(41820, old);

    ck_assert_uint_eq(g.heads, 4);
    ck_assert_uint_eq(g.sectors, 17);
    ck_assert_uint_eq(g.cylinders, 615);
    g = geometry_of(40000000, large);
    ck_assert_uint_eq(g.heads, 255);
    ck_assert_uint_eq(g.sectors, 63);
    g = geometry_of(40000000, nonsense);
    ck_assert_uint_eq(g.heads, 16);
    ck_assert_uint_eq(g.cylinders, 16383);
    g = geometry_of(1, NULL);
    ck_assert_uint_eq(g.cylinders, 1);
}
END_TEST

/* The sectors a track of an image of SECTORS; 0 when it is no floppy. */
static unsigned track_of(off_t sectors, const uint8_t *boot, size_t len)
{
    static const uint8_t signature[2] = {0x55, 0xAA};
    struct geometry g = {0};
    struct block *b;

    make_image(sectors * SECTOR_SIZE);
    if (boot) {
        poke(0x0B, boot, len);
        poke(510, signature, 2);
    }
    b = open_with(true, false);
    if (!floppy_media(b, &g))
        g.sectors = 0;
    block_close(b);
    unlink(path);
    return g.sectors;
}

START_TEST(shortened_floppies)
{
    /* bytes a sector, ..., total at 13h, sectors a track at 18h, heads at 1Ah */
    static const uint8_t dos720[17] = {0, 2, 2, 1, 0, 2, 112, 0, 0xA0, 5, 0xF9, 3, 0, 9, 0, 2, 0};
    static const uint8_t liar[17] = {0, 2, 2, 1, 0, 2, 112, 0, 0xA0, 5, 0xF9, 3, 0, 18, 0, 2, 0};
    static const uint8_t none[17];

    ck_assert_uint_eq(track_of(1440, NULL, 0), 9);
    ck_assert_uint_eq(track_of(2532, NULL, 0), 0); /* anything, and not bootable */
    ck_assert_uint_eq(track_of(2532, none, sizeof none), 18);
    ck_assert_uint_eq(track_of(3000, none, sizeof none), 36);
    ck_assert_uint_eq(track_of(5761, none, sizeof none), 0);
    ck_assert_uint_eq(track_of(700, dos720, sizeof dos720), 9);
    ck_assert_uint_eq(track_of(700, liar, sizeof liar), 18);
}
END_TEST

static struct geometry translation_of(off_t sectors)
{
    struct geometry g;
    struct block *b;

    make_image(0);
    ck_assert_int_eq(truncate(path, sectors * SECTOR_SIZE), 0);
    b = open_with(true, false);
    disk_translation(b, &g);
    block_close(b);
    unlink(path);
    return g;
}

/* Heads are doubled so that CHS reaches as far as it can. */
START_TEST(disk_translations)
{
    static const struct {
        off_t sectors;
        uint32_t cylinders, heads;
    } cases[] = {
        {63 * 16 * 100, 100, 16},         {63 * 16 * 1024, 1024, 16}, {63 * 16 * 1024 + 63, 512, 32},
        {63 * 32 * 1024, 1024, 32},       {63 * 64 * 1024, 1024, 64},     {63 * 128 * 1024, 1024, 128},
        {63 * 128 * 1024 + 63, 514, 255}, {40000000, 1024, 255},      {1, 1, 16},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct geometry g = translation_of(cases[i].sectors);

        ck_assert_uint_eq(g.sectors, 63);
        ck_assert_msg(g.heads == cases[i].heads, "case %u: %u heads", i, g.heads);
        ck_assert_msg(g.cylinders == cases[i].cylinders, "case %u: %u cylinders", i, g.cylinders);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *tc = tcase_create("block");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, reads_what_was_written);
    tcase_add_test(tc, respects_the_end);
    tcase_add_test(tc, pads_the_last_sector);
    tcase_add_test(tc, nothing_behind_the_padding);
    tcase_add_test(tc, snapshot_leaves_the_file_alone);
    tcase_add_test(tc, snapshot_needs_a_place);
    tcase_add_test(tc, readonly_refuses_writes);
    tcase_add_test(tc, locks);
    tcase_add_test(tc, locks_as_qemu_has_them);
    tcase_add_test(tc, bad_files);
    tcase_add_test(tc, floppy_sizes);
    tcase_add_test(tc, disk_geometries);
    tcase_add_test(tc, disk_translations);
    tcase_add_test(tc, shortened_floppies);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
