#include <stdio.h>
#include <string.h>

#include "chipset.h"

enum { IRQ1 = 1, IRQ12 = 12, A20 = 13, RESET = 14, DATA = 0x60, CMD = 0x64 };

struct fixture {
    struct chipset c;
    struct i8042 *k;
};

static void open_kbc(struct fixture *f)
{
    chipset_open(&f->c, 0);
    f->k = i8042_init(&f->c.board, chipset_wire(&f->c, IRQ1), chipset_wire(&f->c, IRQ12),
                      chipset_wire(&f->c, A20), chipset_wire(&f->c, RESET));
}

static bool full(struct fixture *f)
{
    return chipset_in(&f->c, CMD) & 1;
}

/* The next byte, given time to come; -1 when there is none, 100h added for the auxiliary port. */
static int next(struct fixture *f)
{
    uint8_t status;

    if (!full(f))
        chipset_step(&f->c, 12 * MS);
    status = chipset_in(&f->c, CMD);
    if (!(status & 1))
        return -1;
    return chipset_in(&f->c, DATA) | (status & 0x20 ? 0x100 : 0);
}

static void expect(struct fixture *f, const char *hex)
{
    char got[200] = "", wanted[200];
    int byte;

    while ((byte = next(f)) >= 0 && strlen(got) < 150)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%x ", byte);
    snprintf(wanted, sizeof(wanted), "%s ", hex);
    ck_assert_str_eq(got, *hex ? wanted : "");
}

static void mode(struct fixture *f, uint8_t value)
{
    chipset_out(&f->c, CMD, 0x60);
    chipset_out(&f->c, DATA, value);
}

static void mouse_out(struct fixture *f, uint8_t value)
{
    chipset_out(&f->c, CMD, 0xd4);
    chipset_out(&f->c, DATA, value);
}

static void command(struct fixture *f, uint8_t value, const char *reply)
{
    chipset_out(&f->c, CMD, value);
    expect(f, reply);
}

static void kbd(struct fixture *f, uint8_t value, const char *reply)
{
    chipset_out(&f->c, DATA, value);
    expect(f, reply);
}

static void mouse(struct fixture *f, uint8_t value, const char *reply)
{
    mouse_out(f, value);
    expect(f, reply);
}

START_TEST(test_controller_commands)
{
    struct fixture f;

    open_kbc(&f);
    ck_assert_uint_eq(chipset_in(&f.c, CMD) & 0x1d, 0x14); /* POST passed, not locked */
    command(&f, 0xaa, "55");
    command(&f, 0xab, "0");
    command(&f, 0xa9, "0");
    command(&f, 0xa4, "f1");
    command(&f, 0xc0, "b0");
    mode(&f, 0x45);
    command(&f, 0x20, "45");
    command(&f, 0xa7, "");
    command(&f, 0x20, "65");
    command(&f, 0xad, "");
    command(&f, 0x20, "75");
    command(&f, 0xe0, "0");
    command(&f, 0xa8, "");
    command(&f, 0xae, "");
    command(&f, 0x20, "45");
    command(&f, 0xe0, "3");
    chipset_out(&f.c, CMD, 0x65); /* RAM address 5 */
    ck_assert_uint_eq(chipset_in(&f.c, CMD) & 8, 8);
    chipset_out(&f.c, DATA, 0x99);
    ck_assert_uint_eq(chipset_in(&f.c, CMD) & 8, 0);
    command(&f, 0x25, "99");
    mode(&f, 0x41);
    ck_assert_uint_eq(chipset_in(&f.c, CMD) & 4, 0); /* the system flag is the mode's */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_key_interrupt_and_translation)
{
    struct fixture f;

    open_kbc(&f);
    i8042_key(f.k, 0x1e, true);
    ck_assert_int_eq(f.c.level[IRQ1], 1);
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x1e);
    ck_assert_int_eq(f.c.level[IRQ1], 0);
    i8042_key(f.k, 0x1e, false);
    expect(&f, "9e");
    i8042_key(f.k, 0xe048, true);
    i8042_key(f.k, 0xe048, false);
    expect(&f, "e0 48 e0 c8");
    mode(&f, 0x05); /* untranslated */
    i8042_key(f.k, 0x1e, true);
    i8042_key(f.k, 0x1e, false);
    i8042_key(f.k, 0xe048, false);
    expect(&f, "1c f0 1c e0 f0 75");
    chipset_close(&f.c);
}
END_TEST

