/* ACPI tables (ACPI specification 2.0, section 5.2): RSDP, RSDT, FADT, FACS; the DSDT is made in
 * acpi_dsdt.c, MADT and HPET table in apic.c.  They lie in the ROM, but for the FACS, which is written to: it takes the last 64
 * bytes of the EBDA and is made anew by each POST. */
#include "bios/apic.h"

#include <string.h>

enum {
    RSDP_BYTES = 20,
    FADT_BYTES = 244,
    FACS_ADDRESS = EBDA_BASE + 0x400 - ACPI_FACS_BYTES,

    PM1A_EVENT = BIOS_PM_BASE,
    PM1A_CONTROL = BIOS_PM_BASE + 4,
    PM_TIMER = BIOS_PM_BASE + 8,
    GPE0 = BIOS_PM_BASE + 0x0C,
    RESET_PORT = 0xCF9,
    RESET_VALUE = 0x06,
    POWER_FUNCTION = 1 << 3 | 3,

    /* FADT flags: WBINVD works, C1 on all processors, no fixed sleep button, the reset register
     * is there. */
    FADT_FLAGS = 1 << 0 | 1 << 2 | 1 << 5 | 1 << 10,
    FACS_WAKING_VECTOR = 12,
    BOOT_FLAGS = 1 << 0 | 1 << 1, /* ISA devices, 8042 */
    NO_C2 = 0xFFF,
    NO_C3 = 0xFFF,
};

uint32_t acpi_address(const struct bios *b, const uint8_t *table)
{
    return 0xF0000 + (uint32_t)(table - b->rom);
}

uint8_t *acpi_table(struct bios *b, const char *signature, uint32_t len, uint8_t revision)
{
    uint8_t *t = bios_rom_room(b, len, 16);

    if (!t)
        return NULL;
    memcpy(t, signature, 4);
    acpi_put(t + 4, len, 4);
    t[8] = revision;
    memcpy(t + 10, "RINGER", 6);
    memcpy(t + 16, "RINGERPC", 8);
    acpi_put(t + 24, 1, 4);
    memcpy(t + 28, "RING", 4);
    acpi_put(t + 32, 1, 4);
    return t;
}

uint8_t bios_sum(const uint8_t *p, uint32_t len)
{
    uint8_t s = 0;

    while (len--)
        s += *p++;
    return s;
}

void acpi_finish(uint8_t *t)
{
    uint32_t len = t[4] | t[5] << 8 | t[6] << 16 | (uint32_t)t[7] << 24;

    t[9] -= bios_sum(t, len);
}

void acpi_list(struct bios *b, struct acpi *acpi, const uint8_t *table)
{
    if (table && acpi->tables < ACPI_TABLES_MAX)
        acpi->address[acpi->tables++] = acpi_address(b, table);
}

/* Generic address structure (5.2.3.1) of a block of I/O ports. */
static void gas(uint8_t *p, uint16_t port, uint8_t bytes)
{
    p[0] = 1;
    p[1] = bytes * 8;
    acpi_put(p + 4, port, 8);
}

static uint8_t *fadt(struct bios *b, const uint8_t *dsdt)
{
    uint8_t *t = acpi_table(b, "FACP", FADT_BYTES, 3);

    if (!t)
        return NULL;
    acpi_put(t + 36, FACS_ADDRESS, 4);
    acpi_put(t + 40, acpi_address(b, dsdt), 4);
    t[45] = 1; /* a desktop */
    acpi_put(t + 46, BIOS_SCI_IRQ, 2);
    acpi_put(t + 48, 0xB2, 4); /* SMI command port */
    t[52] = PIIX_ACPI_ENABLE;
    t[53] = PIIX_ACPI_DISABLE;
    acpi_put(t + 56, PM1A_EVENT, 4);
    acpi_put(t + 64, PM1A_CONTROL, 4);
    acpi_put(t + 76, PM_TIMER, 4);
    acpi_put(t + 80, GPE0, 4);
    t[88] = 4;
    t[89] = 2;
    t[91] = 4;
    t[92] = 4;
    acpi_put(t + 96, NO_C2, 2);
    acpi_put(t + 98, NO_C3, 2);
    t[108] = 0x32; /* RTC's century */
    acpi_put(t + 109, BOOT_FLAGS, 2);
    acpi_put(t + 112, FADT_FLAGS, 4);
    gas(t + 116, RESET_PORT, 1);
    t[128] = RESET_VALUE;
    acpi_put(t + 132, FACS_ADDRESS, 8);
    acpi_put(t + 140, acpi_address(b, dsdt), 8);
    gas(t + 148, PM1A_EVENT, 4);
    gas(t + 172, PM1A_CONTROL, 2);
    gas(t + 208, PM_TIMER, 4);
    gas(t + 220, GPE0, 4);
    acpi_finish(t);
    return t;
}

static uint8_t *rsdt(struct bios *b, const struct acpi *acpi)
{
    uint8_t *t = acpi_table(b, "RSDT", ACPI_HEADER + 4 * acpi->tables, 1);

    if (!t)
        return NULL;
    for (unsigned i = 0; i < acpi->tables; i++)
        acpi_put(t + ACPI_HEADER + 4 * i, acpi->address[i], 4);
    acpi_finish(t);
    return t;
}

static bool acpi_present(struct bios *b)
{
    return pci_present(b) && pci_function_present(b, POWER_FUNCTION);
}

void acpi_fill_rom(struct bios *b)
{
    struct acpi acpi = {0};
    uint8_t *t, *rsdp;

    if (!acpi_present(b) || !(t = acpi_dsdt(b)))
        return;
    acpi_list(b, &acpi, fadt(b, t));
    acpi_list(b, &acpi, acpi_madt(b));
    acpi_list(b, &acpi, acpi_hpet(b));
    rsdp = bios_rom_room(b, RSDP_BYTES, 16);
    t = rsdt(b, &acpi);
    if (!t || !rsdp)
        return;
    memcpy(rsdp, "RSD PTR ", 8);
    memcpy(rsdp + 9, "RINGER", 6);
    acpi_put(rsdp + 16, acpi_address(b, t), 4);
    rsdp[8] = -bios_sum(rsdp, RSDP_BYTES);
}

void acpi_facs(uint8_t facs[ACPI_FACS_BYTES])
{
    memset(facs, 0, ACPI_FACS_BYTES);
    memcpy(facs, "FACS", 4);
    acpi_put(facs + 4, ACPI_FACS_BYTES, 4);
    facs[32] = 1;
}

void bios_acpi_init(struct bios *b)
{
    uint8_t facs[ACPI_FACS_BYTES];

    if (!acpi_present(b))
        return;
    acpi_facs(facs);
    lin_write(b, FACS_ADDRESS, facs, sizeof facs);
}

uint32_t bios_waking_vector(struct bios *b)
{
    if (!acpi_present(b) || lin32(b, FACS_ADDRESS) != 0x53434146) /* "FACS" */
        return 0;
    return lin32(b, FACS_ADDRESS + FACS_WAKING_VECTOR);
}
