#include "audio_rig.h"

#include <math.h>
#include <string.h>

static void run(struct audio_out *out)
{
    struct audio_rig *r = (struct audio_rig *)out;
    uint64_t due = vclock_now(r->clock) * RIG_RATE / 1000000000;

    if (due > RIG_FRAMES)
        due = RIG_FRAMES;
    while (out->frames < due) {
        unsigned n = due - out->frames < 512 ? (unsigned)(due - out->frames) : 512;
        uint64_t first = out->frames;

        for (struct audio_source *s = r->sources; s; s = s->next)
            if (s->active(s->dev))
                s->render(s->dev, r->mix[first], n, first);
        out->frames = first + n;
    }
}

static void attach(struct audio_out *out, struct audio_source *source)
{
    struct audio_rig *r = (struct audio_rig *)out;

    source->next = r->sources;
    r->sources = source;
}

void audio_rig_init(struct audio_rig *r, struct chipset *c)
{
    memset(r, 0, sizeof *r);
    r->out = (struct audio_out){.rate = RIG_RATE, .attach = attach, .run = run};
    r->clock = c->board.clock;
}

static const int16_t *input(struct audio_out *out, unsigned frames)
{
    struct audio_rig *r = (struct audio_rig *)out;

    for (unsigned i = 0; i < frames; i++) {
        double value = sin(2 * M_PI * RIG_TONE_HZ * (double)(out->frames + i) / RIG_RATE);
        r->heard[i][0] = (int16_t)lrint(8000 * value);
        r->heard[i][1] = (int16_t)lrint(4000 * value);
    }
    return r->heard[0];
}

void audio_rig_sing(struct audio_rig *r)
{
    r->out.input = input;
}

double audio_rig_tone(const struct audio_rig *r, int channel, unsigned from, unsigned to, double hz)
{
    double re = 0, im = 0, sum = 0;

    for (unsigned i = from; i < to; i++) {
        double window = 0.5 - 0.5 * cos(2 * M_PI * (i - from) / (to - from));
        double angle = 2 * M_PI * hz * i / RIG_RATE;
        re += window * r->mix[i][channel] * cos(angle);
        im += window * r->mix[i][channel] * sin(angle);
        sum += window;
    }
    return 2 * sqrt(re * re + im * im) / sum;
}
