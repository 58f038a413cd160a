/* The Sound Blaster: identification, and a sine by auto-init DMA that is heard without gaps. */
#include "audio_rig.h"
#include "devices/opl3.h"
#include "devices/sb16.h"

#include <math.h>

static struct audio_rig rig;

static void open_card(struct chipset *c)
{
    const struct sb16_config config = {0x220, 5, 1, 5, 0x330};

    chipset_open(c, 1 << 20);
    audio_rig_init(&rig, c);
    sb16_init(&c->board, &config, chipset_wire(c, 0), dma_init(&c->board), &rig.out);
    chipset_out(c, 0x226, 1);
    chipset_out(c, 0x226, 0);
    ck_assert_uint_eq(chipset_in(c, 0x22e) & 0x80, 0x80);
    ck_assert_uint_eq(chipset_in(c, 0x22a), 0xaa);
}

static void commands(struct chipset *c, const uint8_t *bytes, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        chipset_out(c, 0x22c, bytes[i]);
}

enum { TO_MEMORY = 0x55, FROM_MEMORY = 0x59 }; /* modes: channel 1, auto-init */

/* Channel 1 with COUNT bytes at 10000h. */
static void start_dma(struct chipset *c, uint8_t mode, unsigned count)
{
    chipset_out(c, 0x0b, mode);
    chipset_out(c, 0x02, 0);
    chipset_out(c, 0x02, 0);
    chipset_out(c, 0x83, 1);
    chipset_out(c, 0x03, (uint8_t)(count - 1));
    chipset_out(c, 0x03, (uint8_t)((count - 1) >> 8));
    chipset_out(c, 0x0a, 1);
}

START_TEST(test_identification)
{
    struct chipset c;

    open_card(&c);
    commands(&c, (uint8_t[]){0xe1}, 1);
    ck_assert_uint_eq(chipset_in(&c, 0x22a), 4);
    ck_assert_uint_eq(chipset_in(&c, 0x22a), 5);
    commands(&c, (uint8_t[]){0xe0, 0x3c}, 2);
    ck_assert_uint_eq(chipset_in(&c, 0x22a), 0xc3);
    chipset_out(&c, 0x224, 0x80);
    ck_assert_uint_eq(chipset_in(&c, 0x225), 2);
    commands(&c, (uint8_t[]){0xf2}, 1);
    ck_assert_int_eq(c.level[5], 1);
    chipset_in(&c, 0x22e);
    ck_assert_int_eq(c.level[5], 0);
    chipset_close(&c);
}
END_TEST

/* The bytes that Creative's own drivers expect for E2h, one after the other, by channel 1. */
START_TEST(test_identification_by_dma)
{
    static const uint8_t asked[] = {0x00, 0x00, 0xff, 0x3c}, expected[] = {0x40, 0xe5, 0x7b, 0xe1};
    struct chipset c;
    uint8_t got[sizeof expected];

    open_card(&c);
    start_dma(&c, TO_MEMORY, 256);
    for (unsigned i = 0; i < sizeof asked; i++)
        commands(&c, (uint8_t[]){0xe2, asked[i]}, 2);
    phys_read(c.board.phys, 0x10000, got, sizeof got);
    ck_assert_mem_eq(got, expected, sizeof got);
    chipset_close(&c);
}
END_TEST

/* Old and new registers are two ways to the same volumes; reset puts them back; MIDI commands
 * swallow what follows until the DSP is reset. */
START_TEST(test_mixer_and_midi)
{
    struct chipset c;

    open_card(&c);
    chipset_out(&c, 0x224, 0x22);
    chipset_out(&c, 0x225, 0x5a);
    chipset_out(&c, 0x224, 0x30);
    ck_assert_uint_eq(chipset_in(&c, 0x225), 0x58);
    chipset_out(&c, 0x224, 0x31);
    ck_assert_uint_eq(chipset_in(&c, 0x225), 0xa8);
    chipset_out(&c, 0x224, 0);
    chipset_out(&c, 0x225, 0);
    chipset_out(&c, 0x224, 0x22);
    ck_assert_uint_eq(chipset_in(&c, 0x225), 0xff);
    commands(&c, (uint8_t[]){0x35, 0x90, 0x40, 0x7f, 0xe1}, 5);
    ck_assert_uint_eq(chipset_in(&c, 0x22e) & 0x80, 0);
    chipset_out(&c, 0x226, 1);
    chipset_out(&c, 0x226, 0);
    ck_assert_uint_eq(chipset_in(&c, 0x22a), 0xaa);
    commands(&c, (uint8_t[]){0x38, 0x90, 0xe1}, 3);
    ck_assert_uint_eq(chipset_in(&c, 0x22a), 4);
    chipset_close(&c);
}
END_TEST

