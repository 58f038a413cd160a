/* The CD drive: packets through the ports. */
#define _GNU_SOURCE /* mkostemp */
#include "chipset.h"
#include "devices/pci.h"

#include "ringer/error.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BASE = 0x170, COUNT = BASE + 2, MID = BASE + 4, HIGH, DEVICE, STATUS, CONTROL = 0x376 };
enum { BM = 0xC008, PRD = 0x1000, BUFFER = 0x10000 };
enum { SECTORS = 100, READY = 0x50, DRQ = 0x58, CHECK = 0x51 };
enum { TO_HOST = 2, COMMAND = 1, END = 3 }; /* interrupt reasons */

static struct chipset c;
static struct ide *ide;
static struct block *disc;

/* SECTORS CD sectors, each word with its number; the image lacks the last 1024 bytes. */
static struct block *make_disc(uint32_t salt)
{
    struct error err = {""};
    const struct block_options readonly = {.readonly = true};
    char path[] = "/tmp/ringer-test-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    struct block *b;

    for (uint32_t i = 0; i < SECTORS * 4 - 2; i++) {
        uint32_t part[128];

        for (uint32_t j = 0; j < 128; j++)
            part[j] = (i / 4) << 16 | ((i & 3) * 128 + j) | salt;
        ck_assert_int_eq(write(fd, part, sizeof part), sizeof part);
    }
    close(fd);
    b = block_open(path, &readonly, NULL, &err);
    ck_assert_msg(b, "%s", err.text);
    unlink(path);
    return b;
}

static void config(unsigned at, uint32_t value, unsigned size)
{
    bus_out(c.board.bus, 0xCF8, 0x80000900u | (at & ~3u), 4);
    bus_out(c.board.bus, 0xCFC + (at & 3), value, size);
}

static void setup(void)
{
    struct pci *pci;
    struct piix_ide *function;

    chipset_open(&c, 4 << 20);
    pci = pci_init(&c.board);
    function = piix_ide_init(&c.board, pci, chipset_wire(&c, 14), chipset_wire(&c, 15));
    ide = ide_init(&c.board, BASE, CONTROL, piix_ide_line(function, 1));
    piix_ide_join(function, 1, ide);
    disc = make_disc(0);
    ide_attach_cdrom(ide, 0, disc, "CD01");
    device_reset_all(c.board.devices);
    config(0x20, 0xC000, 4);
    config(4, 5, 2);
}

static void teardown(void)
{
    chipset_close(&c);
    block_close(disc);
}

static uint8_t status(void)
{
    return chipset_in(&c, STATUS);
}

static void send_packet(const uint8_t *packet, uint8_t features, uint16_t limit)
{
    chipset_out(&c, DEVICE, 0xA0);
    chipset_out(&c, BASE + 1, features);
    chipset_out(&c, MID, (uint8_t)limit);
    chipset_out(&c, HIGH, limit >> 8);
    chipset_out(&c, STATUS, 0xA0);
    ck_assert_uint_eq(chipset_in(&c, CONTROL), DRQ);
    ck_assert_uint_eq(chipset_in(&c, COUNT) & 3, COMMAND);
    ck_assert_int_eq(c.level[15], 0);
    for (int i = 0; i < 12; i += 2)
        bus_out(c.board.bus, BASE, packet[i] | packet[i + 1] << 8, 2);
}

/* Run PACKET; the data into DATA (room for N bytes).  Bytes received, or -1 for CHECK CONDITION. */
static int run(const uint8_t *packet, uint16_t limit, uint8_t *data, int n)
{
    int got = 0;

    send_packet(packet, 0, limit);
    for (;;) {
        uint8_t s;
        int bytes;

        ck_assert_int_eq(c.level[15], 1);
        s = status();
        ck_assert_int_eq(c.level[15], 0);
        if (s != DRQ) {
            ck_assert_uint_eq(chipset_in(&c, COUNT) & 3, END);
            ck_assert(s == READY || s == CHECK);
            return s == READY ? got : -1;
        }
        ck_assert_uint_eq(chipset_in(&c, COUNT) & 3, TO_HOST);
        bytes = chipset_in(&c, MID) | chipset_in(&c, HIGH) << 8;
        ck_assert_int_gt(bytes, 0);
        ck_assert_int_le(bytes, limit);
        for (int i = 0; i < bytes; i += 2) {
            uint32_t v = bus_in(c.board.bus, BASE, 2);

            ck_assert_int_lt(got, n);
            data[got++] = (uint8_t)v;
            if (i + 1 < bytes)
                data[got++] = (uint8_t)(v >> 8);
        }
    }
}

