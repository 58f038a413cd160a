/* The text screen as text. */
#ifndef RINGER_VMM_UI_TEXTSCREEN_H
#define RINGER_VMM_UI_TEXTSCREEN_H

#include <stddef.h>
#include <stdint.h>

#include "devices/pc.h"

/* Write the cells of T to OUT as UTF-8, N bytes at most with the final NUL: rows end in a
 * newline, trailing blanks are left away.  Returns the length without NUL that all of it has, as
 * snprintf does; a character that does not fit whole is left away with all that follow.  Nothing
 * in a graphics mode. */
size_t textscreen_utf8(const struct vga_text *t, char *out, size_t n);

#endif
