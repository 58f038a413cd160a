/* Guest physical memory: RAM in one memfd, ROM, MMIO regions, and the flags of each frame.
 *
 * RAM and ROM are pages of one memfd; the VMM has a read-write alias of all of it.  What the
 * guest sees is mapped page by page into windows (mmu/window.h).  Physical addresses are 64 bits
 * wide because PAE entries are; nothing is decoded at or above 4 GiB.
 */
#ifndef RINGER_MMU_PHYS_H
#define RINGER_MMU_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct log;
struct phys;

#define PAGE_SIZE   4096u
#define PAGE_SHIFT  12
#define PHYS_FRAMES (1u << 20) /* 4 GiB */

enum phys_kind { PHYS_NONE, PHYS_RAM, PHYS_ROM, PHYS_MMIO };

/* Handlers of an MMIO region.  OFFSET is from the region's base; SIZE is 1, 2 or 4, never larger
 * than MAX_SIZE (phys splits larger and unaligned accesses). */
struct mmio_ops {
    uint32_t (*read)(void *opaque, uint32_t offset, unsigned size);
    void (*write)(void *opaque, uint32_t offset, uint32_t value, unsigned size);
    unsigned max_size;
};

/* A region's short way for accesses of 1, 2 or 4 bytes by guest code while the x87 and vector registers
 * are the guest's: compiled for general registers alone, calling nothing else.  False, and nothing was
 * done: the handlers are to be used.  A read may be made twice. */
struct mmio_quick {
    bool (*read)(void *opaque, uint32_t offset, unsigned size, uint32_t *value);
    bool (*write)(void *opaque, uint32_t offset, uint32_t value, unsigned size);
};

/* Flags of a frame. */
enum frame_flag {
    FRAME_CODE = 1,   /* holds bytes that translated blocks were made from: never writable in a
                       * window; every write is reported to on_code_write */
    FRAME_LOGGED = 2, /* first write since phys_log_clear is recorded (frame buffers): not
                       * writable in a window until then */
    FRAME_TRACED = 4, /* a page table that the mmu relies on: the first write takes it away; not
                       * writable in a window until then */
    FRAME_TWIN = 8,   /* phys's own: the same page at another address (phys_view) has FRAME_CODE;
                       * never writable in a window either */
};

/* What phys tells its owner.  Any may be NULL. */
struct phys_wires {
    void *opaque;
    /* Bytes [pa, pa+len) in a frame with FRAME_CODE were just changed (by DMA, by the VMM, or by
     * a store that was carried out by hand). */
    void (*on_code_write)(void *opaque, uint32_t pa, uint32_t len);
    /* Frame PFN became or ceased to be write-protected, or changed its kind or backing: window
     * mappings of it must follow before the guest runs on. */
    void (*on_protect)(void *opaque, uint32_t pfn);
    /* Other pages are about to stand behind FRAMES frames from PFN on: their mappings must go. */
    void (*on_replace)(void *opaque, uint32_t pfn, uint32_t frames);
    void (*on_layout)(void *opaque); /* regions changed: drop every mapping */
};

/* A machine's physical memory with RAM_BYTES of RAM (a multiple of 4 KiB, 1 MiB to 3.5 GiB).
 * RAM covers 0..A0000h and 100000h..RAM_BYTES; A0000h..FFFFFh is PHYS_NONE until mapped.
 * NULL and ERR filled when the host does not give the memory. */
struct phys *phys_new(uint64_t ram_bytes, struct log *log, struct error *err);
void phys_free(struct phys *p);
void phys_set_wires(struct phys *p, const struct phys_wires *wires);

uint64_t phys_ram_size(const struct phys *p);

/* Map regions; BASE and SIZE are multiples of 4 KiB.  A later region hides an earlier one; MMIO
 * handlers must outlive the machine.  rom: copies LEN bytes of DATA to BASE (rest of SIZE FFh).
 * ram: fresh zeroed memory outside normal RAM (video memory); the returned pointer is the VMM's
 * alias.  The id returned is for phys_unmap / phys_move; -1 when the table is full. */
int phys_map_mmio(struct phys *p, const char *name, uint32_t base, uint32_t size,
                  const struct mmio_ops *ops, void *opaque);
/* MMIO region ID has a short way, too; QUICK must stay. */
void phys_set_quick(struct phys *p, int id, const struct mmio_quick *quick);
int phys_map_rom(struct phys *p, const char *name, uint32_t base, uint32_t size, const void *data,
                 uint32_t len);
int phys_map_ram(struct phys *p, const char *name, uint32_t base, uint32_t size,
                 uint8_t **alias);
/* A view of another region's memory, of PAGES pages at most; it shows nothing until phys_view. */
int phys_map_view(struct phys *p, const char *name, uint32_t pages);
/* Let view ID show SIZE bytes (a multiple of 4 KiB) of RAM region TARGET, from OFFSET on, at BASE; 0:
 * nothing.  Writes at either address are reported for code at the other, too; the log of writes is
 * each address's own.  Cheaper than phys_move: mappings of these frames alone are dropped. */
