/* All statistics of a machine, and their views. */
#ifndef RINGER_VMM_STATISTICS_H
#define RINGER_VMM_STATISTICS_H

#include "ringer/statistic.h"
#include "vmm/machine.h"
#include "vmm/text.h"
#include <jansson.h>

/* Each statistic of M, once.  On the vCPU thread, or when that has ended. */
void statistics_each(struct machine *m, const struct statistic_sink *to);

/* The same from any other thread: they are collected between two guest instructions. */
struct statistics {
    struct statistics_row {
        struct statistic s; /* its strings are the row's own */
    } *rows;
    unsigned count, room;
};
void statistics_collect(struct machine *m, struct statistics *out);
void statistics_free(struct statistics *s);

/* A table for people: those of GROUP, or all when it is NULL. */
void statistics_text(struct machine *m, const char *group, struct text *out);
/* Prometheus' text format, version 0.0.4. */
void statistics_prometheus(const struct statistics *s, struct text *out);
/* Everything: counters, the HOT hottest blocks with their code, pages, writers to code.  On the
 * vCPU thread, or when that has ended; for the caller to json_decref. */
json_t *statistics_json(struct machine *m, unsigned hot);

enum { STATISTICS_HOT = 64, STATISTICS_HOT_MAX = 4096 };

#endif
