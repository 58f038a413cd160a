/* The speaker: what is programmed is what is heard, and nothing else. */
#include "audio_rig.h"

#include <math.h>

static struct audio_rig rig;

struct fixture {
    struct chipset c;
};

static void open_speaker(struct fixture *f)
{
    chipset_open(&f->c, 0);
    audio_rig_init(&rig, &f->c);
    pcspk_init(&f->c.board, pit_init(&f->c.board, chipset_wire(&f->c, 0)), &rig.out);
}

static void count(struct fixture *f, uint8_t control, uint16_t value)
{
    chipset_out(&f->c, 0x43, control);
    chipset_out(&f->c, 0x42, value & 0xff);
    chipset_out(&f->c, 0x42, value >> 8);
}

START_TEST(test_silent_until_switched_on)
{
    struct fixture f;

    open_speaker(&f);
    count(&f, 0xb6, 1193);
    chipset_step(&f.c, 500 * MS);
    audio_run(&rig.out);
    for (unsigned i = 0; i < rig.out.frames; i++)
        ck_assert_int_eq(rig.mix[i][0], 0);
    chipset_close(&f.c);
}
END_TEST

/* A square wave of 3 kHz: its odd harmonics below half the rate, at their amplitudes, and none of
 * those above folded back. */
START_TEST(test_square_wave_without_aliases)
{
    const unsigned divisor = 397;
    const double hz = 1193182.0 / divisor;
    struct fixture f;

    open_speaker(&f);
    count(&f, 0xb6, divisor);
    chipset_out(&f.c, 0x61, 3);
    chipset_step(&f.c, 1000 * MS);
    audio_run(&rig.out);
    double base = audio_rig_tone(&rig, 0, 8820, 44100, hz);
    ck_assert_double_eq_tol(base, 16000 * 2 / M_PI, 200);
    ck_assert_double_eq_tol(audio_rig_tone(&rig, 1, 8820, 44100, 3 * hz), base / 3, 100);
    for (int harmonic = 9; harmonic < 60; harmonic += 2) {
        double alias = fabs(remainder(harmonic * hz, RIG_RATE));
        if (alias < 14000 && fabs(remainder(alias, hz)) > 50)
            ck_assert_double_lt(audio_rig_tone(&rig, 0, 8820, 44100, alias), base / 1000);
    }
    chipset_out(&f.c, 0x61, 0);
    chipset_step(&f.c, 900 * MS);
    audio_run(&rig.out);
    ck_assert_int_eq(rig.mix[RIG_RATE * 3 / 2][0], 0);
    chipset_close(&f.c);
}
END_TEST

/* Samples as games play them: a pulse of each sample's length, 16,000 times a second. */
START_TEST(test_pulse_width_modulation)
{
    const double hz = 440;
    struct fixture f;

    open_speaker(&f);
    chipset_out(&f.c, 0x43, 0x90); /* mode 0, low byte alone */
    chipset_out(&f.c, 0x61, 3);
    for (unsigned i = 0; i < 16000; i++) {
        chipset_out(&f.c, 0x42, (uint8_t)lrint(37 + 30 * sin(2 * M_PI * hz * i / 16000)));
        chipset_step(&f.c, 62500);
    }
    audio_run(&rig.out);
    double tone = audio_rig_tone(&rig, 0, 8820, 44000, hz);
    ck_assert_double_eq_tol(tone, 16000.0 * 30 / 74.6, 300);
    ck_assert_double_lt(audio_rig_tone(&rig, 0, 8820, 44000, 2 * hz), tone / 20);
    ck_assert_double_lt(audio_rig_tone(&rig, 0, 8820, 44000, 1000), tone / 100);
    chipset_close(&f.c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcspk");
    TCase *t = tcase_create("pcspk");

    tcase_add_test(t, test_silent_until_switched_on);
    tcase_add_test(t, test_square_wave_without_aliases);
    tcase_add_test(t, test_pulse_width_modulation);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
