/* The fonts: complete, distinct, and boxes that join. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vga_font.h"

static const struct {
    const uint8_t *glyphs;
    unsigned height;
} fonts[3] = {{vga_font_8x16, 16}, {vga_font_8x14, 14}, {vga_font_8x8, 8}};

static const uint8_t *glyph(unsigned font, unsigned c)
{
    return fonts[font].glyphs + c * fonts[font].height;
}

START_TEST(glyphs_are_distinct)
{
    for (unsigned f = 0; f < 3; f++) {
        for (unsigned a = 0; a < 256; a++) {
            if (a == 0 || a == 0xFF)
                continue; /* blank like the space */
            for (unsigned b = a + 1; b < 255; b++)
                ck_assert_msg(memcmp(glyph(f, a), glyph(f, b), fonts[f].height) != 0,
                              "%u lines: %02X and %02X look alike", fonts[f].height, a, b);
        }
    }
}
END_TEST

START_TEST(spaces_are_blank_and_full_block_is_full)
{
    for (unsigned f = 0; f < 3; f++) {
        for (unsigned y = 0; y < fonts[f].height; y++) {
            ck_assert_int_eq(glyph(f, 0)[y], 0);
            ck_assert_int_eq(glyph(f, 0x20)[y], 0);
            ck_assert_int_eq(glyph(f, 0xFF)[y], 0);
            ck_assert_int_eq(glyph(f, 0xDB)[y], 0xFF);
            ck_assert_int_eq(glyph(f, 0xDC)[y] ^ glyph(f, 0xDF)[y], 0xFF);
            ck_assert_int_eq(glyph(f, 0xDD)[y] ^ glyph(f, 0xDE)[y], 0xFF);
        }
    }
}
END_TEST

/* Letters leave a column free on the right, so that they do not touch. */
START_TEST(letters_keep_apart)
{
    for (unsigned f = 0; f < 3; f++)
        for (unsigned c = '0'; c <= 'z'; c++)
            for (unsigned y = 0; c != '_' && c != '`' && y < fonts[f].height; y++)
                ck_assert_msg(!(glyph(f, c)[y] & 1), "%u lines: %02X", fonts[f].height, c);
}
END_TEST

static unsigned column(unsigned font, unsigned c, unsigned bit)
{
    unsigned rows = 0;

    for (unsigned y = 0; y < fonts[font].height; y++)
        rows |= (glyph(font, c)[y] >> bit & 1u) << y;
    return rows;
}

/* Each side of a box glyph is bare, or that of a single or double line. */
START_TEST(box_drawing_joins)
{
    /* Arms up, down, left, right of B3h-DAh, by their names in the Unicode mapping. */
    static const char *const arms[] = {
        "1100", "1110", "1120", "2210", "0210", "0120", "2220", "2200", "0220", "2020",
        "2010", "1020", "0110", "1001", "1011", "0111", "1101", "0011", "1111", "1102",
        "2201", "2002", "0202", "2022", "0222", "2202", "0022", "2222", "1022", "2011",
        "0122", "0211", "2001", "1002", "0102", "0201", "2211", "1122", "1010", "0101",
    };

    for (unsigned f = 0; f < 3; f++) {
        unsigned last = fonts[f].height - 1;
        unsigned vertical[3] = {0, glyph(f, 0xB3)[0], glyph(f, 0xBA)[0]};
        unsigned horizontal[3] = {0, column(f, 0xC4, 0), column(f, 0xCD, 0)};

        for (unsigned i = 0; i < 40; i++) {
            unsigned c = 0xB3 + i;

            ck_assert_int_eq(glyph(f, c)[0], vertical[arms[i][0] - '0']);
            ck_assert_int_eq(glyph(f, c)[last], vertical[arms[i][1] - '0']);
            ck_assert_int_eq(column(f, c, 7), horizontal[arms[i][2] - '0']);
            ck_assert_int_eq(column(f, c, 0), horizontal[arms[i][3] - '0']);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_font");
    TCase *tc = tcase_create("font");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, glyphs_are_distinct);
    tcase_add_test(tc, spaces_are_blank_and_full_block_is_full);
    tcase_add_test(tc, letters_keep_apart);
    tcase_add_test(tc, box_drawing_joins);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
