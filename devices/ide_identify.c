/* What a disk says of itself: IDENTIFY DEVICE (ATA/ATAPI-6, 8.15.9, table 27). */
#include "devices/ide.h"

#include <string.h>

void ide_identify_put(struct ide_drive *d, unsigned word, uint64_t value, unsigned words)
{
    for (unsigned i = 0; i < words; i++, value >>= 16) {
        d->data[2 * (word + i)] = (uint8_t)value;
        d->data[2 * (word + i) + 1] = (uint8_t)(value >> 8);
    }
}

/* Strings are padded with spaces, the first character of each pair in the high byte. */
void ide_identify_string(struct ide_drive *d, unsigned word, const char *text, unsigned words)
{
    for (unsigned i = 0; i < 2 * words; i++) {
        uint8_t c = *text ? (uint8_t)*text++ : ' ';

        d->data[2 * word + (i ^ 1)] = c;
    }
}

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* Words 54-58: the translation that INITIALIZE DEVICE PARAMETERS left. */
static void put_current_geometry(struct ide_drive *d)
{
    uint64_t per_cylinder = (uint64_t)d->heads * d->spt, cylinders;

    if (!per_cylinder)
        return;
    cylinders = at_most(d->limit / per_cylinder, 65535);
    ide_identify_put(d, 53, 3, 1); /* these, and 64-70, are valid */
    ide_identify_put(d, 54, cylinders, 1);
    ide_identify_put(d, 55, d->heads, 1);
    ide_identify_put(d, 56, d->spt, 1);
    ide_identify_put(d, 57, cylinders * per_cylinder, 2);
}

static void add(struct ide_drive *d, unsigned word, uint16_t bits)
{
    d->data[2 * word] |= (uint8_t)bits;
    d->data[2 * word + 1] |= (uint8_t)(bits >> 8);
}

void ide_identify_transfer(struct ide_drive *d)
{
    add(d, 49, 0x0E00); /* IORDY (may be disabled), LBA */
    add(d, 53, 2);
    ide_identify_put(d, 64, 0x0003, 1); /* PIO modes 3 and 4: 120 ns */
    ide_identify_put(d, 67, 120, 1);
    ide_identify_put(d, 68, 120, 1);
    if (!ide_has_dma(d))
        return;
    add(d, 49, 0x0100);
    add(d, 53, 4);
    ide_identify_put(d, 63, 0x0007 | (d->mwdma <= 2 ? 0x0100u << d->mwdma : 0), 1);
    ide_identify_put(d, 65, 120, 1);
    ide_identify_put(d, 66, 120, 1);
    ide_identify_put(d, 88, 0x003F | (d->udma <= 5 ? 0x0100u << d->udma : 0), 1);
}

/* Words 80-87: versions and features, there and switched on. */
static void put_features(struct ide_drive *d)
{
    /* NOP, READ and WRITE BUFFER, host protected area, look-ahead, write cache, power
     * management; then FLUSH CACHE (EXT) and 48-bit addresses. */
    const uint16_t set1 = 0x7468, set2 = 0x7400;
    uint16_t on1 = set1 & ~0x0060;

    if (d->look_ahead)
        on1 |= 0x0040;
    if (d->write_cache)
        on1 |= 0x0020;
    ide_identify_put(d, 80, 0x007E, 1); /* ATA-1 to ATA/ATAPI-6 */
    ide_identify_put(d, 82, set1, 1);
    ide_identify_put(d, 83, set2, 1);
    ide_identify_put(d, 84, 0x4040, 1); /* writes with "force unit access" */
    ide_identify_put(d, 85, on1, 1);
    ide_identify_put(d, 86, set2 & ~0xC000, 1);
    ide_identify_put(d, 87, 0x4040, 1);
    /* Hardware reset: passed, and the number was set by jumper. */
    ide_identify_put(d, 93, d->number ? 0x4B00 : 0x400B, 1);
}

void ide_identify(struct ide_drive *d)
{
    uint8_t sum = 0;

    memset(d->data, 0, SECTOR_SIZE);
    ide_identify_put(d, 0, 0x0040, 1); /* a fixed disk */
    ide_identify_put(d, 1, d->geometry.cylinders, 1);
    ide_identify_put(d, 3, d->geometry.heads, 1);
    ide_identify_put(d, 4, d->geometry.sectors * SECTOR_SIZE, 1);
    ide_identify_put(d, 5, SECTOR_SIZE, 1);
    ide_identify_put(d, 6, d->geometry.sectors, 1);
    ide_identify_string(d, 10, d->serial, 10);
    ide_identify_put(d, 20, 3, 1); /* a caching buffer of so many sectors, ECC bytes: retired */
    ide_identify_put(d, 21, IDE_MULTIPLE_MAX, 1);
    ide_identify_put(d, 22, 4, 1);
    ide_identify_string(d, 23, RINGER_VERSION, 4);
    ide_identify_string(d, 27, "RINGER HARDDISK", 20);
    ide_identify_put(d, 47, 0x8000 | IDE_MULTIPLE_MAX, 1);
    ide_identify_put(d, 48, 1, 1);      /* the data port takes 32 bits at once */
    ide_identify_put(d, 49, 0x2000, 1); /* standard standby timer */
    ide_identify_put(d, 50, 0x4000, 1);
    ide_identify_put(d, 51, 0x0200, 1); /* PIO mode 2 without IORDY */
    put_current_geometry(d);
    ide_identify_put(d, 59, d->multiple ? 0x0100 | d->multiple : 0, 1);
    ide_identify_put(d, 60, at_most(d->limit, 0x0FFFFFFF), 2);
    ide_identify_transfer(d);
    put_features(d);
    ide_identify_put(d, 100, d->limit, 4);
    d->data[510] = 0xA5; /* word 255: signature and checksum */
    for (int i = 0; i < 511; i++)
        sum += d->data[i];
    d->data[511] = (uint8_t)-sum;
}
