#include "vmm/pointer.h"
#include "vmm/private.h"

struct motion {
    int dx, dy, dz;
    unsigned buttons, mask;
    unsigned x, y; /* POINTER_KEEP: as it is */
    bool ok;
};

static bool absolute(const struct machine *m)
{
    return m->vmmouse && vmmouse_absolute(m->vmmouse);
}

/* A driver of the VMware pointer hears of motion by its own way, and of buttons where it is. */
void pointer_moved(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
    struct machine_private *state = m->private;

    state->pointer_buttons = buttons;
    if (absolute(m) && !dx && !dy)
        vmmouse_place(m->vmmouse, state->pointer_x, state->pointer_y, dz, buttons);
    else if (m->vmmouse && vmmouse_enabled(m->vmmouse))
        vmmouse_move(m->vmmouse, dx, dy, dz, buttons);
    else
        i8042_mouse(m->i8042, dx, dy, dz, buttons);
}

void pointer_placed(struct machine *m, unsigned x, unsigned y, int dz, unsigned buttons)
{
    if (absolute(m)) {
        m->private->pointer_x = x;
        m->private->pointer_y = y;
    }
    pointer_moved(m, 0, 0, dz, buttons);
}

static void move_now(struct machine *m, void *opaque)
{
    const struct motion *p = opaque;
    unsigned held = (m->private->pointer_buttons & ~p->mask) | (p->buttons & p->mask);

    pointer_moved(m, p->dx, p->dy, p->dz, held);
}

void pointer_move(struct machine *m, int dx, int dy, int dz)
{
    machine_post_wait(m, move_now, &(struct motion){.dx = dx, .dy = dy, .dz = dz});
}

void pointer_buttons(struct machine *m, unsigned buttons, unsigned mask)
{
    machine_post_wait(m, move_now, &(struct motion){.buttons = buttons, .mask = mask});
}

static void place_now(struct machine *m, void *opaque)
{
    struct motion *p = opaque;
    struct machine_private *state = m->private;

    p->ok = absolute(m);
    if (p->ok)
        pointer_placed(m, p->x == POINTER_KEEP ? state->pointer_x : p->x,
                       p->y == POINTER_KEEP ? state->pointer_y : p->y, 0, state->pointer_buttons);
}

bool pointer_place(struct machine *m, unsigned x, unsigned y)
{
    struct motion p = {.x = x, .y = y};

    machine_post_wait(m, place_now, &p);
    return p.ok;
}

static void ask_absolute(struct machine *m, void *opaque)
{
    *(bool *)opaque = absolute(m);
}

bool pointer_absolute(struct machine *m)
{
    bool answer;

    machine_post_wait(m, ask_absolute, &answer);
    return answer;
}
