/* Booting from CD: the "El Torito" Bootable CD-ROM Format Specification 1.0, with no emulation and
 * with emulated diskettes and hard disks; INT 13h for the CD itself and for what it emulates.
 *
 * An emulated diskette is drive 00h and makes the first real one 01h; an emulated hard disk is
 * drive 80h and moves the real ones up by one.  The CD is drive E0h. */
#include "bios/disk.h"
#include "cpu/emulate.h"

#include <string.h>

enum {
    CD_SECTOR = 2048,
    CD_RATIO = CD_SECTOR / SECTOR_SIZE,
    BOOT_RECORD = 17,
    SPECIFICATION = 19,
    DEFAULT_SEGMENT = 0x7C0,
    MEDIA_NONE = 0,
    MEDIA_DISK = 4,
    ANY_DRIVE = 0x7F,
};

static uint16_t get16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = v >> 8 * i;
}

static bool read_cd(struct bios *b, uint32_t lba, uint8_t *sector)
{
    return block_read(b->cd.block, (uint64_t)lba * CD_RATIO, sector, CD_RATIO);
}

void bios_set_cdrom(struct bios *b, struct block *block)
{
    b->cd.block = block;
    b->config.cdrom = block;
}

/* ---- booting ---- */

/* The initial entry of the boot catalog (2.0, figures 2 and 3). */
struct entry {
    uint8_t media;
    uint16_t segment, sectors;
    uint32_t lba;
};

static bool read_entry(struct bios *b, struct entry *e)
{
    uint8_t sector[CD_SECTOR];
    uint16_t sum = 0;

    if (!read_cd(b, BOOT_RECORD, sector) || sector[0] != 0 ||
        memcmp(sector + 1, "CD001\1EL TORITO SPECIFICATION", 29) != 0)
        return false;
    b->cd.catalog = get32(sector + 0x47);
    if (!read_cd(b, b->cd.catalog, sector) || sector[0] != 1 || get16(sector + 30) != 0xAA55)
        return false;
    for (unsigned i = 0; i < 32; i += 2)
        sum += get16(sector + i);
    if (sum != 0 || sector[32] != 0x88)
        return false;
    e->media = sector[33] & 15;
    e->segment = get16(sector + 34) ? get16(sector + 34) : DEFAULT_SEGMENT;
    e->sectors = get16(sector + 38) ? get16(sector + 38) : 1;
    e->lba = get32(sector + 40);
    return e->media <= MEDIA_DISK;
}

/* What a disk image says of its geometry: the last sector of its first partition. */
static bool disk_image_geometry(struct bios *b, struct geometry *g)
{
    uint8_t mbr[SECTOR_SIZE];
    const uint8_t *last = mbr + 446 + 5;

    if (!block_read(b->cd.block, b->cd.first, mbr, 1) || !(last[1] & 63))
        return false;
    g->heads = last[0] + 1u;
    g->sectors = last[1] & 63;
    g->cylinders = (last[2] | (last[1] & 0xC0u) << 2) + 1;
    return true;
}

/* Take up the emulation of E; false when the image makes none. */
static bool emulate(struct bios *b, const struct entry *e)
{
    static const struct geometry diskettes[MEDIA_DISK] = {
        {0, 0, 0}, {80, 2, 15}, {80, 2, 18}, {80, 2, 36}};
    uint64_t sectors = block_sectors(b->cd.block), bytes;

    b->cd.media = e->media;
    b->cd.segment = e->segment;
    b->cd.load_sectors = e->sectors;
    b->cd.first = (uint64_t)e->lba * CD_RATIO;
    b->cd.drive = e->media == MEDIA_NONE ? CD_DRIVE : e->media == MEDIA_DISK ? 0x80 : 0x00;
    if (b->cd.first >= sectors)
        return false;
    if (e->media == MEDIA_NONE)
        return true;
    if (e->media == MEDIA_DISK) {
        if (!disk_image_geometry(b, &b->cd.geometry))
            return false;
        set_bda8(b, 0x75, b->disks + 1);
    } else {
        b->cd.geometry = diskettes[e->media];
        set_bda16(b, 0x10, bda16(b, 0x10) | 1);
    }
    bytes = (uint64_t)b->cd.geometry.cylinders * b->cd.geometry.heads * b->cd.geometry.sectors;
    b->cd.sectors = bytes < sectors - b->cd.first ? bytes : sectors - b->cd.first;
    b->cd.emulating = true;
    return true;
}

