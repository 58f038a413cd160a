/* Multiboot 1: the header, the address fields, ELF, modules; and telling images apart. */
#include "rig.h"

#include "bios/multiboot.h"

#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { MAGIC = 0x1BADB002, RAM = 16 << 20 };

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = v >> 8 * i;
}

static void header(uint8_t *p, uint32_t flags)
{
    put32(p, MAGIC);
    put32(p + 4, flags);
    put32(p + 8, -(MAGIC + flags));
}

/* The a.out kludge at OFFSET of DATA: load at LOAD, all of it. */
static void kludge(uint8_t *data, uint32_t offset, uint32_t load)
{
    header(data + offset, 1 << 16);
    put32(data + offset + 12, load + offset);
    put32(data + offset + 16, load);
    put32(data + offset + 20, 0);
    put32(data + offset + 24, 0);
    put32(data + offset + 28, load + 0x100);
}

static void elf(uint8_t *data, uint32_t vaddr, uint32_t paddr, uint32_t filesz, uint32_t memsz)
{
    Elf32_Ehdr e = {.e_type = ET_EXEC, .e_machine = EM_386, .e_version = 1, .e_entry = vaddr + 16,
                    .e_phoff = sizeof e, .e_ehsize = sizeof e, .e_phentsize = sizeof(Elf32_Phdr),
                    .e_phnum = 1};
    Elf32_Phdr p = {.p_type = PT_LOAD, .p_offset = 0x400, .p_vaddr = vaddr, .p_paddr = paddr,
                    .p_filesz = filesz, .p_memsz = memsz, .p_flags = 7, .p_align = 4096};

    memcpy(e.e_ident, ELFMAG, SELFMAG);
    e.e_ident[EI_CLASS] = ELFCLASS32;
    e.e_ident[EI_DATA] = ELFDATA2LSB;
    e.e_ident[EI_VERSION] = 1;
    memcpy(data, &e, sizeof e);
    memcpy(data + sizeof e, &p, sizeof p);
    header(data + 0x200, 3);
}

START_TEST(test_search)
{
    static uint8_t data[16384];
    uint32_t offset = 0;

    ck_assert(!multiboot_find(data, sizeof data, &offset));
    header(data + 8192 - 12, 0);
    ck_assert(multiboot_find(data, sizeof data, &offset));
    ck_assert_uint_eq(offset, 8192 - 12);
    memset(data, 0, sizeof data);
    header(data + 8192 - 8, 0); /* does not lie in the first 8 KiB */
    ck_assert(!multiboot_find(data, sizeof data, &offset));
    memset(data, 0, sizeof data);
    header(data + 2, 0); /* not aligned */
    ck_assert(!multiboot_find(data, sizeof data, &offset));
    header(data + 100, 0);
    data[108]++; /* checksum */
    ck_assert(!multiboot_find(data, sizeof data, &offset));
    for (size_t len = 0; len < 112; len++)
        ck_assert(!multiboot_find(data, len, &offset));
}
END_TEST

START_TEST(test_addresses)
{
    static uint8_t data[4096];
    struct multiboot_plan plan;
    struct error err;

    kludge(data, 0x40, 0x100000);
    ck_assert_msg(multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err), "%s", err.text);
    ck_assert_uint_eq(plan.parts, 1);
    ck_assert_uint_eq(plan.part[0].offset, 0);
    ck_assert_uint_eq(plan.part[0].mem, 4096);
    ck_assert_uint_eq(plan.entry, 0x100100);
    put32(data + 0x40 + 24, 0x105000); /* bss */
    ck_assert(multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    ck_assert_uint_eq(plan.part[0].mem, 0x5000);
    ck_assert_uint_eq(plan.end, 0x105000);
    put32(data + 0x40 + 24, RAM + 1);
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    ck_assert(strstr(err.text, "RAM"));
    put32(data + 0x40 + 24, 0);
    put32(data + 0x40 + 20, 0x102000); /* more than there is */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    ck_assert(strstr(err.text, "truncated"));
    put32(data + 0x40 + 20, 0);
    put32(data + 0x40 + 16, 0x0F0000); /* starts before the file */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
}
END_TEST

