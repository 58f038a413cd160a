/* The life of machines: start, stop, work from other threads, the ways to end, two at once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringer/ringer.h"
#include "vmm/host.h"

enum { FLOPPY = 1474560 };

/* A floppy whose boot sector runs CODE; the name goes to PATH. */
static void make_floppy(char *path, const void *code, size_t len)
{
    char *image = calloc(1, FLOPPY);

    strcpy(path, "/tmp/ringer-test-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    memcpy(image, code, len);
    image[510] = 0x55;
    image[511] = (char)0xaa;
    ck_assert_int_eq(write(fd, image, FLOPPY), FLOPPY);
    close(fd);
    free(image);
}

static struct ringer_machine *boot(const char *path, const char *const *more, int count)
{
    const char *options[16] = {"-m", "4", "-fda", path, "-snapshot", "-boot", "a"};
    char why[RINGER_ERROR_MAX] = "";

    for (int i = 0; i < count; i++)
        options[7 + i] = more[i];
    struct ringer_machine *m = ringer_machine_new(options, 7 + count, why);
    ck_assert_msg(m, "%s", why);
    ck_assert_msg(ringer_machine_start(m, why), "%s", why);
    return m;
}

static int run_code(const void *code, size_t len, const char *const *more, int count)
{
    char path[32];

    make_floppy(path, code, len);
    struct ringer_machine *m = boot(path, more, count);
    int status = ringer_machine_run(m);
    ringer_machine_free(m);
    unlink(path);
    return status;
}

START_TEST(debug_exit_gives_the_status)
{
    /* mov al, 21; out 0xf4, al; jmp $ */
    static const unsigned char code[] = {0xb0, 21, 0xe6, 0xf4, 0xeb, 0xfe};
    static const char *const options[] = {"-device", "isa-debug-exit,iobase=0xf4,iosize=1"};

    ck_assert_int_eq(run_code(code, sizeof code, options, 2), 43);
}
END_TEST

/* Without a card the BIOS boots, and the card's ports are empty. */
START_TEST(no_graphics_card)
{
    /* mov dx, 0x3cc; in al, dx; add al, 22; out 0xf4, al; jmp $ */
    static const unsigned char code[] = {0xba, 0xcc, 0x03, 0xec, 0x04, 22, 0xe6, 0xf4, 0xeb, 0xfe};
    static const char *const none[] = {"-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-vga",
                                       "none"};
    static const char *const again[] = {"-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-vga",
                                        "none", "-device", "VGA"};

    ck_assert_int_eq(run_code(code, sizeof code, none, 4), 43);
    ck_assert_int_ne(run_code(code, sizeof code, again, 6), 43);
}
END_TEST

START_TEST(soft_off_ends_it)
{
    /* mov dx, 0x604; mov ax, 0x2000; out dx, ax; jmp $ */
    static const unsigned char code[] = {0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef, 0xeb, 0xfe};

    ck_assert_int_eq(run_code(code, sizeof code, NULL, 0), 0);
}
END_TEST

START_TEST(resets_end_it_when_told_so)
{
    /* mov dx, 0xcf9; mov al, 6; out dx, al; jmp $ */
    static const unsigned char cf9[] = {0xba, 0xf9, 0x0c, 0xb0, 6, 0xee, 0xeb, 0xfe};
    /* mov al, 0xfe; out 0x64, al; jmp $ */
    static const unsigned char kbc[] = {0xb0, 0xfe, 0xe6, 0x64, 0xeb, 0xfe};
    /* mov al, 1; out 0x92, al; jmp $ */
    static const unsigned char fast[] = {0xb0, 1, 0xe6, 0x92, 0xeb, 0xfe};
    /* cli; hlt: nothing can wake it */
    static const unsigned char dead[] = {0xfa, 0xf4, 0xeb, 0xfe};
    static const char *const options[] = {"-no-reboot"};

    ck_assert_int_eq(run_code(cf9, sizeof cf9, options, 1), 0);
    ck_assert_int_eq(run_code(kbc, sizeof kbc, options, 1), 0);
    ck_assert_int_eq(run_code(fast, sizeof fast, options, 1), 0);
    ck_assert_int_eq(run_code(dead, sizeof dead, options, 1), 0);
}
END_TEST

/* A program that wrote a shutdown byte comes back at 0040:0067 with its devices as they were. */
START_TEST(shutdown_byte_outlives_a_cpu_reset)
{
    /* cli; CMOS 0Fh = 0Ah; word [0x467] = 0x7c20; word [0x469] = 0; mask of the PIC = 5Ah;
     * then the reset; at 0x7c20: in al, 0x21; out 0xf4, al; jmp $ */
    unsigned char code[] = {0xfa, 0xb0, 0x0f, 0xe6, 0x70, 0xb0, 0x0a, 0xe6, 0x71, 0xc7,
                            0x06, 0x67, 0x04, 0x20, 0x7c, 0xc7, 0x06, 0x69, 0x04, 0,
                            0,    0xb0, 0x5a, 0xe6, 0x21, 0xb0, 0xfe, 0xe6, 0x64, 0xf4,
                            0xeb, 0xfd, 0xe4, 0x21, 0xe6, 0xf4, 0xeb, 0xfe};
    /* lidt [0x7c26] (zeros); int3 */
    static const unsigned char triple_fault[] = {0x0f, 0x01, 0x1e, 0x26, 0x7c, 0xcc, 0x90};
    static const char *const options[] = {"-no-reboot", "-device",
                                          "isa-debug-exit,iobase=0xf4,iosize=1"};

    ck_assert_int_eq(run_code(code, sizeof code, options, 3), 0x5a << 1 | 1);
    memcpy(code + 25, triple_fault, sizeof triple_fault);
    ck_assert_int_eq(run_code(code, sizeof code, options, 3), 0x5a << 1 | 1);
}
END_TEST

START_TEST(stop_quit_and_looking_in)
{
    static const unsigned char spin[] = {0xeb, 0xfe};
    char path[32], out[8192];

    make_floppy(path, spin, sizeof spin);
    struct ringer_machine *m = boot(path, NULL, 0);
    ringer_machine_stop(m);
    ck_assert(ringer_machine_stopped(m));
    ck_assert(ringer_machine_command(m, "info registers", out, sizeof out));
    ringer_machine_cont(m);
    ck_assert(!ringer_machine_stopped(m));
    for (int i = 0; i < 100; i++) /* many small interruptions of running code */
        ringer_machine_screen_text(m, out, sizeof out);
    ck_assert(ringer_machine_send_key(m, "ctrl-a"));
    ck_assert(!ringer_machine_send_key(m, "ctrl-nothing"));
    ringer_machine_reset(m);
    ringer_machine_quit(m, 9);
    ck_assert_int_eq(ringer_machine_run(m), 9);
    ringer_machine_screen_text(m, out, sizeof out); /* after its end it can still be looked at */
    ringer_machine_free(m);
    unlink(path);
}
END_TEST

START_TEST(two_at_once)
{
    static const unsigned char spin[] = {0xeb, 0xfe};
    char first[32], second[32];

    make_floppy(first, spin, sizeof spin);
    make_floppy(second, spin, sizeof spin);
    struct ringer_machine *a = boot(first, NULL, 0), *b = boot(second, NULL, 0);
    ringer_machine_quit(a, 1);
    ck_assert_int_eq(ringer_machine_run(a), 1);
    ringer_machine_free(a);
    ringer_machine_stop(b); /* the other one goes on */
    ck_assert(ringer_machine_stopped(b));
    ringer_machine_quit(b, 2);
    ck_assert_int_eq(ringer_machine_run(b), 2);
    ringer_machine_free(b);
    unlink(first);
    unlink(second);
}
END_TEST

START_TEST(bad_options_give_no_machine)
{
    static const char *const wrong[][2] = {
        {"-m", "0"},
        {"-fda", "/nonexistent.img"},
        {"-kernel", "/"},
        {"-display", "text"},
        {"-script", "/nonexistent"},
        {"-D", "/nonexistent/log"},
        {"-serial", "unix:/nonexistent/s,server=on,wait=off"},
        {"-serial", "unix:/nonexistent/s"},
    };
    char why[RINGER_ERROR_MAX];

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why[0] = 0;
        ck_assert_ptr_null(ringer_machine_new(wrong[i], 2, why));
        ck_assert_msg(why[0] && !strchr(why, '\n'), "%s: %s", wrong[i][0], why);
    }
}
END_TEST

