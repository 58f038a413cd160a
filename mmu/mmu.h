/* The guest's paging: walks, and windows that make it real on the host.
 *
 * A window is 4 GiB of host address space at a 4 GiB-aligned base, with at least 2 GiB of
 * inaccessible guard on each side: base + linear address is the guest's memory as seen from one
 * privilege level in one address space.  Pages enter it on their first fault.
 *
 * Intel SDM vol. 3A chapter 4 is the reference for walks, access rights and A/D bits.
 */
#ifndef RINGER_MMU_MMU_H
#define RINGER_MMU_MMU_H

#include "mmu/phys.h"

struct memory_sink;
struct mmu;
struct window;

enum mmu_access { MMU_READ = 0, MMU_WRITE = 1, MMU_FETCH = 2 };

/* The registers that paging depends on.  The owner sets them with mmu_set_paging. */
struct paging {
    uint32_t cr0, cr3, cr4;
    uint32_t efer;     /* NXE is bit 11 */
    uint64_t pdpte[4]; /* PAE: loaded by MOV CR3 and friends (mmu_load_pdptes) */
};

/* A fault as the CPU must report it. */
struct mmu_fault {
    uint32_t address;    /* linear: CR2 */
    uint32_t error_code; /* P, W/R, U/S, RSVD, I/D */
};

/* Where a supervisor's code finds memory on the host: at BASE[USER[linear >> 24]] + linear. BASE[0]
 * is its own window's.  BASE[1] is the user's of the same address space, or its own again while
 * that one is not there or still shows what INVLPG took away. */
struct mmu_reach {
    uint64_t base[2];
    uint8_t user[256]; /* 0 or 1 */
};

struct mmu_stats {
    uint64_t fills, fill_pages, fill_runs; /* faults that mapped; pages; mmap calls */
    uint64_t ahead;                        /* small pages mapped beside the one asked for */
    uint64_t probes, probe_hits;           /* of such pages left out on purpose, and asked for */
    uint64_t drops, drop_pages;            /* pages unmapped because their PTE changed */
    uint64_t unmaps;                       /* calls that took mappings from the host */
    uint64_t syncs, sync_tables, sync_changed; /* CR3 loads; tables compared; PTEs that differed */
    uint64_t windows_created, windows_evicted, windows_live, lowered;
    uint64_t mappings, mappings_limit; /* host VMAs in use (estimate) */
    uint64_t walks, guest_faults, protects, flushes, invlpgs;
    uint64_t traces, untraces, sync_skipped; /* tables write-protected; freed; not compared */
};

/* What the mmu tells its owner: the mapping of linear page LIN_PAGE (address >> 12) in window W
 * changed or went away, and code had been fetched from it (mmu_fetch): lookups of that page in
 * that window's jump tables must be forgotten.  COUNT pages from LIN_PAGE on. */
struct mmu_wires {
    void *opaque;
    void (*on_exec_drop)(void *opaque, struct window *w, uint32_t lin_page, uint32_t count);
    void (*on_window_gone)(void *opaque, struct window *w);
    /* Global translations of COUNT pages from LIN_PAGE on may have changed in every address space:
     * INVLPG, a change of the paging mode, a flush. */
    void (*on_global_drop)(void *opaque, uint32_t lin_page, uint32_t count);
};

/* MAX_WINDOWS bounds the cached windows (0: default).  Listens to PHYS's protection and layout
 * changes by wires of its own: phys_set_wires stays the owner's, before and after.  NULL and ERR
 * filled when the host gives no address space. */
struct mmu *mmu_new(struct phys *phys, struct log *log, unsigned max_windows, struct error *err);
void mmu_free(struct mmu *m);
void mmu_set_wires(struct mmu *m, const struct mmu_wires *wires);
const struct mmu_stats *mmu_stats(const struct mmu *m);
/* The host memory that M and its frame tables take beside the guest's RAM (ringer/memory_use.h). */
void mmu_memory(const struct mmu *m, const struct memory_sink *to);

/* ---- paging state ---- */

