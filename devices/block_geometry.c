/* Cylinders, heads and sectors of images, which do not say. */
#include "devices/block.h"

#include <stddef.h>

/* The formats of IBM's drives by their number of sectors, and those with more sectors or tracks that
 * formatting programs and distributions made of them.  A bare boot sector counts as the beginning
 * of a 1.44 MB floppy: so the programs that fit into one are handed around. */
static const struct {
    uint16_t total;
    uint8_t cylinders, heads, sectors;
} floppy_formats[] = {
    {320, 40, 1, 8},   {360, 40, 1, 9},   {640, 40, 2, 8},   {720, 40, 2, 9},   {1440, 80, 2, 9},
    {2400, 80, 2, 15}, {2880, 80, 2, 18}, {5760, 80, 2, 36}, {820, 41, 2, 10},  {840, 42, 2, 10},
    {1600, 80, 2, 10}, {1640, 82, 2, 10}, {1660, 83, 2, 10}, {2080, 80, 2, 13}, {2240, 80, 2, 14},
    {2952, 82, 2, 18}, {2988, 83, 2, 18}, {3200, 80, 2, 20}, {3360, 80, 2, 21}, {3444, 82, 2, 21},
    {3486, 83, 2, 21}, {3520, 80, 2, 22}, {3680, 80, 2, 23}, {3840, 80, 2, 24}, {6240, 80, 2, 39},
    {6400, 80, 2, 40}, {7040, 80, 2, 44}, {7680, 80, 2, 48}, {1, 80, 2, 18},
};

bool floppy_geometry(uint64_t sectors, struct geometry *g)
{
    for (size_t i = 0; i < sizeof floppy_formats / sizeof *floppy_formats; i++)
        if (floppy_formats[i].total == sectors) {
            *g = (struct geometry){floppy_formats[i].cylinders, floppy_formats[i].heads,
                                   floppy_formats[i].sectors};
            return true;
        }
    return false;
}

static uint16_t le16(const uint8_t *p)
{
    return p[0] | p[1] << 8;
}

bool floppy_media(struct block *b, struct geometry *g)
{
    uint64_t sectors = block_sectors(b);
    uint8_t boot[SECTOR_SIZE];

    if (floppy_geometry(sectors, g))
        return true;
    if (sectors > 5760 || !block_read(b, 0, boot, 1) || boot[510] != 0x55 || boot[511] != 0xAA)
        return false;
    /* DOS's BIOS parameter block: 0Bh bytes a sector, 13h sectors, 18h a track, 1Ah heads. */
    if (le16(boot + 0x0B) == SECTOR_SIZE && le16(boot + 0x13) > sectors &&
        floppy_geometry(le16(boot + 0x13), g) && le16(boot + 0x18) == g->sectors &&
        le16(boot + 0x1A) == g->heads)
        return true;
    return floppy_geometry(sectors < 2880 ? 2880 : 5760, g);
}

/* A sector's address as partition tables spell it: head, sector with cylinder bits 8 and 9 in its
 * upper two bits, cylinder. */
static uint64_t chs_to_lba(const uint8_t *chs, uint32_t heads, uint32_t sectors)
{
    uint32_t cylinder = chs[2] | (chs[1] & 0xC0u) << 2;

    return ((uint64_t)cylinder * heads + chs[0]) * sectors + (chs[1] & 63u) - 1;
}

static uint32_t le32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The geometry with which the partition table at ENTRY was written: partitions end at the last
 * sector of the last head.  Believed only when CHS and LBA of the entry agree under it. */
static bool entry_geometry(const uint8_t *entry, struct geometry *g)
{
    const uint8_t *first = entry + 1, *last = entry + 5;
    uint32_t heads = last[0] + 1u, sectors = last[1] & 63u;
    uint64_t start = le32(entry + 8), size = le32(entry + 12);
    uint32_t last_cylinder = last[2] | (last[1] & 0xC0u) << 2;

    if (!entry[4] || !size || !sectors || heads > 255)
        return false;
    if ((first[1] & 63u) == 0 || (first[1] & 63u) > sectors || first[0] >= heads)
        return false;
    if (chs_to_lba(first, heads, sectors) != start)
        return false;
    /* Beyond cylinder 1023 the last sector's CHS is a stopper that proves nothing. */
    if (last_cylinder < 1022 && chs_to_lba(last, heads, sectors) != start + size - 1)
        return false;
    g->heads = heads;
    g->sectors = sectors;
    return true;
}

static bool table_geometry(struct block *b, struct geometry *g)
{
    uint8_t mbr[SECTOR_SIZE];

    if (!block_read(b, 0, mbr, 1) || mbr[510] != 0x55 || mbr[511] != 0xAA)
        return false;
    for (int i = 0; i < 4; i++)
        if (entry_geometry(mbr + 446 + 16 * i, g))
            return true;
    return false;
}

/* As many whole cylinders as there are, but no more than MOST. */
static void count_cylinders(struct geometry *g, uint64_t sectors, uint32_t most)
{
    uint64_t n = sectors / (g->heads * g->sectors);

    g->cylinders = n > most ? most : n ? (uint32_t)n : 1;
}

void disk_geometry(struct block *b, struct geometry *g)
{
    if (!table_geometry(b, g))
        *g = (struct geometry){0, 16, 63};
    count_cylinders(g, block_sectors(b), 16383); /* no more by ATA (ATA-6, 6.2) */
}

/* LBA-assisted translation: the heads are doubled until 1024 cylinders suffice; 256 of them are
 * one too many for DOS. */
void disk_translation(struct block *b, struct geometry *g)
{
    uint64_t sectors = block_sectors(b);

    if (!table_geometry(b, g)) {
        *g = (struct geometry){0, 16, 63};
        while (g->heads < 128 && sectors / 63 > 1024 * g->heads)
            g->heads *= 2;
        if (sectors / 63 > 1024 * g->heads)
            g->heads = 255;
    }
    count_cylinders(g, sectors, 1024);
}
