/* The log's channels and its texts written once; the one-line error. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ringer/error.h"
#include "ringer/log.h"

START_TEST(parse_channels)
{
    uint32_t mask = 0;
    char bad[16];

    ck_assert(log_parse_channels("int", &mask, bad, sizeof(bad)));
    ck_assert_uint_eq(mask, LOG_INT);
    ck_assert(log_parse_channels("in_asm,io,guest_errors", &mask, bad, sizeof(bad)));
    ck_assert_uint_eq(mask, LOG_IN_ASM | LOG_IO | LOG_GUEST_ERRORS);
    ck_assert(log_parse_channels("all", &mask, bad, sizeof(bad)));
    ck_assert_uint_eq(mask, 0x1FF);
    mask = 7;
    ck_assert(!log_parse_channels("int,bogus,io", &mask, bad, sizeof(bad)));
    ck_assert_str_eq(bad, "bogus");
    ck_assert_uint_eq(mask, 7);
    ck_assert(!log_parse_channels("int,", &mask, bad, sizeof(bad)));
    ck_assert(!log_parse_channels("in", &mask, bad, 2));
    ck_assert_str_eq(bad, "i");
}
END_TEST

static void slurp(const char *path, char *text, size_t n)
{
    FILE *f = fopen(path, "r");

    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, n - 1, f)] = 0;
    fclose(f);
}

START_TEST(channels_and_once)
{
    char path[] = "/tmp/ringer-log-XXXXXX", text[1024];
    int fd = mkstemp(path);
    struct log *log = log_new(path, LOG_UNIMP | LOG_GUEST_ERRORS);

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_ptr_nonnull(log);
    ck_assert(log_on(log, LOG_UNIMP));
    ck_assert(!log_on(log, LOG_INT));
    log_write(log, LOG_INT, "silent");
    for (int i = 0; i < 3; i++)
        log_unimp(log, "corner %d", i / 2);
    for (int i = 0; i < 5; i++)
        log_guest_error(log, "odd");
    for (int i = 0; i < 2; i++)
        log_host_error(log, "disk full");
    log_set_channels(log, 0xFF);
    log_write(log, LOG_INT, "heard %d", 42);
    log_free(log);
    slurp(path, text, sizeof(text));
    unlink(path);
    ck_assert_ptr_null(strstr(text, "silent"));
    ck_assert_ptr_nonnull(strstr(text, "not emulated: corner 0\nnot emulated: corner 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "guest error: odd\n"));
    ck_assert_ptr_nonnull(strstr(text, "heard 42\n"));
    ck_assert_ptr_nonnull(strstr(text, "odd (5 times)"));
    ck_assert_ptr_nonnull(strstr(text, "host error: disk full\n"));
    ck_assert_ptr_nonnull(strstr(text, "disk full (2 times)"));
}
END_TEST

START_TEST(no_log)
{
    log_write(NULL, LOG_INT, "x");
    log_unimp(NULL, "x");
    log_guest_error(NULL, "x");
    log_host_error(NULL, "x");
    log_set_channels(NULL, 1);
    log_free(NULL);
    ck_assert(!log_on(NULL, LOG_INT));
    ck_assert_ptr_null(log_new("/nonexistent/file", 0));
}
END_TEST

START_TEST(error_line)
{
    struct error e;
    char big[1000];

    ck_assert(!error_set(&e, "%s: %d", "a\nb", 3));
    ck_assert_str_eq(e.text, "a b: 3");
    ck_assert(!error_set(NULL, "x"));
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = 0;
    error_set(&e, "%s", big);
    ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("log");
    TCase *c = tcase_create("log");
    SRunner *runner = srunner_create(s);
    int failed;

    tcase_add_test(c, parse_channels);
    tcase_add_test(c, channels_and_once);
    tcase_add_test(c, no_log);
    tcase_add_test(c, error_line);
    suite_add_tcase(s, c);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
