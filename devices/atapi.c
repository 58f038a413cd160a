/* The ATAPI CD drive: the PACKET command's protocol (ATA/ATAPI-6, 8.23, 9.10, 9.11) and the few ATA
 * commands that packet devices know. */
#include "devices/atapi.h"

#include <string.h>

enum {
    REASON_COMMAND = 1, /* interrupt reason, in the count register */
    REASON_TO_HOST = 2,
    FEATURE_DMA = 1,
    FEATURE_OVERLAP = 2,
    PACKET_BYTES = 12,
};

/* ---- ends ---- */

static void finish(struct ide_drive *d)
{
    d->command = 0;
    d->left = 0;
    d->reg[REG_COUNT] = REASON_COMMAND | REASON_TO_HOST;
    ide_complete(d);
}

void atapi_good(struct ide_drive *d)
{
    d->atapi.key = SENSE_NONE;
    d->atapi.asc = d->atapi.ascq = 0;
    finish(d);
}

void atapi_check(struct ide_drive *d, enum sense_key key, enum sense_code code)
{
    d->atapi.key = (uint8_t)key;
    d->atapi.asc = (uint8_t)(code >> 8);
    d->atapi.ascq = (uint8_t)code;
    d->error = (uint8_t)(key << 4 | (key == SENSE_ILLEGAL_REQUEST ? ERROR_ABRT : 0));
    finish(d);
    d->status |= STATUS_ERR;
}

/* ---- data to the host ---- */

static bool is_raw(const struct ide_drive *d)
{
    return d->atapi.raw || d->atapi.sub;
}

static uint32_t sector_size(const struct ide_drive *d)
{
    return is_raw(d) ? cd_raw_size(d->atapi.raw, d->atapi.sub) : CD_SECTOR;
}

/* Read one sector; what the image lacks of its last one is zeros. */
static bool read_sector(struct ide_drive *d, uint32_t lba, uint8_t *data)
{
    uint64_t first = (uint64_t)lba * 4, total = block_sectors(d->block);
    uint32_t n = total - first < 4 ? (uint32_t)(total - first) : 4;

    memset(data, 0, CD_SECTOR);
    return block_read(d->block, first, data, n);
}

/* The buffer is empty and sectors are left: fill it.  False when the command failed. */
static bool fill(struct ide_drive *d)
{
    uint32_t size = sector_size(d), n = IDE_BUFFER / size;
    uint8_t data[CD_SECTOR];

    if (n > d->left)
        n = d->left;
    for (uint32_t i = 0; i < n; i++) {
        bool raw = is_raw(d);

        if (!d->block || !read_sector(d, (uint32_t)d->lba, raw ? data : d->data + i * size)) {
            atapi_check(d, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ);
            return false;
        }
        if (raw)
            cd_raw_sector(d->data + i * size, data, (uint32_t)d->lba, d->atapi.raw, d->atapi.sub);
        d->lba++;
        d->left--;
    }
    d->pos = 0;
    d->atapi.filled = n * size;
    return true;
}

/* The next DRQ block, or the end. A block is whole sectors where the byte count limit allows it,
 * and an odd limit counts for the even one below but at the end (8.23.5). */
static void next_block(struct ide_drive *d)
{
    struct atapi *a = &d->atapi;
    uint32_t limit = a->limit & ~1u, n, pos;

    if (d->pos >= a->filled && (!d->left || !fill(d))) {
        if (d->command)
            atapi_good(d);
        return;
    }
    if (a->filled - d->pos > limit && limit >= sector_size(d))
        limit -= limit % sector_size(d);
    n = a->filled - d->pos < limit ? a->filled - d->pos : limit;
    pos = d->pos;
    ide_data_in(d, pos + n);
    d->pos = pos;
    d->reg[REG_COUNT] = REASON_TO_HOST;
    d->reg[REG_MID] = (uint8_t)n;
    d->reg[REG_HIGH] = (uint8_t)(n >> 8);
    ide_interrupt(d, true);
}

static void parameters_done(struct ide_drive *d);

static void cdrom_dma(struct ide_drive *d)
{
    if (d->transfer == IDE_DMA_OUT) {
        if (!d->atapi.wanted)
            finish(d); /* a restored state that says so */
        else if (ide_dma_move(d, d->atapi.wanted))
            parameters_done(d);
        return;
    }
    while (d->pos < d->atapi.filled || d->left) {
        if (d->pos == d->atapi.filled && !fill(d))
            return;
        if (!ide_dma_move(d, d->atapi.filled))
            return;
    }
    atapi_good(d);
}

static void send(struct ide_drive *d)
{
    d->pos = 0;
    if (d->atapi.dma) {
        d->reg[REG_COUNT] = REASON_TO_HOST;
        ide_dma_begin(d, true);
    } else {
        next_block(d);
    }
}

void atapi_reply(struct ide_drive *d, uint32_t len, uint32_t allocation)
{
    d->left = 0;
    d->lba = 0;
    d->atapi.raw = d->atapi.sub = 0;
    d->atapi.filled = len < allocation ? len : allocation;
    if (d->atapi.filled)
        send(d);
    else
        atapi_good(d);
}

