/* qcow2 images whose writer dies, or whose host fails, at any moment: what was flushed is there,
 * and of the tables nothing is wrong but leaks. */
#define _GNU_SOURCE
#include "devices/block.h"

#include "image_rig.h"
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DISK = 3 << 20, SECTORS = DISK / SECTOR_SIZE };

/* --- a host that fails --- */

/* What the COUNTth write of this process meets. */
static struct {
    unsigned count;
    enum { NOTHING, DEATH, HALF, ERROR, FULL, FULL_ONCE } meets;
} fate;

/* Stands before the C library's. */
ssize_t pwrite(int fd, const void *data, size_t len, off_t offset)
{
    bool now = fate.meets && fate.count && --fate.count == 0;

    if (fate.meets == FULL && !fate.count) {
        errno = ENOSPC;
        return -1;
    }
    if (now && (fate.meets == ERROR || fate.meets == FULL_ONCE)) {
        errno = fate.meets == ERROR ? EIO : ENOSPC;
        return -1;
    }
    if (now && fate.meets == DEATH)
        _exit(77);
    if (now && fate.meets == HALF) { /* the kernel copies in order, table entries are 8 bytes */
        syscall(SYS_pwrite64, fd, data, len / 16 * 8, offset);
        _exit(77);
    }
    return syscall(SYS_pwrite64, fd, data, len, offset);
}

/* Leaks (status 3) are allowed. */
static void check_leaks_only(const char *name)
{
    int status;

    if (!image_have("qemu-img"))
        return;
    status = image_run("qemu-img check %s", name);
    ck_assert_msg(status == 0 || status == 3, "qemu-img check: %d at write %u", status, fate.count);
}

/* Writes small and large, new and old, some flushed. */
static void script(const char *name)
{
    static uint8_t data[300 * SECTOR_SIZE];
    struct block *b = block_open(name, NULL, NULL, NULL);
    uint32_t seed = 3;

    for (int i = 0; b && i < 40; i++) {
        uint32_t count = 1 + image_random(&seed) % (i % 3 ? 300 : 9);
        uint32_t lba = image_random(&seed) % (SECTORS - count);

        image_fill(data, sizeof data, (uint32_t)i);
        (void)!block_write(b, lba, data, count);
        if (i % 5 == 4)
            (void)!block_flush(b);
    }
    block_close(b);
}

/* The script with FATE at write COUNT; false when there are not so many. */
static bool run_script(const char *name, unsigned count, int meets)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (!child) {
        fate.count = count;
        fate.meets = meets;
        script(name);
        _exit(fate.count ? 0 : 77);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    return WEXITSTATUS(status) == 77;
}

static const struct image_layout layouts[] = {{3, 9, 6, DISK}, {3, 12, 4, DISK}, {2, 16, 4, DISK}};

/* RINGER_TEST_STEP=1 tries every write. */
static unsigned step_of(unsigned usual)
{
    const char *step = getenv("RINGER_TEST_STEP");

    return step && atoi(step) > 0 ? (unsigned)atoi(step) : usual;
}

START_TEST(dies_or_fails_at_any_write)
{
    const struct image_layout *layout = &layouts[_i % 3];
    int meets = DEATH + _i / 3;
    unsigned step = step_of(layout->cluster_bits == 9 ? 631 : layout->cluster_bits == 12 ? 67 : 41);

    for (unsigned count = 1 + (unsigned)_i * 7;; count += step) {
        image_make_qcow2("a", layout);
        fate.count = count;
        if (!run_script("a", count, meets))
            break;
        check_leaks_only("a");
        fate.count = 0;
        script("a"); /* it can be used */
        check_leaks_only("a");
    }
}
END_TEST

/* The same with a snapshot and compressed clusters below: references are dropped as well. */
START_TEST(dies_with_a_snapshot)
{
    static uint8_t data[DISK];

    if (!image_have("qemu-img")) {
        puts("SKIP a part of devices/test_qcow2_death: qemu-img is not installed");
        return;
    }
    image_fill(data, DISK / 2, 1);
    memset(data + DISK / 4, 5, DISK / 4);
    image_poke("model.raw", 0, data, sizeof data);
    ck_assert_int_eq(image_run("qemu-img convert %s -O qcow2 -o cluster_size=4k model.raw s && "
                               "qemu-img snapshot -c one s && cp model.raw one.raw",
                               _i % 2 ? "-c" : ""),
                     0);
    for (unsigned count = 1 + (unsigned)_i;; count += step_of(179)) {
        ck_assert_int_eq(image_run("cp s a"), 0);
        if (!run_script("a", count, _i < 2 ? DEATH : ERROR))
            break;
        check_leaks_only("a");
        ck_assert_int_eq(image_run("qemu-img snapshot -a one a && "
                                   "qemu-img compare -f raw -F qcow2 one.raw a"),
                         0);
    }
}
END_TEST

/* --- room comes back --- */

