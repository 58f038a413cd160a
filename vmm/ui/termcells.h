/* What a terminal shows, in cells, and how it comes to show something else: ECMA-48. */
#ifndef RINGER_VMM_UI_TERMCELLS_H
#define RINGER_VMM_UI_TERMCELLS_H

#include "vmm/text.h"
#include "vmm/ui/display.h"

enum {
    TERM_COLUMNS = 300, /* of the largest terminal that is filled */
    TERM_ROWS = 120,
    TERM_PALETTE = 1 << 24, /* a colour is one of the terminal's sixteen, or of xterm's 256 */
};

/* UNICODE 0: unlike any that is wanted.  Colours: TERM_PALETTE | 0..255, or 0x00RRGGBB. */
struct term_cell {
    uint32_t unicode, fg, bg;
};

struct termcells {
    unsigned columns, rows; /* of the terminal */
    bool few;               /* it has 256 colours, not all */
    struct term_cell shown[TERM_ROWS * TERM_COLUMNS], wanted[TERM_ROWS * TERM_COLUMNS];
    unsigned cursor_x, cursor_y;
    bool cursor;
    uint32_t fg, bg; /* the terminal's present colours */
};

/* Terminals with all colours say so in COLORTERM; one that says 256 is believed. */
bool termcells_few_colours(void);
/* The terminal has this size now (it is cut to what is filled), and shows who knows what: add to
 * OUT what clears it. */
void termcells_clear(struct termcells *t, unsigned columns, unsigned rows, struct text *out);
/* Want nothing but blanks; then the text screen's cells, or the picture in half blocks. */
void termcells_want_blank(struct termcells *t);
void termcells_want_text(struct termcells *t, const struct vga_text *text);
void termcells_want_picture(struct termcells *t, const struct display_frame *frame);
/* Add to OUT what makes the terminal show what is wanted; nothing when it does already. */
void termcells_send(struct termcells *t, struct text *out);

#endif
