#include "vmm/pointer.h"
#include "vmm/private.h"

struct motion {
    int dx, dy, dz;
    unsigned buttons, mask;
};

static void move_now(struct machine *m, void *opaque)
{
    const struct motion *p = opaque;
    unsigned *held = &m->private->pointer_buttons;

    *held = (*held & ~p->mask) | (p->buttons & p->mask);
    i8042_mouse(m->i8042, p->dx, p->dy, p->dz, *held);
}

void pointer_move(struct machine *m, int dx, int dy, int dz)
{
    machine_post_wait(m, move_now, &(struct motion){.dx = dx, .dy = dy, .dz = dz});
}

void pointer_buttons(struct machine *m, unsigned buttons, unsigned mask)
{
    machine_post_wait(m, move_now, &(struct motion){.buttons = buttons, .mask = mask});
}