START_TEST(test_elf)
{
    static uint8_t data[4096];
    struct multiboot_plan plan;
    struct error err;

    elf(data, 0xC0100000, 0x100000, 0x200, 0x3000);
    ck_assert_msg(multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err), "%s", err.text);
    ck_assert_uint_eq(plan.entry, 0x100010); /* the virtual entry, moved with its segment */
    ck_assert_uint_eq(plan.part[0].pa, 0x100000);
    ck_assert_uint_eq(plan.part[0].mem, 0x3000);
    elf(data, 0x100000, 0x100000, 0x2000, 0x3000); /* beyond the file */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    elf(data, 0xA0000, 0xA0000, 0x200, 0x200); /* into video memory */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    elf(data, 0, 0xFFFFF000, 0x200, 0x2000); /* wraps */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    elf(data, 0x100000, 0x100000, 0x200, 0x200);
    data[EI_CLASS] = ELFCLASS64;
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
    ck_assert(strstr(err.text, "32-bit"));
    elf(data, 0x100000, 0x100000, 0x200, 0x200);
    header(data + 0x200, 0x10); /* an unknown requirement */
    ck_assert(!multiboot_parse(&plan, data, 4096, 4096, RAM, "k", &err));
}
END_TEST

START_TEST(test_noise)
{
    static uint8_t data[4096];
    struct multiboot_plan plan;
    uint32_t x = 7;

    for (int n = 0; n < 30000; n++) {
        memset(data, 0, sizeof data);
        if (n & 1)
            elf(data, 0x100000, 0x100000, 0x200, 0x200);
        else
            kludge(data, 0x200, 0x100000);
        for (int k = 0; k < 4; k++) {
            x = x * 1664525 + 1013904223;
            data[(n & 1 ? 0 : 0x20C) + (x >> 8) % (n & 1 ? 84 : 20)] = x >> 24;
        }
        if (!multiboot_parse(&plan, data, 1024 + x % 3072, 4096, RAM, "k", NULL))
            continue;
        for (unsigned i = 0; i < plan.parts; i++) {
            const struct multiboot_part *p = &plan.part[i];

            ck_assert_uint_le(p->offset + p->file_bytes, 4096);
            ck_assert_uint_le(p->file_bytes, p->mem);
            ck_assert_uint_le((uint64_t)p->pa + p->mem, RAM);
        }
    }
}
END_TEST

START_TEST(test_load)
{
    static uint8_t data[4096];
    struct boot_kernel k = {0};
    char kernel[64], module[64], list[256], text[80];
    struct error err;
    struct rig r;
    uint32_t info, mods;

    elf(data, 0xC0100000, 0x100000, 0x200, 0x1000);
    memcpy(data + 0x400, "CODE", 4);
    rig_file(kernel, data, sizeof data);
    rig_file(module, "module text", 11);
    strcat(strcat(strcpy(list, module), " arg=1,,2,"), module);
    k.kernel = kernel;
    k.initrd = list;
    k.append = "a b";
    rig_open(&r, 16, 0, 0);
    ck_assert_msg(bios_boot_multiboot(r.bios, &k, &err), "%s", err.text);
    rig_post(&r);
    r.cpu->gpr[ESP] = RIG_SP;
    rig_trap(&r, TRAP_BOOT);
    ck_assert_uint_eq(r.cpu->gpr[ECX] & 0xFF, BOOT_MULTIBOOT);
    ck_assert_uint_eq(r.cpu->gpr[EAX], 0x2BADB002);
    ck_assert_uint_eq(r.cpu->gpr[EDX], 0x100010);
    ck_assert_uint_eq(lin32(r.bios, 0x100000), 0x45444F43);
    info = r.cpu->gpr[EBX];
    ck_assert_uint_eq(lin32(r.bios, info) & 0x24D, 0x24D);
    ck_assert_uint_eq(lin32(r.bios, info + 4), 639);
    ck_assert_uint_eq(lin32(r.bios, info + 8), 15 * 1024);
    ck_assert_uint_eq(lin32(r.bios, info + 20), 2);
    mods = lin32(r.bios, info + 24);
    ck_assert_uint_eq(lin32(r.bios, mods) & 0xFFF, 0);
    ck_assert_uint_eq(lin32(r.bios, mods + 4) - lin32(r.bios, mods), 11);
    lin_read(r.bios, lin32(r.bios, mods + 16), text, 11);
    ck_assert_mem_eq(text, "module text", 11);
    lin_read(r.bios, lin32(r.bios, mods + 8) + strlen(module), text, 9);
    ck_assert_str_eq(text, " arg=1,2");
    lin_read(r.bios, lin32(r.bios, info + 16) + strlen(kernel), text, 5);
    ck_assert_str_eq(text, " a b");
    unlink(kernel);
    unlink(module);
    rig_close(&r);
}
END_TEST

