/* The catalogue of devices that -device can name: their properties, and how each becomes part of a
 * machine.  A new device is a row in one of the tables of catalog_*.c. */
#ifndef RINGER_VMM_CATALOG_H
#define RINGER_VMM_CATALOG_H

#include "vmm/property.h"

struct machine;
struct options;
struct device_option;

struct device_model {
    const char *name, *alias; /* as QEMU calls it; an older name or NULL */
    const char *bus;          /* "ISA", "PCI", "IDE", ... as -device help prints it */
    enum { CATEGORY_INPUT, CATEGORY_STORAGE, CATEGORY_DISPLAY, CATEGORY_SOUND, CATEGORY_MISC } category;
    const char *description;
    const struct property *properties;
    unsigned most; /* how many there may be; 0: any number */
    /* Is what D asks for possible, and what does it mean for the rest of the options?  Called
     * when all options are read, in their order; may be NULL. */
    bool (*place)(struct options *o, struct device_option *d, struct error *err);
    /* Make it, when the rest of machine M is there (vmm/machine.c); NULL: PLACE did all. */
    void (*build)(struct machine *m, const struct device_option *d);
};

/* A device that was asked for. */
struct device_option {
    const struct device_model *model;
    const char *id; /* NULL: none */
    struct value values[PROPERTIES_MAX];
    struct chardev *chardev; /* of its property "chardev", once that is open */
};

/* The I-th model of all tables; NULL behind the last. */
const struct device_model *catalog_model(unsigned i);
/* By name or alias; NULL. */
const struct device_model *catalog_find(const char *name);
/* A device of QEMU's that ringer does not have: what kind it is ("network cards"); NULL when the
 * name is not even QEMU's. */
const char *catalog_missing(const char *name);
/* What -device help prints, and -device NAME,help. */
void catalog_help(const struct device_model *model, void (*line)(void *opaque, const char *text),
                  void *opaque);

/* A property's value: 0 or NULL when it has none. */
uint64_t device_number(const struct device_option *d, const char *property);
const char *device_text(const struct device_option *d, const char *property);
bool device_given(const struct device_option *d, const char *property);
/* A value that PLACE has decided upon; it does not count as given. */
void device_settle(struct device_option *d, const char *property, uint64_t value);
/* Has the model such a property at all? */
bool device_has(const struct device_model *model, const char *property);

/* The tables, each ended by a row without name. */
extern const struct device_model catalog_isa[], catalog_drive[], catalog_pci[], catalog_sound[],
    catalog_vga[];

#define DEVICE_PROPERTIES_END                                                                      \
    {                                                                                              \
        NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL                                                 \
    }

#endif
