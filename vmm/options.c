/* The parser of the command line; the options themselves are in options_*.c, by subject. */
#include "cpu/model.h"
#include "vmm/option.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *heading;
    const struct option *rows;
} tables[] = {
    {"The machine", options_machine},
    {"Disks, CDs and floppies", options_drive_table},
    {"Images as a graph", options_blockdev},
    {"What is booted", options_boot},
    {"What firmware tells", options_smbios},
    {"Serial and parallel ports, the monitor", options_chardev},
    {"Other devices", options_device},
    {"The screen", options_display},
    {"Sound", options_audio},
    {"The screen elsewhere", options_vnc},
    {"Secrets", options_object},
    {"The process", options_process},
    {"Running unattended, looking inside", options_debug},
    {"For other tools", options_tools},
    {NULL, options_refused},
};

enum { TABLES = sizeof tables / sizeof *tables };

bool option_among(const char *key, const char *const *names)
{
    while (*names && strcmp(key, *names))
        names++;
    return *names;
}

bool option_bad(struct error *err, const struct option *self, const char *value, const char *right)
{
    return error_set(err, "-%s %s: unknown; it is %s", self->name, value, right);
}

bool option_help(struct options *o, const char *topic, const char *item)
{
    o->help = true;
    o->help_topic = topic;
    o->help_item = item;
    return true;
}

const char *option_escape(struct options *o, const char *text)
{
    char *copy = pool_alloc(&o->pool, 2 * strlen(text) + 1), *to = copy;

    for (; *text; text++) {
        *to++ = *text;
        if (*text == ',')
            *to++ = ',';
    }
    return copy;
}

bool option_properties(struct options *o, const struct option *self, const char *value,
                       const char *implied, struct value *values, struct error *err)
{
    const char *what = pool_printf(&o->pool, "-%s %s", self->name, value);

    return properties_parse(self->properties, values, value, implied, &o->pool, what, err);
}

/* ---- finding them ---- */

/* The I-th option of all tables; NULL behind the last. */
static const struct option *nth_option(unsigned i)
{
    for (unsigned t = 0; t < TABLES; t++)
        for (const struct option *p = tables[t].rows; p->name; p++)
            if (i-- == 0)
                return p;
    return NULL;
}

const char *options_nth(unsigned i, const struct property **properties)
{
    const struct option *p = nth_option(i);

    *properties = p ? p->properties : NULL;
    return p ? p->name : NULL;
}

const struct property *options_properties(const char *name)
{
    const struct property *properties;
    const char *found;

    for (unsigned i = 0; (found = options_nth(i, &properties)); i++)
        if (!strcmp(found, name))
            return properties;
    return NULL;
}

static const char *nth_name(void *opaque, unsigned i)
{
    const struct option *p = nth_option(i);

    (void)opaque;
    return p ? p->name : NULL;
}

/* An option whose value may be left out: "[=N]" stands in the same argument. */
static bool option_in_one(const struct option *p)
{
    return p->value && p->value[0] == '[';
}

/* Does ARGUMENT, which names P, have P's value as well: "-name=value", "--name=value"? */
static bool joined(const struct option *p, const char *argument)
{
    return option_in_one(p) || (p->value && strchr(argument, '='));
}

static const struct option *find_option(const char *argument, struct error *err)
{
    const char *name = argument + 1 + (argument[1] == '-');
    const struct option *p;

    for (unsigned i = 0; (p = nth_option(i)); i++) {
        size_t len = strlen(p->name);
        if (!strcmp(name, p->name) ||
            (joined(p, argument) && !strncmp(name, p->name, len) && name[len] == '='))
            return p;
    }
    const char *near = nearest_name(name, nth_name, NULL);
    if (near)
        error_set(err, "%s: unknown option; is -%s meant?", argument, near);
    else
        error_set(err, "%s: unknown option; ringer -help lists them", argument);
    return NULL;
}

static void cpu_help(void (*line)(void *opaque, const char *text), void *opaque)
{
    char text[300];
    const char *name;

    line(opaque, "Available CPUs:");
    for (unsigned i = 0; (name = cpu_model_name(i)); i++) {
        snprintf(text, sizeof text, "x86 %s", name);
        line(opaque, text);
    }
    line(opaque, "");
    line(opaque, "Recognized CPUID flags:");
    size_t n = 0;
    for (unsigned i = 0; (name = cpu_feature_name(i)); i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, " %s", name);
        if (n > 70 || !cpu_feature_name(i + 1)) {
            line(opaque, text);
            n = 0;
        }
    }
}

static void object_help(void (*line)(void *opaque, const char *text), void *opaque)
{
    line(opaque, "List of user creatable objects:");
    line(opaque, "  memory-backend-memfd");
    line(opaque, "  memory-backend-ram");
    line(opaque, "  secret");
}

