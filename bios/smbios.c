/* SMBIOS 2.8 (DSP0134): an entry point and structures about firmware, system, processor and
 * memory, all of them in the ROM. */
#include "bios/private.h"

#include <stdio.h>
#include <string.h>

enum {
    ENTRY_BYTES = 31,
    INTERMEDIATE = 16, /* the old DMI entry point within it */
    TABLE_ROOM = 8192,
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
    unsigned strings; /* it has so many, */
    const char *string[SMBIOS_TEXTS];
    const struct smbios_config *user;
    bool skip; /* a file of the user's is there instead */
};

static void put(struct table *t, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && t->len < TABLE_ROOM; i++)
        t->data[t->len++] = i < 8 ? v >> 8 * i : 0;
}

/* Begin a structure; its length is filled in by END. */
static void begin(struct table *t, uint8_t type, uint16_t handle)
{
    t->start = t->len;
    t->strings = 0;
    t->skip = false;
    for (unsigned i = 0; i < t->user->files; i++)
        t->skip |= t->user->file[i].data[0] == type;
    put(t, type, 1);
    put(t, 0, 1);
    put(t, handle, 2);
}

/* A field that is the number of text I that the user has given for KIND, or of STANDARD; 0 where
 * there is none. */
static void text(struct table *t, enum smbios_kind kind, unsigned i, const char *standard)
{
    const char *given = t->user->text[kind][i], *is = given ? given : standard;

    if (is && *is && t->strings < SMBIOS_TEXTS)
        t->string[t->strings++] = is;
    put(t, is && *is ? t->strings : 0, 1);
}

static void count(struct table *t)
{
    unsigned len = t->len - t->start;

    if (len > t->longest)
        t->longest = len;
    t->count++;
}

static void end(struct table *t)
{
    if (t->skip) {
        t->len = t->start;
        return;
    }
    if (t->start + 1 < TABLE_ROOM)
        t->data[t->start + 1] = (uint8_t)(t->len - t->start);
    for (unsigned i = 0; i < t->strings; i++) {
        for (const char *p = t->string[i]; *p; p++)
            put(t, (uint8_t)*p, 1);
        put(t, 0, 1);
    }
    if (!t->strings)
        put(t, 0, 1);
    put(t, 0, 1);
    count(t);
}

/* The user's structures, each ended by two zeros. */
static void files(struct table *t)
{
    for (unsigned i = 0; i < t->user->files; i++) {
        const struct smbios_file *f = &t->user->file[i];

        t->start = t->len;
        for (uint32_t n = 0; n < f->len; n++)
            put(t, f->data[n], 1);
        count(t);
    }
}

/* 7.1 */
static void firmware(struct table *t)
{
    begin(t, 0, 0);
    text(t, SMBIOS_BIOS, 0, "ringer");
    text(t, SMBIOS_BIOS, 1, RINGER_VERSION);
    put(t, ROM_SEGMENT, 2);
    text(t, SMBIOS_BIOS, 2, "11/20/2026");
    put(t, 0, 1);
    /* PCI, selectable boot, boot from CD, EDD, the usual INT services */
    put(t, 1u << 7 | 1u << 15 | 1u << 16 | 1u << 19 | 0x7u << 27, 8);
    put(t, 0x01, 1); /* ACPI */
    put(t, t->user->uefi ? 0x08 : 0x00, 1);
    put(t, t->user->has_release ? t->user->release[0] : 0xFF, 1); /* FFh: none */
    put(t, t->user->has_release ? t->user->release[1] : 0xFF, 1);
    put(t, 0xFFFF, 2); /* nor of a controller */
    end(t);
}

/* 7.2 */
static void machine(const struct bios *b, struct table *t)
{
    const uint8_t *uuid = b->config.uuid;

    begin(t, 1, 0x100);
    text(t, SMBIOS_SYSTEM, 0, "ringer");
    text(t, SMBIOS_SYSTEM, 1, "Standard PC (i440FX + PIIX)");
    text(t, SMBIOS_SYSTEM, 2, RINGER_VERSION);
    text(t, SMBIOS_SYSTEM, 3, NULL);
    for (unsigned i = 0; i < 16; i++) { /* the first three fields of a UUID are little-endian */
        unsigned from = i < 4 ? 3 - i : i < 6 ? 9 - i : i < 8 ? 13 - i : i;

        put(t, uuid ? uuid[from] : 0, 1);
    }
    put(t, 6, 1); /* woken by the power switch */
    text(t, SMBIOS_SYSTEM, 4, NULL);
    text(t, SMBIOS_SYSTEM, 5, NULL);
    end(t);
}

