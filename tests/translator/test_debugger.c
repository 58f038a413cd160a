/* What gdb is told: ELF files that cover the code cache, as long as there is one. */
#include <check.h>
#include <elf.h>
#include <string.h>

#include "tests/translator/rig.h"

/* GDB manual, "Declarations" of the JIT interface. */
struct entry {
    struct entry *next, *prev;
    const char *file;
    uint64_t size;
};
extern struct {
    uint32_t version, action;
    struct entry *relevant, *first;
} __jit_debug_descriptor;

static const Elf64_Shdr *section(const char *file, const char *name)
{
    const Elf64_Ehdr *h = (const void *)file;
    const Elf64_Shdr *s = (const void *)(file + h->e_shoff);
    const char *names = file + s[h->e_shstrndx].sh_offset;

    for (unsigned i = 1; i < h->e_shnum; i++)
        if (!strcmp(names + s[i].sh_name, name))
            return &s[i];
    ck_abort_msg("there is no section %s", name);
    return NULL;
}

static unsigned registered(void)
{
    unsigned n = 0;

    for (struct entry *e = __jit_debug_descriptor.first; e; e = e->next) {
        ck_assert_ptr_eq(e->prev ? e->prev->next : __jit_debug_descriptor.first, e);
        n++;
    }
    return n;
}

START_TEST(the_file_covers_the_cache)
{
    struct rig r;
    uint64_t start, size;

    rig_open(&r, NULL);
    ck_assert_uint_eq(__jit_debug_descriptor.version, 1);
    ck_assert_uint_eq(registered(), 1);
    const struct entry *e = __jit_debug_descriptor.first;
    ck_assert(!memcmp(e->file, ELFMAG, SELFMAG));
    const Elf64_Shdr *text = section(e->file, ".text"), *frame = section(e->file, ".debug_frame");
    ck_assert_uint_le(frame->sh_offset + frame->sh_size, e->size);
    /* The FDE is the last entry: CIE pointer, start, size. */
    const char *cie = e->file + frame->sh_offset;
    uint32_t length;
    memcpy(&length, cie, 4);
    ck_assert_uint_eq((length + 4) % 8, 0);
    ck_assert_uint_lt(length + 4, frame->sh_size);
    memcpy(&start, cie + length + 4 + 8, 8);
    memcpy(&size, cie + length + 4 + 16, 8);
    ck_assert_uint_eq(start, text->sh_addr);
    ck_assert_uint_eq(size, text->sh_size);
    const Elf64_Sym *symbol = (const void *)(e->file + section(e->file, ".symtab")->sh_offset);
    ck_assert_uint_eq(symbol[1].st_value, text->sh_addr);
    ck_assert_str_eq(e->file + section(e->file, ".strtab")->sh_offset + symbol[1].st_name,
                     "guest_code");
    rig_close(&r);
    ck_assert_uint_eq(registered(), 0);
}
END_TEST

/* Two machines in one process, and the first to come the first to go. */
START_TEST(two)
{
    struct rig a, b;

    rig_open(&a, NULL);
    rig_open(&b, NULL);
    ck_assert_uint_eq(registered(), 2);
    rig_close(&a);
    ck_assert_uint_eq(registered(), 1);
    rig_close(&b);
    ck_assert_uint_eq(registered(), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("debugger");
    TCase *tc = tcase_create("debugger");
    tcase_add_test(tc, the_file_covers_the_cache);
    tcase_add_test(tc, two);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
