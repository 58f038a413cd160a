/* The translator's own structures: blocks, code cache, jump tables, run-time area. */
#ifndef RINGER_TRANSLATOR_INTERNAL_H
#define RINGER_TRANSLATOR_INTERNAL_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "cpu/cpu.h"
#include "cpu/emulate.h"
#include "ringer/error.h"
#include "ringer/log.h"
#include "translator/count.h"
#include "translator/debugger.h"
#include "translator/decode.h"
#include "translator/emit.h"
#include "translator/hook.h"
#include "translator/opcodes.h"
#include "translator/quick.h"
#include "translator/translator.h"

/* ---- block keys ---- */

/* What a block's code was specialised for.  Segment classes take two bits each. */
enum mode_bit {
    MODE_CODE32 = 1u << 0,
    MODE_STACK32 = 1u << 1,
    MODE_USER = 1u << 2,    /* CPL 3 */
    MODE_RING0 = 1u << 3,   /* CPL 0, not V86 */
    MODE_V86 = 1u << 4,
    MODE_PE = 1u << 5,
    MODE_TS = 1u << 6,      /* CR0.TS */
    MODE_EM = 1u << 7,      /* CR0.EM */
    MODE_MP = 1u << 8,      /* CR0.MP */
    MODE_OSFXSR = 1u << 9,  /* CR4.OSFXSR */
    MODE_ONE = 1u << 10,    /* one instruction, then back to the hub */
    MODE_WATCH = 1u << 11,  /* data breakpoints, EFLAGS.AC: every memory access by hand */
    MODE_SEG_SHIFT = 12,    /* + 2 * enum seg_index */
    MODE_AVX = 1u << 24,    /* CR4.OSXSAVE and XCR0.AVX */
    MODE_REAL_SEGS = 1u << 25, /* loading ES, DS, FS or GS changes selector and base alone */
};

enum seg_class {
    SEG_CHECKED = 0, /* base and limit at run time */
    SEG_BASED = 1,   /* limit 4 GiB, readable and writable (CS: readable); base at run time */
    SEG_FLAT = 2,    /* and base 0 */
};

static inline enum seg_class mode_seg(uint32_t mode, unsigned seg)
{
    return (enum seg_class)(mode >> (MODE_SEG_SHIFT + 2 * seg) & 3);
}

/* Is IN an ENTER that blocks in MODE carry out, without a display and of the stack's own size? */
static inline bool mode_enters(uint32_t mode, const struct insn *in)
{
    return in->map == MAP_1B && in->opcode == 0xC8 && !(in->imm2 & 31) &&
           (in->opsize == 4) == !!(mode & MODE_STACK32);
}

/* ---- exits from translated code: the code in r11d ---- */

enum exit_kind {
    EXIT_LOOKUP,  /* eip in r8, miss: no block in the jump table */
    EXIT_CHAIN,   /* value: block * 2 + slot: a direct jump not linked yet */
    EXIT_INSN,    /* value: site: carry out this instruction (sensitive, or slow) */
    EXIT_NEXT,    /* eip in r8: end of a MODE_ONE block */
    EXIT_STI,     /* eip in r8: interrupts were enabled and an event waits */
    EXIT_RAISE,   /* value: site; exception in its RAISE field */
    EXIT_FAULT,   /* from a signal handler: details in struct runtime */
    EXIT_KICKED,  /* entry refused: a kick came in between */
    EXIT_STEPPED, /* the bounce step ended */
    EXIT_POPF,    /* eip in r8: POPF enabled interrupts and an event waits */
    EXIT_HOOK,    /* eip in r8; value: block: there is a hook */
};
#define EXIT_CODE(kind, value) ((uint32_t)(kind) << 26 | (uint32_t)(value))

/* What the signal handler found. */
enum fault_kind {
    HOST_FAULT_GUEST_PF, /* fault is filled */
    HOST_FAULT_BY_HAND,
    HOST_FAULT_EXCEPTION, /* vector */
};

/* What the fault had to do with cpu->reach. */
enum fault_reach {
    REACH_NONE,
    REACH_WANTED, /* by the supervisor's window, while the user's has the page */
    REACH_OTHER,  /* by the user's */
    REACH_RIGHTS, /* the same, and a supervisor's rights have to decide */
};

enum { BOUNCE_SIZE = 1024 };

/* Lies just before the code cache, so that stubs reach it relative to RIP. Host-writable, never
 * reachable by a guest operand. */