static uint8_t buffer[300 * 1024];

static int simple(uint8_t op, uint8_t b1, uint8_t b2, uint8_t b4, uint8_t b8)
{
    const uint8_t packet[12] = {op, b1, b2, 0, b4, 0, 0, 0, b8};

    return run(packet, 0xFFFE, buffer, sizeof buffer);
}

/* Key, code and qualifier of the last CHECK CONDITION. */
static unsigned sense(void)
{
    ck_assert_int_eq(simple(0x03, 0, 0, 18, 0), 18);
    ck_assert_uint_eq(buffer[0], 0x70);
    return buffer[2] << 16 | buffer[12] << 8 | buffer[13];
}

static int read_10(uint32_t lba, uint16_t count, uint16_t limit)
{
    const uint8_t packet[12] = {0x28, 0, lba >> 24, lba >> 16, lba >> 8, lba, 0, count >> 8, count};

    return run(packet, limit, buffer, sizeof buffer);
}

static uint32_t word(unsigned at)
{
    uint32_t v;

    memcpy(&v, buffer + at, 4);
    return v;
}

static uint32_t big(unsigned at)
{
    return (uint32_t)buffer[at] << 24 | buffer[at + 1] << 16 | buffer[at + 2] << 8 | buffer[at + 3];
}

START_TEST(test_signature)
{
    chipset_out(&c, DEVICE, 0xA0);
    ck_assert_uint_eq(chipset_in(&c, MID), 0x14);
    ck_assert_uint_eq(chipset_in(&c, HIGH), 0xEB);
    ck_assert_uint_eq(chipset_in(&c, COUNT), 1);
    ck_assert_uint_eq(status(), 0);
    chipset_out(&c, MID, 0);
    chipset_out(&c, STATUS, 0xEC); /* IDENTIFY DEVICE */
    ck_assert_uint_eq(status() & 1, 1);
    ck_assert_uint_eq(chipset_in(&c, BASE + 1), 4);
    ck_assert_uint_eq(chipset_in(&c, MID), 0x14);
    chipset_out(&c, MID, 0);
    chipset_out(&c, STATUS, 0x08); /* DEVICE RESET */
    ck_assert_uint_eq(chipset_in(&c, HIGH), 0xEB);
    ck_assert_int_eq(c.level[15], 0);
}
END_TEST

START_TEST(test_identify)
{
    uint16_t w[256];

    chipset_out(&c, STATUS, 0xA1);
    ck_assert_uint_eq(status(), DRQ);
    for (int i = 0; i < 256; i++)
        w[i] = (uint16_t)bus_in(c.board.bus, BASE, 2);
    ck_assert_uint_eq(status(), READY);
    ck_assert_uint_eq(w[0], 0x85C0);
    ck_assert_uint_eq(w[49], 0x0F00);
    ck_assert_uint_eq(w[63] & 7, 7);
    ck_assert_uint_eq(w[10], 'C' << 8 | 'D');
}
END_TEST

START_TEST(test_inquiry_and_ready)
{
    ck_assert_int_eq(simple(0x12, 0, 0, 36, 0), 36);
    ck_assert_uint_eq(buffer[0], 5);
    ck_assert_uint_eq(buffer[1], 0x80);
    ck_assert(!memcmp(buffer + 8, "RINGER  ", 8));
    ck_assert_int_eq(simple(0x12, 0, 0, 5, 0), 5); /* an odd allocation length */
    ck_assert_int_eq(simple(0x00, 0, 0, 0, 0), 0);
    ck_assert_int_eq(simple(0xF7, 0, 0, 0, 0), -1);
    ck_assert_uint_eq(chipset_in(&c, BASE + 1) >> 4, 5);
    ck_assert_uint_eq(sense(), 0x052000);
    ck_assert_uint_eq(sense(), 0);
}
END_TEST

