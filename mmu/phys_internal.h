/* The inside of struct phys, for phys*.c and for the hot paths of the mmu. */
#ifndef RINGER_MMU_PHYS_INTERNAL_H
#define RINGER_MMU_PHYS_INTERNAL_H

#include "mmu/phys.h"

#define PHYS_REGIONS 128
/* File pages beyond RAM for ROMs and video memory: 512 MiB. */
#define PHYS_EXTRA_PAGES (1u << 17)

/* A frame's word: which page of the memfd stands behind it, what it is, and whose. */
#define FRAME_FILE_MASK    0x1FFFFFu
#define FRAME_KIND_SHIFT   21
#define FRAME_REGION_SHIFT 23

struct region {
    char name[32];
    bool used;
    bool off;      /* not decoded at present */
    bool writable; /* a ROM that was opened for writing */
    bool write_only;
    bool view;       /* of region TARGET's pages */
    int target;
    enum phys_kind kind;
    uint32_t base_pfn, pages;
    uint32_t file_page, file_pages; /* ROM, RAM; kept when unused, for the next of that size */
    const struct mmio_ops *ops;
    const struct mmio_quick *quick; /* or NULL */
    void *opaque;
    uint32_t order; /* a later region hides an earlier one */
    uint64_t reads, writes; /* MMIO: accesses so far */
};

struct phys {
    bool at_device; /* a device's handler runs */
    uint32_t *frame;      /* a word each frame, see above */
    uint8_t *flags;       /* enum frame_flag, a byte each frame */
    uint8_t *alias;       /* the whole memfd, read-write */
    uint64_t alias_bytes; /* address space taken; the file may be shorter */
    uint64_t a20_mask;    /* all ones, or all but bit 20 */
    uint32_t ram_pages;
    uint32_t file_pages; /* length of the memfd */
    int fd;
    struct log *log;
    struct phys_wires wires;     /* the owner's */
    struct phys_wires mmu_wires; /* the mmu's own on_protect and on_layout, called first */
    const struct phys_journal *journal; /* NULL: accesses are real */
    uint32_t next_order;
    unsigned write_only; /* so many regions are */
    unsigned views;      /* and so many views show something */
    struct region region[PHYS_REGIONS];
};

/* Tell the mmu, then the owner, that frame PFN's protection changed. */
static inline void phys_tell_protect(struct phys *p, uint32_t pfn)
{
    if (p->mmu_wires.on_protect)
        p->mmu_wires.on_protect(p->mmu_wires.opaque, pfn);
    if (p->wires.on_protect)
        p->wires.on_protect(p->wires.opaque, pfn);
}

static inline uint32_t frame_word(uint32_t file_page, enum phys_kind kind, uint32_t region)
{
    return file_page | (uint32_t)kind << FRAME_KIND_SHIFT | region << FRAME_REGION_SHIFT;
}

static inline enum phys_kind frame_kind(uint32_t word)
{
    return word >> FRAME_KIND_SHIFT & 3;
}

/* Pointer to a frame's page when it is RAM or ROM; A20 was applied. */
static inline uint8_t *frame_ptr(const struct phys *p, uint32_t pfn)
{
    return p->alias + ((uint64_t)(p->frame[pfn] & FRAME_FILE_MASK) << PAGE_SHIFT);
}

static inline bool kind_has_page(enum phys_kind kind)
{
    return kind == PHYS_RAM || kind == PHYS_ROM;
}

/* LEN bytes at PA, in one frame and with A20 applied, were written: what follows for FLAGS, which
 * are the frame's or some of them. */
void phys_frame_wrote(struct phys *p, uint32_t pa, uint32_t len, uint8_t flags);

/* ---- mmu/phys_twin.c ---- */

/* The other frame where PFN's page is seen, by a view; PHYS_FRAMES: there is none. */
uint32_t phys_twin(const struct phys *p, uint32_t pfn);
/* PFN's FRAME_CODE changed, or its page got a twin. */
void phys_twin_follow(struct phys *p, uint32_t pfn);
/* The layout changed. */
void phys_twins_follow(struct phys *p);
/* LEN bytes at PA, in a frame with FRAME_TWIN, were written. */
void phys_twin_wrote(struct phys *p, uint32_t pa, uint32_t len);

/* The page of the write-only region at frame PFN, or NULL. */
uint8_t *phys_write_only_page(struct phys *p, uint32_t pfn);

/* Reserve BYTES of zeroed memory that costs nothing until touched; NULL on failure. */
void *lazy_alloc(size_t bytes);
void lazy_free(void *p, size_t bytes);

#endif
