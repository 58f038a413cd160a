/* INT 19h and 18h: the devices in their order, a kernel where one was given. */
#include "bios/private.h"

enum { BOOT_ADDRESS = 0x7C00 };

static bool all_zero(const uint8_t *sector)
{
    for (unsigned i = 0; i < SECTOR_SIZE; i++)
        if (sector[i])
            return false;
    return true;
}

/* Load the first sector of BLOCK.  Diskettes boot without the signature, as on an AT; a blank
 * one does not. */
static bool try_block(struct bios *b, struct block *block, uint8_t drive)
{
    uint8_t sector[SECTOR_SIZE];
    bool signature;

    bios_print(b, drive & 0x80 ? "Booting from Hard Disk...\n" : "Booting from Floppy...\n");
    if (!block_read(block, 0, sector, 1)) {
        bios_print(b, "Boot failed: could not read the boot disk\n\n");
        return false;
    }
    signature = sector[510] == 0x55 && sector[511] == 0xAA;
    if (all_zero(sector) || (drive & 0x80 && !signature)) {
        bios_print(b, "Boot failed: not a bootable disk\n\n");
        return false;
    }
    lin_write(b, BOOT_ADDRESS, sector, sizeof sector);
    set_lo(b, ECX, BOOT_SECTOR);
    set_reg16(b, EDX, drive);
    return true;
}

static bool try_device(struct bios *b, char letter)
{
    switch (letter) {
    case 'a':
        return b->floppy[0].block && try_block(b, b->floppy[0].block, 0x00);
    case 'b':
        return b->floppy[1].block && try_block(b, b->floppy[1].block, 0x01);
    case 'c':
        return b->disks > 0 && try_block(b, b->disk[0].block, 0x80);
    case 'd':
        return cdrom_boot(b);
    default:
        return false;
    }
}

void bios_boot(struct bios *b, bool next)
{
    if (!next)
        b->boot_next = 0;
    if ((b->kernel || b->multiboot) && !next) {
        bios_print(b, "Booting from ROM...\n");
        out8(b, 0x92, in8(b, 0x92) | 2); /* what is above 1 MiB belongs there */
        if (b->kernel ? linux_load(b) : multiboot_load(b)) {
            set_lo(b, ECX, b->kernel ? BOOT_FAR : BOOT_MULTIBOOT);
            return;
        }
    }
    while (b->boot_next < sizeof b->boot_order && b->boot_order[b->boot_next])
        if (try_device(b, b->boot_order[b->boot_next++]))
            return;
    bios_print(b, "No bootable device.\nInsert a boot disk and press a key to try again.\n");
    set_lo(b, ECX, BOOT_NOTHING);
}
