/* Copy on read: devices/image_qcow2_copy.c. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/block.h"
#include "image_rig.h"
#include "ringer/error.h"

enum { SECTORS = 8192 };

static uint8_t base[SECTORS * SECTOR_SIZE], back[SECTORS * SECTOR_SIZE];

static struct block *open_top(bool copy_on_read)
{
    const struct block_options options = {.format = "qcow2", .copy_on_read = copy_on_read};
    struct error err = {""};
    struct block *b = block_open("top.qcow2", &options, NULL, &err);

    ck_assert_msg(b, "%s", err.text);
    return b;
}

/* What was read is in the image by itself, what was written since stays, and the rest is as before.
 */
START_TEST(reads_are_kept)
{
    uint8_t mine[SECTOR_SIZE];
    struct block *b;
    FILE *f;

    if (!image_have("qemu-img")) {
        puts("SKIP devices/test_copy_on_read: qemu-img is not installed");
        return;
    }
    image_fill(base, sizeof base, 1);
    memset(base + 2048 * SECTOR_SIZE, 0, 128 * SECTOR_SIZE); /* a cluster of zeros */
    f = fopen("base.img", "wb");
    ck_assert(f && fwrite(base, sizeof base, 1, f) == 1 && fclose(f) == 0);
    ck_assert_int_eq(image_run("qemu-img create -q -f qcow2 -b base.img -F raw top.qcow2"), 0);
    b = open_top(true);
    memset(mine, 0x5a, sizeof mine);
    ck_assert(block_write(b, 1030, mine, 1));
    memcpy(base + 1030 * SECTOR_SIZE, mine, sizeof mine);
    ck_assert(block_read(b, 1000, back, 200)); /* three clusters, of which one has been written */
    ck_assert_mem_eq(back, base + 1000 * SECTOR_SIZE, 200 * SECTOR_SIZE);
    ck_assert(block_read(b, 2000, back, 200));
    ck_assert(block_read(b, SECTORS - 1, back, 1));
    ck_assert_mem_eq(back, base + (SECTORS - 1) * SECTOR_SIZE, SECTOR_SIZE);
    block_close(b);
    ck_assert_int_eq(image_run("qemu-img check -q top.qcow2"), 0);
    /* Without its backing file it has still what was read, and nothing else. */
    ck_assert_int_eq(image_run("qemu-img rebase -u -b '' top.qcow2"), 0);
    b = open_top(false);
    ck_assert(block_read(b, 0, back, SECTORS));
    ck_assert_mem_eq(back + 1000 * SECTOR_SIZE, base + 1000 * SECTOR_SIZE, 200 * SECTOR_SIZE);
    ck_assert_mem_eq(back + 2000 * SECTOR_SIZE, base + 2000 * SECTOR_SIZE, 200 * SECTOR_SIZE);
    ck_assert_mem_eq(back + (SECTORS - 1) * SECTOR_SIZE, base + (SECTORS - 1) * SECTOR_SIZE,
                     SECTOR_SIZE);
    memset(mine, 0, sizeof mine);
    ck_assert_mem_eq(back + 4000 * SECTOR_SIZE, mine, SECTOR_SIZE);
    block_close(b);
}
END_TEST

/* Without the option a read writes nothing. */
START_TEST(off_is_off)
{
    struct block *b;

    if (!image_have("qemu-img"))
        return;
    ck_assert_int_eq(
        image_run("head -c 4194304 /dev/urandom >base.img && qemu-img create -q -f qcow2 "
                  "-b base.img -F raw top.qcow2 && cp top.qcow2 before"),
        0);
    b = open_top(false);
    ck_assert(block_read(b, 0, back, SECTORS));
    block_close(b);
    ck_assert_int_eq(image_run("cmp top.qcow2 before"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy_on_read");
    TCase *tc = tcase_create("copy_on_read");

    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, reads_are_kept);
    tcase_add_test(tc, off_is_off);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
