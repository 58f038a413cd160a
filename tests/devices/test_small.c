/* debugcon, isa-debug-exit, the test devices and the reset control register. */
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
    debugcon_init(&c.board, 0xe9, 0xe9, &chr);
    debugcon_init(&c.board, 0x402, 0x5a, NULL);
    chipset_out(&c, 0xe9, 'R');
    ck_assert_uint_eq(last, 'R');
    ck_assert_uint_eq(chipset_in(&c, 0xe9), 0xe9);
    ck_assert_uint_eq(chipset_in(&c, 0x402), 0x5a);
    chipset_out(&c, 0x402, 'x'); /* nobody listens */
    chipset_close(&c);
}
END_TEST

static void store_status(void *opaque, int status)
{
    *(int *)opaque = status;
}

START_TEST(test_testdev)
{
    struct chipset c;
    uint32_t word;

    chipset_open(&c, 1 << 20);
    pc_testdev_init(&c.board, chipset_wire(&c, 0));
    bus_out(c.board.bus, 0xe0, 0x12345678, 4);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xe1, 1), 0x56);
    bus_out(c.board.bus, 0xe2, 0xabcd, 2);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xe0, 4), 0xabcd5678);
    bus_out(c.board.bus, 0xe8, 0x01020304, 4);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xea, 1), 2);
    bus_out(c.board.bus, 0xe4, 0x5000, 4);
    bus_out(c.board.bus, 0xe4, 0xfffff000, 4); /* no page: nothing happens */
    bus_out(c.board.bus, 0x2005, 1, 1);
    ck_assert_int_eq(c.level[5], 1);
    bus_out(c.board.bus, 0x2005, 0, 1);
    ck_assert_int_eq(c.level[5], 0);
    phys_write(c.board.phys, 0xff00fffe, "\x11\x22", 2);
    phys_read(c.board.phys, 0xff00fffc, &word, 4);
    ck_assert_uint_eq(word, 0x22110000);
    chipset_close(&c);
}
END_TEST

static uint32_t testdev_reg(struct chipset *c, unsigned offset, unsigned size)
{
    return bus_in(c->board.bus, (uint16_t)(0xc100 + offset), size);
}

/* As the specification has it: write a test's number, read what to write where, count. */
START_TEST(test_pci_testdev)
{
    struct chipset c;
    char name[24] = "";
    unsigned tests = 0;

    chipset_open(&c, 1 << 20);
    struct pci *pci = pci_init(&c.board);
    ck_assert_uint_eq(pci_free_slot(pci, 1 << 3), 4 << 3);
    pci_testdev_init(&c.board, pci, pci_free_slot(pci, 0), 1 << 20);
    ck_assert_uint_eq(pci_free_slot(pci, 0), 4 << 3);
    bus_out(c.board.bus, 0xcf8, 0x80001800, 4);
    ck_assert_uint_eq(bus_in(c.board.bus, 0xcfc, 4), 0x00051b36);
    bus_out(c.board.bus, 0xcf8, 0x80001814, 4);
    bus_out(c.board.bus, 0xcfc, 0xc100, 4);
    bus_out(c.board.bus, 0xcf8, 0x80001804, 4);
    bus_out(c.board.bus, 0xcfc, 1, 2);
    for (; tests < 100; tests++) {
        chipset_out(&c, 0xc100, (uint8_t)tests);
        uint32_t width = testdev_reg(&c, 1, 1), offset = testdev_reg(&c, 4, 4);
        if (width != 1)
            break;
        uint32_t data = testdev_reg(&c, 8, 4);
        ck_assert_uint_ge(offset, 40);
        for (unsigned i = 0; i < 5; i++)
            bus_out(c.board.bus, (uint16_t)(0xc100 + offset), data, width);
        ck_assert_uint_eq(testdev_reg(&c, 12, 4), 5);
    }
    ck_assert_uint_eq(tests, 3);
    chipset_out(&c, 0xc100, 0);
    for (unsigned i = 0; i < 20; i++)
        name[i] = (char)testdev_reg(&c, 16 + i, 1);
    ck_assert_str_eq(name, "portio-no-eventfd");
    chipset_close(&c);
}
END_TEST

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
    reset_control_init(&c.board, chipset_wire(&c, 0), chipset_wire(&c, 1));
    chipset_out(&c, 0xcf9, 0x02);
    ck_assert_uint_eq(c.rises[0], 0);
    ck_assert_uint_eq(chipset_in(&c, 0xcf9), 0x02);
    chipset_out(&c, 0xcf9, 0x06);
    ck_assert_uint_eq(c.rises[0], 1);
    chipset_out(&c, 0xcf9, 0x06); /* a rise of bit 2 only */
    ck_assert_uint_eq(c.rises[0], 1);
    ck_assert_uint_eq(c.rises[1], 0);
    chipset_out(&c, 0xcf9, 0x00);
    chipset_out(&c, 0xcf9, 0x04); /* soft: the processor alone */
    ck_assert_uint_eq(c.rises[0], 1);
    ck_assert_uint_eq(c.rises[1], 1);
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
    tcase_add_test(t, test_testdev);
    tcase_add_test(t, test_pci_testdev);
    tcase_add_test(t, test_reset_control);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
