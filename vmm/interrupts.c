/* Interrupts between the board and the CPU: which controllers there are and which wire goes where.
 *
 * A device's interrupt is an ISA interrupt or a PIRQ; each goes to the 8259As as well as to the I/O
 * APIC, and the guest programs the one that it wants to hear. */
#include "cpu/model.h"
#include "vmm/private.h"

/* ---- to the CPU ---- */

/* VECTOR was accepted: how long has it waited since INTR rose, at SINCE?  That is from before the
 * acknowledge, which lets INTR fall. */
static void count_interrupt(struct machine *m, uint8_t vector, uint64_t since)
{
    struct machine_private *p = m->private;
    uint64_t now = machine_host_ns(), waited = since ? now - since : 0;

    p->interrupts[vector]++;
    p->interrupt_wait[vector] += waited;
    if (waited > p->interrupt_longest[vector])
        p->interrupt_longest[vector] = waited;
    p->intr_since = p->intr_since ? now : 0; /* for what waits behind it */
}

static int wire_intack(void *opaque)
{
    struct machine *m = opaque;
    uint64_t since = m->private->intr_since;
    int vector = m->lapic ? lapic_intack(m->lapic) : -1;

    if (vector < 0 && (!m->lapic || lapic_extint(m->lapic)))
        vector = pic_intack(m->pic);
    if (vector >= 0)
        count_interrupt(m, (uint8_t)vector, since);
    return vector;
}

static void wire_intr(void *opaque, int n, int level)
{
    struct machine *m = opaque;

    (void)n;
    if (level && !m->private->intr_since)
        m->private->intr_since = machine_host_ns();
    else if (!level)
        m->private->intr_since = 0;
    if (level)
        machine_raise_event(m, EVENT_INTR);
    else
        __atomic_fetch_and(&m->cpu->event, ~(uint32_t)EVENT_INTR, __ATOMIC_SEQ_CST);
}

static void wire_nmi(void *opaque, int n, int level)
{
    (void)n;
    if (level)
        machine_raise_event(opaque, EVENT_NMI);
}

static void wire_apic_base(void *opaque, uint64_t base)
{
    struct machine *m = opaque;

    if (m->lapic) /* there is none yet when the CPU is made */
        lapic_set_base(m->lapic, base);
}

static void wire_set_deadline(void *opaque, uint64_t ticks)
{
    struct machine *m = opaque;

    if (m->lapic)
        lapic_set_deadline(m->lapic, ticks);
}

static uint64_t wire_deadline(void *opaque)
{
    struct machine *m = opaque;

    return m->lapic ? lapic_deadline(m->lapic) : 0;
}

/* ---- from the devices ---- */

/* An interrupt of the ISA bus goes to both kinds of controllers; the 8254's has another input of
 * the I/O APIC, and none can be on its input 2 or the 8259A's. */
static void wire_irq(void *opaque, int irq, int level)
{
    struct machine *m = opaque;

    if (m->private->sleep && level && (irq == 1 || irq == 12))
        piix_pm_wakeup(m->pm); /* a key or the mouse */
    if (irq < 16) /* test devices drive the others, too */
        pic_set_irq(m->pic, irq, level);
    if (m->ioapic && irq != 2)
        ioapic_set_pin(m->ioapic, irq ? irq : IOAPIC_PIN_TIMER, level);
}

struct irq_line machine_irq(struct machine *m, int irq)
{
    return (struct irq_line){wire_irq, m, irq};
}

/* PIRQs go through the ISA bridge to an ISA interrupt, and to inputs of their own. */
static void wire_pirq(void *opaque, int pirq, int level)
{
    struct machine *m = opaque;

    if (m->ioapic)
        ioapic_set_pin(m->ioapic, IOAPIC_PIN_PIRQA + pirq, level);
}

struct irq_line machine_pirqs(struct machine *m)
{
    return (struct irq_line){wire_pirq, m, 0};
}

/* The clock's interrupt is an event of power management as well, even where the HPET has its place.
 */
static void wire_clock(void *opaque, int n, int level)
{
    struct machine *m = opaque;
    struct irq_line line = m->hpet ? hpet_legacy_line(m->hpet, 1) : machine_irq(m, 8);

    (void)n;
    if (m->pm && level)
        piix_pm_rtc(m->pm);
    irq_set(&line, level);
}

static void wire_hpet(void *opaque, int n, int level)
{
    struct machine *m = opaque;

    if (n < 16)
        wire_irq(m, n, level);
    else if (m->ioapic)
        ioapic_set_pin(m->ioapic, n, level);
}

/* The 8259A's request: to the processor, or to the APICs. */
static void wire_pic(void *opaque, int n, int level)
{
    struct machine *m = opaque;
    struct irq_line lint0 = lapic_lint(m->lapic, 0);

    (void)n;
    irq_set(&lint0, level);
    if (m->ioapic)
        ioapic_set_pin(m->ioapic, IOAPIC_PIN_EXTINT, level);
}

static void wire_ferr(void *opaque, bool level)
{
    struct machine *m = opaque;

    wire_irq(m, 13, level);
}

/* ---- the controllers ---- */

/* The local APIC of a model: as in silicon. */
static bool lapic_of_model(const struct cpu_model *model, struct lapic_config *config)
{
    unsigned family = model->signature >> 8 & 15;

    *config = (struct lapic_config){.version = 0x14, .last_lvt = 5};
    if (family == 5)
        *config = (struct lapic_config){.version = 0x10, .last_lvt = 3};
    else if (family == 6 && !cpu_has(model, FEAT_SSE2))
        *config = (struct lapic_config){.version = 0x11, .last_lvt = 4};
    config->deadline = cpu_has(model, FEAT_TSC_DEADLINE);
    return cpu_has(model, FEAT_APIC);
}

/* Interrupt controllers and what the HPET takes the place of.  A CPU without local APIC has nobody
 * to hear the I/O APIC. */
void machine_build_interrupts(struct machine *m, struct irq_line init)
{
    struct board *b = &m->board;
    const struct irq_line intr = {wire_intr, m, 0}, nmi = {wire_nmi, m, 0};
    const struct irq_line pic = {wire_pic, m, 0};
    struct lapic_config lapic;

    if (lapic_of_model(m->cpu->model, &lapic)) {
        m->lapic = lapic_init(b, &lapic, intr, nmi, init);
        m->ioapic = ioapic_init(b, m->lapic);
    }
    m->pic = pic_init(b, m->lapic ? pic : intr);
    if (!m->config.no_hpet)
        m->hpet = hpet_init(b, (struct irq_line){wire_hpet, m, 0});
    m->pit = pit_init(b, m->hpet ? hpet_legacy_line(m->hpet, 0) : machine_irq(m, 0));
    m->rtc = rtc_init(b, (struct irq_line){wire_clock, m, 0}, m->config.rtc_epoch);
}

void machine_wire_interrupts(struct cpu_wires *wires)
{
    wires->intack = wire_intack;
    wires->ferr = wire_ferr;
    wires->apic_base = wire_apic_base;
    wires->set_deadline = wire_set_deadline;
    wires->deadline = wire_deadline;
}
