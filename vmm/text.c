#define _GNU_SOURCE /* vasprintf */
#include "vmm/text.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *data, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 512;
        while (cap < t->len + len + 1)
            cap *= 2;
        char *grown = realloc(t->data, cap);
        if (!grown)
            abort();
        t->data = grown;
        t->cap = cap;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
    t->data[t->len] = 0;
}

void text_printf(struct text *t, const char *format, ...)
{
    char buffer[512], *big = NULL;
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(buffer, sizeof buffer, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n < sizeof buffer) {
        text_add(t, buffer, (size_t)n);
        return;
    }
    va_start(ap, format);
    if (vasprintf(&big, format, ap) >= 0) {
        text_add(t, big, (size_t)n);
        free(big);
    }
    va_end(ap);
}

void text_line(void *text, const char *line)
{
    text_add(text, line, strlen(line));
    text_add(text, "\n", 1);
}

const char *text_string(const struct text *t)
{
    return t->data ? t->data : "";
}

void text_free(struct text *t)
{
    free(t->data);
    *t = (struct text){0};
}
