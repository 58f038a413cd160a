/* --hook and --symbols: what is read, and what is refused with what words. */
#include "vmm/hook_spec.h"
#include "ringer/hook.h"
#include "vmm/symbols.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct symbols *symbols;

static void load(const char *suffix, const char *text, size_t len)
{
    char path[] = "/tmp/ringer-symbols.XXXXXX", with_base[80];
    struct error err = {""};
    int fd = mkstemp(path);

    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
    snprintf(with_base, sizeof with_base, "%s%s", path, suffix);
    ck_assert_msg(symbols_load(symbols, with_base, &err), "%s", err.text);
    unlink(path);
}

static void expect(uint32_t address, const char *name, uint32_t offset)
{
    uint32_t got = 0;
    const char *found = symbols_find(symbols, address, &got);

    if (!name) {
        ck_assert_ptr_null(found);
        return;
    }
    ck_assert_msg(found && !strcmp(found, name), "%x: %s", address, found ? found : "nothing");
    ck_assert_uint_eq(got, offset);
}

static void setup(void)
{
    static const char map[] = "c0100000 T _text\nc0100010 t schedule\n00000000 A zero\n"
                              "c0200000 00000010 T sized\nnothing here\n 0x08000000   begin\n"
                              " 0x08000100   x = y\n 0001:00000010  _far\n"
                              " 0001:00000020  _near  00401020 f a.obj\n";
    symbols = symbols_new();
    load("", map, sizeof map - 1);
}

static void teardown(void)
{
    symbols_free(symbols);
}

START_TEST(text_files)
{
    expect(0xC0100000, "_text", 0);
    expect(0xC010001A, "schedule", 10);
    expect(0xC0200005, "sized", 5);
    expect(0xC0200010, NULL, 0);
}
END_TEST

START_TEST(text_files_by_kind)
{
    expect(0x08000004, "begin", 4);
    expect(0x08000100, "begin", 0x100);
    expect(0x20, "_far", 0);
    expect(0x401021, "_near", 1);
    expect(0xF0000000, NULL, 0);
    load("@0x1000", "00000100 T based\n", 17);
    expect(0x1100, "based", 0);
}
END_TEST

START_TEST(this_very_program)
{
    struct error err = {""};
    uint32_t address = 0;
    struct symbols_module module;

    ck_assert_msg(symbols_load(symbols, "/proc/self/exe@0x40000000", &err), "%s", err.text);
    ck_assert(symbols_address(symbols, "main", &address));
    ck_assert(symbols_module(symbols, 1, &module));
    ck_assert_uint_eq(module.begin, 0x40000000);
    ck_assert_uint_gt(address, module.begin);
    ck_assert_uint_lt(address, module.end);
    expect(address, "main", 0);
}
END_TEST