static void stop_emulation(struct bios *b)
{
    if (b->cd.emulating && b->cd.media == MEDIA_DISK)
        set_bda8(b, 0x75, b->disks);
    b->cd.emulating = false;
}

/* SS:SP and a far return to SEGMENT:0, in the form that boot sectors expect at 07C0h. */
static void enter(struct bios *b, uint16_t segment)
{
    static const enum seg_index segments[] = {SEG_DS, SEG_ES, SEG_SS};
    uint16_t target[2] = {0, segment};

    if (segment == DEFAULT_SEGMENT) {
        target[0] = 0x7C00;
        target[1] = 0;
    }
    for (unsigned i = 0; i < sizeof segments / sizeof segments[0]; i++)
        cpu_set_real_segment(b->cpu, segments[i], 0, true);
    set_reg16(b, ESP, 0x7C00 - 4);
    lin_write(b, 0x7C00 - 4, target, sizeof target);
    set_reg16(b, EAX, 0xAA55);
    set_reg16(b, EDX, b->cd.drive);
    set_lo(b, ECX, BOOT_FAR);
}

bool cdrom_boot(struct bios *b)
{
    struct entry e;
    uint32_t done;

    stop_emulation(b);
    if (!b->cd.block)
        return false;
    bios_print(b, "Booting from DVD/CD...\n");
    if (!read_entry(b, &e) || !emulate(b, &e)) {
        bios_print(b, "Boot failed: not a bootable CD\n\n");
        return false;
    }
    if (disk_transfer(b, b->cd.block, TRANSFER_READ, b->cd.first, e.sectors, e.segment * 16u,
                      &done) != DISK_OK &&
        done == 0) {
        bios_print(b, "Boot failed: could not read from CD\n\n");
        stop_emulation(b);
        return false;
    }
    enter(b, e.segment);
    return true;
}

/* ---- INT 13h/4Bh: the specification packet ---- */

static void specification(struct bios *b)
{
    const struct bios_cd *cd = &b->cd;
    uint8_t p[SPECIFICATION] = {SPECIFICATION};

    p[1] = cd->media;
    p[2] = cd->drive;
    p[3] = cd->unit / 2; /* controller */
    put(p + 4, cd->first / CD_RATIO, 4);
    put(p + 8, cd->unit & 1, 2); /* device specification: master, slave */
    put(p + 12, cd->segment, 2);
    put(p + 14, cd->load_sectors, 2);
    if (cd->media != MEDIA_NONE) {
        unsigned last = cd->geometry.cylinders - 1;

        p[16] = last;
        p[17] = (last >> 2 & 0xC0) | cd->geometry.sectors;
        p[18] = cd->geometry.heads - 1;
    }
    seg_write(b, SEG_DS, reg16(b, ESI), p, sizeof p);
}

/* 4B00h ends the emulation, 4B01h only tells. */
static void terminate(struct bios *b)
{
    uint8_t drive = reg_lo(b, EDX);

    if (reg_lo(b, EAX) > 1 || (drive != ANY_DRIVE && drive != b->cd.drive)) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    specification(b);
    if (reg_lo(b, EAX) == 0)
        stop_emulation(b);
    disk_finish(b, DISK_OK);
}

