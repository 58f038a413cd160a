/* The commands of an ATA disk (ATA/ATAPI-6, chapter 8; protocols in chapter 9).
 *
 * Without a bus master DMA commands are aborted, as IDENTIFY then announces. */
#include "devices/ide.h"

#include "ringer/log.h"
#include <string.h>

/* --- addresses (6.2) --- */

static bool is_lba(const struct ide_drive *d)
{
    return d->extended || d->reg[REG_DEVICE] & DEVICE_LBA;
}

static uint64_t lba_registers(const struct ide_drive *d)
{
    uint64_t low = d->reg[REG_LOW] | d->reg[REG_MID] << 8 | d->reg[REG_HIGH] << 16;

    if (d->extended)
        return low | (uint64_t)d->hob[REG_LOW] << 24 | (uint64_t)d->hob[REG_MID] << 32 |
               (uint64_t)d->hob[REG_HIGH] << 40;
    return low | (uint64_t)(d->reg[REG_DEVICE] & DEVICE_HEAD) << 24;
}

/* The address in the registers as an LBA; false when there is no such CHS. */
static bool read_address(const struct ide_drive *d, uint64_t *lba)
{
    uint32_t cylinder = d->reg[REG_MID] | d->reg[REG_HIGH] << 8;
    uint32_t head = d->reg[REG_DEVICE] & DEVICE_HEAD, sector = d->reg[REG_LOW];

    if (is_lba(d)) {
        *lba = lba_registers(d);
        return true;
    }
    if (sector == 0 || sector > d->spt || head >= d->heads)
        return false;
    *lba = ((uint64_t)cylinder * d->heads + head) * d->spt + sector - 1;
    return true;
}

static void set_head(struct ide_drive *d, uint32_t head)
{
    d->reg[REG_DEVICE] = (uint8_t)((d->reg[REG_DEVICE] & ~DEVICE_HEAD) | (head & DEVICE_HEAD));
}

/* The registers show the sector reached. */
static void write_address(struct ide_drive *d, uint64_t lba)
{
    if (d->extended) {
        d->hob[REG_LOW] = (uint8_t)(lba >> 24);
        d->hob[REG_MID] = (uint8_t)(lba >> 32);
        d->hob[REG_HIGH] = (uint8_t)(lba >> 40);
    } else if (is_lba(d)) {
        set_head(d, (uint32_t)(lba >> 24));
    } else if (d->spt && d->heads) {
        uint64_t track = lba / d->spt, cylinder = track / d->heads;

        set_head(d, (uint32_t)(track % d->heads));
        lba = lba % d->spt + 1;
        lba |= (cylinder & 0xFFFF) << 8;
    }
    d->reg[REG_LOW] = (uint8_t)lba;
    d->reg[REG_MID] = (uint8_t)(lba >> 8);
    d->reg[REG_HIGH] = (uint8_t)(lba >> 16);
}

static void write_count(struct ide_drive *d)
{
    d->reg[REG_COUNT] = (uint8_t)d->left;
    if (d->extended)
        d->hob[REG_COUNT] = (uint8_t)(d->left >> 8);
}

/* The range of the command into lba and left; on an address that the disk has not got the
 * command ends here (IDNF). */
static bool read_range(struct ide_drive *d)
{
    uint32_t count = d->reg[REG_COUNT];

    if (d->extended) {
        count |= d->hob[REG_COUNT] << 8;
        d->left = count ? count : 65536;
    } else {
        d->left = count ? count : 256;
    }
    if (!read_address(d, &d->lba)) {
        ide_fail(d, ERROR_IDNF);
        return false;
    }
    if (d->lba >= d->limit || d->left > d->limit - d->lba) {
        write_address(d, d->lba > d->limit ? d->lba : d->limit);
        ide_fail(d, ERROR_IDNF);
        return false;
    }
    d->standby = 0;
    return true;
}

/* --- reading and writing (9.5, 9.6) --- */

static bool is_multiple(uint8_t command)
{
    return command == 0xC4 || command == 0x29 || command == 0xC5 || command == 0x39 ||
           command == 0xCE;
}

static uint32_t next_block(const struct ide_drive *d)
{
    uint32_t most = is_multiple(d->command) ? d->multiple : 1;

    return d->left < most ? d->left : most;
}

/* The block at lba is through. */
static void step(struct ide_drive *d)
{
    d->left -= d->block_count;
    write_address(d, d->lba + d->block_count - 1);
    write_count(d);
    d->lba += d->block_count;
}

