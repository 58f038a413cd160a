/* Where sound goes: files, and the host's loudspeaker, which SDL's disk driver stands in for. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/audio/intake.h"
#include "vmm/audio/sink.h"

enum { RATE = 44100 };

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[100];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/ringer-audio-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_file(const char *name)
{
    unlink(path_of(name));
    rmdir(folder);
}

static struct audiodev_option option(const char *name)
{
    return (struct audiodev_option){.id = "a",
                                    .driver = AUDIO_WAV,
                                    .rate = RATE,
                                    .channels = 2,
                                    .format = AUDIO_FORMAT_S16,
                                    .path = name ? strdup(path_of(name)) : NULL,
                                    .latency_us = 40000};
}

/* Sound, silence, sound: all of it is there, and the header says how much. */
START_TEST(test_wav_file)
{
    static const int16_t sound[4] = {1, -2, 300, -400};
    struct error err = {""};
    uint8_t bytes[44 + 8 + 40 + 8 + 1];

    make_folder();
    struct audiodev_option o = option("x.wav");
    struct sink *s = sink_wav(&o, &err);
    ck_assert_msg(s != NULL, "%s", err.text);
    s->skip(s, 1000); /* before the first sound: nothing */
    s->write(s, sound, 2);
    s->skip(s, 4);
    s->skip(s, 6);
    s->write(s, sound, 2);
    s->skip(s, 1000);
    ck_assert_uint_eq(sink_wav_bytes(s), 56);
    s->close(s);
    FILE *f = fopen(o.path, "rb");
    ck_assert_uint_eq(fread(bytes, 1, sizeof bytes, f), 44 + 56);
    fclose(f);
    ck_assert_mem_eq(bytes, "RIFF\x5c\0\0\0WAVEfmt \x10\0\0\0\1\0\2\0\x44\xac\0\0", 28);
    ck_assert_mem_eq(bytes + 36, "data\x38\0\0\0", 8);
    ck_assert_mem_eq(bytes + 44, sound, 8);
    for (unsigned i = 52; i < 92; i++)
        ck_assert_uint_eq(bytes[i], 0);
    ck_assert_mem_eq(bytes + 92, sound, 8);
    remove_file("x.wav");
    free((char *)o.path);
}
END_TEST

static void *drain(void *opaque)
{
    int fd = *(int *)opaque;
    char sink[65536];
    size_t *all = calloc(1, sizeof *all);

    for (ssize_t n; (n = read(fd, sink, sizeof sink)) > 0;)
        *all += (size_t)n;
    return all;
}

/* A file that takes nothing for the time being, here a pipe that nobody reads, holds nobody up; all
 * arrives in the end. */