/* Paging registers changed (not by a mere CR3 load): CR0.PG/WP, CR4.PSE/PAE/PGE, EFER.NXE.
 * Flushes what the change makes stale (SDM 4.10.4.1). */
void mmu_set_paging(struct mmu *m, const struct paging *pg);
/* MOV CR3 (task switches too): PG->cr3 and pdptes are new (or the same: a flush).  Non-global
 * mappings of the address space are brought in step with its page tables. */
void mmu_set_cr3(struct mmu *m, const struct paging *pg);
/* Read the four PDPTEs at CR3 (PAE).  False when a reserved bit is set: #GP. */
bool mmu_load_pdptes(struct mmu *m, struct paging *pg);
void mmu_invlpg(struct mmu *m, uint32_t lin);
/* Does INVLPG take the page of LIN away so often that its accesses are better made by hand than
 * through a window?  A hint: mmu_fill maps it nevertheless. */
bool mmu_churns(const struct mmu *m, uint32_t lin);
/* It was accessed by hand many times without an INVLPG between. */
void mmu_steady(struct mmu *m, uint32_t lin);
/* A20 gate toggled through phys_set_a20: the windows of the other state are cached apart. */
void mmu_a20_changed(struct mmu *m);
void mmu_flush_all(struct mmu *m); /* forget everything, safe at any time outside guest code */

/* ---- windows ---- */

/* The window of the present paging state as seen by a user (CPL 3) or a supervisor. Stays valid
 * until on_window_gone names it; constant time when cached.  Ask again before a user's window is
 * entered after mmu_invlpg: what that dropped may stay mapped until then. */
struct window *mmu_window(struct mmu *m, bool user);
uint8_t *window_base(const struct window *w);
uint32_t window_id(const struct window *w); /* small, for tables; reused after on_window_gone */

/* The window that host address ADDR lies in (its guards included: *LIN is then the 33-bit or
 * negative offset), or NULL.  Async-signal-safe. */
struct window *mmu_window_at(struct mmu *m, const void *addr, int64_t *lin);

/* ---- the low place (mmu/low.c) ---- */

/* Move W to the host's addresses 0 to 4 GiB, where a host that is slow with segment bases is not,
 * and who is there to where it came from: their window_base changes.  Outside guest code.  False:
 * W is there already or cannot be, or the host has no such place to give. */
bool mmu_lower(struct mmu *m, struct window *w);
/* Take who is there home. */
void mmu_raise(struct mmu *m);
/* Has who is there pages that can only be accessed by hand at that place? */
bool mmu_low_unfit(const struct mmu *m);
/* Is there nobody, or one whose process has ended?  A hint. */
bool mmu_low_vacant(const struct mmu *m);
/* How many mappings of the host's mmu_lower would take away from processes that need them. */
uint32_t mmu_low_count(const struct mmu *m, const struct window *w);

/* Leave the host's lowest addresses to the process that M is part of, which has a use for them. */
void mmu_give_low(struct mmu *m);

#define MMU_NOWHERE 0xFFFFFFFFu
/* The frame at which W, of whatever address space, has the page of LIN; MMU_NOWHERE when it has
 * none, or the guest's tables, as they are in memory now, say so no longer, as once its process has
 * ended.  A hint. */
uint32_t mmu_standing(const struct mmu *m, const struct window *w, uint32_t lin);

enum mmu_fill_result {
    FILL_MAPPED,  /* mapped: run the instruction again */
    FILL_FAULT,   /* the guest's page fault: FAULT is filled */
    FILL_BY_HAND, /* MMIO, ROM written, code page written, nothing there: carry it out by
                   * mmu_read / mmu_write */
};
/* The guest touched LIN in W and the host faulted.  Walks, sets A (and D for a write), maps the
 * page and neighbours.  Async-signal-safe: no allocation that can block, no stdio. */
enum mmu_fill_result mmu_fill(struct mmu *m, struct window *w, uint32_t lin,
                              enum mmu_access access, struct mmu_fault *fault);

/* The same for the present window of a user or supervisor, before mmu_window is asked for it: when the
 * guest is about to make ACCESS to LIN again after a page fault. */