/* The same, packed by gzip. */
static enum image_kind identify_packed(const void *bytes, size_t len)
{
    struct error err = {{0}};
    enum image_kind kind;
    char path[64];
    gzFile f;

    rig_file(path, "", 0);
    f = gzopen(path, "wb1");
    ck_assert_int_eq(gzwrite(f, bytes, (unsigned)len), (int)len);
    gzclose(f);
    kind = image_identify(path, &err);
    ck_assert_int_eq(kind == IMAGE_UNKNOWN, err.text[0] != 0);
    if (len > 10000) { /* cut off */
        ck_assert_int_eq(truncate(path, 20), 0);
        image_identify(path, &err);
    }
    unlink(path);
    return kind;
}

static enum image_kind identify(const void *bytes, size_t len)
{
    struct error err = {{0}};
    enum image_kind kind;
    char path[64];

    rig_file(path, bytes, len);
    kind = image_identify(path, &err);
    unlink(path);
    ck_assert_int_eq(kind == IMAGE_UNKNOWN, err.text[0] != 0);
    return kind;
}

START_TEST(test_identify)
{
    uint8_t *data = calloc(1, 6000000);
    struct error err;

    ck_assert_int_eq(identify(data, 1474560), IMAGE_FLOPPY);
    ck_assert_int_eq(identify(data, 163840), IMAGE_FLOPPY);
    ck_assert_int_eq(identify(data, 0), IMAGE_UNKNOWN);
    ck_assert_int_eq(identify(data, 100), IMAGE_UNKNOWN);
    ck_assert_int_eq(identify(data, 300000), IMAGE_UNKNOWN);
    data[510] = 0x55;
    data[511] = 0xAA;
    ck_assert_int_eq(identify(data, 300000), IMAGE_FLOPPY); /* no partitions */
    ck_assert_int_eq(identify(data, 10001), IMAGE_FLOPPY);
    memcpy(data + 446, "\x80\x01\x01\0\x06\x01\x05\x10\x05\0\0\0\x80\0\0\0", 16);
    ck_assert_int_eq(identify(data, 300000), IMAGE_DISK);
    data[446] = 0x81; /* that was no partition */
    ck_assert_int_eq(identify(data, 300000), IMAGE_FLOPPY);
    data[450] = 0;
    memcpy(data + 0x202, "HdrS", 4);
    ck_assert_int_eq(identify(data, 300000), IMAGE_LINUX);
    memset(data, 0, 4096);
    elf(data, 0x100000, 0x100000, 0x200, 0x200);
    ck_assert_int_eq(identify(data, 8000), IMAGE_MULTIBOOT);
    /* GRUB's core image, which is Multiboot too, behind a boot sector. */
    data[510] = 0x55;
    data[511] = 0xAA;
    ck_assert_int_eq(identify(data, 8000), IMAGE_FLOPPY);
    ck_assert_int_eq(identify(data, 6000000), IMAGE_DISK);
    data[510] = 0;
    memset(data + 0x200, 0, 12);
    ck_assert_int_eq(identify(data, 8000), IMAGE_UNKNOWN);
    memcpy(data + 32769, "CD001", 5);
    ck_assert_int_eq(identify(data, 100000), IMAGE_CD);
    ck_assert_int_eq(identify_packed(data, 100000), IMAGE_CD);
    ck_assert_int_eq(identify_packed(data, 1474560), IMAGE_CD); /* however long */
    memset(data + 32769, 0, 5);
    ck_assert_int_eq(identify_packed(data, 1474560), IMAGE_FLOPPY);
    ck_assert_int_eq(identify_packed(data, 1474561), IMAGE_UNKNOWN);
    ck_assert_int_eq(identify_packed(data, 100), IMAGE_UNKNOWN);
    data[510] = 0x55;
    ck_assert_int_eq(identify_packed(data, 6000000), IMAGE_DISK);
    ck_assert_int_eq(image_identify("null-co://", &err), IMAGE_DISK);
    ck_assert_int_eq(image_identify("/tmp", &err), IMAGE_UNKNOWN);
    ck_assert(strstr(err.text, "directory"));
    ck_assert_int_eq(image_identify("/nonexistent", &err), IMAGE_UNKNOWN);
    free(data);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("multiboot");
    TCase *t = tcase_create("multiboot");
    SRunner *runner;
    int failed;

    tcase_add_test(t, test_search);
    tcase_add_test(t, test_addresses);
    tcase_add_test(t, test_elf);
    tcase_add_test(t, test_noise);
    tcase_add_test(t, test_load);
    tcase_add_test(t, test_identify);
    suite_add_tcase(s, t);
    runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
