/* A mixer for the tests of sound devices: what is rendered is kept, and listened to. */
#ifndef RINGER_TESTS_DEVICES_AUDIO_RIG_H
#define RINGER_TESTS_DEVICES_AUDIO_RIG_H

#include "chipset.h"
#include "devices/audio.h"

enum { RIG_RATE = 44100, RIG_FRAMES = 2 * RIG_RATE };

struct audio_rig {
    struct audio_out out;
    struct vclock *clock;
    struct audio_source *sources;
    int32_t mix[RIG_FRAMES][2];
    int16_t heard[512][2];
};
/* Let cards hear a tone of HZ, of amplitude 8000 to the left and 4000 to the right. */
enum { RIG_TONE_HZ = 500 };
void audio_rig_sing(struct audio_rig *r);

void audio_rig_init(struct audio_rig *r, struct chipset *c);
/* The amplitude of a tone of HZ in frames [FROM, TO) of CHANNEL. */
double audio_rig_tone(const struct audio_rig *r, int channel, unsigned from, unsigned to,
                      double hz);

#endif
