#include "vmm/ui/input.h"
#include "vmm/pointer.h"

#include <stdlib.h>

enum { KEYS = 0x300 }; /* the code's byte, after none, E0h or E1h */

struct input {
    struct machine *machine;
    uint16_t held[KEYS]; /* the code of a key that is down, by index; 0: it is not */
    unsigned buttons;
};

enum kind { KEY, MOVE, PLACE };

struct event {
    enum kind kind;
    uint16_t code;
    bool down;
    int x, y, z;
    unsigned buttons;
};

struct input *input_new(struct machine *m)
{
    struct input *in = calloc(1, sizeof *in);

    if (!in)
        abort();
    in->machine = m;
    return in;
}

void input_free(struct input *in)
{
    if (!in)
        return;
    input_release(in);
    free(in);
}

/* On the vCPU thread. */
static void deliver(struct machine *m, void *opaque)
{
    struct event *e = opaque;

    switch (e->kind) {
    case KEY:
        i8042_key(m->i8042, e->code, e->down);
        break;
    case MOVE:
        pointer_moved(m, e->x, e->y, e->z, e->buttons);
        break;
    case PLACE:
        pointer_placed(m, (unsigned)e->x, (unsigned)e->y, e->z, e->buttons);
        break;
    }
    free(e);
}

static void send(struct input *in, struct event e)
{
    struct event *copy = malloc(sizeof *copy);

    if (!copy)
        abort();
    *copy = e;
    machine_post(in->machine, deliver, copy);
}

void input_key(struct input *in, uint16_t code, bool down)
{
    unsigned prefix = code >> 8 == 0xe1 ? 0x200 : code >> 8 ? 0x100 : 0;
    uint16_t *held = &in->held[(code & 0xff) | prefix];

    if (!down && !*held)
        return; /* pressed elsewhere */
    *held = down ? code : 0;
    send(in, (struct event){.kind = KEY, .code = code, .down = down});
}

void input_release(struct input *in)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (in->held[i])
            input_key(in, in->held[i], false);
    if (in->buttons)
        input_move(in, 0, 0, 0, 0);
}

void input_move(struct input *in, int dx, int dy, int dz, unsigned buttons)
{
    in->buttons = buttons;
    send(in, (struct event){.kind = MOVE, .x = dx, .y = dy, .z = dz, .buttons = buttons});
}

void input_place(struct input *in, unsigned x, unsigned y, int dz, unsigned buttons)
{
    in->buttons = buttons;
    send(in, (struct event){.kind = PLACE, .x = (int)x, .y = (int)y, .z = dz, .buttons = buttons});
}
