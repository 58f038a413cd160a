/* The guest's picture in a terminal that shows sixels: scaled, and only where it has changed. */
#ifndef RINGER_VMM_UI_TERMPICTURE_H
#define RINGER_VMM_UI_TERMPICTURE_H

#include "vmm/text.h"
#include "vmm/ui/display.h"

struct termpicture {
    unsigned cell_width, cell_height; /* of the terminal's font, in pixels */
    uint32_t *pixels, *next;          /* as shown, and as to be shown: WIDTH x HEIGHT each */
    unsigned width, height;
    bool shown; /* the terminal has PIXELS on it */
};

void termpicture_free(struct termpicture *p);
/* Add to OUT what brings FRAME onto a terminal of COLUMNS x ROWS cells; nothing when it is there.
 */
void termpicture_send(struct termpicture *p, const struct display_frame *frame, unsigned columns,
                      unsigned rows, struct text *out);

#endif