/* What an option's list of properties has. */
static void option_topic_help(const char *topic, void (*line)(void *opaque, const char *text),
                              void *opaque)
{
    const struct option *p;
    char text[300];

    for (unsigned i = 0; (p = nth_option(i)); i++) {
        if (strcmp(p->name, topic))
            continue;
        snprintf(text, sizeof text, "-%s %s  %s", p->name, p->value ? p->value : "",
                 p->help ? p->help : "");
        line(opaque, text);
        if (p->properties)
            properties_help(p->properties, line, opaque);
    }
}

/* -device help, -chardev help: of one option's values. */
static void topic_help(const struct options *o, void (*line)(void *opaque, const char *text),
                       void *opaque)
{
    if (!strcmp(o->help_topic, "device"))
        catalog_help(o->help_item ? catalog_find(o->help_item) : NULL, line, opaque);
    else if (!strcmp(o->help_topic, "chardev"))
        stream_chardev_help(o->help_item, line, opaque);
    else if (!strcmp(o->help_topic, "cpu"))
        cpu_help(line, opaque);
    else if (!strcmp(o->help_topic, "object") && !o->images[0])
        object_help(line, opaque);
    else if (o->help_item || !option_list_help(o->help_topic, line, opaque))
        option_topic_help(o->help_topic, line, opaque);
}

void options_help(const struct options *o, void (*line)(void *opaque, const char *text),
                  void *opaque)
{
    char text[300], left[80];

    if (o->help_topic) {
        topic_help(o, line, opaque);
        return;
    }
    line(opaque, "usage: ringer [OPTION]... [IMAGE]...");
    line(opaque, "       ringer top QMP-SOCKET | ringer tb-report STATS.json >PAGE.html");
    line(opaque, "Boot IMAGE (a floppy, a disk, a CD or a kernel, recognised by content) in a PC.");
    for (unsigned t = 0; t < TABLES; t++) {
        if (!tables[t].heading)
            continue;
        snprintf(text, sizeof text, "\n%s:", tables[t].heading);
        line(opaque, "");
        line(opaque, text + 1);
        for (const struct option *p = tables[t].rows; p->name; p++) {
            if (!p->help)
                continue;
            snprintf(left, sizeof left, "-%s%s%s", p->name, option_in_one(p) ? "" : " ",
                     p->value ? p->value : "");
            snprintf(text, sizeof text, "  %-17s %s", left, p->help);
            line(opaque, text);
        }
    }
}

/* ---- all together ---- */

/* What is there although nobody named it: a first serial and parallel port, with nothing on them;
 * with -nographic serial port and monitor share the terminal. */
static bool add_defaults(struct options *o, struct error *err)
{
    if (o->nodefaults) {
        o->no_vga |= !o->has_vga;
        return true;
    }
    if (!o->serials && !options_has_device(o, "isa-serial")) {
        bool stdio = options_stdio(o) != NULL;
        const char *where = stdio ? "null" : o->has_monitor ? "stdio" : "mon:stdio";
        if (!(o->nographic ? options_add_serial(o, where, err)
                           : options_add_device(o, "-serial", "isa-serial,index=0", err) != NULL))
            return false;
    }
    return o->parallels || options_has_device(o, "isa-parallel") ||
           options_add_device(o, "-parallel", "isa-parallel,index=0", err);
}

/* The letter by which the firmware knows what is in a place. */
static char boot_letter(const struct options *o, int place)
{
    if (place >= BOOT_ROM)
        return 'n';
    if (place < BOOT_IDE)
        return (char)('a' + place);
    return o->ide[place - BOOT_IDE]->cdrom ? 'd' : 'c';
}

/* ORDER: what has a bootindex, the lowest first, then the rest of the order; empty when nothing has
 * one.  Among disks it says which is 80h, and of CDs which one boots (vmm/machine.c). */
static void index_order(const struct options *o, char order[sizeof o->boot_order])
{
    size_t n = 0;

    for (uint32_t after = 0;;) {
        int least = -1;
        for (int i = 0; i < BOOT_PLACES; i++)
            if (o->bootindex[i] > after && (least < 0 || o->bootindex[i] < o->bootindex[least]))
                least = i;
        if (least < 0)
            break;
        after = o->bootindex[least];
        char letter = boot_letter(o, least);
        if (!memchr(order, letter, n))
            order[n++] = letter;
    }
    for (const char *p = o->boot_order; n && *p && n < sizeof o->boot_order - 1; p++)
        if (!memchr(order, *p, n))
            order[n++] = *p;
    order[n] = 0;
}

bool options_take_bootindex(struct options *o, int place, uint32_t index, const char *what,
                            struct error *err)
{
    for (int i = 0; i < BOOT_PLACES; i++)
        if (o->bootindex[i] == index + 1)
            return error_set(err, "%s: another device has that bootindex", what);
    o->bootindex[place] = index + 1;
    return true;
}

