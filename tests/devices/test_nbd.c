/* NBD exports: devices/image_nbd.c, against qemu-nbd and against a server made here that does what
 * servers should not. */
#define _GNU_SOURCE
#include "devices/block.h"

#include "image_rig.h"
#include "ringer/error.h"
#include <check.h>
#include <endian.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DISK = 1 << 20, SECTORS = DISK / SECTOR_SIZE };

static char cwd[64];

static const char *name_of(const char *format)
{
    static char name[200];

    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    snprintf(name, sizeof name, format, cwd);
    return name;
}

/* --- a server of our own --- */

enum manner {
    PROPER,
    READ_ONLY,
    REFUSES,    /* ends the connection during the handshake */
    FAILS_READ, /* answers reads with EIO */
    VANISHES,   /* ends the connection at the first read */
    LARGE_BLOCKS,
};

static bool get(int fd, void *data, size_t len)
{
    return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static void put(int fd, const void *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        _exit(0);
}

static void put_number(int fd, uint64_t v, unsigned bytes)
{
    v = htobe64(v);
    put(fd, (uint8_t *)&v + 8 - bytes, bytes);
}

static void reply_option(int fd, uint32_t option, uint32_t type, uint32_t len)
{
    put_number(fd, 0x3e889045565a9, 8);
    put_number(fd, option, 4);
    put_number(fd, type, 4);
    put_number(fd, len, 4);
}

/* Fixed newstyle negotiation (NBD protocol, "Option haggling"): GO only. */
static void negotiate(int fd, enum manner manner)
{
    uint8_t drop[4096];
    uint32_t head[4]; /* magic, magic, option, length */

    put(fd, "NBDMAGICIHAVEOPT", 16);
    put_number(fd, 1, 2);
    if (!get(fd, drop, 4) || manner == REFUSES)
        _exit(0);
    for (;;) {
        uint32_t option, len;

        if (!get(fd, head, sizeof head))
            _exit(0);
        option = be32toh(head[2]);
        len = be32toh(head[3]);
        if (len > sizeof drop || (len && !get(fd, drop, len)))
            _exit(0);
        if (option != 7) { /* NBD_OPT_GO */
            reply_option(fd, option, 0x80000001, 0);
            continue;
        }
        reply_option(fd, option, 3, 12);
        put_number(fd, 0, 2); /* NBD_INFO_EXPORT */
        put_number(fd, DISK, 8);
        put_number(fd, 1 | 4 | (manner == READ_ONLY ? 2 : 0), 2);
        if (manner == LARGE_BLOCKS) {
            reply_option(fd, option, 3, 14);
            put_number(fd, 3, 2); /* NBD_INFO_BLOCK_SIZE */
            put_number(fd, 4096, 4);
            put_number(fd, 4096, 4);
            put_number(fd, 65536, 4);
        }
        reply_option(fd, option, 1, 0);
        return;
    }
}

static void serve(int fd, enum manner manner)
{
    static uint8_t disk[DISK];
    struct {
        uint32_t magic;
        uint16_t flags, type;
        uint64_t cookie, offset;
        uint32_t len;
    } __attribute__((packed)) request;

    for (unsigned i = 0; i < DISK; i++)
        disk[i] = (uint8_t)(i / 512);
    negotiate(fd, manner);
    while (get(fd, &request, sizeof request)) {
        uint16_t type = be16toh(request.type);
        uint64_t offset = be64toh(request.offset);
        uint32_t len = be32toh(request.len), error = 0;

        if (type == 2 || (type == 0 && manner == VANISHES))
            return;
        if (type < 2 && (offset > DISK || len > DISK - offset))
            return;
        if (manner == LARGE_BLOCKS && (offset % 4096 || len % 4096 || len > 65536))
            error = 22;
        if (type == 1 && !get(fd, disk + offset, len))
            return;
        if (type == 0 && manner == FAILS_READ)
            error = 5;
        put_number(fd, 0x67446698, 4);
        put_number(fd, error, 4);
        put(fd, &request.cookie, 8);
        if (type == 0 && !error)
            put(fd, disk + offset, len);
    }
}

/* One connection's server on the socket "s". */
static pid_t start(enum manner manner)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    unlink("s");
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    child = fork();
    if (!child) {
        int fd = accept(listener, NULL, NULL);

        serve(fd, manner);
        _exit(0);
    }
    close(listener);
    return child;
}

