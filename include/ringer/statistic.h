/* One counter or gauge with its name, unit and meaning: what every view of the statistics is made
 * of. */
#ifndef RINGER_STATISTIC_H
#define RINGER_STATISTIC_H

#include <stdbool.h>
#include <stdint.h>

struct statistic {
    const char *group; /* "tb", "exits", "mmu", "io", "time", ... */
    const char *name;  /* [a-z0-9_]+, unique in its group but for LABEL */
    const char *key;   /* what LABEL is: "vector", "port"; NULL: there is one value of this name */
    const char *label; /* which of them */
    const char *unit;  /* "bytes", "ns", "percent", or what is counted */
    const char *help;
    bool gauge; /* it may fall; otherwise it only grows */
    uint64_t value;
};

/* Gets each statistic once; all pointers are good during the call only. */
struct statistic_sink {
    void (*take)(void *opaque, const struct statistic *s);
    void *opaque;
};

#endif
