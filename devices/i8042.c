/* 8042 keyboard and auxiliary device controller, and port 92h (IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller"; port 92h: "System Control
 * Port A").
 *
 * The output buffer holds one byte.  After it was read it keeps its value, and the next byte
 * comes only after the time that its way over the serial line takes: programs that hook INT 9
 * read port 60h first and let the old handler read the same code again.  Replies and the mouse's
 * bytes follow each other at once.  Nobody reads them twice, but many wait for them by counting
 * polls, which take a microsecond on an ISA bus and a fiftieth of that here: a reply that came
 * after they had given up would be taken for the answer to their next command.
 *
 * A20 is one latch here, written by the output port and by port 92h alike and read back from
 * both, although boards or the two: so each way of switching the gate works alone. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"
#include "devices/ps2.h"
#include "ringer/log.h"

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_COMMAND = 0x08, /* the last write went to 64h */
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX = 0x20,

    MODE_IRQ1 = 0x01, /* the command byte, RAM address 0 */
    MODE_IRQ12 = 0x02,
    MODE_SYS = 0x04,
    MODE_KBD_OFF = 0x10,
    MODE_AUX_OFF = 0x20,
    MODE_TRANSLATE = 0x40,
    MODE_AFTER_POST = MODE_IRQ1 | MODE_SYS | MODE_AUX_OFF | MODE_TRANSLATE,

    OUT_RUN = 0x01, /* low: reset */
    OUT_A20 = 0x02,
    OUT_IRQ1 = 0x10,
    OUT_IRQ12 = 0x20,
    OUT_KBD_CLOCK = 0x40,
    OUT_KBD_DATA = 0x80,

    INPUT_PORT = 0xb0, /* not locked, colour display, no jumper, RAM enabled */

    PORT92_RESET = 0x01,
    PORT92_A20 = 0x02,
    PORT92_STORED = 0xf8, /* lock, watchdog, disk lights: kept only */

    /* Bytes of the controller itself carry their kind in the queue. */
    OWN_AUX = 0x100,
    OWN_QUEUE = 32,

    KEY_TIME_NS = 1000000, /* from reading a scan code to the next byte: 11 bits at 11 kHz */
};

struct i8042 {
    struct vclock *clock;
    struct log *log;
    struct irq_line irq1, irq12, a20, reset;
    struct vtimer timer;
    struct ps2kbd *kbd;
    struct ps2mouse *mouse;
    uint8_t output; /* the output buffer's byte; it survives its reading */
    uint8_t status; /* OBF, AUX and COMMAND bits */
    uint8_t is_key; /* the byte in the output buffer is a scan code */
    uint8_t ram[32];
    uint8_t command;    /* the command that waits for a byte at 60h, 0 for none */
    uint8_t password;   /* a password is being loaded */
    uint8_t poll_input; /* C1h, C2h: which half of the input port shows in the status */
    uint8_t breaking;   /* translation saw F0h */
    uint8_t a20_on, port92;
    uint8_t own_head, own_count;
    uint16_t own[OWN_QUEUE];
    uint64_t ready_at; /* ns: when the next scan code or mouse report may come */
};

static void update_irqs(struct i8042 *k)
{
    bool full = k->status & STATUS_OBF, aux = k->status & STATUS_AUX;

    irq_set(&k->irq1, full && !aux && (k->ram[0] & MODE_IRQ1));
    irq_set(&k->irq12, full && aux && (k->ram[0] & MODE_IRQ12));
}

static void fill(struct i8042 *k, uint8_t byte, bool aux, bool is_key)
{
    k->output = byte;
    k->is_key = is_key;
    k->status |= STATUS_OBF;
    k->status = (uint8_t)((k->status & ~STATUS_AUX) | (aux ? STATUS_AUX : 0));
    update_irqs(k);
}

/* Set 2 to set 1: F0h is swallowed and makes the next code a break.  False: nothing to show. */
static bool translate(struct i8042 *k, uint8_t *byte)
{
    if (*byte == 0xf0) {
        k->breaking = 0x80;
        return false;
    }
    *byte = ps2_set2_to_set1(*byte) | k->breaking;
    k->breaking = 0;
    return true;
}

