/* The AC'97 controller: what a driver finds, a sine through a list of buffers, lists that lie. */
#include <math.h>

#include "audio_rig.h"
#include "devices/ac97.h"
#include "devices/pci.h"

enum {
    MIXER = 0xc000,
    MASTER = 0xc400,
    OUT = MASTER + 0x10,
    LIST = 0x1000,
    DATA = 0x10000,
    PIRQC = 2
};

static struct audio_rig rig;

static uint32_t in(struct chipset *c, uint16_t port, unsigned size)
{
    return bus_in(c->board.bus, port, size);
}

static void out(struct chipset *c, uint16_t port, uint32_t value, unsigned size)
{
    bus_out(c->board.bus, port, value, size);
}

static uint32_t config(struct chipset *c, unsigned offset)
{
    out(c, 0xcf8, 0x80001800 | offset, 4);
    return in(c, 0xcfc, 4);
}

static void set_config(struct chipset *c, unsigned offset, uint32_t value)
{
    out(c, 0xcf8, 0x80001800 | offset, 4);
    out(c, 0xcfc, value, 4);
}

static void open_card(struct chipset *c)
{
    struct pci *pci;

    chipset_open(c, 1 << 20);
    audio_rig_init(&rig, c);
    pci = pci_init(&c->board);
    pci_set_router(pci, chipset_wire(c, 0));
    ac97_init(&c->board, pci, pci_devfn(3, 0), &rig.out);
    set_config(c, 0x10, MIXER);
    set_config(c, 0x14, MASTER);
    set_config(c, 0x04, 5);
    out(c, MASTER + 0x2c, 2, 4);
}

/* Entry N of the list: LEN samples at AT. */
static void entry(struct chipset *c, unsigned n, uint32_t at, uint32_t how)
{
    phys_write32(c->board.phys, LIST + 8 * n, at);
    phys_write32(c->board.phys, LIST + 8 * n + 4, how);
}

static void sine(struct chipset *c, unsigned frames, unsigned periods)
{
    for (unsigned i = 0; i < frames; i++) {
        int16_t v = (int16_t)lrint(20000 * sin(i * 2 * M_PI * periods / frames));
        int16_t pair[2] = {v, (int16_t)(v / 2)};
        phys_write(c->board.phys, DATA + 4 * i, pair, sizeof pair);
    }
}

START_TEST(test_identity)
{
    struct chipset c;

    open_card(&c);
    ck_assert_uint_eq(config(&c, 0), 0x24158086);
    ck_assert_uint_eq(config(&c, 8) >> 8, 0x040100);
    ck_assert_uint_eq(in(&c, MASTER + 0x30, 4) & 0x100, 0x100); /* the codec is ready */
    ck_assert_uint_eq(in(&c, MIXER + 0x7c, 2), 0x8384);
    ck_assert_uint_eq(in(&c, MIXER + 0x7e, 2), 0x7600);
    ck_assert_uint_eq(in(&c, MIXER + 0x26, 2), 0x000f);
    ck_assert_uint_eq(in(&c, MIXER + 0x02, 2), 0x8000);
    out(&c, MIXER + 0x02, 0x3f21, 2); /* the sixth bits: as low as it goes */
    ck_assert_uint_eq(in(&c, MIXER + 0x02, 2), 0x1f1f);
    out(&c, MIXER + 0x2c, 22050, 2); /* variable rates are off */
    ck_assert_uint_eq(in(&c, MIXER + 0x2c, 2), 48000);
    out(&c, MIXER + 0x2a, 1, 2);
    out(&c, MIXER + 0x2c, 22050, 2);
    ck_assert_uint_eq(in(&c, MIXER + 0x2c, 2), 22050);
    out(&c, MIXER + 0x2a, 0, 2);
    ck_assert_uint_eq(in(&c, MIXER + 0x2c, 2), 48000);
    /* The semaphore: taken by reading it, given back by an access to the codec. */
    ck_assert_uint_eq(in(&c, MASTER + 0x34, 1), 0);
    ck_assert_uint_eq(in(&c, MASTER + 0x34, 1), 1);
    in(&c, MIXER, 2);
    ck_assert_uint_eq(in(&c, MASTER + 0x34, 1), 0);
    /* A register of a box is reset, but for its interrupts' enables. */
    out(&c, OUT, LIST + 7, 4);
    ck_assert_uint_eq(in(&c, OUT, 4), LIST);
    out(&c, OUT + 0xb, 0x12, 1);
    ck_assert_uint_eq(in(&c, OUT, 4), 0);
    ck_assert_uint_eq(in(&c, OUT + 4, 4), 0x00010000);
    ck_assert_uint_eq(in(&c, OUT + 0xb, 1), 0x10);
    chipset_close(&c);
}
END_TEST

