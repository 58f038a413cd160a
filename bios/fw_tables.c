/* ACPI and SMBIOS tables for firmware that puts them where it likes: copies of those in our ROM,
 * and for ACPI a script of what to allocate, which pointers to relocate and which checksums to
 * renew (etc/table-loader of fw_cfg).
 *
 * Everything is found by following the finished tables from their anchors, so that whoever adds a
 * table to the RSDT has added it here. */
#include "bios/acpi.h"
#include "devices/fw_cfg.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"

enum {
    RSDP_BYTES = 20,
    BLOB_BYTES = 0x10000,
    COMMAND_BYTES = 128,
    COMMANDS_MAX = 64,
    ALLOCATE = 1,
    ADD_POINTER = 2,
    ADD_CHECKSUM = 3,
    ZONE_HIGH = 1,
    ZONE_F_SEGMENT = 2,
    CHECKSUM_AT = 9,
    FADT_FACS = 36,
    FADT_DSDT = 40,
    FADT_X_FACS = 132,
    FADT_X_DSDT = 140,
    SMBIOS_ENTRY = 31,
};

struct loader {
    struct bios *b;
    uint8_t *blob;
    uint32_t len;
    uint8_t script[COMMANDS_MAX * COMMAND_BYTES];
    unsigned commands;
};

