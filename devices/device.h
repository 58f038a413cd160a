/* What every device has in common: a reset, and a table of its fields, so that its state can be
 * listed, compared, saved and restored without code of its own. */
#ifndef RINGER_DEVICES_DEVICE_H
#define RINGER_DEVICES_DEVICE_H

#include <stddef.h>
#include <stdint.h>

/* A field of a device's structure: SIZE bytes each, COUNT of them, at OFFSET. */
struct field {
    const char *name;
    uint32_t offset;
    uint16_t size;
    uint32_t count;
};

#define FIELD(type, member)                                                                        \
    {                                                                                              \
#member, offsetof(type, member), sizeof(((type *)0)->member), 1                            \
    }
#define FIELD_ARRAY(type, member)                                                                  \
    {                                                                                              \
#member, offsetof(type, member), sizeof(((type *)0)->member[0]),                           \
            sizeof(((type *)0)->member) / sizeof(((type *)0)->member[0])                           \
    }
#define FIELD_END                                                                                  \
    {                                                                                              \
        0, 0, 0, 0                                                                                 \
    }

struct device_class {
    const char *name;
    const struct field *fields; /* ends with FIELD_END; everything that a snapshot must keep */
    void (*reset)(void *dev);   /* RESET#; also called once before the first instruction */
    void (*loaded)(void *dev);  /* fields were restored: rearm timers, redraw; may be NULL */
    void (*free)(void *dev);
};

/* The machine's list of devices; each init function registers itself here. */
struct device_list;
struct device_list *device_list_new(void);
void device_add(struct device_list *l, const struct device_class *class, void *dev);
void device_reset_all(struct device_list *l);
void device_free_all(struct device_list *l); /* frees the devices and the list */
void device_each(struct device_list *l,
                 void (*fn)(void *opaque, const struct device_class *class, void *dev),
                 void *opaque);

/* What an init function needs of its surroundings. */
struct board {
    struct bus *bus;
    struct vclock *clock;
    struct phys *phys;
    struct device_list *devices;
    struct log *log;
};

#endif
