/* Lock-step of short cuts (translator/quick.h).  The hub carries the instruction out as a
 * rehearsal; then the short cut runs for good, in C rather than from its stub, and must have done
 * the same. */
#include <stdio.h>
#include <string.h>

#include "translator/verify.h"

static const uint8_t *take(struct translator *t, uint32_t number)
{
    t->quick.on = true;
    const uint8_t *to = quick_run(t, number);
    t->quick.on = false;
    return to;
}

/* The hub's way: the CPU as it is after it goes to v->hub. */
static enum verify_end rehearse(struct translator *t, const struct site *site)
{
    struct verify *v = t->verify;
    struct insn in = site->in;
    verify_begin(t);
    enum cpu_result r = site->slow ? step_by_hand(t, &in) : cpu_emulate(t->cpu, &in);
    enum verify_end end = r == CPU_NEXT && !t->cpu->exc.valid ? VERIFY_DONE : VERIFY_EXCEPTION;
    if (v->stop || r == CPU_AGAIN)
        end = VERIFY_STOP;
    verify_copy_cpu(v->hub, t->cpu);
    verify_finish(t);
    return end;
}

static bool same_segment(const struct segment *a, const struct segment *b)
{
    return a->base == b->base && a->limit == b->limit && a->access == b->access &&
           a->selector == b->selector && a->usable == b->usable && a->read_check == b->read_check &&
           a->write_check == b->write_check;
}

/* What of the CPU differs, if anything: all that the short cuts' instructions may change. */
static const char *cpu_difference(const struct cpu *want, const struct cpu *got)
{
    static const char *const names[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    for (unsigned i = 0; i < SEG_COUNT; i++)
        if (!same_segment(&want->seg[i], &got->seg[i]))
            return names[i];
    if (memcmp(want->gpr, got->gpr, sizeof want->gpr) || want->eip != got->eip)
        return "the registers";
    if (want->flags_host != got->flags_host || want->iflag != got->iflag ||
        (want->flags_sys ^ got->flags_sys) & ~(uint32_t)FLAG_RF)
        return "EFLAGS";
    if (want->cpl != got->cpl)
        return "the CPL";
    if (want->nmi_blocked != got->nmi_blocked || want->shadow != got->shadow)
        return "what is masked";
    if (want->exc.valid != got->exc.valid || want->cr2 != got->cr2)
        return "the exception";
    return NULL;
}

static void differs(struct translator *t, const struct site *site, const char *what)
{
    struct verify *v = t->verify;
    char text[sizeof v->what];
    snprintf(text, sizeof text, "%s after the short cut of %02x at %08x", what, site->in.opcode,
             site->eip);
    v->want = v->got;
    verify_get_state(v->hub, true, &v->want);
    verify_get_state(t->cpu, true, &v->got);
    verify_differs(t, &t->tbs[site->tb], v->count, text);
    t->diverged = true;
}

/* Does the translator stand where the hub would have put it for the state that there is now? */
static bool context_right(struct translator *t)
{
    const struct jump_table *table = t->current;
    const struct window *window = mmu_window(t->mmu, t->cpu->cpl == 3);
    uint64_t base = t->rt->window, entry = t->rt->table;
    bool shared = t->shared;
    if (t->mode != mode_compute(t->cpu) || t->window != window)
        return false;
    table_select(t);
    return t->current == table && t->shared == shared && t->rt->window == base &&
           t->rt->table == entry;
}

/* RDTSC gives another result each time: it must lie between what the hub reads before and after. */
static bool counter_right(struct translator *t, uint64_t before)
{
    const struct verify *v = t->verify;
    const struct cpu *cpu = t->cpu;
    uint64_t now = (uint64_t)cpu->gpr[EDX] << 32 | cpu->gpr[EAX];
    uint64_t after = cpu->wires.tsc(cpu->wires.opaque) + cpu->tsc_offset;
    v->hub->gpr[EAX] = cpu->gpr[EAX];
    v->hub->gpr[EDX] = cpu->gpr[EDX];
    return now - before <= after - before;
}

static bool compare(struct translator *t, const struct site *site, uint64_t before)
{
    struct verify *v = t->verify;
    const char *what;
    if (site->quick == QUICK_RDTSC && !counter_right(t, before))
        return differs(t, site, "the counter differs"), false;
    if ((what = cpu_difference(v->hub, t->cpu)))
        return differs(t, site, what), false;
    if (!verify_same_memory(v, v->write_count))
        return differs(t, site, "memory differs"), false;
    if (!context_right(t))
        return differs(t, site, "mode, window or jump table differ"), false;
    return true;
}

bool verify_quick(struct translator *t, uint32_t number)
{
    struct verify *v = t->verify;
    struct cpu *cpu = t->cpu;
    const struct site *site = &t->sites[number];
    if (!site->quick || !t->quick.allowed)
        return false;
    cpu->eip = site->eip;
    bool counter = site->quick == QUICK_RDTSC;
    enum verify_end end = rehearse(t, site);
    if (end == VERIFY_STOP && !counter)
        return false;
    uint64_t before = counter ? cpu->wires.tsc(cpu->wires.opaque) + cpu->tsc_offset : 0;
    if (counter) {
        verify_copy_cpu(v->hub, cpu);
        v->hub->eip = site->eip + site->in.len;
        if (site->in.opcode == 0x01) /* RDTSCP */
            v->hub->gpr[ECX] = cpu->tsc_aux;
    }
    const uint8_t *to = take(t, number);
    verify_settle(t);
    if (!to) {
        const char *what = cpu_difference(v->start, cpu);
        if (what)
            differs(t, site, what);
        return t->diverged;
    }
    t->stats.verified_quick++;
    if (end == VERIFY_EXCEPTION) {
        differs(t, site, "an exception by the hub, none");
        return true;
    }
    if (!compare(t, site, before))
        return true;
    if (site->resume && to == t->rx + site->resume)
        v->resume.code = site->resume;
    else if (to != t->rx + t->current->entry[cpu->eip])
        differs(t, site, "another place");
    return true;
}
