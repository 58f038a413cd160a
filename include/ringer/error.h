/* One-line errors that travel up to the user. */
#ifndef RINGER_ERROR_H
#define RINGER_ERROR_H

#include <stdbool.h>

/* Filled by a function that fails: names the thing that was wrong and what would be right.
 * One line, no newline at its end. */
struct error {
    char text[400];
};

/* Store a printf-formatted text into E (which may be NULL).  Always returns false, so that a
 * failing function can say `return error_set(e, ...)`. */
bool error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
