/* The DSDT: the machine as ACPI describes it.  In its source language it would read
 *
 *     Scope (\_SB) {
 *         Device (PCI0) { _HID PNP0A03; _CRS what the bridge passes on;
 *             Name (PRTP, links of each slot)  Name (PRTA, I/O APIC inputs of each slot)
 *             Method (_PRT) { If (PICF) { Return (PRTA) } Return (PRTP) }
 *             Device (ISA) { OperationRegion (P40C, PCI_Config, 0x60, 4); legacy devices }
 *         }
 *         Field (PCI0.ISA.P40C) { PRQ0, 8, PRQ1, 8, PRQ2, 8, PRQ3, 8 }
 *         Method (IQCR, 1) { the resources of a link whose register is Arg0 }
 *         Device (LNKA) { ... } to LNKD
 *     }
 *     Name (\PICF, 0)  Method (\_PIC, 1) { Store (Arg0, \PICF) }
 *     Name (\_S1, Package (4) { 4, 4, 0, 0 }), and S3: 1, S4: 2, S5: 0
 *     Processor (\_PR.CPU0, 0, 0, 0) {}
 */
#include "bios/aml.h"
#include "bios/apic.h"
#include "devices/fw_cfg.h"

#include <string.h>

enum { SLOTS = 32, PINS = 4, RESOURCE_IRQ = 5 /* offset of the first number in aml_interrupts */ };

static const char *const link_names[PINS] = {"LNKA", "LNKB", "LNKC", "LNKD"};
static const char *const link_registers[PINS] = {"PRQ0", "PRQ1", "PRQ2", "PRQ3"};

static void bridge_resources(struct aml *a)
{
    uint32_t r;

    aml_name(a, "_CRS");
    r = aml_begin_resources(a);
    aml_window(a, AML_BUSES, 0, 0xFF);
    aml_io(a, 0xCF8, 8);
    aml_window(a, AML_IO_PORTS, 0, 0xCF7);
    aml_window(a, AML_IO_PORTS, 0xD00, 0xFFFF);
    aml_window(a, AML_MEMORY, 0xA0000, 0xBFFFF);
    aml_window(a, AML_MEMORY, 0xE0000000u, 0xFEBFFFFFu);
    aml_end_resources(a, r);
}

/* Slot by slot and pin by pin, as the board is wired: to links, or past them to the I/O APIC. */
static void routing_table(struct aml *a, const char *name, bool apic)
{
    uint32_t table, entry;

    aml_name(a, name);
    table = aml_begin_package(a, (SLOTS - 1) * PINS);
    for (unsigned slot = 1; slot < SLOTS; slot++)
        for (unsigned pin = 0; pin < PINS; pin++) {
            entry = aml_begin_package(a, 4);
            aml_int(a, slot << 16 | 0xFFFF);
            aml_int(a, pin);
            if (apic) {
                aml_int(a, 0);
                aml_int(a, IOAPIC_PIN_PIRQA + pci_pirq(slot, pin + 1));
            } else {
                aml_path(a, link_names[pci_pirq(slot, pin + 1)]);
                aml_int(a, 0);
            }
            aml_end(a, entry);
        }
    aml_end(a, table);
}

static void routing(struct bios *b, struct aml *a)
{
    uint32_t method, condition;

    if (!bios_ioapic_present(b)) {
        routing_table(a, "_PRT", false);
        return;
    }
    routing_table(a, "PRTP", false);
    routing_table(a, "PRTA", true);
    method = aml_begin_method(a, "_PRT", 0);
    condition = aml_begin(a, AML_IF);
    aml_path(a, "\\PICF");
    aml_op(a, AML_RETURN);
    aml_path(a, "PRTA");
    aml_end(a, condition);
    aml_op(a, AML_RETURN);
    aml_path(a, "PRTP");
    aml_end(a, method);
}

/* The system says which interrupt controllers it uses: 0 8259A, 1 I/O APIC. */
static void interrupt_model(struct aml *a)
{
    uint32_t method;

    aml_name_int(a, "\\PICF", 0);
    method = aml_begin_method(a, "\\_PIC", 1);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_path(a, "\\PICF");
    aml_end(a, method);
}

static void event_timer(struct aml *a)
{
    uint32_t device = aml_begin_named(a, AML_DEVICE, "HPET"), r;

    aml_name_eisa(a, "_HID", "PNP0103");
    aml_name_int(a, "_UID", 0);
    aml_name(a, "_CRS");
    r = aml_begin_resources(a);
    aml_fixed_memory(a, HPET_BASE, 0x400);
    aml_end_resources(a, r);
    aml_end(a, device);
}

/* ---- what is behind the ISA bridge ---- */

