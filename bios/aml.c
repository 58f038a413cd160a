#include "bios/aml.h"

#include <string.h>

enum { ROOT = '\\', DUAL_NAME = 0x2E, MULTI_NAME = 0x2F };

void aml_byte(struct aml *a, uint8_t v)
{
    if (a->len == AML_ROOM)
        a->full = true;
    else
        a->data[a->len++] = v;
}

void aml_word(struct aml *a, uint16_t v)
{
    aml_byte(a, (uint8_t)v);
    aml_byte(a, v >> 8);
}

void aml_dword(struct aml *a, uint32_t v)
{
    aml_word(a, (uint16_t)v);
    aml_word(a, v >> 16);
}

void aml_op(struct aml *a, enum aml_op op)
{
    if (op > 0xFF)
        aml_byte(a, op >> 8);
    aml_byte(a, (uint8_t)op);
}

/* 17.2.3: zero, one, and prefixed bytes, words, dwords. */
void aml_int(struct aml *a, uint32_t v)
{
    if (v <= 1) {
        aml_byte(a, (uint8_t)v);
    } else if (v <= 0xFF) {
        aml_byte(a, 0x0A);
        aml_byte(a, (uint8_t)v);
    } else if (v <= 0xFFFF) {
        aml_byte(a, 0x0B);
        aml_word(a, (uint16_t)v);
    } else {
        aml_byte(a, 0x0C);
        aml_dword(a, v);
    }
}

void aml_path(struct aml *a, const char *path)
{
    unsigned segments;

    if (*path == ROOT) {
        aml_byte(a, ROOT);
        path++;
    }
    segments = ((unsigned)strlen(path) + 1) / 5;
    if (segments == 0)
        aml_byte(a, 0);
    else if (segments == 2)
        aml_byte(a, DUAL_NAME);
    else if (segments > 2) {
        aml_byte(a, MULTI_NAME);
        aml_byte(a, (uint8_t)segments);
    }
    for (; *path; path++)
        if (*path != '.')
            aml_byte(a, (uint8_t)*path);
}

uint32_t aml_begin(struct aml *a, enum aml_op op)
{
    aml_op(a, op);
    return a->len;
}

/* 17.2.4: the length counts its own bytes; the top bits of the first say how many follow. */
static unsigned encode_length(uint8_t *out, uint32_t len)
{
    unsigned bytes = len + 1 <= 0x3F ? 1 : len + 2 <= 0xFFF ? 2 : 3;

    len += bytes;
    if (bytes == 1) {
        out[0] = (uint8_t)len;
        return 1;
    }
    out[0] = (uint8_t)((bytes - 1) << 6 | (len & 15));
    len >>= 4;
    for (unsigned i = 1; i < bytes; i++, len >>= 8)
        out[i] = (uint8_t)len;
    return bytes;
}

void aml_end(struct aml *a, uint32_t start)
{
    uint8_t length[3];
    unsigned n = encode_length(length, a->len - start);

    if (a->len + n > AML_ROOM) {
        a->full = true;
        return;
    }
    memmove(a->data + start + n, a->data + start, a->len - start);
    memcpy(a->data + start, length, n);
    a->len += n;
}

uint32_t aml_begin_named(struct aml *a, enum aml_op op, const char *path)
{
    uint32_t start = aml_begin(a, op);

    aml_path(a, path);
    return start;
}

uint32_t aml_begin_method(struct aml *a, const char *name, unsigned args)
{
    uint32_t start = aml_begin_named(a, AML_METHOD, name);

    aml_byte(a, (uint8_t)(args | 8)); /* serialized: methods create names */
    return start;
}

uint32_t aml_begin_package(struct aml *a, unsigned elements)
{
    uint32_t start = aml_begin(a, AML_PACKAGE);

    aml_byte(a, (uint8_t)elements);
    return start;
}

void aml_name(struct aml *a, const char *name)
{
    aml_op(a, AML_NAME);
    aml_path(a, name);
}

