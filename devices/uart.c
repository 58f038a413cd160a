/* 16550A serial port (National PC16550D datasheet, section 8 "Registers").
 *
 * The transmitter takes no time: a byte written is sent at once, and the holding register is
 * empty again with the interrupt that belongs to it.  The receiver takes from the host no more
 * than it has room for, so pasted input waits at the host and is never lost.  Boards let the
 * interrupt out while OUT2 is set; virtual machines do not ask for it, and systems written on them
 * (xv6) never set it, so neither does this one. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"

enum {
    FIFO_SIZE = 16,
    UART_CLOCK = 1843200 / 16,
    NS = 1000000000,
    TIMEOUT_CHARS = 4, /* "FIFO timeout": this many character times without any activity */

    IER_RDA = 0x01,
    IER_THRE = 0x02,
    IER_RLS = 0x04,
    IER_MODEM = 0x08,
    IER_MASK = 0x0f,

    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_RDA = 0x04,
    IIR_RLS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO = 0xc0,

    FCR_ENABLE = 0x01,
    FCR_RESET_RX = 0x02,
    FCR_KEPT = 0xc9, /* trigger level, DMA mode, enable */

    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,

    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MCR_MASK = 0x1f,

    LSR_DR = 0x01,
    LSR_OE = 0x02,
    LSR_BI = 0x10,
    LSR_ERRORS = 0x1e,
    LSR_CHAR_ERRORS = 0x1c, /* those that travel through the FIFO with their character */
    LSR_EMPTY = 0x60,       /* THRE and TEMT */
    LSR_FIFO_ERROR = 0x80,

    MSR_TERI = 0x04,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
};

struct uart {
    struct vclock *clock;
    struct irq_line irq;
    struct chardev *chr;
    struct vtimer timer;
    uint8_t ier, fcr, lcr, mcr, msr, scr;
    uint8_t framed;       /* LCR was written since reset */
    uint8_t overrun;      /* LSR's OE */
    uint8_t thre_pending; /* the THRE interrupt was not yet seen or written away */
    uint8_t timeout;      /* the timeout interrupt is pending */
    uint8_t head, count;  /* the receive FIFO; without FIFO its first place is RBR */
    uint16_t divisor;
    uint8_t fifo[FIFO_SIZE];
    uint8_t errors[FIFO_SIZE]; /* LSR bits of each character */
    uint64_t timeout_at;       /* ns; 0: none */
};

static bool fifo_on(const struct uart *u)
{
    return u->fcr & FCR_ENABLE;
}

static unsigned capacity(const struct uart *u)
{
    return fifo_on(u) ? FIFO_SIZE : 1;
}

static unsigned trigger_level(const struct uart *u)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};

    return fifo_on(u) ? levels[u->fcr >> 6] : 1;
}

/* The pending interrupt of highest priority (table "Interrupt Control Functions"). */
static uint8_t interrupt_id(const struct uart *u)
{
    bool errors = u->overrun || (u->count && u->errors[u->head]);

    if ((u->ier & IER_RLS) && errors)
        return IIR_RLS;
    if ((u->ier & IER_RDA) && u->count >= trigger_level(u))
        return IIR_RDA;
    if ((u->ier & IER_RDA) && u->timeout)
        return IIR_TIMEOUT;
    if ((u->ier & IER_THRE) && u->thre_pending)
        return IIR_THRE;
    if ((u->ier & IER_MODEM) && (u->msr & 0x0f))
        return IIR_MODEM;
    return IIR_NONE;
}

static void update_irq(struct uart *u)
{
    irq_set(&u->irq, interrupt_id(u) != IIR_NONE);
}

/* Start bit, data, parity, stop bits; in ns. */
static uint64_t char_time(const struct uart *u)
{
    unsigned bits = 1 + 5 + (u->lcr & 3) + (u->lcr >> 3 & 1) + 1 + (u->lcr >> 2 & 1);

    return scale_up((uint64_t)bits * (u->divisor ? u->divisor : 1), NS, UART_CLOCK);
}

/* A character came or went: the FIFO's timeout begins anew. */
static void restart_timeout(struct uart *u)
{
    u->timeout = 0;
    u->timeout_at = 0;
    if (fifo_on(u) && u->count) {
        u->timeout_at = vclock_now(u->clock) + TIMEOUT_CHARS * char_time(u);
        vtimer_set(u->clock, &u->timer, u->timeout_at);
    } else {
        vtimer_cancel(u->clock, &u->timer);
    }
}

static void timer_fired(void *opaque)
{
    struct uart *u = opaque;

    u->timeout_at = 0;
    u->timeout = u->count != 0;
    update_irq(u);
}

/* Five bits are what reset leaves, but no PC's firmware: programs that never set up the line, under
 * firmware that does not either (SeaBIOS), mean eight. */
