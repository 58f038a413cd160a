#include "chipset.h"

enum { INTR = 0, MASTER = 0x20, SLAVE = 0xa0, NONSPECIFIC_EOI = 0x20 };

struct fixture {
    struct chipset c;
    struct pic *pic;
};

static void init_chip(struct fixture *f, uint16_t port, uint8_t vector, uint8_t cascade,
                      uint8_t icw4)
{
    chipset_out(&f->c, port, 0x11);
    chipset_out(&f->c, port + 1, vector);
    chipset_out(&f->c, port + 1, cascade);
    chipset_out(&f->c, port + 1, icw4);
}

static void open_with(struct fixture *f, uint8_t master_icw4)
{
    chipset_open(&f->c, 0);
    f->pic = pic_init(&f->c.board, chipset_wire(&f->c, INTR));
    init_chip(f, MASTER, 0x20, 4, master_icw4);
    init_chip(f, SLAVE, 0x28, 2, 1);
}

static void raise_irq(struct fixture *f, int irq)
{
    pic_set_irq(f->pic, irq, 1);
}

static void lower_irq(struct fixture *f, int irq)
{
    pic_set_irq(f->pic, irq, 0);
}

static uint8_t read_irr(struct fixture *f, uint16_t port)
{
    chipset_out(&f->c, port, 0x0a);
    return chipset_in(&f->c, port);
}

static uint8_t read_isr(struct fixture *f, uint16_t port)
{
    chipset_out(&f->c, port, 0x0b);
    return chipset_in(&f->c, port);
}

