/* 82077AA: the command table and the commands that move no data (data sheet 290166, chapter 5). */
#include "devices/fdc.h"

#include "ringer/log.h"

enum { TRACKS = 84, RECALIBRATE_STEPS = 79 }; /* where the head stops; 5.2.1 */

static struct fdc_drive *command_drive(struct fdc *f)
{
    return &f->drives[f->fifo[1] & 3];
}

/* --- head movement (5.2.1, 5.2.2, 5.2.13) --- */

void fdc_step(struct fdc *f, struct fdc_drive *drive, int steps)
{
    int track = drive->track + steps;

    if (!steps)
        return;
    f->step_in = steps > 0;
    if (!fdc_attached(drive))
        return;
    drive->track = (uint8_t)(track < 0 ? 0 : track >= TRACKS ? TRACKS - 1 : track);
    if (drive->block)
        drive->changed = 0;
}

/* The controller is free while the head moves; MSR shows the drive busy. */
static void start_seek(struct fdc *f, struct fdc_drive *drive, int steps, uint8_t st0)
{
    unsigned count = (unsigned)(steps < 0 ? -steps : steps);

    fdc_step(f, drive, steps);
    f->pending &= (uint8_t) ~(1u << drive->number);
    drive->st0 = (uint8_t)(st0 | drive->number);
    drive->seek_at = vclock_now(f->clock) + FDC_SEEK_NS + count * FDC_STEP_NS;
    vtimer_set(f->clock, &drive->timer, drive->seek_at);
    fdc_result(f, 0);
}

void fdc_seek_event(void *opaque)
{
    struct fdc_drive *drive = opaque;
    struct fdc *f = drive->fdc;

    drive->seek_at = FDC_NEVER;
    f->pending |= 1u << drive->number;
    fdc_raise(f);
}

static void recalibrate(struct fdc *f)
{
    struct fdc_drive *drive = command_drive(f);
    uint8_t st0 = ST0_SEEK;
    int steps = drive->track;

    /* A drive that is not there never says track 0; one beyond track 79 needs a second try. */
    if (!fdc_attached(drive) || steps > RECALIBRATE_STEPS) {
        steps = RECALIBRATE_STEPS;
        st0 |= ST0_ABNORMAL | ST0_EC;
    }
    drive->pcn = 0;
    start_seek(f, drive, -steps, st0);
}

static void seek(struct fdc *f)
{
    struct fdc_drive *drive = command_drive(f);
    int steps = f->fifo[2] - drive->pcn;

    f->head = f->fifo[1] >> 2 & 1;
    drive->pcn = f->fifo[2];
    start_seek(f, drive, steps, ST0_SEEK);
}

static void relative_seek(struct fdc *f)
{
    struct fdc_drive *drive = command_drive(f);
    int steps = f->fifo[0] & 0x40 ? f->fifo[2] : -f->fifo[2];

    f->head = f->fifo[1] >> 2 & 1;
    drive->pcn = (uint8_t)(drive->pcn + steps);
    start_seek(f, drive, steps, ST0_SEEK);
}

/* --- status --- */

static void invalid(struct fdc *f)
{
    f->fifo[0] = ST0_INVALID;
    fdc_result(f, 1);
}

/* 5.2.3: the lowest drive with news; without any the command is invalid. */
static void sense_interrupt(struct fdc *f)
{
    fdc_lower(f);
    for (int i = 0; i < FDC_DRIVES; i++) {
        if (!(f->pending & 1u << i))
            continue;
        f->pending &= (uint8_t) ~(1u << i);
        f->fifo[0] = f->drives[i].st0;
        f->fifo[1] = f->drives[i].pcn;
        fdc_result(f, 2);
        return;
    }
    invalid(f);
}

/* 5.2.4 and 6.4: ready and two-sided are always on; an empty drive senses no write-enable hole. */
static void sense_drive(struct fdc *f)
{
    const struct fdc_drive *drive = command_drive(f);
    bool present = fdc_attached(drive);
    uint8_t st3 = 0x28 | (f->fifo[1] & 7);

    f->head = f->fifo[1] >> 2 & 1;
    if (present && drive->track == 0)
        st3 |= 0x10;
    if (present && (!drive->block || block_readonly(drive->block)))
        st3 |= 0x40;
    f->fifo[0] = st3;
    fdc_result(f, 1);
}

static void version(struct fdc *f)
{
    f->fifo[0] = 0x90;
    fdc_result(f, 1);
}

/* 5.2.11 */
static void dumpreg(struct fdc *f)
{
    for (int i = 0; i < FDC_DRIVES; i++)
        f->fifo[i] = f->drives[i].pcn;
    f->fifo[4] = f->srt_hut;
    f->fifo[5] = f->hlt_nd;
    f->fifo[6] = f->eot;
    f->fifo[7] = (uint8_t)(f->lock << 7 | f->perpendicular);
    f->fifo[8] = f->config;
    f->fifo[9] = f->pretrk;
    fdc_result(f, 10);
}

