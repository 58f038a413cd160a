/* Keys by name and by character: a US keyboard's PS/2 set 1 codes, as i8042_key takes them. */
#ifndef RINGER_VMM_KEYS_H
#define RINGER_VMM_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEYS_CHORD_MAX = 8 };

struct chord {
    unsigned count;
    uint16_t code[KEYS_CHORD_MAX]; /* in the order they are pressed */
};

enum { KEY_SHIFT = 0x2a, KEY_CTRL = 0x1d, KEY_ALT = 0x38, KEY_ENTER = 0x1c };

/* Parse QEMU's notation, "ctrl-alt-delete", "a", "shift-f1", "0x1e".  False: *BAD is where the
 * unknown name starts and *BAD_LEN its length (0 when a name is missing). */
bool keys_parse(const char *text, struct chord *out, const char **bad, size_t *bad_len);

/* The scan code of the key called NAME, 0 when there is none; the name of key N, NULL after the
 * last. */
uint16_t keys_find(const char *name);
const char *keys_nth(unsigned n);

/* The keys that produce the character C (ASCII 8, 9, 10, 13, 27 and 32..126; 1..26 otherwise are
 * Ctrl-letter).  False when no key does. */
bool keys_for_char(unsigned char c, struct chord *out);

#endif
