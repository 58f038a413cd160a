/* The CMOS fields that the BIOS keeps (IBM AT Technical Reference, and the common additions),
 * and the equipment word made from the same facts. */
#include "bios/private.h"
#include "cpu/emulate.h"

#include <string.h>

uint8_t cmos_read(struct bios *b, uint8_t index)
{
    out8(b, 0x70, index);
    return in8(b, 0x71);
}

void cmos_write(struct bios *b, uint8_t index, uint8_t value)
{
    out8(b, 0x70, index);
    out8(b, 0x71, value);
}

/* 2Eh, 2Fh: the sum of 10h to 2Dh. */
void cmos_checksum(struct bios *b)
{
    unsigned sum = 0;

    for (uint8_t i = 0x10; i <= 0x2D; i++)
        sum += rtc_get_cmos(b->config.rtc, i);
    rtc_set_cmos(b->config.rtc, 0x2E, sum >> 8);
    rtc_set_cmos(b->config.rtc, 0x2F, sum);
}

uint16_t bios_equipment(const struct bios *b)
{
    unsigned floppies = b->floppy[0].present + b->floppy[1].present;
    unsigned serial = 0, parallel = 0;
    uint16_t word = 0x0024; /* colour 80x25, pointing device */

    for (int i = 0; i < 4; i++)
        serial += b->config.serial_ports[i] != 0;
    for (int i = 0; i < 3; i++)
        parallel += b->config.parallel_ports[i] != 0;
    if (floppies)
        word |= 1 | (floppies - 1) << 6;
    if (cpu_has(b->cpu->model, FEAT_FPU))
        word |= 2;
    return word | serial << 9 | parallel << 14;
}

uint16_t bios_extended_kib(const struct bios *b)
{
    uint32_t kib = (bios_ram_top(b) - 0x100000) / 1024;

    return kib > 0xFC00 ? 0xFC00 : kib;
}

static void word(struct bios *b, uint8_t index, uint16_t value)
{
    rtc_set_cmos(b->config.rtc, index, value);
    rtc_set_cmos(b->config.rtc, index + 1, value >> 8);
}

/* A drive of type 47, whose parameters stand at FIRST. */
static void disk_fields(struct bios *b, unsigned drive, uint8_t first)
{
    const struct geometry *g = &b->disk[drive].geometry;
    struct rtc *rtc = b->config.rtc;

    word(b, first, g->cylinders);
    rtc_set_cmos(rtc, first + 2, g->heads);
    word(b, first + 3, 0xFFFF); /* no write precompensation */
    rtc_set_cmos(rtc, first + 5, g->heads > 8 ? 0xC8 : 0xC0);
    word(b, first + 6, g->cylinders);
    rtc_set_cmos(rtc, first + 8, g->sectors);
}

/* 38h and 3Dh: the boot order as emulated PCs have it, a digit for each device in turn, and bit 0
 * of 38h to boot floppies without a signature. */
void bios_boot_cmos(struct bios *b)
{
    static const char letters[] = "acdn"; /* 1 to 4 */
    uint8_t digit[3] = {0};

    for (unsigned i = 0; i < 3 && b->boot_order[i]; i++) {
        char letter = b->boot_order[i] == 'b' ? 'a' : b->boot_order[i];
        const char *at = strchr(letters, letter);

        digit[i] = at ? (uint8_t)(at - letters + 1) : 0;
    }
    rtc_set_cmos(b->config.rtc, 0x3D, (uint8_t)(digit[0] | digit[1] << 4));
    rtc_set_cmos(b->config.rtc, 0x38, (uint8_t)(digit[2] << 4 | 1));
}

/* 39h: two bits a disk for the translation of its geometry; 1 is LBA-assisted. */
static uint8_t translations(const struct bios *b)
{
    uint8_t bits = 0;

    for (unsigned i = 0; i < BIOS_DISKS; i++) {
        struct geometry g;

        if (!b->config.disk[i])
            continue;
        disk_geometry(b->config.disk[i], &g);
        if (g.cylinders > 1024 || g.heads > 16)
            bits |= (uint8_t)(1 << 2 * i);
    }
    return bits;
}

void bios_power_on_cmos(struct bios *b)
{
    struct rtc *rtc = b->config.rtc;
    uint32_t top = bios_ram_top(b);
    uint32_t above16m = top > 0x1000000 ? (top - 0x1000000) >> 16 : 0;
    uint8_t floppies = b->floppy[0].present ? b->floppy[0].type << 4 : 0;
    uint8_t disks = 0;

    floppies |= b->floppy[1].present ? b->floppy[1].type : 0;
    rtc_set_cmos(rtc, 0x0E, 0);
    rtc_set_cmos(rtc, 0x0F, 0);
    rtc_set_cmos(rtc, 0x10, floppies);
    if (b->disks > 0) {
        disks |= 0xF0;
        rtc_set_cmos(rtc, 0x19, 47);
        disk_fields(b, 0, 0x1B);
    }
    if (b->disks > 1) {
        disks |= 0x0F;
        rtc_set_cmos(rtc, 0x1A, 47);
        disk_fields(b, 1, 0x24);
    }
    rtc_set_cmos(rtc, 0x12, disks);
    rtc_set_cmos(rtc, 0x14, bios_equipment(b));
    word(b, 0x15, 640);
    word(b, 0x17, bios_extended_kib(b));
    word(b, 0x30, bios_extended_kib(b));
    word(b, 0x34, above16m > 0xFFFF ? 0xFFFF : above16m);
    rtc_set_cmos(rtc, 0x39, translations(b));
    bios_boot_cmos(b);
    cmos_checksum(b);
}