/* 7.3: nobody asks for a board but who describes one. */
static void board(struct table *t)
{
    if (!t->user->given[SMBIOS_BOARD])
        return;
    begin(t, 2, 0x200);
    text(t, SMBIOS_BOARD, 0, "ringer");
    for (unsigned i = 1; i < 5; i++) /* product, version, serial number, asset tag */
        text(t, SMBIOS_BOARD, i, NULL);
    put(t, 1, 1); /* it hosts the rest */
    text(t, SMBIOS_BOARD, 5, NULL);
    put(t, 0x300, 2); /* in that chassis */
    put(t, 10, 1);    /* motherboard */
    put(t, 0, 1);
    end(t);
}

/* 7.4 */
static void chassis(struct table *t)
{
    begin(t, 3, 0x300);
    text(t, SMBIOS_CHASSIS, 0, "ringer");
    put(t, 1, 1); /* other */
    for (unsigned i = 1; i < 4; i++)
        text(t, SMBIOS_CHASSIS, i, NULL);
    put(t, 0x03030303, 4); /* safe; no security status */
    put(t, 0, 4);
    put(t, 0, 4); /* height, cords, elements */
    text(t, SMBIOS_CHASSIS, 4, NULL);
    end(t);
}

/* 7.5 */
static void processor(struct bios *b, struct table *t)
{
    uint32_t id[4];

    bios_cpuid(b, 1, id);
    begin(t, 4, PROCESSOR_HANDLE);
    text(t, SMBIOS_PROCESSOR, 0, "CPU 0");
    put(t, 3, 1); /* central processor */
    put(t, 1, 1); /* family: other */
    text(t, SMBIOS_PROCESSOR, 1, "ringer");
    put(t, id[0], 4);
    put(t, id[3], 4);
    text(t, SMBIOS_PROCESSOR, 2, NULL);
    put(t, 0x80, 1); /* voltage 0 */
    put(t, 0, 2);
    put(t, t->user->max_mhz ? t->user->max_mhz : 1000, 2); /* as the time-stamp counter counts */
    put(t, t->user->current_mhz ? t->user->current_mhz : 1000, 2);
    put(t, 0x41, 1); /* socket populated, enabled */
    put(t, 1, 1);
    put(t, 0xFFFFFFFFFFFFull, 6); /* no caches described */
    for (unsigned i = 3; i < 6; i++)
        text(t, SMBIOS_PROCESSOR, i, NULL);
    put(t, 0x010101, 3); /* cores, enabled, threads */
    put(t, 0, 2);
    put(t, 1, 2);
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
    end(t);
    begin(t, 17, ARRAY_HANDLE + 0x100);
    put(t, ARRAY_HANDLE, 2);
    put(t, NO_HANDLE, 2);
    put(t, 64, 2);
    put(t, 64, 2);
    put(t, bytes >> 20, 2); /* MiB */
    put(t, 9, 1);           /* DIMM */
    put(t, 0, 1);
    text(t, SMBIOS_MEMORY, 0, "DIMM 0");
    text(t, SMBIOS_MEMORY, 1, NULL);
    put(t, 7, 1); /* RAM */
    put(t, UNKNOWN, 2);
    put(t, t->user->memory_speed, 2);
    for (unsigned i = 2; i < 6; i++)
        text(t, SMBIOS_MEMORY, i, NULL);
    put(t, 0, 13);
    end(t);
    begin(t, 19, ARRAY_HANDLE + 0x300);
    put(t, 0, 4);
    put(t, bytes / 1024 - 1, 4);
    put(t, ARRAY_HANDLE, 2);
    put(t, 1, 1);
    put(t, 0, 16);
    end(t);
}

/* 7.33 and 7.45 */
static void last(struct table *t)
{
    begin(t, 32, 0x2000);
    put(t, 0, 6);
    put(t, 0, 1); /* no errors at boot */
    end(t);
    begin(t, 127, 0x7F00);
    end(t);
}

/* 7.12 */
static void oem_texts(struct table *t)
{
    unsigned n = 0;

    if (!t->user->given[SMBIOS_OEM])
        return;
    while (n < SMBIOS_TEXTS && t->user->text[SMBIOS_OEM][n])
        n++;
    begin(t, 11, 0xE00);
    put(t, n, 1);
    for (unsigned i = 0; i < n; i++)
        t->string[t->strings++] = t->user->text[SMBIOS_OEM][i];
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
    static const struct smbios_config nothing;
    struct table t = {.user = b->config.smbios ? b->config.smbios : &nothing};
    uint8_t *e = bios_rom_room(b, ENTRY_BYTES, 16), *data;

    firmware(&t);
    machine(b, &t);
    board(&t);
    chassis(&t);
    processor(b, &t);
    memory(b, &t);
    oem_texts(&t);
    files(&t);
    last(&t);
    data = bios_rom_room(b, t.len, 16);
    if (!e || !data || t.len == TABLE_ROOM)
        return;
    memcpy(data, t.data, t.len);
    entry_point(e, &t, 0xF0000 + (uint32_t)(data - b->rom));
}
