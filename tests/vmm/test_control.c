/* What both monitors steer: media, watchpoints, memory into files; and that they are documented. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringer/ringer.h"
#include "vmm/command.h"
#include "vmm/event.h"
#include "vmm/host.h"
#include "vmm/lineedit.h"
#include "vmm/media.h"
#include "vmm/memdump.h"
#include "vmm/qmp_command.h"

/* ---- a machine that stands still ---- */

static struct {
    struct host host;
    struct monitor_target t;
    struct machine_listener listener;
    char events[200];
    struct text out;
    char dir[40], floppy[60], disc[60];
} rig;

static void note_event(void *opaque, const struct machine_event *e)
{
    static const char *const names[] = {
        [MACHINE_RESET] = "reset",
        [MACHINE_SHUTDOWN] = "shutdown",
        [MACHINE_STOP] = "stop",
        [MACHINE_RESUME] = "resume",
        [MACHINE_POWERDOWN] = "powerdown",
        [MACHINE_TRAY_MOVED] = "tray",
        [MACHINE_IO_ERROR] = "io-error",
        [MACHINE_RTC_CHANGE] = "clock",
        [MACHINE_WATCHPOINT] = "watchpoint",
        [MACHINE_DUMP_COMPLETED] = "dump",
    };
    size_t len = strlen(rig.events);

    (void)opaque;
    snprintf(rig.events + len, sizeof rig.events - len, "%s%s ",
             names[e->kind] ? names[e->kind] : "other", e->on ? "+" : "");
}

static void make_file(char *path, size_t n, const char *name, size_t bytes, char fill)
{
    char block[512];
    FILE *f;

    snprintf(path, n, "%s/%s", rig.dir, name);
    memset(block, fill, sizeof block);
    f = fopen(path, "w");
    for (size_t i = 0; i < bytes; i += sizeof block)
        ck_assert_uint_eq(fwrite(block, 1, sizeof block, f), sizeof block);
    fclose(f);
}

static void setup(void)
{
    char *argv[] = {"-m",       "4",    "-S",   "-display", "none",
                    "-monitor", "none", "-fda", rig.floppy, "-snapshot"};
    struct error err = {""};

    memset(&rig, 0, sizeof rig);
    strcpy(rig.dir, "/tmp/ringer-control.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(rig.dir));
    make_file(rig.floppy, sizeof rig.floppy, "a.img", 1474560, 'a');
    make_file(rig.disc, sizeof rig.disc, "b.iso", 65536, 'b');
    rig.host.embedded = true;
    ck_assert_msg(options_parse(&rig.host.options, 10, argv, &err), "%s", err.text);
    ck_assert_msg(host_open(&rig.host, &err), "%s", err.text);
    rig.t = host_target(&rig.host);
    rig.listener = (struct machine_listener){.event = note_event};
    machine_listen(rig.t.machine, &rig.listener);
    ck_assert_msg(host_start(&rig.host, &err), "%s", err.text);
}

static void teardown(void)
{
    char command[100];

    machine_unlisten(rig.t.machine, &rig.listener);
    host_close(&rig.host);
    options_free(&rig.host.options);
    text_free(&rig.out);
    snprintf(command, sizeof command, "rm -r %s", rig.dir);
    ck_assert_int_eq(system(command), 0);
}

/* Carry out LINE; what it printed. */
static const char *run(bool expected, const char *format, ...)
{
    char line[300];
    va_list ap;

    va_start(ap, format);
    vsnprintf(line, sizeof line, format, ap);
    va_end(ap);
    rig.out.len = 0;
    if (rig.out.data)
        rig.out.data[0] = 0;
    bool ok = monitor_execute(&rig.t, line, &rig.out);
    ck_assert_msg(ok == expected, "%s: %s", line, text_string(&rig.out));
    return text_string(&rig.out);
}

/* ---- expressions ---- */

START_TEST(expressions)
{
    static const char *const good[][2] = {
        {"p/d 1+2*3", "7\n"},
        {"p/d (1+2)*3", "9\n"},
        {"p/d 7-2-1", "4\n"},
        {"p/d -5/2", "-2\n"},
        {"p/d 1<<4|3", "19\n"},
        {"p/x ~0", "0xffffffffffffffff\n"},
        {"p/x 0xff & $cs", "0x0\n"},
        {"p/x $eip", "0xfff0\n"},
        {"p $pc", "0xfffffff0\n"},
        {"p 5", "0x5\n"},
        {"p/x $cs.base", "0xffff0000\n"},
        {"p /x 255", "0xff\n"},
        {"p/c 65", "'A'\n"},
        {"p/c 'B' + 1", "'C'\n"},
        {"print/o 8", "010\n"},
        {"p/d -9223372036854775807-1", "-9223372036854775808\n"},
        {"p/d (-9223372036854775807-1)/-1", "-9223372036854775808\n"},
        {"p/d (-9223372036854775807-1)%-1", "0\n"},
        {"p/d 1<<64", "0\n"},
    };
    static const char *const bad[][2] = {
        {"p 1/0", "division"},   {"p 1%0", "division"}, {"p 1+", "incomplete"},
        {"p (1", "')'"},         {"p 1)", "too much"},  {"p $frob", "$frob"},
        {"p 12ab", "no number"}, {"p 1 2", "too much"}, {"p/q 1", "/q"},
        {"p <1", "'<1"},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_str_eq(run(true, "%s", good[i][0]), good[i][1]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(strstr(run(false, "%s", bad[i][0]), bad[i][1]), "%s: %s", bad[i][0],
                      text_string(&rig.out));
    /* A parser that recurses is not to be had by depth. */
    char deep[290] = "p ";
    memset(deep + 2, '(', sizeof deep - 3);
    ck_assert_ptr_nonnull(strstr(run(false, "%s", deep), "deep"));
}
END_TEST

/* ---- media ---- */

START_TEST(discs_are_exchanged)
{
    char other[60];

    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "ide1-cd0: [not inserted]"));
    run(true, "change ide1-cd0 %s", rig.disc);
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "b.iso (raw, read-only)"));
    ck_assert_str_eq(rig.events, "tray+ tray ");
    run(true, "eject ide1-cd0");
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "tray open"));
    ck_assert_ptr_null(rig.t.machine->config.cdrom[2]);

    ck_assert_ptr_nonnull(strstr(run(false, "change floppy0 %s", rig.disc), "floppy"));
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "a.img (raw, snapshot)"));
    run(true, "eject floppy0");
    make_file(other, sizeof other, "c.img", 737280, 'c');
    run(true, "change floppy0 %s raw read-only", other);
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "c.img (raw, read-only, snapshot)"));
    ck_assert_ptr_nonnull(strstr(run(false, "change floppy1 %s", other), "floppy1"));
    ck_assert_ptr_nonnull(strstr(run(false, "eject ide0-hd0"), "not found"));
    ck_assert_ptr_nonnull(strstr(run(false, "change ide1-cd0 %s raw frob", other), "frob"));
}
END_TEST

