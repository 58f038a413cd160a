/* INT 19h and 18h: the devices in their order, a kernel where one was given; and what became of
 * each, for whoever is left without a system. */
#include "bios/private.h"

#include <stdio.h>
#include <string.h>

enum { BOOT_ADDRESS = 0x7C00 };
#define MS_NS 1000000u

/* Why a device did not boot. */
enum result {
    UNTRIED,
    ABSENT,
    EMPTY,
    UNREADABLE,
    BLANK,
    NO_SIGNATURE,
    NOT_BOOTABLE,
    NO_BOOT_ROM,
    CAME_BACK, /* it was started and called INT 18h */
};

static const char *const result_text[] = {
    [UNTRIED] = "not tried",
    [ABSENT] = "none",
    [EMPTY] = "no disk in the drive",
    [UNREADABLE] = "its first sector cannot be read",
    [BLANK] = "its first sector is blank",
    [NO_SIGNATURE] = "no boot signature (55h AAh) in its first sector",
    [NOT_BOOTABLE] = "not a bootable disc",
    [NO_BOOT_ROM] = "no network card, no option ROM",
    [CAME_BACK] = "its boot code gave up",
};

static bool all_zero(const uint8_t *sector)
{
    for (unsigned i = 0; i < SECTOR_SIZE; i++)
        if (sector[i])
            return false;
    return true;
}

/* Load the first sector of BLOCK.  Diskettes boot without the signature, as on an AT; a blank
 * one does not. */
static enum result try_block(struct bios *b, struct block *block, uint8_t drive)
{
    uint8_t sector[SECTOR_SIZE];
    bool signature;

    bios_print(b, drive & 0x80 ? "Booting from Hard Disk...\n" : "Booting from Floppy...\n");
    if (!block_read(block, 0, sector, 1)) {
        bios_print(b, "Boot failed: could not read the boot disk\n\n");
        return UNREADABLE;
    }
    signature = sector[510] == 0x55 && sector[511] == 0xAA;
    if (all_zero(sector) || (drive & 0x80 && !signature)) {
        bios_print(b, "Boot failed: not a bootable disk\n\n");
        return all_zero(sector) ? BLANK : NO_SIGNATURE;
    }
    lin_write(b, BOOT_ADDRESS, sector, sizeof sector);
    set_lo(b, ECX, BOOT_SECTOR);
    set_reg16(b, EDX, drive);
    return CAME_BACK; /* unless it does not */
}

static enum result try_floppy(struct bios *b, uint8_t drive)
{
    const struct bios_floppy *f = &b->floppy[drive];

    if (!f->block)
        return f->present ? EMPTY : ABSENT;
    return try_block(b, f->block, drive);
}

static enum result try_device(struct bios *b, char letter)
{
    switch (letter) {
    case 'a':
        return try_floppy(b, 0);
    case 'b':
        return try_floppy(b, 1);
    case 'c':
        return b->disks ? try_block(b, b->disk[0].block, 0x80) : ABSENT;
    case 'd':
        if (!b->cd.block)
            return EMPTY;
        return cdrom_boot(b) ? CAME_BACK : NOT_BOOTABLE;
    default:
        return option_rom_boot(b) ? CAME_BACK : NO_BOOT_ROM;
    }
}

/* ---- the list ---- */

static void add(struct bios_boot *boot, char letter)
{
    size_t n = strlen(boot->list);

    if (letter && !strchr(boot->list, letter) && n < sizeof boot->list - 1)
        boot->list[n] = letter;
}

/* What the menu chose, the order, and unless that is all there may be, the rest. */
static void make_list(struct bios *b)
{
    struct bios_boot *boot = &b->boot;

    memset(boot->list, 0, sizeof boot->list);
    memset(boot->result, UNTRIED, sizeof boot->result);
    boot->next = 0;
    add(boot, boot->choice);
    for (const char *p = b->boot_order; *p; p++)
        add(boot, *p);
    for (const char *p = b->config.option_roms ? "acdn" : "acd"; *p && !b->config.boot_strict; p++)
        add(boot, *p);
}

static void give_up(struct bios *b)
{
    static const char letters[] = "abcdn";
    static const char *const names[] = {"Floppy A:", "Floppy B:", "Hard disk", "CD/DVD",
                                        "Network"};
    const struct bios_boot *boot = &b->boot;
    char line[100];

    bios_print(b, "No bootable device.\n");
    for (unsigned i = 0; i < sizeof boot->list && boot->list[i]; i++) {
        const char *at = strchr(letters, boot->list[i]);
        unsigned why = boot->result[i] <= CAME_BACK ? boot->result[i] : UNTRIED;

        snprintf(line, sizeof line, "  %-9s  %s\n", at ? names[at - letters] : "?",
                 result_text[why]);
        bios_print(b, line);
    }
    bios_print(b, "Insert a boot disk and press a key to try again.\n");
    if (b->config.reboot_ms) {
        uint32_t ms = b->config.reboot_ms - 1;

        snprintf(line, sizeof line, "Rebooting in %u seconds.\n", (ms + 999) / 1000);
        bios_print(b, line);
        b->boot.until = vclock_now(b->clock) + (uint64_t)ms * MS_NS;
    }
    set_lo(b, ECX, BOOT_NOTHING);
}

/* The reset goes by the keyboard controller, as a guest's would. */
void bios_boot_wait(struct bios *b)
{
    uint16_t key;
    bool pressed = key_take(b, &key);

    if (!pressed && b->config.reboot_ms && vclock_now(b->clock) >= b->boot.until)
        out8(b, 0x64, 0xFE);
    live_flag(b, FLAG_CF, !pressed);
}

void bios_boot(struct bios *b, bool next)
{
    struct bios_boot *boot = &b->boot;

    if (!next)
        make_list(b);
    if ((b->kernel || b->multiboot) && !next) {
        bios_print(b, "Booting from ROM...\n");
        out8(b, 0x92, in8(b, 0x92) | 2); /* what is above 1 MiB belongs there */
        if (b->kernel ? linux_load(b) : multiboot_load(b)) {
            set_lo(b, ECX, b->kernel ? BOOT_FAR : BOOT_MULTIBOOT);
            return;
        }
    }
    while (boot->next < sizeof boot->list && boot->list[boot->next]) {
        enum result result = try_device(b, boot->list[boot->next]);

        boot->result[boot->next++] = result;
        if (result == CAME_BACK)
            return;
    }
    give_up(b);
}
