/* debugcon, isa-debug-exit and the reset control register. */
#include "chipset.h"

static void remember(struct chardev *chr, const uint8_t *data, size_t len)
{
    ck_assert_uint_eq(len, 1);
    *(uint8_t *)chr->backend = *data;
}

START_TEST(test_debugcon)
{
    struct chipset c;
    uint8_t last = 0;
    struct chardev chr = {.backend = &last, .send = remember};

    chipset_open(&c, 0);
    debugcon_init(&c.board, 0xe9, &chr);
    debugcon_init(&c.board, 0x402, NULL);
    chipset_out(&c, 0xe9, 'R');
    ck_assert_uint_eq(last, 'R');
    ck_assert_uint_eq(chipset_in(&c, 0xe9), 0xe9);
    chipset_out(&c, 0x402, 'x'); /* nobody listens */
    chipset_close(&c);
}
END_TEST

static void store_status(void *opaque, int status)
{
    *(int *)opaque = status;
}

START_TEST(test_debug_exit)
{
    struct chipset c;
    int status = -1;

    chipset_open(&c, 0);
    isa_debug_exit_init(&c.board, 0xf4, 4, store_status, &status);
    ck_assert_uint_eq(chipset_in(&c, 0xf4), 0);
    ck_assert_int_eq(status, -1);
    chipset_out(&c, 0xf4, 0x10);
    ck_assert_int_eq(status, 0x21);
    bus_out(c.board.bus, 0xf4, 0, 4);
    ck_assert_int_eq(status, 1);
    chipset_close(&c);
}
END_TEST

START_TEST(test_reset_control)
{
    struct chipset c;

    chipset_open(&c, 0);
    pci_init(&c.board);
    reset_control_init(&c.board, chipset_wire(&c, 0));
    chipset_out(&c, 0xcf9, 0x02);
    ck_assert_uint_eq(c.rises[0], 0);
    ck_assert_uint_eq(chipset_in(&c, 0xcf9), 0x02);
    chipset_out(&c, 0xcf9, 0x06);
    ck_assert_uint_eq(c.rises[0], 1);
    chipset_out(&c, 0xcf9, 0x06); /* a rise of bit 2 only */
    ck_assert_uint_eq(c.rises[0], 1);
    device_reset_all(c.board.devices);
    ck_assert_uint_eq(chipset_in(&c, 0xcf9), 0x00);
    /* A PCI configuration address is not a reset, though its second byte has bit 2 set. */
    bus_out(c.board.bus, 0xcf8, 0x80000600, 4);
    ck_assert_uint_eq(c.rises[0], 1);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xcf8, 4), 0x80000600);
    chipset_close(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("small");
    TCase *t = tcase_create("ports");

    tcase_add_test(t, test_debugcon);
    tcase_add_test(t, test_debug_exit);
    tcase_add_test(t, test_reset_control);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
