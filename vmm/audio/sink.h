/* Where a mixer's sound goes; between vmm/audio and vmm/ui/speaker.c alone. */
#ifndef RINGER_VMM_AUDIO_SINK_H
#define RINGER_VMM_AUDIO_SINK_H

#include "vmm/audio/audio.h"

struct sink {
    /* FRAMES frames of two samples each; never waits. */
    void (*write)(struct sink *s, const int16_t *samples, unsigned frames);
    /* FRAMES frames of silence have gone by, and more is to come before the next write. */
    void (*skip)(struct sink *s, uint64_t frames);
    void (*close)(struct sink *s); /* frees it */
};

/* A RIFF file.  NULL and ERR when it cannot be written. */
struct sink *sink_wav(const struct audiodev_option *o, struct error *err);
/* The host's loudspeaker by SDL.  NULL and ERR when there is none. */
struct sink *sink_sdl(const struct audiodev_option *o, struct error *err);
/* What was written to S, which is a file, in bytes. */
uint64_t sink_wav_bytes(const struct sink *s);

#endif
