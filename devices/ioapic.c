/* 82093AA I/O APIC (Intel datasheet 290566): 24 inputs, each with an entry of its redirection
 * table, whose messages go to the local APIC.
 *
 * Inputs are logical: ioapic_set_pin says whether the device asserts its interrupt, in whatever
 * polarity the wire is.  The polarity bit of an entry is kept and read back, but not applied:
 * systems that get it wrong are known, and a device's interrupt should not depend on it. */
#include <stdio.h>
#include <stdlib.h>

#include "devices/apic.h"
#include "devices/internal.h"

enum {
    REG_ID = 0x00,
    REG_VERSION = 0x01,
    REG_ARBITRATION = 0x02,
    REG_TABLE = 0x10,

    IOREGSEL = 0x00,
    IOWIN = 0x10,
    EOI = 0x40,

    VERSION = 0x20, /* the 82093AA is 11h; this one has the EOI register besides */

    ENTRY_LOGICAL = 1 << 11,
    ENTRY_REMOTE_IRR = 1 << 14,
    ENTRY_LEVEL = 1 << 15,
    ENTRY_MASKED = 1 << 16,
    ENTRY_WRITABLE = 0x0001AFFF,
};

struct ioapic {
    struct lapic *lapic;
    struct irq_line extint; /* the 8259A's request, passed on */
    uint8_t select;
    uint8_t id;
    uint8_t extint_level;
    uint32_t lines; /* which inputs are asserted */
    uint32_t low[IOAPIC_PINS], high[IOAPIC_PINS];
};

static unsigned delivery(const struct ioapic *io, unsigned pin)
{
    return io->low[pin] >> 8 & 7;
}

static void send(struct ioapic *io, unsigned pin)
{
    const struct apic_message m = {
        .destination = (uint8_t)(io->high[pin] >> 24),
        .logical = io->low[pin] & ENTRY_LOGICAL,
        .delivery = (uint8_t)delivery(io, pin),
        .vector = (uint8_t)io->low[pin],
        .level = io->low[pin] & ENTRY_LEVEL && delivery(io, pin) <= APIC_LOWEST,
    };

    if (lapic_deliver(io->lapic, &m) && m.level)
        io->low[pin] |= ENTRY_REMOTE_IRR;
}

/* A level-triggered input that is asserted asks once, until its EOI. */
static void service_level(struct ioapic *io, unsigned pin)
{
    if (io->lines >> pin & 1 && io->low[pin] & ENTRY_LEVEL &&
        !(io->low[pin] & (ENTRY_MASKED | ENTRY_REMOTE_IRR)) && delivery(io, pin) <= APIC_LOWEST)
        send(io, pin);
}

/* ExtINT entries make the local APIC ask the 8259A for the vector: as a level. */
static void update_extint(struct ioapic *io)
{
    uint8_t level = 0;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        if (io->lines >> pin & 1 && !(io->low[pin] & ENTRY_MASKED) &&
            delivery(io, pin) == APIC_EXTINT)
            level = 1;
    if (level == io->extint_level)
        return;
    io->extint_level = level;
    irq_set(&io->extint, level);
}

/* "Interrupt Mask": an edge on a masked input is lost. */
void ioapic_set_pin(void *opaque, int pin, int level)
{
    struct ioapic *io = opaque;
    bool rises;

    if (pin < 0 || pin >= IOAPIC_PINS)
        return;
    rises = level && !(io->lines >> pin & 1);
    io->lines = level ? io->lines | 1u << pin : io->lines & ~(1u << pin);
    if (delivery(io, (unsigned)pin) == APIC_EXTINT)
        update_extint(io);
    else if (io->low[pin] & ENTRY_LEVEL && delivery(io, (unsigned)pin) <= APIC_LOWEST)
        service_level(io, (unsigned)pin);
    else if (rises && !(io->low[pin] & ENTRY_MASKED))
        send(io, (unsigned)pin);
}

static void end_of_interrupt(void *opaque, uint8_t vector)
{
    struct ioapic *io = opaque;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        if ((uint8_t)io->low[pin] != vector || !(io->low[pin] & ENTRY_REMOTE_IRR))
            continue;
        io->low[pin] &= ~(uint32_t)ENTRY_REMOTE_IRR;
        service_level(io, pin);
    }
}

/* ---- registers ---- */

static uint32_t read_selected(const struct ioapic *io)
{
    unsigned entry = (unsigned)(io->select - REG_TABLE) >> 1;

    switch (io->select) {
    case REG_ID:
    case REG_ARBITRATION:
        return (uint32_t)io->id << 24;
    case REG_VERSION:
        return (IOAPIC_PINS - 1) << 16 | VERSION;
    default:
        if (io->select < REG_TABLE || entry >= IOAPIC_PINS)
            return 0;
        return io->select & 1 ? io->high[entry] : io->low[entry];
    }
}

