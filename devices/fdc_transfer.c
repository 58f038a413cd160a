/* 82077AA: the commands that move data (data sheet 290166, 5.1).
 *
 * The disk is whatever the size of the image says, and it reads as one: only at the data rate it
 * was written with, in MFM, with the head on the right track and the motor on.  Drivers find out
 * formats by trying, so that what fails must fail as on the real thing.
 *
 * A sector goes through three steps: prepare() finds it and fetches its data, DMA or the CPU
 * moves the bytes, sector_done() stores them and goes on to the next.  Each of the steps may end
 * the command by finish(), and then returns false. */
#include "devices/fdc.h"

#include "ringer/log.h"
#include <string.h>

enum { RATE_300 = 1, SIZE_CODE_512 = 2, GAP_BYTE = 0x4E };

/* To the result phase (table 5-2). */
static bool finish(struct fdc *f, uint8_t interrupt_code)
{
    f->fifo[0] = (uint8_t)(interrupt_code | (f->eis_done ? ST0_SEEK : 0) |
                           (f->head ? ST0_HEAD : 0) | f->drive);
    f->fifo[1] = f->st1;
    f->fifo[2] = f->st2;
    f->fifo[3] = f->c;
    f->fifo[4] = f->h;
    f->fifo[5] = f->r;
    f->fifo[6] = f->n;
    f->pio_request = 0;
    f->loaded = 0;
    vtimer_cancel(f->clock, &f->timer);
    f->event_at = FDC_NEVER;
    fdc_result(f, 7);
    fdc_raise(f);
    return false;
}

static bool fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->st1 |= st1;
    f->st2 |= st2;
    return finish(f, ST0_ABNORMAL);
}

/* --- where the data is --- */

/* Does a disk turn in the drive?  A real controller would wait for index pulses for ever where
 * there is none; here the command ends as over an unformatted disk. */
static bool disk_turns(const struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->drive];

    return d->block && f->dor & 0x10u << f->drive;
}

/* Disks of 40 tracks turn at 360 rpm in drives for 1.2 MB, and are read at 300 kbit/s there. */
static bool rate_fits(const struct fdc *f, const struct geometry *g)
{
    return f->rate == fdc_native_rate(g) || (f->rate == RATE_300 && g->cylinders == 40);
}

/* The disk's track under the head.  Drivers that take the drive for one of 80 tracks step twice
 * for each track of a disk of 40: C, which they look for, tells. */
static unsigned track_under_head(const struct fdc_drive *d, uint8_t c)
{
    if (d->geometry.cylinders == 40 && d->track != c && d->track == 2u * c)
        return c;
    return d->track;
}

/* Is there a formatted track under the head that can be read with these settings? */
static bool track_readable(const struct fdc *f, unsigned track)
{
    const struct geometry *g = &f->drives[f->drive].geometry;

    return disk_turns(f) && f->fifo[0] & COMMAND_MFM && rate_fits(f, g) && track < g->cylinders &&
           f->head < g->heads;
}

static uint32_t sector_lba(const struct fdc *f, unsigned track, unsigned sector)
{
    const struct geometry *g = &f->drives[f->drive].geometry;

    return (track * g->heads + f->head) * g->sectors + sector - 1;
}

/* The sector with the ID of the command. */
static bool find_sector(struct fdc *f, uint32_t *lba)
{
    const struct fdc_drive *d = &f->drives[f->drive];
    unsigned track = track_under_head(d, f->c);

    if (!track_readable(f, track))
        return fail(f, ST1_MA, 0);
    if (f->c != track)
        return fail(f, ST1_ND, ST2_WC);
    if (f->h != f->head || f->n != SIZE_CODE_512 || f->r == 0 || f->r > d->geometry.sectors)
        return fail(f, ST1_ND, 0);
    *lba = sector_lba(f, track, f->r);
    return true;
}

static bool is_deleted(const struct fdc *f, uint32_t lba)
{
    const struct fdc_drive *d = &f->drives[f->drive];

    return lba / 8 < sizeof d->deleted && d->deleted[lba / 8] >> (lba % 8) & 1;
}

static void set_deleted(struct fdc *f, uint32_t lba, bool deleted)
{
    struct fdc_drive *d = &f->drives[f->drive];

    if (lba / 8 >= sizeof d->deleted)
        return;
    d->deleted[lba / 8] &= (uint8_t) ~(1u << (lba % 8));
    d->deleted[lba / 8] |= (uint8_t)(deleted << (lba % 8));
}

