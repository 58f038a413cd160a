/* What the host fails to carry out, and what werror= and rerror= make of it. */
#define _GNU_SOURCE
#include "devices/block.h"

#include "image_rig.h"
#include "ringer/error.h"
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DISK = 1 << 20, SECTORS = DISK / SECTOR_SIZE, LATE = SECTORS - 1 };

/* Every test is a process of its own: limits and mounts are, too. */
static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* How many of the coming syncs fail. */
static unsigned bad_syncs;

/* Stands before the C library's. */
int fdatasync(int fd)
{
    if (bad_syncs && bad_syncs--) {
        errno = bad_syncs & 1 ? EIO : EINTR;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* What the machine would be told of. */
struct told {
    unsigned times, mended_after; /* it is better after so many; 0: never */
    bool write;
    enum block_action action;
    int error;
    void (*mend)(void);
};

static bool failed(void *opaque, struct block *b, bool write, enum block_action action)
{
    struct told *t = opaque;

    (void)b;
    t->error = errno;
    t->write = write;
    t->action = action;
    if (++t->times != t->mended_after)
        return t->mended_after > t->times;
    t->mend();
    return true;
}

static struct block *open_with(enum block_policy read, enum block_policy write, struct told *t)
{
    const struct block_options options = {
        .format = "raw", .on_read_error = read, .on_write_error = write};
    struct error err = {""};
    struct block *b = block_open("a", &options, NULL, &err);

    ck_assert_msg(b, "%s", err.text);
    block_on_error(b, failed, t);
    return b;
}

static void make_disk(void)
{
    ck_assert_int_eq(image_run("truncate -s %d a", DISK), 0);
}

static void no_limit(void)
{
    limit_files(RLIM_INFINITY);
}

static void whole_again(void)
{
    ck_assert_int_eq(truncate("a", DISK), 0);
}

START_TEST(writes_that_fail)
{
    static const struct {
        enum block_policy policy;
        enum block_action action;
        bool ok;
    } cases[] = {
        {BLOCK_ON_ERROR_REPORT, BLOCK_REPORT, false},
        {BLOCK_ON_ERROR_IGNORE, BLOCK_IGNORE, true},
        {BLOCK_ON_ERROR_STOP, BLOCK_STOP, false}, /* nobody mends it */
        {BLOCK_ON_ERROR_ENOSPC, BLOCK_REPORT, false},
    };
    uint8_t data[SECTOR_SIZE] = {1};

    make_disk();
    limit_files(DISK / 2);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct told t = {0};
        struct block *b = open_with(BLOCK_ON_ERROR_REPORT, cases[i].policy, &t);

        ck_assert(block_write(b, 0, data, 1));
        ck_assert_uint_eq(t.times, 0);
        ck_assert_int_eq(block_write(b, LATE, data, 1), cases[i].ok);
        ck_assert_uint_eq(t.times, 1);
        ck_assert(t.write);
        ck_assert_int_eq(t.error, EFBIG);
        ck_assert_int_eq(t.action, cases[i].action);
        ck_assert_uint_eq(block_stats(b)->failed_writes, 1);
        block_close(b);
    }
}
END_TEST

START_TEST(a_write_is_tried_again)
{
    struct told t = {.mended_after = 3, .mend = no_limit};
    uint8_t data[SECTOR_SIZE], back[SECTOR_SIZE];

    make_disk();
    image_fill(data, sizeof data, 7);
    struct block *b = open_with(BLOCK_ON_ERROR_REPORT, BLOCK_ON_ERROR_STOP, &t);
    limit_files(DISK / 2);
    ck_assert(block_write(b, LATE, data, 1));
    ck_assert_uint_eq(t.times, 3);
    ck_assert(block_read(b, LATE, back, 1));
    ck_assert_mem_eq(data, back, sizeof back);
    block_close(b);
}
END_TEST

/* A file that shrinks under us: no SIGBUS, no old data. */
START_TEST(reads_that_fail)
{
    uint8_t data[2 * SECTOR_SIZE];
    static const uint8_t zeros[sizeof data];
    struct told t = {0};
    struct block *b;

    make_disk();
    b = open_with(BLOCK_ON_ERROR_REPORT, BLOCK_ON_ERROR_STOP, &t);
    ck_assert_int_eq(truncate("a", DISK / 2 + SECTOR_SIZE), 0);
    ck_assert(block_read(b, SECTORS / 2 - 1, data, 2));
    ck_assert(!block_read(b, SECTORS / 2, data, 2));
    ck_assert_uint_eq(t.times, 1);
    ck_assert(!t.write);
    ck_assert_int_eq(t.action, BLOCK_REPORT);
    ck_assert_int_eq(t.error, EIO);
    block_close(b);

    whole_again();
    b = open_with(BLOCK_ON_ERROR_IGNORE, BLOCK_ON_ERROR_STOP, &t);
    ck_assert_int_eq(truncate("a", 0), 0);
    memset(data, 1, sizeof data);
    ck_assert(block_read(b, 5, data, 2));
    ck_assert_mem_eq(data, zeros, sizeof data);
    block_close(b);

    whole_again();
    t = (struct told){.mended_after = 2, .mend = whole_again};
    b = open_with(BLOCK_ON_ERROR_STOP, BLOCK_ON_ERROR_REPORT, &t);
    ck_assert_int_eq(truncate("a", 0), 0);
    ck_assert(block_read(b, 5, data, 2));
    ck_assert_uint_eq(t.times, 2);
    block_close(b);
}
END_TEST

/* What the host lost it does not get back by being asked again; a signal is no loss. */
START_TEST(flushes_that_fail)
{
    static const struct image_layout layout = {
        .version = 3, .cluster_bits = 16, .refcount_order = 4, .size = DISK};
    uint8_t data[SECTOR_SIZE] = {1};

    for (int qcow2 = 0; qcow2 < 2; qcow2++) {
        const struct block_options options = {.on_write_error = BLOCK_ON_ERROR_STOP};
        struct told t = {.mended_after = 3, .mend = no_limit};
        struct block *b;

        if (qcow2)
            image_make_qcow2("a", &layout);
        else
            make_disk();
        b = block_open("a", &options, NULL, NULL);
        ck_assert_ptr_nonnull(b);
        block_on_error(b, failed, &t);
        ck_assert(block_write(b, 0, data, 1));
        bad_syncs = 1; /* EINTR */
        ck_assert(block_flush(b));
        ck_assert_uint_eq(t.times, 0);
        ck_assert(block_write(b, 0, data, 1));
        bad_syncs = 2; /* EIO, and one that would be well */
        t.mended_after = 0;
        ck_assert(!block_flush(b));
        bad_syncs = 0;
        ck_assert(!block_flush(b));
        ck_assert_int_eq(t.error, EIO);
        ck_assert_uint_eq(t.times, 2);
        ck_assert_uint_eq(block_stats(b)->failed_flushes, 2);
        block_close(b);
    }
}
END_TEST

static void take_ballast_away(void)
{
    ck_assert_int_eq(unlink("ballast"), 0);
}

static bool say(const char *path, const char *format, unsigned id)
{
    FILE *f = fopen(path, "we");
    bool ok = f && fprintf(f, format, id) > 0;

    return f && fclose(f) == 0 && ok;
}

/* Root, though of this process alone; false where that is forbidden. */
static bool become_root(void)
{
    unsigned uid = getuid(), gid = getgid();

    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && say("/proc/self/uid_map", "0 %u 1", uid) &&
           say("/proc/self/setgroups", "deny", 0) && say("/proc/self/gid_map", "0 %u 1", gid);
}

/* On a file system of 1 MiB, half of it taken.  False: this host lets nobody mount one. */
static bool enter_small_disk(void)
{
    if (!become_root() || mkdir("small", 0777) < 0 ||
        mount("none", "small", "tmpfs", 0, "size=1m") < 0 || chdir("small") < 0)
        return false;
    ck_assert_int_eq(image_run("dd if=/dev/zero of=ballast bs=512K count=1"), 0);
    return true;
}

START_TEST(a_disk_that_fills_up)
{
    static uint8_t data[DISK], back[DISK];
    struct told t = {0};

    if (!enter_small_disk()) {
        puts("SKIP a part of devices/test_block_errors: no file system may be mounted here");
        return;
    }
    make_disk();
    image_fill(data, sizeof data, 3);
    struct block *b = open_with(BLOCK_ON_ERROR_REPORT, BLOCK_ON_ERROR_REPORT, &t);
    ck_assert(!block_write(b, 0, data, SECTORS));
    ck_assert_int_eq(t.error, ENOSPC);
    ck_assert_int_eq(t.action, BLOCK_REPORT);
    block_close(b);
    /* With room for all but a page: the file system wants some of its own. */
    t = (struct told){.mended_after = 2, .mend = take_ballast_away};
    b = open_with(BLOCK_ON_ERROR_REPORT, BLOCK_ON_ERROR_ENOSPC, &t);
    ck_assert(block_write(b, 0, data, SECTORS - 64));
    ck_assert_uint_eq(t.times, 2);
    ck_assert_int_eq(t.action, BLOCK_STOP);
    ck_assert(block_read(b, 0, back, SECTORS - 64));
    ck_assert_mem_eq(data, back, DISK - 64 * SECTOR_SIZE);
    block_close(b);
    ck_assert_int_eq(chdir(".."), 0);
    ck_assert_int_eq(umount("small"), 0);
}
END_TEST

/* The same for qcow2, where room may lack for data or for any of the tables: wherever it does, what
 * was to be written is written when there is room, and the image is consistent. */
START_TEST(a_qcow2_disk_that_fills_up)
{
    static const struct image_layout layout = {
        .version = 3, .cluster_bits = 16, .refcount_order = 4, .size = DISK};
    static uint8_t data[DISK], back[DISK];

    if (!enter_small_disk()) {
        puts("SKIP a part of devices/test_block_errors: no file system may be mounted here");
        return;
    }
    image_fill(data, sizeof data, 5);
    for (unsigned pages = 1; pages < 128; pages += pages < 12 ? 1 : 7) {
        const struct block_options options = {.on_write_error = BLOCK_ON_ERROR_ENOSPC};
        struct told t = {.mended_after = 2, .mend = take_ballast_away};
        struct error err = {""};
        struct block *b;

        image_run("rm -f a ballast");
        image_make_qcow2("a", &layout);
        /* A file that its maker left holes in. */
        ck_assert_int_eq(image_run("cp --sparse=always a b && mv b a"), 0);
        /* So many pages are left. */
        ck_assert_int_eq(image_run("head -c $(($(stat -f -c %%a .) * 4096 - %u * 4096)) /dev/zero "
                                   ">ballast",
                                   pages),
                         0);
        b = block_open("a", &options, NULL, &err);
        ck_assert_msg(b, "%s", err.text);
        block_on_error(b, failed, &t);
        for (unsigned at = 0; at < DISK / 2; at += 16 * SECTOR_SIZE) /* from its end to its begin */
            ck_assert_msg(
                block_write(b, (DISK - at) / SECTOR_SIZE - 16, data + DISK - at - 8192, 16),
                "%u pages", pages);
        ck_assert_uint_eq(t.times, 2);
        ck_assert(block_flush(b));
        block_close(b);
        b = image_open_ok("a", true);
        ck_assert(block_read(b, SECTORS / 2, back, SECTORS / 2));
        ck_assert_mem_eq(back, data + DISK / 2, DISK / 2);
        block_close(b);
        if (image_have("qemu-img"))
            ck_assert_msg(image_run("qemu-img check -f qcow2 a") == 0, "%u pages", pages);
    }
    ck_assert_int_eq(chdir(".."), 0);
    ck_assert_int_eq(umount("small"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block errors");
    TCase *tc = tcase_create("block errors");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_add_test(tc, writes_that_fail);
    tcase_add_test(tc, a_write_is_tried_again);
    tcase_add_test(tc, reads_that_fail);
    tcase_add_test(tc, flushes_that_fail);
    tcase_add_test(tc, a_disk_that_fills_up);
    tcase_add_test(tc, a_qcow2_disk_that_fills_up);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