struct legacy {
    const char *name, *id;
    struct {
        uint16_t first;
        uint8_t count;
    } io[3];
    int8_t irq, dma; /* -1: none */
};

static const struct legacy legacy[] = {
    {"PIC_", "PNP0000", {{0x20, 2}, {0xA0, 2}, {0x4D0, 2}}, 2, -1},
    {"TMR_", "PNP0100", {{0x40, 4}}, 0, -1},
    {"DMA_", "PNP0200", {{0x00, 16}, {0x80, 16}, {0xC0, 32}}, -1, 4},
    {"RTC_", "PNP0B00", {{0x70, 2}}, 8, -1},
    {"SPKR", "PNP0800", {{0x61, 1}}, -1, -1},
    {"FPU_", "PNP0C04", {{0xF0, 16}}, 13, -1},
    {"KBD_", "PNP0303", {{0x60, 1}, {0x64, 1}}, 1, -1},
    {"MOU_", "PNP0F13", {{0}}, 12, -1},
};

static void legacy_device(struct aml *a, const struct legacy *d, unsigned uid)
{
    uint32_t device = aml_begin_named(a, AML_DEVICE, d->name), r;

    aml_name_eisa(a, "_HID", d->id);
    aml_name_int(a, "_UID", uid);
    aml_name(a, "_CRS");
    r = aml_begin_resources(a);
    for (unsigned i = 0; i < 3; i++)
        if (d->io[i].count)
            aml_io(a, d->io[i].first, d->io[i].count);
    if (d->irq >= 0)
        aml_irq(a, (unsigned)d->irq);
    if (d->dma >= 0)
        aml_dma(a, (unsigned)d->dma);
    aml_end_resources(a, r);
    aml_end(a, device);
}

static void ports(struct bios *b, struct aml *a)
{
    static const char *const com[4] = {"COM1", "COM2", "COM3", "COM4"};
    static const char *const lpt[3] = {"LPT1", "LPT2", "LPT3"};

    for (unsigned i = 0; i < 4; i++) {
        struct legacy d = {com[i], "PNP0501", {{b->config.serial_ports[i], 8}}, i & 1 ? 3 : 4, -1};

        if (b->config.serial_ports[i])
            legacy_device(a, &d, i + 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct legacy d = {lpt[i], "PNP0400", {{b->config.parallel_ports[i], 8}}, 7, -1};

        if (b->config.parallel_ports[i])
            legacy_device(a, &d, i + 1);
    }
}

static void isa_bridge(struct bios *b, struct aml *a)
{
    static const struct legacy floppy = {"FDC0", "PNP0700", {{0x3F0, 6}, {0x3F7, 1}}, 6, 2};
    uint32_t device = aml_begin_named(a, AML_DEVICE, "ISA_");

    aml_name_int(a, "_ADR", 0x10000);
    aml_op(a, AML_REGION);
    aml_path(a, "P40C");
    aml_byte(a, 2); /* PCI configuration space */
    aml_int(a, 0x60);
    aml_int(a, PINS);
    for (unsigned i = 0; i < sizeof legacy / sizeof *legacy; i++)
        legacy_device(a, &legacy[i], 0);
    if (b->floppy[0].present || b->floppy[1].present)
        legacy_device(a, &floppy, 0);
    ports(b, a);
    aml_end(a, device);
}

/* The firmware configuration device, by which operating systems find it. */
static void fw_cfg(struct aml *a)
{
    uint32_t device = aml_begin_named(a, AML_DEVICE, "FWCF"), r;

    aml_name(a, "_HID");
    aml_string(a, "QEMU0002");
    aml_name_int(a, "_STA", 0x0B); /* there, but nothing to show */
    aml_name(a, "_CRS");
    r = aml_begin_resources(a);
    aml_io(a, FW_CFG_PORT, FW_CFG_PORTS);
    aml_end_resources(a, r);
    aml_end(a, device);
}

static void root_bridge(struct bios *b, struct aml *a)
{
    uint32_t device = aml_begin_named(a, AML_DEVICE, "PCI0");

    aml_name_eisa(a, "_HID", "PNP0A03");
    aml_name_int(a, "_ADR", 0);
    aml_name_int(a, "_UID", 0);
    bridge_resources(a);
    routing(b, a);
    isa_bridge(b, a);
    if (b->config.fw_cfg)
        fw_cfg(a);
    aml_end(a, device);
}

/* ---- the links: PIRQ registers as devices whose interrupt can be chosen ---- */

static void link_field(struct aml *a)
{
    uint32_t field = aml_begin_named(a, AML_FIELD, "PCI0.ISA_.P40C");

    aml_byte(a, 0x01); /* byte access, preserve */
    for (unsigned i = 0; i < PINS; i++)
        aml_field_unit(a, link_registers[i], 8);
    aml_end(a, field);
}

/* Create the field PRRI, the interrupt in the resources that the term before names. */
static void interrupt_field(struct aml *a)
{
    aml_int(a, RESOURCE_IRQ);
    aml_path(a, "PRRI");
}

static void link_resources_method(struct aml *a)
{
    const uint8_t none = 0;
    uint32_t method = aml_begin_method(a, "IQCR", 1), r, condition;

    aml_name(a, "PRR0");
    r = aml_begin_resources(a);
    aml_interrupts(a, &none, 1);
    aml_end_resources(a, r);
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_path(a, "PRR0");
    interrupt_field(a);
    condition = aml_begin(a, AML_IF);
    aml_op(a, AML_LESS);
    aml_op(a, AML_ARG0);
    aml_int(a, 0x80);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_path(a, "PRRI");
    aml_end(a, condition);
    aml_op(a, AML_RETURN);
    aml_path(a, "PRR0");
    aml_end(a, method);
}

/* _STA: present, and enabled while the register's top bit is clear. */
static void link_status(struct aml *a, const char *reg)
{
    uint32_t method = aml_begin_method(a, "_STA", 0), condition;

    condition = aml_begin(a, AML_IF);
    aml_op(a, AML_AND);
    aml_path(a, reg);
    aml_int(a, 0x80);
    aml_byte(a, 0); /* no target */
    aml_op(a, AML_RETURN);
    aml_int(a, 0x09);
    aml_end(a, condition);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x0B);
    aml_end(a, method);
}

