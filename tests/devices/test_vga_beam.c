/* Registers that change in the middle of the picture show from the next scan line on. */
#include <check.h>
#include <stdlib.h>

#include "devices/vga_shot.h"
#include "vga_rig.h"

enum { LINE_NS = 31778, FRAME_LINES = 449 }; /* mode 13h: 800 dots of 25.175 MHz */

static struct vga_rig rig;
static uint64_t now; /* in lines since the frame that began when the test did */

static void setup(void)
{
    vga_rig_start(&rig, 512 << 10);
    vga_rig_mode(&rig, 0x13);
    vga_rig_out(&rig, 0x3C8, 0);
    for (int i = 0; i < 3; i++)
        vga_rig_out(&rig, 0x3C9, 0);
    vclock_advance(rig.board.clock, 200 * 1000000); /* the mode's setting is forgotten */
    while (!(vga_rig_in(&rig, 0x3DA) & 8))
        vclock_advance(rig.board.clock, LINE_NS);
    while (vga_rig_in(&rig, 0x3DA) & 8)
        vclock_advance(rig.board.clock, LINE_NS);
    while (vga_rig_in(&rig, 0x3DA) & 1) /* to the top, within a line */
        vclock_advance(rig.board.clock, LINE_NS / 20);
    vclock_advance(rig.board.clock, LINE_NS / 3);
    now = 0;
}

static void teardown(void)
{
    vga_rig_stop(&rig);
}

static void go_to(unsigned frame, unsigned line)
{
    uint64_t to = (uint64_t)frame * FRAME_LINES + line;

    ck_assert_uint_ge(to, now);
    /* Lines are not whole nanoseconds. */
    vclock_advance(rig.board.clock, to * 800 * 1000000 / 25175 - now * 800 * 1000000 / 25175);
    now = to;
}

static void color(uint8_t red, uint8_t green, uint8_t blue)
{
    vga_rig_out(&rig, 0x3C8, 0);
    vga_rig_out(&rig, 0x3C9, red);
    vga_rig_out(&rig, 0x3C9, green);
    vga_rig_out(&rig, 0x3C9, blue);
}

static void bars(unsigned frame)
{
    go_to(frame, 99);
    color(63, 0, 0);
    go_to(frame, 199);
    color(0, 63, 0);
    go_to(frame, 299);
    color(0, 0, 63);
    go_to(frame, 410); /* the blanking: the next frame's top */
    color(0, 0, 0);
}

static void check_bars(void)
{
    static const uint32_t colors[4] = {0, 0xFF0000, 0x00FF00, 0x0000FF};

    for (unsigned y = 0; y < 400; y++)
        ck_assert_msg(vga_rig_pixel(&rig, 5, y) == colors[y / 100], "line %u is %06x", y,
                      vga_rig_pixel(&rig, 5, y));
}

START_TEST(colour_bars)
{
    bars(0);
    vga_rig_draw(&rig); /* once is no effect */
    for (unsigned y = 0; y < 400; y++)
        ck_assert_uint_eq(vga_rig_pixel(&rig, 5, y), 0);
    bars(1);
    vga_rig_draw(&rig);
    check_bars();
    go_to(2, 50); /* no change yet in this frame: still the one before */
    vga_rig_draw(&rig);
    check_bars();
    go_to(12, 50); /* over */
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 5, 150), 0);
}
END_TEST

/* A frame for which the guest had no time shows nothing of its own. */
START_TEST(missed_lines)
{
    bars(0);
    bars(1);
    go_to(2, 299);
    color(0, 0, 63);
    go_to(2, 410);
    color(0, 0, 0);
    vga_rig_draw(&rig);
    check_bars();
}
END_TEST

/* Bars in the border: beside the picture, above it and below. */
START_TEST(border_bars)
{
    static const struct {
        unsigned line;
        uint8_t red;
    } changes[] = {{99, 1}, {299, 2}, {402, 3}, {410, 4}, {443, 5}};
    struct vga_shot *shot = vga_shot_new(rig.vga);
    struct vga_border *b = calloc(1, sizeof *b);
    uint32_t colors[6] = {0};

    for (unsigned i = 1; i < 6; i++) {
        vga_rig_out(&rig, 0x3C8, i); /* the border's registers, which the picture does not show */
        for (unsigned k = 0; k < 3; k++)
            vga_rig_out(&rig, 0x3C9, k ? 0 : i * 8);
        colors[i] = (uint32_t)(i * 8 << 2 | i * 8 >> 4) << 16;
    }
    for (unsigned frame = 12; frame < 15; frame++) /* when the palette's setting is forgotten */
        for (unsigned i = 0; i < 5; i++) {
            go_to(frame, changes[i].line);
            vga_rig_set(&rig, 0x3C0, 0x11, changes[i].red);
        }
    vga_shot_take(shot);
    vga_shot_border(shot, b);
    ck_assert_uint_eq(b->above, 8);
    ck_assert_uint_eq(b->below, 6);
    ck_assert_uint_eq(b->count, 414);
    for (unsigned y = 0; y < b->count; y++) {
        unsigned now = y < 3 ? 4 : y < 108 ? 5 : y < 308 ? 1 : y < 411 ? 2 : 3;
        ck_assert_msg(b->line[y] == colors[now], "line %u is %06x", y, b->line[y]);
    }
    go_to(26, 0);
    vga_shot_take(shot);
    vga_shot_border(shot, b);
    ck_assert_uint_eq(b->count, 1);
    ck_assert_uint_eq(b->line[0], colors[5]);
    free(b);
    vga_shot_free(shot);
}
END_TEST

