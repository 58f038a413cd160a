/* What is counted while guest code runs, beyond the plain counters of internal.h: exits, calls of
 * the VMM by instruction, exceptions by vector, samples of where the time goes, executions of each
 * block, writers to code. */
#ifndef RINGER_TRANSLATOR_COUNT_H
#define RINGER_TRANSLATOR_COUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cpu/insn.h"

struct translator;
struct tb;
struct error;

enum { EXIT_KINDS = 11, CALL_SLOTS = 512, WRITER_SLOTS = 128, COUNT_VECTORS = 32,
       HISTORY_BITS = 17 };

/* Instructions of one opcode that went to C, with the first of them as a specimen. */
struct call_count {
    uint32_t key; /* map, opcode, ModRM.reg (of 0F 01: rm too), slow; 0: free */
    bool slow;
    uint8_t bits;
    uint8_t bytes[15];
    uint64_t count;
};

/* Where the time goes, by samples. */
enum sample_place { SAMPLE_GUEST, SAMPLE_VMM, SAMPLE_DEVICES, SAMPLE_OUTSIDE, SAMPLE_PLACES };

/* Why translated blocks were given up. */
enum invalid_cause {
    INVALID_STORE,  /* the guest stored into their code */
    INVALID_DEVICE, /* a device, by DMA */
    INVALID_POLICY, /* they are to be translated in another form */
    INVALID_REMAP,  /* their second page is another one */
    INVALID_CAUSES
};

/* Why code that had been translated was translated again.  The first seven are about one of its
 * sites, which gets another form. */
enum retranslation {
    RETRANSLATED_BY_HAND, /* its operand is no plain memory */
    RETRANSLATED_DIVIDE,  /* its division raises #DE */
    RETRANSLATED_CHURN,   /* the page of its operand is mapped anew all the time */
    RETRANSLATED_WRAP,    /* its operand goes beyond 4 GiB */
    RETRANSLATED_PLAIN,   /* plain memory only, many times in a row: plain again */
    RETRANSLATED_MAP,     /* it uses a page that churns so much that mapping it pays */
    RETRANSLATED_REACH,   /* a supervisor's, it uses memory of programs */
    RETRANSLATED_STORE,   /* the guest stored into it */
    RETRANSLATED_DEVICE,  /* a device did */
    RETRANSLATED_REMAP,   /* its second page was another one */
    RETRANSLATED_FLUSH,   /* the code cache was flushed */
    RETRANSLATED_MODE,    /* it is there, but for another mode or address */
    RETRANSLATIONS
};

/* Instructions of the guest that wrote to pages with code. */
struct writer {
    uint32_t eip, cs_base, page;
    enum invalid_cause cause;
    uint64_t writes, hits; /* hits: blocks lost */
};

/* Jumps through the table, counted in translated code when each execution is. */
enum jump_count { JUMP_INDIRECT, JUMP_RETURN, JUMP_CROSS_PAGE, JUMP_COUNTS };

/* What runs while samples are taken: sums of N * RATE_ONE / bytes of the block's host code, to which
 * BLOCK_COST is added for coming to it.  HOST_BYTES of them take a cycle: measured, see
 * docs/statistics.md. */
enum { RATE_ONE = 1 << 16, BLOCK_COST = 8, HOST_BYTES = 22 };
struct rates {
    uint64_t insns, jumps[JUMP_COUNTS];
};

struct counts {
    uint64_t exits[EXIT_KINDS];
    uint64_t missed[JUMP_COUNTS]; /* those that the table did not answer */
    struct call_count calls[CALL_SLOTS];
    uint64_t calls_other; /* for which there was no slot */
    uint64_t exceptions[COUNT_VECTORS];
    uint64_t invalid[INVALID_CAUSES];
    uint64_t retranslated[RETRANSLATIONS];
    uint32_t *history; /* by hash of a block's physical address: what came of the last one there */
    struct writer writers[WRITER_SLOTS];
    uint64_t translate_cycles, decode_cycles;
    uint64_t began_cycles, began_ns; /* the time-stamp counter and the clock at one moment */

    uint64_t samples[SAMPLE_PLACES];
    uint64_t counted_samples;  /* those of SAMPLE_GUEST while executions were counted */
    struct rates guessed;      /* of the samples while executions were not counted */
    struct rates modelled;     /* ... and what would have been guessed while they were */
    uint32_t *page_samples;    /* by physical page, in guest code */
    uint64_t *page_executions; /* by physical page: instructions of blocks that are gone */
    uint64_t executed;         /* instructions of blocks that are gone, counted exactly */
    timer_t timer;
    bool timer_made;

    uint64_t *executions; /* by block (those of no block: enum jump_count, from the end back); in
                           * front of the runtime area, so that blocks reach it */
};

bool count_init(struct translator *t);
void count_free(struct translator *t);
/* An instruction goes to C. */
void count_call(struct translator *t, const struct insn *in, bool slow);
/* Is it a device that writes? */
bool count_by_device(const struct translator *t);
/* A write of the present instruction, or of a device, hit a page with code and HITS blocks. */
void count_writer(struct translator *t, uint32_t pa, unsigned hits);
/* TB is new: was its code translated before?  And: it is given up, for CAUSE. */
void count_translated(struct translator *t, const struct tb *tb);
void count_given_up(struct translator *t, const struct tb *tb, enum retranslation cause);
/* TB is about to be forgotten: keep what it counted. */
void count_retire(struct translator *t, const struct tb *tb);
/* Instructions executed by blocks that count: those that are gone, and those that live. */
uint64_t count_executed(const struct translator *t);

/* CYCLES of the time-stamp counter as nanoseconds. */
uint64_t count_ns(const struct translator *t, uint64_t cycles);

/* ---- sample.c ---- */
/* A timer on the calling thread's CPU time that notes what runs. */
bool sample_attach(struct translator *t, struct error *err);
void sample_detach(struct translator *t);
/* Nanoseconds of CPU time a sample stands for. */
uint64_t sample_ns(const struct translator *t);

static inline uint64_t count_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

#endif
