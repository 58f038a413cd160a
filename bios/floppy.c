/* INT 13h for diskettes: every standard geometry, straight from the image. */
#include "bios/disk.h"
#include "cpu/emulate.h"

#include <string.h>

/* The drive that the medium suggests: a 1.44 MB drive, unless it does not fit one. */
static uint8_t drive_type(const struct geometry *g)
{
    if (g->cylinders <= 42)
        return 1;
    if (g->sectors == 15)
        return 2;
    return g->sectors > 24 ? 5 : 4; /* 20 to 24 sectors are written by 1.44 MB drives */
}

static const struct geometry *drive_geometry(uint8_t type)
{
    static const struct geometry by_type[6] = {{0, 0, 0},   {40, 2, 9},  {80, 2, 15},
                                               {80, 2, 9}, {80, 2, 18}, {80, 2, 36}};

    return &by_type[type < 6 ? type : 0];
}

void floppy_set(struct bios *b, int drive, struct block *block)
{
    struct bios_floppy *f = &b->floppy[drive];

    f->block = block;
    f->changed = true;
    memset(&f->media, 0, sizeof f->media);
    if (block && !floppy_media(block, &f->media))
        f->block = NULL;
    if (f->block)
        f->type = drive_type(&f->media);
    else if (!f->type)
        f->type = 4;
}

/* Is a transfer possible?  The change of a medium is reported once. */
static uint8_t ready(struct bios_floppy *f)
{
    if (!f->present || !f->block)
        return DISK_TIMEOUT;
    if (f->changed) {
        f->changed = false;
        return DISK_CHANGED;
    }
    return DISK_OK;
}

/* Of an image that is only the beginning of a floppy, the rest reads as zeros. */
static uint8_t media_transfer(struct bios *b, struct bios_floppy *f, enum transfer what,
                              uint64_t lba, uint32_t count, uint32_t lin, uint32_t *done)
{
    static const uint8_t zeros[SECTOR_SIZE];
    uint64_t end = (uint64_t)f->media.cylinders * f->media.heads * f->media.sectors;
    uint8_t status = disk_transfer(b, f->block, what, lba, count, lin, done);

    if (status != DISK_SECTOR_NOT_FOUND || what == TRANSFER_WRITE)
        return status;
    for (; *done < count && lba + *done < end; ++*done)
        if (what == TRANSFER_READ)
            lin_write(b, lin + *done * SECTOR_SIZE, zeros, SECTOR_SIZE);
    return *done < count ? DISK_SECTOR_NOT_FOUND : DISK_OK;
}

static void floppy_rw(struct bios *b, struct bios_floppy *f, enum transfer what)
{
    uint32_t count = reg_lo(b, EAX), done = 0;
    uint32_t lin = b->cpu->seg[SEG_ES].base + reg16(b, EBX);
    uint8_t status = ready(f);
    uint64_t lba;

    if (status == DISK_OK) {
        if (count == 0)
            status = DISK_BAD_COMMAND;
        else if (!chs_to_lba(&f->media, reg_hi(b, ECX), reg_hi(b, EDX), reg_lo(b, ECX), &lba))
            status = DISK_SECTOR_NOT_FOUND;
        else if (what != TRANSFER_VERIFY && (lin & 0xFFFF) + count * SECTOR_SIZE > 0x10000)
            status = DISK_DMA_BOUNDARY;
        else
            status = media_transfer(b, f, what, lba, count, lin, &done);
    }
    set_lo(b, EAX, done);
    disk_finish(b, status);
}

/* AH=05h: ES:BX has four bytes for each sector: cylinder, head, sector, size code. */
static void format_track(struct bios *b, struct bios_floppy *f)
{
    uint8_t status = ready(f), sector[SECTOR_SIZE];
    uint16_t at = reg16(b, EBX);
    uint32_t table = lin32(b, 0x1E * 4);

    if (status == DISK_OK && block_readonly(f->block))
        status = DISK_WRITE_PROTECTED;
    memset(sector, lin8(b, (table >> 16 << 4) + (table & 0xFFFF) + 8), sizeof sector);
    for (unsigned n = reg_lo(b, EAX); n && status == DISK_OK; n--, at += 4) {
        uint8_t id[4];
        uint64_t lba;

        seg_read(b, SEG_ES, at, id, 4);
        if (id[3] != 2 || id[0] != reg_hi(b, ECX) ||
            !chs_to_lba(&f->media, reg_hi(b, ECX), reg_hi(b, EDX), id[2], &lba))
            status = DISK_SECTOR_NOT_FOUND;
        else if (!block_write(f->block, lba, sector, 1))
            status = DISK_CONTROLLER;
    }
    disk_finish(b, status);
}

