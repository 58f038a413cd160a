/* The floppy controller, by its ports: devices/fdc*.c.  The DMA controller is a fake. */
#define _GNU_SOURCE /* mkostemp */
#include "devices/pc.h"

#include "ringer/error.h"
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DOR = 0x3F2, MSR = 0x3F4, DSR = 0x3F4, FIFO = 0x3F5, DIR = 0x3F7, CCR = 0x3F7 };
enum { SPT = 18 };

/* --- the fake channel 2: a buffer with a count --- */

struct dma {
    uint8_t memory[65536];
    uint32_t pos, count;
    bool masked;
};

static uint32_t dma_move(struct dma *d, uint32_t len, bool *tc)
{
    uint32_t n = len < d->count - d->pos ? len : d->count - d->pos;

    if (d->masked || !n)
        return 0;
    *tc = d->pos + n == d->count;
    return n;
}

uint32_t dma_to_memory(struct dma *d, int channel, const void *buf, uint32_t len, bool *tc)
{
    uint32_t n = dma_move(d, len, tc);

    ck_assert_int_eq(channel, 2);
    memcpy(d->memory + d->pos, buf, n);
    d->pos += n;
    return n;
}

uint32_t dma_from_memory(struct dma *d, int channel, void *buf, uint32_t len, bool *tc)
{
    uint32_t n = dma_move(d, len, tc);

    ck_assert_int_eq(channel, 2);
    memcpy(buf, d->memory + d->pos, n);
    d->pos += n;
    return n;
}

bool dma_ready(struct dma *d, int channel)
{
    return channel == 2 && !d->masked && d->pos < d->count;
}

/* --- the bench --- */

static struct board board;
static struct fdc *fdc;
static struct dma dma;
static struct block *disk;
static char path[64];
static int irq_level, irq_edges;

static void on_irq(void *opaque, int n, int level)
{
    (void)opaque;
    ck_assert_int_eq(n, 6);
    irq_edges += level && !irq_level;
    irq_level = level;
}

static uint8_t in(uint16_t port)
{
    return (uint8_t)bus_in(board.bus, port, 1);
}

static void out(uint16_t port, uint8_t value)
{
    bus_out(board.bus, port, value, 1);
}

/* A disk of SECTORS, the first byte of sector I being I and the second I / 256. */
static void insert(unsigned sectors, bool readonly)
{
    struct block_options options = {.readonly = readonly};
    struct error err = {""};
    int fd;

    snprintf(path, sizeof path, "/tmp/ringer-test-XXXXXX");
    fd = mkostemp(path, O_CLOEXEC);
    ck_assert_int_eq(ftruncate(fd, (off_t)sectors * SECTOR_SIZE), 0);
    for (unsigned i = 0; i < sectors; i++) {
        uint8_t mark[2] = {(uint8_t)i, (uint8_t)(i >> 8)};

        ck_assert_int_eq(pwrite(fd, mark, 2, (off_t)i * SECTOR_SIZE), 2);
    }
    close(fd);
    block_close(disk);
    disk = block_open(path, &options, NULL, &err);
    ck_assert_msg(disk, "%s", err.text);
    unlink(path);
    fdc_insert(fdc, 0, disk);
}

static void setup(void)
{
    memset(&dma, 0, sizeof dma);
    irq_level = irq_edges = 0;
    board = (struct board){
        .bus = bus_new(NULL), .clock = vclock_new(true), .devices = device_list_new()};
    fdc = fdc_init(&board, (struct irq_line){on_irq, NULL, 6}, &dma);
    insert(2880, false);
    device_reset_all(board.devices);
    out(DOR, 0x1C); /* motor A */
}

static void teardown(void)
{
    device_free_all(board.devices);
    bus_free(board.bus);
    vclock_free(board.clock);
    block_close(disk);
    disk = NULL;
}

static void wait_ms(unsigned ms)
{
    vclock_advance(board.clock, ms * 1000000ull);
}

static void command(unsigned len, const uint8_t *bytes)
{
    for (unsigned i = 0; i < len; i++) {
        ck_assert_uint_eq(in(MSR)&0xC0, 0x80);
        out(FIFO, bytes[i]);
    }
}

