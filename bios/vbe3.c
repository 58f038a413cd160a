/* What VBE 3.0 added to INT 10h/4Fh ("VESA BIOS Extension Core Functions Standard Version 3.0"):
 * refresh rates, and the start of the display by its address.
 *
 * The screen is drawn from memory whenever somebody looks, so a mode has no timing of its own: any
 * that a card of this size could have is accepted, and pictures are flipped at once. */
#include "bios/vbe.h"

#include <string.h>

enum { SUCCESS = 0x004F, FAILED = 0x014F };
enum { MAX_PIXEL_CLOCK = 400000000, CRTC_PIXEL_CLOCK = 13 }; /* Hz; where it is in the block */

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Function 01h: the same once more for the linear frame buffer, and the clock. */
void vbe3_mode_info(uint8_t t[256])
{
    memcpy(t + 50, t + 16, 2); /* bytes a line */
    t[52] = t[29];             /* pages, by banks and linear */
    t[53] = t[29];
    memcpy(t + 54, t + 31, 8); /* masks */
    for (unsigned i = 0; i < 4; i++)
        t[62 + i] = (uint8_t)(MAX_PIXEL_CLOCK >> 8 * i);
}

/* Function 02h with bit 11: the CRTC information block at ES:DI. */
bool vbe3_timing_possible(struct bios *b)
{
    uint8_t clock[4];

    seg_read(b, SEG_ES, (uint16_t)(reg16(b, EDI) + CRTC_PIXEL_CLOCK), clock, sizeof clock);
    return get32(clock) <= MAX_PIXEL_CLOCK;
}

/* Function 07h, BL=02h and 82h: ECX is the display's first byte. */
uint16_t vbe3_display_start(struct bios *b)
{
    unsigned bpp = dispi_read(b, DISPI_BPP);
    uint32_t line = vbe_line_bytes(bpp, dispi_read(b, DISPI_VIRT_WIDTH)), at = b->cpu->gpr[ECX];
    uint32_t x, y;

    if (!line)
        return FAILED;
    y = at / line;
    x = bpp == 4 ? at % line * 8 : at % line / vbe_line_bytes(bpp, 1);
    if (y + dispi_read(b, DISPI_YRES) > dispi_read(b, DISPI_VIRT_HEIGHT))
        return FAILED;
    dispi_write(b, DISPI_X_OFFSET, (uint16_t)x);
    dispi_write(b, DISPI_Y_OFFSET, (uint16_t)y);
    return SUCCESS;
}

/* Function 0Bh: the clock nearest to ECX that mode DX can have. */
uint16_t vbe3_pixel_clock(struct bios *b)
{
    struct vbe_mode m;

    if (reg_lo(b, EBX) != 0 || !vbe_mode_find(reg16(b, EDX) & VBE_MODE_NUMBER, dispi_memory(b), &m))
        return FAILED;
    if (b->cpu->gpr[ECX] > MAX_PIXEL_CLOCK)
        b->cpu->gpr[ECX] = MAX_PIXEL_CLOCK;
    return SUCCESS;
}
