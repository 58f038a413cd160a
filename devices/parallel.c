/* A parallel port as super-I/O chips have it: SPP, PS/2 (bidirectional), EPP 1.9 and ECP in one
 * (IEEE 1284; Microsoft, "Extended Capabilities Port Protocol and ISA Interface Standard" 1.14,
 * whose register names are used), with a printer on it that takes what comes, at once, and
 * answers nothing.
 *
 * Base + 0 to 2 are the PC's data, status and control registers, + 3 to 7 EPP's address and data
 * registers, + 400h to 402h ECP's. */
#include <stdlib.h>

#include "devices/internal.h"
#include "devices/pc.h"

enum {
    FIFO_SIZE = 16,
    ECP_OFFSET = 0x400,

    STATUS_TIMEOUT = 0x01, /* EPP only; reserved, and read as one, in other modes */
    STATUS_RESERVED = 0x02,
    STATUS_NIRQ = 0x04,
    STATUS_NERROR = 0x08,
    STATUS_SELECT = 0x10,
    STATUS_PAPER = 0x20,
    STATUS_NACK = 0x40,
    STATUS_NBUSY = 0x80,

    CONTROL_STROBE = 0x01,
    CONTROL_NINIT = 0x04,
    CONTROL_IRQ = 0x10,
    CONTROL_INPUT = 0x20,
    CONTROL_MASK = 0x3f,
    CONTROL_RESERVED = 0xc0,

    ECR_EMPTY = 0x01,
    ECR_FULL = 0x02,
    ECR_SERVICE = 0x04,
    ECR_KEPT = 0xfc,
};

/* The modes of ECR (its bits 5 to 7). */
enum { MODE_SPP, MODE_PS2, MODE_FIFO, MODE_ECP, MODE_EPP, MODE_TEST = 6, MODE_CONFIG };

struct parallel {
    struct irq_line irq;
    struct chardev *chr;
    uint8_t irq_number;
    uint8_t data, control, ecr;
    uint8_t timeout;  /* EPP's bit */
    uint8_t irq_seen; /* no interrupt since the status was read */
    uint8_t head, count;
    uint8_t fifo[FIFO_SIZE]; /* of the test mode */
};

static unsigned mode(const struct parallel *p)
{
    return p->ecr >> 5;
}

/* nACK's trailing edge: an interrupt, where it is enabled. */
static void acknowledge(struct parallel *p)
{
    if (!(p->control & CONTROL_IRQ))
        return;
    p->irq_seen = 0;
    irq_set(&p->irq, 1);
}

static void quiet(struct parallel *p)
{
    p->irq_seen = 1;
    irq_set(&p->irq, 0);
}

static void print(struct parallel *p, uint8_t byte)
{
    if (p->chr && p->chr->send)
        p->chr->send(p->chr, &byte, 1);
}

/* ---- the PC's registers ---- */

static uint8_t read_status(struct parallel *p)
{
    uint8_t status = STATUS_RESERVED | STATUS_NERROR | STATUS_SELECT | STATUS_NACK;

    status |= p->chr ? STATUS_NBUSY : STATUS_PAPER; /* nothing plugged in: lines float */
    status |= p->irq_seen ? STATUS_NIRQ : 0;
    status |= mode(p) != MODE_EPP || p->timeout ? STATUS_TIMEOUT : 0;
    quiet(p);
    return status;
}

/* STROBE's leading edge: the printer takes the byte. */
static void write_control(struct parallel *p, uint8_t value)
{
    uint8_t old = p->control;

    p->control = value & CONTROL_MASK;
    /* Without direction bit (SPP) and in the FIFO mode the port is an output. */
    if (mode(p) == MODE_SPP || mode(p) == MODE_FIFO)
        p->control &= (uint8_t)~CONTROL_INPUT;
    if (!(p->control & CONTROL_IRQ))
        quiet(p);
    if (!p->chr || !(p->control & CONTROL_NINIT) || (p->control & CONTROL_INPUT))
        return;
    if (~old & p->control & CONTROL_STROBE)
        print(p, p->data);
    if (old & ~p->control & CONTROL_STROBE)
        acknowledge(p);
}

/* An EPP cycle: a printer that knows EPP takes bytes; nobody ever answers one. */
static void epp_write(struct parallel *p, uint8_t byte)
{
    if (mode(p) != MODE_EPP)
        return;
    if (p->chr && !(p->control & CONTROL_INPUT))
        print(p, byte);
    else
        p->timeout = 1;
}

static uint8_t epp_read(struct parallel *p)
{
    if (mode(p) == MODE_EPP)
        p->timeout = 1;
    return 0xff;
}

static uint32_t port_read(void *opaque, uint16_t offset, unsigned size)
{
    struct parallel *p = opaque;

    (void)size;
    switch (offset) {
    case 0: /* turned round, the lines float */
        return p->control & CONTROL_INPUT ? 0xff : p->data;
    case 1:
        return read_status(p);
    case 2:
        return p->control | CONTROL_RESERVED;
    default:
        return epp_read(p);
    }
}