#define COMMAND(...) command(sizeof((uint8_t[]){__VA_ARGS__}), (uint8_t[]){__VA_ARGS__})

/* A command, and the time that it takes. */
#define RUN(...)                                                                                   \
    do {                                                                                           \
        COMMAND(__VA_ARGS__);                                                                      \
        wait_ms(1);                                                                                \
    } while (0)

/* Read the result; it must have exactly N bytes. */
static const uint8_t *result(unsigned n)
{
    static uint8_t bytes[16];

    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(in(MSR)&0xD0, 0xD0);
        bytes[i] = in(FIFO);
    }
    ck_assert_uint_eq(in(MSR)&0xD0, 0x80);
    return bytes;
}

static void check_result(const uint8_t *want, unsigned n)
{
    const uint8_t *got = result(n);

    for (unsigned i = 0; i < n; i++)
        ck_assert_msg(got[i] == want[i], "result byte %u is %02X, not %02X", i, got[i], want[i]);
}

#define RESULT(...) check_result((uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))

static void dma_program(uint32_t count)
{
    dma.pos = 0;
    dma.count = count;
}

static void seek_to(uint8_t track)
{
    RUN(0x0F, 0x00, track);
    COMMAND(0x08);
    RESULT(0x20, track);
}

static void check_sector(unsigned index, unsigned lba)
{
    ck_assert_uint_eq(dma.memory[index * 512] | dma.memory[index * 512 + 1] << 8, lba);
}

/* --- tests --- */

START_TEST(reset_gives_four_results)
{
    out(DOR, 0x18);
    ck_assert_uint_eq(in(MSR), 0);
    out(DOR, 0x1C);
    ck_assert_int_eq(irq_level, 0); /* not at once */
    wait_ms(1);
    ck_assert_int_eq(irq_level, 1);
    for (uint8_t i = 0; i < 4; i++) {
        COMMAND(0x08);
        ck_assert_int_eq(irq_level, 0);
        RESULT(0xC0 | i, 0);
    }
    COMMAND(0x08);
    RESULT(0x80);
    out(DSR, 0x80); /* the other software reset */
    wait_ms(1);
    ck_assert_int_eq(irq_edges, 2);
    COMMAND(0x08);
    RESULT(0xC0, 0);
}
END_TEST

START_TEST(polling_can_be_disabled)
{
    out(DOR, 0x18);
    out(DOR, 0x1C);
    RUN(0x13, 0, 0x10, 0);
    ck_assert_int_eq(irq_edges, 0);
    COMMAND(0x08);
    RESULT(0x80);
}
END_TEST

START_TEST(dmagate_gates_the_interrupt)
{
    out(DOR, 0x14);
    RUN(0x07, 0);
    ck_assert_int_eq(irq_level, 0);
    out(DOR, 0x1C);
    ck_assert_int_eq(irq_level, 1);
}
END_TEST

START_TEST(seeks)
{
    COMMAND(0x0F, 0x00, 10);
    ck_assert_uint_eq(in(MSR), 0x81); /* free, drive 0 busy */
    ck_assert_int_eq(irq_level, 0);
    wait_ms(1);
    ck_assert_uint_eq(in(MSR), 0x80);
    ck_assert_int_eq(irq_level, 1);
    COMMAND(0x08);
    RESULT(0x20, 10);
    COMMAND(0x04, 0x00);
    RESULT(0x28);
    RUN(0x8F, 0x00, 4); /* relative, outwards */
    COMMAND(0x08);
    RESULT(0x20, 6);
    RUN(0xCF, 0x00, 7); /* inwards */
    COMMAND(0x08);
    RESULT(0x20, 13);
    RUN(0x0A | 0x40, 0x00);
    ck_assert_uint_eq(result(7)[3], 13);
    RUN(0x07, 0x00);
    COMMAND(0x08);
    RESULT(0x20, 0);
    COMMAND(0x04, 0x05);
    RESULT(0x7D); /* track 0, head 1, drive 1: empty, so write-protected */
}
END_TEST

START_TEST(recalibrate_of_no_drive_fails)
{
    RUN(0x07, 0x02);
    COMMAND(0x08);
    RESULT(0x72, 0);
    RUN(0x0F, 0x00, 83); /* too far for 79 steps */
    COMMAND(0x08);
    RESULT(0x20, 83);
    RUN(0x07, 0x00);
    COMMAND(0x08);
    RESULT(0x70, 0);
    RUN(0x07, 0x00);
    COMMAND(0x08);
    RESULT(0x20, 0);
}
END_TEST

