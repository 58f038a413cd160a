/* What the guest shows, taken from any thread. */
#ifndef RINGER_VMM_SCREEN_H
#define RINGER_VMM_SCREEN_H

#include "ringer/error.h"
#include "vmm/machine.h"
#include "vmm/text.h"

struct picture {
    unsigned width, height;
    uint32_t *pixels; /* 0x00RRGGBB, row by row; free() it */
};

/* The text screen as UTF-8, a line a row; nothing in a graphics mode. */
void screen_text(struct machine *m, struct text *out);
void screen_cells(struct machine *m, struct vga_text *out);
/* False when the screen is blank (no mode is set) or memory is short. */
bool screen_picture(struct machine *m, struct picture *out);
/* The same without the text cursor and with all blinking characters shown. */
bool screen_steady(struct machine *m, struct picture *out);
bool screen_dump_as(struct machine *m, const char *path, bool png, struct error *err);
/* Write the picture to PATH: PNG when it ends in .png, else PPM. */
bool screen_dump(struct machine *m, const char *path, struct error *err);

#endif