/* A driver keeps LVI one buffer behind what plays: the sine goes on without a gap. */
START_TEST(test_endless_sine)
{
    struct chipset c;
    unsigned interrupts = 0;

    open_card(&c);
    sine(&c, 960, 20); /* 1,000 Hz of 48,000 */
    for (unsigned n = 0; n < 32; n++)
        entry(&c, n, DATA, 1920 | 1u << 31);
    out(&c, MIXER + 0x02, 0x0004, 2); /* right: 6 dB less */
    out(&c, MIXER + 0x18, 0x0808, 2);
    out(&c, OUT, LIST, 4);
    out(&c, OUT + 5, 31, 1);
    out(&c, OUT + 0xb, 0x11, 1);
    for (unsigned ms = 0; ms < 1000; ms++) {
        chipset_step(&c, MS);
        if (!c.level[PIRQC])
            continue;
        interrupts++;
        ck_assert_uint_eq(in(&c, MASTER + 0x30, 4) & 0x40, 0x40);
        ck_assert_uint_eq(in(&c, OUT + 6, 2), 8);
        out(&c, OUT + 6, 0x1c, 2);
        ck_assert_int_eq(c.level[PIRQC], 0);
        out(&c, OUT + 5, in(&c, OUT + 4, 1) + 31, 1);
    }
    ck_assert_uint_ge(interrupts, 49);
    ck_assert_uint_le(interrupts, 50);
    audio_run(&rig.out);
    for (unsigned from = 2000; from < 42000; from += 2000) {
        ck_assert_double_eq_tol(audio_rig_tone(&rig, 0, from, from + 2000, 1000), 20000, 300);
        ck_assert_double_eq_tol(audio_rig_tone(&rig, 1, from, from + 2000, 1000), 5012, 100);
    }
    /* A pause stands still, and goes on where it was. */
    out(&c, OUT + 0xb, 0x10, 1);
    uint32_t left = in(&c, OUT + 8, 2), current = in(&c, OUT + 4, 1);
    chipset_step(&c, 100 * MS);
    ck_assert_uint_eq(in(&c, OUT + 8, 2), left);
    out(&c, OUT + 0xb, 0x11, 1);
    ck_assert_uint_eq(in(&c, OUT + 4, 1), current);
    ck_assert_uint_eq(in(&c, OUT + 8, 2), left);
    chipset_close(&c);
}
END_TEST

/* The last valid buffer halts it, and one more lets it go on; rates are the codec's. */
START_TEST(test_last_buffer)
{
    struct chipset c;

    open_card(&c);
    out(&c, MIXER + 0x2a, 1, 2);
    out(&c, MIXER + 0x2c, 8000, 2);
    for (unsigned n = 0; n < 3; n++)
        entry(&c, n, DATA, 1600); /* 100 ms each */
    out(&c, OUT, LIST, 4);
    out(&c, OUT + 5, 1, 1);
    out(&c, OUT + 0xb, 0x05, 1);
    chipset_step(&c, 190 * MS);
    ck_assert_uint_eq(in(&c, OUT + 4, 1), 1);
    ck_assert_uint_eq(in(&c, OUT + 6, 2), 0);
    ck_assert_int_eq(c.level[PIRQC], 0);
    chipset_step(&c, 20 * MS);
    ck_assert_uint_eq(in(&c, OUT + 6, 2), 7);
    ck_assert_int_eq(c.level[PIRQC], 1);
    out(&c, OUT + 6, 4, 2);
    ck_assert_int_eq(c.level[PIRQC], 0);
    out(&c, OUT + 5, 2, 1);
    ck_assert_uint_eq(in(&c, OUT + 4, 4) & 0xff00ff, 2);
    chipset_step(&c, 110 * MS);
    ck_assert_uint_eq(in(&c, OUT + 6, 2), 7);
    chipset_close(&c);
}
END_TEST

