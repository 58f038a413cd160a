#include "vmm/memdump.h"
#include "vmm/event.h"
#include "vmm/private.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file that is gone again when its writing fails.  WHY is the errno of that: the vCPU thread
 * writes, and another tells the user. */
struct sink {
    FILE *file;
    const char *path;
    bool failed;
    int why;
};

static bool sink_open(struct sink *s, const char *path, struct error *err)
{
    *s = (struct sink){.file = fopen(path, "we"), .path = path};
    return s->file || error_set(err, "cannot write %s: %s", path, strerror(errno));
}

static void sink_write(struct sink *s, const void *data, size_t len)
{
    if (len && !s->failed && fwrite(data, 1, len, s->file) != len) {
        s->why = errno;
        s->failed = true;
    }
}

static bool sink_close(struct sink *s, bool ok, struct error *err)
{
    struct stat st;
    bool regular = fstat(fileno(s->file), &st) == 0 && S_ISREG(st.st_mode);

    if (fclose(s->file) != 0 && !s->failed) {
        s->why = errno;
        s->failed = true;
    }
    if (ok && !s->failed)
        return true;
    if (regular)
        unlink(s->path);
    return ok ? error_set(err, "cannot write %s: %s", s->path, strerror(s->why)) : false;
}

/* ---- raw ---- */

struct raw {
    uint64_t address, size;
    bool linear, ok;
    struct sink sink;
    struct error *err;
};

static bool write_piece(struct machine *m, struct raw *r, uint64_t at, uint32_t len)
{
    uint8_t piece[PAGE_SIZE];

    if (!r->linear)
        phys_read(m->phys, at, piece, len);
    else if (at >> 32 || !mmu_peek(m->mmu, (uint32_t)at, piece, len))
        return error_set(r->err, "Invalid addr 0x%016llx/size %llu specified",
                         (unsigned long long)r->address, (unsigned long long)r->size);
    sink_write(&r->sink, piece, len);
    return true;
}

static void write_raw(struct machine *m, void *opaque)
{
    struct raw *r = opaque;

    r->ok = true;
    for (uint64_t done = 0; r->ok && done < r->size && !r->sink.failed;) {
        uint64_t at = r->address + done;
        uint64_t len = PAGE_SIZE - (at & (PAGE_SIZE - 1));

        if (len > r->size - done)
            len = r->size - done;
        r->ok = write_piece(m, r, at, (uint32_t)len);
        done += len;
    }
}

static bool save(struct machine *m, struct raw *r, const char *path)
{
    if (r->address >> 32 || r->size > (1ull << 32) - r->address)
        return error_set(r->err, "Invalid addr 0x%016llx/size %llu specified",
                         (unsigned long long)r->address, (unsigned long long)r->size);
    if (!sink_open(&r->sink, path, r->err))
        return false;
    machine_post_wait(m, write_raw, r);
    return sink_close(&r->sink, r->ok, r->err);
}

bool memdump_physical(struct machine *m, uint64_t address, uint64_t size, const char *path,
                      struct error *err)
{
    return save(m, &(struct raw){.address = address, .size = size, .err = err}, path);
}

bool memdump_linear(struct machine *m, uint64_t address, uint64_t size, const char *path,
                    struct error *err)
{
    return save(m, &(struct raw){.address = address, .size = size, .linear = true, .err = err},
                path);
}

/* ---- an ELF core (System V ABI; Linux's layout of NT_PRSTATUS for i386) ---- */

/* The stretches of physical memory that are in the file, and the program headers over them. */
struct core {
    const struct memdump_core *what;
    struct machine *machine;
    struct {
        uint64_t base, size, offset;
    } piece[64];
    unsigned pieces;
    Elf32_Phdr *load;
    size_t loads, room;
    struct sink sink;
    bool ok;
};

