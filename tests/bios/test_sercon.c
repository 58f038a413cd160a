/* The screen and the keyboard on the serial line (bios/sercon.h): what a terminal gets, and what
 * INT 16h makes of what it sends. */
#include "rig.h"

#include "bios/video.h"

#include <check.h>
#include <string.h>

enum { UART = 0x3F8, UART_IER = 1, UART_FCR = 2, UART_LCR = 3, UART_MCR = 4 };

static struct rig rig;

static void open_rig(void)
{
    rig_open_with(&rig, 4, 0, 0, &(struct bios_config){.serial_console = true});
    rig_post(&rig);
}

static void close_rig(void)
{
    rig_close(&rig);
}

static void forget(void)
{
    rig.sent_len = 0;
    rig.sent[0] = 0;
}

static void int10h(uint16_t ax, uint16_t bx, uint16_t cx, uint16_t dx)
{
    rig_call(&rig, TRAP_INT10, ax, bx, cx, dx);
}

static void print(const char *text)
{
    for (; *text; text++)
        int10h(0x0E00 | (uint8_t)*text, 7, 0, 0);
}

static void cursor(unsigned row, unsigned column)
{
    int10h(0x0200, 0, 0, (uint16_t)(row << 8 | column));
}

/* All that was sent since the last time. */
static void sent(const char *text)
{
    ck_assert_str_eq(rig.sent, text);
    forget();
}

static void type(const char *text)
{
    rig.typed = text;
    rig.line.accept(&rig.line);
}

static bool key(uint16_t *word)
{
    rig_call(&rig, TRAP_INT16, 0x1100, 0, 0, 0);
    if (rig_zero(&rig))
        return false;
    rig_call(&rig, TRAP_INT16, 0x1000, 0, 0, 0);
    *word = (uint16_t)rig.cpu->gpr[EAX];
    return true;
}

static void expect_key(uint16_t wanted)
{
    uint16_t word = 0;

    ck_assert_msg(key(&word), "no key; %04X was expected", wanted);
    ck_assert_uint_eq(word, wanted);
}

static void expect_no_key(void)
{
    uint16_t word;

    ck_assert(!key(&word));
}

START_TEST(test_lines_are_plain_text)
{
    ck_assert_ptr_nonnull(strstr(rig.sent, "ringer BIOS"));
    ck_assert_ptr_null(strchr(rig.sent, '\033'));
    forget();
    for (int i = 0; i < 60; i++) /* beyond the screen's end */
        print("line\r\n");
    print("AC\b\aB\r\n\r\nC");
    for (int i = 0; i < 60; i++)
        ck_assert_int_eq(strncmp(rig.sent + i * 6, "line\r\n", 6), 0);
    ck_assert_str_eq(rig.sent + 360, "AC\a\bB\r\n\nC");
}
END_TEST

START_TEST(test_lines_longer_than_the_screen)
{
    char text[100];

    memset(text, 'x', 90);
    text[90] = 0;
    forget();
    print(text);
    memmove(text + 82, text + 80, 11);
    memcpy(text + 80, "\r\n", 2);
    sent(text);
}
END_TEST

START_TEST(test_addressed_cells)
{
    int10h(0x0003, 0, 0, 0);
    forget();
    print("one\r\ntwo");
    cursor(4, 5); /* downwards: by lines */
    print("x");
    sent("one\r\ntwo\r\n\n\n\033[6Gx");
    cursor(0, 1); /* upwards: the screen is painted, and has addresses from then on */
    print("N");
    sent("\033[0m\033[2J\033[Hone\r\ntwo\033[5;1H     x\033[1;2HN");
    cursor(7, 9);
    int10h(0x0900 | 0xC4, 0x1F, 2, 0); /* two of them in white on blue */
    sent("\033[8;10H\033[0;1;44m\xe2\x94\x80\xe2\x94\x80");
    cursor(7, 20);
    int10h(0x0900 | '!', 0x8C, 1, 0);
    sent("\033[21G\033[0;1;5;31m!");
    int10h(0x0003, 0, 0, 0);
    print("new");
    sent("\033[0m\033[2J\033[Hnew");
}
END_TEST

START_TEST(test_windows_and_pages)
{
    int10h(0x0003, 0, 0, 0);
    print("top");
    forget();
    int10h(0x0600, 0x0700, 0, 24 << 8 | 79); /* CLS */
    cursor(0, 0);
    print("A>");
    sent("\033[0m\033[2J\033[HA>");
    int10h(0x0E00 | 'z', 0x0107, 0, 0); /* teletype goes to the page that is shown */
    int10h(0x0900 | 'z', 0x0107, 1, 0); /* this one does not */
    sent("z");
    int10h(0x0501, 0, 0, 0);
    print("p");
    sent("\033[0m\033[2J\033[Hz\rp");
    /* A loader scrolls by itself when it is at the bottom. */
    int10h(0x0500, 0, 0, 0);
    cursor(24, 0);
    print("x");
    forget();
    int10h(0x0601, 0x0700, 0, 24 << 8 | 79);
    cursor(24, 0);
    print("y");
    sent("\n\ry");
    /* 2,000 blanks are one clearing. */
    cursor(0, 0);
    int10h(0x0920, 0x07, 2000, 0);
    print("z");
    sent("\033[0m\033[2J\033[Hz");
}
END_TEST

