/* What is written for other tools: traces that parse, coverage with every block once. */
#include "ringer/trace.h"
#include "vmm/coverage.h"
#include "vmm/symbols.h"
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/ringer-tools.XXXXXX";

static void setup(void)
{
    close(mkstemp(path));
}

static void teardown(void)
{
    unlink(path);
}

START_TEST(a_trace_is_json)
{
    static const struct trace_kind in = {"in", "io", true, {"port", "size", "value"}};
    static const struct trace_kind cr3 = {"CR3", "mode", false, {"cr3", NULL, NULL}};
    struct log *log = log_new("/dev/null", 0);
    struct trace *t = trace_new(100);
    json_error_t error;

    log_trace(log, &in, 1, 2, 3); /* there is none: nothing happens */
    log_set_trace(log, t);
    log_set_channels(log, LOG_INT); /* does not end it */
    for (unsigned i = 0; i < 150; i++)
        log_trace_span(log, &in, trace_now(), i, 1, 0);
    log_trace(log, &cr3, 0x1000, 0, 0);
    ck_assert(trace_write(t, path));
    json_t *root = json_load_file(path, 0, &error);
    ck_assert_msg(root, "%s", error.text);
    json_t *events = json_object_get(root, "traceEvents");
    ck_assert_uint_eq(json_array_size(events), 102);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "otherData"), "dropped")),
                     51);
    json_t *first = json_array_get(events, 2), *last = json_array_get(events, 101);
    ck_assert_str_eq(json_string_value(json_object_get(first, "name")), "in 33");
    ck_assert_str_eq(json_string_value(json_object_get(first, "ph")), "X");
    ck_assert_str_eq(json_string_value(json_object_get(last, "ph")), "i");
    ck_assert_str_eq(json_string_value(json_object_get(json_object_get(last, "args"), "cr3")),
                     "0x1000");
    json_decref(root);
    log_set_trace(log, NULL);
    ck_assert(!log_on(log, LOG_TRACE));
    trace_free(t);
    log_free(log);
}
END_TEST

static const char *one_name(void *opaque, uint32_t linear, uint32_t *offset)
{
    *offset = linear & 0xFF;
    return linear >> 8 == 0x1234 ? opaque : NULL;
}

START_TEST(a_log_names_addresses)
{
    struct log *log = log_new("/dev/null", 0);
    char text[40];

    ck_assert_str_eq(log_symbol(NULL, 0x123456, text, sizeof text), "");
    ck_assert_str_eq(log_symbol(log, 0x123456, text, sizeof text), "");
    log_set_symbols(log, one_name, "main");
    ck_assert_str_eq(log_symbol(log, 0x123456, text, sizeof text), " <main+0x56>");
    ck_assert_str_eq(log_symbol(log, 0x123400, text, sizeof text), " <main>");
    ck_assert_str_eq(log_symbol(log, 0x123500, text, sizeof text), "");
    ck_assert_str_eq(log_symbol(log, 0x123456, text, 5), " <ma");
    log_free(log);
}
END_TEST

START_TEST(coverage_as_drcov)
{
    struct coverage *c = coverage_new();
    struct symbols *symbols = symbols_new();
    struct error err = {""};
    char text[512];
    uint8_t entry[8];
    FILE *f = fopen(path, "w");

    fputs("c0100000 T _text\nc0101000 T _etext\n", f);
    fclose(f);
    ck_assert(symbols_load(symbols, path, &err));
    for (uint32_t i = 0; i < 40000; i++)
        for (int twice = 0; twice < 2; twice++)
            coverage_block(c, &(struct translated){.linear = i * 16, .size = 7});
    coverage_block(c, &(struct translated){.linear = 0xC0100020, .size = 9});
    coverage_block(c, &(struct translated){.linear = 0xC0100040, .size = 0}); /* a hook's */
    ck_assert(coverage_write(c, symbols, path, &err));
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    ck_assert_str_eq(text, "DRCOV VERSION: 2\n");
    while (fgets(text, sizeof text, f) && strncmp(text, "BB Table", 8))
        ;
    ck_assert_str_eq(text, "BB Table: 40001 bbs\n");
    unsigned count = 0, kernel = 0;
    while (fread(entry, sizeof entry, 1, f) == 1) {
        static const uint8_t expected[8] = {0x20, 0, 0, 0, 9, 0, 0, 0};
        count++;
        kernel += !memcmp(entry, expected, sizeof entry);
    }
    fclose(f);
    ck_assert_uint_eq(count, 40001);
    ck_assert_uint_eq(kernel, 1);
    ck_assert(!coverage_write(c, symbols, "/nonexistent/x", &err));
    ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x"));
    symbols_free(symbols);
    coverage_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("for other tools");
    TCase *tc = tcase_create("tools");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_trace_is_json);
    tcase_add_test(tc, a_log_names_addresses);
    tcase_add_test(tc, coverage_as_drcov);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
