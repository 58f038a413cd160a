/* Hardware task switching with 16- and 32-bit TSSs.  Intel SDM vol. 3A chapter 7.
 *
 * Up to the point where TR is loaded everything that can fail fails in the old task; what fails
 * later (selectors of the new task) is an exception of the new task, at its first instruction. */
#include "cpu/control.h"
#include "cpu/debug.h"
#include "cpu/far.h"

#include <string.h>

#define NULL_SELECTOR(selector) (((selector)&0xFFFC) == 0)

enum { TSS32_SIZE = 104, TSS16_SIZE = 44 };

/* The part of a TSS that the processor saves and loads, widened to 32 bits. */
struct task_state {
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t selector[6]; /* by enum seg_index */
    uint16_t ldt;
    bool trap;
};

static uint32_t get16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static void put(uint8_t *p, uint32_t value, unsigned size)
{
    memcpy(p, &value, size);
}

/* SDM figures 7-2 and 7-10. */
static void parse_tss(const uint8_t *tss, bool wide, struct task_state *t)
{
    memset(t, 0, sizeof *t);
    if (wide) {
        t->cr3 = get32(tss + 0x1C);
        t->eip = get32(tss + 0x20);
        t->eflags = get32(tss + 0x24);
        for (unsigned n = 0; n < 8; n++)
            t->gpr[n] = get32(tss + 0x28 + 4 * n);
        for (unsigned n = 0; n < 6; n++)
            t->selector[n] = get16(tss + 0x48 + 4 * n);
        t->ldt = get16(tss + 0x60);
        t->trap = tss[0x64] & 1;
        return;
    }
    t->eip = get16(tss + 0x0E);
    t->eflags = get16(tss + 0x10);
    for (unsigned n = 0; n < 8; n++)
        t->gpr[n] = get16(tss + 0x12 + 2 * n);
    for (unsigned n = 0; n < 4; n++)
        t->selector[n] = get16(tss + 0x22 + 2 * n);
    t->ldt = get16(tss + 0x2A);
}

/* The bytes that a switch away writes into the old TSS: [*START, *START + *LEN). */
static void make_saved(const struct cpu *cpu, bool wide, uint32_t eip, uint32_t eflags,
                       uint8_t *out, uint32_t *start, uint32_t *len)
{
    unsigned step = wide ? 4 : 2;
    *start = wide ? 0x20 : 0x0E;
    *len = wide ? 0x40 : 0x1C;
    memset(out, 0, *len);
    put(out, eip, step);
    put(out + step, eflags, step);
    for (unsigned n = 0; n < 8; n++)
        put(out + (2 + n) * step, cpu->gpr[n], step);
    for (unsigned n = 0; n < (wide ? 6u : 4u); n++)
        put(out + (10 + n) * step, cpu->seg[n].selector, step);
}

/* Find the old task's busy bit (JMP and IRET clear it). */
static bool clear_old_busy(struct cpu *cpu)
{
    uint32_t lin;
    uint8_t byte;
    if (NULL_SELECTOR(cpu->tr.selector) || !cpu_descriptor_address(cpu, cpu->tr.selector, &lin))
        return true;
    if (!cpu_system_read(cpu, lin + 5, &byte, 1))
        return false;
    byte &= ~2;
    return cpu_system_write(cpu, lin + 5, &byte, 1);
}

/* The type byte of SELECTOR's descriptor is about to be written. */
static bool probe_busy(struct cpu *cpu, uint16_t selector)
{
    uint32_t lin;
    if (NULL_SELECTOR(selector) || !cpu_descriptor_address(cpu, selector, &lin))
        return true;
    return cpu_system_probe(cpu, lin + 5, 1, MMU_WRITE);
}

/* Everything that a switch writes or reads must be there before the first byte changes:
 * [start, start+len) of the old TSS, the new one, its link, the busy bits. */
static bool probe_all(struct cpu *cpu, uint16_t selector, struct descriptor d,
                      enum task_reason reason, uint32_t start, uint32_t len)
{
    uint32_t base = descriptor_base(d), size = descriptor_type(d) & 8 ? TSS32_SIZE : TSS16_SIZE;
    bool nests = reason == TASK_CALL || reason == TASK_INTERRUPT;
    return cpu_system_probe(cpu, cpu->tr.base + start, len, MMU_WRITE) &&
           cpu_system_probe(cpu, base, size, MMU_READ) &&
           (!nests || cpu_system_probe(cpu, base, 2, MMU_WRITE)) &&
           (nests || probe_busy(cpu, cpu->tr.selector)) &&
           (reason == TASK_IRET || probe_busy(cpu, selector));
}

/* ---- the new task's segments (SDM 7.3 step 14) ---- */

static bool load_ldt(struct cpu *cpu, uint16_t selector, unsigned ext)
{
    struct descriptor d;
    cpu->ldtr = (struct segment){.selector = selector};
    if (NULL_SELECTOR(selector))
        return true;
    if (selector & 4)
        return cpu_raise_selector(cpu, EXC_TS, selector, ext);
    if (!cpu_read_descriptor(cpu, selector, EXC_TS, ext, &d))
        return false;
    if ((d.hi & AR_S) || descriptor_type(d) != SYS_LDT || !(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_TS, selector, ext);
    cpu->ldtr = segment_from_descriptor(selector, d);
    return true;
}

static bool load_code(struct cpu *cpu, uint16_t selector, unsigned ext)
{
    struct descriptor d;
    unsigned rpl = selector & 3;
    if (NULL_SELECTOR(selector))
        return cpu_raise_selector(cpu, EXC_TS, selector, ext);
    if (!cpu_read_descriptor(cpu, selector, EXC_TS, ext, &d))
        return false;
    unsigned dpl = descriptor_dpl(d);
    if (!descriptor_is_code(d) || (descriptor_is_conforming(d) ? dpl > rpl : dpl != rpl))
        return cpu_raise_selector(cpu, EXC_TS, selector, ext);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, ext);
    if (!cpu_set_accessed(cpu, selector, &d))
        return false;
    struct segment cs = segment_from_descriptor(selector, d);
    cpu_install_segment(cpu, SEG_CS, &cs);
    return true;
}

