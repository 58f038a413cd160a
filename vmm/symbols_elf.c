/* Symbols of ELF files (System V gABI, chapters 4 and 5): .symtab and .dynsym, 32 and 64 bits wide;
 * of the latter what lies below 4 GiB. */
#include "vmm/symbols.h"
#include <elf.h>
#include <string.h>

struct elf {
    struct symbol_reader *r;
    bool wide;
    uint64_t shoff, phoff;
    unsigned shnum, phnum, shentsize, phentsize;
    uint32_t delta;
};

static bool inside(const struct symbol_reader *r, uint64_t offset, uint64_t len)
{
    return offset <= r->len && len <= r->len - offset;
}

struct section {
    uint32_t type, link;
    uint64_t offset, size, entsize;
};

static bool section_at(const struct elf *e, unsigned n, struct section *s)
{
    uint64_t at = e->shoff + (uint64_t)n * e->shentsize;
    Elf64_Shdr w;
    Elf32_Shdr h;

    if (n >= e->shnum || e->shoff > e->r->len || !inside(e->r, at, e->wide ? sizeof w : sizeof h))
        return false;
    if (e->wide) {
        memcpy(&w, e->r->data + at, sizeof w);
        *s = (struct section){w.sh_type, w.sh_link, w.sh_offset, w.sh_size, w.sh_entsize};
    } else {
        memcpy(&h, e->r->data + at, sizeof h);
        *s = (struct section){h.sh_type, h.sh_link, h.sh_offset, h.sh_size, h.sh_entsize};
    }
    return inside(e->r, s->offset, s->type == SHT_NOBITS ? 0 : s->size);
}

/* Where the image begins and ends by its program headers, before it is moved. */
static void find_image(struct elf *e)
{
    uint64_t low = UINT64_MAX, high = 0;

    for (unsigned i = 0; i < e->phnum; i++) {
        uint64_t at = e->phoff + (uint64_t)i * e->phentsize, address, size;
        Elf64_Phdr w;
        Elf32_Phdr h;
        if (e->phoff > e->r->len || !inside(e->r, at, e->wide ? sizeof w : sizeof h))
            break;
        if (e->wide) {
            memcpy(&w, e->r->data + at, sizeof w);
            h.p_type = w.p_type;
            address = w.p_vaddr;
            size = w.p_memsz;
        } else {
            memcpy(&h, e->r->data + at, sizeof h);
            address = h.p_vaddr;
            size = h.p_memsz;
        }
        if (h.p_type != PT_LOAD || !size || address > UINT32_MAX || size > UINT32_MAX)
            continue;
        low = address < low ? address : low;
        high = address + size > high ? address + size : high;
    }
    low = low == UINT64_MAX ? 0 : low & ~0xFFFull;
    if (e->r->moved)
        e->delta = e->r->base - (uint32_t)low;
    if (high > low && high <= 1ull << 32) {
        e->r->bounded = true;
        e->r->begin = (uint32_t)low + e->delta;
        e->r->end = (uint32_t)(high - 1) + e->delta;
    }
}

static void add(const struct elf *e, const struct section *names, uint64_t name, unsigned info,
                unsigned shndx, uint64_t value, uint64_t size)
{
    unsigned type = info & 15;

    if (shndx == SHN_UNDEF || name >= names->size || value > UINT32_MAX || size > UINT32_MAX ||
        type == STT_SECTION || type == STT_FILE || type == STT_TLS)
        return;
    const char *text = (const char *)e->r->data + names->offset + name;
    symbols_add(e->r->symbols, (uint32_t)value + (shndx == SHN_ABS ? 0 : e->delta), (uint32_t)size,
                text, strnlen(text, names->size - name));
}

static void read_table(const struct elf *e, const struct section *s)
{
    struct section names;
    size_t entry = e->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

    if (!section_at(e, s->link, &names) || names.type != SHT_STRTAB)
        return;
    for (uint64_t at = 0; s->size - at >= entry && at < s->size; at += entry) {
        Elf64_Sym w;
        Elf32_Sym h;
        const uint8_t *from = e->r->data + s->offset + at;
        if (e->wide) {
            memcpy(&w, from, sizeof w);
            add(e, &names, w.st_name, w.st_info, w.st_shndx, w.st_value, w.st_size);
        } else {
            memcpy(&h, from, sizeof h);
            add(e, &names, h.st_name, h.st_info, h.st_shndx, h.st_value, h.st_size);
        }
    }
}

bool symbols_read_elf(struct symbol_reader *r, struct error *err)
{
    struct elf e = {.r = r};
    struct section s;
    Elf64_Ehdr w;
    Elf32_Ehdr h;

    if (r->len < sizeof h || r->data[EI_DATA] != ELFDATA2LSB)
        return error_set(err, "not a whole little-endian ELF file");
    e.wide = r->data[EI_CLASS] == ELFCLASS64;
    if (e.wide && r->len < sizeof w)
        return error_set(err, "not a whole ELF file");
    if (e.wide) {
        memcpy(&w, r->data, sizeof w);
        e = (struct elf){r, true, w.e_shoff, w.e_phoff, w.e_shnum, w.e_phnum, w.e_shentsize,
                         w.e_phentsize, 0};
    } else {
        memcpy(&h, r->data, sizeof h);
        e = (struct elf){r, false, h.e_shoff, h.e_phoff, h.e_shnum, h.e_phnum, h.e_shentsize,
                         h.e_phentsize, 0};
    }
    find_image(&e);
    for (unsigned i = 0; i < e.shnum; i++)
        if (section_at(&e, i, &s) && (s.type == SHT_SYMTAB || s.type == SHT_DYNSYM))
            read_table(&e, &s);
    return true;
}