struct runtime {
    uint64_t host_rsp;
    uint64_t window;    /* base of the current window: r13, gs */
    uint64_t table;     /* current jump table: r12 */
    uint64_t miss[2];   /* r10 and r11 of the jump that the table did not answer: table_missed */
    uint32_t exit_eip;  /* r8d at exit */
    uint32_t kick;      /* set by the kick handler; cleared by the hub */
    uint32_t host_mxcsr;
    uint32_t fault_kind;
    struct mmu_fault fault;
    uint32_t fault_vector;
    uint32_t fault_guard; /* the access left the window: the site wants the gs form */
    uint32_t fault_churn; /* the page churns: by hand is only cheaper */
    uint32_t fault_reach; /* enum fault_reach */
    uint32_t fault_phys;  /* of the instruction */
    uint64_t fault_address;
    uint64_t leaves; /* CPUIDs by stub_cpuid */
    _Alignas(64) uint8_t bounce[BOUNCE_SIZE];
    _Alignas(64) struct quick_leaf leaf[QUICK_LEAVES];
    long long resume_rip, resume_table; /* RIP and r12 of guest code that stub_resume goes back to */
};

enum { RUNTIME_SIZE = 4096 };

/* ---- blocks ---- */

/* Slots 0 and 1 are where a block ends, the others its side exits: conditional jumps, behind which
 * it goes on. */
enum { TB_NONE = 0, TB_MAX_INSNS = 64, TB_SIDE = 2, TB_SLOTS = TRANSLATOR_EXITS,
       TB_SIDES = TB_SLOTS - TB_SIDE };

/* A direct exit.  LINK is the block it jumps to, TB_NONE while it goes to its stub.  An exit to
 * another page (far) is linked only between global pages of supervisor code, whose translations
 * stand until INVLPG; otherwise it is turned over to the jump table for good. */
struct tb_exit {
    uint32_t distance; /* guest EIP that it goes to less the block's: exit_target */
    uint32_t patch;  /* cache offset of the jump's rel32, 0: slot unused */
    uint32_t stub;   /* cache offset of the stub */
    uint32_t table;  /* far: cache offset of a jump through the table, else 0 */
    uint32_t link;
    uint32_t next_in; /* next exit (block * 2 + slot) that jumps to the same block */
};

/* What blocks of a page are searched and moved by comes first, in one line of the host's cache. */
struct tb {
    _Alignas(64) uint32_t eip;
    uint32_t phys, phys2;  /* first byte; page of the part beyond the page border, ~0 if none */
    uint32_t page_next[2]; /* next block of the page of phys / phys2 */
    uint32_t variant;      /* 0: not of movable code */
    uint32_t code;         /* cache offset of the first byte emitted */
    uint32_t code_end;
    uint32_t entry; /* for the jump table: compares the base of CS, if it matters */
    uint32_t body;  /* what that leads to */
    uint32_t relocs; /* first of the places that tell EIPs */
    uint32_t first_site;
    uint16_t reloc_count, site_count;
    uint16_t size; /* guest bytes */
    uint16_t insns;
    bool valid, uses_fpu;
    bool fixed;        /* its code depends on its EIP in other ways, too */
    uint8_t crossings; /* direct jumps to other pages by the jump table alone */
    uint32_t incoming; /* list of exits that jump here, ~0 ends */

    uint32_t cs_base, cs_limit, mode;
    uint32_t direct;         /* entry for chained jumps */
    uint32_t direct_live;    /* the same for jumps from blocks that leave the FPU loaded */
    uint32_t map, map_count; /* fault map entries */
    uint32_t hash_next;
    uint32_t imms;     /* the first of its immediates */
    uint32_t verified; /* lock-step: times compared */
    uint32_t samples;  /* of the timer that found it running */
    uint32_t sum;      /* block_sum of its guest code, as it was translated */
    bool counts;       /* its executions are counted */
    bool straight;     /* its crossings are on the list of straight.c */
    uint8_t imm_count; /* immediates that writes are followed in */
    uint8_t jump;      /* 1 + enum jump_count of what it ends with, 0: none of these */
    uint16_t hot;      /* bytes of host code that run when it does */
    struct tb_exit exits[TB_SLOTS];
};

/* The guest EIP that exit SLOT of TB goes to. */
static inline uint32_t exit_target(const struct tb *tb, unsigned slot)
{
    return tb->eip + tb->exits[slot].distance;
}

/* FNV-1a over N bytes, going on from SUM. */
#define BLOCK_SUM_BEGIN 2166136261u
static inline uint32_t block_sum(uint32_t sum, const uint8_t *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sum = (sum ^ bytes[i]) * 16777619u;
    return sum;
}