static bool fill_from_keyboard(struct i8042 *k)
{
    uint8_t byte;
    bool is_reply;

    if (k->ram[0] & MODE_KBD_OFF)
        return false;
    while (ps2kbd_take(k->kbd, &byte, &is_reply)) {
        if ((k->ram[0] & MODE_TRANSLATE) && !translate(k, &byte))
            continue;
        fill(k, byte, false, !is_reply);
        return true;
    }
    return false;
}

static bool fill_from_mouse(struct i8042 *k)
{
    uint8_t byte;
    bool is_reply;

    if ((k->ram[0] & MODE_AUX_OFF) || !ps2mouse_take(k->mouse, &byte, &is_reply))
        return false;
    fill(k, byte, true, false);
    return true;
}

static bool devices_waiting(const struct i8042 *k)
{
    return (!(k->ram[0] & MODE_KBD_OFF) && ps2kbd_waiting(k->kbd)) ||
           (!(k->ram[0] & MODE_AUX_OFF) && ps2mouse_waiting(k->mouse));
}

/* Replies first, and at once; what else there is when its time has come. */
static void fill_from_devices(struct i8042 *k)
{
    bool kbd_reply = !(k->ram[0] & MODE_KBD_OFF) && ps2kbd_replying(k->kbd);
    bool mouse_reply = !(k->ram[0] & MODE_AUX_OFF) && ps2mouse_replying(k->mouse);

    if (!kbd_reply && !mouse_reply && vclock_now(k->clock) < k->ready_at) {
        vtimer_set(k->clock, &k->timer, k->ready_at);
        return;
    }
    if (mouse_reply && !kbd_reply)
        fill_from_mouse(k);
    else if (!fill_from_keyboard(k))
        fill_from_mouse(k);
}

/* Put the next byte into the output buffer if that is empty.  The controller's own bytes go
 * first. */
static void pump(struct i8042 *k)
{
    if (k->status & STATUS_OBF)
        return;
    if (k->own_count) {
        uint16_t byte = k->own[k->own_head];

        k->own_head = (uint8_t)((k->own_head + 1) % OWN_QUEUE);
        k->own_count--;
        fill(k, (uint8_t)byte, byte & OWN_AUX, false);
    } else if (devices_waiting(k)) {
        fill_from_devices(k);
    }
}

static void pump_opaque(void *opaque)
{
    pump(opaque);
}

static void reply(struct i8042 *k, uint16_t byte)
{
    if (k->own_count < OWN_QUEUE)
        k->own[(k->own_head + k->own_count++) % OWN_QUEUE] = byte;
    pump(k);
}

/* Last in every handler: the wire may reset this very device. */
static void pulse_reset(struct i8042 *k)
{
    irq_set(&k->reset, 1);
    irq_set(&k->reset, 0);
}

static void set_a20(struct i8042 *k, bool on)
{
    k->a20_on = on;
    irq_set(&k->a20, on);
}

static uint8_t output_port(const struct i8042 *k)
{
    uint8_t value = OUT_RUN | OUT_KBD_DATA;

    value |= k->a20_on ? OUT_A20 : 0;
    value |= k->ram[0] & MODE_KBD_OFF ? 0 : OUT_KBD_CLOCK;
    if (k->status & STATUS_OBF)
        value |= k->status & STATUS_AUX ? OUT_IRQ12 : OUT_IRQ1;
    return value;
}

static void write_output_port(struct i8042 *k, uint8_t value)
{
    set_a20(k, value & OUT_A20);
    if (!(value & OUT_RUN))
        pulse_reset(k);
}

static void write_ram(struct i8042 *k, unsigned address, uint8_t value)
{
    k->ram[address] = value;
    if (address == 0) {
        update_irqs(k);
        pump(k);
    }
}

static void set_mode(struct i8042 *k, uint8_t bits, bool on)
{
    write_ram(k, 0, (uint8_t)(on ? k->ram[0] | bits : k->ram[0] & ~bits));
}

/* ACh: RAM, input port, output port, status, as hexadecimal scan codes on the AT; the plain bytes
 * here. */
static void diagnostic_dump(struct i8042 *k)
{
    for (int i = 0; i < 16; i++)
        reply(k, k->ram[i]);
    reply(k, INPUT_PORT);
    reply(k, output_port(k));
    reply(k, k->status);
}

