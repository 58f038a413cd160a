/* Power-on self test: the board brought into the state that operating systems expect of a BIOS.
 * Devices are programmed through their ports, as guest code would. */
#include "bios/private.h"
#include "bios/video.h"

#include <string.h>

enum { WARM_BOOT = 0x1234 };

enum { RESUME = 0x0A, RESUME_S3 = 0xFE };

/* The end of S3: the board as POST leaves it, but RAM is the system's. The way to its waking
 * vector is that of AT's shutdown code 0Ah, by the far pointer at 0040:0067. */
static uint8_t resume_s3(struct bios *b)
{
    uint32_t vector = bios_waking_vector(b);

    if (!vector || vector >= 0x100000)
        return 0;
    out8(b, 0x92, in8(b, 0x92) | 0x02);
    bios_pci_init(b);
    bios_apic_init(b);
    video_set_mode(b, 3, true);
    set_bda16(b, 0x67, vector & 15);
    set_bda16(b, 0x69, vector >> 4);
    return RESUME;
}

/* How a processor reset is to be resumed (AT shutdown byte, CMOS 0Fh).  The byte is used up. */
uint8_t bios_shutdown_code(struct bios *b)
{
    uint8_t code = cmos_read(b, 0x8F);

    cmos_write(b, 0x8F, 0);
    out8(b, 0x70, 0x0D);
    if (code == RESUME_S3)
        return resume_s3(b);
    if (code == 0x05 || code == 0x09 || code == 0x0A)
        bios_pci_init(b); /* the reset went to the board, and POST is left out */
    return code;
}

static void init_pic(struct bios *b)
{
    out8(b, 0x20, 0x11);
    out8(b, 0x21, 0x08);
    out8(b, 0x21, 0x04);
    out8(b, 0x21, 0x01);
    out8(b, 0xA0, 0x11);
    out8(b, 0xA1, 0x70);
    out8(b, 0xA1, 0x02);
    out8(b, 0xA1, 0x01);
    out8(b, 0x21, 0xB8); /* timer, keyboard, cascade, diskette */
    out8(b, 0xA1, 0x8F); /* mouse, coprocessor, fixed disk */
}

static void init_timers(struct bios *b)
{
    out8(b, 0x43, 0x34); /* 18.2 Hz; a rate generator, so that counts can be read */
    out8(b, 0x40, 0);
    out8(b, 0x40, 0);
    out8(b, 0x43, 0x54); /* refresh */
    out8(b, 0x41, 0x12);
    out8(b, 0x43, 0xB6); /* speaker: 1 kHz */
    out8(b, 0x42, 0xA9);
    out8(b, 0x42, 0x04);
    out8(b, 0x61, in8(b, 0x61) & 0xFC);
}

static void init_dma(struct bios *b)
{
    out8(b, 0x0D, 0);
    out8(b, 0xDA, 0);
    out8(b, 0x08, 0);
    out8(b, 0xD0, 0);
    out8(b, 0xD6, 0xC0); /* channel 4 cascades the first controller */
    out8(b, 0xD4, 0x00);
}

static void init_rtc(struct bios *b)
{
    cmos_write(b, 0x0A, 0x26);
    cmos_write(b, 0x0B, 0x02);
    cmos_read(b, 0x0C);
    cmos_read(b, 0x0D);
}

/* The tick count of 0040:006C from the time of day: 18.2065 ticks a second. */
static void init_ticks(struct bios *b)
{
    uint32_t seconds = from_bcd(cmos_read(b, 4) & 0x7F) * 3600u + from_bcd(cmos_read(b, 2)) * 60u +
                       from_bcd(cmos_read(b, 0));
    uint64_t ticks = (uint64_t)seconds * 1193182 / 65536;

    set_lin32(b, 0x46C, ticks < 0x1800B0 ? ticks : 0);
}

/* 0040:0090: data rate in bits 6-7, medium known, and which in which drive. */
static uint8_t media_state(const struct bios_floppy *f)
{
    if (!f->block)
        return 0;
    switch (f->media.sectors) {
    case 15:
        return 0x15;
    case 18:
    case 20:
    case 21:
        return 0x17;
    case 36:
        return 0xD7;
    default:
        return f->media.cylinders > 42 ? 0x97 : 0x93;
    }
}

static void init_bda(struct bios *b)
{
    uint16_t warm = lin16(b, 0x472);

    lin_fill(b, 0x400, 0, 0x100);
    lin_fill(b, EBDA_BASE, 0, 0x400);
    set_bda16(b, 0x72, warm == WARM_BOOT ? warm : 0);
    for (int i = 0; i < 4; i++)
        set_bda16(b, i * 2, b->config.serial_ports[i]);
    for (int i = 0; i < 3; i++)
        set_bda16(b, 8 + i * 2, b->config.parallel_ports[i]);
    set_bda16(b, 0x0E, EBDA_SEGMENT);
    set_bda16(b, 0x10, bios_equipment(b));
    set_bda16(b, 0x13, 639);
    set_bda16(b, 0x1A, 0x1E);
    set_bda16(b, 0x1C, 0x1E);
    set_bda8(b, 0x75, b->disks);
    set_bda8(b, 0x76, 0xC0);
    lin_fill(b, 0x478, 0x14, 3);
    lin_fill(b, 0x47C, 0x01, 4);
    set_bda16(b, 0x80, 0x1E);
    set_bda16(b, 0x82, 0x3E);
    set_bda8(b, 0x8F, (b->floppy[0].present ? 0x07 : 0) | (b->floppy[1].present ? 0x70 : 0));
    set_bda8(b, 0x96, 0x10); /* 101/102 keys */
    set_lin8(b, EBDA_BASE, 1);
}

void bios_post(struct bios *b)
{
    bool keyboard;

    out8(b, 0x92, in8(b, 0x92) | 0x02); /* A20 on, as every boot loader hopes */
    bios_fill_vectors(b);
    init_bda(b);
    init_pic(b);
    init_timers(b);
    init_dma(b);
    bios_serial_post(b);
    init_rtc(b);
    bios_pci_init(b);
    bios_apic_init(b);
    bios_acpi_init(b);
    init_ticks(b);
    for (int i = 0; i < 2; i++)
        floppy_set(b, i, b->config.floppy[i]);
    b->floppy[0].changed = b->floppy[1].changed = false;
    set_bda8(b, 0x90, media_state(&b->floppy[0]));
    set_bda8(b, 0x91, media_state(&b->floppy[1]));
    out8(b, 0x3F2, 0x0C);
    keyboard = kbc_init(b);
    video_set_mode(b, 3, true);
    bios_banner(b);
    if (!keyboard)
        bios_print(b, "Keyboard error\n");
    option_roms_post(b);
    memset(&b->boot, 0, sizeof b->boot);
    bios_order_disks(b, 0);
}
