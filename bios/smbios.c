/* SMBIOS 2.8 (DSP0134): an entry point and structures about firmware, system, processor and
 * memory, all of them in the ROM. */
#include "bios/private.h"

#include <stdio.h>
#include <string.h>

enum {
    ENTRY_BYTES = 31,
    INTERMEDIATE = 16, /* the old DMI entry point within it */
    TABLE_ROOM = 1024,
    PROCESSOR_HANDLE = 0x400,
    ARRAY_HANDLE = 0x1000,
    UNKNOWN = 2,
    NO_HANDLE = 0xFFFE,
};

/* The table as it grows. */
struct table {
    uint8_t data[TABLE_ROOM];
    unsigned len, count, longest;
    unsigned start;   /* of the structure being made */
    unsigned strings; /* it has so many */
};

static void put(struct table *t, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && t->len < TABLE_ROOM; i++)
        t->data[t->len++] = i < 8 ? v >> 8 * i : 0;
}

/* Begin a structure; its length is filled in by END_FIELDS. */
static void begin(struct table *t, uint8_t type, uint16_t handle)
{
    t->start = t->len;
    t->strings = 0;
    put(t, type, 1);
    put(t, 0, 1);
    put(t, handle, 2);
}

static void end_fields(struct table *t)
{
    t->data[t->start + 1] = t->len - t->start;
}

static void string(struct table *t, const char *text)
{
    while (*text)
        put(t, (uint8_t)*text++, 1);
    put(t, 0, 1);
    t->strings++;
}

static void end(struct table *t)
{
    unsigned len;

    if (!t->strings)
        put(t, 0, 1);
    put(t, 0, 1);
    len = t->len - t->start;
    if (len > t->longest)
        t->longest = len;
    t->count++;
}

/* 7.1 */
static void firmware(struct table *t)
{
    begin(t, 0, 0);
    put(t, 1, 1);
    put(t, 2, 1);
    put(t, ROM_SEGMENT, 2);
    put(t, 3, 1);
    put(t, 0, 1);
    /* PCI, selectable boot, boot from CD, EDD, the usual INT services */
    put(t, 1u << 7 | 1u << 15 | 1u << 16 | 1u << 19 | 0x7u << 27, 8);
    put(t, 0x01, 1); /* ACPI */
    put(t, 0x00, 1);
    put(t, 0xFFFFFFFF, 4); /* no release numbers */
    end_fields(t);
    string(t, "ringer");
    string(t, RINGER_VERSION);
    string(t, "11/20/2026");
    end(t);
}

/* 7.2 */
static void machine(const struct bios *b, struct table *t)
{
    const uint8_t *uuid = b->config.uuid;

    begin(t, 1, 0x100);
    put(t, 0x00030201, 4);              /* manufacturer, product, version; no serial number */
    for (unsigned i = 0; i < 16; i++) { /* the first three fields of a UUID are little-endian */
        unsigned from = i < 4 ? 3 - i : i < 6 ? 9 - i : i < 8 ? 13 - i : i;

        put(t, uuid ? uuid[from] : 0, 1);
    }
    put(t, 6, 1); /* woken by the power switch */
    put(t, 0, 2);
    end_fields(t);
    string(t, "ringer");
    string(t, "Standard PC (i440FX + PIIX)");
    string(t, RINGER_VERSION);
    end(t);
}

/* 7.4 */
static void chassis(struct table *t)
{
    begin(t, 3, 0x300);
    put(t, 1, 1);
    put(t, 1, 1); /* other */
    put(t, 0, 3);
    put(t, 0x03030303, 4); /* safe; no security status */
    put(t, 0, 4);
    put(t, 0, 4); /* height, cords, elements */
    put(t, 0, 1);
    end_fields(t);
    string(t, "ringer");
    end(t);
}

