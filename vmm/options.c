#define _GNU_SOURCE /* strchrnul, timegm */
#include "vmm/options.h"
#include "cpu/emulate.h"
#include "ringer/log.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One option.  SET gets the option's name as the user knows it and its value (NULL without). */
struct option {
    const char *name, *value, *help;
    bool (*set)(struct options *o, const struct option *self, const char *value, struct error *err);
};

static bool bad(struct error *err, const struct option *self, const char *value, const char *right)
{
    return error_set(err, "-%s %s: unknown; it is %s", self->name, value, right);
}

/* ---- numbers and lists ---- */

bool options_size(const char *text, uint64_t unit, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long long n = strtoull(text, &end, 10);
    switch (*end) {
    case 0:
        break;
    case 'k':
    case 'K':
        unit = 1u << 10;
        break;
    case 'm':
    case 'M':
        unit = 1u << 20;
        break;
    case 'g':
    case 'G':
        unit = 1u << 30;
        break;
    default:
        return false;
    }
    if (*end && end[1] && strcasecmp(end + 1, "b") && strcasecmp(end + 1, "ib"))
        return false;
    if (n > UINT64_MAX / unit)
        return false;
    *out = n * unit;
    return true;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    unsigned long long n = strtoull(text, &end, 0);
    *out = n;
    return *end == 0 && n <= max;
}

/* Walk "key=value,flag,..." : copies the next item into ITEM and splits it.  False at the end. */
struct item {
    char key[64];
    const char *value; /* NULL for a flag */
};

static bool next_item(const char **list, struct item *item)
{
    const char *p = *list, *end = strchrnul(p, ',');

    if (!*p)
        return false;
    snprintf(item->key, sizeof item->key, "%.*s", (int)(end - p), p);
    char *equals = strchr(item->key, '=');
    if (equals)
        *equals = 0;
    item->value = equals ? equals + 1 : NULL;
    *list = *end ? end + 1 : end;
    return true;
}

static bool is_on(const char *value, bool *out)
{
    if (!value || !strcmp(value, "on") || !strcmp(value, "yes"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no"))
        *out = false;
    else
        return false;
    return true;
}

/* ---- the machine ---- */

static bool set_memory(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    const uint64_t min = 1u << 20, max = 3584ull << 20;
    const char *size = strncmp(value, "size=", 5) ? value : value + 5;

    if (!options_size(size, 1u << 20, &o->ram_bytes) || o->ram_bytes < min || o->ram_bytes > max)
        return error_set(err, "-%s %s: not a memory size; it is 1M to 3584M, as in 128, 256M or 2G",
                         self->name, value);
    o->ram_bytes &= ~(uint64_t)(PAGE_SIZE - 1);
    return true;
}

static bool set_cpu(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    o->model = cpu_model_find(value);
    return o->model || bad(err, self, value, cpu_model_names());
}

static bool set_path(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const struct {
        const char *name;
        const char **where;
    } paths[] = {
        {"fda", &o->floppy[0]}, {"fdb", &o->floppy[1]}, {"hda", &o->disk[0]},
        {"hdb", &o->disk[1]},   {"hdc", &o->disk[2]},   {"hdd", &o->disk[3]},
        {"cdrom", &o->cdrom},
        {"kernel", &o->kernel}, {"initrd", &o->initrd}, {"append", &o->append},
        {"D", &o->log_path},    {"script", &o->script},
    };

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (!strcmp(self->name, paths[i].name)) {
            if (!*value && strcmp(self->name, "append"))
                return error_set(err, "-%s: the file name is empty", self->name);
            *paths[i].where = value;
        }
    return true;
}

static bool set_flag(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    const struct {
        const char *name;
        bool *where;
    } flags[] = {
        {"snapshot", &o->snapshot},   {"no-reboot", &o->no_reboot}, {"S", &o->start_stopped},
        {"nographic", &o->nographic}, {"help", &o->help},           {"h", &o->help},
        {"version", &o->version},
    };

    (void)value;
    (void)err;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(self->name, flags[i].name))
            *flags[i].where = true;
    return true;
}

static bool boot_letters(char *out, const char *letters)
{
    size_t n = strlen(letters);

    if (n == 0 || n > 4)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!strchr("acdn", letters[i]) || strchr(letters + i + 1, letters[i]))
            return false;
    strcpy(out, letters);
    return true;
}

