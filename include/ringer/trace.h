/* Events with times, kept in a ring of fixed size and written as Chrome's JSON trace, which
 * chrome://tracing, Perfetto and speedscope open.
 *
 * A trace hangs on the machine's log, so that every layer reaches it; callers ask
 * log_on(log, LOG_TRACE) first, and nothing is done when there is none. */
#ifndef RINGER_TRACE_H
#define RINGER_TRACE_H

#include "ringer/log.h"

/* What an event is: static data of the caller's. */
struct trace_kind {
    const char *name, *category;
    bool numbered;       /* the first number is part of the name, in hexadecimal */
    const char *args[3]; /* what the numbers are; NULL: not used */
};

struct trace;

#define TRACE_INSTANT UINT32_MAX

/* Room for EVENTS events; the oldest give way.  NULL: no memory. */
struct trace *trace_new(uint32_t events);
void trace_free(struct trace *t); /* NULL is allowed */
/* An event of the time AT (trace_now) that took TOOK ns, TRACE_INSTANT: none. */
void trace_add(struct trace *t, const struct trace_kind *kind, uint64_t at, uint32_t took,
               uint32_t a, uint32_t b, uint32_t c);
/* Write all to PATH, which exists.  False, and errno. */
bool trace_write(const struct trace *t, const char *path);

/* T (NULL: none) is LOG's from now on, and still the caller's to free, later than the last event. */
void log_set_trace(struct log *log, struct trace *t);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t trace_now(void);
/* Something happened now.  Async-signal-safe. */
void log_trace(struct log *log, const struct trace_kind *kind, uint32_t a, uint32_t b, uint32_t c);
/* Something took from SINCE (trace_now) until now. */
void log_trace_span(struct log *log, const struct trace_kind *kind, uint64_t since, uint32_t a,
                    uint32_t b, uint32_t c);

#endif
