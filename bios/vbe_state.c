/* INT 10h/4F04h: save and restore the adapter's state ("VBE Core Functions Version 2.0", 4.7).  The
 * VGA's part is that of AH=1Ch; the display interface's registers come before it. */
#include "bios/vbe.h"

enum { INDEX_PORT = 0x1CE, DATA_PORT = 0x1CF, ENABLE = 4, REGISTERS = 10, BLOCK = 64 };
enum { SUCCESS = 0x004F, FAILED = 0x014F };
enum { VGA_STATES = 7, SVGA_STATE = 8 };       /* in CX */
enum { STATE_SIZE, STATE_SAVE, STATE_RESTORE }; /* in DL */

static void save(struct bios *b, uint16_t at)
{
    uint8_t t[BLOCK] = {0};

    for (unsigned i = 1; i < REGISTERS; i++) {
        bus_out(b->bus, INDEX_PORT, i, 2);
        uint16_t value = bus_in(b->bus, DATA_PORT, 2);
        t[i * 2] = (uint8_t)value;
        t[i * 2 + 1] = value >> 8;
    }
    t[0] = (uint8_t)b->vbe_mode;
    t[1] = (b->vbe_mode >> 8 & 1) | (b->vbe_linear ? 0x40 : 0);
    seg_write(b, SEG_ES, at, t, sizeof t);
}

/* Sizes go in while the interface is off, the rest when it is on; memory stays. */
static void restore(struct bios *b, uint16_t at)
{
    static const uint8_t order[REGISTERS - 1] = {1, 2, 3, ENABLE, 6, 7, 5, 8, 9};
    uint8_t t[BLOCK];

    seg_read(b, SEG_ES, at, t, sizeof t);
    bus_out(b->bus, INDEX_PORT, ENABLE, 2);
    bus_out(b->bus, DATA_PORT, 0, 2);
    for (unsigned i = 0; i < sizeof order; i++) {
        uint16_t value = t[order[i] * 2] | t[order[i] * 2 + 1] << 8;

        bus_out(b->bus, INDEX_PORT, order[i], 2);
        bus_out(b->bus, DATA_PORT, order[i] == ENABLE && value & 1 ? value | 0x80 : value, 2);
    }
    b->vbe_mode = t[0] | (t[1] & 1) << 8;
    b->vbe_linear = t[1] & 0x40;
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
