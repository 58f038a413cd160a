/* PCI in POST, and the PCI BIOS: INT 1Ah/B1xxh and its 32-bit entry behind the BIOS32 service
 * directory (PCI BIOS Specification 2.1; Standard BIOS 32-bit Service Directory Proposal 0.4). */
#include "bios/private.h"

#include <string.h>

enum {
    SUCCESSFUL = 0x00,
    FUNC_NOT_SUPPORTED = 0x81,
    BAD_VENDOR_ID = 0x83,
    DEVICE_NOT_FOUND = 0x86,
    BAD_REGISTER_NUMBER = 0x87,
    SET_FAILED = 0x88,
    BUFFER_TOO_SMALL = 0x89,

    VENDOR = 0x00,
    COMMAND = 0x04,
    CLASS_REVISION = 0x08,
    BAR0 = 0x10,
    ROM_BAR = 0x30,
    LINE = 0x3C,
    PIN = 0x3D,

    ISA_BRIDGE = 1 << 3, /* bus 0 */
    IDE = 1 << 3 | 1,
    POWER = 1 << 3 | 3,
    VGA = 2 << 3,

    DEVICES = 32,
    PM_BASE = BIOS_PM_BASE,
    SMBUS_BASE = 0x700,
    IO_FIRST = 0xC000,
};
#define LARGE_TOP   0xFE000000u /* memory of 1 MiB and more goes below */
#define SMALL_TOP   0xFEC00000u /* below the IO-APIC */
#define MEMORY_LOW  0xE0000000u /* above all RAM */
#define SIGNATURE   0x20494350u /* "PCI " */
#define SERVICE_PCI 0x49435024u /* "$PCI" */

/* The interrupt of each PIRQ. */
static const uint8_t pirq_irq[4] = {10, 10, 11, 11};

/* ---- configuration space, mechanism 1 ---- */

static void address(struct bios *b, uint8_t devfn, unsigned reg)
{
    bus_out(b->bus, 0xCF8, 0x80000000u | (uint32_t)devfn << 8 | (reg & 0xFC), 4);
}

uint32_t pci_config_read(struct bios *b, uint8_t devfn, unsigned reg, unsigned size)
{
    address(b, devfn, reg);
    return bus_in(b->bus, 0xCFC + (reg & 3), size);
}

void pci_config_write(struct bios *b, uint8_t devfn, unsigned reg, uint32_t value, unsigned size)
{
    address(b, devfn, reg);
    bus_out(b->bus, 0xCFC + (reg & 3), value, size);
}

bool pci_function_present(struct bios *b, uint8_t devfn)
{
    return (pci_config_read(b, devfn, VENDOR, 4) & 0xFFFF) != 0xFFFF;
}

bool pci_present(struct bios *b)
{
    bus_out(b->bus, 0xCF8, 0x80000000u, 4);
    return bus_in(b->bus, 0xCF8, 4) == 0x80000000u && pci_function_present(b, 0);
}

/* Call FN for each function on bus 0 until it returns true; the function's devfn, or -1. */
static int find(struct bios *b, bool (*fn)(struct bios *b, uint8_t devfn, void *opaque),
                void *opaque)
{
    for (unsigned device = 0; device < DEVICES; device++) {
        unsigned functions = 1;

        for (unsigned i = 0; i < functions; i++) {
            uint8_t devfn = device << 3 | i;

            if (!pci_function_present(b, devfn))
                continue;
            if (i == 0 && pci_config_read(b, devfn, 0x0E, 1) & 0x80)
                functions = 8;
            if (fn(b, devfn, opaque))
                return devfn;
        }
    }
    return -1;
}

/* ---- POST: addresses and interrupts ---- */

struct resources {
    uint32_t io, large, small; /* the next I/O port; the tops of free memory */
};

/* A place for SIZE bytes, a power of two; 0 when there is none. */
static uint32_t place(struct resources *r, bool io, uint32_t size)
{
    uint32_t *top = size >= 0x100000 ? &r->large : &r->small, base;

    if (io) {
        base = (r->io + size - 1) & ~(size - 1);
        if (base + size > 0x10000)
            return 0;
        r->io = base + size;
        return base;
    }
    if (*top - MEMORY_LOW < size)
        return 0;
    base = (*top - size) & ~(size - 1);
    if (base < MEMORY_LOW)
        return 0;
    *top = base;
    return base;
}

