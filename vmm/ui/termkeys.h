/* Keys of a terminal as keys of the guest. */
#ifndef RINGER_VMM_UI_TERMKEYS_H
#define RINGER_VMM_UI_TERMKEYS_H

#include "vmm/keys.h"

/* What termkeys_next found at the beginning of the bytes. */
enum termkey {
    TERMKEY_CHORD, /* keys to press */
    TERMKEY_NONE,  /* bytes that mean nothing to a PC */
    TERMKEY_MORE,  /* an escape sequence that is not complete */
};

/* Decode one key of DATA (LEN > 0 bytes): characters, ESC as Alt prefix, the cursor, function and
 * editing keys of xterm, VT220 and the Linux console with their modifiers (ECMA-48 CSI and SS3
 * sequences).  FINAL: no more bytes follow, so that a lone ESC is the key Escape.  *USED is how
 * many bytes it took. */
enum termkey termkeys_next(const uint8_t *data, size_t len, bool final, struct chord *out,
                           size_t *used);

#endif