static void read_block(struct ide_drive *d)
{
    d->block_count = next_block(d);
    if (!block_read(d->block, d->lba, d->data, d->block_count)) {
        write_address(d, d->lba);
        ide_fail(d, ERROR_UNC);
        return;
    }
    ide_data_in(d, d->block_count * SECTOR_SIZE);
    step(d);
    ide_interrupt(d, true);
}

static void read_sectors(struct ide_drive *d)
{
    if (is_multiple(d->command) && !d->multiple)
        ide_fail(d, ERROR_ABRT);
    else if (read_range(d))
        read_block(d);
}

static void write_sectors(struct ide_drive *d)
{
    if ((is_multiple(d->command) && !d->multiple) || block_readonly(d->block)) {
        ide_fail(d, ERROR_ABRT);
    } else if (read_range(d)) { /* no interrupt before the first block */
        d->block_count = next_block(d);
        ide_data_out(d, d->block_count * SECTOR_SIZE);
    }
}

/* Write the block; with "force unit access" it is on the disk when the command ends. */
static bool put_block(struct ide_drive *d)
{
    bool fua = d->command == 0x3D || d->command == 0xCE;

    return block_write(d->block, d->lba, d->data, d->block_count) &&
           (!fua || d->block_count < d->left || block_flush(d->block));
}

static void write_block(struct ide_drive *d)
{
    if (!put_block(d)) {
        write_address(d, d->lba);
        ide_fail(d, ERROR_ABRT);
        d->status |= STATUS_DF;
        return;
    }
    step(d);
    if (!d->left) {
        ide_complete(d);
        return;
    }
    d->block_count = next_block(d);
    ide_data_out(d, d->block_count * SECTOR_SIZE);
    ide_interrupt(d, true);
}

/* --- DMA (9.8, 9.9): a buffer at a time until the bus master's memory or the range ends --- */

static void dma_sectors(struct ide_drive *d)
{
    if (!ide_has_dma(d) || (d->command != 0xC8 && d->command != 0xC9 && d->command != 0x25 &&
                            block_readonly(d->block)))
        ide_fail(d, ERROR_ABRT);
    else if (read_range(d))
        ide_dma_begin(d, d->command == 0xC8 || d->command == 0xC9 || d->command == 0x25);
}

/* The buffer is empty: fill it, or make room for what comes.  False when the command failed. */
static bool dma_next(struct ide_drive *d)
{
    d->block_count = d->left < IDE_BUFFER / SECTOR_SIZE ? d->left : IDE_BUFFER / SECTOR_SIZE;
    d->pos = 0;
    if (d->transfer == IDE_DMA_IN && !block_read(d->block, d->lba, d->data, d->block_count)) {
        write_address(d, d->lba);
        ide_fail(d, ERROR_UNC);
        return false;
    }
    d->end = d->block_count * SECTOR_SIZE;
    return true;
}

static void disk_dma(struct ide_drive *d)
{
    while (d->left) {
        if (d->pos == d->end && !dma_next(d))
            return;
        if (!ide_dma_move(d, d->end))
            return; /* until the bus master is started again */
        if (d->transfer == IDE_DMA_OUT && !put_block(d)) {
            write_address(d, d->lba);
            ide_fail(d, ERROR_ABRT);
            d->status |= STATUS_DF;
            return;
        }
        step(d);
    }
    ide_complete(d);
}

static void verify(struct ide_drive *d)
{
    if (!read_range(d))
        return;
    while (d->left) {
        d->block_count = d->left < IDE_MULTIPLE_MAX ? d->left : IDE_MULTIPLE_MAX;
        if (!block_read(d->block, d->lba, d->data, d->block_count)) {
            write_address(d, d->lba);
            ide_fail(d, ERROR_UNC);
            return;
        }
        step(d);
    }
    ide_complete(d);
}

static void seek(struct ide_drive *d)
{
    uint64_t lba;

    if (read_address(d, &lba) && lba < d->limit)
        ide_complete(d);
    else
        ide_fail(d, ERROR_IDNF);
}

static void read_buffer(struct ide_drive *d)
{
    d->left = 0;
    ide_data_in(d, SECTOR_SIZE);
    ide_interrupt(d, true);
}

static void write_buffer(struct ide_drive *d)
{
    d->left = 0;
    ide_data_out(d, SECTOR_SIZE);
}