void atapi_send_sectors(struct ide_drive *d, uint32_t lba, uint32_t count, uint8_t raw, uint8_t sub)
{
    if (!count || ((raw || sub) && !cd_raw_size(raw, sub))) {
        atapi_good(d);
        return;
    }
    d->lba = lba;
    d->left = count;
    d->atapi.raw = raw;
    d->atapi.sub = sub;
    d->atapi.filled = 0;
    send(d);
}

/* ---- parameters from the host ---- */

/* The next DRQ block of them, the rest of the buffer or what the byte count limit allows; C/D and
 * I/O are clear (9.10). */
static void next_parameters(struct ide_drive *d, uint32_t at)
{
    struct atapi *a = &d->atapi;
    uint32_t limit = a->limit & ~1u, n = a->wanted - at < limit ? a->wanted - at : limit;

    ide_data_out(d, at + n);
    d->pos = at;
    d->reg[REG_COUNT] = 0;
    d->reg[REG_MID] = (uint8_t)n;
    d->reg[REG_HIGH] = (uint8_t)(n >> 8);
    ide_interrupt(d, true);
}

static void parameters_done(struct ide_drive *d)
{
    uint32_t len = d->atapi.wanted;

    d->atapi.wanted = 0;
    d->transfer = IDE_IDLE;
    atapi_received(d, len);
}

void atapi_receive(struct ide_drive *d, uint32_t len)
{
    d->left = 0;
    d->atapi.filled = 0;
    d->atapi.wanted = (uint16_t)len;
    d->pos = 0;
    if (!len) {
        parameters_done(d);
    } else if (d->atapi.dma) {
        d->reg[REG_COUNT] = 0;
        ide_dma_begin(d, false);
    } else {
        next_parameters(d, 0);
    }
}

/* ---- the packet ---- */

static void packet(struct ide_drive *d)
{
    uint32_t limit = d->reg[REG_MID] | d->reg[REG_HIGH] << 8;

    if (d->features & FEATURE_OVERLAP || (d->features & FEATURE_DMA && !ide_has_dma(d))) {
        ide_fail(d, ERROR_ABRT);
        return;
    }
    d->atapi.dma = d->features & FEATURE_DMA;
    d->atapi.wanted = 0;
    d->atapi.limit = limit < 2 || limit == 0xFFFF ? 0xFFFE : (uint16_t)limit;
    d->reg[REG_COUNT] = REASON_COMMAND;
    ide_data_out(d, PACKET_BYTES); /* and no interrupt: IDENTIFY says that DRQ comes at once */
}

static void cdrom_block_done(struct ide_drive *d)
{
    if (d->command != 0xA0) { /* IDENTIFY PACKET DEVICE was read */
        d->transfer = IDE_IDLE;
        d->pos = d->end = 0;
        d->status = STATUS_DRDY | STATUS_DSC;
    } else if (d->transfer == IDE_OUT && d->atapi.wanted) {
        if (d->end < d->atapi.wanted)
            next_parameters(d, d->end);
        else
            parameters_done(d);
    } else if (d->transfer == IDE_OUT) {
        memcpy(d->atapi.packet, d->data, PACKET_BYTES);
        d->transfer = IDE_IDLE;
        atapi_command(d);
    } else {
        d->pos = d->end; /* the last access may have been wider than what was left */
        next_block(d);
    }
}

/* ---- ATA commands ---- */

static void signature(struct ide_drive *d)
{
    d->reg[REG_COUNT] = 1;
    d->reg[REG_LOW] = 1;
    d->reg[REG_MID] = 0x14;
    d->reg[REG_HIGH] = 0xEB;
    d->reg[REG_DEVICE] &= DEVICE_DEV;
}

/* IDENTIFY PACKET DEVICE (8.16). */
static void identify(struct ide_drive *d)
{
    memset(d->data, 0, SECTOR_SIZE);
    ide_identify_put(d, 0, 0x85C0, 1); /* ATAPI, CD-ROM, removable, DRQ within 50 us, 12 bytes */
    ide_identify_string(d, 10, d->serial, 10);
    ide_identify_string(d, 23, RINGER_VERSION, 4);
    ide_identify_string(d, 27, "RINGER DVD-ROM", 20);
    ide_identify_put(d, 48, 1, 1);
    ide_identify_transfer(d);
    ide_identify_put(d, 71, 30, 1); /* ns, for software that divides by them */
    ide_identify_put(d, 72, 30, 1);
    ide_identify_put(d, 80, 0x007E, 1);
    ide_identify_put(d, 82, 0x4214, 1); /* NOP, DEVICE RESET, PACKET, removable */
    ide_identify_put(d, 83, 0x4000, 1);
    ide_identify_put(d, 84, 0x4000, 1);
    ide_identify_put(d, 85, 0x4214, 1);
    ide_identify_put(d, 87, 0x4000, 1);
    ide_identify_put(d, 93, d->number ? 0x4B00 : 0x400B, 1);
    d->left = 0;
    ide_data_in(d, SECTOR_SIZE);
    ide_interrupt(d, true);
}