enum mmu_fill_result mmu_refill(struct mmu *m, bool user, uint32_t lin, enum mmu_access access);

/* ---- the user's window in a supervisor's hands (mmu/reach.c) ---- */

/* Keep REACH true from now on: its bases at all times, and parts as they are learned.  NULL: no
 * longer.  It is the owner's, and must last until then. */
void mmu_set_reach(struct mmu *m, struct mmu_reach *reach);
/* Is W the user's window, which a supervisor's code may find at BASE[1]?  Async-signal-safe. */
bool mmu_reach_other(const struct mmu *m, const struct window *w);
/* Would a supervisor's access to LIN be better made through the user's window: the page is mapped
 * there (WALK: is the user's, by the guest's tables)?  Async-signal-safe. */
bool mmu_reach_user(struct mmu *m, uint32_t lin, bool walk);
/* The part of LIN holds memory of programs: USER is 1 from now on.  False: it was found to hold
 * others' as well.  Async-signal-safe. */
bool mmu_reach_learn(struct mmu *m, uint32_t lin);
/* mmu_fill for a supervisor's access by W, of which mmu_reach_other holds.  FAULT is a
 * supervisor's. FILL_BY_HAND: also where a supervisor's rights have to decide. */
enum mmu_fill_result mmu_reach_fill(struct mmu *m, struct window *w, uint32_t lin,
                                    enum mmu_access access, struct mmu_fault *fault);

/* ---- access by hand ---- */

/* Translate LIN for ACCESS from USER or supervisor; sets A/D as the access would; *PA is before
 * the A20 gate.  False: FAULT is filled (mmu owns no CR2). */
bool mmu_translate(struct mmu *m, uint32_t lin, enum mmu_access access, bool user, uint64_t *pa,
                   struct mmu_fault *fault);
/* Access LEN (1..4096) bytes at LIN, wrapping at 4 GiB, crossing at most two pages; both pages
 * are checked before the first byte moves. */
bool mmu_read(struct mmu *m, uint32_t lin, void *data, uint32_t len, bool user,
              struct mmu_fault *fault);
bool mmu_write(struct mmu *m, uint32_t lin, const void *data, uint32_t len, bool user,
               struct mmu_fault *fault);
/* Would the access succeed?  Sets A/D like the access, moves nothing. */
bool mmu_probe(struct mmu *m, uint32_t lin, uint32_t len, enum mmu_access access, bool user,
               struct mmu_fault *fault);
/* Instruction fetch: physical address of LIN (A20 applied) for translating code, and remember
 * that W's page is executed from, so that on_exec_drop reports its change. */
bool mmu_fetch(struct mmu *m, struct window *w, uint32_t lin, uint64_t *pa,
               struct mmu_fault *fault);
/* Is LIN's translation global (CR4.PGE, and G in its entry): the same in every address space until
 * on_global_drop names it?  SDM vol. 3A 4.10.2.4. */
bool mmu_is_global(struct mmu *m, uint32_t lin);
/* For debuggers: no A/D bits, no faults, no MMIO side effects, supervisor.  False: not mapped. */
bool mmu_peek(struct mmu *m, uint32_t lin, void *data, uint32_t len);

/* A mapping of the present address space: BYTES from LIN on are at PA (before the A20 gate). */
struct mmu_range {
    uint32_t lin;
    uint64_t bytes, pa;
    bool user, writable;
};
/* Each of them, in order, joined where both sides go on.  Without paging: one, of everything. */
void mmu_each(struct mmu *m, void (*fn)(void *opaque, const struct mmu_range *r), void *opaque);

/* Describe the walk of LIN in words (each entry and why it ends), one line a level; and the
 * present mappings for `info tlb`/`info mem`. */
void mmu_describe_walk(struct mmu *m, uint32_t lin, void (*line)(void *, const char *), void *o);
void mmu_describe_tlb(struct mmu *m, void (*line)(void *, const char *), void *o);
void mmu_describe_mem(struct mmu *m, void (*line)(void *, const char *), void *o);

#endif