static void flush(struct ide_drive *d)
{
    if (block_flush(d->block)) {
        ide_complete(d);
    } else {
        ide_fail(d, ERROR_ABRT);
        d->status |= STATUS_DF;
    }
}

/* --- what the disk is and how it is set --- */

static void identify(struct ide_drive *d)
{
    d->left = 0;
    ide_identify(d);
    ide_data_in(d, SECTOR_SIZE);
    ide_interrupt(d, true);
}

/* 8.16 of ATA-5; retired since, and still what old drivers begin with. */
static void initialize_parameters(struct ide_drive *d)
{
    uint8_t heads = (d->reg[REG_DEVICE] & DEVICE_HEAD) + 1, spt = d->reg[REG_COUNT];

    if (!spt) {
        ide_fail(d, ERROR_ABRT);
        return;
    }
    d->heads = heads;
    d->spt = spt;
    ide_complete(d);
}

static void set_multiple(struct ide_drive *d)
{
    uint8_t count = d->reg[REG_COUNT];

    if (count > IDE_MULTIPLE_MAX || count & (count - 1)) {
        d->multiple = 0; /* 8.39: a refused value disables the mode */
        ide_fail(d, ERROR_ABRT);
    } else {
        d->multiple = count;
        ide_complete(d);
    }
}

/* 8.36: the subcommands of what IDENTIFY announces. */
static void set_features(struct ide_drive *d)
{
    bool known = true;

    switch (d->features) {
    case 0x02:
    case 0x82:
        d->write_cache = d->features == 0x02;
        break;
    case 0x55:
    case 0xAA:
        d->look_ahead = d->features == 0xAA;
        break;
    case 0x03:
        known = ide_set_transfer_mode(d);
        break;
    case 0x66: /* keep or restore defaults at software reset */
    case 0xCC:
        break;
    default:
        known = false;
    }
    if (known)
        ide_complete(d);
    else
        ide_fail(d, ERROR_ABRT);
}

static void read_native_max(struct ide_drive *d)
{
    uint64_t last = d->native - 1;

    if (!d->extended && !is_lba(d)) {
        ide_fail(d, ERROR_ABRT);
        return;
    }
    write_address(d, d->extended || last < 0x0FFFFFFF ? last : 0x0FFFFFFF);
    ide_complete(d);
    d->after_native = 1;
}

/* 8.38: directly after READ NATIVE MAX ADDRESS.  The SET MAX security commands are not there.
 * Count bit 0, which would keep the value over power-off, has no power-off to survive. */
static void set_max(struct ide_drive *d)
{
    uint64_t lba = lba_registers(d);

    if (!d->after_native || !is_lba(d) || (!d->extended && d->features)) {
        ide_fail(d, ERROR_ABRT);
    } else if (lba >= d->native) {
        ide_fail(d, ERROR_IDNF);
    } else {
        d->limit = lba + 1;
        ide_complete(d);
    }
}

/* --- power (6.8): nothing slows down --- */

static void standby(struct ide_drive *d)
{
    d->standby = 1;
    flush(d);
}

static void idle(struct ide_drive *d)
{
    d->standby = 0;
    ide_complete(d);
}

static void check_power(struct ide_drive *d)
{
    d->reg[REG_COUNT] = d->standby ? 0x00 : 0xFF;
    ide_complete(d);
}

static void complete(struct ide_drive *d)
{
    ide_complete(d);
}

/* --- the table --- */

enum { EXT = 1 };

