/* Steps of the devices' fuzzer: disks, CDs, floppies, and the masters that move their data. */
#include "devices.h"

#include <string.h>

static const uint16_t base[2] = {0x1F0, 0x170}, control[2] = {0x3F6, 0x376};

static uint8_t byte(struct fuzz_board *b, struct dice *d)
{
    return (uint8_t)fuzz_value(b, d);
}

/* What a driver does while it waits, and what it does not. */
static void wait(struct fuzz_board *b, struct dice *d)
{
    static const uint32_t ns[] = {0, 1000, 50000, 1000000, 20000000};

    vclock_advance(b->m->clock, ns[roll(d, 5)]);
}

/* ---- bus master ---- */

static uint16_t master_port(struct fuzz_board *b, struct dice *d, unsigned channel)
{
    uint32_t at = 0;

    for (unsigned i = 0; i < b->function_count; i++)
        if (b->functions[i]->devfn == pci_devfn(1, 1) && !pci_bar_at(b->functions[i], 4, &at))
            at = 0;
    if (!at || roll(d, 16) == 0) { /* a BIOS's work */
        at = 0xC000;
        fuzz_out(b, 0xCF8, 0x80000000u | pci_devfn(1, 1) << 8 | 0x20, 4);
        fuzz_out(b, 0xCFC, at | 1, 4);
        fuzz_out(b, 0xCF8, 0x80000000u | pci_devfn(1, 1) << 8 | PCI_COMMAND, 4);
        fuzz_out(b, 0xCFC, roll(d, 8) ? 5 : 1, 2);
    }
    return (uint16_t)(at + 8 * channel);
}

/* A table of regions: good ones, odd ones, none that ends it, or no table at all. */
static void start_master(struct fuzz_board *b, struct dice *d, unsigned channel)
{
    uint16_t port = master_port(b, d, channel);
    uint32_t table = fuzz_address(b, d) & ~3u;
    unsigned entries = roll(d, 6);

    for (unsigned i = 0; i < entries; i++) {
        static const uint16_t counts[] = {512, 2048, 2, 0, 0xFFFE, 1, 4096};
        uint32_t count = roll(d, 4) ? counts[roll(d, 7)] : fuzz_value(b, d);

        if (i + 1 == entries && roll(d, 4))
            count |= 0x80000000u;
        phys_write32(b->m->phys, table + 8 * i, roll(d, 3) ? roll(d, 2 << 20) : fuzz_address(b, d));
        phys_write32(b->m->phys, table + 8 * i + 4, count);
    }
    if (roll(d, 16))
        fuzz_out(b, port, 0, 1);
    fuzz_out(b, port + 4, table, 4);
    fuzz_out(b, port + 2, roll(d, 4) ? 6 : byte(b, d), 1);
    fuzz_out(b, port, roll(d, 8) ? 1 | roll(d, 2) << 3 : byte(b, d), 1);
}

void fuzz_bus_master(struct fuzz_board *b, struct dice *d)
{
    unsigned channel = roll(d, 2);

    start_master(b, d, channel);
    wait(b, d);
    fuzz_in(b, master_port(b, d, channel) + 2, 1);
}

/* ---- ATA ---- */

/* Data in the direction that the drive expects, or not; as much as it wants, or not. */
static void move(struct fuzz_board *b, struct dice *d, unsigned channel)
{
    bool in = roll(d, 2);
    unsigned size = 1 << (roll(d, 8) ? 1 + roll(d, 2) : 0);

    for (unsigned rounds = roll(d, 6); rounds--;) {
        for (unsigned n = roll(d, 4) ? 512 / size : roll(d, 3000); n--;)
            if (in)
                fuzz_in(b, base[channel], size);
            else
                fuzz_out(b, base[channel], (uint32_t)roll64(d), size);
        wait(b, d);
        fuzz_in(b, roll(d, 2) ? base[channel] + 7 : control[channel], 1);
    }
}

