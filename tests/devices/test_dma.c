#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chipset.h"
#include "ringer/log.h"

enum { VERIFY = 0x00, TO_MEMORY = 0x04, FROM_MEMORY = 0x08, AUTOINIT = 0x10, DOWN = 0x20 };

struct fixture {
    struct chipset c;
    struct dma *dma;
};

static void open_dma(struct fixture *f)
{
    chipset_open(&f->c, 2 << 20);
    f->dma = dma_init(&f->c.board);
}

/* As drivers do it: mask, clear the flip-flop, mode, address, count, page, unmask. */
static void program(struct fixture *f, int channel, uint8_t mode, uint16_t address, uint8_t page,
                    uint16_t count)
{
    static const uint8_t pages[8] = {0x87, 0x83, 0x81, 0x82, 0x8f, 0x8b, 0x89, 0x8a};
    bool words = channel >= 4;
    uint16_t base = words ? 0xc0 : 0, shift = words;
    uint8_t n = channel & 3;

    chipset_out(&f->c, (uint16_t)(base + (10 << shift)), 4 | n);
    chipset_out(&f->c, (uint16_t)(base + (12 << shift)), 0);
    chipset_out(&f->c, (uint16_t)(base + (11 << shift)), 0x40 | mode | n);
    chipset_out(&f->c, (uint16_t)(base + (2 * n << shift)), address & 0xff);
    chipset_out(&f->c, (uint16_t)(base + (2 * n << shift)), address >> 8);
    chipset_out(&f->c, (uint16_t)(base + ((2 * n + 1) << shift)), count & 0xff);
    chipset_out(&f->c, (uint16_t)(base + ((2 * n + 1) << shift)), count >> 8);
    chipset_out(&f->c, pages[channel], page);
    chipset_out(&f->c, (uint16_t)(base + (10 << shift)), n);
}

static uint16_t word_at(struct fixture *f, uint16_t port)
{
    uint8_t low;

    chipset_out(&f->c, port < 0xc0 ? 0x0c : 0xd8, 0);
    low = chipset_in(&f->c, port);
    return (uint16_t)(low | chipset_in(&f->c, port) << 8);
}

static void poke(struct fixture *f, uint32_t pa, const char *text)
{
    phys_write(f->c.board.phys, pa, text, (uint32_t)strlen(text));
}

static void expect_at(struct fixture *f, uint32_t pa, const char *text)
{
    char got[64] = "";

    phys_read(f->c.board.phys, pa, got, (uint32_t)strlen(text));
    ck_assert_str_eq(got, text);
}