/* 4D00h: sectors of the boot catalog to a buffer. */
static void return_catalog(struct bios *b)
{
    uint8_t packet[8];
    uint32_t done;

    seg_read(b, SEG_DS, reg16(b, ESI), packet, sizeof packet);
    if (reg_lo(b, EAX) || packet[0] < 8) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    disk_finish(b, disk_transfer(b, b->cd.block, TRANSFER_READ,
                                 (b->cd.catalog + (uint64_t)get16(packet + 6)) * CD_RATIO,
                                 packet[1] * (uint32_t)CD_RATIO,
                                 get16(packet + 4) * 16u + get16(packet + 2), &done));
}

/* ---- the CD as a drive of 2048-byte sectors ---- */

static void cd_transfer(struct bios *b, enum transfer what)
{
    uint8_t packet[16], status;
    uint32_t count, done = 0;

    seg_read(b, SEG_DS, reg16(b, ESI), packet, sizeof packet);
    if (packet[0] < 16) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    count = get16(packet + 2);
    status =
        get32(packet + 12)
            ? DISK_SECTOR_NOT_FOUND
            : disk_transfer(b, b->cd.block, what, (uint64_t)get32(packet + 8) * CD_RATIO,
                            count * CD_RATIO, get16(packet + 6) * 16u + get16(packet + 4), &done);
    put(packet + 2, done / CD_RATIO, 2);
    seg_write(b, SEG_DS, reg16(b, ESI) + 2, packet + 2, 2);
    disk_finish(b, status);
}

static void cd_parameters(struct bios *b)
{
    uint8_t t[30] = {0}, size[2];
    unsigned n;

    seg_read(b, SEG_DS, reg16(b, ESI), size, 2);
    n = get16(size) >= 30 ? 30 : 26;
    if (get16(size) < 26) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    put(t, n, 2);
    put(t + 2, 0x0074, 2); /* removable, change line, lockable, no medium's geometry */
    memset(t + 4, 0xFF, 12);
    put(t + 16, (block_sectors(b->cd.block) + CD_RATIO - 1) / CD_RATIO, 8);
    put(t + 24, CD_SECTOR, 2);
    memset(t + 26, 0xFF, 4);
    seg_write(b, SEG_DS, reg16(b, ESI), t, n);
    disk_finish(b, DISK_OK);
}

static void cd_drive(struct bios *b)
{
    switch (reg_hi(b, EAX)) {
    case 0x00:
    case 0x09:
    case 0x0C:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x47:
        disk_finish(b, DISK_OK);
        break;
    case 0x01:
        set_hi(b, EAX, bda8(b, 0x74));
        set_carry(b, bda8(b, 0x74) != 0);
        break;
    case 0x03: /* write, format */
    case 0x05:
    case 0x43:
        disk_finish(b, DISK_WRITE_PROTECTED);
        break;
    case 0x41:
        if (reg16(b, EBX) != 0x55AA) {
            disk_finish(b, DISK_BAD_COMMAND);
            break;
        }
        disk_finish(b, DISK_OK);
        set_hi(b, EAX, 0x30);
        set_reg16(b, EBX, 0xAA55);
        set_reg16(b, ECX, 0x0007);
        break;
    case 0x42:
        cd_transfer(b, TRANSFER_READ);
        break;
    case 0x44:
        cd_transfer(b, TRANSFER_VERIFY);
        break;
    case 0x45: /* lock, unlock, is it locked: it never is */
        set_lo(b, EAX, 0);
        disk_finish(b, DISK_OK);
        break;
    case 0x46:
        disk_finish(b, DISK_NOT_REMOVABLE); /* the tray stays closed */
        break;
    case 0x48:
        cd_parameters(b);
        break;
    case 0x49:
        disk_finish(b, DISK_OK);
        break;
    default:
        disk_finish(b, DISK_BAD_COMMAND);
        break;
    }
}

/* ---- the emulated drive ---- */

static void emulated_transfer(struct bios *b, uint64_t lba, uint32_t count, uint32_t lin,
                              enum transfer what, uint32_t *done)
{
    const struct bios_cd *cd = &b->cd;

    *done = 0;
    if (lba >= cd->sectors || count > cd->sectors - lba)
        disk_finish(b, DISK_SECTOR_NOT_FOUND);
    else
        disk_finish(b, disk_transfer(b, cd->block, what, cd->first + lba, count, lin, done));
}