/* AH=08h.  The medium's own geometry where there is one: loaders that take this for the truth
 * about the diskette are right then. */
static void parameters(struct bios *b, const struct bios_floppy *f)
{
    const struct geometry *g = f->block ? &f->media : drive_geometry(f->type);
    unsigned drives = b->floppy[0].present + b->floppy[1].present;

    set_reg16(b, EAX, 0);
    disk_finish(b, DISK_OK);
    if (!f->present) {
        set_reg16(b, EBX, 0);
        set_reg16(b, ECX, 0);
        set_reg16(b, EDX, drives);
        set_reg16(b, EDI, 0);
        cpu_set_real_segment(b->cpu, SEG_ES, 0, true);
        return;
    }
    set_reg16(b, EBX, f->type);
    set_hi(b, ECX, g->cylinders - 1);
    set_lo(b, ECX, g->sectors);
    set_hi(b, EDX, g->heads - 1);
    set_lo(b, EDX, drives);
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, ROM_DISKETTE);
}

static void drive_kind(struct bios *b, const struct bios_floppy *f)
{
    set_bda8(b, 0x41, 0);
    set_carry(b, false);
    set_hi(b, EAX, !f->present ? 0 : f->type == 1 ? 1 : 2);
}

static void change_line(struct bios *b, struct bios_floppy *f)
{
    uint8_t status = DISK_OK;

    if (!f->present)
        status = DISK_TIMEOUT;
    else if (f->changed || !f->block)
        status = DISK_CHANGED;
    f->changed = false;
    disk_finish(b, status);
}

/* AH=17h, 18h: the medium to be formatted must be what the image is. */
static void media_type(struct bios *b, struct bios_floppy *f)
{
    unsigned sectors = reg_lo(b, ECX) & 0x3F, last = reg_hi(b, ECX);

    if (!f->present || !f->block) {
        disk_finish(b, DISK_TIMEOUT);
        return;
    }
    if (sectors != f->media.sectors || last + 1 != f->media.cylinders) {
        disk_finish(b, DISK_MEDIA_TYPE);
        return;
    }
    f->changed = false;
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, ROM_DISKETTE);
    disk_finish(b, DISK_OK);
}

void int13_floppy(struct bios *b)
{
    struct bios_floppy absent = {0}, *f = &absent;
    uint8_t status;

    if (reg_lo(b, EDX) < 2)
        f = &b->floppy[reg_lo(b, EDX)];
    switch (reg_hi(b, EAX)) {
    case 0x00:
        set_bda8(b, 0x3E, 0);
        disk_finish(b, DISK_OK);
        break;
    case 0x01:
        status = bda8(b, 0x41);
        set_hi(b, EAX, status);
        set_carry(b, status != 0);
        break;
    case 0x02:
        floppy_rw(b, f, TRANSFER_READ);
        break;
    case 0x03:
        floppy_rw(b, f, TRANSFER_WRITE);
        break;
    case 0x04:
        floppy_rw(b, f, TRANSFER_VERIFY);
        break;
    case 0x05:
        format_track(b, f);
        break;
    case 0x08:
        parameters(b, f);
        break;
    case 0x15:
        drive_kind(b, f);
        break;
    case 0x16:
        change_line(b, f);
        break;
    case 0x17:
        disk_finish(b, f->present ? DISK_OK : DISK_TIMEOUT);
        break;
    case 0x18:
        media_type(b, f);
        break;
    default: /* 41h and the other extensions too: probes expect an error */
        disk_finish(b, DISK_BAD_COMMAND);
        break;
    }
}
