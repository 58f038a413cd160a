/* PS/2 mouse with wheel and side buttons (IBM PS/2 Hardware Interface Technical Reference,
 * "Auxiliary Device"; Microsoft, "Windows and the 5-Button Wheel Mouse" for the 4-byte packets and
 * the sample rate sequences that switch them on).
 *
 * The resolution is kept and reported but scales nothing: the host's pointer has scaled its
 * motion already. */
#include <stdlib.h>
#include <string.h>

#include "devices/clock.h"
#include "devices/internal.h"
#include "devices/ps2.h"

enum {
    REPLY_ACK = 0xfa,
    REPLY_ERROR = 0xfc,
    REPLY_RESEND = 0xfe,
    REPLY_BAT_OK = 0xaa,

    CMD_SCALE_1_1 = 0xe6,
    CMD_SCALE_2_1 = 0xe7,
    CMD_RESOLUTION = 0xe8,
    CMD_STATUS = 0xe9,
    CMD_STREAM = 0xea,
    CMD_READ_DATA = 0xeb,
    CMD_RESET_WRAP = 0xec,
    CMD_WRAP = 0xee,
    CMD_REMOTE = 0xf0,
    CMD_ID = 0xf2,
    CMD_RATE = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DISABLE = 0xf5,
    CMD_DEFAULTS = 0xf6,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,

    ID_PLAIN = 0,
    ID_WHEEL = 3,
    ID_BUTTONS = 4,

    STATUS_REMOTE = 0x40,
    STATUS_ENABLED = 0x20,
    STATUS_SCALED = 0x10,

    PACKET_ALWAYS = 0x08,
    PACKET_X_SIGN = 0x10,
    PACKET_Y_SIGN = 0x20,

    DEFAULT_RATE = 100,
    DEFAULT_RESOLUTION = 2,
    MAX_MOTION = 255, /* of one packet */
    MAX_ACCUMULATED = 4095,
    NS = 1000000000,
};

struct ps2mouse {
    struct ps2_wire wire;
    struct vclock *clock;
    struct vtimer timer;
    struct ps2_queue queue;
    uint8_t enabled, remote, wrap, scaled;
    uint8_t resolution, rate, id;
    uint8_t command;  /* the command that waits for its argument, 0 for none */
    uint8_t refused;  /* the last byte was refused once already */
    uint8_t rates[3]; /* the last sample rates, oldest first: the knock */
    uint8_t buttons, buttons_sent;
    int32_t dx, dy, dz;            /* motion not yet reported; DY downwards */
    uint8_t packet[4], packet_len; /* the last report or reply, for "resend" */
    uint64_t next_report;          /* ns */
};

static int clamp(int value, int limit)
{
    return value > limit ? limit : value < -limit ? -limit : value;
}

/* "Set Scaling 2:1": of reports in stream mode. */
static int scale(const struct ps2mouse *m, int value, bool stream)
{
    static const uint8_t table[6] = {0, 1, 1, 3, 6, 9};
    int size = abs(value);

    if (!m->scaled || !stream)
        return value;
    size = size < 6 ? table[size] : 2 * size;
    return value < 0 ? -size : size;
}

/* Make the report of what was accumulated; what does not fit stays for the next one. */
static void make_packet(struct ps2mouse *m, bool stream)
{
    int dx = clamp(m->dx, MAX_MOTION), dy = clamp(m->dy, MAX_MOTION);
    int x = clamp(scale(m, dx, stream), MAX_MOTION);
    int y = -clamp(scale(m, dy, stream), MAX_MOTION); /* upwards */
    int z = clamp(m->dz, 7);

    m->dx -= dx;
    m->dy -= dy;
    m->packet[0] = (uint8_t)(PACKET_ALWAYS | (m->buttons & 7) | (x < 0 ? PACKET_X_SIGN : 0) |
                             (y < 0 ? PACKET_Y_SIGN : 0));
    m->packet[1] = (uint8_t)x;
    m->packet[2] = (uint8_t)y;
    m->packet_len = 3;
    if (m->id == ID_PLAIN) {
        m->dz = 0;
    } else {
        m->dz -= z;
        m->packet[3] = (uint8_t)z;
        if (m->id == ID_BUTTONS)
            m->packet[3] = (uint8_t)((z & 15) | (m->buttons & 0x18) << 1);
        m->packet_len = 4;
    }
    m->buttons_sent = m->buttons;
}

static bool streaming(const struct ps2mouse *m)
{
    return m->enabled && !m->remote && !m->wrap;
}

static bool something_to_report(const struct ps2mouse *m)
{
    return m->dx || m->dy || (m->dz && m->id != ID_PLAIN) || m->buttons != m->buttons_sent;
}

static void send_report(struct ps2mouse *m)
{
    make_packet(m, true);
    ps2_put(&m->queue, m->packet, m->packet_len);
    m->next_report = vclock_now(m->clock) + NS / (m->rate ? m->rate : DEFAULT_RATE);
}

/* Stream mode: a report when there is something new, the last one has left and the sample rate
 * allows it.  The caller tells the controller. */