static void run_command(struct i8042 *k, uint8_t command)
{
    switch (command) {
    case 0xa1: /* firmware version: none */
        reply(k, 0);
        break;
    case 0xa4: /* test password: not installed */
        reply(k, 0xf1);
        break;
    case 0xa5: /* load password: bytes at 60h up to a zero */
        k->password = 1;
        break;
    case 0xa6: /* enable password: there is none */
        break;
    case 0xa7:
        set_mode(k, MODE_AUX_OFF, true);
        break;
    case 0xa8:
        set_mode(k, MODE_AUX_OFF, false);
        break;
    case 0xa9: /* auxiliary interface test */
    case 0xab: /* keyboard interface test */
        reply(k, 0x00);
        break;
    case 0xaa: /* self test */
        k->ram[0] |= MODE_SYS;
        reply(k, 0x55);
        break;
    case 0xac:
        diagnostic_dump(k);
        break;
    case 0xad:
        set_mode(k, MODE_KBD_OFF, true);
        break;
    case 0xae:
        set_mode(k, MODE_KBD_OFF, false);
        break;
    case 0xc0:
        reply(k, INPUT_PORT);
        break;
    case 0xc1:
    case 0xc2:
        k->poll_input = command;
        break;
    case 0xd0:
        reply(k, output_port(k));
        break;
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4:
        k->command = command;
        break;
    case 0xdd: /* A20 off and on, as many chip sets have them */
    case 0xdf:
        set_a20(k, command == 0xdf);
        break;
    case 0xe0: /* test inputs: the two clock lines */
        reply(k, (k->ram[0] & MODE_KBD_OFF ? 0 : 1) | (k->ram[0] & MODE_AUX_OFF ? 0 : 2));
        break;
    default:
        log_guest_error(k->log, "8042: command %02x", command);
        break;
    }
}

static void write_command(struct i8042 *k, uint8_t command)
{
    k->status |= STATUS_COMMAND;
    k->command = 0;
    k->password = 0;
    k->poll_input = 0;
    if (command >= 0x20 && command < 0x40)
        reply(k, k->ram[command & 0x1f]);
    else if (command >= 0x60 && command < 0x80)
        k->command = command;
    else if (command < 0xf0)
        run_command(k, command);
    else if (!(command & OUT_RUN)) /* F0h..FFh pulse the bits that are zero; 0 is reset */
        pulse_reset(k);
}

static void write_data(struct i8042 *k, uint8_t value)
{
    uint8_t command = k->command;

    k->status &= (uint8_t)~STATUS_COMMAND;
    k->command = 0;
    if (k->password) {
        k->password = value != 0;
        return;
    }
    switch (command) {
    case 0: /* sending enables the interface; the reply comes before what was held back */
        k->ram[0] &= (uint8_t)~MODE_KBD_OFF;
        ps2kbd_write(k->kbd, value);
        break;
    case 0xd1:
        write_output_port(k, value);
        break;
    case 0xd2:
        reply(k, value);
        break;
    case 0xd3:
        reply(k, value | OWN_AUX);
        break;
    case 0xd4:
        k->ram[0] &= (uint8_t)~MODE_AUX_OFF;
        ps2mouse_write(k->mouse, value);
        break;
    default:
        write_ram(k, command & 0x1f, value);
        break;
    }
}

static uint8_t read_data(struct i8042 *k)
{
    uint8_t byte = k->output;

    if (k->status & STATUS_OBF) {
        if (k->is_key)
            k->ready_at = vclock_now(k->clock) + KEY_TIME_NS;
        k->status &= (uint8_t) ~(STATUS_OBF | STATUS_AUX);
        update_irqs(k);
        pump(k);
    }
    return byte;
}

static uint8_t read_status(struct i8042 *k)
{
    uint8_t status = k->status | STATUS_UNLOCKED | (k->ram[0] & MODE_SYS ? STATUS_SYS : 0);

    if (k->poll_input == 0xc1)
        status = (uint8_t)((status & 0x0f) | INPUT_PORT << 4);
    else if (k->poll_input == 0xc2)
        status = (status & 0x0f) | (INPUT_PORT & 0xf0);
    return status;
}

static uint32_t data_port_read(void *opaque, uint16_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return read_data(opaque);
}

static void data_port_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    (void)offset;
    (void)size;
    write_data(opaque, (uint8_t)value);
}

static uint32_t command_port_read(void *opaque, uint16_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return read_status(opaque);
}

static void command_port_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    (void)offset;
    (void)size;
    write_command(opaque, (uint8_t)value);
}

