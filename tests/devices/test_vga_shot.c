/* Shots: what is drawn bit by bit must be the picture that is drawn at once, whatever was written
 * in between and by which way; and only what differs is reported. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/vga_modes.h"
#include "devices/vga_shot.h"
#include "vga_rig.h"

enum { MAX_PIXELS = 1024 * 768, MS = 1000000 };

static struct vga_rig rig;
static struct vga_shot *shot;
static uint32_t *pixels;
static unsigned width, height, count;
static struct vga_rect rects[VGA_SHOT_RECTS];
static uint32_t seed;

static void setup(void)
{
    vga_rig_start(&rig, 4 << 20);
    shot = vga_shot_new(rig.vga);
    pixels = malloc(MAX_PIXELS * sizeof(*pixels));
    width = height = 0;
    seed = 1;
}

static void teardown(void)
{
    vga_shot_free(shot);
    free(pixels);
    vga_rig_stop(&rig);
}

static uint32_t draw(uint32_t below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

/* Take and draw; true when something is new. */
static bool refresh(void)
{
    unsigned w, h;

    if (!vga_shot_take(shot)) {
        count = 0;
        return false;
    }
    vga_shot_size(shot, &w, &h);
    ck_assert_uint_le(w * h, MAX_PIXELS);
    count = vga_shot_draw(shot, w != width || h != height, pixels, w, rects);
    width = w;
    height = h;
    return true;
}

static void check_same(const char *what)
{
    vga_rig_draw(&rig);
    ck_assert_uint_eq(rig.width, width);
    ck_assert_uint_eq(rig.height, height);
    for (unsigned i = 0; i < width * height; i++)
        if (rig.pixels[i] != pixels[i])
            ck_abort_msg("%s: pixel %u,%u is %06x, not %06x", what, i % width, i / width,
                         pixels[i], rig.pixels[i]);
}

/* No pixel outside the reported rectangles differs from BEFORE. */
static void check_rects(const uint32_t *before)
{
    for (unsigned i = 0; i < width * height; i++) {
        unsigned x = i % width, y = i / width;
        bool inside = false;

        if (before[i] == pixels[i])
            continue;
        for (unsigned r = 0; r < count; r++)
            inside |= x >= rects[r].x && x < rects[r].x + rects[r].width && y >= rects[r].y &&
                      y < rects[r].y + rects[r].height;
        ck_assert_msg(inside, "pixel %u,%u changed unreported", x, y);
    }
}

START_TEST(random_writes_are_all_seen)
{
    static const uint8_t modes[] = {0x01, 0x03, 0x04, 0x06, 0x07, 0x0D, 0x10, 0x12, 0x13};
    uint32_t *before = malloc(MAX_PIXELS * sizeof(*before));

    for (unsigned m = 0; m < sizeof(modes); m++) {
        const struct vga_mode *mode = vga_mode_find(modes[m]);

        vga_rig_mode(&rig, modes[m]);
        ck_assert(refresh());
        check_same("fresh mode");
        for (unsigned round = 0; round < 12; round++) {
            memcpy(before, pixels, width * height * sizeof(*before));
            for (unsigned i = draw(20); i > 0; i--)
                vga_rig_poke(&rig, mode->segment * 16 + draw(mode->graphics ? 0x8000 : 0x1000),
                             draw(256));
            if (draw(4) == 0) /* cursor and start move */
                vga_rig_set(&rig, modes[m] == 7 ? 0x3B4 : 0x3D4, 0x0C + draw(4), draw(4));
            if (draw(6) == 0)
                vga_rig_set(&rig, 0x3C0, draw(16), draw(64));
            vclock_advance(rig.board.clock, draw(300) * MS);
            refresh();
            check_same("after writes");
            check_rects(before);
        }
    }
    free(before);
}
END_TEST

START_TEST(nothing_new_is_nothing)
{
    vga_rig_mode(&rig, 0x03);
    vga_rig_set(&rig, 0x3D4, 0x0A, 0x20); /* no cursor: it would blink */
    refresh();
    ck_assert(!refresh());
    vga_rig_poke(&rig, 0xB8000, 0); /* what is there already */
    ck_assert(!refresh());
    vga_rig_poke(&rig, 0xB8000, 'x');
    vga_rig_poke(&rig, 0xB8001, 0x07);
    ck_assert(refresh());
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_le(rects[0].x + rects[0].width, 9);
    ck_assert_uint_le(rects[0].y + rects[0].height, 16);
}
END_TEST

START_TEST(the_cursor_blinks_alone)
{
    vga_rig_mode(&rig, 0x03);
    vga_rig_set(&rig, 0x3D4, 0x0E, 0);
    vga_rig_set(&rig, 0x3D4, 0x0F, 82); /* column 2 of row 1 */
    vga_rig_poke(&rig, 0xB8000 + 82 * 2 + 1, 0x07);
    refresh();
    unsigned blinks = 0;
    for (unsigned i = 0; i < 100; i++) {
        vclock_advance(rig.board.clock, 10 * MS);
        if (!refresh())
            continue;
        blinks++;
        ck_assert_uint_eq(count, 1);
        ck_assert_uint_eq(rects[0].x, 18);
        ck_assert_uint_ge(rects[0].y, 16);
        ck_assert_uint_le(rects[0].y + rects[0].height, 32);
    }
    ck_assert_uint_ge(blinks, 7); /* 70 frames a second, 8 on and 8 off */
    ck_assert_uint_le(blinks, 9);
}
END_TEST