START_TEST(test_read)
{
    ck_assert_int_eq(simple(0x25, 0, 0, 0, 0), 8);
    ck_assert_uint_eq(big(0), SECTORS - 1);
    ck_assert_uint_eq(big(4), 2048);
    ck_assert_int_eq(read_10(7, 1, 2048), 2048);
    ck_assert_uint_eq(word(0), 7 << 16);
    ck_assert_uint_eq(word(2044), 7 << 16 | 511);
    ck_assert_int_eq(read_10(0, 99, 0xFFFE), 99 * 2048); /* several buffers */
    for (unsigned i = 0; i < 99; i++)
        ck_assert_uint_eq(word(i * 2048 + 1000), i << 16 | 250);
    ck_assert_int_eq(read_10(3, 2, 100), 4096); /* odd places to stop at */
    ck_assert_uint_eq(word(2048 + 400), 4 << 16 | 100);
    ck_assert_int_eq(read_10(99, 1, 2048), 2048); /* the incomplete one */
    ck_assert_uint_eq(word(1020), 99 << 16 | 255);
    ck_assert_uint_eq(word(1024), 0);
    ck_assert_int_eq(read_10(0, 0, 2048), 0);
    ck_assert_int_eq(read_10(99, 2, 2048), -1);
    ck_assert_uint_eq(sense(), 0x052100);
    ck_assert_int_eq(read_10(0xFFFFFFFF, 1, 2048), -1);
    ck_assert_uint_eq(sense(), 0x052100);
}
END_TEST

START_TEST(test_read_dma)
{
    const uint8_t packet[12] = {0xA8, 0, 0, 0, 0, 10, 0, 0, 0, 40};

    phys_write32(c.board.phys, PRD, BUFFER);
    phys_write32(c.board.phys, PRD + 4, 0); /* 64 KiB */
    phys_write32(c.board.phys, PRD + 8, BUFFER + 0x20000);
    phys_write32(c.board.phys, PRD + 12, 0x80000000u | (40 * 2048 - 0x10000));
    bus_out(c.board.bus, BM + 4, PRD, 4);
    send_packet(packet, 1, 0);
    ck_assert_int_eq(c.level[15], 0);
    chipset_out(&c, BM, 9);
    ck_assert_int_eq(c.level[15], 1);
    ck_assert_uint_eq(chipset_in(&c, BM + 2), 4);
    ck_assert_uint_eq(status(), READY);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 31 * 2048 + 8), 41 << 16 | 2);
    ck_assert_uint_eq(phys_read32(c.board.phys, BUFFER + 0x20000 + 7 * 2048), 49 << 16);
}
END_TEST

/* ECMA-130: the EDC of a sector of zeros at 00:02:00, and P parity that a decoder would accept. */
START_TEST(test_read_cd)
{
    uint8_t packet[12] = {0xBE, 0, 0, 0, 0, 16, 0, 0, 1, 0xF8};
    uint8_t p = 0, q = 0;

    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 2352);
    ck_assert(!memcmp(buffer, "\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\2\x16\1", 16));
    ck_assert_uint_eq(word(16), 16 << 16);
    for (unsigned i = 0; i < 26; i++) /* column 0 of the P words: bytes and parities sum to zero */
        p ^= buffer[12 + 86 * i];
    ck_assert_uint_eq(p, 0);
    for (unsigned i = 0; i < 43; i++) /* the first Q word */
        q ^= buffer[12 + 88 * i % 2236];
    q ^= buffer[2248] ^ buffer[2248 + 52];
    ck_assert_uint_eq(q, 0);
    packet[9] = 0x10;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 2048);
    packet[9] = 0x20;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 4);
    packet[9] = 0;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 0);
    packet[1] = 1 << 2; /* audio expected */
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), -1);
    ck_assert_uint_eq(sense(), 0x056400);
}
END_TEST

