/* The Linux boot protocol: headers of every age, hostile ones, placing, and the load. */
#include "rig.h"

#include "bios/linux.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SETUP_SECTORS = 4, KERNEL = 8192 };

struct image {
    uint8_t bytes[(SETUP_SECTORS + 1) * 512 + KERNEL];
};

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = v;
    p[1] = v >> 8;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

/* A kernel of protocol VERSION; 0 has no header. */
static void make(struct image *i, uint16_t version, bool high)
{
    memset(i, 0x90, sizeof *i);
    memset(i->bytes + 0x1F1, 0, 0x100);
    i->bytes[0x1F1] = SETUP_SECTORS;
    put32(i->bytes + 0x1F4, KERNEL / 16);
    put16(i->bytes + 0x1FE, 0xAA55);
    if (!version)
        return;
    memcpy(i->bytes + 0x202, "HdrS", 4);
    put16(i->bytes + 0x206, version);
    i->bytes[0x211] = high;
    put32(i->bytes + 0x22C, 0x7FFFFFFF);
    put32(i->bytes + 0x238, 2047);
    put32(i->bytes + 0x258, 0x1000000);
    put32(i->bytes + 0x260, 0x800000);
}

static bool parse(const struct image *i, uint64_t size, struct linux_header *h,
                  struct error *err)
{
    size_t len = size < LINUX_HEADER_BYTES ? size : LINUX_HEADER_BYTES;

    return linux_parse(h, i->bytes, len, size, "image", err);
}

START_TEST(test_versions)
{
    static const uint16_t versions[] = {0,     0x200, 0x201, 0x202, 0x203, 0x204, 0x206,
                                        0x208, 0x20A, 0x20C, 0x20D, 0x20F};
    struct linux_header h;
    struct error err;
    struct image i;

    for (unsigned n = 0; n < sizeof versions / sizeof versions[0]; n++) {
        make(&i, versions[n], versions[n] >= 0x204);
        ck_assert_msg(parse(&i, sizeof i, &h, &err), "%x: %s", versions[n], err.text);
        ck_assert_uint_eq(h.version, versions[n]);
        ck_assert_uint_eq(h.setup_bytes, 5 * 512);
        ck_assert_uint_eq(h.kernel_bytes, KERNEL);
        ck_assert_uint_eq(h.initrd_max, versions[n] >= 0x203 ? 0x7FFFFFFF : 0x37FFFFFF);
        ck_assert_uint_eq(h.command_max, versions[n] >= 0x206 ? 2047 : 255);
        ck_assert_uint_eq(h.needs_until, versions[n] >= 0x20A ? 0x1800000 : 0);
    }
}
END_TEST

START_TEST(test_corrupt)
{
    struct linux_header h;
    struct error err;
    struct image i;

    make(&i, 0x20F, true);
    put16(i.bytes + 0x1FE, 0);
    ck_assert(!parse(&i, sizeof i, &h, &err));
    ck_assert(strstr(err.text, "boot flag"));
    make(&i, 0x20F, true);
    memcpy(i.bytes + 0x202, "XdrS", 4);
    put32(i.bytes + 0x1F4, 0xFFFFF);
    ck_assert(!parse(&i, sizeof i, &h, &err));
    ck_assert(strstr(err.text, "HdrS"));
    make(&i, 0x500, true);
    ck_assert(!parse(&i, sizeof i, &h, &err));
    ck_assert(strstr(err.text, "corrupt"));
    make(&i, 0x20F, true);
    i.bytes[0x1F1] = 200;
    ck_assert(!parse(&i, sizeof i, &h, &err));
    ck_assert(strstr(err.text, "setup sectors"));
    make(&i, 0x20F, true);
    put32(i.bytes + 0x1F4, 0xFFFFFFF);
    ck_assert(!parse(&i, sizeof i, &h, &err));
    ck_assert(strstr(err.text, "truncated"));
    for (uint64_t size = 0; size < sizeof i; size += 7) { /* every truncation */
        make(&i, 0x20F, true);
        ck_assert(!parse(&i, size < sizeof i - 16 ? size : 0, &h, &err));
        ck_assert_ptr_null(strchr(err.text, '\n'));
    }
}
END_TEST

START_TEST(test_noise)
{
    struct linux_layout l;
    struct linux_header h;
    struct image i;
    uint32_t x = 1;

    for (int n = 0; n < 20000; n++) {
        make(&i, 0x20F, true);
        for (int k = 0; k < 8; k++) {
            x = x * 1664525 + 1013904223;
            i.bytes[0x1F1 + (x >> 8) % 0x80] = x >> 24;
        }
        put16(i.bytes + 0x1FE, 0xAA55);
        if (!parse(&i, sizeof i, &h, NULL))
            continue;
        ck_assert_uint_le(h.setup_bytes, 65 * 512);
        ck_assert_uint_le(h.setup_bytes + h.kernel_bytes, sizeof i);
        if (!linux_place(&l, &h, x, 128 << 20, "image", NULL))
            continue;
        ck_assert_uint_ge(l.initrd, 0x100000);
        ck_assert_uint_le((uint64_t)l.initrd + x, 128 << 20);
    }
}
END_TEST