START_TEST(test_mpu401)
{
    struct chipset c;

    open_card(&c);
    ck_assert_uint_eq(chipset_in(&c, 0x331) & 0xc0,
                      0x80); /* nothing to read, ready to be written to */
    chipset_out(&c, 0x331, 0xff);
    ck_assert_uint_eq(chipset_in(&c, 0x331) & 0xc0, 0);
    ck_assert_uint_eq(chipset_in(&c, 0x330), 0xfe);
    chipset_out(&c, 0x331, 0xac);
    ck_assert_uint_eq(chipset_in(&c, 0x330), 0xfe);
    ck_assert_uint_eq(chipset_in(&c, 0x330), 0x15);
    chipset_out(&c, 0x331, 0x3f);
    ck_assert_uint_eq(chipset_in(&c, 0x330), 0xfe);
    chipset_out(&c, 0x330, 0x90);
    chipset_out(&c, 0x331, 0xac); /* no command of the UART mode */
    ck_assert_uint_eq(chipset_in(&c, 0x331) & 0xc0, 0x80);
    chipset_out(&c, 0x331, 0xff);
    ck_assert_uint_eq(chipset_in(&c, 0x330), 0xfe);
    ck_assert_int_eq(c.level[5], 0);
    chipset_close(&c);
}
END_TEST

/* Recording by auto-init DMA: silence in the format that is asked for. */
START_TEST(test_recording)
{
    struct chipset c;
    uint8_t got[4] = {1, 2, 3, 4};

    open_card(&c);
    phys_write(c.board.phys, 0x100fe, got, sizeof got);
    start_dma(&c, TO_MEMORY, 256);
    commands(&c, (uint8_t[]){0x42, 0x1f, 0x40, 0xce, 0x00, 0xff, 0x00}, 7); /* 8,000 Hz, unsigned */
    chipset_step(&c, 40 * MS);
    ck_assert_int_eq(c.level[5], 1); /* after 256 bytes, 32 ms */
    phys_read(c.board.phys, 0x100fe, got, sizeof got);
    ck_assert_mem_eq(got, "\x80\x80\3\4", 4);
    chipset_close(&c);
}
END_TEST

/* What the host hears: by DMA, and sample by sample. */
START_TEST(test_recording_the_host)
{
    struct chipset c;
    double re = 0, im = 0;
    unsigned low = 255, high = 0;

    open_card(&c);
    audio_rig_sing(&rig);
    chipset_out(&c, 0x0b, 0x45); /* channel 1 to memory, once */
    chipset_out(&c, 0x83, 1);
    chipset_out(&c, 0x02, 0);
    chipset_out(&c, 0x02, 0);
    chipset_out(&c, 0x03, 0x7f);
    chipset_out(&c, 0x03, 0x02);
    chipset_out(&c, 0x0a, 1);
    commands(&c, (uint8_t[]){0x42, 0x1f, 0x40, 0xc8, 0x00, 0x7f, 0x02}, 7); /* 640 bytes, 80 ms */
    chipset_step(&c, 100 * MS);
    ck_assert_int_eq(c.level[5], 1);
    for (unsigned i = 0; i < 640; i++) {
        uint8_t sample;
        phys_read(c.board.phys, 0x10000 + i, &sample, 1);
        re += (sample - 128) * cos(2 * M_PI * RIG_TONE_HZ * i / 8000);
        im += (sample - 128) * sin(2 * M_PI * RIG_TONE_HZ * i / 8000);
    }
    ck_assert_double_eq_tol(2 * sqrt(re * re + im * im) / 640, 6000 / 256.0, 0.6);
    for (unsigned i = 0; i < 40; i++) {
        commands(&c, (uint8_t[]){0x20}, 1);
        unsigned sample = chipset_in(&c, 0x22a);
        low = sample < low ? sample : low;
        high = sample > high ? sample : high;
        chipset_step(&c, 300000);
    }
    ck_assert_uint_lt(low, 112);
    ck_assert_uint_gt(high, 144);
    chipset_close(&c);
}
END_TEST