START_TEST(test_edge_acknowledge_eoi)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 1);
    ck_assert(f.c.level[INTR] && pic_pending(f.pic));
    ck_assert_uint_eq(read_irr(&f, MASTER), 0x02);
    ck_assert_int_eq(pic_intack(f.pic), 0x21);
    ck_assert(!f.c.level[INTR]);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x02);
    ck_assert_uint_eq(read_irr(&f, MASTER), 0x00);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI);
    ck_assert(!pic_pending(f.pic)); /* still high, but no new edge */
    lower_irq(&f, 1);
    raise_irq(&f, 1);
    ck_assert(pic_pending(f.pic));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_everything_is_masked_before_initialisation)
{
    struct fixture f;

    chipset_open(&f.c, 0);
    f.pic = pic_init(&f.c.board, chipset_wire(&f.c, INTR));
    raise_irq(&f, 0);
    ck_assert(!pic_pending(f.pic));
    /* ICW1 clears the mask and forgets edges. */
    chipset_out(&f.c, MASTER, 0x11);
    ck_assert_uint_eq(chipset_in(&f.c, MASTER + 1), 0);
    ck_assert_uint_eq(chipset_in(&f.c, MASTER), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_priority_and_nesting)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 4);
    raise_irq(&f, 3);
    ck_assert_int_eq(pic_intack(f.pic), 0x23);
    ck_assert(!pic_pending(f.pic)); /* 4 waits below 3 */
    raise_irq(&f, 0);
    ck_assert_int_eq(pic_intack(f.pic), 0x20); /* 0 nests */
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x09);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI); /* of 0, the highest */
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x08);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI);
    ck_assert_int_eq(pic_intack(f.pic), 0x24);
    chipset_out(&f.c, MASTER, 0x64); /* specific EOI of 4 */
    ck_assert_uint_eq(read_isr(&f, MASTER), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mask)
{
    struct fixture f;

    open_with(&f, 1);
    chipset_out(&f.c, MASTER + 1, 0xfe);
    raise_irq(&f, 5);
    ck_assert(!pic_pending(f.pic));
    ck_assert_uint_eq(read_irr(&f, MASTER), 0x20);
    ck_assert_uint_eq(chipset_in(&f.c, MASTER + 1), 0xfe);
    chipset_out(&f.c, MASTER + 1, 0xde);
    ck_assert_int_eq(pic_intack(f.pic), 0x25);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_cascade)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 12);
    ck_assert_int_eq(pic_intack(f.pic), 0x2c);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x04);
    ck_assert_uint_eq(read_isr(&f, SLAVE), 0x10);
    raise_irq(&f, 8); /* higher on the slave, but the master's level is busy */
    ck_assert(!pic_pending(f.pic));
    chipset_out(&f.c, SLAVE, NONSPECIFIC_EOI);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI);
    ck_assert_int_eq(pic_intack(f.pic), 0x28);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_irq2_pin_is_irq9)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 2);
    ck_assert_int_eq(pic_intack(f.pic), 0x29);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_special_fully_nested_mode)
{
    struct fixture f;

    open_with(&f, 0x11);
    raise_irq(&f, 12);
    ck_assert_int_eq(pic_intack(f.pic), 0x2c);
    raise_irq(&f, 3); /* lower than the cascade level */
    ck_assert(!pic_pending(f.pic));
    raise_irq(&f, 8);
    ck_assert_int_eq(pic_intack(f.pic), 0x28);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_spurious)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 3);
    lower_irq(&f, 3);
    ck_assert(!pic_pending(f.pic));
    ck_assert_int_eq(pic_intack(f.pic), 0x27);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_slave_eoi_leaves_the_master_busy)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 3);
    raise_irq(&f, 10);
    ck_assert_int_eq(pic_intack(f.pic), 0x2a);
    chipset_out(&f.c, SLAVE, NONSPECIFIC_EOI);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x04); /* its level stays busy until its own EOI */
    ck_assert(!pic_pending(f.pic));
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI);
    ck_assert_int_eq(pic_intack(f.pic), 0x23);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_automatic_eoi)
{
    struct fixture f;

    open_with(&f, 3);
    raise_irq(&f, 1);
    ck_assert_int_eq(pic_intack(f.pic), 0x21);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0);
    /* Rotation in AEOI mode: what was served becomes the lowest. */
    chipset_out(&f.c, MASTER, 0x80);
    raise_irq(&f, 0);
    ck_assert_int_eq(pic_intack(f.pic), 0x20);
    lower_irq(&f, 0);
    lower_irq(&f, 1);
    raise_irq(&f, 0);
    raise_irq(&f, 1);
    ck_assert_int_eq(pic_intack(f.pic), 0x21);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_rotation)
{
    struct fixture f;

    open_with(&f, 1);
    chipset_out(&f.c, MASTER, 0xc0 | 4); /* set priority: 4 lowest, 5 highest */
    raise_irq(&f, 0);
    raise_irq(&f, 5);
    raise_irq(&f, 4);
    ck_assert_int_eq(pic_intack(f.pic), 0x25);
    chipset_out(&f.c, MASTER, 0xa0); /* rotate on non-specific EOI: 5 lowest */
    ck_assert_int_eq(pic_intack(f.pic), 0x20);
    chipset_out(&f.c, MASTER, 0xe0 | 0); /* rotate on specific EOI: 0 lowest */
    ck_assert_int_eq(pic_intack(f.pic), 0x24);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_special_mask_mode)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 3);
    ck_assert_int_eq(pic_intack(f.pic), 0x23);
    raise_irq(&f, 6);
    ck_assert(!pic_pending(f.pic));
    chipset_out(&f.c, MASTER + 1, 0x08); /* mask the level in service */
    chipset_out(&f.c, MASTER, 0x68);     /* set special mask mode */
    ck_assert_int_eq(pic_intack(f.pic), 0x26);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI); /* of 6: 3 is masked */
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x08);
    chipset_out(&f.c, MASTER, 0x48); /* leave it */
    raise_irq(&f, 7);
    ck_assert(!pic_pending(f.pic));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_poll)
{
    struct fixture f;

    open_with(&f, 1);
    raise_irq(&f, 6);
    chipset_out(&f.c, MASTER, 0x0c);
    ck_assert_uint_eq(chipset_in(&f.c, MASTER), 0x86);
    ck_assert_uint_eq(read_isr(&f, MASTER), 0x40);
    ck_assert(!pic_pending(f.pic));
    chipset_out(&f.c, MASTER, 0x0c);
    ck_assert_uint_eq(chipset_in(&f.c, MASTER) & 0x80, 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_level_triggered)
{
    struct fixture f;

    open_with(&f, 1);
    chipset_out(&f.c, 0x4d0, 0xff);
    chipset_out(&f.c, 0x4d1, 0xff);
    ck_assert_uint_eq(chipset_in(&f.c, 0x4d0), 0xf8); /* 0, 1, 2 are fixed */
    ck_assert_uint_eq(chipset_in(&f.c, 0x4d1), 0xde); /* 8, 13 too */
    raise_irq(&f, 11);
    ck_assert_int_eq(pic_intack(f.pic), 0x2b);
    chipset_out(&f.c, SLAVE, NONSPECIFIC_EOI);
    chipset_out(&f.c, MASTER, NONSPECIFIC_EOI);
    ck_assert(pic_pending(f.pic)); /* still high */
    lower_irq(&f, 11);
    ck_assert(!pic_pending(f.pic));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_mcs80_vector)
{
    struct fixture f;

    chipset_open(&f.c, 0);
    f.pic = pic_init(&f.c.board, chipset_wire(&f.c, INTR));
    chipset_out(&f.c, MASTER, 0x12 | 0xa4); /* single, interval 4, no ICW4 */
    chipset_out(&f.c, MASTER + 1, 0x12);
    raise_irq(&f, 3);
    ck_assert_int_eq(pic_intack(f.pic), 0xa0 | 3 << 2);
    chipset_close(&f.c);
}
END_TEST

static void count_line(void *opaque, const char *text)
{
    ck_assert_ptr_nonnull(text);
    ++*(unsigned *)opaque;
}

START_TEST(test_describe)
{
    struct fixture f;
    unsigned lines = 0;

    open_with(&f, 1);
    pic_describe(f.pic, count_line, &lines);
    ck_assert_uint_eq(lines, 2);
    chipset_close(&f.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pic");
    TCase *t = tcase_create("8259A");

    tcase_add_test(t, test_edge_acknowledge_eoi);
    tcase_add_test(t, test_everything_is_masked_before_initialisation);
    tcase_add_test(t, test_priority_and_nesting);
    tcase_add_test(t, test_mask);
    tcase_add_test(t, test_cascade);
    tcase_add_test(t, test_irq2_pin_is_irq9);
    tcase_add_test(t, test_special_fully_nested_mode);
    tcase_add_test(t, test_spurious);
    tcase_add_test(t, test_slave_eoi_leaves_the_master_busy);
    tcase_add_test(t, test_automatic_eoi);
    tcase_add_test(t, test_rotation);
    tcase_add_test(t, test_special_mask_mode);
    tcase_add_test(t, test_poll);
    tcase_add_test(t, test_level_triggered);
    tcase_add_test(t, test_mcs80_vector);
    tcase_add_test(t, test_describe);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
