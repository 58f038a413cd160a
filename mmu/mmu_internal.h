/* The inside of struct mmu: address spaces, windows and the reverse map.
 *
 * An address space stands for one set of page tables in one paging mode.  It has up to three
 * windows (views) and a copy of every page-table page that their mappings were made from.  Between
 * INVLPG and CR3 loads a TLB may be out of step with the guest's tables (SDM vol. 3A 4.10.4), and
 * at a CR3 load the copies tell exactly which entries changed.  Tables that hardly ever change are
 * write-protected and not compared (mmu/trace.c).
 *
 * A window's map has a word for each linear page.  It is a software TLB (MAP_VALID: the walk
 * succeeded) and tells what the host has mapped (MAP_HOST).
 */
#ifndef RINGER_MMU_MMU_INTERNAL_H
#define RINGER_MMU_MMU_INTERNAL_H

#include "mmu/mmu.h"
#include "mmu/phys_internal.h"

/* Flags of a map entry, below the frame number (which is before the A20 gate). */
enum {
    MAP_VALID = 1,   /* the walk succeeded for this view, the accessed bits are set */
    MAP_WRITE = 2,   /* writes are allowed too, and the page is dirty */
    MAP_HOST = 4,    /* the host has it mapped, readable */
    MAP_HOSTW = 8,   /* ... and writable */
    MAP_EXEC = 16,   /* code was fetched from it: tell the owner when it goes */
    MAP_NX = 32,     /* not executable */
    MAP_RMAP = 64,   /* the reverse map has a node for this page and frame (even when dropped) */
    MAP_LARGE = 128, /* part of a 2 or 4 MiB page, or paging is off */
    MAP_STALE = 256, /* the host still maps what was dropped here (struct later) */
};

#define MAP_PAGES  (1u << 20)
#define GROUP_SIZE 1024u /* map entries that fill one host page */
#define GROUPS     (MAP_PAGES / GROUP_SIZE)

#define WINDOW_BYTES  (1ull << 32)
#define WINDOW_STRIDE (1ull << 33)

enum view { VIEW_USER, VIEW_SUPER, VIEW_SUPER_NOWP, VIEWS };

struct window {
    uintptr_t base; /* HOME, or 0: the low place */
    uintptr_t home;
    uint32_t *map;
    struct mmu *mmu;
    struct aspace *as; /* NULL: not in use */
    enum view view;
    uint32_t id;
    uint32_t generation; /* changes whenever the map is emptied: old reverse nodes are void */
    uint32_t hosted;     /* pages with MAP_HOST or MAP_STALE */
    uint32_t filled;     /* the page that came in last */
    uint32_t vmas;       /* host mappings beyond those of an empty window */
    uint32_t gone_first, gone_end; /* forgotten, and not unmapped yet: within one CR3 load */
    bool has_exec;
    uint64_t touched[GROUPS / 64]; /* groups of the map that may hold anything but zero */
};

/* Paging mode bits of an address space's key. */
enum { MODE_PG = 1, MODE_PSE = 2, MODE_PAE = 4, MODE_NXE = 8, MODE_A20_OFF = 16 };

struct aspace_key {
    uint32_t root; /* page directory, or where the PDPTEs were loaded from; 0 without paging */
    uint32_t mode;
};

/* A page-directory entry's slot: which copy of a page table belongs to it. */
#define MAX_SLOTS  2048u /* PAE; half of it otherwise */
#define SLOT_NONE  0
#define SLOT_LARGE 0xFFFF

struct aspace {
    bool used;
    struct aspace_key key;
    uint64_t pdpte[4]; /* PAE: as they were loaded, P and address alone */
    uint32_t a20_pfn_mask;
    bool uncopied;  /* a table lay outside RAM: forget all at the next event */
    uint64_t stamp; /* for least recently used */
    struct window *window[VIEWS];
    uint16_t dir[4]; /* copies of the page directories, SLOT_NONE when not taken */
    uint16_t slot[MAX_SLOTS];
    uint16_t used_slots[MAX_SLOTS]; /* those that have a page table's copy; the warm ones first */
    uint32_t used_count, warm_count;
};

/* A copy of one page-table page. */
struct table {
    uint32_t pfn;        /* A20 applied */
    uint16_t space;      /* whose: index in aspaces */
    uint16_t slot;       /* which: index in slot[], or SLOT_DIR + index in dir[] */
    uint16_t position;   /* in used_slots */
    uint16_t next, prev; /* copies of the same frame; next: free list */
    bool cold;           /* the frame is traced, and the copy is in step */
};
#define MAX_TABLES 8192u
#define SLOT_DIR   MAX_SLOTS

