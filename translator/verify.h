/* Lock-step: each block as translated against the same instructions one by one.
 *
 * From one state the guest is run twice.  First its instructions one at a time, in C or on the
 * host with operands in a bounce buffer (translator/step.c), as a rehearsal: stores are noted and
 * taken back, and where an instruction would reach a device, a page with code or an instruction
 * that C carries out anyway, the rehearsal ends before it.  Then the block as it was translated,
 * for good.  Registers, flags, x87 and SSE state, the pages stored to and the exception must be the
 * same where the block was left, be that at its end, at a side exit or in the middle.  Whatever
 * the machine sees (devices, ports, RDTSC, interrupts) lies between, so it happens once; behind an
 * instruction that C carried out, the rest of the block is compared as one of its own.  What short
 * cuts do is compared with what C does (translator/verify_quick.c). */
#ifndef RINGER_TRANSLATOR_VERIFY_H
#define RINGER_TRANSLATOR_VERIFY_H

#include "translator/internal.h"

enum { VERIFY_YMM = 128 };

/* What the two ways are compared by. */
struct verify_state {
    uint32_t gpr[8], eip, flags, iflag, flags_sys, base[6];
    uint16_t selector[6];
    uint8_t fpu[512], ymm[VERIFY_YMM]; /* upper halves of YMM0 to 7, zero without AVX */
};

/* Why the rehearsal ended. */
enum verify_end {
    VERIFY_DONE,      /* all instructions of the block are done */
    VERIFY_EXCEPTION, /* the next one raised v->exc */
    VERIFY_STOP,      /* the next one is for the machine, or for C both ways */
    VERIFY_OPEN,      /* the next one gives another result each time, or stores too much */
};

enum { VERIFY_PAGES = 256, VERIFY_DIFFERENCES = 8, VERIFY_WALKS = 64, VERIFY_DECODED_BITS = 14 };

struct verify_write {
    uint32_t pa, len, old; /* OLD: where the bytes before it are in v->old */
};

/* The TLB knows of the entry's page now, so nobody will set these bits again; yet the block must not
 * see them before it has got that far. */
struct verify_walk {
    uint32_t pa, entry; /* ENTRY: as it was */
    uint8_t bits;       /* the rehearsal's, taken away for the block; 0: it is none of those */
};

struct verify_page {
    uint32_t pfn;
    uint8_t *after; /* as the rehearsal left it */
};

struct verify {
    struct cpu *start; /* the whole CPU before the block */
    struct cpu *hub;   /* verify_quick.c: as the hub left it */
    struct verify_state before[TB_MAX_INSNS + 1];
    uint32_t writes_before[TB_MAX_INSNS + 1];
    unsigned count;           /* instructions rehearsed to their end */
    uint32_t next;            /* behind the last of them */
    enum verify_end end;
    struct verify_state last; /* VERIFY_EXCEPTION: as the exception must find it */
    struct pending_exception exc;
    uint32_t cr2;

    /* the journal */
    struct phys_journal hooks;
    struct phys *phys;
    struct verify_write *writes;
    uint32_t write_count, write_max;
    uint8_t *old;
    uint32_t old_used, old_max;
    struct verify_page *pages;
    uint32_t page_count;
    struct verify_walk walks[VERIFY_WALKS]; /* page-table entries that got A or D */
    unsigned walk_count;
    bool stop; /* the instruction is not to be rehearsed */
    bool open; /* nor compared: it stores more than the journal holds, or stands beyond RAM */

    /* Where the block that C carried out an instruction of goes on: cache offset CODE, EIP; FIRST
     * of its instructions are done.  TB 0: nowhere. */
    struct {
        uint32_t tb, code, eip, generation;
        unsigned first;
    } resume;
    unsigned first;   /* the same of the part that is compared now */
    unsigned left_at; /* so many of its instructions were done when the block was left */

    /* decoded instructions by place */
    struct {
        uint32_t phys;
        uint8_t bits;
        struct insn in;
    } *decoded;

    /* the difference found */
    uint32_t tb, insn;
    char what[160];
    struct verify_state want, got;
    struct {
        uint32_t pa;
        uint8_t want, got;
    } memory[VERIFY_DIFFERENCES];
    unsigned memory_count;
};

/* NULL when there is no memory. */
struct verify *verify_new(struct translator *t);
void verify_free(struct verify *v);

/* Is TB, about to be entered, to be compared? */
bool verify_due(const struct translator *t, const struct tb *tb);
/* Rehearse the INSNS instructions from cpu->eip on, some of which use the FPU when FPU is set; the
 * CPU and memory are as before. */
void verify_rehearse(struct translator *t, unsigned insns, bool fpu);
/* The block has run, or will not: what hardware would have set in page-table entries is set. */
void verify_settle(struct translator *t);
/* TB, rehearsed and then entered, came back with exit CODE that is not served yet.  False: it
 * differs, and v->what tells how. */
bool verify_compare(struct translator *t, const struct tb *tb, uint32_t code);
/* The exit was served: is the exception that CODE meant the right one? */
bool verify_compare_exception(struct translator *t, const struct tb *tb, uint32_t code);

/* What a rehearsal begins with, the CPU and memory being as they are to be compared: the journal is
 * on, and nobody answers the CPU's wires. */
void verify_begin(struct translator *t);
/* What it ends with: all is as before, and the journal knows what memory came to. */
void verify_finish(struct translator *t);
/* Note that TB differs after INSN of its instructions, or of their part compared; false. */
bool verify_differs(struct translator *t, const struct tb *tb, unsigned insn, const char *what);
/* Do the pages that the first WRITES writes of the rehearsal touched hold what they held then? */
bool verify_same_memory(struct verify *v, uint32_t writes);
void verify_get_state(struct cpu *cpu, bool fpu, struct verify_state *s);
/* All of the CPU but the word that other threads write to. */
void verify_copy_cpu(struct cpu *to, const struct cpu *from);

/* verify_one.c: one instruction at cpu->eip; VERIFY_DONE (v->next is behind it), or why not. */
enum verify_end verify_one(struct translator *t);

/* verify_quick.c: the block left for site NUMBER.  Take its short cut, if it has one that can be
 * taken, and compare with what the hub does (t->diverged); false: the hub is to carry it out. */
bool verify_quick(struct translator *t, uint32_t number);

#endif
