/* Where sound devices send their sound: a mixer pulls it out of them in virtual time. */
#ifndef RINGER_DEVICES_AUDIO_H
#define RINGER_DEVICES_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
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
    /* Within render: what the host recorded while the FRAMES frames that are being rendered passed, left
     * and right in turn.  NULL: silence.  May be absent. */
    const int16_t *(*input)(struct audio_out *out, unsigned frames);
};

static inline void audio_attach(struct audio_out *out, struct audio_source *source)
{
    out->attach(out, source);
}

static inline void audio_run(struct audio_out *out)
{
    out->run(out);
}

static inline const int16_t *audio_input(struct audio_out *out, unsigned frames)
{
    return out->input ? out->input(out, frames) : NULL;
}

/* A stream of frames at a rate of its own, joined by straight lines to become the mixer's. */
struct audio_voice {
    uint64_t position;        /* between LAST and NEXT: the fraction, 32 bits */
    int32_t last[2], next[2]; /* left and right, 16 bits of range */
};
/* Add FRAMES frames of VOICE to MIX.  RATE and OUT_RATE in Hz; GAIN has 16 bits of fraction and is
 * 16 at most; FETCH(DEV, value) puts the voice's next frame into VALUE, which holds the one before. */
void audio_voice_render(struct audio_voice *voice, uint32_t rate, uint32_t out_rate,
                        const uint32_t gain[2], void (*fetch)(void *dev, int32_t value[2]),
                        void *dev, int32_t *mix, unsigned frames);
/* Is it at a level other than zero? */
bool audio_voice_sounds(const struct audio_voice *voice);
/* Bring restored state into range. */
void audio_voice_loaded(struct audio_voice *voice);
#define AUDIO_VOICE_FIELDS(type, member)                                                           \
    FIELD(type, member.position), FIELD_ARRAY(type, member.last), FIELD_ARRAY(type, member.next)

/* The other way: the mixer's frames, joined by straight lines, become a card's. */
struct audio_ear {
    uint64_t position; /* of the card's next frame behind LAST: 32 bits of fraction */
    int32_t last[2];
};
/* FRAMES frames of IN (as audio_input gives them) at OUT_RATE have passed: PUT(DEV, value) takes each of
 * those at RATE that lie between them. */
void audio_ear_hear(struct audio_ear *ear, uint32_t rate, uint32_t out_rate, const int16_t *in,
                    unsigned frames, void (*put)(void *dev, const int32_t value[2]), void *dev);
/* Bring restored state into range. */
void audio_ear_loaded(struct audio_ear *ear);
#define AUDIO_EAR_FIELDS(type, member) FIELD(type, member.position), FIELD_ARRAY(type, member.last)

/* --- the PC's speaker, on counter 2 of the 8254 (devices/pcspk.c) --- */
struct board;
struct pit;
void pcspk_init(struct board *board, struct pit *pit, struct audio_out *out);

#endif
