/* The VMware backdoor: IN EAX, DX from port 5658h with a magic number in EAX, a command in CX and
 * an argument in EBX; results come back in the general registers.  Of its commands those that
 * drivers of the pointer need: the version, the size of memory, and the four of the pointer's queue
 * ("ABSPOINTER" in VMware's open-vm-tools, lib/include/backdoor_def.h, and in Linux's
 * drivers/input/mouse/vmmouse.c). */
#include "devices/vmmouse.h"

#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/pc.h"
#include "ringer/log.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

enum {
    PORT = 0x5658,

    GET_MEMORY = 20,
    GET_VERSION = 10,
    POINTER_DATA = 39,
    POINTER_STATUS = 40,
    POINTER_COMMAND = 41,
    POINTER_RESTRICT = 86,

    PROTOCOL_VERSION = 6,
    PRODUCT_WORKSTATION = 4,

    DISABLE = 0xf5,

    PACKET_WORDS = 4,
    RELATIVE_PACKET = 0x10000,
    BUTTON_LEFT = 0x20,
    BUTTON_RIGHT = 0x10,
    BUTTON_MIDDLE = 0x08,
    STATUS_ERROR = 0xffff, /* off, or more was read than there was */

    QUEUE_WORDS = 1024,
    RANGE = 0xffff,
};
#define MAGIC            0x564d5868u /* "VMXh" */
#define READ_ID          0x45414552u /* commands of POINTER_COMMAND: enable */
#define REQUEST_RELATIVE 0x4c455252u
#define REQUEST_ABSOLUTE 0x53424152u
#define POINTER_VERSION  0x3442554au

struct vmmouse {
    uint32_t *registers;
    struct i8042 *mouse;
    struct log *log;
    uint64_t ram_bytes;
    uint8_t on, absolute, nudge;
    uint16_t status;
    uint32_t queue[QUEUE_WORDS];
    uint32_t head, count;
};

static void clear(struct vmmouse *m)
{
    m->head = m->count = 0;
    m->status = 0;
}

static void put(struct vmmouse *m, uint32_t word)
{
    m->queue[(m->head + m->count++) % QUEUE_WORDS] = word;
}

/* Make the PS/2 mouse interrupt without moving it on the whole: drivers poll the queue then. */
static void wake_driver(struct vmmouse *m)
{
    m->nudge ^= 1;
    i8042_mouse(m->mouse, m->nudge ? 1 : -1, 0, 0, 0);
}

static uint32_t button_bits(unsigned buttons)
{
    return (buttons & 1 ? BUTTON_LEFT : 0) | (buttons & 2 ? BUTTON_RIGHT : 0) |
           (buttons & 4 ? BUTTON_MIDDLE : 0);
}

static void put_packet(struct vmmouse *m, uint32_t flags, uint32_t x, uint32_t y, int dz)
{
    /* A driver that does not read loses what is new; its pointer is right again at the next. */
    if (m->count + PACKET_WORDS > QUEUE_WORDS)
        return;
    put(m, flags);
    put(m, x);
    put(m, y);
    put(m, (uint32_t)dz);
    wake_driver(m);
}

bool vmmouse_enabled(const struct vmmouse *m)
{
    return m->on;
}

bool vmmouse_absolute(const struct vmmouse *m)
{
    return m->on && m->absolute;
}

void vmmouse_place(struct vmmouse *m, unsigned x, unsigned y, int dz, unsigned buttons)
{
    if (vmmouse_absolute(m))
        put_packet(m, button_bits(buttons), x < RANGE ? x : RANGE, y < RANGE ? y : RANGE, dz);
}

void vmmouse_move(struct vmmouse *m, int dx, int dy, int dz, unsigned buttons)
{
    if (m->on && !m->absolute)
        put_packet(m, RELATIVE_PACKET | button_bits(buttons), (uint32_t)dx, 0u - (uint32_t)dy, dz);
}

/* ---- commands ---- */