static uint32_t port92_read(void *opaque, uint16_t offset, unsigned size)
{
    struct i8042 *k = opaque;

    (void)offset;
    (void)size;
    return k->port92 | (k->a20_on ? PORT92_A20 : 0);
}

static void port92_write(void *opaque, uint16_t offset, uint32_t value, unsigned size)
{
    struct i8042 *k = opaque;
    bool resets = ~k->port92 & value & PORT92_RESET;

    (void)offset;
    (void)size;
    k->port92 = value & (PORT92_STORED | PORT92_RESET);
    set_a20(k, value & PORT92_A20);
    if (resets)
        pulse_reset(k);
}

static const struct io_ops data_port_ops = {data_port_read, data_port_write, 1};
static const struct io_ops command_port_ops = {command_port_read, command_port_write, 1};
static const struct io_ops port92_ops = {port92_read, port92_write, 1};

/* The state that POST leaves: self test passed, keyboard on with its interrupt and translation,
 * auxiliary port off, A20 on. */
static void i8042_reset(void *opaque)
{
    struct i8042 *k = opaque;

    k->output = k->status = k->is_key = 0;
    memset(k->ram, 0, sizeof(k->ram));
    k->ram[0] = MODE_AFTER_POST;
    k->command = k->password = k->poll_input = k->breaking = 0;
    k->port92 = 0;
    k->own_head = k->own_count = 0;
    k->ready_at = 0;
    vtimer_cancel(k->clock, &k->timer);
    update_irqs(k);
    set_a20(k, true);
}

static void i8042_loaded(void *opaque)
{
    struct i8042 *k = opaque;

    vtimer_cancel(k->clock, &k->timer);
    k->own_head %= OWN_QUEUE;
    if (k->own_count > OWN_QUEUE)
        k->own_count = 0;
    irq_set(&k->a20, k->a20_on);
    pump(k);
}

static const struct field i8042_fields[] = {
    FIELD(struct i8042, output),     FIELD(struct i8042, status),   FIELD(struct i8042, is_key),
    FIELD_ARRAY(struct i8042, ram),  FIELD(struct i8042, command),  FIELD(struct i8042, password),
    FIELD(struct i8042, poll_input), FIELD(struct i8042, breaking), FIELD(struct i8042, a20_on),
    FIELD(struct i8042, port92),     FIELD(struct i8042, own_head), FIELD(struct i8042, own_count),
    FIELD_ARRAY(struct i8042, own),  FIELD(struct i8042, ready_at), FIELD_END,
};

static const struct device_class i8042_class = {
    .name = "i8042",
    .fields = i8042_fields,
    .reset = i8042_reset,
    .loaded = i8042_loaded,
    .free = free,
};

struct i8042 *i8042_init(struct board *board, struct irq_line irq1, struct irq_line irq12,
                         struct irq_line a20, struct irq_line reset)
{
    struct i8042 *k = device_alloc(sizeof(*k));
    struct ps2_wire wire = {pump_opaque, k};

    k->clock = board->clock;
    k->log = board->log;
    k->irq1 = irq1;
    k->irq12 = irq12;
    k->a20 = a20;
    k->reset = reset;
    vtimer_init(&k->timer, "i8042", pump_opaque, k);
    k->kbd = ps2kbd_new(board, wire);
    k->mouse = ps2mouse_new(board, wire);
    bus_map(board->bus, "i8042", 0x60, 1, &data_port_ops, k);
    bus_map(board->bus, "i8042", 0x64, 1, &command_port_ops, k);
    bus_map(board->bus, "port92", 0x92, 1, &port92_ops, k);
    device_add(board->devices, &i8042_class, k);
    i8042_reset(k);
    return k;
}

void i8042_key(struct i8042 *k, uint16_t set1_code, bool down)
{
    ps2kbd_key(k->kbd, set1_code, down);
}

/* Directions and buttons as in ps2mouse_move. */
void i8042_mouse(struct i8042 *k, int dx, int dy, int dz, unsigned buttons)
{
    ps2mouse_move(k->mouse, dx, dy, dz, buttons);
}

unsigned i8042_leds(struct i8042 *k)
{
    return ps2kbd_leds(k->kbd);
}

bool i8042_queue_room(struct i8042 *k)
{
    return ps2kbd_room(k->kbd);
}