START_TEST(drives_that_are_not_there)
{
    enum { SRA = 0x3F0, SECOND_ABSENT = 0x40 };

    ck_assert(!(in(SRA) & SECOND_ABSENT));
    fdc_attach(fdc, true, false);
    ck_assert(in(SRA) & SECOND_ABSENT);
    RUN(0x07, 0x01);
    COMMAND(0x08);
    RESULT(0x71, 0);
    RUN(0x07, 0x00);
    COMMAND(0x08);
    RESULT(0x20, 0);
    fdc_attach(fdc, false, true);
    RUN(0x07, 0x01);
    COMMAND(0x08);
    RESULT(0x21, 0);
}
END_TEST

START_TEST(overlapped_seeks)
{
    COMMAND(0x0F, 0x00, 5);
    COMMAND(0x0F, 0x01, 60);
    ck_assert_uint_eq(in(MSR), 0x83);
    wait_ms(1);
    COMMAND(0x08);
    RESULT(0x20, 5);
    COMMAND(0x08);
    RESULT(0x21, 60);
}
END_TEST

START_TEST(disk_change)
{
    ck_assert_uint_eq(in(DIR)&0x80, 0x80);
    RUN(0x07, 0x00); /* at track 0 nothing steps */
    ck_assert_uint_eq(in(DIR)&0x80, 0x80);
    COMMAND(0x08);
    RESULT(0x20, 0);
    seek_to(1);
    ck_assert_uint_eq(in(DIR)&0x80, 0);
    fdc_insert(fdc, 0, NULL);
    seek_to(2);
    ck_assert_uint_eq(in(DIR)&0x80, 0x80);
    fdc_insert(fdc, 0, disk);
    ck_assert_uint_eq(in(DIR)&0x80, 0x80);
    seek_to(1);
    ck_assert_uint_eq(in(DIR)&0x80, 0);
}
END_TEST

START_TEST(reads_by_dma)
{
    seek_to(3);
    dma_program(2 * 512);
    irq_edges = 0;
    COMMAND(0xE6, 0x04, 3, 1, 5, 2, SPT, 0x1B, 0xFF);
    ck_assert_uint_eq(in(MSR), 0x10);
    ck_assert_int_eq(irq_edges, 0);
    wait_ms(1);
    ck_assert_int_eq(irq_edges, 1);
    ck_assert_int_eq(irq_level, 1);
    in(FIFO); /* first result byte */
    ck_assert_int_eq(irq_level, 0);
    for (int i = 0; i < 6; i++)
        in(FIFO);
    check_sector(0, 3 * 36 + 18 + 4);
    check_sector(1, 3 * 36 + 18 + 5);
    dma_program(2 * 512);
    RUN(0xE6, 0x04, 3, 1, 5, 2, SPT, 0x1B, 0xFF);
    RESULT(0x04, 0, 0, 3, 1, 7, 2);
}
END_TEST

START_TEST(multitrack_and_result_ids)
{
    dma_program(4 * 512); /* 17, 18 of side 0, 1, 2 of side 1 */
    RUN(0xC6, 0x00, 0, 0, 17, 2, SPT, 0x1B, 0xFF);
    RESULT(0x04, 0, 0, 0, 1, 3, 2);
    check_sector(2, 18);
    check_sector(3, 19);
    dma_program(2 * 512); /* ends with side 0: other side, sector 1 */
    RUN(0xC6, 0x00, 0, 0, 17, 2, SPT, 0x1B, 0xFF);
    RESULT(0x04, 0, 0, 0, 1, 1, 2);
    dma_program(512); /* last of the cylinder: next cylinder, side 0 */
    RUN(0xC6, 0x04, 0, 1, 18, 2, SPT, 0x1B, 0xFF);
    RESULT(0x04, 0, 0, 1, 0, 1, 2);
    dma_program(512); /* without MT the head stays */
    RUN(0x46, 0x04, 0, 1, 18, 2, SPT, 0x1B, 0xFF);
    RESULT(0x04, 0, 0, 1, 1, 1, 2);
    dma_program(4 * 512); /* no terminal count before the end */
    RUN(0x46, 0x00, 0, 0, 17, 2, SPT, 0x1B, 0xFF);
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    ck_assert_uint_eq(dma.pos, 2 * 512);
}
END_TEST

