/* INT 13h extensions, Enhanced Disk Drive Specification 3.0 (T13 1386D): functions 41h-4Eh. */
#include "bios/disk.h"

#include <string.h>

static uint16_t get16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = v >> 8 * i;
}

/* Disk address packet: 0 size, 2 blocks, 4 buffer, 8 LBA, 10h 64-bit flat buffer. */
static void transfer_packet(struct bios *b, struct bios_disk *d, enum transfer what)
{
    uint8_t packet[24] = {0}, status;
    uint16_t at = reg16(b, ESI);
    uint32_t count, done = 0, lin;
    uint64_t lba;

    seg_read(b, SEG_DS, at, packet, 16);
    if (packet[0] < 16) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    count = get16(packet + 2);
    lba = get64(packet + 8);
    lin = (uint32_t)get16(packet + 6) * 16 + get16(packet + 4);
    if (packet[0] >= 24 && get32(packet + 4) == 0xFFFFFFFFu) {
        seg_read(b, SEG_DS, at + 16, packet + 16, 8);
        if (get64(packet + 16) > 0xFFFFFFFFu) {
            disk_finish(b, DISK_BAD_COMMAND);
            return;
        }
        lin = get64(packet + 16);
    }
    status = lba >= d->sectors || count > d->sectors - lba
                 ? DISK_SECTOR_NOT_FOUND
                 : disk_transfer(b, d->block, what, lba, count, lin, &done);
    put(packet + 2, done, 2);
    seg_write(b, SEG_DS, at + 2, packet + 2, 2);
    disk_finish(b, status);
}

/* The device path of EDD 3.0: an ATA drive on ISA's primary or secondary channel. */
static void device_path(struct bios *b, const struct bios_disk *d, uint8_t *p)
{
    unsigned number = d - b->disk, unit = 0;
    uint8_t sum = 0;

    for (unsigned i = 0, seen = 0; i < BIOS_DISKS; i++)
        if (b->config.disk[i] && seen++ == number)
            unit = i;
    put(p, 0xBEDD, 2);
    p[2] = 36;
    memcpy(p + 6, "ISA ", 4);
    memcpy(p + 10, "ATA     ", 8);
    put(p + 18, unit < 2 ? 0x1F0 : 0x170, 2);
    p[26] = unit & 1;
    for (unsigned i = 0; i < 35; i++)
        sum += p[i];
    p[35] = -sum;
}

static void drive_parameters(struct bios *b, const struct bios_disk *d)
{
    uint8_t t[66] = {0}, size[2];
    uint64_t cylinders = d->sectors / (16 * 63);
    unsigned n;

    seg_read(b, SEG_DS, reg16(b, ESI), size, 2);
    n = get16(size);
    if (n < 26) {
        disk_finish(b, DISK_BAD_COMMAND);
        return;
    }
    n = n >= 66 ? 66 : n >= 30 ? 30 : 26;
    put(t, n, 2);
    put(t + 2, 3, 2); /* DMA boundaries do not matter; the geometry is valid */
    put(t + 4, cylinders > 16383 ? 16383 : cylinders, 4);
    put(t + 8, 16, 4);
    put(t + 12, 63, 4);
    if (cylinders == 0) {
        put(t + 4, d->geometry.cylinders, 4);
        put(t + 8, d->geometry.heads, 4);
        put(t + 12, d->geometry.sectors, 4);
    }
    put(t + 16, d->sectors, 8);
    put(t + 24, SECTOR_SIZE, 2);
    put(t + 26, 0xFFFFFFFFu, 4); /* no device parameter table extension */
    if (n >= 66)
        device_path(b, d, t + 30);
    seg_write(b, SEG_DS, reg16(b, ESI), t, n);
    disk_finish(b, DISK_OK);
}

void int13_lba(struct bios *b, struct bios_disk *d)
{
    switch (reg_hi(b, EAX)) {
    case 0x41:
        if (reg16(b, EBX) != 0x55AA) {
            disk_finish(b, DISK_BAD_COMMAND);
            break;
        }
        disk_finish(b, DISK_OK);
        set_hi(b, EAX, 0x30);
        set_reg16(b, EBX, 0xAA55);
        set_reg16(b, ECX, 0x0005); /* packet access, EDD */
        break;
    case 0x42:
        transfer_packet(b, d, TRANSFER_READ);
        break;
    case 0x43:
        if (reg_lo(b, EAX) > 2)
            disk_finish(b, DISK_BAD_COMMAND);
        else
            transfer_packet(b, d, TRANSFER_WRITE);
        break;
    case 0x44:
        transfer_packet(b, d, TRANSFER_VERIFY);
        break;
    case 0x45: /* lock: of a fixed disk, nothing to do */
        set_lo(b, EAX, 0);
        disk_finish(b, DISK_OK);
        break;
    case 0x46:
        disk_finish(b, DISK_NOT_REMOVABLE);
        break;
    case 0x47:
        disk_finish(b, DISK_OK);
        break;
    case 0x48:
        drive_parameters(b, d);
        break;
    case 0x49: /* never changed */
        disk_finish(b, DISK_OK);
        break;
    case 0x4E: /* prefetch, PIO and DMA modes: as they are; no other drive is affected */
        if (reg_lo(b, EAX) > 6) {
            disk_finish(b, DISK_BAD_COMMAND);
            break;
        }
        set_lo(b, EAX, 0);
        disk_finish(b, DISK_OK);
        break;
    default:
        disk_finish(b, DISK_BAD_COMMAND);
        break;
    }
}
