/* The mixers. */
#include "vmm/audio/intake.h"
#include "vmm/audio/sink.h"
#include "vmm/output.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NS = 1000000000,
    CHUNK = 512,
    CAPTURES = 16,
    MOST_BEHIND = 2, /* seconds */
};

struct mixer {
    struct audio_out out; /* first: devices have a pointer to it */
    struct audiodev_option option;
    struct vclock *clock;
    struct vtimer timer;
    uint64_t period; /* ns */
    struct audio_source *sources;
    struct sink *sink; /* NULL: nobody listens */
    struct intake *intake;
    bool heard; /* INPUT is that of the frames which are being rendered */
    int16_t input[CHUNK * 2];
    struct sink *captures[CAPTURES];
    char capture_path[CAPTURES][200];
    bool running;
};

struct audio {
    struct mixer *mixers;
    unsigned count;
};

static bool any_active(const struct mixer *m)
{
    for (struct audio_source *s = m->sources; s; s = s->next)
        if (s->active(s->dev))
            return true;
    return false;
}

static void deliver(struct mixer *m, const int16_t *samples, unsigned frames)
{
    if (m->sink)
        m->sink->write(m->sink, samples, frames);
    for (unsigned i = 0; i < CAPTURES; i++)
        if (m->captures[i])
            m->captures[i]->write(m->captures[i], samples, frames);
}

static void skip(struct mixer *m, uint64_t frames)
{
    if (m->sink)
        m->sink->skip(m->sink, frames);
    for (unsigned i = 0; i < CAPTURES; i++)
        if (m->captures[i])
            m->captures[i]->skip(m->captures[i], frames);
}

/* Opened when something is recorded for the first time. */
static const int16_t *input(struct audio_out *out, unsigned frames)
{
    struct mixer *m = (struct mixer *)out;

    if (m->option.driver != AUDIO_SDL || !m->sink || m->option.deaf)
        return NULL;
    if (!m->intake)
        m->intake = intake_sdl(&m->option);
    if (!m->intake || frames > CHUNK)
        return NULL;
    if (!m->heard)
        m->intake->read(m->intake, m->input, frames);
    m->heard = true;
    return m->input;
}

static int16_t clipped(int32_t v)
{
    return (int16_t)(v < -32768 ? -32768 : v > 32767 ? 32767 : v);
}

static void render(struct mixer *m, unsigned frames)
{
    int32_t mix[CHUNK * 2] = {0};
    int16_t samples[CHUNK * 2];

    m->heard = false;
    for (struct audio_source *s = m->sources; s; s = s->next)
        if (s->active(s->dev))
            s->render(s->dev, mix, frames, m->out.frames);
    for (unsigned i = 0; i < 2 * frames; i++)
        samples[i] = clipped(mix[i]);
    m->out.frames += frames;
    deliver(m, samples, frames);
}

/* FRAMES frames pass in silence; sources stand still meanwhile. */
static void pass(struct mixer *m, uint64_t frames)
{
    skip(m, frames);
    m->out.frames += frames;
}

/* A host that was away (stopped, asleep) is not made up for: sound goes on where it was. */
static void run(struct audio_out *out)
{
    struct mixer *m = (struct mixer *)out;
    uint64_t now = vclock_now(m->clock);
    uint64_t due = (uint64_t)((unsigned __int128)now * out->rate / NS);
    bool active = any_active(m);

    if (m->running) /* a source that was asked asks */
        return;
    m->running = true;
    if (active && out->frames + (uint64_t)MOST_BEHIND * out->rate < due)
        pass(m, due - out->frames - out->rate / 10);
    while (active && out->frames < due) {
        uint64_t left = due - out->frames;
        render(m, left < CHUNK ? (unsigned)left : CHUNK);
        active = any_active(m);
    }
    if (!active)
        pass(m, out->frames < due ? due - out->frames : 0);
    m->running = false;
    if (active && !m->timer.armed)
        vtimer_set(m->clock, &m->timer, now + m->period);
}

static void timer_fired(void *opaque)
{
    struct mixer *m = opaque;

    run(&m->out);
}

static void attach(struct audio_out *out, struct audio_source *source)
{
    struct mixer *m = (struct mixer *)out;

    source->next = m->sources;
    m->sources = source;
}

