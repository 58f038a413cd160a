/* Two cascaded 8259A interrupt controllers and the edge/level registers.
 *
 * Follows the Intel 8259A datasheet (order 231468) and, for 4D0h and 4D1h, the 82371SB (PIIX3)
 * datasheet.  A request in edge mode is a latch that its line's fall clears again (datasheet,
 * "Interrupt Request Register" and figure 9): a line that has gone low before INTA leaves a
 * spurious IR7.  The slave's INT output is an ordinary line into the master's IR2. */
#include <stdio.h>
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"

enum {
    CASCADE = 2,     /* the master's input that the slave drives, and the slave's identity */
    CASCADE_PIN = 9, /* where the bus's IRQ2 pin leads on an AT */
    SPURIOUS = 7,

    ICW1_IC4 = 0x01,  /* ICW4 follows */
    ICW1_SNGL = 0x02, /* no cascade, no ICW3 */
    ICW1_ADI = 0x04,  /* MCS-80: call interval 4 */
    ICW1_LTIM = 0x08, /* all inputs level-triggered */
    ICW1 = 0x10,
    ICW4_UPM = 0x01, /* 8086 mode */
    ICW4_AEOI = 0x02,
    ICW4_SFNM = 0x10,
    OCW2_EOI = 0x20,
    OCW2_SL = 0x40,
    OCW2_R = 0x80,
    OCW3 = 0x08,
    OCW3_RIS = 0x01,
    OCW3_RR = 0x02,
    OCW3_P = 0x04,
    OCW3_SMM = 0x20,
    OCW3_ESMM = 0x40,

    ELCR_MASTER = 0xf8, /* IRQ0, 1, 2 are always edge-triggered, */
    ELCR_SLAVE = 0xde,  /* and so are IRQ8 and 13 */
};

struct chip {
    uint8_t lines; /* levels of the IR inputs */
    uint8_t irr, isr, imr, elcr;
    uint8_t icw1, icw2, icw3, icw4;
    uint8_t init_step; /* the ICW that the next write to A0=1 is; 0 outside of a sequence */
    uint8_t lowest;    /* the input of lowest priority */
    uint8_t read_isr, poll, special_mask, rotate_aeoi;
};

struct pic {
    struct irq_line intr;
    uint8_t intr_level;
    struct chip chip[2]; /* master, slave */
};

static uint8_t level_inputs(const struct chip *c)
{
    return c->icw1 & ICW1_LTIM ? 0xff : c->elcr;
}

static void chip_line(struct chip *c, int ir, bool level)
{
    uint8_t bit = (uint8_t)(1 << ir);

    if (!level) {
        c->lines &= (uint8_t)~bit;
        c->irr &= (uint8_t)~bit;
    } else {
        if (!(c->lines & bit) || (level_inputs(c) & bit))
            c->irr |= bit;
        c->lines |= bit;
    }
}

/* Rank of the first set bit in BITS, 0 being the input of highest priority; 8 for none. */
static int first_rank(const struct chip *c, uint8_t bits)
{
    int rank = 0;

    while (rank < 8 && !(bits >> ((c->lowest + 1 + rank) & 7) & 1))
        rank++;
    return rank;
}

static int input_of_rank(const struct chip *c, int rank)
{
    return (c->lowest + 1 + rank) & 7;
}

/* The input whose interrupt the chip asks for, -1 for none ("Fully Nested Mode", "Special Mask
 * Mode", "Special Fully Nested Mode"). */
static int chip_request(const struct chip *c)
{
    uint8_t in_service = c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;
    int wanted = first_rank(c, c->irr & (uint8_t)~c->imr);
    int busy = first_rank(c, in_service);

    if (wanted == 8 || c->init_step)
        return -1;
    if (wanted < busy)
        return input_of_rank(c, wanted);
    if (wanted == busy && (c->icw4 & ICW4_SFNM) && !(c->icw1 & ICW1_SNGL) &&
        (c->icw3 >> input_of_rank(c, wanted) & 1))
        return input_of_rank(c, wanted);
    return -1;
}

/* The slave's INT drives the master, the master's INT the CPU. */
static void update(struct pic *p)
{
    uint8_t level;

    chip_line(&p->chip[0], CASCADE, chip_request(&p->chip[1]) >= 0);
    level = chip_request(&p->chip[0]) >= 0;
    if (level != p->intr_level) {
        p->intr_level = level;
        irq_set(&p->intr, level);
    }
}

/* INTA or a poll: the request on IR goes into service. */
static void acknowledge(struct pic *p, struct chip *c, int ir)
{
    uint8_t bit = (uint8_t)(1 << ir);

    if (!(level_inputs(c) & bit))
        c->irr &= (uint8_t)~bit;
    if (!(c->icw4 & ICW4_AEOI))
        c->isr |= bit;
    else if (c->rotate_aeoi)
        c->lowest = (uint8_t)ir;
    /* INT falls during the sequence, so that a further request makes a new edge. */
    if (c == &p->chip[1])
        chip_line(&p->chip[0], CASCADE, false);
}

