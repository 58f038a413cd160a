/* The floppy controller's inside: one structure, three files.  fdc.c has the registers, reset and
 * interrupts, fdc_command.c the command table and all that moves no data, fdc_transfer.c the
 * commands that do.  Sections named here are of the 82077AA data sheet (Intel 290166). */
#ifndef RINGER_DEVICES_FDC_H
#define RINGER_DEVICES_FDC_H

#include "devices/pc.h"

enum {
    FDC_DRIVES = 4,   /* that the controller knows */
    FDC_CABLE = 2,    /* that the cable has places for */
    FDC_DMA_CHANNEL = 2,
    FDC_SECTOR_MAX = 16384, /* 128 << 7, the largest size code */
};

/* Times are short: guests must see that a command takes a while, not wait for a real drive. */
#define FDC_NEVER        UINT64_MAX
#define FDC_RESET_NS     100000u
#define FDC_TRANSFER_NS  150000u
#define FDC_SEEK_NS      100000u
#define FDC_STEP_NS      2000u
#define FDC_DMA_RETRY_NS 500000u
#define FDC_DMA_RETRIES  400 /* two revolutions */
#define FDC_REQUEST_NS   20000u
#define FDC_TURN_NS      200000000u /* one revolution at 300 rpm */

enum fdc_dor { DOR_DRIVE = 0x03, DOR_NRESET = 0x04, DOR_DMAGATE = 0x08 };
enum fdc_msr { MSR_BUSY = 0x10, MSR_NONDMA = 0x20, MSR_DIO = 0x40, MSR_RQM = 0x80 };
enum fdc_st0 {
    ST0_HEAD = 0x04,
    ST0_EC = 0x10,
    ST0_SEEK = 0x20,
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_READY_CHANGED = 0xC0
};
enum fdc_st1 {
    ST1_MA = 0x01,
    ST1_NW = 0x02,
    ST1_ND = 0x04,
    ST1_OR = 0x10,
    ST1_DE = 0x20,
    ST1_EN = 0x80
};
enum fdc_st2 { ST2_SN = 0x04, ST2_SH = 0x08, ST2_WC = 0x10, ST2_DD = 0x20, ST2_CM = 0x40 };
enum fdc_config {
    CONFIG_FIFOTHR = 0x0F,
    CONFIG_POLL = 0x10,
    CONFIG_EFIFO = 0x20,
    CONFIG_EIS = 0x40
};
enum fdc_bits {
    COMMAND_MT = 0x80,
    COMMAND_MFM = 0x40,
    COMMAND_SK = 0x20,
    SPECIFY_ND = 0x01,
    VERIFY_EC = 0x80
};

enum fdc_phase { FDC_COMMAND, FDC_EXECUTION, FDC_RESULT };

enum fdc_transfer {
    FDC_READ,
    FDC_READ_TRACK,
    FDC_WRITE,
    FDC_VERIFY,
    FDC_SCAN_EQUAL,
    FDC_SCAN_LOW,
    FDC_SCAN_HIGH,
    FDC_FORMAT,
    FDC_READ_ID,
};

struct fdc_drive {
    struct fdc *fdc;
    int number;
    struct block *block; /* the medium; NULL: none */
    struct geometry geometry;
    struct vtimer timer;
    uint64_t seek_at;     /* when the seek in progress ends, or FDC_NEVER */
    uint8_t track;        /* where the head really is */
    uint8_t pcn;          /* where the controller thinks it is */
    uint8_t st0;          /* for SENSE INTERRUPT STATUS, when its bit in fdc->pending is set */
    uint8_t changed;      /* disk change line */
    uint8_t deleted[720]; /* one bit a sector: has a deleted data mark, which images cannot keep */
};

struct fdc {
    struct vclock *clock;
    struct log *log;
    struct dma *dma;
    struct irq_line irq;
    struct vtimer timer; /* end of reset, or next event of the execution phase */
    uint64_t event_at;
    uint8_t attached; /* bit N: there is a drive N; not state */

    uint8_t dor, tdr, dsr, rate;
    uint8_t srt_hut, hlt_nd;     /* SPECIFY */
    uint8_t config, pretrk;      /* CONFIGURE */
    uint8_t perpendicular, lock; /* PERPENDICULAR MODE, LOCK */
    uint8_t interrupt;           /* INT, before DMAGATE */
    uint8_t pending;             /* drives with something for SENSE INTERRUPT STATUS */
    uint8_t step_in;             /* direction of the last step, for SRA */
    uint8_t resetting;           /* the event is the end of reset */

    uint8_t phase; /* enum fdc_phase */
    uint8_t fifo[16];
    uint8_t fifo_pos, fifo_len; /* command: bytes so far and wanted; result: read, there */

    /* The execution phase (fdc_transfer.c). */
    uint8_t transfer; /* enum fdc_transfer */
    uint8_t drive, head;
    uint8_t c, h, r, n; /* the sector ID looked for */
    uint8_t eot, sectors_left, multitrack, skip, want_deleted, eis_done;
    uint8_t st1, st2;
    uint8_t loaded;      /* the data of the current sector is prepared */
    uint8_t pio_request; /* non-DMA: the FIFO asks the CPU for bytes */
    uint8_t physical;    /* READ TRACK: sector after the index hole */
    uint16_t retries;    /* DMA did not answer so often */
    uint32_t data_pos, data_len;
    uint8_t data[FDC_SECTOR_MAX]; /* between FIFO and host */
    uint8_t disk[SECTOR_SIZE];    /* SCAN: what the host's bytes are compared with */

    struct fdc_drive drives[FDC_DRIVES];
};

/* fdc.c: INT on and off. A rise while it is high still gives the interrupt controller an edge. */
void fdc_raise(struct fdc *f);
void fdc_lower(struct fdc *f);
/* The event timer: NS from now. */
void fdc_schedule(struct fdc *f, uint64_t ns);
/* To the result phase with COUNT bytes in the FIFO, or to the command phase when there are none
 * (5.2). */
void fdc_result(struct fdc *f, unsigned count);
void fdc_soft_reset(struct fdc *f);
bool fdc_attached(const struct fdc_drive *drive); /* it is there */

/* fdc_command.c: a byte written in the command phase. */
void fdc_command_byte(struct fdc *f, uint8_t value);
/* Move DRIVE's head STEPS tracks (negative: outwards). */
void fdc_step(struct fdc *f, struct fdc_drive *drive, int steps);
void fdc_seek_event(void *drive);

/* fdc_transfer.c: begin the execution phase of the command in the FIFO. */
void fdc_transfer_begin(struct fdc *f, enum fdc_transfer transfer, bool deleted);
void fdc_transfer_event(struct fdc *f);
/* Non-DMA transfers: a byte of the FIFO. */
uint8_t fdc_transfer_read(struct fdc *f);
void fdc_transfer_write(struct fdc *f, uint8_t value);
bool fdc_transfer_to_host(const struct fdc *f);
/* The data rate (as DSR codes it) a medium of geometry G was written with at 300 rpm. */
uint8_t fdc_native_rate(const struct geometry *g);

#endif
