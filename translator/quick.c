/* Short cuts: hot instructions of kernel entries and exits that need not go to the hub.
 *
 * Segment loads, INT, IRET, SYSENTER and SYSEXIT do the same thing again and again: the hub carries
 * one out with all its checks, and what came of each descriptor is remembered with the descriptor's
 * eight bytes.  The next time stub_quick calls quick_run on the host's stack; as long as memory
 * still holds those bytes, the remembered segment is put into place and guest code goes on in the
 * jump table of the mode that follows.  Whatever is out of the ordinary returns NULL before
 * anything was changed, and the hub does it all.
 *
 * The guest's x87 and SSE state stays in the host's registers meanwhile, so that this file and what
 * it calls (quick_move.c, quick_env.c, mmu/direct.c, devices/vga_path.c) are compiled for general
 * registers alone and call nothing else.  Nothing here faults: memory is reached through the VMM's
 * alias.  A kick that arrives meanwhile is seen by the stub behind it. */
#include "translator/quick.h"

#include "cpu/access.h"
#include "mmu/direct.h"
#include "translator/internal.h"

static inline uint32_t seg_field(unsigned seg, uint32_t class)
{
    return class << (MODE_SEG_SHIFT + 2 * seg);
}

/* MODE with the class of segment register SEG replaced. */
static inline uint32_t with_class(uint32_t mode, unsigned seg, uint32_t class)
{
    return (mode & ~seg_field(seg, 3)) | seg_field(seg, class);
}

/* The eight bytes of SELECTOR's descriptor, NULL: not to be had here. */
static const uint64_t *raw_descriptor(struct translator *t, uint16_t selector)
{
    const struct cpu *cpu = t->cpu;
    uint32_t offset = selector & 0xFFF8u, base = cpu->gdtr.base, limit = cpu->gdtr.limit;
    if (selector & 4) {
        if (!cpu->ldtr.usable)
            return NULL;
        base = cpu->ldtr.base;
        limit = cpu->ldtr.limit;
    }
    if (offset + 7 > limit)
        return NULL;
    return mmu_direct(t->mmu, base + offset, 8, MMU_READ, false);
}

static bool holds(const struct quick_segment *q, uint16_t selector, unsigned cpl, uint64_t raw)
{
    return q->raw == raw && q->valid && q->segment.selector == selector && q->cpl == cpl;
}

/* The entry of CACHE (COUNT, a power of two) for SELECTOR loaded at CPL, if it still holds. */
static const struct quick_segment *known(struct translator *t, const struct quick_segment *cache,
                                         unsigned count, uint16_t selector, unsigned cpl)
{
    const struct quick_segment *q = &cache[quick_slot(selector, count)];
    const uint64_t *raw = raw_descriptor(t, selector);
    if (!raw)
        return NULL;
    if (holds(q, selector, cpl, *raw))
        return q;
    uint32_t base = (uint32_t)(*raw >> 16 & 0xFFFFFF) | (uint32_t)(*raw >> 56) << 24;
    q = &cache[quick_other_slot(selector, base, count)];
    return holds(q, selector, cpl, *raw) ? q : NULL;
}

/* ---- the mode that follows ---- */

/* The jump table for MODE and a code segment's LIMIT; false: the hub has to find one. */
static bool context_of(struct translator *t, uint32_t mode, uint32_t limit, struct quick_context *c)
{
    const struct cpu *cpu = t->cpu;
    bool user = mode & MODE_USER;
    c->mode = mode;
    c->shared = !user && (cpu->cr0 & CR0_PG) && (cpu->cr4 & CR4_PGE);
    if (!mmu_window_known(t->mmu, user, &c->w) ||
        (c->shared && t->local_of && t->local_of != c->w.window))
        return false;
    struct window *owner = c->shared ? NULL : c->w.window;
    c->table = &t->tables[*table_way(t, mode, c->shared ? 0 : c->w.id)];
    return c->table->entry && c->table->window == owner &&
           !straight_ends(&t->straight, c->table, mode) && c->table->shared == c->shared &&
           c->table->mode == mode && c->table->cs_limit == limit;
}

static inline void enter(struct translator *t, const struct quick_context *c)
{
    if (t->rt->window != c->w.base)
        __asm__ volatile("wrgsbase %0" : : "r"(c->w.base));
    t->window = c->w.window;
    t->shared = c->shared;
    t->mode = c->mode;
    t->current = c->table;
    c->table->used = ++t->table_clock;
    t->rt->table = (uintptr_t)c->table->entry;
    t->rt->window = c->w.base;
}