struct prstatus {
    uint32_t signal[3];
    uint16_t current_signal, pad;
    uint32_t pending, held, pid, ppid, pgrp, sid, times[8];
    uint32_t reg[17]; /* ebx ecx edx esi edi ebp eax ds es fs gs orig_eax eip cs eflags esp ss */
    uint32_t fpu_valid;
};

static void add_load(struct core *c, uint64_t lin, uint64_t pa, uint64_t bytes, uint64_t offset,
                     uint32_t flags)
{
    if (c->loads == c->room) {
        c->room = c->room ? 2 * c->room : 64;
        Elf32_Phdr *grown = realloc(c->load, c->room * sizeof *grown);
        if (!grown)
            abort();
        c->load = grown;
    }
    c->load[c->loads++] = (Elf32_Phdr){
        .p_type = PT_LOAD,
        .p_offset = (Elf32_Off)offset,
        .p_vaddr = (Elf32_Addr)lin,
        .p_paddr = (Elf32_Addr)pa,
        .p_filesz = (Elf32_Word)bytes,
        .p_memsz = (Elf32_Word)bytes,
        .p_flags = flags,
    };
}

/* RAM and ROM; not what cards have. */
static void collect_piece(void *opaque, const struct phys_range *r)
{
    struct core *c = opaque;
    uint64_t from = r->base, to = r->base + r->size;
    bool memory = r->kind == PHYS_ROM || (r->kind == PHYS_RAM && !strcmp(r->name, "ram"));

    if (c->what->length) {
        uint64_t end = c->what->begin + c->what->length;
        from = from > c->what->begin ? from : c->what->begin;
        to = to < end ? to : end;
    }
    if (!memory || from >= to || c->pieces == sizeof c->piece / sizeof *c->piece)
        return;
    c->piece[c->pieces].base = from;
    c->piece[c->pieces++].size = to - from;
}

/* The parts of a mapping that are in the file. */
static void collect_mapping(void *opaque, const struct mmu_range *r)
{
    struct core *c = opaque;

    for (unsigned i = 0; i < c->pieces; i++) {
        uint64_t base = c->piece[i].base, end = base + c->piece[i].size;
        uint64_t from = r->pa > base ? r->pa : base;
        uint64_t to = r->pa + r->bytes < end ? r->pa + r->bytes : end;

        if (from < to)
            add_load(c, r->lin + (from - r->pa), from, to - from,
                     c->piece[i].offset + (from - base), PF_R | PF_X | (r->writable ? PF_W : 0));
    }
}

static void collect_loads(struct core *c)
{
    uint64_t offset = 0;

    phys_each(c->machine->phys, collect_piece, c);
    for (unsigned i = 0; i < c->pieces; i++) {
        c->piece[i].offset = offset;
        offset += c->piece[i].size;
    }
    if (c->what->paging) {
        mmu_each(c->machine->mmu, collect_mapping, c);
        return;
    }
    for (unsigned i = 0; i < c->pieces; i++)
        add_load(c, c->piece[i].base, c->piece[i].base, c->piece[i].size, c->piece[i].offset,
                 PF_R | PF_W | PF_X);
}

static struct prstatus registers(const struct cpu *cpu)
{
    const uint32_t *g = cpu->gpr;
    struct prstatus p = {.pid = 1};
    const uint32_t reg[17] = {
        g[EBX],
        g[ECX],
        g[EDX],
        g[ESI],
        g[EDI],
        g[EBP],
        g[EAX],
        cpu->seg[SEG_DS].selector,
        cpu->seg[SEG_ES].selector,
        cpu->seg[SEG_FS].selector,
        cpu->seg[SEG_GS].selector,
        UINT32_MAX, /* no system call */
        cpu->eip,
        cpu->seg[SEG_CS].selector,
        cpu_eflags(cpu),
        g[ESP],
        cpu->seg[SEG_SS].selector,
    };

    memcpy(p.reg, reg, sizeof reg);
    return p;
}

