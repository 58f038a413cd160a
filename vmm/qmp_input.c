/* Keyboard and mouse. */
#include "vmm/keys.h"
#include "vmm/pointer.h"
#include "vmm/qmp_command.h"
#include <string.h>

enum { HOLD_MAX_MS = 60000 };

/* A KeyValue: a QKeyCode, or a number in QEMU's coding of set 1, where bit 7 stands for the prefix
 * E0h.  0: there is no such key. */
static uint16_t key_code(const json_t *key)
{
    const json_t *data = json_object_get(key, "data");
    json_int_t number = json_integer_value(data);

    if (json_is_string(data))
        return keys_find(json_string_value(data));
    if (number == 0x46 + 0x80) /* Pause */
        return 0xe11d;
    if (number <= 0 || number > 0xff || !(number & 0x7f))
        return 0;
    return (uint16_t)(number & 0x80 ? 0xe000 | (number & 0x7f) : number);
}

static bool send_key(struct qmp_call *c)
{
    const json_t *keys = json_object_get(c->args, "keys");
    int64_t hold = qmp_int(c, "hold-time", 0);
    struct chord chord = {0};

    if (hold < 0 || hold > HOLD_MAX_MS)
        return qmp_fail(c, "GenericError", "Parameter 'hold-time' expects milliseconds, 0 to %d",
                        HOLD_MAX_MS);
    if (json_array_size(keys) > KEYS_CHORD_MAX)
        return qmp_fail(c, "GenericError", "Parameter 'keys' expects %d keys at most",
                        KEYS_CHORD_MAX);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        chord.code[chord.count] = key_code(json_array_get(keys, i));
        if (!chord.code[chord.count++])
            return qmp_fail(c, "GenericError", "Parameter 'keys[%zu]' expects a key", i);
    }
    typist_chord(c->t->typist, &chord, (unsigned)hold);
    return true;
}

/* ---- input-send-event ---- */

struct key_event {
    uint16_t code;
    bool down;
};

static void press_now(struct machine *m, void *opaque)
{
    const struct key_event *e = opaque;

    i8042_key(m->i8042, e->code, e->down);
}

static void button(struct machine *m, const char *name, bool down)
{
    static const struct {
        const char *name;
        unsigned bit;
        int wheel;
    } buttons[] = {{"left", 1, 0},   {"right", 2, 0},     {"middle", 4, 0},    {"side", 8, 0},
                   {"extra", 16, 0}, {"wheel-up", 0, -1}, {"wheel-down", 0, 1}};

    for (size_t i = 0; i < sizeof buttons / sizeof *buttons; i++)
        if (!strcmp(buttons[i].name, name)) {
            if (buttons[i].bit)
                pointer_buttons(m, down ? buttons[i].bit : 0, buttons[i].bit);
            else if (down)
                pointer_move(m, 0, 0, buttons[i].wheel);
        }
}

static int limited(json_int_t value)
{
    enum { MOST = 32767 };

    return value > MOST ? MOST : value < -MOST ? -MOST : (int)value;
}

static void motion(struct machine *m, const json_t *data, bool absolute)
{
    int value = limited(json_integer_value(json_object_get(data, "value")));
    bool x = !strcmp(json_string_value(json_object_get(data, "axis")), "x");
    unsigned place = value < 0 ? 0 : (unsigned)value * 2 + 1; /* QEMU's are 15 bits wide */

    if (absolute)
        pointer_place(m, x ? place : POINTER_KEEP, x ? POINTER_KEEP : place);
    else
        pointer_move(m, x ? value : 0, x ? 0 : value, 0);
}

/* Is there a device for E? */
static bool check_event(struct qmp_call *c, const json_t *e)
{
    const char *type = json_string_value(json_object_get(e, "type"));
    const json_t *data = json_object_get(e, "data");

    if (!strcmp(type, "abs") && !pointer_absolute(c->t->machine))
        return qmp_fail(c, "GenericError", "Input handler not found for event type %s", type);
    if (!strcmp(type, "key") && !key_code(json_object_get(data, "key")))
        return qmp_fail(c, "GenericError", "Parameter 'key' expects a key");
    return true;
}

static void carry_out(struct machine *m, const json_t *e)
{
    const char *type = json_string_value(json_object_get(e, "type"));
    const json_t *data = json_object_get(e, "data");
    bool down = json_is_true(json_object_get(data, "down"));

    if (!strcmp(type, "key")) {
        struct key_event key = {key_code(json_object_get(data, "key")), down};
        machine_post_wait(m, press_now, &key);
    } else if (!strcmp(type, "btn")) {
        button(m, json_string_value(json_object_get(data, "button")), down);
    } else {
        motion(m, data, !strcmp(type, "abs"));
    }
}

static bool input_send_event(struct qmp_call *c)
{
    const json_t *events = json_object_get(c->args, "events");

    if (qmp_string(c, "device", NULL) && strcmp(qmp_string(c, "device", ""), "video0"))
        return qmp_fail(c, "GenericError", "Device '%.60s' not found", qmp_string(c, "device", ""));
    for (size_t i = 0; i < json_array_size(events); i++)
        if (!check_event(c, json_array_get(events, i)))
            return false;
    for (size_t i = 0; i < json_array_size(events); i++)
        carry_out(c->t->machine, json_array_get(events, i));
    return true;
}

const struct qmp_command qmp_input_commands[] = {
    {"send-key", "keys:[KeyValue], hold-time?:int", "", send_key},
    {"input-send-event", "device?:str, head?:int, events:[InputEvent]", "", input_send_event},
    {0},
};