START_TEST(files_without_symbols)
{
    struct error err = {""};

    ck_assert(!symbols_load(symbols, "/nonexistent", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent"));
    ck_assert(!symbols_load(symbols, "/", &err));
    ck_assert(!symbols_load(symbols, "/dev/zero", &err));
}
END_TEST

/* Bytes of all sorts behind the marks of each format: no access out of bounds (a sanitizer tells). */
START_TEST(hostile_files)
{
    static const char *const marks[] = {"\177ELF\1\1", "\177ELF\2\1", "MZ", "\x4c\x01", ""};
    uint8_t data[700];
    unsigned seed = 1;

    for (int i = 0; i < 3000; i++) {
        struct symbol_reader r = {.symbols = symbols, .data = data, .len = 60u + rand_r(&seed) % 640u};
        struct error err;
        for (size_t b = 0; b < sizeof data; b++)
            data[b] = rand_r(&seed) % 3 ? 0 : (uint8_t)rand_r(&seed);
        const char *mark = marks[i % 5];
        memcpy(data, mark, strlen(mark));
        if (i % 5 == 2) {
            memcpy(data + 0x3C, &(uint32_t){64}, 4);
            memcpy(data + 64, "PE\0\0\x4c\x01", 6);
        }
        if (i % 5 < 2)
            symbols_read_elf(&r, &err);
        else if (i % 5 < 4)
            symbols_read_pe(&r, &err);
        else
            symbols_read_map(&r, &err);
    }
}
END_TEST

START_TEST(right_specs)
{
    static const struct {
        const char *text;
        enum hook_kind kind;
        uint32_t address;
        unsigned args;
    } cases[] = {
        {"0xc0101234=a.so:f()", HOOK_LINEAR, 0xC0101234, 0},
        {"schedule+4=./a.so:f(eax)", HOOK_LINEAR, 0xC0100014, 1},
        {"f000:fff0=a.so:f(ax, bl, ds:dx, ds:u32)", HOOK_LINEAR, 0xFFFF0, 4},
        {"phys:0x7c00=a.so:f(guest)", HOOK_PHYSICAL, 0x7C00, 1},
        {"int:21=a.so:f(eax, [esp+4]:u32, \"%s\"@[esp+8]) -> u32 eax", HOOK_VECTOR, 0x21, 3},
        {"int:80h=a.so:f(%.40s@ds:edx, 5, [es:bx+si-2]:i16, [eax+ecx*4+0x10]:u64)", HOOK_VECTOR,
         0x80, 4},
        {"sysenter = a.so : f ( eax:i32 , edx:string ) -> void", HOOK_SYSENTER, 0, 2},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hook_spec spec;
        struct error err = {""};
        ck_assert_msg(hook_spec_parse(cases[i].text, symbols, &spec, &err), "%s: %s", cases[i].text,
                      err.text);
        ck_assert_int_eq(spec.key.kind, cases[i].kind);
        ck_assert_uint_eq(spec.key.address, cases[i].address);
        ck_assert_uint_eq(spec.arg_count, cases[i].args);
    }
}
END_TEST

START_TEST(what_a_spec_says)
{
    struct hook_spec spec;
    struct error err = {""};

    ck_assert(hook_spec_parse("int:21=./x.so:called(ah, [ss:bp+si*2-6]:i8, \"%.9s\"@[esp+8], ds:u32)"
                              " -> u8 bh", symbols, &spec, &err));
    ck_assert_str_eq(spec.library, "./x.so");
    ck_assert_str_eq(spec.function, "called");
    ck_assert_int_eq(spec.arg[0].type, TYPE_U8);
    ck_assert_uint_eq(spec.arg[0].reg.shift, 8);
    ck_assert_int_eq(spec.arg[1].type, TYPE_I8);
    ck_assert_int_eq(spec.arg[1].segment, SEG_SS);
    ck_assert_uint_eq(spec.arg[1].base.number, EBP);
    ck_assert_uint_eq(spec.arg[1].index.number, ESI);
    ck_assert_uint_eq(spec.arg[1].scale, 2);
    ck_assert_uint_eq(spec.arg[1].disp, (uint32_t)-6);
    ck_assert_int_eq(spec.arg[2].type, TYPE_STRING);
    ck_assert_uint_eq(spec.arg[2].limit, 9);
    ck_assert_int_eq(spec.arg[3].reg.kind, REG_SEG);
    ck_assert_int_eq(spec.arg[3].type, TYPE_U32);
    ck_assert_int_eq(spec.result, TYPE_U8);
    ck_assert_uint_eq(spec.result_reg.number, EBX);
    ck_assert_uint_eq(spec.result_reg.shift, 8);
}
END_TEST

START_TEST(wrong_specs_say_why)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "PLACE=LIBRARY:FUNCTION"},
        {"int:21", "PLACE=LIBRARY:FUNCTION"},
        {"int:100=a.so:f()", "int:100"},
        {"int:=a.so:f()", "int:"},
        {"phys:=a.so:f()", "phys:"},
        {"12z=a.so:f()", "'12z'"},
        {"nosuch=a.so:f()", "'nosuch'"},
        {"0x1000=:f()", "the library"},
        {"0x1000=a.so:()", "the function"},
        {"0x1000=a.so:f(", "at the end"},
        {"0x1000=a.so:f(eaz)", "eaz"},
        {"0x1000=a.so:f(eax", "')'"},
        {"0x1000=a.so:f(eax:u33)", "u33"},
        {"0x1000=a.so:f([eax)", "']'"},
        {"0x1000=a.so:f([eax*3])", "1, 2, 4 or 8"},
        {"0x1000=a.so:f([eax+ebx+ecx])", "two registers"},
        {"0x1000=a.so:f([-])", "registers"},
        {"0x1000=a.so:f(\"%d\"@[esp])", "%s"},
        {"0x1000=a.so:f(%.0s@eax)", "%s"},
        {"0x1000=a.so:f() ->", "result"},
        {"0x1000=a.so:f() -> u32", "register"},
        {"0x1000=a.so:f() -> u32 cr0", "general register"},
        {"0x1000=a.so:f() -> void eax", "void"},
        {"0x1000=a.so:f() x", "ends"},
        {"0x1000=a.so:f(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17)", "16 arguments"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hook_spec spec;
        struct error err = {""};
        ck_assert_msg(!hook_spec_parse(cases[i].text, symbols, &spec, &err), "%s", cases[i].text);
        ck_assert_msg(strstr(err.text, cases[i].message) && !strchr(err.text, '\n'), "%s: %s",
                      cases[i].text, err.text);
    }
}
END_TEST