static void stream(struct ps2mouse *m)
{
    if (!streaming(m) || m->queue.count || !something_to_report(m))
        return;
    if (vclock_now(m->clock) >= m->next_report)
        send_report(m);
    else
        vtimer_set(m->clock, &m->timer, m->next_report);
}

static void timer_fired(void *opaque)
{
    struct ps2mouse *m = opaque;

    stream(m);
    m->wire.ready(m->wire.opaque);
}

void ps2mouse_move(struct ps2mouse *m, int dx, int dy, int dz, unsigned buttons)
{
    buttons &= 0x1f;
    /* A click must not vanish between two samples: a second change sends the first one off. */
    if (streaming(m) && buttons != m->buttons && m->buttons != m->buttons_sent &&
        m->queue.count + 8 <= PS2_QUEUE_SIZE)
        send_report(m);
    m->buttons = (uint8_t)buttons;
    m->dx = clamp(m->dx + clamp(dx, MAX_ACCUMULATED), MAX_ACCUMULATED);
    m->dy = clamp(m->dy + clamp(dy, MAX_ACCUMULATED), MAX_ACCUMULATED);
    m->dz = clamp(m->dz + clamp(dz, MAX_ACCUMULATED), MAX_ACCUMULATED);
    stream(m);
    m->wire.ready(m->wire.opaque);
}

bool ps2mouse_waiting(const struct ps2mouse *m)
{
    return ps2_waiting(&m->queue);
}

bool ps2mouse_replying(const struct ps2mouse *m)
{
    return m->queue.reply_count;
}

/* The controller is about to be busy with the byte and comes back by itself: it is not told of a
 * report that follows at once. */
bool ps2mouse_take(struct ps2mouse *m, uint8_t *byte, bool *is_reply)
{
    bool taken = ps2_take(&m->queue, byte, is_reply);

    if (taken)
        stream(m);
    return taken;
}

static void drop_motion(struct ps2mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->buttons_sent = m->buttons;
    m->queue.head = m->queue.count = 0;
    m->next_report = 0;
}

static void set_defaults(struct ps2mouse *m)
{
    m->enabled = m->remote = m->wrap = m->scaled = 0;
    m->resolution = DEFAULT_RESOLUTION;
    m->rate = DEFAULT_RATE;
    m->command = m->refused = 0;
    drop_motion(m);
}

/* Reply with PACKET, which "resend" repeats. */
static void reply_packet(struct ps2mouse *m)
{
    for (unsigned i = 0; i < m->packet_len; i++)
        ps2_reply(&m->queue, m->packet[i]);
}

