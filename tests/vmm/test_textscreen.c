/* The text screen as UTF-8. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/cp437.h"
#include "vmm/ui/textscreen.h"

static void write_row(struct vga_text *t, unsigned row, const char *text)
{
    for (unsigned x = 0; text[x]; x++)
        t->cells[row * t->columns + x] = (uint8_t)text[x] | 0x1700;
}

static struct vga_text *screen(unsigned columns, unsigned rows)
{
    struct vga_text *t = calloc(1, sizeof(*t));

    t->text_mode = true;
    t->columns = columns;
    t->rows = rows;
    for (unsigned i = 0; i < columns * rows; i++)
        t->cells[i] = 0x0720;
    return t;
}

START_TEST(rows_lose_their_trailing_blanks)
{
    struct vga_text *t = screen(10, 3);
    char out[100];

    write_row(t, 0, "A:\\>");
    write_row(t, 2, "  0123456\xFF");
    ck_assert_uint_eq(textscreen_utf8(t, out, sizeof(out)), 16);
    ck_assert_str_eq(out, "A:\\>\n\n  0123456\n");
    free(t);
}
END_TEST

START_TEST(code_page_437_becomes_unicode)
{
    struct vga_text *t = screen(16, 1);
    char out[100];

    write_row(t, 0, "\xC9\xCD\xBB\xB0\x81\xE1\x9E\x02\x7F\xFF.");
    textscreen_utf8(t, out, sizeof(out));
    ck_assert_str_eq(out, "╔═╗░üß₧☻⌂\u00A0.\n");
    free(t);
}
END_TEST

START_TEST(every_character_is_its_own)
{
    for (unsigned a = 1; a < 256; a++) {
        ck_assert_uint_ge(cp437_unicode(a), 0x20);
        for (unsigned b = 1; b < a; b++)
            ck_assert_msg(cp437_unicode(a) != cp437_unicode(b), "%02X and %02X", a, b);
    }
    for (unsigned c = 0x20; c < 0x7F; c++)
        ck_assert_uint_eq(cp437_unicode(c), c);
    for (unsigned c = 1; c < 256; c++)
        ck_assert_int_eq(cp437_find(cp437_unicode(c)), (int)c);
    ck_assert_int_eq(cp437_find(0x20AC), -1);
}
END_TEST

START_TEST(short_buffers_end_between_characters)
{
    struct vga_text *t = screen(4, 1);
    char out[8];

    write_row(t, 0,
              "a\xCD"
              "b");
    for (size_t n = 1; n <= 7; n++) {
        memset(out, 'X', sizeof(out));
        ck_assert_uint_eq(textscreen_utf8(t, out, n), 6);
        ck_assert_uint_lt(strlen(out), n);
        ck_assert_int_eq(out[n], 'X');
    }
    ck_assert_str_eq(out, "a═b\n");
    textscreen_utf8(t, out, 4);
    ck_assert_str_eq(out, "a");
    ck_assert_uint_eq(textscreen_utf8(t, NULL, 0), 6);
    free(t);
}
END_TEST

START_TEST(graphics_have_no_text)
{
    struct vga_text *t = screen(4, 1);
    char out[8] = "old";

    t->text_mode = false;
    ck_assert_uint_eq(textscreen_utf8(t, out, sizeof(out)), 0);
    ck_assert_str_eq(out, "");
    free(t);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("textscreen");
    TCase *tc = tcase_create("textscreen");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, rows_lose_their_trailing_blanks);
    tcase_add_test(tc, code_page_437_becomes_unicode);
    tcase_add_test(tc, every_character_is_its_own);
    tcase_add_test(tc, short_buffers_end_between_characters);
    tcase_add_test(tc, graphics_have_no_text);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