static void link_device(struct aml *a, unsigned n)
{
    static const uint8_t possible[] = {5, 10, 11};
    const char *reg = link_registers[n];
    uint32_t device = aml_begin_named(a, AML_DEVICE, link_names[n]), at;

    aml_name_eisa(a, "_HID", "PNP0C0F");
    aml_name_int(a, "_UID", n + 1);
    aml_name(a, "_PRS");
    at = aml_begin_resources(a);
    aml_interrupts(a, possible, sizeof possible);
    aml_end_resources(a, at);
    link_status(a, reg);
    at = aml_begin_method(a, "_DIS", 0);
    aml_op(a, AML_OR);
    aml_path(a, reg);
    aml_int(a, 0x80);
    aml_path(a, reg);
    aml_end(a, at);
    at = aml_begin_method(a, "_CRS", 0);
    aml_op(a, AML_RETURN);
    aml_path(a, "IQCR");
    aml_path(a, reg);
    aml_end(a, at);
    at = aml_begin_method(a, "_SRS", 1);
    aml_op(a, AML_CREATE_DWORD_FIELD);
    aml_op(a, AML_ARG0);
    interrupt_field(a);
    aml_op(a, AML_STORE);
    aml_path(a, "PRRI");
    aml_path(a, reg);
    aml_end(a, at);
    aml_end(a, device);
}

/* ---- all of it ---- */

static void sleep_state(struct aml *a, const char *name, unsigned type)
{
    uint32_t package;

    aml_name(a, name);
    package = aml_begin_package(a, 4);
    aml_int(a, type); /* for PM1a, for PM1b, and two reserved */
    aml_int(a, type);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a, package);
}

static void processor(struct aml *a)
{
    uint32_t scope = aml_begin_named(a, AML_SCOPE, "\\_PR_"), cpu;

    cpu = aml_begin_named(a, AML_PROCESSOR, "CPU0");
    aml_byte(a, 0);
    aml_dword(a, 0); /* no throttling registers */
    aml_byte(a, 0);
    aml_end(a, cpu);
    aml_end(a, scope);
}

uint8_t *acpi_dsdt(struct bios *b)
{
    struct aml a = {0};
    uint32_t scope = aml_begin_named(&a, AML_SCOPE, "\\_SB_");
    uint8_t *t;

    root_bridge(b, &a);
    if (bios_hpet_present(b))
        event_timer(&a);
    link_field(&a);
    link_resources_method(&a);
    for (unsigned i = 0; i < PINS; i++)
        link_device(&a, i);
    aml_end(&a, scope);
    interrupt_model(&a);
    sleep_state(&a, "\\_S1_", PIIX_TYPE_S1);
    if (!b->config.no_s3)
        sleep_state(&a, "\\_S3_", PIIX_TYPE_S3);
    if (!b->config.no_s4)
        sleep_state(&a, "\\_S4_", PIIX_TYPE_S4);
    sleep_state(&a, "\\_S5_", PIIX_TYPE_S5);
    processor(&a);
    t = a.full ? NULL : acpi_table(b, "DSDT", ACPI_HEADER + a.len, 1);
    if (!t)
        return NULL;
    memcpy(t + ACPI_HEADER, a.data, a.len);
    acpi_finish(t);
    return t;
}