START_TEST(test_autoinit_sine)
{
    struct chipset c;
    unsigned interrupts;

    open_card(&c);
    for (unsigned i = 0; i < 1024; i++) { /* 20 periods */
        uint8_t sample = (uint8_t)lrint(128 + 100 * sin(i * M_PI * 40 / 1024));
        phys_write(c.board.phys, 0x10000 + i, &sample, 1);
    }
    start_dma(&c, FROM_MEMORY, 1024);
    commands(&c, (uint8_t[]){0x41, 0x56, 0x22, 0xc6, 0x00, 0xff, 0x01}, 7); /* 22,050 Hz, 512 */
    for (unsigned ms = 0; ms < 1000; ms++) {
        chipset_step(&c, MS);
        if (c.level[5])
            chipset_in(&c, 0x22e);
    }
    interrupts = c.rises[5];
    audio_run(&rig.out);
    ck_assert_uint_ge(interrupts, 42);
    ck_assert_uint_le(interrupts, 43);
    for (unsigned from = 2000; from < 42000; from += 2000)
        ck_assert_double_eq_tol(audio_rig_tone(&rig, 0, from, from + 2000, 22050.0 * 20 / 1024),
                                100 * 256, 600);
    commands(&c, (uint8_t[]){0xda}, 1);
    chipset_step(&c, 100 * MS);
    ck_assert_uint_le(c.rises[5], interrupts + 1);
    chipset_close(&c);
}
END_TEST

/* One channel, its carrier alone: 440 Hz by F-number 580 of block 4. */
START_TEST(test_fm_tone)
{
    static const uint8_t writes[][2] = {{0x20, 0x21}, {0x23, 0x21}, {0x40, 0x3f}, {0x43, 0x00},
                                        {0x60, 0xf0}, {0x63, 0xf0}, {0x80, 0x0f}, {0x83, 0x0f},
                                        {0xc0, 0x30}, {0xa0, 0x44}, {0xb0, 0x32}};
    struct chipset c;

    open_card(&c);
    ck_assert_uint_eq(chipset_in(&c, 0x388), 0);
    for (unsigned i = 0; i < sizeof writes / sizeof *writes; i++) {
        chipset_out(&c, 0x388, writes[i][0]);
        chipset_out(&c, 0x389, writes[i][1]);
    }
    chipset_step(&c, 1000 * MS);
    audio_run(&rig.out);
    ck_assert_double_eq_tol(audio_rig_tone(&rig, 0, 4410, 44100, 49715.9 * 580 / 65536), 4084, 80);
    chipset_out(&c, 0x224, 0x34); /* the mixer's volume for it, left: 12 dB less */
    chipset_out(&c, 0x225, 25 << 3);
    chipset_step(&c, 900 * MS);
    audio_run(&rig.out);
    ck_assert_double_eq_tol(audio_rig_tone(&rig, 0, 48510, 80000, 49715.9 * 580 / 65536), 1026, 20);
    ck_assert_double_eq_tol(audio_rig_tone(&rig, 1, 48510, 80000, 49715.9 * 580 / 65536), 4084, 80);
    chipset_out(&c, 0x388, 0x02);
    chipset_out(&c, 0x389, 0xff);
    chipset_out(&c, 0x388, 0x04);
    chipset_out(&c, 0x389, 0x21);
    chipset_step(&c, 100000);
    ck_assert_uint_eq(chipset_in(&c, 0x388), 0xc0);
    chipset_close(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sb16");
    TCase *t = tcase_create("sb16");

    tcase_add_test(t, test_identification);
    tcase_add_test(t, test_identification_by_dma);
    tcase_add_test(t, test_mixer_and_midi);
    tcase_add_test(t, test_mpu401);
    tcase_add_test(t, test_recording);
    tcase_add_test(t, test_recording_the_host);
    tcase_add_test(t, test_autoinit_sine);
    tcase_add_test(t, test_fm_tone);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
