/* Files that begin anew: what -serial file:, -D, -audiodev wav, -record and their kin write.
 *
 * They are opened, and so emptied, when everything else of the start has gone well: whoever is told
 * that another option is wrong has lost nothing.  Before that it is only looked whether they can be
 * written, so that this is not what goes wrong in the end. */
#ifndef RINGER_VMM_OUTPUT_H
#define RINGER_VMM_OUTPUT_H

#include <stdbool.h>

/* Could the file at PATH be written, or made?  Nothing is touched.  False, and errno. */
bool output_possible(const char *path);

#endif
