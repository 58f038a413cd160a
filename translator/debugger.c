/* gdb finds the two names below in the process, reads the list, and stops at the function to learn
 * of changes.  They are the interface's: one of each a process. */
#include "translator/debugger.h"

#include <elf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const char *symfile_addr;
    uint64_t symfile_size;
};

struct jit_descriptor {
    uint32_t version, action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
};

enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

extern struct jit_descriptor __jit_debug_descriptor;
void __jit_debug_register_code(void);

__attribute__((weak)) struct jit_descriptor __jit_debug_descriptor = {1, JIT_NOACTION, NULL, NULL};

__attribute__((weak, noinline)) void __jit_debug_register_code(void)
{
    __asm__ volatile("" : : : "memory");
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the file ---- */

enum { TEXT = 1, FRAME, SYMBOLS, STRINGS, SECTIONS, FRAME_ROOM = 160 };

static const char strings[] = "\0guest_code\0.text\0.debug_frame\0.symtab\0.strtab";
enum { NAME_CODE = 1, NAME_TEXT = 12, NAME_FRAME = 18, NAME_SYMBOLS = 31, NAME_STRINGS = 39 };

struct debugger_code {
    struct jit_code_entry entry;
    struct {
        Elf64_Ehdr head;
        Elf64_Shdr section[SECTIONS];
        Elf64_Sym symbol[2];
        uint8_t frame[FRAME_ROOM];
        char strings[sizeof strings];
    } file;
};

struct bytes {
    uint8_t *to;
    unsigned n;
};

static void put(struct bytes *b, const void *from, unsigned n)
{
    memcpy(b->to + b->n, from, n);
    b->n += n;
}

static void put8(struct bytes *b, unsigned value)
{
    b->to[b->n++] = (uint8_t)value;
}

/* Fill up an entry that began at START with DW_CFA_nop, and write its length. */
static void end_entry(struct bytes *b, unsigned start)
{
    while ((b->n - start) % 8)
        put8(b, 0);
    uint32_t length = b->n - start - 4;
    memcpy(b->to + start, &length, sizeof length);
}

/* DWARF's numbers of the registers differ from the processor's in the first eight. */
static unsigned dwarf_register(uint8_t r)
{
    static const uint8_t low[8] = {0, 2, 1, 3, 7, 6, 4, 5};

    return r < 8 ? low[r] : r;
}

/* One CIE, one FDE (DWARF 4, 6.4.1).  RSP is the guest's, so that the frame is found by what was
 * pushed last: CFA = *HOST_RSP + 8 * (COUNT + 1). */
static unsigned make_frame(uint8_t *to, const void *code, uint64_t size, const uint64_t *host_rsp,
                           const uint8_t *pushed, unsigned count)
{
    enum {
        RETURN_ADDRESS = 16,
        DATA_ALIGN_MINUS_8 = 0x78,
        DW_CFA_offset = 0x80,
        DW_CFA_def_cfa_expression = 0x0F,
        DW_OP_addr = 3,
        DW_OP_deref = 6,
        DW_OP_plus_uconst = 0x23
    };
    static const uint8_t cie[] = {0xFF,          0xFF, 0xFF, 0xFF, 1, 0, 1, DATA_ALIGN_MINUS_8,
                                  RETURN_ADDRESS};
    struct bytes b = {to, 0};
    uint64_t start = (uintptr_t)code, rsp = (uintptr_t)host_rsp;

    put(&b, "\0\0\0", 4);
    put(&b, cie, sizeof cie);
    put8(&b, DW_CFA_def_cfa_expression);
    put8(&b, 12);
    put8(&b, DW_OP_addr);
    put(&b, &rsp, sizeof rsp);
    put8(&b, DW_OP_deref);
    put8(&b, DW_OP_plus_uconst);
    put8(&b, 8 * (count + 1));
    put8(&b, DW_CFA_offset | RETURN_ADDRESS);
    put8(&b, 1);
    for (unsigned i = 0; i < count; i++) {
        put8(&b, DW_CFA_offset | dwarf_register(pushed[i]));
        put8(&b, i + 2);
    }
    end_entry(&b, 0);
    unsigned fde = b.n;
    put(&b, "\0\0\0\0\0\0\0", 8); /* length; the CIE is at 0 */
    put(&b, &start, sizeof start);
    put(&b, &size, sizeof size);
    end_entry(&b, fde);
    return b.n;
}

static void make_file(struct debugger_code *d, const void *code, uint64_t size, unsigned frame)
{
    uint64_t base = (uintptr_t)&d->file;
    uint64_t at = (uintptr_t)code;

#define OFFSET(field) ((uintptr_t)d->file.field - base)
    d->file.head =
        (Elf64_Ehdr){.e_ident = {0x7F, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                     .e_type = ET_EXEC,
                     .e_machine = EM_X86_64,
                     .e_version = EV_CURRENT,
                     .e_shoff = OFFSET(section),
                     .e_ehsize = sizeof(Elf64_Ehdr),
                     .e_shentsize = sizeof(Elf64_Shdr),
                     .e_shnum = SECTIONS,
                     .e_shstrndx = STRINGS};
    d->file.section[TEXT] = (Elf64_Shdr){.sh_name = NAME_TEXT,
                                         .sh_type = SHT_NOBITS,
                                         .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                                         .sh_addr = at,
                                         .sh_size = size,
                                         .sh_addralign = 1};
    d->file.section[FRAME] = (Elf64_Shdr){.sh_name = NAME_FRAME,
                                          .sh_type = SHT_PROGBITS,
                                          .sh_offset = OFFSET(frame),
                                          .sh_size = frame,
                                          .sh_addralign = 8};
    d->file.section[SYMBOLS] = (Elf64_Shdr){.sh_name = NAME_SYMBOLS,
                                            .sh_type = SHT_SYMTAB,
                                            .sh_offset = OFFSET(symbol),
                                            .sh_size = sizeof d->file.symbol,
                                            .sh_link = STRINGS,
                                            .sh_info = 1,
                                            .sh_addralign = 8,
                                            .sh_entsize = sizeof(Elf64_Sym)};
    d->file.section[STRINGS] = (Elf64_Shdr){.sh_name = NAME_STRINGS,
                                            .sh_type = SHT_STRTAB,
                                            .sh_offset = OFFSET(strings),
                                            .sh_size = sizeof strings,
                                            .sh_addralign = 1};
    d->file.symbol[1] = (Elf64_Sym){.st_name = NAME_CODE,
                                    .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                    .st_shndx = TEXT,
                                    .st_value = at,
                                    .st_size = size};
    memcpy(d->file.strings, strings, sizeof strings);
#undef OFFSET
}

/* ---- the list ---- */

static void announce(struct jit_code_entry *e, uint32_t action)
{
    __jit_debug_descriptor.relevant_entry = e;
    __jit_debug_descriptor.action_flag = action;
    __jit_debug_register_code();
    __jit_debug_descriptor.relevant_entry = NULL;
    __jit_debug_descriptor.action_flag = JIT_NOACTION;
}

struct debugger_code *debugger_tell(const void *code, size_t size, const uint64_t *host_rsp,
                                    const uint8_t *pushed, unsigned count)
{
    struct debugger_code *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    make_file(d, code, size, make_frame(d->file.frame, code, size, host_rsp, pushed, count));
    d->entry.symfile_addr = (const char *)&d->file;
    d->entry.symfile_size = sizeof d->file;
    pthread_mutex_lock(&lock);
    d->entry.next_entry = __jit_debug_descriptor.first_entry;
    if (d->entry.next_entry)
        d->entry.next_entry->prev_entry = &d->entry;
    __jit_debug_descriptor.first_entry = &d->entry;
    announce(&d->entry, JIT_REGISTER);
    pthread_mutex_unlock(&lock);
    return d;
}

void debugger_forget(struct debugger_code *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&lock);
    if (d->entry.prev_entry)
        d->entry.prev_entry->next_entry = d->entry.next_entry;
    else
        __jit_debug_descriptor.first_entry = d->entry.next_entry;
    if (d->entry.next_entry)
        d->entry.next_entry->prev_entry = d->entry.prev_entry;
    announce(&d->entry, JIT_UNREGISTER);
    pthread_mutex_unlock(&lock);
    free(d);
}