/* All of set 1 goes out as set 2 and comes back as what it was. */
START_TEST(test_translation_of_every_key)
{
    struct fixture f;

    open_kbc(&f);
    for (unsigned code = 1; code <= 0x58; code++) {
        if (code == 0x55)
            continue; /* no key of any keyboard has it */
        i8042_key(f.k, (uint16_t)code, true);
        ck_assert_int_eq(next(&f), (int)code);
        i8042_key(f.k, (uint16_t)code, false);
        ck_assert_int_eq(next(&f), (int)code | 0x80);
    }
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_byte_can_be_read_twice_before_the_next)
{
    struct fixture f;

    open_kbc(&f);
    i8042_key(f.k, 0x1e, true);
    i8042_key(f.k, 0x30, true);
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x1e);
    ck_assert(!full(&f));
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x1e); /* a chained INT 9 handler */
    ck_assert_int_eq(f.c.level[IRQ1], 0);
    chipset_step(&f.c, 2 * MS);
    ck_assert_int_eq(f.c.level[IRQ1], 1);
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x30);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_disabled_keyboard_keeps_its_codes)
{
    struct fixture f;

    open_kbc(&f);
    chipset_out(&f.c, CMD, 0xad);
    i8042_key(f.k, 0x1e, true);
    expect(&f, "");
    chipset_out(&f.c, CMD, 0xae);
    expect(&f, "1e");
    mode(&f, 0x44); /* no interrupt, polled */
    i8042_key(f.k, 0x1e, false);
    ck_assert_int_eq(f.c.level[IRQ1], 0);
    expect(&f, "9e");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_reply_comes_before_held_back_keys)
{
    struct fixture f;

    open_kbc(&f);
    chipset_out(&f.c, CMD, 0xad);
    i8042_key(f.k, 0x1e, true);
    chipset_out(&f.c, DATA, 0xed); /* enables the interface */
    expect(&f, "fa 1e");
    chipset_close(&f.c);
}
END_TEST

