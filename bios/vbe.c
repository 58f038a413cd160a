/* INT 10h AH=4Fh: VESA BIOS Extension 2.0. */
#include "bios/video.h"

void vbe_service(struct bios *b)
{
    (void)b; /* AL other than 4Fh in return: not supported */
}

void vbe_leave(struct bios *b)
{
    b->vbe_mode = 0;
}
