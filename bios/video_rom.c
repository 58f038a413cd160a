/* The VGA BIOS as an option ROM: what foreign firmware finds behind the VGA's ROM base address and
 * copies to C0000h.  Fonts and tables are those of our own ROM, at other places. */
#include "bios/video.h"

#include <stdlib.h>
#include <string.h>

extern const uint8_t bios_video_rom_start[], bios_video_rom_end[];

enum {
    FIRST = ROM_FONT_8X16, /* what is taken over: fonts, tables, VBE's list of modes */
    END = ROM_POST,
    PM_CODE = VIDEO_ROM_DATA + END - FIRST,
};

uint16_t video_segment(const struct bios *b)
{
    return b->config.rom ? VIDEO_ROM_SEGMENT : ROM_SEGMENT;
}

uint16_t video_offset(const struct bios *b, uint16_t place)
{
    return b->config.rom ? place - FIRST + VIDEO_ROM_DATA : place;
}

uint32_t video_pointer(const struct bios *b, uint16_t place)
{
    return (uint32_t)video_segment(b) << 16 | video_offset(b, place);
}

/* A far pointer of the tables. */
static void put_pointer(uint8_t *rom, uint16_t at, uint16_t place)
{
    uint16_t offset = place - FIRST + VIDEO_ROM_DATA;
    uint8_t *p = rom + at - FIRST + VIDEO_ROM_DATA;

    p[0] = (uint8_t)offset;
    p[1] = offset >> 8;
    p[2] = VIDEO_ROM_SEGMENT & 0xFF;
    p[3] = VIDEO_ROM_SEGMENT >> 8;
}

const uint8_t *bios_video_rom(struct bios *b, uint32_t *len)
{
    uint8_t *rom = b->video_rom, sum = 0;

    *len = VIDEO_ROM_SIZE;
    if (rom)
        return rom;
    rom = b->video_rom = calloc(1, VIDEO_ROM_SIZE);
    if (!rom)
        return NULL;
    memcpy(rom, bios_video_rom_start, (size_t)(bios_video_rom_end - bios_video_rom_start));
    memcpy(rom + VIDEO_ROM_DATA, b->rom + FIRST, END - FIRST);
    put_pointer(rom, ROM_VIDEO_SAVE + 16, ROM_VIDEO_SAVE2);
    put_pointer(rom, ROM_VIDEO_SAVE2 + 2, ROM_VIDEO_DCC);
    if (b->config.rom && b->vbe_pm_bytes && b->vbe_pm_bytes < VIDEO_ROM_SIZE - PM_CODE) {
        memcpy(rom + PM_CODE, b->rom + b->vbe_pm, b->vbe_pm_bytes);
        b->vbe_pm = PM_CODE;
    }
    for (unsigned i = 0; i < VIDEO_ROM_SIZE; i++)
        sum += rom[i];
    rom[VIDEO_ROM_SIZE - 1] = (uint8_t)-sum;
    if (b->config.rom)
        bios_map_traps(b);
    return rom;
}

/* The firmware has called the ROM's first instruction. */
void video_rom_init(struct bios *b)
{
    set_vector(b, 0x10, VIDEO_ROM_SEGMENT, VIDEO_ROM_INT10);
    set_vector(b, 0x42, VIDEO_ROM_SEGMENT, VIDEO_ROM_INT10);
    set_vector(b, 0x6D, VIDEO_ROM_SEGMENT, VIDEO_ROM_INT10);
    set_vector(b, 0x1F, VIDEO_ROM_SEGMENT, video_offset(b, ROM_FONT_8X8 + 128 * 8));
    set_vector(b, 0x43, VIDEO_ROM_SEGMENT, video_offset(b, ROM_FONT_8X16));
    set_bda8(b, BDA_VGA_FLAGS, 0);
    set_bda8(b, BDA_EGA_INFO, 0);
    video_set_mode(b, 3, true);
}