/* Commands from first to last opcode; what is not here is aborted (NOP, by definition, too). */
static const struct disk_command {
    uint8_t first, last, flags;
    void (*run)(struct ide_drive *d);
} commands[] = {
    {0x10, 0x1F, 0, complete},       /* RECALIBRATE */
    {0x20, 0x21, 0, read_sectors},   /* READ SECTOR(S) */
    {0x24, 0x24, EXT, read_sectors}, /* READ SECTOR(S) EXT */
    {0x25, 0x25, EXT, dma_sectors},  /* READ DMA EXT */
    {0x27, 0x27, EXT, read_native_max},
    {0x29, 0x29, EXT, read_sectors},  /* READ MULTIPLE EXT */
    {0x30, 0x31, 0, write_sectors},   /* WRITE SECTOR(S) */
    {0x34, 0x34, EXT, write_sectors}, /* WRITE SECTOR(S) EXT */
    {0x35, 0x35, EXT, dma_sectors},   /* WRITE DMA EXT */
    {0x37, 0x37, EXT, set_max},       /* SET MAX ADDRESS EXT */
    {0x39, 0x39, EXT, write_sectors}, /* WRITE MULTIPLE EXT */
    {0x3C, 0x3C, 0, write_sectors},   /* WRITE VERIFY */
    {0x3D, 0x3D, EXT, dma_sectors},   /* WRITE DMA FUA EXT */
    {0x40, 0x41, 0, verify},          /* READ VERIFY SECTOR(S) */
    {0x42, 0x42, EXT, verify},        /* READ VERIFY SECTOR(S) EXT */
    {0x70, 0x7F, 0, seek},            /* SEEK */
    {0x91, 0x91, 0, initialize_parameters},
    {0x94, 0x94, 0, standby}, /* STANDBY IMMEDIATE as ATA-1 had it, and so on */
    {0x95, 0x95, 0, idle},
    {0x96, 0x96, 0, standby},
    {0x97, 0x97, 0, idle},
    {0x98, 0x98, 0, check_power},
    {0x99, 0x99, 0, standby},
    {0xC4, 0xC4, 0, read_sectors},  /* READ MULTIPLE */
    {0xC5, 0xC5, 0, write_sectors}, /* WRITE MULTIPLE */
    {0xC6, 0xC6, 0, set_multiple},
    {0xC8, 0xC9, 0, dma_sectors}, /* READ DMA */
    {0xCA, 0xCB, 0, dma_sectors}, /* WRITE DMA */
    {0xCE, 0xCE, EXT, write_sectors}, /* WRITE MULTIPLE FUA EXT */
    {0xE0, 0xE0, 0, standby},     /* STANDBY IMMEDIATE */
    {0xE1, 0xE1, 0, idle},        /* IDLE IMMEDIATE */
    {0xE2, 0xE2, 0, standby},     /* STANDBY */
    {0xE3, 0xE3, 0, idle},        /* IDLE */
    {0xE4, 0xE4, 0, read_buffer},
    {0xE5, 0xE5, 0, check_power},
    {0xE6, 0xE6, 0, standby}, /* SLEEP, from which any command wakes here */
    {0xE7, 0xE7, 0, flush},   /* FLUSH CACHE */
    {0xE8, 0xE8, 0, write_buffer},
    {0xEA, 0xEA, EXT, flush}, /* FLUSH CACHE EXT */
    {0xEC, 0xEC, 0, identify},
    {0xEF, 0xEF, 0, set_features},
    {0xF8, 0xF8, 0, read_native_max},
    {0xF9, 0xF9, 0, set_max},
};

static void disk_execute(struct ide_drive *d, uint8_t command)
{
    const struct disk_command *c = commands, *end = commands + sizeof commands / sizeof *commands;
    uint8_t after_native = d->after_native;

    while (c < end && (command < c->first || command > c->last))
        c++;
    d->command = command;
    d->extended = c < end ? c->flags & EXT : 0;
    if (c == end) {
        d->after_native = 0;
        ide_fail(d, ERROR_ABRT);
        return;
    }
    c->run(d);
    if (after_native) /* it was for this command only */
        d->after_native = 0;
}

/* The last word of a block went through the data register. */
static void disk_block_done(struct ide_drive *d)
{
    bool out = d->transfer == IDE_OUT;

    if (d->left) {
        if (out)
            write_block(d);
        else
            read_block(d);
    } else if (out) { /* WRITE BUFFER */
        ide_complete(d);
    } else { /* the end of a read is no interrupt */
        d->transfer = IDE_IDLE;
        d->pos = d->end = 0;
        d->status = STATUS_DRDY | STATUS_DSC;
    }
}

/* Signature of 9.12; what a software reset leaves alone is in 8.36 and table 10. */
static void disk_reset(struct ide_drive *d, bool hard)
{
    d->status = STATUS_DRDY | STATUS_DSC;
    d->error = 0x01; /* diagnostics passed */
    d->reg[REG_COUNT] = 1;
    d->reg[REG_LOW] = 1;
    d->command = 0;
    d->left = 0;
    d->block_count = 0;
    d->extended = 0;
    d->after_native = 0;
    d->standby = 0;
    if (!hard)
        return;
    d->multiple = 0;
    d->heads = (uint8_t)d->geometry.heads;
    d->spt = (uint8_t)d->geometry.sectors;
    d->write_cache = 1;
    d->look_ahead = 1;
    d->limit = d->native;
}

const struct ide_kind ide_disk = {disk_execute, disk_block_done, disk_reset, disk_dma};
