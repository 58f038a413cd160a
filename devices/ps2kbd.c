/* PS/2 keyboard (IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device
 * Controller" and "101- and 102-Key Keyboards": commands, scan code sets).
 *
 * Keys come in as set 1 codes, which name the key's place; what goes out is made here for the
 * selected set.  The host repeats a held key by telling of it again. */
#include <stdlib.h>
#include <string.h>

#include "devices/internal.h"
#include "devices/ps2.h"

enum {
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,
    REPLY_BAT_OK = 0xaa,
    REPLY_ECHO = 0xee,
    FIRST_COMMAND = 0xed,

    CMD_LEDS = 0xed,
    CMD_ECHO = 0xee,
    CMD_SCAN_SET = 0xf0,
    CMD_ID = 0xf2,
    CMD_TYPEMATIC = 0xf3,
    CMD_ENABLE = 0xf4,
    CMD_DEFAULT_DISABLE = 0xf5,
    CMD_DEFAULT = 0xf6,
    CMD_ALL_TYPEMATIC = 0xf7, /* F7..FA: all keys to one type */
    CMD_ALL_BOTH = 0xfa,
    CMD_KEY_TYPEMATIC = 0xfb, /* FB..FD: the keys that follow */
    CMD_KEY_MAKE = 0xfd,
    CMD_RESEND = 0xfe,
    CMD_RESET = 0xff,

    /* Set 3: what a key does beside its make code. */
    TYPE_TYPEMATIC = 1,
    TYPE_BREAK = 2,

    DEFAULT_TYPEMATIC = 0x2b, /* 10.9 characters a second after 500 ms */

    E0 = 0xe000,
    KEY_PAUSE = 0xe11d,
    KEY_BREAK = 0xe046, /* Ctrl+Pause */
    KEY_PRINT = 0xe037,
    KEY_SYSRQ = 0x54, /* Alt+PrintScreen */

    LONGEST_SEQUENCE = 8, /* Pause */
};

struct ps2kbd {
    struct ps2_wire wire;
    struct ps2_queue queue;
    uint8_t enabled;
    uint8_t set; /* 1..3 */
    uint8_t leds, typematic;
    uint8_t command;   /* the command that waits for its argument, 0 for none */
    uint8_t held[32];  /* bit (extended << 7 | set 1 code) */
    uint8_t type[256]; /* set 3: TYPE_* of each code */
};

/* A key's code in set 3, and its type after reset. */
struct set3_key {
    uint16_t set1;
    uint8_t code;
    uint8_t type;
};

/* Keys whose set 3 code is their set 2 code, of typematic type, are not listed. */
static const struct set3_key set3_keys[] = {
    {0x01, 0x08, 0},
    {0x1d, 0x11, TYPE_BREAK},
    {0x2a, 0x12, TYPE_BREAK},
    {0x36, 0x59, TYPE_BREAK},
    {0x38, 0x19, TYPE_BREAK},
    {0x3a, 0x14, TYPE_BREAK},
    {0x2b, 0x5c, TYPE_TYPEMATIC},
    {0x56, 0x13, TYPE_TYPEMATIC},
    {0x3b, 0x07, 0},
    {0x3c, 0x0f, 0},
    {0x3d, 0x17, 0},
    {0x3e, 0x1f, 0},
    {0x3f, 0x27, 0},
    {0x40, 0x2f, 0},
    {0x41, 0x37, 0},
    {0x42, 0x3f, 0},
    {0x43, 0x47, 0},
    {0x44, 0x4f, 0},
    {0x57, 0x56, 0},
    {0x58, 0x5e, 0},
    {0x46, 0x5f, 0},
    {0x45, 0x76, 0},
    {0x37, 0x7e, 0},
    {0x4a, 0x84, 0},
    {0x4e, 0x7c, TYPE_TYPEMATIC},
    {0x47, 0x6c, 0},
    {0x48, 0x75, 0},
    {0x49, 0x7d, 0},
    {0x4b, 0x6b, 0},
    {0x4c, 0x73, 0},
    {0x4d, 0x74, 0},
    {0x4f, 0x69, 0},
    {0x50, 0x72, 0},
    {0x51, 0x7a, 0},
    {0x52, 0x70, 0},
    {0x53, 0x71, 0},
    {KEY_SYSRQ, 0x57, 0},
    {E0 | 0x1d, 0x58, 0},
    {E0 | 0x38, 0x39, 0},
    {E0 | 0x1c, 0x79, 0},
    {E0 | 0x35, 0x77, 0},
    {KEY_PRINT, 0x57, 0},
    {KEY_PAUSE, 0x62, 0},
    {KEY_BREAK, 0x62, 0},
    {E0 | 0x52, 0x67, 0},
    {E0 | 0x47, 0x6e, 0},
    {E0 | 0x49, 0x6f, 0},
    {E0 | 0x4f, 0x65, 0},
    {E0 | 0x51, 0x6d, 0},
    {E0 | 0x53, 0x64, TYPE_TYPEMATIC},
    {E0 | 0x48, 0x63, TYPE_TYPEMATIC},
    {E0 | 0x50, 0x60, TYPE_TYPEMATIC},
    {E0 | 0x4b, 0x61, TYPE_TYPEMATIC},
    {E0 | 0x4d, 0x6a, TYPE_TYPEMATIC},
    {E0 | 0x5b, 0x8b, 0},
    {E0 | 0x5c, 0x8c, 0},
    {E0 | 0x5d, 0x8d, 0},
};