START_TEST(a_script_decides)
{
    /* mov ax, 0xe41; int 0x10 (A on the screen); mov dx, 0x3f8; mov al, 'B'; out dx, al; jmp $ */
    static const unsigned char code[] = {0xb8, 0x41, 0x0e, 0xcd, 0x10, 0xba, 0xf8,
                                         0x03, 0xb0, 'B',  0xee, 0xeb, 0xfe};
    char script[] = "/tmp/ringer-test-XXXXXX";
    const char *options[] = {"-script", script};
    static const char text[] = "wait A 10\nwait B 10\nsendkey a\nquit 5\n";
    int fd = mkstemp(script);

    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    ck_assert_int_eq(run_code(code, sizeof code, options, 2), 5);
    unlink(script);
}
END_TEST

static void wait_for_state(struct ringer_machine *m, const char *state)
{
    char out[200] = "";

    for (int i = 0; i < 2000 && !strstr(out, state); i++) {
        usleep(5000);
        ck_assert(ringer_machine_command(m, "info status", out, sizeof out));
    }
    ck_assert_msg(strstr(out, state), "%s, not %s", out, state);
}

/* A floppy's image that shrinks in mid-run stops the machine; when it is back, it boots. */
START_TEST(a_failed_read_is_tried_again)
{
    static const unsigned char code[] = {0xb0, 21, 0xe6, 0xf4, 0xeb, 0xfe};
    char path[32], drive[80], why[RINGER_ERROR_MAX] = "", sector[512], out[300];

    make_floppy(path, code, sizeof code);
    snprintf(drive, sizeof drive, "file=%s,if=floppy,format=raw,rerror=stop", path);
    const char *const options[] = {"-m", "4", "-S", "-drive", drive, "-boot", "a", "-device",
                                   "isa-debug-exit,iobase=0xf4,iosize=1"};
    struct ringer_machine *m = ringer_machine_new(options, 9, why);
    ck_assert_msg(m && ringer_machine_start(m, why), "%s", why);
    FILE *f = fopen(path, "r+");
    ck_assert_uint_eq(fread(sector, 1, sizeof sector, f), sizeof sector);
    ck_assert_int_eq(ftruncate(fileno(f), 0), 0);
    for (int i = 0; i < 2; i++) { /* the second time nothing is better */
        ringer_machine_cont(m);
        wait_for_state(m, "io-error");
    }
    ck_assert(!ringer_machine_command(m, "eject floppy0", out, sizeof out));
    ck_assert_ptr_nonnull(strstr(out, "cont"));
    rewind(f);
    ck_assert_uint_eq(fwrite(sector, 1, sizeof sector, f), sizeof sector);
    ck_assert_int_eq(ftruncate(fileno(f), FLOPPY), 0);
    fclose(f);
    ringer_machine_cont(m);
    ck_assert_int_eq(ringer_machine_run(m), 43);
    ringer_machine_free(m);
    unlink(path);
}
END_TEST

