/* Lock-step (translator/verify.h): the rehearsal and the comparison. */
#include "translator/verify.h"
#include "cpu/xsave.h"
#include "translator/simd.h"

#include <stdio.h>
#include <stdlib.h>

enum { WRITES_MAX = 1 << 16, OLD_MAX = 1 << 20, PTE_A_D = 0x60 };

/* ---- the journal ---- */

static bool note_page(struct verify *v, uint32_t pfn)
{
    for (uint32_t i = v->page_count; i-- > 0;)
        if (v->pages[i].pfn == pfn)
            return true;
    if (v->page_count == VERIFY_PAGES)
        return false;
    struct verify_page *p = &v->pages[v->page_count];
    if (!p->after)
        p->after = malloc(PAGE_SIZE);
    if (!p->after)
        return false;
    p->pfn = pfn;
    v->page_count++;
    return true;
}

static uint8_t *memory(const struct verify *v, uint32_t pa)
{
    return phys_ptr(v->phys, pa, 1);
}

static bool on_write(void *opaque, uint32_t pa, uint32_t len, uint32_t flags)
{
    struct verify *v = opaque;
    v->stop |= (flags & (FRAME_CODE | FRAME_TWIN)) != 0;
    if (!v->stop && (v->write_count == v->write_max || v->old_max - v->old_used < len ||
                     !note_page(v, pa >> PAGE_SHIFT)))
        v->stop = v->open = true;
    if (v->stop)
        return false;
    v->writes[v->write_count++] = (struct verify_write){pa, len, v->old_used};
    memcpy(v->old + v->old_used, memory(v, pa), len);
    v->old_used += len;
    return true;
}

static void on_other(void *opaque)
{
    struct verify *v = opaque;
    v->stop = true;
}

static uint32_t entry_at(const struct verify *v, uint32_t pa)
{
    uint32_t entry;
    memcpy(&entry, memory(v, pa), sizeof entry);
    return entry;
}

static void on_walk(void *opaque, uint32_t pa)
{
    struct verify *v = opaque;
    if (v->walk_count < VERIFY_WALKS)
        v->walks[v->walk_count++] = (struct verify_walk){pa, entry_at(v, pa), 0};
}

/* Take back the writes from number FIRST on. */
static void take_back(struct verify *v, uint32_t first)
{
    while (v->write_count > first) {
        const struct verify_write *w = &v->writes[--v->write_count];
        memcpy(memory(v, w->pa), v->old + w->old, w->len);
        v->old_used = w->old;
    }
}

static bool written(const struct verify *v, uint32_t pa)
{
    for (uint32_t i = 0; i < v->write_count; i++)
        if (pa - v->writes[i].pa < v->writes[i].len || v->writes[i].pa - pa < sizeof(uint32_t))
            return true;
    return false;
}

/* A and D as they were before the rehearsal, in entries that the block does not store to itself. */
static void hide_walks(struct verify *v)
{
    for (unsigned i = v->walk_count; i-- > 0;) {
        struct verify_walk *w = &v->walks[i];
        uint8_t *low = memory(v, w->pa);
        if (written(v, w->pa))
            continue;
        w->bits = (uint8_t)((*low ^ w->entry) & PTE_A_D);
        *low &= (uint8_t)~w->bits;
    }
}

void verify_settle(struct translator *t)
{
    struct verify *v = t->verify;
    for (unsigned i = 0; i < v->walk_count; i++) {
        struct verify_walk *w = &v->walks[i];
        if (w->bits && !((entry_at(v, w->pa) ^ w->entry) & ~(uint32_t)PTE_A_D))
            *memory(v, w->pa) |= w->bits;
    }
}

/* ---- the machine, while rehearsing: nobody is there ---- */

static uint32_t no_in(void *opaque, uint16_t port, unsigned size)
{
    (void)port;
    (void)size;
    on_other(opaque);
    return 0xFFFFFFFF;
}

static void no_out(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    (void)port;
    (void)value;
    (void)size;
    on_other(opaque);
}

static int no_intack(void *opaque)
{
    on_other(opaque);
    return -1;
}

static uint64_t no_tsc(void *opaque)
{
    on_other(opaque);
    return 0;
}

static void no_ferr(void *opaque, bool level)
{
    (void)level;
    on_other(opaque);
}