static bool load_segments(struct cpu *cpu, const struct task_state *t, unsigned ext)
{
    static const enum seg_index data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    struct segment s;
    if (cpu_v86(cpu)) {
        for (unsigned n = 0; n < SEG_COUNT; n++) {
            s = segment_v86(t->selector[n]);
            cpu_install_segment(cpu, n, &s);
        }
        return true;
    }
    if (!load_code(cpu, t->selector[SEG_CS], ext))
        return false;
    if (!cpu_check_stack_segment(cpu, t->selector[SEG_SS], cpu->cpl, EXC_TS, ext, &s))
        return false;
    cpu_install_segment(cpu, SEG_SS, &s);
    for (unsigned n = 0; n < 4; n++) {
        if (!cpu_check_data_segment(cpu, t->selector[data[n]], EXC_TS, ext, &s))
            return false;
        if (s.usable)
            cpu_install_segment(cpu, data[n], &s);
    }
    return true;
}

/* Commit the new task's registers; every segment is unusable until its descriptor is checked. */
static void commit(struct cpu *cpu, const struct task_state *t)
{
    memcpy(cpu->gpr, t->gpr, sizeof cpu->gpr);
    cpu->eip = t->eip;
    cpu_set_eflags(cpu, t->eflags);
    cpu_set_cpl(cpu, cpu_v86(cpu) ? 3 : t->selector[SEG_CS] & 3);
    for (unsigned n = 0; n < SEG_COUNT; n++)
        cpu_install_null(cpu, n, t->selector[n]);
    /* Local breakpoints are the old task's (SDM 18.2.4). */
    cpu_write_dr(cpu, 7, cpu->dr[7] & ~0x155u);
}

bool cpu_task_switch(struct cpu *cpu, uint16_t selector, struct descriptor d,
                     enum task_reason reason, unsigned ext, uint32_t return_eip)
{
    bool wide = descriptor_type(d) & 8, nests = reason == TASK_CALL || reason == TASK_INTERRUPT;
    uint32_t base = descriptor_base(d), size = wide ? TSS32_SIZE : TSS16_SIZE;
    uint8_t image[TSS32_SIZE], saved[0x40];
    uint32_t start, len, eflags = cpu_eflags(cpu);
    struct task_state t;

    if (descriptor_limit(d) < size - 1)
        return cpu_raise_selector(cpu, EXC_TS, selector, ext);
    if (reason == TASK_IRET)
        eflags &= ~(uint32_t)FLAG_NT;
    make_saved(cpu, cpu_tss_is_32(cpu), return_eip, eflags, saved, &start, &len);
    if (!probe_all(cpu, selector, d, reason, start, len))
        return false;

    if (!nests && !clear_old_busy(cpu))
        return false;
    /* Save first: a task may switch to itself (JMP cannot, IRET can). */
    if (!cpu_system_write(cpu, cpu->tr.base + start, saved, len))
        return false;
    if (nests && !cpu_system_write(cpu, base, &cpu->tr.selector, 2))
        return false;
    if (!cpu_system_read(cpu, base, image, size))
        return false;
    if (reason != TASK_IRET && !cpu_set_descriptor_type(cpu, selector, &d, descriptor_type(d) | 2))
        return false;
    parse_tss(image, wide, &t);
    if (nests)
        t.eflags |= FLAG_NT;
    if (!wide) /* the upper word of EFLAGS is not in a 16-bit TSS */
        t.eflags &= 0xFFFF;

    cpu->tr = segment_from_descriptor(selector, d);
    cpu->shadow = 0;
    if (!cpu_write_cr0(cpu, cpu->cr0 | CR0_TS))
        return false;
    commit(cpu, &t);
    if (wide && (cpu->cr0 & CR0_PG) && !cpu_write_cr3(cpu, t.cr3))
        return false;
    if (!load_ldt(cpu, t.ldt, ext) || !load_segments(cpu, &t, ext))
        return false;
    if (t.trap)
        cpu_debug_task_trap(cpu);
    return true;
}

bool cpu_task_enter(struct cpu *cpu, uint16_t selector, enum task_reason reason, unsigned ext,
                    uint32_t return_eip)
{
    struct descriptor d;
    uint32_t lin;
    /* A task gate's selector must name the GDT (SDM 7.2.5). */
    if ((selector & 4) || NULL_SELECTOR(selector) || !cpu_descriptor_address(cpu, selector, &lin))
        return cpu_raise_selector(cpu, EXC_GP, selector, ext);
    if (!cpu_system_read(cpu, lin, &d, sizeof d))
        return false;
    if ((d.hi & AR_S) || (descriptor_type(d) != SYS_TSS16 && descriptor_type(d) != SYS_TSS32))
        return cpu_raise_selector(cpu, EXC_GP, selector, ext);
    if (!(d.hi & AR_P))
        return cpu_raise_selector(cpu, EXC_NP, selector, ext);
    return cpu_task_switch(cpu, selector, d, reason, ext, return_eip);
}
