/* -display text and curses: the guest's screen in the terminal, its keyboard from there. */
#ifndef RINGER_VMM_UI_TERMSCREEN_H
#define RINGER_VMM_UI_TERMSCREEN_H

#include "vmm/stream.h"
#include "vmm/typist.h"
#include "vmm/ui/display.h"
#include <uv.h>

struct termscreen;

/* How pictures are shown: AUTO is by sixels if the terminal says that it can, else in half blocks.
 */
enum term_graphics { TERM_AUTO, TERM_SIXEL, TERM_BLOCKS };

/* Draw M's screen, by DISPLAY, on STREAM (standard input and output, in raw mode), which becomes
 * the terminal screen's.  Ctrl-A x ends ringer. */
struct termscreen *termscreen_start(uv_loop_t *loop, struct machine *m, struct display *display,
                                    struct typist *typist, struct stream *stream,
                                    enum term_graphics graphics);
/* Before DISPLAY goes.  Leaves the last text screen behind, below the shell's own output. */
void termscreen_close(struct termscreen *d);

#endif
