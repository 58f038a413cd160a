/* One-line errors (include/ringer/error.h).  They live in the lowest layer, so that every other
 * one can use them. */
#include "ringer/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *e, const char *format, ...)
{
    va_list args;

    if (!e)
        return false;
    va_start(args, format);
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    /* One line is the promise, whatever a file name holds. */
    for (char *c = e->text; *c; c++) {
        if (*c == '\n' || *c == '\r')
            *c = ' ';
    }
    return false;
}
