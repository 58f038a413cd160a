/* PS/2 devices as the 8042 sees them: bytes in, bytes out. */
#ifndef RINGER_DEVICES_PS2_H
#define RINGER_DEVICES_PS2_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"

struct vclock;

enum { PS2_QUEUE_SIZE = 64, PS2_REPLY_SIZE = 8 };

/* What a device has to send.  Replies to commands go before data; a data sequence is queued
 * whole or not at all. */
struct ps2_queue {
    uint8_t data[PS2_QUEUE_SIZE];
    uint8_t head, count;
    uint8_t reply[PS2_REPLY_SIZE];
    uint8_t reply_head, reply_count;
    uint8_t last; /* the byte sent last, for "resend" */
};

/* Fields of the ps2_queue MEMBER of TYPE for a device's field table. */
#define PS2_QUEUE_FIELDS(type, member)                                                             \
    FIELD_ARRAY(type, member.data), FIELD(type, member.head), FIELD(type, member.count),           \
        FIELD_ARRAY(type, member.reply), FIELD(type, member.reply_head),                           \
        FIELD(type, member.reply_count), FIELD(type, member.last)

bool ps2_put(struct ps2_queue *q, const uint8_t *data, unsigned len);
void ps2_reply(struct ps2_queue *q, uint8_t byte);
/* A new command makes what is left of the last one's reply void. */
void ps2_drop_replies(struct ps2_queue *q);
void ps2_clear(struct ps2_queue *q);
/* After its fields were restored: what does not fit the buffers is dropped. */
void ps2_restored(struct ps2_queue *q);
bool ps2_waiting(const struct ps2_queue *q);
/* Take the next byte; *IS_REPLY tells where it came from.  False when there is none. */
bool ps2_take(struct ps2_queue *q, uint8_t *byte, bool *is_reply);

/* Whom a device tells that it has something to send. */
struct ps2_wire {
    void (*ready)(void *opaque);
    void *opaque;
};

/* --- keyboard (devices/ps2kbd.c) --- */
struct ps2kbd;
struct ps2kbd *ps2kbd_new(struct board *board, struct ps2_wire wire);
void ps2kbd_write(struct ps2kbd *k, uint8_t byte);
bool ps2kbd_waiting(const struct ps2kbd *k);
bool ps2kbd_replying(const struct ps2kbd *k); /* the next byte is a reply */
bool ps2kbd_take(struct ps2kbd *k, uint8_t *byte, bool *is_reply);
void ps2kbd_key(struct ps2kbd *k, uint16_t set1_code, bool down);
bool ps2kbd_room(const struct ps2kbd *k);
unsigned ps2kbd_leds(const struct ps2kbd *k);

/* --- mouse (devices/ps2mouse.c) --- */
struct ps2mouse;
struct ps2mouse *ps2mouse_new(struct board *board, struct ps2_wire wire);
void ps2mouse_write(struct ps2mouse *m, uint8_t byte);
bool ps2mouse_waiting(const struct ps2mouse *m);
bool ps2mouse_replying(const struct ps2mouse *m);
bool ps2mouse_take(struct ps2mouse *m, uint8_t *byte, bool *is_reply);
/* DX to the right, DY down, DZ: wheel towards the user; in counts.  BUTTONS: bit 0 left, 1 right,
 * 2 middle, 3 and 4 the side ones. */
void ps2mouse_move(struct ps2mouse *m, int dx, int dy, int dz, unsigned buttons);

/* The 8042's translation of a set 2 code, which is the IBM 8042's conversion table. */
uint8_t ps2_set2_to_set1(uint8_t set2);

#endif
