/* Intel 82077AA floppy disk controller: registers, reset, interrupts (data sheet 290166,
 * chapters 2 and 4).
 *
 * The registers are those of the AT mode; SRA and SRB, which that mode leaves floating, answer as
 * in PS/2 mode.  Power-on leaves what the POST of a PC leaves: controller out of reset, interrupts
 * enabled, data rate set for the disk in drive A. */
#include "devices/fdc.h"

#include "ringer/log.h"
#include <stdlib.h>
#include <string.h>

enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO, REG_DIR = 7 };
enum { DSR_RESET = 0x80, RATE_500 = 0, RATE_300 = 1, RATE_250 = 2, RATE_1000 = 3 };

static void update_irq(struct fdc *f)
{
    irq_set(&f->irq, f->interrupt && (f->dor & DOR_DMAGATE));
}

void fdc_raise(struct fdc *f)
{
    if (f->interrupt) {
        f->interrupt = 0;
        update_irq(f);
    }
    f->interrupt = 1;
    update_irq(f);
}

void fdc_lower(struct fdc *f)
{
    f->interrupt = 0;
    update_irq(f);
}

void fdc_schedule(struct fdc *f, uint64_t ns)
{
    f->event_at = vclock_now(f->clock) + ns;
    vtimer_set(f->clock, &f->timer, f->event_at);
}

void fdc_result(struct fdc *f, unsigned count)
{
    f->phase = count ? FDC_RESULT : FDC_COMMAND;
    f->fifo_pos = 0;
    f->fifo_len = (uint8_t)count;
}

/* What both resets share: no command, no seek, no interrupt (4.1). */
static void stop_everything(struct fdc *f)
{
    vtimer_cancel(f->clock, &f->timer);
    f->event_at = FDC_NEVER;
    f->resetting = 0;
    f->pending = 0;
    f->pio_request = 0;
    f->loaded = 0;
    for (int i = 0; i < FDC_DRIVES; i++) {
        vtimer_cancel(f->clock, &f->drives[i].timer);
        f->drives[i].seek_at = FDC_NEVER;
        f->drives[i].pcn = 0;
    }
    fdc_result(f, 0);
    fdc_lower(f);
}

void fdc_soft_reset(struct fdc *f)
{
    stop_everything(f);
    f->perpendicular &= ~3u; /* GAP and WGATE; 5.2.9 */
    if (f->lock) {
        f->config &= CONFIG_EFIFO | CONFIG_FIFOTHR;
    } else {
        f->config = CONFIG_EFIFO;
        f->pretrk = 0;
    }
    /* Polling finds all four drives newly ready: SENSE INTERRUPT STATUS has four results. */
    for (int i = 0; i < FDC_DRIVES; i++)
        f->drives[i].st0 = (uint8_t)(ST0_READY_CHANGED | i);
    f->pending = (1u << FDC_DRIVES) - 1;
    f->resetting = 1;
    fdc_schedule(f, FDC_RESET_NS);
}

static void reset_event(struct fdc *f)
{
    f->resetting = 0;
    if (f->config & CONFIG_POLL) /* polling was disabled in time (5.2.7) */
        f->pending = 0;
    if (f->pending)
        fdc_raise(f);
}

static void fdc_event(void *opaque)
{
    struct fdc *f = opaque;

    f->event_at = FDC_NEVER;
    if (f->resetting)
        reset_event(f);
    else if (f->phase == FDC_EXECUTION)
        fdc_transfer_event(f);
}

/* --- registers (2.1) --- */

static uint8_t sra_read(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->dor & DOR_DRIVE];
    bool present = fdc_attached(d);
    uint8_t value = 0x04; /* no index pulse */

    if (f->interrupt)
        value |= 0x80;
    if (!fdc_attached(&f->drives[1])) /* DRV2#: there is no second drive */
        value |= 0x40;
    if (!present || d->track)
        value |= 0x10;
    if (f->head)
        value |= 0x08;
    if (present && d->block && !block_readonly(d->block))
        value |= 0x02;
    return value | f->step_in;
}

static uint8_t srb_read(struct fdc *f)
{
    return 0xC0 | (f->dor & 1) << 5 | (f->dor >> 4 & 3);
}

