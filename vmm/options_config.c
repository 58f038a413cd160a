/* Options from files: -readconfig in QEMU's format, and the ringer.conf beside an image. */
#include "vmm/option.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 64 << 10 };

/* The text of PATH; NULL and ERR. */
static char *read_text(struct options *o, const char *path, struct error *err)
{
    char *text = pool_alloc(&o->pool, FILE_MAX + 1);
    FILE *f = fopen(path, "r");

    if (!f) {
        error_set(err, "'%s' cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    size_t n = fread(text, 1, FILE_MAX, f);
    bool bad = ferror(f) || (n == FILE_MAX && fgetc(f) != EOF) || memchr(text, 0, n);
    fclose(f);
    if (bad)
        error_set(err, "'%s' is no file of options: it is text of %d bytes at most", path,
                  FILE_MAX);
    return bad ? NULL : text;
}

static char *trimmed(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    for (size_t n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--)
        s[n - 1] = 0;
    return s;
}

/* ---- -readconfig ---- */

/* What a section of the file is as an option; FIRST is the key whose value stands first. */
static const struct group {
    const char *name, *option, *first;
} groups[] = {
    {"drive", "drive", NULL},
    {"device", "device", "driver"},
    {"chardev", "chardev", "backend"},
    {"mon", "mon", NULL},
    {"machine", "machine", NULL},
    {"memory", "m", "size"},
    {"boot-opts", "boot", NULL},
    {"smp-opts", "smp", NULL},
    {"rtc", "rtc", NULL},
    {"name", "name", NULL},
    {"global", "global", NULL},
    {"accel", "accel", NULL},
    {"sandbox", "sandbox", NULL},
    {"msg", "msg", NULL},
    {"action", "action", NULL},
    {"fw_cfg", "fw_cfg", NULL},
    {"smbios", "smbios", NULL},
    {"object", "object", "qom-type"},
    {"overcommit", "overcommit", NULL},
    {"audiodev", "audiodev", "driver"},
    {"option-rom", "option-rom", "romfile"},
};

struct section {
    const struct group *group;
    const char *first, *rest;
};

static bool apply(struct options *o, const struct section *s, const char *where, struct error *err)
{
    if (!s->group)
        return true;
    bool both = s->first && *s->first && *s->rest;
    const char *value =
        pool_printf(&o->pool, "%s%s%s", s->first ? s->first : "", both ? "," : "", s->rest);
    struct error why = {""};

    return options_apply(o, s->group->option, value, &why) ||
           error_set(err, "%s: %s", where, why.text);
}

static void add(struct options *o, struct section *s, const char *key, const char *value)
{
    s->rest = pool_printf(&o->pool, "%s%s%s=%s", s->rest, *s->rest ? "," : "", key,
                          option_escape(o, value));
}

/* [group] or [group "id"] */
static bool begin(struct options *o, struct section *s, char *line)
{
    char *end = strrchr(line, ']'), *quote = strchr(line, '"');

    *s = (struct section){.rest = ""};
    if (!end || end[1])
        return false;
    *end = 0;
    if (quote)
        *quote++ = 0;
    char *name = trimmed(line + 1);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (!strcmp(name, groups[i].name))
            s->group = &groups[i];
    if (!s->group || !quote)
        return s->group != NULL;
    char *close = strrchr(quote, '"');
    if (!close)
        return false;
    *close = 0;
    add(o, s, "id", quote);
    return true;
}

/* key = "value" */
static bool assign(struct options *o, struct section *s, char *line)
{
    char *equals = strchr(line, '=');

    if (!s->group || !equals)
        return false;
    *equals = 0;
    char *key = trimmed(line), *value = trimmed(equals + 1);
    size_t n = strlen(value);
    if (n < 2 || value[0] != '"' || value[n - 1] != '"')
        return false;
    value[n - 1] = 0;
    if (s->group->first && !strcmp(key, s->group->first))
        s->first = value + 1;
    else
        add(o, s, key, value + 1);
    return true;
}

bool options_read_config(struct options *o, const char *path, struct error *err)
{
    char *text = read_text(o, path, err);
    struct section s = {.rest = ""};
    const char *where = path;
    unsigned number = 0;

    for (char *line = text; line && *line;) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
        *end = 0;
        number++;
        line = trimmed(line);
        bool ok = true;
        if (*line == '[') {
            if (!apply(o, &s, where, err))
                return false;
            where = pool_printf(&o->pool, "%s line %u", path, number);
            ok = begin(o, &s, line);
        } else if (*line && *line != '#') {
            ok = assign(o, &s, line);
        }
        if (!ok)
            return error_set(
                err,
                "%s line %u: not understood; there are [drive \"ID\"], device, "
                "chardev, mon, machine, memory, boot-opts, smp-opts, rtc, name, "
                "global, accel, msg, action, fw_cfg, smbios, object, audiodev, and lines "
                "KEY = \"VALUE\"",
                path, number);
        line = next;
    }
    return text && apply(o, &s, where, err);
}

/* ---- ringer.conf ---- */

/* What an image may ask for: nothing that runs, reads or writes anything on the host. */
static const char *const harmless[] = {"m",       "cpu",     "boot",         "rtc",
                                       "machine", "no-acpi", "no-hpet",      "no-reboot",
                                       "vga",     "k",       "no-fd-bootchk"};

static bool is_harmless(const char *name, const char *value)
{
    static const char *const keys[] = {"kernel", "initrd", "firmware", "append"};

    for (size_t i = 0; value && !strcmp(name, "machine") && i < sizeof keys / sizeof *keys; i++)
        if (strstr(value, keys[i]))
            return false;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        if (!strcmp(name, harmless[i]))
            return true;
    return false;
}

static bool conf_line(struct options *o, char *line, struct error *err)
{
    char *name = line + (line[0] == '-') + (line[0] == '-' && line[1] == '-');
    char *value = name + strcspn(name, " \t");

    if (*value)
        *value++ = 0;
    value = trimmed(value);
    if (!is_harmless(name, value))
        return error_set(err,
                         "'%s': an image may set -m, -cpu, -boot, -rtc, -machine, -no-acpi, "
                         "-no-hpet, -no-reboot, -vga, -k",
                         name);
    return options_apply(o, name, *value ? value : NULL, err);
}

bool options_read_conf(struct options *o, const char *image, struct error *err)
{
    const char *slash = strrchr(image, '/');
    const char *path =
        pool_printf(&o->pool, "%.*sringer.conf", slash ? (int)(slash - image + 1) : 0, image);
    FILE *f = fopen(path, "r");
    unsigned number = 0;

    if (!f)
        return true;
    fclose(f);
    char *text = read_text(o, path, err);
    for (char *line = text; line && *line;) {
        char *end = line + strcspn(line, "\n"), *next = *end ? end + 1 : end;
        struct error why = {""};
        *end = 0;
        number++;
        line = trimmed(line);
        if (*line && *line != '#' && !conf_line(o, line, &why))
            return error_set(err, "%s line %u: %s", path, number, why.text);
        line = next;
    }
    return text != NULL;
}