START_TEST(test_wav_does_not_wait)
{
    static int16_t sound[2 * 4410];
    struct error err = {""};
    pthread_t thread;
    size_t *all;

    make_folder();
    ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
    int fd = open(path_of("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct audiodev_option o = option("pipe");
    struct sink *s = sink_wav(&o, &err);
    ck_assert_msg(s != NULL, "%s", err.text);
    for (unsigned i = 0; i < 100; i++) /* ten seconds */
        s->write(s, sound, 4410);
    ck_assert_uint_eq(sink_wav_bytes(s), 10 * RATE * 4);
    fcntl(fd, F_SETFL, 0);
    pthread_create(&thread, NULL, drain, &fd);
    s->close(s);
    pthread_join(thread, (void **)&all);
    ck_assert_uint_eq(*all, 44 + 10 * RATE * 4);
    free(all);
    close(fd);
    remove_file("pipe");
    free((char *)o.path);
}
END_TEST

/* ---- the loudspeaker ---- */

static off_t played(void)
{
    struct stat st;

    return stat(path_of("played.raw"), &st) ? 0 : st.st_size / 4;
}

/* A ramp: each frame's value is its number, and never zero. */
static void produce(struct sink *s, unsigned from, unsigned frames)
{
    int16_t chunk[2 * 2048];

    for (unsigned i = 0; i < frames; i++)
        chunk[2 * i] = chunk[2 * i + 1] = (int16_t)((from + i) % 30000 + 1);
    s->write(s, chunk, frames);
}

/* Play a second in bursts of 2 to 30 ms, as a busy host gives them, with 40 ms in stock.  Returns
 * false when it was this test that came too late. */
static bool play_bursts(struct sink *s, unsigned *frames)
{
    off_t start = -1;
    unsigned seed = 1;

    *frames = 0;
    while (*frames < RATE / 2) {
        unsigned burst = 88 + (seed = seed * 1103515245 + 12345) / 65536 % 1235;
        off_t now = played();
        if (start < 0 && *frames > RATE / 25)
            start = now;
        if (start >= 0 && now - start > (off_t)*frames - 512)
            return false;
        produce(s, *frames, burst);
        *frames += burst;
        while (*frames > RATE / 25 + 1323 && played() - start + RATE / 25 + 1323 < *frames)
            usleep(1000);
    }
    return true;
}

/* What was written is played whole, in one piece, and followed by silence. */
START_TEST(test_speaker_without_gap)
{
    struct error err = {""};
    bool in_time = false;
    unsigned frames = 0;

    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIODELAY", "25", 1); /* ms for each 512 frames: half the speed */
    for (unsigned attempt = 0; attempt < 8 && !in_time; attempt++) {
        make_folder();
        setenv("SDL_DISKAUDIOFILE", path_of("played.raw"), 1);
        struct audiodev_option o = option(NULL);
        struct sink *s = sink_sdl(&o, &err);
        ck_assert_msg(s != NULL, "%s", err.text);
        in_time = play_bursts(s, &frames);
        s->skip(s, 0);
        off_t end = played() + 4096;
        while (in_time && played() < end)
            usleep(1000);
        s->close(s);
        FILE *f = fopen(path_of("played.raw"), "rb");
        static int16_t heard[4 * RATE][2];
        size_t n = fread(heard, 4, 4 * RATE, f), at = 0;
        fclose(f);
        remove_file("played.raw");
        if (!in_time)
            continue;
        while (at < n && !heard[at][0])
            at++;
        ck_assert_uint_lt(at, n);
        for (unsigned i = 0; i < frames; i++)
            ck_assert_msg(heard[at + i][0] == (int16_t)(i % 30000 + 1), "frame %u of %u is %d", i,
                          frames, heard[at + i][0]);
        for (at += frames + 512; at < n; at++)
            ck_assert_int_lt(abs(heard[at][0]), 40); /* it fades */
    }
    ck_assert_msg(in_time, "the host is too busy for this test");
}
END_TEST

/* A click shorter than the stock is heard at once, not before the next one. */
START_TEST(test_speaker_plays_short_sounds)
{
    struct error err = {""};
    int16_t heard[2] = {0, 0};

    make_folder();
    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIODELAY", "2", 1);
    setenv("SDL_DISKAUDIOFILE", path_of("played.raw"), 1);
    struct audiodev_option o = option(NULL);
    struct sink *s = sink_sdl(&o, &err);
    ck_assert_msg(s != NULL, "%s", err.text);
    produce(s, 0, 100);
    s->skip(s, 0);
    off_t end = played() + 4096;
    while (played() < end)
        usleep(1000);
    s->close(s);
    FILE *f = fopen(path_of("played.raw"), "rb");
    while (!heard[0] && fread(heard, sizeof heard, 1, f) == 1)
        ;
    fclose(f);
    ck_assert_int_eq(heard[0], 1);
    remove_file("played.raw");
}
END_TEST

/* ---- the microphone ---- */

/* What the host records arrives, in order and in one piece, behind silence. */
START_TEST(test_microphone)
{
    struct error err = {""};
    static int16_t sound[RATE][2];
    int16_t got[128][2];
    unsigned at = 0;

    make_folder();
    for (unsigned i = 0; i < RATE; i++)
        sound[i][0] = (int16_t)(i % 30000 + 1), sound[i][1] = (int16_t)-sound[i][0];
    FILE *f = fopen(path_of("heard.raw"), "wb");
    ck_assert_uint_eq(fwrite(sound, 4, RATE, f), RATE);
    fclose(f);
    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIODELAY", "2", 1);
    setenv("SDL_DISKAUDIOFILE", "/dev/null", 1);
    setenv("SDL_DISKAUDIOFILEIN", path_of("heard.raw"), 1);
    struct audiodev_option o = option(NULL);
    o.in_latency_us = 150000; /* a test that waits long loses what is too old */
    struct sink *speaker = sink_sdl(&o, &err);
    ck_assert_msg(speaker != NULL, "%s", err.text);
    struct intake *in = intake_sdl(&o);
    while (at < 4410) {
        in->read(in, got[0], 128);
        for (unsigned i = 0; i < 128; i++) {
            if (!got[i][0] && !at)
                continue;
            ck_assert_int_eq(got[i][1], -got[i][0]);
            if (i && got[i - 1][0] && got[i][0])
                ck_assert_int_eq(got[i][0], got[i - 1][0] % 30000 + 1);
            at++;
        }
        usleep(500);
    }
    in->close(in);
    speaker->close(speaker);
    unlink(path_of("heard.raw"));
    rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("audio");
    TCase *t = tcase_create("audio");

    tcase_add_test(t, test_wav_file);
    tcase_add_test(t, test_wav_does_not_wait);
    tcase_add_test(t, test_speaker_without_gap);
    tcase_add_test(t, test_speaker_plays_short_sounds);
    tcase_add_test(t, test_microphone);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
