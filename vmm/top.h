/* ringer top: the statistics of a running machine on the terminal. */
#ifndef RINGER_VMM_TOP_H
#define RINGER_VMM_TOP_H

#include "vmm/text.h"
#include <jansson.h>

/* Make the picture of what happened between BEFORE (NULL: the machine's start) and NOW, two answers
 * of query-ringer-stats, WIDTH columns wide. */
void top_picture(const json_t *before, const json_t *now, unsigned width, struct text *out);

/* The command: ARGV[0] is "top".  Returns the exit status. */
int top_main(int argc, char **argv);

#endif
