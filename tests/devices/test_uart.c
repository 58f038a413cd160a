#include <string.h>

#include "chipset.h"

enum {
    BASE = 0x3f8,
    RBR = BASE,
    IER = BASE + 1,
    IIR = BASE + 2,
    FCR = BASE + 2,
    LCR = BASE + 3,
    MCR = BASE + 4,
    LSR = BASE + 5,
    MSR = BASE + 6,
    SCR = BASE + 7,
};

struct fixture {
    struct chipset c;
    struct chardev chr;
    char sent[64];
    size_t sent_len;
    unsigned accepts;
    const char *paste; /* what the backend has left to deliver when there is room */
};

static void host_send(struct chardev *chr, const uint8_t *data, size_t len)
{
    struct fixture *f = chr->backend;

    for (size_t i = 0; i < len && f->sent_len < sizeof(f->sent) - 1; i++)
        f->sent[f->sent_len++] = (char)data[i];
}

static void host_deliver(struct fixture *f)
{
    if (f->paste)
        f->paste += f->chr.receive(f->chr.dev, (const uint8_t *)f->paste, strlen(f->paste));
}

static void host_accept(struct chardev *chr)
{
    struct fixture *f = chr->backend;

    f->accepts++;
    host_deliver(f);
}

static void open_uart(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    chipset_open(&f->c, 0);
    f->chr = (struct chardev){.backend = f, .send = host_send, .accept = host_accept};
    uart_init(&f->c.board, BASE, chipset_wire(&f->c, 4), &f->chr);
    chipset_out(&f->c, LCR, 0x83);
    chipset_out(&f->c, BASE, 1); /* 115200 */
    chipset_out(&f->c, BASE + 1, 0);
    chipset_out(&f->c, LCR, 0x03);
    chipset_out(&f->c, MCR, 0x0b);
}

static size_t receive(struct fixture *f, const char *text)
{
    return f->chr.receive(f->chr.dev, (const uint8_t *)text, strlen(text));
}

START_TEST(test_reset_values)
{
    struct fixture f;

    open_uart(&f);
    device_reset_all(f.c.board.devices);
    ck_assert_uint_eq(chipset_in(&f.c, IER), 0x00);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x01);
    ck_assert_uint_eq(chipset_in(&f.c, LCR), 0x00);
    ck_assert_uint_eq(chipset_in(&f.c, MCR), 0x00);
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x60);
    ck_assert_uint_eq(chipset_in(&f.c, MSR), 0xb0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_divisor_and_scratch)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, LCR, 0x83);
    chipset_out(&f.c, BASE, 0x34);
    chipset_out(&f.c, BASE + 1, 0x12);
    ck_assert_uint_eq(chipset_in(&f.c, BASE), 0x34);
    ck_assert_uint_eq(chipset_in(&f.c, BASE + 1), 0x12);
    chipset_out(&f.c, LCR, 0x03);
    chipset_out(&f.c, IER, 0xff);
    ck_assert_uint_eq(chipset_in(&f.c, IER), 0x0f);
    chipset_out(&f.c, SCR, 0x5a);
    ck_assert_uint_eq(chipset_in(&f.c, SCR), 0x5a);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_transmit_and_thre_interrupt)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, IER, 0x02); /* the transmitter is empty: at once */
    ck_assert_int_eq(f.c.level[4], 1);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x02);
    ck_assert_int_eq(f.c.level[4], 0); /* reading IIR cleared it */
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x01);
    chipset_out(&f.c, RBR, 'h');
    ck_assert_int_eq(f.c.level[4], 1);
    f.c.rises[4] = 0;
    chipset_out(&f.c, RBR, 'i'); /* each byte makes an edge of its own */
    ck_assert_uint_eq(f.c.rises[4], 1);
    ck_assert_str_eq(f.sent, "hi");
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x60);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_receive_without_fifo)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, IER, 0x01);
    ck_assert_uint_eq(receive(&f, "abc"), 1);
    ck_assert_uint_eq(receive(&f, "bc"), 0);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x04);
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x61);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), 'a');
    ck_assert_uint_eq(f.accepts > 0, 1);
    ck_assert_int_eq(f.c.level[4], 0);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), 'a'); /* the register keeps its value */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_fifo_trigger_level_and_timeout)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, FCR, 0x81); /* 8 bytes */
    chipset_out(&f.c, IER, 0x01);
    ck_assert_uint_eq(receive(&f, "1234567"), 7);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc1);
    ck_assert_uint_eq(receive(&f, "8"), 1);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc4);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), '1');
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc1); /* below the level */
    chipset_step(&f.c, 340000);                     /* 4 characters: 347 us */
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc1);
    chipset_step(&f.c, 10000);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xcc);
    ck_assert_int_eq(f.c.level[4], 1);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), '2');
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc1);
    chipset_out(&f.c, FCR, 0x83); /* reset of the receiver */
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x60);
    chipset_step(&f.c, MS);
    ck_assert_int_eq(f.c.level[4], 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_pasted_text_is_not_lost)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog and runs";
    struct fixture f;
    char got[80];
    size_t n = 0;

    open_uart(&f);
    chipset_out(&f.c, FCR, 0x01);
    f.paste = text;
    host_deliver(&f);
    ck_assert_uint_eq(strlen(f.paste), strlen(text) - 16);
    while (chipset_in(&f.c, LSR) & 1 && n < sizeof(got) - 1)
        got[n++] = (char)chipset_in(&f.c, RBR);
    got[n] = 0;
    ck_assert_str_eq(got, text);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_interrupt_without_out2)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, MCR, 0x03);
    chipset_out(&f.c, IER, 0x01);
    receive(&f, "x");
    ck_assert_int_eq(f.c.level[4], 1);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x04);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_loopback_data_and_overrun)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, MCR, 0x10);
    chipset_out(&f.c, FCR, 0x01);
    for (int i = 0; i < 17; i++)
        chipset_out(&f.c, RBR, (uint8_t)('a' + i));
    ck_assert_uint_eq(f.sent_len, 0);
    ck_assert_uint_eq(receive(&f, "x"), 0);
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x63);
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x61);
    for (int i = 0; i < 16; i++)
        ck_assert_uint_eq(chipset_in(&f.c, RBR), 'a' + i);
    chipset_out(&f.c, FCR, 0x00);
    chipset_out(&f.c, RBR, '1');
    chipset_out(&f.c, RBR, '2');
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x63);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), '2'); /* the older one is lost */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_loopback_modem_lines)
{
    struct fixture f;

    open_uart(&f);
    chipset_in(&f.c, MSR);
    chipset_out(&f.c, MCR, 0x1a);                   /* RTS, OUT2 */
    ck_assert_uint_eq(chipset_in(&f.c, MSR), 0x92); /* DSR fell */
    ck_assert_uint_eq(chipset_in(&f.c, MSR), 0x90);
    chipset_out(&f.c, MCR, 0x14); /* RI rises: no TERI */
    ck_assert_uint_eq(chipset_in(&f.c, MSR), 0x49);
    chipset_out(&f.c, IER, 0x08);
    chipset_out(&f.c, MCR, 0x18); /* RI falls */
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x00);
    ck_assert_uint_eq(chipset_in(&f.c, MSR), 0x8c);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0x01);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_loopback_break)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, FCR, 0x01);
    chipset_out(&f.c, MCR, 0x18);
    chipset_out(&f.c, IER, 0x05);
    chipset_out(&f.c, LCR, 0x43);
    ck_assert_uint_eq(chipset_in(&f.c, IIR), 0xc6); /* line status comes first */
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0xf1);
    ck_assert_uint_eq(chipset_in(&f.c, LSR), 0x61);
    ck_assert_uint_eq(chipset_in(&f.c, RBR), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_word_length)
{
    struct fixture f;

    open_uart(&f);
    chipset_out(&f.c, LCR, 0x02); /* 7 bits */
    chipset_out(&f.c, RBR, 0xc1);
    ck_assert_str_eq(f.sent, "A");
    receive(&f, "\xe1");
    ck_assert_uint_eq(chipset_in(&f.c, RBR), 0x61);
    chipset_close(&f.c);
}
END_TEST

