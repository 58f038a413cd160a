/* The PC's speaker: the level of counter 2's output, gated by bit 1 of port 61h.
 *
 * Programs play tones by the counter, and samples by the length of single pulses, thousands of
 * times a second.  So the level is integrated exactly, tick by tick of the 8254's clock, into
 * samples of eight times the output's rate; a windowed sinc takes those down to the output's rate
 * without the aliases that sampling a square wave would have.  A speaker moves no constant load:
 * what comes out is free of DC. */
#include <math.h>
#include <stdlib.h>

#include "devices/audio.h"
#include "devices/internal.h"
#include "devices/pc.h"

enum {
    PIT_HZ = 1193182,
    NS = 1000000000,
    OVERSAMPLE = 8,
    TAPS = 256,            /* of the filter, a power of two */
    SWING = 16000,         /* from low to high, of 65535 */
    LINGER_NS = 100000000, /* heard after the last change: the filter's and the coupling's tail */
};

/* Of the output's rate: between the pass band and the first alias. */
static const double CUTOFF = 0.41;
static const double COUPLING_HZ = 20;

struct pcspk {
    struct audio_out *out;
    struct audio_source source;
    struct pit *pit;
    struct vclock *clock;
    float kernel[TAPS];
    double step, leak; /* ticks in a fine sample; the coupling's pole */

    uint64_t tick;    /* integrated up to here */
    uint64_t fine;    /* number of the fine sample that is being filled */
    uint64_t changed; /* ns of the last change */
    double area;      /* of that sample: ticks at high level */
    double last, coupled;
    float history[TAPS]; /* of fine samples; number N at N modulo TAPS */
    uint8_t touched;
};

static void finish(struct pcspk *s)
{
    s->history[s->fine % TAPS] = (float)(s->area / s->step);
    s->area = 0;
    s->fine++;
}

/* Account for one tick of the 8254's clock. */
static void integrate(struct pcspk *s)
{
    double level = pit_speaker_level(s->pit, s->tick);
    double from = (double)s->tick, to = from + 1, begin = (double)s->fine * s->step;

    if (from < begin)
        from = begin;
    for (double end = begin + s->step; end <= to; end = (double)(s->fine + 1) * s->step) {
        s->area += level * (end - from);
        finish(s);
        from = end;
    }
    s->area += level * (to - from);
    s->tick++;
}

/* Begin at the output's frame FRAME, when frames before it were not asked for. */
static void seek(struct pcspk *s, uint64_t frame)
{
    bool here = s->fine >= frame * OVERSAMPLE && s->fine <= (frame + 1) * OVERSAMPLE;
    uint64_t begin = here ? (uint64_t)((double)s->fine * s->step) : 0;
    float level;

    if (here && s->tick + 1 >= begin && s->tick <= begin + (uint64_t)s->step + 2)
        return;
    s->fine = frame * OVERSAMPLE;
    s->tick = (uint64_t)((double)s->fine * s->step);
    s->area = 0;
    level = pit_speaker_level(s->pit, s->tick);
    for (unsigned i = 0; i < TAPS; i++)
        s->history[i] = level;
    s->last = level;
    s->coupled = 0;
}

/* The fine samples around the one that is being filled, taken down to one. */
static double filtered(const struct pcspk *s)
{
    double sum = 0;

    for (unsigned i = 0; i < TAPS; i++)
        sum += s->kernel[i] * s->history[(s->fine + i) % TAPS];
    return sum;
}

static void render(void *dev, int32_t *mix, unsigned frames, uint64_t first)
{
    struct pcspk *s = dev;

    seek(s, first);
    for (unsigned i = 0; i < frames; i++) {
        double value;
        int32_t sample;

        while (s->fine < (first + i + 1) * OVERSAMPLE)
            integrate(s);
        value = filtered(s);
        s->coupled = s->leak * (s->coupled + value - s->last);
        s->last = value;
        sample = (int32_t)lrint(s->coupled * SWING);
        mix[2 * i] += sample;
        mix[2 * i + 1] += sample;
    }
}

static bool active(void *dev)
{
    struct pcspk *s = dev;

    return s->touched &&
           (pit_speaker_plays(s->pit) || vclock_now(s->clock) - s->changed < LINGER_NS);
}

/* Before a change: what was so far is settled, the part of a frame that is not asked for yet
 * included. */
static void settle(void *dev)
{
    struct pcspk *s = dev;
    uint64_t now;

    s->touched = 1;
    s->changed = vclock_now(s->clock);
    audio_run(s->out);
    seek(s, s->out->frames);
    now = scale_down(s->changed, PIT_HZ, NS);
    while (s->tick < now && s->fine < (s->out->frames + 1) * OVERSAMPLE)
        integrate(s);
}

static void reset(void *dev)
{
    struct pcspk *s = dev;

    s->touched = 0;
}

/* Levels that no speaker has are forgotten; a wrong position is found when it is next used. */
static void loaded(void *dev)
{
    struct pcspk *s = dev;
    uint64_t now = vclock_now(s->clock);

    for (unsigned i = 0; i < TAPS; i++)
        if (!(s->history[i] >= 0 && s->history[i] <= 1.01f))
            s->history[i] = 0;
    if (!(s->area >= 0 && s->area <= 1.01 * s->step))
        s->area = 0;
    if (!(s->last >= -1 && s->last <= 2))
        s->last = 0;
    if (!(fabs(s->coupled) <= 4))
        s->coupled = 0;
    if (s->changed > now)
        s->changed = now;
}

static const struct field fields[] = {
    FIELD(struct pcspk, tick),          FIELD(struct pcspk, fine),    FIELD(struct pcspk, changed),
    FIELD(struct pcspk, area),          FIELD(struct pcspk, last),    FIELD(struct pcspk, coupled),
    FIELD_ARRAY(struct pcspk, history), FIELD(struct pcspk, touched), FIELD_END,
};

static const struct device_class class = {
    .name = "pcspk", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

/* A sinc of CUTOFF under Blackman's window, its sum one. */
static void make_kernel(struct pcspk *s)
{
    double sum = 0;

    for (int i = 0; i < TAPS; i++) {
        double x = i - (TAPS - 1) / 2.0, phase = 2 * M_PI * (i + 0.5) / TAPS;
        double window = 0.42 - 0.5 * cos(phase) + 0.08 * cos(2 * phase);
        double angle = 2 * M_PI * CUTOFF / OVERSAMPLE * x;

        s->kernel[i] = (float)(window * sin(angle) / angle);
        sum += s->kernel[i];
    }
    for (int i = 0; i < TAPS; i++)
        s->kernel[i] = (float)(s->kernel[i] / sum);
}

void pcspk_init(struct board *board, struct pit *pit, struct audio_out *out)
{
    struct pcspk *s = device_alloc(sizeof *s);

    s->out = out;
    s->pit = pit;
    s->clock = board->clock;
    s->step = (double)PIT_HZ / OVERSAMPLE / out->rate;
    s->leak = 1 - 2 * M_PI * COUPLING_HZ / out->rate;
    make_kernel(s);
    s->source = (struct audio_source){"pcspk", s, render, active, NULL};
    audio_attach(out, &s->source);
    pit_on_speaker(pit, settle, s);
    device_add(board->devices, &class, s);
}