static void lock_tray(struct machine *m, void *opaque)
{
    static const uint8_t prevent[12] = {0x1e, 0, 0, 0, 1};

    (void)opaque;
    bus_out(m->bus, 0x176, 0xa0, 1);
    bus_out(m->bus, 0x177, 0xa0, 1);
    for (int i = 0; i < 12; i += 2)
        bus_out(m->bus, 0x170, prevent[i] | prevent[i + 1] << 8, 2);
}

START_TEST(a_locked_tray_stays)
{
    run(true, "change ide1-cd0 %s", rig.disc);
    for (int i = 0; i < 3; i++) /* the first ones hear that the disc is new */
        machine_post_wait(rig.t.machine, lock_tray, NULL);
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "    Removable device: locked"));
    ck_assert_ptr_nonnull(strstr(run(false, "eject ide1-cd0"), "is locked"));
    ck_assert_ptr_nonnull(strstr(run(false, "change ide1-cd0 %s", rig.floppy), "is locked"));
    ck_assert_ptr_nonnull(strstr(run(true, "info block"), "b.iso"));
    run(true, "eject -f ide1-cd0");
}
END_TEST

/* The disk change line (3F7h, bit 7), which falls with a step to a drive with a medium. */
static void change_line(struct machine *m, void *opaque)
{
    bus_out(m->bus, 0x3f2, 0x1c, 1);
    *(uint32_t *)opaque = bus_in(m->bus, 0x3f7, 1) & 0x80;
}

START_TEST(floppy_change_line)
{
    uint32_t line = 0;

    run(true, "eject floppy0");
    machine_post_wait(rig.t.machine, change_line, &line);
    ck_assert_uint_eq(line, 0x80);
    run(true, "change floppy0 %s", rig.floppy);
    machine_post_wait(rig.t.machine, change_line, &line);
    ck_assert_uint_eq(line, 0x80);
}
END_TEST

static char byte_at(const char *path, long offset)
{
    FILE *f = fopen(path, "r");
    int c;

    fseek(f, offset, SEEK_SET);
    c = fgetc(f);
    fclose(f);
    return (char)c;
}