void aml_name_int(struct aml *a, const char *name, uint32_t v)
{
    aml_name(a, name);
    aml_int(a, v);
}

static uint32_t hex(char c)
{
    return (uint32_t)(c <= '9' ? c - '0' : c - 'A' + 10);
}

void aml_string(struct aml *a, const char *text)
{
    aml_byte(a, 0x0D);
    do
        aml_byte(a, (uint8_t)*text);
    while (*text++);
}

/* 6.1.4: three letters of five bits and four hexadecimal digits, most significant byte first. */
void aml_name_eisa(struct aml *a, const char *name, const char *id)
{
    uint32_t v = 0;

    for (int i = 0; i < 3; i++)
        v = v << 5 | ((uint32_t)(id[i] - '@') & 31);
    for (int i = 3; i < 7; i++)
        v = v << 4 | hex(id[i]);
    aml_name(a, name);
    aml_byte(a, 0x0C);
    aml_dword(a, v >> 24 | (v >> 8 & 0xFF00) | (v << 8 & 0xFF0000) | v << 24);
}

void aml_field_unit(struct aml *a, const char *name, unsigned bits)
{
    aml_path(a, name);
    aml_byte(a, (uint8_t)bits); /* a length below 64 */
}

/* ---- resources ---- */

/* The buffer's size comes before its bytes: it is filled in at the end. */
uint32_t aml_begin_resources(struct aml *a)
{
    uint32_t start = aml_begin(a, AML_BUFFER);

    aml_byte(a, 0x0B);
    aml_word(a, 0);
    return start;
}

void aml_end_resources(struct aml *a, uint32_t start)
{
    uint32_t bytes;

    aml_byte(a, 0x79);
    aml_byte(a, 0);
    bytes = a->len - start - 3;
    a->data[start + 1] = (uint8_t)bytes;
    a->data[start + 2] = (uint8_t)(bytes >> 8);
    aml_end(a, start);
}

void aml_io(struct aml *a, uint16_t first, uint8_t count)
{
    aml_byte(a, 0x47);
    aml_byte(a, 1); /* 16 bits are decoded */
    aml_word(a, first);
    aml_word(a, first);
    aml_byte(a, 1);
    aml_byte(a, count);
}

void aml_irq(struct aml *a, unsigned irq)
{
    aml_byte(a, 0x22);
    aml_word(a, (uint16_t)(1u << irq));
}

void aml_dma(struct aml *a, unsigned channel)
{
    aml_byte(a, 0x2A);
    aml_byte(a, (uint8_t)(1u << channel));
    aml_byte(a, 0);
}

void aml_window(struct aml *a, enum aml_space space, uint32_t first, uint32_t last)
{
    bool wide = space == AML_MEMORY;
    uint32_t values[5] = {0, first, last, 0, last - first + 1};

    aml_byte(a, wide ? 0x87 : 0x88);
    aml_word(a, wide ? 23 : 13);
    aml_byte(a, (uint8_t)space);
    aml_byte(a, 0x0C);                                                    /* both ends are fixed */
    aml_byte(a, space == AML_MEMORY ? 1 : space == AML_IO_PORTS ? 3 : 0); /* writable; all ports */
    for (int i = 0; i < 5; i++) {
        if (wide)
            aml_dword(a, values[i]);
        else
            aml_word(a, (uint16_t)values[i]);
    }
}

void aml_fixed_memory(struct aml *a, uint32_t base, uint32_t bytes)
{
    aml_byte(a, 0x86);
    aml_word(a, 9);
    aml_byte(a, 0);
    aml_dword(a, base);
    aml_dword(a, bytes);
}

void aml_interrupts(struct aml *a, const uint8_t *irqs, unsigned count)
{
    aml_byte(a, 0x89);
    aml_word(a, (uint16_t)(2 + 4 * count));
    aml_byte(a, 0x09);
    aml_byte(a, (uint8_t)count);
    for (unsigned i = 0; i < count; i++)
        aml_dword(a, irqs[i]);
}
