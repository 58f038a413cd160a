/* The machine's list of devices. */
#include "devices/device.h"

#include <stdio.h>
#include <stdlib.h>

#include "devices/internal.h"

struct entry {
    const struct device_class *class;
    void *dev;
};

struct device_list {
    struct entry *entries;
    size_t count, room;
};

static void *checked(void *memory)
{
    if (!memory) {
        fprintf(stderr, "ringer: out of memory for the devices\n");
        abort();
    }
    return memory;
}

void *device_alloc(size_t size)
{
    return checked(calloc(1, size));
}

struct device_list *device_list_new(void)
{
    return calloc(1, sizeof(struct device_list));
}

/* The list owns DEV from now on. */
void device_add(struct device_list *l, const struct device_class *class, void *dev)
{
    if (l->count == l->room) {
        size_t room = l->room ? 2 * l->room : 16;

        l->entries = checked(realloc(l->entries, room * sizeof(*l->entries)));
        l->room = room;
    }
    l->entries[l->count++] = (struct entry){class, dev};
}

/* In the order in which they were added: a device may drive wires of those before it. */
void device_reset_all(struct device_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->entries[i].class->reset)
            l->entries[i].class->reset(l->entries[i].dev);
    }
}

/* Last come, first gone.  Armed timers are not cancelled: the clock must not run any more. */
void device_free_all(struct device_list *l)
{
    if (!l)
        return;
    while (l->count > 0) {
        struct entry *e = &l->entries[--l->count];

        if (e->class->free)
            e->class->free(e->dev);
    }
    free(l->entries);
    free(l);
}

void device_each(struct device_list *l,
                 void (*fn)(void *opaque, const struct device_class *class, void *dev),
                 void *opaque)
{
    for (size_t i = 0; i < l->count; i++)
        fn(opaque, l->entries[i].class, l->entries[i].dev);
}
