/* -object: secrets, which other options name instead of showing them in the list of processes. */
#include "vmm/option.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct property secret_properties[] = {
    {"qom-type", PROPERTY_CHOICE, "the kind of object", NULL, 0, 0, "secret"},
    {"id", PROPERTY_STRING, "what it is called", NULL, 0, 0, NULL},
    {"data", PROPERTY_STRING, "the secret itself", NULL, 0, 0, NULL},
    {"file", PROPERTY_STRING, "a file with it", NULL, 0, 0, NULL},
    {"format", PROPERTY_CHOICE, "how it is written", "raw", 0, 0, "raw|base64"},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

static bool read_secret(struct options *o, const char *path, const char **text, struct error *err)
{
    enum { MOST = 4096 };
    char *data = pool_alloc(&o->pool, MOST + 1);
    FILE *f = fopen(path, "rbe");

    if (!f)
        return error_set(err, "-object secret,file=%s: cannot be read: %s", path, strerror(errno));
    size_t n = fread(data, 1, MOST, f);
    bool ok = !ferror(f) && feof(f);
    fclose(f);
    if (!ok)
        return error_set(err, "-object secret,file=%s: cannot be read, or has more than %d bytes",
                         path, MOST);
    data[n] = 0;
    *text = data;
    return true;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* NULL when TEXT is no base64 (RFC 4648), or has a NUL in it. */
static const char *decode(struct options *o, const char *text)
{
    char *out = pool_alloc(&o->pool, strlen(text) + 1), *to = out;
    unsigned bits = 0, have = 0;

    for (; *text && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0 && strchr(" \r\n\t", *text))
            continue;
        if (digit < 0)
            return NULL;
        bits = bits << 6 | (unsigned)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to = (char)(bits >> have);
            if (!*to++)
                return NULL;
        }
    }
    return text[strspn(text, "= \r\n\t")] ? NULL : out;
}

static const struct property memory_properties[] = {
    {"qom-type", PROPERTY_CHOICE, "the kind of object", NULL, 0, 0,
     "memory-backend-ram|memory-backend-memfd"},
    {"id", PROPERTY_STRING, "what it is called", NULL, 0, 0, NULL},
    {"size", PROPERTY_SIZE, "as -m has it", NULL, 1, 0, NULL},
    {"share", PROPERTY_BOOL, "all the same here", NULL, 0, 0, NULL},
    {"merge", PROPERTY_BOOL, "as the host has it", NULL, 0, 0, NULL},
    {"dump", PROPERTY_BOOL, "as the host has it", NULL, 0, 0, NULL},
    {"hugetlb", PROPERTY_CHOICE, NULL, NULL, 0, 0, "off|no|false"},
    {"seal", PROPERTY_BOOL, "all the same here", NULL, 0, 0, NULL},
    {"prealloc", PROPERTY_CHOICE, NULL, NULL, 0, 0, "off|no|false"},
    {"x-use-canonical-path-for-ramblock-id", PROPERTY_BOOL, NULL, NULL, 0, 0, NULL},
    {NULL, PROPERTY_END, NULL, NULL, 0, 0, NULL},
};

/* RAM by another name: there is one piece of it, which -machine memory-backend=ID may mean. */
static bool set_memory(struct options *o, const char *list, struct error *err)
{
    enum { TYPE, ID, SIZE };
    const char *what = pool_printf(&o->pool, "-object %s", list);
    struct value v[PROPERTIES_MAX];

    if (!properties_parse(memory_properties, v, list, "qom-type", &o->pool, what, err))
        return false;
    if (!v[ID].given || !v[SIZE].given)
        return error_set(err, "%s: it is memory-backend-ram,id=NAME,size=SIZE", what);
    if (o->memory_id)
        return error_set(err, "%s: the machine has one piece of RAM, %s", what, o->memory_id);
    o->memory_id = v[ID].text;
    o->memory_bytes = v[SIZE].number;
    return true;
}

bool options_check_memory(const struct options *o, struct error *err)
{
    if (o->memory_backend && (!o->memory_id || strcmp(o->memory_id, o->memory_backend) != 0))
        return error_set(err,
                         "-machine memory-backend=%s: there is no -object memory-backend-ram "
                         "of this id",
                         o->memory_backend);
    return !o->memory_id || o->memory_bytes == o->ram_bytes ||
           error_set(err, "-object memory-backend-ram,id=%s: its size is not that of -m, %llu MiB",
                     o->memory_id, (unsigned long long)(o->ram_bytes >> 20));
}

/* Does LIST name a kind of QEMU's objects that nothing here would use? */
static bool is_foreign(const char *list)
{
    static const char *const kinds[] = {
        "authz-",   "can-",  "colo-",     "cryptodev-", "dbus-vmstate", "filter-", "input-",
        "iothread", "main-", "pef-guest", "pr-manager", "qtest",        "rng-",    "secret_keyring",
        "sev-",     "sgx-",  "thread-",   "throttle-",  "tls-",         "x-remote"};
    const char *name = list + (strncmp(list, "qom-type=", 9) ? 0 : 9);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strncmp(name, kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

static bool set_object(struct options *o, const struct option *self, const char *value,
                       struct error *err)
{
    enum { TYPE, ID, DATA, IN_FILE, FORMAT };
    struct value v[PROPERTIES_MAX];

    if (!strcmp(value, "help") || !strcmp(value, "?"))
        return option_help(o, "object", NULL);
    value = option_from_json(o, "-object", value, "qom-type", err);
    if (value && !strncmp(value + (strncmp(value, "qom-type=", 9) ? 0 : 9), "memory-backend-", 15))
        return set_memory(o, value, err);
    if (value && is_foreign(value))
        return error_set(err, "-object %s: ringer has no such objects; -object help lists its own",
                         value);
    if (!value || !option_properties(o, self, value, "qom-type", v, err))
        return false;
    if (!v[TYPE].given || !v[ID].given || v[DATA].given == v[IN_FILE].given)
        return error_set(err,
                         "-object %s: it is secret,id=NAME,data=TEXT or "
                         "secret,id=NAME,file=FILE",
                         v[TYPE].given ? "secret" : value);
    if (options_secret(o, v[ID].text))
        return error_set(err, "-object secret,id=%s: there is one of this name already",
                         v[ID].text);
    if (o->secret_count == OPTIONS_SECRETS)
        return error_set(err, "-object secret,id=%s: there are %d at most", v[ID].text,
                         OPTIONS_SECRETS);
    const char *text = v[DATA].text;
    if (v[IN_FILE].given && !read_secret(o, v[IN_FILE].text, &text, err))
        return false;
    if (v[FORMAT].number && !(text = decode(o, text)))
        return error_set(err, "-object secret,id=%s: what it holds is no base64 of a text",
                         v[ID].text);
    o->secrets[o->secret_count].id = v[ID].text;
    o->secrets[o->secret_count++].text = text;
    return true;
}

const char *options_secret(const struct options *o, const char *id)
{
    for (unsigned i = 0; i < o->secret_count; i++)
        if (!strcmp(o->secrets[i].id, id))
            return o->secrets[i].text;
    return NULL;
}

const struct option options_object[] = {
    {"object", "secret,...", "a password for other options: id=NAME,data=TEXT or file=FILE",
     set_object, secret_properties},
    {NULL, NULL, NULL, NULL, NULL},
};
