/* Foreign firmware: where its ROM is, what CMOS and fw_cfg tell it, tables that it may move. */
#include "rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROM_BYTES = 0x40000, LOADED_AT = 0x300000, BLOB_MAX = 0x10000 };

static uint8_t rom[ROM_BYTES];

static void open_foreign(struct rig *r, const char *order)
{
    static const uint8_t uuid[16] = {0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 1, 2};
    const struct bios_config base = {.rom = rom,
                                     .rom_bytes = ROM_BYTES,
                                     .serial_console = true,
                                     .boot_order = order,
                                     .uuid = uuid,
                                     .splash_ms = 1500,
                                     .boot_menu = true};

    for (unsigned i = 0; i < ROM_BYTES; i += 0x1000)
        rom[i] = (uint8_t)(i >> 12);
    rig_open_with(r, 8, 2880, 1024, &base);
}

static void select_key(struct rig *r, uint16_t key)
{
    bus_out(r->board.bus, 0x510, key, 2);
}

static uint64_t number(struct rig *r, uint16_t key, unsigned bytes)
{
    uint64_t v = 0;

    select_key(r, key);
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)bus_in(r->board.bus, 0x511, 1) << 8 * i;
    return v;
}

static uint32_t be(struct rig *r, unsigned bytes)
{
    uint32_t v = 0;

    while (bytes--)
        v = v << 8 | bus_in(r->board.bus, 0x511, 1);
    return v;
}

/* The file NAME into TO; its length, or -1. */
static int file(struct rig *r, const char *name, uint8_t *to, uint32_t room)
{
    select_key(r, FW_CFG_FILE_DIR);
    for (uint32_t n = be(r, 4); n; n--) {
        uint32_t len = be(r, 4), key = be(r, 4) >> 16;
        char found[56];

        for (int i = 0; i < 56; i++)
            found[i] = (char)be(r, 1);
        if (strcmp(found, name))
            continue;
        ck_assert_uint_le(len, room);
        select_key(r, (uint16_t)key);
        for (uint32_t i = 0; i < len; i++)
            to[i] = (uint8_t)be(r, 1);
        return (int)len;
    }
    return -1;
}

START_TEST(test_rom)
{
    struct phys *p;
    struct rig r;

    open_foreign(&r, "c");
    p = r.board.phys;
    ck_assert_uint_eq(phys_read32(p, 0xFFFC0000), 0);
    ck_assert_uint_eq(phys_read32(p, 0xFFFFF000), 0x3F);
    ck_assert_uint_eq(phys_read32(p, 0xF0000), 0x30);
    ck_assert_uint_eq(phys_read32(p, 0xE0000), 0x20);
    ck_assert_int_eq(phys_frame(p, 0xDF, NULL), PHYS_NONE);
    ck_assert(!bus_mapped(r.board.bus, ROM_TRAP_PORT));
    rig_close(&r);
}
END_TEST

START_TEST(test_rom_sizes)
{
    struct error err = {0};

    ck_assert(bios_rom_size_ok(0x8000, "x", &err));
    ck_assert(bios_rom_size_ok(0x10000, "x", &err));
    ck_assert(bios_rom_size_ok(16 << 20, "x", &err));
    ck_assert(!bios_rom_size_ok(0, "x", &err));
    ck_assert(!bios_rom_size_ok(0x10001, "x", &err));
    ck_assert(!bios_rom_size_ok((16 << 20) + 0x10000, "x", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "64 KiB"));
}
END_TEST