/* Size and place a base address register; the command bit that enables it. */
static uint16_t assign_bar(struct bios *b, uint8_t devfn, unsigned reg, struct resources *r)
{
    uint32_t value, size, base;
    bool io;

    pci_config_write(b, devfn, reg, reg == ROM_BAR ? 0xFFFFFFFEu : 0xFFFFFFFFu, 4);
    value = pci_config_read(b, devfn, reg, 4);
    io = reg != ROM_BAR && value & 1;
    size = -(value & (reg == ROM_BAR ? 0xFFFFF800u : io ? ~3u : ~15u));
    if (io)
        size &= 0xFFFF;
    base = size ? place(r, io, size) : 0;
    pci_config_write(b, devfn, reg, base, 4);
    return !base || reg == ROM_BAR ? 0 : io ? 1 : 2;
}

static bool assign(struct bios *b, uint8_t devfn, void *opaque)
{
    uint32_t class = pci_config_read(b, devfn, CLASS_REVISION, 4) >> 8;
    uint8_t pin = pci_config_read(b, devfn, PIN, 1);
    uint16_t command = 0;

    pci_config_write(b, devfn, COMMAND, pci_config_read(b, devfn, COMMAND, 2) & ~3u, 2);
    for (unsigned i = 0; i < 6; i++)
        command |= assign_bar(b, devfn, BAR0 + i * 4, opaque);
    assign_bar(b, devfn, ROM_BAR, opaque);
    if (class >> 8 == 0x0101) /* IDE: compatibility ports, bus master */
        command |= 5;
    if (class >> 8 == 0x0401) /* sound: there are drivers that leave bus mastering to the BIOS */
        command |= 4;
    if (class >> 8 == 0x0300)
        command |= 3;
    pci_config_write(b, devfn, COMMAND, pci_config_read(b, devfn, COMMAND, 2) | command, 2);
    if (pin)
        pci_config_write(b, devfn, LINE,
                         devfn == POWER ? BIOS_SCI_IRQ : pirq_irq[((devfn >> 3) + pin - 2) & 3], 1);
    return false;
}

/* The south bridge: interrupt routes and triggers, the IDE ports, power management's base. */
static void init_bridge(struct bios *b)
{
    uint16_t level = 1u << BIOS_SCI_IRQ;

    for (unsigned i = 0; i < 4; i++) {
        pci_config_write(b, ISA_BRIDGE, 0x60 + i, pirq_irq[i], 1);
        level |= 1u << pirq_irq[i];
    }
    out8(b, 0x4D0, level);
    out8(b, 0x4D1, level >> 8);
    pci_config_write(b, IDE, 0x40, 0x80008000u, 4);
    if (!pci_function_present(b, POWER))
        return;
    pci_config_write(b, POWER, 0x40, PM_BASE | 1, 4);
    pci_config_write(b, POWER, 0x80, 1, 1);
    pci_config_write(b, POWER, 0x90, SMBUS_BASE | 1, 4);
    pci_config_write(b, POWER, 0xD2, 0x09, 1);
    pci_config_write(b, POWER, COMMAND, 1, 2);
}

void bios_pci_init(struct bios *b)
{
    struct resources r = {IO_FIRST, LARGE_TOP, SMALL_TOP};

    if (!pci_present(b))
        return;
    find(b, assign, &r);
    init_bridge(b);
}

uint32_t bios_frame_buffer(struct bios *b)
{
    uint32_t base = 0;

    if (pci_present(b) && pci_config_read(b, VGA, CLASS_REVISION, 4) >> 16 == 0x0300)
        base = pci_config_read(b, VGA, BAR0, 4) & ~15u;
    return base ? base : 0xE0000000u;
}

/* ---- the services ---- */

struct wanted {
    uint32_t what, mask;
    unsigned reg, index;
};

static bool matches(struct bios *b, uint8_t devfn, void *opaque)
{
    struct wanted *w = opaque;

    return (pci_config_read(b, devfn, w->reg, 4) & w->mask) == w->what && w->index-- == 0;
}

