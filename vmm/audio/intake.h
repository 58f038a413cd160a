/* Where a mixer hears the host; between vmm/audio and vmm/ui/microphone.c alone. */
#ifndef RINGER_VMM_AUDIO_INTAKE_H
#define RINGER_VMM_AUDIO_INTAKE_H

#include "vmm/audio/audio.h"

struct intake {
    /* The next FRAMES frames of two samples each; never waits: zeros where there are none yet. */
    void (*read)(struct intake *i, int16_t *samples, unsigned frames);
    void (*close)(struct intake *i); /* frees it */
};

/* The host's microphone by SDL, whose audio must be up, at O's rate.  NULL when memory is short; where
 * the host has none, one line on standard error tells, and silence is heard. */
struct intake *intake_sdl(const struct audiodev_option *o);

#endif
