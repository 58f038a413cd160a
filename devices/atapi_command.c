/* The packet commands of a CD drive (MMC-3; SPC-2 for those that all devices have). */
#include "devices/atapi.h"

#include <string.h>

#include "ringer/log.h"

uint32_t cd_sectors(const struct ide_drive *d)
{
    uint64_t n = d->block ? (block_sectors(d->block) + 3) / 4 : 0;

    return n > 0x7FFFFFFF ? 0x7FFFFFFF : (uint32_t)n;
}

/* ---- state ---- */

static void test_unit_ready(struct ide_drive *d)
{
    atapi_good(d); /* the checks before every command have done it */
}

/* SPC 7.20; the sense data is used up. */
static void request_sense(struct ide_drive *d)
{
    struct atapi *a = &d->atapi;

    memset(d->data, 0, 18);
    d->data[0] = 0x70;
    d->data[2] = a->key;
    d->data[7] = 10;
    d->data[12] = a->asc;
    d->data[13] = a->ascq;
    if (!a->key && a->attention) { /* asked before any command failed for it */
        d->data[2] = SENSE_UNIT_ATTENTION;
        d->data[12] = ASC_MEDIUM_CHANGED >> 8;
        a->attention = 0;
    }
    a->key = a->asc = a->ascq = 0;
    atapi_reply(d, 18, a->packet[4]);
}

/* START STOP UNIT: LoEj (bit 1) with Start (bit 0) loads, without it ejects. */
static void start_stop(struct ide_drive *d)
{
    struct atapi *a = &d->atapi;
    uint8_t how = a->packet[4] & 3;

    if (how == 2 && a->locked && !a->tray_open) {
        atapi_check(d, d->block ? SENSE_ILLEGAL_REQUEST : SENSE_NOT_READY, ASC_REMOVAL_PREVENTED);
        return;
    }
    if (how & 2)
        atapi_move_tray(d, how == 2);
    atapi_good(d);
}

static void prevent_allow(struct ide_drive *d)
{
    d->atapi.locked = d->atapi.packet[4] & 1;
    atapi_good(d);
}

static void read_capacity(struct ide_drive *d)
{
    put_be32(d->data, cd_sectors(d) - 1);
    put_be32(d->data + 4, CD_SECTOR);
    atapi_reply(d, 8, 8);
}

/* ---- reading ---- */

/* Does the disc hold COUNT sectors from LBA on?  The command fails when it does not. */
static bool in_range(struct ide_drive *d, uint32_t lba, uint32_t count)
{
    uint32_t sectors = cd_sectors(d);

    if (lba <= sectors && count <= sectors - lba)
        return true;
    atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
    return false;
}

static void read_sectors(struct ide_drive *d, uint32_t count)
{
    uint32_t lba = be32(d->atapi.packet + 2);

    if (in_range(d, lba, count))
        atapi_send_sectors(d, lba, count, 0, 0);
}

static void read_10(struct ide_drive *d)
{
    read_sectors(d, be16(d->atapi.packet + 7));
}

static void read_12(struct ide_drive *d)
{
    read_sectors(d, be32(d->atapi.packet + 6));
}

/* READ CD and READ CD MSF, common part: byte 1 has the type expected (0 any, 2 mode 1), byte 9 the
 * parts wanted, byte 10 the sub-channels (table 6.20: 1 raw P-W, 2 Q, 4 R-W). */
static void read_cd_range(struct ide_drive *d, uint32_t lba, uint32_t count)
{
    const uint8_t *p = d->atapi.packet;
    uint8_t type = p[1] >> 2 & 7, parts = p[9] & 0xFE, sub = p[10] & 7;

    if (type != 0 && type != 2) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE);
    } else if ((p[9] & 0x06) == 0x06 || (sub & (sub - 1))) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
    } else if (in_range(d, lba, count)) {
        if (!parts && !sub)
            atapi_good(d); /* nothing of the sectors is wanted */
        else
            atapi_send_sectors(d, lba, count, parts == 0x10 && !sub ? 0 : parts, sub);
    }
}

static void read_cd(struct ide_drive *d)
{
    const uint8_t *p = d->atapi.packet;

    read_cd_range(d, be32(p + 2), (uint32_t)p[6] << 16 | be16(p + 7));
}

static uint32_t from_msf(const uint8_t *p)
{
    return (p[0] * 60u + p[1]) * 75u + p[2] - 150u;
}