/* A mode of the display interface, whose frames are a 60th of a second. */
START_TEST(packed_bars)
{
    static const uint32_t colors[2] = {0xFF0000, 0x0000FF};
    enum { YRES = 480, TOTAL = YRES + YRES / 20 + 4 };
    const uint64_t line = 1000000000 / 60 / TOTAL;

    vga_rig_dispi(&rig, 1, 640);
    vga_rig_dispi(&rig, 2, YRES);
    vga_rig_dispi(&rig, 3, 8);
    vga_rig_dispi(&rig, 4, 1);
    for (unsigned frame = 0; frame < 4; frame++) {
        while (!(vga_rig_in(&rig, 0x3DA) & 8))
            vclock_advance(rig.board.clock, line / 4);
        color(63, 0, 0);
        while (vga_rig_in(&rig, 0x3DA) & 1) /* to the picture's first line */
            vclock_advance(rig.board.clock, line / 20);
        vclock_advance(rig.board.clock, 200 * line);
        color(0, 0, 63);
    }
    while (!(vga_rig_in(&rig, 0x3DA) & 8))
        vclock_advance(rig.board.clock, line / 4);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(rig.height, YRES);
    for (unsigned y = 0; y < YRES; y++)
        if (y < 198 || y > 203)
            ck_assert_msg(vga_rig_pixel(&rig, 9, y) == colors[y > 200], "line %u is %06x", y,
                          vga_rig_pixel(&rig, 9, y));
    vga_rig_dispi(&rig, 4, 0); /* the records are the mode's */
    vga_rig_draw(&rig);
}
END_TEST

START_TEST(shots_follow)
{
    struct vga_shot *shot = vga_shot_new(rig.vga);
    struct vga_rect rects[VGA_SHOT_RECTS];
    uint32_t *pixels = calloc(640 * 400, sizeof *pixels);

    for (unsigned frame = 0; frame < 12; frame++) {
        if (frame < 4)
            bars(frame);
        go_to(frame, 420);
        if (vga_shot_take(shot))
            vga_shot_draw(shot, frame == 0, pixels, 640, rects);
        vga_rig_draw(&rig);
        for (unsigned y = 0; y < 400; y++)
            ck_assert_uint_eq(pixels[y * 640 + 3], vga_rig_pixel(&rig, 3, y));
        ck_assert_uint_eq(pixels[250 * 640], frame && frame < 9 ? 0x00FF00 : 0);
    }
    ck_assert(!vga_shot_take(shot));
    free(pixels);
    vga_shot_free(shot);
}
END_TEST

/* Panning, line compare, palette and pixel mask, each in the middle. */
START_TEST(other_registers)
{
    for (unsigned i = 0; i < 64000; i++)
        vga_rig_poke(&rig, 0xA0000 + i, i % 320 + i / 320);
    vga_rig_set(&rig, 0x3D4, 0x07, 0x0F); /* line compare's upper bits clear: below 256 */
    vga_rig_set(&rig, 0x3D4, 0x09, 0x01);
    vga_rig_set(&rig, 0x3D4, 0x18, 0xFF);
    vga_rig_draw(&rig);
    uint32_t at_8 = vga_rig_pixel(&rig, 8, 120), top = vga_rig_pixel(&rig, 0, 0);
    uint32_t under = vga_rig_pixel(&rig, 0, 250);
    for (unsigned frame = 0; frame < 2; frame++) {
        go_to(frame, 99);
        vga_rig_set(&rig, 0x3C0, 0x13, 6);
        go_to(frame, 199);
        vga_rig_set(&rig, 0x3C0, 0x13, 0);
        vga_rig_set(&rig, 0x3D4, 0x18, 219); /* line 220 is the memory's first */
        go_to(frame, 299);
        vga_rig_out(&rig, 0x3C6, 0);
        go_to(frame, 410);
        vga_rig_set(&rig, 0x3D4, 0x18, 0xFF);
        vga_rig_out(&rig, 0x3C6, 0xFF);
    }
    vga_rig_draw(&rig);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 2, 120), at_8); /* panned by six dots */
    ck_assert_uint_eq(vga_rig_pixel(&rig, 0, 220), top);
    ck_assert_uint_ne(vga_rig_pixel(&rig, 0, 250), under);
    ck_assert_uint_eq(vga_rig_pixel(&rig, 100, 320), 0); /* colour 0 is all that is left */
}
END_TEST

/* More changes than are kept, and a mode set in the middle. */
START_TEST(hostile_frames)
{
    for (unsigned frame = 0; frame < 3; frame++) {
        for (unsigned line = 0; line < 390; line++) {
            go_to(frame, line);
            for (unsigned i = 0; i < 20; i++)
                color(line, i, frame);
        }
        vga_rig_draw(&rig);
    }
    go_to(3, 100);
    vga_rig_mode(&rig, 0x03);
    vga_rig_draw(&rig);
    ck_assert_uint_eq(rig.width, 720);
    for (unsigned i = 0; i < 25; i++) {
        vga_rig_set(&rig, 0x3D4, i, 0xFF);
        vga_rig_set(&rig, 0x3C0, i % 0x15, 0xFF);
        vga_rig_draw(&rig);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vga_beam");
    TCase *tc = tcase_create("beam");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, colour_bars);
    tcase_add_test(tc, missed_lines);
    tcase_add_test(tc, border_bars);
    tcase_add_test(tc, packed_bars);
    tcase_add_test(tc, shots_follow);
    tcase_add_test(tc, other_registers);
    tcase_add_test(tc, hostile_frames);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