/* Code of one physical page as it is for one linear address and mode: what moves together. */
struct variant {
    uint32_t base, mode; /* EIP less physical address */
    uint32_t members;    /* the first of its list, 0: there is none */
    uint32_t count;      /* 0: the variant may be used for another */
    uint32_t next;       /* variant of the same page */
    uint32_t used;       /* stats.lookups when one of them was looked up last */
    uint8_t order;       /* its list has room for 2^order */
    bool fixed;          /* of blocks that cannot move */
};

/* A valid block of a variant.  What looking it up and entering it need stands here, beside the
 * next. */
struct member {
    uint32_t tb, entry; /* in a free piece of the array TB is the next one */
    uint32_t offset;    /* in the page */
};
/* A page has no more than 4096 places; two lists that are merged may both be full. */
enum { MEMBERS_ORDER = 13 };

/* The 32-bit word at this offset (relative to tb->code) is an EIP that moves with the block's. */
struct reloc {
    uint16_t host;
};

/* What the flags come of: REG, which already is the result, and the number added or subtracted. */
struct fault_sum {
    int8_t number;
    uint8_t reg;
};

enum fault_fixup {
    FIX_NONE,
    FIX_ESI_R9,                        /* guest ESI is in r9d */
    FIX_ADD, FIX_SUB, FIX_INC, FIX_DEC /* the flags are those of this operation, in 32 bits */
};

/* From HOST offset on (relative to tb->code) the guest instruction at GUEST (relative to eip). */
struct fault_entry {
    uint16_t host;
    uint16_t guest : 12; /* a block has up to 64 instructions of 15 bytes */
    uint16_t fixup : 4;  /* enum fault_fixup */
    union {
        int16_t esp;          /* guest ESP less RSP: in a run of PUSHes or POPs they differ */
        struct fault_sum sum; /* FIX_ADD to FIX_DEC: there ESP is RSP */
    };
};

/* An instruction that goes to C. */
struct site {
    struct insn in;
    uint32_t eip;
    uint32_t tb;
    uint8_t raise;   /* EXIT_RAISE: the vector */
    bool slow;       /* memory operand by hand, rather than sensitive */
    uint8_t quick, quick_seg; /* enum quick_kind; the segment register that is loaded */
    uint32_t resume; /* cache offset of what follows in the block, 0: the block ends here */
    uint16_t plain;  /* slow and harmless executions in a row */
    uint16_t uses;   /* slow: times that an INVLPG came before it, in this run */
    uint32_t epoch;  /* ... mmu_stats.invlpgs at the last of them */
};

/* After so many executions a slow site is reviewed. */
enum { PLAIN_RUN = 64 };

/* An immediate of SIZE bytes at PA that stands in host code at cache offset HOST. */
struct immediate {
    uint32_t pa, host;
    uint8_t size;
};

/* Why a guest instruction at some physical address is not translated in its plain form. */
enum site_policy { SITE_PLAIN, SITE_GS, SITE_REACH /* by cpu->reach */, SITE_SLOW };

enum { TABLE_REGIONS = 65, TABLE_BEGINS = 32 };

/* Supervisor code under CR4.PGE shares its tables between all address spaces: its pages are global.
 * What is not global goes when the window changes. */
struct jump_table {
    struct window *window; /* NULL in the shared ones */
    bool shared;
    uint32_t mode, cs_limit;
    uint32_t since; /* EIP of the first block of its process, which has that page while it lives */
    uint32_t was;   /* mode, even when the window is gone */
    uint64_t used;  /* clock for replacement */
    struct translator
        *straight; /* whose straight jumps follow these entries, NULL: there are none */

    /* Its memory, which is all below, may be exchanged with another's. */
    uint32_t *entry; /* TABLE_ENTRIES cache offsets, by EIP; 0: the miss stub */
    uint8_t *state;  /* by part: enum part_state */
    unsigned held, dirty; /* parts in memory; those of them that are not all zero */
    uint64_t *lines; /* by part: one bit for each line that may be other than zero */
    uint32_t *parts; /* the held ones */
    uint32_t *listed;     /* among them those that were entered into since the table was clear */
    unsigned listed_count;
    struct table_region {
        uint16_t dirty; /* parts */
        uint16_t most;  /* at the same time since the region was all zero */
        uint16_t usual; /* the same of processes before, the largest, fading */
        int16_t shift;  /* by how many parts its memory has moved */
    } region[TABLE_REGIONS];
    bool movable;                 /* the parts are anonymous memory */
    uint32_t begin[TABLE_BEGINS]; /* EIPs where processes began, where their parts are now */
    unsigned begins;
    uint32_t last; /* EIP where the last of them began */
};