static void write_sector(struct machine *m, void *opaque)
{
    uint8_t sector[SECTOR_SIZE];

    (void)opaque;
    memset(sector, 'x', sizeof sector);
    ck_assert(block_write(m->config.floppy[0], 3, sector, 1));
}

START_TEST(snapshots_are_committed)
{
    machine_post_wait(rig.t.machine, write_sector, NULL);
    ck_assert_int_eq(byte_at(rig.floppy, 3 * 512), 'a');
    run(true, "commit all");
    ck_assert_int_eq(byte_at(rig.floppy, 3 * 512), 'x');
    ck_assert_int_eq(byte_at(rig.floppy, 4 * 512), 'a');
    run(true, "change ide1-cd0 %s", rig.disc);
    ck_assert_ptr_nonnull(strstr(run(false, "commit ide1-cd0"), "no snapshot"));
    ck_assert_ptr_nonnull(strstr(run(false, "commit frob"), "not found"));
}
END_TEST

/* ---- watchpoints ---- */

/* A program in memory: mov eax, [500h]; mov [504h], al; hlt. */
static void place_program(struct machine *m, void *opaque)
{
    static const uint8_t code[] = {0x66, 0xa1, 0x00, 0x05, 0xa2, 0x04, 0x05, 0xf4};
    struct cpu *cpu = m->cpu;

    (void)opaque;
    phys_write(m->phys, 0x7c00, code, sizeof code);
    for (int i = 0; i < 6; i++) {
        cpu->seg[i].selector = 0;
        cpu->seg[i].base = 0;
    }
    cpu->eip = 0x7c00;
    cpu->mode_changed = 1;
}

static void wait_until_stopped(void)
{
    for (int i = 0; i < 500 && !machine_stopped(rig.t.machine); i++)
        usleep(10000);
    ck_assert(machine_stopped(rig.t.machine));
}

START_TEST(watchpoints)
{
    machine_post_wait(rig.t.machine, place_program, NULL);
    ck_assert_str_eq(run(true, "watch/1w 0x507"), "watchpoint 1: 1 bytes at 0x00000507\n");
    run(true, "watch/1w 0x504");
    run(true, "watch/2r 0x4ff+2");
    run(true, "cont");
    wait_until_stopped();
    ck_assert_str_eq(run(true, "info status"), "VM status: paused (debug)\n");
    ck_assert_ptr_nonnull(strstr(run(true, "info watchpoints"),
                                 "last hit: 3, a read at 0x00000500 by the instruction at "
                                 "0000:00007c00"));
    ck_assert_str_eq(run(true, "p/x $pc"), "0x7c04\n");
    run(true, "cont");
    wait_until_stopped();
    ck_assert_ptr_nonnull(strstr(run(true, "info watchpoints"), "last hit: 2, a write at"));
    ck_assert_str_eq(run(true, "p/x $pc"), "0x7c07\n");
    ck_assert_str_eq(rig.events, "resume watchpoint stop resume watchpoint+ stop ");
    run(true, "delete 2");
    ck_assert_ptr_nonnull(strstr(run(false, "delete 2"), "2"));
    run(true, "delete");
    ck_assert_uint_eq(rig.t.machine->cpu->watch.count, 0);
    run(false, "watch/0 5");
    run(false, "watch/4x 5");
    for (int i = 0; i < CPU_WATCHPOINTS; i++)
        run(true, "watch %d", i);
    ck_assert_ptr_nonnull(strstr(run(false, "watch 99"), "already"));
}
END_TEST

/* ---- memory ---- */

static void write_memory(struct machine *m, void *opaque)
{
    (void)opaque;
    phys_write(m->phys, 0x2000, "memory", 6);
}

START_TEST(memory_into_files)
{
    char path[60], data[6];
    FILE *f;

    machine_post_wait(rig.t.machine, write_memory, NULL);
    snprintf(path, sizeof path, "%s/memory", rig.dir);
    for (int i = 0; i < 2; i++) {
        run(true, "%s 0x2000 3*2 %s", i ? "memsave" : "pmemsave", path);
        f = fopen(path, "r");
        ck_assert_uint_eq(fread(data, 1, sizeof data, f), sizeof data);
        ck_assert_mem_eq(data, "memory", 6);
        ck_assert_int_eq(fgetc(f), EOF);
        fclose(f);
    }
    unlink(path);
    run(false, "pmemsave 0xffffffff 2 %s", path);
    run(false, "pmemsave 0 1 /nonexistent/x");
    ck_assert_int_ne(access(path, F_OK), 0);
    if (access("/dev/full", W_OK) == 0) {
        const char *why = run(false, "pmemsave 0 0x100000 /dev/full");
        ck_assert_msg(strstr(why, strerror(ENOSPC)), "%s", why);
        ck_assert_int_eq(access("/dev/full", F_OK), 0);
    }
}
END_TEST

