/* The monitor: words, formats, and commands on a machine that is stopped at its reset vector. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "ringer/ringer.h"
#include "vmm/command.h"

START_TEST(words)
{
    static const struct {
        const char *line;
        int count;
        const char *words[3];
    } lines[] = {
        {"", 0, {0}},
        {"  a  bc\td ", 3, {"a", "bc", "d"}},
        {"say \"a b\"", 2, {"say", "a b"}},
        {"x\"y z\"w", 1, {"xy zw"}},
        {"\"\" \"\\\"\\\\\\n\"", 2, {"", "\"\\\n"}},
        {"\"open", -1, {0}},
        {"a b c d", -1, {0}},
        {"a\\b", 1, {"a\\b"}},
    };
    char line[64], *argv[3];

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(line, sizeof line, "%s", lines[i].line);
        ck_assert_int_eq(command_split(line, argv, 3), lines[i].count);
        for (int j = 0; j < lines[i].count; j++)
            ck_assert_str_eq(argv[j], lines[i].words[j]);
    }
}
END_TEST

START_TEST(dump_formats)
{
    struct dump_format f = {1, 'x', 4};

    ck_assert(dump_format_parse("/10i", &f));
    ck_assert(f.count == 10 && f.format == 'i' && f.size == 4);
    ck_assert(dump_format_parse("/xb", &f));
    ck_assert(f.count == 10 && f.format == 'x' && f.size == 1);
    ck_assert(dump_format_parse("/3hd", &f));
    ck_assert(f.count == 3 && f.format == 'd' && f.size == 2);
    ck_assert(dump_format_parse("/c", &f) && f.size == 1);
    ck_assert(!dump_format_parse("/0x", &f));
    ck_assert(!dump_format_parse("/99999999x", &f));
    ck_assert(!dump_format_parse("/4q", &f));
    ck_assert(!dump_format_parse("4x", &f));
}
END_TEST

START_TEST(dump_items)
{
    static const struct {
        char format;
        unsigned size;
        uint32_t value;
        const char *text;
    } items[] = {
        {'x', 1, 0x5, "0x05"},
        {'x', 2, 0xabc, "0x0abc"},
        {'x', 4, 0xdeadbeef, "0xdeadbeef"},
        {'d', 1, 0xff, "-1"},
        {'d', 2, 0x8000, "-32768"},
        {'d', 4, 0xffffffff, "-1"},
        {'u', 4, 0xffffffff, "4294967295"},
        {'o', 4, 8, "010"},
        {'c', 1, 'A', "'A'"},
        {'c', 1, 10, "'\\x0a'"},
    };
    char out[24];

    for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
        const struct dump_format f = {1, items[i].format, items[i].size};
        dump_item(out, sizeof out, &f, items[i].value);
        ck_assert_str_eq(out, items[i].text);
    }
}
END_TEST

/* ---- on a machine ---- */

struct fixture {
    struct ringer_machine *m;
    char out[65536];
};

static void power_on(struct fixture *f)
{
    static const char *const options[] = {"-m", "4", "-S", "-monitor", "none"};
    char why[RINGER_ERROR_MAX] = "";

    f->m = ringer_machine_new(options, 5, why);
    ck_assert_msg(f->m, "%s", why);
    ck_assert_msg(ringer_machine_start(f->m, why), "%s", why);
}

static bool run(struct fixture *f, const char *line)
{
    return ringer_machine_command(f->m, line, f->out, sizeof f->out);
}

START_TEST(commands)
{
    static struct fixture f;

    power_on(&f);
    ck_assert(run(&f, "info status"));
    ck_assert_str_eq(f.out, "VM status: paused (prelaunch)\n");
    ck_assert(run(&f, "xp/1xb 0xffffffff"));
    ck_assert_ptr_nonnull(strstr(f.out, "ffffffff: 0x"));
    ck_assert(run(&f, "xp /2xh 0x1000 + 0x10 - 16"));
    ck_assert_str_eq(f.out, "0000000000001000: 0x0000 0x0000\n");
    ck_assert(run(&f, "x/1i $pc")); /* the reset vector holds a far jump */
    ck_assert_msg(strstr(f.out, "jmp"), "%s", f.out);
    ck_assert_msg(strstr(f.out, "0xfffffff0:  ea "), "%s", f.out);
    ck_assert(run(&f, "info registers"));
    ck_assert(run(&f, "info tb"));
    ck_assert(run(&f, "info mtree"));
    ck_assert(run(&f, "info pic"));
    ck_assert(run(&f, "info block"));
    ck_assert(run(&f, "help"));
    ck_assert_ptr_nonnull(strstr(f.out, "screendump"));
    ck_assert(run(&f, ""));
    ringer_machine_free(f.m);
}
END_TEST

