/* The host's microphone, by SDL: a ring between SDL's thread, which writes, and the vCPU's, which reads.
 * Each side owns one counter; neither ever waits.  The device is opened when a guest records for the
 * first time, by a thread of its own, since that may take the host a while. */
#define _GNU_SOURCE /* pthread_setname_np */
#include "vmm/audio/intake.h"
#include <SDL2/SDL.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RING = 1 << 15 }; /* frames */

struct microphone {
    struct intake intake;
    struct audiodev_option option;
    pthread_t opener;
    SDL_AudioDeviceID device; /* the opener's until it is joined */
    unsigned wanted;          /* frames that are kept in stock */
    atomic_uint written, read;
    bool flowing; /* the reader's: the stock was built up */
    int16_t ring[RING][2];
};

static void take(void *opaque, Uint8 *stream, int len)
{
    struct microphone *m = opaque;
    const int16_t *from = (const int16_t *)stream;
    unsigned frames = (unsigned)len / sizeof m->ring[0];
    unsigned written = atomic_load_explicit(&m->written, memory_order_relaxed);
    unsigned room = RING - (written - atomic_load_explicit(&m->read, memory_order_acquire));

    for (unsigned i = 0; i < frames && i < room; i++)
        memcpy(m->ring[written++ % RING], from + 2 * i, sizeof m->ring[0]);
    atomic_store_explicit(&m->written, written, memory_order_release);
}

/* The clocks of host and microphone differ: too much in stock is dropped, and after running dry it is
 * built up again. */
static void microphone_read(struct intake *intake, int16_t *samples, unsigned frames)
{
    struct microphone *m = (struct microphone *)intake;
    unsigned read = atomic_load_explicit(&m->read, memory_order_relaxed);
    unsigned stock = atomic_load_explicit(&m->written, memory_order_acquire) - read;

    if (stock > 4 * m->wanted + frames) {
        read += stock - m->wanted - frames;
        stock = m->wanted + frames;
    }
    m->flowing = stock >= frames && (m->flowing || stock >= m->wanted + frames);
    if (m->flowing)
        for (unsigned i = 0; i < frames; i++)
            memcpy(samples + 2 * i, m->ring[read++ % RING], sizeof m->ring[0]);
    else
        memset(samples, 0, frames * sizeof m->ring[0]);
    atomic_store_explicit(&m->read, read, memory_order_release);
}

static void *open_device(void *opaque)
{
    struct microphone *m = opaque;
    SDL_AudioSpec spec = {.freq = (int)m->option.rate,
                          .format = AUDIO_S16SYS,
                          .channels = 2,
                          .samples = 512,
                          .callback = take,
                          .userdata = m};

    pthread_setname_np(pthread_self(), "microphone");
    m->device = SDL_OpenAudioDevice(NULL, 1, &spec, NULL, 0);
    if (m->device)
        SDL_PauseAudioDevice(m->device, 0);
    else
        fprintf(stderr, "ringer: -audiodev %s: the guest records silence: %s\n", m->option.id,
                SDL_GetError());
    return NULL;
}

static void microphone_close(struct intake *intake)
{
    struct microphone *m = (struct microphone *)intake;

    pthread_join(m->opener, NULL);
    if (m->device)
        SDL_CloseAudioDevice(m->device);
    free(m);
}

struct intake *intake_sdl(const struct audiodev_option *o)
{
    struct microphone *m = calloc(1, sizeof *m);
    sigset_t all, old;

    if (!m)
        return NULL;
    m->intake = (struct intake){microphone_read, microphone_close};
    m->option = *o;
    m->wanted = (unsigned)((uint64_t)o->in_latency_us * o->rate / 1000000);
    if (m->wanted > RING / 8)
        m->wanted = RING / 8;
    sigfillset(&all); /* the process's signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = pthread_create(&m->opener, NULL, open_device, m) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (started)
        return &m->intake;
    free(m);
    return NULL;
}