static uint8_t data_mask(const struct uart *u)
{
    return u->framed ? (uint8_t)(0xff >> (3 - (u->lcr & 3))) : 0xff;
}

static void push(struct uart *u, uint8_t data, uint8_t errors)
{
    if (u->count == capacity(u)) {
        u->overrun = 1;
        if (fifo_on(u))
            return; /* the shift register is lost, the FIFO stays */
        u->count = 0;
    }
    unsigned at = (u->head + u->count++) % FIFO_SIZE;
    u->fifo[at] = data & data_mask(u);
    u->errors[at] = errors;
}

static void clear_receiver(struct uart *u)
{
    u->head = u->count = 0;
    u->overrun = 0;
    restart_timeout(u);
}

/* Tell the host that there is room.  Last in every handler: the host may answer at once. */
static void accept_more(struct uart *u)
{
    if (u->chr && u->chr->accept && !(u->mcr & MCR_LOOP) && u->count < capacity(u))
        u->chr->accept(u->chr);
}

static size_t uart_receive(void *opaque, const uint8_t *data, size_t len)
{
    struct uart *u = opaque;
    size_t taken = 0;

    if (u->mcr & MCR_LOOP)
        return 0; /* the serial input is disconnected */
    while (taken < len && u->count < capacity(u))
        push(u, data[taken++], 0);
    if (taken) {
        restart_timeout(u);
        update_irq(u);
    }
    return taken;
}

static uint8_t read_rbr(struct uart *u)
{
    uint8_t data = u->fifo[u->head];

    if (!u->count)
        return data; /* the last one, as long as nothing came after it */
    u->errors[u->head] = 0;
    if (--u->count)
        u->head = (uint8_t)((u->head + 1) % FIFO_SIZE);
    restart_timeout(u);
    update_irq(u);
    accept_more(u);
    return data;
}

static void write_thr(struct uart *u, uint8_t data)
{
    /* The interrupt goes away with the write and comes back when the byte has left. */
    u->thre_pending = 0;
    update_irq(u);
    data &= data_mask(u);
    if (u->mcr & MCR_LOOP) {
        push(u, data, 0);
        restart_timeout(u);
    } else if (u->chr && u->chr->send) {
        u->chr->send(u->chr, &data, 1);
    }
    u->thre_pending = 1;
    update_irq(u);
}

static uint8_t read_iir(struct uart *u)
{
    uint8_t id = interrupt_id(u);

    if (id == IIR_THRE) {
        u->thre_pending = 0;
        update_irq(u);
    }
    return id | (fifo_on(u) ? IIR_FIFO : 0);
}

static void write_ier(struct uart *u, uint8_t value)
{
    /* The transmitter is always empty: enabling its interrupt raises it. */
    if (~u->ier & value & IER_THRE)
        u->thre_pending = 1;
    u->ier = value & IER_MASK;
    update_irq(u);
}

static void write_fcr(struct uart *u, uint8_t value)
{
    bool toggled = (u->fcr ^ value) & FCR_ENABLE;

    /* "Must be a 1 when other FCR bits are written to or they will not be programmed." */
    u->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    if (toggled || (value & (FCR_ENABLE | FCR_RESET_RX)) == (FCR_ENABLE | FCR_RESET_RX))
        clear_receiver(u);
    update_irq(u);
    accept_more(u);
}

static uint8_t read_lsr(struct uart *u)
{
    uint8_t lsr = LSR_EMPTY;

    if (u->overrun)
        lsr |= LSR_OE;
    if (u->count)
        lsr |= LSR_DR | u->errors[u->head];
    for (unsigned i = 0; fifo_on(u) && i < u->count; i++) {
        if (u->errors[(u->head + i) % FIFO_SIZE] & LSR_CHAR_ERRORS)
            lsr |= LSR_FIFO_ERROR;
    }
    u->overrun = 0;
    u->errors[u->head] = 0;
    if (lsr & LSR_ERRORS)
        update_irq(u);
    return lsr;
}

/* The modem's lines: an attached terminal is ready and carries; in loopback they are MCR's. */
static uint8_t modem_lines(const struct uart *u)
{
    uint8_t lines = 0;

    if (!(u->mcr & MCR_LOOP))
        return u->chr ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
    lines |= u->mcr & MCR_RTS ? MSR_CTS : 0;
    lines |= u->mcr & MCR_DTR ? MSR_DSR : 0;
    lines |= u->mcr & MCR_OUT1 ? MSR_RI : 0;
    lines |= u->mcr & MCR_OUT2 ? MSR_DCD : 0;
    return lines;
}

