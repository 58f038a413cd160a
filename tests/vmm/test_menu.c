/* The window's menu: what keys and clicks choose. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/keys.h"
#include "vmm/ui/menu.h"

static struct menu menu;
static struct choice choice;

static void press(enum menu_key key)
{
    menu_key(&menu, key, &choice);
}

/* Draws it, for the sanitizers' sake, in a canvas of its size and in one that is too small. */
static void draw(void)
{
    struct canvas c;

    menu_size(&menu, &c.width, &c.height);
    c.pixels = calloc((size_t)c.width * (size_t)c.height, sizeof *c.pixels);
    menu_draw(&menu, &c);
    c.width /= 2;
    c.height /= 3;
    menu_draw(&menu, &c);
    free(c.pixels);
}

START_TEST(keys_choose)
{
    menu_open(&menu, menu_main);
    draw();
    press(MENU_DOWN);
    press(MENU_ENTER);
    ck_assert_int_eq(choice.action, ACT_RESET);
    ck_assert(!menu.open);
    menu_open(&menu, menu_main);
    press(MENU_UP); /* round to the last */
    press(MENU_ENTER);
    ck_assert_int_eq(choice.action, ACT_QUIT);
    menu_open(&menu, menu_main);
    press(MENU_ESCAPE);
    ck_assert(!menu.open);
    ck_assert_int_eq(choice.action, ACT_NONE);
}
END_TEST

/* Every chord that the menus offer is one that the keyboard has; every item does something. */
static void check_items(const struct menu_item *item, int depth)
{
    struct chord chord;
    const char *bad;
    size_t len;

    ck_assert_int_lt(depth, MENU_DEPTH);
    for (; item->text; item++) {
        if (!item->text[0])
            continue;
        ck_assert_int_ne(item->action, ACT_NONE);
        if (item->action == ACT_CHORD)
            ck_assert_msg(keys_parse(item->keys, &chord, &bad, &len), "no keys %s", item->keys);
        if (item->action == ACT_MENU)
            check_items(item->menu, depth + 1);
        if (item->action == ACT_ASK)
            ck_assert(item->question && item->then != ACT_NONE);
    }
}

START_TEST(every_item_makes_sense)
{
    check_items(menu_main, 0);
}
END_TEST

START_TEST(a_question_takes_text)
{
    static const struct menu_item ask[] = {{.text = "Change",
                                            .action = ACT_ASK,
                                            .question = "File:",
                                            .then = ACT_CHANGE,
                                            .which = "floppy0"},
                                           {.text = NULL}};
    char long_text[2000];

    menu_open(&menu, ask);
    ck_assert(!menu_wants_text(&menu));
    press(MENU_ENTER);
    ck_assert(menu_wants_text(&menu));
    press(MENU_ENTER); /* nothing was typed */
    ck_assert_int_eq(choice.action, ACT_NONE);
    menu_text(&menu, "d\xc3\xa9");
    menu_text(&menu, "x");
    press(MENU_BACKSPACE);
    press(MENU_BACKSPACE);
    menu_text(&menu, "isk.img");
    draw();
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    menu_text(&menu, long_text); /* too long: not taken */
    press(MENU_ENTER);
    ck_assert_int_eq(choice.action, ACT_CHANGE);
    ck_assert_str_eq(choice.text, "disk.img");
    ck_assert_str_eq(choice.which, "floppy0");
}
END_TEST

START_TEST(clicks_choose)
{
    int width, height;

    menu_open(&menu, menu_main);
    menu_size(&menu, &width, &height);
    menu_point(&menu, width / 2, 8 + 16 + 3, true, &choice); /* the second item */
    ck_assert_int_eq(choice.action, ACT_RESET);
    menu_open(&menu, menu_main);
    menu_point(&menu, -1, -1, true, &choice);
    ck_assert(!menu.open);
    menu_notice(&menu, "a long line, a long line, a long line, a long line, a long line, a long "
                       "line, a long line, a long line\nand more");
    draw();
    press(MENU_DOWN);
    ck_assert(!menu.open);
    menu_help(&menu);
    draw();
    menu_point(&menu, 3, 3, true, &choice);
    ck_assert(!menu.open);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("menu");
    TCase *tc = tcase_create("menu");

    tcase_add_test(tc, keys_choose);
    tcase_add_test(tc, every_item_makes_sense);
    tcase_add_test(tc, a_question_takes_text);
    tcase_add_test(tc, clicks_choose);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