/* The tables are address space; parts of them, of one host page each, come into memory when they
 * are first written to. */
enum part_state { PART_ABSENT, PART_ZERO, PART_ZEROED /* and listed */, PART_DIRTY /* listed */ };
/* Entries in a part, and in a line of the host's cache. */
enum { TABLE_PART = 1024, TABLE_LINE = 16 };
#define TABLE_ENTRIES (1ull << 32)
#define TABLE_BYTES   (TABLE_ENTRIES * sizeof(uint32_t))

/* Pieces of the code cache by which blocks are found there: about one lies in each. */
enum { CODE_PIECE_SHIFT = 7 };

enum { JUMP_TABLES = 96, WAY_BITS = 8, TB_HASH_BITS = 16, POLICY_BITS = 14 };

/* Everything that is counted; names and order for every view (translator/statistics.c). */
#define TRANSLATOR_COUNTERS(X)                                                                     \
    X(blocks, "blocks translated")                                                                 \
    X(insns, "guest instructions translated")                                                      \
    X(guest_bytes, "guest bytes translated")                                                       \
    X(host_bytes, "host bytes emitted")                                                            \
    X(flushes, "generations flushed")                                                              \
    X(flushed, "blocks that those forgot")                                                         \
    X(enters, "entries into translated code")                                                      \
    X(resumed, "returns into the middle of a block")                                               \
    X(lookups, "block lookups in the hub")                                                         \
    X(rebased, "blocks moved to another address")                                                  \
    X(chains, "direct jumps linked")                                                               \
    X(unlinks, "direct jumps unlinked")                                                            \
    X(detours, "direct jumps to other pages turned over to the jump table")                        \
    X(straight, "direct jumps to other pages linked for a process that runs long")                 \
    X(straight_ends, "times that those of a process were all unlinked")                            \
    X(invalidated, "blocks invalidated")                                                           \
    X(code_writes, "writes to pages with code")                                                    \
    X(code_hits, "writes that hit translated bytes")                                               \
    X(patched, "writes that changed an immediate in place")                                        \
    X(sensitive, "sensitive instructions carried out in the hub")                                  \
    X(quick, "sensitive instructions carried out by short cuts")                                   \
    X(slow, "instructions carried out by hand")                                                    \
    X(stepped, "instructions run on a bounce buffer")                                              \
    X(signals, "faults taken as signals")                                                          \
    X(fills, "faults that mapped a page")                                                          \
    X(refills, "pages mapped when the guest returned from its page fault")                         \
    X(page_faults, "page faults given to the guest")                                               \
    X(exceptions, "exceptions delivered")                                                          \
    X(interrupts, "interrupts delivered")                                                          \
    X(kicks, "kicks taken")                                                                        \
    X(table_switches, "jump table switches")                                                       \
    X(checked, "blocks proved confined")                                                           \
    X(verified, "blocks compared with their instructions one by one")                              \
    X(verified_insns, "instructions in those")                                                     \
    X(verified_quick, "short cuts compared with the hub's way")

struct translator_stats {
#define X(name, help) uint64_t name;
    TRANSLATOR_COUNTERS(X)
#undef X
};

/* Places with a hook (hook.c), sorted. */
struct hooks {
    struct hook_key *keys;
    unsigned count;
    uint64_t filter[HOOK_SYSENTER + 1]; /* by kind */
    hook_function fn;
    void *opaque;
    bool over;         /* the hook at OVER_LIN was called: its instruction runs next, alone */
    uint32_t over_lin;
};

/* A crossing of block TB: what loads the table's entry for EIP stands at cache offset AT. */
struct crossing {
    uint32_t at, eip, tb;
    uint32_t next; /* of those to the same part of the table, ~0 ends */
};

enum { CROSSINGS = 1 << 17, CROSSING_BITS = 12, STOPPED_BLOCKS = 4 };

/* The process whose crossings are linked (straight.c). */
struct straight {
    struct jump_table *owner;      /* NULL: there is none */
    const struct jump_table *seen; /* where kicks found the guest last, */
    uint64_t since;                /* since when in ns, */
    unsigned kicks, in_crossing;   /* how often, and in blocks that have crossings */
    uint64_t pause, part_cost;     /* ns: for which they must; what a part of a table took last */
    uint64_t began, cost;          /* of the owner: when, and what linking took (ns) */
    struct crossing *list;
    uint32_t count;                    /* CROSSINGS at most: more are not linked */
    uint32_t head[1 << CROSSING_BITS]; /* by hash of the part, ~0: none */
    uint32_t stopped[STOPPED_BLOCKS];  /* blocks that kicks have unlinked */
    unsigned stopped_count;            /* more than the array holds: some are not known */
};