/* Images that are the beginning of a floppy read as zeros behind it. */
static bool read_sector(struct fdc *f, uint32_t lba, void *data)
{
    struct block *block = f->drives[f->drive].block;

    if (lba >= block_sectors(block))
        memset(data, 0, SECTOR_SIZE);
    else if (!block_read(block, lba, data, 1))
        return fail(f, ST1_DE, ST2_DD);
    return true;
}

static bool write_sector(struct fdc *f, uint32_t lba, const void *data)
{
    if (!block_write(f->drives[f->drive].block, lba, data, 1))
        return fail(f, ST1_DE, 0);
    return true;
}

static bool is_scan(const struct fdc *f)
{
    return f->transfer >= FDC_SCAN_EQUAL && f->transfer <= FDC_SCAN_HIGH;
}

bool fdc_transfer_to_host(const struct fdc *f)
{
    return f->transfer == FDC_READ || f->transfer == FDC_READ_TRACK;
}

/* --- from one sector to the next --- */

/* The next ID, as table 5-6 has it; false when that is beyond the cylinder. */
static bool advance(struct fdc *f)
{
    unsigned step = is_scan(f) && f->fifo[8] == 2 ? 2 : 1;

    if (f->r != f->eot && !(step == 2 && f->r + 1 == f->eot)) {
        f->r = (uint8_t)(f->r + step);
        return true;
    }
    f->r = 1;
    if (f->multitrack) {
        f->h ^= 1;
        if (f->head == 0) {
            f->head = 1;
            return true;
        }
    }
    f->c++;
    return false;
}

/* Sectors ran out before the terminal count did: that is the only proper end of VERIFY without
 * a count and of a SCAN that found nothing, and an error for all others. */
static bool end_of_cylinder(struct fdc *f)
{
    if (f->transfer == FDC_VERIFY && !(f->fifo[1] & VERIFY_EC))
        return finish(f, 0);
    if (is_scan(f)) {
        f->st2 |= ST2_SN;
        return finish(f, 0);
    }
    return fail(f, ST1_EN, 0);
}

/* READ TRACK: sectors as they follow the index hole, whatever their IDs (5.1.4). */
static bool prepare_physical(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->drive];
    unsigned track = track_under_head(d, f->c), sector;

    if (!track_readable(f, track))
        return fail(f, ST1_MA, 0);
    sector = (f->physical - 1u) % d->geometry.sectors + 1;
    if (f->c != track || f->h != f->head || f->r != sector || f->n != SIZE_CODE_512)
        f->st1 |= ST1_ND;
    f->data_len = 128u << (f->n > 7 ? 7 : f->n);
    if (f->n != SIZE_CODE_512) { /* the CRC is not where that size puts it */
        f->st1 |= ST1_DE;
        f->st2 |= ST2_DD;
        memset(f->data, GAP_BYTE, sizeof f->data);
    }
    return read_sector(f, sector_lba(f, track, sector), f->data);
}

/* READ, VERIFY and SCAN: find the next sector whose mark is the one wanted (tables 5-3, 5-4). */
static bool prepare_read(struct fdc *f)
{
    uint32_t lba;

    for (;;) {
        if (!find_sector(f, &lba))
            return false;
        if (is_deleted(f, lba) == f->want_deleted)
            break;
        f->st2 |= ST2_CM;
        if (!f->skip)
            break; /* this one still, then the end */
        if (!advance(f))
            return end_of_cylinder(f);
    }
    return read_sector(f, lba, is_scan(f) ? f->disk : f->data);
}

static bool prepare_write(struct fdc *f)
{
    uint32_t lba;

    if (!disk_turns(f))
        return fail(f, ST1_MA, 0);
    if (block_readonly(f->drives[f->drive].block))
        return fail(f, ST1_NW, 0);
    if (f->transfer == FDC_WRITE)
        return find_sector(f, &lba);
    f->data_len = 4; /* FORMAT: C, H, R, N of a sector */
    return true;
}

static bool prepare(struct fdc *f)
{
    bool ok;

    f->data_pos = 0;
    f->data_len = SECTOR_SIZE;
    if (f->transfer == FDC_WRITE || f->transfer == FDC_FORMAT)
        ok = prepare_write(f);
    else if (f->transfer == FDC_READ_TRACK)
        ok = prepare_physical(f);
    else
        ok = prepare_read(f);
    f->loaded = ok;
    return ok;
}

