/* Limit checks without flags.
 *
 * Translated code that must check a segment limit reads one byte at check + offset + size - 1.
 * The area below is zero pages up to a border and nothing after it:
 *
 *     guard (4 GiB and a page) | zero pages (4 GiB) | guard (4 GiB and a page)
 *                                                   ^ border
 *
 * With check = border - (limit + 1) the read is good exactly when the access is inside an
 * expand-up segment.  With check = border every read faults, and the slow path decides: that
 * serves unusable, expand-down and wrongly typed segments. */
#include "cpu/emulate.h"
#include "cpu/segment.h"

#include "ringer/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ZERO_SIZE  ((size_t)1 << 32)
#define GUARD_SIZE (ZERO_SIZE + PAGE_SIZE)
#define AREA_SIZE  (ZERO_SIZE + 2 * GUARD_SIZE)

struct limit_area {
    uint8_t *start;
    const uint8_t *border;
};

struct limit_area *limit_area_new(struct error *err)
{
    struct limit_area *area = calloc(1, sizeof *area);
    void *p = MAP_FAILED;
    if (area)
        p = mmap(NULL, AREA_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || mprotect((uint8_t *)p + GUARD_SIZE, ZERO_SIZE, PROT_READ) != 0) {
        error_set(err, "no host address space for segment limit checks (12 GiB): %s",
                  strerror(errno));
        if (p != MAP_FAILED)
            munmap(p, AREA_SIZE);
        free(area);
        return NULL;
    }
    area->start = p;
    area->border = area->start + GUARD_SIZE + ZERO_SIZE;
    return area;
}

void limit_area_free(struct limit_area *area)
{
    if (!area)
        return;
    munmap(area->start, AREA_SIZE);
    free(area);
}

bool cpu_limit_area_contains(const struct cpu *cpu, const void *host_addr)
{
    return cpu->limits &&
           (uintptr_t)host_addr - (uintptr_t)cpu->limits->start < (uintptr_t)AREA_SIZE;
}

static void make_checks(const struct cpu *cpu, struct segment *s)
{
    const uint8_t *border = cpu->limits->border;
    bool expand_up = (s->access & AR_CODE) || !(s->access & AR_EXPAND_DOWN);
    const uint8_t *check = border - ((uint64_t)s->limit + 1);
    s->read_check = s->write_check = border;
    if (!s->usable || !expand_up)
        return;
    if (segment_allows(cpu, s, 0, 1, MMU_READ))
        s->read_check = check;
    if (segment_allows(cpu, s, 0, 1, MMU_WRITE))
        s->write_check = check;
}

static enum segment_class class_of(const struct cpu *cpu, const struct segment *s)
{
    bool expand_up = (s->access & AR_CODE) || !(s->access & AR_EXPAND_DOWN);
    if (!expand_up || s->limit != 0xFFFFFFFF || !segment_allows(cpu, s, 0, 1, MMU_READ) ||
        !segment_allows(cpu, s, 0, 1, MMU_WRITE))
        return SEGMENT_CHECKED;
    return s->base == 0 ? SEGMENT_FLAT : SEGMENT_4G;
}

enum segment_class cpu_segment_class(const struct cpu *cpu, enum seg_index seg)
{
    return class_of(cpu, &cpu->seg[seg]);
}

void cpu_install_segment(struct cpu *cpu, enum seg_index seg, const struct segment *new_segment)
{
    struct segment *s = &cpu->seg[seg];
    struct segment old = *s;
    enum segment_class old_class = class_of(cpu, s);
    *s = *new_segment;
    make_checks(cpu, s);
    bool changed = old_class != class_of(cpu, s);
    if (seg == SEG_CS)
        changed |= old.base != s->base || old.limit != s->limit ||
                   ((old.access ^ s->access) & (AR_DB | AR_TYPE) & ~AR_ACCESSED);
    if (seg == SEG_SS)
        changed |= ((old.access ^ s->access) & AR_DB) != 0;
    if (changed)
        cpu->mode_changed = 1;
}

void cpu_install_null(struct cpu *cpu, enum seg_index seg, uint16_t selector)
{
    /* The hidden limit and rights stay: a later real-mode load makes them count again. */
    struct segment s = cpu->seg[seg];
    s.selector = selector;
    s.usable = 0;
    s.base = 0;
    cpu_install_segment(cpu, seg, &s);
}

void cpu_refresh_checks(struct cpu *cpu)
{
    for (unsigned i = 0; i < SEG_COUNT; i++)
        make_checks(cpu, &cpu->seg[i]);
    cpu->mode_changed = 1;
}

void cpu_segment_changed(struct cpu *cpu, enum seg_index seg)
{
    make_checks(cpu, &cpu->seg[seg]);
    cpu->mode_changed = 1;
}

void cpu_set_real_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector, bool keep_limit)
{
    struct segment s = cpu->seg[seg];
    s.base = (uint32_t)selector << 4;
    s.selector = selector;
    s.usable = 1;
    /* Limit and rights of the last protected-mode load are honoured ("unreal mode"). */
    if (!keep_limit) {
        s.limit = 0xFFFF;
        s.access = AR_P | AR_S | AR_WRITABLE | AR_ACCESSED;
    }
    if (!(s.access & AR_S))
        s.access = AR_P | AR_S | AR_WRITABLE | AR_ACCESSED;
    s.access = (s.access | AR_P) & ~(uint32_t)AR_DPL;
    cpu_install_segment(cpu, seg, &s);
}

void cpu_set_flat_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector, bool code)
{
    struct segment s = {.base = 0,
                        .limit = 0xFFFFFFFF,
                        .access = AR_P | AR_S | AR_ACCESSED | AR_G | AR_DB |
                                  (code ? AR_CODE | AR_READABLE : AR_WRITABLE),
                        .selector = selector,
                        .usable = 1};
    cpu_install_segment(cpu, seg, &s);
}
