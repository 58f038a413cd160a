/* The local APIC's registers and life (SDM vol. 3A, chapter "Advanced Programmable Interrupt
 * Controller", table 11-1).
 *
 * A machine of one processor has no bus to arbitrate: delivery status bits read as idle, and the
 * arbitration and remote read registers as zero.  The polarity bits of the pins are kept, but the
 * wires of the board are logical: "asserted" is what a driver means, in whatever polarity software
 * believes them to be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/lapic_internal.h"
#include "ringer/log.h"

enum {
    ICR_WRITABLE = 0x000CCFFF,
    SVR_WRITABLE = 0x3FF,
    LVT_EXTINT = APIC_EXTINT << LVT_MODE_SHIFT,
};

/* ---- registers ---- */

/* Writable bits of each local vector; the timer's and the error's have no delivery mode, the pins'
 * alone a polarity and a trigger mode. */
static uint32_t lvt_writable(const struct lapic *l, enum lvt n)
{
    switch (n) {
    case LVT_TIMER:
        return l->config.deadline ? 0x000700FF : 0x000300FF;
    case LVT_ERROR:
        return 0x000100FF;
    case LVT_PERF:
    case LVT_THERMAL:
        return 0x000107FF;
    default:
        return 0x0001A7FF;
    }
}

/* Which local vector register REG is, LVTS: none (of this version of the APIC). */
static enum lvt lvt_of(const struct lapic *l, unsigned reg)
{
    switch (reg) {
    case REG_LVT_TIMER:
        return LVT_TIMER;
    case REG_LVT_LINT0:
        return LVT_LINT0;
    case REG_LVT_LINT1:
        return LVT_LINT1;
    case REG_LVT_ERROR:
        return LVT_ERROR;
    case REG_LVT_PERF:
        return l->config.last_lvt >= 4 ? LVT_PERF : LVTS;
    case REG_LVT_THERMAL:
        return l->config.last_lvt >= 5 ? LVT_THERMAL : LVTS;
    default:
        return LVTS;
    }
}

static uint32_t read_register(struct lapic *l, unsigned reg)
{
    enum lvt lvt = lvt_of(l, reg);
    uint32_t value;

    if (lapic_plain_read(l, reg, &value))
        return value;
    if (lvt != LVTS) {
        if (lvt == LVT_TIMER)
            lapic_timer_sync(l);
        return l->lvt[lvt];
    }
    if (reg == REG_CURRENT)
        return lapic_timer_count(l);
    lapic_error(l, ESR_ILLEGAL_REGISTER);
    return 0;
}

static void write_lvt(struct lapic *l, enum lvt n, uint32_t value)
{
    uint32_t mask = lvt_writable(l, n);

    value = (value & mask) | (l->lvt[n] & LVT_REMOTE_IRR);
    if (!lapic_software_enabled(l))
        value |= LVT_MASKED;
    if (n == LVT_TIMER) {
        lapic_timer_lvt(l, value);
        return;
    }
    l->lvt[n] = value;
    if (n == LVT_LINT0 && !(value & LVT_LEVEL))
        l->lvt[n] &= ~(uint32_t)LVT_REMOTE_IRR;
    lapic_lint_changed(l, n);
}

/* "Local APIC State After It Has Been Software Disabled": all local vectors are masked. */
static void write_svr(struct lapic *l, uint32_t value)
{
    l->svr = value & SVR_WRITABLE;
    if (!lapic_software_enabled(l)) {
        lapic_timer_sync(l);
        for (unsigned n = 0; n < LVTS; n++)
            l->lvt[n] |= LVT_MASKED;
        lapic_timer_arm(l);
    }
    lapic_update(l);
}

static void write_register(struct lapic *l, unsigned reg, uint32_t value)
{
    enum lvt lvt = lvt_of(l, reg);

    if (lapic_plain_write(l, reg, value))
        return;
    if (lvt != LVTS) {
        write_lvt(l, lvt, value);
        return;
    }
    switch (reg) {
    case REG_EOI:
        lapic_eoi(l);
        break;
    case REG_TPR:
        l->tpr = (uint8_t)value;
        lapic_update(l);
        break;
    case REG_ICR_LOW:
        l->icr[0] = value & ICR_WRITABLE;
        lapic_send(l);
        break;
    case REG_INITIAL:
        lapic_timer_start(l, value);
        break;
    case REG_DIVIDE:
        lapic_timer_divide(l, (uint8_t)value);
        break;
    case REG_SVR:
        write_svr(l, value);
        break;
    default:
        lapic_error(l, ESR_ILLEGAL_REGISTER);
        break;
    }
}

