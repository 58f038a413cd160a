/* Guest physical memory: creation, frame flags, the A20 gate (mmu/phys.h).
 *
 * Everything that depends on a frame is one word in a table: the page of the memfd behind it, its
 * kind and its region.  Normal RAM stands in the file at its own physical address, so that long
 * runs of frames are long runs of the file; ROMs and video memory come behind it. */
#define _GNU_SOURCE
#include "mmu/phys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "mmu/phys_internal.h"
#include "ringer/error.h"

#define RAM_MIN (1ull << 20)
#define RAM_MAX (3584ull << 20)

void *lazy_alloc(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void lazy_free(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}

/* One "Name:   N kB" figure of /proc/meminfo in bytes; 0 when it is not there. */
static uint64_t meminfo(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) << 10 : 0;
}

static bool read_text(const char *path, char *text, size_t n)
{
    FILE *f = fopen(path, "re");
    size_t got;

    if (!f)
        return false;
    got = fread(text, 1, n - 1, f);
    text[got] = 0;
    fclose(f);
    return got > 0;
}

/* RAM is committed page by page, so a host that is too small would only show by killing the
 * machine later on: ask beforehand. */
static bool host_has_memory(uint64_t bytes, struct error *err)
{
    char text[4096];
    struct rlimit limit;

    if (read_text("/proc/meminfo", text, sizeof(text)) && strstr(text, "MemAvailable:")) {
        uint64_t have = meminfo(text, "MemAvailable:") + meminfo(text, "SwapFree:");

        if (bytes > have)
            return error_set(err,
                             "the guest is to have %llu MiB of memory but the host has %llu MiB "
                             "available: ask for less",
                             (unsigned long long)bytes >> 20, (unsigned long long)have >> 20);
    }
    if (read_text("/sys/fs/cgroup/memory.max", text, sizeof(text)) && text[0] >= '0' &&
        text[0] <= '9' && strtoull(text, NULL, 10) < bytes)
        return error_set(err,
                         "the guest is to have %llu MiB of memory but this control group may use "
                         "%llu MiB: ask for less",
                         (unsigned long long)bytes >> 20, strtoull(text, NULL, 10) >> 20);
    /* Beyond this limit ftruncate raises SIGXFSZ instead of failing. */
    if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < bytes + ((uint64_t)PHYS_EXTRA_PAGES << PAGE_SHIFT))
        return error_set(err, "the file size limit (ulimit -f) is smaller than guest memory: "
                              "raise it");
    return true;
}

static bool make_memory(struct phys *p, uint64_t bytes, struct error *err)
{
    p->frame = lazy_alloc(PHYS_FRAMES * sizeof(p->frame[0]));
    p->flags = lazy_alloc(PHYS_FRAMES);
    if (!p->frame || !p->flags)
        return error_set(err, "no host memory for the frame tables: %s", strerror(errno));
    p->fd = memfd_create("ringer-ram", MFD_CLOEXEC);
    if (p->fd < 0)
        return error_set(err, "cannot create guest memory: %s", strerror(errno));
    if (ftruncate(p->fd, (off_t)bytes))
        return error_set(err, "cannot size guest memory to %llu MiB: %s; ask for less",
                         (unsigned long long)bytes >> 20, strerror(errno));
    p->file_pages = (uint32_t)(bytes >> PAGE_SHIFT);
    /* Address space for later video memory too: the alias never moves. */
    p->alias_bytes = bytes + ((uint64_t)PHYS_EXTRA_PAGES << PAGE_SHIFT);
    p->alias =
        mmap(NULL, p->alias_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, p->fd, 0);
    if (p->alias == MAP_FAILED) {
        p->alias = NULL;
        return error_set(err, "cannot map %llu MiB of guest memory: %s; ask for less",
                         (unsigned long long)bytes >> 20, strerror(errno));
    }
    return true;
}

struct phys *phys_new(uint64_t ram_bytes, struct log *log, struct error *err)
{
    struct phys *p;

