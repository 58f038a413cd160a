/* The queue that the PS/2 devices share, and the table between scan code sets 2 and 1. */
#include "devices/ps2.h"

bool ps2_put(struct ps2_queue *q, const uint8_t *data, unsigned len)
{
    if (len > (unsigned)PS2_QUEUE_SIZE - q->count)
        return false;
    for (unsigned i = 0; i < len; i++)
        q->data[(q->head + q->count++) % PS2_QUEUE_SIZE] = data[i];
    return true;
}

/* No command's reply is longer than the queue, and each command drops the one before it. */
void ps2_reply(struct ps2_queue *q, uint8_t byte)
{
    if (q->reply_count < PS2_REPLY_SIZE)
        q->reply[(q->reply_head + q->reply_count++) % PS2_REPLY_SIZE] = byte;
}

void ps2_drop_replies(struct ps2_queue *q)
{
    q->reply_count = 0;
}

void ps2_clear(struct ps2_queue *q)
{
    q->head = q->count = 0;
    q->reply_head = q->reply_count = 0;
}

void ps2_restored(struct ps2_queue *q)
{
    if (q->head >= PS2_QUEUE_SIZE || q->count > PS2_QUEUE_SIZE ||
        q->reply_head >= PS2_REPLY_SIZE || q->reply_count > PS2_REPLY_SIZE)
        ps2_clear(q);
}

bool ps2_waiting(const struct ps2_queue *q)
{
    return q->reply_count || q->count;
}

bool ps2_take(struct ps2_queue *q, uint8_t *byte, bool *is_reply)
{
    *is_reply = q->reply_count != 0;
    if (q->reply_count) {
        *byte = q->reply[q->reply_head];
        q->reply_head = (uint8_t)((q->reply_head + 1) % PS2_REPLY_SIZE);
        q->reply_count--;
    } else if (q->count) {
        *byte = q->data[q->head];
        q->head = (uint8_t)((q->head + 1) % PS2_QUEUE_SIZE);
        q->count--;
    } else {
        return false;
    }
    q->last = *byte;
    return true;
}

uint8_t ps2_set2_to_set1(uint8_t set2)
{
    static const uint8_t table[128] = {
        0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, /* 00 */
        0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59, /* 08 */
        0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, /* 10 */
        0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b, /* 18 */
        0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, /* 20 */
        0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d, /* 28 */
        0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, /* 30 */
        0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f, /* 38 */
        0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, /* 40 */
        0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61, /* 48 */
        0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, /* 50 */
        0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76, /* 58 */
        0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, /* 60 */
        0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f, /* 68 */
        0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, /* 70 */
        0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54, /* 78 */
    };

    if (set2 < 0x80)
        return table[set2];
    if (set2 == 0x83) /* F7 */
        return 0x41;
    if (set2 == 0x84) /* SysRq */
        return 0x54;
    return set2;
}