/* What is known of a frame that serves as page table. */
struct trace {
    uint16_t first; /* its copies */
    uint16_t quiet; /* comparisons since it was last seen to change */
    uint8_t level;  /* back-off */
    bool on;        /* FRAME_TRACED is set */
    uint32_t since; /* stats.syncs when it was traced */
};

/* Where a frame is mapped: a node of the reverse map. */
struct rnode {
    uint32_t next;
    uint32_t where; /* linear page | window id << 20 */
    uint32_t generation;
};
#define RNODES      (1u << 21)
#define RMAP_MANY   0xFFFFFFFFu /* too many to list: look through all windows */
#define CHUNK_PAGES 512u        /* large pages are listed by 2 MiB of physical memory */

struct rmap {
    struct rnode *node;
    uint32_t *head; /* each frame */
    uint8_t *count;
    uint32_t *chunk; /* each 2 MiB */
    uint32_t bump, free;
    uint32_t left; /* nodes not in use */
};

/* How often INVLPG took a page from the host; by page, the busiest of those that share a slot. */
struct churn {
    uint32_t page, count;
};
#define CHURN_SLOTS 256u

/* A page that fill_small left out, to see whether it is asked for. */
struct probe {
    const struct window *w; /* NULL: free */
    uint32_t page;
    uint64_t since; /* stats.fills */
};
#define PROBE_SLOTS 64u

/* A user's page that INVLPG dropped.  The user's window is not entered before the guest's kernel
 * returns, and then, where the page was copied on write, another frame is mapped over it: one call
 * to the host and not two.  mmu_window unmaps what is left. */
struct later {
    struct window *w;
    uint32_t page;
};
#define LATER_PAGES 32u

/* The place at the host's address 0 (mmu/low.c). */
struct low {
    bool there;            /* the host gave it */
    bool unfit;            /* WINDOW wants pages that cannot be there */
    struct window *window; /* who is there; NULL: nobody */
};

struct mmu {
    struct phys *phys;
    struct log *log;
    struct mmu_wires wires;
    struct mmu_stats stats;
    struct paging pg;
    struct aspace *cur;
    struct window *cur_window[2]; /* by user: NULL until asked for */
    uint64_t stamp;

    uint8_t *area; /* what mmap gave, for munmap */
    size_t area_bytes;
    uint8_t *first; /* 4 GiB-aligned; window i at first + 4 GiB + i * 8 GiB */
    /* Nothing is mapped where windows are empty: a mapping is made and goes without splitting or
     * joining a reservation, in two thirds of the time. */
    bool bare;
    unsigned window_count;
    struct window *windows;
    uint32_t *maps;         /* MAP_PAGES words a window */
    struct aspace *aspaces; /* as many as windows */
    struct table *tables;   /* index 0 is not used */
    uint8_t *copies;        /* a page for each table */
    struct trace *traces;   /* each frame */
    uint16_t table_free, table_bump;
    struct rmap rmap;
    struct churn churn[CHURN_SLOTS];
    struct probe probes[PROBE_SLOTS];
    struct later later[LATER_PAGES];
    unsigned later_count;
    uint32_t want[GROUP_SIZE]; /* scratch of mmu_fill */
    struct mmu_reach *reach;   /* the owner's; NULL: nobody asked for it */
    struct low low;
    uint8_t *nowhere;          /* a window's place that nothing is ever mapped at */
    uint8_t flips[256];        /* how often a part of REACH->user was wrong */
};

/* ---- walk.c ---- */

enum walk_end { WALK_OK, WALK_NOT_PRESENT, WALK_RESERVED };

/* A page walk. Everything that a fill needs to know of it. */
struct walk {
    enum walk_end end;
    unsigned level;                      /* of the last entry read: 3 PDPTE, 2 PDE, 1 PTE */
    bool large;                          /* 2 or 4 MiB page, or no paging */
    bool uncopied;                       /* a table lay outside RAM and ROM */
    bool user, writable, nx;             /* of all levels together */
    bool dir_user, dir_writable, dir_nx; /* of the directory's entry alone */
    uint64_t pde, pte;                   /* pte: the leaf entry, of large pages too */
    uint64_t pde_pa, pte_pa;             /* where they are */
    uint64_t pa;                         /* of the address asked for, before A20 */
};