/* Whoever waits by counting polls gives up long before a byte could come over a wire. */
START_TEST(test_replies_take_no_time)
{
    struct fixture f;

    open_kbc(&f);
    mouse_out(&f, 0xff);
    ck_assert(full(&f));
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0xfa);
    ck_assert(full(&f));
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0xaa);
    ck_assert(full(&f));
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x00);
    i8042_key(f.k, 0x1e, true);
    i8042_key(f.k, 0x1e, false);
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0x1e);
    mouse_out(&f, 0xf4); /* between two scan codes, too */
    ck_assert(full(&f));
    ck_assert_uint_eq(chipset_in(&f.c, DATA), 0xfa);
    expect(&f, "9e");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_pause_and_print_screen)
{
    struct fixture f;

    open_kbc(&f);
    i8042_key(f.k, 0xe11d, true);
    i8042_key(f.k, 0xe11d, false);
    expect(&f, "e1 1d 45 e1 9d c5");
    i8042_key(f.k, 0xe037, true);
    i8042_key(f.k, 0xe037, false);
    expect(&f, "e0 2a e0 37 e0 b7 e0 aa");
    i8042_key(f.k, 0x1d, true); /* Ctrl+Pause is Break */
    i8042_key(f.k, 0xe11d, true);
    expect(&f, "1d e0 46 e0 c6");
    i8042_key(f.k, 0x1d, false);
    i8042_key(f.k, 0x38, true); /* Alt+PrintScreen is SysRq */
    i8042_key(f.k, 0xe037, true);
    expect(&f, "9d 38 54");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_keyboard_commands)
{
    struct fixture f;

    open_kbc(&f);
    mode(&f, 0x04);
    kbd(&f, 0xee, "ee");
    kbd(&f, 0xf2, "fa ab 83");
    kbd(&f, 0xed, "fa");
    kbd(&f, 0x05, "fa");
    ck_assert_uint_eq(i8042_leds(f.k), 5);
    kbd(&f, 0xed, "fa");
    kbd(&f, 0xf3, "fa"); /* a command in place of the argument */
    kbd(&f, 0x20, "fa");
    ck_assert_uint_eq(i8042_leds(f.k), 5);
    kbd(&f, 0xf1, "fe");
    kbd(&f, 0xfe, "fe");
    kbd(&f, 0xf5, "fa");
    i8042_key(f.k, 0x1e, true);
    expect(&f, "");
    kbd(&f, 0xf4, "fa");
    i8042_key(f.k, 0x1e, true);
    expect(&f, "1c");
    kbd(&f, 0xff, "fa aa");
    ck_assert_uint_eq(i8042_leds(f.k), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_identity_is_translated_too)
{
    struct fixture f;

    open_kbc(&f);
    kbd(&f, 0xf2, "fa ab 41");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_scan_code_sets)
{
    struct fixture f;

    open_kbc(&f);
    mode(&f, 0x05);
    kbd(&f, 0xf0, "fa");
    kbd(&f, 0x00, "fa 2");
    kbd(&f, 0xf0, "fa");
    kbd(&f, 0x01, "fa");
    i8042_key(f.k, 0xe048, true);
    i8042_key(f.k, 0xe048, false);
    expect(&f, "e0 48 e0 c8");
    kbd(&f, 0xf0, "fa");
    kbd(&f, 0x03, "fa");
    i8042_key(f.k, 0x1d, true); /* Ctrl: make and break */
    i8042_key(f.k, 0x1d, true);
    i8042_key(f.k, 0x1d, false);
    expect(&f, "11 f0 11");
    i8042_key(f.k, 0xe048, true); /* Up: typematic, no break */
    i8042_key(f.k, 0xe048, true);
    i8042_key(f.k, 0xe048, false);
    expect(&f, "63 63");
    kbd(&f, 0xfa, "fa");
    i8042_key(f.k, 0xe048, false);
    expect(&f, "f0 63");
    kbd(&f, 0xfd, "fa"); /* make only: the key of this code */
    kbd(&f, 0x63, "fa");
    kbd(&f, 0xf4, "fa");
    i8042_key(f.k, 0xe048, true);
    i8042_key(f.k, 0xe048, true);
    i8042_key(f.k, 0xe048, false);
    expect(&f, "63");
    kbd(&f, 0xf0, "fa");
    kbd(&f, 0x04, "fe");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_overrun)
{
    struct fixture f;
    int byte, count = 0, last = -1;

    open_kbc(&f);
    mode(&f, 0x05);
    for (int i = 0; i < 500; i++) {
        if (i < 30)
            ck_assert(i8042_queue_room(f.k));
        i8042_key(f.k, 0x1e, true);
    }
    ck_assert(!i8042_queue_room(f.k));
    while ((byte = next(&f)) >= 0) {
        last = byte;
        count++;
    }
    ck_assert_int_eq(last, 0x00);
    ck_assert_int_ge(count, 17);
    ck_assert(i8042_queue_room(f.k));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_a20_and_reset)
{
    struct fixture f;

    open_kbc(&f);
    ck_assert_int_eq(f.c.level[A20], 1);
    chipset_out(&f.c, CMD, 0xd1);
    chipset_out(&f.c, DATA, 0xdd);
    ck_assert_int_eq(f.c.level[A20], 0);
    ck_assert_uint_eq(chipset_in(&f.c, 0x92) & 2, 0);
    chipset_out(&f.c, 0x92, 2);
    ck_assert_int_eq(f.c.level[A20], 1);
    command(&f, 0xd0, "c3");
    command(&f, 0xdd, "");
    ck_assert_int_eq(f.c.level[A20], 0);
    command(&f, 0xdf, "");
    ck_assert_int_eq(f.c.level[A20], 1);
    ck_assert_uint_eq(f.c.rises[RESET], 0);
    chipset_out(&f.c, CMD, 0xff);
    ck_assert_uint_eq(f.c.rises[RESET], 0);
    chipset_out(&f.c, CMD, 0xfe);
    ck_assert_uint_eq(f.c.rises[RESET], 1);
    chipset_out(&f.c, 0x92, 3);
    chipset_out(&f.c, 0x92, 3); /* a rise only */
    ck_assert_uint_eq(f.c.rises[RESET], 2);
    chipset_out(&f.c, CMD, 0xd1);
    chipset_out(&f.c, DATA, 0xfe);
    ck_assert_uint_eq(f.c.rises[RESET], 3);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_written_output_buffers)
{
    struct fixture f;

    open_kbc(&f);
    mode(&f, 0x47);
    chipset_out(&f.c, CMD, 0xd2);
    chipset_out(&f.c, DATA, 0x1c); /* not translated */
    ck_assert_int_eq(f.c.level[IRQ1], 1);
    expect(&f, "1c");
    chipset_out(&f.c, CMD, 0xd3);
    chipset_out(&f.c, DATA, 0x5a);
    ck_assert_int_eq(f.c.level[IRQ12], 1);
    ck_assert_int_eq(f.c.level[IRQ1], 0);
    ck_assert_int_eq(next(&f), 0x15a);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mouse_commands)
{
    struct fixture f;

    open_kbc(&f);
    mouse(&f, 0xff, "1fa 1aa 100");
    mouse(&f, 0xf2, "1fa 100");
    mouse(&f, 0xe9, "1fa 100 102 164");
    mouse(&f, 0xe8, "1fa");
    mouse(&f, 0x03, "1fa");
    mouse(&f, 0xf3, "1fa");
    mouse(&f, 0x28, "1fa");
    mouse(&f, 0xe7, "1fa");
    mouse(&f, 0xf4, "1fa");
    i8042_mouse(f.k, 0, 0, 0, 1);
    expect(&f, "109 100 100");
    mouse(&f, 0xe9, "1fa 134 103 128");
    mouse(&f, 0xf6, "1fa");
    mouse(&f, 0xe9, "1fa 104 102 164");
    mouse(&f, 0xe8, "1fa");
    mouse(&f, 0x77, "1fe");
    mouse(&f, 0x78, "1fc");
    mouse(&f, 0xee, "1fa"); /* wrap */
    mouse(&f, 0xf4, "1f4");
    mouse(&f, 0x12, "112");
    mouse(&f, 0xec, "1fa");
    mouse(&f, 0xf0, "1fa"); /* remote */
    i8042_mouse(f.k, 5, 3, 0, 0);
    expect(&f, "");
    mouse(&f, 0xeb, "1fa 128 105 1fd");
    mouse(&f, 0xfe, "128 105 1fd");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mouse_stream)
{
    struct fixture f;

    open_kbc(&f);
    mode(&f, 0x47);
    i8042_mouse(f.k, 9, 9, 0, 0); /* not enabled: lost */
    mouse(&f, 0xf4, "1fa");
    i8042_mouse(f.k, 1, 2, 5, 0);
    ck_assert_int_eq(f.c.level[IRQ12], 1);
    expect(&f, "128 101 1fe"); /* no wheel without its ID */
    i8042_mouse(f.k, 300, -300, 0, 0);
    chipset_step(&f.c, 10 * MS);
    expect(&f, "108 1ff 1ff 108 12d 12d"); /* the rest in a second report */
    i8042_mouse(f.k, 0, 0, 0, 4);          /* a click between two samples shows */
    i8042_mouse(f.k, 0, 0, 0, 0);
    expect(&f, "10c 100 100 108 100 100");
    mouse(&f, 0xe7, "1fa");
    i8042_mouse(f.k, -3, 10, 0, 0);
    expect(&f, "138 1fd 1ec");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mouse_sample_rate)
{
    struct fixture f;
    unsigned reports = 0;

    open_kbc(&f);
    mouse(&f, 0xf3, "1fa");
    mouse(&f, 20, "1fa");
    mouse(&f, 0xf4, "1fa");
    for (int ms = 0; ms < 1000; ms++) {
        i8042_mouse(f.k, 1, 0, 0, 0);
        chipset_step(&f.c, MS);
        while (full(&f)) {
            chipset_in(&f.c, DATA);
            reports++;
            chipset_step(&f.c, 100000);
        }
    }
    ck_assert_uint_ge(reports / 3, 19);
    ck_assert_uint_le(reports / 3, 22);
    chipset_close(&f.c);
}
END_TEST

static void knock(struct fixture *f, uint8_t a, uint8_t b, uint8_t c)
{
    const uint8_t rates[3] = {a, b, c};

    for (int i = 0; i < 3; i++) {
        mouse(f, 0xf3, "1fa");
        mouse(f, rates[i], "1fa");
    }
}

START_TEST(test_mouse_wheel_and_side_buttons)
{
    struct fixture f;

    open_kbc(&f);
    knock(&f, 200, 100, 80);
    mouse(&f, 0xf2, "1fa 103");
    mouse(&f, 0xf4, "1fa");
    i8042_mouse(f.k, 0, 0, -1, 0);
    expect(&f, "108 100 100 1ff");
    knock(&f, 200, 200, 80);
    mouse(&f, 0xf2, "1fa 104");
    i8042_mouse(f.k, 0, 0, 1, 0x18);
    expect(&f, "108 100 100 131");
    mouse(&f, 0xff, "1fa 1aa 100");
    mouse(&f, 0xf2, "1fa 100");
    chipset_close(&f.c);
}
END_TEST

/* Each byte of a back-to-back stream is an edge of its own. */
START_TEST(test_mouse_edges_of_irq12)
{
    struct fixture f;

    open_kbc(&f);
    mode(&f, 0x47);
    mouse(&f, 0xf4, "1fa");
    f.c.rises[IRQ12] = 0;
    i8042_mouse(f.k, 1, 1, 0, 0);
    expect(&f, "128 101 1ff");
    ck_assert_uint_eq(f.c.rises[IRQ12], 3);
    chipset_close(&f.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("i8042");
    TCase *t = tcase_create("controller and keyboard");
    TCase *m = tcase_create("mouse");

    tcase_add_test(t, test_controller_commands);
    tcase_add_test(t, test_key_interrupt_and_translation);
    tcase_add_test(t, test_translation_of_every_key);
    tcase_add_test(t, test_byte_can_be_read_twice_before_the_next);
    tcase_add_test(t, test_disabled_keyboard_keeps_its_codes);
    tcase_add_test(t, test_reply_comes_before_held_back_keys);
    tcase_add_test(t, test_replies_take_no_time);
    tcase_add_test(t, test_pause_and_print_screen);
    tcase_add_test(t, test_keyboard_commands);
    tcase_add_test(t, test_identity_is_translated_too);
    tcase_add_test(t, test_scan_code_sets);
    tcase_add_test(t, test_overrun);
    tcase_add_test(t, test_a20_and_reset);
    tcase_add_test(t, test_written_output_buffers);
    tcase_add_test(m, test_mouse_commands);
    tcase_add_test(m, test_mouse_stream);
    tcase_add_test(m, test_mouse_sample_rate);
    tcase_add_test(m, test_mouse_wheel_and_side_buttons);
    tcase_add_test(m, test_mouse_edges_of_irq12);
    suite_add_tcase(s, t);
    suite_add_tcase(s, m);
    return chipset_run(s);
}
