/* Views of the statistics: text, Prometheus, JSON, and what monitors make of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ringer/ringer.h"
#include "vmm/metrics.h"
#include "vmm/statistics.h"

/* A boot sector that never ends: cli; mov ecx..; loops. */
static const unsigned char sector[] = {0x66, 0xB9, 0x00, 0x00, 0x10, 0x00, 0x66,
                                       0x49, 0x75, 0xFC, 0xE4, 0x61, 0xEB, 0xF2};

/* One window for interrupts in each round: sti; nop; cli; mov ecx, 1000000h; 1: dec ecx; jnz 1b; jmp
 * back.  The timer's interrupts wait for it. */
static const unsigned char waits[] = {0xFB, 0x90, 0xFA, 0x66, 0xB9, 0x00, 0x00, 0x00,
                                      0x01, 0x66, 0x49, 0x75, 0xFC, 0xEB, 0xF1};

struct fixture {
    struct ringer_machine *m;
    char path[64];
    char out[1 << 18];
};

static void power_on_with(struct fixture *f, const unsigned char *code, size_t bytes)
{
    const char *options[] = {"-m", "4", "-monitor", "none", "-snapshot", "-fda", f->path};
    char why[RINGER_ERROR_MAX] = "", image[1440] = "";

    strcpy(f->path, "/tmp/ringer-statistics-XXXXXX");
    int fd = mkstemp(f->path);
    FILE *file = fdopen(fd, "w");
    ck_assert_ptr_nonnull(file);
    memcpy(image, code, bytes);
    image[510] = 0x55;
    image[511] = (char)0xAA;
    fwrite(image, 512, 1, file);
    for (int i = 1; i < 2880; i++)
        fwrite(image + 600, 512, 1, file);
    fclose(file);
    f->m = ringer_machine_new(options, 7, why);
    ck_assert_msg(f->m, "%s", why);
    ck_assert_msg(ringer_machine_start(f->m, why), "%s", why);
}

static void power_on(struct fixture *f)
{
    power_on_with(f, sector, sizeof sector);
}

static void power_off(struct fixture *f)
{
    ringer_machine_free(f->m);
    remove(f->path);
}

static bool run(struct fixture *f, const char *line)
{
    return ringer_machine_command(f->m, line, f->out, sizeof f->out);
}

/* Run LINE until its output has WHAT. */
static bool until(struct fixture *f, const char *line, const char *what)
{
    for (int i = 0; i < 200; i++) {
        ck_assert_msg(run(f, line), "%s: %s", line, f->out);
        if (strstr(f->out, what))
            return true;
        const struct timespec pause = {.tv_nsec = 20000000};
        nanosleep(&pause, NULL);
    }
    return false;
}

START_TEST(views)
{
    static struct fixture f;

    power_on(&f);
    ck_assert_msg(run(&f, "exec_count on"), "%s", f.out);
    ck_assert_msg(run(&f, "exec_count") && strstr(f.out, "is on"), "%s", f.out);
    ck_assert_msg(until(&f, "info tb hot 40", "I 00007c06"), "%s", f.out);
    ck_assert_ptr_nonnull(strstr(f.out, "dec"));
    ck_assert_ptr_nonnull(strstr(f.out, "  O ")); /* guest and host code */
    ck_assert_msg(run(&f, "info tb hot 1 executions"), "%s", f.out);
    ck_assert_ptr_nonnull(strstr(f.out, "I 00007c06"));
    ck_assert(!strstr(f.out, "not counted"));
    ck_assert_msg(until(&f, "info tb block 0x7c06", "  O "), "%s", f.out); /* host code too */
    ck_assert_ptr_nonnull(strstr(f.out, "exit 0 to 00007c06"));
    ck_assert_msg(until(&f, "info exits", "calls{in}"), "%s", f.out);
    ck_assert_ptr_nonnull(strstr(f.out, "exits{instruction}"));
    ck_assert(run(&f, "info windows") && strstr(f.out, "mappings_limit"));
    ck_assert(run(&f, "info fills") && strstr(f.out, "prefetch_hits"));
    ck_assert(run(&f, "info resident") && strstr(f.out, "resident_windows{frames}"));
    ck_assert(strstr(f.out, "resident_cache{code}") && strstr(f.out, "resident_metadata{blocks}"));
    ck_assert(run(&f, "info smc") && strstr(f.out, "writers to pages with code"));
    ck_assert(run(&f, "info tb") && strstr(f.out, "cache_occupancy"));
    ck_assert_msg(until(&f, "info io", "port_accesses{0061"), "%s", f.out);
    ck_assert(run(&f, "info irq") && strstr(f.out, "by vector"));
    ck_assert(run(&f, "exec_count off"));
    ck_assert(run(&f, "info jit") && strstr(f.out, "expansion"));
    power_off(&f);
}
END_TEST