static inline const uint8_t *go(struct translator *t, uint32_t eip)
{
    t->cpu->eip = eip;
    t->stats.quick++;
    return t->rx + t->current->entry[eip];
}

void quick_enter(struct translator *t, const struct quick_context *c)
{
    enter(t, c);
}

const uint8_t *quick_go(struct translator *t, uint32_t eip)
{
    return go(t, eip);
}

const uint8_t *quick_go_on(struct translator *t, const struct site *site)
{
    uint32_t next = site->eip + site->in.len;
    if (!site->resume)
        return go(t, next);
    t->cpu->eip = next;
    t->stats.quick++;
    return t->rx + site->resume;
}

/* ---- segment loads ---- */

static void load_null(struct segment *s, uint16_t selector, const uint8_t *check)
{
    s->selector = selector; /* the hidden limit and rights stay (cpu_install_null) */
    s->usable = 0;
    s->base = 0;
    s->read_check = s->write_check = check;
}

static const uint8_t *load_segment(struct translator *t, const struct site *site, unsigned seg,
                                   uint32_t pops)
{
    struct cpu *cpu = t->cpu;
    struct segment *s = &cpu->seg[seg];
    uint16_t selector = (uint16_t)t->rt->exit_eip; /* r8d */
    bool null = !(selector & 0xFFFC);
    const struct quick_segment *q = NULL;
    if (null ? !t->quick.null_check
             : !(q = known(t, t->quick.data, QUICK_DATA, selector, cpu->cpl)))
        return NULL;
    uint32_t mode = with_class(t->mode, seg, null ? SEG_CHECKED : q->class);
    struct quick_context c;
    if (mode != t->mode && !context_of(t, mode, cpu->seg[SEG_CS].limit, &c))
        return NULL;
    if (null)
        load_null(s, selector, t->quick.null_check);
    else
        *s = q->segment;
    cpu->gpr[ESP] += pops;
    if (mode != t->mode) {
        enter(t, &c);
        return go(t, site->eip + site->in.len);
    }
    return quick_go_on(t, site);
}

/* ---- privilege changes ---- */

/* MODE with code segment C; with stack segment S too, at ring 3 (USER) or 0.  Only segments of 32
 * bits are remembered. */
static uint32_t mode_in(uint32_t mode, const struct quick_segment *c)
{
    return with_class(mode | MODE_CODE32, SEG_CS, c->class);
}

static uint32_t mode_at(uint32_t mode, bool user, const struct quick_segment *c,
                        const struct quick_segment *s)
{
    mode &= ~(uint32_t)(MODE_USER | MODE_RING0);
    mode |= MODE_STACK32 | (user ? MODE_USER : MODE_RING0);
    return with_class(mode_in(mode, c), SEG_SS, s->class);
}

static bool flat_stack_now(const struct translator *t)
{
    return (t->mode & MODE_STACK32) && mode_seg(t->mode, SEG_SS) == SEG_FLAT;
}

#define SYSTEM_FLAGS (FLAG_IOPL | FLAG_ID)

static void set_flags(struct cpu *cpu, uint32_t value)
{
    cpu->flags_host = value & FLAGS_HOST;
    cpu->iflag = value & FLAG_IF;
    cpu->flags_sys = (value & SYSTEM_FLAGS) | 2;
}

const struct quick_segment *quick_code(struct translator *t, uint16_t selector, uint32_t eip,
                                       struct quick_context *c)
{
    const struct cpu *cpu = t->cpu;
    const struct quick_segment *code = NULL;
    if (flat_stack_now(t))
        code = known(t, t->quick.code, QUICK_FAR, selector, cpu->cpl);
    return code && eip <= code->segment.limit &&
           context_of(t, mode_in(t->mode, code), code->segment.limit, c) ? code : NULL;
}

/* The stack segment and ESP of ring 0 in the TSS (cpu_inner_stack). */
static const struct quick_segment *inner_stack(struct translator *t, uint32_t *esp)
{
    enum { ESP0 = 4, TSS32 = 9 };
    const struct segment *tr = &t->cpu->tr;
    if (!tr->usable || (tr->access >> 8 & 15) < TSS32 || tr->limit < ESP0 + 5)
        return NULL;
    const uint32_t *ring0 = mmu_direct(t->mmu, tr->base + ESP0, 6, MMU_READ, false);
    if (!ring0)
        return NULL;
    *esp = ring0[0];
    return known(t, t->quick.stack, QUICK_FAR, (uint16_t)ring0[1], 0);
}

