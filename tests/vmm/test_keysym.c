/* Key symbols to scan codes. */
#include "vmm/ui/keysym.h"
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct keysyms *open_layout(const char *name)
{
    struct error err = {""};
    struct keysyms *k = keysyms_new(name, &err);

    ck_assert_msg(k != NULL, "%s", err.text);
    return k;
}

/* One stroke of CODE with MODIFIERS. */
static void is(const struct keysyms *k, uint32_t sym, uint16_t code, unsigned modifiers)
{
    struct keysym_strokes s;

    ck_assert_msg(keysyms_find(k, sym, false, &s), "%x", sym);
    ck_assert_uint_eq(s.count, 1);
    ck_assert_msg(s.stroke[0].code == code, "%x: %x", sym, s.stroke[0].code);
    ck_assert_msg(s.stroke[0].modifiers == modifiers, "%x: %x", sym, s.stroke[0].modifiers);
}

START_TEST(american)
{
    struct keysyms *k = open_layout("en-us");
    struct keysym_strokes s;

    is(k, 'a', 0x1e, 0);
    is(k, 'A', 0x1e, KEYSYM_SHIFT);
    is(k, '%', 0x06, KEYSYM_SHIFT);
    is(k, ' ', 0x39, 0);
    is(k, 0xff0d, 0x1c, 0);   /* Return */
    is(k, 0xffc9, 0x58, 0);   /* F12 */
    is(k, 0xff13, 0xe11d, 0); /* Pause */
    ck_assert(!keysyms_find(k, 0xe9, false, &s)); /* eacute */
    ck_assert(!keysyms_find(k, 0, false, &s));
    ck_assert(!keysyms_find(k, 0xffffffff, false, &s));
    keysyms_free(k);
}
END_TEST

START_TEST(keypad)
{
    struct keysyms *k = open_layout("en-us");
    struct keysym_strokes s;

    ck_assert(keysyms_find(k, 0xffb7, true, &s)); /* KP_7 */
    ck_assert_uint_eq(s.stroke[0].code, 0x47);
    ck_assert(keysyms_find(k, 0xffb7, false, &s));
    ck_assert_uint_eq(s.stroke[0].code, 0x08);
    ck_assert(keysyms_find(k, 0xff95, true, &s)); /* KP_Home */
    ck_assert_uint_eq(s.stroke[0].code, 0xe047);
    ck_assert(keysyms_find(k, 0xff95, false, &s));
    ck_assert_uint_eq(s.stroke[0].code, 0x47);
    keysyms_free(k);
}
END_TEST

START_TEST(german)
{
    struct keysyms *k = open_layout("de");
    struct keysym_strokes s;

    is(k, 'z', 0x15, 0);
    is(k, '/', 0x08, KEYSYM_SHIFT);
    is(k, '@', 0x10, KEYSYM_ALTGR);
    is(k, 0x20ac, 0x12, KEYSYM_ALTGR);    /* EuroSign */
    is(k, 0x10020ac, 0x12, KEYSYM_ALTGR); /* the same, as a Unicode symbol */
    is(k, 0xfc, 0x1a, 0);                 /* udiaeresis */
    is(k, '<', 0x56, 0);
    ck_assert(keysyms_find(k, 0xea, false, &s)); /* ecircumflex */
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(s.stroke[0].code, 0x29);
    ck_assert_uint_eq(s.stroke[0].modifiers, 0);
    ck_assert_uint_eq(s.stroke[1].code, 0x12);
    keysyms_free(k);
}
END_TEST

/* Every layout that is offered is there, and has the letters or its own. */
START_TEST(all)
{
    char names[600];
    struct keysym_strokes s;

    snprintf(names, sizeof names, "%s", keysyms_names());
    for (char *name = strtok(names, ", "); name; name = strtok(NULL, ", ")) {
        if (!strcmp(name, "or"))
            continue;
        ck_assert_msg(keysyms_known(name), "%s", name);
        struct keysyms *k = open_layout(name);
        ck_assert_msg(keysyms_find(k, '1', false, &s), "%s", name);
        keysyms_free(k);
    }
    ck_assert(!keysyms_known("klingon"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keysym");
    TCase *t = tcase_create("keysym");
    SRunner *runner = srunner_create(suite);

    tcase_add_test(t, american);
    tcase_add_test(t, keypad);
    tcase_add_test(t, german);
    tcase_add_test(t, all);
    suite_add_tcase(suite, t);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