static uint8_t msr_read(struct fdc *f)
{
    uint8_t value = 0;

    if (!(f->dor & DOR_NRESET))
        return 0;
    for (int i = 0; i < FDC_DRIVES; i++)
        if (f->drives[i].seek_at != FDC_NEVER)
            value |= 1u << i;
    if (f->phase == FDC_RESULT)
        return value | MSR_RQM | MSR_DIO | MSR_BUSY;
    if (f->phase == FDC_COMMAND)
        return value | MSR_RQM | (f->fifo_pos ? MSR_BUSY : 0);
    value |= MSR_BUSY;
    if (f->hlt_nd & SPECIFY_ND)
        value |= MSR_NONDMA;
    if (f->pio_request)
        value |= MSR_RQM | (fdc_transfer_to_host(f) ? MSR_DIO : 0);
    return value;
}

static uint8_t dir_read(struct fdc *f)
{
    const struct fdc_drive *d = &f->drives[f->dor & DOR_DRIVE];

    /* Bits 6-0 are not this chip's in AT mode. */
    return fdc_attached(d) && d->changed ? 0x80 : 0;
}

static uint8_t fifo_read(struct fdc *f)
{
    uint8_t value;

    if (f->phase == FDC_EXECUTION && f->pio_request && fdc_transfer_to_host(f))
        return fdc_transfer_read(f);
    if (f->phase != FDC_RESULT) {
        log_guest_error(f->log, "fdc: data register read while it has nothing to give");
        return 0;
    }
    if (f->fifo_pos == 0 && f->interrupt)
        fdc_lower(f);
    value = f->fifo[f->fifo_pos++];
    if (f->fifo_pos == f->fifo_len)
        fdc_result(f, 0);
    return value;
}

static void fifo_write(struct fdc *f, uint8_t value)
{
    if (!(f->dor & DOR_NRESET))
        return;
    if (f->phase == FDC_COMMAND)
        fdc_command_byte(f, value);
    else if (f->phase == FDC_EXECUTION && f->pio_request && !fdc_transfer_to_host(f))
        fdc_transfer_write(f, value);
    else
        log_guest_error(f->log, "fdc: data register written while it takes nothing");
}

static void dor_write(struct fdc *f, uint8_t value)
{
    uint8_t old = f->dor;

    f->dor = value;
    if (!(value & DOR_NRESET))
        stop_everything(f);
    else if (!(old & DOR_NRESET))
        fdc_soft_reset(f);
    update_irq(f);
}

static void dsr_write(struct fdc *f, uint8_t value)
{
    f->dsr = value & ~DSR_RESET; /* the reset bit clears itself */
    f->rate = value & 3;
    if ((value & DSR_RESET) && (f->dor & DOR_NRESET))
        fdc_soft_reset(f);
}

static uint32_t fdc_read(void *dev, uint16_t offset, unsigned size)
{
    struct fdc *f = dev;

    (void)size;
    switch (offset) {
    case REG_SRA:
        return sra_read(f);
    case REG_SRB:
        return srb_read(f);
    case REG_DOR:
        return f->dor;
    case REG_TDR:
        return 0xFC | f->tdr;
    case REG_MSR:
        return msr_read(f);
    case REG_FIFO:
        return fifo_read(f);
    default:
        return 0xFF;
    }
}

static void fdc_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct fdc *f = dev;

    (void)size;
    switch (offset) {
    case REG_DOR:
        dor_write(f, (uint8_t)value);
        break;
    case REG_TDR:
        f->tdr = value & 3;
        break;
    case REG_MSR:
        dsr_write(f, (uint8_t)value);
        break;
    case REG_FIFO:
        fifo_write(f, (uint8_t)value);
        break;
    }
}

/* Port 3F7h is mapped on its own: the one between belongs to the IDE channel. */
static uint32_t dir_port_read(void *dev, uint16_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return dir_read(dev);
}

static void ccr_port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    (void)offset;
    (void)size;
    ((struct fdc *)dev)->rate = value & 3;
}

static const struct io_ops fdc_ops = {fdc_read, fdc_write, 1};
static const struct io_ops dir_ops = {dir_port_read, ccr_port_write, 1};

/* --- life --- */

uint8_t fdc_native_rate(const struct geometry *g)
{
    if (g->sectors > 24)
        return RATE_1000;
    return g->sectors > 11 ? RATE_500 : RATE_250;
}

bool fdc_attached(const struct fdc_drive *drive)
{
    return drive->fdc->attached >> drive->number & 1;
}

void fdc_attach(struct fdc *f, bool a, bool b)
{
    f->attached = (uint8_t)(a | b << 1);
}

void fdc_insert(struct fdc *f, int drive, struct block *block)
{
    struct fdc_drive *d;

    if (drive < 0 || drive >= FDC_CABLE)
        return;
    d = &f->drives[drive];
    d->block = block;
    d->changed = 1;
    memset(d->deleted, 0, sizeof d->deleted);
    if (block && !floppy_media(block, &d->geometry)) {
        log_guest_error(f->log, "fdc: %s is no floppy: the drive stays empty", block_path(block));
        d->block = NULL;
    }
}

