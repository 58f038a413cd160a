/* Sound on the host's side: what -audiodev makes.
 *
 * Each audiodev is a mixer.  It runs on the vCPU thread, in virtual time: a hundredth of a second
 * is asked of all its sources at once, and earlier whenever one of them is about to change.  The
 * sum goes to its sink and to the files of wavcapture.  Nothing there waits for the host: the
 * loudspeaker's thread takes samples out of a ring, and hears silence when there are none. */
#ifndef RINGER_VMM_AUDIO_AUDIO_H
#define RINGER_VMM_AUDIO_AUDIO_H

#include "devices/audio.h"
#include "devices/clock.h"
#include "ringer/error.h"

enum audio_driver { AUDIO_NONE, AUDIO_SDL, AUDIO_WAV };
enum audio_format { AUDIO_FORMAT_U8, AUDIO_FORMAT_S16, AUDIO_FORMAT_S32 };

/* One -audiodev. */
struct audiodev_option {
    const char *id;
    enum audio_driver driver;
    unsigned rate;     /* Hz */
    unsigned channels; /* 1 or 2 */
    enum audio_format format;
    const char *path;    /* AUDIO_WAV's file */
    unsigned period_us;  /* between two looks at the sources */
    unsigned latency_us; /* that the host's buffer shall have */
    unsigned in_latency_us; /* the same of what is recorded */
    bool deaf;           /* nothing is recorded: in.voices=0 */
    bool spare;          /* not asked for: without a loudspeaker it is silent */
};

/* All of a machine's audiodevs. */
struct audio;

/* Open COUNT devices of LIST.  NULL and ERR when one of them cannot be opened. */
struct audio *audio_open(const struct audiodev_option *list, unsigned count, struct error *err);
/* Begin the files of AUDIO_WAV, when everything else has gone well (vmm/output.h). */
bool audio_begin(struct audio *a, struct error *err);
/* After the machine is gone: files are completed. */
void audio_close(struct audio *a);
/* Live by CLOCK; once, before anything is attached. */
void audio_start(struct audio *a, struct vclock *clock);
/* The mixer called ID, or the first one when ID is NULL; NULL when there is none. */
struct audio_out *audio_find(struct audio *a, const char *id);

/* Add PATH to the files that get the first mixer's sound (in its format; FORMAT's otherwise).
 * False and ERR when it cannot be written.  On the vCPU thread, as the following. */
bool audio_capture(struct audio *a, const struct audiodev_option *format, struct error *err);
/* Complete and forget capture N; false when there is none. */
bool audio_stop_capture(struct audio *a, unsigned n);
/* One line for each capture, in order. */
void audio_describe_captures(struct audio *a, void (*line)(void *opaque, const char *text),
                             void *opaque);

#endif
