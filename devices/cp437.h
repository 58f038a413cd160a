/* Code page 437, the character set of the VGA's fonts. */
#ifndef RINGER_DEVICES_CP437_H
#define RINGER_DEVICES_CP437_H

#include <stdint.h>

/* The Unicode character that code page 437 shows for C: pictures for 01h-1Fh and 7Fh, a space for
 * 00h, a no-break space for FFh. */
uint16_t cp437_unicode(uint8_t c);
/* The character that shows as UNICODE, or -1: there is none. */
int cp437_find(uint32_t unicode);
/* Write C to OUT as UTF-8, one to three bytes; how many is returned. */
unsigned cp437_utf8(uint8_t c, char out[3]);

#endif
