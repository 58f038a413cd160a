/* The parallel port: what a printer gets, and what drivers probe for. */
#include <string.h>

#include "chipset.h"

enum { DATA = 0x378, STATUS, CONTROL, EPP_ADDRESS, EPP_DATA, FIFO = 0x778, CNFGB, ECR };

struct paper {
    char text[64];
    size_t len;
};

static void take(struct chardev *chr, const uint8_t *data, size_t len)
{
    struct paper *p = chr->backend;

    ck_assert_uint_lt(p->len + len, sizeof p->text);
    memcpy(p->text + p->len, data, len);
    p->len += len;
}

static struct chipset c;
static struct paper paper;
static struct chardev printer = {.backend = &paper, .send = take};

static void setup_with(struct chardev *chr)
{
    memset(&paper, 0, sizeof paper);
    chipset_open(&c, 0);
    parallel_init(&c.board, DATA, 7, chipset_wire(&c, 7), chr);
    device_reset_all(c.board.devices);
}

static void setup(void)
{
    setup_with(&printer);
}

static void teardown(void)
{
    chipset_close(&c);
}

static void strobe(uint8_t byte)
{
    chipset_out(&c, DATA, byte);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 0x80, 0x80); /* not busy */
    chipset_out(&c, CONTROL, 0x0d);
    chipset_out(&c, CONTROL, 0x0c);
}

START_TEST(prints)
{
    strobe('H');
    strobe('i');
    chipset_out(&c, CONTROL, 0x0c); /* no edge */
    ck_assert_uint_eq(paper.len, 2);
    ck_assert(!memcmp(paper.text, "Hi", 2));
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 0xf8, 0xd8); /* ready, selected, no error */
    chipset_out(&c, CONTROL, 0x08);                         /* INIT: what is strobed now is lost */
    chipset_out(&c, CONTROL, 0x09);
    chipset_out(&c, CONTROL, 0x08);
    ck_assert_uint_eq(paper.len, 2);
}
END_TEST

START_TEST(registers_hold_what_is_written)
{
    static const uint8_t values[] = {0xaa, 0x55, 0x00, 0xff};

    for (unsigned i = 0; i < sizeof values; i++) {
        chipset_out(&c, DATA, values[i]);
        ck_assert_uint_eq(chipset_in(&c, DATA), values[i]);
    }
    chipset_out(&c, CONTROL, 0x0c);
    ck_assert_uint_eq(chipset_in(&c, CONTROL), 0xcc);
    chipset_out(&c, CONTROL, 0x0e);
    ck_assert_uint_eq(chipset_in(&c, CONTROL), 0xce);
}
END_TEST

/* The direction bit is there in PS/2 mode, and not in SPP mode. */
START_TEST(bidirectional)
{
    chipset_out(&c, ECR, 1 << 5);
    chipset_out(&c, DATA, 0x55);
    chipset_out(&c, CONTROL, 0x2c);
    ck_assert_uint_eq(chipset_in(&c, DATA), 0xff);
    chipset_out(&c, CONTROL, 0x0c);
    ck_assert_uint_eq(chipset_in(&c, DATA), 0x55);
    chipset_out(&c, ECR, 0);
    chipset_out(&c, CONTROL, 0x2c);
    ck_assert_uint_eq(chipset_in(&c, DATA), 0x55);
    ck_assert_uint_eq(chipset_in(&c, CONTROL), 0xcc);
}
END_TEST

START_TEST(interrupts_once_a_byte)
{
    chipset_out(&c, CONTROL, 0x1c);
    chipset_out(&c, CONTROL, 0x1d);
    ck_assert_int_eq(c.level[7], 0);
    chipset_out(&c, CONTROL, 0x1c);
    ck_assert_int_eq(c.level[7], 1);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 4, 0); /* nIRQ */
    ck_assert_int_eq(c.level[7], 0);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 4, 4);
    chipset_out(&c, CONTROL, 0x0d);
    chipset_out(&c, CONTROL, 0x0c);
    ck_assert_uint_eq(c.rises[7], 1);
}
END_TEST