static void emulated_chs(struct bios *b, enum transfer what)
{
    unsigned cylinder = reg_hi(b, ECX) | (reg_lo(b, ECX) & 0xC0u) << 2;
    uint32_t count = reg_lo(b, EAX), done = 0;
    uint64_t lba;

    if (!chs_to_lba(&b->cd.geometry, cylinder, reg_hi(b, EDX), reg_lo(b, ECX) & 0x3F, &lba))
        disk_finish(b, DISK_SECTOR_NOT_FOUND);
    else
        emulated_transfer(b, lba, count, b->cpu->seg[SEG_ES].base + reg16(b, EBX), what, &done);
    set_lo(b, EAX, done);
}

static void emulated_parameters(struct bios *b)
{
    const struct geometry *g = &b->cd.geometry;
    static const uint8_t types[MEDIA_DISK] = {0, 2, 4, 5};
    unsigned last = g->cylinders - 1;

    set_lo(b, EAX, 0);
    set_hi(b, ECX, last);
    set_lo(b, ECX, (last >> 2 & 0xC0) | g->sectors);
    set_hi(b, EDX, g->heads - 1);
    disk_finish(b, DISK_OK);
    if (b->cd.media == MEDIA_DISK) {
        set_lo(b, EDX, b->disks + 1);
        return;
    }
    set_lo(b, EDX, 1 + b->floppy[0].present);
    set_reg16(b, EBX, types[b->cd.media]);
    cpu_set_real_segment(b->cpu, SEG_ES, ROM_SEGMENT, true);
    set_reg16(b, EDI, ROM_DISKETTE);
}

static void emulated_type(struct bios *b)
{
    bool disk = b->cd.media == MEDIA_DISK;

    disk_finish(b, DISK_OK);
    set_hi(b, EAX, disk ? 3 : 1);
    if (disk) {
        set_reg16(b, ECX, b->cd.sectors >> 16);
        set_reg16(b, EDX, b->cd.sectors);
    }
}

static void emulated_drive(struct bios *b)
{
    uint8_t status = bda8(b, b->cd.drive ? 0x74 : 0x41);

    switch (reg_hi(b, EAX)) {
    case 0x00:
    case 0x0C:
    case 0x0D:
    case 0x10:
    case 0x11:
    case 0x14:
    case 0x16: /* the medium does not change */
        disk_finish(b, DISK_OK);
        break;
    case 0x01:
        set_hi(b, EAX, status);
        set_carry(b, status != 0);
        break;
    case 0x02:
        emulated_chs(b, TRANSFER_READ);
        break;
    case 0x03:
    case 0x05:
        disk_finish(b, DISK_WRITE_PROTECTED);
        break;
    case 0x04:
        emulated_chs(b, TRANSFER_VERIFY);
        break;
    case 0x08:
        emulated_parameters(b);
        break;
    case 0x15:
        emulated_type(b);
        break;
    default:
        disk_finish(b, DISK_BAD_COMMAND);
        break;
    }
}

/* ---- dispatch ---- */

bool int13_cdrom(struct bios *b)
{
    uint8_t ah = reg_hi(b, EAX), dl = reg_lo(b, EDX);

    if (!b->cd.block)
        return false;
    if (ah == 0x4B && (dl == ANY_DRIVE || dl == CD_DRIVE || (b->cd.emulating && dl == b->cd.drive)))
        terminate(b);
    else if (ah == 0x4D)
        return_catalog(b);
    else if (dl == CD_DRIVE)
        cd_drive(b);
    else if (b->cd.emulating && dl == b->cd.drive)
        emulated_drive(b);
    else
        return false;
    return true;
}

uint8_t cdrom_real_drive(const struct bios *b, uint8_t dl)
{
    bool same_kind = b->cd.emulating && ((dl ^ b->cd.drive) & 0x80) == 0;

    return same_kind && dl > b->cd.drive ? dl - 1 : dl;
}