/* With 65,535 program headers and more their number is in a section header's sh_info. */
static void write_headers(struct core *c, uint32_t data)
{
    size_t count = c->loads + 1;
    bool many = count >= PN_XNUM;
    Elf32_Ehdr e = {
        .e_type = ET_CORE,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof e,
        .e_ehsize = sizeof e,
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = many ? PN_XNUM : (Elf32_Half)count,
        .e_shentsize = sizeof(Elf32_Shdr),
        .e_shoff = many ? (Elf32_Off)(sizeof e + count * sizeof(Elf32_Phdr)) : 0,
        .e_shnum = many,
    };
    const Elf32_Phdr note = {
        .p_type = PT_NOTE,
        .p_offset = data - (uint32_t)(sizeof(Elf32_Nhdr) + 8 + sizeof(struct prstatus)),
        .p_filesz = sizeof(Elf32_Nhdr) + 8 + sizeof(struct prstatus),
    };
    const Elf32_Shdr section = {.sh_type = SHT_NULL, .sh_info = (Elf32_Word)count};

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS32;
    e.e_ident[EI_DATA] = ELFDATA2LSB;
    e.e_ident[EI_VERSION] = EV_CURRENT;
    for (size_t i = 0; i < c->loads; i++)
        c->load[i].p_offset += data;
    sink_write(&c->sink, &e, sizeof e);
    sink_write(&c->sink, &note, sizeof note);
    sink_write(&c->sink, c->load, c->loads * sizeof *c->load);
    if (many)
        sink_write(&c->sink, &section, sizeof section);
}

static void write_note(struct core *c)
{
    const struct prstatus status = registers(c->machine->cpu);
    const Elf32_Nhdr note = {5, sizeof status, NT_PRSTATUS};

    sink_write(&c->sink, &note, sizeof note);
    sink_write(&c->sink, "CORE\0\0\0", 8);
    sink_write(&c->sink, &status, sizeof status);
}

static void write_core(struct machine *m, void *opaque)
{
    struct core *c = opaque;
    uint8_t page[PAGE_SIZE];

    c->machine = m;
    collect_loads(c);
    size_t headers = sizeof(Elf32_Ehdr) + (c->loads + 1) * sizeof(Elf32_Phdr) +
                     (c->loads + 1 >= PN_XNUM ? sizeof(Elf32_Shdr) : 0);
    write_headers(c, (uint32_t)(headers + sizeof(Elf32_Nhdr) + 8 + sizeof(struct prstatus)));
    write_note(c);
    for (unsigned i = 0; i < c->pieces; i++)
        for (uint64_t done = 0; done < c->piece[i].size && !c->sink.failed;) {
            uint64_t left = c->piece[i].size - done;
            uint32_t len = left < sizeof page ? (uint32_t)left : (uint32_t)sizeof page;
            phys_read(m->phys, c->piece[i].base + done, page, len);
            sink_write(&c->sink, page, len);
            done += len;
        }
    free(c->load);
}

bool memdump_core(struct machine *m, const struct memdump_core *what, const char *path,
                  struct error *err)
{
    struct core c = {.what = what};

    if (what->length && (what->begin >> 32 || what->length > 1ull << 32))
        return error_set(err, "Parameter 'begin' is out of the guest's memory");
    if (!sink_open(&c.sink, path, err))
        return false;
    machine_post_wait(m, write_core, &c);
    if (!c.loads) {
        sink_close(&c.sink, false, NULL);
        return error_set(err, "there is no memory in that range");
    }
    if (!sink_close(&c.sink, true, err))
        return false;
    struct machine_event e = {.kind = MACHINE_DUMP_COMPLETED};
    for (unsigned i = 0; i < c.pieces; i++)
        e.bytes += c.piece[i].size;
    __atomic_store_n(&m->private->dumped, e.bytes, __ATOMIC_SEQ_CST);
    machine_tell(m, &e);
    return true;
}

uint64_t memdump_last(struct machine *m)
{
    return __atomic_load_n(&m->private->dumped, __ATOMIC_SEQ_CST);
}