static void port_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct parallel *p = opaque;

    (void)size;
    switch (offset) {
    case 0:
        p->data = (uint8_t)value;
        break;
    case 1: /* chips clear EPP's timeout when it is read or when a one is written to it */
        p->timeout &= (uint8_t)~value;
        break;
    case 2:
        write_control(p, (uint8_t)value);
        break;
    case 3:
        if (mode(p) == MODE_EPP && !p->chr)
            p->timeout = 1; /* an address: a printer has none */
        break;
    default:
        epp_write(p, (uint8_t)value);
        break;
    }
}

/* ---- ECP's registers ---- */

static uint8_t read_ecr(const struct parallel *p)
{
    uint8_t state = p->count == 0 ? ECR_EMPTY : 0;

    return p->ecr | state | (p->count == FIFO_SIZE ? ECR_FULL : 0);
}

static void write_fifo(struct parallel *p, uint8_t byte)
{
    switch (mode(p)) {
    case MODE_TEST:
        if (p->count < FIFO_SIZE)
            p->fifo[(p->head + p->count++) % FIFO_SIZE] = byte;
        break;
    case MODE_FIFO:
    case MODE_ECP: /* the handshake is done by the chip, and takes no time */
        if (!(p->control & CONTROL_INPUT))
            print(p, byte);
        break;
    }
}

static uint8_t read_fifo(struct parallel *p)
{
    if (mode(p) != MODE_TEST || !p->count)
        return 0xff;
    uint8_t byte = p->fifo[p->head];
    p->head = (p->head + 1) % FIFO_SIZE;
    p->count--;
    return byte;
}

/* cnfgB: which interrupt, as far as the register has a code for it. */
static uint8_t interrupt_code(const struct parallel *p)
{
    static const uint8_t irqs[8] = {0, 7, 9, 10, 11, 14, 15, 5};

    for (uint8_t i = 1; i < 8; i++)
        if (irqs[i] == p->irq_number)
            return (uint8_t)(i << 3);
    return 0;
}

static uint32_t ecp_read(void *opaque, uint16_t offset, unsigned size)
{
    struct parallel *p = opaque;

    (void)size;
    if (offset == 2)
        return read_ecr(p);
    if (mode(p) != MODE_CONFIG)
        return offset == 0 ? read_fifo(p) : 0xff;
    return offset == 0 ? 0x94 /* level-free interrupts, 8-bit words, nothing in the pipe */
                       : interrupt_code(p);
}

static void ecp_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct parallel *p = opaque;

    (void)size;
    if (offset == 0)
        write_fifo(p, (uint8_t)value);
    if (offset != 2)
        return;
    if (((uint8_t)value ^ p->ecr) >> 5)
        p->head = p->count = 0; /* a change of mode empties the FIFO */
    p->ecr = (uint8_t)value & ECR_KEPT;
    if (mode(p) == MODE_SPP || mode(p) == MODE_FIFO)
        p->control &= (uint8_t)~CONTROL_INPUT;
}

static const struct io_ops port_ops = {port_read, port_write, 1};
static const struct io_ops ecp_ops = {ecp_read, ecp_write, 1};

/* ---- life ---- */

static void reset(void *opaque)
{
    struct parallel *p = opaque;

    p->data = 0;
    p->control = CONTROL_NINIT | 0x08;
    p->ecr = MODE_PS2 << 5 | 0x10 | ECR_SERVICE; /* no interrupts from the FIFO */
    p->timeout = 0;
    p->head = p->count = 0;
    quiet(p);
}

static void loaded(void *opaque)
{
    struct parallel *p = opaque;

    p->head %= FIFO_SIZE;
    if (p->count > FIFO_SIZE)
        p->count = 0;
    irq_set(&p->irq, !p->irq_seen);
}

static const struct field fields[] = {
    FIELD(struct parallel, data),
    FIELD(struct parallel, control),
    FIELD(struct parallel, ecr),
    FIELD(struct parallel, timeout),
    FIELD(struct parallel, irq_seen),
    FIELD(struct parallel, head),
    FIELD(struct parallel, count),
    FIELD_ARRAY(struct parallel, fifo),
    FIELD_END,
};

static const struct device_class class = {
    .name = "parallel",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
    .free = free,
};

void parallel_init(struct board *board, uint16_t base, int irq_number, struct irq_line irq,
                   struct chardev *chr)
{
    struct parallel *p = device_alloc(sizeof *p);

    p->irq = irq;
    p->irq_number = (uint8_t)irq_number;
    p->chr = chr;
    /* A port at 3BCh (an MDA's) has no room for EPP's registers before the VGA's. */
    bus_map(board->bus, "parallel", base, base % 8 ? 3 : 8, &port_ops, p);
    bus_map(board->bus, "parallel-ecp", (uint16_t)(base + ECP_OFFSET), 3, &ecp_ops, p);
    device_add(board->devices, &class, p);
}
