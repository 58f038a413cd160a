/* Keys by X11 key symbol, as VNC clients send them, to the scan codes of a keyboard whose layout
 * the guest has set. */
#ifndef RINGER_VMM_UI_KEYSYM_H
#define RINGER_VMM_UI_KEYSYM_H

#include "ringer/error.h"
#include <stdint.h>

struct keysyms;

enum { KEYSYM_SHIFT = 1, KEYSYM_ALTGR = 2, KEYSYM_STROKES = 2 };

/* What to press for a symbol: all but the last stroke are dead keys, pressed and let go. */
struct keysym_strokes {
    unsigned count;
    bool character; /* MODIFIERS are what the guest must see held; else they do not matter */
    bool letter;    /* Caps Lock turns its Shift round */
    struct {
        uint16_t code; /* as i8042_key takes it */
        uint8_t modifiers;
    } stroke[KEYSYM_STROKES];
};

/* NAME is QEMU's name of a layout ("en-us", "de", "fr-ch"), which must be known.  NULL and ERR
 * when the host has no description of it (Debian: xkb-data). */
struct keysyms *keysyms_new(const char *name, struct error *err);
void keysyms_free(struct keysyms *k);
bool keysyms_known(const char *name);
/* All names in one line; the returned string stays. */
const char *keysyms_names(void);

/* False when no key makes SYM.  NUM_LOCK: of the guest's, as its lamp shows. */
bool keysyms_find(const struct keysyms *k, uint32_t sym, bool num_lock, struct keysym_strokes *out);

#endif