START_TEST(writes_by_dma)
{
    uint8_t sector[512];

    seek_to(1);
    memset(dma.memory, 0xA7, 1024);
    dma_program(512 + 100); /* the rest of the second sector becomes zeros */
    RUN(0xC5, 0x00, 1, 0, 2, 2, SPT, 0x1B, 0xFF);
    RESULT(0x00, 0, 0, 1, 0, 4, 2);
    ck_assert(block_read(disk, 37, sector, 1));
    ck_assert_uint_eq(sector[511], 0xA7);
    ck_assert(block_read(disk, 38, sector, 1));
    ck_assert_uint_eq(sector[99], 0xA7);
    ck_assert_uint_eq(sector[100], 0);
    ck_assert(block_read(disk, 39, sector, 1));
    ck_assert_uint_eq(sector[0], 39);
}
END_TEST

START_TEST(write_protect)
{
    insert(2880, true);
    COMMAND(0x04, 0x00);
    RESULT(0x78);
    dma_program(512);
    RUN(0x45, 0x00, 0, 0, 1, 2, SPT, 0x1B, 0xFF);
    RESULT(0x40, 0x02, 0, 0, 0, 1, 2);
    RUN(0x4D, 0x00, 2, SPT, 0x54, 0xF6);
    ck_assert_uint_eq(result(7)[1], 0x02);
}
END_TEST

static void read_one(uint8_t c, uint8_t h, uint8_t r, uint8_t n)
{
    dma_program(512);
    RUN(0x46, h << 2, c, h, r, n, SPT, 0x1B, 0xFF);
}

START_TEST(sectors_that_are_not_there)
{
    read_one(0, 0, 19, 2);
    RESULT(0x40, 0x04, 0, 0, 0, 19, 2);
    read_one(0, 0, 0, 2);
    RESULT(0x40, 0x04, 0, 0, 0, 0, 2);
    read_one(0, 0, 1, 3);
    RESULT(0x40, 0x04, 0, 0, 0, 1, 3);
    read_one(7, 0, 1, 2); /* the head is elsewhere */
    RESULT(0x40, 0x04, 0x10, 7, 0, 1, 2);
    dma_program(512);
    RUN(0x46, 0x00, 0, 1, 1, 2, SPT, 0x1B, 0xFF); /* H against the head selected */
    RESULT(0x40, 0x04, 0, 0, 1, 1, 2);
    seek_to(82);
    read_one(82, 0, 1, 2); /* unformatted */
    RESULT(0x40, 0x01, 0, 82, 0, 1, 2);
    ck_assert_uint_eq(dma.pos, 0);
}
END_TEST

START_TEST(media_answer_at_their_rate)
{
    static const struct {
        unsigned sectors;
        uint8_t rates; /* that read, one bit each: 0: 500, 1: 300, 2: 250, 3: 1000 */
    } media[] = {{320, 6},  {360, 6},  {640, 6},  {720, 6},
                 {1440, 4}, {2400, 1}, {2880, 1}, {5760, 8}};

    for (unsigned i = 0; i < sizeof media / sizeof *media; i++) {
        insert(media[i].sectors, false);
        for (uint8_t rate = 0; rate < 4; rate++) {
            out(CCR, rate);
            read_one(0, 0, 1, 2);
            ck_assert_uint_eq(result(7)[1], media[i].rates >> rate & 1 ? 0 : 0x01);
        }
    }
    insert(2880, false);
    out(DSR, 0); /* sets the rate too */
    read_one(0, 0, 1, 2);
    ck_assert_uint_eq(result(7)[0], 0);
    RUN(0x06, 0, 0, 0, 1, 2, SPT, 0x1B, 0xFF); /* FM */
    ck_assert_uint_eq(result(7)[1], 0x01);
    out(DOR, 0x0C); /* motor off */
    RUN(0x4A, 0);
    ck_assert_uint_eq(result(7)[1], 0x01);
}
END_TEST

