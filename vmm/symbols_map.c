/* Symbols of text files, line by line: what nm prints (System.map), and MAP files.
 *
 * A line is taken when it has an address and one name that can only be its symbol:
 *     c0101000 T name             nm, System.map, kallsyms
 *     00401000 0012 T name        nm -S
 *     0x00008000   name           GNU ld -M
 *     0001:00001234  name ...     Microsoft, Borland, Watcom: segment:offset
 *     0001:00001234  name  00401234 f object.obj    the same of 32-bit programs: the last counts
 * Segments are real-mode paragraphs, as linkers for DOS have them, relative to where
 * the program is loaded. */
#include "vmm/symbols.h"
#include <ctype.h>
#include <string.h>

struct line {
    const char *at, *end;
};

static void skip_blanks(struct line *l)
{
    while (l->at < l->end && (*l->at == ' ' || *l->at == '\t'))
        l->at++;
}

/* A word; its length. */
static size_t word(struct line *l, const char **text)
{
    skip_blanks(l);
    *text = l->at;
    while (l->at < l->end && !isspace((unsigned char)*l->at))
        l->at++;
    return (size_t)(l->at - *text);
}

/* All LEN characters at TEXT as a hexadecimal number below 2^64. */
static bool hex(const char *text, size_t len, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";

    *value = 0;
    if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        text += 2;
        len -= 2;
    }
    if (!len || len > 16)
        return false;
    for (size_t i = 0; i < len; i++) {
        const char *d = memchr(digits, tolower((unsigned char)text[i]), 16);
        if (!d)
            return false;
        *value = *value << 4 | (uint64_t)(d - digits);
    }
    return true;
}

/* "0001:00001234" */
static bool segmented(const char *text, size_t len, uint64_t *value)
{
    const char *colon = memchr(text, ':', len);
    uint64_t segment, offset;

    if (!colon || !hex(text, (size_t)(colon - text), &segment))
        return false;
    len -= (size_t)(colon - text) + 1;
    if (len && strchr("+*sS", colon[len])) /* Watcom's marks */
        len--;
    if (!hex(colon + 1, len, &offset) || segment > 0xFFFF || offset > UINT32_MAX)
        return false;
    *value = (segment << 4) + offset;
    return true;
}

static bool name_like(const char *text, size_t len)
{
    return len && (isalpha((unsigned char)*text) || strchr("_.?@$", *text));
}

static bool is_type(const char *text, size_t len)
{
    return len == 1 && strchr("AaBbCDdGgRrSsTtVvWwiN", *text);
}

static void read_line(const struct symbol_reader *r, struct line l)
{
    const char *first, *name, *more;
    uint64_t value, size = 0;
    size_t n = word(&l, &first);
    bool far = n && segmented(first, n, &value);

    if (!far && !(n >= 4 && hex(first, n, &value)))
        return;
    size_t len = word(&l, &name);
    if (!far && len == n && hex(name, len, &size)) /* nm -S */
        len = word(&l, &name);
    bool typed = is_type(name, len);
    if (typed)
        len = word(&l, &name);
    if (far && len == 3 && (!memcmp(name, "Abs", 3) || !memcmp(name, "idl", 3)))
        len = word(&l, &name);
    size_t rest = word(&l, &more);
    uint64_t flat;
    if (far && rest == 8 && hex(more, rest, &flat)) /* of 32-bit programs: Rva+Base */
        value = flat;
    if (!name_like(name, len) || value > UINT32_MAX || size > UINT32_MAX)
        return;
    if (!typed && !far && rest) /* an expression, or a table of something else */
        return;
    symbols_add(r->symbols, (uint32_t)value + r->base, (uint32_t)size, name, len);
}

bool symbols_read_map(struct symbol_reader *r, struct error *err)
{
    const char *at = (const char *)r->data, *end = at + r->len;

    if (memchr(at, 0, r->len < 4096 ? r->len : 4096))
        return error_set(err, "neither ELF, PE, System.map nor MAP file");
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        struct line l = {at, stop};
        if (stop > at && stop[-1] == '\r')
            l.end--;
        read_line(r, l);
        at = stop + 1;
    }
    return true;
}
