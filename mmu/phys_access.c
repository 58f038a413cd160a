/* Accesses to physical memory as the bus sees them (mmu/phys.h): DMA, page walks, and stores that
 * are carried out by hand. */
#include "ringer/trace.h"
#include <string.h>

#include "mmu/phys_internal.h"

/* How many of LEN bytes from PA lie in PA's page. */
static uint32_t in_page(uint64_t pa, uint32_t len)
{
    uint32_t room = PAGE_SIZE - (uint32_t)(pa & (PAGE_SIZE - 1));

    return len < room ? len : room;
}

/* The widest naturally aligned access at OFFSET that is not above MAX nor LEN. */
static unsigned access_width(uint32_t offset, uint32_t len, unsigned max)
{
    unsigned size = max == 2 || max == 1 ? max : 4;

    while (size > len || offset & (size - 1))
        size >>= 1;
    return size;
}

/* SIZE bytes as a number.  In one load: bytes stored one by one and read back as a word would wait for
 * the store buffer, at every access to a device. */
static uint32_t number(const uint8_t *data, unsigned size)
{
    uint16_t word;
    uint32_t dword;

    if (size == 1)
        return *data;
    if (size == 2) {
        memcpy(&word, data, 2);
        return word;
    }
    memcpy(&dword, data, 4);
    return dword;
}

static void mmio_read(struct phys *p, struct region *r, uint32_t offset, uint8_t *data, uint32_t len)
{
    /* Copied: a handler may well unmap its own region. */
    const struct mmio_ops *ops = r->ops;
    void *opaque = r->opaque;
    bool before = p->at_device;

    r->reads++;
    p->at_device = true;
    while (len) {
        unsigned size = access_width(offset, len, ops->max_size);
        uint32_t value = ops->read ? ops->read(opaque, offset, size) : 0xFFFFFFFF;

        memcpy(data, &value, size);
        data += size;
        offset += size;
        len -= size;
    }
    p->at_device = before;
}

static void mmio_write(struct phys *p, struct region *r, uint32_t offset, const uint8_t *data,
                       uint32_t len)
{
    const struct mmio_ops *ops = r->ops;
    void *opaque = r->opaque;
    bool before = p->at_device;

    r->writes++;
    p->at_device = true;
    while (len) {
        unsigned size = access_width(offset, len, ops->max_size);

        if (ops->write)
            ops->write(opaque, offset, number(data, size), size);
        data += size;
        offset += size;
        len -= size;
    }
    p->at_device = before;
}

bool phys_at_device(const struct phys *p)
{
    return p->at_device;
}

void phys_set_at_device(struct phys *p, bool on)
{
    p->at_device = on;
}

void phys_each_mmio(const struct phys *p,
                    void (*fn)(void *opaque, const char *name, uint32_t base, uint64_t reads,
                               uint64_t writes),
                    void *opaque)
{
    for (unsigned i = 0; i < PHYS_REGIONS; i++) {
        const struct region *r = &p->region[i];

        if (r->used && r->kind == PHYS_MMIO)
            fn(opaque, r->name, r->base_pfn << PAGE_SHIFT, r->reads, r->writes);
    }
}

static const struct trace_kind trace_load = {
    "load", "mmio", false, {"address", "size", "value"}};
static const struct trace_kind trace_store = {
    "store", "mmio", false, {"address", "size", "value"}};

static void trace_mmio(struct phys *p, const struct trace_kind *kind, uint64_t since, uint64_t pa,
                       const uint8_t *data, uint32_t len)
{
    uint32_t value = 0;

    if (!log_on(p->log, LOG_TRACE))
        return;
    memcpy(&value, data, len < sizeof value ? len : sizeof value);
    log_trace_span(p->log, kind, since, (uint32_t)pa, len, value);
}

static void read_page(struct phys *p, uint64_t pa, uint8_t *data, uint32_t len)
{
    uint32_t word, pfn;

    pa &= p->a20_mask;
    if (pa >> 32) {
        if (p->journal)
            p->journal->on_other(p->journal->opaque);
        memset(data, 0xFF, len);
        return;
    }
    pfn = (uint32_t)pa >> PAGE_SHIFT;
    word = p->frame[pfn];
    if (kind_has_page(frame_kind(word))) {
        memcpy(data, frame_ptr(p, pfn) + (pa & (PAGE_SIZE - 1)), len);
    } else if (p->journal) {
        p->journal->on_other(p->journal->opaque);
        memset(data, 0xFF, len);
    } else if (frame_kind(word) == PHYS_MMIO) {
        struct region *r = &p->region[word >> FRAME_REGION_SHIFT];

        uint64_t since = log_on(p->log, LOG_TRACE) ? trace_now() : 0;
        mmio_read(p, r, (uint32_t)pa - (r->base_pfn << PAGE_SHIFT), data, len);
        trace_mmio(p, &trace_load, since, pa, data, len);
    } else {
        memset(data, 0xFF, len);
    }
}

