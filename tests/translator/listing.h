/* Blocks as text that can be compared: guest code with the host code made from it, every address
 * that may move replaced by a name. */
#ifndef RINGER_TESTS_TRANSLATOR_LISTING_H
#define RINGER_TESTS_TRANSLATOR_LISTING_H

#include <stdio.h>

#include "translator/internal.h"

/* Write TB to OUT.  ENTRY: with the code before the first instruction.  A block that ends with a
 * NOP is shown without what follows from the NOP on. */
void listing_write(struct translator *t, const struct tb *tb, bool entry, FILE *out);

#endif