static uint8_t find_function(struct bios *b, uint32_t what, uint32_t mask, unsigned reg)
{
    struct wanted w = {what, mask, reg, reg16(b, ESI)};
    int devfn = find(b, matches, &w);

    if (devfn < 0)
        return DEVICE_NOT_FOUND;
    set_reg16(b, EBX, devfn);
    return SUCCESSFUL;
}

/* 08h-0Dh: BH bus, BL device and function, DI register; the value in CL, CX or ECX. */
static uint8_t configuration(struct bios *b, uint8_t function)
{
    unsigned reg = reg16(b, EDI), size = 1u << (function - 8) % 3;
    uint8_t devfn = reg_lo(b, EBX);
    uint32_t value = 0xFFFFFFFFu;

    if (reg > 0xFF || reg % size)
        return BAD_REGISTER_NUMBER;
    if (function >= 0x0B) {
        if (reg_hi(b, EBX) == 0)
            pci_config_write(b, devfn, reg, b->cpu->gpr[ECX], size);
        return SUCCESSFUL;
    }
    if (reg_hi(b, EBX) == 0)
        value = pci_config_read(b, devfn, reg, size);
    if (size == 1)
        set_lo(b, ECX, value);
    else if (size == 2)
        set_reg16(b, ECX, value);
    else
        b->cpu->gpr[ECX] = value;
    return SUCCESSFUL;
}

/* The routing table of a slot: for each pin its link (60h-63h) and the interrupts it may have. */
static void routing_entry(uint8_t *p, unsigned device)
{
    const uint16_t possible = 1u << 5 | 1u << 9 | 1u << 10 | 1u << 11;

    p[0] = 0;
    p[1] = device << 3;
    for (unsigned pin = 0; pin < 4; pin++) {
        p[2 + pin * 3] = 0x60 + ((device + pin - 1) & 3);
        p[3 + pin * 3] = (uint8_t)possible;
        p[4 + pin * 3] = possible >> 8;
    }
    p[14] = device; /* slot */
    p[15] = 0;
}

enum { ALWAYS_ROUTED = 4, ROUTING_BYTES = 16 * (DEVICES - 1) };

/* Entries of the slots that boards have, and of those beyond in which something is (-device's addr=
 * may name any), into TABLE.  Their bytes. */
static unsigned routing_entries(struct bios *b, uint8_t table[ROUTING_BYTES])
{
    uint8_t *p = table;

    for (unsigned device = 1; device < DEVICES; device++)
        if (device <= ALWAYS_ROUTED || pci_function_present(b, (uint8_t)(device << 3))) {
            routing_entry(p, device);
            p += 16;
        }
    return (unsigned)(p - table);
}

/* 0Eh: DS and ES:DI point at a buffer's descriptor: length, far pointer to it. */
static uint8_t routing_options(struct bios *b, bool flat)
{
    uint8_t table[ROUTING_BYTES], descriptor[8] = {0};
    uint32_t at = b->cpu->seg[SEG_ES].base + (flat ? b->cpu->gpr[EDI] : reg16(b, EDI)), room, lin;
    unsigned bytes;

    lin_read(b, at, descriptor, flat ? 8 : 6);
    room = descriptor[0] | descriptor[1] << 8;
    lin = descriptor[2] | descriptor[3] << 8;
    if (flat) /* a 32-bit offset, of the segment that DS selects */
        lin = b->cpu->seg[SEG_DS].base +
              (lin | (uint32_t)descriptor[4] << 16 | (uint32_t)descriptor[5] << 24);
    else
        lin += (descriptor[4] | descriptor[5] << 8) * 16u;
    bytes = routing_entries(b, table);
    descriptor[0] = (uint8_t)bytes;
    descriptor[1] = (uint8_t)(bytes >> 8);
    lin_write(b, at, descriptor, 2);
    if (room < bytes)
        return BUFFER_TOO_SMALL;
    lin_write(b, lin, table, bytes);
    set_reg16(b, EBX, 1u << 10 | 1u << 11);
    return SUCCESSFUL;
}