static bool open_mixer(struct mixer *m, const struct audiodev_option *o, struct error *err)
{
    struct error why = {""};

    m->option = *o;
    m->out = (struct audio_out){.rate = o->rate, .attach = attach, .run = run, .input = input};
    m->period = (uint64_t)o->period_us * 1000;
    if (o->driver == AUDIO_NONE)
        return true;
    if (o->driver == AUDIO_WAV)
        return output_possible(o->path) || error_set(err, "-audiodev %s: %s: cannot be written: %s",
                                                     o->id, o->path, strerror(errno));
    m->sink = sink_sdl(o, &why);
    return m->sink || o->spare || error_set(err, "-audiodev %s: %s", o->id, why.text);
}

struct audio *audio_open(const struct audiodev_option *list, unsigned count, struct error *err)
{
    struct audio *a = calloc(1, sizeof *a);

    if (a)
        a->mixers = calloc(count ? count : 1, sizeof *a->mixers);
    if (!a || !a->mixers) {
        free(a);
        error_set(err, "out of memory");
        return NULL;
    }
    for (; a->count < count; a->count++)
        if (!open_mixer(&a->mixers[a->count], &list[a->count], err)) {
            audio_close(a);
            return NULL;
        }
    return a;
}

bool audio_begin(struct audio *a, struct error *err)
{
    struct error why;

    for (unsigned i = 0; i < a->count; i++) {
        struct mixer *m = &a->mixers[i];
        if (m->option.driver != AUDIO_WAV)
            continue;
        m->sink = sink_wav(&m->option, &why);
        if (!m->sink)
            return error_set(err, "-audiodev %s: %s", m->option.id, why.text);
    }
    return true;
}

void audio_close(struct audio *a)
{
    if (!a)
        return;
    for (unsigned i = 0; i < a->count; i++) {
        struct mixer *m = &a->mixers[i];
        for (unsigned c = 0; c < CAPTURES; c++)
            if (m->captures[c])
                m->captures[c]->close(m->captures[c]);
        if (m->intake)
            m->intake->close(m->intake);
        if (m->sink)
            m->sink->close(m->sink);
    }
    free(a->mixers);
    free(a);
}

void audio_start(struct audio *a, struct vclock *clock)
{
    for (unsigned i = 0; i < a->count; i++) {
        a->mixers[i].clock = clock;
        vtimer_init(&a->mixers[i].timer, "audio", timer_fired, &a->mixers[i]);
    }
}

struct audio_out *audio_find(struct audio *a, const char *id)
{
    for (unsigned i = 0; a && i < a->count; i++)
        if (!id || !strcmp(a->mixers[i].option.id, id))
            return &a->mixers[i].out;
    return NULL;
}

bool audio_capture(struct audio *a, const struct audiodev_option *format, struct error *err)
{
    struct mixer *m = a && a->count ? &a->mixers[0] : NULL;
    struct audiodev_option o = *format;
    unsigned i = 0;

    while (m && i < CAPTURES && m->captures[i])
        i++;
    if (!m || i == CAPTURES)
        return error_set(err, "there are %u captures already", CAPTURES);
    o.rate = m->out.rate;
    run(&m->out);
    m->captures[i] = sink_wav(&o, err);
    snprintf(m->capture_path[i], sizeof m->capture_path[i], "%s", o.path);
    return m->captures[i] != NULL;
}

bool audio_stop_capture(struct audio *a, unsigned n)
{
    struct mixer *m = a && a->count ? &a->mixers[0] : NULL;

    if (!m || n >= CAPTURES || !m->captures[n])
        return false;
    run(&m->out);
    m->captures[n]->close(m->captures[n]);
    m->captures[n] = NULL;
    return true;
}

void audio_describe_captures(struct audio *a, void (*line)(void *opaque, const char *text),
                             void *opaque)
{
    char text[300];

    for (unsigned i = 0; a && a->count && i < CAPTURES; i++) {
        const struct mixer *m = &a->mixers[0];
        if (!m->captures[i])
            continue;
        snprintf(text, sizeof text, "[%u]: wav file %s, %llu bytes", i, m->capture_path[i],
                 (unsigned long long)sink_wav_bytes(m->captures[i]));
        line(opaque, text);
    }
}
