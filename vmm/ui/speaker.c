/* The host's loudspeaker, by SDL: a ring between the vCPU thread, which writes, and SDL's, which
 * reads.  Each side owns one counter; neither ever waits. */
#include "vmm/audio/sink.h"
#include <SDL2/SDL.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RING = 1 << 15 }; /* frames */

struct speaker {
    struct sink sink;
    SDL_AudioDeviceID device;
    unsigned channels;
    unsigned wanted; /* frames that are kept in stock; the reader's */
    unsigned most;   /* that it may grow to */
    atomic_uint written, read;
    atomic_bool resting; /* the guest is silent of its own will */
    bool playing;        /* the reader's: the stock was built up */
    int16_t last[2];
    int16_t ring[RING][2];
};

/* The clocks of host and loudspeaker differ: too much in stock is dropped, and after running dry
 * it is built up again before playing on.  Who runs dry while the guest plays is on a host that
 * lets it wait: the stock is greater from then on. */
static void fill(void *opaque, Uint8 *stream, int len)
{
    struct speaker *s = opaque;
    int16_t *to = (int16_t *)stream;
    unsigned frames = (unsigned)len / 2 / s->channels;
    unsigned read = atomic_load_explicit(&s->read, memory_order_relaxed);
    unsigned stock = atomic_load_explicit(&s->written, memory_order_acquire) - read;

    if (stock > 4 * s->wanted + frames) {
        read += stock - s->wanted - frames;
        stock = s->wanted + frames;
    }
    bool resting = atomic_load(&s->resting);
    if (s->playing && stock < frames && !resting)
        s->wanted = 2 * s->wanted < s->most ? 2 * s->wanted : s->most;
    s->playing = stock > 0 && (s->playing || resting || stock >= s->wanted);
    for (unsigned i = 0; i < frames; i++) {
        if (s->playing && stock) {
            memcpy(s->last, s->ring[read++ % RING], sizeof s->last);
            stock--;
        } else { /* fade away instead of clicking */
            s->last[0] = (int16_t)(s->last[0] - s->last[0] / 32);
            s->last[1] = (int16_t)(s->last[1] - s->last[1] / 32);
        }
        *to++ = s->channels == 1 ? (int16_t)((s->last[0] + s->last[1]) / 2) : s->last[0];
        if (s->channels == 2)
            *to++ = s->last[1];
    }
    atomic_store_explicit(&s->read, read, memory_order_release);
}

static void speaker_write(struct sink *sink, const int16_t *samples, unsigned frames)
{
    struct speaker *s = (struct speaker *)sink;
    unsigned written = atomic_load_explicit(&s->written, memory_order_relaxed);
    unsigned room = RING - (written - atomic_load_explicit(&s->read, memory_order_acquire));

    atomic_store(&s->resting, false);
    for (unsigned i = 0; i < frames && i < room; i++)
        memcpy(s->ring[written++ % RING], samples + 2 * i, sizeof s->ring[0]);
    atomic_store_explicit(&s->written, written, memory_order_release);
}

static void speaker_skip(struct sink *sink, uint64_t frames)
{
    (void)frames; /* silence is what it plays anyway */
    atomic_store(&((struct speaker *)sink)->resting, true);
}

static void speaker_close(struct sink *sink)
{
    struct speaker *s = (struct speaker *)sink;

    SDL_CloseAudioDevice(s->device);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
    free(s);
}

/* Is there anything that plays?  Asking SDL, and ALSA by it, on a host without fills its standard
 * error with complaints. */
static bool host_plays(void)
{
    const char *run = getenv("XDG_RUNTIME_DIR");
    char pulse[300], pipewire[300];

    snprintf(pulse, sizeof pulse, "%.250s/pulse/native", run ? run : "");
    snprintf(pipewire, sizeof pipewire, "%.250s/pipewire-0", run ? run : "");
    return getenv("SDL_AUDIODRIVER") || getenv("PULSE_SERVER") || !access("/dev/snd", F_OK) ||
           !access(pulse, F_OK) || !access(pipewire, F_OK);
}

struct sink *sink_sdl(const struct audiodev_option *o, struct error *err)
{
    struct speaker *s = calloc(1, sizeof *s);
    SDL_AudioSpec spec = {
        .freq = (int)o->rate, .format = AUDIO_S16SYS, .channels = (Uint8)o->channels};

    if (!s) {
        error_set(err, "out of memory");
        return NULL;
    }
    if (!host_plays()) {
        error_set(err, "the host has no sound: there is neither a card nor PulseAudio or "
                       "PipeWire; -audiodev none or wav goes without");
        free(s);
        return NULL;
    }
    s->sink = (struct sink){speaker_write, speaker_skip, speaker_close};
    s->channels = o->channels;
    s->wanted = (unsigned)((uint64_t)o->latency_us * o->rate / 1000000);
    s->most = RING / 8;
    if (s->wanted > s->most)
        s->wanted = s->most;
    spec.samples = 512;
    spec.callback = fill;
    spec.userdata = s;
    bool up = SDL_InitSubSystem(SDL_INIT_AUDIO) == 0;
    s->device = up ? SDL_OpenAudioDevice(NULL, 0, &spec, NULL, 0) : 0;
    if (!s->device) {
        error_set(err, "the host has no sound: %s", SDL_GetError());
        if (up)
            SDL_QuitSubSystem(SDL_INIT_AUDIO);
        free(s);
        return NULL;
    }
    SDL_PauseAudioDevice(s->device, 0);
    return &s->sink;
}
