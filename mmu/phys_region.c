/* The layout of physical memory: regions over RAM, and what they hide (mmu/phys.h). */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mmu/phys_internal.h"
#include "ringer/log.h"

static uint32_t region_end(const struct region *r)
{
    return r->base_pfn + r->pages;
}

static uint32_t region_word(const struct phys *p, const struct region *r, uint32_t pfn)
{
    uint32_t index = (uint32_t)(r - p->region);

    if (r->kind == PHYS_MMIO)
        return frame_word(0, PHYS_MMIO, index);
    return frame_word(r->file_page + (pfn - r->base_pfn), r->writable ? PHYS_RAM : r->kind, index);
}

/* The region mapped last of those that cover PFN, or NULL. */
static const struct region *region_at(const struct phys *p, uint32_t pfn)
{
    const struct region *top = NULL;

    for (unsigned i = 0; i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];

        if (r->used && !r->off && !r->write_only && pfn >= r->base_pfn && pfn < region_end(r) &&
            (!top || r->order > top->order))
            top = r;
    }
    return top;
}

/* Where the topmost region may change next, at or before END: layouts are runs. */
static uint32_t next_edge(const struct phys *p, uint32_t pfn, uint32_t end)
{
    for (unsigned i = 0; i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];

        if (!r->used)
            continue;
        if (r->base_pfn > pfn && r->base_pfn < end)
            end = r->base_pfn;
        if (region_end(r) > pfn && region_end(r) < end)
            end = region_end(r);
    }
    return end;
}

static uint32_t bare_word(const struct phys *p, uint32_t pfn)
{
    if (pfn < p->ram_pages && (pfn < 0xA0 || pfn >= 0x100))
        return frame_word(pfn, PHYS_RAM, 0);
    return 0;
}

/* A frame has other contents now: whoever translated or displayed it must know. */
static void frame_replaced(struct phys *p, uint32_t pfn)
{
    uint8_t flags = p->flags[pfn];

    if ((flags & FRAME_CODE) && p->wires.on_code_write)
        p->wires.on_code_write(p->wires.opaque, pfn << PAGE_SHIFT, PAGE_SIZE);
    if (flags & FRAME_LOGGED)
        phys_clear_flag(p, pfn, FRAME_LOGGED);
    if (flags & FRAME_TRACED)
        phys_clear_flag(p, pfn, FRAME_TRACED);
    if (flags & FRAME_TWIN)
        phys_clear_flag(p, pfn, FRAME_TWIN);
}

/* Work out the frame words of [first, end) again; true when any differs. */
static bool relay(struct phys *p, uint32_t first, uint32_t end)
{
    bool changed = false;

    for (uint32_t pfn = first; pfn < end;) {
        const struct region *r = region_at(p, pfn);
        uint32_t edge = next_edge(p, pfn, end);

        for (; pfn < edge; pfn++) {
            uint32_t word = r ? region_word(p, r, pfn) : bare_word(p, pfn);

            if (p->frame[pfn] == word)
                continue;
            p->frame[pfn] = word;
            changed = true;
            if (p->flags[pfn])
                frame_replaced(p, pfn);
        }
    }
    return changed;
}

/* The same; tell the owner. */
static void rebuild(struct phys *p, uint32_t first, uint32_t end)
{
    bool changed = relay(p, first, end);

    if (changed)
        phys_twins_follow(p);
    if (changed && p->mmu_wires.on_layout)
        p->mmu_wires.on_layout(p->mmu_wires.opaque);
    if (changed && p->wires.on_layout)
        p->wires.on_layout(p->wires.opaque);
}

static void rebuild_region(struct phys *p, const struct region *r)
{
    rebuild(p, r->base_pfn, region_end(r));
}