static uint8_t small(struct fuzz_board *b, struct dice *d)
{
    return roll(d, 3) ? (uint8_t)roll(d, 8) : byte(b, d);
}

static void task_file(struct fuzz_board *b, struct dice *d, unsigned channel)
{
    fuzz_out(b, base[channel] + 6, roll(d, 8) ? 0xA0 | roll(d, 2) << 4 | roll(d, 2) << 6 : byte(b, d),
             1);
    for (unsigned hob = roll(d, 3) ? 1 : 2; hob--;)
        for (uint16_t r = 1; r <= 5; r++)
            fuzz_out(b, base[channel] + r, small(b, d), 1);
    if (roll(d, 16) == 0)
        fuzz_out(b, control[channel], byte(b, d), 1);
}

void fuzz_ide(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t commands[] = {
        0x00, 0x08, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x27, 0x29, 0x2F, 0x30, 0x31, 0x32,
        0x33, 0x34, 0x35, 0x37, 0x39, 0x3C, 0x3D, 0x40, 0x42, 0x70, 0x90, 0x91, 0x94, 0x95, 0x96,
        0x97, 0x98, 0xA0, 0xA1, 0xB0, 0xB1, 0xC4, 0xC5, 0xC6, 0xC8, 0xC9, 0xCA, 0xCB, 0xCE, 0xDA,
        0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0xE6, 0xE7, 0xE8, 0xEA, 0xEC, 0xEF, 0xF5, 0xF8, 0xF9};
    unsigned channel = roll(d, 2);

    task_file(b, d, channel);
    if (roll(d, 3) == 0)
        start_master(b, d, channel);
    fuzz_out(b, base[channel] + 7, roll(d, 16) ? commands[roll(d, sizeof commands)] : byte(b, d), 1);
    wait(b, d);
    if (roll(d, 3) == 0)
        start_master(b, d, channel);
    move(b, d, channel);
}

/* ---- ATAPI ---- */

/* A read of some of a disc's sectors, cooked or raw. */
static void make_read(uint8_t packet[12], struct dice *d)
{
    static const uint8_t parts[] = {0x10, 0xF8, 0x80, 0x20, 0xA0, 0x08};

    memset(packet, 0, 12);
    packet[5] = (uint8_t)roll(d, 210);
    packet[0] = roll(d, 2) ? 0xBE : 0x28;
    packet[1] = (uint8_t)(roll(d, 2) << 3);
    packet[8] = (uint8_t)(1 + roll(d, 12));
    packet[9] = packet[0] == 0xBE ? parts[roll(d, sizeof parts)] : 0;
}

void fuzz_atapi(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t commands[] = {0x00, 0x03, 0x12, 0x1A, 0x1B, 0x1E, 0x25, 0x28, 0x2B, 0x2F,
                                       0x35, 0x42, 0x43, 0x45, 0x46, 0x47, 0x48, 0x4A, 0x4B, 0x4E,
                                       0x51, 0x52, 0x55, 0x5A, 0x15, 0xA5, 0xA8, 0xAD, 0xB9, 0xBA,
                                       0xBB, 0xBD, 0xBE, 0x28, 0xA8, 0xBE, 0xB9};
    uint8_t packet[12];
    unsigned channel = roll(d, 8) ? 1 : 0;

    fuzz_out(b, base[channel] + 6, roll(d, 8) ? 0xA0 : 0xB0, 1);
    fuzz_out(b, base[channel] + 1, roll(d, 2) ? 0 : roll(d, 4) ? 1 : byte(b, d), 1);
    fuzz_out(b, base[channel] + 4, byte(b, d), 1);
    fuzz_out(b, base[channel] + 5, roll(d, 2) ? 0x08 : byte(b, d), 1);
    fuzz_out(b, base[channel] + 7, 0xA0, 1);
    if (roll(d, 4) == 0)
        wait(b, d);
    for (unsigned i = 0; i < 12; i++)
        packet[i] = roll(d, 2) ? 0 : small(b, d);
    packet[0] = roll(d, 16) ? commands[roll(d, sizeof commands)] : byte(b, d);
    if (roll(d, 3) == 0)
        make_read(packet, d);
    for (unsigned i = 0; i < 12; i += 2)
        fuzz_out(b, base[channel], packet[i] | (uint32_t)packet[i + 1] << 8, 2);
    if (roll(d, 3) == 0)
        start_master(b, d, channel);
    wait(b, d);
    move(b, d, channel);
}

