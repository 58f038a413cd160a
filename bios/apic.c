/* The interrupt controllers of multiprocessor systems, which single processors have as well: what
 * POST does to them, and the tables that tell of them: ACPI's MADT and HPET table (ACPI
 * specification 2.0, 5.2.10.4; IA-PC HPET specification 1.0a, 3.2.4) and the MP configuration
 * table (MultiProcessor Specification 1.4, chapter 4).  Both kinds say the same:
 *
 *     ISA's IRQ 0 is input 2 of the I/O APIC, the others have the input of their number; PIRQA# to
 *     PIRQD# are inputs 16 to 19; the 8259A is on LINT0, NMI on LINT1. */
#include "bios/apic.h"

#include <string.h>

enum {
    LAPIC_VERSION = 0x30,
    LAPIC_SVR = 0xF0,
    LAPIC_LINT0 = 0x350,
    LAPIC_LINT1 = 0x360,
    SVR_ENABLED_0F = 0x10F, /* spurious vector 0Fh: what the first 8259A has, too */
    LINT_EXTINT = 0x700,
    LINT_NMI = 0x400,

    IOAPIC_SELECT = 0x00,
    IOAPIC_WINDOW = 0x10,

    /* Flags of interrupts, in both kinds of tables (MPS table 4-10): polarity and trigger. */
    CONFORMING = 0x0,
    LEVEL_HIGH = 0xD,
    LEVEL_LOW = 0xF,

    SLOTS = 32,
    PINS = 4,
};

bool bios_lapic_present(struct bios *b)
{
    return phys_read32(b->phys, LAPIC_BASE + LAPIC_VERSION) != 0xFFFFFFFFu;
}

bool bios_hpet_present(struct bios *b)
{
    return phys_read32(b->phys, HPET_BASE) >> 16 == 0x8086;
}

static uint32_t ioapic_register(struct bios *b, uint32_t reg)
{
    phys_write32(b->phys, IOAPIC_BASE + IOAPIC_SELECT, reg);
    return phys_read32(b->phys, IOAPIC_BASE + IOAPIC_WINDOW);
}

bool bios_ioapic_present(struct bios *b)
{
    return bios_lapic_present(b) && ioapic_register(b, 1) != 0xFFFFFFFFu;
}

/* Virtual wire mode (MPS 3.6.2.2): the local APIC passes the 8259A's interrupts on. */
void bios_apic_init(struct bios *b)
{
    if (!bios_lapic_present(b))
        return;
    phys_write32(b->phys, LAPIC_BASE + LAPIC_SVR, SVR_ENABLED_0F);
    phys_write32(b->phys, LAPIC_BASE + LAPIC_LINT0, LINT_EXTINT);
    phys_write32(b->phys, LAPIC_BASE + LAPIC_LINT1, LINT_NMI);
    if (!bios_ioapic_present(b))
        return;
    phys_write32(b->phys, IOAPIC_BASE + IOAPIC_SELECT, 0);
    phys_write32(b->phys, IOAPIC_BASE + IOAPIC_WINDOW, (uint32_t)IOAPIC_ID << 24);
}

/* ---- ACPI ---- */

uint8_t *acpi_madt(struct bios *b)
{
    /* Local APIC 0 of processor 0, enabled. */
    static const uint8_t processor[] = {0, 8, 0, 0, 1, 0, 0, 0};
    static const uint8_t timer[] = {2, 10, 0, 0, IOAPIC_PIN_TIMER, 0, 0, 0, CONFORMING, 0};
    static const uint8_t sci[] = {2, 10, 0, BIOS_SCI_IRQ, BIOS_SCI_IRQ, 0, 0, 0, LEVEL_HIGH, 0};
    static const uint8_t nmi[] = {4, 6, 0xFF, CONFORMING, 0, 1};
    uint8_t ioapic[12] = {1, sizeof ioapic, IOAPIC_ID};
    uint32_t len =
        ACPI_HEADER + 8 + sizeof processor + sizeof ioapic + sizeof timer + sizeof sci + sizeof nmi;
    uint8_t *t, *p;

    if (!bios_ioapic_present(b) || !(t = acpi_table(b, "APIC", len, 1)))
        return NULL;
    acpi_put(t + ACPI_HEADER, LAPIC_BASE, 4);
    acpi_put(t + ACPI_HEADER + 4, 1, 4); /* there are 8259As, too */
    acpi_put(ioapic + 4, IOAPIC_BASE, 4);
    p = t + ACPI_HEADER + 8;
    p = (uint8_t *)memcpy(p, processor, sizeof processor) + sizeof processor;
    p = (uint8_t *)memcpy(p, ioapic, sizeof ioapic) + sizeof ioapic;
    p = (uint8_t *)memcpy(p, timer, sizeof timer) + sizeof timer;
    p = (uint8_t *)memcpy(p, sci, sizeof sci) + sizeof sci;
    memcpy(p, nmi, sizeof nmi);
    acpi_finish(t);
    return t;
}

uint8_t *acpi_hpet(struct bios *b)
{
    enum { MINIMUM_TICK = 100 }; /* 1 us */
    uint8_t *t;

    if (!bios_hpet_present(b) || !(t = acpi_table(b, "HPET", 56, 1)))
        return NULL;
    acpi_put(t + 36, phys_read32(b->phys, HPET_BASE), 4);
    t[41] = 64; /* bits wide, in memory */
    acpi_put(t + 44, HPET_BASE, 8);
    acpi_put(t + 53, MINIMUM_TICK, 2);
    acpi_finish(t);
    return t;
}

