/* Interrupts in the local APIC: acceptance, priorities, acknowledge and end (SDM vol. 3A, "Local
 * Interrupts", "Issuing Interprocessor Interrupts", "Handling Interrupts"). */
#include "devices/lapic_internal.h"
#include "ringer/log.h"

enum {
    LOWEST_LEGAL = 16,
    SHORTHAND_SHIFT = 18,
    LOGICAL = 1 << 11,
    ASSERT = 1 << 14,
    LEVEL = 1 << 15
};

static void set_bit(uint32_t bits[8], uint8_t vector, bool on)
{
    if (on)
        bits[vector >> 5] |= 1u << (vector & 31);
    else
        bits[vector >> 5] &= ~(1u << (vector & 31));
}

static bool bit_is_set(const uint32_t bits[8], uint8_t vector)
{
    return bits[vector >> 5] >> (vector & 31) & 1;
}

void lapic_update(struct lapic *l)
{
    uint8_t level = lapic_requests(l);

    if (level == l->intr_level)
        return;
    l->intr_level = level;
    irq_set(&l->intr, level);
}

int lapic_intack(struct lapic *l)
{
    int vector;

    if (!lapic_hardware_enabled(l))
        return -1;
    vector = lapic_deliverable(l);
    if (vector >= 0) {
        set_bit(l->irr, (uint8_t)vector, false);
        set_bit(l->isr, (uint8_t)vector, true);
    } else if (!lapic_extint(l) && lapic_software_enabled(l)) {
        vector = l->svr & 0xFF; /* raised the priority since: "Spurious Interrupt" */
    }
    lapic_update(l);
    return vector;
}

/* ---- acceptance ---- */

static void accept(struct lapic *l, uint8_t vector, bool level)
{
    if (vector < LOWEST_LEGAL) {
        lapic_error(l, ESR_RECEIVE_ILLEGAL);
        return;
    }
    set_bit(l->irr, vector, true);
    set_bit(l->tmr, vector, level);
    lapic_update(l);
}

static void pulse(const struct irq_line *line)
{
    irq_set(line, 1);
    irq_set(line, 0);
}

static void take(struct lapic *l, unsigned delivery, uint8_t vector, bool level)
{
    switch (delivery) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (lapic_software_enabled(l))
            accept(l, vector, level);
        break;
    case APIC_NMI:
        pulse(&l->nmi);
        break;
    case APIC_INIT:
        pulse(&l->init);
        break;
    case APIC_SMI:
        log_unimp(l->log, "local APIC: system management interrupt");
        break;
    case APIC_STARTUP: /* for a processor that waits for it after INIT: this one starts by itself */
    default:
        break;
    }
}

static bool addressed(const struct lapic *l, const struct apic_message *m)
{
    uint8_t logical = (uint8_t)(l->ldr >> 24);

    if (m->destination == 0xFF)
        return true;
    if (!m->logical)
        return m->destination == l->id >> 24;
    if (l->dfr >> 28 == 0xF) /* flat model */
        return logical & m->destination;
    /* cluster model: cluster number and a set of its members */
    return (m->destination >> 4 == logical >> 4 || m->destination >> 4 == 0xF) &&
           (m->destination & logical & 0xF);
}

bool lapic_deliver(struct lapic *l, const struct apic_message *m)
{
    bool fixed = m->delivery == APIC_FIXED || m->delivery == APIC_LOWEST;

    if (!lapic_hardware_enabled(l) || !addressed(l, m) || (fixed && !lapic_software_enabled(l)))
        return false;
    take(l, m->delivery, m->vector, m->level);
    return true;
}

/* ---- local interrupts ---- */

void lapic_local(struct lapic *l, enum lvt n)
{
    if (!lapic_hardware_enabled(l) || (l->lvt[n] & LVT_MASKED))
        return;
    /* The timer and the error interrupt have no delivery mode: it reads as fixed. */
    take(l, lapic_lvt_mode(l, n), (uint8_t)l->lvt[n], false);
}

void lapic_error(struct lapic *l, uint8_t bit)
{
    if (l->errors & bit)
        return;
    l->errors |= bit;
    /* An illegal vector there must not lead back here for good: its bit is set by now. */
    lapic_local(l, LVT_ERROR);
}

