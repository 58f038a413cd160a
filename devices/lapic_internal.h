/* What the files of the local APIC share: lapic.c registers, lapic_irq.c interrupts, lapic_timer.c
 * the timer.  Section numbers are those of the Intel SDM vol. 3A, chapter "APIC". */
#ifndef RINGER_DEVICES_LAPIC_INTERNAL_H
#define RINGER_DEVICES_LAPIC_INTERNAL_H

#include "devices/apic.h"

enum lvt { LVT_TIMER, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_PERF, LVT_THERMAL, LVTS };

enum {
    LVT_MASKED = 1 << 16,
    LVT_LEVEL = 1 << 15,
    LVT_REMOTE_IRR = 1 << 14,
    LVT_MODE_SHIFT = 8,
    LVT_TIMER_SHIFT = 17,

    TIMER_ONE_SHOT = 0,
    TIMER_PERIODIC = 1,
    TIMER_DEADLINE = 2,

    SVR_ENABLED = 1 << 8,

    ESR_SEND_ILLEGAL = 1 << 5,
    ESR_RECEIVE_ILLEGAL = 1 << 6,
    ESR_ILLEGAL_REGISTER = 1 << 7,
};

#define APIC_BASE_ENABLED (1ull << 11)

struct lapic {
    struct vclock *clock;
    struct phys *phys;
    struct log *log;
    struct lapic_config config;
    struct irq_line intr, nmi, init;
    void (*eoi)(void *opaque, uint8_t vector);
    void *eoi_opaque;
    int region;
    struct vtimer timer;

    uint64_t base; /* IA32_APIC_BASE */
    uint32_t id, ldr, dfr, svr;
    uint32_t lvt[LVTS], icr[2];
    uint32_t irr[8], isr[8], tmr[8];
    uint8_t tpr;
    uint8_t esr, errors; /* as software reads it; gathered since it was written */
    uint8_t line[2];     /* LINT0, LINT1 */
    uint8_t bus_extint;  /* the I/O APIC passes the 8259A's request on */
    uint8_t intr_level;
    uint8_t divide;  /* the register */
    uint8_t running; /* one-shot and periodic: the count has not ended */
    uint32_t initial;
    uint64_t started;  /* ns: when INITIAL began to count down */
    uint64_t deadline; /* ns; 0: none */
};

static inline bool lapic_hardware_enabled(const struct lapic *l)
{
    return l->base & APIC_BASE_ENABLED;
}

static inline bool lapic_software_enabled(const struct lapic *l)
{
    return l->svr & SVR_ENABLED;
}

/* ---- lapic_irq.c ---- */
/* INTR follows what is pending: after any change of what it depends on. */
void lapic_update(struct lapic *l);
/* The interrupt of local vector N happens. */
void lapic_local(struct lapic *l, enum lvt n);
void lapic_error(struct lapic *l, uint8_t bit);
void lapic_eoi(struct lapic *l);
/* ICR's lower half was written: send. */
void lapic_send(struct lapic *l);
uint8_t lapic_ppr(const struct lapic *l);
/* The highest vector set in BITS, -1: none. */
int lapic_highest(const uint32_t bits[8]);
/* A local vector's register changed: level-sensitive pins may have something to say. */
void lapic_lint_changed(struct lapic *l, enum lvt n);

/* ---- lapic_timer.c ---- */
unsigned lapic_timer_mode(const struct lapic *l);
uint32_t lapic_timer_count(struct lapic *l);
void lapic_timer_start(struct lapic *l, uint32_t initial);
void lapic_timer_divide(struct lapic *l, uint8_t divide);
void lapic_timer_lvt(struct lapic *l, uint32_t value);
/* What the host was late for happens now. */
void lapic_timer_sync(struct lapic *l);
void lapic_timer_arm(struct lapic *l);
void lapic_timer_fired(void *opaque);

#endif
