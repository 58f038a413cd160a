/* Which process has the low place (mmu/low.c).
 *
 * One that runs long takes it from whoever is there, once it has run for so long that, if it does
 * so again, it gains what its pages cost to come in again.  One that begins has none, and may take
 * the place if nobody needs it; but most end before it gains them anything, so that is done for as
 * long as it has paid for others. */
#include "cpu/model.h"
#include "ringer/trace.h"
#include "translator/internal.h"

/* ns for each mapping that goes; the time in which a process gains what a move cost, in such. */
enum { REFILL = 2000, GAIN = 20 };

/* Processes that take the place as they begin: so many for each one that a kick finds there. */
enum { CREDIT = 4, CREDIT_MOST = 8 };

void lower_init(struct translator *t)
{
    /* AMD's processors do not mind a segment's base. */
    t->lower.wanted = t->cpu->model->intel_host || t->options.long_at_once;
}

static void see(struct lower *l, const struct window *w)
{
    l->seen = w;
    l->since = trace_now();
    l->paid = false;
}

static void pay(struct lower *l)
{
    if (!l->paid)
        l->credit = l->credit + CREDIT > CREDIT_MOST ? CREDIT_MOST : l->credit + CREDIT;
    l->paid = true;
}

/* The window may be elsewhere now: select_context. */
static void moved(struct translator *t)
{
    t->cpu->mode_changed = 1;
}

void lower_begin(struct translator *t)
{
    t->lower.begins = false;
    if (t->cpu->cpl < 3 || !t->lower.wanted)
        return;
    struct window *w = mmu_window(t->mmu, true);
    see(&t->lower, w);
    if (!t->lower.credit || !mmu_low_vacant(t->mmu) || !mmu_lower(t->mmu, w))
        return;
    t->lower.credit--;
    moved(t);
}

void lower_after_kick(struct translator *t)
{
    struct lower *l = &t->lower;
    struct window *w = t->window;
    if (mmu_low_unfit(t->mmu)) {
        mmu_raise(t->mmu);
        moved(t);
    }
    if (!w || t->cpu->cpl < 3 || t->cpu->mode_changed || !t->lower.wanted)
        return;
    if (w != l->seen)
        see(l, w);
    uint64_t ran = trace_now() - l->since, cost = (uint64_t)mmu_low_count(t->mmu, w) * REFILL;
    if (ran < cost * GAIN && !t->options.long_at_once)
        return;
    pay(l);
    if (mmu_lower(t->mmu, w))
        moved(t);
}