/* Q says where the sector is, and has a CRC of its own (ECMA-130, 22.3). */
START_TEST(test_sub_channels)
{
    static const uint8_t q[12] = {0x41, 1, 1, 0, 0, 0x50, 0, 0, 2, 0x50};
    uint8_t packet[12] = {0xBE, 0, 0, 0, 0, 50, 0, 0, 2, 0x10, 2}, bits[12] = {0};
    unsigned crc = 0;

    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 2 * (2048 + 16));
    ck_assert_uint_eq(word(0), 50u << 16);
    ck_assert_mem_eq(buffer + 2048, q, 10);
    ck_assert_uint_eq(word(2048 + 16), 51u << 16);
    for (int i = 0; i < 12 * 8; i++) { /* with its inverted CRC the remainder is a constant */
        crc ^= (unsigned)(buffer[2048 + i / 8] << (i % 8) & 0x80) << 8;
        crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021u : 0)) & 0xFFFF;
    }
    ck_assert_uint_eq(crc, 0x1D0F);
    packet[9] = 0;
    packet[10] = 1; /* P to W alone */
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 2 * 96);
    for (int i = 0; i < 96; i++)
        bits[i / 8] |= (buffer[i] >> 6 & 1) << (7 - i % 8);
    ck_assert_mem_eq(bits, q, 10);
    packet[9] = 0xFA; /* everything, and error flags */
    packet[10] = 4;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 2 * (2352 + 294 + 96));
    packet[10] = 3;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), -1);
    ck_assert_uint_eq(sense(), 0x052400);
}
END_TEST

START_TEST(test_toc)
{
    uint8_t packet[12] = {0x43, 0, 0, 0, 0, 0, 0, 0, 100};

    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 20);
    ck_assert(!memcmp(buffer, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xAA\0\0\0\0\x64", 20));
    packet[1] = 2; /* MSF */
    packet[6] = 0xAA;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 12);
    ck_assert(!memcmp(buffer + 8, "\0\0\3\x19", 4));
    packet[6] = 5;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), -1);
    packet[6] = 0;
    packet[9] = 0x40; /* sessions, as SFF-8020 spells it */
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 12);
    packet[9] = 0;
    packet[2] = 2;
    ck_assert_int_eq(run(packet, 0xFFFE, buffer, sizeof buffer), 4 + 4 * 11);
    ck_assert_uint_eq(buffer[4 + 22 + 3], 0xA2);
}
END_TEST

START_TEST(test_tables)
{
    ck_assert_int_eq(simple(0x5A, 0, 0x2A, 0, 100), 30); /* capabilities */
    ck_assert_uint_eq(buffer[8], 0x2A);
    ck_assert_uint_eq(buffer[14] & 2, 0);
    ck_assert_int_eq(simple(0x1E, 0, 0, 1, 0), 0);
    ck_assert_int_eq(simple(0x5A, 0, 0x2A, 0, 100), 30);
    ck_assert_uint_eq(buffer[14] & 2, 2); /* locked */
    ck_assert_int_eq(simple(0x1A, 0, 0x3F, 255, 0), 4 + 8 + 8 + 16 + 12 + 22);
    ck_assert_int_eq(simple(0x5A, 0, 0xEA, 0, 100), -1);
    ck_assert_uint_eq(sense(), 0x053900);
    ck_assert_int_eq(simple(0x5A, 0, 0x07, 0, 100), -1);
    ck_assert_int_eq(simple(0x46, 0, 0, 0, 200), 4 + (int)big(0));
    ck_assert_uint_eq(buffer[7], 8);                     /* CD-ROM is current */
    ck_assert_int_eq(simple(0x46, 2, 0x01, 0, 200), 12); /* feature 0100h alone */
    ck_assert_int_eq(simple(0x42, 0, 0x40, 0, 100), -1); /* format 0 */
    ck_assert_int_eq(simple(0x42, 0, 0, 0, 100), 4);
    ck_assert_uint_eq(buffer[1], 0x15);
    ck_assert_int_eq(simple(0x51, 0, 0, 0, 100), 34);
    ck_assert_int_eq(simple(0xAD, 0, 0, 0, 100), -1); /* no DVD */
}
END_TEST

/* Send PACKET and LEN bytes of parameters in blocks of LIMIT.  True when it was taken. */
static bool give(const uint8_t *packet, uint16_t limit, const uint8_t *data, int len)
{
    send_packet(packet, 0, limit);
    for (int at = 0;;) {
        uint8_t s;
        int bytes;

        ck_assert_int_eq(c.level[15], 1);
        s = status();
        if (s != DRQ)
            return s == READY;
        ck_assert_uint_eq(chipset_in(&c, COUNT) & 3, 0);
        bytes = chipset_in(&c, MID) | chipset_in(&c, HIGH) << 8;
        ck_assert_int_le(bytes, limit);
        for (int i = 0; i < bytes; i += 2, at += 2) {
            ck_assert_int_lt(at, len);
            bus_out(c.board.bus, BASE, data[at] | (at + 1 < len ? data[at + 1] << 8 : 0), 2);
        }
    }
}

