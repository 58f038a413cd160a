/* The words of scripts. */
#include <check.h>
#include <string.h>

#include "ringer/error.h"
#include "vmm/script.h"

START_TEST(every_verb)
{
    static const char text[] = "# a comment\n"
                               "\n"
                               "wait \"C:\\\\>\" 2.5\n"
                               "  wait login:\r\n"
                               "type \"dir a:\\n\"\n"
                               "key ctrl-alt-delete\n"
                               "serial \"say \\\"hi\\\"\\n\"\n"
                               "sleep 0.25\n"
                               "expect-end 7\n"
                               "info registers\n"
                               "x/4xw 0x7c00\n"
                               "screendump \"a b.png\"\n"
                               "wait-picture size=640x480 still=2 9\n"
                               "quit 3";
    struct script_text s;
    struct error err = {""};

    ck_assert_msg(script_parse("s", text, &s, &err), "%s", err.text);
    ck_assert_uint_eq(s.count, 12);
    ck_assert_int_eq(s.steps[0].verb, SCRIPT_WAIT);
    ck_assert_str_eq(s.steps[0].text, "C:\\>");
    ck_assert_double_eq(s.steps[0].seconds, 2.5);
    ck_assert_uint_eq(s.steps[0].line, 3);
    ck_assert_str_eq(s.steps[1].text, "login:");
    ck_assert_double_eq(s.steps[1].seconds, 30);
    ck_assert_str_eq(s.steps[2].text, "dir a:\n");
    ck_assert_uint_eq(s.steps[3].chord.count, 3);
    ck_assert_str_eq(s.steps[4].text, "say \"hi\"\n");
    ck_assert_double_eq(s.steps[5].seconds, 0.25);
    ck_assert_double_eq(s.steps[6].seconds, 7);
    ck_assert_int_eq(s.steps[7].verb, SCRIPT_MONITOR);
    ck_assert_str_eq(s.steps[7].text, "info registers");
    ck_assert_int_eq(s.steps[8].verb, SCRIPT_MONITOR);
    ck_assert_str_eq(s.steps[9].text, "screendump \"a b.png\"");
    ck_assert_int_eq(s.steps[10].verb, SCRIPT_WAIT_PICTURE);
    ck_assert_uint_eq(s.steps[10].picture->height, 480);
    ck_assert_double_eq(s.steps[10].picture->still, 2);
    ck_assert_double_eq(s.steps[10].seconds, 9);
    ck_assert_int_eq(s.steps[11].verb, SCRIPT_QUIT);
    ck_assert_int_eq(s.steps[11].code, 3);
    script_text_free(&s);
}
END_TEST

static const struct {
    const char *text, *message;
} wrong[] = {
    {"wait", "s:1: usage: wait TEXT"},
    {"\nwait \"\"", "s:2: the text to wait for is empty"},
    {"wait \"open", "s:1: a quote is open"},
    {"wait x soon", "'soon'"},
    {"wait x -1", "'-1'"},
    {"wait x 1 2", "usage"},
    {"wait-picture", "usage: wait-picture CONDITION"},
    {"wait\nwait-picture still", "s:1: usage: wait"},
    {"quit\nwait-picture still", "s:2: 'still': it is still=SECONDS"},
    {"sleep", "usage: sleep"},
    {"sleep 1e99", "1e99"},
    {"key foo-a", "no key 'foo'"},
    {"quit 256", "256"},
    {"quit now", "now"},
    {"frobnicate", "unknown command 'frobnicate'"},
    {"waiter x", "unknown command 'waiter'"},
    {"a b c d e f g h i j k l m n o p q", "too many words"},
    {"# fine\nwait a\n\nfoo", "s:4: "},
};

START_TEST(wrong_ones_are_named)
{
    struct script_text s;
    struct error err = {""};

    ck_assert(!script_parse("s", wrong[_i].text, &s, &err));
    ck_assert_msg(strstr(err.text, wrong[_i].message), "%s", err.text);
    ck_assert_uint_eq(s.count, 0);
}
END_TEST

START_TEST(files)
{
    struct script_text s;
    struct error err = {""};

    ck_assert(!script_load("/nonexistent/script", &s, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/script"));
    ck_assert(!script_load("/", &s, &err));
}
END_TEST

START_TEST(an_empty_script)
{
    struct script_text s;
    struct error err = {""};

    ck_assert(script_parse("s", "", &s, &err));
    ck_assert_uint_eq(s.count, 0);
    ck_assert(script_parse("s", "   \n#\n\t\n", &s, &err));
    ck_assert_uint_eq(s.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script");
    TCase *tc = tcase_create("script");

    tcase_add_test(tc, every_verb);
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, files);
    tcase_add_test(tc, an_empty_script);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