static bool mended(void *opaque, struct block *b, bool write, enum block_action action)
{
    (void)opaque;
    (void)b;
    (void)write;
    return action == BLOCK_STOP;
}

/* A disk that is full at write COUNT, and not when the operation is tried again; false when there
 * are not so many. */
static bool full_once(const struct image_layout *layout, unsigned count)
{
    static uint8_t model[DISK], back[DISK];
    const struct block_options options = {.on_write_error = BLOCK_ON_ERROR_ENOSPC};
    uint32_t seed = 11;
    struct block *b;
    bool met;

    image_make_qcow2("a", layout);
    b = block_open("a", &options, NULL, NULL);
    ck_assert_ptr_nonnull(b);
    block_on_error(b, mended, NULL);
    memset(model, 0, sizeof model);
    fate.count = count;
    fate.meets = FULL_ONCE;
    for (int i = 0; i < 40; i++) {
        uint32_t n = 1 + image_random(&seed) % (i % 3 ? 300 : 9);
        uint32_t lba = image_random(&seed) % (SECTORS - n);

        image_fill(model + lba * SECTOR_SIZE, n * SECTOR_SIZE, (uint32_t)i);
        ck_assert_msg(block_write(b, lba, model + lba * SECTOR_SIZE, n), "full at write %u", count);
        if (i % 5 == 4)
            ck_assert_msg(block_flush(b), "full at write %u", count);
    }
    met = fate.count == 0;
    fate.meets = NOTHING;
    block_close(b);
    b = image_open_ok("a", true);
    ck_assert(block_read(b, 0, back, SECTORS));
    ck_assert_mem_eq(model, back, sizeof back);
    block_close(b);
    return met;
}

START_TEST(goes_on_when_there_is_room)
{
    const struct image_layout *layout = &layouts[_i];
    unsigned step = step_of(layout->cluster_bits == 9 ? 331 : layout->cluster_bits == 12 ? 37 : 11);

    for (unsigned count = 1; full_once(layout, count); count += step)
        check_leaks_only("a");
}
END_TEST

/* --- killed --- */

/* A writer that is killed after a random time.  What it flushed, and told through the pipe, must
 * be there; the tables must be right. */
static void kill_writer(const char *name, uint32_t seed)
{
    int told[2], status;
    uint32_t rounds = 0, last;
    pid_t child;

    ck_assert_int_eq(pipe(told), 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        struct block_options options = {0};
        struct block *b = block_open(name, &options, NULL, NULL);
        static uint8_t data[200 * SECTOR_SIZE];

        if (!b)
            _exit(1);
        for (uint32_t round = 1;; round++) {
            uint32_t at = round * 211 % (SECTORS - 200);

            image_fill(data, sizeof data, round);
            if (!block_write(b, at, data, 1 + round % 200) || !block_flush(b) ||
                write(told[1], &round, sizeof round) != sizeof round)
                _exit(1);
        }
    }
    close(told[1]);
    usleep(2000 + image_random(&seed) % 20000);
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    while (read(told[0], &last, sizeof last) == sizeof last)
        rounds = last;
    close(told[0]);
    check_leaks_only(name);
    if (rounds) { /* the last round that was flushed, but for what the next one overwrote */
        static uint8_t data[200 * SECTOR_SIZE], back[200 * SECTOR_SIZE];
        struct block *b = image_open_ok(name, true);

        image_fill(data, sizeof data, rounds);
        ck_assert(block_read(b, rounds * 211 % (SECTORS - 200), back, 1 + rounds % 200));
        ck_assert_mem_eq(data, back, (1 + rounds % 200) * SECTOR_SIZE);
        block_close(b);
    }
}

START_TEST(killed_writers_leave_it_consistent)
{
    const struct image_layout layout = {3, _i % 2 ? 16 : 10, 4, DISK};

    image_make_qcow2("a", &layout);
    if (_i >= 2)
        image_poke64("a", 80, 1); /* lazy reference counts */
    for (uint32_t i = 0; i < 3; i++)
        kill_writer("a", (uint32_t)_i * 10 + i);
    if (_i >= 2) {
        ck_assert_uint_eq(image_peek64("a", 72), 1); /* dirty */
        block_close(image_open_ok("a", false));
        ck_assert_uint_eq(image_peek64("a", 72), 0);
        if (image_have("qemu-img"))
            ck_assert_int_eq(image_run("qemu-img check a"),
                             0); /* counted again, there are no leaks either */
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qcow2_death");
    TCase *tc = tcase_create("qcow2_death");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_set_timeout(tc, getenv("RINGER_TEST_STEP") ? 3600 : 60);
    tcase_add_loop_test(tc, dies_or_fails_at_any_write, 0, 12);
    tcase_add_loop_test(tc, dies_with_a_snapshot, 0, 4);
    tcase_add_loop_test(tc, goes_on_when_there_is_room, 0, 3);
    tcase_add_loop_test(tc, killed_writers_leave_it_consistent, 0, 4);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