/* --- what is done with a sector's bytes --- */

static bool written(struct fdc *f, bool tc)
{
    uint32_t lba;

    /* A terminal count amid a sector: the rest is zeros (5.1.2). */
    memset(f->data + f->data_pos, 0, SECTOR_SIZE - f->data_pos);
    if (!find_sector(f, &lba) || !write_sector(f, lba, f->data))
        return false;
    set_deleted(f, lba, f->want_deleted);
    if (!advance(f) && !tc)
        return end_of_cylinder(f);
    return tc ? finish(f, 0) : true;
}

/* FORMAT TRACK (5.1.7).  The image holds one format: sectors that it has are filled, all others
 * do not come into being, as a verifying driver will see. */
static bool formatted(struct fdc *f, bool tc)
{
    const struct fdc_drive *d = &f->drives[f->drive];
    uint32_t lba;
    unsigned track;

    f->c = f->data[0];
    f->h = f->data[1];
    f->r = f->data[2];
    track = track_under_head(d, f->c);
    if (track_readable(f, track) && f->c == track && f->h == f->head && f->n == SIZE_CODE_512 &&
        f->data[3] == f->n && f->r >= 1 && f->r <= d->geometry.sectors) {
        lba = sector_lba(f, track, f->r);
        memset(f->disk, f->fifo[5], sizeof f->disk);
        if (!write_sector(f, lba, f->disk))
            return false;
        set_deleted(f, lba, false);
    } else {
        log_guest_error(f->log, "fdc: format of a sector that the image has not got");
    }
    return --f->sectors_left && !tc ? true : finish(f, 0);
}

/* SCAN (5.1.8): every byte must meet the condition; FFh on either side meets all. */
static bool scan_met(const struct fdc *f, uint32_t len, bool *equal)
{
    bool met = true;

    *equal = true;
    for (uint32_t i = 0; i < len; i++) {
        uint8_t disk = f->disk[i], host = f->data[i];

        if (disk == host || disk == 0xFF || host == 0xFF)
            continue;
        *equal = false;
        if (f->transfer == FDC_SCAN_EQUAL || (f->transfer == FDC_SCAN_LOW && disk > host) ||
            (f->transfer == FDC_SCAN_HIGH && disk < host))
            met = false;
    }
    return met;
}

static bool scanned(struct fdc *f, bool tc)
{
    bool equal;

    if (scan_met(f, f->data_pos, &equal)) {
        f->st2 |= equal ? ST2_SH : 0;
        return finish(f, 0);
    }
    if (!advance(f))
        return end_of_cylinder(f);
    f->st2 |= tc ? ST2_SN : 0;
    return tc ? finish(f, 0) : true;
}

static bool track_sector_read(struct fdc *f, bool tc)
{
    bool last = f->physical++ == f->eot;

    f->r++;
    if (last && !tc)
        return fail(f, ST1_EN, 0);
    return tc ? finish(f, f->st1 ? ST0_ABNORMAL : 0) : true;
}

static bool sector_read(struct fdc *f, bool tc)
{
    bool more;

    if (f->st2 & ST2_CM && !f->skip)
        return finish(f, 0);
    more = advance(f);
    if (f->transfer == FDC_VERIFY && f->fifo[1] & VERIFY_EC && --f->sectors_left == 0)
        tc = true;
    if (tc)
        return finish(f, 0);
    return more ? true : end_of_cylinder(f);
}

/* The current sector has moved, or its part up to the terminal count TC. */
static bool sector_done(struct fdc *f, bool tc)
{
    f->loaded = 0;
    switch (f->transfer) {
    case FDC_WRITE:
        return written(f, tc);
    case FDC_FORMAT:
        return formatted(f, tc);
    case FDC_READ_TRACK:
        return track_sector_read(f, tc);
    case FDC_READ:
    case FDC_VERIFY:
        return sector_read(f, tc);
    default:
        return scanned(f, tc);
    }
}

/* --- DMA --- */

static void dma_late(struct fdc *f)
{
    if (++f->retries > FDC_DMA_RETRIES)
        fail(f, ST1_OR, 0);
    else
        fdc_schedule(f, FDC_DMA_RETRY_NS);
}

