/* The ACPI tables of the virtual BIOS. */
#ifndef RINGER_BIOS_ACPI_H
#define RINGER_BIOS_ACPI_H

#include "bios/private.h"

enum { ACPI_HEADER = 36, ACPI_TABLES_MAX = 8, ACPI_FACS_BYTES = 64 };

/* The tables that the RSDT lists, while it is made. */
struct acpi {
    unsigned tables;
    uint32_t address[ACPI_TABLES_MAX];
};

/* A table of LEN bytes, its header filled in, in the ROM; NULL when there is no room.  Finish it
 * with acpi_finish, which adds the checksum, and acpi_list for those that the RSDT has. */
uint8_t *acpi_table(struct bios *b, const char *signature, uint32_t len, uint8_t revision);
void acpi_finish(uint8_t *table);
void acpi_list(struct bios *b, struct acpi *acpi, const uint8_t *table);
uint32_t acpi_address(const struct bios *b, const uint8_t *table);

/* A fresh firmware ACPI control structure. */
void acpi_facs(uint8_t facs[ACPI_FACS_BYTES]);

/* The differentiated system description table (acpi_dsdt.c); NULL when there is no room. */
uint8_t *acpi_dsdt(struct bios *b);

/* Sum of LEN bytes modulo 256. */
uint8_t bios_sum(const uint8_t *p, uint32_t len);

static inline void acpi_put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

#endif
