/* The inside of the ATAPI CD drive: atapi.c has the packet protocol, atapi_command.c the commands,
 * atapi_info.c those that answer with tables, atapi_mode.c mode pages, atapi_sector.c raw sectors.
 * MMC is MMC-3 (T10/1363-D), SPC is SPC-2 (T10/1236-D). */
#ifndef RINGER_DEVICES_ATAPI_H
#define RINGER_DEVICES_ATAPI_H

#include "devices/ide.h"

enum {
    CD_SECTOR = 2048,
    CD_RAW_SECTOR = 2352,
    CD_LARGEST = 450000, /* sectors that a CD can have (100 minutes); more make a DVD */
};

enum sense_key {
    SENSE_NONE = 0,
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM_ERROR = 3,
    SENSE_ILLEGAL_REQUEST = 5,
    SENSE_UNIT_ATTENTION = 6,
};

/* Additional sense codes, the qualifier in the low byte (SPC, table 108). */
enum sense_code {
    ASC_UNRECOVERED_READ = 0x1100,
    ASC_LIST_LENGTH = 0x1A00,
    ASC_INVALID_COMMAND = 0x2000,
    ASC_LBA_OUT_OF_RANGE = 0x2100,
    ASC_INVALID_FIELD = 0x2400,
    ASC_INVALID_PARAMETER = 0x2600,
    ASC_MEDIUM_CHANGED = 0x2800,
    ASC_SAVING_UNSUPPORTED = 0x3900,
    ASC_NO_MEDIUM_CLOSED = 0x3A01,
    ASC_NO_MEDIUM_OPEN = 0x3A02,
    ASC_REMOVAL_PREVENTED = 0x5302,
    ASC_ILLEGAL_MODE = 0x6400,
};

/* Media class events (MMC, table 6.7.4). */
enum { EVENT_NO_CHANGE, EVENT_EJECT_REQUEST, EVENT_NEW_MEDIA, EVENT_MEDIA_REMOVAL };

static inline uint32_t be16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static inline uint32_t be32(const uint8_t *p)
{
    return be16(p) << 16 | be16(p + 2);
}

static inline void put_be16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put_be32(uint8_t *p, uint32_t v)
{
    put_be16(p, v >> 16);
    put_be16(p + 2, v);
}

/* A block address as minute, second, frame (MMC, 4.2.3.2). */
void cd_msf(uint8_t *p, uint32_t lba);
/* Sectors of the disc; 0 without one. */
uint32_t cd_sectors(const struct ide_drive *d);
/* Bytes that READ CD moves of a mode 1 sector with the parts and sub-channels that RAW and SUB
 * (bytes 9 and 10 of the packet) ask for; and the sector itself at OUT, from the 2048 bytes at
 * DATA. */
uint32_t cd_raw_size(uint8_t raw, uint8_t sub);
void cd_raw_sector(uint8_t *out, const uint8_t *data, uint32_t lba, uint8_t raw, uint8_t sub);

/* How a command ends. */
void atapi_good(struct ide_drive *d);
void atapi_check(struct ide_drive *d, enum sense_key key, enum sense_code code);
/* Send the LEN bytes at the start of the buffer, or the ALLOCATION that the host has for them. */
void atapi_reply(struct ide_drive *d, uint32_t len, uint32_t allocation);
/* Send COUNT sectors from LBA on; RAW and SUB 0: their 2048 bytes of data. */
void atapi_send_sectors(struct ide_drive *d, uint32_t lba, uint32_t count, uint8_t raw,
                        uint8_t sub);
/* Take LEN bytes of parameters (below IDE_BUFFER) into the buffer, then call atapi_received. */
void atapi_receive(struct ide_drive *d, uint32_t len);

/* Carry out the packet; and go on when its LEN bytes of parameters are in the buffer. */
void atapi_command(struct ide_drive *d);
void atapi_received(struct ide_drive *d, uint32_t len);

/* atapi_mode.c */
void atapi_mode_reset(struct ide_drive *d);
void atapi_mode_sense(struct ide_drive *d);
void atapi_mode_select(struct ide_drive *d);
void atapi_mode_selected(struct ide_drive *d, uint32_t len);

/* atapi_info.c; each begins with the buffer cleared. */
void atapi_inquiry(struct ide_drive *d);
void atapi_read_toc(struct ide_drive *d);
void atapi_read_subchannel(struct ide_drive *d);
void atapi_get_configuration(struct ide_drive *d);
void atapi_event_status(struct ide_drive *d);
void atapi_mechanism_status(struct ide_drive *d);
void atapi_disc_information(struct ide_drive *d);
void atapi_track_information(struct ide_drive *d);
void atapi_dvd_structure(struct ide_drive *d);

#endif