/* INT n through an interrupt or trap gate to ring 0, from ring 3 or ring 0 (interrupt_gate). */
static const uint8_t *interrupt(struct translator *t, const struct site *site)
{
    struct cpu *cpu = t->cpu;
    uint32_t vector = site->in.imm & 0xFF, esp = cpu->gpr[ESP];
    bool inner = cpu->cpl == 3;
    if ((cpu->flags_sys & QUICK_ODD_FLAGS) || vector * 8 + 7 > cpu->idtr.limit ||
        !(inner || (cpu->cpl == 0 && flat_stack_now(t))))
        return NULL;
    const uint32_t *gate = mmu_direct(t->mmu, cpu->idtr.base + vector * 8, 8, MMU_READ, false);
    if (!gate || (gate[1] & (AR_P | AR_S | 14u << 8)) != (AR_P | 14u << 8) ||
        (gate[1] >> AR_DPL_SHIFT & 3) < cpu->cpl)
        return NULL;
    uint32_t offset = (gate[0] & 0xFFFF) | (gate[1] & 0xFFFF0000), type = gate[1];
    const struct quick_segment *stack = NULL, *code =
        known(t, t->quick.code, QUICK_FAR, gate[0] >> 16 & 0xFFFC, 0);
    if (!code || offset > code->segment.limit)
        return NULL;
    if (inner && (!(stack = inner_stack(t, &esp)) || stack->class != SEG_FLAT))
        return NULL;
    uint32_t bytes = inner ? 20 : 12, mode = mode_in(t->mode, code);
    if (inner)
        mode = mode_at(t->mode, false, code, stack);
    struct quick_context c;
    uint32_t *frame = mmu_direct(t->mmu, esp - bytes, bytes, MMU_WRITE, false);
    if (!frame || !context_of(t, mode, code->segment.limit, &c))
        return NULL;
    uint32_t flags = cpu->flags_host | cpu->iflag | cpu->flags_sys;
    frame[0] = site->eip + site->in.len;
    frame[1] = cpu->seg[SEG_CS].selector;
    frame[2] = flags;
    if (inner) {
        frame[3] = cpu->gpr[ESP];
        frame[4] = cpu->seg[SEG_SS].selector;
        cpu->seg[SEG_SS] = stack->segment;
        cpu->cpl = 0;
    }
    cpu->gpr[ESP] = esp - bytes;
    cpu->seg[SEG_CS] = code->segment;
    set_flags(cpu, type & 1u << 8 ? flags : flags & ~(uint32_t)FLAG_IF);
    enter(t, &c);
    return go(t, offset);
}

/* Would a return to ring 3 take the data segments away (cpu_drop_inner_segments)? */
static bool inner_data(const struct cpu *cpu)
{
    static const uint8_t data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < 4; i++) {
        const struct segment *s = &cpu->seg[data[i]];
        if (s->usable && (s->access & AR_DPL) != AR_DPL)
            return true;
    }
    return false;
}

/* Is it the return from a page fault, at which the hub maps the page? */
static bool refills(const struct translator *t, uint32_t eip, bool user)
{
    return t->faulted.valid && t->faulted.eip == eip && t->faulted.user == user;
}

/* IRET of 32 bits from ring 0 to ring 0 or 3 (return_protected). */
static const uint8_t *interrupt_return(struct translator *t)
{
    struct cpu *cpu = t->cpu;
    uint32_t esp = cpu->gpr[ESP];
    if ((cpu->flags_sys & QUICK_ODD_FLAGS) || cpu->cpl || !flat_stack_now(t))
        return NULL;
    const uint32_t *frame = mmu_direct(t->mmu, esp, 12, MMU_READ, false);
    if (!frame || (frame[2] & QUICK_ODD_FLAGS))
        return NULL;
    uint16_t cs = (uint16_t)frame[1];
    unsigned rpl = cs & 3;
    const struct quick_segment *stack = NULL, *code = known(t, t->quick.code, QUICK_FAR, cs, rpl);
    if (!code || (rpl != 0 && rpl != 3) || frame[0] > code->segment.limit ||
        refills(t, frame[0], rpl == 3))
        return NULL;
    uint32_t mode = mode_in(t->mode, code);
    if (rpl == 3) {
        frame = mmu_direct(t->mmu, esp, 20, MMU_READ, false);
        stack = frame ? known(t, t->quick.stack, QUICK_FAR, (uint16_t)frame[4], 3) : NULL;
        if (!stack || inner_data(cpu))
            return NULL;
        mode = mode_at(t->mode, true, code, stack);
    }
    struct quick_context c;
    if (!context_of(t, mode, code->segment.limit, &c))
        return NULL;
    cpu->seg[SEG_CS] = code->segment;
    if (stack) {
        cpu->seg[SEG_SS] = stack->segment;
        cpu->cpl = 3;
    }
    cpu->gpr[ESP] = stack ? frame[3] : esp + 12;
    set_flags(cpu, frame[2]);
    cpu->nmi_blocked = 0;
    enter(t, &c);
    return go(t, frame[0]);
}

