/* Virtual time: a monotonic clock that stands still while the machine is stopped, and the queue
 * of timers that are due on it.  The queue is a list sorted by deadline: a PC has about ten
 * timers, and the head is all that the run loop asks for. */
#include "devices/clock.h"

#include "devices/hosttime.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    /* A timer that rearms itself in the past must not keep the vCPU in vclock_run for good. */
    MAX_FIRED = 256,
};

struct vclock {
    bool manual;
    bool stopped;
    struct hosttime host; /* while it runs */
    uint64_t frozen;    /* the time while stopped; always, for a manual clock */
    uint64_t hurry;     /* what a manual clock moves on by when it is read */
    unsigned slow;      /* 0, or see vclock_slow */
    clockid_t cpu;      /* the vCPU thread's processor time */
    uint64_t idled;     /* host time slept in all, */
    uint64_t idle_from; /* since when it sleeps, 0: it does not */
    struct vtimer *head;
    void (*earlier)(void *opaque);
    void *earlier_opaque;
};

/* Devices may still hold armed timers when the clock goes; they are not touched. */
struct vclock *vclock_new(bool manual)
{
    struct vclock *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->manual = manual;
    hosttime_init(&c->host, NULL);
    hosttime_start(&c->host, 0);
    return c;
}

void vclock_free(struct vclock *c)
{
    free(c);
}

uint64_t vclock_now(struct vclock *c)
{
    uint64_t now = c->frozen;

    if (!c->manual && !c->stopped)
        return hosttime_now(&c->host);
    c->frozen += c->hurry;
    return now;
}

const struct timeline *vclock_timeline(const struct vclock *c)
{
    return &c->host.line;
}

void vclock_hurry(struct vclock *c, uint64_t ns)
{
    c->hurry = c->manual ? ns : 0;
}

static uint64_t read_clock(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What a slow clock follows in place of the host's. */
static uint64_t slow_time(void *opaque)
{
    const struct vclock *c = opaque;
    uint64_t idle = c->idle_from ? read_clock(CLOCK_MONOTONIC) - c->idle_from : 0;

    return c->idled + idle + read_clock(c->cpu) / c->slow;
}

void vclock_slow(struct vclock *c, unsigned factor)
{
    const struct hosttime_source source = {NULL, slow_time, c};
    uint64_t now = vclock_now(c);

    if (pthread_getcpuclockid(pthread_self(), &c->cpu))
        return;
    c->slow = factor;
    hosttime_init(&c->host, &source);
    hosttime_start(&c->host, now);
}

unsigned vclock_slowness(const struct vclock *c)
{
    return c->slow ? c->slow : 1;
}

void vclock_idle(struct vclock *c, bool idle)
{
    uint64_t now;

    if (!c->slow || idle == (c->idle_from != 0))
        return;
    now = read_clock(CLOCK_MONOTONIC);
    if (!idle)
        c->idled += now - c->idle_from;
    c->idle_from = idle ? now : 0;
}

void vclock_stop(struct vclock *c)
{
    c->frozen = vclock_now(c);
    c->stopped = true;
    hosttime_end(&c->host);
}

void vclock_resume(struct vclock *c)
{
    if (!c->stopped)
        return;
    c->stopped = false;
    hosttime_start(&c->host, c->frozen);
    if (c->head && c->earlier)
        c->earlier(c->earlier_opaque);
}

void vtimer_init(struct vtimer *t, const char *name, void (*fire)(void *), void *opaque)
{
    *t = (struct vtimer){.name = name, .fire = fire, .opaque = opaque};
}

void vtimer_cancel(struct vclock *c, struct vtimer *t)
{
    struct vtimer **link = &c->head;

    if (!t->armed)
        return;
    while (*link && *link != t)
        link = &(*link)->next;
    if (*link)
        *link = t->next;
    t->next = NULL;
    t->armed = false;
}

/* Timers of one deadline fire in the order in which they were set. */
void vtimer_set(struct vclock *c, struct vtimer *t, uint64_t deadline)
{
    uint64_t before = vclock_next_deadline(c);
    struct vtimer **link = &c->head;

    vtimer_cancel(c, t);
    while (*link && (*link)->deadline <= deadline)
        link = &(*link)->next;
    t->deadline = deadline;
    t->next = *link;
    t->armed = true;
    *link = t;
    if (deadline < before && c->earlier)
        c->earlier(c->earlier_opaque);
}

static void fire_head(struct vclock *c)
{
    struct vtimer *t = c->head;

    c->head = t->next;
    t->next = NULL;
    t->armed = false;
    t->fire(t->opaque);
}

void vclock_advance(struct vclock *c, uint64_t ns)
{
    uint64_t target = c->frozen + ns;

    if (!c->manual || c->stopped)
        return;
    while (c->head && c->head->deadline <= target) {
        if (c->head->deadline > c->frozen)
            c->frozen = c->head->deadline;
        fire_head(c);
    }
    if (c->frozen < target) /* else it was in a hurry */
        c->frozen = target;
}

uint64_t vclock_run(struct vclock *c)
{
    uint64_t now = vclock_now(c);

    for (unsigned fired = 0; fired < MAX_FIRED; fired++) {
        if (!c->head || c->head->deadline > now)
            break;
        fire_head(c);
    }
    return vclock_next_deadline(c);
}

uint64_t vclock_next_deadline(const struct vclock *c)
{
    return c->head ? c->head->deadline : UINT64_MAX;
}

void vclock_on_earlier(struct vclock *c, void (*fn)(void *opaque), void *opaque)
{
    c->earlier = fn;
    c->earlier_opaque = opaque;
}