/* Recording writes silence at the ADC's rate. */
START_TEST(test_recording)
{
    static const uint8_t noise[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct chipset c;
    uint8_t got[8];

    open_card(&c);
    phys_write(c.board.phys, DATA, noise, sizeof noise);
    phys_write(c.board.phys, DATA + 2 * 4800 - 4, noise, sizeof noise);
    entry(&c, 0, DATA, 4800 | 1u << 31); /* 50 ms */
    out(&c, MASTER, LIST, 4);
    out(&c, MASTER + 0xb, 0x11, 1);
    chipset_step(&c, 60 * MS);
    ck_assert_int_eq(c.level[PIRQC], 1);
    ck_assert_uint_eq(in(&c, MASTER + 0x30, 4) & 0x20, 0x20);
    phys_read(c.board.phys, DATA, got, sizeof got);
    ck_assert_mem_eq(got, "\0\0\0\0\0\0\0\0", 8);
    phys_read(c.board.phys, DATA + 2 * 4800 - 4, got, sizeof got);
    ck_assert_mem_eq(got, "\0\0\0\0\5\6\7\10", 8); /* and not a sample more */
    chipset_close(&c);
}
END_TEST

/* The amplitude of the rig's tone in COUNT samples recorded at RATE, STEP apart, from FROM on. */
static double recorded(struct chipset *c, uint32_t from, unsigned step, unsigned count, double rate)
{
    double re = 0, im = 0;

    for (unsigned i = 0; i < count; i++) {
        int16_t sample;
        phys_read(c->board.phys, from + i * step, &sample, 2);
        re += sample * cos(2 * M_PI * RIG_TONE_HZ * i / rate);
        im += sample * sin(2 * M_PI * RIG_TONE_HZ * i / rate);
    }
    return 2 * sqrt(re * re + im * im) / count;
}

/* What the host hears, at the ADC's rates and with the codec's gain. */
START_TEST(test_recording_the_host)
{
    struct chipset c;

    open_card(&c);
    audio_rig_sing(&rig);
    out(&c, MIXER + 0x2a, 9, 2); /* both rates can be set */
    out(&c, MIXER + 0x32, 16000, 2);
    out(&c, MIXER + 0x34, 8000, 2);
    entry(&c, 0, DATA, 3200); /* 100 ms */
    entry(&c, 1, DATA + 0x2000, 1600); /* 50 ms for the microphone */
    out(&c, MASTER, LIST, 4);
    out(&c, MASTER + 0x20, LIST + 8, 4);
    out(&c, MASTER + 0xb, 1, 1);
    chipset_step(&c, 120 * MS);
    ck_assert_double_lt(recorded(&c, DATA, 4, 1600, 16000), 1); /* mute */
    out(&c, MIXER + 0x1c, 0x0400, 2); /* left 6 dB */
    out(&c, MASTER + 0xb, 2, 1);
    out(&c, MASTER + 0xb, 0, 1);
    out(&c, MASTER + 0xb, 2, 1);
    out(&c, MASTER, LIST, 4);
    out(&c, MASTER + 0xb, 1, 1);
    out(&c, MASTER + 0x2b, 1, 1);
    chipset_step(&c, 120 * MS);
    ck_assert_uint_eq(in(&c, MASTER + 6, 2) & 1, 1);
    ck_assert_double_eq_tol(recorded(&c, DATA, 4, 1600, 16000), 15962, 160);
    ck_assert_double_eq_tol(recorded(&c, DATA + 2, 4, 1600, 16000), 4000, 40);
    ck_assert_double_eq_tol(recorded(&c, DATA + 0x2000, 2, 400, 8000), 6000, 60);
    chipset_close(&c);
}
END_TEST

/* Empty buffers, lists and samples where nothing is, no bus mastering: it comes to an end. */
START_TEST(test_hostile_lists)
{
    static const uint32_t lists[] = {LIST, 0xfffffff8, 0xa0000, 0xfec00000, 0x100000};
    struct chipset c;

    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++)
        for (unsigned kind = 0; kind < 3; kind++) {
            open_card(&c);
            for (unsigned n = 0; n < 32; n++)
                entry(&c, n, kind ? 0xfffffffe : 0xfffff, kind == 2 ? 1 | 1u << 31 : 0);
            for (uint16_t box = MASTER; box < MASTER + 0x30; box += 0x10) {
                out(&c, box, lists[i], 4);
                out(&c, box + 5, 0xff, 1);
                out(&c, box + 0xb, 0x1d, 1);
            }
            chipset_step(&c, 50 * MS);
            for (uint16_t box = MASTER; box < MASTER + 0x30; box += 0x10)
                ck_assert_uint_eq(in(&c, box + 6, 2) & 5, 5);
            ck_assert_int_eq(c.level[PIRQC], 1);
            set_config(&c, 4, 1);
            out(&c, OUT + 5, 3, 1);
            chipset_step(&c, 50 * MS);
            ck_assert_uint_eq(in(&c, OUT + 6, 2) & 1, 0); /* it waits for the bus */
            chipset_close(&c);
        }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ac97");
    TCase *t = tcase_create("ac97");

    tcase_add_test(t, test_identity);
    tcase_add_test(t, test_endless_sine);
    tcase_add_test(t, test_last_buffer);
    tcase_add_test(t, test_recording);
    tcase_add_test(t, test_recording_the_host);
    tcase_add_test(t, test_hostile_lists);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