static bool set_boot(struct options *o, const struct option *self, const char *value,
                     struct error *err)
{
    static const char right[] = "LETTERS, order=LETTERS or once=LETTERS, of a (floppy), c (hard "
                                "disk), d (CD), n (network), each at most once";
    const char *list = value;
    struct item item;
    bool menu;

    if (!strchr(value, '='))
        return boot_letters(o->boot_order, value) || bad(err, self, value, right);
    while (next_item(&list, &item)) {
        bool ok = false;
        if (item.value && !strcmp(item.key, "order"))
            ok = boot_letters(o->boot_order, item.value);
        else if (item.value && !strcmp(item.key, "once"))
            ok = boot_letters(o->boot_once, item.value);
        else if (item.value && (!strcmp(item.key, "menu") || !strcmp(item.key, "strict")))
            ok = is_on(item.value, &menu) && !menu;
        if (!ok)
            return bad(err, self, value, right);
    }
    return true;
}

static bool set_device(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    static const char right[] = "isa-debug-exit[,iobase=PORT][,iosize=1|2|4]";
    const char *list = value;
    struct item item;
    uint64_t n;

    if (!next_item(&list, &item) || strcmp(item.key, "isa-debug-exit") || item.value)
        return bad(err, self, value, right);
    o->debug_exit = true;
    o->debug_exit_base = 0x501;
    o->debug_exit_size = 2;
    while (next_item(&list, &item)) {
        if (item.value && !strcmp(item.key, "iobase") && parse_number(item.value, 0xfffc, &n))
            o->debug_exit_base = (uint16_t)n;
        else if (item.value && !strcmp(item.key, "iosize") && parse_number(item.value, 4, &n) &&
                 n != 0 && n != 3)
            o->debug_exit_size = (uint16_t)n;
        else
            return bad(err, self, value, right);
    }
    return true;
}

static bool set_rtc(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    struct tm tm = {0};
    time_t now = time(NULL);
    const char *end;

    if (!strcmp(value, "base=utc")) {
        o->rtc_epoch = now;
        return true;
    }
    if (!strcmp(value, "base=localtime")) {
        localtime_r(&now, &tm);
        o->rtc_epoch = timegm(&tm);
        return true;
    }
    if (!strncmp(value, "base=", 5) &&
        (((end = strptime(value + 5, "%Y-%m-%dT%H:%M:%S", &tm)) && !*end) ||
         ((end = strptime(value + 5, "%Y-%m-%d", &tm)) && !*end))) {
        o->rtc_epoch = timegm(&tm);
        return true;
    }
    return bad(err, self, value, "base=utc, base=localtime or base=YYYY-MM-DD[THH:MM:SS]");
}

/* ---- what it is connected to ---- */

static bool set_stream(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    char option[16];

    snprintf(option, sizeof option, "-%s", self->name);
    if (!strcmp(self->name, "serial")) {
        if (o->serials == OPTIONS_SERIALS)
            return error_set(err, "-serial %s: a PC has four serial ports", value);
        return stream_parse(option, value, &o->serial[o->serials++], err);
    }
    bool debugcon = !strcmp(self->name, "debugcon");
    struct stream_spec *spec = debugcon ? &o->debugcon : &o->monitor;
    *(debugcon ? &o->has_debugcon : &o->has_monitor) = true;
    if (!stream_parse(option, value, spec, err))
        return false;
    if (spec->mux)
        return error_set(err, "-%s %s: only a serial port can share the terminal with the monitor",
                         self->name, value);
    return true;
}

static bool set_display(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    if (!strcmp(value, "none"))
        o->display = DISPLAY_NONE;
    else if (!strcmp(value, "text") || !strcmp(value, "curses"))
        o->display = DISPLAY_TEXT;
    else
        return bad(err, self, value, "none or text");
    return true;
}

