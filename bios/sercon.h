/* The BIOS's screen and keyboard on a serial line: machines without a display (-nographic). */
#ifndef RINGER_BIOS_SERCON_H
#define RINGER_BIOS_SERCON_H

#include "bios/video.h"

/* What INT 10h is about to show, ahead of its change of the screen S.
 * CH with ATTRIBUTE at ROW, COLUMN of PAGE; a page that is not displayed is of no interest. */
void sercon_char(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                 unsigned column, uint8_t ch, uint8_t attribute);
/* From ROW to the next, in COLUMN; SCROLLED: ROW is the last one, and the screen moves up. */
void sercon_line_feed(struct bios *b, const struct screen *s, unsigned page, unsigned row,
                      unsigned column, bool scrolled);
void sercon_bell(struct bios *b);
/* AH=06h, 07h: LINES of the window move up or down (0: all are blanked). */
void sercon_scroll(struct bios *b, bool up, unsigned lines, uint8_t top, uint8_t left,
                   uint8_t bottom, uint8_t right);
/* Another mode was set. */
void sercon_mode(struct bios *b);
/* Another page is shown, or much has changed at once: what comes next begins with all of it. */
void sercon_stale(struct bios *b);

/* sercon_key.c: keys that came on the line go to the type-ahead buffer, as far as it has room, and
 * the terminal's cursor to where the screen's is.  Called whenever somebody asks for a key. */
void sercon_poll(struct bios *b);

/* sercon.c, for sercon_key.c: is the line ours?  Not when there is none, and no more once a guest
 * has set it up otherwise or used it (sercon_release). */
bool sercon_live(struct bios *b);
void sercon_show_cursor(struct bios *b);

/* POST: set up PORT if it is the one; INT 14h: the guest sends or receives on PORT. */
void sercon_post(struct bios *b, uint16_t port);
void sercon_release(struct bios *b, uint16_t port);

#endif
