/* Running a script: one step after the other, looked at every few milliseconds from the event
 * loop. */
#define _GNU_SOURCE /* memmem */
#include "vmm/script.h"
#include "vmm/screen.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 10,
    SCREEN_TICKS = 5, /* the screen is read less often: it interrupts the guest */
    PICTURE_TICKS = 20,
    CAPTURE = 256 << 10,
    SHOWN_SERIAL = 2048, /* of it on failure */
};

struct script {
    struct script_text text;
    unsigned at; /* the present step */
    bool begun;  /* its beginning was carried out */
    bool failed, done;
    int status;
    struct monitor_target target;
    struct port *serial;
    uv_timer_t tick;
    uint64_t deadline, ticks; /* ms of the loop's clock */
    struct picture_watch watch;

    /* What the guest sent on the serial line and no wait has consumed. */
    pthread_mutex_t lock;
    char *capture;
    size_t captured;
    size_t searched; /* from here on it may hold new matches */
};

/* ---- the serial line ---- */

static void tap(void *opaque, const uint8_t *data, size_t len)
{
    struct script *s = opaque;

    pthread_mutex_lock(&s->lock);
    if (len > CAPTURE / 2) {
        data += len - CAPTURE / 2;
        len = CAPTURE / 2;
    }
    if (s->captured + len > CAPTURE) { /* forget the older half */
        size_t drop = s->captured - CAPTURE / 2;
        memmove(s->capture, s->capture + drop, s->captured -= drop);
        s->searched = s->searched > drop ? s->searched - drop : 0;
    }
    memcpy(s->capture + s->captured, data, len);
    s->captured += len;
    pthread_mutex_unlock(&s->lock);
}

static bool serial_has(struct script *s, const char *text)
{
    size_t len = strlen(text);

    pthread_mutex_lock(&s->lock);
    size_t from = s->searched > len ? s->searched - len : 0;
    char *hit = memmem(s->capture + from, s->captured - from, text, len);
    s->searched = s->captured;
    if (hit) {
        size_t used = (size_t)(hit - s->capture) + len;
        memmove(s->capture, s->capture + used, s->captured -= used);
        s->searched = 0;
    }
    pthread_mutex_unlock(&s->lock);
    return hit != NULL;
}

static bool screen_has(struct script *s, const char *text)
{
    struct text screen = {0};

    screen_text(s->target.machine, &screen);
    bool hit = strstr(text_string(&screen), text) != NULL;
    text_free(&screen);
    return hit;
}

/* Does the picture answer the step's question?  The screen shows none while no mode is set. */
static bool picture_has(struct script *s, const struct script_step *step)
{
    struct picture p;

    return screen_steady(s->target.machine, &p) &&
           picture_watch_look(&s->watch, step->picture, &p, uv_now(s->tick.loop));
}

/* ---- failure ---- */

static void print_state(struct script *s)
{
    struct text screen = {0};

    screen_text(s->target.machine, &screen);
    if (screen.len)
        fprintf(stderr, "---- the screen:\n%s\n", text_string(&screen));
    else
        fprintf(stderr, "---- the screen is in a graphics mode\n");
    text_free(&screen);
    pthread_mutex_lock(&s->lock);
    size_t n = s->captured < SHOWN_SERIAL ? s->captured : SHOWN_SERIAL;
    if (n) {
        fprintf(stderr, "---- the serial line, since the last successful wait:\n");
        fwrite(s->capture + s->captured - n, 1, n, stderr);
        fprintf(stderr, "\n");
    }
    pthread_mutex_unlock(&s->lock);
    fprintf(stderr, "----\n");
}

static void fail(struct script *s, const char *what)
{
    const struct script_step *step = &s->text.steps[s->at];

    fprintf(stderr, "ringer: script line %u: %s\n", step->line, what);
    print_state(s);
    s->failed = s->done = true;
    s->status = 1;
    machine_quit(s->target.machine, 1);
}

/* ---- steps ---- */

static void run_monitor(struct script *s, const char *line)
{
    struct text out = {0};
    bool ok = monitor_execute(&s->target, line, &out);

    if (ok)
        fputs(text_string(&out), stdout);
    else
        fail(s, text_string(&out));
    fflush(stdout);
    text_free(&out);
}

static void begin(struct script *s, const struct script_step *step)
{
    s->deadline = uv_now(s->tick.loop) + (uint64_t)(step->seconds * 1000);
    s->searched = 0;
    picture_watch_begin(&s->watch);
    switch (step->verb) {
    case SCRIPT_TYPE:
        typist_text(s->target.typist, step->text);
        break;
    case SCRIPT_KEY:
        typist_chord(s->target.typist, &step->chord, 0);
        break;
    case SCRIPT_SERIAL:
        if (s->serial)
            port_input(s->serial, (const uint8_t *)step->text, strlen(step->text));
        break;
    case SCRIPT_MONITOR:
        run_monitor(s, step->text);
        break;
    case SCRIPT_QUIT:
        s->done = true;
        s->status = step->code;
        machine_quit(s->target.machine, step->code);
        break;
    default:
        break;
    }
}