void phys_view(struct phys *p, int id, int target, uint32_t base, uint32_t size, uint32_t offset);
void phys_unmap(struct phys *p, int id);
void phys_move(struct phys *p, int id, uint32_t new_base);
/* Decode region ID or not (it is, when mapped); its place, order and contents stay. */
void phys_enable(struct phys *p, int id, bool on);
/* Make the ROM region ID (or a RAM page range over ROM) writable or not: shadow RAM. */
void phys_rom_writable(struct phys *p, int id, bool writable);
/* Make region ID (ROM or RAM, enabled) write-only or not: it is invisible, but takes the writes
 * that find ROM or nothing at its addresses.  So chip sets let a BIOS copy ROM to the DRAM below. */
void phys_write_only(struct phys *p, int id, bool on);

/* A20: with the gate off, address bit 20 of every access is zero (on by default). */
void phys_set_a20(struct phys *p, bool on);
bool phys_a20(const struct phys *p);

/* A rehearsal: while a journal is set, no access through phys_read and phys_write (and so none by
 * mmu_read and mmu_write) reaches a device or has a consequence.  A write to RAM is made if on_write
 * agrees (it may note the old bytes), but flags are not looked after; anything else that is not a
 * read of RAM or ROM is reported to on_other instead of done, and reads FFh. */
struct phys_journal {
    void *opaque;
    /* LEN bytes at PA, in one frame with FLAGS (enum frame_flag), are about to change. */
    bool (*on_write)(void *opaque, uint32_t pa, uint32_t len, uint32_t flags);
    void (*on_other)(void *opaque);
    /* A walk sets A or D in the low byte of the entry at PA, rehearsal or not. */
    void (*on_walk)(void *opaque, uint32_t pa);
};
/* Begin with JOURNAL, which must stay where it is; NULL ends. */
void phys_set_journal(struct phys *p, const struct phys_journal *journal);
bool phys_journaled(const struct phys *p);

/* Read or write LEN bytes as the CPU or a DMA master does, A20 applied, MMIO included, split at
 * page and access-width borders.  Nothing there: reads give FFh, writes are dropped; so are
 * writes to ROM.  Writes report code pages and logged frames. */
void phys_read(struct phys *p, uint64_t pa, void *data, uint32_t len);
void phys_write(struct phys *p, uint64_t pa, const void *data, uint32_t len);
uint32_t phys_read32(struct phys *p, uint64_t pa);
void phys_write32(struct phys *p, uint64_t pa, uint32_t value);

/* Pointer into the alias when [pa, pa+len) lies in one stretch of RAM or ROM (A20 applied), else
 * NULL.  For reading; whoever writes through it must call phys_wrote afterwards. */
uint8_t *phys_ptr(struct phys *p, uint64_t pa, uint32_t len);
void phys_wrote(struct phys *p, uint64_t pa, uint32_t len);

/* What is at frame PFN (A20 not applied): its kind, and its page's offset in the memfd for RAM
 * and ROM.  Async-signal-safe. */
enum phys_kind phys_frame(const struct phys *p, uint32_t pfn, uint64_t *file_offset);
uint32_t phys_frame_flags(const struct phys *p, uint32_t pfn);
/* All frames' flags, a byte each, for devices' hot paths; there as long as P is. */
const uint8_t *phys_flag_bytes(const struct phys *p);
void phys_set_flag(struct phys *p, uint32_t pfn, enum frame_flag flag);
void phys_clear_flag(struct phys *p, uint32_t pfn, enum frame_flag flag);

/* Dirty logging of [base, base+size): start it; then collect and rearm: DIRTY gets one byte a
 * page, nonzero when it was written since the last call. */
void phys_log_start(struct phys *p, uint32_t base, uint32_t size);
void phys_log_collect(struct phys *p, uint32_t base, uint32_t size, uint8_t *dirty);

/* Does a device's handler run?  phys tells of MMIO; who drives ports, of those.  For samplers:
 * async-signal-safe. */
bool phys_at_device(const struct phys *p);
void phys_set_at_device(struct phys *p, bool on);
/* Accesses to each MMIO region so far. */
void phys_each_mmio(const struct phys *p,
                    void (*fn)(void *opaque, const char *name, uint32_t base, uint64_t reads,
                               uint64_t writes),
                    void *opaque);

/* A stretch of addresses with one thing behind it; OPAQUE is an MMIO region's, else NULL. */
struct phys_range {
    const char *name;
    enum phys_kind kind;
    uint64_t base, size;
    const void *opaque;
};
/* Each stretch that has something, from address 0 up. */
void phys_each(const struct phys *p, void (*fn)(void *opaque, const struct phys_range *r),
               void *opaque);

#endif
