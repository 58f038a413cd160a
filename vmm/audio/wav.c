/* A file of sound: RIFF's WAVE with PCM samples, complete when it is closed.
 *
 * It begins with the first sound.  Silence after that is written when sound comes again, so a
 * guest that plays nothing for a day costs nothing. */
#include "vmm/audio/sink.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, CHUNK = 256 };
static const uint64_t MOST_BYTES = 0xfffff000u; /* sizes have 32 bits */

struct wav {
    struct sink sink;
    FILE *file;
    unsigned channels, rate;
    enum audio_format format;
    uint64_t bytes, owed; /* OWED: frames of silence */
    bool begun, full;
};

static void put(uint8_t *at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static unsigned sample_bytes(const struct wav *w)
{
    return w->format == AUDIO_FORMAT_U8 ? 1 : w->format == AUDIO_FORMAT_S16 ? 2 : 4;
}

static void write_header(struct wav *w)
{
    unsigned frame = w->channels * sample_bytes(w);
    uint8_t h[HEADER] = "RIFF....WAVEfmt ";

    put(h + 4, (uint32_t)w->bytes + HEADER - 8, 4);
    put(h + 16, 16, 4);
    put(h + 20, 1, 2);
    put(h + 22, w->channels, 2);
    put(h + 24, w->rate, 4);
    put(h + 28, w->rate * frame, 4);
    put(h + 32, frame, 2);
    put(h + 34, 8 * sample_bytes(w), 2);
    memcpy(h + 36, "data", 4);
    put(h + 40, (uint32_t)w->bytes, 4);
    fwrite(h, 1, sizeof h, w->file);
}

static uint8_t *encode(const struct wav *w, uint8_t *to, int32_t sample)
{
    unsigned n = sample_bytes(w);

    if (w->format == AUDIO_FORMAT_U8)
        sample = (sample >> 8) + 128;
    put(to, w->format == AUDIO_FORMAT_S32 ? (uint32_t)sample << 16 : (uint32_t)sample, n);
    return to + n;
}

static void append(struct wav *w, const int16_t *samples, unsigned frames)
{
    uint8_t buf[CHUNK * 2 * 4], *to = buf;

    for (unsigned i = 0; i < frames; i++) {
        int32_t left = samples[2 * i], right = samples[2 * i + 1];
        if (w->channels == 1) {
            to = encode(w, to, (left + right) / 2);
            continue;
        }
        to = encode(w, to, left);
        to = encode(w, to, right);
    }
    size_t len = (size_t)(to - buf);
    if (w->full || w->bytes + len > MOST_BYTES || fwrite(buf, 1, len, w->file) != len) {
        w->full = true;
        return;
    }
    w->bytes += len;
}

static void wav_write(struct sink *s, const int16_t *samples, unsigned frames)
{
    struct wav *w = (struct wav *)s;
    static const int16_t silence[CHUNK * 2];

    w->begun = true;
    for (; w->owed && !w->full; w->owed -= w->owed < CHUNK ? w->owed : CHUNK)
        append(w, silence, w->owed < CHUNK ? (unsigned)w->owed : CHUNK);
    w->owed = 0;
    while (frames) {
        unsigned n = frames < CHUNK ? frames : CHUNK;
        append(w, samples, n);
        samples += 2 * n;
        frames -= n;
    }
}

static void wav_skip(struct sink *s, uint64_t frames)
{
    struct wav *w = (struct wav *)s;

    if (w->begun)
        w->owed += frames;
}

static void wav_close(struct sink *s)
{
    struct wav *w = (struct wav *)s;

    if (fseek(w->file, 0, SEEK_SET) == 0)
        write_header(w);
    fclose(w->file);
    free(w);
}

uint64_t sink_wav_bytes(const struct sink *s)
{
    return ((const struct wav *)s)->bytes;
}

struct sink *sink_wav(const struct audiodev_option *o, struct error *err)
{
    struct wav *w = calloc(1, sizeof *w);

    if (!w) {
        error_set(err, "out of memory");
        return NULL;
    }
    *w = (struct wav){.sink = {wav_write, wav_skip, wav_close},
                      .channels = o->channels,
                      .rate = o->rate,
                      .format = o->format};
    w->file = fopen(o->path, "wb");
    if (!w->file) {
        error_set(err, "%s: cannot be written: %s", o->path, strerror(errno));
        free(w);
        return NULL;
    }
    write_header(w);
    return &w->sink;
}