/* 7.5 */
static void processor(struct bios *b, struct table *t)
{
    uint32_t id[4];

    bios_cpuid(b, 1, id);
    begin(t, 4, PROCESSOR_HANDLE);
    put(t, 1, 1);
    put(t, 3, 1); /* central processor */
    put(t, 1, 1); /* family: other */
    put(t, 2, 1);
    put(t, id[0], 4);
    put(t, id[3], 4);
    put(t, 0, 1);
    put(t, 0x80, 1); /* voltage 0 */
    put(t, 0, 2);
    put(t, 1000, 2); /* MHz, as the time-stamp counter counts */
    put(t, 1000, 2);
    put(t, 0x41, 1); /* socket populated, enabled */
    put(t, 1, 1);
    put(t, 0xFFFFFFFFFFFFull, 6); /* no caches described */
    put(t, 0, 3);
    put(t, 0x010101, 3); /* cores, enabled, threads */
    put(t, 0, 2);
    put(t, 1, 2);
    end_fields(t);
    string(t, "CPU 0");
    string(t, "ringer");
    end(t);
}

/* 7.17, 7.18, 7.20: one array with one module, mapped from zero. */
static void memory(struct bios *b, struct table *t)
{
    uint64_t bytes = phys_ram_size(b->phys);

    begin(t, 16, ARRAY_HANDLE);
    put(t, 1, 1); /* other location */
    put(t, 3, 1); /* system memory */
    put(t, 3, 1); /* no error correction */
    put(t, bytes / 1024, 4);
    put(t, NO_HANDLE, 2);
    put(t, 1, 2);
    put(t, 0, 8);
    end_fields(t);
    end(t);
    begin(t, 17, ARRAY_HANDLE + 0x100);
    put(t, ARRAY_HANDLE, 2);
    put(t, NO_HANDLE, 2);
    put(t, 64, 2);
    put(t, 64, 2);
    put(t, bytes >> 20, 2); /* MiB */
    put(t, 9, 1);           /* DIMM */
    put(t, 0, 1);
    put(t, 1, 1);
    put(t, 0, 1);
    put(t, 7, 1); /* RAM */
    put(t, UNKNOWN, 2);
    put(t, 0, 2);
    put(t, 0, 4);
    put(t, 0, 13);
    end_fields(t);
    string(t, "DIMM 0");
    end(t);
    begin(t, 19, ARRAY_HANDLE + 0x300);
    put(t, 0, 4);
    put(t, bytes / 1024 - 1, 4);
    put(t, ARRAY_HANDLE, 2);
    put(t, 1, 1);
    put(t, 0, 16);
    end_fields(t);
    end(t);
}

/* 7.33 and 7.45 */
static void last(struct table *t)
{
    begin(t, 32, 0x2000);
    put(t, 0, 6);
    put(t, 0, 1); /* no errors at boot */
    end_fields(t);
    end(t);
    begin(t, 127, 0x7F00);
    end_fields(t);
    end(t);
}

static uint8_t negative_sum(const uint8_t *p, unsigned len)
{
    uint8_t sum = 0;

    while (len--)
        sum += *p++;
    return -sum;
}

static void set(uint8_t *p, uint32_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = v >> 8 * i;
}

/* 5.2.1 */
static void entry_point(uint8_t *e, const struct table *t, uint32_t address)
{
    memcpy(e, "_SM_", 4);
    e[5] = ENTRY_BYTES;
    e[6] = 2;
    e[7] = 8;
    set(e + 8, t->longest, 2);
    memcpy(e + INTERMEDIATE, "_DMI_", 5);
    set(e + 22, t->len, 2);
    set(e + 24, address, 4);
    set(e + 28, t->count, 2);
    e[30] = 0x28;
    e[21] = negative_sum(e + INTERMEDIATE, ENTRY_BYTES - INTERMEDIATE);
    e[4] = negative_sum(e, ENTRY_BYTES);
}

void smbios_fill_rom(struct bios *b)
{
    struct table t = {.len = 0};
    uint8_t *e = bios_rom_room(b, ENTRY_BYTES, 16), *data;

    firmware(&t);
    machine(b, &t);
    chassis(&t);
    processor(b, &t);
    memory(b, &t);
    last(&t);
    data = bios_rom_room(b, t.len, 16);
    if (!e || !data || t.len == TABLE_ROOM)
        return;
    memcpy(data, t.data, t.len);
    entry_point(e, &t, 0xF0000 + (uint32_t)(data - b->rom));
}