/* --- modes --- */

static void specify(struct fdc *f)
{
    f->srt_hut = f->fifo[1];
    f->hlt_nd = f->fifo[2];
    fdc_result(f, 0);
}

static void configure(struct fdc *f)
{
    f->config = f->fifo[2] & 0x7F;
    f->pretrk = f->fifo[3];
    fdc_result(f, 0);
}

/* 5.2.9: D3-D0 change only with OW. */
static void perpendicular(struct fdc *f)
{
    uint8_t drives = f->fifo[1] & 0x80 ? f->fifo[1] & 0x3C : f->perpendicular & 0x3C;

    f->perpendicular = drives | (f->fifo[1] & 3);
    fdc_result(f, 0);
}

static void lock(struct fdc *f)
{
    f->lock = f->fifo[0] >> 7;
    f->fifo[0] = (uint8_t)(f->lock << 4);
    fdc_result(f, 1);
}

/* --- commands that move data --- */

static void read_data(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_READ, false);
}

static void read_deleted(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_READ, true);
}

static void read_track(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_READ_TRACK, false);
}

static void read_id(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_READ_ID, false);
}

static void write_data(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_WRITE, false);
}

static void write_deleted(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_WRITE, true);
}

static void verify(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_VERIFY, false);
}

static void format_track(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_FORMAT, false);
}

static void scan_equal(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_SCAN_EQUAL, false);
}

static void scan_low(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_SCAN_LOW, false);
}

static void scan_high(struct fdc *f)
{
    fdc_transfer_begin(f, FDC_SCAN_HIGH, false);
}

/* Table 5-1.  MASK leaves out MT, MFM, SK and the like where the command has them.  PART ID (18h)
 * came with the 82078: here it is invalid, which is how drivers tell the two. */
static const struct fdc_command {
    uint8_t mask, value, length;
    const char *name;
    void (*run)(struct fdc *f);
} commands[] = {
    {0x1F, 0x06, 9, "READ DATA", read_data},
    {0x3F, 0x05, 9, "WRITE DATA", write_data},
    {0xFF, 0x0F, 3, "SEEK", seek},
    {0xFF, 0x07, 2, "RECALIBRATE", recalibrate},
    {0xFF, 0x08, 1, "SENSE INTERRUPT STATUS", sense_interrupt},
    {0xFF, 0x03, 3, "SPECIFY", specify},
    {0xFF, 0x04, 2, "SENSE DRIVE STATUS", sense_drive},
    {0xBF, 0x0A, 2, "READ ID", read_id},
    {0x1F, 0x0C, 9, "READ DELETED DATA", read_deleted},
    {0x3F, 0x09, 9, "WRITE DELETED DATA", write_deleted},
    {0x9F, 0x02, 9, "READ TRACK", read_track},
    {0x1F, 0x16, 9, "VERIFY", verify},
    {0xBF, 0x0D, 6, "FORMAT TRACK", format_track},
    {0x1F, 0x11, 9, "SCAN EQUAL", scan_equal},
    {0x1F, 0x19, 9, "SCAN LOW OR EQUAL", scan_low},
    {0x1F, 0x1D, 9, "SCAN HIGH OR EQUAL", scan_high},
    {0xFF, 0x10, 1, "VERSION", version},
    {0xFF, 0x13, 4, "CONFIGURE", configure},
    {0xBF, 0x8F, 3, "RELATIVE SEEK", relative_seek},
    {0xFF, 0x0E, 1, "DUMPREG", dumpreg},
    {0xFF, 0x12, 2, "PERPENDICULAR MODE", perpendicular},
    {0x7F, 0x14, 1, "LOCK", lock},
    {0x00, 0x00, 1, "INVALID", invalid},
};

static const struct fdc_command *find(uint8_t opcode)
{
    const struct fdc_command *c = commands;

    while ((opcode & c->mask) != c->value)
        c++;
    return c;
}

void fdc_command_byte(struct fdc *f, uint8_t value)
{
    const struct fdc_command *c;

    f->fifo[f->fifo_pos++] = value;
    c = find(f->fifo[0]);
    f->fifo_len = c->length;
    if (f->fifo_pos < c->length)
        return;
    if (log_on(f->log, LOG_IO))
        log_write(f->log, LOG_IO, "fdc: %s (%02X) drive %u, C %u H %u R %u N %u", c->name,
                  f->fifo[0], f->fifo[1] & 3, f->fifo[2], f->fifo[3], f->fifo[4], f->fifo[5]);
    c->run(f);
}
