/* Which device boots: the order, the menu, what is said when none does. */
#include "rig.h"
#include "bios/keyboard.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_F12 = 0x8600, KEY_ESC = 0x011B };

static struct rig rig;

static void boot(unsigned trap)
{
    rig.cpu->gpr[ESP] = RIG_SP;
    rig_trap(&rig, trap);
}

/* BOOT_* of the last trap, and the drive. */
static unsigned result(void)
{
    return rig.cpu->gpr[ECX] & 0xFF;
}

static unsigned drive(void)
{
    return rig.cpu->gpr[EDX] & 0xFF;
}

static bool on_screen(const char *text)
{
    char line[81] = {0};

    for (unsigned row = 0; row < 25; row++) {
        for (unsigned x = 0; x < 80; x++)
            line[x] = (char)lin8(rig.bios, 0xB8000 + (row * 80 + x) * 2);
        if (strstr(line, text))
            return true;
    }
    return false;
}

static void open_rig(uint32_t floppy, uint32_t disk, const struct bios_config *config)
{
    rig_open_with(&rig, 4, floppy, disk, config);
    rig_post(&rig);
}

/* Without strict=on the rest comes behind what the order names. */
START_TEST(test_rest_of_order)
{
    open_rig(2880, 2048, &(struct bios_config){.boot_order = "d"});
    boot(TRAP_BOOT);
    ck_assert_uint_eq(result(), BOOT_SECTOR);
    ck_assert_uint_eq(drive(), 0x00);
    boot(TRAP_BOOT_NEXT);
    ck_assert_uint_eq(drive(), 0x80);
    boot(TRAP_BOOT_NEXT);
    ck_assert_uint_eq(result(), BOOT_NOTHING);
    ck_assert(on_screen("CD/DVD     no disk in the drive"));
    ck_assert(on_screen("Floppy A:  its boot code gave up"));
    boot(TRAP_BOOT); /* and again from the start */
    ck_assert_uint_eq(drive(), 0x00);
    rig_close(&rig);
}
END_TEST

START_TEST(test_strict)
{
    open_rig(2880, 2048, &(struct bios_config){.boot_order = "nd", .boot_strict = true});
    boot(TRAP_BOOT);
    ck_assert_uint_eq(result(), BOOT_NOTHING);
    ck_assert(on_screen("No bootable device"));
    ck_assert(on_screen("Network    no network card"));
    ck_assert(!on_screen("Hard disk"));
    rig_close(&rig);
}
END_TEST

START_TEST(test_reasons)
{
    uint8_t sector[SECTOR_SIZE] = {1};

    open_rig(2880, 2048, &(struct bios_config){.boot_order = "ca"});
    ck_assert(block_write(rig.disk, 0, sector, 1));
    sector[0] = 0;
    ck_assert(block_write(rig.floppy, 0, sector, 1));
    boot(TRAP_BOOT);
    ck_assert_uint_eq(result(), BOOT_NOTHING);
    ck_assert(on_screen("Hard disk  no boot signature"));
    ck_assert(on_screen("Floppy A:  its first sector is blank"));
    rig_close(&rig);
    open_rig(0, 0, &(struct bios_config){.boot_order = "ca"});
    boot(TRAP_BOOT);
    ck_assert(on_screen("Hard disk  none"));
    ck_assert(on_screen("Floppy A:  no disk in the drive"));
    rig_close(&rig);
}
END_TEST

static bool menu_waits(void)
{
    rig_trap(&rig, TRAP_MENU);
    return rig_live_carry(&rig);
}

START_TEST(test_no_menu)
{
    open_rig(2880, 0, &(struct bios_config){0});
    key_store(rig.bios, KEY_F12);
    ck_assert(!menu_waits());
    ck_assert(!on_screen("boot menu"));
    rig_close(&rig);
}
END_TEST

START_TEST(test_menu_times_out)
{
    open_rig(2880, 2048, &(struct bios_config){.boot_menu = true, .splash_ms = 1000});
    ck_assert(menu_waits());
    ck_assert(on_screen("Press F12 or Esc"));
    key_store(rig.bios, 0x1E61); /* another key is none */
    rig.bios->boot.until = vclock_now(rig.board.clock) + 1;
    while (vclock_now(rig.board.clock) < rig.bios->boot.until)
        ;
    ck_assert(!menu_waits());
    ck_assert(!on_screen("Select boot device"));
    boot(TRAP_BOOT);
    ck_assert_uint_eq(drive(), 0x00);
    rig_close(&rig);
}
END_TEST

