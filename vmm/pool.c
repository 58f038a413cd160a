#include "vmm/pool.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pool {
    struct pool *next;
    max_align_t data[];
};

void *pool_alloc(struct pool **pool, size_t size)
{
    struct pool *p = calloc(1, sizeof *p + size);

    if (!p)
        abort();
    p->next = *pool;
    *pool = p;
    return p->data;
}

char *pool_text(struct pool **pool, const char *text, size_t len)
{
    char *copy = pool_alloc(pool, len + 1);

    return memcpy(copy, text, len);
}

char *pool_printf(struct pool **pool, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = pool_alloc(pool, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text;
}

void pool_free(struct pool **pool)
{
    while (*pool) {
        struct pool *next = (*pool)->next;

        free(*pool);
        *pool = next;
    }
}
