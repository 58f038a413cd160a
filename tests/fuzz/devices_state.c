/* Steps of the devices' fuzzer: states saved, and put back with something changed in them. */
#include "devices.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    struct fuzz_board *board;
    struct dice *dice;
    uint8_t *at;
    bool restore;
    unsigned hostile; /* one device in so many gets a field changed; 0: none */
};

static void measure(void *opaque, const struct device_class *class, void *dev)
{
    size_t *len = opaque;

    (void)dev;
    for (const struct field *f = class->fields; f->name; f++)
        *len += (size_t)f->size * f->count;
}

/* Some elements of one of the device's fields become something else. */
static void change(struct walk *w, const struct device_class *class, uint8_t *dev)
{
    unsigned fields = 0;

    while (class->fields[fields].name)
        fields++;
    if (!fields)
        return;
    const struct field *f = &class->fields[roll(w->dice, fields)];
    for (unsigned n = 1 + roll(w->dice, 4); n--;) {
        uint64_t value = fuzz_value(w->board, w->dice);

        if (roll(w->dice, 2))
            value |= (uint64_t)fuzz_value(w->board, w->dice) << 32;
        memcpy(dev + f->offset + (size_t)f->size * roll(w->dice, f->count), &value, f->size);
    }
}

static void walk(void *opaque, const struct device_class *class, void *dev)
{
    struct walk *w = opaque;

    for (const struct field *f = class->fields; f->name; f++) {
        size_t len = (size_t)f->size * f->count;
        uint8_t *at = (uint8_t *)dev + f->offset;

        if (w->restore)
            memcpy(at, w->at, len);
        else
            memcpy(w->at, at, len);
        w->at += len;
    }
    if (!w->restore)
        return;
    while (w->hostile && roll(w->dice, w->hostile) == 0)
        change(w, class, dev);
    if (class->loaded)
        class->loaded(dev);
}

void fuzz_state(struct fuzz_board *b, struct dice *d)
{
    static const unsigned hostility[] = {0, 2, 20, 20};
    struct walk w = {b, d, b->saved, b->saved && roll(d, 2), 0};

    if (!b->saved) {
        device_each(b->m->board.devices, measure, &b->saved_len);
        b->saved = w.at = malloc(b->saved_len);
        if (!b->saved)
            abort();
    }
    if (w.restore && !b->tame)
        w.hostile = hostility[roll(d, 4)];
    device_each(b->m->board.devices, walk, &w);
}