/* What scripts look for in QEMU's answers is there by the same names. */
START_TEST(names_of_qemu)
{
    static const struct {
        const char *command, *part;
    } parts[] = {
        {"info qtree", "bus: main-system-bus\n  type System\n"},
        {"info qtree", "  dev: i440FX-pcihost, id \"\"\n    bus: pci.0\n      type PCI\n"},
        {"info qtree", "      dev: i440FX, id \"\"\n        addr = 00.0\n"},
        {"info qtree", "        bus: isa.0\n          type ISA\n"},
        {"info qtree", "          dev: isa-fdc, id \"\"\n            iobase = 1008 (0x3f0)\n"},
        {"info qtree", "              type floppy-bus\n              dev: floppy, id \"\"\n"
                       "                drive = \"floppy0\"\n"},
        {"info qtree", "          dev: isa-serial, id \"com\"\n"},
        {"info qtree", "            iobase = 760 (0x2f8)\n"},
        {"info qtree", "      dev: piix3-ide, id \"\"\n"},
        {"info qtree", "          type IDE\n          dev: ide-cd, id \"\"\n"
                       "            drive = \"ide1-cd0\"\n"},
        {"info qtree", "      dev: PIIX4_PM, id \"\"\n        disable_s3 = 0 (0x0)\n"},
        {"info qtree", "      dev: VGA, id \"\"\n        vgamem_mb = 16 (0x10)\n"},
        {"info mtree", "alias ram-below-4g @pc.ram 0000000000000000-00000000003fffff\n"},
        {"info mtree", "00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem\n"},
        {"info mtree", "0000000000000cf9-0000000000000cf9 (prio 0, i/o): piix3-reset-control\n"},
        {"info mtree", "\nmemory-region: pc.ram\n"},
        {"info roms", "mem=rom name=\"pc.bios\"\n"},
        {"info pci", "    Host bridge: PCI device 8086:1237\n      PCI subsystem 1af4:1100\n"},
        {"info block",
         "ide1-cd0: [not inserted]\n    Attached to:      /machine/unattached/device"},
        {"info chardev", "c0: filename=null\n"},
        {"info cpus", "* CPU #0: thread_id="},
    };
    static const char *const options[] = {
        "-m",         "4",       "-S",
        "-monitor",   "none",    "-chardev",
        "null,id=c0", "-device", "isa-serial,chardev=c0,id=com,index=1"};
    static struct fixture f;
    char why[RINGER_ERROR_MAX] = "";

    f.m = ringer_machine_new(options, 9, why);
    ck_assert_msg(f.m, "%s", why);
    ck_assert_msg(ringer_machine_start(f.m, why), "%s", why);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        ck_assert(run(&f, parts[i].command));
        ck_assert_msg(strstr(f.out, parts[i].part), "%s lacks\n%s:\n%s", parts[i].command,
                      parts[i].part, f.out);
    }
    /* A drive is found by its path and its node, too. */
    ck_assert(run(&f, "eject /machine/unattached/device[20]"));
    ck_assert(run(&f, "eject #block104"));
    ringer_machine_free(f.m);
}
END_TEST

START_TEST(wrong_commands_say_why)
{
    static const struct {
        const char *line, *message;
    } wrong[] = {
        {"frob", "unknown command: 'frob'"},
        {"info frob", "'frob'"},
        {"sendkey", "usage: sendkey"},
        {"sendkey a-foo", "'foo'"},
        {"sendkey a now", "now"},
        {"x/4q 0", "/4q"},
        {"x/4", "usage"},
        {"x/4 $foo", "$foo"},
        {"x/4 0x", "no number"},
        {"x 1 +", "incomplete"},
        {"info status extra", "usage"},
        {"screendump /nonexistent/x.ppm", "screendump"},
        {"quit 999", "999"},
        {"quit x", "quit x"},
        {"log foo", "'foo'"},
        {"\"open", "quote"},
        {"help frob", "frob"},
    };
    static struct fixture f;

    power_on(&f);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!run(&f, wrong[i].line), "accepted: %s", wrong[i].line);
        ck_assert_msg(strstr(f.out, wrong[i].message), "%s: %s", wrong[i].line, f.out);
    }
    ringer_machine_free(f.m);
}
END_TEST

static void collect(void *opaque, const char *data, size_t len)
{
    text_add(opaque, data, len);
}

START_TEST(a_conversation)
{
    const struct monitor_target none = {0};
    struct text out = {0};
    struct monitor *mon = monitor_new(&none, true, collect, &out);

    monitor_input(mon, (const uint8_t *)"helx\x7fp q\r", 9);
    ck_assert_msg(strstr(text_string(&out), "helx\b \bp q\nquit [STATUS]"), "%s",
                  text_string(&out));
    out.len = 0;
    monitor_input(mon, (const uint8_t *)"fro\x15\n", 5); /* Ctrl-U drops the line */
    ck_assert_ptr_null(strstr(text_string(&out), "unknown"));
    out.len = 0;
    monitor_input(mon, (const uint8_t *)"fro\r\nb\n", 7); /* one line end, not two */
    ck_assert_str_eq(text_string(&out), "fro\nunknown command: 'fro'; help lists them\n(qemu) "
                                        "b\nunknown command: 'b'; help lists them\n(qemu) ");
    monitor_free(mon);
    text_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("monitor");
    TCase *tc = tcase_create("monitor");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, words);
    tcase_add_test(tc, dump_formats);
    tcase_add_test(tc, dump_items);
    tcase_add_test(tc, commands);
    tcase_add_test(tc, names_of_qemu);
    tcase_add_test(tc, wrong_commands_say_why);
    tcase_add_test(tc, a_conversation);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
