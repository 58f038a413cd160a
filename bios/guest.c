/* The guest's memory as the services reach it. */
#include <string.h>

#include "bios/private.h"

/* mmu_read and mmu_write take a page at a time. */
static uint32_t chunk_at(uint32_t lin, uint32_t len)
{
    uint32_t room = PAGE_SIZE - (lin & (PAGE_SIZE - 1));

    return len < room ? len : room;
}

bool lin_read(struct bios *b, uint32_t lin, void *data, uint32_t len)
{
    uint8_t *p = data;
    bool ok = true;

    while (len) {
        struct mmu_fault fault;
        uint32_t n = chunk_at(lin, len);

        if (!mmu_read(b->cpu->mmu, lin, p, n, false, &fault)) {
            memset(p, 0xFF, n);
            ok = false;
        }
        lin += n;
        p += n;
        len -= n;
    }
    if (!ok)
        log_guest_error(b->log, "BIOS: a service was given an address that is not mapped");
    return ok;
}

bool lin_write(struct bios *b, uint32_t lin, const void *data, uint32_t len)
{
    const uint8_t *p = data;
    bool ok = true;

    while (len) {
        struct mmu_fault fault;
        uint32_t n = chunk_at(lin, len);

        if (!mmu_write(b->cpu->mmu, lin, p, n, false, &fault))
            ok = false;
        lin += n;
        p += n;
        len -= n;
    }
    if (!ok)
        log_guest_error(b->log, "BIOS: a service was given an address that is not mapped");
    return ok;
}

void lin_fill(struct bios *b, uint32_t lin, uint8_t value, uint32_t len)
{
    uint8_t bytes[512];

    memset(bytes, value, sizeof bytes);
    while (len) {
        uint32_t n = len < sizeof bytes ? len : sizeof bytes;

        lin_write(b, lin, bytes, n);
        lin += n;
        len -= n;
    }
}

bool seg_read(struct bios *b, enum seg_index seg, uint16_t offset, void *data, uint32_t len)
{
    uint8_t *p = data;
    bool ok = true;

    while (len) {
        uint32_t room = 0x10000u - offset;
        uint32_t n = len < room ? len : room;

        ok &= lin_read(b, b->cpu->seg[seg].base + offset, p, n);
        offset += n;
        p += n;
        len -= n;
    }
    return ok;
}

bool seg_write(struct bios *b, enum seg_index seg, uint16_t offset, const void *data, uint32_t len)
{
    const uint8_t *p = data;
    bool ok = true;

    while (len) {
        uint32_t room = 0x10000u - offset;
        uint32_t n = len < room ? len : room;

        ok &= lin_write(b, b->cpu->seg[seg].base + offset, p, n);
        offset += n;
        p += n;
        len -= n;
    }
    return ok;
}

uint8_t lin8(struct bios *b, uint32_t lin)
{
    uint8_t v;

    lin_read(b, lin, &v, 1);
    return v;
}

uint16_t lin16(struct bios *b, uint32_t lin)
{
    uint16_t v;

    lin_read(b, lin, &v, 2);
    return v;
}

uint32_t lin32(struct bios *b, uint32_t lin)
{
    uint32_t v;

    lin_read(b, lin, &v, 4);
    return v;
}

void set_lin8(struct bios *b, uint32_t lin, uint8_t v)
{
    lin_write(b, lin, &v, 1);
}

void set_lin16(struct bios *b, uint32_t lin, uint16_t v)
{
    lin_write(b, lin, &v, 2);
}

void set_lin32(struct bios *b, uint32_t lin, uint32_t v)
{
    lin_write(b, lin, &v, 4);
}

void set_vector(struct bios *b, uint8_t n, uint16_t segment, uint16_t offset)
{
    set_lin32(b, n * 4u, (uint32_t)segment << 16 | offset);
}

void frame_flag(struct bios *b, uint16_t flag, bool on)
{
    const struct segment *ss = &b->cpu->seg[SEG_SS];
    uint32_t sp = b->cpu->gpr[ESP] + 4;
    uint32_t lin = ss->base + (ss->access & AR_DB ? sp : (uint16_t)sp);
    uint16_t flags = lin16(b, lin);

    set_lin16(b, lin, on ? flags | flag : flags & ~flag);
}

uint32_t bios_ram_top(const struct bios *b)
{
    uint64_t size = phys_ram_size(b->phys);

    return size > 0xE0000000u ? 0xE0000000u : (uint32_t)size;
}