/* How ECP is found: the FIFO's flags are there, reserved bits hold, the test mode's FIFO fills. */
START_TEST(ecp_is_found)
{
    unsigned depth = 0;

    chipset_out(&c, CONTROL, 0x0c);
    ck_assert_uint_eq(chipset_in(&c, ECR) & 3, 1);
    chipset_out(&c, CONTROL, 0x0e);
    ck_assert_uint_eq(chipset_in(&c, ECR) & 3, 1); /* it is no mirror of CONTROL */
    chipset_out(&c, ECR, 0x34);
    ck_assert_uint_eq(chipset_in(&c, ECR), 0x35);
    chipset_out(&c, ECR, 0xc0);
    for (; depth < 1024 && !(chipset_in(&c, ECR) & 2); depth++)
        chipset_out(&c, FIFO, (uint8_t)depth);
    ck_assert_uint_eq(depth, 16);
    chipset_out(&c, FIFO, 0xee); /* one too many */
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_uint_eq(chipset_in(&c, ECR) & 1, 0);
        ck_assert_uint_eq(chipset_in(&c, FIFO), i);
    }
    ck_assert_uint_eq(chipset_in(&c, ECR) & 3, 1);
    chipset_out(&c, ECR, 0xe0);
    ck_assert_uint_eq(chipset_in(&c, FIFO) & 0x70, 0x10); /* words of eight bits */
    ck_assert_uint_eq(chipset_in(&c, CNFGB) >> 3 & 7, 1); /* IRQ 7 */
    ck_assert_uint_eq(paper.len, 0);
}
END_TEST

START_TEST(fifo_and_ecp_modes_print)
{
    chipset_out(&c, ECR, 2 << 5);
    chipset_out(&c, FIFO, 'a');
    chipset_out(&c, ECR, 3 << 5);
    chipset_out(&c, FIFO, 'b');
    chipset_out(&c, CONTROL, 0x2c); /* reverse: nothing goes out, nothing comes */
    chipset_out(&c, FIFO, 'c');
    ck_assert_uint_eq(chipset_in(&c, FIFO), 0xff);
    ck_assert_uint_eq(paper.len, 2);
    ck_assert(!memcmp(paper.text, "ab", 2));
}
END_TEST

START_TEST(epp)
{
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 1, 1); /* no EPP in this mode */
    chipset_out(&c, ECR, 4 << 5);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 1, 0);
    bus_out(c.board.bus, EPP_DATA, 0x64636261, 4);
    ck_assert(paper.len == 4 && !memcmp(paper.text, "abcd", 4));
    ck_assert_uint_eq(chipset_in(&c, EPP_DATA), 0xff); /* nobody answers */
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 1, 1);
    chipset_out(&c, STATUS, 1);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 1, 0);
}
END_TEST

START_TEST(nothing_plugged_in)
{
    setup_with(NULL);
    chipset_out(&c, DATA, 'x');
    chipset_out(&c, CONTROL, 0x0d);
    chipset_out(&c, CONTROL, 0x0c);
    ck_assert_uint_eq(chipset_in(&c, STATUS) & 0x80, 0); /* busy for ever */
    ck_assert_uint_eq(chipset_in(&c, DATA), 'x');        /* but the port is there */
    teardown();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("parallel");
    TCase *t = tcase_create("printer"), *alone = tcase_create("alone");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, prints);
    tcase_add_test(t, registers_hold_what_is_written);
    tcase_add_test(t, bidirectional);
    tcase_add_test(t, interrupts_once_a_byte);
    tcase_add_test(t, ecp_is_found);
    tcase_add_test(t, fifo_and_ecp_modes_print);
    tcase_add_test(t, epp);
    tcase_add_test(alone, nothing_plugged_in);
    suite_add_tcase(s, t);
    suite_add_tcase(s, alone);
    return chipset_run(s);
}
