/* wait-picture: its conditions, and what they say of made-up pictures. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/command.h"
#include "vmm/script_picture.h"

static struct picture_wait question(const char *line)
{
    struct picture_wait w;
    double seconds = 30;
    char copy[200], why[200] = "", *argv[COMMAND_ARGS];

    ck_assert_uint_lt(strlen(line), sizeof copy);
    strcpy(copy, line);
    int argc = command_split(copy, argv, COMMAND_ARGS);
    ck_assert_msg(picture_wait_parse(argc, argv, &w, &seconds, why, sizeof why), "%s", why);
    return w;
}

/* 40 x 20, black but for a red rectangle of 10 x 5 at (4, 2). */
static struct picture sample(void)
{
    struct picture p = {40, 20, calloc(40 * 20, sizeof(uint32_t))};

    ck_assert_ptr_nonnull(p.pixels);
    for (unsigned y = 2; y < 7; y++)
        for (unsigned x = 4; x < 14; x++)
            p.pixels[y * 40 + x] = 0xFF0000;
    return p;
}

/* The sample, with the pixel at (X, Y) made blue. */
static struct picture touched(unsigned x, unsigned y)
{
    struct picture p = sample();

    p.pixels[y * 40 + x] = 0x0000FF;
    return p;
}

static bool look(struct picture_watch *watch, const char *line, struct picture p, uint64_t now)
{
    struct picture_wait w = question(line);
    bool holds = picture_watch_look(watch, &w, &p, now);

    ck_assert_ptr_null(p.pixels); /* the watch's now */
    return holds;
}

/* What one look at the sample says. */
static bool holds(const char *line)
{
    struct picture_watch watch = {0};

    picture_watch_begin(&watch);
    bool result = look(&watch, line, sample(), 0);
    picture_watch_free(&watch);
    return result;
}

START_TEST(one_look)
{
    ck_assert(holds("size=40x20"));
    ck_assert(!holds("size=40x21"));
    ck_assert(!holds("size=41x20"));
    ck_assert(holds("colours=2"));
    ck_assert(!holds("colours=3"));
    ck_assert(holds("area=4,2,10,5 colours=1"));
    ck_assert(!holds("area=4,2,10,5 colours=2"));
    ck_assert(holds("area=3,2,10,5 colours=2"));
    ck_assert(holds("pixel=4,2,ff0000 pixel=13,6,FF0000 pixel=14,6,000000"));
    ck_assert(!holds("pixel=4,2,ff0000 pixel=14,6,ff0000"));
    ck_assert(!holds("pixel=40,0,000000"));
    ck_assert(!holds("pixel=0,20,000000"));
    ck_assert(!holds("size=40x20 colours=3"));
}
END_TEST

/* The sums are those that zlib (or Python) gives for the bytes. */
START_TEST(checksums)
{
    ck_assert(holds("area=4,2,1,1 crc=41d9edff")); /* FF 00 00 */
    ck_assert(holds("area=13,6,1,1 crc=41D9EDFF"));
    ck_assert(!holds("area=3,2,1,1 crc=41d9edff"));
    ck_assert(holds("area=0,0,1,1 crc=ff41d912")); /* 00 00 00 */
    ck_assert(holds("area=39,19,100,100 crc=ff41d912"));
    ck_assert(holds("area=100,100,5,5 crc=00000000"));
    ck_assert(!holds("area=4,2,1,1 crc=00000000"));
}
END_TEST

START_TEST(changes_since_the_mark)
{
    struct picture_watch watch = {0};

    picture_watch_begin(&watch);
    ck_assert(look(&watch, "changed=800", sample(), 0)); /* no mark yet */
    picture_watch_begin(&watch);
    ck_assert(!look(&watch, "changed=1", sample(), 10));
    ck_assert(!look(&watch, "changed=2", touched(30, 10), 20));
    ck_assert(!look(&watch, "area=0,0,30,20 changed=1", touched(30, 10), 30));
    picture_watch_begin(&watch);
    ck_assert(look(&watch, "area=30,0,10,20 changed=1", touched(30, 10), 40));
    picture_watch_begin(&watch);
    ck_assert(!look(&watch, "changed=1", touched(30, 10), 50)); /* that is the mark now */
    ck_assert(look(&watch, "changed=2", touched(31, 10), 60));
    picture_watch_free(&watch);
}
END_TEST

