/* Multiboot Specification 0.6.96, section 3.1: the header; ELF and the address fields. */
#include "bios/multiboot.h"
#include "ringer/error.h"

#include <elf.h>
#include <string.h>

enum { MAGIC = 0x1BADB002 };
enum { FLAG_ADDRESSES = 1 << 16, FLAGS_KNOWN = 7 }; /* align modules, memory, video */

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

bool multiboot_find(const uint8_t *data, size_t len, uint32_t *offset)
{
    if (len > MULTIBOOT_SEARCH)
        len = MULTIBOOT_SEARCH;
    for (size_t i = 0; i + 12 <= len; i += 4) {
        uint32_t flags = get32(data + i + 4);

        if (get32(data + i) != MAGIC || MAGIC + flags + get32(data + i + 8) != 0)
            continue;
        if (flags & FLAG_ADDRESSES && i + 32 > len)
            continue;
        *offset = i;
        return true;
    }
    return false;
}

/* Add a part that lies in RAM. */
static bool add_part(struct multiboot_plan *plan, struct multiboot_part part, uint64_t ram_top,
                     const char *name, struct error *err)
{
    uint64_t end = (uint64_t)part.pa + part.mem;
    bool low = end <= 0x9FC00, high = part.pa >= 0x100000 && end <= ram_top;

    if (part.mem == 0)
        return true;
    if (part.pa < 0x500 || (!low && !high))
        return error_set(err, "the kernel '%s' wants memory from %Xh to %llXh, where there is no "
                              "RAM; give more with -m if it is too little",
                         name, part.pa, (unsigned long long)end);
    if (plan->parts == MULTIBOOT_PARTS)
        return error_set(err, "the kernel '%s' has more than %d segments", name, MULTIBOOT_PARTS);
    plan->part[plan->parts++] = part;
    if (end > plan->end)
        plan->end = end;
    return true;
}

/* The "a.out kludge": addresses in the header, the file is one stretch. */
static bool parse_addresses(struct multiboot_plan *plan, const uint8_t *h, uint32_t offset,
                            uint64_t size, uint64_t ram_top, const char *name, struct error *err)
{
    uint32_t header = get32(h + 12), load = get32(h + 16), load_end = get32(h + 20);
    uint32_t bss_end = get32(h + 24);
    uint64_t start, bytes, memory;

    if (header < load || header - load > offset)
        return error_set(err, "the kernel '%s' has a corrupt Multiboot header: it does not lie in "
                              "what is loaded", name);
    start = offset - (header - load);
    bytes = load_end ? (uint64_t)load_end - load : size - start;
    if ((load_end && load_end <= load) || bytes > size - start)
        return error_set(err, "the kernel '%s' is truncated or has a corrupt Multiboot header: it "
                              "wants %llu bytes from %llu on", name, (unsigned long long)bytes,
                         (unsigned long long)start);
    memory = bytes;
    if (bss_end && bss_end > load + bytes)
        memory = (uint64_t)bss_end - load;
    if (memory > 0xFFFFFFFFu)
        return error_set(err, "the kernel '%s' is too large", name);
    plan->entry = get32(h + 28);
    return add_part(plan, (struct multiboot_part){start, bytes, load, memory}, ram_top, name, err);
}

/* The physical address of the virtual entry point: as its segment is moved. */
static uint32_t physical_entry(const Elf32_Ehdr *e, const Elf32_Phdr *p)
{
    return e->e_entry - p->p_vaddr + p->p_paddr;
}

static bool parse_elf(struct multiboot_plan *plan, const uint8_t *data, size_t len, uint64_t size,
                      uint64_t ram_top, const char *name, struct error *err)
{
    bool entry_moved = false;
    Elf32_Ehdr e;

    if (len < sizeof e || memcmp(data, ELFMAG, SELFMAG) != 0)
        return error_set(err, "the kernel '%s' has a Multiboot header, but is no ELF file and "
                              "gives no addresses", name);
    memcpy(&e, data, sizeof e);
    if (e.e_ident[EI_CLASS] != ELFCLASS32 || e.e_ident[EI_DATA] != ELFDATA2LSB ||
        e.e_machine != EM_386 || e.e_type != ET_EXEC)
        return error_set(err, "the kernel '%s' is no 32-bit x86 ELF executable", name);
    if (e.e_phentsize != sizeof(Elf32_Phdr) || e.e_phnum == 0 || e.e_phoff > len ||
        (uint64_t)e.e_phnum * sizeof(Elf32_Phdr) > len - e.e_phoff)
        return error_set(err, "the kernel '%s' has corrupt ELF program headers", name);
    plan->entry = e.e_entry;
    for (unsigned i = 0; i < e.e_phnum; i++) {
        struct multiboot_part part;
        Elf32_Phdr p;

        memcpy(&p, data + e.e_phoff + i * sizeof p, sizeof p);
        if (p.p_type != PT_LOAD)
            continue;
        if (p.p_offset > size || p.p_filesz > size - p.p_offset || p.p_filesz > p.p_memsz)
            return error_set(err, "the kernel '%s' is truncated or has corrupt ELF program "
                                  "headers", name);
        part = (struct multiboot_part){p.p_offset, p.p_filesz, p.p_paddr, p.p_memsz};
        if (!add_part(plan, part, ram_top, name, err))
            return false;
        if (!entry_moved && e.e_entry >= p.p_vaddr && e.e_entry - p.p_vaddr < p.p_memsz) {
            plan->entry = physical_entry(&e, &p);
            entry_moved = true;
        }
    }
    if (plan->parts == 0)
        return error_set(err, "the kernel '%s' has nothing to load", name);
    return true;
}

bool multiboot_parse(struct multiboot_plan *plan, const uint8_t *data, size_t len, uint64_t size,
                     uint64_t ram_top, const char *name, struct error *err)
{
    uint32_t offset;

    memset(plan, 0, sizeof *plan);
    if (!multiboot_find(data, len, &offset))
        return error_set(err, "'%s' is no Multiboot kernel: no valid header in its first 8 KiB",
                         name);
    plan->flags = get32(data + offset + 4);
    if (plan->flags & 0xFFFF & ~FLAGS_KNOWN)
        return error_set(err, "the kernel '%s' requires Multiboot features that do not exist "
                              "(flags %04Xh)", name, plan->flags & 0xFFFF);
    if (plan->flags & FLAG_ADDRESSES)
        return parse_addresses(plan, data + offset, offset, size, ram_top, name, err);
    return parse_elf(plan, data, len, size, ram_top, name, err);
}