static void run_dma(struct fdc *f)
{
    do {
        bool tc = false;
        uint32_t n, left;

        if (!f->loaded && !prepare(f))
            return;
        left = f->data_len - f->data_pos;
        if (f->transfer == FDC_VERIFY)
            n = left;
        else if (fdc_transfer_to_host(f))
            n = dma_to_memory(f->dma, FDC_DMA_CHANNEL, f->data + f->data_pos, left, &tc);
        else
            n = dma_from_memory(f->dma, FDC_DMA_CHANNEL, f->data + f->data_pos, left, &tc);
        f->data_pos += n < left ? n : left;
        if (f->data_pos < f->data_len && !tc) {
            dma_late(f);
            return;
        }
        f->retries = 0;
        if (!sector_done(f, tc))
            return;
    } while (true);
}

/* --- non-DMA transfers: the CPU moves each byte, told by INT or by MSR (5.2) --- */

static void request(struct fdc *f)
{
    if (!f->loaded && !prepare(f))
        return;
    f->pio_request = 1;
    if (!f->interrupt)
        fdc_raise(f);
}

/* A byte was moved: INT falls, and rises again for the next a little later, for drivers that
 * take an interrupt for each. */
static void pio_moved(struct fdc *f)
{
    if (f->interrupt)
        fdc_lower(f);
    if (++f->data_pos == f->data_len && (!sector_done(f, false) || !prepare(f)))
        return;
    if (f->event_at == FDC_NEVER)
        fdc_schedule(f, FDC_REQUEST_NS);
}

uint8_t fdc_transfer_read(struct fdc *f)
{
    uint8_t value = f->data[f->data_pos];

    pio_moved(f);
    return value;
}

void fdc_transfer_write(struct fdc *f, uint8_t value)
{
    f->data[f->data_pos] = value;
    pio_moved(f);
}

/* --- begin and go on --- */

/* READ ID (5.1.6): the sector that passes the head just now. */
static void read_id(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->drive];
    unsigned track = d->track;

    if (d->block && track >= d->geometry.cylinders && d->geometry.cylinders == 40)
        track /= 2; /* only double steps come here */
    if (!track_readable(f, track)) {
        fail(f, ST1_MA, 0);
        return;
    }
    f->c = (uint8_t)track;
    f->h = f->head;
    f->r = (uint8_t)(vclock_now(f->clock) % FDC_TURN_NS * d->geometry.sectors / FDC_TURN_NS + 1);
    f->n = SIZE_CODE_512;
    finish(f, 0);
}

void fdc_transfer_event(struct fdc *f)
{
    if (f->drives[f->drive].seek_at != FDC_NEVER)
        fdc_schedule(f, FDC_SEEK_NS);
    else if (f->transfer == FDC_READ_ID)
        read_id(f);
    else if (f->hlt_nd & SPECIFY_ND && f->transfer != FDC_VERIFY)
        request(f);
    else
        run_dma(f);
}

/* CONFIGURE's implied seek (5.2.7): to cylinder C, without an interrupt of its own. */
static void implied_seek(struct fdc *f)
{
    struct fdc_drive *d = &f->drives[f->drive];

    if (!(f->config & CONFIG_EIS))
        return;
    fdc_step(f, d, f->c - d->pcn);
    d->pcn = f->c;
    f->eis_done = 1;
}

void fdc_transfer_begin(struct fdc *f, enum fdc_transfer transfer, bool deleted)
{
    const uint8_t *p = f->fifo;

    f->phase = FDC_EXECUTION;
    f->transfer = (uint8_t)transfer;
    f->drive = p[1] & 3;
    f->head = p[1] >> 2 & 1;
    f->multitrack = p[0] >> 7;
    f->skip = !!(p[0] & COMMAND_SK);
    f->want_deleted = deleted;
    f->st1 = f->st2 = 0;
    f->loaded = f->pio_request = f->eis_done = 0;
    f->retries = 0;
    f->physical = 1;
    f->c = f->h = f->r = f->n = 0;
    if (transfer == FDC_FORMAT) {
        f->n = p[2];
        f->eot = f->sectors_left = p[3];
    } else if (transfer != FDC_READ_ID) {
        f->c = p[2];
        f->h = p[3];
        f->r = p[4];
        f->n = p[5];
        f->eot = p[6];
        f->sectors_left = p[8];
        implied_seek(f);
    }
    fdc_schedule(f, FDC_TRANSFER_NS);
}