/* The end and a reset reach a machine that waits in a failed read. */
START_TEST(a_failed_read_is_given_up)
{
    static const unsigned char code[] = {0xeb, 0xfe};
    char path[32], drive[80], why[RINGER_ERROR_MAX] = "";

    make_floppy(path, code, sizeof code);
    snprintf(drive, sizeof drive, "file=%s,if=floppy,format=raw,rerror=stop", path);
    const char *const options[] = {"-m", "4", "-S", "-drive", drive, "-boot", "a"};
    struct ringer_machine *m = ringer_machine_new(options, 7, why);
    ck_assert_msg(m && ringer_machine_start(m, why), "%s", why);
    ck_assert_int_eq(truncate(path, 0), 0);
    ringer_machine_cont(m);
    wait_for_state(m, "io-error");
    ringer_machine_reset(m);
    ringer_machine_cont(m);
    wait_for_state(m, "io-error");
    ringer_machine_quit(m, 7);
    ck_assert_int_eq(ringer_machine_run(m), 7);
    ringer_machine_free(m);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("machine");
    TCase *tc = tcase_create("machine");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, debug_exit_gives_the_status);
    tcase_add_test(tc, no_graphics_card);
    tcase_add_test(tc, soft_off_ends_it);
    tcase_add_test(tc, resets_end_it_when_told_so);
    tcase_add_test(tc, shutdown_byte_outlives_a_cpu_reset);
    tcase_add_test(tc, stop_quit_and_looking_in);
    tcase_add_test(tc, two_at_once);
    tcase_add_test(tc, bad_options_give_no_machine);
    tcase_add_test(tc, a_script_decides);
    tcase_add_test(tc, a_failed_read_is_tried_again);
    tcase_add_test(tc, a_failed_read_is_given_up);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
