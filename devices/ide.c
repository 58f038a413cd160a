/* An ATA channel: the registers that its two drives share (ATA/ATAPI-6, chapters 7 and 9).
 *
 * Commands complete at once, so BSY is seen only during a software reset; what the drives need
 * time for, virtual time does not count. */
#include "devices/ide.h"

#include "ringer/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ide_drive *selected(struct ide *ide)
{
    return &ide->drives[ide->selected];
}

static void update_irq(struct ide *ide)
{
    const struct ide_drive *d = selected(ide);

    irq_set(&ide->irq, d->kind && d->irq && !(ide->control & CONTROL_NIEN));
}

void ide_interrupt(struct ide_drive *d, bool on)
{
    d->irq = on;
    if (d->number == d->ide->selected)
        update_irq(d->ide);
}

static void offer(struct ide_drive *d, enum ide_transfer transfer, uint32_t bytes)
{
    d->transfer = (uint8_t)transfer;
    d->pos = 0;
    d->end = bytes;
    d->status = STATUS_DRDY | STATUS_DSC | STATUS_DRQ;
}

void ide_data_in(struct ide_drive *d, uint32_t bytes)
{
    offer(d, IDE_IN, bytes);
}

void ide_data_out(struct ide_drive *d, uint32_t bytes)
{
    offer(d, IDE_OUT, bytes);
}

void ide_complete(struct ide_drive *d)
{
    d->transfer = IDE_IDLE;
    d->pos = d->end = 0;
    d->status = STATUS_DRDY | STATUS_DSC;
    ide_interrupt(d, true);
}

void ide_fail(struct ide_drive *d, uint8_t error)
{
    d->error = error;
    ide_complete(d);
    d->status |= STATUS_ERR;
}

/* --- DMA (9.8, 9.9): the buffer goes to the bus master instead of the data register --- */

static void run_dma(struct ide_drive *d)
{
    if ((d->transfer == IDE_DMA_IN || d->transfer == IDE_DMA_OUT) && d->kind && ide_has_dma(d) &&
        d->ide->master.ready(d->ide->master.opaque))
        d->kind->dma(d);
}

void ide_dma_begin(struct ide_drive *d, bool to_memory)
{
    offer(d, to_memory ? IDE_DMA_IN : IDE_DMA_OUT, 0);
    run_dma(d);
}

bool ide_dma_move(struct ide_drive *d, uint32_t end)
{
    const struct ide_master *m = &d->ide->master;

    d->end = end;
    if (d->pos < end)
        d->pos += m->move(m->opaque, d->data + d->pos, end - d->pos, d->transfer == IDE_DMA_IN);
    return d->pos >= end;
}

void ide_master_started(struct ide *ide)
{
    run_dma(&ide->drives[0]);
    run_dma(&ide->drives[1]);
}

/* Table 47: PIO default, PIO flow control modes 0-4, multiword DMA, Ultra DMA. */
bool ide_set_transfer_mode(struct ide_drive *d)
{
    uint8_t value = d->reg[REG_COUNT], mode = value & 7;

    if (value <= 0x01 || (value >= 0x08 && value <= 0x0C))
        return true;
    if (!ide_has_dma(d))
        return false;
    if ((value & 0xF8) == 0x20 && mode <= 2) {
        d->mwdma = mode;
        d->udma = DMA_NONE;
    } else if ((value & 0xF8) == 0x40 && mode <= 5) {
        d->udma = mode;
        d->mwdma = DMA_NONE;
    } else {
        return false;
    }
    return true;
}

/* --- the data register: 256 words a sector, so this is kept short --- */

static uint32_t data_read(struct ide_drive *d, unsigned size)
{
    uint32_t value = 0, left = d->end - d->pos;

    if (d->transfer != IDE_IN || !d->kind)
        return 0;
    if (size == 1) { /* the transfer is a word wide whatever the host takes of it */
        value = d->data[d->pos];
        d->pos += 2;
    } else {
        memcpy(&value, d->data + d->pos, size < left ? size : left);
        d->pos += size;
    }
    if (d->pos >= d->end)
        d->kind->block_done(d);
    return value;
}

static void data_write(struct ide_drive *d, uint32_t value, unsigned size)
{
    uint32_t left = d->end - d->pos;

    if (d->transfer != IDE_OUT || !d->kind)
        return;
    if (size == 1)
        size = 2;
    memcpy(d->data + d->pos, &value, size < left ? size : left);
    d->pos += size;
    if (d->pos >= d->end)
        d->kind->block_done(d);
}

/* --- resets --- */

static void reset_drive(struct ide_drive *d, bool hard)
{
    d->transfer = IDE_IDLE;
    d->pos = d->end = 0;
    d->irq = 0;
    d->features = 0;
    if (hard) {
        d->mwdma = 2;
        d->udma = DMA_NONE;
    }
    memset(d->reg, 0, sizeof d->reg);
    memset(d->hob, 0, sizeof d->hob);
    if (d->kind)
        d->kind->reset(d, hard);
}