static void read_cd_msf(struct ide_drive *d)
{
    uint32_t first = from_msf(d->atapi.packet + 3), end = from_msf(d->atapi.packet + 6);

    if (end < first)
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
    else
        read_cd_range(d, first, end - first);
}

static void seek(struct ide_drive *d)
{
    if (in_range(d, be32(d->atapi.packet + 2), 1))
        atapi_good(d);
}

static void verify(struct ide_drive *d)
{
    if (in_range(d, be32(d->atapi.packet + 2), be16(d->atapi.packet + 7)))
        atapi_good(d);
}

/* There is no audio track to play. */
static void play(struct ide_drive *d)
{
    atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE);
}

static void nothing(struct ide_drive *d)
{
    atapi_good(d);
}

/* ---- the table ---- */

enum {
    DISC = 1,  /* needs a disc */
    QUIET = 2, /* carried out although a unit attention is pending (SPC 5.6.1, MMC 6.7.1) */
};

static const struct command {
    uint8_t opcode, flags;
    void (*run)(struct ide_drive *d);
} commands[] = {
    {0x00, DISC, test_unit_ready},
    {0x03, QUIET, request_sense},
    {0x12, QUIET, atapi_inquiry},
    {0x15, 0, atapi_mode_select}, /* MODE SELECT(6) */
    {0x1A, 0, atapi_mode_sense},  /* MODE SENSE(6) */
    {0x1B, 0, start_stop},
    {0x1E, 0, prevent_allow},
    {0x25, DISC, read_capacity},
    {0x28, DISC, read_10},
    {0x2B, DISC, seek},
    {0x2F, DISC, verify},
    {0x35, 0, nothing}, /* SYNCHRONIZE CACHE */
    {0x42, DISC, atapi_read_subchannel},
    {0x43, DISC, atapi_read_toc},
    {0x45, DISC, play}, /* PLAY AUDIO(10), MSF, TRACK INDEX, (12) */
    {0x46, QUIET, atapi_get_configuration},
    {0x47, DISC, play},
    {0x48, DISC, play},
    {0x4A, QUIET, atapi_event_status},
    {0x4B, DISC, play},    /* PAUSE/RESUME */
    {0x4E, DISC, nothing}, /* STOP PLAY/SCAN */
    {0x51, DISC, atapi_disc_information},
    {0x52, DISC, atapi_track_information},
    {0x55, 0, atapi_mode_select}, /* MODE SELECT(10) */
    {0x5A, 0, atapi_mode_sense},  /* MODE SENSE(10) */
    {0xA5, DISC, play},
    {0xA8, DISC, read_12},
    {0xAD, DISC, atapi_dvd_structure},
    {0xB9, DISC, read_cd_msf},
    {0xBA, DISC, play}, /* SCAN */
    {0xBB, 0, nothing}, /* SET CD SPEED */
    {0xBD, 0, atapi_mechanism_status},
    {0xBE, DISC, read_cd},
};

/* Is the drive in a state for the command?  It is over when not. */
static bool ready(struct ide_drive *d, const struct command *c)
{
    struct atapi *a = &d->atapi;
    bool disc = d->block && !a->tray_open && !a->gone;

    if (c->flags & DISC && !disc) {
        a->gone = 0;
        atapi_check(d, SENSE_NOT_READY, a->tray_open ? ASC_NO_MEDIUM_OPEN : ASC_NO_MEDIUM_CLOSED);
        return false;
    }
    if (a->attention && !(c->flags & QUIET) && disc) {
        a->attention = 0;
        atapi_check(d, SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
        return false;
    }
    return true;
}

void atapi_command(struct ide_drive *d)
{
    const struct command *c = commands, *end = commands + sizeof commands / sizeof *commands;
    uint8_t opcode = d->atapi.packet[0];

    if (log_on(d->ide->log, LOG_IO))
        log_write(d->ide->log, LOG_IO, "atapi: packet %02X %02X %08X %08X", opcode,
                  d->atapi.packet[1], be32(d->atapi.packet + 2), be32(d->atapi.packet + 6));
    while (c < end && c->opcode != opcode)
        c++;
    if (c == end)
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_COMMAND);
    else if (ready(d, c))
        c->run(d);
}

void atapi_received(struct ide_drive *d, uint32_t len)
{
    if (d->atapi.packet[0] == 0x15 || d->atapi.packet[0] == 0x55)
        atapi_mode_selected(d, len);
    else /* a restored state with parameters for a command that takes none */
        atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_COMMAND);
}