/* The acknowledge lets INTR fall: the wait before it counts all the same. */
START_TEST(interrupt_waits)
{
    static struct fixture f;
    unsigned long long count = 0, average = 0, longest = 0;

    power_on_with(&f, waits, sizeof waits);
    for (int i = 0; i < 500 && longest < 1000; i++) {
        ck_assert_msg(until(&f, "info irq", "08h: "), "%s", f.out);
        ck_assert_int_eq(sscanf(strstr(f.out, "08h: "),
                                "08h: %llu, after %llu us on the average, %llu us", &count,
                                &average, &longest),
                         3);
        const struct timespec pause = {.tv_nsec = 20000000};
        nanosleep(&pause, NULL);
    }
    ck_assert_uint_ge(longest, 1000); /* 16 million rounds take longer on any host */
    power_off(&f);
}
END_TEST

START_TEST(refused)
{
    static struct fixture f;
    static const char *const lines[][2] = {
        {"info tb hot 0", "1 to 4096"},
        {"info tb hot x", "1 to 4096"},
        {"info tb hot -3", "1 to 4096"},
        {"info tb hot 99999999999999999999", "1 to 4096"},
        {"info tb hot 1 2", "usage"},
        {"info tb hot 1 heat", "usage"},
        {"info tb hot time 1", "usage"},
        {"info tb cold", "usage"},
        {"info tb block", "usage"},
        {"info tb block (", ""},
        {"info tb block 0xfffffff0+0xdeadbee0", "no block"},
        {"exec_count maybe", "on or off"},
    };

    power_on(&f);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        ck_assert_msg(!run(&f, lines[i][0]), "%s", lines[i][0]);
        ck_assert_msg(strstr(f.out, lines[i][1]), "%s: %s", lines[i][0], f.out);
    }
    power_off(&f);
}
END_TEST

/* ---- Prometheus ---- */

/* Names as it allows them, HELP and TYPE once a name and before its values, quotes escaped. */
START_TEST(prometheus)
{
    struct statistics_row rows[] = {
        {{"a", "apples", NULL, NULL, "count", "fruit", false, 7}},
        {{"a", "waits", "vector", "20h", "ns", "time", false, 1}},
        {{"a", "held", NULL, NULL, "bytes", "memory", true, 3}},
        {{"a", "waits", "vector", "a\"\\b", "ns", "time", false, 2}},
    };
    const struct statistics all = {rows, 4, 4};
    struct text out = {0};

    statistics_prometheus(&all, &out);
    ck_assert_str_eq(text_string(&out),
                     "# HELP ringer_apples_total fruit\n# TYPE ringer_apples_total counter\n"
                     "ringer_apples_total 7\n"
                     "# HELP ringer_waits_nanoseconds_total time\n"
                     "# TYPE ringer_waits_nanoseconds_total counter\n"
                     "ringer_waits_nanoseconds_total{vector=\"20h\"} 1\n"
                     "ringer_waits_nanoseconds_total{vector=\"a\\\"\\\\b\"} 2\n"
                     "# HELP ringer_held_bytes memory\n# TYPE ringer_held_bytes gauge\n"
                     "ringer_held_bytes 3\n");
    text_free(&out);
}
END_TEST

START_TEST(addresses)
{
    static const char *const good[] = {"unix:/tmp/x",     "tcp:127.0.0.1:9100", "tcp::9100",
                                       "tcp:localhost:1", "tcp:[::1]:65535",    "tcp:127.1.2.3:80"};
    static const char *const bad[] = {"",
                                      "unix:",
                                      "tcp:",
                                      "tcp:127.0.0.1",
                                      "tcp:127.0.0.1:0",
                                      "tcp:127.0.0.1:65536",
                                      "tcp:127.0.0.1:80x",
                                      "tcp:0.0.0.0:80",
                                      "tcp:10.0.0.1:80",
                                      "tcp:[::]:80",
                                      "udp::80",
                                      "tcp::-1"};
    struct metrics_address a;
    struct error err;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(metrics_parse(good[i], &a, &err), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!metrics_parse(bad[i], &a, &err), "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(err.text, "tcp:127.0.0.1:PORT"));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("statistics");
    TCase *tc = tcase_create("statistics");
    tcase_add_test(tc, views);
    tcase_add_test(tc, interrupt_waits);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, prometheus);
    tcase_add_test(tc, addresses);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
