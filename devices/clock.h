/* Virtual time: one clock a machine, one queue of named timers.
 *
 * Time is in nanoseconds since power-on.  It follows the host's monotonic clock while the machine
 * runs and stands still while it is stopped; tests step it by hand.  Counters are computed from
 * it, nothing ticks.  All calls are made on the machine's vCPU thread. */
#ifndef RINGER_DEVICES_CLOCK_H
#define RINGER_DEVICES_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct vclock;

/* A one-shot timer, embedded in its owner; NAME is for dumps.  Zero-initialise, then
 * timer_init. */
struct vtimer {
    const char *name;
    void (*fire)(void *opaque);
    void *opaque;
    uint64_t deadline; /* ns */
    struct vtimer *next;
    bool armed;
};

/* MANUAL: time moves only by vclock_advance (tests). */
struct vclock *vclock_new(bool manual);
void vclock_free(struct vclock *c);
uint64_t vclock_now(struct vclock *c);
/* The time as the host's counter tells it, for the vCPU's thread: where its span is over, or 0,
 * vclock_now is to be asked (which may draw a new line).  Lives as long as C. */
struct timeline;
const struct timeline *vclock_timeline(const struct vclock *c);
void vclock_stop(struct vclock *c);
void vclock_resume(struct vclock *c);
/* Manual clocks: move to now + NS, firing timers in order at their deadlines. */
void vclock_advance(struct vclock *c, uint64_t ns);
/* Manual clocks: let NS go by after each reading, as on a host that has other things to do between
 * two lines of a device.  Fires nothing. */
void vclock_hurry(struct vclock *c, uint64_t ns);

/* For a CPU that is made slow on purpose: time follows the processor time that the calling thread
 * uses, at a FACTORth of its speed, so that as many instructions as ever fit between two ticks; and
 * the host's clock while the CPU is idle.  Not for manual clocks. */
void vclock_slow(struct vclock *c, unsigned factor);
unsigned vclock_slowness(const struct vclock *c); /* 1: not slow */
void vclock_idle(struct vclock *c, bool idle);

void vtimer_init(struct vtimer *t, const char *name, void (*fire)(void *), void *opaque);
void vtimer_set(struct vclock *c, struct vtimer *t, uint64_t deadline); /* rearms */
void vtimer_cancel(struct vclock *c, struct vtimer *t);

/* Fire what is due; returns the next deadline, UINT64_MAX when there is none. */
uint64_t vclock_run(struct vclock *c);
uint64_t vclock_next_deadline(const struct vclock *c);
/* Called whenever an earlier deadline than before was set (the run loop rearms its host timer). */
void vclock_on_earlier(struct vclock *c, void (*fn)(void *opaque), void *opaque);

#endif
