/* Where a 386 or later differs from the CPU that tests were captured from, and what manuals leave
 * undefined. */
#ifndef RINGER_TESTS_HARDWARE_DIFFERENCES_H
#define RINGER_TESTS_HARDWARE_DIFFERENCES_H

#include "hardware/case.h"

/* Where the bench puts the handler of each vector that a test has no handler of: a HLT at
 * HANDLER_SEGMENT + vector : 0. */
enum { HANDLER_SEGMENT = 0xE000 };

/* Flags that the instruction leaves undefined (SDM vol. 1 appendix A, vol. 2). */
uint16_t undefined_flags(const struct hw_case *c);

/* A class of differences: REASON says what the later manual has. */
struct difference {
    const char *name, *reason;
    /* Does it apply to C?  Then the final state in C becomes that of a 386. */
    bool (*applies)(struct hw_case *c);
};

enum { DIFFERENCES = 13 };
extern const struct difference differences[DIFFERENCES];

#endif