START_TEST(test_menu_chooses)
{
    open_rig(2880, 2048, &(struct bios_config){.boot_menu = true, .boot_order = "ad"});
    ck_assert(menu_waits());
    key_store(rig.bios, KEY_F12);
    ck_assert(menu_waits());
    ck_assert(on_screen("1. Floppy A: (1.44M)"));
    ck_assert(on_screen("2. Hard disk, IDE channel 0 master (1 MB)"));
    key_store(rig.bios, 0x0A39); /* there is no ninth */
    ck_assert(menu_waits());
    key_store(rig.bios, 0x0332);
    ck_assert(!menu_waits());
    boot(TRAP_BOOT);
    ck_assert_uint_eq(drive(), 0x80);
    boot(TRAP_BOOT_NEXT); /* then in the usual order */
    ck_assert_uint_eq(drive(), 0x00);
    rig_post(&rig);
    ck_assert(menu_waits()); /* a new start asks again */
    key_store(rig.bios, KEY_ESC);
    ck_assert(menu_waits());
    key_store(rig.bios, KEY_ESC);
    ck_assert(!menu_waits());
    boot(TRAP_BOOT);
    ck_assert_uint_eq(drive(), 0x00);
    rig_close(&rig);
}
END_TEST

/* A disk that is chosen is drive 80h, with its tables; a reset undoes it. */
START_TEST(test_menu_orders_disks)
{
    const struct block_options options = {0};
    struct bios_config config = {.boot_menu = true};
    static uint8_t image[300 * SECTOR_SIZE] = {7};
    struct error err = {0};
    char path[64];

    image[510] = 0x55;
    image[511] = 0xAA;
    rig_file(path, image, sizeof image);
    config.disk[1] = block_open(path, &options, NULL, &err);
    open_rig(0, 2048, &config);
    ck_assert_uint_eq(rig.bios->disks, 2);
    ck_assert(menu_waits());
    key_store(rig.bios, KEY_ESC);
    ck_assert(menu_waits());
    key_store(rig.bios, 0x0433); /* 3: the floppy drive is the first */
    ck_assert(!menu_waits());
    boot(TRAP_BOOT);
    ck_assert_uint_eq(drive(), 0x80);
    ck_assert_uint_eq(lin8(rig.bios, 0x7C00), 7);
    ck_assert_uint_eq(rig.bios->disk[0].sectors, 300);
    ck_assert_uint_eq(lin16(rig.bios, 0xF0000 + ROM_FIXED_DISK),
                      rig.bios->disk[0].geometry.cylinders);
    ck_assert_uint_ne(rig.bios->disk[0].geometry.cylinders, rig.bios->disk[1].geometry.cylinders);
    device_reset_all(rig.board.devices);
    ck_assert_uint_eq(rig.bios->disk[0].sectors, 2048);
    ck_assert_uint_eq(lin16(rig.bios, 0xF0000 + ROM_FIXED_DISK),
                      rig.bios->disk[0].geometry.cylinders);
    rig_close(&rig);
    block_close(config.disk[1]);
    unlink(path);
}
END_TEST

/* The lowest bootindex is drive 80h. */
START_TEST(test_bootindex_orders_disks)
{
    static const uint32_t index[BOOT_PLACES] = {[BOOT_IDE + 1] = 8};
    static const uint32_t both[BOOT_PLACES] = {[BOOT_IDE] = 3, [BOOT_IDE + 1] = 8};
    const struct block_options options = {0};
    struct bios_config config = {.bootindex = index};
    static uint8_t image[300 * SECTOR_SIZE] = {7};
    struct error err = {0};
    char path[64];

    rig_file(path, image, sizeof image);
    config.disk[1] = block_open(path, &options, NULL, &err);
    open_rig(0, 2048, &config);
    ck_assert_uint_eq(rig.bios->disk[0].sectors, 300);
    ck_assert_uint_eq(rig.bios->disk[1].sectors, 2048);
    rig.bios->config.bootindex = both;
    bios_order_disks(rig.bios, 0);
    ck_assert_uint_eq(rig.bios->disk[0].sectors, 2048);
    rig_close(&rig);
    block_close(config.disk[1]);
    unlink(path);
}
END_TEST

/* What nothing boots is said, and when the time is over the machine resets; a key tries again. */
START_TEST(test_reboot_timeout)
{
    open_rig(0, 0, &(struct bios_config){.reboot_ms = 2001});
    boot(TRAP_BOOT);
    ck_assert_uint_eq(result(), BOOT_NOTHING);
    ck_assert(on_screen("Rebooting in 2 seconds."));
    boot(TRAP_NOTHING);
    ck_assert(rig.cpu->flags_host & FLAG_CF);
    ck_assert_uint_eq(rig.resets, 0);
    key_store(rig.bios, KEY_ESC);
    boot(TRAP_NOTHING);
    ck_assert(!(rig.cpu->flags_host & FLAG_CF));
    rig.bios->boot.until = vclock_now(rig.board.clock);
    boot(TRAP_NOTHING);
    ck_assert_uint_eq(rig.resets, 1);
    rig_close(&rig);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boot");
    TCase *t = tcase_create("boot");
    SRunner *runner;
    int failed;

    tcase_add_test(t, test_rest_of_order);
    tcase_add_test(t, test_strict);
    tcase_add_test(t, test_reasons);
    tcase_add_test(t, test_no_menu);
    tcase_add_test(t, test_menu_times_out);
    tcase_add_test(t, test_menu_chooses);
    tcase_add_test(t, test_menu_orders_disks);
    tcase_add_test(t, test_bootindex_orders_disks);
    tcase_add_test(t, test_reboot_timeout);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
