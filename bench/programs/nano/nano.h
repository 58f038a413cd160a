/* Nanobenchmarks: single operations, in ticks of the time-stamp counter.  The same items run bare
 * in a guest (kernel.c, boot.S) and, where an ordinary program can do them, natively (native.c). */
#ifndef BENCH_NANO_H
#define BENCH_NANO_H

#include <stdint.h>

/* An item does its operation COUNT times. */
struct item {
    const char *name;
    void (*run)(uint32_t count);
    uint32_t count;
};

/* Measure ITEM some dozen times and print "nano NAME TICKS", the least ticks per operation with two
 * decimals: what else runs on the host only ever adds. */
void nano_measure(const struct item *item);
void nano_print(const char *text);
/* "nano NAME HUNDREDTHS/100". */
void nano_result(const char *name, uint64_t hundredths);

/* The items that need no privilege (common.c): those of arithmetic, memory and jumps. */
extern const struct item nano_common[];

static inline uint64_t nano_ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* DO STATEMENT COUNT times. */
#define NANO_LOOP(count, code, ...)                                                                \
    for (uint32_t n_ = (count); n_; n_--)                                                          \
    __asm__ volatile(code __VA_ARGS__)

#endif