/* ---- the MP configuration table ---- */

enum {
    MP_HEADER = 44,
    MP_POINTER = 16,
    MP_PROCESSOR = 20,
    MP_ENTRY = 8,
    MP_ENTRIES = 1 + 2 + 1 + 16 + SLOTS * PINS + 2,
    MP_MAX = MP_HEADER + MP_PROCESSOR + MP_ENTRY * MP_ENTRIES,

    BUS_PCI = 0,
    BUS_ISA = 1,
    MP_BUS = 1,
    MP_IOAPIC = 2,
    MP_INTERRUPT = 3,
    MP_LOCAL = 4,
    MP_INT = 0,
    MP_NMI = 1,
    MP_EXTINT = 3,
};

struct mp {
    uint8_t data[MP_MAX];
    uint32_t len;
    unsigned entries;
};

static void mp_entry(struct mp *mp, const uint8_t *entry, uint32_t len)
{
    memcpy(mp->data + mp->len, entry, len);
    mp->len += len;
    mp->entries++;
}

static void mp_interrupt(struct mp *mp, uint8_t kind, uint8_t type, uint8_t flags, uint8_t bus,
                         uint8_t irq, uint8_t apic, uint8_t pin)
{
    const uint8_t entry[MP_ENTRY] = {kind, type, flags, 0, bus, irq, apic, pin};

    mp_entry(mp, entry, sizeof entry);
}

static void mp_processor(struct bios *b, struct mp *mp)
{
    uint8_t entry[MP_PROCESSOR] = {0, 0, 0, 3 /* enabled, bootstrap processor */};
    uint32_t r[4];

    bios_cpuid(b, 1, r);
    entry[2] = (uint8_t)phys_read32(b->phys, LAPIC_BASE + LAPIC_VERSION);
    acpi_put(entry + 4, r[0], 4);
    acpi_put(entry + 8, r[3], 4);
    mp_entry(mp, entry, sizeof entry);
}

static void mp_busses(struct bios *b, struct mp *mp)
{
    static const uint8_t pci[MP_ENTRY] = {MP_BUS, BUS_PCI, 'P', 'C', 'I', ' ', ' ', ' '};
    static const uint8_t isa[MP_ENTRY] = {MP_BUS, BUS_ISA, 'I', 'S', 'A', ' ', ' ', ' '};
    uint8_t ioapic[MP_ENTRY] = {MP_IOAPIC, IOAPIC_ID, 0, 1};

    ioapic[2] = (uint8_t)ioapic_register(b, 1);
    acpi_put(ioapic + 4, IOAPIC_BASE, 4);
    mp_entry(mp, pci, sizeof pci);
    mp_entry(mp, isa, sizeof isa);
    mp_entry(mp, ioapic, sizeof ioapic);
}

/* ISA's interrupts but for the cascade's and those that PIRQs share. */
static void mp_interrupts(struct mp *mp)
{
    const unsigned taken = 1u << 2 | 1u << 10 | 1u << 11;

    for (uint8_t irq = 0; irq < 16; irq++)
        if (!(taken >> irq & 1))
            mp_interrupt(mp, MP_INTERRUPT, MP_INT, irq == BIOS_SCI_IRQ ? LEVEL_HIGH : CONFORMING,
                         BUS_ISA, irq, IOAPIC_ID, irq ? irq : IOAPIC_PIN_TIMER);
    for (unsigned slot = 1; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++)
            mp_interrupt(mp, MP_INTERRUPT, MP_INT, LEVEL_LOW, BUS_PCI, (uint8_t)(slot << 2 | pin),
                         IOAPIC_ID, (uint8_t)(IOAPIC_PIN_PIRQA + pci_pirq(slot, pin + 1)));
    mp_interrupt(mp, MP_LOCAL, MP_EXTINT, CONFORMING, BUS_ISA, 0, 0, 0);
    mp_interrupt(mp, MP_LOCAL, MP_NMI, CONFORMING, BUS_ISA, 0, 0xFF, 1);
}

static void mp_header(struct mp *mp)
{
    memcpy(mp->data, "PCMP", 4);
    acpi_put(mp->data + 4, mp->len, 2);
    mp->data[6] = 4; /* version 1.4 */
    memcpy(mp->data + 8, "RINGER  ", 8);
    memcpy(mp->data + 16, "PC          ", 12);
    acpi_put(mp->data + 34, mp->entries, 2);
    acpi_put(mp->data + 36, LAPIC_BASE, 4);
    mp->data[7] = -bios_sum(mp->data, mp->len);
}

void mp_fill_rom(struct bios *b)
{
    struct mp mp = {.len = MP_HEADER};
    uint8_t *pointer, *table;

    if (!bios_ioapic_present(b))
        return;
    mp_processor(b, &mp);
    mp_busses(b, &mp);
    mp_interrupts(&mp);
    mp_header(&mp);
    pointer = bios_rom_room(b, MP_POINTER, 16);
    table = bios_rom_room(b, mp.len, 16);
    if (!pointer || !table)
        return;
    memcpy(table, mp.data, mp.len);
    memcpy(pointer, "_MP_", 4);
    acpi_put(pointer + 4, acpi_address(b, table), 4);
    pointer[8] = 1; /* paragraph */
    pointer[9] = 4;
    pointer[10] = -bios_sum(pointer, MP_POINTER);
}
