/* A text that grows. */
#ifndef RINGER_VMM_TEXT_H
#define RINGER_VMM_TEXT_H

#include <stddef.h>

/* Zero-initialise; DATA is a C string once something was added, else NULL. */
struct text {
    char *data;
    size_t len, cap;
};

void text_add(struct text *t, const char *data, size_t len);
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Add a line: shaped for the describe functions of the lower layers. */
void text_line(void *text, const char *line);
const char *text_string(const struct text *t); /* never NULL */
void text_free(struct text *t);

#endif
