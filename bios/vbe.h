/* What the files of INT 10h/4Fh share: the table of modes, and text of more than 80 columns. */
#ifndef RINGER_BIOS_VBE_H
#define RINGER_BIOS_VBE_H

#include "bios/video.h"
#include "devices/dispi.h"

static inline uint16_t dispi_read(struct bios *b, enum dispi_register index)
{
    bus_out(b->bus, DISPI_INDEX_PORT, index, 2);
    return (uint16_t)bus_in(b->bus, DISPI_DATA_PORT, 2);
}

static inline void dispi_write(struct bios *b, enum dispi_register index, uint16_t value)
{
    bus_out(b->bus, DISPI_INDEX_PORT, index, 2);
    bus_out(b->bus, DISPI_DATA_PORT, value, 2);
}

static inline uint32_t dispi_memory(struct bios *b)
{
    return (uint32_t)dispi_read(b, DISPI_MEMORY_64K) << 16;
}

enum { VBE_MODE_NUMBER = 0x01FF }; /* of BX and CX */

struct vbe_mode {
    uint16_t number, width, height; /* of text: columns and rows */
    uint8_t bpp;                    /* 0: text; 4: planar */
};

/* Mode NUMBER into M; false when there is none, or not enough of MEMORY bytes for it. */
bool vbe_mode_find(uint16_t number, uint32_t memory, struct vbe_mode *m);
/* The modes that MEMORY bytes are enough for, at LIST, which has room for VBE_MODES_MAX words; ends
 * with FFFFh.  "VBE Core Functions Version 2.0", 4.3. */
void vbe_mode_list(uint32_t memory, uint8_t *list);
enum { VBE_MODES_MAX = 160 };

/* Bytes of WIDTH pixels; with 4 bits a pixel, of one of the four planes. */
static inline uint32_t vbe_line_bytes(unsigned bpp, uint32_t width)
{
    return bpp == 4 ? width / 8 : width * ((bpp + 7) / 8);
}

/* Text of COLUMNS (80 or 132) by ROWS (25, 43, 50 or 60). */
void video_set_text(struct bios *b, unsigned columns, unsigned rows, bool clear);

/* Function 04h; what AX is to return. */
uint16_t vbe_state(struct bios *b);

/* VBE 3.0 (bios/vbe3.c): the rest of function 01h's answer T; may the timing at ES:DI be set; the
 * functions 07h with an address, and 0Bh, which give AX. */
void vbe3_mode_info(uint8_t t[256]);
bool vbe3_timing_possible(struct bios *b);
uint16_t vbe3_display_start(struct bios *b);
uint16_t vbe3_pixel_clock(struct bios *b);

#endif