/* File pages of a region that went away and had just this size, else new ones at the end. */
static bool take_file_pages(struct phys *p, struct region *r, uint32_t pages)
{
    for (unsigned i = 0; i < PHYS_REGIONS; i++) {
        struct region *old = &p->region[i];

        if (!old->used && old->file_pages == pages) {
            uint32_t file_page = old->file_page;

            old->file_pages = 0;
            r->file_page = file_page;
            r->file_pages = pages;
            memset(p->alias + ((uint64_t)file_page << PAGE_SHIFT), 0, (size_t)pages << PAGE_SHIFT);
            return true;
        }
    }
    if (((uint64_t)p->file_pages + pages) << PAGE_SHIFT > p->alias_bytes ||
        ftruncate(p->fd, (off_t)(p->file_pages + pages) << PAGE_SHIFT))
        return false;
    r->file_page = p->file_pages;
    r->file_pages = pages;
    p->file_pages += pages;
    return true;
}

/* A free entry, preferably one that holds no file pages for later. */
static int free_entry(const struct phys *p)
{
    int found = -1;

    for (int i = 0; i < PHYS_REGIONS; i++) {
        if (p->region[i].used)
            continue;
        if (!p->region[i].file_pages)
            return i;
        found = i;
    }
    return found;
}

/* Fill in a new region, not yet in effect; NULL when the table or the file is full. */
static struct region *new_region(struct phys *p, const char *name, uint32_t base, uint32_t size,
                                 enum phys_kind kind)
{
    uint32_t pages = size >> PAGE_SHIFT;
    struct region want = {.kind = kind, .base_pfn = base >> PAGE_SHIFT, .pages = pages};
    int id;

    if (!pages || base % PAGE_SIZE || size % PAGE_SIZE ||
        (uint64_t)want.base_pfn + pages > PHYS_FRAMES)
        return NULL;
    if (kind != PHYS_MMIO && kind != PHYS_NONE && !take_file_pages(p, &want, pages))
        return NULL;
    id = free_entry(p);
    if (id < 0)
        return NULL;
    snprintf(want.name, sizeof(want.name), "%s", name);
    want.order = ++p->next_order;
    want.used = true;
    p->region[id] = want;
    return &p->region[id];
}

int phys_map_mmio(struct phys *p, const char *name, uint32_t base, uint32_t size,
                  const struct mmio_ops *ops, void *opaque)
{
    struct region *r = new_region(p, name, base, size, PHYS_MMIO);

    if (!r)
        return -1;
    r->ops = ops;
    r->opaque = opaque;
    rebuild_region(p, r);
    return (int)(r - p->region);
}

int phys_map_rom(struct phys *p, const char *name, uint32_t base, uint32_t size, const void *data,
                 uint32_t len)
{
    struct region *r = new_region(p, name, base, size, PHYS_ROM);
    uint8_t *page;

    if (!r)
        return -1;
    page = p->alias + ((uint64_t)r->file_page << PAGE_SHIFT);
    if (len > size)
        len = size;
    if (len)
        memcpy(page, data, len);
    memset(page + len, 0xFF, size - len);
    rebuild_region(p, r);
    return (int)(r - p->region);
}

int phys_map_ram(struct phys *p, const char *name, uint32_t base, uint32_t size, uint8_t **alias)
{
    struct region *r = new_region(p, name, base, size, PHYS_RAM);

    if (!r)
        return -1;
    if (alias)
        *alias = p->alias + ((uint64_t)r->file_page << PAGE_SHIFT);
    rebuild_region(p, r);
    return (int)(r - p->region);
}

int phys_map_view(struct phys *p, const char *name, uint32_t pages)
{
    struct region *r = new_region(p, name, 0, pages << PAGE_SHIFT, PHYS_NONE);

    if (!r)
        return -1;
    r->kind = PHYS_RAM; /* without pages of its own */
    r->view = true;
    r->off = true;
    return (int)(r - p->region);
}

static struct region *region_of(struct phys *p, int id)
{
    if (id < 0 || id >= PHYS_REGIONS || !p->region[id].used)
        return NULL;
    return &p->region[id];
}

void phys_set_quick(struct phys *p, int id, const struct mmio_quick *quick)
{
    struct region *r = region_of(p, id);

    if (r)
        r->quick = quick;
}

void phys_unmap(struct phys *p, int id)
{
    struct region *r = region_of(p, id);

    if (!r)
        return;
    phys_write_only(p, id, false);
    r->used = false;
    rebuild_region(p, r);
}

