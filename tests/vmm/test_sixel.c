/* Sixels: the exact text for a small picture, and what becomes of too many colours. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/ui/sixel.h"

START_TEST(test_two_colours)
{
    struct text out = {0};
    uint32_t pixels[7 * 5];

    for (unsigned i = 0; i < 7 * 5; i++)
        pixels[i] = i % 5 == 4 && i < 30 ? 0x0000ff : 0xff0000;
    sixel_encode(&out, pixels, 5, 7);
    ck_assert_str_eq(text_string(&out), "\033P7;1q\"1;1;5;7#0;2;100;0;0#1;2;0;0;100"
                                        "#0!4~$#1!4?~-"
                                        "#0!5@-\033\\");
    text_free(&out);
}
END_TEST

/* Colours in a row, COUNT of them; how many the text defines, and does it have TEXT? */
static unsigned defined(unsigned count, const char *text)
{
    struct text out = {0};
    uint32_t *pixels = calloc(count, sizeof *pixels);
    unsigned n = 0;

    for (unsigned i = 0; i < count; i++)
        pixels[i] = i * 0x10307 & 0xffffff;
    pixels[count - 1] = 0xffffff;
    sixel_encode(&out, pixels, count, 1);
    for (const char *at = text_string(&out); (at = strchr(at, '#')); at++)
        n += at[1 + strspn(at + 1, "0123456789")] == ';';
    ck_assert_ptr_nonnull(strstr(text_string(&out), text));
    text_free(&out);
    free(pixels);
    return n;
}

START_TEST(test_many_colours)
{
    ck_assert_uint_eq(defined(256, "#255;2;100;100;100"), 256);
    ck_assert_uint_eq(defined(257, "#239;2;100;100;100"), 240);
    /* White comes last, at the end of its line. */
    ck_assert_uint_eq(defined(4000, "?@-\033\\"), 240);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sixel");
    TCase *t = tcase_create("sixel");

    tcase_add_test(t, test_two_colours);
    tcase_add_test(t, test_many_colours);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