static void update_modem(struct uart *u)
{
    uint8_t lines = modem_lines(u);
    uint8_t changed = (u->msr ^ lines) & 0xf0;
    uint8_t delta = changed >> 4;

    if ((changed & MSR_RI) && (lines & MSR_RI))
        delta &= (uint8_t)~MSR_TERI; /* RI tells its trailing edge only */
    u->msr = lines | (u->msr & 0x0f) | delta;
}

static void write_mcr(struct uart *u, uint8_t value)
{
    u->mcr = value & MCR_MASK;
    update_modem(u);
    update_irq(u);
    accept_more(u);
}

static void write_lcr(struct uart *u, uint8_t value)
{
    bool breaks = ~u->lcr & value & LCR_BREAK;

    u->lcr = value;
    u->framed = 1;
    if (breaks && (u->mcr & MCR_LOOP)) {
        push(u, 0, LSR_BI);
        restart_timeout(u);
        update_irq(u);
    }
}

static uint8_t read_msr(struct uart *u)
{
    uint8_t msr = u->msr;

    u->msr &= 0xf0;
    update_irq(u);
    return msr;
}

static uint32_t uart_read(void *opaque, uint16_t offset, unsigned size)
{
    struct uart *u = opaque;
    bool dlab = u->lcr & LCR_DLAB;

    (void)size;
    switch (offset) {
    case 0:
        return dlab ? u->divisor & 0xff : read_rbr(u);
    case 1:
        return dlab ? u->divisor >> 8 : u->ier;
    case 2:
        return read_iir(u);
    case 3:
        return u->lcr;
    case 4:
        return u->mcr;
    case 5:
        return read_lsr(u);
    case 6:
        return read_msr(u);
    default:
        return u->scr;
    }
}

static void uart_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct uart *u = opaque;
    bool dlab = u->lcr & LCR_DLAB;
    uint8_t byte = (uint8_t)value;

    (void)size;
    switch (offset) {
    case 0:
        if (dlab)
            u->divisor = (u->divisor & 0xff00) | byte;
        else
            write_thr(u, byte);
        break;
    case 1:
        if (dlab)
            u->divisor = (uint16_t)((u->divisor & 0xff) | byte << 8);
        else
            write_ier(u, byte);
        break;
    case 2:
        write_fcr(u, byte);
        break;
    case 3:
        write_lcr(u, byte);
        break;
    case 4:
        write_mcr(u, byte);
        break;
    case 7:
        u->scr = byte;
        break;
    default: /* LSR and MSR: writes are for factory tests */
        break;
    }
}

static const struct io_ops uart_ops = {uart_read, uart_write, 1};

/* "Reset Configuration".  The divisor is not affected by MR; it is set to 9600 baud here so that
 * it has a value from the start. */
static void uart_reset(void *opaque)
{
    struct uart *u = opaque;

    u->ier = u->fcr = u->lcr = u->mcr = u->scr = 0;
    u->framed = 0;
    u->thre_pending = 0;
    u->divisor = 12;
    memset(u->errors, 0, sizeof(u->errors));
    u->msr = modem_lines(u);
    clear_receiver(u);
    update_irq(u);
}

static void uart_loaded(void *opaque)
{
    struct uart *u = opaque;

    u->head %= FIFO_SIZE;
    if (u->count > capacity(u))
        u->count = 0;
    if (u->timeout_at)
        vtimer_set(u->clock, &u->timer, u->timeout_at);
    else
        vtimer_cancel(u->clock, &u->timer);
    accept_more(u);
}

static const struct field uart_fields[] = {
    FIELD(struct uart, ier),
    FIELD(struct uart, fcr),
    FIELD(struct uart, lcr),
    FIELD(struct uart, mcr),
    FIELD(struct uart, msr),
    FIELD(struct uart, scr),
    FIELD(struct uart, overrun),
    FIELD(struct uart, thre_pending),
    FIELD(struct uart, timeout),
    FIELD(struct uart, head),
    FIELD(struct uart, count),
    FIELD(struct uart, divisor),
    FIELD_ARRAY(struct uart, fifo),
    FIELD_ARRAY(struct uart, errors),
    FIELD(struct uart, timeout_at),
    FIELD(struct uart, framed),
    FIELD_END,
};

static const struct device_class uart_class = {
    .name = "uart",
    .fields = uart_fields,
    .reset = uart_reset,
    .loaded = uart_loaded,
    .free = free,
};

struct uart *uart_init(struct board *board, uint16_t base, struct irq_line irq, struct chardev *chr)
{
    struct uart *u = device_alloc(sizeof(*u));

    u->clock = board->clock;
    u->irq = irq;
    u->chr = chr;
    if (chr) {
        chr->receive = uart_receive;
        chr->dev = u;
    }
    vtimer_init(&u->timer, "uart", timer_fired, u);
    bus_map(board->bus, "uart", base, 8, &uart_ops, u);
    device_add(board->devices, &uart_class, u);
    uart_reset(u);
    return u;
}