struct verify *verify_new(struct translator *t)
{
    struct verify *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    v->phys = t->phys;
    v->hooks = (struct phys_journal){v, on_write, on_other, on_walk};
    v->write_max = WRITES_MAX;
    v->old_max = OLD_MAX;
    v->start = aligned_alloc(_Alignof(struct cpu), sizeof *v->start);
    v->hub = aligned_alloc(_Alignof(struct cpu), sizeof *v->hub);
    v->writes = malloc(WRITES_MAX * sizeof *v->writes);
    v->old = malloc(OLD_MAX);
    v->pages = calloc(VERIFY_PAGES, sizeof *v->pages);
    v->decoded = calloc(1u << VERIFY_DECODED_BITS, sizeof *v->decoded);
    if (v->start && v->hub && v->writes && v->old && v->pages && v->decoded)
        return v;
    verify_free(v);
    return NULL;
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    for (uint32_t i = 0; v->pages && i < VERIFY_PAGES; i++)
        free(v->pages[i].after);
    free(v->pages);
    free(v->start);
    free(v->hub);
    free(v->writes);
    free(v->old);
    free(v->decoded);
    free(v);
}

/* ---- rehearsing ---- */

static void get_fpu(struct cpu *cpu, struct verify_state *s)
{
    memcpy(s->fpu, cpu->fpu, sizeof s->fpu);
    if (cpu->ymm_on)
        memcpy(s->ymm, cpu_ymm_high(cpu), sizeof s->ymm);
    else
        memset(s->ymm, 0, sizeof s->ymm);
}

/* FPU: its state may have changed; otherwise what s->fpu holds is of no interest. */
void verify_get_state(struct cpu *cpu, bool fpu, struct verify_state *s)
{
    memcpy(s->gpr, cpu->gpr, sizeof s->gpr);
    s->eip = cpu->eip;
    s->flags = cpu->flags_host;
    s->iflag = cpu->iflag;
    s->flags_sys = cpu->flags_sys & ~(uint32_t)FLAG_RF;
    for (unsigned i = 0; i < 6; i++) {
        s->base[i] = cpu->seg[i].base;
        s->selector[i] = cpu->seg[i].selector;
    }
    if (fpu)
        get_fpu(cpu, s);
}

void verify_copy_cpu(struct cpu *to, const struct cpu *from)
{
    size_t before = offsetof(struct cpu, event), after = before + sizeof from->event;
    memcpy(to, from, before);
    memcpy((uint8_t *)to + after, (const uint8_t *)from + after, sizeof *from - after);
}

static void rehearse(struct translator *t, unsigned insns, bool fpu)
{
    struct verify *v = t->verify;
    struct cpu *cpu = t->cpu;
    v->count = 0;
    v->end = VERIFY_DONE;
    for (;;) {
        verify_get_state(cpu, fpu, &v->before[v->count]);
        v->writes_before[v->count] = v->write_count;
        if (v->count == insns)
            break;
        v->end = verify_one(t);
        if (v->stop)
            v->end = v->open ? VERIFY_OPEN : VERIFY_STOP;
        if (v->end != VERIFY_DONE)
            break;
        v->count++;
        if (cpu->eip != v->next) /* a jump was taken: here the block is left */
            insns = v->count;
    }
    if (v->end == VERIFY_STOP || v->end == VERIFY_OPEN)
        take_back(v, v->writes_before[v->count]);
    verify_get_state(cpu, fpu, &v->last);
    v->exc = cpu->exc;
    v->cr2 = cpu->cr2;
}

void verify_begin(struct translator *t)
{
    struct verify *v = t->verify;
    struct cpu *cpu = t->cpu;
    v->stop = v->open = false;
    v->write_count = v->old_used = v->page_count = v->walk_count = 0;
    verify_copy_cpu(v->start, cpu);
    cpu->wires = (struct cpu_wires){.opaque = v,
                                    .in = no_in,
                                    .out = no_out,
                                    .intack = no_intack,
                                    .tsc = no_tsc,
                                    .ferr = no_ferr};
    phys_set_journal(t->phys, &v->hooks);
}

void verify_finish(struct translator *t)
{
    struct verify *v = t->verify;
    phys_set_journal(t->phys, NULL);
    for (uint32_t i = 0; i < v->page_count; i++)
        memcpy(v->pages[i].after, memory(v, v->pages[i].pfn << PAGE_SHIFT), PAGE_SIZE);
    uint32_t writes = v->write_count, old = v->old_used;
    take_back(v, 0);
    v->write_count = writes;
    v->old_used = old;
    hide_walks(v);
    verify_copy_cpu(t->cpu, v->start);
}

void verify_rehearse(struct translator *t, unsigned insns, bool fpu)
{
    verify_begin(t);
    rehearse(t, insns, fpu);
    verify_finish(t);
}