/* Kernels that write to the port without a word to LCR, under firmware that left it alone. */
START_TEST(test_unprogrammed_line)
{
    struct fixture f;

    open_uart(&f);
    device_reset_all(f.c.board.devices);
    ck_assert_uint_eq(chipset_in(&f.c, LCR), 0);
    chipset_out(&f.c, RBR, 'A');
    ck_assert_str_eq(f.sent, "A");
    receive(&f, "z");
    ck_assert_uint_eq(chipset_in(&f.c, RBR), 'z');
    chipset_out(&f.c, LCR, 0); /* whoever asks for five bits gets them */
    chipset_out(&f.c, RBR, 'A');
    ck_assert_str_eq(f.sent, "A\x01");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_nothing_connected)
{
    struct chipset c;

    chipset_open(&c, 0);
    uart_init(&c.board, 0x2f8, chipset_wire(&c, 3), NULL);
    ck_assert_uint_eq(chipset_in(&c, 0x2f8 + 6), 0x00);
    chipset_out(&c, 0x2f8, 'x');
    ck_assert_uint_eq(chipset_in(&c, 0x2f8 + 5), 0x60);
    ck_assert_uint_eq(chipset_in(&c, 0x2f8), 0);
    chipset_close(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("uart");
    TCase *t = tcase_create("16550A");

    tcase_add_test(t, test_reset_values);
    tcase_add_test(t, test_divisor_and_scratch);
    tcase_add_test(t, test_transmit_and_thre_interrupt);
    tcase_add_test(t, test_receive_without_fifo);
    tcase_add_test(t, test_fifo_trigger_level_and_timeout);
    tcase_add_test(t, test_pasted_text_is_not_lost);
    tcase_add_test(t, test_interrupt_without_out2);
    tcase_add_test(t, test_loopback_data_and_overrun);
    tcase_add_test(t, test_loopback_modem_lines);
    tcase_add_test(t, test_loopback_break);
    tcase_add_test(t, test_word_length);
    tcase_add_test(t, test_unprogrammed_line);
    tcase_add_test(t, test_nothing_connected);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
