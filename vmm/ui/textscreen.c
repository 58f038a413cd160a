/* The text screen as UTF-8. */
#include "vmm/ui/textscreen.h"

#include "devices/cp437.h"

#include <string.h>

struct buffer {
    char *out;
    size_t n, length; /* length: of all, written or not */
    size_t written;
};

static void put(struct buffer *b, const char *bytes, size_t count)
{
    if (b->written == b->length && b->length + count < b->n) {
        memcpy(b->out + b->length, bytes, count);
        b->written += count;
    }
    b->length += count;
}

static bool blank(uint16_t cell)
{
    uint8_t c = cell;

    return c == 0 || c == ' ' || c == 0xFF;
}

size_t textscreen_utf8(const struct vga_text *t, char *out, size_t n)
{
    struct buffer b = {.out = out, .n = n};

    for (unsigned y = 0; t->text_mode && y < t->rows; y++) {
        const uint16_t *row = t->cells + y * t->columns;
        unsigned end = t->columns;

        while (end && blank(row[end - 1]))
            end--;
        for (unsigned x = 0; x < end; x++) {
            char bytes[3];

            put(&b, bytes, cp437_utf8((uint8_t)row[x], bytes));
        }
        put(&b, "\n", 1);
    }
    if (n)
        out[b.written] = '\0';
    return b.length;
}
