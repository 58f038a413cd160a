#include "vmm/typist.h"
#include <stdlib.h>
#include <string.h>

/* Virtual time between two events of the keyboard, and while it is full. */
enum { PACE_NS = 10000000, RETRY_NS = 5000000 };

struct stroke {
    struct stroke *next;
    struct chord chord;
    uint64_t hold_ns;
};

/* All but `left` is the vCPU thread's. */
struct typist {
    struct machine *machine;
    struct vtimer timer;
    struct stroke *head, **tail;
    unsigned down; /* keys of the first stroke that are pressed */
    bool letting_go;
    unsigned left; /* atomic: strokes not finished */
};

struct order {
    struct typist *typist;
    unsigned count;
    struct stroke *first;
};

static void finish_stroke(struct typist *t)
{
    struct stroke *s = t->head;

    t->head = s->next;
    if (!t->head)
        t->tail = &t->head;
    t->letting_go = false;
    free(s);
    __atomic_fetch_sub(&t->left, 1, __ATOMIC_SEQ_CST);
}

/* One event: the next key down, or the last one up. */
static void step(void *opaque)
{
    struct typist *t = opaque;
    struct machine *m = t->machine;
    struct stroke *s = t->head;
    uint64_t delay = PACE_NS;

    if (!s)
        return;
    if (!i8042_queue_room(m->i8042)) {
        delay = RETRY_NS;
    } else if (!t->letting_go) {
        i8042_key(m->i8042, s->chord.code[t->down++], true);
        if (t->down == s->chord.count) {
            t->letting_go = true;
            delay = s->hold_ns;
        }
    } else {
        i8042_key(m->i8042, s->chord.code[--t->down], false);
        if (!t->down)
            finish_stroke(t);
    }
    if (t->head)
        vtimer_set(m->clock, &t->timer, vclock_now(m->clock) + delay);
}

static void take_order(struct machine *m, void *opaque)
{
    struct order *order = opaque;
    struct typist *t = order->typist;

    *t->tail = order->first;
    while (*t->tail)
        t->tail = &(*t->tail)->next;
    free(order);
    if (t->head && !t->timer.armed)
        vtimer_set(m->clock, &t->timer, vclock_now(m->clock));
}

static void place(struct typist *t, struct stroke *first, unsigned count)
{
    struct order *order = malloc(sizeof *order);

    if (!order)
        abort();
    *order = (struct order){t, count, first};
    __atomic_fetch_add(&t->left, count, __ATOMIC_SEQ_CST);
    machine_post(t->machine, take_order, order);
}

static struct stroke *new_stroke(const struct chord *chord, unsigned hold_ms)
{
    struct stroke *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->chord = *chord;
    s->hold_ns = hold_ms ? hold_ms * 1000000ull : PACE_NS;
    return s;
}

void typist_chord(struct typist *t, const struct chord *chord, unsigned hold_ms)
{
    enum { MOST = 1024 }; /* of strokes that wait: a client may send without end */

    if (chord->count && __atomic_load_n(&t->left, __ATOMIC_SEQ_CST) < MOST)
        place(t, new_stroke(chord, hold_ms), 1);
}

void typist_text(struct typist *t, const char *text)
{
    struct stroke *first = NULL, **tail = &first;
    struct chord chord;
    unsigned count = 0;

    for (; *text; text++) {
        if (!keys_for_char((unsigned char)*text, &chord))
            continue;
        *tail = new_stroke(&chord, 0);
        tail = &(*tail)->next;
        count++;
    }
    if (first)
        place(t, first, count);
}

bool typist_busy(struct typist *t)
{
    return __atomic_load_n(&t->left, __ATOMIC_SEQ_CST) != 0;
}

struct typist *typist_new(struct machine *m)
{
    struct typist *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    t->machine = m;
    t->tail = &t->head;
    vtimer_init(&t->timer, "typist", step, t);
    return t;
}

static void stop_typing(struct machine *m, void *opaque)
{
    struct typist *t = opaque;

    vtimer_cancel(m->clock, &t->timer);
}

void typist_free(struct typist *t)
{
    if (!t)
        return;
    machine_post_wait(t->machine, stop_typing, t);
    while (t->head)
        finish_stroke(t);
    free(t);
}