/* Registers are 32 bits wide on 16-byte borders and to be accessed as such; what else processors
 * do is up to them.  Here parts can be read, and writes of other shapes are dropped. */
static uint32_t lapic_read(void *opaque, uint32_t offset, unsigned size)
{
    if ((offset & 15) + size > 4)
        return 0;
    return read_register(opaque, offset >> 4) >> 8 * (offset & 3);
}

static void lapic_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct lapic *l = opaque;

    if (offset & 15 || size != 4)
        log_guest_error(l->log, "local APIC: %u-byte write at offset %03x", size, offset);
    else
        write_register(l, offset >> 4, value);
}

static const struct mmio_ops lapic_ops = {lapic_read, lapic_write, 4};
static const struct mmio_quick lapic_quick = {lapic_quick_read, lapic_quick_write};

/* ---- life ---- */

static void place(struct lapic *l)
{
    uint64_t frame = l->base & ~0xFFFull;

    phys_enable(l->phys, l->region, false);
    if (frame >> 32)
        return; /* beyond what is decoded */
    phys_move(l->phys, l->region, (uint32_t)frame);
    phys_enable(l->phys, l->region, lapic_hardware_enabled(l));
}

/* "Local APIC State After Power-Up or Reset".  LINT0 passes the 8259A's interrupts on, which the
 * manual leaves to the BIOS: a ROM that knows no APIC gets them, too. */
void lapic_init_reset(struct lapic *l)
{
    vtimer_cancel(l->clock, &l->timer);
    memset(l->irr, 0, sizeof l->irr);
    memset(l->isr, 0, sizeof l->isr);
    memset(l->tmr, 0, sizeof l->tmr);
    for (unsigned n = 0; n < LVTS; n++)
        l->lvt[n] = LVT_MASKED;
    l->lvt[LVT_LINT0] = LVT_EXTINT;
    l->icr[0] = l->icr[1] = 0;
    l->ldr = 0;
    l->dfr = 0xFFFFFFFF;
    l->svr = 0xFF;
    l->tpr = l->esr = l->errors = l->divide = 0;
    l->initial = 0;
    l->running = 0;
    l->started = l->deadline = 0;
    lapic_update(l);
}

static void lapic_reset(void *dev)
{
    struct lapic *l = dev;

    l->id = 0;
    lapic_init_reset(l);
}

void lapic_set_base(struct lapic *l, uint64_t base)
{
    bool was = lapic_hardware_enabled(l);

    if (base == l->base)
        return;
    l->base = base;
    place(l);
    if (was && !lapic_hardware_enabled(l))
        lapic_init_reset(l);
    lapic_update(l);
}

static void lapic_loaded(void *dev)
{
    struct lapic *l = dev;

    if (!l->initial)
        l->running = 0;
    place(l);
    lapic_timer_arm(l);
    irq_set(&l->intr, l->intr_level);
}

static const struct field lapic_fields[] = {
    FIELD(struct lapic, base),       FIELD(struct lapic, id),
    FIELD(struct lapic, ldr),        FIELD(struct lapic, dfr),
    FIELD(struct lapic, svr),        FIELD_ARRAY(struct lapic, lvt),
    FIELD_ARRAY(struct lapic, icr),  FIELD_ARRAY(struct lapic, irr),
    FIELD_ARRAY(struct lapic, isr),  FIELD_ARRAY(struct lapic, tmr),
    FIELD(struct lapic, tpr),        FIELD(struct lapic, esr),
    FIELD(struct lapic, errors),     FIELD_ARRAY(struct lapic, line),
    FIELD(struct lapic, bus_extint), FIELD(struct lapic, intr_level),
    FIELD(struct lapic, divide),     FIELD(struct lapic, running),
    FIELD(struct lapic, initial),    FIELD(struct lapic, started),
    FIELD(struct lapic, deadline),   FIELD_END,
};

static const struct device_class lapic_class = {
    .name = "lapic",
    .fields = lapic_fields,
    .reset = lapic_reset,
    .loaded = lapic_loaded,
    .free = free,
};

void lapic_on_eoi(struct lapic *l, void (*fn)(void *opaque, uint8_t vector), void *opaque)
{
    l->eoi = fn;
    l->eoi_opaque = opaque;
}