START_TEST(one_sided_and_forty_tracks)
{
    insert(320, false);
    out(CCR, 2);
    read_one(0, 1, 1, 2);
    RESULT(0x44, 0x01, 0, 0, 1, 1, 2);
    seek_to(39);
    dma_program(512);
    RUN(0x46, 0x00, 39, 0, 8, 2, 8, 0x2A, 0xFF);
    RESULT(0x00, 0, 0, 40, 0, 1, 2);
    check_sector(0, 319);
    seek_to(20); /* a driver that steps twice */
    read_one(10, 0, 1, 2);
    ck_assert_uint_eq(result(7)[0], 0);
    check_sector(0, 80);
}
END_TEST

START_TEST(no_medium)
{
    fdc_insert(fdc, 0, NULL);
    read_one(0, 0, 1, 2);
    ck_assert_uint_eq(result(7)[1], 0x01);
    dma_program(512);
    RUN(0x45, 0x00, 0, 0, 1, 2, SPT, 0x1B, 0xFF);
    ck_assert_uint_eq(result(7)[0], 0x40);
    insert(2000, false); /* no floppy size: stays empty */
    read_one(0, 0, 1, 2);
    ck_assert_uint_eq(result(7)[1], 0x01);
}
END_TEST

START_TEST(boot_sector_image)
{
    uint8_t zero[512] = {0};

    insert(1, false);
    memset(dma.memory, 0xFF, 512);
    read_one(0, 0, 2, 2);
    ck_assert_uint_eq(result(7)[0], 0);
    ck_assert_mem_eq(dma.memory, zero, 512);
}
END_TEST

START_TEST(masked_dma_overruns)
{
    dma.masked = true;
    COMMAND(0x46, 0x00, 0, 0, 1, 2, SPT, 0x1B, 0xFF);
    wait_ms(50);
    ck_assert_uint_eq(in(MSR), 0x10);
    wait_ms(300);
    RESULT(0x40, 0x10, 0, 0, 0, 1, 2);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, SPT, 0x1B, 0xFF); /* unmasked in time */
    wait_ms(50);
    dma.masked = false;
    dma_program(512);
    wait_ms(1);
    RESULT(0x00, 0, 0, 0, 0, 2, 2);
}
END_TEST

START_TEST(reads_and_writes_without_dma)
{
    COMMAND(0x03, 0xAF, 0x03); /* ND */
    irq_edges = 0;
    RUN(0x46, 0x00, 0, 0, 17, 2, SPT, 0x1B, 0xFF);
    ck_assert_int_eq(irq_edges, 1);
    for (unsigned i = 0; i < 1024; i++) {
        ck_assert_uint_eq(in(MSR), 0xF0);
        dma.memory[i] = in(FIFO);
        ck_assert_int_eq(irq_level, i == 1023); /* completion */
    }
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    check_sector(0, 16);
    check_sector(1, 17);
    RUN(0x45, 0x00, 0, 0, 18, 2, SPT, 0x1B, 0xFF);
    for (unsigned i = 0; i < 512; i++) {
        ck_assert_uint_eq(in(MSR), 0xB0);
        ck_assert_int_eq(irq_level, 1); /* each byte has its interrupt */
        out(FIFO, 0x42);
        wait_ms(1);
    }
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    ck_assert(block_read(disk, 17, dma.memory, 1));
    ck_assert_uint_eq(dma.memory[511], 0x42);
}
END_TEST

START_TEST(read_track)
{
    dma_program(SPT * 512);
    RUN(0x42, 0x04, 0, 1, 1, 2, SPT, 0x1B, 0xFF);
    ck_assert_uint_eq(result(7)[0], 0x04);
    check_sector(0, 18);
    check_sector(17, 35);
    dma_program(512);
    RUN(0x42, 0x00, 0, 0, 5, 2, SPT, 0x1B, 0xFF); /* from the index, not from 5 */
    ck_assert_uint_eq(result(7)[1], 0x04);
    check_sector(0, 0);
}
END_TEST