START_TEST(test_placing)
{
    struct linux_header h;
    struct linux_layout l;
    struct error err;
    struct image i;

    make(&i, 0x20F, true);
    ck_assert(parse(&i, sizeof i, &h, &err));
    ck_assert(linux_place(&l, &h, 5000000, 64 << 20, "image", &err));
    ck_assert_uint_eq(l.kernel, 0x100000);
    ck_assert_uint_eq(l.segment, 0x1000);
    ck_assert_uint_eq(l.initrd & 0xFFF, 0);
    ck_assert_uint_gt(l.initrd, 0x1800000);
    ck_assert_uint_le(l.initrd + 5000000, 64 << 20);
    ck_assert(!linux_place(&l, &h, 60 << 20, 64 << 20, "image", &err));
    ck_assert(strstr(err.text, "-m"));
    ck_assert(!linux_place(&l, &h, UINT64_MAX - 5, 64 << 20, "image", &err));
    ck_assert(!linux_place(&l, &h, 0, 16 << 20, "image", &err));
    h.initrd_max = 0x2000000 - 1; /* and a limit of the kernel's own */
    ck_assert(linux_place(&l, &h, 0x1000, 64 << 20, "image", &err));
    ck_assert_uint_eq(l.initrd, 0x1FFF000);
    make(&i, 0, false);
    ck_assert(parse(&i, sizeof i, &h, &err));
    ck_assert(linux_place(&l, &h, 0, 16 << 20, "image", &err));
    ck_assert_uint_eq(l.kernel, 0x10000);
    ck_assert_uint_eq(l.segment, 0x9000);
    ck_assert(!linux_place(&l, &h, 4096, 16 << 20, "image", &err));
}
END_TEST

START_TEST(test_vga_option)
{
    ck_assert_int_eq(linux_vga_mode("quiet"), -1);
    ck_assert_int_eq(linux_vga_mode("vga=ask quiet"), 0xFFFD);
    ck_assert_int_eq(linux_vga_mode("quiet vga=0x317"), 0x317);
    ck_assert_int_eq(linux_vga_mode("xvga=3 vga=normal"), 0xFFFF);
    ck_assert_int_eq(linux_vga_mode("vga="), 0);
}
END_TEST

/* A whole load: files, patches, registers. */
START_TEST(test_load)
{
    struct boot_kernel k = {0};
    char kernel[64], initrd[64];
    struct error err;
    struct image i;
    struct rig r;
    uint32_t ramdisk, command;
    char text[32];

    make(&i, 0x20F, true);
    put32(i.bytes + 0x258, 0x100000);
    put32(i.bytes + 0x260, 0x100000);
    memcpy(i.bytes + sizeof i - 4, "LAST", 4);
    rig_file(kernel, &i, sizeof i);
    rig_file(initrd, "ramdisk content", 15);
    rig_open(&r, 8, 0, 0);
    k.kernel = kernel;
    k.initrd = initrd;
    k.append = "root=/dev/ram0 quiet";
    ck_assert_msg(bios_boot_linux(r.bios, &k, &err), "%s", err.text);
    rig_post(&r);
    r.cpu->gpr[ESP] = RIG_SP;
    rig_trap(&r, TRAP_BOOT);
    ck_assert_uint_eq(r.cpu->gpr[ECX] & 0xFF, BOOT_FAR);
    ck_assert_uint_eq(r.cpu->seg[SEG_DS].selector, 0x1000);
    ck_assert_uint_eq(r.cpu->seg[SEG_SS].selector, 0x1000);
    ck_assert_uint_eq(lin32(r.bios, 0x10000 + r.cpu->gpr[ESP]), 0x10200000);
    ck_assert_uint_eq(lin8(r.bios, 0x10210), 0xFF);
    ck_assert_uint_eq(lin8(r.bios, 0x10211), 0x81);
    ck_assert_uint_eq(lin16(r.bios, 0x10224), 0xDE00);
    ramdisk = lin32(r.bios, 0x10218);
    ck_assert_uint_eq(lin32(r.bios, 0x1021C), 15);
    lin_read(r.bios, ramdisk, text, 15);
    ck_assert_mem_eq(text, "ramdisk content", 15);
    command = lin32(r.bios, 0x10228);
    lin_read(r.bios, command, text, 21);
    ck_assert_str_eq(text, "root=/dev/ram0 quiet");
    ck_assert_uint_eq(lin32(r.bios, 0x100000 + KERNEL - 4), 0x5453414C);
    unlink(initrd);
    unlink(kernel);
    rig_close(&r);
}
END_TEST

START_TEST(test_bad_files)
{
    static char line[4000];
    struct boot_kernel k = {0};
    struct error err;
    char kernel[64];
    struct image i;
    struct rig r;

    rig_open(&r, 8, 0, 0);
    k.kernel = "/nonexistent/bzImage";
    ck_assert(!bios_boot_linux(r.bios, &k, &err));
    ck_assert(strstr(err.text, "/nonexistent/bzImage"));
    k.kernel = "/tmp";
    ck_assert(!bios_boot_linux(r.bios, &k, &err));
    ck_assert(strstr(err.text, "directory"));
    make(&i, 0x202, true);
    rig_file(kernel, &i, sizeof i);
    k.kernel = kernel;
    memset(line, 'a', sizeof line - 1);
    k.append = line;
    ck_assert(!bios_boot_linux(r.bios, &k, &err));
    ck_assert(strstr(err.text, "255"));
    k.append = NULL;
    k.initrd = "/dev/null";
    ck_assert(!bios_boot_linux(r.bios, &k, &err));
    unlink(kernel);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("linux");
    TCase *t = tcase_create("linux");
    SRunner *runner;
    int failed;

    tcase_add_test(t, test_versions);
    tcase_add_test(t, test_corrupt);
    tcase_add_test(t, test_noise);
    tcase_add_test(t, test_placing);
    tcase_add_test(t, test_vga_option);
    tcase_add_test(t, test_load);
    tcase_add_test(t, test_bad_files);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
