/* Segment registers: descriptors, their loads and checks, and the host areas that make limit
 * checks of translated code free of flags.  Intel SDM vol. 3A chapters 3 and 5. */
#ifndef RINGER_CPU_SEGMENT_H
#define RINGER_CPU_SEGMENT_H

#include "cpu/cpu.h"

struct error;

/* A descriptor as it stands in a table: low and high dword. */
struct descriptor {
    uint32_t lo, hi;
};

/* System descriptor types (SDM vol. 3A table 3-2). */
enum system_type {
    SYS_TSS16 = 1,
    SYS_LDT = 2,
    SYS_TSS16_BUSY = 3,
    SYS_CALL16 = 4,
    SYS_TASK_GATE = 5,
    SYS_INT16 = 6,
    SYS_TRAP16 = 7,
    SYS_TSS32 = 9,
    SYS_TSS32_BUSY = 11,
    SYS_CALL32 = 12,
    SYS_INT32 = 14,
    SYS_TRAP32 = 15,
};

static inline unsigned descriptor_type(struct descriptor d)
{
    return d.hi >> 8 & 15;
}

static inline unsigned descriptor_dpl(struct descriptor d)
{
    return d.hi >> 13 & 3;
}

static inline uint32_t descriptor_base(struct descriptor d)
{
    return d.lo >> 16 | (d.hi & 0xFF) << 16 | (d.hi & 0xFF000000);
}

static inline uint32_t descriptor_limit(struct descriptor d)
{
    uint32_t limit = (d.lo & 0xFFFF) | (d.hi & 0xF0000);
    return d.hi & AR_G ? limit << 12 | 0xFFF : limit;
}

static inline bool descriptor_is_code(struct descriptor d)
{
    return (d.hi & AR_S) && (d.hi & AR_CODE);
}

static inline bool descriptor_is_writable(struct descriptor d)
{
    return (d.hi & AR_S) && !(d.hi & AR_CODE) && (d.hi & AR_WRITABLE);
}

static inline bool descriptor_is_readable(struct descriptor d)
{
    return (d.hi & AR_S) && (!(d.hi & AR_CODE) || (d.hi & AR_READABLE));
}

static inline bool descriptor_is_conforming(struct descriptor d)
{
    return descriptor_is_code(d) && (d.hi & AR_CONFORMING);
}

/* The hidden part that DESCRIPTOR gives when SELECTOR is loaded. Check pointers are left zero. */
struct segment segment_from_descriptor(uint16_t selector, struct descriptor d);
/* The hidden part of a segment in virtual-8086 mode (SDM 20.2). */
struct segment segment_v86(uint16_t selector);

/* Linear address of SELECTOR's descriptor; false when it lies outside its table (or there is no
 * LDT).  Null selectors are the caller's concern. */
bool cpu_descriptor_address(const struct cpu *cpu, uint16_t selector, uint32_t *lin);
/* Read SELECTOR's descriptor. Outside its table: raises VECTOR with the selector's error code,
 * EXT or-ed in (SDM 6.13). */
bool cpu_read_descriptor(struct cpu *cpu, uint16_t selector, enum exception vector, unsigned ext,
                         struct descriptor *d);
/* Raise VECTOR with the error code of SELECTOR. Returns false. */
bool cpu_raise_selector(struct cpu *cpu, enum exception vector, uint16_t selector, unsigned ext);
/* Set the accessed bit in memory and in *D where it is clear (SDM 3.4.5.1). */
bool cpu_set_accessed(struct cpu *cpu, uint16_t selector, struct descriptor *d);
/* Replace the type nibble of a system descriptor in memory (busy bits of a TSS). */
bool cpu_set_descriptor_type(struct cpu *cpu, uint16_t selector, struct descriptor *d,
                             unsigned type);

/* Put NEW into a segment register: check pointers are made, mode_changed set when it matters. */
void cpu_install_segment(struct cpu *cpu, enum seg_index seg, const struct segment *new_segment);
/* A null selector into DS, ES, FS or GS. */
void cpu_install_null(struct cpu *cpu, enum seg_index seg, uint16_t selector);
/* Recompute the check pointers of all six (CR0.PE changed). */
void cpu_refresh_checks(struct cpu *cpu);

void cpu_set_cpl(struct cpu *cpu, unsigned cpl);

/* The check of an SS load at privilege CPL (SDM MOV, "SS is loaded"); VECTOR is #GP, or #TS in
 * gates and task switches.  Sets the accessed bit; the register is not touched. */
bool cpu_check_stack_segment(struct cpu *cpu, uint16_t selector, unsigned cpl,
                             enum exception vector, unsigned ext, struct segment *out);
/* The check of a DS/ES/FS/GS load, null selectors included (OUT->usable is 0 then). */
bool cpu_check_data_segment(struct cpu *cpu, uint16_t selector, enum exception vector, unsigned ext,
                            struct segment *out);
/* MOV Sreg, POP Sreg, LDS...: any mode, SS and the data segments.  Restartable. */
bool cpu_load_segment(struct cpu *cpu, enum seg_index seg, uint16_t selector);
/* After a change to an outer ring: data segments that the new CPL may not see become null. */
void cpu_drop_inner_segments(struct cpu *cpu);

/* May [offset, offset+len) be accessed through S? Type (protected mode) and limit. */
bool segment_allows(const struct cpu *cpu, const struct segment *s, uint32_t offset, uint32_t len,
                    enum mmu_access access);

/* What block lookups distinguish (cpu->mode_changed is set when one changes). */
enum segment_class {
    SEGMENT_CHECKED, /* read_check/write_check must be consulted */
    SEGMENT_4G,      /* any offset may be read and written; base is to be added */
    SEGMENT_FLAT,    /* the same with base 0 */
};
enum segment_class cpu_segment_class(const struct cpu *cpu, enum seg_index seg);

/* ---- limit areas ---- */
struct limit_area *limit_area_new(struct error *err);
void limit_area_free(struct limit_area *area);
/* Does HOST_ADDR lie in the check areas (guards included)?  For fault handlers:
 * async-signal-safe. */
bool cpu_limit_area_contains(const struct cpu *cpu, const void *host_addr);

#endif