/* The set 2 code of a key's place: the 8042's table read backwards.  The codes above 7Fh are what
 * keyboards send; their doubles below are not used. */
static uint8_t set1_to_set2(uint8_t set1)
{
    if (set1 == 0x41)
        return 0x83;
    if (set1 == 0x54)
        return 0x84;
    for (unsigned code = 1; code < 0x80; code++) {
        if (ps2_set2_to_set1((uint8_t)code) == set1)
            return (uint8_t)code;
    }
    return 0;
}

/* 0: set 3 has no such key. */
static uint8_t set3_code(uint16_t set1)
{
    for (unsigned i = 0; i < sizeof(set3_keys) / sizeof(set3_keys[0]); i++) {
        if (set3_keys[i].set1 == set1)
            return set3_keys[i].code;
    }
    return set1 < 0x80 ? set1_to_set2((uint8_t)set1) : 0;
}

static void set_all_types(struct ps2kbd *k, uint8_t type)
{
    memset(k->type, type, sizeof(k->type));
}

static void set_defaults(struct ps2kbd *k)
{
    set_all_types(k, TYPE_TYPEMATIC);
    for (unsigned i = 0; i < sizeof(set3_keys) / sizeof(set3_keys[0]); i++)
        k->type[set3_keys[i].code] = set3_keys[i].type;
    k->set = 2;
    k->typematic = DEFAULT_TYPEMATIC;
}

/* A sequence of codes under construction. */
struct sequence {
    uint8_t bytes[LONGEST_SEQUENCE];
    unsigned len;
};

static void add(struct sequence *s, uint8_t byte)
{
    if (s->len < LONGEST_SEQUENCE)
        s->bytes[s->len++] = byte;
}

/* One code of set 1 or 2, with its prefixes. */
static void add_code(const struct ps2kbd *k, struct sequence *s, uint8_t prefix, uint8_t set1,
                     bool down)
{
    if (prefix)
        add(s, prefix);
    if (k->set == 1) {
        add(s, down ? set1 : set1 | 0x80);
        return;
    }
    if (!down)
        add(s, 0xf0);
    add(s, set1_to_set2(set1));
}

static bool key_held(const struct ps2kbd *k, uint16_t set1)
{
    unsigned bit = (set1 & 0x7f) | (set1 & E0 ? 0x80 : 0);

    return k->held[bit >> 3] >> (bit & 7) & 1;
}

static bool either_held(const struct ps2kbd *k, uint16_t a, uint16_t b)
{
    return key_held(k, a) || key_held(k, b);
}

/* Sets 1 and 2; the keys that are not a code and its break are those of the table "Scan codes of
 * keys 124 and 126". */
static void make_sequence(const struct ps2kbd *k, struct sequence *s, uint16_t key, bool down)
{
    bool ctrl = either_held(k, 0x1d, E0 | 0x1d);

    if (key == KEY_BREAK || (key == KEY_PAUSE && ctrl)) {
        if (down) { /* make and break at once */
            add_code(k, s, 0xe0, 0x46, true);
            add_code(k, s, 0xe0, 0x46, false);
        }
    } else if (key == KEY_PAUSE) {
        if (down) {
            add_code(k, s, 0xe1, 0x1d, true);
            add_code(k, s, 0, 0x45, true);
            add_code(k, s, 0xe1, 0x1d, false);
            add_code(k, s, 0, 0x45, false);
        }
    } else if (key == KEY_PRINT && either_held(k, 0x38, E0 | 0x38)) {
        add_code(k, s, 0, KEY_SYSRQ, down);
    } else if (key == KEY_PRINT && !ctrl && !either_held(k, 0x2a, 0x36)) {
        if (down)
            add_code(k, s, 0xe0, 0x2a, true);
        add_code(k, s, 0xe0, 0x37, down);
        if (!down)
            add_code(k, s, 0xe0, 0x2a, false);
    } else {
        add_code(k, s, (uint8_t)(key >> 8), key & 0x7f, down);
    }
}

