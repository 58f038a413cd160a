/* The keyboard interrupt's logic, for those that meet scan codes elsewhere (and for tests). */
#ifndef RINGER_BIOS_KEYBOARD_H
#define RINGER_BIOS_KEYBOARD_H

#include "bios/private.h"

/* Take in one byte of the keyboard (set 1); KEY_ACTION_* says what INT 9 is to do then. */
uint8_t keyboard_scan(struct bios *b, uint8_t scan);
/* Turn *KEY into what INT 16h/00h shows; false when an 84-key program must not see it. */
bool keyboard_old_key(uint16_t *key);

#endif