static uint32_t get32(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

/* ---- the script ---- */

static uint8_t *command(struct loader *l, uint32_t number, const char *file)
{
    uint8_t *c = l->script + COMMAND_BYTES * l->commands;

    if (l->commands < COMMANDS_MAX - 1)
        l->commands++; /* a table that can be made does not fill it: see ACPI_TABLES_MAX */

    acpi_put(c, number, 4);
    strcpy((char *)c + 4, file);
    return c + 4 + FW_CFG_NAME;
}

static void allocate(struct loader *l, const char *file, uint32_t align, uint8_t zone)
{
    uint8_t *p = command(l, ALLOCATE, file);

    acpi_put(p, align, 4);
    p[4] = zone;
}

/* SIZE bytes at OFFSET of FILE are an offset in the tables, to become an address. */
static void pointer(struct loader *l, const char *file, uint32_t offset, uint8_t size)
{
    uint8_t *p = command(l, ADD_POINTER, file);

    strcpy((char *)p, TABLES_FILE);
    acpi_put(p + FW_CFG_NAME, offset, 4);
    p[FW_CFG_NAME + 4] = size;
}

static void checksum(struct loader *l, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
    uint8_t *p = command(l, ADD_CHECKSUM, file);

    acpi_put(p, at, 4);
    acpi_put(p + 4, start, 4);
    acpi_put(p + 8, len, 4);
}

/* ---- ACPI ---- */

/* Copy LEN bytes; their offset in the blob. */
static uint32_t append(struct loader *l, const uint8_t *data, uint32_t len)
{
    uint32_t at = (l->len + 15) & ~15u;

    if (at > BLOB_BYTES || len > BLOB_BYTES - at)
        return 0;
    memcpy(l->blob + at, data, len);
    l->len = at + len;
    return at;
}

/* The table that stands in our ROM at ADDRESS; NULL when it is elsewhere. */
static const uint8_t *in_rom(const struct bios *b, uint32_t address, uint32_t *len)
{
    uint32_t offset = address - 0xF0000;

    if (offset >= ROM_SIZE - ACPI_HEADER)
        return NULL;
    *len = get32(b->rom + offset + 4);
    return *len >= ACPI_HEADER && *len <= ROM_SIZE - offset ? b->rom + offset : NULL;
}

static void relocate(struct loader *l, uint32_t table, uint32_t field, uint8_t size, uint32_t to)
{
    acpi_put(l->blob + table + field, to, size);
    pointer(l, TABLES_FILE, table + field, size);
}

static void renew_checksum(struct loader *l, uint32_t table)
{
    l->blob[table + CHECKSUM_AT] = 0;
    checksum(l, TABLES_FILE, table + CHECKSUM_AT, table, get32(l->blob + table + 4));
}

/* The FADT names FACS and DSDT, by 32 and by 64 bits. */
static void follow_fadt(struct loader *l, uint32_t fadt, uint32_t facs)
{
    uint32_t len, dsdt;
    const uint8_t *t = in_rom(l->b, get32(l->blob + fadt + FADT_DSDT), &len);
    bool wide = get32(l->blob + fadt + 4) >= FADT_X_DSDT + 8;

    if (!t)
        return;
    dsdt = append(l, t, len);
    relocate(l, fadt, FADT_FACS, 4, facs);
    relocate(l, fadt, FADT_DSDT, 4, dsdt);
    if (wide) {
        relocate(l, fadt, FADT_X_FACS, 8, facs);
        relocate(l, fadt, FADT_X_DSDT, 8, dsdt);
    }
    renew_checksum(l, fadt);
}

static uint32_t follow_rsdt(struct loader *l, uint32_t address, uint32_t facs)
{
    uint32_t len, rsdt;
    const uint8_t *t = in_rom(l->b, address, &len);

    if (!t)
        return 0;
    rsdt = append(l, t, len);
    for (uint32_t at = ACPI_HEADER; rsdt && at + 4 <= len; at += 4) {
        uint32_t bytes, table;
        const uint8_t *from = in_rom(l->b, get32(t + at), &bytes);

        table = from ? append(l, from, bytes) : 0;
        relocate(l, rsdt, at, 4, table);
        if (table && !memcmp(from, "FACP", 4))
            follow_fadt(l, table, facs);
    }
    if (rsdt)
        renew_checksum(l, rsdt);
    return rsdt;
}

static const uint8_t *find_anchor(const struct bios *b, const char *signature)
{
    for (uint32_t at = 0; at < ROM_CODE; at += 16)
        if (!memcmp(b->rom + at, signature, strlen(signature)))
            return b->rom + at;
    return NULL;
}

static void acpi_files(struct bios *b, struct loader *l)
{
    const uint8_t *anchor = find_anchor(b, "RSD PTR ");
    uint8_t rsdp[RSDP_BYTES], facs[ACPI_FACS_BYTES];
    uint32_t rsdt;

    if (!anchor)
        return;
    allocate(l, RSDP_FILE, 16, ZONE_F_SEGMENT);
    allocate(l, TABLES_FILE, 64, ZONE_HIGH);
    acpi_facs(facs);
    append(l, facs, sizeof facs); /* first: it wants to be aligned by 64 */
    rsdt = follow_rsdt(l, get32(anchor + 16), 0);
    if (!rsdt)
        return;
    memcpy(rsdp, anchor, sizeof rsdp);
    rsdp[8] = 0;
    acpi_put(rsdp + 16, rsdt, 4);
    pointer(l, RSDP_FILE, 16, 4);
    checksum(l, RSDP_FILE, 8, 0, sizeof rsdp);
    fw_cfg_set_file(b->config.fw_cfg, TABLES_FILE, l->blob, l->len);
    fw_cfg_set_file(b->config.fw_cfg, RSDP_FILE, rsdp, sizeof rsdp);
    fw_cfg_set_file(b->config.fw_cfg, "etc/table-loader", l->script, l->commands * COMMAND_BYTES);
}

/* ---- SMBIOS ---- */

/* Bytes of the structure at P, of LEN that are left: the formatted part and its strings. */
static uint32_t structure_bytes(const uint8_t *p, uint32_t len)
{
    uint32_t n = len >= 2 ? p[1] : len;

    while (n + 2 <= len && (p[n] || p[n + 1]))
        n++;
    return n + 2 < len ? n + 2 : len;
}

static uint8_t negative_sum(const uint8_t *p, unsigned len)
{
    uint8_t sum = 0;

    while (len--)
        sum += *p++;
    return -sum;
}

/* All but the structure about our own firmware, which foreign firmware writes itself. */
static void smbios_files(struct bios *b)
{
    const uint8_t *anchor = find_anchor(b, "_SM_"), *table;
    uint8_t entry[SMBIOS_ENTRY];
    uint32_t offset, len, skip;

    if (!anchor)
        return;
    memcpy(entry, anchor, sizeof entry);
    offset = get32(entry + 24) - 0xF0000;
    len = entry[22] | entry[23] << 8;
    if (offset >= ROM_SIZE || len > ROM_SIZE - offset)
        return;
    table = b->rom + offset;
    skip = table[0] == 0 && !(b->config.smbios && b->config.smbios->given[SMBIOS_BIOS])
               ? structure_bytes(table, len)
               : 0;
    acpi_put(entry + 22, len - skip, 2);
    acpi_put(entry + 24, 0, 4);
    acpi_put(entry + 28, (entry[28] | entry[29] << 8) - (skip ? 1u : 0), 2);
    entry[21] = entry[4] = 0;
    entry[21] = negative_sum(entry + 16, sizeof entry - 16);
    entry[4] = negative_sum(entry, sizeof entry);
    fw_cfg_set_file(b->config.fw_cfg, "etc/smbios/smbios-anchor", entry, sizeof entry);
    fw_cfg_set_file(b->config.fw_cfg, "etc/smbios/smbios-tables", table + skip, len - skip);
}

void bios_fw_tables(struct bios *b)
{
    struct loader *l = calloc(1, sizeof *l);

    if (l && (l->blob = calloc(1, BLOB_BYTES))) {
        l->b = b;
        acpi_files(b, l);
        free(l->blob);
    }
    free(l);
    smbios_files(b);
}