/* Read the entries for LIN, decide nothing, change nothing. */
void walk_entries(struct mmu *m, const struct aspace *as, uint32_t lin, struct walk *k);
/* The same and rights: false with FAULT filled.  SET: set A, and D for a write. */
bool walk_page(struct mmu *m, const struct aspace *as, enum view view, uint32_t lin,
               enum mmu_access access, bool set, struct walk *k, struct mmu_fault *fault);
/* Reserved bits of a page-table entry in the mode of AS. */
uint64_t walk_reserved_pte(const struct aspace *as);
/* The paging mode that PG and the A20 gate make; the PDPTEs (zero where PAE is off) in PDPTE. */
void walk_key(const struct mmu *m, const struct paging *pg, struct aspace_key *key,
              uint64_t pdpte[4]);

static inline bool aspace_pae(const struct aspace *as)
{
    return as->key.mode & MODE_PAE;
}

/* Pages that one page-directory entry covers, as a shift. */
static inline unsigned aspace_slot_shift(const struct aspace *as)
{
    return aspace_pae(as) ? 9 : 10;
}

/* ---- aspace.c ---- */

struct aspace *aspace_get(struct mmu *m, const struct aspace_key *key, bool *created);
void aspace_free(struct mmu *m, struct aspace *as);   /* its windows go too */
void aspace_forget(struct mmu *m, struct aspace *as); /* stays in use, empty */
/* A successful walk is about to be relied on: bring the copies in step with what was read, drop
 * what they show to be stale. */
void aspace_note(struct mmu *m, struct aspace *as, uint32_t lin, const struct walk *k);
void aspace_note_pte(struct mmu *m, struct aspace *as, uint32_t lin_page, uint64_t pte);
/* Compare every table in use that is not cold with its copy.  PDPTE: the PDPTEs now. */
void aspace_sync(struct mmu *m, struct aspace *as, const uint64_t pdpte[4]);
/* The one entered longest ago, but not KEEP nor the present one; NULL: there is no other. */
struct aspace *aspace_oldest(struct mmu *m, const struct aspace *keep);
/* Copy T of AS became cold or warm. */
void aspace_set_cold(struct mmu *m, struct aspace *as, uint16_t t, bool cold);

/* ---- trace.c ---- */

bool tables_new(struct mmu *m);
void tables_free(struct mmu *m);
/* Copy the page-table page at PFN (RAM or ROM) for SLOT of AS; it is cold when the frame is traced.
 * SLOT_NONE when no copies are left. */
uint16_t table_take(struct mmu *m, struct aspace *as, uint16_t slot, uint32_t pfn);
void table_give(struct mmu *m, uint16_t t);
/* T was just compared, and is in step: nobody else wrote it, or somebody did. */
void trace_unchanged(struct mmu *m, uint16_t t);
void trace_changed(struct mmu *m, uint16_t t);
/* FRAME_TRACED is gone from PFN. */
void trace_lifted(struct mmu *m, uint32_t pfn);

static inline uint8_t *table_copy(const struct mmu *m, uint16_t table)
{
    return m->copies + ((size_t)table << PAGE_SHIFT);
}

/* ---- window.c ---- */

bool windows_new(struct mmu *m, unsigned count, struct error *err);
void windows_free(struct mmu *m);
struct window *window_create(struct mmu *m, struct aspace *as, enum view view);
void window_evict(struct window *w);
void window_flush(struct window *w);  /* forget all, stay in use */
void window_unhost(struct window *w); /* unmap all on the host, keep the translations */
/* Forget the pages [first, end). */
void window_drop(struct window *w, uint32_t first, uint32_t end);
/* The same, but the host's mappings stay until window_unmap, which comes before anything else is
 * mapped in W, and before guest code runs.  JOINED: nothing is mapped between these pages and those
 * of the call before, which lie below: one call to the host does for both. */
void window_forget(struct window *w, uint32_t first, uint32_t end, bool joined);
void window_unmap(struct window *w);
/* Forget small page PAGE; the host's mapping of it may stay until windows_settle. */
void window_drop_later(struct window *w, uint32_t page);
void windows_settle(struct mmu *m);
/* Make the pages [first, end) unwritable until they are walked again. */
void window_reduce(struct window *w, uint32_t first, uint32_t end);
/* Host-unwritable only: the frame is protected. */
void window_protect(struct window *w, uint32_t page);
/* Bring mappings under the limit: evict others, then flush KEEP. */
void windows_reclaim(struct mmu *m, struct window *keep, bool hard);

/* ---- low.c ---- */