START_TEST(test_to_memory_in_pieces)
{
    struct fixture f;
    bool tc;

    open_dma(&f);
    ck_assert(!dma_ready(f.dma, 2));
    program(&f, 2, TO_MEMORY, 0x4000, 0x01, 9);
    ck_assert(dma_ready(f.dma, 2));
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, "abcd", 4, &tc), 4);
    ck_assert(!tc);
    ck_assert_uint_eq(word_at(&f, 4), 0x4004);
    ck_assert_uint_eq(word_at(&f, 5), 5);
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0);
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, "efghijkl", 8, &tc), 6);
    ck_assert(tc);
    expect_at(&f, 0x14000, "abcdefghij");
    ck_assert_uint_eq(word_at(&f, 5), 0xffff);
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x04); /* terminal count */
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x00); /* reading clears it */
    ck_assert(!dma_ready(f.dma, 2));                 /* masked itself */
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, "x", 1, &tc), 0);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_from_memory_and_verify)
{
    struct fixture f;
    char buf[8] = "";
    bool tc;

    open_dma(&f);
    poke(&f, 0x20000, "hello");
    program(&f, 1, FROM_MEMORY, 0, 2, 4);
    ck_assert_uint_eq(dma_from_memory(f.dma, 1, buf, 8, &tc), 5);
    ck_assert(tc);
    ck_assert_str_eq(buf, "hello");
    program(&f, 1, VERIFY, 0, 2, 4);
    ck_assert_uint_eq(dma_to_memory(f.dma, 1, "xxxxx", 5, &tc), 5);
    ck_assert(tc);
    expect_at(&f, 0x20000, "hello");
    program(&f, 1, FROM_MEMORY, 0, 2, 4); /* the wrong direction writes nothing */
    dma_to_memory(f.dma, 1, "xxxxx", 5, &tc);
    expect_at(&f, 0x20000, "hello");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_autoinit)
{
    struct fixture f;
    bool tc;

    open_dma(&f);
    program(&f, 3, TO_MEMORY | AUTOINIT, 0x100, 3, 3);
    ck_assert_uint_eq(dma_to_memory(f.dma, 3, "abcdef", 6, &tc), 4);
    ck_assert(tc);
    ck_assert(dma_ready(f.dma, 3));
    ck_assert_uint_eq(word_at(&f, 6), 0x100);
    ck_assert_uint_eq(word_at(&f, 7), 3);
    ck_assert_uint_eq(dma_to_memory(f.dma, 3, "WX", 2, &tc), 2);
    expect_at(&f, 0x30100, "WXcd");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_decrement)
{
    struct fixture f;
    char buf[8] = "";
    bool tc;

    open_dma(&f);
    program(&f, 2, TO_MEMORY | DOWN, 0x0204, 1, 4);
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, "abcde", 5, &tc), 5);
    expect_at(&f, 0x10200, "edcba");
    program(&f, 2, FROM_MEMORY | DOWN, 0x0204, 1, 4);
    dma_from_memory(f.dma, 2, buf, 5, &tc);
    ck_assert_str_eq(buf, "abcde");
    program(&f, 5, TO_MEMORY | DOWN, 0x0102, 2, 1); /* words stay in order */
    ck_assert_uint_eq(dma_to_memory(f.dma, 5, "abcd", 4, &tc), 4);
    expect_at(&f, 0x20202, "cdab");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_address_wraps_within_the_page)
{
    struct fixture f;
    bool tc;

    open_dma(&f);
    program(&f, 2, TO_MEMORY, 0xfffe, 1, 3);
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, "abcd", 4, &tc), 4);
    expect_at(&f, 0x1fffe, "ab");
    expect_at(&f, 0x10000, "cd");
    program(&f, 2, TO_MEMORY | DOWN, 0x0001, 1, 3);
    dma_to_memory(f.dma, 2, "1234", 4, &tc);
    expect_at(&f, 0x10000, "21");
    expect_at(&f, 0x1fffe, "43");
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_word_channel)
{
    struct fixture f;
    bool tc;

    open_dma(&f);
    program(&f, 5, TO_MEMORY, 0x8000, 0x03, 2); /* bit 0 of the page is not used */
    ck_assert_uint_eq(dma_to_memory(f.dma, 5, "abcde", 5, &tc), 4);
    ck_assert(!tc);
    ck_assert_uint_eq(dma_to_memory(f.dma, 5, "efgh", 4, &tc), 2);
    ck_assert(tc);
    expect_at(&f, 0x30000, "abcdef");
    ck_assert_uint_eq(chipset_in(&f.c, 0xd0), 0x02);
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_masks_commands_and_clear)
{
    struct fixture f;

    open_dma(&f);
    ck_assert_uint_eq(chipset_in(&f.c, 0x0f) & 15, 15);
    chipset_out(&f.c, 0x0f, 0x05);
    ck_assert_uint_eq(chipset_in(&f.c, 0x0f) & 15, 5);
    chipset_out(&f.c, 0x0e, 0);
    ck_assert_uint_eq(chipset_in(&f.c, 0x0f) & 15, 0);
    chipset_out(&f.c, 0x08, 4); /* controller disabled */
    ck_assert(!dma_ready(f.dma, 1));
    chipset_out(&f.c, 0x08, 0);
    ck_assert(dma_ready(f.dma, 1));
    chipset_out(&f.c, 0x0b, 0xc1); /* cascade */
    ck_assert(!dma_ready(f.dma, 1));
    chipset_out(&f.c, 0x0d, 0);
    ck_assert_uint_eq(chipset_in(&f.c, 0x0f) & 15, 15);
    /* The flip-flop is clear after it. */
    chipset_out(&f.c, 0x00, 0x34);
    chipset_out(&f.c, 0x0d, 0);
    chipset_out(&f.c, 0x00, 0x78);
    chipset_out(&f.c, 0x00, 0x56);
    ck_assert_uint_eq(word_at(&f, 0), 0x5678);
    ck_assert(!dma_ready(f.dma, 8));
    ck_assert(!dma_ready(f.dma, -1));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_page_registers_are_memory)
{
    struct fixture f;

    open_dma(&f);
    for (uint16_t p = 0x80; p < 0x90; p++)
        chipset_out(&f.c, p, (uint8_t)(p ^ 0xff));
    for (uint16_t p = 0x80; p < 0x90; p++)
        ck_assert_uint_eq(chipset_in(&f.c, p), (uint8_t)(p ^ 0xff));
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_memory_to_memory)
{
    struct fixture f;

    open_dma(&f);
    poke(&f, 0x11000, "copied");
    program(&f, 0, FROM_MEMORY, 0x1000, 1, 5);
    program(&f, 1, TO_MEMORY, 0x2000, 1, 5);
    chipset_out(&f.c, 0x08, 1);
    chipset_out(&f.c, 0x09, 4);
    expect_at(&f, 0x12000, "copied");
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x02);
    ck_assert_uint_eq(chipset_in(&f.c, 0x0d), 'd'); /* the temporary register */
    chipset_close(&f.c);
}
END_TEST

