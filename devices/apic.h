/* The advanced interrupt controllers and the HPET: what the machine composes them by. */
#ifndef RINGER_DEVICES_APIC_H
#define RINGER_DEVICES_APIC_H

#include "devices/pc.h"

#define LAPIC_BASE  0xFEE00000u
#define IOAPIC_BASE 0xFEC00000u
#define HPET_BASE   0xFED00000u

enum {
    IOAPIC_PINS = 24,
    IOAPIC_ID = 1,         /* as POST sets it and the firmware's tables say */
    IOAPIC_PIN_TIMER = 2,  /* where the 8254 (ISA's IRQ 0) is wired to */
    IOAPIC_PIN_EXTINT = 0, /* the 8259A's output */
    IOAPIC_PIN_PIRQA = 16, /* PIRQA# to PIRQD# */
    LAPIC_TICK_NS = 10,    /* the timer counts a bus clock of 100 MHz */
};

/* How an interrupt is delivered (SDM vol. 3A table 11-17 and figure 11-12). */
enum apic_delivery {
    APIC_FIXED,
    APIC_LOWEST,
    APIC_SMI,
    APIC_NMI = 4,
    APIC_INIT,
    APIC_STARTUP,
    APIC_EXTINT,
};

/* A message between APICs. */
struct apic_message {
    uint8_t destination;
    bool logical;     /* DESTINATION is a set of logical APICs, not an APIC's number */
    uint8_t delivery; /* enum apic_delivery */
    uint8_t vector;
    bool level;
};

/* --- local APIC of processor 0 (devices/lapic*.c) --- */
struct lapic;
struct lapic_config {
    uint8_t version;
    uint8_t last_lvt; /* index of the last local vector: 3 Pentium, 4 P6, 5 Pentium 4 */
    bool deadline;    /* the timer has its TSC-deadline mode */
};
/* INTR follows "there is something to acknowledge" as a level; NMI and INIT are pulsed. */
struct lapic *lapic_init(struct board *board, const struct lapic_config *config,
                         struct irq_line intr, struct irq_line nmi, struct irq_line init);
/* The pins LINT0 (the 8259A) and LINT1 (NMI). */
struct irq_line lapic_lint(struct lapic *l, int n);
/* INTA: the vector, which goes into service; the spurious one when the request has gone; -1: it
 * is the 8259A that must answer (or nobody: see lapic_extint). */
int lapic_intack(struct lapic *l);
bool lapic_extint(const struct lapic *l); /* the 8259A's request gets through to the processor */
/* IA32_APIC_BASE was written: page frame, bit 11 enables. */
void lapic_set_base(struct lapic *l, uint64_t base);
/* IA32_TSC_DEADLINE in virtual time (ns), 0: not armed.  Ignored outside its mode. */
void lapic_set_deadline(struct lapic *l, uint64_t ns);
uint64_t lapic_deadline(struct lapic *l);
/* INIT: as RESET#, but that the APIC keeps its number. */
void lapic_init_reset(struct lapic *l);
/* A message from the bus; false: nobody took it. */
bool lapic_deliver(struct lapic *l, const struct apic_message *message);
/* Who hears of the end of a level-triggered interrupt. */
void lapic_on_eoi(struct lapic *l, void (*fn)(void *opaque, uint8_t vector), void *opaque);
/* The wire by which the I/O APIC passes the 8259A's request on. */
struct irq_line lapic_extint_line(struct lapic *l);
void lapic_describe(struct lapic *l, void (*line)(void *, const char *), void *opaque);

/* --- 82093AA I/O APIC (devices/ioapic.c) --- */
struct ioapic;
struct ioapic *ioapic_init(struct board *board, struct lapic *lapic);
void ioapic_set_pin(void *ioapic, int pin, int level); /* irq_line-shaped; LEVEL: asserted */
static inline struct irq_line ioapic_line(struct ioapic *io, int pin)
{
    return (struct irq_line){ioapic_set_pin, io, pin};
}
void ioapic_describe(struct ioapic *io, void (*line)(void *, const char *), void *opaque);

/* --- IA-PC HPET, three timers (devices/hpet.c) --- */
struct hpet;
/* IRQS.set(opaque, N, level) takes interrupts of the I/O APIC's numbering, but for ISA's IRQ 0,
 * which is 0. */
struct hpet *hpet_init(struct board *board, struct irq_line irqs);
/* In legacy replacement mode the timers 0 and 1 have the 8254's and the clock's interrupts: those
 * go through here.  N: 0 the 8254, 1 the clock. */
struct irq_line hpet_legacy_line(struct hpet *h, int n);

#endif