START_TEST(test_items)
{
    uint8_t data[64];
    struct rig r;

    open_foreign(&r, "cda");
    ck_assert_uint_eq(number(&r, FW_CFG_RAM_SIZE, 8), 8 << 20);
    ck_assert_uint_eq(number(&r, FW_CFG_NOGRAPHIC, 2), 1);
    ck_assert_uint_eq(r.bios->sercon.port, 0); /* which the firmware does by itself */
    ck_assert_uint_eq(number(&r, FW_CFG_NB_CPUS, 2), 1);
    ck_assert_uint_eq(number(&r, FW_CFG_BOOT_MENU, 2), 1);
    ck_assert_uint_eq(number(&r, FW_CFG_BOOT_DEVICE, 2), 'c');
    ck_assert_uint_eq(number(&r, FW_CFG_UUID, 4), 0x78563412);
    ck_assert_int_eq(file(&r, "etc/boot-menu-wait", data, sizeof data), 2);
    ck_assert_uint_eq(data[0] | data[1] << 8, 1500);
    ck_assert_int_eq(file(&r, "etc/e820", data, sizeof data), 20);
    ck_assert_uint_eq(data[10], 0x80);
    ck_assert_uint_eq(data[16], 1);
    ck_assert_int_eq(file(&r, "bootorder", data, sizeof data), -1);
    ck_assert_int_gt(file(&r, "bios-geometry", data, sizeof data), 0);
    ck_assert_str_eq((const char *)data, "/pci@i0cf8/ide@1,1/drive@0/disk@0 1 16 63\n");
    ck_assert_uint_eq(rtc_get_cmos(r.bios->config.rtc, 0x3D), 0x32);
    ck_assert_uint_eq(rtc_get_cmos(r.bios->config.rtc, 0x38), 0x11);
    ck_assert_uint_eq(rtc_get_cmos(r.bios->config.rtc, 0x10), 0x40);
    bios_set_boot_order(r.bios, "a");
    ck_assert_uint_eq(rtc_get_cmos(r.bios->config.rtc, 0x3D), 0x01);
    ck_assert_uint_eq(rtc_get_cmos(r.bios->config.rtc, 0x38), 0x01);
    rig_close(&r);
}
END_TEST

/* ---- what firmware does with the tables ---- */

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint8_t sum(const uint8_t *p, uint32_t len)
{
    uint8_t s = 0;

    while (len--)
        s += *p++;
    return s;
}

struct tables {
    uint8_t tables[BLOB_MAX], rsdp[64];
};

static uint8_t *blob(struct tables *t, const uint8_t *name)
{
    return strcmp((const char *)name, "etc/acpi/rsdp") ? t->tables : t->rsdp;
}

static void run_loader(struct tables *t, const uint8_t *script, int len)
{
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(len % 128, 0);
    for (; len; len -= 128, script += 128) {
        const uint8_t *p = script + 60;
        uint8_t *at;

        switch (get32(script)) {
        case 1:
            break;
        case 2:
            ck_assert_str_eq((const char *)p, "etc/acpi/tables");
            at = blob(t, script + 4) + get32(p + 56);
            ck_assert(p[60] == 4 || p[60] == 8);
            ck_assert_uint_lt(get32(at), BLOB_MAX);
            for (uint32_t i = 0, v = get32(at) + LOADED_AT; i < 4; i++)
                at[i] = (uint8_t)(v >> 8 * i);
            break;
        case 3:
            at = blob(t, script + 4);
            at[get32(p)] = (uint8_t)-sum(at + get32(p + 4), get32(p + 8));
            break;
        default:
            ck_abort_msg("command %u", get32(script));
        }
    }
}

START_TEST(test_acpi_tables)
{
    static struct tables t;
    static uint8_t script[8192];
    const uint8_t *rsdt, *fadt = NULL, *dsdt;
    struct rig r;
    int len;

    open_foreign(&r, "c");
    ck_assert_int_gt(file(&r, "etc/acpi/tables", t.tables, BLOB_MAX), 1000);
    ck_assert_int_eq(file(&r, "etc/acpi/rsdp", t.rsdp, sizeof t.rsdp), 20);
    len = file(&r, "etc/table-loader", script, sizeof script);
    run_loader(&t, script, len);
    ck_assert_int_eq(memcmp(t.rsdp, "RSD PTR ", 8), 0);
    ck_assert_uint_eq(sum(t.rsdp, 20), 0);
    rsdt = t.tables + get32(t.rsdp + 16) - LOADED_AT;
    ck_assert_int_eq(memcmp(rsdt, "RSDT", 4), 0);
    ck_assert_uint_eq(sum(rsdt, get32(rsdt + 4)), 0);
    for (uint32_t at = 36; at < get32(rsdt + 4); at += 4) {
        const uint8_t *table = t.tables + get32(rsdt + at) - LOADED_AT;

        ck_assert_uint_eq(sum(table, get32(table + 4)), 0);
        if (!memcmp(table, "FACP", 4))
            fadt = table;
    }
    ck_assert_ptr_nonnull(fadt);
    dsdt = t.tables + get32(fadt + 40) - LOADED_AT;
    ck_assert_int_eq(memcmp(dsdt, "DSDT", 4), 0);
    ck_assert_uint_eq(sum(dsdt, get32(dsdt + 4)), 0);
    ck_assert_uint_eq(get32(fadt + 140), get32(fadt + 40));
    ck_assert_uint_eq((get32(fadt + 36) - LOADED_AT) % 64, 0);
    ck_assert_int_eq(memcmp(t.tables + get32(fadt + 36) - LOADED_AT, "FACS", 4), 0);
    rig_close(&r);
}
END_TEST