void phys_move(struct phys *p, int id, uint32_t new_base)
{
    struct region *r = region_of(p, id);
    uint32_t old_base, new_pfn = new_base >> PAGE_SHIFT;

    if (!r || new_pfn == r->base_pfn)
        return;
    if ((uint64_t)new_pfn + r->pages > PHYS_FRAMES) {
        log_guest_error(p->log, "%s moved to %08x, where it does not fit", r->name, new_base);
        return;
    }
    old_base = r->base_pfn;
    r->base_pfn = new_pfn;
    rebuild(p, old_base, old_base + r->pages);
    rebuild_region(p, r);
}

void phys_enable(struct phys *p, int id, bool on)
{
    struct region *r = region_of(p, id);

    if (!r || r->off == !on)
        return;
    r->off = !on;
    rebuild_region(p, r);
}

static void replace(struct phys *p, const struct region *r)
{
    if (!r->off && p->mmu_wires.on_replace)
        p->mmu_wires.on_replace(p->mmu_wires.opaque, r->base_pfn, r->pages);
}

void phys_view(struct phys *p, int id, int target, uint32_t base, uint32_t size, uint32_t offset)
{
    struct region *r = region_of(p, id), *shown = region_of(p, target), old;

    if (!r || (!size && r->off) || (size && !shown))
        return;
    old = *r;
    replace(p, &old);
    if (size) {
        r->base_pfn = base >> PAGE_SHIFT;
        r->pages = size >> PAGE_SHIFT;
        r->file_page = shown->file_page + (offset >> PAGE_SHIFT);
        r->target = target;
    }
    r->off = !size;
    p->views += (unsigned)old.off - (unsigned)r->off;
    replace(p, r);
    if (!old.off)
        relay(p, old.base_pfn, region_end(&old));
    if (!r->off)
        relay(p, r->base_pfn, region_end(r));
    phys_twins_follow(p);
}

void phys_rom_writable(struct phys *p, int id, bool writable)
{
    struct region *r = region_of(p, id);

    if (!r || r->kind != PHYS_ROM || r->writable == writable)
        return;
    r->writable = writable;
    rebuild_region(p, r);
}

void phys_write_only(struct phys *p, int id, bool on)
{
    struct region *r = region_of(p, id);

    if (!r || r->kind == PHYS_MMIO || r->write_only == on)
        return;
    r->write_only = on;
    p->write_only += on ? 1 : -1u;
    rebuild_region(p, r);
}

uint8_t *phys_write_only_page(struct phys *p, uint32_t pfn)
{
    for (unsigned i = 0; i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];

        if (r->used && !r->off && r->write_only && pfn >= r->base_pfn && pfn < region_end(r))
            return p->alias + ((uint64_t)(r->file_page + (pfn - r->base_pfn)) << PAGE_SHIFT);
    }
    return NULL;
}

static void tell_run(const struct phys *p, uint32_t first, uint32_t end,
                     void (*fn)(void *, const struct phys_range *), void *opaque)
{
    const struct region *r = region_at(p, first);
    const struct phys_range range = {
        .name = r ? r->name : "ram",
        .kind = frame_kind(p->frame[first]),
        .base = (uint64_t)first << PAGE_SHIFT,
        .size = (uint64_t)(end - first) << PAGE_SHIFT,
        .opaque = r ? r->opaque : NULL,
    };

    fn(opaque, &range);
}

void phys_each(const struct phys *p, void (*fn)(void *opaque, const struct phys_range *r),
               void *opaque)
{
    uint32_t first = 0;

    for (uint32_t pfn = 1; pfn <= PHYS_FRAMES; pfn++) {
        if (pfn < PHYS_FRAMES && frame_kind(p->frame[pfn]) == frame_kind(p->frame[first]) &&
            p->frame[pfn] >> FRAME_REGION_SHIFT == p->frame[first] >> FRAME_REGION_SHIFT)
            continue;
        if (frame_kind(p->frame[first]) != PHYS_NONE)
            tell_run(p, first, pfn, fn, opaque);
        first = pfn;
    }
}