START_TEST(test_characters_as_keys)
{
    type("dir /w\r\n\n A\x03\x7f");
    expect_key(0x2064);
    expect_key(0x1769);
    expect_key(0x1372);
    expect_key(0x3920);
    expect_key(0x352F);
    expect_key(0x1177);
    expect_key(0x1C0D); /* CR LF is one Enter, LF alone another */
    expect_key(0x1C0D);
    expect_key(0x3920);
    expect_key(0x1E41);
    expect_key(0x2E03);
    expect_key(0x0E08);
    expect_no_key();
    type("\xc3\xa4\xe2\x82\xac\061"); /* of code page 437, or nothing */
    expect_key(0x0084);
    expect_key(0x0231);
    expect_no_key();
}
END_TEST

START_TEST(test_sequences_as_keys)
{
    type("\033[A\033OP\033[24~\033[1;5C\033[[B\033x\033[Zq");
    expect_key(0x48E0);
    expect_key(0x3B00);
    expect_key(0x8600);
    expect_key(0x3C00);
    expect_key(0x2D00);
    expect_key(0x0F00);
    expect_key(0x1071);
    type("\033");
    rig_call(&rig, TRAP_INT16, 0x1100, 0, 0, 0);
    rig.bios->sercon.escape_until = vclock_now(rig.board.clock); /* nothing followed */
    expect_key(0x011B);
    type("\033\033[B"); /* Esc, and then an arrow */
    expect_key(0x011B);
    expect_key(0x50E0);
    expect_no_key();
}
END_TEST

START_TEST(test_pasted_text_waits)
{
    type("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz");
    for (int i = 0; i < 72; i++) {
        uint16_t word;

        ck_assert(key(&word));
        ck_assert_int_eq(word & 0xFF, "0123456789abcdefghijklmnopqrstuvwxyz"[i % 36]);
    }
    expect_no_key();
}
END_TEST

START_TEST(test_cursor_is_shown_before_a_key)
{
    int10h(0x0003, 0, 0, 0);
    print("A>");
    cursor(0, 1);
    forget();
    expect_no_key();
    sent("\b");
    expect_no_key();
    sent("");
}
END_TEST

/* Whoever sets the line up, or uses it by INT 14h, has it for himself, till the next reset. */
START_TEST(test_guests_own_line)
{
    static const struct {
        uint8_t reg, value, back;
    } setups[] = {{UART_LCR, 0x02, 0x03}, {UART_IER, 1, 0}, {UART_FCR, 1, 0}, {UART_MCR, 0x0B, 3}};

    for (unsigned i = 0; i <= sizeof setups / sizeof setups[0]; i++) {
        device_reset_all(rig.board.devices);
        rig_post(&rig);
        forget();
        print("ours");
        sent("ours");
        if (i < sizeof setups / sizeof setups[0]) {
            bus_out(rig.board.bus, UART + setups[i].reg, setups[i].value, 1);
            print("x");
            sent("");
            bus_out(rig.board.bus, UART + setups[i].reg, setups[i].back, 1);
        } else {
            rig_call(&rig, TRAP_INT14, 0x0100 | '!', 0, 0, 0);
            sent("!");
        }
        print("x");
        sent("");
        type("y");
        expect_no_key();
        ck_assert_uint_eq(bus_in(rig.board.bus, UART, 1), 'y');
    }
}
END_TEST

/* DOS initialises all ports by INT 14h as it starts; that alone takes nothing. */
START_TEST(test_initialised_by_dos)
{
    rig_call(&rig, TRAP_INT14, 0x00A3, 0, 0, 0);
    forget();
    print("ours");
    sent("ours");
    rig_call(&rig, TRAP_INT14, 0x00BA, 0, 0, 0); /* 7 bits, even parity */
    print("x");
    sent("");
}
END_TEST

/* No value in the data area makes it look beyond the screen. */
START_TEST(test_hostile_data_area)
{
    for (unsigned i = 0; i < 256; i++) {
        forget();
        for (unsigned at = BDA_MODE; at < BDA_MODE + 0x40; at++)
            set_bda8(rig.bios, at, (uint8_t)(i * 37 + at * i));
        print("a\n");
        int10h(0x0941, (uint16_t)i, (uint16_t)(i * 300), 0);
        rig_call(&rig, TRAP_INT16, 0x0100, 0, 0, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sercon");
    TCase *t = tcase_create("serial console");

    tcase_add_checked_fixture(t, open_rig, close_rig);
    tcase_add_test(t, test_lines_are_plain_text);
    tcase_add_test(t, test_lines_longer_than_the_screen);
    tcase_add_test(t, test_addressed_cells);
    tcase_add_test(t, test_windows_and_pages);
    tcase_add_test(t, test_characters_as_keys);
    tcase_add_test(t, test_sequences_as_keys);
    tcase_add_test(t, test_pasted_text_waits);
    tcase_add_test(t, test_cursor_is_shown_before_a_key);
    tcase_add_test(t, test_guests_own_line);
    tcase_add_test(t, test_initialised_by_dos);
    tcase_add_test(t, test_hostile_data_area);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
