/* A small picture in memory for what ringer draws itself: menus, help, the status line.  Text is
 * the VGA's, 8 by 16 dots, code page 437. */
#ifndef RINGER_VMM_UI_CANVAS_H
#define RINGER_VMM_UI_CANVAS_H

#include <stdint.h>

enum { CANVAS_COLUMN = 8, CANVAS_ROW = 16 };

struct canvas {
    uint32_t *pixels; /* 0xAARRGGBB, WIDTH to a line */
    int width, height;
};

/* Everything is clipped to the canvas. */
void canvas_fill(struct canvas *c, int x, int y, int width, int height, uint32_t colour);
void canvas_frame(struct canvas *c, int x, int y, int width, int height, uint32_t colour);
/* UTF-8 (what the font lacks becomes '?') in COLOUR; the ground stays.  Returns the x after it. */
int canvas_text(struct canvas *c, int x, int y, const char *text, uint32_t colour);
/* Cells that TEXT takes. */
int canvas_columns(const char *text);

#endif