START_TEST(standing_still)
{
    struct picture_watch watch = {0};
    char text[200];

    picture_watch_begin(&watch);
    ck_assert(!look(&watch, "still=1", sample(), 1000));
    ck_assert(!look(&watch, "still=1", sample(), 1999));
    ck_assert(!look(&watch, "still=1", touched(0, 0), 2000));
    ck_assert(!look(&watch, "still=1", touched(0, 0), 2999));
    picture_watch_say(&watch, text, sizeof text);
    ck_assert_msg(strstr(text, "40x20, colours=3, changed=800"), "%s", text);
    ck_assert_msg(strstr(text, "still for 1.0 s"), "%s", text);
    ck_assert(look(&watch, "still=1", touched(0, 0), 3000));
    picture_watch_begin(&watch); /* the next step counts anew */
    ck_assert(!look(&watch, "still=1", touched(0, 0), 9000));
    ck_assert(!look(&watch, "area=5,5,5,5 still=0.5", touched(0, 0), 9100));
    ck_assert(look(&watch, "area=5,5,5,5 still=0.5", touched(1, 0), 9600));
    picture_watch_free(&watch);
}
END_TEST

static const struct {
    const char *line, *message;
} wrong[] = {
    {"size", "'size': it is size=WIDTHxHEIGHT"},
    {"size=640", "'size=640'"},
    {"size=640x", "size=WIDTHxHEIGHT"},
    {"size=0x5", "size="},
    {"size=640x480x3", "size="},
    {"size=-1x5", "size="},
    {"size=99999999999999999999x5", "size="},
    {"area=1,2,3", "area=X,Y,WIDTH,HEIGHT"},
    {"area=1,2,0,4", "area="},
    {"colours=0", "colours=NUMBER"},
    {"colours=many", "colours=NUMBER"},
    {"changed=1,2", "changed=PIXELS"},
    {"still=0", "still=SECONDS"},
    {"still=long", "still=SECONDS"},
    {"crc=123", "crc=8 hex"},
    {"crc=123456789", "crc=8 hex"},
    {"pixel=1,2", "pixel=X,Y,RRGGBB"},
    {"pixel=1,2,red", "pixel=X,Y,RRGGBB"},
    {"pixel=1,2,ff00000", "pixel=X,Y,RRGGBB"},
    {"colors=3", "'colors=3' is not one of size="},
    {"10", "'10' is not one of"},
    {"colours=3 soon", "'soon' is no number of seconds"},
    {"colours=3 10 changed=1", "'10' is not one of"},
    {"pixel=1,1,000000 pixel=1,1,000000 pixel=1,1,000000 pixel=1,1,000000 pixel=1,1,000000 "
     "pixel=1,1,000000 pixel=1,1,000000 pixel=1,1,000000 pixel=1,1,000000",
     "pixel="},
};

START_TEST(wrong_ones_are_named)
{
    struct picture_wait w;
    double seconds;
    char copy[200], why[200] = "", *argv[COMMAND_ARGS];

    strcpy(copy, wrong[_i].line);
    int argc = command_split(copy, argv, COMMAND_ARGS);
    ck_assert(!picture_wait_parse(argc, argv, &w, &seconds, why, sizeof why));
    ck_assert_msg(strstr(why, wrong[_i].message), "%s", why);
}
END_TEST

START_TEST(limits_of_time)
{
    struct picture_wait w;
    double seconds = 30;
    char why[200] = "", *argv[] = {"still=1.5", "2.5"};

    ck_assert(picture_wait_parse(1, argv, &w, &seconds, why, sizeof why));
    ck_assert_double_eq(seconds, 30);
    ck_assert_double_eq(w.still, 1.5);
    ck_assert(picture_wait_parse(2, argv, &w, &seconds, why, sizeof why));
    ck_assert_double_eq(seconds, 2.5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script_picture");
    TCase *tc = tcase_create("script_picture");

    tcase_add_test(tc, one_look);
    tcase_add_test(tc, checksums);
    tcase_add_test(tc, changes_since_the_mark);
    tcase_add_test(tc, standing_still);
    tcase_add_loop_test(tc, wrong_ones_are_named, 0, sizeof wrong / sizeof *wrong);
    tcase_add_test(tc, limits_of_time);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