/* The process that runs (lower.c). */
struct lower {
    bool wanted;               /* the host gains by it */
    const struct window *seen; /* its window, */
    uint64_t since;            /* since when in ns */
    bool paid;                 /* it runs long, and is counted in CREDIT */
    bool begins;               /* one may begin: lower_begin */
    unsigned credit;           /* how many may still take the low place as they begin */
};

enum { RECENT = 32 };

struct translator {
    struct cpu *cpu;
    struct mmu *mmu;
    struct phys *phys;
    struct log *log;
    struct decoder *decoder;
    struct translator_options options;

    /* code cache: RW and RX view of one memfd, runtime area in front of the RX view */
    int fd;
    uint8_t *rw, *rx;
    struct runtime *rt;
    uint32_t cache_size, cache_start /* after the stubs */;
    struct debugger_code *debugger;
    struct emit emit; /* the allocation pointer */
    uint32_t stub_leave, stub_fault, stub_quick, stub_enter, stub_enter_end, stub_abort, stub_fpu,
        stub_fpu_end, stub_cpuid, stub_cpuid_end, stub_resume, stub_resume_kicked, stub_resume_end,
        stub_step, step_end;
    uint32_t (*enter)(struct cpu *cpu, const uint8_t *code, uint32_t eip);
    void (*leave)(void); /* of handlers: frame.h */
    void (*resume)(const long long *gregs, const void *fpu, uint32_t ymm);
    void (*resume_kicked)(const long long *gregs, const void *fpu, uint32_t ymm);

    struct tb *tbs; /* [0] unused; sorted by code offset */
    uint32_t tb_count, tb_max;
    uint32_t *code_tbs; /* by piece of the code cache: the first block that ends there or behind */
    uint32_t code_pieces; /* of those that are known */
    struct fault_entry *map;
    uint32_t map_count, map_max;
    struct reloc *relocs;
    uint32_t reloc_count, reloc_max;
    struct site *sites;
    uint32_t site_count, site_max;
    struct immediate *imms;
    uint32_t imm_count, imm_max;
    uint32_t *hash;
    uint32_t *page_tbs;     /* by physical page: first block */
    uint32_t *page_variants; /* by physical page: first variant of movable code */
    struct variant *variants; /* [0] unused */
    uint32_t variant_count;
    struct member *members; /* [0] unused */
    uint32_t member_count, member_max;
    uint32_t free_members[MEMBERS_ORDER + 1]; /* by order: the first free piece, or 0 */
    uint64_t *page_granule; /* by physical page: one bit for each 64 bytes that hold code */
    uint32_t *far_links;    /* far exits that were linked: block * 2 + slot */
    uint32_t far_count, far_max;
    struct {
        uint32_t phys;
        uint8_t policy, hits, backoff;
        uint8_t changes; /* of translated bytes of the instruction */
        uint8_t maps; /* so many more faults on churning pages are worth mapping them */
        bool churn;   /* slow for the sake of speed alone */
        uint8_t season; /* ... of the last hit */
        uint8_t reach;  /* faults towards SITE_REACH; REACH_NEVER: it has no such form */
    } *policy; /* by hash of the physical address of an instruction */

    struct jump_table tables[JUMP_TABLES];
    uint8_t ways[1 << WAY_BITS]; /* by hash of window and mode: a guess which table serves */
    uint64_t table_clock;
    uint32_t *zero_table;
    struct jump_table *current;
    unsigned held_parts;            /* of all tables */
    bool shared;                    /* the current table is for all address spaces */
    const struct window *local_of;  /* whose blocks the shared tables' local entries are */
    uint32_t *shared_pages;         /* bit map of linear pages with blocks in a shared table */
    struct window *window;
    uint32_t mode;
    uint32_t generation;

    struct straight straight;
    struct lower lower;
    struct quick quick;
    bool fsgsbase; /* the host lets programs write the base of gs */
    struct hooks hooks;
    struct translator_observer observer;
    struct {
        uint64_t at; /* ns; 0: not out of guest code, or not traced */
        uint32_t exit, eip, opcode, mode;
    } trace; /* hook_trace.c */
    struct verify *verify; /* lock-step, NULL when off */
    bool diverged;

    struct translator_stats stats;
    struct counts counts;
    uint32_t recent[RECENT], recent_pos;

    /* The page fault given to the guest last: when it returns to the instruction, the page comes in
     * without another host fault. */
    struct {
        bool valid, user;
        bool other;    /* a supervisor's access by the user's window */
        uint32_t phys; /* of the instruction */
        uint32_t eip, lin;
        enum mmu_access access;
    } faulted;

