/* One case of the oracle: an instruction or a few, the state they start from, and how it ended. */
#ifndef RINGER_TESTS_ORACLE_CASE_H
#define RINGER_TESTS_ORACLE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The linear addresses that instructions work on: sixteen pages, some of them absent or read-only,
 * the same on the host and in the guest. */
#define ARENA_BASE 0x10000000u
enum {
    ARENA_PAGES = 16,
    ARENA_PAGE = 4096,
    ARENA_BYTES = ARENA_PAGES * ARENA_PAGE,
    ARENA_STACK = 8 * ARENA_PAGE, /* two pages up to here */
    ARENA_CODE = 10 * ARENA_PAGE, /* two pages, all HLT but for the instruction */
};
/* Where the guest has its kernel, and the host nothing. */
#define KERNEL_BASE 0xC8400000u
enum { KERNEL_BYTES = 16 * ARENA_PAGE };
enum page_kind { PAGE_ABSENT, PAGE_READ, PAGE_WRITE, PAGE_CODE };
enum page_kind arena_page(unsigned page);

/* Segments: two of the GDT, as Linux has them, and those of the LDT. */
enum { SEL_CODE32 = 0x23, SEL_DATA32 = 0x2B, SEL_CODE64 = 0x33 };
enum {
    LDT_DATA, /* all of the arena */
    LDT_ODD,  /* odd base and limit */
    LDT_READ, /* read-only */
    LDT_DOWN, /* expands down, 16-bit */
    LDT_CODE16,
    LDT_EXEC,   /* 32-bit code that may not be read */
    LDT_ABSENT, /* not present */
    LDT_STACK16,
    LDT_DOWN32, /* expands down, 32-bit */
    LDT_COUNT
};
#define SEL_LDT(entry) ((uint16_t)((entry) << 3 | 7))

struct ldt_entry {
    uint32_t base, limit;
    uint8_t contents; /* 0 data, 1 expand-down data, 2 code, 3 conforming code */
    bool big, read_exec_only, present;
};
extern const struct ldt_entry ldt_entries[LDT_COUNT];
uint32_t selector_base(uint16_t selector);

enum leave {
    LEAVE_ENV = 1,   /* x87 pointers in memory, which hosts keep in their own ways */
    LEAVE_ORDER = 2, /* which of two faults comes first, as CALL's target or its stack, RETF's
                      * selector or the words above it; which byte of an operand is reported */
    LEAVE_POPA = 4,  /* POPA that faults: which registers it loaded before, it loads them again */
    LEAVE_TAGS = 8,  /* MASKMOVQ that faults: has the x87 become MMX's before? */
    /* AMD's processors push 32 bits for a selector, Intel's leave the upper half of its place
     * alone; and new ones store 0 for FCS and FDS (CPUID leaf 7 EBX bit 13) */
    LEAVE_SELECTOR = 16,
    LEAVE_WIDE = 32,  /* #AC: for 16 bytes and more, for a selector that is popped */
    LEAVE_MXCSR = 64, /* VCVTPS2PH whose store faults: its exceptions */
    LEAVE_FIST = 128, /* FIST of what is no integer, not masked: before its operand's faults? */
};

enum { CASE_CODE = 64, CASE_STEPS = 8, FX_BYTES = 512, YMM_BYTES = 128 };

/* Registers: general and segment ones in the order of their encodings. */
struct oracle_state {
    uint32_t gpr[8], eip, eflags;
    uint16_t seg[6];
    uint8_t fx[FX_BYTES]; /* FXSAVE image */
    uint8_t ymm[YMM_BYTES]; /* upper halves of YMM0 to YMM7 */
};

struct oracle_case {
    uint8_t code[CASE_CODE];
    unsigned length;
    unsigned step[CASE_STEPS], steps; /* where each instruction begins; as generated only */
    bool code16;
    uint32_t memory; /* seed of the arena's contents; 0: zero */
    uint32_t fpu;    /* seed of x87 and SSE state; 0: as FNINIT leaves it */
    struct oracle_state start;
    /* Results that the manual leaves undefined. */
    uint32_t undefined_flags;
    unsigned leave; /* enum leave: what else is not compared */
};

struct oracle_end {
    struct oracle_state state;
    uint32_t vector, error, cr2;
    uint8_t arena[ARENA_BYTES];
};

/* The arena as a seed fills it, code pages all HLT; kept, because cases share seeds. */
struct arena_image {
    bool valid;
    uint32_t seed;
    uint8_t bytes[ARENA_BYTES];
};

/* Fill START.fx and START.ymm as the seed says. */
void case_fpu(struct oracle_case *c);
/* Fill ARENA (of C's host or guest) for C, its instructions in place. */
void case_arena(const struct oracle_case *c, struct arena_image *image, uint8_t *arena);

/* The difference between two ends, described in WHY; true when there is none. */
bool case_compare(const struct oracle_case *c, const struct oracle_end *host,
                  const struct oracle_end *guest, char *why, size_t n);

/* One line of text for a case, and back. */
void case_print(const struct oracle_case *c, char *line, size_t n);
bool case_parse(const char *line, struct oracle_case *c);

/* Repeatable random numbers: state is one word. */
uint32_t oracle_random(uint64_t *state);

#endif