void phys_frame_wrote(struct phys *p, uint32_t pa, uint32_t len, uint8_t flags)
{
    if (flags & FRAME_LOGGED)
        phys_clear_flag(p, pa >> PAGE_SHIFT, FRAME_LOGGED);
    if (flags & FRAME_TRACED)
        phys_clear_flag(p, pa >> PAGE_SHIFT, FRAME_TRACED);
    if ((flags & FRAME_CODE) && p->wires.on_code_write)
        p->wires.on_code_write(p->wires.opaque, pa, len);
    if (flags & FRAME_TWIN)
        phys_twin_wrote(p, pa, len);
}

static void rehearse_write(struct phys *p, uint64_t pa, const uint8_t *data, uint32_t len)
{
    uint32_t pfn = (uint32_t)(pa >> PAGE_SHIFT);

    if (pa >> 32 || frame_kind(p->frame[pfn]) != PHYS_RAM)
        p->journal->on_other(p->journal->opaque);
    else if (p->journal->on_write(p->journal->opaque, (uint32_t)pa, len, p->flags[pfn]))
        memcpy(frame_ptr(p, pfn) + (pa & (PAGE_SIZE - 1)), data, len);
}

static void write_page(struct phys *p, uint64_t pa, const uint8_t *data, uint32_t len)
{
    uint32_t word, pfn;
    uint8_t *hidden;

    pa &= p->a20_mask;
    if (p->journal) {
        rehearse_write(p, pa, data, len);
        return;
    }
    if (pa >> 32)
        return;
    pfn = (uint32_t)pa >> PAGE_SHIFT;
    word = p->frame[pfn];
    if (frame_kind(word) == PHYS_RAM) {
        memcpy(frame_ptr(p, pfn) + (pa & (PAGE_SIZE - 1)), data, len);
        if (p->flags[pfn])
            phys_frame_wrote(p, (uint32_t)pa, len, p->flags[pfn]);
    } else if (frame_kind(word) == PHYS_MMIO) {
        struct region *r = &p->region[word >> FRAME_REGION_SHIFT];

        uint64_t since = log_on(p->log, LOG_TRACE) ? trace_now() : 0;
        mmio_write(p, r, (uint32_t)pa - (r->base_pfn << PAGE_SHIFT), data, len);
        trace_mmio(p, &trace_store, since, pa, data, len);
        if (p->flags[pfn] & FRAME_CODE) /* code in video memory */
            phys_frame_wrote(p, (uint32_t)pa, len, FRAME_CODE);
    } else if (p->write_only && (hidden = phys_write_only_page(p, pfn))) {
        memcpy(hidden + (pa & (PAGE_SIZE - 1)), data, len);
    }
}

void phys_read(struct phys *p, uint64_t pa, void *data, uint32_t len)
{
    uint8_t *out = data;

    while (len) {
        uint32_t n = in_page(pa, len);

        read_page(p, pa, out, n);
        out += n;
        pa += n;
        len -= n;
    }
}

void phys_write(struct phys *p, uint64_t pa, const void *data, uint32_t len)
{
    const uint8_t *in = data;

    while (len) {
        uint32_t n = in_page(pa, len);

        write_page(p, pa, in, n);
        in += n;
        pa += n;
        len -= n;
    }
}

uint32_t phys_read32(struct phys *p, uint64_t pa)
{
    uint32_t value;

    phys_read(p, pa, &value, 4);
    return value;
}

void phys_write32(struct phys *p, uint64_t pa, uint32_t value)
{
    phys_write(p, pa, &value, 4);
}

uint8_t *phys_ptr(struct phys *p, uint64_t pa, uint32_t len)
{
    uint32_t first, count;
    uint64_t start = pa & p->a20_mask;

    if (start >> 32)
        return NULL;
    first = (uint32_t)start >> PAGE_SHIFT;
    count = (uint32_t)(((start & (PAGE_SIZE - 1)) + len + PAGE_SIZE - 1) >> PAGE_SHIFT);
    if (!count)
        count = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = (((pa >> PAGE_SHIFT) + i) << PAGE_SHIFT) & p->a20_mask;
        uint32_t word;

        if (page >> 32)
            return NULL;
        word = p->frame[page >> PAGE_SHIFT];
        if (!kind_has_page(frame_kind(word)) ||
            (word & FRAME_FILE_MASK) != (p->frame[first] & FRAME_FILE_MASK) + i)
            return NULL;
    }
    return frame_ptr(p, first) + (start & (PAGE_SIZE - 1));
}

void phys_wrote(struct phys *p, uint64_t pa, uint32_t len)
{
    while (len) {
        uint32_t n = in_page(pa, len);
        uint64_t at = pa & p->a20_mask;

        if (!(at >> 32) && p->flags[at >> PAGE_SHIFT])
            phys_frame_wrote(p, (uint32_t)at, n, p->flags[at >> PAGE_SHIFT]);
        pa += n;
        len -= n;
    }
}