START_TEST(a_changed_glyph_shows_everywhere)
{
    vga_rig_mode(&rig, 0x03);
    for (unsigned i = 0; i < 80 * 25; i++) {
        vga_rig_poke(&rig, 0xB8000 + i * 2, i % 80 == 40 ? 'Z' : ' ');
        vga_rig_poke(&rig, 0xB8001 + i * 2, 0x07);
    }
    refresh();
    vga_rig_set(&rig, 0x3C4, 2, 4); /* plane 2, sequential, at A0000h */
    vga_rig_set(&rig, 0x3C4, 4, 6);
    vga_rig_set(&rig, 0x3CE, 5, 0);
    vga_rig_set(&rig, 0x3CE, 6, 4);
    vga_rig_poke(&rig, 0xA0000 + 'Z' * 32 + 3, 0xA5);
    vga_rig_set(&rig, 0x3C4, 2, 3);
    vga_rig_set(&rig, 0x3C4, 4, 2);
    vga_rig_set(&rig, 0x3CE, 5, 0x10);
    vga_rig_set(&rig, 0x3CE, 6, 0x0E);
    refresh();
    check_same("glyph");
}
END_TEST

/* Writes of the linear frame buffer as the guest makes them: plain memory, with phys's log. */
START_TEST(the_linear_frame_buffer_is_followed)
{
    static const uint16_t depths[] = {4, 8, 15, 16, 24, 32};

    for (unsigned d = 0; d < 6; d++) {
        vga_rig_dispi(&rig, 4, 0);
        vga_rig_mode(&rig, 0x12); /* the palette is on */
        vga_rig_dispi(&rig, 1, 640);
        vga_rig_dispi(&rig, 2, 480);
        vga_rig_dispi(&rig, 3, depths[d]);
        vga_rig_dispi(&rig, 4, 0x41);
        refresh();
        check_same("fresh frame buffer");
        for (unsigned round = 0; round < 30; round++) {
            for (unsigned i = draw(8) + 1; i > 0; i--)
                vga_rig_poke(&rig, 0xE0000000 + draw(640 * 480 * (depths[d] < 8 ? 8 : depths[d]) / 8),
                             draw(256));
            if (draw(8) == 0)
                vga_rig_dispi(&rig, 9, draw(100)); /* scrolls */
            refresh();
            check_same("frame buffer");
        }
        vga_rig_dispi(&rig, 9, 0);
        /* A page that changes all the time is not logged any more, and still followed. */
        for (unsigned round = 0; round < 20; round++) {
            vga_rig_poke(&rig, 0xE0004000, round);
            refresh();
            check_same("hot page");
        }
        ck_assert(!(phys_frame_flags(rig.board.phys, 0xE0004) & FRAME_LOGGED));
        for (unsigned round = 0; round < 10; round++)
            refresh();
        ck_assert(phys_frame_flags(rig.board.phys, 0xE0004) & FRAME_LOGGED);
    }
}
END_TEST

/* The window as plain memory has a log of its own. */
START_TEST(the_plain_window_is_followed)
{
    vga_rig_mode(&rig, 0x13);
    for (unsigned i = 0; i < 1000; i++)
        vga_rig_poke(&rig, 0xA0000, i);
    refresh();
    check_same("plain window");
    ck_assert(phys_frame_flags(rig.board.phys, 0xA0) & FRAME_LOGGED);
    ck_assert(!refresh());
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = draw(4) + 1; i > 0; i--)
            vga_rig_poke(&rig, (draw(2) ? 0xA0000 : 0xE0000000) + draw(64000), draw(256));
        if (draw(5) == 0) { /* planes for a while: what was written before must not be lost */
            vga_rig_set(&rig, 0x3C4, 2, 0x0D);
            vga_rig_poke(&rig, 0xA0000 + draw(64000), draw(256));
            vga_rig_set(&rig, 0x3C4, 2, 0x0F);
            for (unsigned i = draw(400); i > 0; i--)
                vga_rig_poke(&rig, 0xA0000 + draw(64000), draw(256));
        }
        refresh();
        check_same("plain window");
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_shot");
    TCase *tc = tcase_create("shot");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, random_writes_are_all_seen);
    tcase_add_test(tc, nothing_new_is_nothing);
    tcase_add_test(tc, the_cursor_blinks_alone);
    tcase_add_test(tc, a_changed_glyph_shows_everywhere);
    tcase_add_test(tc, the_linear_frame_buffer_is_followed);
    tcase_add_test(tc, the_plain_window_is_followed);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