START_TEST(test_smbios_tables)
{
    uint8_t anchor[64], tables[2048];
    unsigned count = 0;
    struct rig r;
    int len, at = 0;

    open_foreign(&r, "c");
    ck_assert_int_eq(file(&r, "etc/smbios/smbios-anchor", anchor, sizeof anchor), 31);
    len = file(&r, "etc/smbios/smbios-tables", tables, sizeof tables);
    ck_assert_int_eq(len, anchor[22] | anchor[23] << 8);
    ck_assert_uint_eq(sum(anchor, 31), 0);
    ck_assert_uint_eq(sum(anchor + 16, 15), 0);
    ck_assert_uint_eq(tables[0], 1);    /* type 0 is the firmware's own */
    ck_assert_uint_eq(tables[8], 0x78); /* UUID: the first field is little-endian */
    ck_assert_uint_eq(tables[11], 0x12);
    ck_assert_uint_eq(tables[16], 1);
    while (at < len) {
        at += tables[at + 1];
        while (tables[at] || tables[at + 1])
            at++;
        at += 2;
        count++;
    }
    ck_assert_int_eq(at, len);
    ck_assert_uint_eq(count, anchor[28]);
    rig_close(&r);
}
END_TEST

/* The user's structures: type 0 is ours then, a board, texts, and one from a file in place of the
 * chassis. */
/* A foreign BIOS is told of an option ROM's bootindex by the name of its file. */
START_TEST(test_option_rom_in_the_order)
{
    static const uint32_t index[BOOT_PLACES] = {[BOOT_IDE] = 2, [BOOT_ROM + 1] = 1};
    static const uint8_t data[512] = {0x55, 0xAA, 1};
    const struct bios_config base = {
        .rom = rom,
        .rom_bytes = ROM_BYTES,
        .boot_order = "c",
        .bootindex = index,
        .option_rom = {{data, sizeof data, "a.rom"}, {data, sizeof data, "b.rom"}},
        .option_roms = 2};
    uint8_t order[200];
    struct rig r;

    rig_open_with(&r, 8, 2880, 1024, &base);
    ck_assert_int_gt(file(&r, "bootorder", order, sizeof order), 0);
    ck_assert_str_eq((const char *)order, "/rom@genroms/b.rom\n/pci@i0cf8/ide@1,1/drive@0/disk@0");
    rig_close(&r);
}
END_TEST

