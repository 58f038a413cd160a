/* The PCI bus: functions that share a configuration mechanism (PCI Local Bus Specification 2.2).
 *
 * A function is a member of its device's structure: 256 bytes of configuration space with a mask
 * of the bits that software may write, and base address registers whose changes are reported. */
#ifndef RINGER_DEVICES_PCI_H
#define RINGER_DEVICES_PCI_H

#include "devices/pc.h"

enum {
    PCI_CONFIG_BYTES = 256,
    PCI_BARS = 7, /* six, and the expansion ROM's */
    PCI_ROM = 6,

    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09, /* interface, subclass, class */
    PCI_HEADER = 0x0E,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2C,
    PCI_SUBSYSTEM = 0x2E,
    PCI_ROM_BAR = 0x30,
    PCI_INTERRUPT_LINE = 0x3C,
    PCI_INTERRUPT_PIN = 0x3D,

    PCI_COMMAND_IO = 0x01,
    PCI_COMMAND_MEMORY = 0x02,
    PCI_COMMAND_MASTER = 0x04,
};

static inline uint8_t pci_devfn(unsigned device, unsigned function)
{
    return (uint8_t)(device << 3 | function);
}

/* A base address register (6.2.5).  MAP tells the device that its range is at BASE from now on
 * (ON), or that it is decoded no more; it is called once for each change, OFF before the next ON.
 */
struct pci_bar {
    uint32_t size; /* a power of two; 0: there is none */
    bool io, prefetchable;
    void (*map)(void *dev, uint32_t base, bool on);
    bool on; /* derived from the registers */
    uint32_t base;
};

struct pci_function {
    const char *name;
    uint8_t devfn;
    uint8_t config[PCI_CONFIG_BYTES];
    uint8_t mask[PCI_CONFIG_BYTES];  /* bits that a write changes */
    uint8_t clear[PCI_CONFIG_BYTES]; /* bits that a write of one clears */
    struct pci_bar bar[PCI_BARS];
    /* Configuration bytes [offset, offset + size) were written; may be NULL. */
    void (*written)(void *dev, unsigned offset, unsigned size);
    void *dev;
    struct pci *bus;
};

/* The configuration space is the one thing that a snapshot must keep of the MEMBER of TYPE. */
#define PCI_FIELDS(type, member) FIELD_ARRAY(type, member.config)

static inline uint16_t pci_get16(const struct pci_function *f, unsigned offset)
{
    return (uint16_t)(f->config[offset] | f->config[offset + 1] << 8);
}

static inline uint32_t pci_get32(const struct pci_function *f, unsigned offset)
{
    return pci_get16(f, offset) | (uint32_t)pci_get16(f, offset + 2) << 16;
}

void pci_put16(struct pci_function *f, unsigned offset, uint16_t value);
void pci_put32(struct pci_function *f, unsigned offset, uint32_t value);

/* What a function is: fills the header of F (zeroed by the caller) and the masks that the
 * specification prescribes.  CLASS is the 24-bit class code; COMMAND the command register's bits
 * that exist; PIN 1 to 4 for INTA# to INTD#, 0 for none. */
struct pci_identity {
    const char *name;
    uint8_t devfn;
    uint16_t vendor, device;
    uint8_t revision;
    uint32_t class;
    uint16_t command;
    uint16_t status; /* capability bits and DEVSEL# timing */
    bool multifunction;
    uint8_t pin;
};
void pci_function_init(struct pci_function *f, const struct pci_identity *id, void *dev);
/* Give F the base address register N (0-5, or PCI_ROM); SIZE at least 4 (I/O), 16 (memory) or
 * 2048 (ROM).  Before pci_add. */
void pci_function_bar(struct pci_function *f, unsigned n, bool io, bool prefetchable, uint32_t size,
                      void (*map)(void *dev, uint32_t base, bool on));
/* Put F on the bus.  It must outlive the bus. */
void pci_add(struct pci *pci, struct pci_function *f);

/* Each function on the bus, by its number. */
void pci_each(struct pci *pci, void (*fn)(void *opaque, const struct pci_function *f),
              void *opaque);
/* What base address register N has at present: true and *BASE when it is decoded. */
static inline bool pci_bar_at(const struct pci_function *f, unsigned n, uint32_t *base)
{
    *base = f->bar[n].base;
    return f->bar[n].size && f->bar[n].on;
}

/* RST#: command register, base addresses and interrupt line are zero again, decoding is off. */
void pci_function_reset(struct pci_function *f);
/* The configuration space was changed by other means (a restored state): decode accordingly. */
void pci_function_update(struct pci_function *f);

/* Drive the function's interrupt pin; routed by pci_set_router's wires. */
void pci_interrupt(struct pci_function *f, int level);
/* Who takes the pins: WIRE.set(opaque, PIRQ, level) with PIRQ 0 to 3 for PIRQA# to PIRQD#.  Pin P
 * of slot S arrives at PIRQ (S - 1 + P - 1) modulo 4, as on Intel's boards. */
void pci_set_router(struct pci *pci, struct irq_line wire);
/* Which PIRQ (0-3) pin PIN (1-4) of slot DEVICE arrives at. */
static inline unsigned pci_pirq(unsigned device, unsigned pin)
{
    return (device + pin - 2) & 3;
}

#endif