START_TEST(cores)
{
    char path[60], data[6];
    Elf32_Ehdr e;
    Elf32_Phdr p[8];
    FILE *f;

    machine_post_wait(rig.t.machine, write_memory, NULL);
    snprintf(path, sizeof path, "%s/core", rig.dir);
    run(true, "dump-guest-memory %s", path);
    f = fopen(path, "r");
    ck_assert_uint_eq(fread(&e, sizeof e, 1, f), 1);
    ck_assert_mem_eq(e.e_ident, ELFMAG, SELFMAG);
    ck_assert_uint_eq(e.e_type, ET_CORE);
    ck_assert_uint_eq(e.e_machine, EM_386);
    ck_assert_uint_lt(e.e_phnum, 8);
    ck_assert_uint_eq(fread(p, sizeof *p, e.e_phnum, f), e.e_phnum);
    ck_assert_uint_eq(p[0].p_type, PT_NOTE);
    ck_assert_uint_eq(p[1].p_type, PT_LOAD);
    ck_assert_uint_eq(p[1].p_paddr, 0);
    ck_assert_uint_eq(p[1].p_filesz, 0xa0000);
    fseek(f, p[1].p_offset + 0x2000, SEEK_SET);
    ck_assert_uint_eq(fread(data, 1, sizeof data, f), sizeof data);
    ck_assert_mem_eq(data, "memory", 6);
    fclose(f);

    run(true, "dump-guest-memory -p %s 0x2000 0x1000", path);
    f = fopen(path, "r");
    fseek(f, 0, SEEK_END);
    ck_assert_int_lt(ftell(f), 0x2000);
    fclose(f);
    run(false, "dump-guest-memory -z %s", path);
    run(false, "dump-guest-memory %s 0xa0000 0x1000", path);
    ck_assert_int_ne(access(path, F_OK), 0);
    run(false, "dump-guest-memory %s 0 0", path);
    run(false, "dump-guest-memory /nonexistent/x");
}
END_TEST

/* ---- lines on a terminal ---- */

static struct text typed;

static void on_write(void *opaque, const char *data, size_t len)
{
    (void)opaque, (void)data, (void)len;
}

static void on_line(void *opaque, const char *line)
{
    (void)opaque;
    text_printf(&typed, "%s|", line);
}

static void on_complete(void *opaque, const char *line, void (*offer)(void *to, const char *word),
                        void *to)
{
    (void)opaque;
    command_complete(&rig.t, line, offer, to);
}

static const char *type(const char *keys)
{
    const struct lineedit_wires wires = {NULL, on_write, on_line, on_complete};
    struct lineedit *e = lineedit_new(&wires, "> ", true);

    typed.len = 0;
    lineedit_input(e, (const uint8_t *)keys, strlen(keys));
    lineedit_free(e);
    return text_string(&typed);
}

START_TEST(line_editing)
{
    ck_assert_str_eq(type("abc\r"), "abc|");
    ck_assert_str_eq(type("ac\033[Db\r\n"), "abc|");
    ck_assert_str_eq(type("bc\001a\005d\n"), "abcd|");
    ck_assert_str_eq(type("abx\177c\n"), "abc|");
    ck_assert_str_eq(type("xabc\033[H\033[3~\n"), "abc|");
    ck_assert_str_eq(type("one two\027three\n"), "one three|");
    ck_assert_str_eq(type("abc\001\006\013\n"), "a|");
    ck_assert_str_eq(type("one\ntwo\n\033[A\033[A\n"), "one|two|one|");
    ck_assert_str_eq(type("one\n\020\016x\n"), "one|x|");
    ck_assert_str_eq(type("x\025y\n"), "y|");
    ck_assert_str_eq(type("\033[999;5Zq\n"), "q|");
    char much[6000];
    memset(much, 'm', sizeof much - 1);
    much[sizeof much - 1] = 0;
    type(much); /* does not fit: cut, not overrun */
    text_free(&typed);
}
END_TEST