START_TEST(read_id)
{
    uint32_t seen = 0;

    seek_to(2);
    for (unsigned i = 0; i < 40; i++) {
        const uint8_t *r;

        COMMAND(0x4A, 0x04);
        wait_ms(10);
        r = result(7);
        ck_assert_uint_eq(r[0], 0x04);
        ck_assert_uint_eq(r[3], 2);
        ck_assert_uint_eq(r[4], 1);
        ck_assert_uint_eq(r[6], 2);
        ck_assert_uint_le(r[5], SPT);
        seen |= 1u << r[5];
    }
    ck_assert_uint_eq(seen, 0x7FFFE); /* all 18 come by */
}
END_TEST

START_TEST(deleted_data)
{
    dma_program(512);
    RUN(0x49, 0x00, 0, 0, 3, 2, SPT, 0x1B, 0xFF);
    ck_assert_uint_eq(result(7)[0], 0);
    dma_program(3 * 512); /* READ DATA stops after it */
    RUN(0x46, 0x00, 0, 0, 2, 2, SPT, 0x1B, 0xFF);
    RESULT(0x00, 0, 0x40, 0, 0, 3, 2);
    ck_assert_uint_eq(dma.pos, 2 * 512);
    dma_program(2 * 512); /* SK leaves it out */
    RUN(0x66, 0x00, 0, 0, 2, 2, SPT, 0x1B, 0xFF);
    RESULT(0x00, 0, 0x40, 0, 0, 5, 2);
    check_sector(1, 3);
    dma_program(512);
    RUN(0x6C, 0x00, 0, 0, 2, 2, SPT, 0x1B, 0xFF); /* READ DELETED DATA finds only it */
    RESULT(0x00, 0, 0x40, 0, 0, 4, 2);
    dma_program(512); /* an ordinary write takes the mark away */
    RUN(0x45, 0x00, 0, 0, 3, 2, SPT, 0x1B, 0xFF);
    result(7);
    read_one(0, 0, 3, 2);
    RESULT(0x00, 0, 0, 0, 0, 4, 2);
}
END_TEST

START_TEST(verify)
{
    RUN(0x56, 0x00, 0, 0, 1, 2, SPT, 0x1B, 0xFF); /* to the end of the track */
    RESULT(0x00, 0, 0, 1, 0, 1, 2);
    RUN(0xD6, 0x80, 0, 0, 1, 2, SPT, 0x1B, 20); /* EC: 20 sectors, both sides */
    RESULT(0x04, 0, 0, 0, 1, 3, 2);
    RUN(0x56, 0x80, 0, 0, 1, 2, SPT, 0x1B, 20); /* more than there are */
    RESULT(0x40, 0x80, 0, 1, 0, 1, 2);
    RUN(0x56, 0x00, 0, 0, 1, 2, 30, 0x1B, 0xFF);
    ck_assert_uint_eq(result(7)[1], 0x04);
}
END_TEST

START_TEST(format_track)
{
    uint8_t sector[512];

    seek_to(4);
    for (uint8_t i = 0; i < SPT; i++)
        memcpy(dma.memory + 4 * i, ((uint8_t[]){4, 1, i + 1, 2}), 4);
    dma_program(4 * SPT);
    RUN(0x4D, 0x04, 2, SPT, 0x54, 0xF6);
    ck_assert_uint_eq(result(7)[0], 0x04);
    ck_assert(block_read(disk, 4 * 36 + 18, sector, 1));
    ck_assert_uint_eq(sector[0], 0xF6);
    ck_assert(block_read(disk, 4 * 36 + 35, sector, 1));
    ck_assert_uint_eq(sector[511], 0xF6);
    ck_assert(block_read(disk, 4 * 36 + 17, sector, 1));
    ck_assert_uint_eq(sector[0], (4 * 36 + 17) & 0xFF);
    /* IDs that the image cannot have leave it alone */
    memset(dma.memory, 0xFF, 64);
    dma_program(4 * SPT);
    RUN(0x4D, 0x00, 2, SPT, 0x54, 0xF6);
    result(7);
    ck_assert(block_read(disk, 4 * 36, sector, 1));
    ck_assert_uint_eq(sector[0], (4 * 36) & 0xFF);
}
END_TEST

