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

void audio_ear_hear(struct audio_ear *e, uint32_t rate, uint32_t out_rate, const int16_t *in,
                    unsigned frames, void (*put)(void *dev, const int32_t value[2]), void *dev)
{
    const uint64_t one = 1ull << 32, step = ((uint64_t)out_rate << 32) / rate;

    for (unsigned i = 0; i < frames; i++) {
        int32_t next[2] = {in ? in[2 * i] : 0, in ? in[2 * i + 1] : 0};
        for (; e->position < one; e->position += step) {
            int32_t value[2];
            for (unsigned k = 0; k < 2; k++)
                value[k] = e->last[k] + (int32_t)((int64_t)(next[k] - e->last[k]) *
                                                  (int64_t)(e->position >> 16) >> 16);
            put(dev, value);
        }
        e->position -= one;
        memcpy(e->last, next, sizeof next);
    }
}

void audio_ear_loaded(struct audio_ear *e)
{
    e->position &= 0xffffffffff; /* 256 frames at most */
    for (unsigned k = 0; k < 2; k++)
        e->last[k] = (int16_t)e->last[k];
}
