/* A thread that kicks the rig's guest again and again, and a printer of the log's lines: for programs
 * that run guests in several ways. */
#ifndef TESTS_TRANSLATOR_KICKER_H
#define TESTS_TRANSLATOR_KICKER_H

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "tests/translator/rig.h"

struct kicker {
    struct rig *rig;
    long pause_ns; /* between two kicks */
    atomic_bool stop;
};

/* The thread's function; OPAQUE is the struct kicker.  Ends when STOP is set. */
static inline void *kick_often(void *opaque)
{
    struct kicker *k = opaque;
    struct timespec pause = {0, k->pause_ns};
    while (!atomic_load(&k->stop)) {
        rig_raise(k->rig, EVENT_KICK);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static inline void print_line(void *opaque, const char *line)
{
    (void)opaque;
    printf("    %s\n", line);
}

#endif
