/* Roland's MPU-401 (MPU-401 Technical Reference Manual), of which Sound Blasters have what the UART
 * mode needs: commands are acknowledged, bytes written are taken for what goes out, and lost, as
 * nothing is connected.  Nothing comes in either, so it never interrupts: an acknowledge does not,
 * as drivers wait for that. */
#include "devices/mpu401.h"

#include <stdlib.h>
#include <string.h>

#include "devices/bus.h"
#include "devices/internal.h"
#include "ringer/log.h"

enum {
    DATA = 0,
    STATUS = 1, /* commands when written */
    STATUS_EMPTY = 0x80,
    ACKNOWLEDGE = 0xfe,
    QUEUE = 4,

    COMMAND_UART = 0x3f,
    COMMAND_VERSION = 0xac,
    COMMAND_REVISION = 0xad,
    COMMAND_RESET = 0xff,
    VERSION = 0x15,
    REVISION = 0x01,
};

struct mpu401 {
    struct log *log;
    uint8_t uart; /* mode; the other one is called intelligent */
    uint8_t queue[QUEUE], queued, last;
};

static void answer(struct mpu401 *m, uint8_t value)
{
    if (m->queued < QUEUE)
        m->queue[m->queued++] = value;
}

static uint32_t port_read(void *dev, uint16_t offset, unsigned size)
{
    struct mpu401 *m = dev;

    (void)size;
    if (offset == STATUS) /* always ready to take more */
        return m->queued ? 0x3f : 0x3f | STATUS_EMPTY;
    if (m->queued) {
        m->last = m->queue[0];
        memmove(m->queue, m->queue + 1, --m->queued);
    }
    return m->last;
}

static void port_write(void *dev, uint16_t offset, uint32_t value, unsigned size)
{
    struct mpu401 *m = dev;

    (void)size;
    if (offset == DATA || (m->uart && value != COMMAND_RESET))
        return;
    m->queued = 0;
    answer(m, ACKNOWLEDGE);
    m->uart = value == COMMAND_UART;
    if (value == COMMAND_VERSION)
        answer(m, VERSION);
    else if (value == COMMAND_REVISION)
        answer(m, REVISION);
    else if (value != COMMAND_UART && value != COMMAND_RESET)
        log_unimp(m->log, "mpu401: command %02x of the intelligent mode", value);
}

static const struct io_ops ops = {port_read, port_write, 1};

static void reset(void *dev)
{
    struct mpu401 *m = dev;

    m->uart = m->queued = m->last = 0;
}

static void loaded(void *dev)
{
    struct mpu401 *m = dev;

    m->queued = m->queued <= QUEUE ? m->queued : QUEUE;
}

static const struct field fields[] = {
    FIELD(struct mpu401, uart),
    FIELD_ARRAY(struct mpu401, queue),
    FIELD(struct mpu401, queued),
    FIELD(struct mpu401, last),
    FIELD_END,
};

static const struct device_class class = {
    .name = "mpu401", .fields = fields, .reset = reset, .loaded = loaded, .free = free};

void mpu401_init(struct board *board, uint16_t base)
{
    struct mpu401 *m;

    if (!base)
        return;
    m = device_alloc(sizeof *m);
    m->log = board->log;
    bus_map(board->bus, "mpu401", base, 2, &ops, m);
    device_add(board->devices, &class, m);
    reset(m);
}