/* What the chip puts on the bus in the last INTA cycle that an x86 makes.  Without 8086 mode it
 * is the low byte of the CALL's address. */
static int vector(const struct chip *c, int ir)
{
    if (c->icw4 & ICW4_UPM)
        return (c->icw2 & 0xf8) | ir;
    return c->icw1 & ICW1_ADI ? (c->icw1 & 0xe0) | ir << 2 : (c->icw1 & 0xc0) | ir << 3;
}

static int slave_vector(struct pic *p)
{
    struct chip *slave = &p->chip[1];
    int ir = chip_request(slave);

    if ((slave->icw3 & 7) != CASCADE)
        return 0xff; /* no slave feels addressed: the bus floats */
    if (ir < 0)
        return vector(slave, SPURIOUS);
    acknowledge(p, slave, ir);
    return vector(slave, ir);
}

int pic_intack(struct pic *p)
{
    struct chip *master = &p->chip[0];
    int ir = chip_request(master);
    int result;

    if (ir < 0)
        return vector(master, SPURIOUS);
    acknowledge(p, master, ir);
    if (ir == CASCADE && !(master->icw1 & ICW1_SNGL) && (master->icw3 >> CASCADE & 1))
        result = slave_vector(p);
    else
        result = vector(master, ir);
    update(p);
    return result;
}

bool pic_pending(struct pic *p)
{
    return p->intr_level;
}

void pic_set_irq(void *opaque, int irq, int level)
{
    struct pic *p = opaque;

    if (irq == CASCADE)
        irq = CASCADE_PIN;
    if (irq < 0 || irq > 15)
        return;
    chip_line(&p->chip[irq >> 3], irq & 7, level != 0);
    update(p);
}

static void write_icw1(struct chip *c, uint8_t value)
{
    c->icw1 = value;
    c->icw4 = 0;
    c->imr = 0;
    c->isr = 0;
    c->lowest = 7;
    c->special_mask = c->read_isr = c->poll = c->rotate_aeoi = 0;
    c->irr = c->lines & level_inputs(c); /* edge inputs must rise anew */
    c->init_step = 2;
}

static void write_icw(struct chip *c, uint8_t value)
{
    bool fourth = c->icw1 & ICW1_IC4;

    switch (c->init_step) {
    case 2:
        c->icw2 = value;
        c->init_step = !(c->icw1 & ICW1_SNGL) ? 3 : fourth ? 4 : 0;
        break;
    case 3:
        c->icw3 = value;
        c->init_step = fourth ? 4 : 0;
        break;
    default:
        c->icw4 = value;
        c->init_step = 0;
        break;
    }
}

/* "End of Interrupt", "Automatic Rotation", "Specific Rotation". */
static void write_ocw2(struct chip *c, uint8_t value)
{
    int ir = value & 7;

    if (!(value & OCW2_EOI)) {
        if ((value & (OCW2_R | OCW2_SL)) == (OCW2_R | OCW2_SL))
            c->lowest = (uint8_t)ir;
        else if (!(value & OCW2_SL))
            c->rotate_aeoi = (value & OCW2_R) != 0;
        return;
    }
    if (!(value & OCW2_SL)) {
        /* In special mask mode a masked level's bit is out of a non-specific EOI's reach. */
        uint8_t bits = c->special_mask ? c->isr & (uint8_t)~c->imr : c->isr;
        int rank = first_rank(c, bits);

        if (rank == 8)
            return;
        ir = input_of_rank(c, rank);
    }
    c->isr &= (uint8_t) ~(1 << ir);
    if (value & OCW2_R)
        c->lowest = (uint8_t)ir;
}

static void write_ocw3(struct chip *c, uint8_t value)
{
    if (value & OCW3_ESMM)
        c->special_mask = (value & OCW3_SMM) != 0;
    if (value & OCW3_P)
        c->poll = 1;
    else if (value & OCW3_RR)
        c->read_isr = value & OCW3_RIS;
}

static void chip_write(struct pic *p, struct chip *c, uint16_t offset, uint8_t value)
{
    if (offset == 0 && (value & ICW1))
        write_icw1(c, value);
    else if (offset == 0 && (value & OCW3))
        write_ocw3(c, value);
    else if (offset == 0)
        write_ocw2(c, value);
    else if (c->init_step)
        write_icw(c, value);
    else
        c->imr = value;
    update(p);
}

/* "Poll Command": the read after it is an acknowledge. */
static uint8_t chip_poll(struct pic *p, struct chip *c)
{
    int ir = chip_request(c);

    c->poll = 0;
    if (ir < 0)
        return 0;
    acknowledge(p, c, ir);
    update(p);
    return (uint8_t)(0x80 | ir);
}