/* What MODE SELECT sets MODE SENSE shows; nothing else changes. */
START_TEST(test_mode_select)
{
    uint8_t packet[12] = {0x55, 0x10, 0, 0, 0, 0, 0, 0, 24};
    uint8_t list[24] = {0};

    ck_assert_int_eq(simple(0x5A, 0, 0x0E, 0, 100), 24);
    memcpy(list + 8, buffer + 8, 16);
    list[8 + 9] = 0x33; /* volume of the left */
    ck_assert(give(packet, 10, list, sizeof list));
    ck_assert_int_eq(simple(0x5A, 0, 0x0E, 0, 100), 24);
    ck_assert_uint_eq(buffer[8 + 9], 0x33);
    ck_assert_int_eq(simple(0x5A, 0, 0x8E, 0, 100), 24); /* its default */
    ck_assert_uint_eq(buffer[8 + 9], 0xFF);
    ck_assert_int_eq(simple(0x5A, 0, 0x4E, 0, 100), 24); /* what can be changed */
    ck_assert_uint_eq(buffer[8 + 7], 0);
    ck_assert_uint_eq(buffer[8 + 9], 0xFF);
    list[8 + 7] = 60; /* what cannot */
    list[8 + 9] = 0x44;
    ck_assert(!give(packet, 0xFFFE, list, sizeof list));
    ck_assert_uint_eq(sense(), 0x052600);
    packet[8] = 20; /* cut */
    list[8 + 7] = 75;
    ck_assert(!give(packet, 0xFFFE, list, 20));
    ck_assert_uint_eq(sense(), 0x051A00);
    packet[8] = 24;
    packet[1] = 0x11; /* to be saved */
    ck_assert(!give(packet, 0xFFFE, list, sizeof list));
    ck_assert_uint_eq(sense(), 0x052400);
    packet[1] = 0x10;
    packet[7] = 0xFF;
    ck_assert(!give(packet, 0xFFFE, list, sizeof list));
    ck_assert_int_eq(simple(0x5A, 0, 0x0E, 0, 100), 24);
    ck_assert_uint_eq(buffer[8 + 9], 0x33);
    device_reset_all(c.board.devices);
    ck_assert_int_eq(simple(0x5A, 0, 0x0E, 0, 100), 24);
    ck_assert_uint_eq(buffer[8 + 9], 0xFF);
}
END_TEST

START_TEST(test_mode_select_dma)
{
    const uint8_t packet[12] = {0x55, 0x10, 0, 0, 0, 0, 0, 0, 16};
    uint8_t list[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 6, 0x20, 9};

    phys_write(c.board.phys, BUFFER, list, sizeof list);
    phys_write(c.board.phys, PRD, (const uint32_t[]){BUFFER, 0x80000000u | sizeof list}, 8);
    bus_out(c.board.bus, BM + 4, PRD, 4);
    send_packet(packet, 1, 0);
    bus_out(c.board.bus, BM, 1, 1);
    ck_assert_uint_eq(status(), READY);
    bus_out(c.board.bus, BM, 0, 1);
    ck_assert_int_eq(simple(0x5A, 0, 0x01, 0, 100), 16);
    ck_assert_uint_eq(buffer[8 + 2], 0x20);
    ck_assert_uint_eq(buffer[8 + 3], 9);
}
END_TEST

START_TEST(test_tray)
{
    ck_assert_int_eq(simple(0x1E, 0, 0, 1, 0), 0);
    ck_assert_int_eq(simple(0x1B, 0, 0, 2, 0), -1); /* locked */
    ck_assert_uint_eq(sense(), 0x055302);
    ck_assert(!ide_change_disc(ide, 0, NULL, false));
    ck_assert_int_eq(simple(0x4A, 1, 0, 0x10, 8), 8);
    ck_assert_uint_eq(buffer[4], 1); /* somebody wants it out */
    ck_assert_int_eq(simple(0x1E, 0, 0, 0, 0), 0);
    ck_assert_int_eq(simple(0x1B, 0, 0, 2, 0), 0);
    ck_assert(!ide_disc_present(ide, 0));
    ck_assert_int_eq(simple(0x00, 0, 0, 0, 0), -1);
    ck_assert_uint_eq(sense(), 0x023A02);
    ck_assert_int_eq(simple(0x1B, 0, 0, 3, 0), 0);
    ck_assert_int_eq(simple(0x00, 0, 0, 0, 0), -1);
    ck_assert_uint_eq(sense(), 0x062800);
    ck_assert_int_eq(simple(0x00, 0, 0, 0, 0), 0);
}
END_TEST

