/* The Plug and Play BIOS's installation structure (Plug and Play BIOS Specification 1.0A, section
 * 4.4).  There are no device nodes: ISA devices are where they always were, and ACPI tells of them.
 * Both entries answer that a function is not supported. */
#include "bios/private.h"

#include <string.h>

enum { PNP_BYTES = 33, PNP_VERSION = 0x10, CHECKSUM_AT = 8 };

static void put(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

void pnp_fill_rom(struct bios *b)
{
    uint8_t *t = bios_rom_room(b, PNP_BYTES, 16), sum = 0;

    if (!t)
        return;
    b->pnp = (uint16_t)(t - b->rom);
    memcpy(t, "$PnP", 4);
    t[4] = PNP_VERSION;
    t[5] = PNP_BYTES;
    put(t + 13, ROM_PNP, 2); /* real mode */
    put(t + 15, ROM_SEGMENT, 2);
    put(t + 17, ROM_PNP, 2); /* 16-bit protected mode: offset, and the segment's base */
    put(t + 19, ROM_SEGMENT << 4, 4);
    put(t + 27, ROM_SEGMENT, 2); /* its data: none is used */
    put(t + 29, ROM_SEGMENT << 4, 4);
    for (int i = 0; i < PNP_BYTES; i++)
        sum += t[i];
    t[CHECKSUM_AT] = -sum;
}