static uint8_t chip_read(struct pic *p, struct chip *c, uint16_t offset)
{
    if (c->poll)
        return chip_poll(p, c);
    if (offset)
        return c->imr;
    return c->read_isr ? c->isr : c->irr;
}

static uint32_t master_read(void *opaque, uint16_t offset, unsigned size)
{
    struct pic *p = opaque;

    (void)size;
    return chip_read(p, &p->chip[0], offset);
}

static void master_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct pic *p = opaque;

    (void)size;
    chip_write(p, &p->chip[0], offset, (uint8_t)value);
}

static uint32_t slave_read(void *opaque, uint16_t offset, unsigned size)
{
    struct pic *p = opaque;

    (void)size;
    return chip_read(p, &p->chip[1], offset);
}

static void slave_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct pic *p = opaque;

    (void)size;
    chip_write(p, &p->chip[1], offset, (uint8_t)value);
}

static uint32_t elcr_read(void *opaque, uint16_t offset, unsigned size)
{
    struct pic *p = opaque;

    (void)size;
    return p->chip[offset].elcr;
}

static void elcr_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct pic *p = opaque;
    struct chip *c = &p->chip[offset];

    (void)size;
    c->elcr = value & (offset ? ELCR_SLAVE : ELCR_MASTER);
    c->irr |= c->lines & c->elcr;
    update(p);
}

static const struct io_ops master_ops = {master_read, master_write, 1};
static const struct io_ops slave_ops = {slave_read, slave_write, 1};
static const struct io_ops elcr_ops = {elcr_read, elcr_write, 1};

void pic_describe(struct pic *p, void (*line)(void *, const char *), void *opaque)
{
    for (int i = 0; i < 2; i++) {
        const struct chip *c = &p->chip[i];
        char text[160];

        snprintf(text, sizeof(text),
                 "pic%d: irr=%02x imr=%02x isr=%02x lines=%02x elcr=%02x base=%02x "
                 "highest=%d%s%s%s%s",
                 i, c->irr, c->imr, c->isr, c->lines, c->elcr, c->icw2 & 0xf8, input_of_rank(c, 0),
                 c->icw4 & ICW4_AEOI ? " aeoi" : "", c->icw4 & ICW4_SFNM ? " sfnm" : "",
                 c->special_mask ? " special-mask" : "", c->init_step ? " initialising" : "");
        line(opaque, text);
    }
}

/* The 8259A has no reset input and wakes up in any state.  Here it wakes up as an AT's POST would
 * leave it, but with everything masked. */
static void pic_reset(void *opaque)
{
    struct pic *p = opaque;

    for (int i = 0; i < 2; i++) {
        p->chip[i] = (struct chip){
            .lines = p->chip[i].lines,
            .imr = 0xff,
            .icw1 = ICW1 | ICW1_IC4,
            .icw2 = i ? 0x70 : 0x08,
            .icw3 = i ? CASCADE : 1 << CASCADE,
            .icw4 = ICW4_UPM,
            .lowest = 7,
        };
    }
    p->intr_level = 0;
    irq_set(&p->intr, 0);
    update(p);
}

static void pic_loaded(void *opaque)
{
    struct pic *p = opaque;

    irq_set(&p->intr, p->intr_level);
}

/* clang-format off */
#define CHIP_FIELDS(i)                                                                             \
    FIELD(struct pic, chip[i].lines), FIELD(struct pic, chip[i].irr),                              \
    FIELD(struct pic, chip[i].isr), FIELD(struct pic, chip[i].imr),                                \
    FIELD(struct pic, chip[i].elcr), FIELD(struct pic, chip[i].icw1),                              \
    FIELD(struct pic, chip[i].icw2), FIELD(struct pic, chip[i].icw3),                              \
    FIELD(struct pic, chip[i].icw4), FIELD(struct pic, chip[i].init_step),                         \
    FIELD(struct pic, chip[i].lowest), FIELD(struct pic, chip[i].read_isr),                        \
    FIELD(struct pic, chip[i].poll), FIELD(struct pic, chip[i].special_mask),                      \
    FIELD(struct pic, chip[i].rotate_aeoi)
/* clang-format on */

static const struct field pic_fields[] = {
    FIELD(struct pic, intr_level),
    CHIP_FIELDS(0),
    CHIP_FIELDS(1),
    FIELD_END,
};

static const struct device_class pic_class = {
    .name = "pic",
    .fields = pic_fields,
    .reset = pic_reset,
    .loaded = pic_loaded,
    .free = free,
};

struct pic *pic_init(struct board *board, struct irq_line intr)
{
    struct pic *p = device_alloc(sizeof(*p));

    p->intr = intr;
    bus_map(board->bus, "pic0", 0x20, 2, &master_ops, p);
    bus_map(board->bus, "pic1", 0xa0, 2, &slave_ops, p);
    bus_map(board->bus, "elcr", 0x4d0, 2, &elcr_ops, p);
    device_add(board->devices, &pic_class, p);
    pic_reset(p);
    return p;
}
