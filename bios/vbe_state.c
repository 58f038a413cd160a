/* INT 10h/4F04h: save and restore the adapter's state ("VBE Core Functions Version 2.0", 4.7).  The
 * VGA's part is that of AH=1Ch; the display interface's registers come before it. */
#include "bios/vbe.h"

enum { REGISTERS = 10, BLOCK = 64 };
enum { SUCCESS = 0x004F, FAILED = 0x014F };
enum { VGA_STATES = 7, SVGA_STATE = 8 };       /* in CX */
enum { STATE_SIZE, STATE_SAVE, STATE_RESTORE }; /* in DL */

static void save(struct bios *b, uint16_t at)
{
    uint8_t t[BLOCK] = {0};

    for (unsigned i = 1; i < REGISTERS; i++) {
        uint16_t value = dispi_read(b, i);

        t[i * 2] = (uint8_t)value;
        t[i * 2 + 1] = value >> 8;
    }
    t[0] = (uint8_t)b->vbe_mode;
    t[1] = (b->vbe_mode >> 8 & 1) | (b->vbe_linear ? 0x40 : 0) | (b->vbe_kept ? 0x80 : 0);
    seg_write(b, SEG_ES, at, t, sizeof t);
}

/* Sizes go in while the interface is off, the rest when it is on; memory stays. */
static void restore(struct bios *b, uint16_t at)
{
    static const uint8_t order[REGISTERS - 1] = {1, 2, 3, DISPI_ENABLE, 6, 7, 5, 8, 9};
    uint8_t t[BLOCK];

    seg_read(b, SEG_ES, at, t, sizeof t);
    dispi_write(b, DISPI_ENABLE, 0);
    for (unsigned i = 0; i < sizeof order; i++) {
        uint16_t value = t[order[i] * 2] | t[order[i] * 2 + 1] << 8;

        dispi_write(b, order[i], order[i] == DISPI_ENABLE && value & 1 ? value | 0x80 : value);
    }
    b->vbe_mode = t[0] | (t[1] & 1) << 8;
    b->vbe_linear = t[1] & 0x40;
    b->vbe_kept = t[1] & 0x80;
}

uint16_t vbe_state(struct bios *b)
{
    uint16_t states = reg16(b, ECX), at = reg16(b, EBX), ax = reg16(b, EAX);
    unsigned function = reg_lo(b, EDX), own = states & SVGA_STATE ? BLOCK : 0;

    if (function > STATE_RESTORE)
        return FAILED;
    if (own && function == STATE_SAVE)
        save(b, at);
    /* The VGA's registers first, so that the window decodes as it did when its memory is read. */
    set_reg16(b, EBX, (uint16_t)(at + own));
    set_lo(b, EAX, function);
    set_reg16(b, ECX, states & VGA_STATES);
    if (states & VGA_STATES || function == STATE_SIZE)
        state_save_restore(b);
    set_reg16(b, ECX, states);
    set_reg16(b, EAX, ax);
    if (own && function == STATE_RESTORE)
        restore(b, at);
    set_reg16(b, EBX, function != STATE_SIZE ? at : (uint16_t)(reg16(b, EBX) + own / BLOCK));
    return SUCCESS;
}
