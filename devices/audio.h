/* Where sound devices send their sound: a mixer pulls it out of them in virtual time. */
#ifndef RINGER_DEVICES_AUDIO_H
#define RINGER_DEVICES_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

/* What a device adds to the mix.  All calls are made on the vCPU thread. */
struct audio_source {
    const char *name;
    void *dev;
    /* Add FRAMES frames to MIX, left and right in turn, full scale being +-32767.  FIRST is the
     * number of the first of them since power-on; frames may have been left out before it while
     * nobody was active. */
    void (*render)(void *dev, int32_t *mix, unsigned frames, uint64_t first);
    /* Is there anything to be heard, or anything to be done in its time? */
    bool (*active)(void *dev);
    struct audio_source *next; /* the mixer's */
};

/* A mixer, as devices see it.  Frame N is due at N / RATE seconds after power-on. */
struct audio_out {
    unsigned rate;   /* Hz */
    uint64_t frames; /* rendered so far */
    /* Take SOURCE, which must outlive the clock's last event. */
    void (*attach)(struct audio_out *out, struct audio_source *source);
    /* Render up to the present: called before what is heard changes, and after it did, so that a
     * source that has become active is listened to. */
    void (*run)(struct audio_out *out);
};

static inline void audio_attach(struct audio_out *out, struct audio_source *source)
{
    out->attach(out, source);
}

static inline void audio_run(struct audio_out *out)
{
    out->run(out);
}

/* --- the PC's speaker, on counter 2 of the 8254 (devices/pcspk.c) --- */
struct board;
struct pit;
void pcspk_init(struct board *board, struct pit *pit, struct audio_out *out);

#endif