static void write_entry(struct ioapic *io, unsigned entry, uint32_t value)
{
    uint32_t *low = &io->low[entry];

    *low = (value & ENTRY_WRITABLE) | (*low & ENTRY_REMOTE_IRR);
    if (!(*low & ENTRY_LEVEL)) /* what drivers do where there is no EOI register */
        *low &= ~(uint32_t)ENTRY_REMOTE_IRR;
    service_level(io, entry);
    update_extint(io);
}

static void write_selected(struct ioapic *io, uint32_t value)
{
    unsigned entry = (unsigned)(io->select - REG_TABLE) >> 1;

    if (io->select == REG_ID)
        io->id = value >> 24 & 15;
    else if (io->select < REG_TABLE || entry >= IOAPIC_PINS)
        return;
    else if (io->select & 1)
        io->high[entry] = value & 0xFF000000;
    else
        write_entry(io, entry, value);
}

/* Parts of a register can be read; writes replace all of it, as the bus has 32 bits. */
static uint32_t ioapic_read(void *opaque, uint32_t offset, unsigned size)
{
    const struct ioapic *io = opaque;
    unsigned shift = 8 * (offset & 3);

    (void)size;
    switch (offset & 0xFC) {
    case IOREGSEL:
        return (uint32_t)io->select >> shift;
    case IOWIN:
        return read_selected(io) >> shift;
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, uint32_t offset, uint32_t value, unsigned size)
{
    struct ioapic *io = opaque;

    switch (offset & 0xFF) {
    case IOREGSEL:
        io->select = (uint8_t)value;
        break;
    case IOWIN:
        if (size == 4)
            write_selected(io, value);
        break;
    case EOI:
        end_of_interrupt(io, (uint8_t)value);
        break;
    }
}

static const struct mmio_ops ioapic_ops = {ioapic_read, ioapic_write, 4};

/* ---- life ---- */

static void ioapic_reset(void *dev)
{
    struct ioapic *io = dev;

    io->select = io->id = 0;
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        io->low[pin] = ENTRY_MASKED;
        io->high[pin] = 0;
    }
    update_extint(io);
}

static const struct field ioapic_fields[] = {
    FIELD(struct ioapic, select),
    FIELD(struct ioapic, id),
    FIELD(struct ioapic, extint_level),
    FIELD(struct ioapic, lines),
    FIELD_ARRAY(struct ioapic, low),
    FIELD_ARRAY(struct ioapic, high),
    FIELD_END,
};

static const struct device_class ioapic_class = {
    .name = "ioapic",
    .fields = ioapic_fields,
    .reset = ioapic_reset,
    .free = free,
};

struct ioapic *ioapic_init(struct board *board, struct lapic *lapic)
{
    struct ioapic *io = device_alloc(sizeof *io);

    io->lapic = lapic;
    io->extint = lapic_extint_line(lapic);
    lapic_on_eoi(lapic, end_of_interrupt, io);
    phys_map_mmio(board->phys, "ioapic", IOAPIC_BASE, PAGE_SIZE, &ioapic_ops, io);
    ioapic_reset(io);
    device_add(board->devices, &ioapic_class, io);
    return io;
}

void ioapic_describe(struct ioapic *io, void (*line)(void *, const char *), void *opaque)
{
    static const char *const modes[8] = {"fixed", "lowest", "SMI", "3",
                                         "NMI",   "INIT",   "6",   "ExtINT"};
    char text[160];

    snprintf(text, sizeof text, "ioapic0: ver=0x%x id=0x%02x sel=0x%02x", VERSION, io->id,
             io->select);
    line(opaque, text);
    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        uint32_t low = io->low[pin];

        snprintf(text, sizeof text,
                 "  pin %-2u 0x%08x%08x dest=%x vec=%-3u %s %-5s %-6s %-6s %-8s%s%s", pin,
                 io->high[pin], low, io->high[pin] >> 24, low & 0xFF,
                 low & 1 << 13 ? "active-lo" : "active-hi", low & ENTRY_LEVEL ? "level" : "edge",
                 low & ENTRY_MASKED ? "masked" : "", modes[low >> 8 & 7],
                 low & ENTRY_LOGICAL ? "logical" : "physical",
                 low & ENTRY_REMOTE_IRR ? " remote-irr" : "", io->lines >> pin & 1 ? " high" : "");
        line(opaque, text);
    }
}