/* Try for the low place, once it is known whether windows are bare. */
void low_new(struct mmu *m);
void low_free(struct mmu *m);
/* Pages that the host maps nothing at in the low place. */
enum { LOW_BARRED = 16 };
static inline bool low_bars(const struct window *w, uint32_t page)
{
    return page < LOW_BARRED && w == w->mmu->low.window;
}
/* The end of the pages from PAGE on behind which the low place keeps a reservation (*KEPT), or
 * does not; elsewhere it keeps none. */
uint32_t low_stretch(const struct window *w, uint32_t page, bool *kept);

/* ---- host.c ---- */

/* Host mappings (boundaries) in pages [first, end] of W's map as it stands. */
uint32_t host_edges(const struct window *w, uint32_t first, uint32_t end);
/* Put WANT[0..n) at FIRST on; words without MAP_HOST are left alone.  The run at FOCUS first, then
 * up to SIDE_RUNS to either side: each is a call, so that bounds the time of one fault.  WRITTEN:
 * the access to FOCUS that follows is a write. */
void host_apply(struct window *w, uint32_t first, uint32_t n, const uint32_t *want, uint32_t focus,
                uint32_t side_runs, bool written);

/* Store a map entry, keeping what is still true of the old one (host mapping, execution, reverse
 * node), and telling the owner when the page led elsewhere. */
void host_store(struct window *w, uint32_t page, uint32_t entry);
/* mprotect the hosted pages [first, end). */
bool host_protect(struct window *w, uint32_t first, uint32_t end, bool writable);
/* Store ENTRY for PAGE, which the host maps and is going to unmap or map anew. */
void host_leave(struct window *w, uint32_t page, uint32_t entry);
/* Take all mappings of the pages [first, end) away; false: the host's mappings are at their limit.
 */
bool host_clear(struct window *w, uint32_t first, uint32_t end);
/* The entries of [first, end) say that nothing is mapped any more; BEFORE: host_edges as it was. */
void host_gone(struct window *w, uint32_t first, uint32_t end, uint32_t before);

static inline bool window_touched(const struct window *w, uint32_t page)
{
    uint32_t group = page / GROUP_SIZE;

    return w->touched[group / 64] >> group % 64 & 1;
}

static inline void window_touch(struct window *w, uint32_t page)
{
    uint32_t group = page / GROUP_SIZE;

    if (window_touched(w, page))
        return;
    w->touched[group / 64] |= 1ull << group % 64;
    /* Still zero, but by writing first the host faults once and not twice. */
    *(volatile uint32_t *)&w->map[page] = 0;
}

/* The frame a map entry leads to, A20 applied. */
static inline uint32_t entry_pfn(const struct window *w, uint32_t entry)
{
    return (entry >> PAGE_SHIFT) & w->as->a20_pfn_mask;
}

/* ---- rmap.c ---- */

bool rmap_new(struct rmap *r);
void rmap_free(struct rmap *r);
void rmap_add(struct mmu *m, struct window *w, uint32_t page, uint32_t pfn);
void rmap_prefetch(const struct mmu *m, uint32_t pfn); /* rmap_add is going to be called */
void rmap_add_chunk(struct mmu *m, struct window *w, uint32_t page, uint32_t pfn);
void rmap_reset(struct mmu *m); /* all windows are empty */
/* Make every mapping of PFN read-only. */
void rmap_protect(struct mmu *m, uint32_t pfn);
/* Take host mappings of N frames from FIRST on away. */
void rmap_drop(struct mmu *m, uint32_t first, uint32_t n);

/* ---- reach.c ---- */

/* The present windows changed, or what the user's shows did: reach->base follows. */
void reach_update(struct mmu *m);

/* ---- churn.c ---- */

/* INVLPG took PAGE from the host, or would have if it had been mapped. */
void churn_dropped(struct mmu *m, uint32_t page);
bool churn_busy(const struct mmu *m, uint32_t page);

/* ---- mmu.c ---- */

/* Tests: pretend that the host allows so many mappings. */
void mmu_set_mapping_limit(struct mmu *m, uint64_t limit);

/* ---- fill.c ---- */

/* Map entry flags that a successful walk gives in VIEW, without the host's. */
uint32_t fill_flags(enum view view, bool writable, bool dirty, bool nx);
/* Walk LIN for W and remember the translation; K may be NULL. */
bool fill_translate(struct mmu *m, struct window *w, uint32_t lin, enum mmu_access access,
                    struct walk *k, struct mmu_fault *fault);

#endif
