/* Short cuts of hot sensitive instructions: see translator/quick.c. */
#ifndef RINGER_TRANSLATOR_QUICK_H
#define RINGER_TRANSLATOR_QUICK_H

#include "cpu/cpu.h"
#include "mmu/direct.h"

struct build;
struct insn;
struct jump_table;
struct site;
struct translator;

/* The short cut that a site has. */
enum quick_kind {
    QUICK_NONE,
    QUICK_MOV_SEG,
    QUICK_POP_SEG,
    QUICK_INT,
    QUICK_INT_REAL,
    QUICK_IRET,
    QUICK_IRET_REAL,
    QUICK_SYSENTER,
    QUICK_SYSEXIT,
    QUICK_FAR_CALL,
    QUICK_FAR_RETURN,
    QUICK_RDTSC,
    QUICK_MOVE,
    QUICK_CPUID,
    QUICK_ENV
};

/* Flags with which nothing is ordinary. */
#define QUICK_ODD_FLAGS (FLAG_TF | FLAG_NT | FLAG_VM | FLAG_AC | FLAG_VIF | FLAG_VIP)

/* What loading SELECTOR gave while the descriptor's eight bytes were RAW: loading it again at the same
 * CPL gives the same, without checks and side effects (it is present, and accessed already). */
struct quick_segment {
    uint64_t raw;
    struct segment segment;
    uint32_t class; /* enum seg_class */
    uint8_t cpl;
    bool valid;
};

/* The place of a segment in a cache of COUNT (a power of two), and the other one, as each thread
 * may have a descriptor of its own behind the same selector. */
static inline unsigned quick_slot(uint16_t selector, unsigned count)
{
    return selector >> 3 & (count - 1);
}

static inline unsigned quick_other_slot(uint16_t selector, uint32_t base, unsigned count)
{
    return (selector >> 3 ^ base >> 12 ^ base >> 18) & (count - 1);
}

/* What SYSENTER or SYSEXIT loads for a value of IA32_SYSENTER_CS. */
struct quick_pair {
    struct segment cs, ss;
    uint32_t key; /* 0: none */
};

/* What CPUID gives for LEAF and a SUBLEAF that agrees in the bits of MASK, as long as CR4, the low
 * halves of IA32_APIC_BASE and XCR0 are these: stub_cpuid looks it up. */
struct quick_leaf {
    uint32_t leaf, mask, subleaf, cr4, apic_base, xcr0;
    uint32_t regs[4];   /* EAX, EBX, ECX, EDX */
    uint32_t unused[6]; /* the stub shifts */
};
enum { QUICK_LEAVES = 32, QUICK_LEAF_SHIFT = 6 };
/* The entry that LEAF may be in. */
static inline uint32_t quick_leaf_index(uint32_t leaf)
{
    return (leaf ^ leaf >> 27) & (QUICK_LEAVES - 1);
}

/* What the x87's host instruction pointer was found to mean: place AT of the cache. */
struct quick_pointer {
    uint32_t at; /* 0: none */
    uint32_t generation;
    uint32_t tb, offset; /* EIP in that block */
    uint16_t fop;
    uint8_t seg; /* of the memory operand; SEG_NONE */
};

enum { QUICK_DATA = 64, QUICK_FAR = 16, QUICK_POINTERS = 32 };

struct quick {
    bool on, allowed; /* not ON though allowed: lock-step takes them */
    const uint8_t *null_check; /* check pointer of an unusable segment; NULL: none was seen yet */
    struct quick_segment data[QUICK_DATA], code[QUICK_FAR], stack[QUICK_FAR];
    struct quick_pair enter, leave;
    struct quick_pointer pointers[QUICK_POINTERS];
    /* The x87's pointers as FNSTENV gave them, for the hub to find out what they mean: hosts that
     * keep them only while an exception waits lose them when the state is put away. */
    struct {
        uint32_t at, fdp;
        bool valid;
    } unknown;
};

static inline struct quick_pointer *quick_pointer(struct quick *q, uint32_t at)
{
    return &q->pointers[(at ^ at >> 5) % QUICK_POINTERS];
}

/* ---- quick.c and quick_far.c ---- */

/* The mode that follows, its window and jump table. */
struct quick_context {
    struct window_known w;
    struct jump_table *table;
    uint32_t mode;
    bool shared;
};

void quick_enter(struct translator *t, const struct quick_context *c);
/* Guest code at EIP by the jump table: the miss stub when it has no entry. */
const uint8_t *quick_go(struct translator *t, uint32_t eip);
/* The code segment of the present ring that SELECTOR names, when it is known and reaches
 * EIP, while the stack is flat; C is what follows.  NULL: the hub has to see to it. */
const struct quick_segment *quick_code(struct translator *t, uint16_t selector, uint32_t eip,
                                       struct quick_context *c);
const uint8_t *quick_transfer(struct translator *t, const struct site *site);
const uint8_t *quick_return(struct translator *t, const struct site *site);
const uint8_t *quick_interrupt_real(struct translator *t, const struct site *site);
const uint8_t *quick_interrupt_return_real(struct translator *t);

/* ---- what the translator calls ---- */

/* The short cut for B's present instruction.  QUICK_MOV_SEG and QUICK_POP_SEG: code that puts the
 * selector into r8d was emitted, and *SEG is the register that it is for. */
enum quick_kind quick_emit(struct build *b, uint8_t *seg);
/* The same for one whose memory is accessed by hand. */
enum quick_kind quick_by_hand(const struct build *b);
/* Before guest code is run: may short cuts be taken at all, as nobody watches? */
void quick_start(struct translator *t);
/* Carry out the instruction of site number SITE; the state is in T->cpu as at an exit, the FPU's in
 * the host's registers.  Host code to go on with, cpu->eip being right; NULL, and nothing was changed:
 * the instruction is the hub's. */
const uint8_t *quick_run(struct translator *t, uint32_t site);
/* Behind SITE, whose instruction changed no mode: host code to go on with. */
const uint8_t *quick_go_on(struct translator *t, const struct site *site);
/* Is IN, of one-byte opcode and with an operand in memory, arithmetic that quick_move does? */
bool quick_calculates(const struct insn *in);
/* Of QUICK_MOVE, as quick_run (translator/quick_move.c). */
const uint8_t *quick_move(struct translator *t, struct site *site);
/* The hub is about to carry out CPUID: remember what it gives. */
void quick_learn_leaf(struct translator *t);
void quick_forget_leaves(struct translator *t);
/* Plain memory of IN's operand, SIZE bytes in one page that it may be accessed at; NULL: the hub
 * has to see to it. */
void *quick_operand(struct translator *t, const struct insn *in, unsigned size, bool write);
/* Of QUICK_ENV, as quick_run (translator/quick_env.c). */
const uint8_t *quick_environment(struct translator *t, const struct site *site);
/* The hub carried out an instruction that has short cut KIND, for segment register SEG: remember
 * what came of it. */
void quick_learn(struct translator *t, enum quick_kind kind, unsigned seg);

#endif
