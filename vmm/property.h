/* Lists of properties, "key=value,flag,...", checked against a table of names and types: what most
 * options' values are made of, and what devices are configured by.
 *
 * As in QEMU a comma inside a value is written twice, a key without value is switched on, the
 * last of several values counts, and `help` in the place of a property prints the table. */
#ifndef RINGER_VMM_PROPERTY_H
#define RINGER_VMM_PROPERTY_H

#include "ringer/error.h"
#include "vmm/pool.h"
#include <stdbool.h>
#include <stdint.h>

enum property_type {
    PROPERTY_STRING,
    PROPERTY_BOOL,   /* on, off, yes, no, true, false; a bare key is on */
    PROPERTY_NUMBER, /* decimal, or hexadecimal after 0x; MIN to MAX */
    PROPERTY_SIZE,   /* the same with a suffix K, M, G, T; bytes */
    PROPERTY_CHOICE, /* one of CHOICES */
    PROPERTY_END
};

struct property {
    const char *name;
    enum property_type type;
    const char *help;
    const char *standard; /* the value when none is given; NULL: not set */
    uint64_t min, max;
    const char *choices; /* "one|two|three" */
};

/* What a property was given.  A table's values are an array in its order. */
struct value {
    bool given;       /* by the user, not by STANDARD */
    const char *text; /* NULL: not set at all */
    uint64_t number;  /* of numbers and sizes; 0 or 1 of switches; the index of a choice */
};

enum { PROPERTIES_MAX = 32 };

/* One item of a list, its value in POOL.  *LIST moves on behind it; false at the end.  *VALUE is
 * NULL for a bare key. */
bool property_next(struct pool **pool, const char **list, const char **key, const char **value);

/* Parse LIST into VALUES, which has a place for each row of TABLE and begins with the standard
 * values.  IMPLIED (or NULL) is the property that a first item without "=" is the value of.  WHAT
 * begins the message in ERR ("-rtc base=yesterday"), which names the property that is wrong and
 * what would be right.  Texts are POOL's. */
bool properties_parse(const struct property *table, struct value *values, const char *list,
                      const char *implied, struct pool **pool, const char *what, struct error *err);
/* One more value, as -global and -set give them. */
bool property_set(const struct property *table, struct value *values, const char *key,
                  const char *text, struct pool **pool, const char *what, struct error *err);
/* The value of property NAME, which the table must have. */
const struct value *property_value(const struct property *table, const struct value *values,
                                   const char *name);

/* One line for each property, as QEMU prints them: "  name=<type> - help (default: x)". */
void properties_help(const struct property *table, void (*line)(void *opaque, const char *text),
                     void *opaque);

/* A number, or a number with a suffix K, M, G, T (KiB and KB as well) that without one counts in
 * UNIT.  False when TEXT is anything else or does not fit. */
bool parse_uint(const char *text, uint64_t *out);
bool parse_size(const char *text, uint64_t unit, uint64_t *out);
/* on, yes, true, y and their counterparts. */
bool parse_switch(const char *text, bool *out);

/* Which of the names that NEXT gives (NULL ends them) is most like TEXT; NULL when none is at
 * all. */
const char *nearest_name(const char *text, const char *(*next)(void *opaque, unsigned i),
                         void *opaque);

#endif