START_TEST(test_change)
{
    struct block *other = make_disc(0x8000);

    ck_assert(ide_change_disc(ide, 0, other, false));
    ck_assert_int_eq(simple(0x12, 0, 0, 36, 0), 36); /* INQUIRY does not mind */
    ck_assert_int_eq(read_10(0, 1, 2048), -1);
    ck_assert_uint_eq(sense(), 0x023A01); /* the old disc is gone */
    ck_assert_int_eq(read_10(0, 1, 2048), -1);
    ck_assert_uint_eq(sense(), 0x062800); /* a new one is here */
    ck_assert_int_eq(simple(0x4A, 1, 0, 0x10, 8), 8);
    ck_assert_uint_eq(buffer[4], 2);
    ck_assert_uint_eq(buffer[5], 2);
    ck_assert_int_eq(read_10(5, 1, 2048), 2048);
    ck_assert_uint_eq(word(0), 5 << 16 | 0x8000);
    ck_assert(ide_change_disc(ide, 0, NULL, false));
    ck_assert_int_eq(simple(0x25, 0, 0, 0, 0), -1);
    ck_assert_uint_eq(sense(), 0x023A01);
    ck_assert(!ide_change_disc(ide, 1, NULL, true)); /* no drive */
    block_close(other);
}
END_TEST

/* Packets at random, with random limits and half-read data. */
START_TEST(test_hostile)
{
    unsigned seed = (unsigned)_i * 77 + 5;

    for (int i = 0; i < 3000; i++) {
        uint8_t packet[12];

        for (int j = 0; j < 12; j++) {
            seed = seed * 1664525 + 1013904223;
            packet[j] = (uint8_t)(seed >> (seed >> 29 & 1 ? 24 : 30));
        }
        packet[0] = seed >> 13 & 1 ? 0x28 + (seed >> 20 & 3) : (uint8_t)(seed >> 16);
        chipset_out(&c, 0x376, seed >> 8 & 0xFF ? 0 : 4);
        chipset_out(&c, 0x376, 0);
        chipset_out(&c, BASE + 1, seed >> 9 & 3);
        chipset_out(&c, MID, (uint8_t)(seed >> 11));
        chipset_out(&c, HIGH, (uint8_t)(seed >> 19 & 15));
        chipset_out(&c, STATUS, seed >> 5 & 15 ? 0xA0 : (uint8_t)(seed >> 21));
        for (int j = 0; j < 6; j++)
            bus_out(c.board.bus, BASE, packet[2 * j] | packet[2 * j + 1] << 8, 2);
        bus_out(c.board.bus, BM + 4, seed & 0x3FFFFC, 4);
        chipset_out(&c, BM, seed >> 3 & 9);
        for (unsigned j = 0; j < (seed >> 4 & 0x7FF) && status() & 8; j++)
            bus_in(c.board.bus, BASE, 4);
    }
    device_reset_all(c.board.devices);
    ck_assert_int_eq(read_10(1, 1, 2048), 2048);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("atapi");
    TCase *t = tcase_create("packets");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_signature);
    tcase_add_test(t, test_identify);
    tcase_add_test(t, test_inquiry_and_ready);
    tcase_add_test(t, test_read);
    tcase_add_test(t, test_read_dma);
    tcase_add_test(t, test_read_cd);
    tcase_add_test(t, test_toc);
    tcase_add_test(t, test_tables);
    tcase_add_test(t, test_mode_select);
    tcase_add_test(t, test_mode_select_dma);
    tcase_add_test(t, test_sub_channels);
    tcase_add_test(t, test_tray);
    tcase_add_test(t, test_change);
    tcase_add_loop_test(t, test_hostile, 0, 4);
    suite_add_tcase(s, t);
    return chipset_run(s);
}