static void set_features(struct ide_drive *d)
{
    bool known = d->features == 0x66 || d->features == 0xCC ||
                 (d->features == 0x03 && ide_set_transfer_mode(d));

    if (known)
        ide_complete(d);
    else
        ide_fail(d, ERROR_ABRT);
}

void atapi_move_tray(struct ide_drive *d, bool open)
{
    struct atapi *a = &d->atapi;

    if (a->tray_open == open)
        return;
    a->tray_open = open;
    a->event = open ? EVENT_MEDIA_REMOVAL : d->block ? EVENT_NEW_MEDIA : EVENT_NO_CHANGE;
    if (!open)
        a->attention = d->block != NULL;
    if (d->ide->tray)
        d->ide->tray(d->ide->tray_opaque, d->number, open);
}

static void cdrom_reset(struct ide_drive *d, bool hard)
{
    d->status = 0; /* 9.12: packet devices are not "ready" until they are spoken to */
    d->error = 0x01;
    d->command = 0;
    d->left = 0;
    d->atapi.filled = 0;
    d->atapi.dma = d->atapi.raw = d->atapi.sub = 0;
    d->atapi.wanted = 0;
    signature(d);
    if (!hard)
        return;
    d->atapi.key = d->atapi.asc = d->atapi.ascq = 0;
    atapi_move_tray(d, false);
    d->atapi.locked = d->atapi.gone = d->atapi.attention = 0;
    d->atapi.event = EVENT_NO_CHANGE;
    atapi_mode_reset(d);
}

static void cdrom_execute(struct ide_drive *d, uint8_t command)
{
    d->command = command;
    switch (command) {
    case 0x08: /* DEVICE RESET: no interrupt */
        cdrom_reset(d, false);
        d->transfer = IDE_IDLE;
        d->pos = d->end = 0;
        break;
    case 0xA0:
        packet(d);
        break;
    case 0xA1:
        identify(d);
        break;
    case 0xEF:
        set_features(d);
        break;
    case 0xE5: /* CHECK POWER MODE: active */
        d->reg[REG_COUNT] = 0xFF;
        ide_complete(d);
        break;
    case 0xE0: /* STANDBY IMMEDIATE, IDLE IMMEDIATE, SLEEP */
    case 0xE1:
    case 0xE6:
        ide_complete(d);
        break;
    case 0x20: /* READ SECTOR(S), IDENTIFY DEVICE: the signature tells what is here (9.12) */
    case 0xEC:
        signature(d);
        ide_fail(d, ERROR_ABRT);
        break;
    default:
        ide_fail(d, ERROR_ABRT);
        break;
    }
}

const struct ide_kind ide_cdrom = {cdrom_execute, cdrom_block_done, cdrom_reset, cdrom_dma};

/* ---- the disc ---- */

static struct ide_drive *cdrom(struct ide *ide, int drive)
{
    if (drive < 0 || drive > 1 || ide->drives[drive].kind != &ide_cdrom)
        return NULL;
    return &ide->drives[drive];
}

/* May the tray be opened?  A locked one tells the guest that somebody wants it. */
static bool unlocked(struct ide_drive *d, bool force)
{
    if (!d->atapi.locked || d->atapi.tray_open || force)
        return true;
    d->atapi.event = EVENT_EJECT_REQUEST;
    return false;
}

bool ide_change_disc(struct ide *ide, int drive, struct block *block, bool force)
{
    struct ide_drive *d = cdrom(ide, drive);

    if (!d || !unlocked(d, force))
        return false;
    if (d->block && block)
        d->atapi.gone = 1; /* the host shall see that the old one went */
    d->block = block;
    atapi_move_tray(d, false);
    d->atapi.locked = 0;
    d->atapi.attention = block != NULL;
    d->atapi.event = block ? EVENT_NEW_MEDIA : EVENT_MEDIA_REMOVAL;
    return true;
}

bool ide_move_tray(struct ide *ide, int drive, bool open, bool force)
{
    struct ide_drive *d = cdrom(ide, drive);

    if (!d || (open && !unlocked(d, force)))
        return false;
    if (open)
        d->atapi.locked = 0;
    atapi_move_tray(d, open);
    return true;
}

bool ide_tray(const struct ide *ide, int drive, bool *open, bool *locked)
{
    const struct ide_drive *d = cdrom((struct ide *)ide, drive);

    if (!d)
        return false;
    *open = d->atapi.tray_open;
    *locked = d->atapi.locked;
    return true;
}

void ide_on_tray(struct ide *ide, void (*tray)(void *opaque, int drive, bool open), void *opaque)
{
    ide->tray = tray;
    ide->tray_opaque = opaque;
}

bool ide_disc_present(const struct ide *ide, int drive)
{
    const struct ide_drive *d = cdrom((struct ide *)ide, drive);

    return d && d->block && !d->atapi.tray_open;
}