/* 0Fh: CL pin (0Ah INTA#), CH interrupt, BX function. */
static uint8_t set_interrupt(struct bios *b)
{
    unsigned pin = reg_lo(b, ECX), irq = reg_hi(b, ECX), device = reg_lo(b, EBX) >> 3;

    if (pin < 0x0A || pin > 0x0D || irq > 15 || !(0x0E20 >> irq & 1) || reg_hi(b, EBX))
        return SET_FAILED;
    pci_config_write(b, ISA_BRIDGE, 0x60 + ((device + pin - 0x0A - 1) & 3), irq, 1);
    return SUCCESSFUL;
}

static uint8_t installation_check(struct bios *b)
{
    b->cpu->gpr[EDX] = SIGNATURE;
    b->cpu->gpr[EDI] = 0xF0000 + ROM_PCI32;
    set_lo(b, EAX, 0x01); /* mechanism 1, no special cycles */
    set_reg16(b, EBX, 0x0210);
    set_lo(b, ECX, 0);
    return SUCCESSFUL;
}

/* Carry out the function in AL; the status is in AH afterwards. */
static bool service(struct bios *b, bool flat)
{
    uint8_t function = reg_lo(b, EAX) & 0x7F, status = FUNC_NOT_SUPPORTED;

    if (pci_present(b)) {
        if (function == 0x01)
            status = installation_check(b);
        else if (function == 0x02 && reg16(b, EDX) == 0xFFFF)
            status = BAD_VENDOR_ID;
        else if (function == 0x02)
            status = find_function(b, (uint32_t)reg16(b, ECX) << 16 | reg16(b, EDX), 0xFFFFFFFFu,
                                   VENDOR);
        else if (function == 0x03)
            status = find_function(b, b->cpu->gpr[ECX] << 8, 0xFFFFFF00u, CLASS_REVISION);
        else if (function >= 0x08 && function <= 0x0D)
            status = configuration(b, function);
        else if (function == 0x0E)
            status = routing_options(b, flat);
        else if (function == 0x0F)
            status = set_interrupt(b);
    }
    set_hi(b, EAX, status);
    return status == SUCCESSFUL;
}

void int1a_pci(struct bios *b)
{
    set_carry(b, !service(b, false));
}

void bios_pci32(struct bios *b)
{
    live_flag(b, FLAG_CF, reg_hi(b, EAX) != 0xB1 || !service(b, true));
}

void bios_directory(struct bios *b)
{
    uint8_t status = 0x80; /* no such service */

    if (reg_lo(b, EBX) != 0) {
        status = 0x81; /* no such function of the directory */
    } else if (b->cpu->gpr[EAX] == SERVICE_PCI && pci_present(b)) {
        status = 0;
        b->cpu->gpr[EBX] = 0xF0000;
        b->cpu->gpr[ECX] = ROM_SIZE;
        b->cpu->gpr[EDX] = ROM_PCI32;
    }
    set_lo(b, EAX, status);
}

/* ---- tables in the ROM: the directory's header, and the routing table that "$PIR" names ---- */

static void checksum(uint8_t *table, unsigned len, unsigned at)
{
    uint8_t sum = 0;

    for (unsigned i = 0; i < len; i++)
        sum += table[i];
    table[at] -= sum;
}

void pci_fill_rom(struct bios *b)
{
    uint8_t *directory, *pir, table[ROUTING_BYTES];
    uint32_t entry = 0xF0000 + ROM_BIOS32;
    unsigned bytes;

    if (!pci_present(b))
        return;
    bytes = 32 + routing_entries(b, table);
    directory = bios_rom_room(b, 16, 16);
    pir = bios_rom_room(b, bytes, 16);
    if (!directory || !pir)
        return;
    memcpy(directory, "_32_", 4);
    for (unsigned i = 0; i < 4; i++)
        directory[4 + i] = entry >> 8 * i;
    directory[9] = 1; /* paragraphs */
    checksum(directory, 16, 10);

    memcpy(pir, "$PIR", 4);
    pir[5] = 1; /* version 1.0 */
    pir[6] = (uint8_t)bytes;
    pir[7] = (uint8_t)(bytes >> 8);
    pir[9] = ISA_BRIDGE;
    memcpy(pir + 12, "\x86\x80\x00\x70", 4); /* compatible with the PIIX3 */
    memcpy(pir + 32, table, bytes - 32);
    checksum(pir, bytes, 31);
}