/* ---- 8237A and floppies ---- */

static void program(struct fuzz_board *b, struct dice *d, unsigned channel)
{
    static const uint8_t pages[8] = {0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A};
    unsigned n = channel & 3, step = channel < 4 ? 1 : 2;
    uint16_t at = channel < 4 ? 0 : 0xC0;

    fuzz_out(b, at + 12 * step, 0, 1);
    fuzz_out(b, at + 11 * step, (roll(d, 4) ? 0x40 | (1 + roll(d, 2)) << 2 : byte(b, d) & 0xFC) | n,
             1);
    fuzz_out(b, (uint16_t)(at + 2 * n * step), byte(b, d), 1);
    fuzz_out(b, (uint16_t)(at + 2 * n * step), byte(b, d), 1);
    fuzz_out(b, (uint16_t)(at + (2 * n + 1) * step), byte(b, d), 1);
    fuzz_out(b, (uint16_t)(at + (2 * n + 1) * step), roll(d, 2) ? 1 : byte(b, d), 1);
    fuzz_out(b, pages[channel], roll(d, 2) ? roll(d, 16) : byte(b, d), 1);
    fuzz_out(b, at + 10 * step, n, 1);
}

/* A device's transfers, too: a board may have others than the floppy's. */
void fuzz_dma(struct fuzz_board *b, struct dice *d)
{
    uint8_t data[600] = {0};
    unsigned channel = roll(d, 8);
    bool tc;

    program(b, d, channel);
    for (unsigned n = roll(d, 4); n--;) {
        uint32_t len = roll(d, sizeof data + 1);
        if (roll(d, 2))
            dma_to_memory(b->m->dma, (int)channel, data, len, &tc);
        else
            dma_from_memory(b->m->dma, (int)channel, data, len, &tc);
    }
}

/* Bytes without DMA, then the result. */
static void drain(struct fuzz_board *b, struct dice *d)
{
    for (unsigned n = roll(d, 3) ? 10 : roll(d, 1200); n--;) {
        uint32_t status = fuzz_in(b, 0x3F4, 1);

        if (status & 0x40)
            fuzz_in(b, 0x3F5, 1);
        else if (status & 0x20 || roll(d, 64) == 0)
            fuzz_out(b, 0x3F5, (uint8_t)roll64(d), 1);
        else
            wait(b, d);
    }
}

/* SENSE INTERRUPT STATUS */
static void sense(struct fuzz_board *b)
{
    fuzz_out(b, 0x3F5, 0x08, 1);
    fuzz_in(b, 0x3F5, 1);
    fuzz_in(b, 0x3F5, 1);
}

/* Motor on, SPECIFY with DMA or without, SEEK. */
static void seek(struct fuzz_board *b, struct dice *d, uint8_t drive, uint8_t track)
{
    const uint8_t bytes[] = {0x03, 0xDF, roll(d, 3) ? 0x02 : 0x03, 0x0F, drive, track};

    fuzz_out(b, 0x3F2, 0x0Cu | 0x10u << drive | drive, 1);
    vclock_advance(b->m->clock, 1000000);
    for (unsigned i = 0; i < 4; i++) /* each drive's, after a reset */
        sense(b);
    for (unsigned i = 0; i < sizeof bytes; i++)
        fuzz_out(b, 0x3F5, bytes[i], 1);
    vclock_advance(b->m->clock, 300000000);
    sense(b);
}

