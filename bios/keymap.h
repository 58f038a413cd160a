/* The US keyboard: what each set 1 code puts into the type-ahead buffer. */
#ifndef RINGER_BIOS_KEYMAP_H
#define RINGER_BIOS_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

struct keymap_state {
    bool shift, ctrl, alt, caps, num;
    bool extended; /* E0h came before */
};

/* The word (scan code in the high byte, character in the low one) for the set 1 make code SCAN,
 * or 0 when that combination gives none.  Low bytes E0h and F0h mark what only INT 16h/10h shows
 * (IBM PS/2 BIOS Interface Technical Reference, "Keyboard"). */
uint16_t keymap_find(uint8_t scan, const struct keymap_state *state);

#endif