static bool set_ignored(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    static const struct {
        const char *name, *values[4], *right;
    } known[] = {
        {"vga", {"std"}, "std"},
        {"machine", {"pc", "isapc"}, "pc"},
        {"M", {"pc", "isapc"}, "pc"},
        {"parallel", {"none", "null"}, "none"},
        {"net", {"none"}, "none"},
        {"nic", {"none"}, "none"},
        {"smp", {"1"}, "1: there is one processor"},
    };

    (void)o;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(self->name, known[i].name))
            continue;
        for (size_t j = 0; j < 4 && known[i].values[j]; j++)
            if (!strcmp(value, known[i].values[j]))
                return true;
        return bad(err, self, value, known[i].right);
    }
    return true;
}

static bool set_refused(struct options *o, const struct option *self, const char *value,
                        struct error *err)
{
    (void)o;
    return error_set(err,
                     "-%s%s%s: ringer has one way to run guests, its own translator: leave "
                     "the option out",
                     self->name, value ? " " : "", value ? value : "");
}

/* ---- looking inside ---- */

static bool set_log(struct options *o, const struct option *self, const char *value,
                    struct error *err)
{
    char name[40];

    if (log_parse_channels(value, &o->log_channels, name, sizeof name))
        return true;
    return error_set(err,
                     "-%s %s: unknown channel '%s'; they are in_asm, out_asm, int, exec, mmu, "
                     "guest_errors, unimp, io, all",
                     self->name, value, name);
}

static bool set_translator(struct options *o, const struct option *self, const char *value,
                           struct error *err)
{
    static const char right[] = "check=on|off, cache=SIZE (1M to 256M), max-insns=1..512, "
                                "separated by commas";
    const char *list = value;
    struct item item;
    uint64_t n;

    if (!*value)
        return bad(err, self, value, right);
    while (next_item(&list, &item)) {
        if (!strcmp(item.key, "check") && is_on(item.value, &o->translator.check))
            continue;
        if (item.value && !strcmp(item.key, "cache") && options_size(item.value, 1u << 20, &n) &&
            n >= 1u << 20 && n <= 256u << 20)
            o->translator.cache_bytes = (uint32_t)n;
        else if (item.value && !strcmp(item.key, "max-insns") &&
                 parse_number(item.value, 512, &n) && n > 0)
            o->translator.max_insns = (uint32_t)n;
        else
            return bad(err, self, value, right);
    }
    return true;
}

static const struct option options[] = {
    {"m", "SIZE", "guest memory, 1M to 3584M (default 128M)", set_memory},
    {"cpu", "MODEL", "processor model (default max)", set_cpu},
    {"fda", "FILE", "floppy image in drive A:", set_path},
    {"fdb", "FILE", "floppy image in drive B:", set_path},
    {"hda", "FILE", "disk image: first IDE channel, master", set_path},
    {"hdb", "FILE", "disk image: first IDE channel, slave", set_path},
    {"hdc", "FILE", "disk image: second IDE channel, master", set_path},
    {"cdrom", "FILE", "CD image, in a drive that is the second IDE channel's master", set_path},
    {"hdd", "FILE", "disk image: second IDE channel, slave", set_path},
    {"snapshot", NULL, "write to temporary files, never to the images", set_flag},
    {"kernel", "FILE", "boot this Linux (bzImage) or Multiboot kernel", set_path},
    {"initrd", "FILE", "initial RAM disk; for Multiboot a list of modules", set_path},
    {"append", "TEXT", "the kernel's command line", set_path},
    {"boot", "ORDER", "[order=]LETTERS, once=LETTERS: a floppy, c hard disk, d CD", set_boot},
    {"no-reboot", NULL, "end instead of rebooting", set_flag},
    {"rtc", "BASE", "base=utc, base=localtime or base=DATE", set_rtc},
    {"serial", "DEV",
     "stdio, mon:stdio, null, none, pty, file:PATH, unix:PATH[,server=on]"
     "[,wait=off]; once for each port",
     set_stream},
    {"debugcon", "DEV", "what port E9h prints to, as -serial", set_stream},
    {"monitor", "DEV", "where the monitor listens, as -serial", set_stream},
    {"nographic", NULL, "no display; serial port and monitor on the terminal (Ctrl-A h)", set_flag},
    {"display", "KIND", "none, or text: the text screen in this terminal", set_display},
    {"device", "NAME,...", "isa-debug-exit[,iobase=PORT][,iosize=N]", set_device},
    {"script", "FILE", "drive the guest by the commands in FILE", set_path},
    {"S", NULL, "start stopped; the monitor's cont goes on", set_flag},
    {"d", "LIST", "log: in_asm,out_asm,int,exec,mmu,guest_errors,unimp,io,all", set_log},
    {"D", "FILE", "log to FILE instead of standard error", set_path},
    {"translator", "LIST", "check=on|off, cache=SIZE, max-insns=N", set_translator},
    {"vga", "std", "the one graphics card there is", set_ignored},
    {"name", "TEXT", NULL, set_ignored},
    {"machine", "pc", NULL, set_ignored},
    {"M", "pc", NULL, set_ignored},
    {"parallel", "none", NULL, set_ignored},
    {"net", "none", NULL, set_ignored},
    {"nic", "none", NULL, set_ignored},
    {"smp", "1", NULL, set_ignored},
    {"nodefaults", NULL, NULL, set_ignored},
    {"accel", "NAME", NULL, set_refused},
    {"enable-kvm", NULL, NULL, set_refused},
    {"no-kvm", NULL, NULL, set_refused},
    {"help", NULL, "this text", set_flag},
    {"h", NULL, NULL, set_flag},
    {"version", NULL, "print the version", set_flag},
};