/* SYSENTER and SYSEXIT: flat segments that no table tells. */
static const uint8_t *fast_call(struct translator *t, const struct quick_pair *pair, bool leave)
{
    struct cpu *cpu = t->cpu;
    uint32_t eip = leave ? cpu->gpr[EDX] : cpu->sysenter_eip;
    if ((cpu->flags_sys & QUICK_ODD_FLAGS) || !pair->key || pair->key != (cpu->sysenter_cs & 0xFFFC) ||
        (leave && (cpu->cpl != 0 || refills(t, eip, true))))
        return NULL;
    uint32_t mode = t->mode & ~(uint32_t)(MODE_USER | MODE_RING0);
    mode |= MODE_CODE32 | MODE_STACK32 | (leave ? MODE_USER : MODE_RING0);
    mode = with_class(with_class(mode, SEG_CS, SEG_FLAT), SEG_SS, SEG_FLAT);
    struct quick_context c;
    if (!context_of(t, mode, pair->cs.limit, &c))
        return NULL;
    cpu->gpr[ESP] = leave ? cpu->gpr[ECX] : cpu->sysenter_esp;
    cpu->seg[SEG_CS] = pair->cs;
    cpu->seg[SEG_SS] = pair->ss;
    cpu->cpl = leave ? 3 : 0;
    if (!leave) {
        cpu->iflag = 0;
        cpu->flags_sys &= ~(uint32_t)FLAG_RF;
    }
    enter(t, &c);
    return go(t, eip);
}

static const uint8_t *read_counter(struct translator *t, const struct site *site)
{
    struct cpu *cpu = t->cpu;
    const struct timeline *line = cpu->wires.timeline;
    uint64_t ticks;
    if (!line || ((cpu->cr4 & CR4_TSD) && cpu->cpl) ||
        (ticks = timeline_counter() - line->host) >= line->span)
        return NULL;
    ticks = line->ns + (ticks * line->mult >> 32) + cpu->tsc_offset;
    cpu->gpr[EAX] = (uint32_t)ticks;
    cpu->gpr[EDX] = (uint32_t)(ticks >> 32);
    if (site->in.opcode == 0x01) /* RDTSCP */
        cpu->gpr[ECX] = cpu->tsc_aux;
    return quick_go_on(t, site);
}

const uint8_t *quick_run(struct translator *t, uint32_t number)
{
    struct site *site = &t->sites[number];
    struct cpu *cpu = t->cpu;
    if (!t->quick.on || !t->current || __atomic_load_n(&cpu->event, __ATOMIC_RELAXED))
        return NULL;
    switch ((enum quick_kind)site->quick) {
    case QUICK_MOV_SEG:
        return load_segment(t, site, site->quick_seg, 0);
    case QUICK_POP_SEG:
        return load_segment(t, site, site->quick_seg, site->in.opsize);
    case QUICK_INT:
        return interrupt(t, site);
    case QUICK_INT_REAL:
        return quick_interrupt_real(t, site);
    case QUICK_IRET:
        return interrupt_return(t);
    case QUICK_IRET_REAL:
        return quick_interrupt_return_real(t);
    case QUICK_FAR_CALL:
        return quick_transfer(t, site);
    case QUICK_FAR_RETURN:
        return quick_return(t, site);
    case QUICK_SYSENTER:
        return fast_call(t, &t->quick.enter, false);
    case QUICK_SYSEXIT:
        return fast_call(t, &t->quick.leave, true);
    case QUICK_RDTSC:
        return read_counter(t, site);
    case QUICK_MOVE:
        return quick_move(t, site);
    case QUICK_ENV:
        return quick_environment(t, site);
    case QUICK_CPUID: /* stub_cpuid knows */
    case QUICK_NONE:
        break;
    }
    return NULL;
}
