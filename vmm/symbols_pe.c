/* Symbols of PE images and COFF objects (Microsoft PE and COFF Specification): the COFF symbol
 * table and the export directory. */
#include "vmm/symbols.h"
#include <string.h>

enum { COFF_HEADER = 20, COFF_SYMBOL = 18, SECTION_HEADER = 40, I386 = 0x14C, AMD64 = 0x8664 };

struct pe {
    struct symbol_reader *r;
    uint32_t coff;     /* offset of the COFF header */
    uint32_t optional; /* of the optional header, */
    uint32_t optional_size;
    uint32_t sections; /* and of the section headers */
    unsigned section_count;
    uint32_t image; /* where it is in memory */
};

static uint32_t get(const struct symbol_reader *r, uint64_t at, unsigned size)
{
    uint32_t value = 0;

    if (at <= r->len && size <= r->len - at)
        memcpy(&value, r->data + at, size);
    return value;
}

/* File offset of the relative virtual address RVA; 0: it is in no section. */
static uint64_t file_offset(const struct pe *p, uint32_t rva)
{
    for (unsigned i = 0; i < p->section_count; i++) {
        uint64_t at = p->sections + (uint64_t)i * SECTION_HEADER;
        uint32_t address = get(p->r, at + 12, 4), size = get(p->r, at + 16, 4);
        if (rva - address < size)
            return (uint64_t)get(p->r, at + 20, 4) + (rva - address);
    }
    return 0;
}

static void read_table(const struct pe *p)
{
    const struct symbol_reader *r = p->r;
    uint64_t table = get(r, p->coff + 8u, 4), count = get(r, p->coff + 12u, 4);
    uint64_t strings = table + count * COFF_SYMBOL;

    if (!table || table > r->len)
        return;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = table + i * COFF_SYMBOL;
        if (at + COFF_SYMBOL > r->len)
            return;
        unsigned section = get(r, at + 12, 2), class = r->data[at + 16];
        uint64_t name = get(r, at, 4) ? at : strings + get(r, at + 4, 4);
        size_t room = name == at ? 8 : name < r->len ? r->len - (size_t)name : 0;
        const char *text = (const char *)r->data + (room ? name : 0);
        enum { EXTERNAL = 2, STATIC = 3, LABEL = 6 };
        bool code = class == EXTERNAL || class == LABEL || (class == STATIC && *text != '.');
        if (section >= 1 && section <= p->section_count && code) {
            uint32_t base = get(r, p->sections + (section - 1ull) * SECTION_HEADER + 12, 4);
            symbols_add(r->symbols, p->image + base + get(r, at + 8, 4), 0, text,
                        strnlen(text, room));
        }
        i += r->data[at + 17]; /* auxiliary records */
    }
}

/* Export directory: names beside ordinals, which index the addresses. */
static void read_exports(const struct pe *p)
{
    const struct symbol_reader *r = p->r;
    bool wide = get(r, p->optional, 2) == 0x20B;
    uint64_t entry = p->optional + (wide ? 112u : 96u);
    if (p->optional_size < (wide ? 120u : 104u))
        return;
    uint64_t directory = file_offset(p, get(r, entry, 4));
    if (!directory)
        return;
    uint32_t count = get(r, directory + 24, 4);
    uint64_t addresses = file_offset(p, get(r, directory + 28, 4));
    uint64_t names = file_offset(p, get(r, directory + 32, 4));
    uint64_t ordinals = file_offset(p, get(r, directory + 36, 4));
    for (uint64_t i = 0; i < count && names + 4 * i < r->len; i++) {
        uint64_t name = file_offset(p, get(r, names + 4 * i, 4));
        uint32_t rva = get(r, addresses + 4ull * get(r, ordinals + 2 * i, 2), 4);
        if (!name || name >= r->len || !rva)
            continue;
        const char *text = (const char *)r->data + name;
        symbols_add(r->symbols, p->image + rva, 0, text, strnlen(text, r->len - (size_t)name));
    }
}

bool symbols_read_pe(struct symbol_reader *r, struct error *err)
{
    struct pe p = {.r = r};

    if (!memcmp(r->data, "MZ", 2)) {
        p.coff = get(r, 0x3C, 4);
        if (get(r, p.coff, 4) != 0x4550)
            return error_set(err, "a DOS program, which has no symbols; give its MAP file");
        p.coff += 4;
    }
    unsigned machine = get(r, p.coff, 2);
    if (machine != I386 && machine != AMD64)
        return error_set(err, "a PE file for another processor (machine 0x%x)", machine);
    p.section_count = get(r, p.coff + 2u, 2);
    p.optional = p.coff + COFF_HEADER;
    p.optional_size = get(r, p.coff + 16u, 2);
    p.sections = p.optional + p.optional_size;
    bool image = p.optional_size >= 96;
    if (image)
        p.image = get(r, p.optional, 2) == 0x20B ? get(r, p.optional + 24u, 4)
                                                 : get(r, p.optional + 28u, 4);
    if (r->moved)
        p.image = r->base;
    if (image && get(r, p.optional + 56u, 4)) {
        r->bounded = true;
        r->begin = p.image;
        r->end = p.image + get(r, p.optional + 56u, 4) - 1;
    }
    read_table(&p);
    read_exports(&p);
    return true;
}