static void make_set3(const struct ps2kbd *k, struct sequence *s, uint16_t key, bool down,
                      bool repeat)
{
    uint8_t code = set3_code(key);

    if (!code || (repeat && !(k->type[code] & TYPE_TYPEMATIC)) ||
        (!down && !(k->type[code] & TYPE_BREAK)))
        return;
    if (!down)
        add(s, 0xf0);
    add(s, code);
}

void ps2kbd_key(struct ps2kbd *k, uint16_t set1_code, bool down)
{
    uint8_t prefix = (uint8_t)(set1_code >> 8);
    unsigned bit = (set1_code & 0x7f) | (set1_code & E0 ? 0x80 : 0);
    bool repeat = down && key_held(k, set1_code);
    struct sequence s = {.len = 0};

    if ((prefix && prefix != 0xe0 && set1_code != KEY_PAUSE) || !(set1_code & 0x7f))
        return; /* no key of this keyboard */
    if (k->set == 3)
        make_set3(k, &s, set1_code, down, repeat);
    else
        make_sequence(k, &s, set1_code, down);
    if (set1_code == KEY_PAUSE) {
        /* sends its break with its make, and must not pass for the right Ctrl key */
    } else if (down) {
        k->held[bit >> 3] |= (uint8_t)(1 << (bit & 7));
    } else {
        k->held[bit >> 3] &= (uint8_t) ~(1 << (bit & 7));
    }
    if (!k->enabled || !s.len)
        return;
    if (!ps2kbd_room(k) || !ps2_put(&k->queue, s.bytes, s.len)) {
        uint8_t overrun = k->set == 1 ? 0xff : 0x00;

        /* "Overrun" takes the last place of the buffer, once. */
        if (k->queue.data[(k->queue.head + k->queue.count - 1) % PS2_QUEUE_SIZE] != overrun)
            ps2_put(&k->queue, &overrun, 1);
    }
    k->wire.ready(k->wire.opaque);
}

/* Room for any key and for the overrun code. */
bool ps2kbd_room(const struct ps2kbd *k)
{
    return k->queue.count + LONGEST_SEQUENCE + 1 <= PS2_QUEUE_SIZE;
}

unsigned ps2kbd_leds(const struct ps2kbd *k)
{
    return k->leds;
}

bool ps2kbd_waiting(const struct ps2kbd *k)
{
    return ps2_waiting(&k->queue);
}

bool ps2kbd_replying(const struct ps2kbd *k)
{
    return k->queue.reply_count;
}

bool ps2kbd_take(struct ps2kbd *k, uint8_t *byte, bool *is_reply)
{
    return ps2_take(&k->queue, byte, is_reply);
}

static void select_set(struct ps2kbd *k, uint8_t set)
{
    if (set > 3) {
        ps2_reply(&k->queue, REPLY_RESEND);
        return;
    }
    ps2_reply(&k->queue, REPLY_ACK);
    if (set == 0) {
        ps2_reply(&k->queue, k->set);
    } else {
        k->set = set;
        k->queue.head = k->queue.count = 0;
    }
}

/* True when BYTE was the argument of the command before. */
static bool take_argument(struct ps2kbd *k, uint8_t byte)
{
    uint8_t command = k->command;

    k->command = 0;
    if (!command || byte >= FIRST_COMMAND)
        return false; /* a command in place of the argument cancels the one before */
    switch (command) {
    case CMD_LEDS:
        k->leds = byte & 7;
        ps2_reply(&k->queue, REPLY_ACK);
        break;
    case CMD_TYPEMATIC:
        k->typematic = byte & 0x7f;
        ps2_reply(&k->queue, REPLY_ACK);
        break;
    case CMD_SCAN_SET:
        select_set(k, byte);
        break;
    default: /* FB, FC, FD: as many keys as the host likes */
        k->type[byte] = command == CMD_KEY_TYPEMATIC ? TYPE_TYPEMATIC
                        : command == CMD_KEY_MAKE    ? 0
                                                     : TYPE_BREAK;
        k->command = command;
        ps2_reply(&k->queue, REPLY_ACK);
        break;
    }
    return true;
}

