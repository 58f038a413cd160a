/* Packet commands that answer with tables: what the drive and the disc are. */
#include "devices/atapi.h"

#include <string.h>

enum {
    TRACK = 1,
    LEAD_OUT = 0xAA,
    CONTROL_DATA = 0x14, /* ADR 1, a data track */
    PROFILE_CD = 0x0008,
    PROFILE_DVD = 0x0010,
};

static void clear(struct ide_drive *d)
{
    memset(d->data, 0, SECTOR_SIZE);
}

static bool has_disc(const struct ide_drive *d)
{
    return d->block && !d->atapi.tray_open;
}

static bool is_dvd(const struct ide_drive *d)
{
    return cd_sectors(d) > CD_LARGEST;
}

static void text(uint8_t *p, const char *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        p[i] = *s ? (uint8_t)*s++ : ' ';
}

static void invalid_field(struct ide_drive *d)
{
    atapi_check(d, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD);
}

/* SPC 7.3: a removable CD device that answers as ATAPI. */
void atapi_inquiry(struct ide_drive *d)
{
    if (d->atapi.packet[1] & 3) { /* vital product data */
        invalid_field(d);
        return;
    }
    clear(d);
    d->data[0] = 0x05;
    d->data[1] = 0x80;
    d->data[3] = 0x21;
    d->data[4] = 31;
    text(d->data + 8, "RINGER", 8);
    text(d->data + 16, "DVD-ROM", 16);
    text(d->data + 32, RINGER_VERSION, 4);
    atapi_reply(d, 36, be16(d->atapi.packet + 3));
}

/* ---- the table of contents (MMC 6.26) ---- */

static void put_address(uint8_t *p, uint32_t lba, bool msf)
{
    p[0] = 0;
    if (msf)
        cd_msf(p + 1, lba);
    else
        put_be32(p, lba);
}

static uint8_t *toc_entry(uint8_t *p, uint8_t track, uint32_t lba, bool msf)
{
    p[1] = CONTROL_DATA;
    p[2] = track;
    put_address(p + 4, lba, msf);
    return p + 8;
}

/* One track and the lead-out; the list begins with the track asked for. */
static uint8_t *toc_tracks(struct ide_drive *d, bool msf)
{
    uint8_t start = d->atapi.packet[6], *p = d->data + 4;

    if (start > TRACK && start != LEAD_OUT)
        return NULL;
    if (start <= TRACK)
        p = toc_entry(p, TRACK, 0, msf);
    return toc_entry(p, LEAD_OUT, cd_sectors(d), msf);
}

/* Format 2: entries of the lead-in's Q channel; addresses are MSF (in binary) always. */
static uint8_t *raw_entry(uint8_t *p, uint8_t point, uint8_t min, uint8_t sec, uint8_t frame)
{
    p[0] = 1; /* session */
    p[1] = CONTROL_DATA;
    p[3] = point;
    p[8] = min;
    p[9] = sec;
    p[10] = frame;
    return p + 11;
}

static uint8_t *toc_full(struct ide_drive *d)
{
    uint8_t *p = d->data + 4, end[3], first[3];

    if (d->atapi.packet[6] > 1)
        return NULL;
    cd_msf(end, cd_sectors(d));
    cd_msf(first, 0);
    p = raw_entry(p, 0xA0, TRACK, 0, 0);
    p = raw_entry(p, 0xA1, TRACK, 0, 0);
    p = raw_entry(p, 0xA2, end[0], end[1], end[2]);
    return raw_entry(p, TRACK, first[0], first[1], first[2]);
}

void atapi_read_toc(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    uint8_t format = packet[2] & 0x0F, *end = NULL;
    bool msf = packet[1] & 2;

    if (!format) /* where SFF-8020 had it */
        format = packet[9] >> 6;
    clear(d);
    d->data[2] = d->data[3] = TRACK; /* first and last, or sessions */
    if (format == 0)
        end = toc_tracks(d, msf);
    else if (format == 1) /* the first track of the last session */
        end = toc_entry(d->data + 4, TRACK, 0, msf);
    else if (format == 2)
        end = toc_full(d);
    if (!end) {
        invalid_field(d);
        return;
    }
    put_be16(d->data, (uint32_t)(end - d->data) - 2);
    atapi_reply(d, (uint32_t)(end - d->data), be16(packet + 7));
}

/* MMC 6.25: no audio is or was playing. */
void atapi_read_subchannel(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    uint32_t len = 4;

    clear(d);
    d->data[1] = 0x15;
    if (packet[2] & 0x40) {
        d->data[4] = packet[3];
        if (packet[3] == 1) {
            d->data[5] = CONTROL_DATA;
            d->data[6] = d->data[7] = 1; /* track, index */
            put_address(d->data + 8, 0, packet[1] & 2);
            put_address(d->data + 12, 0, packet[1] & 2);
            len = 16;
        } else if (packet[3] == 2 || packet[3] == 3) { /* catalogue number, ISRC: none */
            len = 24;
        } else {
            invalid_field(d);
            return;
        }
    }
    put_be16(d->data + 2, len - 4);
    atapi_reply(d, len, be16(packet + 7));
}

/* ---- features (MMC chapter 5) ---- */

/* Add feature CODE of SIZE bytes of its own at *P when the request covers it; PERSISTENT and
 * CURRENT are its flags. Returns where those bytes are, or NULL. */
struct feature_list {
    uint8_t *p;
    uint8_t how; /* 0 all, 1 current, 2 just the first */
    uint16_t first;
};