/* A command for sectors that are there, but for one parameter now and then. */
static void transfer(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t commands[] = {0x46, 0xE6, 0x45, 0xC5, 0x49, 0x4C, 0x42,
                                       0x4D, 0x4A, 0x56, 0x51, 0x59, 0x5D};
    uint8_t drive = (uint8_t)roll(d, 2), track = (uint8_t)roll(d, 3), head = (uint8_t)roll(d, 2);
    uint8_t command = commands[roll(d, sizeof commands)];
    uint8_t bytes[9] = {command, (uint8_t)(head << 2 | drive), track, head,
                        (uint8_t)(1 + roll(d, 9)), 2, roll(d, 2) ? 9 : 18, 0x1B, 0xFF};
    unsigned len = command == 0x4D ? 6 : command == 0x4A ? 2 : 9;

    if (command == 0x4D) /* FORMAT: size, sectors, gap, filler */
        memcpy(bytes + 2, (const uint8_t[]){2, 9, 0x50, 0xF6}, 4);
    if (roll(d, 4) == 0)
        bytes[roll(d, len)] = byte(b, d);
    seek(b, d, drive, track);
    program(b, d, 2);
    for (unsigned i = 0; i < len; i++)
        fuzz_out(b, 0x3F5, bytes[i], 1);
    for (unsigned n = 1 + roll(d, 4); n--;) {
        vclock_advance(b->m->clock, roll(d, 50000000));
        drain(b, d);
    }
}

void fuzz_floppy(struct fuzz_board *b, struct dice *d)
{
    static const uint8_t commands[] = {0x03, 0x04, 0x07, 0x08, 0x4A, 0x4D, 0x0E, 0x0F,
                                       0x10, 0x12, 0x13, 0x14, 0x94, 0x16, 0x42, 0x45,
                                       0x46, 0xC5, 0xE6, 0x49, 0x4C, 0x51, 0x59, 0x5D,
                                       0x8F, 0xCF, 0x46, 0x45, 0xE6, 0x18, 0x02, 0x06};
    uint8_t drive = (uint8_t)roll(d, roll(d, 4) ? 2 : 4);

    if (roll(d, 2)) {
        transfer(b, d);
        return;
    }
    if (roll(d, 3))
        fuzz_out(b, 0x3F2, roll(d, 8) ? 0x0Cu | 0x10u << drive | drive : byte(b, d), 1);
    if (roll(d, 2))
        program(b, d, 2);
    if (roll(d, 8) == 0)
        fuzz_out(b, roll(d, 2) ? 0x3F7 : 0x3F4, byte(b, d), 1);
    fuzz_out(b, 0x3F5, roll(d, 8) ? commands[roll(d, sizeof commands)] : byte(b, d), 1);
    fuzz_out(b, 0x3F5, roll(d, 8) ? (roll(d, 2) << 2 | drive) : byte(b, d), 1);
    for (unsigned n = roll(d, 9); n--;)
        fuzz_out(b, 0x3F5, small(b, d), 1);
    wait(b, d);
    drain(b, d);
}

/* ---- what the user and the host do ---- */

void fuzz_media(struct fuzz_board *b, struct dice *d)
{
    unsigned n = roll(d, 2);

    switch (roll(d, 6)) {
    case 0:
        fdc_insert(b->m->fdc, (int)n, roll(d, 3) ? b->floppy[n] : NULL);
        break;
    case 1:
        fdc_insert(b->m->fdc, (int)n, b->m->config.floppy[n]);
        break;
    case 2:
        ide_change_disc(b->m->ide[1], (int)roll(d, 2), roll(d, 3) ? b->disc[n] : NULL, roll(d, 2));
        break;
    case 3:
        ide_move_tray(b->m->ide[roll(d, 2)], (int)roll(d, 2), roll(d, 2), roll(d, 2));
        break;
    case 4:
        fuzz_board_fail(b, roll(d, PATTERN_IMAGES), roll(d, 3) == 0);
        break;
    default:
        fuzz_limit_files(roll(d, 3) == 0);
        break;
    }
}