/* A CD drive without disc, unless there is one or its place is taken; and the order of booting that
 * bootindex= asks for. */
static bool add_default_drives(struct options *o, struct error *err)
{
    bool cdrom = o->nodefaults || o->ide[OPTIONS_CDROM_UNIT];
    char order[sizeof o->boot_order] = "";

    for (int i = 0; i < 4; i++)
        cdrom |= o->ide[i] && o->ide[i]->cdrom;
    if (!cdrom) {
        struct drive_option *d = options_add_drive(o, "the empty CD drive", NULL, err);
        if (!d)
            return false;
        d->cdrom = d->spare = true;
        d->unit = OPTIONS_CDROM_UNIT;
        if (!options_place_drive(o, d, err))
            return false;
    }
    index_order(o, order);
    if (*order)
        strcpy(o->boot_order, order);
    return true;
}

static bool check_combination(const struct options *o, struct error *err)
{
    if (o->accel && !o->accel_ok)
        return error_set(err,
                         "%s: ringer has one way to run guests, its own translator: leave the "
                         "option out, or -accel tcg",
                         o->accel);
    if (o->nographic && o->display == DISPLAY_TEXT)
        return error_set(err, "-nographic and -display text exclude each other");
    if (!o->kernel && (o->initrd || o->append))
        return o->image_count ? true
                              : error_set(err, "-%s needs a kernel: add -kernel FILE",
                                          o->initrd ? "initrd" : "append");
    return true;
}

/* Is the value, or the last item in its list, "help"? */
static bool asks_help(const char *value)
{
    const char *comma = strrchr(value, ','), *last = comma ? comma + 1 : value;

    return !strcmp(last, "help") || !strcmp(last, "?");
}

/* The argument at *I and its value. */
static bool take_option(struct options *o, int argc, char *const argv[], int *i, struct error *err)
{
    const struct option *option = find_option(argv[*i], err);
    const char *value = NULL;

    if (!option)
        return false;
    if (joined(option, argv[*i])) {
        value = strchr(argv[*i], '=');
        value += value != NULL;
    } else if (option->value) {
        if (*i + 1 == argc)
            return error_set(err, "%s needs a value: %s %s", argv[*i], argv[*i], option->value);
        value = argv[++*i];
    }
    if (value && option->properties && strcmp(option->name, "object") != 0 && asks_help(value))
        return option_help(o, option->name, strchr(value, ',') ? "properties" : NULL);
    return option->set(o, option, value, err);
}

bool options_apply(struct options *o, const char *name, const char *value, struct error *err)
{
    const struct option *option = find_option(pool_printf(&o->pool, "-%s", name), err);

    if (!option)
        return false;
    if (!value != !option->value)
        return error_set(err, "-%s %s", name, value ? "takes no value" : "needs a value");
    return option->set(o, option, value, err);
}

/* The first argument that is an image; NULL. */
static const char *first_image(int argc, char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] != '-' || !argv[i][1])
            return argv[i];
        const struct option *option = find_option(argv[i], NULL);
        i += option && option->value && !joined(option, argv[i]);
    }
    return NULL;
}

bool options_parse(struct options *o, int argc, char *const argv[], struct error *err)
{
    const char *image = first_image(argc, argv);

    *o = (struct options){.escape = 1, .ram_bytes = 128u << 20, .rtc_epoch = time(NULL)};
    strcpy(o->boot_order, "cad"); /* as QEMU does: a hard disk before a floppy */
    o->model = cpu_model_find("max");
    if (image && !options_read_conf(o, image, err)) /* first: the command line wins */
        return false;
    for (int i = 0; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1]) {
            if (!take_option(o, argc, argv, &i, err))
                return false;
            continue;
        }
        if (o->image_count == sizeof o->images / sizeof *o->images)
            return error_set(err, "%s: too many images", argv[i]);
        o->images[o->image_count++] = argv[i];
    }
    if (o->help && !o->help_topic && o->image_count) { /* -help NAME */
        struct option const *topic = find_option(pool_printf(&o->pool, "-%s", o->images[0]), err);
        o->help_topic = topic ? topic->name : NULL;
        o->help_item = topic && topic->properties ? "properties" : NULL;
        return topic != NULL;
    }
    if (o->help || o->version)
        return true;
    return check_combination(o, err) && options_check_memory(o, err) && options_check_vnc(o, err) &&
           add_defaults(o, err) && options_place_drives(o, err) && options_place_devices(o, err) &&
           options_place_onboard(o, err) && options_check_chardevs(o, err) &&
           options_check_audiodevs(o, err) && add_default_drives(o, err);
}

void options_free(struct options *o)
{
    pool_free(&o->pool);
}