START_TEST(test_smbios_of_the_user)
{
    static const uint8_t chassis[] = {3, 9, 0x33, 0x03, 1, 0x11, 0, 0, 0, 'F', 0, 0};
    static const struct smbios_config user = {
        .text = {[SMBIOS_BIOS] = {"V", "9.9", "01/02/2003"},
                 [SMBIOS_SYSTEM] = {[3] = "SERIAL"},
                 [SMBIOS_OEM] = {"one", "two"}},
        .given = {[SMBIOS_BIOS] = true, [SMBIOS_BOARD] = true, [SMBIOS_OEM] = true},
        .release = {4, 7},
        .has_release = true,
        .file = {{chassis, sizeof chassis}},
        .files = 1,
    };
    const struct bios_config base = {
        .rom = rom, .rom_bytes = ROM_BYTES, .boot_order = "c", .smbios = &user};
    uint8_t tables[2048], kinds[128] = {0};
    struct rig r;
    int len, at = 0;

    rig_open_with(&r, 8, 2880, 1024, &base);
    len = file(&r, "etc/smbios/smbios-tables", tables, sizeof tables);
    ck_assert_uint_eq(tables[0], 0);
    ck_assert_uint_eq(tables[20], 4);
    ck_assert_uint_eq(tables[21], 7);
    ck_assert_int_eq(memcmp(tables + tables[1], "V\0009.9\00001/02/2003\0", 18), 0);
    while (at < len) {
        const uint8_t *s = tables + at;

        kinds[s[0] & 127]++;
        at += s[1];
        if (s[0] == 1) /* maker, product and version before it */
            ck_assert_uint_eq(s[7], 4);
        if (s[0] == 3)
            ck_assert_int_eq(memcmp(s, chassis, sizeof chassis), 0);
        if (s[0] == 11)
            ck_assert_int_eq(memcmp(s + s[1], "one\0two\0", 9), 0);
        while (tables[at] || tables[at + 1])
            at++;
        at += 2;
    }
    ck_assert_int_eq(at, len);
    ck_assert(kinds[2] == 1 && kinds[3] == 1 && kinds[11] == 1 && kinds[127] == 1);
    rig_close(&r);
}
END_TEST

/* ---- kernels ---- */

START_TEST(test_kernel)
{
    static uint8_t kernel[0x3000];
    char path[64];
    uint8_t data[1024];
    struct error err = {0};
    struct rig r;

    memset(kernel, 0x90, sizeof kernel);
    kernel[0x1F1] = 4;
    memcpy(kernel + 0x1F4, "\x60\x02\0\0", 4);
    memcpy(kernel + 0x1FE, "\x55\xAA", 2);
    memcpy(kernel + 0x202, "HdrS\x05\x02", 6);
    kernel[0x211] = 1;
    rig_file(path, kernel, sizeof kernel);
    open_foreign(&r, "c");
    ck_assert_msg(bios_boot_linux(r.bios, &(struct boot_kernel){path, NULL, "quiet"}, &err), "%s",
                  err.text);
    ck_assert_uint_eq(number(&r, FW_CFG_KERNEL_ADDR, 4), 0x100000);
    ck_assert_uint_eq(number(&r, FW_CFG_KERNEL_SIZE, 4), sizeof kernel - 5 * 512);
    ck_assert_uint_eq(number(&r, FW_CFG_SETUP_SIZE, 4), 5 * 512);
    ck_assert_uint_eq(number(&r, FW_CFG_CMDLINE_SIZE, 4), 6);
    ck_assert_uint_eq(number(&r, FW_CFG_CMDLINE_DATA, 4), 0x65697571);
    ck_assert_uint_eq(number(&r, FW_CFG_KERNEL_ENTRY, 4), 0);
    ck_assert_int_eq(file(&r, "genroms/kernelboot.bin", data, sizeof data), 1024);
    ck_assert_uint_eq(get32(data) & 0xFFFFFF, 0x02AA55);
    ck_assert_uint_eq(sum(data, 1024), 0);
    ck_assert_uint_eq(sum(data + (data[0x1A] | data[0x1B] << 8), 32), 0);
    ck_assert_int_eq(file(&r, "bootorder", data, sizeof data), 28);
    ck_assert_str_eq((const char *)data, "/rom@genroms/kernelboot.bin");
    rig_close(&r);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("firmware");
    TCase *t = tcase_create("firmware");
    SRunner *runner;
    int failed;

    tcase_add_test(t, test_rom);
    tcase_add_test(t, test_rom_sizes);
    tcase_add_test(t, test_items);
    tcase_add_test(t, test_acpi_tables);
    tcase_add_test(t, test_smbios_tables);
    tcase_add_test(t, test_smbios_of_the_user);
    tcase_add_test(t, test_option_rom_in_the_order);
    tcase_add_test(t, test_kernel);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