static void reset_drives(struct ide *ide, bool hard)
{
    ide->selected = 0;
    for (int i = 0; i < 2; i++)
        reset_drive(&ide->drives[i], hard);
    update_irq(ide);
}

/* EXECUTE DEVICE DIAGNOSTIC goes to both drives, and drive 0 answers (8.11). */
static void diagnose(struct ide *ide)
{
    reset_drives(ide, false);
    if (ide->drives[0].kind)
        ide_interrupt(&ide->drives[0], true);
}

/* SRST: busy while it is set, signature when it falls (9.2). */
static void control_write(struct ide *ide, uint8_t value)
{
    uint8_t old = ide->control;

    ide->control = value;
    if (value & CONTROL_SRST) {
        reset_drives(ide, false);
        for (int i = 0; i < 2; i++)
            ide->drives[i].status = STATUS_BSY;
    } else if (old & CONTROL_SRST) {
        reset_drives(ide, false);
    }
    update_irq(ide);
}

/* --- the other registers --- */

/* Who answers: drive 0 does so for an absent drive 1, except that its status is then 0 (9.16).
 * An absent drive 0 leaves the bus floating, which reads as 0 here so that nobody waits for it. */
static struct ide_drive *answering(struct ide *ide)
{
    struct ide_drive *d = selected(ide);

    if (!d->kind && d->number == 1)
        d = &ide->drives[0];
    return d->kind ? d : NULL;
}

static uint8_t status(struct ide *ide)
{
    const struct ide_drive *d = selected(ide);

    return d->kind ? d->status : 0;
}

static uint8_t reg_read(struct ide *ide, unsigned reg)
{
    struct ide_drive *d = answering(ide);

    if (!d)
        return 0;
    switch (reg) {
    case REG_STATUS:
        if (selected(ide)->kind)
            ide_interrupt(d, false);
        return status(ide);
    case REG_ERROR:
        return d->error;
    case REG_DEVICE:
        return (d->reg[REG_DEVICE] & ~DEVICE_DEV) | DEVICE_FIXED | ide->selected << 4;
    default:
        return ide->control & CONTROL_HOB ? d->hob[reg] : d->reg[reg];
    }
}

static void command_write(struct ide *ide, uint8_t command)
{
    struct ide_drive *d = selected(ide);

    if (command == 0x90) {
        diagnose(ide);
        return;
    }
    if (!d->kind)
        return;
    if (log_on(ide->log, LOG_IO))
        log_write(ide->log, LOG_IO, "ide%d: command %02X, %02X %02X %02X %02X %02X", d->number,
                  command, d->reg[REG_COUNT], d->reg[REG_LOW], d->reg[REG_MID], d->reg[REG_HIGH],
                  d->reg[REG_DEVICE]);
    ide_interrupt(d, false);
    d->transfer = IDE_IDLE;
    d->error = 0;
    d->kind->command(d, command);
}

/* Both drives take what is written; a busy one does not (7.1). */
static void reg_write(struct ide *ide, unsigned reg, uint8_t value)
{
    if (ide->control & CONTROL_SRST)
        return;
    ide->control &= (uint8_t)~CONTROL_HOB;
    if (reg == REG_COMMAND) {
        command_write(ide, value);
        return;
    }
    for (int i = 0; i < 2; i++) {
        struct ide_drive *d = &ide->drives[i];

        if (reg == REG_FEATURES) {
            d->features = value;
        } else {
            d->hob[reg] = d->reg[reg];
            d->reg[reg] = value;
        }
    }
    if (reg == REG_DEVICE) {
        ide->selected = value >> 4 & 1;
        update_irq(ide);
    }
}

/* --- ports --- */

static uint32_t ide_read(void *dev, uint16_t offset, unsigned size)
{
    struct ide *ide = dev;
    uint32_t value = 0;

    if (offset == REG_DATA)
        return data_read(selected(ide), size);
    for (unsigned i = 0; i < size && offset + i <= REG_STATUS; i++)
        value |= (uint32_t)reg_read(ide, offset + i) << 8 * i;
    return value;
}

static void ide_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct ide *ide = dev;

    if (offset == REG_DATA) {
        data_write(selected(ide), value, size);
        return;
    }
    for (unsigned i = 0; i < size && offset + i <= REG_COMMAND; i++)
        reg_write(ide, offset + i, (uint8_t)(value >> 8 * i));
}

/* Alternate status leaves INTRQ alone. */
static uint32_t control_port_read(void *dev, uint16_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return status(dev);
}

static void control_port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    (void)offset;
    (void)size;
    control_write(dev, (uint8_t)value);
}

