/* -display text: the guest's screen in the terminal, its keyboard from there. */
#ifndef RINGER_VMM_UI_TERMSCREEN_H
#define RINGER_VMM_UI_TERMSCREEN_H

#include "vmm/stream.h"
#include "vmm/typist.h"
#include <uv.h>

struct termscreen;

/* Draw M's screen on STREAM (standard input and output, in raw mode), which becomes the display's.
 * Graphics modes are shown as a small picture of half blocks.  Ctrl-A x ends ringer. */
struct termscreen *termscreen_start(uv_loop_t *loop, struct machine *m, struct typist *typist,
                                    struct stream *stream);
/* Leaves the last text screen behind, below the shell's own output. */
void termscreen_close(struct termscreen *d);

#endif