static const struct option *find_option(const char *argument)
{
    const char *name = argument + 1 + (argument[1] == '-');

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(name, options[i].name))
            return &options[i];
    return NULL;
}

void options_help(void (*line)(void *opaque, const char *text), void *opaque)
{
    char text[200], left[40];

    line(opaque, "usage: ringer [OPTION]... [IMAGE]...");
    line(opaque, "Boot IMAGE (a floppy, a disk or a kernel, recognised by content) in a PC.");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *p = &options[i];
        if (!p->help)
            continue;
        snprintf(left, sizeof left, "-%s %s", p->name, p->value ? p->value : "");
        snprintf(text, sizeof text, "  %-17s %s", left, p->help);
        line(opaque, text);
    }
}

static bool check_combination(const struct options *o, struct error *err)
{
    unsigned stdio = o->has_monitor && o->monitor.kind == STREAM_STDIO;

    stdio += o->has_debugcon && o->debugcon.kind == STREAM_STDIO;
    for (unsigned i = 0; i < o->serials; i++)
        stdio += o->serial[i].kind == STREAM_STDIO;
    if (stdio > 1)
        return error_set(err,
                         "stdio is named %u times: only one of -serial, -monitor and "
                         "-debugcon can have it",
                         stdio);
    if (stdio && o->display == DISPLAY_TEXT)
        return error_set(err, "-display text needs the terminal: send what is on stdio to "
                              "file:PATH, unix:PATH or pty");
    if (o->nographic && o->display == DISPLAY_TEXT)
        return error_set(err, "-nographic and -display text exclude each other");
    if (!o->kernel && (o->initrd || o->append))
        return o->image_count ? true
                              : error_set(err, "-%s needs a kernel: add -kernel FILE",
                                          o->initrd ? "initrd" : "append");
    return true;
}

bool options_parse(struct options *o, int argc, char *const argv[], struct error *err)
{
    *o = (struct options){.ram_bytes = 128u << 20, .rtc_epoch = time(NULL)};
    strcpy(o->boot_order, "cad"); /* as QEMU does: a hard disk before a floppy */
    o->model = cpu_model_find("max");
    for (int i = 0; i < argc; i++) {
        const char *value = NULL;

        if (argv[i][0] != '-' || !argv[i][1]) {
            if (o->image_count == sizeof o->images / sizeof *o->images)
                return error_set(err, "%s: too many images", argv[i]);
            o->images[o->image_count++] = argv[i];
            continue;
        }
        const struct option *option = find_option(argv[i]);
        if (!option)
            return error_set(err, "%s: unknown option; ringer -help lists them", argv[i]);
        if (option->value) {
            if (++i == argc)
                return error_set(err, "%s needs a value: %s %s", argv[i - 1], argv[i - 1],
                                 option->value);
            value = argv[i];
        }
        if (!option->set(o, option, value, err))
            return false;
    }
    return o->help || o->version || check_combination(o, err);
}