    pthread_t thread;
    bool attached;
    bool direct;          /* handlers of faults are left without the kernel */
    uint32_t pkru_offset; /* in an XSAVE area, 0: the host has no protection keys */
    void *alt_stack;
    atomic_bool in_guest; /* guest code runs or is about to: a kick needs the signal */
};

/* ---- cache.c: memory, blocks, links ---- */
bool cache_init(struct translator *t, struct error *err);
void cache_free(struct translator *t);
void cache_flush(struct translator *t); /* a new generation */
struct tb *cache_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t cs_base,
                      uint32_t cs_limit, uint32_t mode);
void cache_insert(struct translator *t, struct tb *tb);
void cache_invalidate(struct translator *t, struct tb *tb, enum retranslation cause);
void cache_link(struct translator *t, struct tb *from, unsigned slot, struct tb *to);
void cache_unlink(struct translator *t, struct tb *from, unsigned slot);
/* Let the jump whose rel32 is at cache offset AT go to TARGET.  Async-signal-safe. */
void cache_patch(struct translator *t, uint32_t at, uint32_t target);
/* Unlink all jumps to and from TB. */
void cache_isolate(struct translator *t, struct tb *tb);
/* Turn a far exit over to the jump table. */
void cache_detour(struct translator *t, struct tb *from, unsigned slot);
/* Unlink far exits to the linear page PAGE, or all when EVERY. */
void cache_unlink_far(struct translator *t, uint32_t page, bool every);
struct tb *cache_at(struct translator *t, uint32_t offset); /* block whose code holds OFFSET */
void cache_on_code_write(void *opaque, uint32_t pa, uint32_t len);
enum site_policy policy_get(struct translator *t, uint32_t phys);
/* The site at PHYS faulted: bump it; true when its policy changed. */
bool policy_hit(struct translator *t, uint32_t phys, enum site_policy towards);
/* The same for a page that churns, towards SITE_SLOW.  Faults count that come within a few dozen
 * INVLPGs, so that a site which rarely meets such pages stays plain. */
bool policy_hit_churn(struct translator *t, uint32_t phys);
void policy_relax(struct translator *t, uint32_t phys, uint32_t run);
/* The supervisor's site at PHYS met a page of a program's: bump it towards SITE_REACH; true when
 * its policy changed. */
bool policy_hit_reach(struct translator *t, uint32_t phys);
/* May it still come to that, or has it? */
bool policy_reaches(const struct translator *t, uint32_t phys);
/* The instruction at PHYS has no such form. */
void policy_refuse_reach(struct translator *t, uint32_t phys);
/* Does the site at PHYS use a churning page so long that mapping it pays? */
bool policy_maps(struct translator *t, uint32_t phys);
/* It does: make it plain. */
void policy_map(struct translator *t, uint32_t phys);
/* The instruction at PHYS is to get another form. */
void cache_invalidate_at(struct translator *t, uint32_t phys, enum retranslation cause);
/* Translated bytes of the instruction at PHYS changed; how often they did (up to 255). */
void policy_change(struct translator *t, uint32_t phys);
uint8_t policy_changes(const struct translator *t, uint32_t phys);

/* ---- variant.c: blocks of movable code, by page, base and mode ---- */

/* The variant of page PFN with BASE and MODE, 0 when there is none. */
uint32_t variant_find(struct translator *t, uint32_t pfn, uint32_t base, uint32_t mode, bool fixed);
/* VARIANT's block for PHYS, or NULL. */
struct tb *variant_block(const struct translator *t, uint32_t variant, uint32_t phys);
/* TB is new: note it in the variant that it belongs to; false: there is no memory. */
bool variant_add(struct translator *t, struct tb *tb, bool fixed);
void variant_remove(struct translator *t, struct tb *tb);
/* The blocks of variant FROM are INTO's from now on; false: there is no memory. */
bool variant_merge(struct translator *t, uint32_t from, uint32_t into);
void variants_forget(struct translator *t); /* all of them */

/* ---- rebase.c: the same code at other addresses ---- */

/* A block for PHYS at EIP (flat user code), made of one that served another address; NULL: it is to
 * be translated.  What moves with it is entered into the present jump table. */
struct tb *rebase_find(struct translator *t, uint32_t phys, uint32_t eip, uint32_t mode);
/* Is code in MODE moved at all? */
bool rebase_movable_mode(uint32_t mode);
/* Does TB's code depend on its EIP in ways that are not on record? */
bool rebase_fixed(const struct tb *tb);
/* The first of VARIANT's blocks, or more of them, go into the present jump table, for the page of
 * EIP: what else is there will follow, so enter it as well. */