struct lapic *lapic_init(struct board *board, const struct lapic_config *config,
                         struct irq_line intr, struct irq_line nmi, struct irq_line init)
{
    struct lapic *l = device_alloc(sizeof *l);

    l->clock = board->clock;
    l->phys = board->phys;
    l->log = board->log;
    l->config = *config;
    l->intr = intr;
    l->nmi = nmi;
    l->init = init;
    l->base = LAPIC_BASE | APIC_BASE_ENABLED;
    vtimer_init(&l->timer, "local APIC timer", lapic_timer_fired, l);
    l->region = phys_map_mmio(board->phys, "lapic", LAPIC_BASE, PAGE_SIZE, &lapic_ops, l);
    phys_set_quick(board->phys, l->region, &lapic_quick);
    lapic_reset(l);
    device_add(board->devices, &lapic_class, l);
    return l;
}

/* ---- for people ---- */

static void describe_lvt(const struct lapic *l, enum lvt n, void (*line)(void *, const char *),
                         void *opaque)
{
    static const char *const names[LVTS] = {"LVTT", "LVT0", "LVT1", "LVTERR", "LVTPC", "LVTTHMR"};
    static const char *const modes[8] = {"Fixed", "Lowest", "SMI",  "3",
                                         "NMI",   "INIT",   "SIPI", "ExtINT"};
    static const char *const timers[4] = {"one-shot", "periodic", "tsc-deadline", "?"};
    uint32_t lvt = l->lvt[n];
    unsigned mode = lvt >> LVT_MODE_SHIFT & 7;
    char text[128];

    snprintf(text, sizeof text, "%-8s 0x%08x %-9s %-5s %-6s %-12s %s (vec %u)", names[n], lvt,
             lvt & 1 << 13 ? "active-lo" : "active-hi", lvt & LVT_LEVEL ? "level" : "edge",
             lvt & LVT_MASKED ? "masked" : "", n == LVT_TIMER ? timers[lapic_timer_mode(l)] : "",
             modes[mode], lvt & 0xFF);
    line(opaque, text);
}

static void describe_vectors(const char *name, const uint32_t bits[8],
                             void (*line)(void *, const char *), void *opaque)
{
    char text[1152];
    size_t n = (size_t)snprintf(text, sizeof text, "%-8s", name);

    for (unsigned v = 0; v < 256; v++)
        if (bits[v >> 5] >> (v & 31) & 1)
            n += (size_t)snprintf(text + n, sizeof text - n, " %u", v);
    if (lapic_highest(bits) < 0)
        snprintf(text + n, sizeof text - n, " (none)");
    line(opaque, text);
}

void lapic_describe(struct lapic *l, void (*line)(void *, const char *), void *opaque)
{
    static const enum lvt order[] = {LVT_LINT0, LVT_LINT1,   LVT_PERF,
                                     LVT_ERROR, LVT_THERMAL, LVT_TIMER};
    unsigned code = (l->divide & 3) | (l->divide >> 1 & 4);
    char text[160];

    snprintf(text, sizeof text, "dumping local APIC state for CPU %u, base %09llx%s", l->id >> 24,
             (unsigned long long)(l->base & ~0xFFFull),
             lapic_hardware_enabled(l) ? "" : ", disabled");
    line(opaque, text);
    for (unsigned i = 0; i < LVTS; i++)
        describe_lvt(l, order[i], line, opaque);
    snprintf(text, sizeof text,
             "Timer    DCR=0x%x (divide by %u) initial_count = %u current_count = %u", l->divide,
             1u << ((code + 1) & 7), l->initial, lapic_timer_count(l));
    line(opaque, text);
    snprintf(text, sizeof text, "SPIV     0x%08x APIC %s, spurious vec %u", l->svr,
             lapic_software_enabled(l) ? "enabled" : "disabled", l->svr & 0xFF);
    line(opaque, text);
    snprintf(text, sizeof text, "ICR      0x%08x ICR2 0x%08x ESR 0x%08x", l->icr[0], l->icr[1],
             l->esr);
    line(opaque, text);
    describe_vectors("ISR", l->isr, line, opaque);
    describe_vectors("IRR", l->irr, line, opaque);
    snprintf(text, sizeof text, "TPR 0x%02x PPR 0x%02x DFR 0x%08x LDR 0x%08x", l->tpr, lapic_ppr(l),
             l->dfr, l->ldr);
    line(opaque, text);
}
