/* Segment registers: descriptor loads with their checks.  SDM vol. 3A chapters 3 and 5, and the
 * operation sections of MOV, POP and LDS in vol. 2. */
#include "cpu/segment.h"

#include "cpu/access.h"

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

struct segment segment_from_descriptor(uint16_t selector, struct descriptor d)
{
    return (struct segment){.base = descriptor_base(d),
                            .limit = descriptor_limit(d),
                            .access = d.hi & 0x00F0FF00,
                            .selector = selector,
                            .usable = 1};
}

struct segment segment_v86(uint16_t selector)
{
    return (struct segment){.base = (uint32_t)selector << 4,
                            .limit = 0xFFFF,
                            .access = AR_P | AR_DPL | AR_S | AR_WRITABLE | AR_ACCESSED,
                            .selector = selector,
                            .usable = 1};
}

bool cpu_raise_selector(struct cpu *cpu, enum exception vector, uint16_t selector, unsigned ext)
{
    return cpu_raise(cpu, vector, (selector & 0xFFFC) | ext);
}

bool cpu_descriptor_address(const struct cpu *cpu, uint16_t selector, uint32_t *lin)
{
    uint32_t offset = selector & 0xFFF8;
    if (selector & 4) {
        if (!cpu->ldtr.usable || offset + 7 > cpu->ldtr.limit)
            return false;
        *lin = cpu->ldtr.base + offset;
    } else {
        if (offset + 7 > cpu->gdtr.limit)
            return false;
        *lin = cpu->gdtr.base + offset;
    }
    return true;
}

bool cpu_read_descriptor(struct cpu *cpu, uint16_t selector, enum exception vector, unsigned ext,
                         struct descriptor *d)
{
    uint32_t lin;
    if (!cpu_descriptor_address(cpu, selector, &lin))
        return cpu_raise_selector(cpu, vector, selector, ext);
    return cpu_system_read(cpu, lin, d, sizeof *d);
}

bool cpu_set_descriptor_type(struct cpu *cpu, uint16_t selector, struct descriptor *d,
                             unsigned type)
{
    uint32_t lin;
    if (!cpu_descriptor_address(cpu, selector, &lin))
        return cpu_raise_selector(cpu, EXC_GP, selector, 0);
    uint32_t hi = (d->hi & ~(uint32_t)AR_TYPE) | type << 8;
    uint8_t byte = hi >> 8;
    if (!cpu_system_write(cpu, lin + 5, &byte, 1))
        return false;
    d->hi = hi;
    return true;
}

bool cpu_set_accessed(struct cpu *cpu, uint16_t selector, struct descriptor *d)
{
    if (d->hi & AR_ACCESSED)
        return true;
    return cpu_set_descriptor_type(cpu, selector, d, descriptor_type(*d) | 1);
}

bool cpu_check_stack_segment(struct cpu *cpu, uint16_t selector, unsigned cpl,
                             enum exception vector, unsigned ext, struct segment *out)
{
    struct descriptor d;
    if (NULL_SELECTOR(selector))
        return cpu_raise(cpu, vector, ext);
    if (!cpu_read_descriptor(cpu, selector, vector, ext, &d))
        return false;
    if ((selector & 3u) != cpl || !descriptor_is_writable(d) || descriptor_dpl(d) != cpl)
        return cpu_raise_selector(cpu, vector, selector, ext);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_SS, selector, ext);
    if (!cpu_set_accessed(cpu, selector, &d))
        return false;
    *out = segment_from_descriptor(selector, d);
    return true;
}

bool cpu_check_data_segment(struct cpu *cpu, uint16_t selector, enum exception vector, unsigned ext,
                            struct segment *out)
{
    struct descriptor d;
    if (NULL_SELECTOR(selector)) {
        *out = (struct segment){.selector = selector};
        return true;
    }
    if (!cpu_read_descriptor(cpu, selector, vector, ext, &d))
        return false;
    if (!descriptor_is_readable(d))
        return cpu_raise_selector(cpu, vector, selector, ext);
    unsigned rpl = selector & 3;
    if (!descriptor_is_conforming(d) && (rpl > descriptor_dpl(d) || cpu->cpl > descriptor_dpl(d)))
        return cpu_raise_selector(cpu, vector, selector, ext);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, ext);
    if (!cpu_set_accessed(cpu, selector, &d))
        return false;
    *out = segment_from_descriptor(selector, d);
    return true;
}

bool cpu_load_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector)
{
    struct segment s;
    if (!cpu_protected(cpu)) {
        if (cpu_v86(cpu)) {
            s = segment_v86(selector);
            cpu_install_segment(cpu, seg, &s);
        } else {
            cpu_set_real_segment(cpu, seg, selector, true);
        }
        return true;
    }
    if (seg == SEG_SS) {
        if (!cpu_check_stack_segment(cpu, selector, cpu->cpl, EXC_GP, 0, &s))
            return false;
    } else if (!cpu_check_data_segment(cpu, selector, EXC_GP, 0, &s)) {
        return false;
    }
    const struct segment *old = &cpu->seg[seg];
    bool same = old->usable && old->selector == selector && old->base == s.base &&
                old->limit == s.limit && old->access == s.access;
    if (s.usable && same)
        return true; /* kernels load what is there already at every entry */
    if (s.usable)
        cpu_install_segment(cpu, seg, &s);
    else
        cpu_install_null(cpu, seg, selector);
    return true;
}

void cpu_drop_inner_segments(struct cpu *cpu)
{
    static const enum seg_index data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < 4; i++) {
        const struct segment *s = &cpu->seg[data[i]];
        if (!s->usable)
            continue;
        bool conforming = (s->access & AR_CODE) && (s->access & AR_CONFORMING);
        if (!conforming && (s->access >> AR_DPL_SHIFT & 3) < cpu->cpl)
            cpu_install_null(cpu, data[i], 0);
    }
}

void cpu_set_cpl(struct cpu *cpu, unsigned cpl)
{
    if (cpu->cpl == cpl)
        return;
    cpu->cpl = cpl;
    cpu->mode_changed = 1;
}

/* SDM 5.3 and 5.5.  In real-address mode the limit counts, the type does not: code that left
 * protected mode with a code descriptor in CS may go on writing through it. */
bool segment_allows(const struct cpu *cpu, const struct segment *s, uint32_t offset, uint32_t len,
                    enum mmu_access access)
{
    if (!s->usable)
        return false;
    bool code = s->access & AR_CODE;
    if (cpu->cr0 & CR0_PE) {
        if (access == MMU_WRITE && (code || !(s->access & AR_WRITABLE)))
            return false;
        if (access == MMU_READ && code && !(s->access & AR_READABLE))
            return false;
    }
    uint64_t last = (uint64_t)offset + len - 1;
    if (!code && (s->access & AR_EXPAND_DOWN))
        return offset > s->limit && last <= (s->access & AR_DB ? 0xFFFFFFFF : 0xFFFF);
    /* An effective limit of 4 GiB lets accesses wrap (implementation-specific, SDM 5.3). */
    return s->limit == 0xFFFFFFFF || last <= s->limit;
}