void rebase_enter_page(struct translator *t, uint32_t variant, uint32_t eip);
/* Prove TB confined and log it, where that is asked for. */
void build_check(struct translator *t, const struct tb *tb);

/* ---- table.c: jump tables ---- */

/* A jump by the table tells its kind by the registers that it uses: the entry is loaded into ENTRY
 * and made an address in TARGET; a return pops into r10 before.  What came before is gone from r10
 * and r11 then, and blocks' entries use neither, so that the miss stub finds there
 *   returns: two numbers; indirect jumps: a number, an address; to other pages: an address, a number;
 *   two addresses: the hub came that way.
 * Addresses are those above 4 GiB.  So telling costs nothing where the table answers. */
struct table_jump {
    uint8_t entry, target;
};
static inline struct table_jump table_jump(enum jump_count kind)
{
    static const struct table_jump all[JUMP_COUNTS] = {
        [JUMP_INDIRECT] = {R10, R11}, [JUMP_RETURN] = {R11, R9}, [JUMP_CROSS_PAGE] = {R11, R10}};
    return all[kind];
}

/* The jump itself, to the guest EIP in r8d: mov ENTRY, [r12 + r8 * 4]; lea TARGET, [ENTRY + r14];
 * jmp TARGET. */
enum { TABLE_JUMP_LOAD = 4, TABLE_JUMP = 11 };
static inline void table_jump_code(struct table_jump j, uint8_t code[TABLE_JUMP])
{
    uint8_t entry = j.entry & 7, target = j.target & 7;
    const uint8_t jump[TABLE_JUMP] = {
        0x47, 0x8B, (uint8_t)(4 | entry << 3),  0x84,
        0x4F, 0x8D, (uint8_t)(4 | target << 3), (uint8_t)(0x30 | entry),
        0x41, 0xFF, (uint8_t)(0xE0 | target)};
    memcpy(code, jump, sizeof jump);
}

/* The kind of jump that missed, JUMP_COUNTS for none. */
static inline enum jump_count table_missed(const struct runtime *rt)
{
    bool r10 = rt->miss[0] >> 32, r11 = rt->miss[1] >> 32;
    return r10 ? (r11 ? JUMP_COUNTS : JUMP_CROSS_PAGE) : r11 ? JUMP_INDIRECT : JUMP_RETURN;
}

/* The bit in its part's lines of the entry for EIP. */
static inline uint64_t table_line(uint32_t eip)
{
    return 1ull << eip % TABLE_PART / TABLE_LINE;
}

/* May J's entry for EIP be set?  (To read one that is not in memory costs a fault of the host, and
 * one that is not in its cache as much as all the rest.) */
static inline bool table_holds(const struct jump_table *j, uint32_t eip)
{
    return j->entry && j->dirty && (j->lines[eip / TABLE_PART] & table_line(eip));
}

/* May any entry of J in the part of EIP be set? */
static inline bool table_holds_part(const struct jump_table *j, uint32_t eip)
{
    return j->entry && j->dirty && j->state[eip / TABLE_PART] == PART_DIRTY;
}

/* A guess which table serves MODE in the window with id WHERE (0: the shared ones). */
static inline uint8_t *table_way(struct translator *t, uint32_t mode, uint32_t where)
{
    return &t->ways[(mode + where) * 0x9E3779B1u >> (32 - WAY_BITS)];
}

bool table_init(struct translator *t);
void table_free(struct translator *t);
uint32_t mode_compute(const struct cpu *cpu);
enum seg_class mode_segment_class(const struct cpu *cpu, unsigned seg);
void table_select(struct translator *t); /* for the present window and mode */
void table_on_exec_drop(void *opaque, struct window *w, uint32_t lin_page, uint32_t count);
void table_on_window_gone(void *opaque, struct window *w);
void table_on_global_drop(void *opaque, uint32_t lin_page, uint32_t count);
/* Enter TB, found at the present EIP, into the current table. */
void table_enter(struct translator *t, const struct tb *tb);
void table_forget_block(struct translator *t, const struct tb *tb);
/* Enter the blocks M, COUNT of them in order, of the page at EIP into the current table where it
 * has none; and take those out of J that it has. */
void table_enter_page(struct translator *t, uint32_t eip, const struct member *m, uint32_t count);
void table_leave_page(struct jump_table *j, uint32_t eip, const struct member *m, uint32_t count);
void table_clear_all(struct translator *t);