/* ---- comparing ---- */

bool verify_due(const struct translator *t, const struct tb *tb)
{
    return !t->options.verify_first || tb->verified < t->options.verify_first;
}

/* What of the FXSAVE image both ways must agree on: not the pointers, which are the host's until
 * the guest looks, nor the unused bytes (SDM vol. 1 table 10-2). */
static bool same_fpu(const uint8_t *a, const uint8_t *b)
{
    enum { MXCSR = 24, ST0 = 32, ST_BYTES = 10, XMM0 = 160, XMM_BYTES = 128 };
    if (memcmp(a, b, 6) || memcmp(a + MXCSR, b + MXCSR, 4) || memcmp(a + XMM0, b + XMM0, XMM_BYTES))
        return false;
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(a + ST0 + 16 * i, b + ST0 + 16 * i, ST_BYTES))
            return false;
    return true;
}

static bool same_state(const struct verify_state *a, const struct verify_state *b)
{
    return !memcmp(a->gpr, b->gpr, sizeof a->gpr) && a->eip == b->eip && a->flags == b->flags &&
           a->iflag == b->iflag && a->flags_sys == b->flags_sys && same_fpu(a->fpu, b->fpu) &&
           !memcmp(a->base, b->base, sizeof a->base) &&
           !memcmp(a->selector, b->selector, sizeof a->selector) &&
           !memcmp(a->ymm, b->ymm, sizeof a->ymm);
}

bool verify_same_memory(struct verify *v, uint32_t writes)
{
    for (uint32_t i = v->write_count; i-- > writes;) {
        const struct verify_write *w = &v->writes[i];
        for (uint32_t p = 0; p < v->page_count; p++)
            if (v->pages[p].pfn == w->pa >> PAGE_SHIFT)
                memcpy(v->pages[p].after + (w->pa & (PAGE_SIZE - 1)), v->old + w->old, w->len);
    }
    /* When an entry that the block itself stores gets A or D depends on the TLB. */
    for (uint32_t p = 0; p < v->page_count; p++)
        for (unsigned i = 0; i < v->walk_count; i++)
            if (v->pages[p].pfn == v->walks[i].pa >> PAGE_SHIFT) {
                uint8_t *after = &v->pages[p].after[v->walks[i].pa & (PAGE_SIZE - 1)];
                *after = (uint8_t)((*after & ~PTE_A_D) | (*memory(v, v->walks[i].pa) & PTE_A_D));
            }
    v->memory_count = 0;
    for (uint32_t p = 0; p < v->page_count; p++) {
        uint32_t base = v->pages[p].pfn << PAGE_SHIFT;
        const uint8_t *want = v->pages[p].after, *got = memory(v, base);
        if (!memcmp(want, got, PAGE_SIZE))
            continue;
        for (uint32_t i = 0; i < PAGE_SIZE && v->memory_count < VERIFY_DIFFERENCES; i++)
            if (want[i] != got[i]) {
                v->memory[v->memory_count].pa = base + i;
                v->memory[v->memory_count].want = want[i];
                v->memory[v->memory_count++].got = got[i];
            }
    }
    return v->memory_count == 0;
}

/* How the translated block ended: after NUMBER instructions, at the next one's start. */
struct outcome {
    enum { WENT_THROUGH, LEFT_FOR_C, LEFT_FOR_EVENT, RAISED } how;
    unsigned number;
    bool beyond; /* further than the rehearsal came */
    uint32_t eip;
    bool flags_dead; /* at a POPF, which looks at what it pops with a CMP */
};

static struct outcome outcome_of(struct translator *t, uint32_t code)
{
    const struct verify *v = t->verify;
    uint32_t value = code & ((1u << 26) - 1);
    struct outcome o = {.how = LEFT_FOR_C, .eip = t->cpu->eip};
    switch ((enum exit_kind)(code >> 26)) {
    case EXIT_LOOKUP:
    case EXIT_CHAIN:
        o.how = WENT_THROUGH;
        o.number = v->count;
        o.beyond = v->end != VERIFY_DONE;
        o.eip = code >> 26 == EXIT_LOOKUP
                    ? t->rt->exit_eip
                    : exit_target(&t->tbs[value / TB_SLOTS], value % TB_SLOTS);
        return o;
    case EXIT_RAISE:
        o.how = RAISED;
        o.eip = t->sites[value].eip;
        break;
    case EXIT_INSN:
        o.eip = t->sites[value].eip;
        o.flags_dead = t->sites[value].in.kind == K_POPF;
        break;
    case EXIT_FAULT:
        o.how = t->rt->fault_kind == HOST_FAULT_BY_HAND ? LEFT_FOR_C : RAISED;
        break;
    default:
        o.how = LEFT_FOR_EVENT;
        o.eip = t->rt->exit_eip;
        break;
    }
    unsigned first = o.how == LEFT_FOR_EVENT ? 1 : 0; /* STI, POPF: at least that one is done */
    for (o.number = first; o.number <= v->count; o.number++)
        if (v->before[o.number].eip == o.eip)
            return o;
    o.beyond = true;
    return o;
}

