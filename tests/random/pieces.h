/* Random pieces of system code (tests/random/system.c). */
#ifndef RINGER_TESTS_RANDOM_PIECES_H
#define RINGER_TESTS_RANDOM_PIECES_H

#include <stdbool.h>
#include <stdint.h>

enum { PIECE_BYTES = 128, PIECES_AT = 0x10000, RING_V86 = 4, CODE_16 = 8 };

struct piece {
    uint8_t bytes[PIECE_BYTES];
    unsigned len;
    uint32_t at;  /* its address */
    uint8_t ring; /* 0, 3 or RING_V86; with CODE_16: 16-bit code in protected mode */
    uint32_t ebx; /* as it begins */
    uint64_t *seed;
    bool tame; /* only what other emulators carry out as processors do */
};

/* Fill P for its ring and place. */
void piece_make(struct piece *p);

#endif
