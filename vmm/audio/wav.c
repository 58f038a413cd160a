/* A file of sound: RIFF's WAVE with PCM samples, complete when it is closed.
 *
 * It begins with the first sound.  Silence after that is written when sound comes again, so a
 * guest that plays nothing for a day costs nothing.  The file has a thread of its own: a host whose
 * disk is slow does not stop the guest, whose thread but leaves blocks in a queue. */
#include "vmm/audio/sink.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 44, CHUNK = 4096, MOST_QUEUED = 64 << 20 };
static const uint64_t MOST_BYTES = 0xfffff000u; /* sizes have 32 bits */

/* What the file goes on with: silence, then samples, both in bytes. */
struct block {
    struct block *next;
    uint64_t silence;
    size_t len;
    uint8_t data[];
};

struct wav {
    struct sink sink;
    FILE *file;
    char *path;
    unsigned channels, rate;
    enum audio_format format;

    /* The guest's side. */
    uint64_t bytes, owed; /* handed over; OWED: bytes of silence */
    bool begun, full;

    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    struct block *head, **tail;
    size_t queued;     /* bytes */
    bool ending, lost; /* LOST: the file cannot be written any more */
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

/* ---- the file's thread ---- */

static bool write_silence(const struct wav *w, uint64_t bytes)
{
    uint8_t silence[CHUNK];

    memset(silence, w->format == AUDIO_FORMAT_U8 ? 128 : 0, sizeof silence);
    while (bytes) {
        size_t n = bytes < CHUNK ? (size_t)bytes : CHUNK;
        if (fwrite(silence, 1, n, w->file) != n)
            return false;
        bytes -= n;
    }
    return true;
}

static struct block *next_block(struct wav *w)
{
    struct block *b;

    pthread_mutex_lock(&w->lock);
    while (!w->head && !w->ending)
        pthread_cond_wait(&w->wake, &w->lock);
    b = w->head;
    if (b) {
        w->head = b->next;
        w->tail = w->head ? w->tail : &w->head;
        w->queued -= b->len;
    }
    pthread_mutex_unlock(&w->lock);
    return b;
}

/* With the lock held. */
static void lose(struct wav *w, const char *why)
{
    if (!w->lost)
        fprintf(stderr, "ringer: %s: cannot be written: %s\n", w->path, why);
    w->lost = true;
}

/* The guest's side, too, gives the file up. */
static bool is_lost(struct wav *w)
{
    pthread_mutex_lock(&w->lock);
    bool lost = w->lost;
    pthread_mutex_unlock(&w->lock);
    return lost;
}

static void *write_blocks(void *opaque)
{
    struct wav *w = opaque;
    struct block *b;

    while ((b = next_block(w))) {
        if (!is_lost(w) &&
            (!write_silence(w, b->silence) || fwrite(b->data, 1, b->len, w->file) != b->len)) {
            int why = errno;
            pthread_mutex_lock(&w->lock);
            lose(w, strerror(why));
            pthread_mutex_unlock(&w->lock);
        }
        free(b);
    }
    return NULL;
}

/* ---- the guest's side ---- */

/* True when B, which is taken, was put into the queue. */
static bool push(struct wav *w, struct block *b)
{
    pthread_mutex_lock(&w->lock);
    if (w->queued + b->len > MOST_QUEUED)
        lose(w, "the host is too slow");
    bool ok = !w->lost;
    if (ok) {
        *w->tail = b;
        w->tail = &b->next;
        w->queued += b->len;
        pthread_cond_signal(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
    if (!ok)
        free(b);
    return ok;
}

static void encode_all(const struct wav *w, uint8_t *to, const int16_t *samples, unsigned frames)
{
    for (unsigned i = 0; i < frames; i++) {
        int32_t left = samples[2 * i], right = samples[2 * i + 1];
        if (w->channels == 1) {
            to = encode(w, to, (left + right) / 2);
            continue;
        }
        to = encode(w, to, left);
        to = encode(w, to, right);
    }
}

static void wav_write(struct sink *s, const int16_t *samples, unsigned frames)
{
    struct wav *w = (struct wav *)s;
    size_t len = (size_t)frames * w->channels * sample_bytes(w);
    struct block *b;

    w->begun = true;
    w->full = w->full || w->bytes + w->owed + len > MOST_BYTES;
    if (w->full || !(b = malloc(sizeof *b + len)))
        return;
    *b = (struct block){.silence = w->owed, .len = len};
    encode_all(w, b->data, samples, frames);
    if (push(w, b)) {
        w->bytes += w->owed + len;
        w->owed = 0;
    } else {
        w->full = true;
    }
}

static void wav_skip(struct sink *s, uint64_t frames)
{
    struct wav *w = (struct wav *)s;

    if (w->begun)
        w->owed += frames * w->channels * sample_bytes(w);
}

static void wav_free(struct wav *w)
{
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    free(w->path);
    free(w);
}

static void wav_close(struct sink *s)
{
    struct wav *w = (struct wav *)s;

    pthread_mutex_lock(&w->lock);
    w->ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    if (fseek(w->file, 0, SEEK_SET) == 0)
        write_header(w);
    if (fclose(w->file))
        lose(w, strerror(errno));
    wav_free(w);
}

uint64_t sink_wav_bytes(const struct sink *s)
{
    return ((const struct wav *)s)->bytes;
}

/* Signals are for the threads that expect them. */
static bool start_thread(struct wav *w)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = !pthread_create(&w->thread, NULL, write_blocks, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

struct sink *sink_wav(const struct audiodev_option *o, struct error *err)
{
    struct wav *w = calloc(1, sizeof *w);

    if (!w || !(w->path = strdup(o->path))) {
        free(w);
        error_set(err, "out of memory");
        return NULL;
    }
    w->sink = (struct sink){wav_write, wav_skip, wav_close};
    w->channels = o->channels;
    w->rate = o->rate;
    w->format = o->format;
    w->tail = &w->head;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->file = fopen(o->path, "wb");
    if (w->file)
        write_header(w);
    if (!w->file || !start_thread(w)) {
        error_set(err, "%s: cannot be written: %s", o->path,
                  w->file ? "there is no thread for it" : strerror(errno));
        if (w->file)
            fclose(w->file);
        wav_free(w);
        return NULL;
    }
    return &w->sink;
}