START_TEST(completion)
{
    ck_assert_str_eq(type("system_po\t\n"), "system_powerdown |");
    ck_assert_str_eq(type("info watch\t\n"), "info watchpoints |");
    ck_assert_str_eq(type("eject ide\t\n"), "eject ide1-cd0 |");
    ck_assert_str_eq(type("sendkey ctrl-alt-del\t\n"), "sendkey ctrl-alt-delete |");
    ck_assert_str_eq(type("log in_asm,gu\t\n"), "log in_asm,guest_errors |");
    ck_assert_str_eq(type("sys\tr\t\n"), "system_reset |");
    ck_assert_str_eq(type("frob x\t\n"), "frob x|");
    text_free(&typed);
}
END_TEST

/* ---- the document ---- */

static void find(const char *document, const char *name, bool plain)
{
    char quoted[80];

    snprintf(quoted, sizeof quoted, plain ? "`%s" : "`%s`", name);
    ck_assert_msg(strstr(document, quoted), "docs/control.md does not tell of %s", name);
}

START_TEST(documented)
{
    static char document[65536];
    FILE *f = fopen("docs/control.md", "r");
    const struct command *c;
    const struct subject *s;
    const struct qmp_command *q;
    const struct qmp_event_type *e;

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_lt(fread(document, 1, sizeof document - 1, f), sizeof document - 1);
    fclose(f);
    for (unsigned i = 0; (c = command_nth(i)); i++)
        find(document, c->name, true);
    for (unsigned i = 0; (s = subject_nth(i)); i++)
        find(document, s->name, false);
    for (unsigned i = 0; (q = qmp_nth(i)); i++)
        find(document, q->name, false);
    for (unsigned i = 0; (e = qmp_event_nth(i)); i++)
        find(document, e->name, false);
}
END_TEST

START_TEST(every_subject_answers)
{
    const struct subject *s;

    for (unsigned i = 0; (s = subject_nth(i)); i++)
        run(true, "info %s", s->name);
    ck_assert_ptr_nonnull(strstr(run(true, "info qtree"), "dev: piix3-ide"));
    ck_assert_ptr_nonnull(strstr(run(true, "info mtree"), "address-space: I/O"));
    ck_assert_ptr_nonnull(strstr(run(true, "info cpus"), "thread_id="));
    ck_assert_ptr_nonnull(strstr(run(false, "savevm x"), "savevm is not supported"));
    run(true, "boot_set dca");
    run(false, "boot_set aa");
    run(false, "mouse_set 1");
    run(true, "mouse_move 5 -5 1");
    run(true, "mouse_button 7");
    run(true, "mouse_button 0");
    run(false, "mouse_button 99");
    ck_assert_ptr_nonnull(strstr(run(true, "i/w 0x64"), "portl[0x0064] = 0x"));
    ck_assert_ptr_nonnull(strstr(run(true, "i /h 0x64"), "portw[0x0064] = 0x"));
    ck_assert_ptr_nonnull(strstr(run(true, "i/xb 0x61"), "portb[0x0061] = 0x"));
    ck_assert_ptr_nonnull(strstr(run(true, "i 0xcf8"), "portl[0x0cf8] = 0x"));
    run(true, "o /w 0xcf8 0x80000000");
    ck_assert_str_eq(run(true, "i/w 0xcfc"), "portl[0x0cfc] = 0x12378086\n");
    run(false, "i /w");
    run(false, "o /w 0x80");
    run(false, "i/b 1 2");
    run(true, "o/b 0x80 1+1");
    run(false, "i/q 0x64");
    run(false, "i 0x10000");
    run(true, "gva2gpa 0x1234");
    ck_assert_ptr_nonnull(strstr(run(true, "info block ide1-cd0"), "ide1-cd0"));
    ck_assert_ptr_null(strstr(run(true, "info block -v ide1-cd0"), "floppy0"));
    ck_assert_ptr_nonnull(strstr(run(false, "info block sd0"), "'sd0' not found"));
    run(true, "info lapic 0");
    run(false, "info lapic 1");
    ck_assert_ptr_nonnull(strstr(run(false, "object_add x"), "is not supported"));
    run(false, "cpu 1");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("control");
    TCase *tc = tcase_create("control");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, expressions);
    tcase_add_test(tc, discs_are_exchanged);
    tcase_add_test(tc, a_locked_tray_stays);
    tcase_add_test(tc, floppy_change_line);
    tcase_add_test(tc, snapshots_are_committed);
    tcase_add_test(tc, watchpoints);
    tcase_add_test(tc, memory_into_files);
    tcase_add_test(tc, cores);
    tcase_add_test(tc, line_editing);
    tcase_add_test(tc, completion);
    tcase_add_test(tc, documented);
    tcase_add_test(tc, every_subject_answers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
