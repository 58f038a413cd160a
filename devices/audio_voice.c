/* Bringing a device's rate to the mixer's. */
#include "devices/audio.h"

#include <string.h>

void audio_voice_render(struct audio_voice *v, uint32_t rate, uint32_t out_rate,
                        const uint32_t gain[2], void (*fetch)(void *dev, int32_t value[2]),
                        void *dev, int32_t *mix, unsigned frames)
{
    uint64_t step = ((uint64_t)rate << 32) / out_rate;

    for (unsigned i = 0; i < frames; i++) {
        for (v->position += step; v->position >> 32; v->position -= 1ull << 32) {
            memcpy(v->last, v->next, sizeof v->last);
            fetch(dev, v->next);
        }
        for (unsigned k = 0; k < 2; k++) {
            int64_t part = (int64_t)(v->next[k] - v->last[k]) * (int64_t)(v->position >> 16);
            int64_t value = v->last[k] + (part >> 16);
            mix[2 * i + k] += (int32_t)(value * gain[k] >> 16);
        }
    }
}

bool audio_voice_sounds(const struct audio_voice *v)
{
    return v->last[0] || v->last[1] || v->next[0] || v->next[1];
}

void audio_voice_loaded(struct audio_voice *v)
{
    v->position &= 0xffffffff;
    for (unsigned k = 0; k < 2; k++) {
        v->last[k] = (int16_t)v->last[k];
        v->next[k] = (int16_t)v->next[k];
    }
}
