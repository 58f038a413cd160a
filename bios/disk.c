/* INT 13h: dispatch, and the CHS functions of fixed disks. */
#include "bios/disk.h"

void disk_finish(struct bios *b, uint8_t status)
{
    set_hi(b, EAX, status);
    set_carry(b, status != DISK_OK);
    set_bda8(b, reg_lo(b, EDX) & 0x80 ? 0x74 : 0x41, status);
}

bool chs_to_lba(const struct geometry *g, unsigned cylinder, unsigned head, unsigned sector,
                uint64_t *lba)
{
    if (cylinder >= g->cylinders || head >= g->heads || sector == 0 || sector > g->sectors)
        return false;
    *lba = ((uint64_t)cylinder * g->heads + head) * g->sectors + sector - 1;
    return true;
}

uint8_t disk_transfer(struct bios *b, struct block *block, enum transfer what, uint64_t lba,
                      uint32_t count, uint32_t lin, uint32_t *done)
{
    enum { CHUNK = 32 };
    uint8_t buffer[CHUNK * SECTOR_SIZE];
    uint64_t sectors = block_sectors(block);

    *done = 0;
    if (what == TRANSFER_WRITE && block_readonly(block))
        return DISK_WRITE_PROTECTED;
    while (*done < count) {
        uint32_t n = count - *done < CHUNK ? count - *done : CHUNK;

        if (lba >= sectors)
            return DISK_SECTOR_NOT_FOUND;
        if (n > sectors - lba)
            n = sectors - lba;
        if (what == TRANSFER_WRITE) {
            lin_read(b, lin, buffer, n * SECTOR_SIZE);
            if (!block_write(block, lba, buffer, n))
                return DISK_WRITE_FAULT;
        } else {
            if (!block_read(block, lba, buffer, n))
                return DISK_CONTROLLER;
            if (what == TRANSFER_READ)
                lin_write(b, lin, buffer, n * SECTOR_SIZE);
        }
        *done += n;
        lba += n;
        lin += n * SECTOR_SIZE;
    }
    return DISK_OK;
}

static void disk_rw(struct bios *b, struct bios_disk *d, enum transfer what)
{
    unsigned cylinder = reg_hi(b, ECX) | (reg_lo(b, ECX) & 0xC0u) << 2;
    uint32_t count = reg_lo(b, EAX), done;
    uint64_t lba;
    uint8_t status;

    if (count == 0) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    if (!chs_to_lba(&d->geometry, cylinder, reg_hi(b, EDX), reg_lo(b, ECX) & 0x3F, &lba)) {
        set_lo(b, EAX, 0);
        disk_finish(b, DISK_SECTOR_NOT_FOUND);
        return;
    }
    status = disk_transfer(b, d->block, what, lba, count,
                           b->cpu->seg[SEG_ES].base + reg16(b, EBX), &done);
    set_lo(b, EAX, done);
    disk_finish(b, status);
}

static void disk_parameters(struct bios *b, const struct bios_disk *d)
{
    unsigned last = d->geometry.cylinders - 1;

    set_lo(b, EAX, 0);
    set_hi(b, ECX, last);
    set_lo(b, ECX, (last >> 2 & 0xC0) | d->geometry.sectors);
    set_hi(b, EDX, d->geometry.heads - 1);
    disk_finish(b, DISK_OK);
    set_lo(b, EDX, bda8(b, 0x75));
}

/* AH=15h: 3 is a fixed disk; its sectors in CX:DX. */
static void disk_type(struct bios *b, const struct bios_disk *d)
{
    uint32_t sectors = d->geometry.cylinders * d->geometry.heads * d->geometry.sectors;

    set_bda8(b, 0x74, DISK_OK);
    set_carry(b, false);
    set_hi(b, EAX, 3);
    set_reg16(b, ECX, sectors >> 16);
    set_reg16(b, EDX, sectors);
}

static void disk_seek(struct bios *b, const struct bios_disk *d)
{
    unsigned cylinder = reg_hi(b, ECX) | (reg_lo(b, ECX) & 0xC0u) << 2;

    disk_finish(b, cylinder < d->geometry.cylinders && reg_hi(b, EDX) < d->geometry.heads
                       ? DISK_OK
                       : DISK_SECTOR_NOT_FOUND);
}

void int13_disk(struct bios *b, struct bios_disk *d)
{
    uint8_t ah = reg_hi(b, EAX), status;

    switch (ah) {
    case 0x01:
        status = bda8(b, 0x74);
        set_hi(b, EAX, status);
        set_carry(b, status != 0);
        set_bda8(b, 0x74, 0);
        break;
    case 0x02:
        disk_rw(b, d, TRANSFER_READ);
        break;
    case 0x03:
        disk_rw(b, d, TRANSFER_WRITE);
        break;
    case 0x04:
        disk_rw(b, d, TRANSFER_VERIFY);
        break;
    case 0x08:
        disk_parameters(b, d);
        break;
    case 0x0C:
        disk_seek(b, d);
        break;
    case 0x00: /* reset, format a track (the data stays), initialise, reset, ready, recalibrate */
    case 0x05:
    case 0x09:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14:
        disk_finish(b, DISK_OK);
        break;
    case 0x15:
        disk_type(b, d);
        break;
    default:
        if (ah >= 0x41 && ah <= 0x4E) {
            int13_lba(b, d);
            break;
        }
        log_guest_error(b->log, "INT 13h: no function %02Xh for a fixed disk", ah);
        disk_finish(b, DISK_BAD_COMMAND);
        break;
    }
}

static void no_disk(struct bios *b)
{
    uint8_t ah = reg_hi(b, EAX);

    if (ah == 0x15) { /* drive type: not present, which is no error */
        set_hi(b, EAX, 0);
        set_carry(b, false);
        return;
    }
    if (ah == 0x08)
        set_lo(b, EDX, bda8(b, 0x75));
    set_hi(b, EAX, DISK_BAD_COMMAND);
    set_carry(b, true);
    set_bda8(b, 0x74, DISK_BAD_COMMAND);
}

void int13(struct bios *b)
{
    uint8_t given = reg_lo(b, EDX), dl = cdrom_real_drive(b, given);

    if (int13_cdrom(b))
        return;
    set_lo(b, EDX, dl);
    if (dl < 0x80)
        int13_floppy(b);
    else if (dl - 0x80u < b->disks)
        int13_disk(b, &b->disk[dl - 0x80]);
    else
        no_disk(b);
    if (dl != given && reg_lo(b, EDX) == dl) /* it moved up behind an emulated drive */
        set_lo(b, EDX, given);
}