START_TEST(scan)
{
    uint8_t sector[512];

    ck_assert(block_read(disk, 2, dma.memory, 1));
    memcpy(dma.memory + 512, dma.memory, 512);
    memcpy(dma.memory + 1024, dma.memory, 512);
    memcpy(sector, dma.memory, 512);
    dma_program(3 * 512);
    RUN(0x51, 0x00, 0, 0, 1, 2, SPT, 0x1B, 1);
    RESULT(0x00, 0, 0x08, 0, 0, 3, 2); /* equal at sector 3 */
    dma_program(512);
    RUN(0x59, 0x00, 0, 0, 2, 2, SPT, 0x1B, 1);
    RESULT(0x00, 0, 0x00, 0, 0, 2, 2); /* lower */
    dma_program(512);
    RUN(0x5D, 0x00, 0, 0, 2, 2, 2, 0x1B, 1);
    ck_assert_uint_eq(result(7)[2], 0x04); /* not higher */
}
END_TEST

START_TEST(implied_seek)
{
    COMMAND(0x13, 0, 0x60, 0);
    read_one(9, 0, 1, 2);
    RESULT(0x20, 0, 0, 9, 0, 2, 2);
    check_sector(0, 9 * 36);
    COMMAND(0x08); /* no interrupt of its own */
    RESULT(0x80);
}
END_TEST

START_TEST(modes_and_dumpreg)
{
    COMMAND(0x10);
    RESULT(0x90);
    COMMAND(0x18);
    RESULT(0x80);
    COMMAND(0x1F);
    RESULT(0x80);
    COMMAND(0x03, 0xDF, 0x12);
    COMMAND(0x13, 0x00, 0x57, 0x2A);
    COMMAND(0x12, 0x80 | 0x04 | 0x03);
    seek_to(3);
    COMMAND(0x94);
    RESULT(0x10);
    COMMAND(0x0E);
    RESULT(3, 0, 0, 0, 0xDF, 0x12, 0, 0x87, 0x57, 0x2A);
    out(DOR, 0x18); /* locked: FIFO, threshold and precompensation survive */
    out(DOR, 0x1C);
    COMMAND(0x0E);
    RESULT(0, 0, 0, 0, 0xDF, 0x12, 0, 0x84, 0x07, 0x2A);
    COMMAND(0x14);
    RESULT(0x00);
    out(DSR, 0x80);
    COMMAND(0x0E);
    RESULT(0, 0, 0, 0, 0xDF, 0x12, 0, 0x04, 0x20, 0x00);
}
END_TEST

/* Whatever is written, in whatever order: nothing breaks, and a reset brings it back. */
START_TEST(hostile)
{
    uint32_t x = 12345;

    dma_program(sizeof dma.memory);
    for (unsigned i = 0; i < 30000; i++) {
        x = x * 1664525 + 1013904223;
        if (x >> 28 == 0)
            wait_ms(1);
        else if (x >> 28 < 5)
            in(0x3F0 + (x >> 8) % 8);
        else if (x >> 28 < 14)
            out(FIFO, (uint8_t)(x >> 16));
        else
            out(0x3F0 + (x >> 8) % 6, (uint8_t)(x >> 16) | 0x1C);
        if (i % 64 == 0)
            dma_program(x >> 16);
    }
    out(DOR, 0x18);
    out(DOR, 0x1C);
    out(CCR, 0);
    wait_ms(1);
    COMMAND(0x08);
    RESULT(0xC0, 0);
}
END_TEST

static void add_tests(TCase *tc)
{
    const TTest *const tests[] = {
        reset_gives_four_results,
        polling_can_be_disabled,
        dmagate_gates_the_interrupt,
        seeks,
        recalibrate_of_no_drive_fails,
        drives_that_are_not_there,
        overlapped_seeks,
        disk_change,
        reads_by_dma,
        multitrack_and_result_ids,
        writes_by_dma,
        write_protect,
        sectors_that_are_not_there,
        media_answer_at_their_rate,
        one_sided_and_forty_tracks,
        no_medium,
        boot_sector_image,
        masked_dma_overruns,
        reads_and_writes_without_dma,
        read_track,
        read_id,
        deleted_data,
        verify,
        format_track,
        scan,
        implied_seek,
        modes_and_dumpreg,
        hostile,
    };

    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(tc, tests[i]);
}

int main(void)
{
    Suite *suite = suite_create("fdc");
    TCase *tc = tcase_create("fdc");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    add_tests(tc);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