static void end(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

START_TEST(reads_and_writes)
{
    static const char *const names[] = {"nbd:unix:%s/s", "nbd:unix:%s/s:exportname=disk",
                                        "nbd+unix:///disk?socket=%s/s"};
    static uint8_t data[SECTORS * SECTOR_SIZE];
    enum manner manner = _i % 2 ? LARGE_BLOCKS : PROPER;
    pid_t child = start(manner);
    struct block *b = image_open_ok(name_of(names[_i / 2]), false);

    ck_assert_str_eq(block_format(b), "nbd");
    ck_assert_uint_eq(block_sectors(b), SECTORS);
    ck_assert(block_read(b, 0, data, SECTORS));
    ck_assert_uint_eq(data[700 * 512 + 5], 700 % 256);
    memset(data, 0xA5, 4096 + 512);
    ck_assert(block_write(b, 803, data, 9));
    ck_assert(block_flush(b));
    ck_assert(block_read(b, 0, data, SECTORS));
    for (unsigned i = 0; i < SECTORS; i++)
        ck_assert_uint_eq(data[i * 512 + 511], i >= 803 && i < 812 ? 0xA5 : i % 256);
    block_close(b);
    end(child);
}
END_TEST

START_TEST(readonly_exports)
{
    pid_t child = start(READ_ONLY);

    image_refused(name_of("nbd:unix:%s/s"), false, "for reading only");
    end(child);
    child = start(READ_ONLY);
    block_close(image_open_ok(name_of("nbd:unix:%s/s"), true));
    end(child);
}
END_TEST

START_TEST(servers_that_fail)
{
    uint8_t data[SECTOR_SIZE];
    pid_t child = start(REFUSES);
    struct block *b;

    image_refused(name_of("nbd:unix:%s/s"), false, "cannot connect");
    end(child);
    child = start(FAILS_READ);
    b = image_open_ok(name_of("nbd:unix:%s/s"), false);
    ck_assert(!block_read(b, 0, data, 1));
    ck_assert(block_write(b, 0, data, 1)); /* the connection is fine */
    block_close(b);
    end(child);
    child = start(VANISHES);
    b = image_open_ok(name_of("nbd:unix:%s/s"), false);
    ck_assert(!block_read(b, 0, data, 1));
    ck_assert(!block_write(b, 0, data, 1));
    ck_assert(!block_flush(b));
    block_close(b);
    end(child);
}
END_TEST

/* A server that comes back is used again; what was not flushed may be lost, and a flush says so. */
START_TEST(servers_that_come_back)
{
    uint8_t data[SECTOR_SIZE] = {0};
    pid_t child = start(VANISHES);
    struct block *b = image_open_ok(name_of("nbd:unix:%s/s"), false);

    ck_assert(block_write(b, 0, data, 1));
    ck_assert(!block_read(b, 0, data, 1));
    ck_assert(!block_read(b, 0, data, 1)); /* nobody there */
    end(child);
    child = start(PROPER);
    while (!block_read(b, 7, data, 1)) /* until the next attempt is due */
        usleep(100000);
    ck_assert_uint_eq(data[0], 7);
    ck_assert(!block_flush(b));
    ck_assert(block_flush(b));
    block_close(b);
    end(child);
}
END_TEST

START_TEST(names_that_are_wrong)
{
    image_refused("nbd:", false, "names no NBD export");
    image_refused("nbd:unix:", false, "names no NBD export");
    image_refused("nbd:host", false, "names no NBD export");
    image_refused("nbd:unix:/nonexistent/s", false, "cannot connect");
    image_refused("nbd+unix:///x", false, "cannot connect");
    image_refused("nbd://127.0.0.1:1/", false, "cannot connect");
    {
        struct block_options options = {.format = "qcow2"};
        struct error err = {""};

        ck_assert_ptr_null(block_open("nbd:unix:/s", &options, NULL, &err));
        ck_assert_ptr_nonnull(strstr(err.text, "cannot connect"));
    }
}
END_TEST

/* A real server, with a format that is not read here. */
START_TEST(qemu_nbd)
{
    static uint8_t data[64 * SECTOR_SIZE], back[64 * SECTOR_SIZE];
    struct block *b;

    if (!image_have("qemu-nbd") || !image_have("qemu-img")) {
        puts("SKIP a part of devices/test_nbd: qemu-nbd is not installed");
        return;
    }
    ck_assert_int_eq(image_run("qemu-img create -f vmdk a.vmdk 4M"), 0);
    image_refused("a.vmdk", false, "VMDK");
    ck_assert_int_eq(image_run("qemu-nbd --fork -f vmdk -k \"$PWD/s\" -x disk a.vmdk"), 0);
    b = image_open_ok(name_of("nbd:unix:%s/s:exportname=disk"), false);
    ck_assert_uint_eq(block_sectors(b), 8192);
    image_fill(data, sizeof data, 3);
    ck_assert(block_write(b, 1000, data, 64));
    ck_assert(block_flush(b));
    ck_assert(block_read(b, 1000, back, 64));
    ck_assert_mem_eq(data, back, sizeof data);
    block_close(b); /* and the server ends by itself */
}
END_TEST

/* A qcow2 file that is served as the bytes it is: the format is read here, over the export, which
 * cannot grow. */
START_TEST(qcow2_over_nbd)
{
    static uint8_t data[64 * SECTOR_SIZE], back[64 * SECTOR_SIZE];
    const struct block_options as_qcow2 = {.format = "qcow2"}, as_gzip = {.format = "gzip"};
    struct error err = {""};
    struct block *b;

    if (!image_have("qemu-nbd") || !image_have("qemu-img")) {
        puts("SKIP a part of devices/test_nbd: qemu-nbd is not installed");
        return;
    }
    ck_assert_int_eq(image_run("qemu-img create -f qcow2 a.qcow2 64M && truncate -s 4M a.qcow2"),
                     0);
    ck_assert_int_eq(image_run("qemu-nbd --fork --persistent -e 2 -f raw -k \"$PWD/s\" "
                               "--pid-file=pid a.qcow2"),
                     0);
    const char *name = name_of("nbd:unix:%s/s");
    b = block_open(name, &(struct block_options){0}, NULL, &err); /* a disk, whatever is in it */
    ck_assert_msg(b, "%s", err.text);
    ck_assert_uint_eq(block_sectors(b), 8192);
    ck_assert(block_read(b, 0, back, 1));
    ck_assert_mem_eq(back, "QFI\xfb", 4);
    block_close(b);
    b = block_open(name, &as_qcow2, NULL, &err);
    ck_assert_msg(b, "%s", err.text);
    ck_assert_str_eq(block_format(b), "qcow2");
    ck_assert_uint_eq(block_sectors(b), 131072);
    image_fill(data, sizeof data, 5);
    ck_assert(block_write(b, 100000, data, 64));
    ck_assert(block_flush(b));
    ck_assert(block_read(b, 100000, back, 64));
    ck_assert_mem_eq(data, back, sizeof data);
    bool full = false;
    for (unsigned i = 0; i < 64 && !full; i++) /* 64 clusters of 64 KiB do not fit into 4 MiB */
        full = !block_write(b, i * 128, data, 64);
    ck_assert(full);
    ck_assert(block_read(b, 100000, back, 64));
    ck_assert_mem_eq(data, back, sizeof data);
    block_close(b);
    ck_assert_ptr_null(block_open(name, &as_gzip, NULL, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "gzip"));
    ck_assert_int_eq(image_run("kill $(cat pid)"), 0);
    ck_assert_int_eq(image_run("qemu-img check -q -U a.qcow2; [ $? -ne 2 ]"), 0); /* not corrupt */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nbd");
    TCase *tc = tcase_create("nbd");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, image_rig_begin, image_rig_end);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, reads_and_writes, 0, 6);
    tcase_add_test(tc, readonly_exports);
    tcase_add_test(tc, servers_that_fail);
    tcase_add_test(tc, servers_that_come_back);
    tcase_add_test(tc, names_that_are_wrong);
    tcase_add_test(tc, qemu_nbd);
    tcase_add_test(tc, qcow2_over_nbd);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