START_TEST(test_software_request)
{
    struct fixture f;

    open_dma(&f);
    program(&f, 3, VERIFY, 0, 1, 0xffff);
    chipset_out(&f.c, 0x09, 7);
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x08);
    ck_assert_uint_eq(word_at(&f, 7), 0xffff);
    chipset_out(&f.c, 0x08, 4);
    chipset_out(&f.c, 0x09, 7); /* waits while the controller is disabled */
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x80);
    chipset_out(&f.c, 0x08, 0);
    ck_assert_uint_eq(chipset_in(&f.c, 0x08), 0x08);
    chipset_close(&f.c);
}
END_TEST

/* The top of a 16 MiB bus is not RAM here: nothing may break. */
START_TEST(test_transfer_outside_of_ram)
{
    struct fixture f;
    static char buf[70000];
    bool tc;

    open_dma(&f);
    program(&f, 2, TO_MEMORY, 0xff00, 0xff, 0xffff);
    ck_assert_uint_eq(dma_to_memory(f.dma, 2, buf, sizeof(buf), &tc), 65536);
    ck_assert(tc);
    program(&f, 2, FROM_MEMORY, 0xff00, 0xff, 3);
    dma_from_memory(f.dma, 2, buf, 4, NULL);
    ck_assert_uint_eq((uint8_t)buf[0], 0xff);
    chipset_close(&f.c);
}
END_TEST

/* POST codes are logged as they change; delays by writes to port 80h say nothing new. */
START_TEST(test_post_codes)
{
    char path[] = "/tmp/ringer-post-XXXXXX", text[100] = {0};
    int fd = mkstemp(path);
    struct fixture f;
    struct log *log;

    ck_assert_int_ge(fd, 0);
    chipset_open(&f.c, 2 << 20);
    log = f.c.board.log = log_new(path, LOG_POST);
    f.dma = dma_init(&f.c.board);
    chipset_out(&f.c, 0x80, 0x00);
    chipset_out(&f.c, 0x80, 0x00);
    chipset_out(&f.c, 0x81, 0x55);
    chipset_out(&f.c, 0x80, 0xA5);
    chipset_close(&f.c);
    log_free(log);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    ck_assert_str_eq(text, "POST code 00\nPOST code a5\n");
    close(fd);
    unlink(path);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dma");
    TCase *t = tcase_create("8237A");

    tcase_add_test(t, test_to_memory_in_pieces);
    tcase_add_test(t, test_from_memory_and_verify);
    tcase_add_test(t, test_autoinit);
    tcase_add_test(t, test_decrement);
    tcase_add_test(t, test_address_wraps_within_the_page);
    tcase_add_test(t, test_word_channel);
    tcase_add_test(t, test_masks_commands_and_clear);
    tcase_add_test(t, test_page_registers_are_memory);
    tcase_add_test(t, test_memory_to_memory);
    tcase_add_test(t, test_software_request);
    tcase_add_test(t, test_transfer_outside_of_ram);
    tcase_add_test(t, test_post_codes);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
