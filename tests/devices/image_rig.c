#define _GNU_SOURCE
#include "image_rig.h"

#include "ringer/error.h"
#include <check.h>
#include <endian.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* In memory, where the host has that: fdatasync is what takes most of the time otherwise. */
void image_rig_begin(void)
{
    char memory[] = "/dev/shm/ringer-images-XXXXXX", disk[] = "/tmp/ringer-images-XXXXXX";
    const char *name = mkdtemp(memory);

    if (!name)
        name = mkdtemp(disk);
    ck_assert_ptr_nonnull(name);
    ck_assert_int_eq(chdir(name), 0);
}

void image_rig_end(void)
{
    char name[64];

    ck_assert_ptr_nonnull(getcwd(name, sizeof name));
    ck_assert_ptr_nonnull(strstr(name, "/ringer-images-"));
    ck_assert_int_eq(image_run("rm -rf '%s'", name), 0);
    ck_assert_int_eq(chdir("/"), 0);
}

int image_run(const char *format, ...)
{
    char text[900], command[1000];
    va_list args;
    int status;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(command, sizeof command, "{ %s; } >/dev/null 2>&1", text);
    status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool image_have(const char *program)
{
    return image_run("command -v %s", program) == 0;
}

void image_poke(const char *name, uint64_t offset, const void *data, size_t len)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, data, len, (off_t)offset), (ssize_t)len);
    close(fd);
}

void image_peek(const char *name, uint64_t offset, void *data, size_t len)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, data, len, (off_t)offset), (ssize_t)len);
    close(fd);
}

void image_poke64(const char *name, uint64_t offset, uint64_t big_endian)
{
    big_endian = htobe64(big_endian);
    image_poke(name, offset, &big_endian, 8);
}

uint64_t image_peek64(const char *name, uint64_t offset)
{
    uint64_t v;

    image_peek(name, offset, &v, 8);
    return be64toh(v);
}

uint64_t image_bytes(const char *name)
{
    struct stat st;

    ck_assert_int_eq(stat(name, &st), 0);
    return (uint64_t)st.st_size;
}

static void put32(uint8_t *p, uint32_t v)
{
    v = htobe32(v);
    memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
    v = htobe64(v);
    memcpy(p, &v, 8);
}

void image_make_qcow2(const char *name, const struct image_layout *l)
{
    uint64_t cluster = 1ull << l->cluster_bits, per_l1 = cluster * cluster / 8;
    uint64_t entries = (l->size + per_l1 - 1) / per_l1;
    uint64_t l1_clusters = (entries * 8 + cluster - 1) / cluster;
    unsigned bits = 1u << l->refcount_order;
    uint8_t head[112] = "QFI\xFB", *block = calloc(1, cluster);

    put32(head + 4, l->version);
    put32(head + 20, l->cluster_bits);
    put64(head + 24, l->size);
    put32(head + 36, (uint32_t)entries);
    put64(head + 40, 3 * cluster);
    put64(head + 48, cluster);
    put32(head + 56, 1);
    if (l->version >= 3) {
        put32(head + 96, l->refcount_order);
        put32(head + 100, 104);
    }
    for (uint64_t i = 0; i < 3 + l1_clusters; i++) {
        if (bits < 8)
            block[i * bits / 8] |= (uint8_t)(1u << (i * bits % 8));
        else
            block[(i + 1) * (bits / 8) - 1] = 1;
    }
    unlink(name);
    image_poke(name, 0, head, l->version >= 3 ? sizeof head : 80);
    image_poke64(name, cluster, 2 * cluster);
    image_poke(name, 2 * cluster, block, cluster);
    ck_assert_int_eq(truncate(name, (off_t)((3 + l1_clusters) * cluster)), 0);
    free(block);
}

struct block *image_open_ok(const char *name, bool readonly)
{
    struct block_options options = {.readonly = readonly};
    struct error err = {""};
    struct block *b = block_open(name, &options, NULL, &err);

    ck_assert_msg(b, "%s", err.text);
    return b;
}

void image_refused(const char *name, bool readonly, const char *why)
{
    struct block_options options = {.readonly = readonly};
    struct error err = {""};

    ck_assert_ptr_null(block_open(name, &options, NULL, &err));
    ck_assert_msg(strstr(err.text, name), "'%s' does not name '%s'", err.text, name);
    ck_assert_msg(strstr(err.text, why), "'%s' does not say '%s'", err.text, why);
    ck_assert_ptr_null(strchr(err.text, '\n'));
}

uint32_t image_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

void image_fill(uint8_t *data, size_t len, uint32_t seed)
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t v = (seed + (uint32_t)i) * 2654435761u | 1;

        memcpy(data + i, &v, len - i < 4 ? len - i : 4);
    }
}
