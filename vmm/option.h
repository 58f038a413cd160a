/* How options are written down; between options*.c alone.
 *
 * Each subject has a file options_SUBJECT.c with a table of its options and the functions that
 * set them; options.c lists the tables. */
#ifndef RINGER_VMM_OPTION_H
#define RINGER_VMM_OPTION_H

#include "vmm/options.h"
#include "vmm/property.h"

/* One option.  SET gets its value (NULL for an option without); SELF->name is the option's name
 * without dashes. */
struct option {
    const char *name;
    const char *value; /* what the value is called in the help; NULL: there is none */
    const char *help;  /* NULL: known, but not listed */
    bool (*set)(struct options *o, const struct option *self, const char *value, struct error *err);
    const struct property *properties; /* of its value, for -help NAME; may be NULL */
};

/* The tables, each ended by a row without name, under a heading for the help. */
extern const struct option options_machine[], options_drive_table[], options_boot[],
    options_chardev[], options_display[], options_device[], options_process[], options_debug[],
    options_refused[], options_blockdev[], options_smbios[],
    options_vnc[], options_object[], options_tools[], options_audio[];

/* ERR: "-name value: unknown; it is RIGHT".  False. */
bool option_bad(struct error *err, const struct option *self, const char *value, const char *right);
/* Is KEY one of NAMES, a list that NULL ends? */
bool option_among(const char *key, const char *const *names);
/* Ask for help on TOPIC, and on ITEM of it (or NULL: all).  True. */
bool option_help(struct options *o, const char *topic, const char *item);
/* The value TEXT of OPTION ("-device"): as it is, or, where it is a JSON object, as a list of
 * properties that begins with FIRST, which the object must have.  NULL and ERR. */
const char *option_from_json(struct options *o, const char *option, const char *text,
                             const char *first, struct error *err);
/* TEXT with its commas doubled, to be put into a list of properties. */
const char *option_escape(struct options *o, const char *text);
/* Parse VALUE by SELF->properties. */
bool option_properties(struct options *o, const struct option *self, const char *value,
                       const char *implied, struct value *values, struct error *err);

/* Does KEY, of -blockdev or -drive, only tune how QEMU works, so that it is taken and passed over?
 */
bool option_tunes_images(const char *key);
/* The value LIST of -drive with what it says in the words of -blockdev (driver=, file.filename=,
 * cache.direct=) put into its own.  WHAT for messages; NULL and ERR. */
const char *option_drive_words(struct options *o, const char *list, const char *what,
                               struct error *err);

/* What -TOPIC help begins with; false: there is no such list. */
bool option_list_help(const char *topic, void (*line)(void *opaque, const char *text),
                      void *opaque);

#endif