/* ---- from C ---- */

static unsigned calls;
static char first_word[8];

static void on_boot(struct ringer_guest *g, void *opaque)
{
    unsigned *hook = opaque;

    calls++;
    ringer_guest_read(g, 0x7C00, first_word, 2);
    ck_assert_uint_eq(ringer_guest_get(g, RINGER_EIP), 0x7C00);
    ck_assert(ringer_guest_set(g, RINGER_EAX, 0x1234));
    ck_assert(!ringer_guest_set(g, RINGER_CR3, 0));
    ck_assert_uint_gt(*hook, 0);
}

START_TEST(by_the_library)
{
    char image[] = "/tmp/ringer-hook.XXXXXX", error[RINGER_ERROR_MAX];
    /* OUT F4h, AX: debug exit with 1234h & FFh << 1 | 1 */
    static const uint8_t boot[512] = {0xE6, 0xF4, 0xF4, [510] = 0x55, [511] = 0xAA};
    int fd = mkstemp(image);
    unsigned hook;

    ck_assert_int_eq(write(fd, boot, sizeof boot), sizeof boot);
    ck_assert_int_eq(ftruncate(fd, 1474560), 0);
    close(fd);
    const char *const options[] = {"-m", "16", "-fda", image, "-snapshot", "-device",
                                   "isa-debug-exit,iobase=0xf4,iosize=1"};
    struct ringer_machine *m = ringer_machine_new(options, 7, error);
    ck_assert_msg(m, "%s", error);
    ck_assert_uint_eq(ringer_hook_add(m, "nosuch", on_boot, NULL, error), 0);
    ck_assert_ptr_nonnull(strstr(error, "nosuch"));
    hook = ringer_hook_add(m, "0:7c00", on_boot, &hook, error);
    ck_assert_uint_eq(hook, 1);
    unsigned other = ringer_hook_add(m, "phys:0x7c00", on_boot, &hook, error);
    ck_assert(ringer_hook_remove(m, other));
    ck_assert(!ringer_hook_remove(m, other));
    ck_assert(ringer_machine_start(m, error));
    ck_assert_int_eq(ringer_machine_run(m), (0x34 << 1 | 1) & 0xFF);
    ringer_machine_free(m);
    unlink(image);
    ck_assert_uint_eq(calls, 1);
    ck_assert_int_eq(memcmp(first_word, boot, 2), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hooks and symbols");
    TCase *tc = tcase_create("hooks");

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, text_files);
    tcase_add_test(tc, text_files_by_kind);
    tcase_add_test(tc, this_very_program);
    tcase_add_test(tc, files_without_symbols);
    tcase_add_test(tc, hostile_files);
    tcase_add_test(tc, right_specs);
    tcase_add_test(tc, what_a_spec_says);
    tcase_add_test(tc, wrong_specs_say_why);
    tcase_add_test(tc, by_the_library);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
