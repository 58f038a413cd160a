/* The binary translator: guest code to host code, and the hub that runs it. */
#ifndef RINGER_TRANSLATOR_TRANSLATOR_H
#define RINGER_TRANSLATOR_TRANSLATOR_H

#include "cpu/cpu.h"
#include "ringer/statistic.h"

struct memory_sink;
struct translator;
struct error;

struct translator_options {
    uint32_t cache_bytes;  /* code cache size; 0: default */
    bool check;            /* run the confinement checker over every block */
    uint32_t max_insns;    /* instructions a block at most; 0: default; 1 is single-step */
    bool verify;           /* lock-step (translator/verify.h) */
    uint32_t verify_first; /* compare each block's first executions only; 0: all */
    bool perf_map;         /* make the code cache of memory that perf maps name */
    bool exec_count;       /* count the executions of each block exactly */
    bool no_samples;       /* no timer that notes what runs */
    bool long_at_once; /* tests: a kick takes the process that it finds for one that runs long */
    bool fail_cache_alloc; /* tests: pretend the code cache could not be had */
};

/* Why translator_run came back. */
enum run_exit {
    RUN_EVENT,    /* cpu->event has EVENT_KICK or EVENT_RESET: serve it (and clear it) */
    RUN_HALT,     /* HLT with nothing pending: wait for an event, then run again */
    RUN_SHUTDOWN, /* triple fault; cpu->shutdown is set */
    RUN_DIVERGED, /* lock-step found a difference: see translator_describe_divergence */
};

/* A translator for CPU.  One vCPU thread uses it; translator_kick may come from any thread. */
struct translator *translator_new(struct cpu *cpu, struct log *log,
                                  const struct translator_options *options, struct error *err);
void translator_free(struct translator *t);

/* Bind to the calling thread: signal handlers and alternate stack.  Call once on the vCPU thread
 * before translator_run; undone by translator_free. */
bool translator_attach(struct translator *t, struct error *err);

/* Run guest code, delivering exceptions and interrupts, until something needs the machine. */
enum run_exit translator_run(struct translator *t);

/* Make translator_run look at cpu->event soon.  Any thread, async-signal-safe.  The caller has
 * set the bits before. */
void translator_kick(struct translator *t);

/* Forget every block (a snapshot was loaded). */
void translator_flush(struct translator *t);

/* Guest instructions translated so far. */
uint64_t translator_insns(const struct translator *t);
/* Every statistic of the translator: counters, occupancy, exits, calls by instruction, samples. */
void translator_statistics(struct translator *t, const struct statistic_sink *to);
/* The host memory that translated code and what is known of it take (ringer/memory_use.h). */
void translator_memory(const struct translator *t, const struct memory_sink *to);

/* Count the executions of each block exactly, or no longer.  Blocks are translated anew. */
void translator_count_executions(struct translator *t, bool on);
bool translator_counts_executions(const struct translator *t);

/* What views show of a block.  Live or not: blocks that were given up stay until the cache is
 * flushed. */
enum { TRANSLATOR_EXITS = 5 }; /* direct ones of a block */
struct translator_block {
    uint32_t index; /* names it until the cache is flushed */
    uint32_t eip, cs_base, phys, mode;
    uint16_t insns, guest_bytes, sites;
    uint32_t host_bytes;
    bool valid, code32, user, counted;
    char symbol[100]; /* " <NAME+0xOFFSET>", or empty */
    uint64_t executions, samples;
    struct {
        uint32_t target;
        uint32_t link; /* index of the block it jumps to, 0 while there is none */
    } exits[TRANSLATOR_EXITS]; /* target ~0: there is no such exit */
};
enum translator_order { BY_EXECUTIONS, BY_SAMPLES, BY_TIME /* samples, else executions */ };

/* The hottest MAX blocks by ORDER into OUT; returns how many there are with any count. */
unsigned translator_hot(struct translator *t, enum translator_order order,
                        struct translator_block *out, unsigned max);
/* The block INDEX; false when there is none. */
bool translator_block(struct translator *t, uint32_t index, struct translator_block *out);
/* Blocks that hold linear address LIN (EIP + CS base), MAX at most; returns how many were stored. */
unsigned translator_blocks_at(struct translator *t, uint32_t lin, struct translator_block *out,
                              unsigned max);
/* Guest code of block INDEX, HOST code beside it, line by line. */
void translator_describe_block(struct translator *t, uint32_t index, bool host,
                               void (*line)(void *, const char *), void *opaque);

/* A physical page with code: how often it was found running, and how many instructions ran there
 * (as far as they were counted). */
struct translator_page {
    uint32_t pfn;
    uint64_t samples, executions;
    uint32_t blocks; /* live ones */
};
void translator_each_page(struct translator *t,
                          void (*fn)(void *opaque, const struct translator_page *p), void *opaque);

/* An instruction of the guest that wrote to pages with translated code. */
struct translator_writer {
    uint32_t eip, cs_base, page; /* page: physical address of the last one */
    const char *cause;
    uint64_t writes, hits; /* hits: blocks lost by it */
};
/* The MAX that cost most into OUT; returns how many. */
unsigned translator_writers(struct translator *t, struct translator_writer *out, unsigned max);

/* The last blocks entered, newest first, with their guest disassembly: for crash reports. */
void translator_describe_recent(struct translator *t, unsigned count,
                                void (*line)(void *, const char *), void *opaque);

/* After RUN_DIVERGED: both states, the block as guest and host code, and the blocks before it. */
void translator_describe_divergence(struct translator *t, void (*line)(void *, const char *),
                                    void *opaque);
/* Blocks and instructions that lock-step compared so far. */
void translator_verified(const struct translator *t, uint64_t *blocks, uint64_t *insns,
                         uint64_t *short_cuts);

/* Disassemble one guest instruction (BITS 16 or 32) or host instruction (64) at BYTES, which
 * stands at ADDRESS.  Text into OUT; returns its length in bytes, 0 when it is none. */
unsigned translator_disassemble(struct translator *t, unsigned bits, const uint8_t *bytes,
                                unsigned available, uint64_t address, char *out, unsigned n);

#endif