static void pointer_command(struct vmmouse *m, uint32_t command)
{
    switch (command) {
    case READ_ID:
        clear(m);
        m->on = 1;
        put(m, POINTER_VERSION);
        break;
    case DISABLE:
        clear(m);
        m->on = m->absolute = 0;
        m->status = STATUS_ERROR;
        break;
    case REQUEST_RELATIVE:
        m->absolute = 0;
        break;
    case REQUEST_ABSOLUTE:
        m->absolute = 1;
        break;
    default:
        log_unimp(m->log, "vmmouse: command %08x", command);
        break;
    }
}

/* COUNT words to EAX (returned), EBX, ECX, EDX, ESI, EDI. */
static uint32_t pointer_data(struct vmmouse *m, uint32_t count)
{
    static const uint8_t order[6] = {EAX, EBX, ECX, EDX, ESI, EDI};
    uint32_t words[6] = {0};

    if (count == 0 || count > 6 || count > m->count) {
        log_guest_error(m->log, "vmmouse: %u words read, there are %u", count, m->count);
        m->status = STATUS_ERROR;
        return UINT32_MAX;
    }
    for (uint32_t i = 0; i < count; i++) {
        words[i] = m->queue[m->head];
        m->head = (m->head + 1) % QUEUE_WORDS;
    }
    m->count -= count;
    for (uint32_t i = 1; i < count; i++)
        m->registers[order[i]] = words[i];
    return words[0];
}

static uint32_t run_command(struct vmmouse *m)
{
    uint32_t *r = m->registers, argument = r[EBX];

    switch (r[ECX] & 0xffff) {
    case GET_VERSION:
        r[EBX] = MAGIC;
        r[ECX] = PRODUCT_WORKSTATION;
        return PROTOCOL_VERSION;
    case GET_MEMORY:
        r[EBX] = 0x1177; /* what the hypervisor leaves there */
        return (uint32_t)(m->ram_bytes >> 20);
    case POINTER_DATA:
        return pointer_data(m, argument);
    case POINTER_STATUS:
        return (uint32_t)m->status << 16 | m->count;
    case POINTER_COMMAND:
        pointer_command(m, argument);
        return 0;
    case POINTER_RESTRICT: /* who may use the commands: the privilege to use ports decides */
        return 0;
    default:
        log_unimp(m->log, "VMware backdoor command %u", r[ECX] & 0xffff);
        return UINT32_MAX;
    }
}

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    struct vmmouse *m = dev;

    if (offset || size != 4 || m->registers[EAX] != MAGIC)
        return UINT32_MAX;
    return run_command(m);
}

/* ---- life ---- */

static void reset(void *dev)
{
    struct vmmouse *m = dev;

    clear(m);
    m->on = m->absolute = m->nudge = 0;
    m->status = STATUS_ERROR;
}

static void loaded(void *dev)
{
    struct vmmouse *m = dev;

    m->head %= QUEUE_WORDS;
    if (m->count > QUEUE_WORDS)
        m->count = 0;
}

static const struct field fields[] = {
    FIELD(struct vmmouse, on),          FIELD(struct vmmouse, absolute),
    FIELD(struct vmmouse, nudge),       FIELD(struct vmmouse, status),
    FIELD_ARRAY(struct vmmouse, queue), FIELD(struct vmmouse, head),
    FIELD(struct vmmouse, count),       FIELD_END,
};

static const struct device_class class = {
    .name = "vmmouse",
    .fields = fields,
    .reset = reset,
    .loaded = loaded,
    .free = free,
};

struct vmmouse *vmmouse_init(struct board *board, uint32_t *registers, struct i8042 *mouse,
                             uint64_t ram_bytes)
{
    static const struct io_ops ops = {port_read, NULL, 4};
    struct vmmouse *m = device_alloc(sizeof *m);

    m->registers = registers;
    m->mouse = mouse;
    m->log = board->log;
    m->ram_bytes = ram_bytes;
    reset(m);
    bus_map(board->bus, "vmport", PORT, 4, &ops, m);
    device_add(board->devices, &class, m);
    return m;
}