    if (ram_bytes < RAM_MIN || ram_bytes > RAM_MAX || ram_bytes % PAGE_SIZE) {
        error_set(err, "%llu bytes is no memory size: from 1 MiB to 3584 MiB, in steps of 4 KiB",
                  (unsigned long long)ram_bytes);
        return NULL;
    }
    if (!host_has_memory(ram_bytes, err))
        return NULL;
    p = calloc(1, sizeof(*p));
    if (!p) {
        error_set(err, "no host memory");
        return NULL;
    }
    p->fd = -1;
    p->log = log;
    p->a20_mask = ~0ull;
    if (!make_memory(p, ram_bytes, err)) {
        phys_free(p);
        return NULL;
    }
    p->ram_pages = (uint32_t)(ram_bytes >> PAGE_SHIFT);
    for (uint32_t pfn = 0; pfn < p->ram_pages; pfn++) {
        if (pfn < 0xA0 || pfn >= 0x100)
            p->frame[pfn] = frame_word(pfn, PHYS_RAM, 0);
    }
    return p;
}

void phys_free(struct phys *p)
{
    if (!p)
        return;
    lazy_free(p->alias, p->alias_bytes);
    if (p->fd >= 0)
        close(p->fd);
    lazy_free(p->frame, PHYS_FRAMES * sizeof(p->frame[0]));
    lazy_free(p->flags, PHYS_FRAMES);
    free(p);
}

void phys_set_wires(struct phys *p, const struct phys_wires *wires)
{
    p->wires = *wires;
}

void phys_set_journal(struct phys *p, const struct phys_journal *journal)
{
    p->journal = journal;
}

bool phys_journaled(const struct phys *p)
{
    return p->journal;
}

uint64_t phys_ram_size(const struct phys *p)
{
    return (uint64_t)p->ram_pages << PAGE_SHIFT;
}

void phys_set_a20(struct phys *p, bool on)
{
    p->a20_mask = on ? ~0ull : ~(1ull << 20);
}

bool phys_a20(const struct phys *p)
{
    return p->a20_mask == ~0ull;
}

enum phys_kind phys_frame(const struct phys *p, uint32_t pfn, uint64_t *file_offset)
{
    uint32_t word;

    if (pfn >= PHYS_FRAMES)
        return PHYS_NONE;
    word = p->frame[pfn];
    if (file_offset)
        *file_offset = (uint64_t)(word & FRAME_FILE_MASK) << PAGE_SHIFT;
    return frame_kind(word);
}

uint32_t phys_frame_flags(const struct phys *p, uint32_t pfn)
{
    return pfn < PHYS_FRAMES ? p->flags[pfn] : 0;
}

const uint8_t *phys_flag_bytes(const struct phys *p)
{
    return p->flags;
}

void phys_set_flag(struct phys *p, uint32_t pfn, enum frame_flag flag)
{
    if (pfn >= PHYS_FRAMES || (p->flags[pfn] & flag))
        return;
    p->flags[pfn] |= (uint8_t)flag;
    phys_tell_protect(p, pfn);
    if (flag == FRAME_CODE && p->views)
        phys_twin_follow(p, pfn);
}

void phys_clear_flag(struct phys *p, uint32_t pfn, enum frame_flag flag)
{
    if (pfn >= PHYS_FRAMES || !(p->flags[pfn] & flag))
        return;
    p->flags[pfn] &= (uint8_t)~flag;
    phys_tell_protect(p, pfn);
    if (flag == FRAME_CODE && p->views)
        phys_twin_follow(p, pfn);
}

/* Dirty logging needs no bitmap: FRAME_LOGGED says "not written since", and the first write, or a
 * change of what stands there, takes it away. */
void phys_log_start(struct phys *p, uint32_t base, uint32_t size)
{
    uint64_t end = ((uint64_t)base + size + PAGE_SIZE - 1) >> PAGE_SHIFT;

    for (uint64_t pfn = base >> PAGE_SHIFT; pfn < end; pfn++)
        phys_set_flag(p, (uint32_t)pfn, FRAME_LOGGED);
}

void phys_log_collect(struct phys *p, uint32_t base, uint32_t size, uint8_t *dirty)
{
    uint64_t end = ((uint64_t)base + size + PAGE_SIZE - 1) >> PAGE_SHIFT;

    for (uint64_t pfn = base >> PAGE_SHIFT; pfn < end; pfn++) {
        *dirty++ = !(phys_frame_flags(p, (uint32_t)pfn) & FRAME_LOGGED);
        phys_set_flag(p, (uint32_t)pfn, FRAME_LOGGED);
    }
}
