/* Local APIC, I/O APIC and HPET in POST and in the tables. */
#ifndef RINGER_BIOS_APIC_H
#define RINGER_BIOS_APIC_H

#include "bios/acpi.h"
#include "devices/apic.h"
#include "devices/pci.h"

/* What answers at its address. */
bool bios_lapic_present(struct bios *b);
bool bios_ioapic_present(struct bios *b); /* with a local APIC to send to */
bool bios_hpet_present(struct bios *b);

/* ACPI's tables; NULL: there is no such thing, or no room. */
uint8_t *acpi_madt(struct bios *b);
uint8_t *acpi_hpet(struct bios *b);

#endif