/* ---- table_memory.c: what they are made of ---- */

/* Address space for J, all of it zero; false: there is none. */
bool table_reserve(struct jump_table *j);
void table_release(struct jump_table *j);
/* Enter VALUE for EIP into J, the present table; cpu->eip is on the same page. */
void table_set(struct translator *t, struct jump_table *j, uint32_t eip, uint32_t value);
void table_clear(struct jump_table *j);
void table_clear_part(struct jump_table *j, uint32_t part);
/* Has the process of J ended, as far as one can see? */
bool table_ended(const struct translator *t, const struct jump_table *j);

/* ---- straight.c: jumps between the pages of a process that runs long ---- */

void straight_init(struct translator *t);
void lower_init(struct translator *t);
/* Before a process's first block runs, and when a kick came.  Both may move windows. */
void lower_begin(struct translator *t);
void lower_after_kick(struct translator *t);

/* A kick came, perhaps out of guest code: link again what it has unlinked, or begin. */
void straight_after_kick(struct translator *t);
/* Unlink all: blocks move, or the table is cleared; or another process takes over. */
void straight_end(struct translator *t);
void straight_yield(struct translator *t);
/* The owner's entry for EIP was set. */
void straight_set(struct translator *t, uint32_t eip);
/* The owner's entry for EIP, or those of PART, are about to change. */
void straight_unset(struct translator *t, uint32_t eip);
void straight_unset_part(struct translator *t, uint32_t part);
/* Unlink the crossings of TB until straight_after_kick.  Async-signal-safe. */
void straight_stop(struct translator *t, const struct tb *tb);

/* Must the jumps of its owner be unlinked before TABLE, of MODE, becomes the present one? */
static inline bool straight_ends(const struct straight *s, const struct jump_table *table,
                                 uint32_t mode)
{
    return s->owner && s->owner != table && s->owner->mode == mode;
}

/* ---- stubs.c ---- */
void stubs_emit(struct translator *t);

/* ---- build.c ---- */
/* The block at cpu->eip in the present mode, translated if need be; NULL: an exception was
 * raised (cpu->exc). */
struct tb *build_lookup(struct translator *t);

/* ---- dispatch.c ---- */
/* The host raised the guest's exception rt->fault_vector: pass it on, x87 errors by way of FERR#
 * where CR0.NE is clear.  Where IGNNE# holds nothing is raised: the instruction is to run again. */
void hub_host_exception(struct translator *t);

/* ---- step.c ---- */
/* Carry out IN, whose memory operands may not be touched in place. */
enum cpu_result step_by_hand(struct translator *t, const struct insn *in);
/* The instruction at cpu->eip; false: fetching it raised an exception.  *PHYS: where it is. */
bool step_fetch(struct translator *t, struct insn *in, uint32_t *phys);
/* The linear address of IN's memory operand, were it executed now. */
uint32_t step_operand(struct translator *t, const struct insn *in);
/* Is there nothing but plain memory at LIN? */
bool step_operand_plain(struct translator *t, uint32_t lin);

/* ---- fault.c ---- */
bool fault_attach(struct translator *t, struct error *err);
void fault_detach(struct translator *t);
/* Guest EIP at cache offset OFFSET inside TB. */
uint32_t fault_eip(const struct translator *t, const struct tb *tb, uint32_t offset);

/* ---- wide.c ---- */
/* What a register and a displacement reach in a window's guard: 2 GiB, less what registers lie
 * beyond 4 GiB themselves. */
enum { LARGEST_DISP = INT32_MAX - (16 << 20) };
/* FLAGS of the host, with those that the addition F tells of (FIX_ADD to FIX_DEC) and its RESULT
 * have in 32 bits. */
uint32_t wide_flags(const struct fault_entry *f, uint32_t result, uint32_t flags);

/* ---- immediate.c ---- */
/* A write at PA hit TB. */
void immediate_changed(struct translator *t, const struct tb *tb, uint32_t pa);
/* The write of LEN bytes at PA hit an immediate of TB and nothing else: TB has the new one. */
bool immediate_follow(struct translator *t, const struct tb *tb, uint32_t pa, uint32_t len);

/* ---- check.c ---- */
/* Prove that TB's code keeps to its confinement; false and a reason in WHY. */
bool check_block(struct translator *t, const struct tb *tb, char *why, unsigned n);

/* ---- dump.c ---- */
/* TB's guest code, and HOST beside each instruction its host code, line by line. */
void dump_block(struct translator *t, const struct tb *tb, bool host,
                void (*line)(void *, const char *), void *opaque);

#endif