static void reply_status(struct ps2mouse *m)
{
    unsigned b = m->buttons;

    m->packet[0] =
        (uint8_t)((m->remote ? STATUS_REMOTE : 0) | (m->enabled ? STATUS_ENABLED : 0) |
                  (m->scaled ? STATUS_SCALED : 0) | (b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1);
    m->packet[1] = m->resolution;
    m->packet[2] = m->rate;
    m->packet_len = 3;
    reply_packet(m);
}

static void set_rate(struct ps2mouse *m, uint8_t rate)
{
    static const uint8_t wheel[3] = {200, 100, 80}, five_buttons[3] = {200, 200, 80};

    m->rate = rate;
    m->rates[0] = m->rates[1];
    m->rates[1] = m->rates[2];
    m->rates[2] = rate;
    if (!memcmp(m->rates, wheel, 3))
        m->id = ID_WHEEL;
    else if (!memcmp(m->rates, five_buttons, 3))
        m->id = ID_BUTTONS;
}

/* "Invalid input": the first time the byte is asked for again, the second time it is an error. */
static void refuse(struct ps2mouse *m)
{
    ps2_reply(&m->queue, m->refused ? REPLY_ERROR : REPLY_RESEND);
    m->refused ^= 1;
}

/* True when BYTE was the argument of the command before. */
static bool take_argument(struct ps2mouse *m, uint8_t byte)
{
    uint8_t command = m->command;

    m->command = 0;
    if (!command || byte == CMD_RESET)
        return false;
    if (command == CMD_RATE ? byte < 10 || byte > 200 : byte > 3) {
        refuse(m);
        if (m->refused)
            m->command = command;
        return true;
    }
    m->refused = 0;
    if (command == CMD_RATE)
        set_rate(m, byte);
    else
        m->resolution = byte;
    ps2_reply(&m->queue, REPLY_ACK);
    return true;
}

static void reset_command(struct ps2mouse *m)
{
    set_defaults(m);
    m->id = ID_PLAIN;
    m->packet_len = 0;
    memset(m->rates, 0, sizeof(m->rates));
    ps2_reply(&m->queue, REPLY_ACK);
    ps2_reply(&m->queue, REPLY_BAT_OK);
    ps2_reply(&m->queue, m->id);
}

/* Commands that set a mode; each drops the motion not yet reported.  False: not one of them. */
static bool run_mode_command(struct ps2mouse *m, uint8_t command)
{
    switch (command) {
    case CMD_STREAM:
        m->remote = 0;
        break;
    case CMD_REMOTE:
        m->remote = 1;
        break;
    case CMD_WRAP:
        m->wrap = 1;
        break;
    case CMD_ENABLE:
        m->enabled = 1;
        break;
    case CMD_DISABLE:
        m->enabled = 0;
        break;
    case CMD_DEFAULTS:
        set_defaults(m);
        break;
    default:
        return false;
    }
    drop_motion(m);
    m->refused = 0;
    ps2_reply(&m->queue, REPLY_ACK);
    return true;
}

static void run_command(struct ps2mouse *m, uint8_t command)
{
    if (run_mode_command(m, command))
        return;
    if (command == CMD_RESET) {
        reset_command(m);
        return;
    }
    if (command == CMD_RESEND) { /* the one command that is not acknowledged */
        if (m->packet_len)
            reply_packet(m);
        else
            ps2_reply(&m->queue, m->queue.last);
        return;
    }
    switch (command) {
    case CMD_SCALE_1_1:
    case CMD_SCALE_2_1:
        m->scaled = command == CMD_SCALE_2_1;
        ps2_reply(&m->queue, REPLY_ACK);
        break;
    case CMD_RESET_WRAP:
        ps2_reply(&m->queue, REPLY_ACK);
        break;
    case CMD_RATE:
    case CMD_RESOLUTION:
        m->command = command;
        ps2_reply(&m->queue, REPLY_ACK);
        break;
    case CMD_STATUS:
        ps2_reply(&m->queue, REPLY_ACK);
        reply_status(m);
        break;
    case CMD_READ_DATA:
        ps2_reply(&m->queue, REPLY_ACK);
        make_packet(m, false);
        reply_packet(m);
        break;
    case CMD_ID:
        ps2_reply(&m->queue, REPLY_ACK);
        ps2_reply(&m->queue, m->id);
        break;
    default:
        refuse(m);
        return;
    }
    m->refused = 0;
}

void ps2mouse_write(struct ps2mouse *m, uint8_t byte)
{
    ps2_drop_replies(&m->queue);
    if (m->wrap && byte == CMD_RESET_WRAP) {
        m->wrap = 0;
        ps2_reply(&m->queue, REPLY_ACK);
    } else if (m->wrap && byte != CMD_RESET) {
        ps2_reply(&m->queue, byte);
    } else if (!take_argument(m, byte)) {
        run_command(m, byte);
    }
    m->wire.ready(m->wire.opaque);
}

static void mouse_reset(void *opaque)
{
    struct ps2mouse *m = opaque;

    ps2_clear(&m->queue);
    set_defaults(m);
    m->id = ID_PLAIN;
    m->packet_len = 0;
    memset(m->rates, 0, sizeof(m->rates));
    vtimer_cancel(m->clock, &m->timer);
}

static void mouse_loaded(void *opaque)
{
    struct ps2mouse *m = opaque;

    vtimer_cancel(m->clock, &m->timer);
    ps2_restored(&m->queue);
    if (m->packet_len > sizeof m->packet)
        m->packet_len = 0;
    m->dx = clamp(m->dx, MAX_ACCUMULATED);
    m->dy = clamp(m->dy, MAX_ACCUMULATED);
    m->dz = clamp(m->dz, MAX_ACCUMULATED);
    stream(m);
    m->wire.ready(m->wire.opaque);
}

static const struct field mouse_fields[] = {
    PS2_QUEUE_FIELDS(struct ps2mouse, queue),
    FIELD(struct ps2mouse, enabled),
    FIELD(struct ps2mouse, remote),
    FIELD(struct ps2mouse, wrap),
    FIELD(struct ps2mouse, scaled),
    FIELD(struct ps2mouse, resolution),
    FIELD(struct ps2mouse, rate),
    FIELD(struct ps2mouse, id),
    FIELD(struct ps2mouse, command),
    FIELD(struct ps2mouse, refused),
    FIELD_ARRAY(struct ps2mouse, rates),
    FIELD(struct ps2mouse, buttons),
    FIELD(struct ps2mouse, buttons_sent),
    FIELD(struct ps2mouse, dx),
    FIELD(struct ps2mouse, dy),
    FIELD(struct ps2mouse, dz),
    FIELD_ARRAY(struct ps2mouse, packet),
    FIELD(struct ps2mouse, packet_len),
    FIELD(struct ps2mouse, next_report),
    FIELD_END,
};

static const struct device_class mouse_class = {
    .name = "ps2-mouse",
    .fields = mouse_fields,
    .reset = mouse_reset,
    .loaded = mouse_loaded,
    .free = free,
};

struct ps2mouse *ps2mouse_new(struct board *board, struct ps2_wire wire)
{
    struct ps2mouse *m = device_alloc(sizeof(*m));

    m->wire = wire;
    m->clock = board->clock;
    vtimer_init(&m->timer, "ps2-mouse", timer_fired, m);
    mouse_reset(m);
    device_add(board->devices, &mouse_class, m);
    return m;
}