bool verify_differs(struct translator *t, const struct tb *tb, unsigned insn, const char *what)
{
    struct verify *v = t->verify;
    v->tb = (uint32_t)(tb - t->tbs);
    v->insn = v->first + insn;
    snprintf(v->what, sizeof v->what, "%s", what);
    return false;
}

/* Is IN one of MMX with an operand in memory?  Intel's processors clear TOP before its store
 * faults. */
static bool clears_top(const struct insn *in)
{
    return in->has_mem && !in->vex && simd_mmx(in) &&
           (opcode_lookup(in->map, in->opcode, in->modrm).flags & OP_MMX);
}

/* By hand the instruction begins anew; what it had done of itself before stands. */
static bool half_done(struct translator *t, uint32_t eip)
{
    struct insn in;
    uint32_t phys, saved = t->cpu->eip;
    t->cpu->eip = eip;
    bool fetched = step_fetch(t, &in, &phys);
    t->cpu->eip = saved;
    return !fetched || in.kind == K_PUSHA || in.kind == K_GATHER ||
           (in.kind == K_STRING && in.rep) || clears_top(&in);
}

bool verify_compare(struct translator *t, const struct tb *tb, uint32_t code)
{
    struct verify *v = t->verify;
    struct outcome o = outcome_of(t, code);
    v->left_at = o.number;
    if (v->end == VERIFY_OPEN)
        return true;
    t->stats.verified++;
    verify_get_state(t->cpu, true, &v->got);
    v->got.eip = o.eip;
    v->want = v->last;
    if (o.beyond)
        return verify_differs(t, tb, v->count,
                              v->end == VERIFY_EXCEPTION
                                  ? "the block went on where one by one an "
                                    "exception was raised"
                                  : "the block went on where one by one C took over");
    if (o.how == LEFT_FOR_C && code >> 26 == EXIT_FAULT && half_done(t, o.eip))
        return true;
    t->stats.verified_insns += o.number;
    bool raises = o.how == RAISED && o.number == v->count;
    if (o.how == RAISED && !(raises && v->end != VERIFY_DONE))
        return verify_differs(t, tb, o.number,
                              "the block raised an exception, one by one there is none");
    bool whole = raises && v->end == VERIFY_EXCEPTION;
    if (!whole)
        v->want = v->before[o.number];
    uint32_t writes = whole ? v->write_count : v->writes_before[o.number];
    if (!tb->uses_fpu)
        get_fpu(v->start, &v->want);
    if (o.flags_dead)
        v->got.flags = v->want.flags;
    if (!same_state(&v->want, &v->got))
        return verify_differs(t, tb, o.number, "the registers differ");
    if (!verify_same_memory(v, writes))
        return verify_differs(t, tb, o.number, "memory differs");
    return true;
}

bool verify_compare_exception(struct translator *t, const struct tb *tb, uint32_t code)
{
    struct verify *v = t->verify;
    const struct cpu *cpu = t->cpu;
    const struct pending_exception *a = &cpu->exc, *b = &v->exc;
    unsigned kind = code >> 26;
    bool raised =
        kind == EXIT_RAISE || (kind == EXIT_FAULT && t->rt->fault_kind != HOST_FAULT_BY_HAND);
    if (!raised || v->end != VERIFY_EXCEPTION)
        return true;
    char what[160];
    if (a->valid == b->valid && a->vector == b->vector && a->has_error == b->has_error &&
        (!a->has_error || a->error_code == b->error_code) &&
        (a->vector != EXC_PF || cpu->cr2 == v->cr2))
        return true;
    snprintf(what, sizeof what,
             "exception %u (error code %04x, CR2 %08x); one by one it is %u (%04x, %08x)",
             a->vector, a->error_code, cpu->cr2, b->vector, b->error_code, v->cr2);
    return verify_differs(t, tb, v->count, what);
}
