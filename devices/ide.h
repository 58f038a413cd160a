/* The inside of an ATA channel: ide.c has the registers that the two drives share,
 * ide_disk.c the commands of disks, ide_identify.c what they say of themselves, atapi*.c CD drives,
 * ide_dma.c the bus master.  Sections named here are of ATA/ATAPI-6 (T13/1410D). */
#ifndef RINGER_DEVICES_IDE_H
#define RINGER_DEVICES_IDE_H

#include "devices/pc.h"

enum {
    IDE_MULTIPLE_MAX = 16,
    IDE_BUFFER = 128 * SECTOR_SIZE, /* what a bus master is offered at once */
};

enum ide_status {
    STATUS_ERR = 0x01,
    STATUS_DRQ = 0x08,
    STATUS_DSC = 0x10,
    STATUS_DF = 0x20,
    STATUS_DRDY = 0x40,
    STATUS_BSY = 0x80
};
enum ide_error { ERROR_ABRT = 0x04, ERROR_IDNF = 0x10, ERROR_UNC = 0x40 };
enum ide_device { DEVICE_HEAD = 0x0F, DEVICE_DEV = 0x10, DEVICE_LBA = 0x40, DEVICE_FIXED = 0xA0 };
enum ide_control { CONTROL_NIEN = 0x02, CONTROL_SRST = 0x04, CONTROL_HOB = 0x80 };

/* The registers by their offset from the channel's base. */
enum ide_reg {
    REG_DATA,
    REG_ERROR,
    REG_COUNT,
    REG_LOW,
    REG_MID,
    REG_HIGH,
    REG_DEVICE,
    REG_STATUS,
    REG_FEATURES = REG_ERROR,
    REG_COMMAND = REG_STATUS
};

/* What a command's data register does; with DMA, the bus master moves the buffer. */
enum ide_transfer { IDE_IDLE, IDE_IN, IDE_OUT, IDE_DMA_IN, IDE_DMA_OUT };

struct ide_drive;

/* A kind of drive: disks, packet devices. */
struct ide_kind {
    void (*command)(struct ide_drive *d, uint8_t command);
    /* The buffer was read empty, or written full, by the host. */
    void (*block_done)(struct ide_drive *d);
    /* Power-on and software reset (9.2): state and signature (9.12). */
    void (*reset)(struct ide_drive *d, bool hard);
    /* A DMA transfer is under way and the bus master is ready: move what it takes. */
    void (*dma)(struct ide_drive *d);
};

/* The bus master of a channel, when there is one. */
struct ide_master {
    /* Is it started?  Then move LEN bytes between BUF and memory; fewer when the memory it was
     * given ends, after which it is not ready any more. */
    bool (*ready)(void *opaque);
    uint32_t (*move)(void *opaque, void *buf, uint32_t len, bool to_memory);
    void *opaque;
};

enum { ATAPI_MODE_BYTES = 64 };

/* A CD drive's own state (atapi.c). */
struct atapi {
    uint8_t packet[12];
    uint8_t key, asc, ascq; /* sense data */
    uint8_t tray_open, locked;
    uint8_t gone;      /* the next test finds no disc, though a new one is there already */
    uint8_t attention; /* the disc may have changed: a unit attention is pending */
    uint8_t event;     /* of the media class, for GET EVENT STATUS NOTIFICATION */
    uint8_t dma;       /* the packet's data goes by DMA */
    uint8_t raw;       /* READ CD: which parts of a sector, as in byte 9 of the packet */
    uint8_t sub;       /* READ CD: which sub-channels, as in byte 10 */
    uint16_t wanted;   /* bytes of parameters that the host is sending; 0: none */
    uint8_t mode[ATAPI_MODE_BYTES]; /* what MODE SELECT has set (atapi_mode.c) */
    uint16_t limit;    /* byte count for one DRQ */
    uint32_t filled;   /* bytes of the buffer that are valid */
};

struct ide_drive {
    struct ide *ide;
    int number;
    const struct ide_kind *kind; /* NULL: no drive */
    struct block *block;
    char serial[21];
    struct geometry geometry; /* as IDENTIFY reports it */
    uint64_t native;          /* sectors */

    uint8_t status, error, features;
    uint8_t reg[8], hob[8]; /* count, LBA and device as written last and before */
    uint8_t irq;            /* INTRQ of this drive */

    uint8_t transfer; /* enum ide_transfer */
    uint32_t pos, end;
    uint8_t data[IDE_BUFFER];

    /* Disks (ide_disk.c). */
    uint8_t command;    /* in progress */
    uint8_t extended;   /* 48-bit command */
    uint8_t multiple;   /* SET MULTIPLE MODE, 0: off */
    uint8_t heads, spt; /* INITIALIZE DEVICE PARAMETERS */
    uint8_t standby, write_cache, look_ahead;
    uint8_t after_native; /* the last command was READ NATIVE MAX ADDRESS */
    uint32_t left;        /* sectors to go */
    uint32_t block_count; /* sectors in the buffer */
    uint64_t lba;         /* of the first of them */
    uint64_t limit;       /* SET MAX ADDRESS: sectors that may be accessed */
    uint8_t mwdma, udma;  /* the DMA mode selected: 0-2, 0-5; DMA_NONE */

    struct atapi atapi;
};
enum { DMA_NONE = 0xFF };

struct ide {
    struct log *log;
    struct irq_line irq;
    struct ide_master master; /* no functions: none */
    uint8_t control, selected;
    struct ide_drive drives[2];
    void (*tray)(void *opaque, int drive, bool open); /* NULL: nobody listens */
    void *tray_opaque;
};

extern const struct ide_kind ide_disk, ide_cdrom;

/* The tray of a CD drive opens or closes: by the guest, by its button or by reset. */
void atapi_move_tray(struct ide_drive *d, bool open);

/* Raise or drop the drive's INTRQ; the wire follows the selected drive and nIEN. */
void ide_interrupt(struct ide_drive *d, bool on);
/* Offer the first BYTES of the buffer to the data register: DRQ. */
void ide_data_in(struct ide_drive *d, uint32_t bytes);
void ide_data_out(struct ide_drive *d, uint32_t bytes);
/* Is there a bus master for DMA commands? */
static inline bool ide_has_dma(const struct ide_drive *d)
{
    return d->ide->master.move != NULL;
}
/* Begin a DMA data phase with an empty buffer: calls the kind's dma when the bus master is ready,
 * now or as soon as it is (ide_master_started). */
void ide_dma_begin(struct ide_drive *d, bool to_memory);
/* Move the buffer from pos to END, which pos reaches when this is true. */
bool ide_dma_move(struct ide_drive *d, uint32_t end);
/* The bus master was started. */
void ide_master_started(struct ide *ide);
/* SET FEATURES 03h: select the transfer mode in the count register; false when there is none. */
bool ide_set_transfer_mode(struct ide_drive *d);
/* The transfer modes in IDENTIFY (PACKET) DEVICE's words 49, 53, 63-68 and 88. */
void ide_identify_transfer(struct ide_drive *d);
void ide_identify_put(struct ide_drive *d, unsigned word, uint64_t value, unsigned words);
void ide_identify_string(struct ide_drive *d, unsigned word, const char *text, unsigned words);
/* The command is over: status without BSY and DRQ, INTRQ (9.7 and following). */
void ide_complete(struct ide_drive *d);
void ide_fail(struct ide_drive *d, uint8_t error);
/* IDENTIFY DEVICE data (8.15.9) into the drive's buffer. */
void ide_identify(struct ide_drive *d);

#endif
