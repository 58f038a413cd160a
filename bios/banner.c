/* What the screen shows while the machine starts. */
#include "bios/private.h"
#include "cpu/emulate.h"

#include <stdio.h>
#include <string.h>

/* CPUID as a guest would execute it; the guest's registers are not disturbed. */
void bios_cpuid(struct bios *b, uint32_t leaf, uint32_t out[4])
{
    const struct insn in = {.bytes = {0x0F, 0xA2},
                            .len = 2,
                            .map = MAP_0F,
                            .opcode = 0xA2,
                            .opcode_off = 1,
                            .opsize = 4,
                            .addrsize = 4,
                            .seg = SEG_NONE,
                            .override = SEG_NONE};
    uint32_t saved[8], eip = b->cpu->eip;

    memcpy(saved, b->cpu->gpr, sizeof saved);
    b->cpu->gpr[EAX] = leaf;
    b->cpu->gpr[ECX] = 0;
    memset(out, 0, 4 * sizeof *out);
    if (cpu_emulate(b->cpu, &in) == CPU_NEXT) {
        out[0] = b->cpu->gpr[EAX];
        out[1] = b->cpu->gpr[EBX];
        out[2] = b->cpu->gpr[ECX];
        out[3] = b->cpu->gpr[EDX];
    } else {
        b->cpu->exc.valid = 0;
    }
    memcpy(b->cpu->gpr, saved, sizeof saved);
    b->cpu->eip = eip;
}

static void processor_name(struct bios *b, char *name, unsigned n)
{
    uint32_t r[4];
    uint32_t brand[13] = {0}, family;
    const char *start;

    bios_cpuid(b, 0x80000000u, r);
    if (r[0] >= 0x80000004u && r[0] < 0x80010000u) {
        for (uint32_t i = 0; i < 3; i++)
            bios_cpuid(b, 0x80000002u + i, brand + i * 4);
        start = (const char *)brand;
        while (*start == ' ')
            start++;
        snprintf(name, n, "%s", start);
        return;
    }
    bios_cpuid(b, 1, r);
    family = r[0] >> 8 & 15;
    snprintf(name, n, "%s", family == 4 ? "80486" : family == 5 ? "Pentium" : "Pentium Pro");
}

static void print_floppies(struct bios *b)
{
    static const char *const types[] = {"none",         "360K, 5.25 in.", "1.2M, 5.25 in.",
                                        "720K, 3.5 in.", "1.44M, 3.5 in.", "2.88M, 3.5 in."};

    for (int i = 0; i < 2; i++) {
        char line[80];

        if (!b->floppy[i].present)
            continue;
        snprintf(line, sizeof line, "Diskette Drive %c  : %s%s\n", 'A' + i,
                 types[b->floppy[i].type], b->floppy[i].block ? "" : " (empty)");
        bios_print(b, line);
    }
}

static void print_disks(struct bios *b)
{
    for (unsigned i = 0; i < b->disks; i++) {
        const struct bios_disk *d = &b->disk[i];
        char line[80];

        snprintf(line, sizeof line, "Fixed Disk %u      : %llu MB, CHS %u/%u/%u\n", i,
                 (unsigned long long)(d->sectors / 2048), d->geometry.cylinders, d->geometry.heads,
                 d->geometry.sectors);
        bios_print(b, line);
    }
}

static void print_cdrom(struct bios *b)
{
    if (b->cd.block)
        bios_print(b, "CD-ROM Drive      : disc inserted\n");
}

void bios_banner(struct bios *b)
{
    char name[64], line[120];

    processor_name(b, name, sizeof name);
    bios_print(b, "ringer BIOS " RINGER_VERSION "\n\n");
    snprintf(line, sizeof line, "Main Processor    : %s\n", name);
    bios_print(b, line);
    snprintf(line, sizeof line, "Memory            : 640K base, %uK extended\n",
             (unsigned)((phys_ram_size(b->phys) - 0x100000) / 1024));
    bios_print(b, line);
    print_floppies(b);
    print_disks(b);
    print_cdrom(b);
    bios_print(b, "\n");
}