static const struct io_ops ide_ops = {ide_read, ide_write, 4};
static const struct io_ops control_ops = {control_port_read, control_port_write, 1};

/* --- life --- */

static void ide_reset(void *dev)
{
    struct ide *ide = dev;

    ide->control = 0;
    reset_drives(ide, true);
}

/* What a saved state says must stay within the buffer. */
static void ide_loaded(void *dev)
{
    struct ide *ide = dev;

    ide->selected &= 1;
    for (int i = 0; i < 2; i++) {
        struct ide_drive *d = &ide->drives[i];

        if (d->end > IDE_BUFFER || d->pos > d->end || d->atapi.filled > IDE_BUFFER ||
            d->block_count > IDE_BUFFER / SECTOR_SIZE || d->multiple > IDE_MULTIPLE_MAX)
            reset_drive(d, true);
        if (d->limit > d->native)
            d->limit = d->native;
    }
    update_irq(ide);
}

#define DRIVE(i, member) FIELD(struct ide, drives[i].member)
#define DRIVE_FIELDS(i)                                                                            \
    DRIVE(i, status), DRIVE(i, error), DRIVE(i, features), FIELD_ARRAY(struct ide, drives[i].reg), \
        FIELD_ARRAY(struct ide, drives[i].hob), DRIVE(i, irq), DRIVE(i, transfer), DRIVE(i, pos),  \
        DRIVE(i, end), FIELD_ARRAY(struct ide, drives[i].data), DRIVE(i, command),                 \
        DRIVE(i, extended), DRIVE(i, multiple), DRIVE(i, heads), DRIVE(i, spt), DRIVE(i, standby), \
        DRIVE(i, write_cache), DRIVE(i, look_ahead), DRIVE(i, after_native), DRIVE(i, left),       \
        DRIVE(i, block_count), DRIVE(i, lba), DRIVE(i, limit), DRIVE(i, mwdma), DRIVE(i, udma),    \
        FIELD_ARRAY(struct ide, drives[i].atapi.packet), DRIVE(i, atapi.key), DRIVE(i, atapi.asc), \
        DRIVE(i, atapi.ascq), DRIVE(i, atapi.tray_open), DRIVE(i, atapi.locked),                   \
        DRIVE(i, atapi.gone), DRIVE(i, atapi.attention), DRIVE(i, atapi.event),                    \
        DRIVE(i, atapi.dma), DRIVE(i, atapi.raw), DRIVE(i, atapi.sub), DRIVE(i, atapi.wanted),     \
        FIELD_ARRAY(struct ide, drives[i].atapi.mode), DRIVE(i, atapi.limit),                      \
        DRIVE(i, atapi.filled)

static const struct field ide_fields[] = {
    FIELD(struct ide, control),
    FIELD(struct ide, selected),
    DRIVE_FIELDS(0),
    DRIVE_FIELDS(1),
    FIELD_END,
};

static const struct device_class ide_class = {"ide", ide_fields, ide_reset, ide_loaded, free};

void ide_attach(struct ide *ide, int drive, struct block *block, const char *serial)
{
    struct ide_drive *d;

    if (drive < 0 || drive > 1)
        return;
    d = &ide->drives[drive];
    d->block = block;
    d->kind = block ? &ide_disk : NULL;
    if (block) {
        d->native = block_sectors(block);
        disk_geometry(block, &d->geometry);
        if (d->geometry.heads > 16) { /* a BIOS translation; the interface has four bits */
            d->geometry = (struct geometry){0, 16, 63};
            d->geometry.cylinders = d->native / (16 * 63) > 16383 ? 16383 : d->native / (16 * 63);
        }
        snprintf(d->serial, sizeof d->serial, "%s", serial ? serial : "");
    }
    reset_drive(d, true);
    update_irq(ide);
}

void ide_attach_cdrom(struct ide *ide, int drive, struct block *block, const char *serial)
{
    struct ide_drive *d;

    if (drive < 0 || drive > 1)
        return;
    d = &ide->drives[drive];
    d->block = block;
    d->kind = &ide_cdrom;
    d->native = 0;
    snprintf(d->serial, sizeof d->serial, "%s", serial ? serial : "");
    reset_drive(d, true);
    update_irq(ide);
}

struct ide *ide_init(struct board *board, uint16_t base, uint16_t control, struct irq_line irq)
{
    struct ide *ide = calloc(1, sizeof *ide);

    if (!ide)
        return NULL;
    ide->log = board->log;
    ide->irq = irq;
    for (int i = 0; i < 2; i++) {
        ide->drives[i].ide = ide;
        ide->drives[i].number = i;
    }
    ide_reset(ide);
    bus_map(board->bus, "ide", base, 8, &ide_ops, ide);
    bus_map(board->bus, "ide", control, 1, &control_ops, ide);
    device_add(board->devices, &ide_class, ide);
    return ide;
}