static bool waited_for_text(struct script *s, const struct script_step *step, bool late)
{
    char why[200];

    if (serial_has(s, step->text) ||
        ((s->ticks % SCREEN_TICKS == 0 || late) && screen_has(s, step->text)))
        return true;
    if (late) {
        snprintf(why, sizeof why, "\"%s\" did not appear in %g seconds", step->text, step->seconds);
        fail(s, why);
    }
    return false;
}

static bool waited_for_picture(struct script *s, const struct script_step *step, bool late)
{
    char why[200];

    if (!late && s->ticks % PICTURE_TICKS)
        return false;
    if (picture_has(s, step))
        return true;
    if (late) {
        int n =
            snprintf(why, sizeof why, "no such picture in %g seconds; the last: ", step->seconds);
        picture_watch_say(&s->watch, why + n, sizeof why - (size_t)n);
        fail(s, why);
    }
    return false;
}

/* Is the present step over?  It may fail here. */
static bool finished(struct script *s, const struct script_step *step)
{
    bool late = uv_now(s->tick.loop) >= s->deadline;

    switch (step->verb) {
    case SCRIPT_WAIT:
        return waited_for_text(s, step, late);
    case SCRIPT_WAIT_PICTURE:
        return waited_for_picture(s, step, late);
    case SCRIPT_EXPECT_END:
        if (late)
            fail(s, "the machine has not ended");
        return false;
    case SCRIPT_SLEEP:
        return late;
    case SCRIPT_TYPE:
    case SCRIPT_KEY:
        return !typist_busy(s->target.typist);
    case SCRIPT_SERIAL:
        return !s->serial || port_backlog(s->serial) == 0;
    default:
        return true;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct script *s = timer->data;

    s->ticks++;
    while (!s->done && s->at < s->text.count) {
        const struct script_step *step = &s->text.steps[s->at];

        if (!s->begun) {
            s->begun = true;
            begin(s, step);
        }
        if (s->done || !finished(s, step))
            return;
        s->at++;
        s->begun = false;
    }
    if (!s->done)
        uv_timer_stop(timer); /* the machine runs on without us */
}

/* ---- life ---- */

struct script *script_start(uv_loop_t *loop, struct script_text *text,
                            const struct monitor_target *t, struct port *serial)
{
    struct script *s = calloc(1, sizeof *s);

    if (!s || !(s->capture = malloc(CAPTURE)))
        abort();
    s->text = *text;
    *text = (struct script_text){0};
    s->target = *t;
    s->serial = serial;
    pthread_mutex_init(&s->lock, NULL);
    if (serial)
        port_set_tap(serial, tap, s);
    uv_timer_init(loop, &s->tick);
    s->tick.data = s;
    uv_timer_start(&s->tick, on_tick, 0, TICK_MS);
    return s;
}

/* After the end there may be `quit CODE` left, or commands that look at what is there. */
static void run_rest(struct script *s)
{
    for (; !s->done && s->at < s->text.count; s->at++) {
        const struct script_step *step = &s->text.steps[s->at];

        if (step->verb == SCRIPT_QUIT || step->verb == SCRIPT_MONITOR)
            begin(s, step);
        else if (step->verb == SCRIPT_WAIT && !serial_has(s, step->text) &&
                 !screen_has(s, step->text))
            fail(s, "the machine has ended");
        else if (step->verb != SCRIPT_WAIT && step->verb != SCRIPT_SLEEP &&
                 step->verb != SCRIPT_EXPECT_END)
            fail(s, "the machine has ended");
    }
}

/* The last thing that was typed may end the machine before it is seen to be typed. */
static bool typed_the_end(const struct script *s)
{
    const struct script_step *step = &s->text.steps[s->at];

    if (!s->begun || s->at + 1 >= s->text.count || step[1].verb != SCRIPT_EXPECT_END)
        return false;
    return step->verb == SCRIPT_TYPE || step->verb == SCRIPT_KEY ||
           (step->verb == SCRIPT_SERIAL && (!s->serial || port_backlog(s->serial) == 0));
}

void script_machine_ended(struct script *s, int *status)
{
    uv_timer_stop(&s->tick);
    if (!s->done && s->at < s->text.count) {
        const struct script_step *step = &s->text.steps[s->at];

        if (step->verb == SCRIPT_EXPECT_END)
            s->at++;
        else if (typed_the_end(s))
            s->at += 2;
        else if (step->verb == SCRIPT_WAIT &&
                 (serial_has(s, step->text) || screen_has(s, step->text)))
            s->at++;
        else if (step->verb != SCRIPT_QUIT && step->verb != SCRIPT_MONITOR)
            fail(s, "the machine ended before");
        run_rest(s);
    }
    if (s->done)
        *status = s->status;
}

static void on_closed(uv_handle_t *handle)
{
    struct script *s = handle->data;

    pthread_mutex_destroy(&s->lock);
    script_text_free(&s->text);
    picture_watch_free(&s->watch);
    free(s->capture);
    free(s);
}

void script_close(struct script *s)
{
    if (!s)
        return;
    if (s->serial)
        port_set_tap(s->serial, NULL, NULL);
    uv_close((uv_handle_t *)&s->tick, on_closed);
}
