/* What the files of the local APIC share: lapic.c registers, lapic_irq.c interrupts, lapic_timer.c
 * the timer, lapic_path.c what involves neither time nor INTR.  Section numbers are those of the
 * Intel SDM vol. 3A, chapter "APIC". */
#ifndef RINGER_DEVICES_LAPIC_INTERNAL_H
#define RINGER_DEVICES_LAPIC_INTERNAL_H

#include "devices/apic.h"

/* By offset / 16. */
enum reg {
    REG_ID = 0x02,
    REG_VERSION = 0x03,
    REG_TPR = 0x08,
    REG_APR = 0x09,
    REG_PPR = 0x0A,
    REG_EOI = 0x0B,
    REG_REMOTE_READ = 0x0C,
    REG_LDR = 0x0D,
    REG_DFR = 0x0E,
    REG_SVR = 0x0F,
    REG_ISR = 0x10,
    REG_TMR = 0x18,
    REG_IRR = 0x20,
    REG_ESR = 0x28,
    REG_CMCI = 0x2F,
    REG_ICR_LOW = 0x30,
    REG_ICR_HIGH = 0x31,
    REG_LVT_TIMER = 0x32,
    REG_LVT_THERMAL = 0x33,
    REG_LVT_PERF = 0x34,
    REG_LVT_LINT0 = 0x35,
    REG_LVT_LINT1 = 0x36,
    REG_LVT_ERROR = 0x37,
    REG_INITIAL = 0x38,
    REG_CURRENT = 0x39,
    REG_DIVIDE = 0x3E,
};

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

    DIVIDE_WRITABLE = 0x0B,
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

/* ---- lapic_path.c ---- */
/* The highest vector set in BITS, -1: none. */
int lapic_highest(const uint32_t bits[8]);
uint8_t lapic_ppr(const struct lapic *l);
unsigned lapic_lvt_mode(const struct lapic *l, enum lvt n);
/* The vector that is to be delivered next, -1: none. */
int lapic_deliverable(const struct lapic *l);
/* Is INTR to be asserted? */
bool lapic_requests(const struct lapic *l);
/* Register REG without consequences: neither time nor another part of the machine has to be asked,
 * and INTR stays as it is.  False: nothing was done, lapic.c does it all. */
bool lapic_plain_read(const struct lapic *l, unsigned reg, uint32_t *value);
bool lapic_plain_write(struct lapic *l, unsigned reg, uint32_t value);
/* As struct mmio_quick has them. */
bool lapic_quick_read(void *opaque, uint32_t offset, unsigned size, uint32_t *value);
bool lapic_quick_write(void *opaque, uint32_t offset, uint32_t value, unsigned size);

/* ---- lapic_irq.c ---- */
/* INTR follows what is pending: after any change of what it depends on. */
void lapic_update(struct lapic *l);
/* The interrupt of local vector N happens. */
void lapic_local(struct lapic *l, enum lvt n);
void lapic_error(struct lapic *l, uint8_t bit);
void lapic_eoi(struct lapic *l);
/* ICR's lower half was written: send. */
void lapic_send(struct lapic *l);
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