/* F7 typematic, F8 make and break, F9 make only, FA typematic with make and break. */
static void all_keys_command(struct ps2kbd *k, uint8_t command)
{
    static const uint8_t types[] = {TYPE_TYPEMATIC, TYPE_BREAK, 0, TYPE_TYPEMATIC | TYPE_BREAK};

    set_all_types(k, types[command - CMD_ALL_TYPEMATIC]);
    ps2_reply(&k->queue, REPLY_ACK);
}

static void reset_command(struct ps2kbd *k)
{
    ps2_clear(&k->queue);
    set_defaults(k);
    k->leds = 0;
    k->enabled = 1;
    ps2_reply(&k->queue, REPLY_ACK);
    ps2_reply(&k->queue, REPLY_BAT_OK);
}

static void run_command(struct ps2kbd *k, uint8_t command)
{
    struct ps2_queue *q = &k->queue;

    switch (command) {
    case CMD_LEDS:
    case CMD_SCAN_SET:
    case CMD_TYPEMATIC:
    case CMD_KEY_TYPEMATIC:
    case CMD_KEY_TYPEMATIC + 1:
    case CMD_KEY_MAKE:
        k->command = command;
        ps2_reply(q, REPLY_ACK);
        break;
    case CMD_ECHO:
        ps2_reply(q, REPLY_ECHO);
        break;
    case CMD_ID:
        ps2_reply(q, REPLY_ACK);
        ps2_reply(q, 0xab);
        ps2_reply(q, 0x83);
        break;
    case CMD_ENABLE:
        ps2_clear(q);
        k->enabled = 1;
        ps2_reply(q, REPLY_ACK);
        break;
    case CMD_DEFAULT_DISABLE:
    case CMD_DEFAULT:
        ps2_clear(q);
        set_defaults(k);
        if (command == CMD_DEFAULT_DISABLE)
            k->enabled = 0;
        ps2_reply(q, REPLY_ACK);
        break;
    case CMD_RESEND:
        ps2_reply(q, q->last);
        break;
    case CMD_RESET:
        reset_command(k);
        break;
    default:
        if (command >= CMD_ALL_TYPEMATIC && command <= CMD_ALL_BOTH)
            all_keys_command(k, command);
        else
            ps2_reply(q, REPLY_RESEND);
        break;
    }
}

void ps2kbd_write(struct ps2kbd *k, uint8_t byte)
{
    ps2_drop_replies(&k->queue);
    if (!take_argument(k, byte))
        run_command(k, byte);
    k->wire.ready(k->wire.opaque);
}

/* As after POST: tested, scanning, nothing in the buffer.  The keys that are held down stay so. */
static void kbd_reset(void *opaque)
{
    struct ps2kbd *k = opaque;

    ps2_clear(&k->queue);
    k->queue.last = REPLY_BAT_OK;
    set_defaults(k);
    k->leds = 0;
    k->command = 0;
    k->enabled = 1;
}

static void kbd_loaded(void *opaque)
{
    struct ps2kbd *k = opaque;

    ps2_restored(&k->queue);
    k->wire.ready(k->wire.opaque);
}

static const struct field kbd_fields[] = {
    PS2_QUEUE_FIELDS(struct ps2kbd, queue),
    FIELD(struct ps2kbd, enabled),
    FIELD(struct ps2kbd, set),
    FIELD(struct ps2kbd, leds),
    FIELD(struct ps2kbd, typematic),
    FIELD(struct ps2kbd, command),
    FIELD_ARRAY(struct ps2kbd, held),
    FIELD_ARRAY(struct ps2kbd, type),
    FIELD_END,
};

static const struct device_class kbd_class = {
    .name = "ps2-keyboard",
    .fields = kbd_fields,
    .reset = kbd_reset,
    .loaded = kbd_loaded,
    .free = free,
};

struct ps2kbd *ps2kbd_new(struct board *board, struct ps2_wire wire)
{
    struct ps2kbd *k = device_alloc(sizeof(*k));

    k->wire = wire;
    kbd_reset(k);
    device_add(board->devices, &kbd_class, k);
    return k;
}