/* A level-sensitive LINT0 with fixed delivery asks again after each EOI while it is high. */
void lapic_lint_changed(struct lapic *l, enum lvt n)
{
    uint32_t *lvt = &l->lvt[n];

    if (n == LVT_LINT0 && l->line[0] && lapic_hardware_enabled(l) && (*lvt & LVT_LEVEL) &&
        !(*lvt & (LVT_MASKED | LVT_REMOTE_IRR)) && lapic_lvt_mode(l, n) == APIC_FIXED) {
        *lvt |= LVT_REMOTE_IRR;
        take(l, APIC_FIXED, (uint8_t)*lvt, true);
    }
    lapic_update(l);
}

static void set_lint(void *opaque, int n, int level)
{
    struct lapic *l = opaque;
    enum lvt lvt = n ? LVT_LINT1 : LVT_LINT0;
    bool rises = level && !l->line[n];

    l->line[n] = level != 0;
    if (rises && !lapic_hardware_enabled(l)) {
        if (n == 1)
            pulse(&l->nmi); /* the pin is NMI */
    } else if (rises && lapic_lvt_mode(l, lvt) == APIC_FIXED &&
               !(n == 0 && l->lvt[lvt] & LVT_LEVEL)) {
        lapic_local(l, lvt);
    } else if (rises && lapic_lvt_mode(l, lvt) != APIC_FIXED) {
        lapic_local(l, lvt);
    }
    lapic_lint_changed(l, lvt);
}

struct irq_line lapic_lint(struct lapic *l, int n)
{
    return (struct irq_line){set_lint, l, n};
}

static void set_extint(void *opaque, int n, int level)
{
    struct lapic *l = opaque;

    (void)n;
    l->bus_extint = level != 0;
    lapic_update(l);
}

struct irq_line lapic_extint_line(struct lapic *l)
{
    return (struct irq_line){set_extint, l, 0};
}

/* ---- EOI and ICR ---- */

void lapic_eoi(struct lapic *l)
{
    int vector = lapic_highest(l->isr);
    uint32_t *lint = &l->lvt[LVT_LINT0];

    if (vector < 0)
        return;
    set_bit(l->isr, (uint8_t)vector, false);
    if (bit_is_set(l->tmr, (uint8_t)vector)) {
        if (l->eoi)
            l->eoi(l->eoi_opaque, (uint8_t)vector);
        if ((*lint & LVT_REMOTE_IRR) && (*lint & 0xFF) == (uint32_t)vector) {
            *lint &= ~(uint32_t)LVT_REMOTE_IRR;
            lapic_lint_changed(l, LVT_LINT0);
        }
    }
    lapic_update(l);
}

void lapic_send(struct lapic *l)
{
    struct apic_message m = {
        .destination = (uint8_t)(l->icr[1] >> 24),
        .logical = l->icr[0] & LOGICAL,
        .delivery = l->icr[0] >> LVT_MODE_SHIFT & 7,
        .vector = (uint8_t)l->icr[0],
    };
    bool fixed = m.delivery == APIC_FIXED || m.delivery == APIC_LOWEST;

    if (fixed && m.vector < LOWEST_LEGAL) {
        lapic_error(l, ESR_SEND_ILLEGAL);
        return;
    }
    if (m.delivery == APIC_INIT && (l->icr[0] & (ASSERT | LEVEL)) == LEVEL)
        return; /* INIT level de-assert: arbitration priorities, which mean nothing here */
    switch (l->icr[0] >> SHORTHAND_SHIFT & 3) {
    case 0:
        lapic_deliver(l, &m);
        break;
    case 1: /* self: the manual has fixed delivery only; INIT does what it says */
        if (m.delivery == APIC_INIT)
            take(l, m.delivery, m.vector, false);
        /* fall through */
    case 2: /* all: INIT and the rest would go to the others alone */
        if (fixed || m.delivery == APIC_NMI)
            take(l, m.delivery, m.vector, false);
        break;
    case 3: /* all but self: there is nobody else */
        break;
    }
}