static uint8_t *feature(struct feature_list *l, uint16_t code, uint8_t flags, uint8_t size)
{
    uint8_t *at = l->p;

    if (code < l->first || (l->how == 2 && code != l->first) || (l->how == 1 && !(flags & 1)))
        return NULL;
    put_be16(at, code);
    at[2] = flags;
    at[3] = size;
    l->p += 4 + size;
    return at + 4;
}

void atapi_get_configuration(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    bool disc = has_disc(d), dvd = disc && is_dvd(d), cd = disc && !dvd;
    struct feature_list l = {d->data + 8, packet[1] & 3, (uint16_t)be16(packet + 2)};
    uint8_t *p;

    if (l.how == 3) {
        invalid_field(d);
        return;
    }
    clear(d);
    if (disc)
        put_be16(d->data + 6, dvd ? PROFILE_DVD : PROFILE_CD);
    if ((p = feature(&l, 0x0000, 0x03, 8))) { /* profile list */
        put_be16(p, PROFILE_DVD);
        p[2] = dvd;
        put_be16(p + 4, PROFILE_CD);
        p[6] = cd;
    }
    if ((p = feature(&l, 0x0001, 0x07, 4))) /* core: ATAPI */
        put_be32(p, 2);
    if ((p = feature(&l, 0x0002, 0x07, 4))) /* morphing: by events */
        p[0] = 1;
    if ((p = feature(&l, 0x0003, 0x03, 4))) /* removable medium: tray, ejects, locks */
        p[0] = 0x29;
    if ((p = feature(&l, 0x0010, disc, 8))) { /* random readable */
        put_be32(p, CD_SECTOR);
        put_be16(p + 4, dvd ? 16 : 1);
        p[6] = 1;
    }
    feature(&l, 0x001D, cd, 0);        /* multi-read */
    feature(&l, 0x001E, 0x08 | cd, 4); /* CD read */
    feature(&l, 0x001F, dvd, 0);       /* DVD read */
    feature(&l, 0x0100, 0x03, 0);      /* power management */
    feature(&l, 0x0105, 0x03, 0);      /* timeout */
    put_be32(d->data, (uint32_t)(l.p - d->data) - 4);
    atapi_reply(d, (uint32_t)(l.p - d->data), be16(packet + 7));
}

/* MMC 6.7: polled only; the media class is all there is. */
void atapi_event_status(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    struct atapi *a = &d->atapi;
    uint32_t len = 4;

    if (!(packet[1] & 1)) {
        invalid_field(d);
        return;
    }
    clear(d);
    d->data[3] = 0x10; /* classes supported */
    if (packet[4] & 0x10) {
        d->data[2] = 4;
        d->data[4] = a->event;
        d->data[5] = (uint8_t)((d->block && !a->tray_open ? 2 : 0) | (a->tray_open ? 1 : 0));
        a->event = EVENT_NO_CHANGE;
        len = 8;
    } else {
        d->data[2] = 0x80; /* no event available */
    }
    put_be16(d->data, len - 2);
    atapi_reply(d, len, be16(packet + 7));
}

/* MMC 6.13: a drive without changer. */
void atapi_mechanism_status(struct ide_drive *d)
{
    clear(d);
    d->data[1] = d->atapi.tray_open ? 0x10 : 0;
    d->data[5] = 1;
    atapi_reply(d, 8, be16(d->atapi.packet + 8));
}

/* MMC 6.21: a complete disc of one session. */
void atapi_disc_information(struct ide_drive *d)
{
    clear(d);
    put_be16(d->data, 32);
    d->data[2] = 0x0E;
    d->data[3] = d->data[4] = d->data[5] = d->data[6] = 1;
    d->data[7] = 0x20;             /* unrestricted use */
    memset(d->data + 16, 0xFF, 8); /* no lead-in nor lead-out to be written */
    atapi_reply(d, 34, be16(d->atapi.packet + 7));
}

/* MMC 6.28: by block address, track or session, it is track 1. */
void atapi_track_information(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    uint32_t number = be32(packet + 2), end = cd_sectors(d);

    if ((packet[1] & 3) == 3 || ((packet[1] & 3) ? number != TRACK : number >= end)) {
        invalid_field(d);
        return;
    }
    clear(d);
    put_be16(d->data, 34);
    d->data[2] = d->data[3] = 1; /* track, session */
    d->data[5] = 0x04;           /* data */
    d->data[6] = 0x01;           /* mode 1 */
    put_be32(d->data + 24, end);
    atapi_reply(d, 36, be16(packet + 7));
}

/* READ DVD STRUCTURE: physical format, copyright, manufacturer (MMC 6.22). */
void atapi_dvd_structure(struct ide_drive *d)
{
    const uint8_t *packet = d->atapi.packet;
    uint32_t last = cd_sectors(d) - 1, len;

    if (!is_dvd(d)) {
        atapi_check(d, SENSE_ILLEGAL_REQUEST, 0x3000); /* incompatible medium */
        return;
    }
    memset(d->data, 0, 2052);
    if (packet[7] == 0) {
        d->data[4] = 0x01; /* DVD-ROM, version 1 */
        d->data[5] = 0x0F; /* 120 mm, no rate given */
        d->data[6] = 0x01; /* one layer, embossed */
        put_be32(d->data + 8, 0x30000);
        put_be32(d->data + 12, 0x30000 + last);
        len = 2052;
    } else if (packet[7] == 1) {
        len = 8;
    } else if (packet[7] == 4) {
        len = 2052;
    } else {
        invalid_field(d);
        return;
    }
    put_be16(d->data, len - 2);
    atapi_reply(d, len, be16(packet + 8));
}
