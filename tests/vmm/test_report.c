/* tb-report and top: what they make of statistics, theirs and hostile ones. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/tb_report.h"
#include "vmm/top.h"

static json_t *parse(const char *text)
{
    json_error_t why;
    json_t *all = json_loads(text, 0, &why);

    ck_assert_msg(all, "%s: %s", text, why.text);
    return all;
}

static const char document[] =
    "{\"ringer\":\"1\",\"format\":1,\"exec-count\":true,"
    "\"statistics\":[{\"group\":\"time\",\"name\":\"up_time\",\"unit\":\"ns\",\"help\":\"<up>\","
    "\"gauge\":false,\"value\":%d000000000},"
    "{\"group\":\"time\",\"name\":\"cpu_time\",\"key\":\"place\",\"label\":\"guest\",\"unit\":"
    "\"ns\","
    "\"help\":\"t\",\"gauge\":false,\"value\":%d00000000},"
    "{\"group\":\"exits\",\"name\":\"calls\",\"key\":\"instruction\",\"label\":\"cpuid\","
    "\"unit\":\"count\",\"help\":\"c\",\"gauge\":false,\"value\":%d000}],"
    "\"blocks\":[{\"index\":1,\"eip\":4096,\"cs-base\":0,\"phys\":4096,\"instructions\":2,"
    "\"guest-bytes\":3,\"host-bytes\":9,\"valid\":true,\"user\":true,\"samples\":%d,"
    "\"executions\":%d000,\"exits\":[{\"target\":4096,\"link\":1},{\"target\":4099,\"link\":2}],"
    "\"code\":[\"I 00001000 dec & <eax>\"]},"
    "{\"index\":2,\"eip\":4099,\"cs-base\":0,\"phys\":4099,\"samples\":0,\"executions\":1,"
    "\"exits\":[],\"symbol\":\"<main+0x4>\",\"host-code\":[\"O 1 & 2\"],\"code\":[]}],"
    "\"pages\":[{\"page\":4096,\"samples\":5,\"instructions\":0,\"blocks\":2}],"
    "\"writers\":[{\"eip\":256,\"cs-base\":16,\"page\":4096,\"cause\":\"store\",\"writes\":3,"
    "\"blocks-lost\":1}]}";

static json_t *make(int n)
{
    char text[4096];

    snprintf(text, sizeof text, document, n, n, n, n, n);
    return parse(text);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

START_TEST(report)
{
    json_t *all = make(4);
    struct text out = {0};
    struct error err = {""};

    ck_assert_msg(tb_report(all, &out, &err), "%s", err.text);
    const char *page = text_string(&out);
    ck_assert(!strncmp(page, "<!DOCTYPE html>", 15));
    ck_assert_ptr_nonnull(strstr(page, "dec &amp; &lt;eax&gt;"));
    ck_assert_ptr_nonnull(strstr(page, "&lt;up&gt;"));
    ck_assert_uint_eq(count(page, "&lt;main+0x4&gt;"), 2); /* in the table and in the graph */
    ck_assert_ptr_nonnull(strstr(page, "O 1 &amp; 2"));
    ck_assert_ptr_nonnull(strstr(page, "00001000: 5 samples")); /* the heat map */
    ck_assert_ptr_nonnull(strstr(page, "<td>00000110</td>"));   /* the writer */
    ck_assert_uint_eq(count(page, "marker-end"), 2);            /* the graph's jumps */
    ck_assert_uint_eq(count(page, "stroke=\"#c00\""), 1);       /* one goes back */
    ck_assert(!strstr(page, "http") && !strstr(page, "src="));  /* self-contained */
    ck_assert_uint_eq(count(page, "<svg"), count(page, "</svg>"));
    ck_assert_uint_eq(count(page, "<tr>"), count(page, "</tr>"));
    text_free(&out);
    json_decref(all);
}
END_TEST

START_TEST(refused)
{
    static const char *const bad[] = {"{}",
                                      "[]",
                                      "[1]",
                                      "{\"format\":2}",
                                      "{\"format\":1,\"statistics\":[]}",
                                      "{\"format\":1,\"statistics\":{},\"blocks\":[]}"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *all = parse(bad[i]);
        struct text out = {0};
        struct error err = {""};
        ck_assert_msg(!tb_report(all, &out, &err), "%s", bad[i]);
        ck_assert(err.text[0] && !strchr(err.text, '\n'));
        text_free(&out);
        json_decref(all);
    }
}
END_TEST

/* Members missing, of other types, huge: a page all the same. */
START_TEST(hostile)
{
    static const char *const odd[] = {"null",
                                      "-1",
                                      "9223372036854775807",
                                      "\"x\"",
                                      "[]",
                                      "[[[]]]",
                                      "[null,1]",
                                      "[{}]",
                                      "[{\"exits\":[1,{}],\"code\":[3]}]",
                                      "[{\"page\":9223372036854775807,\"samples\":-5}]",
                                      "1e300"};
    static const char *const members[] = {"statistics", "blocks", "pages", "writers"};

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < 4; k++) {
            json_t *all = make(4), *value = json_loads(odd[i], JSON_DECODE_ANY, NULL);
            struct text out = {0}, picture = {0};
            struct error err = {""};
            json_object_set_new(all, members[k], value);
            bool ok = tb_report(all, &out, &err);
            ck_assert_msg(ok == json_is_array(value), "%s: %s", members[k], odd[i]);
            top_picture(NULL, all, 80, &picture);
            top_picture(all, all, 1, &picture);
            text_free(&out);
            text_free(&picture);
            json_decref(all);
        }
}
END_TEST

/* Between two answers: rates and shares of what passed. */
START_TEST(picture)
{
    json_t *before = make(2), *now = make(4);
    struct text out = {0};

    top_picture(before, now, 80, &out);
    const char *lines = text_string(&out);
    ck_assert_msg(strstr(lines, "up 4 s, last 2.0 s"), "%s", lines);
    ck_assert_msg(strstr(lines, "guest     10.0%"), "%s", lines);
    ck_assert_msg(strstr(lines, "1000 /s cpuid"), "%s", lines);
    ck_assert_msg(strstr(lines, "100.0%        1000   00001000  I 00001000 dec"), "%s", lines);
    text_free(&out);
    json_decref(before);
    json_decref(now);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("report");
    TCase *tc = tcase_create("report");
    tcase_add_test(tc, report);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, hostile);
    tcase_add_test(tc, picture);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