/* RESET#: everything at its default, then what the POST sets up. */
static void fdc_reset(void *dev)
{
    struct fdc *f = dev;
    const struct fdc_drive *a = &f->drives[0];

    stop_everything(f);
    f->dor = DOR_NRESET | DOR_DMAGATE;
    f->tdr = 0;
    f->dsr = 0;
    f->rate = a->block ? fdc_native_rate(&a->geometry) : RATE_500;
    f->config = CONFIG_EFIFO;
    f->pretrk = 0;
    f->perpendicular = 0;
    f->lock = 0;
    f->step_in = 0;
    f->srt_hut = 0xAF; /* as the diskette parameter table of the BIOS has it */
    f->hlt_nd = 0x02;
    f->head = 0;
}

/* Timers are not fields; the times they were set to are.  What a saved state says must stay within
 * the buffers. */
static void fdc_loaded(void *dev)
{
    struct fdc *f = dev;

    f->drive &= 3;
    if (f->fifo_pos >= sizeof f->fifo || f->fifo_len > sizeof f->fifo ||
        (f->phase == FDC_RESULT && f->fifo_pos >= f->fifo_len) || f->data_len > sizeof f->data ||
        (f->loaded && f->data_pos >= f->data_len) || f->transfer > FDC_READ_ID ||
        (f->pio_request && !f->loaded))
        fdc_soft_reset(f);
    vtimer_cancel(f->clock, &f->timer);
    if (f->event_at != FDC_NEVER)
        vtimer_set(f->clock, &f->timer, f->event_at);
    for (int i = 0; i < FDC_DRIVES; i++) {
        struct fdc_drive *d = &f->drives[i];

        vtimer_cancel(f->clock, &d->timer);
        if (d->seek_at != FDC_NEVER)
            vtimer_set(f->clock, &d->timer, d->seek_at);
    }
    update_irq(f);
}

#define F(member) FIELD(struct fdc, member)
#define DRIVE_FIELDS(i)                                                                            \
    F(drives[i].seek_at), F(drives[i].track), F(drives[i].pcn), F(drives[i].st0),                  \
        F(drives[i].changed), FIELD_ARRAY(struct fdc, drives[i].deleted)

static const struct field fdc_fields[] = {
    F(event_at),
    F(dor),
    F(tdr),
    F(dsr),
    F(rate),
    F(srt_hut),
    F(hlt_nd),
    F(config),
    F(pretrk),
    F(perpendicular),
    F(lock),
    F(interrupt),
    F(pending),
    F(step_in),
    F(resetting),
    F(phase),
    FIELD_ARRAY(struct fdc, fifo),
    F(fifo_pos),
    F(fifo_len),
    F(transfer),
    F(drive),
    F(head),
    F(c),
    F(h),
    F(r),
    F(n),
    F(eot),
    F(sectors_left),
    F(multitrack),
    F(skip),
    F(want_deleted),
    F(eis_done),
    F(st1),
    F(st2),
    F(loaded),
    F(pio_request),
    F(physical),
    F(retries),
    F(data_pos),
    F(data_len),
    FIELD_ARRAY(struct fdc, data),
    FIELD_ARRAY(struct fdc, disk),
    DRIVE_FIELDS(0),
    DRIVE_FIELDS(1),
    DRIVE_FIELDS(2),
    DRIVE_FIELDS(3),
    FIELD_END,
};

static const struct device_class fdc_class = {"fdc", fdc_fields, fdc_reset, fdc_loaded, free};

struct fdc *fdc_init(struct board *board, struct irq_line irq6, struct dma *dma)
{
    struct fdc *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->clock = board->clock;
    f->log = board->log;
    f->irq = irq6;
    f->dma = dma;
    f->attached = (1 << FDC_CABLE) - 1;
    vtimer_init(&f->timer, "fdc", fdc_event, f);
    for (int i = 0; i < FDC_DRIVES; i++) {
        f->drives[i].fdc = f;
        f->drives[i].number = i;
        f->drives[i].changed = 1;
        vtimer_init(&f->drives[i].timer, "fdc seek", fdc_seek_event, &f->drives[i]);
    }
    fdc_reset(f);
    bus_map(board->bus, "fdc", 0x3F0, 6, &fdc_ops, f);
    bus_map(board->bus, "fdc", 0x3F7, 1, &dir_ops, f);
    device_add(board->devices, &fdc_class, f);
    return f;
}
