/* The tables of the ROM and the interrupt vectors that point at it. */
#include "bios/private.h"
#include "devices/vga_font.h"

#include <string.h>

static void put16(uint8_t *at, uint16_t v)
{
    at[0] = v;
    at[1] = v >> 8;
}

uint8_t *bios_rom_room(struct bios *b, uint32_t size, uint32_t align)
{
    uint32_t at = (b->rom_used + align - 1) & ~(align - 1);

    if (at > ROM_CODE || size > ROM_CODE - at)
        return NULL;
    b->rom_used = at + size;
    memset(b->rom + at, 0, size);
    return b->rom + at;
}

/* Fixed disk parameter table, IBM AT: what INT 41h and 46h point at. */
static void fixed_disk(uint8_t *at, const struct geometry *g)
{
    put16(at, g->cylinders);
    at[2] = g->heads;
    put16(at + 3, 0);
    put16(at + 5, 0xFFFF);
    at[8] = g->heads > 8 ? 0xC8 : 0xC0;
    put16(at + 12, g->cylinders);
    at[14] = g->sectors;
}

/* Diskette parameter table for a drive of type 1 to 5: step rate, motor, bytes a sector, sectors,
 * gap, data length, format gap, fill byte, head settle, motor start. */
static void diskette(uint8_t *at, uint8_t type)
{
    uint8_t table[11] = {0xDF, 0x02, 0x25, 0x02, 0x12, 0x1B, 0xFF, 0x6C, 0xF6, 0x0F, 0x08};

    if (type == 1 || type == 3) {
        table[4] = 9;
        table[5] = 0x2A;
        table[7] = 0x50;
    } else if (type == 2) {
        table[4] = 15;
        table[7] = 0x54;
    } else if (type == 5) {
        table[0] = 0xAF;
        table[4] = 36;
        table[7] = 0x53;
    }
    memcpy(at, table, sizeof table);
}

/* INT 15h/C0h: AT, two PICs, RTC, keyboard intercept, EBDA, INT 15h/41h absent, 101 keys. */
static const uint8_t config_table[] = {8, 0, 0xFC, 0x00, 0x01, 0x74, 0x40, 0x00, 0x00, 0x00};

/* INT 10h/1Bh, the static functionality table: modes 0-7 and 0Dh-13h, 200/350/400 lines, two
 * character blocks of eight, everything of a VGA. */
static const uint8_t video_static[16] = {0xFF, 0xE0, 0x0F, 0, 0,    0,    0, 0x07,
                                         0x02, 0x08, 0xE7, 0x0C, 0, 0, 0x00, 0};

/* Display combinations by their codes in pairs; ours, colour VGA alone, is entry 11. */
static const uint8_t dcc_table[] = {16, 1, 7, 0, 0, 0, 0, 1, 2, 0, 2, 1, 0, 4, 4, 1, 0, 5,
                                    2,  5, 0, 6, 1, 6, 5, 6, 0, 8, 1, 8, 0, 7, 2, 7, 6, 7};

/* In our copy, and where the guest sees it. */
void bios_fixed_disks(struct bios *b)
{
    enum { BYTES = 32, AT = (ROM_SEGMENT << 4) + ROM_FIXED_DISK };
    const struct geometry none = {0, 0, 0};
    uint8_t *table = b->rom + ROM_FIXED_DISK, *mapped;

    fixed_disk(table, b->disks > 0 ? &b->disk[0].geometry : &none);
    fixed_disk(table + 16, b->disks > 1 ? &b->disk[1].geometry : &none);
    mapped = b->config.rom ? NULL : phys_ptr(b->phys, AT, BYTES);
    if (mapped && memcmp(mapped, table, BYTES)) {
        memcpy(mapped, table, BYTES);
        phys_wrote(b->phys, AT, BYTES);
    }
}

void bios_fill_rom(struct bios *b)
{
    uint8_t *rom = b->rom;

    memcpy(rom + ROM_FONT_8X16, vga_font_8x16, sizeof vga_font_8x16);
    memcpy(rom + ROM_FONT_8X14, vga_font_8x14, sizeof vga_font_8x14);
    memcpy(rom + ROM_FONT_8X8, vga_font_8x8, sizeof vga_font_8x8);
    memcpy(rom + ROM_FONT_LOW, vga_font_8x8, 128 * 8);
    rom[ROM_FONT_9X14] = rom[ROM_FONT_9X16] = 0;
    memcpy(rom + ROM_VIDEO_STATIC, video_static, sizeof video_static);
    memcpy(rom + ROM_VIDEO_DCC, dcc_table, sizeof dcc_table);
    put16(rom + ROM_VIDEO_SAVE + 16, ROM_VIDEO_SAVE2);
    put16(rom + ROM_VIDEO_SAVE + 18, ROM_SEGMENT);
    put16(rom + ROM_VIDEO_SAVE2, 26);
    put16(rom + ROM_VIDEO_SAVE2 + 2, ROM_VIDEO_DCC);
    put16(rom + ROM_VIDEO_SAVE2 + 4, ROM_SEGMENT);
    memcpy(rom + ROM_CONFIG, config_table, sizeof config_table);
    vbe_fill_rom(b);
    diskette(rom + ROM_DISKETTE, b->floppy[0].present ? b->floppy[0].type : 4);
}

struct vector {
    uint8_t n;
    uint16_t offset;
};

static const struct vector vectors[] = {
    {0x02, ROM_INT02}, {0x05, ROM_INT05}, {0x08, ROM_INT08}, {0x09, ROM_INT09},
    {0x0A, ROM_IRQLO}, {0x0B, ROM_IRQLO}, {0x0C, ROM_IRQLO}, {0x0D, ROM_IRQLO},
    {0x0E, ROM_INT0E}, {0x0F, ROM_IRQLO}, {0x10, ROM_INT10}, {0x11, ROM_INT11},
    {0x12, ROM_INT12}, {0x13, ROM_INT13}, {0x14, ROM_INT14}, {0x15, ROM_INT15},
    {0x16, ROM_INT16}, {0x17, ROM_INT17}, {0x18, ROM_INT18}, {0x19, ROM_INT19},
    {0x1A, ROM_INT1A}, {0x1D, ROM_VIDEO_PARAM}, {0x1E, ROM_DISKETTE},
    {0x1F, ROM_FONT_8X8 + 128 * 8}, {0x40, ROM_INT40}, {0x41, ROM_FIXED_DISK},
    {0x42, ROM_INT10}, {0x43, ROM_FONT_8X16}, {0x46, ROM_FIXED_DISK + 16}, {0x70, ROM_INT70},
    {0x71, ROM_INT71}, {0x72, ROM_IRQHI}, {0x73, ROM_IRQHI}, {0x74, ROM_INT74},
    {0x75, ROM_INT75}, {0x76, ROM_INT76}, {0x77, ROM_IRQHI},
};

/* Vectors 60h-67h and those from 78h on stay zero: programs look there for free ones. */
void bios_fill_vectors(struct bios *b)
{
    lin_fill(b, 0, 0, 0x400);
    for (unsigned n = 0; n < 0x60; n++)
        set_vector(b, n, ROM_SEGMENT, ROM_IRET);
    for (unsigned n = 0x68; n < 0x78; n++)
        set_vector(b, n, ROM_SEGMENT, ROM_IRET);
    for (unsigned i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        set_vector(b, vectors[i].n, ROM_SEGMENT, vectors[i].offset);
}
