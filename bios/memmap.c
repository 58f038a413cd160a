/* INT 15h services about memory: the maps (E820h, E801h, E881h) and the block move. */
#include "bios/private.h"

#include <string.h>

enum { SMAP = 0x534D4150 };

unsigned bios_memory_map(const struct bios *b, struct map_entry map[MAP_ENTRIES])
{
    uint32_t top = bios_kernel_top(b);
    unsigned n = 0;

    map[n++] = (struct map_entry){0, EBDA_BASE, 1};
    map[n++] = (struct map_entry){EBDA_BASE, 0xA0000 - EBDA_BASE, 2};
    map[n++] = (struct map_entry){0xF0000, 0x10000, 2};
    if (top > 0x100000)
        map[n++] = (struct map_entry){0x100000, top - 0x100000, 1};
    map[n++] = (struct map_entry){0xFFFF0000u, 0x10000, 2};
    return n;
}

void int15_memory_map(struct bios *b)
{
    struct map_entry map[MAP_ENTRIES];
    unsigned n = bios_memory_map(b, map), i = b->cpu->gpr[EBX];
    uint8_t entry[24] = {0};
    uint32_t size = b->cpu->gpr[ECX];

    if (b->cpu->gpr[EDX] != SMAP || size < 20 || i >= n) {
        set_hi(b, EAX, 0x86);
        set_carry(b, true);
        return;
    }
    size = size >= 24 ? 24 : 20;
    memcpy(entry, &map[i].base, 8);
    memcpy(entry + 8, &map[i].length, 8);
    memcpy(entry + 16, &map[i].type, 4);
    entry[20] = 1; /* ACPI 3: the entry counts */
    seg_write(b, SEG_ES, reg16(b, EDI), entry, size);
    b->cpu->gpr[EAX] = SMAP;
    b->cpu->gpr[ECX] = size;
    b->cpu->gpr[EBX] = i + 1 < n ? i + 1 : 0;
    set_carry(b, false);
}

/* KiB between 1 and 16 MiB, and units of 64 KiB above. */
static void sizes(const struct bios *b, uint32_t *below16m, uint32_t *above16m)
{
    uint32_t top = bios_ram_top(b);

    *below16m = (top < 0x1000000 ? top - 0x100000 : 0xF00000) / 1024;
    *above16m = top > 0x1000000 ? (top - 0x1000000) >> 16 : 0;
}

void int15_e801(struct bios *b)
{
    uint32_t below, above;

    sizes(b, &below, &above);
    set_reg16(b, EAX, below);
    set_reg16(b, ECX, below);
    set_reg16(b, EBX, above);
    set_reg16(b, EDX, above);
    set_carry(b, false);
}

void int15_e881(struct bios *b)
{
    sizes(b, &b->cpu->gpr[EAX], &b->cpu->gpr[EBX]);
    b->cpu->gpr[ECX] = b->cpu->gpr[EAX];
    b->cpu->gpr[EDX] = b->cpu->gpr[EBX];
    set_carry(b, false);
}

static uint32_t descriptor_base(const uint8_t *d)
{
    return d[2] | d[3] << 8 | d[4] << 16 | (uint32_t)d[7] << 24;
}

/* 87h: CX words between physical addresses, by descriptors 2 and 3 of the table at ES:SI. */
void int15_block_move(struct bios *b)
{
    uint8_t table[0x30], buffer[4096];
    uint32_t from, to, left = reg16(b, ECX) * 2u;
    bool a20 = phys_a20(b->phys);

    seg_read(b, SEG_ES, reg16(b, ESI), table, sizeof table);
    from = descriptor_base(table + 0x10);
    to = descriptor_base(table + 0x18);
    if (!a20)
        phys_set_a20(b->phys, true);
    while (left) {
        uint32_t n = left < sizeof buffer ? left : sizeof buffer;

        phys_read(b->phys, from, buffer, n);
        phys_write(b->phys, to, buffer, n);
        from += n;
        to += n;
        left -= n;
    }
    if (!a20)
        phys_set_a20(b->phys, false);
    set_hi(b, EAX, 0);
    set_carry(b, false);
    frame_flag(b, FLAG_ZF, true);
}
